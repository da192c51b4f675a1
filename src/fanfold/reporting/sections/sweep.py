"""One sweep: where its results lie, the warning that goes with them, its best."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fanfold.reporting.figures.plot import Figure
from fanfold.reporting.figures.study import parallel_figure
from fanfold.reporting.figures.sweep import (
    Shades,
    distribution,
    heat_map,
    parameter_line,
    shades,
)
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import ABSENT, count, measure, parameter, percent, ratio
from fanfold.reporting.sections.run import parameters
from fanfold.reporting.studies import Objectives, parallel_of
from fanfold.reporting.sweeps import Grid, SweepSummary
from fanfold.reporting.views import SweepView

if TYPE_CHECKING:
    from pandas import DataFrame

PARALLEL_PARAMS_MIN = 3
"""Fewer parameters that vary are told by a heat map."""
AXIS_PX_MIN = 84
"""Room that an axis with its name needs [px]."""
RANKS = (
    ("the best", "ring"),
    ("best 2%", "heat-4"),
    ("10%", "heat-3"),
    ("25%", "heat-2"),
    ("50%", "heat-1"),
    ("the rest", "heat-0"),
)
"""Words and colours of the shades of lines."""


def sweep_blocks(view: SweepView, trial_count_all: int, gallery: Gallery) -> list[Markup]:
    """One sweep, with the number of trials of all sweeps on the page."""
    summary = SweepSummary(view)
    blocks = [
        tag(
            "p",
            f"{view.strategy}, {count(summary.combination_count)} combinations of "
            f"{', '.join(view.params)}, ranked by {summary.objective_label}.",
            class_="lead",
        ),
        parameters({f"best {name}": view.best[name] for name in view.params if name in view.best}),
        _warning(summary, trial_count_all),
    ]
    if len(summary.values):
        blocks += [
            tag("div", *_figures(summary, gallery), class_="pair wide-first"),
            parallel_block(summary, gallery),
            tag("h3", "Best combinations"),
            best_combinations(summary),
        ]
    outcomes = outcome_table(summary.outcomes(), summary.combination_count, "Combinations")
    return [*blocks, tag("h3", "What became of each"), outcomes]


def _figures(summary: SweepSummary, gallery: Gallery) -> list[Markup]:
    label = summary.objective_label
    grid = summary.grid()
    shown: list[Markup] = []
    if grid is not None:
        shown.append(grid_figure(grid, label, gallery, one="combination"))
    middle, best = (
        ratio(float(value)) for value in (np.median(summary.values), np.max(summary.values))
    )
    shown.append(
        gallery.show(
            distribution(summary),
            meaning=f"Distribution of {label}",
            heading=f"Distribution of {label}",
            reading=f"{count(len(summary.values))} combinations with a result; the dotted lines are"
            f" their median, {middle}, and their best, {best}.",
            size="heat",
        )
    )
    return shown


def grid_figure(grid: Grid, label: str, gallery: Gallery, *, one: str) -> Markup:
    """The objective over the two parameters that tell most, or over the only one."""
    flat = len(grid.y.labels) == 1
    where = grid.x.name if flat else f"{grid.x.name} and {grid.y.name}"
    key = Markup() if flat else colour_key(shades(grid))
    return gallery.show(
        grid_plot(grid, label),
        meaning=f"{label} over {where}",
        heading=f"{label} over {where}",
        reading=Markup(tag("span", _grid_note(grid, one, flat=flat)) + key),
        size="heat",
    )


def grid_plot(grid: Grid, label: str) -> Figure:
    """A heat map, or a line where one parameter alone varies."""
    return parameter_line(grid, label) if len(grid.y.labels) == 1 else heat_map(grid, label)


def parallel_block(summary: SweepSummary, gallery: Gallery) -> Markup:
    """All combinations as lines; two parameters are told by the heat map already."""
    view = summary.view
    if len(summary.varying) < PARALLEL_PARAMS_MIN:
        return Markup()
    return parallel_lines(view.table, view.params, [(view.objective, "maximize")], gallery)


def parallel_lines(
    table_: "DataFrame", params: Sequence[str], objectives: Objectives, gallery: Gallery
) -> Markup:
    """Trials as lines across their parameters, shaded by how they rank."""
    found = parallel_of(table_, params, objectives)
    if found is None:
        return Markup()
    drawn, all_ = len(found.lines), found.trial_count
    label = measure(objectives[0][0]).label
    reading = (
        f"Each line is one trial, from its parameters on the left to its {label} on the right,"
        " where up is better. Where the best lines bundle, the parameter matters and that value"
        " is the good one; where they spread over the whole axis, it hardly does."
    )
    if drawn < all_:
        reading += f" Drawn are {count(drawn)} of {count(all_)}, an even choice with the best."
    if found.left_out:
        reading += f" Without room: {', '.join(found.left_out)}, which tell least."
    hint = " Drag along axes to see only the lines that pass there; click one to let go."
    return gallery.show(
        parallel_figure(found),
        meaning=f"Trials as lines across parameters and {label}",
        heading="All parameters at once",
        reading=Markup(tag("span", reading) + tag("span", hint, class_="brushing")),
        size="heat",
        legend=RANKS,
        width_px_min=AXIS_PX_MIN * len(found.axes),
    )


def _warning(summary: SweepSummary, trial_count_all: int) -> Markup:
    trials = count(summary.trial_count)
    text = luck_warning(trials, summary.objective_label, told=summary.view.evidence is not None)
    if trial_count_all > summary.trial_count:
        text += f" All sweeps on this page together are {count(trial_count_all)} trials."
    return tag("p", text, class_="warning", role="note")


def luck_warning(trials: str, label: str, *, told: bool) -> str:
    """What a reader must know of the best of many; `told` where the evidence says how much."""
    text = (
        f"The best of {trials} trials is the luckiest of {trials}. Its {label} is raw: nothing was"
        " taken off for having looked so often, and on new data it should be expected to do worse."
    )
    return text + " How much of it is luck is asked under “Is it luck?”." if told else text


def _grid_note(grid: Grid, one: str, *, flat: bool) -> str:
    note = "Each point" if flat else "Each cell"
    if grid.others:
        note += f" is the best over {' and '.join(grid.others)}."
    elif grid.x.binned or grid.y.binned:
        note += f" is the best of the {one}s that fall into it."
    else:
        note += f" is one {one}."
    return note if flat else note + " The ring marks the best; blank is without a result."


def colour_key(colours: Shades) -> Markup:
    """From the lowest to the highest value, and the colours between."""
    ramp = ", ".join(f"var(--heat-{name})" for name in colours.names)
    return tag(
        "span",
        f"{'≤ ' if colours.more_below else ''}{ratio(colours.lowest)}",
        tag("i", style=f"background: linear-gradient(to right, {ramp})", aria_hidden="true"),
        f"{'≥ ' if colours.more_above else ''}{ratio(colours.highest)}",
        class_="key",
    )


def best_combinations(summary: SweepSummary) -> Markup:
    """The best rows of a sweep."""
    columns, best = summary.top()
    params = set(summary.view.params)
    rows = [
        [str(rank)]
        + [
            parameter(value) if name in params else measure(name).show(float(value))
            for name, value in zip(columns, row, strict=True)
        ]
        for rank, row in enumerate(best.itertuples(index=False, name=None), start=1)
    ]
    heads = [name if name in params else measure(name).label for name in columns]
    return table(["", *heads], rows, caption="Best combinations", text_columns=0)


def outcome_table(outcomes: Sequence[tuple[str, str, int]], total: int, noun: str) -> Markup:
    """What became of every combination or trial."""
    rows = [
        [status, reason or ABSENT, count(n), percent(n / total)] for status, reason, n in outcomes
    ]
    heads = ["Status", "Reason", noun, "Share"]
    return table(heads, rows, caption=f"{noun} by what became of them", text_columns=2)

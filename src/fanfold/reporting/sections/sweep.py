"""One sweep: where its results lie, the warning that goes with them, its best."""

import numpy as np

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
from fanfold.reporting.sweeps import Grid, SweepSummary
from fanfold.reporting.views import SweepView


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
            tag("h3", "Best combinations"),
            best_combinations(summary),
        ]
    return [*blocks, tag("h3", "What became of each"), outcomes(summary)]


def _figures(summary: SweepSummary, gallery: Gallery) -> list[Markup]:
    label = summary.objective_label
    grid = summary.grid()
    shown: list[Markup] = []
    if grid is not None:
        flat = len(grid.y.labels) == 1
        where = grid.x.name if flat else f"{grid.x.name} and {grid.y.name}"
        note = tag("span", _grid_note(grid, flat=flat))
        key = Markup() if flat else _colour_key(shades(grid))
        shown.append(
            gallery.show(
                parameter_line(grid, label) if flat else heat_map(grid, label),
                meaning=f"{label} over {where}",
                heading=f"{label} over {where}",
                reading=Markup(note + key),
                size="heat",
            )
        )
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


def _warning(summary: SweepSummary, trial_count_all: int) -> Markup:
    trials = count(summary.trial_count)
    text = (
        f"The best of {trials} trials is the luckiest of {trials}. Its"
        f" {summary.objective_label} is raw: nothing was taken off for having looked so often,"
        " and on new data it should be expected to do worse."
    )
    if trial_count_all > summary.trial_count:
        text += f" All sweeps on this page together are {count(trial_count_all)} trials."
    return tag("p", text, class_="warning", role="note")


def _grid_note(grid: Grid, *, flat: bool) -> str:
    note = "Each point" if flat else "Each cell"
    if grid.others:
        note += f" is the best over {' and '.join(grid.others)}."
    elif grid.x.binned or grid.y.binned:
        note += " is the best of the combinations that fall into it."
    else:
        note += " is one combination."
    return note if flat else note + " The ring marks the best; blank is without a result."


def _colour_key(colours: Shades) -> Markup:
    ramp = ", ".join(f"var(--heat-{name})" for name in colours.names)
    return tag(
        "span",
        ratio(colours.lowest),
        tag("i", style=f"background: linear-gradient(to right, {ramp})", aria_hidden="true"),
        ratio(colours.highest),
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


def outcomes(summary: SweepSummary) -> Markup:
    """What became of every combination."""
    rows = [
        [status, reason or ABSENT, count(n), percent(n / summary.combination_count)]
        for status, reason, n in summary.outcomes()
    ]
    heads = ["Status", "Reason", "Combinations", "Share"]
    return table(heads, rows, caption="Combinations by what became of them", text_columns=2)

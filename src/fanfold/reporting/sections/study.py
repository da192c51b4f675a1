"""One study: how the search went, what matters, and the best that it found."""

from itertools import combinations

import numpy as np

from fanfold.reporting.figures.study import (
    PANELS_MAX,
    history_figure,
    importance_figure,
    pareto_figure,
)
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import count, measure, parameter
from fanfold.reporting.sections.run import parameters
from fanfold.reporting.sections.sweep import (
    grid_figure,
    grid_plot,
    luck_warning,
    outcome_table,
    parallel_lines,
)
from fanfold.reporting.studies import StudySummary
from fanfold.reporting.study_views import StudyView
from fanfold.reporting.sweeps import nearly_all, outcomes_of


def study_blocks(view: StudyView, gallery: Gallery) -> list[Markup]:
    """One study for a reader: course, front, importance, parameters, outcomes."""
    summary = StudySummary(view)
    trials = count(summary.trial_count)
    warning = luck_warning(trials, summary.labels[0], told=view.evidence is not None)
    blocks = [
        _lead(summary),
        parameters({f"best {name}": view.best[name] for name in view.params if name in view.best}),
        tag("p", warning, class_="warning", role="note"),
    ]
    if summary.scored.any():
        blocks += [
            _history(summary, gallery),
            *_fronts(summary, gallery),
            parallel_lines(view.table, view.params, view.objectives, gallery),
            _told(summary, gallery),
            tag("h3", "Best trials"),
            best_trials(summary),
        ]
    return [*blocks, tag("h3", "What became of each"), _outcomes(summary)]


def explored_blocks(view: StudyView, gallery: Gallery) -> list[Markup]:
    """One study for exploring: every pair of the parameters that tell most may be chosen."""
    summary = StudySummary(view)
    blocks = [_lead(summary)]
    if summary.scored.any():
        blocks += [
            parallel_lines(view.table, view.params, view.objectives, gallery),
            _pairs(summary, gallery),
            *_fronts(summary, gallery),
            _history(summary, gallery),
            tag("h3", "Best trials"),
            best_trials(summary),
        ]
    return [*blocks, tag("h3", "What became of each"), _outcomes(summary)]


def _lead(summary: StudySummary) -> Markup:
    view = summary.view
    ways = [
        f"{label} as {'large' if sign > 0 else 'small'} as can be"
        for label, sign in zip(summary.labels, summary.signs, strict=True)
    ]
    generations = summary.generation_count
    over = [name for name in view.params if name in summary.varying] or list(view.params)
    text = (
        f"{view.strategy}, {count(len(view.table))} trials of {', '.join(over)}"
        f" in {count(generations)} {'generation' if generations == 1 else 'generations'}"
    )
    text += f" by {view.sampler}" if view.sampler else ""
    return tag("p", f"{text}: {' and '.join(ways)}.", class_="lead")


def _history(summary: StudySummary, gallery: Gallery) -> Markup:
    label = summary.labels[0]
    reading = (
        "Each point is a trial. The line is the best so far: where it has been level for long,"
        " more trials would hardly have found more. Bands are generations of trials that were"
        " proposed together."
    )
    outside = _outside(summary, 0)
    if outside:
        reading += f" {count(outside)} poor {'one' if outside == 1 else 'ones'} may lie outside."
    many = min(len(summary.labels), PANELS_MAX) > 1
    return gallery.show(
        history_figure(summary),
        meaning=f"{label} by trial with the best so far",
        heading="How the search went",
        reading=reading,
        size="tall" if many else "middle",
        legend=[("a trial", "bar"), ("best so far", "ring")],
    )


def _outside(summary: StudySummary, place: int) -> int:
    """Trials at the bad end of one objective that may not be drawn."""
    values = summary.scores[np.isfinite(summary.scores[:, place]), place]
    low, high = nearly_all(values, less_is_better=bool(summary.signs[place] < 0))
    return int(((values < low) | (values > high)).sum())


def _fronts(summary: StudySummary, gallery: Gallery) -> list[Markup]:
    labels = summary.labels[:PANELS_MAX]
    pairs = list(combinations(range(len(labels)), 2))
    if not pairs:
        return []
    reading = (
        "No other trial beats one of the front in one objective without losing in another: to"
        " choose among them is to say what matters. Where the front bends, a little of one buys"
        " much of the other."
    )
    if any(_outside(summary, place) for place in range(len(labels))):
        reading += " The poorest trials may lie outside."
    if len(summary.labels) > len(labels):
        reading += f" Drawn are the first {len(labels)} of {len(summary.labels)} objectives."
    shown = [
        gallery.show(
            pareto_figure(summary, across, up, joined=len(summary.labels) == 2),  # noqa: PLR2004
            meaning=f"{labels[up]} over {labels[across]}",
            heading=f"{labels[up]} over {labels[across]}",
            reading=reading if place == 0 else "",
            legend=[("the front", "ring"), ("other trials", "bar")],
        )
        for place, (across, up) in enumerate(pairs)
    ]
    return [tag("div", *shown, class_="pair" if len(shown) > 1 else "single")]


def _told(summary: StudySummary, gallery: Gallery) -> Markup:
    grids = summary.grids()
    shown = [grid_figure(grids[0], summary.labels[0], gallery, one="trial")] if grids else []
    if summary.view.importance:
        ranked = sorted(summary.view.importance.items(), key=lambda pair: -pair[1])
        shown.append(
            gallery.show(
                importance_figure(ranked),
                meaning="Importance of each parameter",
                heading="Which parameters matter",
                reading=f"Share of the variation of {summary.labels[0]} that each explains. Those"
                " near zero may be fixed; a result that hangs on one alone is fragile.",
                size="heat",
            )
        )
    class_ = "pair wide-first" if len(shown) > 1 else "single"
    return tag("div", *shown, class_=class_) if shown else Markup()


def _pairs(summary: StudySummary, gallery: Gallery) -> Markup:
    grids, label = summary.grids(), summary.labels[0]
    if not grids:
        return Markup()
    if len(grids) == 1:
        return grid_figure(grids[0], label, gallery, one="trial")
    return gallery.choose(
        [(f"{grid.x.name} and {grid.y.name}", grid_plot(grid, label)) for grid in grids],
        what="Parameters",
        meaning=f"{label} over two parameters",
        heading=f"{label} over two parameters",
        reading="Each cell is the best over all other parameters and tells its value when pointed"
        " at; the ring is the best, blank is without a result. A wide plateau can be trusted more"
        " than a peak.",
        size="heat",
    )


def best_trials(summary: StudySummary) -> Markup:
    """The best trials, or of several objectives those of the front, best in the first first."""
    columns, best = summary.top()
    typed = {"number", "generation", *summary.view.params}
    rows = [
        [
            parameter(value) if name in typed else measure(name).show(float(value))
            for name, value in zip(columns, row, strict=True)
        ]
        for row in best.itertuples(index=False, name=None)
    ]
    words = {"number": "Trial", "generation": "Generation"}
    heads = [words.get(name, name if name in typed else measure(name).label) for name in columns]
    return table(heads, rows, caption="Best trials", text_columns=0)


def _outcomes(summary: StudySummary) -> Markup:
    return outcome_table(outcomes_of(summary.table), len(summary.table), "Trials")

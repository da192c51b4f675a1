"""Folds: chosen on one stretch of time, judged on another."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fanfold.reporting.figures.folds import (
    CHOICES_MAX,
    FAN_LINES_MAX,
    FOLDS_DRAWN_MAX,
    MATRIX_TEXT_MAX,
    TAIL,
    choices_figure,
    date_text,
    fan_figure,
    matrix_figure,
    path_distribution,
    scores_figure,
    stitched_figure,
    windows_figure,
)
from fanfold.reporting.figures.sweep import value_shades
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import count, measure, parameter, percent, plain, ratio
from fanfold.reporting.sections.sweep import colour_key
from fanfold.reporting.study_views import FoldsView
from fanfold.reporting.views import Value

ROWS_MAX = 30
"""More folds than this are folded away."""
WALK = "walk-forward"
"""Kinds that begin so have one stretch after the other."""
COUNTS = {"trials": "Trials", "feasible": "Could be run"}
MATRIX_SIDE_PX = 60
"""Room beside the cells of the matrix [px]."""
MANY_MIN = 20
"""Fewer paths give no distribution worth its name."""
CELL_PX_MIN = 18
WORDED_CELL_PX_MIN = 38
"""Room that a fold of the matrix needs, without and with its figure [px]."""


def folds_blocks(view: FoldsView, gallery: Gallery) -> list[Markup]:
    """One walk-forward or cross-validation: windows, results, choices, folds."""
    return [
        _lead(view),
        _tiles(view),
        _windows(view, gallery),
        _stitched(view, gallery),
        *_paths(view, gallery),
        _scores(view, gallery),
        _choices(view, gallery),
        _matrix(view, gallery),
        tag("h3", "Fold by fold"),
        _table(view),
    ]


def explored_folds(view: FoldsView, gallery: Gallery) -> list[Markup]:
    """The parts of folds that are looked into: matrix, choices, and what came of each."""
    return [
        _lead(view),
        _matrix(view, gallery),
        _scores(view, gallery),
        _choices(view, gallery),
        tag("h3", "Fold by fold"),
        _table(view),
    ]


def _lead(view: FoldsView) -> Markup:
    chosen = ", ".join(view.params)
    text = f"{count(len(view.folds))} folds, {view.kind}. Each chooses {chosen or 'nothing'}"
    text += (
        f" by {measure(view.objective).label} in its training window and is judged in a test"
        " window that the choice has not seen."
    )
    return tag("p", text, class_="lead")


def _tiles(view: FoldsView) -> Markup:
    scores = _numbers(view, "out_of_sample")
    efficiency = _numbers(view, "efficiency")
    show = measure(view.objective).show
    tiles = [
        (
            f"Out of sample, median {measure(view.objective).label}",
            show(_median(scores)),
            f"in sample {show(_median(_numbers(view, 'in_sample')))}",
        ),
        (
            "Median efficiency",
            percent(_median(efficiency)),
            "what was kept out of sample; good is above 50%",
        ),
        (
            "Folds above zero",
            f"{count(float((scores > 0).sum()))} of {count(len(scores))}",
            "good is most of them, not a few large ones",
        ),
    ]
    if view.equity is not None:
        level = view.equity.to_numpy(dtype=np.float64)
        total = percent(float(level[-1] / level[0] - 1.0))
        tiles.insert(0, ("Return out of sample", total, "all test windows in a row"))
    shown = [
        tag("div", tag("dt", name), tag("dd", value), tag("dd", note, class_="beside"))
        for name, value, note in tiles
    ]
    return tag("dl", *shown, class_="tiles")


def _windows(view: FoldsView, gallery: Gallery) -> Markup:
    if not view.windows:
        return Markup()
    reading = (
        "Time runs to the right, a row a fold. What is left out between training and test keeps"
        " trades that reach over the border from telling the choice what comes."
    )
    if len(view.windows) > FOLDS_DRAWN_MAX:
        reading += f" Drawn are {FOLDS_DRAWN_MAX} of {count(len(view.windows))} folds."
    return gallery.show(
        windows_figure(view),
        meaning="Training and test windows of each fold over time",
        heading="When each fold trains and tests",
        reading=reading,
        size="middle" if len(view.windows) <= MANY_MIN else "tall",
        legend=[("train", "bar"), ("test", "ring"), ("left out", "benchmark")],
    )


def _stitched(view: FoldsView, gallery: Gallery) -> Markup:
    if view.equity is None:
        return Markup()
    return gallery.show(
        stitched_figure(view, view.equity),
        meaning="Out-of-sample equity of all folds in a row, with its drawdown",
        heading="Out of sample, fold after fold",
        reading="Every stretch was traded with parameters chosen before it began. Dotted lines"
        " are where one fold hands over to the next: a curve that rises in most folds is worth"
        " more than one that owes all to a single one.",
        size="tall",
        legend=[("Equity out of sample", "equity"), ("Drawdown", "drawdown")],
        log_scale=np.asarray(view.equity, dtype=np.float64),
    )


def _paths(view: FoldsView, gallery: Gallery) -> list[Markup]:
    shown: list[Markup] = []
    sharpes = np.empty(0) if view.path_sharpes is None else view.path_sharpes
    sharpes = sharpes[np.isfinite(sharpes)]
    if len(sharpes):
        shown.append(
            gallery.show(
                path_distribution(sharpes),
                meaning="Distribution of the out-of-sample Sharpe ratio over paths",
                heading="Sharpe ratio over paths",
                reading=_path_words(sharpes),
                size="heat",
            )
        )
    if view.paths is not None and view.paths.shape[1] > 0:
        number = view.paths.shape[1]
        reading = (
            "Each thin line is one way through all test windows, put together from other folds;"
            " the strong one is their middle, the band holds nine in ten. A narrow fan that rises"
            " depends little on which folds it was."
        )
        if number > FAN_LINES_MAX:
            reading += (
                f" Drawn are {FAN_LINES_MAX} of {count(number)}, from the lowest to the best."
            )
        shown.append(
            gallery.show(
                fan_figure(view.paths),
                meaning="Equity of all out-of-sample paths over time",
                heading="Paths of equity",
                reading=reading,
                size="heat",
                legend=[("median", "equity"), ("a path", "gain")],
                log_scale=view.paths.to_numpy(dtype=np.float64).ravel(),
            )
        )
    return [tag("div", *shown, class_="pair" if len(shown) > 1 else "single")] if shown else []


def _path_words(sharpes: Any) -> str:
    lost = float((sharpes < 0).mean())
    text = (
        f"{count(len(sharpes))} paths: in the middle {ratio(float(np.median(sharpes)))}, the bad"
        f" end (5%) {ratio(float(np.quantile(sharpes, TAIL)))}; {percent(lost)} of them are below"
        " zero. Good is when even the bad end is above zero."
    )
    if len(sharpes) < MANY_MIN:
        text += " So few paths, which share their data, say little about the ends."
    return text


def _scores(view: FoldsView, gallery: Gallery) -> Markup:
    label = measure(view.objective).label
    return gallery.show(
        scores_figure(view, label),
        meaning=f"{label} of each fold in and out of sample",
        heading="What was promised and what came",
        reading="In sample is what the choice was made by, so it is always flattering. Good is"
        " an out-of-sample bar of the same sign and more than half as high.",
        legend=[("in sample", "bar"), ("out of sample", "ring")],
    )


def _choices(view: FoldsView, gallery: Gallery) -> Markup:
    if not view.params:
        return Markup()
    shown = list(view.params)[:CHOICES_MAX]
    reading = (
        "What each fold chose. Good is a line that hardly moves: parameters that jump from fold"
        " to fold were fitted to noise."
    )
    if len(view.params) > len(shown):
        reading += f" Drawn are the first {len(shown)} of {len(view.params)}."
    figure = gallery.show(
        choices_figure(view),
        meaning="Chosen parameters by fold",
        heading="How steady the choice is",
        reading=reading,
        size="low" if len(shown) == 1 else "middle" if len(shown) <= 3 else "tall",  # noqa: PLR2004
    )
    if not view.stability:
        return figure
    facts = [
        tag("div", tag("dt", name), tag("dd", _stable(value)))
        for name, value in view.stability.items()
    ]
    told = [tag("h4", "Over all folds"), tag("dl", *facts, class_="facts")]
    return tag("div", figure, tag("div", *told, class_="steady"))


def _stable(value: Value) -> str:
    return value if isinstance(value, str) else plain(float(f"{value:.4g}"))


def _matrix(view: FoldsView, gallery: Gallery) -> Markup:
    if view.matrix is None or not np.isfinite(view.matrix.to_numpy(dtype=np.float64)).any():
        return Markup()
    values = view.matrix.to_numpy(dtype=np.float64)
    cell = WORDED_CELL_PX_MIN if max(values.shape) <= MATRIX_TEXT_MAX else CELL_PX_MIN
    label = measure(view.objective).label
    note = (
        f"{label} of what each fold chose (a column) in the test window of every fold (a row)."
        " A column of one colour is a choice that holds at any time; a row of one colour is a"
        " time that was good or bad for all."
    )
    return gallery.show(
        matrix_figure(view.matrix, label),
        meaning=f"{label} of each fold's choice in the test window of every fold",
        heading="Each choice in every fold",
        reading=Markup(tag("span", note) + colour_key(value_shades(values))),
        size="heat",
        width_px_min=MATRIX_SIDE_PX + cell * values.shape[1],
    )


def _table(view: FoldsView) -> Markup:
    counts = {name: word for name, word in COUNTS.items() if name in view.folds.columns}
    heads = ["Fold", "Trained", "Tested", *view.params, "In sample", "Out of sample"]
    heads += ["Efficiency", *counts.values()]
    show = measure(view.objective).show
    rows = [_row(view, record, counts, show) for record in view.folds.to_dict("records")]
    shown = table(heads, rows, caption="Folds", class_="folds")
    if len(rows) <= ROWS_MAX:
        return shown
    return tag("details", tag("summary", f"All {count(len(rows))} folds"), shown)


def _row(
    view: FoldsView, fold: Any, counts: Sequence[str] | dict[str, str], show: Any
) -> list[str]:
    return [
        str(fold["fold"]),
        f"{date_text(fold['train_start'])} to {date_text(fold['train_end'])}",
        f"{date_text(fold['test_start'])} to {date_text(fold['test_end'])}",
        *(parameter(fold[name]) for name in view.params),
        show(float(fold["in_sample"])),
        show(float(fold["out_of_sample"])),
        percent(float(fold["efficiency"])),
        *(count(float(fold[name])) for name in counts),
    ]


def _numbers(view: FoldsView, column: str) -> Any:
    values = view.folds[column].to_numpy(dtype=np.float64)
    return values[np.isfinite(values)]


def _median(values: Any) -> float:
    return float(np.median(values)) if len(values) else math.nan

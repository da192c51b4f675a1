"""What can be read off a study's table, and off any table of trials as parallel lines.

Plain arrays, so that it can be checked without a picture.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.reporting.numbers import Measure, measure, parameter
from fanfold.reporting.study_views import StudyView
from fanfold.reporting.sweeps import (
    INFEASIBLE,
    MINOR_MEASURES,
    TOP_MAX,
    Grid,
    grid_of,
    nearly_all,
    telling_params,
)
from fanfold.reporting.views import SweepView

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Floats = NDArray[np.float64]
Objectives = Sequence[tuple[str, str]]

PRUNED = "pruned"
"""Status of trials that were given up half way: their objective is not comparable."""
LINES_MAX = 5_000
"""A screen tells no more lines apart [lines]."""
AXES_MAX = 10
"""Parameters beside each other; of more, those that tell most [axes]."""
CATEGORIES_MAX = 8
"""Words along one axis; of more, the first and the last."""
LOG_RATIO = 500.0
"""An axis whose highest is so many times its lowest is logarithmic [1]."""
RANK_SHARES = (0.02, 0.1, 0.25, 0.5)
"""Best shares of all lines that have a shade of their own; the rest has the last [1]."""
SUBSET_SEED = 20_261
"""So that equal tables give equal pictures."""
TELLING_MAX = 4
"""Parameters whose pairs a reader may choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelAxis:
    """One upright axis: its name, and places from 0 (bottom) to 1 with their labels."""

    name: str
    marks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """Trials as lines across parameters and objectives, the worst first.

    Attributes:
        axes: Parameters, then objectives; what is better is further up on these.
        lines: `[line, axis]` place on each axis, 0 to 1.
        shades: `[line]` 0 for the best share of all trials, and more for worse ones.
        trial_count: Trials with a result.
        left_out: Parameters that vary and have no axis.
    """

    axes: tuple[ParallelAxis, ...]
    lines: Floats
    shades: NDArray[np.int64]
    trial_count: int
    left_out: tuple[str, ...]


class StudySummary:
    """A study's table, read once."""

    def __init__(self, view: StudyView) -> None:
        """Find which trials have a result and which parameters vary."""
        self.view = view
        self.table = view.table
        self.trial_count = int((view.table["status"] != INFEASIBLE).sum())
        self.labels = [measure(name).label for name, _ in view.objectives]
        self.signs = np.array([1.0 if way == "maximize" else -1.0 for _, way in view.objectives])
        self.scores = scores_of(view.table, view.objectives)
        self.scored = np.asarray(np.isfinite(self.scores).all(axis=1), dtype=np.bool_)
        self.varying = [name for name in view.params if view.table[name].nunique() > 1]
        self.generation_count = int(view.table["generation"].nunique())

    def best_so_far(self, place: int) -> Floats:
        """The best value of one objective up to each trial `[trial]`; NaN before the first."""
        sign = self.signs[place]
        return sign * np.fmax.accumulate(sign * self.scores[:, place])

    def grids(self) -> list[Grid]:
        """The first objective over pairs of the parameters that tell most, the best pair first."""
        first = np.where(self.scored, self.scores[:, 0], np.nan)
        told = telling_params(self.table, self.varying, first)[:TELLING_MAX]
        pairs = list(combinations(told, 2)) or [tuple(told)]
        less = bool(self.signs[0] < 0)
        found = (
            grid_of(self.table, self.varying, first, pair, less_is_better=less) for pair in pairs
        )
        return [grid for grid in found if grid is not None]

    def top(self) -> tuple[list[str], "DataFrame"]:
        """Columns to show, and the best trials, best first; of several objectives, the front."""
        objectives = [name for name, _ in self.view.objectives]
        minor = [name for name in MINOR_MEASURES if name in self.table.columns]
        columns = list(
            dict.fromkeys(["number", "generation", *self.view.params, *objectives, *minor])
        )
        ranks = np.where(self.scored, self.signs[0] * self.scores[:, 0], -np.inf)
        order = np.argsort(-ranks, kind="stable")[: int(self.scored.sum())]
        if len(objectives) > 1:
            order = order[np.isin(order, np.asarray(self.view.front, dtype=np.int64))]
        return columns, self.table.iloc[order[:TOP_MAX]][columns]


def study_of_sweep(view: SweepView) -> StudyView:
    """A sweep as a study of one generation, so that it can be looked through as one."""
    scores = scores_of(view.table, [(view.objective, "maximize")])[:, 0]
    return StudyView(
        name=view.name,
        strategy=view.strategy,
        table=view.table.assign(number=range(len(view.table)), generation=0),
        params=view.params,
        objectives=[(view.objective, "maximize")],
        best=view.best,
        front=[int(np.nanargmax(scores))] if np.isfinite(scores).any() else [],
        evidence=view.evidence,
    )


def scores_of(table: "DataFrame", objectives: Objectives) -> Floats:
    """Objectives `[trial, objective]`; NaN for what was given up or has no finite result."""
    columns = [table[name].to_numpy(dtype=np.float64, na_value=np.nan) for name, _ in objectives]
    scores = np.stack(columns, axis=1)
    usable = np.isfinite(scores) & (table["status"] != PRUNED).to_numpy(dtype=bool)[:, None]
    return np.where(usable, scores, np.nan)


def even_subset(row_count: int, rows_max: int, kept: Iterable[int] = ()) -> NDArray[np.int64]:
    """Rows to draw: one by chance from each of so many equal stretches, and those to keep.

    Args:
        row_count: How many there are.
        rows_max: How many may be drawn.
        kept: Rows that are drawn in any case; at most half of what may be drawn.

    Returns:
        Rows in order; all of them where they are few enough.
    """
    if row_count <= rows_max:
        return np.arange(row_count)
    always = np.array(list(kept)[: rows_max // 2], dtype=np.int64)
    edges = np.linspace(0, row_count, rows_max - len(always) + 1)
    chance = np.random.default_rng([SUBSET_SEED, row_count]).random(len(edges) - 1)
    drawn = (edges[:-1] + chance * np.diff(edges)).astype(np.int64)
    return np.unique(np.concatenate([np.minimum(drawn, row_count - 1), always]))


def parallel_of(
    table: "DataFrame", params: Sequence[str], objectives: Objectives
) -> Parallel | None:
    """Trials as lines across their parameters and objectives.

    Args:
        table: One row a trial.
        params: Its columns that are parameters.
        objectives: Column and direction of each objective; the first ranks the lines.

    Returns:
        The lines; None where no parameter varies or no trial has a result.
    """
    scores = scores_of(table, objectives)
    varying = [name for name in params if table[name].nunique() > 1]
    known = np.isfinite(scores).all(axis=1) & table[varying].notna().all(axis=1).to_numpy(bool)
    if not varying or not known.any():
        return None
    told = telling_params(table, varying, np.where(known, scores[:, 0], np.nan))
    shown = [name for name in varying if name in told[:AXES_MAX]]
    rows = np.flatnonzero(known)
    sign = 1.0 if objectives[0][1] == "maximize" else -1.0
    order = rows[np.argsort(-sign * scores[rows, 0], kind="stable")]
    chosen = even_subset(len(order), LINES_MAX, kept=[0])
    shades = np.searchsorted(RANK_SHARES, chosen / len(order), side="right")
    axes = [_parameter(name, table[name]) for name in shown]
    axes += [
        _objective(measure(name), scores[:, place], less_is_better=way == "minimize")
        for place, (name, way) in enumerate(objectives)
    ]
    lines = np.stack([places[order[chosen]] for _, places in axes], axis=1)
    return Parallel(
        axes=tuple(axis for axis, _ in axes),
        lines=lines[::-1],
        shades=shades[::-1],
        trial_count=len(order),
        left_out=tuple(name for name in varying if name not in shown),
    )


def _parameter(name: str, column: "Series[Any]") -> tuple[ParallelAxis, Floats]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(column) or is_bool_dtype(column):
        return _words(name, column)
    values: Floats = column.to_numpy(dtype=np.float64, na_value=np.nan)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low > 0.0 and high / low >= LOG_RATIO:
        places = np.log(values / low) / np.log(high / low)
    else:
        places = (values - low) / (high - low)
    return ParallelAxis(name=name, marks=((0.0, _typed(low)), (1.0, _typed(high)))), places


def _objective(
    shown: Measure, values: Floats, *, less_is_better: bool
) -> tuple[ParallelAxis, Floats]:
    """What is better is further up; what is far worse than nearly all stands at the bottom."""
    low, high = nearly_all(values, less_is_better=less_is_better)
    if low == high:
        marks = ((0.5, shown.show(low)),)
        return ParallelAxis(name=shown.label, marks=marks), np.full(len(values), 0.5)
    worst, best = (high, low) if less_is_better else (low, high)
    places = np.clip((values - worst) / (best - worst), 0.0, 1.0)
    beyond = bool(np.nanmax(values) > high or np.nanmin(values) < low)
    sign = ("≥ " if less_is_better else "≤ ") if beyond else ""
    marks = ((0.0, sign + shown.show(worst)), (1.0, shown.show(best)))
    return ParallelAxis(name=shown.label, marks=marks), places


def _words(label: str, column: "Series[Any]") -> tuple[ParallelAxis, Floats]:
    words, found = np.unique(column.astype(str).to_numpy(dtype=str), return_inverse=True)
    places = (found + 0.5) / len(words)
    marks = [((place + 0.5) / len(words), str(word)) for place, word in enumerate(words)]
    if len(marks) > CATEGORIES_MAX:
        marks = [marks[0], marks[-1]]
    return ParallelAxis(name=label, marks=tuple(marks)), places


def _typed(value: float) -> str:
    return parameter(int(value) if value.is_integer() else float(f"{value:.4g}"))

"""What a report shows of studies, as plain values: tuning, folds, and the evidence.

Like the views of runs and sweeps they know nothing of the engine or of a search.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import DataError
from fanfold.reporting.views import Value

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from fanfold.research.evidence import Evidence

DIRECTIONS = ("maximize", "minimize")
FOLD_COLUMNS = ("fold", "train_start", "train_end", "test_start", "test_end")
SCORE_COLUMNS = ("in_sample", "out_of_sample", "efficiency")

Span = tuple[Any, Any]
"""First and last date of a stretch of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """How much of one result luck alone could explain.

    Attributes:
        name: Of the run, study, sweep or folds that it is about.
        evidence: The figures.
    """

    name: str
    evidence: "Evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """One strategy tuned: trials that learn from each other.

    Attributes:
        name: What it is called.
        strategy: Strategy that was tuned.
        table: One row a trial, in order: `number`, `generation`, a column a parameter,
            a column an objective, other measures, `status` ("ok", "ruined", "failed",
            "infeasible", "pruned") and `reason`. NaN where a trial has no result.
        params: Columns of the table that are parameters.
        objectives: Column and direction ("maximize" or "minimize") of each objective;
            the first ranks what can be ranked by one only.
        best: Parameters, and what else is known, of the best.
        front: Rows of the trials that no other beats in all objectives, by position;
            one for a single objective.
        importance: Share of the objective's variation that each parameter explains [1].
        sampler: What proposed the trials.
        evidence: How much of the best result luck alone could explain.
    """

    name: str
    strategy: str
    table: "DataFrame"
    params: Sequence[str]
    objectives: Sequence[tuple[str, str]]
    best: Mapping[str, Value] = field(default_factory=dict[str, Value])
    front: Sequence[int] = ()
    importance: Mapping[str, float] = field(default_factory=dict[str, float])
    sampler: str = ""
    evidence: "Evidence | None" = None

    def __post_init__(self) -> None:
        if not self.objectives:
            raise DataError(f"study {self.name!r} must have an objective, has none")
        for column, direction in self.objectives:
            if direction not in DIRECTIONS:
                raise DataError(
                    f"direction of {column!r} in study {self.name!r} must be one of"
                    f" {', '.join(DIRECTIONS)}, was {direction!r}"
                )
        names = [column for column, _ in self.objectives]
        wanted = ["number", "generation", *self.params, *names, "status", "reason"]
        _must_have(self.table, wanted, f"table of study {self.name!r}")
        outside = [row for row in self.front if not 0 <= row < len(self.table)]
        if outside:
            raise DataError(
                f"front of study {self.name!r} must be rows of its table ({len(self.table)}),"
                f" held {outside[0]}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldsView:
    """One strategy chosen and judged on different stretches of time.

    Attributes:
        name: What it is called.
        kind: "walk-forward rolling", "walk-forward anchored", "purged k-fold" or
            "combinatorial purged".
        objective: Measure by which parameters were chosen.
        params: Columns of `folds` that are parameters.
        folds: One row a fold: `fold`, `train_start`, `train_end`, `test_start`,
            `test_end` (dates), the chosen parameters, `in_sample` and `out_of_sample`
            (the objective), `efficiency` (out over in), and where known `trials` and
            `feasible` (how many were tried and could be run).
        equity: Out-of-sample equity of all folds, one after the other, on a UTC index
            [currency].
        paths: Out-of-sample equity, a column a path [currency].
        path_sharpes: `[path]` Sharpe ratio a year of each path.
        matrix: `[fold, choice]`: what the parameters that one fold (the column) chose
            scored in the test window of another (the row).
        stability: What is known of each parameter's choices over the folds.
        windows: Train spans and test spans of each fold.
        evidence: How much of the out-of-sample result luck alone could explain.
    """

    name: str
    kind: str
    objective: str
    params: Sequence[str]
    folds: "DataFrame"
    equity: "Series[float] | None" = None
    paths: "DataFrame | None" = None
    path_sharpes: NDArray[np.float64] | None = None
    matrix: "DataFrame | None" = None
    stability: Mapping[str, Value] = field(default_factory=dict[str, Value])
    windows: Sequence[tuple[Sequence[Span], Sequence[Span]]] = ()
    evidence: "Evidence | None" = None

    def __post_init__(self) -> None:
        from pandas import DatetimeIndex

        wanted = [*FOLD_COLUMNS, *self.params, *SCORE_COLUMNS]
        _must_have(self.folds, wanted, f"folds of {self.name!r}")
        for what, values in (("equity", self.equity), ("paths", self.paths)):
            if values is None:
                continue
            index = values.index
            if not isinstance(index, DatetimeIndex) or index.tz is None or len(index) == 0:
                raise DataError(
                    f"{what} of {self.name!r} must hold values on a UTC index,"
                    f" held {len(index)} on {type(index).__name__}"
                )
        if self.windows and len(self.windows) != len(self.folds):
            raise DataError(
                f"windows of {self.name!r} must be as many as its folds, {len(self.folds)},"
                f" were {len(self.windows)}"
            )


def _must_have(table: "DataFrame", wanted: Sequence[str], what: str) -> None:
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        raise DataError(
            f"{what} must have the columns {', '.join(wanted)}; it lacks {', '.join(missing)}"
        )

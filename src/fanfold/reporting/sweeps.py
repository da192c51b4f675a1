"""What can be read off a sweep's table.

Where parameters matter, where the best results lie, and what became of every
combination: all of it plain arrays, so that it can be checked without a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.reporting.numbers import measure, parameter
from fanfold.reporting.views import SweepView

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Floats = NDArray[np.float64]

INFEASIBLE = "infeasible"
"""Status of parameters that their strategy does not allow together."""
TOP_MAX = 10
CELLS_PER_AXIS_MAX = 120
"""More values than this on an axis are put into bins [cells]."""
BINS_PER_AXIS = 40
REASONS_MAX = 8
TAIL_SHARE = 0.02
"""Results at the bad end that may be left out so that the others can be told apart [1]."""
TAIL_RATIO = 1.0
"""They are, where the worst lies further from the rest than the rest is wide [1]."""
MINOR_MEASURES = ("sharpe", "total_return", "cagr", "max_drawdown", "round_trip_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One parameter laid out along a figure's side.

    Attributes:
        name: The parameter.
        labels: A number or a text a place, in order.
        places: `[combination]` place of each combination.
        even: Whether the labels are numbers at equal distances.
        binned: Whether a place stands for several values.
    """

    name: str
    labels: list[Any]
    places: NDArray[np.int64]
    even: bool
    binned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The best objective for each pair of places `[y, x]`, NaN where there is none.

    Attributes:
        x: The parameter along the bottom.
        y: The parameter along the side.
        best: The objective.
        others: Parameters that vary and have no axis.
        less_is_better: Whether the best objective is the smallest.
    """

    x: Axis
    y: Axis
    best: Floats
    others: tuple[str, ...]
    less_is_better: bool = False

    def best_cell(self) -> tuple[int, int]:
        """Row and column of the best objective."""
        found = np.nanargmin(self.best) if self.less_is_better else np.nanargmax(self.best)
        row, column = np.unravel_index(int(found), self.best.shape)
        return int(row), int(column)


class SweepSummary:
    """A sweep's table, read once."""

    def __init__(self, view: SweepView) -> None:
        """Find which combinations have a result and which parameters vary."""
        self.view = view
        self.table = view.table
        self.combination_count = len(view.table)
        self.trial_count = trial_count(view)
        scores = view.table[view.objective].to_numpy(dtype=np.float64, na_value=np.nan)
        self.scored: NDArray[np.bool_] = np.isfinite(scores)
        self.scores = scores
        self.values: Floats = scores[self.scored]
        self.objective_label = measure(view.objective).label
        self.varying = [name for name in view.params if view.table[name].nunique() > 1]

    def grid(self) -> Grid | None:
        """The two parameters that tell most; None where nothing varies or has a result.

        A sweep over one parameter has a single row.
        """
        told = telling_params(self.table, self.varying, self.scores)
        return grid_of(self.table, self.varying, self.scores, told[:2])

    def top(self) -> tuple[list[str], "DataFrame"]:
        """Columns to show, and the best rows, best first; of equals, the earlier."""
        minor = [name for name in MINOR_MEASURES if name in self.table.columns]
        columns = list(dict.fromkeys([*self.view.params, self.view.objective, *minor]))
        order = np.argsort(-np.where(self.scored, self.scores, -np.inf), kind="stable")
        return columns, self.table.iloc[order[: min(TOP_MAX, len(self.values))]][columns]

    def outcomes(self) -> list[tuple[str, str, int]]:
        """Status, reason and number of combinations, the commonest first."""
        return outcomes_of(self.table)


def trial_count(view: SweepView) -> int:
    """Combinations that were tried: a failed one counts, an impossible one was never run."""
    return int((view.table["status"] != INFEASIBLE).sum())


def telling_params(table: "DataFrame", varying: Sequence[str], scores: Floats) -> list[str]:
    """Parameters by the share of variance that they explain alone, the largest first.

    Args:
        table: One row a trial.
        varying: Its columns that are parameters with more than one value.
        scores: `[trial]` objective; NaN where there is no result.
    """
    scored = np.isfinite(scores)
    if not scored.any():
        return []
    shares = {
        name: _explained(scores[scored], _axis(name, table[name]).places[scored])
        for name in varying
    }
    return sorted(varying, key=lambda name: shares[name], reverse=True)


def grid_of(
    table: "DataFrame",
    varying: Sequence[str],
    scores: Floats,
    told: Sequence[str],
    *,
    less_is_better: bool = False,
) -> Grid | None:
    """The best objective over one or two parameters, over all values of the others.

    Args:
        table: One row a trial.
        varying: Its columns that are parameters with more than one value.
        scores: `[trial]` objective; NaN where there is no result.
        told: One or two of the parameters.
        less_is_better: Whether the best objective is the smallest.

    Returns:
        The grid; a single row for one parameter, None for none.
    """
    scored = np.isfinite(scores)
    if not told or not scored.any():
        return None
    x, *rest = (_axis(name, table[name]) for name in varying if name in told)
    flat = Axis(name="", labels=[""], places=np.zeros_like(x.places), even=False, binned=False)
    y = rest[0] if rest else flat
    best = np.full((len(y.labels), len(x.labels)), np.nan)
    better = np.fmin if less_is_better else np.fmax
    better.at(best, (y.places[scored], x.places[scored]), scores[scored])
    others = tuple(name for name in varying if name not in told)
    return Grid(x=x, y=y, best=best, others=others, less_is_better=less_is_better)


def nearly_all(values: Floats, *, less_is_better: bool = False) -> tuple[float, float]:
    """The lowest and the highest value to show: a far tail at the bad end is left out.

    One trial that lost everything would press all others into one colour.

    Args:
        values: Objectives; NaN where there is none.
        less_is_better: Whether the bad end is above.
    """
    sign = -1.0 if less_is_better else 1.0
    good = sign * values[np.isfinite(values)]
    worst, high = float(good.min()), float(good.max())
    bound = float(np.quantile(good, TAIL_SHARE))
    low = bound if bound - worst > TAIL_RATIO * (high - bound) else worst
    return (-high, -low) if less_is_better else (low, high)


def outcomes_of(table: "DataFrame") -> list[tuple[str, str, int]]:
    """Status, reason and number of rows, the commonest first.

    Reasons beyond the commonest few of their status are counted together.
    """
    pairs = table[["status", "reason"]].fillna("").astype(str)
    counted = pairs.value_counts(sort=False)
    rows = sorted(
        ((str(status), str(reason), int(n)) for (status, reason), n in counted.items()),  # type: ignore[misc]
        key=lambda row: (-row[2], row[0], row[1]),
    )
    shown: list[tuple[str, str, int]] = []
    for status in dict.fromkeys(row[0] for row in rows):
        alike = [row for row in rows if row[0] == status]
        shown += alike[:REASONS_MAX]
        rest = alike[REASONS_MAX:]
        if rest:
            shown.append((status, f"{len(rest)} other reasons", sum(row[2] for row in rest)))
    return shown


def _axis(name: str, column: "Series[Any]") -> Axis:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(column) or is_bool_dtype(column):
        words, places = np.unique(column.astype(str).to_numpy(dtype=str), return_inverse=True)
        return Axis(name=name, labels=words.tolist(), places=places, even=False, binned=False)
    values: Floats = column.to_numpy(dtype=np.float64)
    found, places = np.unique(values, return_inverse=True)
    if len(found) > CELLS_PER_AXIS_MAX:
        return _binned(name, values)
    if _is_even(found):
        return Axis(name=name, labels=found.tolist(), places=places, even=True, binned=False)
    labels = [parameter(_without_fraction(value)) for value in found.tolist()]
    return Axis(name=name, labels=labels, places=places, even=False, binned=False)


def _binned(name: str, values: Floats) -> Axis:
    low = float(np.min(values))
    width = (float(np.max(values)) - low) / BINS_PER_AXIS
    places = np.minimum((values - low) / width, BINS_PER_AXIS - 1).astype(np.int64)
    labels = [float(f"{low + (place + 0.5) * width:.4g}") for place in range(BINS_PER_AXIS)]
    return Axis(name=name, labels=labels, places=places, even=True, binned=True)


def _without_fraction(value: float) -> float | int:
    return int(value) if value.is_integer() else value


def _is_even(values: Floats) -> bool:
    steps = np.diff(values)
    return len(steps) > 1 and bool(np.allclose(steps, steps[0], rtol=1e-6))


def _explained(values: Floats, places: NDArray[np.int64]) -> float:
    """Share of variance that the places explain, corrected for how many they are."""
    group, sizes = np.unique(places, return_inverse=True)[1], np.bincount(places)
    sizes = sizes[sizes > 0]
    spare = len(values) - len(sizes)
    spread = float(np.sum((values - values.mean()) ** 2))
    if spare <= 0 or spread == 0.0:
        return float("-inf")
    means = np.bincount(group, weights=values) / sizes
    within = float(np.sum((values - means[group]) ** 2))
    return 1.0 - (within / spare) / (spread / (len(values) - 1))

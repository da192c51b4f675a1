"""A distribution known from its tally, and what can be said of it with what certainty."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.simulation.history import Floats
from fanfold.simulation.tally import Filled, Tally

CONFIDENCES = (0.90, 0.95, 0.99)
"""How sure the intervals of an estimate are [1]."""

STUDENT_DEGREES_MAX = 1_000
"""With more degrees of freedom than this a t is as good as normal, to a thousandth of its width."""

SPREAD_PATHS_MIN = 2
"""Fewer paths have no spread."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number known from so many paths, and how well.

    Attributes:
        value: The number itself; `float(estimate)` gives it too.
        standard_error: Its deviation over other seeds, nearly.
        intervals: Lower and upper end by confidence: 0.90, 0.95, 0.99.
    """

    value: float
    standard_error: float
    intervals: dict[float, Interval]

    def __float__(self) -> float:
        """The number itself."""
        return self.value

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.intervals[0.95][0]

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.intervals[0.95][1]


def score_of(confidence: float) -> float:
    """Deviations to either side that hold so much of a normal distribution [1]."""
    return NormalDist().inv_cdf(0.5 + confidence / 2.0)


def around(value: float, standard_error: float, degrees: int | None = None) -> Estimate:
    """An estimate whose error is normal, or known from so few values that it is a t's."""
    intervals: dict[float, Interval] = {}
    for sure in CONFIDENCES:
        half = _score_of_few(sure, degrees) * standard_error
        intervals[sure] = (value - half, value + half)
    return Estimate(value=value, standard_error=standard_error, intervals=intervals)


def _score_of_few(confidence: float, degrees: int | None) -> float:
    if degrees is None or degrees > STUDENT_DEGREES_MAX:
        return score_of(confidence)
    special: Any = import_module("scipy.special")
    return float(special.stdtrit(degrees, 0.5 + confidence / 2.0))


def share(count: int, total: int) -> Estimate:
    """A probability from how often something happened.

    Source: Wilson (1927), Probable Inference, the Law of Succession, and Statistical
        Inference, JASA 22(158).
    """
    found = count / total
    intervals: dict[float, Interval] = {}
    for sure in CONFIDENCES:
        z2 = score_of(sure) ** 2
        middle = (found + z2 / (2 * total)) / (1 + z2 / total)
        half = math.sqrt(found * (1 - found) / total + z2 / (4 * total * total))
        half *= score_of(sure) / (1 + z2 / total)
        low = 0.0 if count == 0 else max(middle - half, 0.0)
        intervals[sure] = (low, 1.0 if count == total else min(middle + half, 1.0))
    error = math.sqrt(found * (1 - found) / total)
    return Estimate(value=found, standard_error=error, intervals=intervals)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Distribution(Mapping[float, Estimate]):
    """Values of many paths, by their counters; `distribution[0.95]` is a quantile.

    Attributes:
        points: Distinct values, or means of narrow bins, ascending.
        counts: Paths at each.
        levels: Levels that it was asked for.
        bins: Where values are ranked, or None where `points` are distinct.
        form: Makes a value of what was counted; does not decrease.
    """

    points: Floats
    counts: NDArray[np.int64]
    levels: tuple[float, ...]
    bins: Filled | None = None
    form: Callable[[Floats], Floats] = np.asarray

    @classmethod
    def of_tally(
        cls, tally: Tally, form: Callable[[Floats], Floats], levels: tuple[float, ...]
    ) -> "Distribution":
        """From counters of bins."""
        bins = tally.filled()
        return cls(
            points=form(bins.points), counts=bins.counts, levels=levels, bins=bins, form=form
        )

    @classmethod
    def of_counts(cls, counts: NDArray[np.int64], levels: tuple[float, ...]) -> "Distribution":
        """From counters of the whole numbers 0, 1, 2 and so on."""
        filled = np.flatnonzero(counts)
        return cls(points=filled.astype(np.float64), counts=counts[filled], levels=levels)

    @property
    def path_count(self) -> int:
        """Paths counted."""
        return int(self.counts.sum())

    @property
    def mean(self) -> Estimate:
        """Mean over all paths."""
        return around(self._mean(), self.deviation / math.sqrt(self.path_count))

    @property
    def deviation(self) -> float:
        """Sample deviation over all paths; 0 for a single one."""
        total = self.path_count
        away = self.points - self._mean()
        return math.sqrt(float(np.sum(self.counts * away * away)) / max(total - 1, 1))

    def quantile(self, level: float) -> Estimate:
        """Value that a share `level` of the paths does not exceed, with its interval.

        The interval goes from one ranked path to another and assumes no form.

        Source: Hyndman & Fan (1996), type 7, for the value; Conover (1999), Practical
            Nonparametric Statistics, 3.2, for the interval.
        """
        total = self.path_count
        return Estimate(
            value=float(self._at(np.array([(total - 1) * level]))[0]),
            standard_error=self._quantile_error(level),
            intervals={sure: self._between(level, sure) for sure in CONFIDENCES},
        )

    def mean_up_to(self, level: float) -> Estimate:
        """Mean of the paths at or below a quantile, with its interval.

        The interval is that of a t, for the spread is known from these few paths alone. Of a
        single one it is that of the two lowest, and of a path that is alone there is none.

        Source: Acerbi & Tasche (2002), On the Coherence of Expected Shortfall, Journal of
            Banking & Finance 26(7); Chen (2008), Nonparametric Estimation of Expected
            Shortfall, Journal of Financial Econometrics 6(1), for its error.
        """
        total = self.path_count
        wanted = math.floor((total - 1) * level) + 1
        mean = float(np.sum(self._lowest(wanted) * self.points)) / wanted
        spread = min(max(wanted, SPREAD_PATHS_MIN), total)
        away = self.points - mean
        variance = float(np.sum(self._lowest(spread) * away * away)) / max(spread - 1, 1)
        edge = self.quantile(level).value - mean
        error = math.sqrt((variance + (1.0 - level) * edge * edge) / wanted)
        return around(mean, error, max(spread - 1, 1))

    def _lowest(self, count: int) -> NDArray[np.int64]:
        before = np.cumsum(self.counts) - self.counts
        return np.clip(count - before, 0, self.counts)

    def _mean(self) -> float:
        return float(np.sum(self.counts * self.points)) / self.path_count

    def _between(self, level: float, sure: float) -> Interval:
        total = self.path_count
        half = score_of(sure) * math.sqrt(total * level * (1.0 - level))
        ranks = np.array([math.floor(total * level - half), math.ceil(total * level + half)])
        low, high = self._at(np.clip(ranks, 0, total - 1).astype(np.float64))
        return float(low), float(high)

    def _quantile_error(self, level: float) -> float:
        low, high = self._between(level, 0.95)
        return (high - low) / (2.0 * score_of(0.95))

    def _at(self, positions: Floats) -> Floats:
        last = self.path_count - 1
        below = np.floor(positions).astype(np.int64)
        above = np.minimum(below + 1, last)
        low, high = self._ranked(below), self._ranked(above)
        return low + (positions - below) * (high - low)

    def _ranked(self, ranks: NDArray[np.int64]) -> Floats:
        if self.bins is not None:
            return self.form(self.bins.ranked(ranks))
        return self.points[np.searchsorted(np.cumsum(self.counts), ranks, side="right")]

    def __repr__(self) -> str:
        """Its mean and quantiles; all of it would fill pages."""
        quantiles = ", ".join(f"{level:g}: {self[level].value:.6g}" for level in self)
        return f"<{self.path_count:,} paths, mean {self.mean.value:.6g}, {quantiles}>"

    def __getitem__(self, level: float) -> Estimate:
        if level not in self.levels:
            raise KeyError(level)
        return self.quantile(level)

    def __iter__(self) -> Iterator[float]:
        return iter(self.levels)

    def __len__(self) -> int:
        return len(self.levels)

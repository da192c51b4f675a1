"""Some columns of many series, and the exact tails of each.

A quantile of a series needs no more than the bars about it. A sample of the bars says
below which value to look, what is found there is counted and sorted, and a series
whose sample misled is sorted whole: the result is that of all bars, always.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fanfold.measures import lanes
from fanfold.measures.series import RETURN_ROUNDING, Floats

TURNED_VALUES_MAX = 524_288
"""Returns that are copied at once, 4 MB [returns]."""

SAMPLE_PER_ROOT = 6.0
"""A sample's bars over the root of all bars: it costs about what it saves."""

SAMPLE_ERRORS = 3.0
"""Standard errors that the limit is above the sample's quantile, and the room above that."""

SAMPLE_SPARE = 2
"""Places of the sample that are added where a tail holds almost none of it [bars]."""

TAIL_SHARE_MAX = 0.25
"""Where more than this share of the bars would be looked at, all are [1]."""


class Tile:
    """Some columns, given as C-ordered pieces of consecutive bars.

    Attributes:
        series: `[bar, series]`, all of them.
        own: The tile's columns.
        width: How many these are.
    """

    def __init__(self, series: Floats, own: slice) -> None:
        self.series = series
        self.own = own
        self.width: int = own.stop - own.start
        self._bars_together = max(1, TURNED_VALUES_MAX // self.width)
        self._turned: list[tuple[Floats, int]] = []
        if not has_rows(series) and len(series) <= self._bars_together:
            self._turned = list(self._pieces())

    def pieces(self) -> Iterator[tuple[Floats, int]]:
        """Arrays `[bar, series]`, each with the place of the tile's first series in it."""
        return iter(self._turned) if self._turned else self._pieces()

    def _pieces(self) -> Iterator[tuple[Floats, int]]:
        if has_rows(self.series):
            yield self.series, self.own.start
            return
        columns = self.series[:, self.own]
        for start in range(0, len(columns), self._bars_together):
            piece = columns[start : start + self._bars_together]
            if has_rows(columns.T):
                turned = np.empty(piece.shape)
                lanes.turn.machine(columns.T, start, turned)
                yield turned, 0
            else:
                yield np.require(piece, requirements=["C", "A"]), 0


def has_rows(series: Floats) -> bool:
    """Whether compiled code can read the rows as they lie.

    Args:
        series: `[row, column]`.
    """
    return series.flags.c_contiguous and series.flags.aligned


@dataclass(frozen=True, slots=True)
class Search:
    """Where in a series its quantile is looked for.

    Attributes:
        step: Every how many bars the sample takes one.
        rank: Place of the limit in the sorted sample; -1 if all bars are looked at.
        room: How many bars at most are looked at.
        below: Place of the quantile's lower neighbour among all bars, sorted.
        above: Place of its upper neighbour.
        between: How far the quantile is from the lower to the upper one [1].
    """

    step: int
    rank: int
    room: int
    below: int
    above: int
    between: float

    @classmethod
    def of(cls, bar_count: int, quantile: float, sign: float) -> Self:
        """Search a quantile from below if `sign` is 1, from above if it is -1."""
        place = (bar_count - 1) * quantile
        below = math.floor(place)
        neighbours = below, min(below + 1, bar_count - 1), place - below
        share = quantile if sign > 0.0 else 1.0 - quantile
        step = max(1, math.floor(math.sqrt(bar_count) / SAMPLE_PER_ROOT))
        sample_count = math.ceil(bar_count / step)
        margin = SAMPLE_ERRORS * math.sqrt(share * (1.0 - share) / sample_count)
        rank = math.ceil(sample_count * (share + margin)) + SAMPLE_SPARE
        room = math.ceil(bar_count * (share + 2.0 * margin)) + 4 * SAMPLE_SPARE * step
        if room > TAIL_SHARE_MAX * bar_count:
            return cls(step, -1, bar_count, *neighbours)
        return cls(step, rank, room, *neighbours)

    def interpolated(self, low: Floats, high: Floats) -> Floats:
        """The quantile between its neighbours, rounded as NumPy does."""
        width = high - low
        if self.between >= 0.5:  # noqa: PLR2004
            return high - width * (1.0 - self.between)
        return low + width * self.between


def tail_of(tile: Tile, quantile: float, sign: float) -> tuple[Floats, Floats]:
    """A quantile of each series, and the mean of what is at or beyond it.

    Args:
        tile: The series.
        quantile: Share of bars below the quantile [1].
        sign: 1.0 for the tail below it, -1.0 for the one above.

    Returns:
        Both `[series]` [1 per bar].

    Source: Floyd & Rivest (1975), Expected Time Bounds for Selection, Communications of
        the ACM 18(3), for the limit from a sample.
    """
    search = Search.of(len(tile.series), quantile, sign)
    limits = _limits(tile, search, sign)
    counts = np.zeros(tile.width, dtype=np.int64)
    collected = np.full((tile.width, search.room), np.inf)
    for piece, first in tile.pieces():
        lanes.collect.machine(piece, first, sign, limits, counts, collected)
    places = np.array([search.below, search.above])
    if sign < 0.0:
        places = len(tile.series) - 1 - places
    found = np.full(tile.width, np.nan)
    sure = (counts > places.max()) & (counts <= search.room)
    filled = min(int(counts.max()), search.room)
    ends = sign * np.sort(collected[sure, :filled], axis=1)[:, places]
    found[sure] = search.interpolated(ends[:, 0], ends[:, 1])
    sure[sure] = limits[sure] >= sign * found[sure] + RETURN_ROUNDING
    mean = sign * _mean_up_to(collected, counts, sign * found)
    for lane in np.flatnonzero(~sure):
        column = np.array(tile.series[:, tile.own.start + lane])
        found[lane] = np.quantile(column, quantile)
        every = np.array([len(column)])
        alone = _mean_up_to((sign * column)[np.newaxis], every, sign * found[lane : lane + 1])
        mean[lane] = sign * alone[0]
    return found, mean


def _limits(tile: Tile, search: Search, sign: float) -> Floats:
    if search.rank < 0:
        return np.full(tile.width, np.inf)
    sample = sign * np.ascontiguousarray(tile.series[:: search.step, tile.own].T)
    return np.partition(sample, search.rank - 1, axis=1)[:, search.rank - 1].copy()


def _mean_up_to(values: Floats, counts: NDArray[np.int64], quantiles: Floats) -> Floats:
    # A quantile that is not known yet is NaN, and no value is up to it.
    totals, numbers = np.empty(len(counts)), np.empty(len(counts), dtype=np.int64)
    limits = quantiles + RETURN_ROUNDING
    lanes.add_collected.machine(values, counts, limits, totals, numbers)
    return totals / np.maximum(numbers, 1)

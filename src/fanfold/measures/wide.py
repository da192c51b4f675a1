"""Measures of so many series that a pass over the returns is what costs.

Columns are taken in tiles, and every series is summed by itself, so neither the width
of a tile nor the number of threads changes a bit.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from fanfold.errors import DataError
from fanfold.measures import lanes
from fanfold.measures.series import (
    DEVIATION_RETURNS_MIN,
    RETURN_ROUNDING,
    Floats,
    Values,
    ratio,
)
from fanfold.measures.tiles import Search, Tile, has_rows, tail_of

WIDE_VALUES_MIN = 4_000_000
"""Fewer returns are measured before compiled code would be loaded [returns]."""

WIDE_SERIES_MIN = 16
"""Fewer series leave the lanes of a processor empty [series]."""

TILE_SERIES_MAX = 2_048
"""Series whose running sums are kept at once; fits a core's cache [series]."""

TURNED_SERIES_MAX = 64
"""The same where a copy with its bars in rows has to be made first [series]."""

COLLECTED_VALUES_MAX = 1_048_576
"""Returns of the tails that a thread keeps at once, 8 MB [returns]."""


class Parts(NamedTuple):
    """What of the sums is needed."""

    falls: bool = False
    growth: bool = False
    spread: bool = False
    shape: bool = False
    low_tail: bool = False
    high_tail: bool = False


@dataclass(frozen=True)
class Followed:
    """What the passes over `[bar, series]` add up to; only what was asked for has values.

    Attributes:
        bar_count: How many returns each series has.
        sums: `[row, series]`, with the rows of `fanfold.measures.lanes`.
        low: The lower quantile, and the mean of what is at or below it, `[2, series]`.
        high: The upper quantile, and the mean of what is at or above it, `[2, series]`.
    """

    bar_count: int
    sums: Floats
    low: Floats
    high: Floats

    @property
    def mean(self) -> Floats:
        """Mean return [1 per bar]."""
        return self.sums[lanes.TOTAL] / self.bar_count

    @property
    def deviation(self) -> Floats:
        """Sample deviation, NaN for fewer than 2 returns [1 per bar]."""
        if self.bar_count < DEVIATION_RETURNS_MIN:
            return np.full_like(self.mean, np.nan)
        return np.sqrt(self.sums[lanes.SQUARES] / (self.bar_count - 1))

    @property
    def downside(self) -> Floats:
        """Root mean square of the shortfalls [1 per bar]."""
        return np.sqrt(self.sums[lanes.SHORTFALL_SQUARES] / self.bar_count)

    @property
    def gains_per_shortfall(self) -> Values:
        """Sum of the gains over the sum of the shortfalls, NaN where there are none [1]."""
        return ratio(self.sums[lanes.GAINS], self.sums[lanes.SHORTFALLS])

    @property
    def high_per_low(self) -> Values:
        """Size of the upper quantile over that of the lower one, NaN where that is 0 [1]."""
        return ratio(np.abs(self.high[0]), np.abs(self.low[0]))

    @cached_property
    def equity(self) -> Floats:
        """What 1 becomes.

        Raises:
            DataError: A return is below -1, or equity is not finite.
        """
        worst = float(np.min(self.sums[lanes.LOWEST]))
        refuse_growth(worst, self.sums[lanes.EQUITY])
        return self.sums[lanes.EQUITY]

    @property
    def depth(self) -> Floats:
        """Deepest drawdown [1]; raises as `equity` does."""
        _ = self.equity
        return np.subtract(1.0, self.sums[lanes.OF_PEAK_LOWEST])

    def score_moment(self, order: int) -> Floats:
        """Third or fourth standardised moment, NaN where all returns are equal [1]."""
        constant = np.sqrt(self.sums[lanes.SQUARES] / self.bar_count) <= RETURN_ROUNDING
        powers = self.sums[lanes.CUBES if order == 3 else lanes.FOURTHS]  # noqa: PLR2004
        return np.where(constant, np.nan, powers / self.bar_count)


def refuse_growth(worst: float, equity: Floats) -> None:
    """Refuse returns that cannot be compounded.

    Args:
        worst: The lowest return [1 per bar].
        equity: What 1 becomes.

    Raises:
        DataError: A return is below -1, or equity is not finite.
    """
    if worst < -1.0:
        raise DataError(
            f"returns must be at least -1, where all is lost (0.01 is one percent), was {worst}"
        )
    if not np.isfinite(equity).all():
        raise DataError("returns must compound to a finite equity (0.01 is one percent)")


def is_wide(series: Floats) -> bool:
    """Whether there is so much that compiled code is worth loading.

    Args:
        series: `[bar]` or `[bar, series]`.
    """
    return series.ndim > 1 and series.shape[1] >= WIDE_SERIES_MIN and series.size >= WIDE_VALUES_MIN


def follow(series: Floats, parts: Parts, *, level: float = 0.95, thread_count: int = 1) -> Followed:
    """Add up many series.

    Args:
        series: `[bar, series]`, checked [1 per bar].
        parts: What is needed.
        level: Where the upper tail begins; the lower one begins at 1 - level [1].
        thread_count: Tiles that are worked on at once.
    """
    bar_count, series_count = series.shape
    found = Followed(
        bar_count,
        np.empty((lanes.ROW_COUNT, series_count)),
        np.full((2, series_count), np.nan),
        np.full((2, series_count), np.nan),
    )
    width = _tile_width(series, parts, level, thread_count)

    def follow_tile(first: int) -> None:
        own = slice(first, min(first + width, series_count))
        _follow_tile(Tile(series, own), parts, level, found)

    firsts = range(0, series_count, width)
    if thread_count == 1:
        for first in firsts:
            follow_tile(first)
    else:
        with ThreadPoolExecutor(thread_count) as pool:
            list(pool.map(follow_tile, firsts))
    return found


def _tile_width(series: Floats, parts: Parts, level: float, thread_count: int) -> int:
    most = TILE_SERIES_MAX if has_rows(series) else TURNED_SERIES_MAX
    for wanted, side in zip((parts.low_tail, parts.high_tail), _sides(level), strict=True):
        if wanted:
            most = max(1, min(most, COLLECTED_VALUES_MAX // Search.of(len(series), *side).room))
    rounds = math.ceil(series.shape[1] / (most * thread_count))
    return math.ceil(series.shape[1] / (rounds * thread_count))


def _sides(level: float) -> tuple[tuple[float, float], tuple[float, float]]:
    return (1.0 - level, 1.0), (level, -1.0)


def _follow_tile(tile: Tile, parts: Parts, level: float, found: Followed) -> None:
    sums = np.zeros((lanes.ROW_COUNT, tile.width))
    sums[lanes.EQUITY : lanes.OF_PEAK_LOWEST + 1] = 1.0
    for piece, first in tile.pieces():
        lanes.add_up.machine(piece, first, int(parts.falls), int(parts.growth), sums)
    _add_powers(tile, parts, sums)
    found.sums[:, tile.own] = sums
    low, high = _sides(level)
    if parts.low_tail:
        found.low[:, tile.own] = tail_of(tile, *low)
    if parts.high_tail:
        found.high[:, tile.own] = tail_of(tile, *high)


def _add_powers(tile: Tile, parts: Parts, sums: Floats) -> None:
    if not (parts.spread or parts.shape):
        return
    bar_count = len(tile.series)
    mean = sums[lanes.TOTAL] / bar_count
    for piece, first in tile.pieces():
        lanes.add_powers.machine(piece, first, 0, mean, mean, sums)
    if parts.shape:
        deviation = np.sqrt(sums[lanes.SQUARES] / bar_count)
        scale = 1.0 / np.where(deviation <= RETURN_ROUNDING, 1.0, deviation)
        for piece, first in tile.pieces():
            lanes.add_powers.machine(piece, first, 1, mean, scale, sums)

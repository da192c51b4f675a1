"""Counters of a distribution: what remains of a million values, in whole numbers.

A value is counted in a bin of its own size, 1/512 of it wide, and the bin adds up where
in it its values lie. Only whole numbers are added, so it does not matter in which order,
in which chunks or on which machine values arrive: the sums are the same. A value
alone in its bin is exact to nine digits; quantiles of many are off by less than chance is.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fanfold.simulation.history import Floats

Counts = NDArray[np.int64]

BITS_PER_BIN = 43
"""Low bits of a float that do not choose its bin: nine bits of its fraction do."""

OFFSET_BITS = 22
"""Bits that say where in its bin a value lies."""

MAGNITUDE_MIN = 2.0**-40
"""Values nearer to 0 are counted as 0 [log]."""

MAGNITUDE_MAX = 2.0**10
"""Values farther from 0 are counted at the end [log]."""

_FIRST_KEY = int(np.float64(MAGNITUDE_MIN).view(np.int64)) >> BITS_PER_BIN
_KEYS = (int(np.float64(MAGNITUDE_MAX).view(np.int64)) >> BITS_PER_BIN) - _FIRST_KEY
_MIDDLE = _KEYS
_BINS = 2 * _KEYS + 1
_OFFSETS = 2**OFFSET_BITS


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """How many values fell where.

    Attributes:
        counts: Values in each bin, from the lowest to the highest.
        offsets: Where in their bin they lie, added up [2^-22 of a bin, away from 0].
    """

    counts: Counts
    offsets: Counts

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Count values, `[value]`, without NaN."""
        size = np.minimum(np.abs(values), np.nextafter(MAGNITUDE_MAX, 0.0))
        bits = size.view(np.int64)
        key = (bits >> BITS_PER_BIN) - _FIRST_KEY
        is_zero = key < 0
        offset = np.where(is_zero, 0, (bits >> (BITS_PER_BIN - OFFSET_BITS)) & (_OFFSETS - 1))
        place = np.where(is_zero, _MIDDLE, _MIDDLE + np.where(values < 0.0, -1 - key, 1 + key))
        counts = np.bincount(place, minlength=_BINS)
        # Whole numbers below 2^53 as floats, so the weights add up exactly.
        sums = np.bincount(place, weights=offset.astype(np.float64), minlength=_BINS)
        return cls(counts, sums.astype(np.int64))

    def plus(self, other: Self) -> Self:
        """The values of both."""
        return type(self)(self.counts + other.counts, self.offsets + other.offsets)

    @property
    def count(self) -> int:
        """All values."""
        return int(self.counts.sum())

    def filled(self) -> "Filled":
        """Only the bins that have any values, in order."""
        places = np.flatnonzero(self.counts)
        counts = self.counts[places]
        means = self.offsets[places] / counts
        return Filled(places=places, counts=counts, means=means, ends=np.cumsum(counts))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filled:
    """The bins of a tally that have any values, in ascending order of these.

    Attributes:
        places: Numbers of the bins.
        counts: Values in each, at least 1.
        means: Where in their bin they lie on average [2^-22 of a bin, away from 0].
        ends: Values in it and in those before.
    """

    places: Counts
    counts: Counts
    means: Floats
    ends: Counts

    @property
    def points(self) -> Floats:
        """Mean value of each bin."""
        return _values_at(self.places, self.means)

    def ranked(self, ranks: NDArray[np.int64]) -> Floats:
        """Values at ranks, 0 being the smallest; those of one bin lie evenly around its mean."""
        at = np.searchsorted(self.ends, ranks, side="right")
        count, mean = self.counts[at], self.means[at]
        rank_inside = ranks - (self.ends[at] - count)
        # As wide as the mean leaves room on both sides, so none leaves its bin.
        half = np.minimum(mean, _OFFSETS - mean)
        sign = np.where(self.places[at] < _MIDDLE, -1.0, 1.0)
        shift = np.where(count > 1, ((rank_inside + 0.5) / count * 2.0 - 1.0) * half * sign, 0.0)
        return _values_at(self.places[at], mean + shift)


def no_values() -> Tally:
    """A tally of nothing."""
    return Tally(np.zeros(_BINS, np.int64), np.zeros(_BINS, np.int64))


def _values_at(places: NDArray[np.int64], offsets: Floats) -> Floats:
    key = np.where(places < _MIDDLE, _MIDDLE - places, places - _MIDDLE) - 1
    inside = offsets * 2.0 ** (BITS_PER_BIN - OFFSET_BITS)
    bits = ((np.maximum(key, 0) + _FIRST_KEY) << BITS_PER_BIN) + np.rint(inside).astype(np.int64)
    size = bits.view(np.float64)
    return np.where(places == _MIDDLE, 0.0, np.where(places < _MIDDLE, -size, size))

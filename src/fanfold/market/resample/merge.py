"""One longer bar out of several: first open, highest high, lowest low, last close, all volume.

Bars in which nothing was traded say nothing, unless there is no other in the longer bar.
A sum with an unknown volume is unknown.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import CLOSE, FIELDS, HIGH, LOW, OPEN, VOLUME


def merged_rows(
    fields: NDArray[np.float64], place: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Bars of one asset that make up its longer ones, in order.

    Args:
        fields: Open, high, low, close, volume, NaN where there is no bar; shape [field, bar].
        place: Which longer bar each is in; shape [bar].
        count: Longer bars.

    Returns:
        Numbers of bars.
    """
    there = ~np.isnan(fields[CLOSE])
    trades = there & (fields[VOLUME] != 0.0)
    if not trades.all():
        lively = np.zeros(count, np.bool_)
        lively[place[trades]] = True
        trades |= there & ~lively[place]
    return np.flatnonzero(trades)


def merged_bars(
    fields: NDArray[np.float64], place: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Longer bars of one asset.

    Args:
        fields: Open, high, low, close, volume of the bars that count; shape [field, bar].
        place: Which longer bar each is in, in order; shape [bar].
        count: Longer bars.

    Returns:
        NaN where the asset has none; shape [field, longer bar].
    """
    longer = np.full((len(FIELDS), count), math.nan)
    if len(place):
        first = starts(place)
        there = place[first]
        longer[OPEN, there] = fields[OPEN, first]
        longer[HIGH, there] = np.maximum.reduceat(fields[HIGH], first)
        longer[LOW, there] = np.minimum.reduceat(fields[LOW], first)
        longer[CLOSE, there] = fields[CLOSE, np.append(first[1:], len(place)) - 1]
        longer[VOLUME, there] = sums(fields[VOLUME], place, count)[there]
    return longer


def starts(place: NDArray[np.int64]) -> NDArray[np.int64]:
    """First of each run of equal places."""
    return np.flatnonzero(np.append(True, place[1:] != place[:-1]))


def sums(values: NDArray[np.float64], place: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Sums by place, one after the other in their order, as a stream adds them up."""
    total: NDArray[Any] = np.bincount(place, weights=values, minlength=count)
    return total

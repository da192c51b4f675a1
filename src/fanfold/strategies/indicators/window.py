"""Sums and extremes of the last values that never take a value away.

Taking away what leaves keeps its roundings for ever, and a maximum cannot be taken
back at all. So the window is kept in two parts: the values since the ring last
wrapped, as one running figure, and those before it, for which the wrap works out
the figure of each value and all that follow it. The newest window is one of each.
That costs the same few operations a bar at any period, is exact, and forgets a
value at the bar at which it leaves.

Such a state begins with the period and the ring's head. A ring has a place more than
the period, for the figure of no values at all; it begins with NaN, so that whatever
is computed from it is NaN until it is full.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import compiled
from fanfold.strategies.indicators.ring import HEAD, PERIOD

RUNNING: Final = 2
"""Places before the first ring of `highest_lowest` and `sums` [values]."""


@compiled
def highest_lowest(state: Any, at: int, high: float, low: float) -> tuple[float, float]:
    """The highest high and the lowest low of the window, the newest bar included.

    Args:
        state: Period, head, and from place `at` on what `extremes_start` makes.
        at: Place of the running extremes.
        high: The newest high.
        low: The newest low.
    """
    head = state[HEAD]
    size = int(state[PERIOD]) + 1
    place = at + RUNNING + int(head)
    top = max(state[at], high)
    bottom = min(state[at + 1], low)
    highest = state[place + 1]
    lowest = state[place + size + 1]
    # Of a NaN and a number the first stays: nothing is above or below a NaN.
    highest = max(highest, top)
    lowest = min(lowest, bottom)
    state[place] = high
    state[place + size] = low
    head += 1.0
    if head == state[PERIOD]:
        top = -math.inf
        bottom = math.inf
        for before in range(at + RUNNING + size - 2, at + RUNNING - 1, -1):
            top = max(top, state[before])
            bottom = min(bottom, state[before + size])
            state[before] = top
            state[before + size] = bottom
        head = 0.0
        top = -math.inf
        bottom = math.inf
    state[HEAD] = head
    state[at] = top
    state[at + 1] = bottom
    return highest, lowest


@compiled
def sums(state: Any, at: int, first: float, second: float) -> tuple[float, float]:
    """Two sums over the window, the newest values included.

    Args:
        state: Period, head, and from place `at` on what `sums_start` makes.
        at: Place of the running sums.
        first: What is new in the first sum.
        second: What is new in the second.
    """
    head = state[HEAD]
    size = int(state[PERIOD]) + 1
    place = at + RUNNING + int(head)
    one = state[at] + first
    two = state[at + 1] + second
    all_one = state[place + 1] + one
    all_two = state[place + size + 1] + two
    state[place] = first
    state[place + size] = second
    head += 1.0
    if head == state[PERIOD]:
        one = 0.0
        two = 0.0
        for before in range(at + RUNNING + size - 2, at + RUNNING - 1, -1):
            one += state[before]
            two += state[before + size]
            state[before] = one
            state[before + size] = two
        head = 0.0
        one = 0.0
        two = 0.0
    state[HEAD] = head
    state[at] = one
    state[at + 1] = two
    return all_one, all_two


@compiled
def mean_of_last(state: Any, first: int, count: int, value: float) -> float:
    """Mean of the last few values, kept in their order from place `first` on.

    Each is moved by one place: for windows of a handful of values.
    """
    total = value
    for place in range(first, first + count - 1):
        state[place] = state[place + 1]
        total += state[place]
    state[first + count - 1] = value
    return total / count


def extremes_start(period: int) -> NDArray[np.float64]:
    """What `highest_lowest` keeps before the first bar."""
    return _two_rings(period, -math.inf, math.inf)


def sums_start(period: int) -> NDArray[np.float64]:
    """What `sums` keeps before the first values."""
    return _two_rings(period, 0.0, 0.0)


def _two_rings(period: int, nothing: float, other_nothing: float) -> NDArray[np.float64]:
    ring = np.full(period + 1, math.nan)
    part = np.concatenate(([nothing, other_nothing], ring, ring))
    part[RUNNING + period] = nothing
    part[-1] = other_nothing
    return part

"""The last values of an indicator, kept in a ring inside its state.

Such a state begins with the period and the ring's head. The ring is filled with
NaN at the start, so whatever is computed from it is NaN until it is full.
"""

import math
from typing import Any, Final

from fanfold.domain.compiled import compiled

PERIOD: Final = 0
HEAD: Final = 1


@compiled
def oldest_slot(state: Any, ring: int) -> int:
    """Place in `state` of the oldest value, for the newest; turns the ring by one.

    Args:
        state: Period, head, and from place `ring` on as many values as the period.
        ring: Place of the first value.
    """
    head = state[HEAD]
    state[HEAD] = head + 1.0
    if head + 1.0 == state[PERIOD]:
        state[HEAD] = 0.0
    return ring + int(head)


@compiled
def sums_about(state: Any, ring: int, pivot: float) -> tuple[float, float]:
    """Sum of (value - pivot), and of its square, over the whole ring.

    Added up afresh at every bar, because sums that are carried along keep the
    rounding errors of values that have left. With a pivot that is itself in the
    ring, the squares add up to at most period times their sum about the mean: the
    variance loses no more digits than the period has, at any level of prices.
    """
    total = 0.0
    squares = 0.0
    for place in range(ring, ring + int(state[PERIOD])):
        apart = state[place] - pivot
        total += apart
        squares += apart * apart
    return total, squares


@compiled
def deviation(total: float, squares: float, count: float, freedom: float) -> float:
    """Standard deviation from the two sums of `sums_about`.

    Args:
        total: Sum of the differences.
        squares: Sum of their squares.
        count: How many they are.
        freedom: What the squares are divided by: `count`, or one less for a sample.
    """
    variance = (squares - total * total / count) / freedom
    return 0.0 if variance < 0.0 else math.sqrt(variance)

"""Exponential smoothing that begins as a plain mean, as TA-Lib begins it.

Such a state begins with the period, the values counted so far and the weight of
a new value. The first `period` values are averaged evenly; from then on each new
value moves the average by its weight. A constant series keeps its exact value.
"""

from typing import Any, Final

from fanfold.domain.compiled import compiled

PERIOD: Final = 0
COUNT: Final = 1
WEIGHT: Final = 2


@compiled
def counted(state: Any) -> float:
    """Values so far, the one at hand included; counts no further than period + 1."""
    count = state[COUNT]
    if count <= state[PERIOD]:
        count += 1.0
        state[COUNT] = count
    return count


@compiled
def smoothed(state: Any, count: float, average: float, value: float) -> float:
    """The average with one value more.

    Args:
        state: Period and weight are read.
        count: From `counted`.
        average: The average before.
        value: What is new.
    """
    if count > state[PERIOD]:
        return average + (value - average) * state[WEIGHT]
    return average + (value - average) / count


@compiled
def moved(average: float, value: float, count: float, period: float, weight: float) -> float:
    """The average with one value more, of several that one state keeps.

    Args:
        average: The average before.
        value: What is new.
        count: Values so far, this one included.
        period: Values that are averaged evenly.
        weight: Of each value after them.
    """
    if count > period:
        return average + (value - average) * weight
    return average + (value - average) / count

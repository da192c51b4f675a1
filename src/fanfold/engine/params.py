"""The parameters of many runs, as their decision sees them."""

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.record import VECTOR_SIZE
from fanfold.strategies.strategy import Strategy, params_of

NUMBERS = frozenset({bool, int, float})
"""Types of fields that a whole column is made of at once."""


def param_rows(strategies: Sequence[Strategy], symbols: Sequence[str]) -> NDArray[np.float64]:
    """What `params_of` says of each strategy, shape [run, VECTOR_SIZE].

    Args:
        strategies: At least one, all of one class.
        symbols: Those of the bars, in their order.

    Raises:
        ConfigError: As `params_of`.
    """
    rows = np.zeros((len(strategies), VECTOR_SIZE))
    columns = [list(map(attrgetter(name), strategies)) for name, _ in strategies[0]]
    if len(columns) <= VECTOR_SIZE and all(NUMBERS.issuperset(map(type, c)) for c in columns):
        for place, column in enumerate(columns):
            rows[:, place] = column
        return rows
    for row, strategy in zip(rows, strategies, strict=True):
        values = params_of(strategy, symbols)
        row[: len(values)] = values
    return rows

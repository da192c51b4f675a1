"""The features of many runs, each computed once."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import ConfigError
from fanfold.strategies.indicators.indicator import Indicator, batch_all

Features = tuple[Indicator, ...]


def warm_up_of(features: Iterable[Indicator]) -> int:
    """Bars until every feature has a value, that bar included; at least 1."""
    return max((feature.warm_up for feature in features), default=1)


def groups_of(runs: Sequence[Features], column_count_max: int) -> Iterator[tuple[int, int]]:
    """Cut runs into groups whose features together have so many values, or into single runs.

    Yields:
        First run of a group and the one after its last.
    """
    start = 0
    known: set[Indicator] = set()
    columns = 0
    for place, features in enumerate(runs):
        new = [feature for feature in features if feature not in known]
        columns += sum(feature.output_count for feature in new)
        if columns > column_count_max and place > start:
            yield start, place
            start, known = place, set[Indicator]()
            columns = sum(feature.output_count for feature in features)
        known.update(features)
    if runs:
        yield start, len(runs)


def bank_of(
    runs: Sequence[Features], panel: NDArray[np.float64], *, plain: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values of every feature that the runs name, and where each run finds its own.

    Args:
        runs: The features of each run; all runs have equally many values.
        panel: Prices, shape [field, bar, asset].
        plain: Compute without machine code; the values are the same bits.

    Returns:
        The bank, shape [column, bar, asset], and the columns of each run, shape
        [run, value].

    Raises:
        ConfigError: The runs differ in the number of their feature values.
    """
    place_of: dict[Indicator, int] = {}
    column_count = 0
    for feature in (feature for features in runs for feature in features):
        if feature not in place_of:
            place_of[feature] = column_count
            column_count += feature.output_count
    bank = np.empty((column_count, *panel.shape[1:]))
    batch_all(tuple(place_of), panel, out=bank, plain=plain)
    rows = [[place_of[f] + k for f in features for k in range(f.output_count)] for features in runs]
    if len({len(row) for row in rows}) > 1:
        raise ConfigError("a strategy must have equally many feature values for all parameters")
    return bank, np.array(rows, np.int64).reshape(len(runs), -1)

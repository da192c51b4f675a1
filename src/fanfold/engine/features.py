"""The features of many runs, each computed once."""

import math
import weakref
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError
from fanfold.strategies.indicators import Indicator, batch_all, context_of, warm_up_on

Features = tuple[Indicator, ...]

BANK_BYTES_MAX = 64 * 2**20
"""Feature values that a chunk holds at a time [bytes]; more are computed in turns."""


def warm_up_of(features: Iterable[Indicator], bars: Bars) -> int:
    """Bars until every feature has a value over these bars, that bar included; at least 1."""
    known = _warm_ups.setdefault(bars, {})
    longest = 1
    for feature in features:
        bar_count = known.get(feature)
        if bar_count is None:
            bar_count = known[feature] = warm_up_on(feature, context_of(bars))
        longest = max(longest, bar_count)
    return longest


_warm_ups: "weakref.WeakKeyDictionary[Bars, dict[Indicator, int]]" = weakref.WeakKeyDictionary()
"""Warm-ups that were found out: a sweep asks for the same few thousands of times."""


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive runs that share a bank.

    Attributes:
        start: First run.
        indicators: The features that they name, each once.
        columns: Where each run finds its values in the bank, shape [run, value].
    """

    start: int
    indicators: tuple[Indicator, ...]
    columns: NDArray[np.int64]


def groups_of(runs: Sequence[Features], column_count_max: int) -> Iterator[Group]:
    """Cut runs into groups whose features together have so many values, or into single runs.

    Raises:
        ConfigError: The runs differ in the number of their feature values.
    """
    start, place_of, rows, count = 0, dict[Indicator, int](), list[list[int]](), 0
    for run, features in enumerate(runs):
        places = [place_of.get(feature, -1) for feature in features]
        if -1 in places:
            new = [f for f, place in zip(features, places, strict=True) if place < 0]
            if rows and count + sum([f.output_count for f in new]) > column_count_max:
                yield _group(start, place_of, rows)
                start, place_of, rows, count = run, {}, [], 0
                new = list(features)
            for feature in new:
                if feature not in place_of:
                    place_of[feature] = count
                    count += feature.output_count
            places = [place_of[feature] for feature in features]
        rows.append(
            [p + k for p, f in zip(places, features, strict=True) for k in range(f.output_count)]
        )
    if rows:
        yield _group(start, place_of, rows)


def _group(start: int, place_of: Mapping[Indicator, int], rows: list[list[int]]) -> Group:
    if len({len(row) for row in rows}) > 1:
        raise ConfigError("a strategy must have equally many feature values for all parameters")
    return Group(start, tuple(place_of), np.array(rows, np.int64).reshape(len(rows), -1))


_spare: list[NDArray[np.float64]] = []


@contextmanager
def bank_of(
    indicators: Sequence[Indicator], bars: Bars, *, plain: bool = False
) -> Generator[NDArray[np.float64]]:
    """Lend the values of indicators, in their order; shape [column, bar, asset].

    The memory is lent again to the next bank: fetching fresh pages for a million bars
    takes longer than an average over them.

    Args:
        indicators: Each once.
        bars: The market; features see its prices as strategies do.
        plain: Compute without machine code; the values are the same bits.
    """
    columns = sum(indicator.output_count for indicator in indicators)
    shape = columns, bars.bar_count, bars.asset_count
    size = math.prod(shape)
    memory = _spare.pop() if _spare else np.empty(0)
    if memory.size < size:
        memory = np.empty(size)
    bank = memory[:size].reshape(shape)
    try:
        yield batch_all(indicators, bars.seen, context_of(bars), out=bank, plain=plain)
    finally:
        if memory.nbytes <= BANK_BYTES_MAX:
            _spare[:] = [memory]

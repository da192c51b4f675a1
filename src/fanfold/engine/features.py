"""The features of many runs, each computed once."""

import dis
import math
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from inspect import CO_VARARGS, CO_VARKEYWORDS
from itertools import pairwise
from operator import attrgetter
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError
from fanfold.strategies.indicators import Indicator, batch_all, context_of, warm_up_on
from fanfold.strategies.strategy import Strategy, features_of

Features = tuple[Indicator, ...]

BANK_BYTES_MAX = 64 * 2**20
"""Feature values that a chunk holds at a time [bytes]; more are computed in turns."""


def sharing(strategy: type[Strategy]) -> Callable[[Strategy], Features]:
    """The features of many strategies of a class, checked; equal ones are the same object.

    They are asked for again only where a field is new that they are made of.
    """
    known: dict[Any, Features] = {}
    names = fields_of_features(strategy)
    if not names:
        return lambda made: known.setdefault(features := features_of(made), features)
    key_of = attrgetter(*names)

    def shared(made: Strategy) -> Features:
        key = key_of(made)
        features = known.get(key)
        if features is None:
            features = known[key] = features_of(made)
        return features

    return shared


@cache
def fields_of_features(strategy: type[Strategy]) -> tuple[str, ...]:
    """Fields of which a strategy makes its features, if its byte code leaves no doubt.

    That is where `features` takes nothing of the strategy but numbers and texts, each by its
    name. Else nothing.
    """
    function: Any = strategy.features
    if not isinstance(function, FunctionType) or not _sees_self_alone(function):
        return ()
    owner = function.__code__.co_varnames[0]
    types: dict[str, Any] = {name: f.annotation for name, f in strategy.model_fields.items()}
    names: dict[str, None] = {}
    for taken, then in pairwise(dis.get_instructions(function)):
        if not _speaks_of(taken, owner):
            continue
        reads = taken.opname == "LOAD_FAST" and then.opname == "LOAD_ATTR"
        if not reads or types.get(then.argval) not in PLAIN_TYPES:
            return ()
        names[then.argval] = None
    return tuple(names)


def _speaks_of(instruction: Any, variable: str) -> bool:
    named = instruction.argval
    return named == variable or (isinstance(named, tuple) and variable in named)


def _sees_self_alone(function: FunctionType) -> bool:
    code = function.__code__
    takes_more = code.co_flags & (CO_VARARGS | CO_VARKEYWORDS) or code.co_kwonlyargcount
    closes_over = code.co_freevars or code.co_cellvars
    if code.co_argcount != 1 or takes_more or closes_over:
        return False
    return WAYS_AROUND.isdisjoint(code.co_names)


PLAIN_TYPES = (bool, int, float, str)
"""Types of fields whose equal values give equal features."""

WAYS_AROUND = frozenset({"eval", "exec", "locals", "vars"})
"""What reads a variable without naming it."""


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
    group = _Growing(0)
    for run, features in enumerate(runs):
        row = group.row_of.get(id(features))  # many runs share one object
        if row is None:
            if group.rows and group.count_with(features) > column_count_max:
                yield group.grown()
                group = _Growing(run)
            row = group.add(features)
        group.rows.append(row)
    if group.rows:
        yield group.grown()


class _Growing:
    """A group in the making: where its runs find their values."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.place_of: dict[Indicator, int] = {}
        self.count = 0
        self.distinct: list[list[int]] = []
        self.row_of: dict[int, int] = {}
        self.rows: list[int] = []

    def count_with(self, features: Features) -> int:
        """Values that the group would have with further features."""
        new = [feature for feature in features if feature not in self.place_of]
        return self.count + sum(feature.output_count for feature in new) if new else 0

    def add(self, features: Features) -> int:
        """Make room for features; the number of their row."""
        for feature in features:
            if feature not in self.place_of:
                self.place_of[feature] = self.count
                self.count += feature.output_count
        places = [(self.place_of[feature], feature.output_count) for feature in features]
        self.distinct.append([place + k for place, outputs in places for k in range(outputs)])
        row = self.row_of[id(features)] = len(self.distinct) - 1
        return row

    def grown(self) -> Group:
        if len({len(row) for row in self.distinct}) > 1:
            raise ConfigError("a strategy must have equally many feature values for all parameters")
        distinct = np.array(self.distinct, np.int64).reshape(len(self.distinct), -1)
        return Group(self.start, tuple(self.place_of), distinct[self.rows])


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

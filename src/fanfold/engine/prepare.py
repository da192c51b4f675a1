"""Bars as one strategy's run reads them: with the columns that it computes itself."""

import weakref
from dataclasses import replace

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError
from fanfold.strategies.strategy import Strategy, computes_columns

_latest: "weakref.WeakKeyDictionary[Bars, tuple[Strategy, Bars]]" = weakref.WeakKeyDictionary()
"""The strategy that last asked for columns, and the bars with them: a run asks twice."""


def prepared(strategy: Strategy, bars: Bars) -> Bars:
    """The bars, with the strategy's own columns beside the others.

    Raises:
        ConfigError: A column is not of the bars' shape, or its name is taken.
    """
    if not computes_columns(type(strategy)):
        return bars
    latest = _latest.get(bars)
    if latest is not None and latest[0] is strategy:
        return latest[1]
    made = _with_columns(strategy, bars)
    _latest[bars] = strategy, made
    return made


def _with_columns(strategy: Strategy, bars: Bars) -> Bars:
    owner = type(strategy).__name__
    extra = dict(bars.extra)
    for name, values in strategy.columns(bars).items():
        column = np.array(values, np.float64)
        shape = bars.bar_count, bars.asset_count
        if column.shape != shape:
            raise ConfigError(
                f"{owner}.columns must give shapes {shape}, {name!r} had {column.shape}"
            )
        if name in bars.extra:
            raise ConfigError(f"{owner}.columns must give new names, {name!r} is a column already")
        extra[name] = column
    return replace(bars, extra=extra)

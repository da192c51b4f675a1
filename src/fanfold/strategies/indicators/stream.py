"""An indicator fed bar by bar in plain Python, as live trading feeds it."""

import math
from dataclasses import replace
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import CLOSE, FIELDS, VOLUME, trades_in
from fanfold.domain.record import view
from fanfold.errors import ConfigError
from fanfold.strategies.indicators.beside import bar_at, extra_at
from fanfold.strategies.indicators.context import BarContext, Prices
from fanfold.strategies.indicators.shape import Indicator
from fanfold.strategies.indicators.timeframe import On, marks

_KEY: Final = 0
_COMPLETE: Final = 1
_LATE: Final = 2
_DAY: Final = 3
_HEAD: Final = 4


@final
class Stream:
    """One asset's indicator with its state.

    Attributes:
        state: All it remembers, changed in place: what a snapshot keeps; shape [state].
        latest: The newest values, NaN while warming up; shape [output].
    """

    __slots__ = (
        "_beside",
        "_indicator",
        "_kept",
        "_larger",
        "_latest",
        "_state",
        "_update",
        "latest",
        "state",
    )

    def __init__(self, indicator: Indicator) -> None:
        inner, larger, kept = indicator, None, np.empty(0)
        if isinstance(indicator, On):
            inner, larger = indicator.indicator, _LargerBar(indicator)
            kept = larger.start()
        self.state: NDArray[np.float64] = np.concatenate((kept, inner.start()))
        self.latest: NDArray[np.float64] = np.full(indicator.output_count, math.nan)
        self._indicator = indicator
        self._beside = inner.beside
        self._larger = larger
        self._kept = view(self.state)[: len(kept)]
        self._state = view(self.state)[len(kept) :]
        self._latest = view(self.latest)
        self._update = type(inner).update.function

    def push(
        self,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        context: BarContext | None = None,
    ) -> tuple[float, ...]:
        """Take the asset's next bar; without a trade (no close, no volume) nothing changes.

        On a larger timeframe bars without a trade have to come too: they may complete it.

        Args:
            open: First price.
            high: Highest price.
            low: Lowest price.
            close: Last price.
            volume: Units traded, NaN if unknown.
            context: What is known beside the bar, for indicators that need it.

        Returns:
            The newest values, in the indicator's order.

        Raises:
            ConfigError: There is no context and the indicator needs it, or the context
                does not hold what it reads.
        """
        if self._beside is None and self._larger is None:
            if trades_in(close, volume):
                self._update(self._state, self._latest, open, high, low, close, volume)
            return tuple(self._latest)
        if context is None:
            raise ConfigError(f"{self._indicator!r} needs a context beside each bar, was None")
        bar = open, high, low, close, volume
        if self._larger is None:
            self._take(bar, context)
        else:
            for completed, known in self._larger.take(self._kept, bar, context):
                self._take(completed, known)
        return tuple(self._latest)

    def _take(self, bar: Prices, context: BarContext) -> None:
        if trades_in(bar[CLOSE], bar[VOLUME]):
            first = bar[0] if self._beside is None else self._beside.at(context)
            self._update(self._state, self._latest, first, *bar[1:])


class _LargerBar:
    """The unfinished bar of a larger timeframe, kept in a part of a stream's state."""

    def __init__(self, indicator: On) -> None:
        beside = indicator.indicator.beside
        self.timeframe = indicator.timeframe
        self.symbols = () if beside is None else beside.symbols
        self.columns = () if beside is None else beside.columns
        self.size = _HEAD + len(self.columns) + len(FIELDS) * (1 + len(self.symbols))

    def start(self) -> NDArray[np.float64]:
        """As after a completed bar, so that the next one begins a new one."""
        state = np.full(self.size, math.nan)
        state[_COMPLETE] = 1.0
        state[_LATE] = 0.0
        return state

    def take(self, state: Any, bar: Prices, context: BarContext) -> list[tuple[Prices, BarContext]]:
        """Larger bars that this bar completes, with what was known at their ends."""
        key, complete, late = marks(
            self.timeframe,
            context.ts,
            context.session_day,
            context.minutes_to_close,
            context.calendar,
            context.week_end,
        )
        completed: list[tuple[Prices, BarContext]] = []
        other = key != state[_KEY]
        if state[_COMPLETE] or ((late and other) if state[_LATE] else (late or other)):
            if not state[_COMPLETE]:
                completed.append(self._bar(state, context))
            for place in range(_HEAD + len(self.columns), self.size):
                state[place] = math.nan
        self._add(state, bar, context)
        state[_KEY] = key
        state[_LATE] = late
        state[_COMPLETE] = complete
        if complete:
            completed.append(self._bar(state, context))
        return completed

    def _add(self, state: Any, bar: Prices, context: BarContext) -> None:
        state[_DAY] = context.session_day
        first = _HEAD
        for name in self.columns:
            state[first] = extra_at(context, name)
            first += 1
        _merge(state, first, bar)
        for symbol in self.symbols:
            first += len(FIELDS)
            _merge(state, first, bar_at(context, symbol))

    def _bar(self, state: Any, context: BarContext) -> tuple[Prices, BarContext]:
        first = _HEAD + len(self.columns)
        bars = [
            tuple(state[place : place + len(FIELDS)])
            for place in range(first, self.size, len(FIELDS))
        ]
        known = replace(
            context,
            session_day=int(state[_DAY]),
            extra=dict(zip(self.columns, state[_HEAD:first], strict=True)),
            bars=dict(zip(self.symbols, bars[1:], strict=True)),
        )
        return bars[0], known


def _merge(state: Any, first: int, bar: Prices) -> None:
    open_, high, low, close, volume = bar
    if not trades_in(close, volume):
        return
    if math.isnan(state[first + CLOSE]):
        state[first] = open_
        state[first + 1] = -math.inf
        state[first + 2] = math.inf
        state[first + VOLUME] = 0.0
    state[first + 1] = max(state[first + 1], high)
    state[first + 2] = min(state[first + 2], low)
    state[first + CLOSE] = close
    state[first + VOLUME] += volume


def stream(indicator: Indicator) -> Stream:
    """Start an indicator on an asset that has had no bar yet."""
    return Stream(indicator)

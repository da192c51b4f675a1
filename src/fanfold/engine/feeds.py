"""The features of all assets of a run, moved bar by bar."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import trades_in
from fanfold.domain.record import view
from fanfold.domain.timeframe import week_end_among
from fanfold.engine.light import linked
from fanfold.engine.universe import Moment, Rows
from fanfold.errors import ConfigError
from fanfold.strategies.indicators import Indicator
from fanfold.strategies.indicators.context import BarContext, Prices
from fanfold.strategies.indicators.stream import Stream
from fanfold.strategies.indicators.timeframe import On

Update = tuple[Callable[..., None], Any, Any]
"""A plain update, its state, and where it writes its values."""

NO_PRICES: Prices = (math.nan,) * 5  # pyright: ignore[reportAssignmentType]


class Feeds:
    """One stream for each feature and asset.

    Attributes:
        latest: Newest values, NaN while warming up; shape [asset, value].
        values: The same, a plain view for each asset.
        updates: Of each asset, those of features that look at its own bar only.
        need_context: Whether any feature looks beside it.
        states: All that is remembered, in one order, changed in place.
    """

    def __init__(
        self,
        features: tuple[Indicator, ...],
        symbols: tuple[str, ...],
        calendar: str,
        session_days: tuple[int, ...] = (),
    ) -> None:
        """Start all features, see `Universe` for their arguments.

        Raises:
            ConfigError: A feature reads a further column, of which there is none live.
        """
        count = sum(feature.output_count for feature in features)
        self.latest: NDArray[np.float64] = np.full((len(symbols), count), math.nan)
        self.values: list[Any] = [view(self.latest)[0:0]] * len(symbols)
        self.updates: list[list[Update]] = [[] for _ in symbols]
        self.states: list[NDArray[np.float64]] = []
        self._streams: list[list[tuple[Stream, Any]]] = [[] for _ in symbols]
        self._symbols = symbols
        self._calendar = calendar
        self._days = session_days
        self._week: tuple[int, int | None] = -1, None
        flat = view(self.latest.reshape(-1)) if count else None
        for asset in range(len(symbols)):
            first = asset * count
            if flat is not None:
                self.values[asset] = flat[first : first + count]
            for feature in features:
                self._start(feature, asset, flat, first)
                first += feature.output_count
        self.need_context = any(self._streams)

    def _start(self, feature: Indicator, asset: int, flat: Any, first: int) -> None:
        inner = feature.indicator if isinstance(feature, On) else feature
        if inner.beside is not None and inner.beside.columns:
            raise ConfigError(f"{feature!r} reads a further column, and live there is none")
        out = flat[first : first + feature.output_count]
        if inner is feature and inner.beside is None:
            state = feature.start()
            self.updates[asset].append((_plain(type(feature).update), view(state), out))
            self.states.append(state)
        else:
            stream = Stream(feature)
            self._streams[asset].append((stream, out))
            self.states.append(stream.state)

    def push(self, moment: Moment, rows: Rows, forward: Any) -> None:
        """Take a bar of some assets, its prices as they are traded."""
        seen = rows if forward is None else [_adjusted(row, forward[row[0]]) for row in rows]
        for asset, open_, high, low, close, volume in seen:
            if trades_in(close, volume):
                for update, state, out in self.updates[asset]:
                    update(state, out, open_, high, low, close, volume)
        if self.need_context:
            self._push_beside(moment, seen)

    def _push_beside(self, moment: Moment, rows: Rows) -> None:
        bars = dict.fromkeys(self._symbols, NO_PRICES)
        for asset, *prices in rows:
            bars[self._symbols[asset]] = tuple(prices)  # pyright: ignore[reportArgumentType]
        context = BarContext(
            ts=moment.ts,
            session_day=moment.session_day,
            minutes_to_close=moment.minutes_to_close,
            calendar=self._calendar,
            bars=bars,
            week_end=self._week_end(moment.session_day),
        )
        for symbol, streams in zip(self._symbols, self._streams, strict=True):
            for stream, out in streams:
                for place, value in enumerate(stream.push(*bars[symbol], context)):
                    out[place] = value

    def _week_end(self, session_day: int) -> int | None:
        if session_day != self._week[0]:
            days = self._days
            self._week = session_day, week_end_among(days, session_day) if days else None
        return self._week[1]

    def show_streams(self) -> None:
        """Let streams go on with the values that were put back beside their states."""
        for streams in self._streams:
            for stream, out in streams:
                stream.latest[:] = out


def _plain(update: Any) -> Callable[..., None]:
    """An update as plain Python calls it: modules of users may change what theirs reads."""
    return linked(update) if update.__module__.startswith("fanfold.") else update.function


def _adjusted(row: Any, ratio: float) -> Any:
    """A bar as strategies see it: without the jumps of splits."""
    asset, open_, high, low, close, volume = row
    return asset, open_ * ratio, high * ratio, low * ratio, close * ratio, volume / ratio

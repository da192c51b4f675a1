"""Bars built from trades: each minute that had one, and the session so far."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.sessions import MINUTE_NS, session_days
from fanfold.venue.market.history.past import Minutes
from fanfold.venue.market.hours import DayInstants, day_starts
from fanfold.venue.market.values import BarTick


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Trades of one asset in order; shapes [trade]."""

    ts: NDArray[np.int64]
    seq: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]

    def where(self, kept: NDArray[np.bool_]) -> "Trades":
        """Some of the trades."""
        return Trades(self.ts[kept], self.seq[kept], self.price[kept], self.size[kept])


class DaySoFar(NamedTuple):
    """A session up to some minute; `value` is price × volume."""

    day: int
    open: float
    high: float
    low: float
    volume: float
    trade_count: int
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """Minutes of trades, by start; shapes [minute]."""

    start: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    count: NDArray[np.int64]
    value: NDArray[np.float64]


def minutes_of(trades: Trades) -> Built:
    """The minutes in which there were trades."""
    start = trades.ts // MINUTE_NS * MINUTE_NS
    edges = np.flatnonzero(np.diff(start, prepend=-1))
    last = np.append(edges[1:], len(start)) - 1
    if not len(edges):
        empty, none = np.empty(0), np.empty(0, np.int64)
        return Built(none, empty, empty, empty, empty, empty, none, empty)
    return Built(
        start=start[edges],
        open=trades.price[edges],
        high=np.maximum.reduceat(trades.price, edges),
        low=np.minimum.reduceat(trades.price, edges),
        close=trades.price[last],
        volume=np.add.reduceat(trades.size, edges),
        count=last - edges + 1,
        value=np.add.reduceat(trades.price * trades.size, edges),
    )


def bars_built(
    symbol: str,
    minutes: Built,
    before: DaySoFar | None,
    calendar: str,
    sessions: dict[int, DayInstants],
) -> tuple[list[BarTick], list[BarTick], DaySoFar | None]:
    """Minutes and the session so far as ticks, and where the session has come to.

    Args:
        symbol: Whose.
        minutes: In order.
        before: The session so far before the first of them.
        calendar: The asset's.
        sessions: Those of the calendar, by date.
    """
    if not len(minutes.start):
        return [], [], before
    days = session_days(minutes.start + MINUTE_NS, calendar)
    midnight = dict(zip(days.tolist(), day_starts(days, calendar), strict=True))
    columns = (
        minutes.start, minutes.open, minutes.high, minutes.low, minutes.close, minutes.volume,
        minutes.count, minutes.value, days,
    )  # fmt: skip
    bars: list[BarTick] = []
    so_far: list[BarTick] = []
    state = before
    for start, open_, high, low, close, volume, count, value, day in _rows(columns):
        end = start + MINUTE_NS
        mean = value / volume if volume > 0.0 else close
        bars.append(BarTick(end, symbol, "b", start, open_, high, low, close, volume, count, mean))
        session = sessions.get(day)
        if session is None or not session.open <= start < session.close:
            continue
        if state is None or state.day != day:
            state = DaySoFar(day, open_, high, low, volume, count, value)
        else:
            state = DaySoFar(
                day,
                state.open,
                max(state.high, high),
                min(state.low, low),
                state.volume + volume,
                state.trade_count + count,
                state.value + value,
            )
        so_far.append(_day_tick(symbol, end, midnight[day], close, state))
    return bars, so_far, state


def bars_asked(bars: list[BarTick]) -> Minutes:
    """Bars of one asset as they are asked for."""
    floats = ("open", "high", "low", "close", "volume", "vwap")
    return Minutes(
        start=np.array([bar.start for bar in bars], np.int64),
        known=np.array([bar.ts for bar in bars], np.int64),
        trade_count=np.array([bar.trade_count for bar in bars], np.int64),
        **{name: np.array([getattr(bar, name) for bar in bars], np.float64) for name in floats},
    )


def _rows(columns: Iterable[NDArray[np.generic]]) -> "zip[tuple[int, ...]]":
    return zip(*(column.tolist() for column in columns), strict=True)


def _day_tick(symbol: str, ts: int, start: int, close: float, day: DaySoFar) -> BarTick:
    mean = day.value / day.volume if day.volume > 0.0 else close
    return BarTick(
        ts,
        symbol,
        "d",
        start,
        day.open,
        day.high,
        day.low,
        close,
        day.volume,
        day.trade_count,
        mean,
    )

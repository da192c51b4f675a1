"""Bars as columns: cut, turned, adjusted and made into longer ones."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.venue.market.history.past import Minutes
from fanfold.venue.market.values import BarTick

ADJUSTED_DIGITS: Final = 4
"""Digits of adjusted prices behind the point, as the broker gives them."""

Column = NDArray[Any]


def rows(bars: Minutes, which: "slice | NDArray[np.bool_]") -> Minutes:
    """Some of the bars."""
    return _made(lambda name: getattr(bars, name)[which])


def joined(parts: Sequence[Minutes]) -> Minutes:
    """Bars of one asset, one part after the other; no bars if there are no parts."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NONE
    return _made(lambda name: np.concatenate([getattr(part, name) for part in parts]))


def visible(bars: Minutes, now: int) -> Minutes:
    """The bars that are known at an instant."""
    known = bars.known <= now
    return bars if known.all() else rows(bars, known)


def bar_of(tick: BarTick) -> Minutes:
    """A bar as it was streamed."""
    return Minutes(
        start=np.array([tick.start]),
        known=np.array([tick.ts]),
        open=np.array([tick.open]),
        high=np.array([tick.high]),
        low=np.array([tick.low]),
        close=np.array([tick.close]),
        volume=np.array([tick.volume]),
        trade_count=np.array([tick.trade_count]),
        vwap=np.array([tick.vwap]),
    )


def longer(bars: Minutes, start: NDArray[np.int64]) -> Minutes:
    """Longer bars of bars.

    Args:
        bars: In order.
        start: When the longer bar of each began [ns UTC]; shape [bar].
    """
    if not len(bars):
        return bars
    first = np.flatnonzero(np.append(True, start[1:] != start[:-1]))
    last = np.append(first[1:], len(start)) - 1
    if len(first) == len(start):
        return _made(lambda name: start if name == "start" else getattr(bars, name))
    volume = np.add.reduceat(bars.volume, first)
    money = np.add.reduceat(bars.volume * bars.vwap, first)
    close = bars.close[last]
    traded = volume > 0
    return Minutes(
        start=start[first],
        known=bars.known[last],
        open=bars.open[first],
        high=np.maximum.reduceat(bars.high, first),
        low=np.minimum.reduceat(bars.low, first),
        close=close,
        volume=volume,
        trade_count=np.add.reduceat(bars.trade_count, first),
        vwap=np.where(traded, money / np.where(traded, volume, 1.0), close),
    )


def adjusted(bars: Minutes, price: float, volume: float) -> Minutes:
    """Bars with prices and volumes multiplied, prices rounded to `ADJUSTED_DIGITS`."""
    if price == 1.0 and volume == 1.0:
        return bars

    def column(name: str) -> Column:
        values: Column = getattr(bars, name)
        if name in _PRICES:
            return np.round(values * price, ADJUSTED_DIGITS)
        return values * volume if name == "volume" else values

    return _made(column)


_PRICES: Final = frozenset(("open", "high", "low", "close", "vwap"))


def _made(column: Callable[[str], Column]) -> Minutes:
    return Minutes(
        start=column("start"),
        known=column("known"),
        open=column("open"),
        high=column("high"),
        low=column("low"),
        close=column("close"),
        volume=column("volume"),
        trade_count=column("trade_count"),
        vwap=column("vwap"),
    )


NONE: Final = _made(
    lambda name: np.empty(0, np.int64 if name in {"start", "known", "trade_count"} else np.float64)
)
"""No bars."""

"""The test feed: a symbol that trades at any time, by the clock on the wall.

What it does at a second follows from the second and the seed alone, so that all that watch
see the same.
"""

from random import Random
from typing import Final

from fanfold.venue.market.values import BarTick, QuoteTick, Tick, TradeTick

SYMBOL: Final = "FAKEPACA"
"""What trades on the test feed."""

PRICE: Final = 134.51
"""About what it costs."""

SPREAD: Final = 0.02
"""Between its bid and its ask."""

TRADES_A_SECOND: Final = 2
"""Trades, and quotes, each second."""

_SECOND: Final = 1_000_000_000
_MINUTE: Final = 60 * _SECOND


def second_of(second: int, *, seed: int = 0) -> tuple[Tick, ...]:
    """What happens within one second; the bar of the minute before at a minute's start.

    Args:
        second: Seconds since 1970 UTC.
        seed: Another one gives another market.
    """
    ticks: list[Tick] = []
    if second % 60 == 0:
        ticks.extend(_bars(second, seed))
    for quote, trade in _pairs(second, seed):
        ticks.extend((quote, trade))
    return tuple(ticks)


def _pairs(second: int, seed: int) -> list[tuple[QuoteTick, TradeTick]]:
    rng = Random(f"{seed} {second}")  # noqa: S311  (a market, no secret)
    pairs: list[tuple[QuoteTick, TradeTick]] = []
    for part in range(TRADES_A_SECOND):
        ts = second * _SECOND + part * _SECOND // TRADES_A_SECOND
        price = round(PRICE + rng.gauss(0, 0.05), 2)
        bid, ask = round(price - SPREAD / 2, 2), round(price + SPREAD / 2, 2)
        size = float(rng.randint(1, 500))
        number = second * TRADES_A_SECOND + part
        quote = QuoteTick(ts, SYMBOL, bid, float(rng.randint(1, 9)), ask, float(rng.randint(1, 9)))
        pairs.append((quote, TradeTick(ts + 1, SYMBOL, price, size, number, price, price)))
    return pairs


def _bars(end: int, seed: int) -> list[BarTick]:
    trades = [trade for second in range(end - 60, end) for _, trade in _pairs(second, seed)]
    prices = [trade.price for trade in trades]
    volume = sum(trade.size for trade in trades)
    vwap = sum(trade.price * trade.size for trade in trades) / volume
    ts = end * _SECOND
    made = (prices[0], max(prices), min(prices), prices[-1], volume, len(trades), vwap)
    return [BarTick(ts, SYMBOL, kind, ts - _MINUTE, *made) for kind in ("b", "d")]

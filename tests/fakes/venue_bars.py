"""Bars told to an exchange as ticks, along the path that the engine assumes inside a bar."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fanfold.venue.market.values import QuoteTick, Tick, TradeTick
from fanfold.venue.trading.exchange import Exchange

MINUTE_NS: Final = 60 * 10**9
FIRST_NS: Final = 20 * 10**9
SECOND_NS: Final = 40 * 10**9
CLOSE_NS: Final = MINUTE_NS - 10**6
QUOTE_AFTER_NS: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class MinuteBar:
    """A minute's prices."""

    open: float
    high: float
    low: float
    close: float

    @property
    def path(self) -> tuple[float, float, float, float]:
        """Open, the extreme that the engine has come first, the other, close."""
        up_first = self.high - self.open < self.open - self.low
        first, second = (self.high, self.low) if up_first else (self.low, self.high)
        return self.open, first, second, self.close


def quote_of(ts: int, symbol: str, price: float, spread: float) -> QuoteTick:
    """A quote around a price; `spread` is its half as a share of the price."""
    return QuoteTick(ts, symbol, price * (1.0 - spread), 100.0, price * (1.0 + spread), 100.0)


def opening_ticks(bar: MinuteBar, start: int, symbol: str, spread: float = 0.0) -> Iterator[Tick]:
    """The instant of a bar's open: its quote, then its trade."""
    yield quote_of(start, symbol, bar.open, spread)
    yield TradeTick(start, symbol, bar.open, 1.0, 0, bar.open, bar.open, path=True)


def later_ticks(bar: MinuteBar, start: int, symbol: str, spread: float = 0.0) -> Iterator[Tick]:
    """The rest of a bar: trades with the path to them, each followed by its quote."""
    path = bar.path
    for place, after in enumerate((FIRST_NS, SECOND_NS, CLOSE_NS), start=1):
        before, price = path[place - 1], path[place]
        low, high = min(before, price), max(before, price)
        yield TradeTick(start + after, symbol, price, 1.0, place, low, high, path=True)
        yield quote_of(start + after + QUOTE_AFTER_NS, symbol, price, spread)


def play(exchange: Exchange, tick: Tick) -> None:
    """Let a tick happen in the hand-made market, then at the exchange."""
    market: Any = exchange.desk.market
    market.now = max(market.now, tick.ts)
    if isinstance(tick, QuoteTick):
        market._quotes[tick.symbol] = tick
    elif isinstance(tick, TradeTick):
        market.set_last(tick.symbol, tick.price)
    exchange.on_tick(tick)

"""What was seen last of each asset: the market's memory, which ticks alone change."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from fanfold.venue.market.spread import Levels
from fanfold.venue.market.values import (
    ActionTick,
    BarTick,
    BookTick,
    PhaseTick,
    QuoteTick,
    StatusTick,
    Tick,
    TradeTick,
)


class Board:
    """The latest of each asset, by symbol.

    Attributes:
        quotes: Latest quotes.
        trades: Latest trades.
        minutes: Latest minute bars, as late trades left them.
        days: Latest sessions so far.
    """

    def __init__(self) -> None:
        self.quotes: dict[str, QuoteTick] = {}
        self.trades: dict[str, TradeTick] = {}
        self.minutes: dict[str, BarTick] = {}
        self.days: dict[str, BarTick] = {}
        self._books: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
        self.take_by: dict[type[Any], Callable[[Any], None]] = {
            QuoteTick: self._take_quote,
            TradeTick: self._take_trade,
            BarTick: self._take_bar,
            BookTick: self._take_book,
            ActionTick: self._take_action,
            PhaseTick: _nothing,
            StatusTick: _nothing,
        }

    def take(self, tick: Tick) -> None:
        """Remember a tick."""
        self.take_by[type(tick)](tick)

    def book(self, symbol: str) -> tuple[Levels, Levels] | None:
        """Bids and asks of an order book, the best first; None before the first."""
        found = self._books.get(symbol)
        if found is None:
            return None
        bids, asks = found
        return tuple(sorted(bids.items(), reverse=True)), tuple(sorted(asks.items()))

    def _take_quote(self, tick: QuoteTick) -> None:
        self.quotes[tick.symbol] = tick

    def _take_trade(self, tick: TradeTick) -> None:
        self.trades[tick.symbol] = tick

    def _take_bar(self, tick: BarTick) -> None:
        (self.days if tick.kind == "d" else self.minutes)[tick.symbol] = tick

    def _take_book(self, tick: BookTick) -> None:
        if tick.reset:
            self._books[tick.symbol] = ({}, {})
        for side, levels in zip(self._books[tick.symbol], (tick.bids, tick.asks), strict=True):
            for price, size in levels:
                if size > 0.0:
                    side[price] = size
                else:
                    side.pop(price, None)

    def _take_action(self, tick: ActionTick) -> None:
        """After a split the same value is in more units: yesterday's prices are of fewer."""
        if tick.split == 1.0:
            return
        quote, trade = self.quotes.get(tick.symbol), self.trades.get(tick.symbol)
        if quote is not None:
            self.quotes[tick.symbol] = replace(
                quote, bid=quote.bid / tick.split, ask=quote.ask / tick.split
            )
        if trade is not None:
            self.trades[tick.symbol] = replace(
                trade,
                price=trade.price / tick.split,
                low=trade.low / tick.split,
                high=trade.high / tick.split,
            )


def _nothing(_tick: Tick) -> None:
    # Phases and halts are told on; what follows from them is elsewhere.
    return

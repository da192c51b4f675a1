"""What the past is made of: what the market can say of one asset on one day.

The market makes a day's events from its source and its seed, whenever it is asked. What it
streams and what is asked for later come from the same making, so they are the same. Days
that are not over yet, or lie ahead, are made whole as well: it is `fanfold.venue.market.
history.history.History` that shows nothing of them before its time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fanfold.venue.market.values import Asset, BarTick, QuoteTick, TradeTick


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minutes:
    """Bars of an asset in order; shapes [bar].

    Attributes:
        start: When each began [ns UTC], strictly increasing.
        known: When it was first known [ns UTC]: the instant at which it is streamed.
        open, high, low, close, volume: As always.
        trade_count: Trades in it.
        vwap: Mean price by volume.
    """

    start: NDArray[np.int64]
    known: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    trade_count: NDArray[np.int64]
    vwap: NDArray[np.float64]

    def __len__(self) -> int:
        """Bars."""
        return len(self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A split or a dividend of an asset.

    Attributes:
        ex_day: From when on prices are after it [days since 1970-01-01].
        split: Units after per unit before; 1.0 for none.
        dividend: Cash per unit after the split; 0.0 for none.
    """

    ex_day: int
    split: float = field(default=1.0)
    dividend: float = field(default=0.0)


class Past(Protocol):
    """What a market can say of its assets, day by day.

    A day is a date at the exchange [days since 1970-01-01], with what happens before the
    open and after the close; of coins it is UTC's.
    """

    @property
    def now(self) -> int:
        """The venue's clock [ns UTC]."""
        ...

    def asset(self, named: str) -> Asset | None:
        """An asset by symbol or id; None if there is none."""
        ...

    def minute_bar(self, symbol: str) -> BarTick | None:
        """The latest minute bar that was streamed; None before the first."""
        ...

    def day_bar(self, symbol: str) -> BarTick | None:
        """The latest "d" bar that was streamed; None before the first."""
        ...

    def days(self, symbol: str) -> NDArray[np.int64]:
        """Days on which an asset has data, in order [days since 1970-01-01]; shape [day]."""
        ...

    def minutes(self, symbol: str, day: int) -> Minutes:
        """An asset's minute bars of a day as late trades left them, those to come included."""
        ...

    def daily(self, symbol: str, day: int) -> Minutes:
        """An asset's "d" bar of a whole day, as it is streamed last: one bar, or none."""
        ...

    def trades(self, symbol: str, day: int) -> Sequence[TradeTick]:
        """An asset's trades of a day in order, those still to come included."""
        ...

    def quotes(self, symbol: str, day: int) -> Sequence[QuoteTick]:
        """An asset's quotes of a day in order, those still to come included."""
        ...

    def actions(self, symbol: str) -> Sequence[Action]:
        """An asset's splits and dividends by ex-day, those still to come included."""
        ...

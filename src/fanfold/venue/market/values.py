"""What the market behind the venue is made of: assets, and what happens to them.

Prices and sizes are floats, as stores have them and as the wire wants them; money is made
of them in `fanfold.venue.trading`. Instants are of the venue's clock [ns UTC].
"""

from typing import Protocol

from msgspec import Struct


class Asset(Struct, frozen=True, kw_only=True):
    """What can be traded.

    Attributes:
        id: A UUID, the same for equal symbols at every venue.
        symbol: "AAPL" or "BTC/USD".
        asset_class: "us_equity" or "crypto".
        exchange: As the wire names it: "NASDAQ", "NYSE", "CRYPTO" …
        name: For people.
        calendar: Its exchange calendar, or "24/7".
        tradable: Whether orders are taken.
        marginable: Whether it can be bought on margin.
        shortable: Whether it can be sold short.
        easy_to_borrow: Whether it can be borrowed without asking.
        fractionable: Whether parts of a unit trade.
        margin_long: Initial maintenance requirement of long positions [1]; None for the
            usual one.
        margin_short: The same of short ones.
    """

    id: str
    symbol: str
    asset_class: str
    exchange: str
    name: str
    calendar: str
    tradable: bool = True
    marginable: bool = True
    shortable: bool = True
    easy_to_borrow: bool = True
    fractionable: bool = True
    margin_long: float | None = None
    margin_short: float | None = None


class QuoteTick(Struct, frozen=True):
    """The best bid and ask from an instant on; a side without a price is NaN, size 0."""

    ts: int
    symbol: str
    bid: float
    bid_size: float
    ask: float
    ask_size: float


class TradeTick(Struct, frozen=True):
    """A trade on the tape.

    Attributes:
        ts: When.
        symbol: Whose.
        price: At what price.
        size: How many units.
        number: Its number on the tape.
        low: Lowest price that the market passed through since the trade before, this one's
            included; of bars that were unfolded the path between is taken as passed.
        high: The highest.
        auction: "" or "open" or "close": the session's first and last.
        taker: "B" or "S", who took; "" where nobody knows.
        path: Whether `low` and `high` are the path of a bar, along which limits fill too;
            trades as they were recorded elect stops, and limits fill by quotes alone.
    """

    ts: int
    symbol: str
    price: float
    size: float
    number: int
    low: float
    high: float
    auction: str = ""
    taker: str = ""
    path: bool = False


class BarTick(Struct, frozen=True):
    """A bar that is known from an instant on.

    Attributes:
        ts: When it is known: a minute's end, or any later minute for the others.
        symbol: Whose.
        kind: "b" a minute, "u" a minute that late trades changed, "d" the day so far.
        start: When it began.
        open, high, low, close, volume: As always.
        trade_count: Trades in it.
        vwap: Mean price by volume.
    """

    ts: int
    symbol: str
    kind: str
    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trade_count: int
    vwap: float


class BookTick(Struct, frozen=True):
    """A change of an order book (crypto): levels of (price, size), size 0 for none.

    Attributes:
        ts: When.
        symbol: Whose.
        bids: Levels.
        asks: Levels.
        reset: Whether it is the whole book.
    """

    ts: int
    symbol: str
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    reset: bool


class StatusTick(Struct, frozen=True):
    """Trading of an asset was halted or goes on.

    Attributes:
        ts: When.
        symbol: Whose.
        code: "H" halted, "T" trading.
        message: For people.
        reason_code: Such as "T1".
        reason: For people.
    """

    ts: int
    symbol: str
    code: str
    message: str
    reason_code: str
    reason: str


class PhaseTick(Struct, frozen=True):
    """An exchange's day goes on.

    Attributes:
        ts: When.
        calendar: Whose day: an exchange calendar, or "24/7", whose days end at midnight UTC.
        phase: What begins: "day" (04:00 in New York: what the night did is booked),
            "open", "close", "end" (20:00).
        session_day: Date of the session [days since 1970-01-01].
    """

    ts: int
    calendar: str
    phase: str
    session_day: int


class ActionTick(Struct, frozen=True):
    """A split or a dividend, before its ex-date's open, after the "day" tick.

    Attributes:
        ts: When.
        symbol: Whose.
        split: Units after per unit before; 1.0 for none.
        dividend: Cash per unit after the split; 0.0 for none.
    """

    ts: int
    symbol: str
    split: float
    dividend: float


Tick = QuoteTick | TradeTick | BarTick | BookTick | StatusTick | PhaseTick | ActionTick


class Hours(Struct, frozen=True, kw_only=True):
    """Where an instant lies in an exchange's day.

    Attributes:
        phase: "pre", "regular", "after" or "closed"; of "24/7" always "regular".
        session_day: Date of the session that is on or comes next [days since 1970-01-01].
        open: When that session opens [ns UTC].
        close: When it closes [ns UTC].
        next_open: First opening after the instant [ns UTC].
        next_close: First close after the instant [ns UTC].
    """

    phase: str
    session_day: int
    open: int
    close: int
    next_open: int
    next_close: int


class MarketView(Protocol):
    """What trading may know of the market: what has happened, never what will."""

    @property
    def now(self) -> int:
        """The venue's clock [ns UTC]."""
        ...

    def asset(self, named: str) -> Asset | None:
        """An asset by symbol ("BTC/USD", "BTCUSD"), or by id; None if there is none."""
        ...

    def quote(self, symbol: str) -> QuoteTick | None:
        """The latest quote; None before the first."""
        ...

    def last(self, symbol: str) -> float | None:
        """Price of the latest trade; None before the first."""
        ...

    def previous_close(self, symbol: str) -> float | None:
        """Close of the session before, adjusted for splits since."""
        ...

    def is_halted(self, symbol: str) -> bool:
        """Whether trading is halted."""
        ...

    def hours(self, calendar: str) -> Hours:
        """Where the clock lies in an exchange's day."""
        ...

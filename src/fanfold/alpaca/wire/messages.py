"""Messages of the broker's market-data streams.

A message is a map whose first key is ``T``; a frame is an array of them (see
`fanfold.alpaca.wire.codec`). The venue encodes these, live trading decodes them.
"""

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.msgpack import Ext

from fanfold.alpaca.wire.instants import TIMESTAMP_CODE, instant_of, instant_of_data

Instant = Ext | str
"""An instant on the wire: msgpack's timestamp, or JSON's text."""


def ts_of(instant: Instant) -> int:
    """An instant of a message [ns UTC].

    Raises:
        ValueError: It is none.
    """
    if isinstance(instant, str):
        return instant_of(instant)
    if instant.code != TIMESTAMP_CODE:
        raise ValueError(f"an instant's extension must be {TIMESTAMP_CODE}, was {instant.code}")
    return instant_of_data(bytes(instant.data))


class _Message(Struct, frozen=True, tag_field="T", omit_defaults=True, gc=False):
    """Any message. Fields with a default are left out where they have it."""


class Trade(_Message, tag="t", frozen=True):
    """A trade on the tape; `taker` of coins only, the other letters of stocks only."""

    symbol: str = field(name="S")
    price: float = field(name="p")
    size: float = field(name="s")
    instant: Instant = field(name="t")
    number: int = field(default=-1, name="i")
    exchange: str = field(default="", name="x")
    conditions: tuple[str, ...] = field(default=(), name="c")
    tape: str = field(default="", name="z")
    taker: str = field(default="", name="tks")


class Quote(_Message, tag="q", frozen=True):
    """The best bid and ask from an instant on; a missing side has price and size 0."""

    symbol: str = field(name="S")
    bid: float = field(name="bp")
    bid_size: float = field(name="bs")
    ask: float = field(name="ap")
    ask_size: float = field(name="as")
    instant: Instant = field(name="t")
    bid_exchange: str = field(default="", name="bx")
    ask_exchange: str = field(default="", name="ax")
    conditions: tuple[str, ...] = field(default=(), name="c")
    tape: str = field(default="", name="z")


class _Bar(_Message, frozen=True):
    symbol: str = field(name="S")
    open: float = field(name="o")
    high: float = field(name="h")
    low: float = field(name="l")
    close: float = field(name="c")
    volume: float = field(name="v")
    instant: Instant = field(name="t")
    trade_count: int = field(name="n")
    vwap: float = field(name="vw")


class MinuteBar(_Bar, tag="b", frozen=True):
    """A minute, named by its start."""


class UpdatedBar(_Bar, tag="u", frozen=True):
    """A minute that late trades changed."""


class DailyBar(_Bar, tag="d", frozen=True):
    """The day so far."""


class Status(_Message, tag="s", frozen=True):
    """Trading was halted or goes on."""

    symbol: str = field(name="S")
    code: str = field(name="sc")
    message: str = field(name="sm")
    reason_code: str = field(name="rc")
    reason: str = field(name="rm")
    instant: Instant = field(name="t")
    tape: str = field(name="z")


class Luld(_Message, tag="l", frozen=True):
    """Bounds beyond which trading pauses."""

    symbol: str = field(name="S")
    limit_up: float = field(name="u")
    limit_down: float = field(name="d")
    indicator: str = field(name="i")
    instant: Instant = field(name="t")
    tape: str = field(name="z")


class Correction(_Message, tag="c", frozen=True):
    """A trade that was told wrongly, and how it was."""

    symbol: str = field(name="S")
    exchange: str = field(name="x")
    old_number: int = field(name="oi")
    old_price: float = field(name="op")
    old_size: float = field(name="os")
    old_conditions: tuple[str, ...] = field(name="oc")
    number: int = field(name="ci")
    price: float = field(name="cp")
    size: float = field(name="cs")
    conditions: tuple[str, ...] = field(name="cc")
    instant: Instant = field(name="t")
    tape: str = field(name="z")


class CancelError(_Message, tag="x", frozen=True):
    """A trade that was cancelled ("C") or an error ("E")."""

    symbol: str = field(name="S")
    number: int = field(name="i")
    exchange: str = field(name="x")
    price: float = field(name="p")
    size: float = field(name="s")
    action: str = field(name="a")
    instant: Instant = field(name="t")
    tape: str = field(name="z")


class Imbalance(_Message, tag="i", frozen=True):
    """More of one side than of the other in an auction."""

    symbol: str = field(name="S")
    price: float = field(name="p")
    instant: Instant = field(name="t")
    tape: str = field(name="z")


class Level(
    Struct,
    frozen=True,
    gc=False,
):
    """A price of an order book and what waits there; size 0 takes it out."""

    price: float = field(name="p")
    size: float = field(name="s")


class OrderBook(_Message, tag="o", frozen=True):
    """A change of an order book, or the whole of it (`reset`)."""

    symbol: str = field(name="S")
    instant: Instant = field(name="t")
    bids: tuple[Level, ...] = field(name="b")
    asks: tuple[Level, ...] = field(name="a")
    reset: bool = field(default=False, name="r")


class Success(_Message, tag="success", frozen=True):
    """A step of the handshake: "connected" or "authenticated"."""

    msg: str


class Failure(_Message, tag="error", frozen=True):
    """Something that was asked is not done."""

    code: int
    msg: str


class Subscription(_Message, tag="subscription", rename="camel", frozen=True):
    """All that is subscribed to; a channel that the feed has not is left out."""

    trades: tuple[str, ...] | UnsetType = UNSET
    quotes: tuple[str, ...] | UnsetType = UNSET
    orderbooks: tuple[str, ...] | UnsetType = UNSET
    bars: tuple[str, ...] | UnsetType = UNSET
    updated_bars: tuple[str, ...] | UnsetType = UNSET
    daily_bars: tuple[str, ...] | UnsetType = UNSET
    statuses: tuple[str, ...] | UnsetType = UNSET
    lulds: tuple[str, ...] | UnsetType = UNSET
    corrections: tuple[str, ...] | UnsetType = UNSET
    cancel_errors: tuple[str, ...] | UnsetType = UNSET


class Auth(Struct, frozen=True, tag_field="action", tag="auth"):
    """A client's keys; they are in no text of it."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Auth(...)"


class _Channels(Struct, frozen=True, tag_field="action", omit_defaults=True, rename="camel"):
    trades: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    orderbooks: tuple[str, ...] = ()
    bars: tuple[str, ...] = ()
    updated_bars: tuple[str, ...] = ()
    daily_bars: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    lulds: tuple[str, ...] = ()
    imbalances: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()
    cancel_errors: tuple[str, ...] = ()


class Subscribe(_Channels, tag="subscribe", frozen=True):
    """What a client wants beside what it has."""


class Unsubscribe(_Channels, tag="unsubscribe", frozen=True):
    """What a client wants no longer."""


Bar = MinuteBar | UpdatedBar | DailyBar
Data = Trade | Quote | Bar | OrderBook | Status | Luld | Correction | CancelError | Imbalance
"""What happens in the market."""
Control = Success | Failure | Subscription
"""What is said about the connection."""
Command = Auth | Subscribe | Unsubscribe
"""What a client says."""

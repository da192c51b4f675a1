"""What happens in the market, as messages of the streams.

Stocks have whole sizes, an exchange and a tape; coins have none of the two and any size.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

from fanfold.alpaca.wire.codec import Codec
from fanfold.alpaca.wire.messages import (
    DailyBar,
    Level,
    MinuteBar,
    OrderBook,
    Quote,
    Status,
    Trade,
    UpdatedBar,
)
from fanfold.venue.market.values import (
    BarTick,
    BookTick,
    QuoteTick,
    StatusTick,
    Tick,
    TradeTick,
)

EXCHANGE: Final = "V"
"""Letter of the exchange that all trades of stocks are told to be of."""

TAPE: Final = "C"
"""Letter of the tape that they are told to be on."""

TRADE_CONDITIONS: Final = ("@",)
"""Conditions of a regular trade."""

AUCTION_CONDITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "": TRADE_CONDITIONS,
    "open": ("@", "O"),
    "close": ("@", "6"),
}
"""Conditions of trades by auction."""

QUOTE_CONDITIONS: Final = ("R",)
"""Conditions of a regular quote."""

_CHANNELS: Final[Mapping[type, str]] = {
    QuoteTick: "quotes",
    BarTick: "bars",
    TradeTick: "trades",
    BookTick: "orderbooks",
    StatusTick: "statuses",
}
_BARS: Final = {
    "b": ("bars", MinuteBar),
    "u": ("updated_bars", UpdatedBar),
    "d": ("daily_bars", DailyBar),
}


def channel_of(tick: Tick) -> str:
    """The channel of a tick; "" of one that clients are not told."""
    channel = _CHANNELS.get(type(tick), "")
    return _BARS[tick.kind][0] if channel == "bars" and isinstance(tick, BarTick) else channel


def encoded(tick: Any, codec: Codec) -> bytes:
    """A tick that has a channel as a message."""
    return codec.encode(_WRITERS[type(tick)](tick, codec, "/" in tick.symbol))


def _trade(tick: TradeTick, codec: Codec, is_coin: bool) -> Trade:  # noqa: FBT001
    instant = codec.instant(tick.ts)
    if is_coin:
        taker = tick.taker or "B"
        return Trade(tick.symbol, tick.price, tick.size, instant, tick.number, taker=taker)
    return Trade(
        tick.symbol,
        tick.price,
        _whole(tick.size),
        instant,
        tick.number,
        EXCHANGE,
        AUCTION_CONDITIONS[tick.auction],
        TAPE,
    )


def _quote(tick: QuoteTick, codec: Codec, is_coin: bool) -> Quote:  # noqa: FBT001
    bid, bid_size, ask, ask_size = tick.bid, tick.bid_size, tick.ask, tick.ask_size
    if not isfinite(bid):
        bid, bid_size = 0.0, 0.0
    if not isfinite(ask):
        ask, ask_size = 0.0, 0.0
    instant = codec.instant(tick.ts)
    if is_coin:
        return Quote(tick.symbol, bid, bid_size, ask, ask_size, instant)
    return Quote(
        tick.symbol,
        bid,
        _whole(bid_size),
        ask,
        _whole(ask_size),
        instant,
        EXCHANGE,
        EXCHANGE,
        QUOTE_CONDITIONS,
        TAPE,
    )


def _bar(tick: BarTick, codec: Codec, is_coin: bool) -> MinuteBar | UpdatedBar | DailyBar:  # noqa: FBT001
    volume = tick.volume if isfinite(tick.volume) else 0.0
    return _BARS[tick.kind][1](
        tick.symbol,
        tick.open,
        tick.high,
        tick.low,
        tick.close,
        volume if is_coin else _whole(volume),
        codec.instant(tick.start),
        tick.trade_count,
        tick.vwap if isfinite(tick.vwap) else tick.close,
    )


def _book(tick: BookTick, codec: Codec, _is_coin: bool) -> OrderBook:  # noqa: FBT001
    bids = tuple(Level(price, size) for price, size in tick.bids)
    asks = tuple(Level(price, size) for price, size in tick.asks)
    return OrderBook(tick.symbol, codec.instant(tick.ts), bids, asks, tick.reset)


def _status(tick: StatusTick, codec: Codec, _is_coin: bool) -> Status:  # noqa: FBT001
    instant = codec.instant(tick.ts)
    return Status(
        tick.symbol, tick.code, tick.message, tick.reason_code, tick.reason, instant, TAPE
    )


_WRITERS: Final[Mapping[type, Callable[[Any, Codec, bool], Any]]] = {
    TradeTick: _trade,
    QuoteTick: _quote,
    BarTick: _bar,
    BookTick: _book,
    StatusTick: _status,
}


def _whole(size: float) -> int:
    """Units of a stock as the wire tells them; what is not nothing is told as one at least."""
    return max(round(size), 1) if size > 0 else 0

"""Points of market data as the broker's REST answers write them.

They are the streams' messages without symbol and kind; see `fanfold.venue.streams.encoding`.
"""

from math import isfinite
from typing import Any

import numpy as np
from msgspec import Struct

from fanfold.alpaca.wire.instants import instant_text
from fanfold.venue.market.history.past import Minutes
from fanfold.venue.market.spread import Levels
from fanfold.venue.market.values import QuoteTick, TradeTick
from fanfold.venue.streams.encoding import (
    AUCTION_CONDITIONS,
    EXCHANGE,
    QUOTE_CONDITIONS,
    TAPE,
)

Form = dict[str, Any]


class BarForm(Struct, frozen=True, gc=False):
    """A bar, named by its start."""

    c: float
    h: float
    l: float  # noqa: E741  (the broker's name)
    n: int
    o: float
    t: str
    v: float
    vw: float


def bar_forms(bars: Minutes, *, is_coin: bool) -> list[BarForm]:
    """Bars as the broker writes them."""
    volume = np.where(np.isfinite(bars.volume), bars.volume, 0.0)
    if not is_coin:
        # What is not nothing is told as one unit at least, as the streams do.
        volume = np.where(volume > 0, np.maximum(np.rint(volume), 1), 0).astype(np.int64)
    vwap = np.where(np.isfinite(bars.vwap), bars.vwap, bars.close)
    columns = (
        bars.close.tolist(),
        bars.high.tolist(),
        bars.low.tolist(),
        bars.trade_count.tolist(),
        bars.open.tolist(),
        map(instant_text, bars.start.tolist()),
        volume.tolist(),
        vwap.tolist(),
    )
    return list(map(BarForm, *columns))


def trade_form(tick: TradeTick, *, is_coin: bool) -> Form:
    """A trade as the broker writes it."""
    form: Form = {"t": instant_text(tick.ts), "p": tick.price, "i": tick.number}
    if is_coin:
        return form | {"s": tick.size, "tks": tick.taker or "B"}
    conditions = AUCTION_CONDITIONS[tick.auction]
    return form | {"s": _whole(tick.size), "x": EXCHANGE, "c": conditions, "z": TAPE}


def quote_form(tick: QuoteTick, *, is_coin: bool) -> Form:
    """A quote as the broker writes it; a missing side has price and size 0."""
    bid, bid_size = (tick.bid, tick.bid_size) if isfinite(tick.bid) else (0.0, 0.0)
    ask, ask_size = (tick.ask, tick.ask_size) if isfinite(tick.ask) else (0.0, 0.0)
    form: Form = {"t": instant_text(tick.ts), "bp": bid, "ap": ask}
    if is_coin:
        return form | {"bs": bid_size, "as": ask_size}
    return form | {
        "bs": _whole(bid_size),
        "as": _whole(ask_size),
        "bx": EXCHANGE,
        "ax": EXCHANGE,
        "c": QUOTE_CONDITIONS,
        "z": TAPE,
    }


def book_form(ts: int, bids: Levels, asks: Levels) -> Form:
    """An order book of an instant [ns UTC] as the broker writes it."""
    return {"t": instant_text(ts), "b": _levels(bids), "a": _levels(asks)}


def _levels(levels: Levels) -> list[Form]:
    return [{"p": price, "s": size} for price, size in levels]


def _whole(size: float) -> int:
    return max(round(size), 1) if size > 0 else 0

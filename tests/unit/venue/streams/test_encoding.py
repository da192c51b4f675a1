import math
from typing import Any

import pytest

from fanfold.alpaca.wire.codec import JSON, MSGPACK, Codec
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
from fanfold.venue.streams.encoding import channel_of, encoded

TS = 1_704_205_800_000_000_000
NAN = math.nan


def bar(symbol: str, kind: str, vwap: float = 1.25) -> BarTick:
    return BarTick(TS, symbol, kind, TS - 60 * 10**9, 1.0, 2.0, 0.5, 1.5, 100.0, 5, vwap)


@pytest.mark.parametrize(
    ("tick", "channel"),
    [
        (QuoteTick(TS, "A", 1.0, 1.0, 2.0, 1.0), "quotes"),
        (TradeTick(TS, "A", 1.0, 1.0, 1, 1.0, 1.0), "trades"),
        (bar("A", "b"), "bars"),
        (bar("A", "u"), "updated_bars"),
        (bar("A", "d"), "daily_bars"),
        (StatusTick(TS, "A", "H", "", "", ""), "statuses"),
        (BookTick(TS, "B/C", (), (), reset=True), "orderbooks"),
        (PhaseTick(TS, "XNYS", "open", 1), ""),
        (ActionTick(TS, "A", 2.0, 0.0), ""),
    ],
)
def test_ticks_have_the_channel_that_they_are_told_in(tick: Tick, channel: str) -> None:
    assert channel_of(tick) == channel


def told(tick: Any, codec: Codec = JSON) -> dict[str, Any]:
    return codec.anything(encoded(tick, codec))


def test_a_side_without_a_price_is_nothing_on_the_wire() -> None:
    quote = told(QuoteTick(TS, "A", NAN, NAN, 2.0, 3.0))
    assert (quote["bp"], quote["bs"], quote["ap"], quote["as"]) == (0, 0, 2.0, 3)


def test_a_bar_has_its_start_and_a_mean_price_always() -> None:
    message = told(bar("A", "b", NAN))
    assert message["vw"] == 1.5
    assert message["n"] == 5
    assert message["t"] == "2024-01-02T14:29:00Z"


def test_stocks_have_whole_sizes_and_coins_any() -> None:
    stock = told(TradeTick(TS, "A", 1.0, 0.25, 1, 1.0, 1.0), MSGPACK)
    coin = told(TradeTick(TS, "B/C", 1.0, 2.0, 1, 1.0, 1.0, taker="S"), MSGPACK)
    assert (stock["s"], type(stock["s"])) == (1, int)
    assert (coin["s"], type(coin["s"])) == (2.0, float)
    assert coin["tks"] == "S"
    assert not {"c", "z", "x"} & coin.keys()


def test_both_sides_of_a_book_are_there_even_if_one_is_empty() -> None:
    book = told(BookTick(TS, "B/C", ((1.0, 2.0),), (), reset=False))
    assert book["b"] == [{"p": 1.0, "s": 2.0}]
    assert book["a"] == []
    assert "r" not in book

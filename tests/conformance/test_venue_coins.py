"""Market data of coins: streams in both codecs, alpaca-py's clients, and the past over REST."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.venue_data import asked, crypto, frame, now_of
from tests.fakes.venue_process import KEY, SECRET, Venue, library, running
from tests.fakes.venue_wire import (
    CODECS,
    COINS,
    Following,
    coins_options,
    line,
    names,
    subscribed,
)

from fanfold.alpaca.wire.codec import Codec

CHANNELS = ("trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars")
KEYS_OF = {
    "t": {"T", "S", "p", "s", "t", "i", "tks"},
    "q": {"T", "S", "bp", "bs", "ap", "as", "t"},
    "o": {"T", "S", "t", "b", "a"},
}
BAR_KEYS = {"T", "S", "o", "h", "l", "c", "v", "t", "n", "vw"}


@pytest.fixture(scope="module")
def coins(tmp_path_factory: pytest.TempPathFactory) -> Generator[Venue]:
    folder: Path = tmp_path_factory.mktemp("coins")
    with running(folder, *coins_options(folder)) as started:
        yield started


def test_coins_have_all_of_it_without_keys(coins: Venue) -> None:
    client = crypto(coins)
    names, since = list(COINS), now_of(coins) - timedelta(hours=30)
    when = {"symbol_or_symbols": names, "start": since}
    for text in ("1Min", "15Min", "1Hour"):
        bars = client.get_crypto_bars(asked("CryptoBarsRequest", timeframe=frame(text), **when))
        assert sorted(bars.data) == names
        assert any(bar.volume % 1 for bar in bars["BTC/USD"])
    days = client.get_crypto_bars(asked("CryptoBarsRequest", timeframe=frame("1Day"), **when))
    minutes = client.get_crypto_bars(asked("CryptoBarsRequest", timeframe=frame("1Min"), **when))
    when["start"] = now_of(coins).replace(hour=0, minute=0) - timedelta(minutes=15)
    trades = client.get_crypto_trades(asked("CryptoTradesRequest", **when))
    quotes = client.get_crypto_quotes(asked("CryptoQuoteRequest", **when))
    assert [bar.timestamp.hour for bar in days["ETH/USD"]] == [0, 0]
    one = {"symbol_or_symbols": names}
    bar = client.get_crypto_latest_bar(asked("CryptoLatestBarRequest", **one))
    trade = client.get_crypto_latest_trade(asked("CryptoLatestTradeRequest", **one))
    quote = client.get_crypto_latest_quote(asked("CryptoLatestQuoteRequest", **one))
    book = client.get_crypto_latest_orderbook(asked("CryptoLatestOrderbookRequest", **one))
    snapshot = client.get_crypto_snapshot(asked("CryptoSnapshotRequest", **one))
    for symbol in names:
        assert bar[symbol] == minutes[symbol][-1] == snapshot[symbol].minute_bar
        assert trade[symbol] == trades[symbol][-1] == snapshot[symbol].latest_trade
        assert quote[symbol] == quotes[symbol][-1] == snapshot[symbol].latest_quote
        assert snapshot[symbol].daily_bar == days[symbol][-1]
        assert snapshot[symbol].previous_daily_bar == days[symbol][-2]
        bids, asks = book[symbol].bids, book[symbol].asks
        assert (bids[0].price, asks[0].price) == (quote[symbol].bid_price, quote[symbol].ask_price)
        assert [level.price for level in bids] == sorted((x.price for x in bids), reverse=True)
        assert [level.price for level in asks] == sorted(x.price for x in asks)
        assert min(len(bids), len(asks)) > 1


def test_all_channels_of_coins_arrive_as_models(coins: Venue) -> None:
    made = library("alpaca.data.live").CryptoDataStream
    stream = made(KEY, SECRET, url_override=coins.crypto_market_data_url)
    channels = ("trades", "quotes", "bars", "updated_bars", "daily_bars", "orderbooks")
    following = {name: Following(stream) for name in channels}
    for name, one in following.items():
        getattr(stream, f"subscribe_{name}")(one.take, *COINS)
    with following["trades"]:
        subscribed(coins, "crypto")
        coins.advance(240)
        following["updated_bars"].until(bool)
        following["daily_bars"].until(lambda seen: len(seen) >= 4)
        seen = {name: list(one.seen) for name, one in following.items()}
    kinds = {"trades": "Trade", "quotes": "Quote", "orderbooks": "Orderbook"}
    for name, some in seen.items():
        assert names(some) == {kinds.get(name, "Bar")}
        assert {one.symbol for one in some} <= set(COINS)
    assert any(one.size % 1 for one in seen["trades"])
    assert {bar.timestamp.hour for bar in seen["daily_bars"]} == {0}
    assert seen["orderbooks"][0].reset


@CODECS
def test_an_order_book_is_whole_at_first_and_can_be_rebuilt(coins: Venue, codec: Codec) -> None:
    coins.advance(27.5)  # inside a minute: what comes next are changes
    with line(coins.crypto_market_data_url, codec) as one:
        (answer,) = one.ask({"action": "subscribe", "orderbooks": ["BTC/USD"]})
        assert answer["orderbooks"] == ["BTC/USD"]
        first = one.hear()
        shown = shown_book(coins, "BTC/USD")
        assert [(each["S"], each["r"]) for each in first] == [("BTC/USD", True)]
        assert rebuilt(first) == shown
        for _ in range(5):
            coins.advance(17)
        one.say({"action": "subscribe", "orderbooks": ["*"]})
        seen = one.until(lambda some: some[-1:] != [] and some[-1].get("S") == "ETH/USD")
        assert rebuilt(first + [each for each in seen if each.get("S") == "BTC/USD"]) == (
            shown_book(coins, "BTC/USD")
        )
        assert seen[-1]["r"]
        assert any(each["T"] == "o" and not each.get("r") for each in seen)
        assert one.ask({"action": "subscribe", "orderbooks": ["ETH/USD"]})[0]["orderbooks"] == [
            "*",
            "BTC/USD",
            "ETH/USD",
        ]
        coins.advance(1)
        one.say({"action": "subscribe"})
        assert one.hear()[0]["T"] == "subscription"  # what was had is not told again


def shown_book(coins: Venue, symbol: str) -> Any:
    code, content = coins.ask("GET", f"/v1beta3/crypto/us/latest/orderbooks?symbols={symbol}")
    assert code == 200
    return {
        side: {level["p"]: level["s"] for level in content["orderbooks"][symbol][side]}
        for side in "ab"
    }


def rebuilt(messages: list[Any]) -> Any:
    book: dict[str, dict[float, float]] = {"a": {}, "b": {}}
    for message in messages:
        for side, levels in book.items():
            if message.get("r"):
                levels.clear()
            levels.update({level["p"]: level["s"] for level in message[side]})
            for price in [price for price, size in levels.items() if not size]:
                del levels[price]
    return book


@CODECS
def test_messages_of_coins_have_the_fields_of_the_protocol(coins: Venue, codec: Codec) -> None:
    with line(coins.crypto_market_data_url, codec) as one:
        (answer,) = one.ask({"action": "subscribe", **{name: ["*"] for name in CHANNELS}})
        assert set(answer) == {"T", *CHANNELS}
        refused = (410, "invalid subscribe action for this feed")
        coins.advance(0)
        while (heard := one.hear())[0]["T"] != "o":
            pass
        assert {each["S"] for each in heard} <= set(COINS)
        coins.advance(120)
        seen = one.until(lambda some: {each["T"] for each in some} >= set("tqobd"))
        one.say({"action": "subscribe", "statuses": ["BTC/USD"]})
        last = one.until(lambda some: some[-1:] != [] and some[-1]["T"] == "error")[-1]
        assert (last["code"], last["msg"]) == refused
    for message in seen:
        kind = message["T"]
        wanted = KEYS_OF.get(kind, BAR_KEYS)
        assert set(message) - {"r"} == wanted
        assert next(iter(message)) == "T"

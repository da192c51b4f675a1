"""Market data of shares: alpaca-py's clients in threads, and raw ones in both codecs."""

from collections.abc import Generator
from typing import Any

import pytest
from tests.fakes.venue_process import KEY, SECRET, Venue, eventually
from tests.fakes.venue_wire import (
    AUTH,
    CODECS,
    Following,
    Line,
    clients,
    in_session,
    line,
    names,
    settled,
    stock_stream,
    subscribed,
)

from fanfold.alpaca.wire.codec import JSON, MSGPACK, Codec

STOCK_CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
STOCK_ANSWER = (*STOCK_CHANNELS, "corrections", "cancelErrors")
KEYS_OF = {
    "t": {"T", "S", "i", "x", "p", "s", "c", "z", "t"},
    "q": {"T", "S", "bx", "bp", "bs", "ax", "ap", "as", "c", "z", "t"},
    "b": {"T", "S", "o", "h", "l", "c", "v", "t", "n", "vw"},
    "u": {"T", "S", "o", "h", "l", "c", "v", "t", "n", "vw"},
    "d": {"T", "S", "o", "h", "l", "c", "v", "t", "n", "vw"},
    "s": {"T", "S", "sc", "sm", "rc", "rm", "z", "t"},
}


@pytest.fixture(scope="module", autouse=True)
def silent(shares_venue: Venue) -> Generator[Line]:
    """Who never shows keys, from the begin on."""
    with line(shares_venue.market_data_url, keys=False) as one:
        yield one


def test_all_channels_of_shares_arrive_as_models(shares: Venue) -> None:
    in_session(shares)
    stream = stock_stream(shares)
    following = {
        name: Following(stream)
        for name in ("trades", "quotes", "bars", "updated_bars", "daily_bars", "trading_statuses")
    }
    for name, one in following.items():
        getattr(stream, f"subscribe_{name}")(one.take, *(["*"] if name == "bars" else ["AAPL"]))
    stream.register_trade_corrections(following["trades"].take)
    with following["trades"]:
        subscribed(shares)
        shares.advance(150)
        shares.control("halts", {"symbol": "AAPL", "on": True, "reason": "news pending"})
        shares.control("halts", {"symbol": "AAPL", "on": False})
        halt, resumption, *_ = following["trading_statuses"].until(lambda seen: len(seen) > 1)
        seen = {name: list(one.seen) for name, one in following.items()}
    assert {name: names(some) for name, some in seen.items()} == {
        "trades": {"Trade"},
        "quotes": {"Quote"},
        "bars": {"Bar"},
        "updated_bars": {"Bar"},
        "daily_bars": {"Bar"},
        "trading_statuses": {"TradingStatus"},
    }
    assert (halt.status_code, resumption.status_code) == ("H", "T")
    assert (halt.symbol, halt.reason_message) == ("AAPL", "news pending")
    assert len({bar.symbol for bar in seen["bars"]}) > 1
    assert {bar.symbol for bar in seen["updated_bars"] + seen["daily_bars"]} == {"AAPL"}
    for some in (seen["trades"], seen["quotes"]):
        assert [one.timestamp for one in some] == sorted(one.timestamp for one in some)
    bars = {bar.timestamp: bar for bar in seen["bars"] if bar.symbol == "AAPL"}
    later = [bar for bar in seen["updated_bars"] if bar.timestamp in bars]
    assert all(bar.volume > bars[bar.timestamp].volume for bar in later)
    # A day is named by New York's midnight.
    assert {bar.timestamp.isoformat()[10:] for bar in seen["daily_bars"]} == {"T05:00:00+00:00"}


def test_a_running_client_subscribes_and_unsubscribes(shares: Venue) -> None:
    stream = stock_stream(shares, raw_data=True)
    following = Following(stream)
    stream.subscribe_trades(following.take, "AAPL", "IBM")
    with following:
        subscribed(shares)
        stream.subscribe_quotes(following.take, "MSFT")
        settled(shares, "stocks", lambda one: "quotes" in one["subscriptions"])
        stream.unsubscribe_trades("AAPL")
        settled(shares, "stocks", lambda one: one["subscriptions"].get("trades") == ["IBM"])
        following.seen.clear()
        shares.advance(60)
        seen = following.until(lambda seen: len(seen) >= 8)
    assert {(one["T"], one["S"]) for one in seen} == {("t", "IBM"), ("q", "MSFT")}


def test_a_subscription_of_many_thousand_symbols_is_one_message(shares: Venue) -> None:
    stream = stock_stream(shares)
    following = Following(stream)
    many = [
        "AAPL",
        *(f"{one}{two}{three}X" for one in "ABCDEFGHIJKL" for two in "ABCDEFGHIJKLMNOPQRST"
          for three in "ABCDEFGHIJKLMNOPQRSTUVWXY"),
    ]  # fmt: skip
    stream.subscribe_trades(following.take, *many)
    with following:
        subscribed(shares)
        shares.advance(60)
        following.until(lambda seen: len(seen) >= 4)
    assert {one.symbol for one in following.seen} == {"AAPL"}


@pytest.mark.parametrize("half_dead_s", [0.0, 0.3], ids=["at once", "after 406"])
def test_a_dropped_client_comes_back_by_itself(shares: Venue, half_dead_s: float) -> None:
    stream = stock_stream(shares)
    stream._reconnect_min_backoff = 0.05
    following = Following(stream)
    stream.subscribe_trades(following.take, "*")
    fault = {"kind": "disconnect", "endpoint": "stocks", "count": 1, "half_dead_s": half_dead_s}
    with following:
        subscribed(shares)
        comes_back(shares, following, fault)
    shares.control("faults", method="DELETE")


def test_a_client_leaves_a_connection_that_is_mute(shares: Venue) -> None:
    stream = stock_stream(shares, data_timeout=0.3)
    stream._reconnect_min_backoff = 0.05
    following = Following(stream)
    stream.subscribe_trades(following.take, "*")
    with following:
        subscribed(shares)
        comes_back(shares, following, {"kind": "silent", "endpoint": "stocks", "count": 1})
    shares.control("faults", method="DELETE")


def comes_back(venue: Venue, following: Following, fault: dict[str, Any]) -> None:
    """A fault ends a client's connection; on the next one it is sent what happens."""
    first = following.stream._ws
    venue.control("faults", fault)
    venue.advance(60)
    eventually(lambda: following.stream._ws not in {None, first})
    following.seen.clear()

    def has_more() -> bool:
        venue.advance(20)
        return len(following.seen) >= 10

    eventually(has_more)


# Market data of shares, word by word


@CODECS
def test_the_arithmetic_of_subscriptions(shares: Venue, codec: Codec) -> None:
    with line(shares.market_data_url, codec) as one:

        def told(action: str, **channels: list[str]) -> dict[str, list[str]]:
            (answer,) = one.ask({**channels, "action": action})
            assert next(iter(answer)) == "T"
            assert answer.pop("T") == "subscription"
            assert set(answer) == set(STOCK_ANSWER)
            return {name: some for name, some in answer.items() if some}

        follow = {"corrections": ["AAPL"], "cancelErrors": ["AAPL"]}
        assert told("subscribe", trades=["AAPL"]) == {"trades": ["AAPL"], **follow}
        assert told("subscribe", bars=["*"], lulds=["IBM"]) == {
            "trades": ["AAPL"],
            "bars": ["*"],
            "lulds": ["IBM"],
            **follow,
        }
        assert told("subscribe", bars=["IBM"], trades=["AAPL"])["bars"] == ["*", "IBM"]
        left = told("unsubscribe", bars=["*"], quotes=["NEVER"], trades=["AAPL"])
        assert left == {"bars": ["IBM"], "lulds": ["IBM"]}
        assert told("unsubscribe", bars=["IBM"], lulds=["IBM"]) == {}


@CODECS
def test_messages_have_the_fields_of_the_protocol(shares: Venue, codec: Codec) -> None:
    with line(shares.market_data_url, codec) as one:
        one.ask({"action": "subscribe", **{name: ["*"] for name in STOCK_CHANNELS}})
        shares.control("halts", {"symbol": "IBM", "on": True})
        shares.control("halts", {"symbol": "IBM", "on": False})
        shares.advance(150)
        seen = one.until(lambda some: {each["T"] for each in some} >= set(KEYS_OF))
    for message in seen:
        assert next(iter(message)) == "T"
        assert set(message) == KEYS_OF[message["T"]]
        size = message.get("s", message.get("bs", message.get("v", 0)))
        assert isinstance(size, int)
        assert isinstance(message["t"], str) == (codec is JSON)


def test_errors_have_the_broker_s_codes_and_words(shares: Venue) -> None:
    with line(shares.market_data_url, keys=False) as one:
        assert one.hear() == [{"T": "success", "msg": "connected"}]
        assert one.code({"action": "subscribe", "trades": ["AAPL"]}) == (401, "not authenticated")
        assert one.code({"action": "dance"}) == (400, "invalid syntax")
        one.socket.send("{")
        assert one.hear()[0]["code"] == 400
        assert one.code({**AUTH, "secret": "wrong"}) == (402, "auth failed")
        assert one.ask(AUTH) == [{"T": "success", "msg": "authenticated"}]
        assert one.code(AUTH) == (403, "already authenticated")
        assert one.code({"action": "subscribe", "trades": ["a b"]}) == (400, "invalid syntax")
        refused = (410, "invalid subscribe action for this feed")
        assert one.code({"action": "subscribe", "orderbooks": ["AAPL"]}) == refused
        with line(shares.market_data_url, MSGPACK, keys=False) as second:
            second.hear()
            assert second.code(AUTH) == (406, "connection limit exceeded")
            assert second.rest() == []
        (answer,) = one.ask({"action": "subscribe"})
        assert not any(answer[name] for name in STOCK_ANSWER)


def test_keys_may_come_with_the_request(shares: Venue) -> None:
    headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
    with line(shares.market_data_url, keys=False, **headers) as one:
        assert one.hear() == [{"T": "success", "msg": "connected"}]
        assert one.hear() == [{"T": "success", "msg": "authenticated"}]
        assert one.ask({"action": "subscribe"})[0]["T"] == "subscription"


def test_each_endpoint_has_a_connection_of_its_own(shares: Venue) -> None:
    base = shares.market_data_url.removesuffix("/v2/sip")
    with (
        line(shares.market_data_url) as sip,
        line(f"{base}/v2/iex") as iex,
        line(f"{base}/v2/test") as test,
    ):
        for one in (sip, iex):
            one.ask({"action": "subscribe", "trades": ["AAPL"]})
        test.ask({"action": "subscribe", "trades": ["FAKEPACA"], "quotes": ["FAKEPACA"]})
        shares.advance(60)
        assert sip.hear() == iex.hear()
        assert {each["S"] for each in test.hear()} == {"FAKEPACA"}


def test_a_client_that_takes_nothing_is_told_so_and_cut(shares: Venue) -> None:
    in_session(shares)
    most = 0

    def is_over() -> bool:
        nonlocal most
        waiting = max((each["waiting"] for each in clients(shares, "stocks")), default=0)
        most = max(most, waiting)
        return waiting < most > 50_000

    with line(shares.market_data_url) as one:
        one.ask({"action": "subscribe", **{name: ["*"] for name in STOCK_CHANNELS}})
        # With each message many times, a market of few shares is one of many.
        shares.control("faults", {"kind": "repeat", "endpoint": "stocks", "times": 10})
        shares.control("clock", {"speed": 100_000})
        eventually(is_over)
        shares.control("clock", {"speed": 0})
        shares.control("faults", method="DELETE")
        frames = one.rest()
    assert frames[-1] == [{"T": "error", "code": 407, "msg": "slow client"}]


def test_who_shows_no_keys_is_sent_away(silent: Line) -> None:
    assert silent.hear() == [{"T": "success", "msg": "connected"}]
    assert silent.hear() == [{"T": "error", "code": 404, "msg": "auth timeout"}]
    assert silent.rest() == []

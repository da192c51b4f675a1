"""Each fault as clients meet it, and what the venue's book says afterwards."""

import json
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.fakes.venue_process import SECRET, Venue, eventually, library
from tests.fakes.venue_world import (
    RICH,
    Trader,
    in_session,
    refused,
    world,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from fanfold.venue.faults.reading import KINDS

PATIENCE_S = 0.2
QUIET_S = 0.15
HEARD_S = 10.0
NUMBERS: Iterator[int] = count()


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Generator[Venue]:
    with world(tmp_path_factory.mktemp("faults")) as started:
        yield started


@pytest.fixture
def trader(venue: Venue) -> Generator[Trader]:
    in_session(venue)
    one = Trader(venue, f"{RICH}{next(NUMBERS)}")
    yield one
    venue.control("faults", method="DELETE")
    one.client._session.close()


def goes_wrong(trader: Trader, kind: str, **fields: Any) -> dict[str, Any]:
    """Let something go wrong for one account alone."""
    account = {} if kind in {"clock_skew", "halt"} else {"account": str(trader.account.id)}
    return trader.venue.control("faults", {"kind": kind, **account, **fields})


def struck(trader: Trader, fault: dict[str, Any]) -> int:
    listed = trader.venue.control("faults")["faults"]
    return next(one["struck"] for one in listed if one["id"] == fault["id"])


def own_orders(trader: Trader) -> list[str]:
    code, orders = trader.raw("GET", "/orders", status="all", limit=500)
    assert code == 200
    return [one["client_order_id"] for one in orders]


def held(trader: Trader, symbol: str = "AAPL") -> float:
    code, position = trader.raw("GET", f"/positions/{symbol}")
    return float(position["qty"]) if code == 200 else 0.0


# Requests

POSTS: dict[str, Any] = {"method": "POST", "path": "/v2/orders", "count": 1}


def test_a_client_that_sends_again_after_504_has_its_order_twice(trader: Trader) -> None:
    trader.client._retry, trader.client._retry_wait = 1, 0
    goes_wrong(trader, "rest_504_after", **POSTS)
    told = trader.submit()
    assert len(own_orders(trader)) == 2
    assert told.client_order_id in own_orders(trader)
    assert held(trader) == 20.0


def test_a_name_for_the_order_keeps_the_second_one_out(trader: Trader) -> None:
    trader.client._retry, trader.client._retry_wait = 1, 0
    goes_wrong(trader, "rest_504_after", **POSTS)
    status, code, body = refused(trader.submit, client_order_id="mine")
    assert (status, code, body["message"]) == (422, 40010001, "client_order_id must be unique")
    assert own_orders(trader) == ["mine"]
    assert held(trader) == 10.0


@pytest.mark.parametrize(
    ("kind", "error", "is_done"),
    [
        ("rest_timeout_before", requests.Timeout, False),
        ("rest_timeout_after", requests.Timeout, True),
        ("rest_drop_before", requests.ConnectionError, False),
        ("rest_drop_after", requests.ConnectionError, True),
    ],
)
def test_an_order_without_an_answer_is_there_or_not(
    trader: Trader, kind: str, error: type[Exception], *, is_done: bool
) -> None:
    goes_wrong(trader, kind, **POSTS)
    session = trader.client._session
    session.request = partial(session.request, timeout=PATIENCE_S)
    with pytest.raises(error):
        trader.submit(client_order_id="lost")
    del session.request
    assert own_orders(trader) == (["lost"] if is_done else [])
    assert held(trader) == (10.0 if is_done else 0.0)
    assert trader.submit().status.value == "pending_new"  # the fault is over


def test_a_late_answer_is_of_an_order_that_is_there_already(trader: Trader) -> None:
    fault = goes_wrong(trader, "rest_delay", delay_s=1.5 * PATIENCE_S, **POSTS)
    session = trader.client._session
    session.request = partial(session.request, timeout=PATIENCE_S)
    with pytest.raises(requests.Timeout):
        trader.submit(client_order_id="late")
    del session.request
    assert own_orders(trader) == ["late"]
    assert struck(trader, fault) == 1


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize(
    ("kind", "fields", "status", "begins"),
    [
        ("rest_error", {"status": 500}, 500, '{"code":50000000,'),
        ("rest_error", {"status": 503, "body": "html"}, 503, "<html>"),
        ("html", {}, 502, "<html>"),
    ],
)
def test_an_error_of_the_server_may_hide_an_order(
    trader: Trader, kind: str, fields: Any, status: int, begins: str, *, acts: bool
) -> None:  # fmt: skip
    goes_wrong(trader, kind, acts=acts, **fields, **POSTS)
    with pytest.raises(library("alpaca.common.exceptions").APIError) as caught:
        trader.submit(client_order_id="hidden")
    assert caught.value.status_code == status
    assert str(caught.value).startswith(begins)
    assert own_orders(trader) == (["hidden"] if acts else [])


def test_a_page_with_status_200_is_no_answer(trader: Trader) -> None:
    goes_wrong(trader, "html", status=200, acts=True, **POSTS)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        trader.submit(client_order_id="page")
    assert own_orders(trader) == ["page"]


@pytest.mark.parametrize("headers", [True, False])
def test_a_refused_rate_says_when_it_ends_or_nothing(trader: Trader, *, headers: bool) -> None:
    goes_wrong(trader, "rate_limit", headers=headers, retry_s=30, method="POST", count=2)
    code, body = trader.raw("POST", "/orders", {})
    assert (code, body) == (429, {"code": 42910000, "message": "rate limit exceeded"})
    with pytest.raises(library("alpaca.common.exceptions").APIError) as caught:
        trader.submit()
    given = caught.value._http_error.response.headers
    assert ("X-RateLimit-Reset" in given) == headers
    if headers:
        assert 0 <= int(given["X-RateLimit-Reset"]) - time.time() <= 31
    assert own_orders(trader) == []


def test_faults_pass_over_strike_by_chance_and_end(trader: Trader) -> None:
    fault = {"method": "GET", "path": "/v2/clock"}

    def codes(number: int) -> list[int]:
        return [trader.raw("GET", "/clock")[0] for _ in range(number)]

    goes_wrong(trader, "rest_error", after=2, count=3, **fault)
    assert codes(7) == [200, 200, 500, 500, 500, 200, 200]
    goes_wrong(trader, "rest_error", until="2001-01-01T00:00:00Z", **fault)
    assert codes(2) == [200, 200]
    goes_wrong(trader, "rest_error", probability=0.0, **fault)
    assert codes(2) == [200, 200]
    drawn = goes_wrong(trader, "rest_error", probability=0.5, **fault)
    bad = codes(60).count(500)
    assert 10 < bad < 50
    assert struck(trader, drawn) == bad
    trader.venue.control(f"faults/{drawn['id']}", method="DELETE")
    brief = goes_wrong(trader, "rest_error", for_s=0.1, **fault)
    assert codes(1) == [500]
    eventually(lambda: codes(1) == [200])
    assert not next(
        one["on"] for one in trader.venue.control("faults")["faults"] if one["id"] == brief["id"]
    )


# Streams


@contextmanager
def listening(trader: Trader) -> Generator[ClientConnection]:
    """Trade updates of an account."""
    with connect(trader.venue.trade_updates_url, proxy=None) as socket:
        socket.send(json.dumps({"action": "auth", "key": trader.key, "secret": SECRET}))
        socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        assert json.loads(socket.recv(HEARD_S))["data"]["status"] == "authorized"
        assert json.loads(socket.recv(HEARD_S))["stream"] == "listening"
        yield socket


@contextmanager
def watching(trader: Trader, url: str, symbol: str) -> Generator[ClientConnection]:
    """Trades of an asset."""
    with connect(url, proxy=None) as socket:
        assert json.loads(socket.recv(HEARD_S))[0]["msg"] == "connected"
        socket.send(json.dumps({"action": "auth", "key": trader.key, "secret": SECRET}))
        told = json.loads(socket.recv(HEARD_S))[0]
        if told["T"] == "error":
            raise ConnectionRefusedError(told["code"])
        socket.send(json.dumps({"action": "subscribe", "trades": [symbol]}))
        assert json.loads(socket.recv(HEARD_S))[0]["T"] == "subscription"
        yield socket


def all_of(socket: ClientConnection, *, until: Any = None) -> list[Any]:
    """What comes until nothing does for a while, or so many, or the one."""
    found: list[Any] = []
    try:
        while until is None or not (len(found) == until or until in found):
            frame = json.loads(socket.recv(QUIET_S if until is None else HEARD_S))
            found += frame if isinstance(frame, list) else [frame["data"]["event"]]
    except TimeoutError:
        assert until is None
    except ConnectionClosed as error:
        found.append(error.rcvd)
    return found


LIFE = ["pending_new", "new", "pending_cancel", "canceled"]
STREAM_FAULTS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "lose": ({"after": 1, "count": 1}, ["pending_new", "pending_cancel", "canceled"]),
    "repeat": ({"count": 1, "times": 2}, ["pending_new", *["pending_new"] * 2, *LIFE[1:]]),
    "delay": ({"count": 1, "delay_s": 0.05}, LIFE),
    "silent": ({"count": 1}, []),
    "disconnect": ({"count": 1}, [None]),
}


def one_life(trader: Trader) -> None:
    order = trader.submit("limit", limit_price=1)
    trader.client.cancel_order_by_id(order.id)


@pytest.mark.parametrize("kind", STREAM_FAULTS)
def test_trade_updates_go_wrong_and_the_order_does_not(trader: Trader, kind: str) -> None:
    fields, expected = STREAM_FAULTS[kind]
    with listening(trader) as socket:
        fault = goes_wrong(trader, kind, endpoint="trading", **fields)
        one_life(trader)
        assert all_of(socket, until=len(expected) or None) == expected
        assert struck(trader, fault) == 1
        if kind == "silent":
            socket.ping().wait(HEARD_S)
            one_life(trader)
            assert all_of(socket) == []
    with listening(trader) as socket:  # on a new connection all is as usual
        one_life(trader)
        assert all_of(socket, until=4) == LIFE
    code, orders = trader.raw("GET", "/orders", status="all")
    assert (code, {one["status"] for one in orders}) == (200, {"canceled"})


def test_trade_updates_in_another_order_are_the_same(trader: Trader) -> None:
    with listening(trader) as socket:
        goes_wrong(trader, "reorder", endpoint="trading", count=1)
        one_life(trader)
        found = all_of(socket, until=4)
    assert sorted(found) == sorted(LIFE)
    assert found != LIFE


@pytest.mark.parametrize(("endpoint", "symbol"), [("stocks", "AAPL"), ("crypto", "BTC/USD")])
def test_market_data_go_wrong_for_one_client_alone(
    trader: Trader, endpoint: str, symbol: str
) -> None:
    venue = trader.venue
    url = venue.market_data_url if endpoint == "stocks" else venue.crypto_market_data_url
    other = Trader(venue, f"{RICH}{next(NUMBERS)}")
    with watching(trader, url, symbol) as socket, watching(other, url, symbol) as well:
        for kind, fields in (
            ("lose", {"channel": "trades", "symbol": symbol}),
            ("repeat", {"times": 1}),
            ("reorder", {}),
            ("delay", {"delay_s": 0.01}),
            ("silent", {"mute_s": 0.005}),
            ("disconnect", {"half_dead_s": 0.3}),
        ):
            fault = goes_wrong(trader, kind, endpoint=endpoint, count=1, **fields)
            spoken = time.monotonic_ns() + 10_000_000
            venue.advance(60)
            assert struck(trader, fault) == 1, kind
            eventually(partial(_is_past, spoken))  # it was mute for so long
            venue.advance(60)
            right = all_of(well, until=8)
            _compare(kind, right, all_of(socket, until=right[-1]))
        with pytest.raises(ConnectionRefusedError, match="406"), watching(trader, url, symbol):
            pass
        third = Trader(venue, f"{RICH}{next(NUMBERS)}")
        with watching(third, url, symbol):  # another account's place is free
            third.client._session.close()
        eventually(lambda: _connects(trader, url, symbol))
    other.client._session.close()


def _is_past(instant_ns: int) -> bool:
    return time.monotonic_ns() > instant_ns


def _compare(kind: str, right: list[Any], wrong: list[Any]) -> None:
    """What a client was sent, against what another was, by the fault that struck once."""
    if kind in {"reorder", "delay"}:
        by_price = [sorted(one, key=lambda each: each["i"]) for one in (right, wrong)]
        assert by_price[0] == by_price[1]
        assert (wrong == right) == (kind == "delay")
    elif kind == "repeat":
        assert len(wrong) > len(right)
        assert {each["i"] for each in wrong} == {each["i"] for each in right}
    else:
        lost = [each for each in right if each not in wrong]
        assert lost, kind
        if kind == "disconnect":
            assert wrong[-1] is None  # without a word


def _connects(trader: Trader, url: str, symbol: str) -> bool:
    try:
        with watching(trader, url, symbol):
            return True
    except ConnectionRefusedError:
        return False


def test_a_half_dead_connection_of_trade_updates_keeps_others_out_for_a_while(
    trader: Trader,
) -> None:
    with listening(trader) as socket:
        goes_wrong(trader, "disconnect", endpoint="trading", count=1, half_dead_s=0.3)
        one_life(trader)
        assert all_of(socket, until=1) == [None]
    other = Trader(trader.venue, f"{RICH}{next(NUMBERS)}")
    with listening(other):  # another account's place is free
        pass
    other.client._session.close()
    with pytest.raises(ConnectionClosed, match="connection limit exceeded"), listening(trader):
        pass
    keys = {"APCA-API-KEY-ID": trader.key, "APCA-API-SECRET-KEY": SECRET}
    with pytest.raises(InvalidStatus) as caught:
        connect(trader.venue.trade_updates_url, proxy=None, additional_headers=keys)
    assert caught.value.response.status_code == 429
    eventually(lambda: _listens(trader))
    with listening(trader) as socket:
        one_life(trader)
        assert all_of(socket, until=4) == LIFE


def _listens(trader: Trader) -> bool:
    try:
        with listening(trader):
            return True
    except (InvalidStatus, ConnectionClosed):
        return False


@pytest.mark.parametrize(("status", "seen"), [(406, 429), (429, 429), (503, 503)])
def test_a_stream_can_be_refused(trader: Trader, status: int, seen: int) -> None:
    asked = {"endpoint": "trading", "status": status, "lasts_s": 0.05, "count": 1}
    trader.venue.control("faults", {"kind": "refuse_upgrade", **asked})
    with pytest.raises(InvalidStatus) as caught, listening(trader):
        pass
    assert caught.value.response.status_code == seen
    eventually(lambda: _listens(trader))


# Orders


def test_an_order_fills_in_parts(trader: Trader) -> None:
    before = trader.account.cash
    goes_wrong(trader, "partial_fill", symbol="AAPL", fraction=0.4, count=1)
    with listening(trader) as socket:
        order = trader.submit()
        assert trader.status(order) == "partially_filled"
        assert held(trader) == 4.0
        trader.venue.advance(60)
        assert all_of(socket, until=4) == ["pending_new", "new", "partial_fill", "fill"]
    done = trader.order(order)
    assert (done.status.value, done.filled_qty, held(trader)) == ("filled", "10", 10.0)
    code, fills = trader.raw("GET", "/account/activities/FILL")
    assert code == 200
    spent = sum(float(one["qty"]) * float(one["price"]) for one in fills)
    assert float(before) - float(trader.account.cash) == pytest.approx(spent, abs=0.005)


def test_an_order_fills_after_its_cancellation_was_told(trader: Trader) -> None:
    order = trader.submit("limit", limit_price=1)
    goes_wrong(trader, "late_fill_after_cancel", count=1)
    with listening(trader) as socket:
        trader.client.cancel_order_by_id(order.id)
        assert all_of(socket, until=3) == ["pending_cancel", "canceled", "fill"]
    assert trader.status(order) == "filled"
    assert held(trader) == 10.0
    assert float(trader.account.cash) == 100_000 - 10


def test_a_cancellation_is_slow_or_comes_to_nothing(trader: Trader) -> None:
    slow, stays = (trader.submit("limit", limit_price=price) for price in (1, 2))
    goes_wrong(trader, "slow_cancel", delay_s=30, count=1)
    trader.client.cancel_order_by_id(slow.id)
    assert trader.status(slow) == "pending_cancel"
    trader.venue.advance(31)
    assert trader.status(slow) == "canceled"
    goes_wrong(trader, "cancel_rejected", count=1)
    with listening(trader) as socket:
        trader.client.cancel_order_by_id(stays.id)
        assert all_of(socket, until=2) == ["pending_cancel", "order_cancel_rejected"]
    assert trader.status(stays) == "new"


def test_acceptance_and_replacement_are_slow(trader: Trader) -> None:
    goes_wrong(trader, "slow_acceptance", delay_s=30, count=1)
    order = trader.submit("limit", limit_price=1)
    assert trader.status(order) == "pending_new"
    trader.venue.advance(31)
    assert trader.status(order) == "new"
    goes_wrong(trader, "slow_replace", delay_s=30, count=1)
    changes = library("alpaca.trading.requests").ReplaceOrderRequest(qty=5)
    new = trader.client.replace_order_by_id(order.id, changes)
    assert (trader.status(order), trader.status(new)) == ("pending_replace", "pending_new")
    trader.venue.advance(31)
    assert (trader.status(order), trader.status(new)) == ("replaced", "new")
    assert float(trader.account.buying_power) == 4 * 100_000 - 5


# The clock, and halts


def test_the_clock_that_clients_are_told_is_off(trader: Trader) -> None:
    right = trader.client.get_clock().timestamp
    goes_wrong(trader, "clock_skew", skew_s=-90)
    assert trader.client.get_clock().timestamp - right == timedelta(seconds=-90)
    order = trader.submit()
    assert order.submitted_at - right < timedelta(seconds=1)


@pytest.mark.parametrize(("named", "symbol"), [("AAPL", "AAPL"), ("BTCUSD", "BTC/USD")])
def test_nothing_fills_while_trading_is_halted(trader: Trader, named: str, symbol: str) -> None:
    fault = goes_wrong(trader, "halt", symbol=named, reason="news")
    trader.venue.advance(1)
    order = trader.submit(symbol=symbol, qty=1, time_in_force="gtc")
    trader.venue.advance(60)
    assert trader.order(order).filled_qty == "0"
    trader.venue.control(f"faults/{fault['id']}", method="DELETE")
    trader.venue.advance(60)
    assert trader.order(order).filled_qty == "1"


def test_every_kind_is_tried_here() -> None:
    text = Path(__file__).read_text()
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []

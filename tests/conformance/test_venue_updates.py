"""Trade updates of a running venue: alpaca-py's stream, raw ones, and the feed of events."""

import json
from typing import Any

import pytest
from tests.fakes.venue_process import KEY, SECRET, Venue, eventually, library
from tests.fakes.venue_wire import (
    CODECS,
    clients,
    in_session,
    line,
    subscribed,
    trading_stream,
)
from websockets.exceptions import InvalidStatus

from fanfold.alpaca.wire.codec import Codec


def test_trade_updates_tell_of_every_event(shares: Venue) -> None:
    client, requests = shares.client(), library("alpaca.trading.requests")

    def limit(price: float, **fields: Any) -> Any:
        usual = {"symbol": "AAPL", "qty": 2, "side": "buy", "time_in_force": "day"}
        order = requests.LimitOrderRequest(limit_price=price, **{**usual, **fields})
        return client.submit_order(order).id

    def act(order: Any, event: str) -> None:
        shares.control(f"orders/{order}", {"event": event})

    in_session(shares)
    following = trading_stream(shares)
    with following:
        subscribed(shares, "trading")
        shares.control("faults", {"kind": "partial_fill", "fraction": 0.5, "count": 1})
        market = requests.MarketOrderRequest(symbol="AAPL", qty=4, side="buy", time_in_force="day")
        filled = client.submit_order(market).id
        shares.advance(180)
        canceled, replaced, expired, rejected = limit(20), limit(21), limit(22), limit(23)
        refused, marked, accepted = limit(24), limit(25), limit(26)
        shares.advance(5)
        client.cancel_order_by_id(canceled)
        client.replace_order_by_id(replaced, requests.ReplaceOrderRequest(limit_price=21.5))
        shares.advance(5)
        act(rejected, "rejected")
        for event in ("suspended", "new", "stopped"):
            act(marked, event)
        for event in ("done_for_day", "calculated"):
            act(accepted, event)
        shares.control("faults", {"kind": "cancel_rejected", "count": 1})
        client.cancel_order_by_id(refused)
        shares.advance(5)
        shares.control("faults", {"kind": "slow_replace", "delay_s": 60, "count": 1})
        slow = client.replace_order_by_id(
            refused, requests.ReplaceOrderRequest(limit_price=24.5)
        ).id
        act(refused, "order_replace_rejected")
        now = shares.control("clock")["now"]
        shares.until(f"{now[:10]}T21:00:01Z")
        asleep = limit(27, time_in_force="gtc")
        entry = client.submit_order(
            requests.LimitOrderRequest(
                symbol="IBM",
                qty=1,
                side="buy",
                time_in_force="gtc",
                limit_price=20,
                order_class="bracket",
                take_profit={"limit_price": 900},
                stop_loss={"stop_price": 15},
            )
        ).id
        client.cancel_orders()
        shares.advance(5)
        wanted = {
            *("pending_new", "new", "partial_fill", "fill", "pending_cancel", "canceled"),
            *("pending_replace", "replaced", "expired", "rejected", "suspended", "stopped"),
            *("done_for_day", "calculated", "order_cancel_rejected", "order_replace_rejected"),
            *("accepted",),
        }
        seen = following.until(lambda seen: {event_of(one) for one in seen} >= wanted)
    shares.control("faults", method="DELETE")
    assert [event_of(one) for one in seen if one.order.id == filled] == [
        *("pending_new", "new", "partial_fill", "fill"),
    ]
    assert [event_of(one) for one in seen if one.order.id == expired][-1] == "expired"
    assert {asleep, entry, slow} <= {one.order.id for one in seen}
    for one in seen:
        assert (one.execution_id is not None) or event_of(one) not in {"fill", "partial_fill"}
    half, rest = (one for one in seen if event_of(one) in {"fill", "partial_fill"})
    assert (half.qty, half.order.filled_qty, rest.qty, rest.order.filled_qty) == (2, "2", 2, "4")
    assert rest.position_qty - half.position_qty == 2
    last = {one.order.id: one.order for one in seen}
    for number, order in last.items():
        assert client.get_order_by_id(number).status == order.status
    compare_with_feed(shares, seen)


def event_of(update: Any) -> str:
    return str(getattr(update.event, "value", update.event))


def compare_with_feed(venue: Venue, seen: list[Any]) -> None:
    """The feed of events tells the past as the stream told it, from any event on."""
    path = f"{venue.rest_url}/v2/events/trades"
    ends = {"until": venue.control("clock")["now"]}
    told = feed_of(venue, path, {"since": "2012-01-01T00:00:00Z", **ends})
    mine = told[-len(seen) :]
    assert [(one["event"], one["order"]["id"]) for one in mine] == [
        (event_of(one), str(one.order.id)) for one in seen
    ]
    ids = [one["event_id"] for one in told]
    assert ids == sorted(set(ids))
    after = feed_of(venue, path, {"since_id": ids[3], "until_id": ids[9]})
    assert after == told[4:10]


def feed_of(venue: Venue, path: str, params: dict[str, str]) -> list[Any]:
    with venue.session.get(path, params=params, timeout=30, stream=True) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        lines = [one for one in answer.iter_lines() if one.startswith(b"data: ")]
    return [json.loads(one.removeprefix(b"data: ")) for one in lines]


def test_the_feed_of_events_goes_on_with_what_happens(shares: Venue) -> None:
    client, requests = shares.client(), library("alpaca.trading.requests")
    path = f"{shares.rest_url}/v2/events/trades"
    with shares.session.get(path, timeout=30, stream=True) as answer:
        eventually(lambda: len(clients(shares, "trading")) == 1)
        order = client.submit_order(
            requests.LimitOrderRequest(
                symbol="AAPL",
                qty=1,
                side="buy",
                time_in_force="gtc",
                limit_price=20,
            )
        )
        lines = answer.iter_lines()  # kept: what reads it keeps the connection
        first = next(one for one in lines if one.startswith(b"data: "))
        several = [shares.session.get(path, timeout=30, stream=True) for _ in range(9)]
        codes = [one.status_code for one in several]
        for one in several:
            one.close()
        assert (codes[:7], codes[-1]) == ([200] * 7, 429)  # 8 at a time
    # Who is gone is not waited for: the places are free again.
    eventually(lambda: not clients(shares, "trading"))
    told = json.loads(first.removeprefix(b"data: "))
    assert told["order"]["id"] == str(order.id)
    client.cancel_orders()


def test_a_dropped_client_of_trade_updates_comes_back_by_itself(shares: Venue) -> None:
    client, requests = shares.client(), library("alpaca.trading.requests")
    resting = requests.LimitOrderRequest(
        symbol="AAPL", qty=1, side="buy", time_in_force="gtc", limit_price=20
    )
    following = trading_stream(shares)
    following.stream._reconnect_min_backoff = 0.05
    with following:
        subscribed(shares, "trading")
        first = following.stream._ws
        fault = {"kind": "disconnect", "endpoint": "trading", "count": 1, "half_dead_s": 0.2}
        shares.control("faults", fault)
        client.submit_order(resting)
        eventually(lambda: following.stream._ws not in {None, first})
        subscribed(shares, "trading")
        second = client.submit_order(resting)
        following.until(lambda seen: any(one.order.id == second.id for one in seen))
    shares.control("faults", method="DELETE")
    client.cancel_orders()


@CODECS
def test_trade_updates_have_one_connection_an_account(shares: Venue, codec: Codec) -> None:
    listen = {"action": "listen", "data": {"streams": ["trade_updates", "others"]}}
    keys = {"key_id": KEY, "secret_key": SECRET}
    with line(shares.trade_updates_url, codec, keys=False) as one:
        refused = {"status": "unauthorized", "action": "listen"}
        assert one.ask(listen) == {"stream": "authorization", "data": refused}
        wrong = {"action": "authenticate", "data": {**keys, "secret_key": "wrong"}}
        assert one.ask(wrong)["data"]["status"] == "unauthorized"
        answer = one.ask({"action": "authenticate", "data": keys})
        assert answer["data"] == {"status": "authorized", "action": "authenticate"}
        assert one.ask(listen)["data"] == {"streams": ["trade_updates"]}
        with pytest.raises(InvalidStatus) as caught, line(shares.trade_updates_url, keys=False):
            pass
        assert caught.value.response.status_code == 429
        order = {"symbol": "AAPL", "side": "buy", "type": "limit", "time_in_force": "gtc"}
        shares.ask("POST", "/v2/orders", {**order, "qty": "1", "limit_price": "20"})
        frame = one.socket.recv(timeout=10)
        assert isinstance(frame, bytes)  # JSON too comes in binary frames
        told = codec.anything(frame)
        assert (told["stream"], told["data"]["order"]["limit_price"]) == ("trade_updates", "20")
        one.say({"action": "listen", "data": {"streams": []}})
        while (said := one.hear())["stream"] != "listening":
            pass
        assert said["data"] == {"streams": []}
    shares.client().cancel_orders()

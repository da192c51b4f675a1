from typing import Any

import pytest
from tests.fakes.venue_rest import ONE, Rest, served

REST = {
    "symbol": "AAPL",
    "qty": 2,
    "side": "buy",
    "type": "limit",
    "limit_price": 90,
    "time_in_force": "day",
}


def test_the_status_tells_of_everything() -> None:
    async def work(rest: Rest) -> None:
        order = await rest.good("POST", "/v2/orders", REST)
        await rest.good("POST", "/v2/orders", {**REST, "limit_price": 101})
        await rest.good("POST", "/_venue/faults", {"kind": "rest_delay", "delay_s": 0.001})
        shown = await rest.good("GET", "/_venue/status")
        assert shown["clock"]["now"] == "2026-06-09T14:30:00Z"
        assert shown["clock"]["phases"]["XNYS"]["phase"] == "regular"
        assert shown["book"] == {"accounts": 2, "positions": 1, "open_orders": 1, "seq": 5}
        account = shown["accounts"][0]
        assert (account["id"], account["open_order_count"]) == (ONE, 1)
        assert account["open_orders"][0]["id"] == order["id"]
        assert account["positions"][0]["symbol"] == "AAPL"
        assert [fault["kind"] for fault in shown["faults"]] == ["rest_delay"]
        assert [one["event"] for one in shown["events"]][:2] == ["fill", "new"]
        assert shown["statistics"]["commands"] == 2
        assert shown["clients"] == []
        assert "secret" not in str(shown)

    served(work)


def test_a_client_is_told_with_what_it_subscribed_to() -> None:
    async def work(rest: Rest) -> None:
        async with rest.session.ws_connect(rest.url + "/v2/sip") as socket:
            await socket.receive_json()
            await socket.send_json({"action": "auth", "key": "PKONE", "secret": "secret-one"})
            await socket.receive_json()
            await socket.send_json({"action": "subscribe", "trades": ["MSFT", "AAPL"]})
            await socket.receive_json()
            (client,) = (await rest.good("GET", "/_venue/status"))["clients"]
            assert (client["endpoint"], client["account"]) == ("stocks", ONE)
            assert client["subscriptions"] == {"trades": ["AAPL", "MSFT"]}
        async with rest.session.ws_connect(rest.url + "/stream") as socket:
            keys = {"key_id": "PKONE", "secret_key": "secret-one"}
            await socket.send_json({"action": "authenticate", "data": keys})
            await socket.receive()
            await socket.send_json({"action": "listen", "data": {"streams": ["trade_updates"]}})
            await socket.receive()
            clients = (await rest.good("GET", "/_venue/status"))["clients"]
            (client,) = [one for one in clients if one["endpoint"] == "trading"]
            assert client["subscriptions"] == {"trade_updates": ["*"]}

    served(work)


def test_the_clock_is_led() -> None:
    async def work(rest: Rest) -> None:
        shown = await rest.good("POST", "/_venue/clock", {"advance_s": 1.5})
        assert shown["now"] == "2026-06-09T14:30:01.5Z"
        shown = await rest.good("POST", "/_venue/clock", {"until": "2026-06-09T11:00:00-04:00"})
        assert (shown["now"], shown["speed"]) == ("2026-06-09T15:00:00Z", 0.0)
        assert (await rest.good("POST", "/_venue/clock", {"speed": "max"}))["speed"] == "max"
        assert (await rest.good("POST", "/_venue/clock", {"speed": 60}))["speed"] == 60.0
        assert (await rest.good("GET", "/_venue/clock"))["speed"] == 60.0

    served(work)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("clock", {}, "until, advance_s or speed alone"),
        ("clock", {"speed": 1, "until": "x"}, "until, advance_s or speed alone"),
        ("clock", {"speed": -1}, "speed must be"),
        ("clock", {"speed": "fast"}, "speed must be"),
        ("clock", {"speed": True}, "speed must be"),
        ("clock", {"advance_s": -1}, "advance_s must be"),
        ("clock", {"advance_s": "1"}, "advance_s must be"),
        ("clock", {"advance_s": 1e300}, "advance_s must be"),
        ("clock", {"until": "tomorrow"}, "until must be"),
        ("clock", {"until": 5}, "until must be"),
        ("clock", {"until": "2020-01-01T00:00:00Z"}, "must go on from"),
        ("clock", {"until": "9999-01-01T00:00:00Z"}, "must go on from"),
        ("faults", {}, "kind must be"),
        ("faults", {"kind": "loss"}, "kind must be"),
        ("faults", {"kind": "rest_delay", "delay_s": "x"}, "delay_s must be"),
        ("halts", {"symbol": "NOPE", "on": True}, "symbol must be"),
        ("halts", {"symbol": "AAPL"}, "on must be"),
        ("halts", {"symbol": "AAPL", "on": True, "reason": 1}, "reason must be"),
        ("orders/x", {}, "event must be"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(path: str, body: Any, words: str) -> None:
    async def work(rest: Rest) -> None:
        status, content, _ = await rest.ask("POST", f"/_venue/{path}", body)
        assert status == 422
        assert words in content["message"]
        assert "\n" not in content["message"]

    served(work)


def test_faults_come_and_go() -> None:
    async def work(rest: Rest) -> None:
        one = await rest.good("POST", "/_venue/faults", {"kind": "silent"})
        two = await rest.good("POST", "/_venue/faults", {"kind": "rest_delay", "delay_s": 0.0})
        listed = (await rest.good("GET", "/_venue/faults"))["faults"]
        assert [fault["id"] for fault in listed] == [one["id"], two["id"]]
        assert (await rest.ask("DELETE", f"/_venue/faults/{one['id']}"))[0] == 204
        assert (await rest.ask("DELETE", f"/_venue/faults/{one['id']}"))[0] == 404
        assert (await rest.ask("DELETE", "/_venue/faults"))[0] == 204
        assert (await rest.good("GET", "/_venue/faults"))["faults"] == []

    served(work)


def test_an_order_is_suspended_and_goes_on() -> None:
    async def work(rest: Rest) -> None:
        order = await rest.good("POST", "/v2/orders", REST)
        path = f"/_venue/orders/{order['id']}"
        assert (await rest.good("POST", path, {"event": "suspended"}))["status"] == "suspended"
        assert (await rest.good("POST", path, {"event": "new"}))["status"] == "new"
        assert (await rest.ask("POST", path, {"event": "held"}))[0] == 422
        assert (await rest.ask("POST", "/_venue/orders/none", {"event": "new"}))[0] == 404

    served(work)


def test_a_halted_asset_does_not_trade() -> None:
    async def work(rest: Rest) -> None:
        halt = {"symbol": "AAPL", "on": True, "reason": "news"}
        assert (await rest.good("POST", "/_venue/halts", halt))["changed"] is True
        assert (await rest.good("POST", "/_venue/halts", halt))["changed"] is False
        order = await rest.good("POST", "/v2/orders", {**REST, "limit_price": 101})
        shown = await rest.good("GET", f"/v2/orders/{order['id']}")
        assert shown["filled_qty"] == "0"
        await rest.good("POST", "/_venue/halts", {"symbol": "AAPL", "on": False})

    served(work)

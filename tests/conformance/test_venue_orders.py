"""Orders by alpaca-py's client: which are taken, which are not, and in which words."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from tests.fakes.venue_world import Trader, loss, refused, target

FAR: dict[str, dict[str, Any]] = {
    "market": {},
    "limit": {"limit_price": 50},
    "stop": {"stop_price": 150},
    "stop_limit": {"stop_price": 150, "limit_price": 151},
    "trailing_stop": {"trail_percent": 20},
}
TIMES = ("day", "gtc", "ioc", "fok", "cls")
TAKEN = {
    "market": ("day", "gtc", "ioc", "fok", "cls"),
    "limit": ("day", "gtc", "ioc", "fok", "cls"),
    "stop": ("day", "gtc"),
    "stop_limit": ("day", "gtc"),
    "trailing_stop": ("day", "gtc"),
}
ENDS = {"ioc": "canceled", "fok": "canceled"}


@pytest.mark.parametrize("time_in_force", TIMES)
def test_whole_shares_by_type_and_time_in_force(trader: Trader, time_in_force: str) -> None:
    for kind, fields in FAR.items():
        sent = {"time_in_force": time_in_force, **fields}
        if time_in_force not in TAKEN[kind]:
            words = f"{time_in_force} orders must be market or limit orders"
            code, number, body = refused(trader.submit, kind, **sent)
            assert (code, number, body["message"]) == (422, 42210000, words)
            continue
        order = trader.submit(kind, **sent)
        assert (order.type.value, order.time_in_force.value) == (kind, time_in_force)
        waits = "accepted" if time_in_force == "cls" else ENDS.get(time_in_force, "new")
        filled = kind == "market" and time_in_force != "cls"
        assert trader.status(order) == ("filled" if filled else waits)
    trader.client.cancel_orders()


@pytest.mark.parametrize(
    ("kind", "time_in_force", "words"),
    [
        ("market", "day", ""),
        ("limit", "day", ""),
        ("stop", "day", ""),
        ("stop_limit", "day", ""),
        ("trailing_stop", "day", "fractional orders must be market, limit, stop"),
        ("market", "gtc", "fractional orders must be DAY orders"),
        ("limit", "ioc", "fractional orders must be DAY orders"),
        ("limit", "fok", "fractional orders must be DAY orders"),
        ("market", "cls", "fractional orders must be DAY orders"),
    ],
)
def test_fractions_by_type_and_time_in_force(
    trader: Trader, kind: str, time_in_force: str, words: str
) -> None:
    sent = {"qty": 1.234567891, "time_in_force": time_in_force, **FAR[kind]}
    if words:
        code, number, body = refused(trader.submit, kind, **sent)
        assert (code, number) == (422, 42210000)
        assert body["message"].startswith(words)
        return
    order = trader.submit(kind, **sent)
    assert order.qty == "1.234567891"
    assert trader.status(order) == ("filled" if kind == "market" else "new")


def test_a_notional_order_buys_parts_and_a_part_of_a_share_is_sold(trader: Trader) -> None:
    order = trader.submit(notional=1_000.5)
    assert (order.qty, order.notional, order.filled_qty) == (None, "1000.5", "0")
    filled = trader.order(order)
    assert filled.status.value == "filled"
    spent = Decimal(filled.filled_qty) * Decimal(filled.filled_avg_price)
    assert 0 <= Decimal("1000.5") - spent < Decimal("0.000001")
    assert Decimal(filled.filled_avg_price) == round(Decimal(filled.filled_avg_price), 2)
    trader.submit(side="sell", qty=0.5)
    held = trader.client.get_open_position("AAPL")
    assert held.avg_entry_price == filled.filled_avg_price
    assert Decimal(held.qty) == Decimal(filled.filled_qty) - Decimal("0.5")
    code, number, body = refused(trader.submit, notional=0.99)
    assert (code, number) == (403, 40310000)
    assert body["message"] == "cost basis must be >= minimal amount of order 1"


def test_a_market_order_fills_at_the_quote(trader: Trader) -> None:
    quotes = trader.raw("GET", "/stocks/quotes/latest", symbols="AAPL")[1]["quotes"]
    order = trader.submit(qty=3)
    assert (order.status.value, order.filled_qty, order.legs) == ("pending_new", "0", None)
    filled = trader.order(order)
    assert (filled.status.value, filled.filled_qty) == ("filled", "3")
    assert Decimal(filled.filled_avg_price) == Decimal(str(quotes["AAPL"]["ap"]))
    position = trader.client.get_open_position("AAPL")
    assert (position.qty, position.avg_entry_price) == ("3", filled.filled_avg_price)


WRONG = [
    ({"qty": None, "notional": None}, 40010001, "qty or notional is required"),
    ({"notional": 5}, 40010001, "only one of qty or notional is accepted"),
    ({"qty": 0}, 40010001, "qty must be > 0"),
    ({"qty": -1}, 40010001, "qty must be > 0"),
    ({"type": "sideways"}, 40010001, "invalid order type"),
    ({"time_in_force": "gtd"}, 40010001, "invalid time_in_force"),
    ({"type": "limit"}, 40010001, "limit orders require a limit price"),
    ({"type": "limit", "limit_price": 0}, 40010001, "limit price must be > 0"),
    ({"type": "stop"}, 40010001, "stop orders require a stop price"),
    (
        {"type": "stop_limit", "stop_price": 1},
        40010001,
        "stop limit orders require both stop and limit price",
    ),
    ({"limit_price": 1}, 40010001, "market orders require no stop or limit price"),
    (
        {"type": "trailing_stop", "trail_price": 1, "trail_percent": 1},
        40010001,
        "trailing stop orders must specify one of trail_price or trail_percent",
    ),
    (
        {"type": "trailing_stop", "trail_percent": 0.05},
        40010001,
        "trail_percent must be greater than or equal to 0.1",
    ),
    (
        {"client_order_id": "x" * 129},
        40010001,
        "client_order_id must be no more than 128 characters",
    ),
    ({"symbol": "NONE"}, 42210000, 'asset "NONE" not found'),
    ({"qty": 1.5, "time_in_force": "gtc"}, 42210000, "fractional orders must be DAY orders"),
    ({"qty": 1.5, "side": "sell"}, 42210000, "fractional orders cannot be sold short"),
    (
        {"type": "limit", "limit_price": 10, "extended_hours": True, "time_in_force": "ioc"},
        42210000,
        "extended hours order must be DAY or GTC limit orders",
    ),
    (
        {"type": "stop", "stop_price": 150, "extended_hours": True},
        42210000,
        "stop orders are not eligible for extended hours trading",
    ),
    (
        {"type": "limit", "limit_price": 29.123},
        42210000,
        "invalid limit_price 29.123. sub-penny increment does not fulfill minimum pricing criteria",
    ),
    (
        {"position_intent": "buy_to_close"},
        42210000,
        "position intent mismatch, inferred: buy_to_open, specified: buy_to_close",
    ),
]


@pytest.mark.parametrize(("changes", "number", "words"), WRONG, ids=[one[2] for one in WRONG])
def test_what_is_wrong_is_told_in_the_brokers_words(
    trader: Trader, changes: dict[str, Any], number: int, words: str
) -> None:
    usual = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}
    code, body = trader.raw("POST", "/orders", usual | changes)
    assert (code, body["code"], body["message"]) == (422, number, words)
    assert trader.client.get_orders() == []


def test_an_intent_says_the_side_too(trader: Trader) -> None:
    body = {"symbol": "AAPL", "qty": 1, "type": "market", "time_in_force": "day"}
    code, order = trader.raw("POST", "/orders", {**body, "position_intent": "sell_to_open"})
    assert (code, order["side"], order["position_intent"]) == (200, "sell", "sell_to_open")
    assert trader.raw("POST", "/orders", body)[1]["message"] == "invalid side"


def test_numbers_are_taken_as_texts_and_artefacts_of_floats_are_refused(trader: Trader) -> None:
    usual = {"symbol": "AAPL", "side": "buy", "type": "limit", "time_in_force": "day"}
    code, order = trader.raw("POST", "/orders", {**usual, "qty": "2", "limit_price": "50.10"})
    assert (code, order["qty"], order["limit_price"]) == (200, "2", "50.1")
    _, body = trader.raw("POST", "/orders", {**usual, "qty": 2, "limit_price": 50.1 + 0.2})
    assert "sub-penny" in body["message"]
    cheap = {"symbol": "PNNY", "qty": 10}
    assert trader.raw("POST", "/orders", {**usual, **cheap, "limit_price": 0.4567})[0] == 200
    assert trader.raw("POST", "/orders", {**usual, **cheap, "limit_price": 0.45678})[0] == 422


@pytest.mark.parametrize("form", ["id", "AAPL:NASDAQ", "AAPL:NASDAQ:us_equity", "aapl"])
def test_a_symbol_has_many_forms(trader: Trader, form: str) -> None:
    named = str(trader.client.get_asset("AAPL").id) if form == "id" else form
    assert trader.submit(symbol=named).symbol == "AAPL"


def test_stops_lie_where_the_market_is_not(trader: Trader) -> None:
    code, number, body = refused(trader.submit, "stop", stop_price=50)
    assert (code, number) == (422, 42210000)
    assert body["message"] == "stop price must be greater than current price"
    assert Decimal(body["stop_price"]) == 50 < Decimal(body["market_price"])
    trader.submit()
    body = refused(trader.submit, "stop", stop_price=150, side="sell")[2]
    assert body["message"] == "stop price must be less than current price"


def test_a_clients_name_is_used_once_in_an_accounts_life(trader: Trader) -> None:
    name = f"mine-{uuid4()}"
    order = trader.submit("limit", limit_price=50, client_order_id=name)
    assert trader.client.get_order_by_client_id(name).id == order.id
    trader.client.cancel_order_by_id(order.id)
    code, number, body = refused(trader.submit, client_order_id=name)
    assert (code, number, body["message"]) == (422, 40010001, "client_order_id must be unique")
    assert refused(trader.client.get_order_by_client_id, "none")[:2] == (404, 40410000)
    assert refused(trader.client.get_order_by_id, uuid4())[:2] == (404, 40410000)


def test_stops_and_trailing_stops_are_reached_by_trades(trader: Trader) -> None:
    """Prices go down and up by two percent within eight minutes."""
    trader.submit(qty=40)
    stop = trader.submit("stop", side="sell", stop_price=98.5)
    stop_limit = trader.submit("stop_limit", side="sell", stop_price=98.4, limit_price=98.4)
    trailing = trader.submit("trailing_stop", side="sell", trail_price=3)
    assert Decimal(trailing.hwm) - Decimal(trailing.stop_price) == 3
    trader.venue.advance(16 * 60)
    assert Decimal(trader.order(stop).filled_avg_price) <= Decimal("98.5")
    # It was gapped: what is below its limit waits until prices come back.
    assert Decimal(trader.order(stop_limit).filled_avg_price) >= Decimal("98.4")
    moved = trader.order(trailing)
    assert moved.status.value == "filled"
    assert (moved.hwm, moved.stop_price) == ("102", "99")


def test_a_bracket_waits_for_its_entry_and_each_exit_ends_the_other(trader: Trader) -> None:
    fields = {"order_class": "bracket", "take_profit": target(101.5), "stop_loss": loss(90, 89)}
    order = trader.submit("limit", limit_price=98.5, **fields)
    assert order.order_class.value == "bracket"
    assert {leg.status.value for leg in order.legs} == {"held"}
    kinds = {leg.type.value: leg for leg in trader.order(order).legs}
    assert set(kinds) == {"limit", "stop_limit"}
    assert {leg.side.value for leg in kinds.values()} == {"sell"}
    trader.venue.advance(8 * 60)
    assert trader.status(order) == "filled"
    trader.venue.advance(8 * 60)
    assert trader.status(kinds["limit"]) == "filled"
    assert trader.status(kinds["stop_limit"]) == "canceled"
    assert trader.client.get_all_positions() == []


def test_an_oco_is_two_exits_and_an_oto_has_one(trader: Trader) -> None:
    entry = trader.submit("market", order_class="oto", stop_loss=loss(80))
    assert [leg.type.value for leg in entry.legs] == ["stop"]
    assert [leg.status.value for leg in trader.order(entry).legs] == ["new"]
    trader.client.cancel_order_by_id(trader.order(entry).legs[0].id)
    order = trader.submit(
        "limit", side="sell", order_class="oco", take_profit=target(130), stop_loss=loss(85)
    )
    assert (order.type.value, order.limit_price) == ("limit", "130")
    leg = trader.order(order).legs[0]
    assert (leg.type.value, leg.stop_price, leg.status.value) == ("stop", "85", "new")
    code, number, body = refused(trader.submit, "limit", side="sell", limit_price=120)
    assert (code, number, body["held_for_orders"]) == (403, 40310000, "10")
    trader.client.cancel_order_by_id(leg.id)
    assert trader.status(order) == "canceled"


CLASSES = [
    ("market", {"order_class": "bracket", "take_profit": target(130)}, "require stop_loss"),
    ("market", {"order_class": "bracket", "stop_loss": loss(80)}, "require take_profit"),
    ("stop", {"order_class": "oto", "stop_price": 150, "stop_loss": loss(80)}, "entry orders"),
    (
        "market",
        {"order_class": "bracket", "take_profit": target(80), "stop_loss": loss(130)},
        "take_profit.limit_price must be >= base_price + 0.01",
    ),
    (
        "market",
        {"order_class": "bracket", "take_profit": target(130), "stop_loss": loss(110)},
        "stop_loss.stop_price must be <= base_price - 0.01",
    ),
    (
        "market",
        {"order_class": "oto", "take_profit": target(130), "time_in_force": "ioc"},
        "must be DAY or GTC",
    ),
    (
        "market",
        {"order_class": "oto", "take_profit": target(130), "qty": 1.5},
        "fractional orders must be simple orders",
    ),
    (
        "limit",
        {
            "order_class": "oto",
            "take_profit": target(130),
            "limit_price": 90,
            "extended_hours": True,
        },
        "not eligible for extended hours",
    ),
    (
        "limit",
        {"order_class": "oco", "take_profit": target(130), "stop_loss": loss(80)},
        "exit orders",
    ),
]


@pytest.mark.parametrize(("kind", "fields", "words"), CLASSES, ids=[one[2] for one in CLASSES])
def test_what_no_class_can_be(
    trader: Trader, kind: str, fields: dict[str, Any], words: str
) -> None:
    body = _as_sent(kind, fields)
    code, answer = trader.raw("POST", "/orders", body)
    assert (code, answer["code"]) == (422, 42210000)
    assert words in answer["message"]


def _as_sent(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A body that the library itself would not let its user make."""
    plain = {"symbol": "AAPL", "qty": 10, "side": "buy", "time_in_force": "day", "type": kind}
    models = {
        name: value.model_dump(exclude_none=True) if hasattr(value, "model_dump") else value
        for name, value in fields.items()
    }
    return plain | models

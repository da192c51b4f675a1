"""Successors of orders, and why there is none."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.fakes.venue_desk import ACCOUNT, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading import intake
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.values import Order

LIMIT = {
    "symbol": "AAPL",
    "qty": 10,
    "side": "buy",
    "type": "limit",
    "limit_price": 90,
    "time_in_force": "day",
    "client_order_id": "mine",
}
HELD = {"AAPL": (10, 900)}
EXITS = {"take_profit": {"limit_price": 120}, "stop_loss": {"stop_price": 80}}


def resting(desk: Desk, body: dict[str, Any], **changes: Any) -> Order:
    answer = intake.admit(desk, ACCOUNT, body)
    assert not isinstance(answer, Refusal), answer
    for order in answer:
        desk.book.put_order(replace(order, **({"status": "new"} | changes)))
    found = desk.book.order(answer[0].id)
    assert found is not None
    return found


def successor(desk: Desk, order: Order, **body: Any) -> Order:
    answer = intake.amended(desk, order, body)
    assert not isinstance(answer, Refusal), answer
    return answer


def refusal(desk: Desk, order: Order, body: Any) -> Refusal:
    answer = intake.amended(desk, order, body)
    assert isinstance(answer, Refusal), answer
    return answer


def test_the_successor_has_another_id_and_the_new_terms() -> None:
    desk = make_desk()
    order = resting(desk, LIMIT)
    after = successor(
        desk, order, limit_price="91.5", qty=12, client_order_id=None, stop_price=None
    )
    assert (after.limit_price, after.qty, after.time_in_force) == (Decimal("91.5"), 12, "day")
    assert (after.replaces, after.status) == (order.id, "pending_new")
    assert after.id != order.id
    assert after.client_order_id != "mine"
    assert after.reserved == Decimal("1098.0")
    assert after.expires_at == order.expires_at


@pytest.mark.parametrize("status", ["accepted", "pending_new", "pending_cancel", "pending_replace"])
def test_an_order_that_is_pending_is_not_replaced(status: str) -> None:
    desk = make_desk()
    order = resting(desk, LIMIT, status=status)
    answer = refusal(desk, order, {"qty": 11})
    assert (answer.status, answer.code) == (422, 42210000)
    assert answer.message == f"cannot replace order in {status} status"


@pytest.mark.parametrize("status", ["filled", "canceled", "expired", "replaced", "rejected"])
def test_an_order_that_is_closed_is_not_replaced(status: str) -> None:
    desk = make_desk()
    order = resting(desk, LIMIT, status=status)
    assert refusal(desk, order, {"qty": 11}).message == (
        "unable to replace order, order is not open"
    )


PART = {"status": "partially_filled", "filled_qty": Decimal(4), "filled_value": Decimal(360)}

REFUSED: list[tuple[dict[str, Any], Any, str]] = [
    ({}, {}, "order parameters are not changed"),
    ({}, {"qty": 10, "limit_price": "90.0"}, "order parameters are not changed"),
    (PART, {"qty": 4}, "qty must be > filled_qty"),
    ({}, {"qty": 10.5}, "fractional qty cannot be replaced"),
    ({}, {"qty": 0}, "qty must be > 0"),
    ({}, {"qty": []}, "qty must be a number"),
    ({}, {"limit_price": -1}, "limit price must be > 0"),
    ({}, {"stop_price": 95}, "limit orders require no stop price"),
    ({}, {"trail": 95}, "only trailing stop orders accept trail_price or trail_percent"),
    ({}, {"time_in_force": "never"}, "invalid time_in_force"),
    ({}, {"client_order_id": "x" * 129}, "client_order_id must be no more than 128 characters"),
    ({}, {"client_order_id": "mine", "qty": 11}, "client_order_id must be unique"),
    (
        {},
        {"limit_price": 90.123},
        "invalid limit_price 90.123. sub-penny increment does not fulfill minimum pricing criteria",
    ),
    ({}, {"qty": 100_000}, "insufficient buying power"),
    ({}, [], "request body must be a JSON object"),
]


@pytest.mark.parametrize(("before", "body", "message"), REFUSED)
def test_a_replacement_that_breaks_a_rule_is_refused(
    before: dict[str, Any], body: Any, message: str
) -> None:
    desk = make_desk()
    order = resting(desk, LIMIT, **before)
    assert refusal(desk, order, body).message == message


def test_an_order_for_money_or_parts_keeps_its_amount() -> None:
    desk = make_desk()
    order = resting(desk, LIMIT | {"qty": None, "notional": 500})
    assert refusal(desk, order, {"limit_price": 91}).message == (
        "notional orders cannot be replaced"
    )
    order = resting(desk, LIMIT | {"qty": 1.5, "client_order_id": None})
    assert refusal(desk, order, {"qty": 2}).message == "fractional qty cannot be replaced"
    assert successor(desk, order, limit_price=91, qty=1.5).qty == Decimal("1.5")
    assert refusal(desk, order, {"time_in_force": "gtc"}).message == (
        "fractional orders must be DAY orders"
    )


def test_what_the_old_order_holds_is_free_for_its_successor() -> None:
    desk = make_desk(cash=1_000)  # too little for leverage
    order = resting(desk, LIMIT)
    assert order.reserved == 900
    assert successor(desk, order, qty=11).reserved == 990
    answer = refusal(desk, order, {"qty": 12})
    assert answer.context == {"buying_power": "1000", "cost_basis": "1080"}


def test_what_is_filled_needs_no_more_money() -> None:
    desk = make_desk()
    order = resting(desk, LIMIT, **PART)
    assert successor(desk, order, limit_price=91).reserved == 546  # 6 × 91


def test_units_that_the_old_order_holds_are_free_for_its_successor() -> None:
    desk = make_desk(positions=HELD)
    sale = LIMIT | {"side": "sell", "limit_price": 110}
    order = resting(desk, sale)
    assert successor(desk, order, limit_price=111).qty == 10
    assert refusal(desk, order, {"qty": 11}).message == (
        "insufficient qty available for order (requested: 11, available: 10)"
    )


def test_a_leg_is_replaced_beside_the_other_leg() -> None:
    desk = make_desk(positions=HELD)
    entry = resting(desk, LIMIT | {"order_class": "bracket"} | EXITS)
    desk.book.put_order(replace(entry, status="filled", filled_qty=Decimal(10)))
    loss = desk.book.order(entry.legs[1])
    assert loss is not None
    after = successor(desk, loss, stop_price=85)
    assert (after.stop_price, after.parent, after.role) == (85, entry.id, "stop_loss")
    assert refusal(desk, loss, {"stop_price": 101}).message == (
        "stop price must be less than current price"
    )


def test_a_replacement_never_makes_a_wash_trade() -> None:
    desk = make_desk(positions=HELD)
    resting(desk, LIMIT | {"side": "sell", "limit_price": 110, "client_order_id": None})
    order = resting(desk, LIMIT)
    assert refusal(desk, order, {"limit_price": 110}).message == (
        "potential wash trade detected. use complex orders"
    )


def test_a_trailing_stop_gets_another_distance_from_the_same_extreme() -> None:
    desk = make_desk(positions=HELD)
    body = {**LIMIT, "side": "sell", "type": "trailing_stop", "limit_price": None}
    order = resting(desk, body | {"trail_price": 2}, hwm=Decimal(105))
    after = successor(desk, order, trail=3)
    assert (after.trail_price, after.stop_price) == (3, 102)
    triggered = replace(order, triggered=True)
    assert refusal(desk, triggered, {"trail": 3}).message == (
        "trailing stop order is triggered already"
    )


def test_another_time_in_force_expires_otherwise() -> None:
    desk = make_desk()
    order = resting(desk, LIMIT)
    after = successor(desk, order, time_in_force="gtc")
    assert after.expires_at is not None
    assert order.expires_at is not None
    assert after.expires_at > order.expires_at


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = LEAVES | st.lists(LEAVES, max_size=2) | st.dictionaries(st.just("qty"), LEAVES)
NAMES = ["qty", "time_in_force", "limit_price", "stop_price", "trail", "client_order_id"]


@given(body=JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_any_body_is_a_successor_or_a_refusal(body: Any) -> None:
    desk = make_desk()
    answer = intake.amended(desk, resting(desk, LIMIT), body)
    if isinstance(answer, Refusal):
        assert answer.status in {403, 422}
    else:
        assert answer.qty is not None
        assert answer.qty > 0

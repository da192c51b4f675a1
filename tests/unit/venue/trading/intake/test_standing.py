"""The wash-trade matrix, cell by cell, and sales for money outside the session."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.fakes.venue_desk import ACCOUNT, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading import intake
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.values import Order

KINDS: dict[str, dict[str, Any]] = {
    "market": {},
    "limit": {"limit_price": 105},
    "stop": {"stop_price": 110},
    "stop_limit": {"stop_price": 110, "limit_price": 105},
    "trailing_stop": {"trail_price": 5},
}
SELLS = {"stop": {"stop_price": 90}, "stop_limit": {"stop_price": 90, "limit_price": 105}}
OTHER_KIND = "opposite side market/stop order exists"
LIMIT_REST = "opposite side limit order exists"
CROSSING = "sell order exists, buy limit price should be less than existing sell limit price"

MATRIX = {
    # (existing sell, new buy): why it is refused
    **{
        (old, new): OTHER_KIND
        for old in ("market", "stop")
        for new in ("market", "limit", "stop", "stop_limit")
    },
    **{(old, new): LIMIT_REST for old in ("limit", "stop_limit") for new in ("market", "stop")},
    **{(old, new): CROSSING for old in ("limit", "stop_limit") for new in ("limit", "stop_limit")},
}


def body(side: str, kind: str, **more: Any) -> dict[str, Any]:
    prices = SELLS.get(kind, KINDS[kind]) if side == "sell" else KINDS[kind]
    terms = {"symbol": "AAPL", "qty": 1, "side": side, "type": kind, "time_in_force": "day"}
    return terms | prices | more


def put(desk: Desk, asked: dict[str, Any]) -> Order:
    answer = intake.admit(desk, ACCOUNT, asked)
    assert not isinstance(answer, Refusal), answer
    for order in answer:
        desk.book.put_order(replace(order, status="held" if order.parent else "new"))
    return answer[0]


@pytest.mark.parametrize("old", KINDS)
@pytest.mark.parametrize("new", KINDS)
def test_an_account_never_trades_with_itself(old: str, new: str) -> None:
    desk = make_desk(positions={"AAPL": (10, 900)})
    existing = put(desk, body("sell", old))
    answer = intake.admit(desk, ACCOUNT, body("buy", new))
    reason = MATRIX.get((old, new))
    if reason is None:  # trailing stops are exempt
        assert not isinstance(answer, Refusal)
        return
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.code) == (403, 40310000)
    assert answer.message == "potential wash trade detected. use complex orders"
    assert answer.context["existing_order_id"] == existing.id
    assert answer.context["reject_reason"] == reason
    if reason == CROSSING:
        assert answer.context["buy_limit_price"] == answer.context["sell_limit_price"] == "105"


def test_limits_that_do_not_meet_are_both_taken() -> None:
    desk = make_desk(positions={"AAPL": (10, 900)})
    put(desk, body("sell", "limit"))
    put(desk, body("buy", "limit", limit_price=104.99))


def test_a_sale_that_meets_a_buy_is_told_so() -> None:
    desk = make_desk(positions={"AAPL": (10, 900)})
    put(desk, body("buy", "limit", limit_price=95))
    answer = intake.admit(desk, ACCOUNT, body("sell", "limit", limit_price=95))
    assert isinstance(answer, Refusal)
    assert answer.context["reject_reason"] == (
        "buy order exists, sell limit price should be greater than existing buy limit price"
    )


def test_exits_of_other_orders_are_exempt() -> None:
    desk = make_desk(positions={"AAPL": (10, 900)})
    exits = {"take_profit": {"limit_price": 120}, "stop_loss": {"stop_price": 80}}
    put(desk, body("sell", "limit", order_class="oco", **exits))
    put(desk, body("buy", "market"))


def test_other_accounts_and_other_assets_do_not_matter() -> None:
    desk = make_desk(positions={"AAPL": (10, 900), "MSFT": (10, 4_000)})
    admitted = intake.admit(desk, ACCOUNT, body("sell", "market"))
    assert not isinstance(admitted, Refusal), admitted
    desk.book.put_order(replace(admitted[0], account="another", status="new"))
    put(desk, body("buy", "market"))
    put(desk, body("sell", "market", symbol="MSFT"))


def test_a_sale_for_money_stands_alone_outside_the_session() -> None:
    desk = make_desk(positions={"AAPL": (10, 900)}, phase="after")
    put(desk, body("sell", "limit", limit_price=120))
    sale = body("sell", "market", qty=None, notional=100)
    answer = intake.admit(desk, ACCOUNT, sale)
    assert isinstance(answer, Refusal)
    assert answer.code == 40310000
    desk.market.phase = "regular"
    put(desk, sale)


def test_a_sale_for_money_needs_the_units_that_it_is_worth() -> None:
    desk = make_desk(positions={"AAPL": (10, 900)})
    answer = intake.admit(desk, ACCOUNT, body("sell", "market", qty=None, notional=1_000.5))
    assert isinstance(answer, Refusal)
    assert answer.context["available"] == "10"

"""What one fill does to money, units, fees and news."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.venue_desk import ACCOUNT, make_desk

from fanfold.venue.trading import filling, money
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.terms import Terms
from fanfold.venue.trading.values import Order, Position

MICRO = 10**6


def order_of(desk: Desk, side: str = "buy", qty: Any = "10", **fields: Any) -> Order:
    made = {
        "id": desk.book.new_id(),
        "client_order_id": desk.book.new_id(),
        "account": ACCOUNT,
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "side": side,
        "kind": "limit",
        "time_in_force": "day",
        "position_intent": f"{side}_to_open" if side == "buy" else "sell_to_close",
        "qty": Decimal(qty),
        "limit_price": Decimal(100),
        "status": "new",
        "created_at": desk.now,
        "updated_at": desk.now,
        "submitted_at": desk.now,
    }
    return desk.book.put_order(Order(**(made | fields)))


def coins(desk: Desk, side: str, qty: str, **fields: Any) -> Order:
    return order_of(desk, side, qty, symbol="BTC/USD", asset_class="crypto", **fields)


def test_a_buy_takes_money_and_gives_units_at_cost() -> None:
    desk = make_desk()
    filled = filling.fill(desk, order_of(desk), Decimal(10), 99_123_457)
    position = desk.book.position(ACCOUNT, "AAPL")
    assert (position.qty, position.cost) == (Decimal(10), Decimal("991.23457"))
    assert desk.book.account(ACCOUNT).cash == Decimal("99008.76543")
    assert (filled.status, filled.filled_value) == ("filled", Decimal("991.23457"))
    assert filled.filled_at is not None


def test_an_amount_is_rounded_once_and_half_to_even() -> None:
    desk = make_desk()
    # Half a unit of 1.000001 is 0.5000005, between two millionths: the even one is lower.
    filling.fill(desk, order_of(desk, qty="0.5"), Decimal("0.5"), 1_000_001)
    assert desk.book.position(ACCOUNT, "AAPL").cost == Decimal("0.5")


def test_a_part_keeps_the_order_open_and_what_it_reserves_for_the_rest() -> None:
    desk = make_desk()
    order = order_of(desk, reserved=Decimal(1_000))
    part = filling.fill(desk, order, Decimal(4), 99_000_000)
    assert (part.status, part.filled_qty, part.reserved) == ("partially_filled", 4, Decimal(600))
    whole = filling.fill(desk, part, Decimal(6), 98_000_000)
    assert (whole.status, whole.reserved) == ("filled", 0)
    assert whole.filled_value == Decimal(984)


def test_each_fill_is_told_with_its_execution_and_the_position_after_it() -> None:
    desk = make_desk()
    part = filling.fill(desk, order_of(desk), Decimal(4), 99_000_000)
    filling.fill(desk, part, Decimal(6), 98_000_000)
    first, last = desk.book.take().events
    assert [first.name, last.name] == ["partial_fill", "fill"]
    assert first.execution is not None
    assert last.execution is not None
    assert (first.execution.price, first.execution.qty) == (Decimal(99), 4)
    assert (first.execution.position_qty, last.execution.position_qty) == (4, 10)
    assert first.execution.id != last.execution.id
    assert first.order.status == "partially_filled"


def test_what_is_given_back_takes_its_part_of_the_cost_and_realises_the_rest() -> None:
    desk = make_desk(positions={"AAPL": (3, "100")})
    filling.fill(desk, order_of(desk, "sell", "1"), Decimal(1), 50_000_000)
    position = desk.book.position(ACCOUNT, "AAPL")
    assert (position.qty, position.cost) == (2, Decimal("66.666667"))
    assert position.realised == Decimal("16.666667")
    filling.fill(desk, order_of(desk, "sell", "2"), Decimal(2), 50_000_000)
    flat = desk.book.position(ACCOUNT, "AAPL")
    assert (flat.qty, flat.cost, flat.realised) == (0, 0, Decimal(50))


def test_a_short_position_costs_what_it_brought_and_profits_from_a_fall() -> None:
    desk = make_desk()
    order = order_of(desk, "sell", position_intent="sell_to_open")
    filling.fill(desk, order, Decimal(10), 100_000_000)
    short = desk.book.position(ACCOUNT, "AAPL")
    assert (short.qty, short.cost) == (-10, Decimal(-1_000))
    filling.fill(desk, order_of(desk, position_intent="buy_to_close"), Decimal(10), 90_000_000)
    flat = desk.book.position(ACCOUNT, "AAPL")
    assert (flat.qty, flat.cost, flat.realised) == (0, 0, Decimal(100))
    assert desk.book.account(ACCOUNT).cash == Decimal(100_100)


@given(
    fills=st.lists(
        st.tuples(st.integers(-(10**13), 10**13).filter(bool), st.integers(1, 10**10)),
        max_size=12,
    )
)
def test_cost_less_profit_is_what_was_paid_to_the_last_millionth(
    fills: list[tuple[int, int]],
) -> None:
    position = Position(account=ACCOUNT, symbol="AAPL")
    paid = held = 0
    for lots, price in fills:
        position = filling.moved(position, lots, price)
        amount = Decimal(abs(lots) * price) / 10**9
        paid += int(amount.to_integral_value()) * (1 if lots > 0 else -1)
        held += lots
    assert position.qty * 10**9 == held
    assert (position.cost - position.realised) * MICRO == paid
    assert held or position.cost == 0


def test_coins_that_are_bought_pay_their_fee_in_coins() -> None:
    desk = make_desk()
    filling.fill(desk, coins(desk, "buy", "1"), Decimal(1), 50_000_000_000)
    position = desk.book.position(ACCOUNT, "BTC/USD")
    assert (position.qty, position.cost) == (Decimal("0.9975"), Decimal(49_875))
    assert desk.book.account(ACCOUNT).cash == Decimal(50_000)
    execution = desk.book.take().events[0].execution
    assert execution is not None
    assert (execution.fee, execution.fee_asset) == (Decimal("0.0025"), "BTC")
    assert execution.position_qty == Decimal("0.9975")


def test_coins_that_are_sold_pay_their_fee_in_money() -> None:
    desk = make_desk(positions={"BTC/USD": (1, 40_000)})
    filling.fill(desk, coins(desk, "sell", "1"), Decimal(1), 50_000_000_000)
    assert desk.book.account(ACCOUNT).cash == Decimal(149_875)
    assert desk.book.position(ACCOUNT, "BTC/USD").realised == Decimal(10_000)
    execution = desk.book.take().events[0].execution
    assert execution is not None
    assert (execution.fee, execution.fee_asset) == (Decimal(125), "USD")


def test_a_coin_order_that_rested_pays_as_a_maker() -> None:
    desk = make_desk()
    order = coins(desk, "buy", "1", resting_since=desk.now)
    filling.fill(desk, order, Decimal(1), 50_000_000_000)
    assert desk.book.position(ACCOUNT, "BTC/USD").qty == Decimal("0.9985")


def test_shares_are_free_on_paper_and_pay_the_regulators_where_fees_are_live() -> None:
    paper, live = (
        make_desk(positions={"AAPL": (100, 5_000)}),
        make_desk(positions={"AAPL": (100, 5_000)}, terms=Terms(fees="live")),
    )
    for desk in (paper, live):
        filling.fill(desk, order_of(desk, "sell", "100"), Decimal(100), 100_000_000)
    assert paper.book.account(ACCOUNT).cash == Decimal(110_000)
    # 10,000 at 20.60 a million, 100 shares at 0.000195 and at 0.0000265.
    fees = Decimal("0.206") + Decimal("0.0195") + Decimal("0.00265")
    account = live.book.account(ACCOUNT)
    assert account.cash == Decimal(110_000) - fees
    assert account.accrued_fees == fees
    assert set(account.fee_parts) == {"SEC", "TAF", "CAT"}


def test_a_cancelled_order_that_fills_late_is_filled() -> None:
    desk = make_desk()
    order = order_of(desk, status="canceled", canceled_at=desk.now)
    late = filling.fill(desk, order, Decimal(10), 99_000_000)
    assert (late.status, late.reserved) == ("filled", 0)


@pytest.mark.parametrize(("price", "qty"), [(3_000_000, "33.333333333"), (100_000_000, "1")])
def test_money_buys_whole_lots_and_never_more_than_it_pays_for(price: int, qty: str) -> None:
    bought = filling.qty_of(Decimal(100), price)
    assert bought == Decimal(qty)
    assert bought * price <= 100 * MICRO


def test_filling_leaves_no_reservation_behind() -> None:
    desk = make_desk()
    filling.fill(desk, order_of(desk, reserved=Decimal(1_000)), Decimal(10), 99_000_000)
    assert money.figures(desk, ACCOUNT).reserved == 0

"""Account money against figures worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.fakes.venue_desk import ACCOUNT, make_desk, share_of

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading import intake, money
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.money.figures import maintenance_of
from fanfold.venue.trading.values import Order, Position

LIMIT = {
    "symbol": "AAPL",
    "qty": 10,
    "side": "buy",
    "type": "limit",
    "limit_price": 90,
    "time_in_force": "day",
}


def put(desk: Desk, body: dict[str, Any]) -> tuple[Order, ...]:
    answer = intake.admit(desk, ACCOUNT, body)
    assert not isinstance(answer, Refusal), answer
    return tuple(
        desk.book.put_order(replace(one, status="held" if one.parent else "new")) for one in answer
    )


def test_an_account_without_positions_has_four_times_its_cash() -> None:
    figures = money.figures(make_desk(), ACCOUNT)
    assert (figures.cash, figures.equity, figures.multiplier) == (100_000, 100_000, "4")
    assert (figures.buying_power, figures.regt_buying_power) == (400_000, 200_000)
    assert figures.effective_buying_power == figures.buying_power
    assert (figures.non_marginable_buying_power, figures.options_buying_power) == (
        100_000,
        100_000,
    )
    assert (figures.initial_margin, figures.maintenance_margin, figures.sma) == (0, 0, 100_000)
    assert figures.shorting_enabled


def test_positions_are_margined_at_the_last_trade() -> None:
    desk = make_desk(
        cash=50_000, positions={"AAPL": (500, 45_000), "MSFT": (-100, -41_000), "BTC/USD": (1, 1)}
    )
    figures = money.figures(desk, ACCOUNT)
    assert (figures.long_market_value, figures.short_market_value) == (100_000, -40_000)
    assert (figures.equity, figures.position_market_value) == (110_000, 60_000)
    assert figures.initial_margin == 25_000 + 20_000 + 50_000  # coins in full
    assert figures.maintenance_margin == 15_000 + 12_000 + 50_000
    assert figures.buying_power == 4 * (110_000 - 77_000)
    assert figures.regt_buying_power == 2 * (110_000 - 95_000)
    assert figures.non_marginable_buying_power == 10_000  # cash without the short's proceeds


@pytest.mark.parametrize(
    ("price", "qty", "margin"),
    [
        ("2.49", 10, "24.9"),
        ("2.50", 10, "7.5"),
        ("100", 10, "300"),
        ("2", -10, "25"),
        ("4.99", -10, "49.9"),
        ("5", -10, "50"),
        ("100", -10, "300"),
    ],
)
def test_maintenance_margin_depends_on_the_price(price: str, qty: int, margin: str) -> None:
    found = maintenance_of(Decimal(price), Decimal(qty), share_of("AAPL"))
    assert found == Decimal(margin)


def test_an_assets_own_requirement_goes_before_the_usual_one() -> None:
    asset = share_of("AAPL", margin_long=1.0, margin_short=0.5)
    assert maintenance_of(Decimal(100), Decimal(1), asset) == 100
    assert maintenance_of(Decimal(100), Decimal(-1), asset) == 50


@pytest.mark.parametrize(
    ("cash", "allowed", "multiplier", "power"),
    [
        ("1999.99", "4", "1", "1999.99"),
        ("2000", "4", "4", "8000"),
        ("2000", "2", "2", "4000"),
        ("2000", "1", "1", "2000"),
    ],
)
def test_leverage_begins_at_two_thousand(
    cash: str, allowed: str, multiplier: str, power: str
) -> None:
    desk = make_desk(cash=cash, max_margin_multiplier=allowed)
    figures = money.figures(desk, ACCOUNT)
    assert (figures.multiplier, figures.buying_power) == (multiplier, Decimal(power))
    assert figures.shorting_enabled == (multiplier != "1")


def test_of_the_days_fees_the_regulators_part_is_shown_by_itself() -> None:
    parts = {"SEC": Decimal(1), "TAF": Decimal(2), "CFEE": Decimal(5)}
    desk = make_desk(accrued_fees=Decimal(8), fee_parts=parts)
    figures = money.figures(desk, ACCOUNT)
    assert (figures.accrued_fees, figures.pending_reg_taf_fees) == (8, 3)
    assert figures.equity == 100_000  # they are out of the cash already


def test_open_orders_hold_buying_power_until_they_are_closed() -> None:
    desk = make_desk()
    (order,) = put(desk, LIMIT)
    figures = money.figures(desk, ACCOUNT)
    assert (figures.reserved, figures.buying_power) == (900, 399_100)
    assert (figures.regt_buying_power, figures.non_marginable_buying_power) == (199_100, 99_100)
    desk.book.put_order(replace(order, status="canceled"))
    assert money.figures(desk, ACCOUNT).buying_power == 400_000


def test_an_order_for_coins_takes_its_cost_in_cash() -> None:
    desk = make_desk()
    coin = LIMIT | {"symbol": "ETH/USD", "limit_price": 1_000, "time_in_force": "gtc"}
    put(desk, coin)
    figures = money.figures(desk, ACCOUNT)
    assert figures.reserved == 10_000
    assert figures.non_marginable_buying_power == 90_000
    assert figures.buying_power == 360_000  # as when it has filled
    assert figures.regt_buying_power == 180_000


def test_reserves_follow_what_is_open() -> None:
    desk = make_desk()
    (order,) = put(desk, LIMIT)
    part = replace(order, filled_qty=Decimal(4), filled_value=Decimal(360))
    assert money.reserve_for(desk, part) == 540
    (spent,) = put(desk, LIMIT | {"qty": None, "notional": 500})
    assert spent.reserved == 500
    assert money.reserve_for(desk, replace(spent, filled_value=Decimal(200))) == 300
    desk = make_desk()
    short = put(desk, LIMIT | {"side": "sell", "limit_price": 110})[0]
    assert short.reserved == 1_100  # the limit is above 1.03 × the ask
    low = replace(short, limit_price=Decimal(95))
    assert money.reserve_for(desk, low) == Decimal("1030.1030")


@pytest.mark.parametrize(
    ("phase", "price"), [("regular", "102"), ("pre", "101"), ("after", "101"), ("closed", "99")]
)
def test_costs_are_reckoned_at_the_price_of_the_hour(phase: str, price: str) -> None:
    desk = make_desk(phase=phase, quotes={"AAPL": (100, 102)})
    desk.market.set_last("AAPL", 99)
    assert money.reference(desk, "AAPL", "buy") == Decimal(price)


def test_a_side_without_a_price_is_left_out() -> None:
    desk = make_desk(phase="pre", quotes={"AAPL": (float("nan"), 102)})
    assert money.reference(desk, "AAPL", "buy") == 102
    desk.market.set_quote("AAPL", float("nan"), float("nan"))
    desk.market.set_last("AAPL", 99)
    assert money.reference(desk, "AAPL", "buy") == 99


def test_a_position_is_marked_by_trade_quote_close_or_cost() -> None:
    desk = make_desk(quotes={"AAPL": (100, 102)})
    position = Position(account=ACCOUNT, symbol="AAPL", qty=Decimal(2), cost=Decimal(150))
    desk.market.set_last("AAPL", 99.5)
    assert money.mark(desk, position) == Decimal("99.5")
    desk.market.set_last("AAPL", None)
    assert money.mark(desk, position) == 101
    desk.market.forget_quote("AAPL")
    desk.market.set_previous_close("AAPL", 98)
    assert money.mark(desk, position) == 98
    desk.market.set_previous_close("AAPL", None)
    assert money.mark(desk, position) == 75


def test_exits_for_the_same_units_hold_them_once() -> None:
    desk = make_desk(positions={"AAPL": (10, 900)})
    assert money.available_qty(desk, ACCOUNT, "AAPL") == 10
    oco = LIMIT | {"side": "sell", "qty": 4, "order_class": "oco"}
    exits = {"take_profit": {"limit_price": 120}, "stop_loss": {"stop_price": 80}}
    target, loss = put(desk, oco | exits)
    assert money.available_qty(desk, ACCOUNT, "AAPL") == 6
    desk.book.put_order(replace(loss, status="new"))
    assert money.available_qty(desk, ACCOUNT, "AAPL") == 6
    successor = replace(target, id="later", status="pending_new", replaces=target.id, legs=())
    desk.book.put_order(successor)
    assert money.available_qty(desk, ACCOUNT, "AAPL") == 6


def test_a_long_position_shows_its_profit() -> None:
    desk = make_desk(positions={"AAPL": (10, 900)})
    desk.market.set_previous_close("AAPL", 96)
    shown = money.position_figures(desk, desk.book.position(ACCOUNT, "AAPL"))
    assert (shown.side, shown.qty, shown.qty_available) == ("long", 10, 10)
    assert (shown.avg_entry_price, shown.cost_basis, shown.market_value) == (90, 900, 1_000)
    assert (shown.unrealized_pl, shown.unrealized_intraday_pl) == (100, 40)
    assert shown.unrealized_plpc == Decimal("0.1111111111")
    assert shown.unrealized_intraday_plpc == Decimal("0.0416666667")
    assert shown.change_today == Decimal("0.0416666667")
    assert (shown.current_price, shown.lastday_price) == (100, 96)


def test_a_short_position_is_negative_and_profits_from_a_fall() -> None:
    desk = make_desk(positions={"MSFT": (-5, -2_100)})
    desk.market.set_previous_close("MSFT", 410)
    shown = money.position_figures(desk, desk.book.position(ACCOUNT, "MSFT"))
    assert (shown.side, shown.qty, shown.qty_available) == ("short", -5, -5)
    assert (shown.cost_basis, shown.market_value) == (-2_100, -2_000)
    assert (shown.unrealized_pl, shown.unrealized_intraday_pl) == (100, 50)


def test_units_of_today_are_measured_at_their_cost() -> None:
    desk = make_desk(positions={"AAPL": (10, 980)})
    bought = replace(desk.book.position(ACCOUNT, "AAPL"), intraday_qty=Decimal(0))
    assert money.position_figures(desk, bought).unrealized_intraday_pl == 20


@given(
    cash=st.decimals(-100_000, 100_000, places=6),
    long=st.integers(0, 2_000),
    short=st.integers(-300, 0),
    coins=st.decimals(0, 3, places=9),
)
def test_equity_is_cash_and_positions_and_no_power_is_negative(
    cash: Decimal, long: int, short: int, coins: Decimal
) -> None:
    desk = make_desk(
        cash=cash,
        positions={"AAPL": (long, 0), "MSFT": (short, 0), "BTC/USD": (coins, 0)},
    )
    figures = money.figures(desk, ACCOUNT)
    value = 100 * long + 400 * short + 50_000 * coins
    assert abs(figures.equity - cash - value) <= Decimal("0.000001")
    assert figures.maintenance_margin <= figures.initial_margin
    for power in (
        figures.buying_power,
        figures.regt_buying_power,
        figures.non_marginable_buying_power,
        figures.options_buying_power,
    ):
        assert power >= 0

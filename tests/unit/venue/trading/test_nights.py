"""What an exchange's day and its nights do to orders, positions and accounts."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.venue_bars import play
from tests.fakes.venue_desk import ACCOUNT, EPOCH, NEW_YORK, make_desk, ns

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.market.values import ActionTick, PhaseTick, QuoteTick
from fanfold.venue.trading.exchange import Exchange
from fanfold.venue.trading.terms import Terms
from fanfold.venue.trading.values import Booking, Order, Position

LONG = {"AAPL": (10, 900)}


def exchange_at(**how: Any) -> Exchange:
    return Exchange(make_desk(**how))


def send(exchange: Exchange, **body: Any) -> Order:
    asked = {"symbol": "AAPL", "side": "buy", "type": "limit", "time_in_force": "day", "qty": 10}
    taken = exchange.submit(ACCOUNT, asked | {"limit_price": 95} | body)
    assert not isinstance(taken, Refusal), taken
    return taken


def now(exchange: Exchange, order: Order) -> Order:
    found = exchange.desk.book.order(order.id)
    assert found is not None
    return found


def phase(exchange: Exchange, ts: int, name: str, calendar: str = "XNYS") -> None:
    day = (datetime.fromtimestamp(ts // 10**9, NEW_YORK).date() - EPOCH).days
    play(exchange, PhaseTick(ts, calendar, name, day))


def position(exchange: Exchange, symbol: str = "AAPL") -> Position:
    return exchange.desk.book.position(ACCOUNT, symbol)


def cash(exchange: Exchange) -> Decimal:
    return exchange.desk.book.account(ACCOUNT).cash


def action(exchange: Exchange, split: float = 1.0, dividend: float = 0.0) -> list[Booking]:
    exchange.take()
    play(exchange, ActionTick(exchange.desk.now, "AAPL", split, dividend))
    return list(exchange.take().bookings)


# The day


def test_an_order_of_the_day_expires_at_the_close_and_one_until_cancelled_stays() -> None:
    exchange = exchange_at()
    day, gtc = send(exchange), send(exchange, time_in_force="gtc")
    phase(exchange, ns(2026, 6, 9, 16), "close")
    assert (now(exchange, day).status, now(exchange, gtc).status) == ("expired", "new")
    assert now(exchange, day).expired_at is not None
    assert now(exchange, day).reserved == 0


def test_an_order_for_extended_hours_expires_at_their_end() -> None:
    exchange = exchange_at()
    order = send(exchange, extended_hours=True)
    phase(exchange, ns(2026, 6, 9, 16), "close")
    assert now(exchange, order).status == "new"
    phase(exchange, ns(2026, 6, 9, 20), "end")
    assert now(exchange, order).status == "expired"


def test_an_order_that_waits_for_the_next_session_outlives_this_ones_end() -> None:
    exchange = exchange_at(now=ns(2026, 6, 9, 17))
    order = send(exchange)
    assert order.status == "accepted"
    phase(exchange, ns(2026, 6, 9, 20), "end")
    phase(exchange, ns(2026, 6, 10, 4), "day")
    assert now(exchange, order).status == "accepted"
    phase(exchange, ns(2026, 6, 10, 9, 30), "open")
    assert now(exchange, order).status == "new"


def test_what_begins_at_the_open_waits_for_the_first_quote_of_the_session() -> None:
    exchange = exchange_at(now=ns(2026, 6, 9, 8))
    order = send(exchange, type="market", limit_price=None)
    opening = ns(2026, 6, 9, 9, 30)
    phase(exchange, opening, "open")
    assert now(exchange, order).status == "new"
    play(exchange, QuoteTick(opening, "AAPL", 101.0, 1.0, 101.02, 1.0))
    assert now(exchange, order).filled_value == Decimal("1010.2")


def test_an_order_for_extended_hours_begins_with_the_day() -> None:
    exchange = exchange_at(now=ns(2026, 6, 9, 21))
    order = send(exchange, extended_hours=True)
    assert order.status == "accepted"
    phase(exchange, ns(2026, 6, 10, 4), "day")
    assert now(exchange, order).status == "new"


@pytest.mark.parametrize("time", ["opg", "cls", "ioc"])
def test_what_has_met_neither_auction_nor_price_is_cancelled_at_the_close(time: str) -> None:
    exchange = exchange_at(now=ns(2026, 6, 9, 8))
    order = send(exchange, time_in_force=time)
    phase(exchange, ns(2026, 6, 9, 16), "close")
    assert now(exchange, order).status == "canceled"


def test_an_order_until_cancelled_expires_after_its_ninety_days() -> None:
    exchange = exchange_at()
    order = send(exchange, time_in_force="gtc")
    phase(exchange, ns(2026, 9, 4, 20), "end")
    assert now(exchange, order).status == "new"
    phase(exchange, ns(2026, 9, 8, 20), "end")
    assert now(exchange, order).status == "expired"


def test_orders_in_coins_know_no_close() -> None:
    exchange = exchange_at()
    order = send(exchange, symbol="BTC/USD", qty=0.1, limit_price=40_000, time_in_force="gtc")
    phase(exchange, ns(2026, 6, 9, 16), "close")
    assert now(exchange, order).status == "new"


def test_the_close_keeps_what_the_next_day_compares_with() -> None:
    exchange = exchange_at(positions=LONG)
    exchange.desk.book.put_position(
        Position(account=ACCOUNT, symbol="AAPL", qty=Decimal(10), cost=Decimal(900))
    )
    phase(exchange, ns(2026, 6, 9, 16), "close")
    account = exchange.desk.book.account(ACCOUNT)
    assert account.last_equity == Decimal(101_000)
    assert account.last_maintenance == Decimal(300)
    assert position(exchange).intraday_qty == 10
    (point,) = exchange.take().equity
    assert (point.equity, point.session_day) == (Decimal(101_000), 20_613)


def test_equity_is_marked_for_accounts_that_hold_something() -> None:
    idle, busy = exchange_at(), exchange_at(positions=LONG)
    for exchange in (idle, busy):
        exchange.mark_equity()
    assert idle.take().equity == ()
    (point,) = busy.take().equity
    assert point.equity == Decimal(101_000)


def test_fees_of_a_day_are_listed_on_the_next() -> None:
    exchange = exchange_at(positions={"AAPL": (100, 9_000)}, terms=Terms(fees="live"))
    send(exchange, side="sell", qty=100, type="market", limit_price=None)
    assert exchange.desk.book.account(ACCOUNT).accrued_fees > 0
    phase(exchange, ns(2026, 6, 10, 4), "day")
    listed = [(one.note, one.amount) for one in exchange.take().bookings]
    assert listed == [
        ("CAT fee", Decimal("-0.01")),
        ("SEC fee", Decimal("-0.21")),
        ("TAF fee", Decimal("-0.02")),
    ]
    assert cash(exchange) == Decimal(100_000) + Decimal(9_999) - Decimal("0.24")
    assert exchange.desk.book.account(ACCOUNT).accrued_fees == 0


def test_fees_in_coins_are_listed_when_their_day_is_over() -> None:
    exchange = exchange_at()
    body = {"symbol": "BTC/USD", "qty": 1, "type": "market", "time_in_force": "gtc"}
    send(exchange, **body, limit_price=None)
    phase(exchange, ns(2026, 6, 10, 4), "day")
    assert exchange.take().bookings == ()
    phase(exchange, ns(2026, 6, 9, 20), "day", "24/7")
    (fee,) = exchange.take().bookings
    assert (fee.kind, fee.qty) == ("CFEE", Decimal("-0.0025"))


# The night


def test_borrowing_costs_by_calendar_nights_and_nothing_on_paper() -> None:
    owing = {"cash": -36_000, "positions": {"AAPL": (900, 90_000), "MSFT": (-9, -3_600)}}
    paper, live = exchange_at(**owing), exchange_at(**owing, terms=Terms(fees="live"))
    for exchange in (paper, live):
        phase(exchange, ns(2026, 6, 9, 20), "end")
    assert paper.take().bookings == ()
    fee, interest = live.take().bookings
    assert (fee.kind, fee.symbol, fee.amount) == ("FEE", "MSFT", Decimal("-0.1"))
    # Cash that is owed, and the collateral of what is short, which the fee has added to.
    owed = Decimal(36_000) + Decimal(3_600) + Decimal("0.1")
    rounded = (owed * Decimal("0.0625") / 360).quantize(Decimal("0.000001"))
    assert (interest.kind, interest.amount) == ("INT", -rounded)


def test_a_weekend_is_three_nights() -> None:
    exchange = exchange_at(
        now=ns(2026, 6, 12, 15), positions={"MSFT": (-9, -3_600)}, terms=Terms(fees="live")
    )
    phase(exchange, ns(2026, 6, 12, 20), "end")
    (fee,) = exchange.take().bookings
    assert fee.amount == Decimal("-0.3")


# Splits and dividends


def test_a_split_makes_more_units_of_the_same_cost() -> None:
    exchange = exchange_at(positions=LONG)
    (booking,) = action(exchange, split=4.0)
    held = position(exchange)
    assert (held.qty, held.cost, held.intraday_qty) == (40, Decimal(900), 40)
    assert (booking.kind, booking.qty, booking.amount) == ("SPLIT", 30, 0)


def test_fractions_of_a_lot_are_paid_in_cash_at_the_close_before() -> None:
    exchange = exchange_at(positions={"NOFRAC": (7, "70")}, quotes={"NOFRAC": (19.0, 21.0)})
    market: Any = exchange.desk.market
    market.set_previous_close("NOFRAC", 200.0)
    play(exchange, ActionTick(exchange.desk.now, "NOFRAC", 0.1, 0.0))
    (booking,) = exchange.take().bookings
    held = position(exchange, "NOFRAC")
    assert (held.qty, held.cost, held.realised) == (0, 0, Decimal(70))
    assert (booking.qty, booking.amount) == (-7, Decimal(140))
    assert cash(exchange) == Decimal(100_140)


def test_a_split_restates_orders_and_a_reverse_split_cancels_them() -> None:
    exchange = exchange_at(positions=LONG)
    buy = send(exchange, time_in_force="gtc", qty=3, limit_price=95.01)
    stop = send(exchange, symbol="MSFT", side="buy", type="stop", stop_price=410, limit_price=None)
    action(exchange, split=2.0)
    restated = now(exchange, buy)
    assert (restated.qty, restated.limit_price) == (6, Decimal("47.5"))
    assert restated.reserved == Decimal(285)
    assert now(exchange, stop).stop_price == 410
    action(exchange, split=0.5)
    assert now(exchange, buy).status == "canceled"


def test_a_restated_order_is_told_so() -> None:
    exchange = exchange_at()
    buy = send(exchange, time_in_force="gtc")
    exchange.take()
    play(exchange, ActionTick(exchange.desk.now, "AAPL", 2.0, 0.0))
    (event,) = exchange.take().events
    assert (event.name, event.order.id, event.order.qty) == ("restated", buy.id, 20)


def test_a_split_keeps_what_an_order_has_filled() -> None:
    exchange = exchange_at()
    buy = send(exchange, time_in_force="gtc")
    part = exchange.desk.book.tell(
        "partial_fill",
        now(exchange, buy),
        exchange.desk.now,
        status="partially_filled",
        filled_qty=Decimal(4),
        filled_value=Decimal(380),
    )
    action(exchange, split=3.0)
    after = now(exchange, part)
    assert (after.filled_qty, after.filled_value, after.qty) == (4, 380, 22)


@pytest.mark.parametrize(("units", "paid"), [(10, "2.5"), (-10, "-2.5")])
def test_dividends_are_credited_to_longs_and_debited_from_shorts(units: int, paid: str) -> None:
    exchange = exchange_at(positions={"AAPL": (units, units * 90)})
    (booking,) = action(exchange, dividend=0.25)
    assert (booking.kind, booking.per_unit) == ("DIV", Decimal("0.25"))
    assert booking.amount == Decimal(paid)
    assert cash(exchange) == 100_000 + Decimal(paid)


def test_a_dividend_is_paid_on_the_units_after_the_split() -> None:
    exchange = exchange_at(positions=LONG)
    assert [one.amount for one in action(exchange, 2.0, 0.5)] == [0, Decimal(10)]

"""Orders and the hours of the exchange: sessions, auctions, nights, and what opens with a gap."""

from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.venue_world import Trader, go, library, refused


def status(trader: Trader, *orders: Any) -> list[str]:
    return [trader.status(order) for order in orders]


def test_before_the_open_only_limits_for_extended_hours_trade(at_any_time: Trader) -> None:
    trader = at_any_time
    go(trader.venue, "05:01")
    met = trader.submit("limit", limit_price=110, extended_hours=True)
    rests = trader.submit("limit", limit_price=50, extended_hours=True, time_in_force="gtc")
    waits = [trader.submit(), trader.submit("limit", limit_price=110)]
    assert (met.status.value, waits[0].status.value) == ("pending_new", "accepted")
    assert status(trader, met, rests, *waits) == ["filled", "new", "accepted", "accepted"]
    assert Decimal(trader.order(met).filled_avg_price) < 100
    go(trader.venue, "09:31")
    assert status(trader, rests, *waits) == ["new", "filled", "filled"]
    # Both met the session's first quote, not that of the early hours.
    assert {trader.order(one).filled_avg_price for one in waits} == {"102.02"}


def test_after_the_close_orders_for_the_day_are_for_the_next_session(at_any_time: Trader) -> None:
    trader = at_any_time
    go(trader.venue, "15:58")
    today = trader.submit("limit", limit_price=50)
    late = trader.submit("limit", limit_price=50, extended_hours=True)
    kept = trader.submit("limit", limit_price=50, time_in_force="gtc")
    go(trader.venue, "17:01")
    assert status(trader, today, late, kept) == ["expired", "new", "new"]
    assert trader.order(today).expired_at is not None
    tomorrow = trader.submit("limit", limit_price=50)
    met = trader.submit("limit", limit_price=110, extended_hours=True)
    assert status(trader, tomorrow, met) == ["accepted", "filled"]
    go(trader.venue, "09:31")
    assert status(trader, tomorrow, late, kept) == ["new", "expired", "new"]
    expires = trader.order(tomorrow).expires_at
    go(trader.venue, "16:01")
    assert status(trader, tomorrow, kept) == ["expired", "new"]
    assert expires is not None
    assert (trader.order(tomorrow).expired_at - expires).total_seconds() < 1


def test_orders_until_cancelled_expire_after_ninety_days(trader: Trader) -> None:
    order = trader.submit("limit", limit_price=50, time_in_force="gtc")
    days = (order.expires_at - order.created_at).total_seconds() / 86_400
    assert 90 <= days <= 91
    assert (order.expires_at.hour, order.expires_at.minute) in {(20, 15), (21, 15)}


@pytest.mark.parametrize(("time_in_force", "clock"), [("opg", "09:29"), ("cls", "15:51")])
def test_auctions_take_orders_until_just_before(
    at_any_time: Trader, time_in_force: str, clock: str
) -> None:
    trader = at_any_time
    go(trader.venue, clock)
    code, number, body = refused(trader.submit, time_in_force=time_in_force)
    assert (code, number) == (403, 40310000)
    assert body["message"].startswith(f"{time_in_force} orders must be submitted after 7:00pm")
    go(trader.venue, "18:59")
    assert refused(trader.submit, time_in_force=time_in_force)[0] == 403
    go(trader.venue, "19:01")
    market = trader.submit(time_in_force=time_in_force)
    met = trader.submit("limit", limit_price=140, time_in_force=time_in_force)
    missed = trader.submit("limit", limit_price=50, time_in_force=time_in_force)
    assert status(trader, market, met, missed) == ["accepted"] * 3
    go(trader.venue, "16:01" if time_in_force == "cls" else "09:31")
    assert status(trader, market, met, missed) == ["filled", "filled", "canceled"]
    prices = {trader.order(one).filled_avg_price for one in (market, met)}
    assert prices == {"102" if time_in_force == "opg" else "99"}
    for kind, fields in (("stop", {"stop_price": 150}), ("trailing_stop", {"trail_percent": 5})):
        body = refused(trader.submit, kind, time_in_force=time_in_force, **fields)[2]
        assert body["message"] == f"{time_in_force} orders must be market or limit orders"


@pytest.mark.parametrize("time_in_force", ["day", "opg"])
def test_an_order_that_a_gap_makes_too_dear_is_rejected_at_the_open(
    at_any_time: Trader, time_in_force: str
) -> None:
    """MSFT opens a fifth higher; the order was taken at the price of the evening."""
    trader = at_any_time
    go(trader.venue, "19:05")
    account = trader.account
    qty = int(Decimal(account.buying_power) / (202 * Decimal("1.025"))) - 1
    dear = trader.submit(symbol="MSFT", qty=qty, time_in_force=time_in_force)
    left = Decimal(trader.account.buying_power)
    assert dear.status.value == "accepted"
    assert left < 1_000
    go(trader.venue, "09:31")
    rejected = trader.order(dear)
    assert (rejected.status.value, rejected.filled_qty) == ("rejected", "0")
    assert rejected.failed_at is not None
    assert trader.account.buying_power == account.buying_power
    assert trader.client.get_all_positions() == []


def test_a_gap_that_can_be_paid_is_paid(at_any_time: Trader) -> None:
    trader = at_any_time
    go(trader.venue, "17:10")
    order = trader.submit(symbol="MSFT", qty=100)
    another = trader.submit(symbol="MSFT", notional=5_000)
    go(trader.venue, "09:31")
    assert status(trader, order, another) == ["filled", "filled"]
    assert Decimal(trader.order(order).filled_avg_price) > 240


def test_outside_the_session_money_and_shares_are_not_sold_together(at_any_time: Trader) -> None:
    trader = at_any_time
    go(trader.venue, "09:33")
    trader.submit(qty=50)
    go(trader.venue, "17:10")
    trader.submit("limit", side="sell", qty=10, limit_price=120)
    code, number, body = refused(trader.submit, side="sell", notional=500)
    assert (code, number) == (403, 40310000)
    assert "notional orders" in body["message"]


def test_a_position_is_carried_over_the_night(at_any_time: Trader) -> None:
    trader = at_any_time
    go(trader.venue, "15:58")
    trader.submit(qty=100)
    today = trader.client.get_open_position("AAPL")
    assert today.unrealized_intraday_pl == today.unrealized_pl
    go(trader.venue, "17:10")
    closed = trader.account
    go(trader.venue, "09:35")
    held, account = trader.client.get_open_position("AAPL"), trader.account
    lastday = Decimal(held.lastday_price)
    price = Decimal(held.current_price)
    assert lastday == 99
    assert Decimal(held.unrealized_intraday_pl) == (price - lastday) * 100
    assert Decimal(held.change_today) == ((price - lastday) / lastday).quantize(Decimal("1e-10"))
    assert Decimal(account.last_equity) == Decimal(account.cash) + lastday * 100
    assert closed.last_equity == account.last_equity


def test_the_clock_and_the_calendar_are_the_exchanges(at_any_time: Trader) -> None:
    trader, client = at_any_time, at_any_time.client
    go(trader.venue, "17:05")
    clock = client.get_clock()
    assert (clock.is_open, clock.timestamp.hour, clock.next_open.hour) == (False, 17, 9)
    go(trader.venue, "09:33")
    clock = client.get_clock()
    assert (clock.is_open, clock.next_close.hour) == (True, 16)
    asked = library("alpaca.trading.requests").GetCalendarRequest
    days = client.get_calendar(asked(start="2024-07-02", end="2024-07-05"))
    assert [(str(day.date), day.open.hour, day.close.hour) for day in days] == [
        ("2024-07-02", 9, 16),
        ("2024-07-03", 9, 13),
        ("2024-07-05", 9, 16),
    ]
    code, rows = trader.raw("GET", "/calendar", start="2024-07-02", end="2024-07-05")
    assert (code, {row["session_open"] for row in rows}) == (200, {"0400"})
    assert rows[0]["settlement_date"] == "2024-07-03"

"""When orders are taken, wait and expire; Tuesday 2026-06-09 is a session."""

from typing import Any

import pytest
from tests.fakes.venue_desk import ACCOUNT, make_desk, ns

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading import intake
from fanfold.venue.trading.values import Order

LIMIT = {
    "symbol": "AAPL",
    "qty": 1,
    "side": "buy",
    "type": "limit",
    "limit_price": 90,
    "time_in_force": "day",
}


def asked(now: int, **more: Any) -> Order | Refusal:
    answer = intake.admit(make_desk(now=now), ACCOUNT, LIMIT | more)
    return answer if isinstance(answer, Refusal) else answer[0]


def taken(now: int, **more: Any) -> Order:
    order = asked(now, **more)
    assert isinstance(order, Order)
    return order


@pytest.mark.parametrize(
    ("hour", "minute", "plain", "extended"),
    [
        (3, 59, "accepted", "accepted"),
        (4, 0, "accepted", "pending_new"),
        (9, 29, "accepted", "pending_new"),
        (9, 30, "pending_new", "pending_new"),
        (15, 59, "pending_new", "pending_new"),
        (16, 0, "accepted", "pending_new"),
        (19, 59, "accepted", "pending_new"),
        (20, 0, "accepted", "accepted"),
    ],
)
def test_an_order_outside_its_hours_waits(
    hour: int, minute: int, plain: str, extended: str
) -> None:
    now = ns(2026, 6, 9, hour, minute)
    assert taken(now).status == plain
    assert taken(now, extended_hours=True).status == extended
    assert taken(now, symbol="BTC/USD", time_in_force="gtc").status == "pending_new"


@pytest.mark.parametrize(
    ("now", "plain", "extended"),
    [
        (ns(2026, 6, 9, 10), ns(2026, 6, 9, 16), ns(2026, 6, 9, 20)),
        (ns(2026, 6, 9, 17), ns(2026, 6, 10, 16), ns(2026, 6, 9, 20)),
        (ns(2026, 6, 9, 21), ns(2026, 6, 10, 16), ns(2026, 6, 10, 20)),
        (ns(2026, 6, 12, 21), ns(2026, 6, 15, 16), ns(2026, 6, 15, 20)),  # over a weekend
    ],
)
def test_an_order_of_the_day_expires_with_the_session_that_it_trades_in(
    now: int, plain: int, extended: int
) -> None:
    assert taken(now).expires_at == plain
    assert taken(now, extended_hours=True).expires_at == extended


def test_an_order_until_cancelled_expires_after_ninety_days() -> None:
    order = taken(ns(2026, 6, 9, 10), time_in_force="gtc")
    assert order.expires_at == ns(2026, 9, 7, 16, 15)
    winter = taken(ns(2026, 9, 1, 10), time_in_force="gtc")
    assert winter.expires_at == ns(2026, 11, 30, 16, 15)  # by the clock on the wall
    coin = taken(ns(2026, 6, 9, 10), symbol="BTC/USD", time_in_force="ioc")
    assert coin.expires_at is None


OPG = "opg orders must be submitted after 7:00pm and before 9:28am"
CLS = "cls orders must be submitted after 7:00pm and before 3:50pm"


@pytest.mark.parametrize(
    ("now", "opening", "closing"),
    [
        (ns(2026, 6, 9, 9, 27), "", ""),
        (ns(2026, 6, 9, 9, 28), OPG, ""),
        (ns(2026, 6, 9, 15, 49), OPG, ""),
        (ns(2026, 6, 9, 15, 50), OPG, CLS),
        (ns(2026, 6, 9, 18, 59), OPG, CLS),
        (ns(2026, 6, 9, 19, 0), "", ""),
        (ns(2026, 6, 9, 22, 0), "", ""),
        (ns(2026, 6, 13, 12, 0), "", ""),  # a Saturday
    ],
)
def test_orders_for_an_auction_are_taken_in_their_window(
    now: int, opening: str, closing: str
) -> None:
    for time_in_force, words in (("opg", opening), ("cls", closing)):
        answer = asked(now, time_in_force=time_in_force)
        if words:
            assert isinstance(answer, Refusal)
            assert (answer.status, answer.code, answer.message) == (403, 40310000, words)
        else:
            assert isinstance(answer, Order)
            assert answer.status == "accepted"

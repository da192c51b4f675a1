"""What an order is once it is taken."""

from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.venue_bodies import (
    BRACKET,
    COIN,
    HELD,
    LIMIT,
    MARKET,
    OCO,
    STOP,
    TRAIL,
    refused,
    taken,
)
from tests.fakes.venue_desk import ACCOUNT, make_desk, ns

from fanfold.venue.trading.intake.ask import Ask


@pytest.mark.parametrize("named", ["AAPL", "AAPL:NASDAQ", "AAPL:NASDAQ:us_equity"])
def test_an_asset_has_several_names(named: str) -> None:
    assert taken(MARKET | {"symbol": named})[0].symbol == "AAPL"
    desk = make_desk()
    asset = desk.market.asset("BTC/USD")
    assert asset is not None
    for name in ("BTC/USD", "BTCUSD", asset.id):
        assert taken(COIN | {"symbol": name}, desk)[0].symbol == "BTC/USD"


@pytest.mark.parametrize("qty", [3, 3.0, "3", "3.0"])
def test_numbers_come_as_numbers_or_as_texts(qty: Any) -> None:
    body = LIMIT | {"qty": qty, "limit_price": 90.1, "stop_price": None, "unknown": {"x": []}}
    (order,) = taken(body)
    assert (order.qty, order.limit_price) == (3, Decimal("90.1"))


def test_an_order_that_is_taken_is_complete() -> None:
    desk = make_desk()
    (order,) = taken(LIMIT | {"qty": 2, "client_order_id": "mine"}, desk)
    assert (order.status, order.position_intent) == ("pending_new", "buy_to_open")
    assert (order.client_order_id, order.account) == ("mine", ACCOUNT)
    assert order.reserved == 180
    assert order.created_at == order.submitted_at == desk.now
    assert order.expires_at == ns(2026, 6, 9, 16)
    assert desk.book.open_orders(ACCOUNT) == []  # the exchange puts it there


def test_a_market_buy_is_collared_where_it_opens_and_not_where_it_closes() -> None:
    (order,) = taken(MARKET)
    assert order.collar == Decimal("102.51")  # 100.01 × 1.025, down to a cent
    assert order.reserved == Decimal("102.51")
    (order,) = taken(MARKET | {"symbol": "HTB"})
    assert order.collar == Decimal("10.41")  # 10.01 × 1.04
    (order,) = taken(MARKET, make_desk(positions={"AAPL": (-5, -500)}))
    assert (order.collar, order.reserved) == (None, 0)
    (order,) = taken(MARKET, make_desk(phase="closed"))
    assert (order.collar, order.reserved) == (None, Decimal("102.5"))  # the last trade's


def test_a_buy_stop_is_collared_above_its_stop() -> None:
    (order,) = taken(STOP)
    assert order.collar == Decimal("112.75")
    assert order.reserved == Decimal("112.75")


def test_a_trailing_stop_begins_at_the_markets_price() -> None:
    desk = make_desk(positions=HELD)
    (order,) = taken(TRAIL | {"side": "sell"}, desk)
    assert (order.hwm, order.stop_price) == (100, 98)
    (order,) = taken(
        TRAIL | {"side": "buy", "trail_price": None, "trail_percent": "0.333", "symbol": "MSFT"}
    )
    assert order.stop_price == Decimal("401.34")  # 401.332, up to a cent
    assert order.collar == Decimal("411.37")


def test_a_bracket_has_two_exits_that_are_held() -> None:
    entry, target, loss = taken(BRACKET | {"stop_loss": {"stop_price": 80, "limit_price": 79}})
    assert entry.legs == (target.id, loss.id)
    assert (target.kind, target.limit_price, target.role) == ("limit", 120, "take_profit")
    assert (loss.kind, loss.stop_price, loss.limit_price) == ("stop_limit", 80, 79)
    for leg in (target, loss):
        assert (leg.status, leg.side, leg.parent) == ("held", "sell", entry.id)
        assert (leg.position_intent, leg.reserved, leg.qty) == ("sell_to_close", 0, 1)
    assert len({order.client_order_id for order in (entry, target, loss)}) == 3


def test_the_stop_of_a_short_entry_is_a_buy_with_a_collar() -> None:
    body = BRACKET | {
        "side": "sell",
        "take_profit": {"limit_price": 80},
        "stop_loss": {"stop_price": 120},
    }
    _, target, loss = taken(body)
    assert (target.side, target.collar) == ("buy", None)
    assert (loss.side, loss.collar) == ("buy", 123)


def test_of_an_oco_the_target_is_the_parent() -> None:
    desk = make_desk(positions=HELD)
    target, loss = taken(OCO, desk)
    assert (target.kind, target.limit_price, target.legs) == ("limit", 120, (loss.id,))
    assert (loss.kind, loss.stop_price, loss.side) == ("stop", 80, "sell")
    assert (loss.parent, loss.role, loss.status) == (target.id, "stop_loss", "held")
    late = OCO | {"stop_loss": {"stop_price": 110}}
    assert refused(late, desk).context == {"base_price": "100"}


def test_an_oto_has_one_exit() -> None:
    entry, loss = taken(BRACKET | {"order_class": "oto", "take_profit": None})
    assert (entry.legs, loss.role) == ((loss.id,), "stop_loss")


def test_the_shape_of_a_request_says_whether_it_is_for_whole_units() -> None:
    ask = Ask(symbol="AAPL", side="buy", kind="market", time_in_force="day", qty=Decimal("2.0"))
    assert not ask.is_fractional

"""Fills, replacements and resumptions that come from the venue's own people."""

from decimal import Decimal

import pytest
from tests.unit.venue.trading.test_exchange import exchange_with, names, now, refusal, send

from fanfold.alpaca.wire.refusals import Refusal


def test_an_order_is_filled_at_its_limit_and_half_of_it_first() -> None:
    exchange = exchange_with()
    order = send(exchange)
    exchange.act(order.id, "partial_fill")
    half = now(exchange, order)
    assert (half.status, half.filled_qty, half.filled_value) == ("partially_filled", 5, 475)
    exchange.act(order.id, "fill")
    assert (now(exchange, order).status, now(exchange, order).filled_value) == ("filled", 950)
    assert names(exchange) == ["pending_new", "new", "partial_fill", "fill"]


def test_money_finds_its_units_by_the_price() -> None:
    exchange = exchange_with()
    sent = {"qty": None, "notional": 475, "time_in_force": "day"}
    order = send(exchange, **sent)
    exchange.act(order.id, "partial_fill")
    assert (now(exchange, order).qty, now(exchange, order).filled_qty) == (5, 2)


@pytest.mark.parametrize("event", ["fill", "partial_fill"])
def test_what_the_table_does_not_allow_is_not_filled(event: str) -> None:
    exchange = exchange_with()
    order = send(exchange)
    exchange.act(order.id, "suspended")
    assert refusal(exchange.act(order.id, event)).message.startswith("order cannot go from")
    exchange.act(order.id, "canceled")
    assert isinstance(exchange.act(order.id, event), Refusal)


def test_one_share_has_no_part() -> None:
    exchange = exchange_with()
    order = send(exchange, qty=1)
    assert "too small" in refusal(exchange.act(order.id, "partial_fill")).message
    assert now(exchange, order).status == "new"


def test_an_order_is_replaced_by_its_like() -> None:
    exchange = exchange_with()
    order = send(exchange)
    exchange.act(order.id, "partial_fill")
    names(exchange)
    exchange.act(order.id, "replaced")
    assert names(exchange) == ["pending_new", "replaced", "new"]
    old = exchange.desk.book.open_orders(order.account)
    assert [(one.qty, one.replaces, one.limit_price) for one in old] == [(5, order.id, Decimal(95))]
    assert exchange.desk.book.reserved(order.account, "us_equity") == 5 * 95


def test_what_halts_suspended_works_again_after_a_restart() -> None:
    exchange = exchange_with()
    order = send(exchange)
    exchange.act(order.id, "suspended")
    exchange.desk.market.halt("AAPL", on=True)  # type: ignore[attr-defined]
    exchange.resume()
    assert now(exchange, order).status == "suspended"
    exchange.desk.market.halt("AAPL", on=False)  # type: ignore[attr-defined]
    exchange.resume()
    assert now(exchange, order).status == "new"

"""Where orders meet quotes and auctions, and where they do not."""

from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.venue_bars import play
from tests.fakes.venue_desk import ACCOUNT, ns
from tests.fakes.venue_exchange import (
    PREOPEN,
    exchange_at,
    later,
    now,
    price_of,
    quote,
    send,
    trade,
)

from fanfold.venue.market.values import QuoteTick, StatusTick
from fanfold.venue.trading.terms import Mischief, Terms


@pytest.mark.parametrize(("side", "price"), [("buy", "100.01"), ("sell", "99.99")])
def test_an_order_at_market_meets_the_quote_at_once(side: str, price: str) -> None:
    exchange = exchange_at(positions={"AAPL": (10, 1_000)})
    order = now(exchange, send(exchange, side=side))
    assert (order.status, price_of(order)) == ("filled", Decimal(price))


def test_a_fill_at_market_slips_beyond_the_quote_as_the_terms_say() -> None:
    exchange = exchange_at(terms=Terms(slippage_bps=10.0))
    assert price_of(now(exchange, send(exchange))) == Decimal("100.11001")


def test_a_marketable_limit_gets_the_better_price_of_the_quote() -> None:
    exchange = exchange_at()
    order = now(exchange, send(exchange, type="limit", limit_price=101))
    assert price_of(order) == Decimal("100.01")


def test_slippage_never_makes_a_limit_worse_than_its_price() -> None:
    exchange = exchange_at(terms=Terms(slippage_bps=100.0))
    order = now(exchange, send(exchange, type="limit", limit_price=100.5))
    assert price_of(order) == Decimal("100.5")


def test_a_limit_away_from_the_market_rests_until_a_quote_comes_to_it() -> None:
    exchange = exchange_at()
    order = send(exchange, type="limit", limit_price=99)
    assert now(exchange, order).status == "new"
    assert now(exchange, order).resting_since is not None
    quote(exchange, 98.5, 99.01)
    assert now(exchange, order).status == "new"
    quote(exchange, 98.5, 98.9)
    assert price_of(now(exchange, order)) == Decimal("98.9")


def test_a_buy_above_its_collar_rests_as_a_limit_there() -> None:
    halves = Mischief(partly=lambda _order, qty: qty / 2 if qty == 10 else qty)
    exchange = exchange_at(terms=Terms(mischief=halves))
    order = send(exchange)
    assert now(exchange, order).filled_qty == 5
    quote(exchange, 105.0, 105.02)
    assert now(exchange, order).status == "partially_filled"
    quote(exchange, 102.0, 102.3)
    assert now(exchange, order).filled_value == Decimal("100.01") * 5 + Decimal("102.3") * 5


def test_a_quote_without_the_side_fills_nothing() -> None:
    exchange = exchange_at()
    order = send(exchange, type="limit", limit_price=99)
    quote(exchange, 98.0, float("nan"))
    assert now(exchange, order).status == "new"


@pytest.mark.parametrize("time", ["ioc", "fok"])
def test_what_is_for_now_only_ends_where_it_does_not_fill_at_once(time: str) -> None:
    exchange = exchange_at()
    order = send(exchange, type="limit", limit_price=99, time_in_force=time)
    assert now(exchange, order).status == "canceled"


def test_ioc_keeps_its_part_and_fok_has_none() -> None:
    halves = Mischief(partly=lambda _order, qty: qty / 2)
    exchange = exchange_at(terms=Terms(mischief=halves))
    part = now(exchange, send(exchange, time_in_force="ioc"))
    assert (part.status, part.filled_qty) == ("canceled", 5)
    whole = now(exchange, send(exchange, time_in_force="fok"))
    assert (whole.status, whole.filled_qty) == ("filled", 10)


def test_money_is_spent_in_whole_lots_at_the_price_that_is_met() -> None:
    exchange = exchange_at()
    order = now(exchange, send(exchange, notional=1_000))
    assert order.qty == order.filled_qty == Decimal("9.999000099")
    assert order.filled_value <= 1_000


def test_a_sale_by_money_sells_no_more_than_is_held() -> None:
    exchange = exchange_at(positions={"AAPL": (10, 1_000)})
    market: Any = exchange.desk.market
    market.halt("AAPL")
    order = send(exchange, side="sell", notional=999)
    market.halt("AAPL", on=False)
    quote(exchange, 80.0, 80.02)
    assert now(exchange, order).filled_qty == 10
    assert exchange.desk.book.position(ACCOUNT, "AAPL").qty == 0


# Sessions, halts, auctions


def test_an_order_outside_the_session_waits_for_it() -> None:
    exchange = exchange_at(now=PREOPEN)
    order = send(exchange)
    assert order.status == "accepted"
    quote(exchange, 100.0, 100.02)
    assert now(exchange, order).status == "accepted"


def test_a_limit_for_extended_hours_fills_before_the_open() -> None:
    exchange = exchange_at(now=PREOPEN)
    order = send(exchange, type="limit", limit_price=100.5, extended_hours=True)
    assert now(exchange, order).status == "filled"


def test_nothing_meets_a_quote_of_another_day() -> None:
    exchange = exchange_at(now=ns(2026, 6, 9, 17, 0))
    market: Any = exchange.desk.market
    market.now = ns(2026, 6, 10, 8, 0)
    order = send(exchange, type="limit", limit_price=100.5, extended_hours=True)
    assert now(exchange, order).status == "new"
    quote(exchange, 100.0, 100.02)
    assert now(exchange, order).status == "filled"


def test_nothing_matches_while_trading_is_halted() -> None:
    exchange = exchange_at()
    order = send(exchange, type="limit", limit_price=99)
    market: Any = exchange.desk.market
    market.halt("AAPL")
    play(exchange, StatusTick(later(exchange), "AAPL", "H", "Halted", "T1", "News"))
    assert now(exchange, order).status == "suspended"
    quote(exchange, 98.0, 98.02)
    assert now(exchange, order).filled_qty == 0
    market.halt("AAPL", on=False)
    play(exchange, StatusTick(later(exchange), "AAPL", "T", "Trading", "", ""))
    assert price_of(now(exchange, order)) == Decimal("98.02")


def test_an_order_does_not_meet_a_tick_that_is_older_than_it() -> None:
    exchange = exchange_at()
    old = later(exchange)
    later(exchange)
    order = send(exchange, type="limit", limit_price=99)
    exchange.on_tick(QuoteTick(old, "AAPL", 98.0, 1.0, 98.02, 1.0))
    assert now(exchange, order).status == "new"


@pytest.mark.parametrize(("time", "auction"), [("opg", "open"), ("cls", "close")])
def test_an_order_for_an_auction_fills_at_its_trade(time: str, auction: str) -> None:
    exchange = exchange_at(now=PREOPEN)
    market_order = send(exchange, time_in_force=time)
    limit = send(exchange, time_in_force=time, type="limit", limit_price=100.5)
    low = send(exchange, time_in_force=time, type="limit", limit_price=99)
    market: Any = exchange.desk.market
    market.now = ns(2026, 6, 9, 9, 30) if time == "opg" else ns(2026, 6, 9, 15, 59)
    quote(exchange, 90.0, 90.02)
    assert now(exchange, market_order).status == "accepted"
    trade(exchange, 100.25, auction=auction)
    assert price_of(now(exchange, market_order)) == Decimal("100.25")
    assert price_of(now(exchange, limit)) == Decimal("100.25")
    assert now(exchange, low).status == "canceled"


def test_held_legs_never_match() -> None:
    exchange = exchange_at()
    parent = send(
        exchange,
        type="limit",
        limit_price=95,
        time_in_force="gtc",
        order_class="bracket",
        take_profit={"limit_price": 99},
        stop_loss={"stop_price": 94},
    )
    quote(exchange, 100.0, 100.02)
    legs = [exchange.desk.book.order(name) for name in now(exchange, parent).legs]
    assert [leg.status for leg in legs if leg] == ["held", "held"]


def test_partial_fills_go_on_with_later_prices() -> None:
    thirds = Mischief(partly=lambda _order, _qty: Decimal(4))
    exchange = exchange_at(terms=Terms(mischief=thirds))
    order = send(exchange)
    assert now(exchange, order).filled_qty == 4
    quote(exchange, 100.0, 100.02)
    assert now(exchange, order).filled_qty == 8
    quote(exchange, 100.0, 100.02)
    assert now(exchange, order).status == "filled"

"""Everything that can be asked of the venue's trading, through its one door."""

from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.venue_bars import play
from tests.fakes.venue_desk import ACCOUNT, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.market.values import BarTick, QuoteTick
from fanfold.venue.trading.exchange import Exchange
from fanfold.venue.trading.terms import Mischief, Terms
from fanfold.venue.trading.values import Order

SECOND = 10**9
NOBODY = "22222222-2222-4222-8222-222222222222"


def exchange_with(**how: Any) -> Exchange:
    return Exchange(make_desk(**how))


def slow(**what: Any) -> Terms:
    return Terms(mischief=Mischief(**what))


def body_of(**body: Any) -> dict[str, Any]:
    usual = {"symbol": "AAPL", "side": "buy", "qty": 10, "type": "limit", "time_in_force": "gtc"}
    return usual | {"limit_price": 95} | body


def send(exchange: Exchange, **body: Any) -> Order:
    taken = exchange.submit(ACCOUNT, body_of(**body))
    assert not isinstance(taken, Refusal), taken
    return taken


def refusal(answer: object) -> Refusal:
    assert isinstance(answer, Refusal)
    return answer


def now(exchange: Exchange, order: Order) -> Order:
    found = exchange.desk.book.order(order.id)
    assert found is not None
    return found


def names(exchange: Exchange) -> list[str]:
    return [event.name for event in exchange.take().events]


def test_an_order_is_answered_as_it_was_taken_and_told_as_it_went_on() -> None:
    exchange = exchange_with()
    answer = send(exchange, type="market", limit_price=None)
    assert (answer.status, answer.filled_qty) == ("pending_new", 0)
    assert names(exchange) == ["pending_new", "new", "fill"]


def test_what_is_refused_changes_nothing() -> None:
    exchange = exchange_with()
    assert refusal(exchange.submit(ACCOUNT, body_of(symbol="NONE"))).status == 422
    assert not exchange.take()


def test_an_acceptance_that_is_late_comes_with_the_clock() -> None:
    exchange = exchange_with(terms=slow(acceptance_ns=lambda _order: 2 * SECOND))
    order = send(exchange)
    market: Any = exchange.desk.market
    assert exchange.next_due == market.now + 2 * SECOND
    market.now += 2 * SECOND
    exchange.on_clock(market.now)
    assert now(exchange, order).status == "new"
    assert exchange.next_due is None


def test_an_order_meets_the_quote_that_stands_when_it_begins() -> None:
    exchange = exchange_with(terms=slow(acceptance_ns=lambda _order: SECOND))
    order = send(exchange, type="market", limit_price=None)
    market: Any = exchange.desk.market
    play(exchange, QuoteTick(market.now, "AAPL", 101.0, 1.0, 101.02, 1.0))
    assert now(exchange, order).status == "pending_new"
    market.now += SECOND
    exchange.on_clock(market.now)
    assert now(exchange, order).filled_value == Decimal("1010.2")


def test_a_replaced_order_goes_on_as_another() -> None:
    exchange = exchange_with()
    order = send(exchange)
    answer = exchange.replace(ACCOUNT, order.id, {"limit_price": 101})
    assert not isinstance(answer, Refusal)
    assert (answer.status, answer.replaces) == ("pending_new", order.id)
    assert now(exchange, order).status == "replaced"
    assert now(exchange, answer).status == "filled"


@pytest.mark.parametrize("command", ["replace", "cancel"])
def test_orders_of_others_and_unknown_ones_are_not_found(command: str) -> None:
    exchange = exchange_with()
    order = send(exchange)
    more = ({"qty": 1},) if command == "replace" else ()
    for account, name in ((NOBODY, order.id), (ACCOUNT, NOBODY)):
        answer = refusal(getattr(exchange, command)(account, name, *more))
        assert (answer.status, answer.message) == (404, f"order not found for {name}")


def test_a_closed_order_is_neither_cancelled_nor_replaced() -> None:
    exchange = exchange_with()
    order = send(exchange, type="market", limit_price=None)
    exchange.take()
    assert refusal(exchange.cancel(ACCOUNT, order.id)).status == 422
    # That it is closed is said before what is wrong with the new terms.
    answer = refusal(exchange.replace(ACCOUNT, order.id, {"qty": -1}))
    assert (answer.status, answer.message) == (422, "unable to replace order, order is not open")


def test_a_cancelled_order_may_fill_late() -> None:
    exchange = exchange_with(terms=slow(fills_late=lambda _order: True))
    order = send(exchange)
    answer = exchange.cancel(ACCOUNT, order.id)
    assert not isinstance(answer, Refusal)
    assert names(exchange)[-2:] == ["canceled", "fill"]
    assert now(exchange, order).filled_value == Decimal(950)


def test_a_cancellation_that_is_pending_may_fill_late_too() -> None:
    late = slow(fills_late=lambda _order: True, cancel_ns=lambda _order: SECOND)
    exchange = exchange_with(terms=late)
    order = send(exchange)
    exchange.cancel(ACCOUNT, order.id)
    market: Any = exchange.desk.market
    market.now += SECOND
    exchange.on_clock(market.now)
    assert names(exchange)[-3:] == ["pending_cancel", "canceled", "fill"]
    assert now(exchange, order).status == "filled"


def test_all_orders_are_cancelled_with_those_that_end_with_another() -> None:
    exchange = exchange_with()
    single = send(exchange)
    group = send(
        exchange,
        symbol="MSFT",
        limit_price=390,
        order_class="bracket",
        take_profit={"limit_price": 420},
        stop_loss={"stop_price": 380},
    )
    done = exchange.cancel_all(ACCOUNT)
    assert [name for name, _ in done] == [single.id, group.id, *group.legs]
    assert {answer for _, answer in done} == {None}
    assert exchange.desk.book.open_orders(ACCOUNT) == []


def test_an_order_that_cannot_be_cancelled_says_why_among_the_others() -> None:
    exchange = exchange_with()
    stopped, other = send(exchange), send(exchange, symbol="MSFT", limit_price=390)
    exchange.act(stopped.id, "stopped")
    done = dict(exchange.cancel_all(ACCOUNT))
    assert refusal(done[stopped.id]).status == 422
    assert done[other.id] is None


def test_a_position_is_closed_in_part_or_whole() -> None:
    exchange = exchange_with(positions={"AAPL": (10, 900)})
    exchange.close_position(ACCOUNT, "AAPL", percentage=Decimal(30))
    assert exchange.desk.book.position(ACCOUNT, "AAPL").qty == 7
    exchange.close_position(ACCOUNT, "AAPL", qty=Decimal(2))
    assert exchange.desk.book.position(ACCOUNT, "AAPL").qty == 5
    exchange.close_position(ACCOUNT, "AAPL")
    assert exchange.desk.book.positions(ACCOUNT) == []
    assert refusal(exchange.close_position(ACCOUNT, "AAPL")).status == 404


def test_all_positions_are_closed_unless_orders_hold_their_units() -> None:
    exchange = exchange_with(positions={"AAPL": (10, 900), "MSFT": (-2, -900)})
    send(exchange, side="sell", limit_price=110)
    held = dict(exchange.close_all(ACCOUNT, cancel_orders=False))
    assert refusal(held["AAPL"]).status == 403
    assert not isinstance(held["MSFT"], Refusal)
    freed = dict(exchange.close_all(ACCOUNT, cancel_orders=True))
    assert not isinstance(freed["AAPL"], Refusal)
    assert exchange.desk.book.positions(ACCOUNT) == []


def test_an_account_is_configured() -> None:
    exchange = exchange_with()
    account = exchange.configure(ACCOUNT, {"no_shorting": True, "suspend_trade": None})
    assert not isinstance(account, Refusal)
    assert account.no_shorting
    assert exchange.desk.book.account(ACCOUNT) == account
    assert isinstance(exchange.configure(ACCOUNT, {"no_shorting": "perhaps"}), Refusal)


def test_the_venues_people_act_on_any_order_as_its_states_allow() -> None:
    exchange = exchange_with()
    order = send(exchange)
    assert not isinstance(exchange.act(order.id, "suspended"), Refusal)
    assert now(exchange, order).status == "suspended"
    play(exchange, QuoteTick(exchange.desk.now, "AAPL", 94.0, 1.0, 94.02, 1.0))
    assert now(exchange, order).filled_qty == 0
    exchange.act(order.id, "new")
    assert now(exchange, order).filled_value == Decimal("940.2")
    assert refusal(exchange.act(order.id, "new")).status == 422
    assert refusal(exchange.act(NOBODY, "new")).status == 404


def test_bars_change_nothing() -> None:
    exchange = exchange_with()
    send(exchange)
    exchange.take()
    ts = exchange.desk.now
    exchange.on_tick(BarTick(ts, "AAPL", "b", ts, 90.0, 90.0, 90.0, 90.0, 1.0, 1, 90.0))
    assert not exchange.take()


def test_what_was_taken_is_taken_once() -> None:
    exchange = exchange_with()
    send(exchange)
    assert exchange.take()
    assert not exchange.take()

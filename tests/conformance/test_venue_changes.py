"""Replacing, cancelling and listing orders by alpaca-py's client."""

from typing import Any

import pytest
from tests.fakes.venue_world import Trader, go, in_session, library, loss, refused, target


def replace(trader: Trader, order: Any, **fields: Any) -> Any:
    wanted = library("alpaca.trading.requests").ReplaceOrderRequest(**fields)
    return trader.client.replace_order_by_id(order.id, wanted)


def listed(trader: Trader, **query: Any) -> list[Any]:
    """Orders as the library lists them, all of them unless told otherwise."""
    wanted = library("alpaca.trading.requests").GetOrdersRequest(**{"status": "all", **query})
    return [one.id for one in trader.client.get_orders(wanted)]


def test_a_replaced_order_has_a_successor(trader: Trader) -> None:
    order = trader.submit("limit", limit_price=50)
    following = replace(
        trader, order, qty=7, limit_price=60, time_in_force="gtc", client_order_id="another"
    )
    assert (following.replaces, following.status.value) == (order.id, "pending_new")
    before, after = trader.order(order), trader.order(following)
    assert (before.status.value, before.replaced_by) == ("replaced", following.id)
    assert before.replaced_at is not None
    assert (after.status.value, after.qty, after.limit_price) == ("new", "7", "60")
    assert (after.client_order_id, after.time_in_force.value) == ("another", "gtc")
    code, number, body = refused(replace, trader, order, qty=8)
    assert (code, number) == (422, 42210000)
    assert body["message"] == "unable to replace order, order is not open"
    assert refused(replace, trader, following, qty=7)[2]["message"] == (
        "order parameters are not changed"
    )
    assert refused(replace, trader, following, limit_price=50.123)[0] == 422
    assert refused(replace, trader, following, client_order_id="another")[0] == 422


def test_each_types_own_price_is_replaced(trader: Trader) -> None:
    stop = replace(trader, trader.submit("stop", stop_price=150), stop_price=160)
    assert stop.stop_price == "160"
    both = trader.submit("stop_limit", stop_price=150, limit_price=151)
    assert replace(trader, both, stop_price=140, limit_price=141).limit_price == "141"
    trailing = trader.submit("trailing_stop", trail_price=5)
    closer = replace(trader, trailing, trail=4)
    assert closer.trail_price == "4"
    assert float(closer.stop_price) - float(closer.hwm) == 4
    code, _, body = refused(replace, trader, stop, stop_price=50)
    assert (code, body["message"]) == (422, "stop price must be greater than current price")


def test_what_is_filled_counts_for_the_successor(trader: Trader) -> None:
    order = trader.submit("limit", limit_price=50)
    trader.act(order, "partial_fill")
    assert refused(replace, trader, order, qty=5)[2]["message"] == "qty must be > filled_qty"
    following = trader.order(replace(trader, order, qty=8))
    assert (following.qty, following.filled_qty, following.filled_at) == ("3", "0", None)
    assert trader.order(order).filled_qty == "5"


def test_what_is_not_in_the_book_is_not_replaced(at_any_time: Trader) -> None:
    trader = at_any_time
    go(trader.venue, "17:10")
    order = trader.submit("limit", limit_price=50)
    body = refused(replace, trader, order, limit_price=51)[2]
    assert body["message"] == "cannot replace order in accepted status"
    in_session(trader.venue)
    fraction = trader.submit("limit", limit_price=50, qty=1.5)
    assert refused(replace, trader, fraction, qty=2)[0] == 422
    assert replace(trader, fraction, limit_price=51).qty == "1.5"
    notional = trader.submit("limit", limit_price=50, notional=100)
    assert refused(replace, trader, notional, limit_price=51)[0] == 422


@pytest.mark.parametrize("order_class", ["bracket", "oco"])
def test_prices_of_exits_are_replaced_within_their_group(trader: Trader, order_class: str) -> None:
    exits = {"take_profit": target(130), "stop_loss": loss(80)}
    if order_class == "bracket":
        entry = trader.submit(order_class="bracket", **exits)
        legs = {leg.type.value: leg for leg in trader.order(entry).legs}
    else:
        trader.submit()
        entry = trader.submit("limit", side="sell", order_class="oco", **exits)
        legs = {"limit": entry, "stop": trader.order(entry).legs[0]}
    words = "stop_loss.stop_price must be <= base_price - 0.01"
    body = refused(replace, trader, legs["limit"], limit_price=80)[2]
    assert (body["message"], body["base_price"]) == (words, "80")
    assert refused(replace, trader, legs["limit"], qty=5)[0] == 422
    stop = replace(trader, legs["stop"], stop_price=85)
    higher = replace(trader, legs["limit"], limit_price=140)
    assert [trader.status(one) for one in (stop, higher)] == ["new", "new"]
    parent = higher if order_class == "oco" else entry
    assert stop.id in [leg.id for leg in trader.order(parent).legs]
    trader.client.cancel_order_by_id(stop.id)
    assert trader.status(higher) == "canceled"


def test_an_entry_stays_between_its_exits(trader: Trader) -> None:
    exits = {"take_profit": target(60), "stop_loss": loss(40)}
    entry = trader.submit("limit", limit_price=50, order_class="bracket", **exits)
    for price, name in ((60, "take_profit.limit_price"), (40, "stop_loss.stop_price")):
        body = refused(replace, trader, entry, limit_price=price)[2]
        assert body["message"].startswith(f"{name} must be")
    moved = replace(trader, entry, limit_price=55)
    assert {leg.status.value for leg in trader.order(moved).legs} == {"held"}


def test_one_and_all_orders_are_cancelled(trader: Trader) -> None:
    order = trader.submit("limit", limit_price=50)
    assert trader.raw("DELETE", f"/orders/{order.id}") == (204, None)
    cancelled = trader.order(order)
    assert (cancelled.status.value, cancelled.canceled_at is None) == ("canceled", False)
    code, number, body = refused(trader.client.cancel_order_by_id, order.id)
    assert (code, number) == (422, 42210000)
    assert body["message"] == 'order is already in "canceled" state'
    assert refused(trader.client.cancel_order_by_id, trader.account.id)[:2] == (404, 40410000)
    names = {trader.submit("limit", limit_price=50).id for _ in range(3)}
    stopped = trader.submit("limit", limit_price=50)
    trader.act(stopped, "stopped")
    answers = {one.id: one.status for one in trader.client.cancel_orders()}
    assert answers == {**dict.fromkeys(names, 200), stopped.id: 500}
    trader.act(stopped, "fill")
    assert trader.raw("DELETE", "/orders") == (207, [])


def test_orders_are_listed_and_paged(trader: Trader) -> None:
    orders = []
    for place in range(6):
        symbol = "MSFT" if place % 2 else "AAPL"
        orders.append(trader.submit("limit", symbol=symbol, limit_price=50))
        trader.venue.advance(1)
    names = [one.id for one in orders]
    trader.client.cancel_order_by_id(names[0])
    assert [one.id for one in trader.client.get_orders()] == names[:0:-1]
    assert listed(trader, status="closed") == [names[0]]
    assert listed(trader, direction="asc", limit=2) == names[:2]
    assert listed(trader, limit=2) == names[:3:-1]
    assert listed(trader, symbols=["MSFT"], direction="asc") == names[1::2]
    assert listed(trader, side="sell") == []
    instants = [one.submitted_at for one in orders]
    # Instants have nanoseconds, of which the library keeps microseconds: none are here.
    assert listed(trader, after=instants[1], until=instants[4], direction="asc") == names[2:4]
    page = {"status": "all", "direction": "asc"}
    _, after = trader.raw("GET", "/orders", after_order_id=str(names[3]), **page)
    assert [one["id"] for one in after] == [str(name) for name in names[4:]]
    _, before = trader.raw("GET", "/orders", before_order_id=str(names[2]), **page)
    assert [one["id"] for one in before] == [str(name) for name in names[:2]]
    assert trader.raw("GET", "/orders", limit=501)[0] == 422
    assert trader.raw("GET", "/orders", status="none")[0] == 422


def test_legs_are_rows_or_nested(trader: Trader) -> None:
    exits = {"take_profit": target(60), "stop_loss": loss(40)}
    entry = trader.submit("limit", limit_price=50, order_class="bracket", **exits)
    legs = {leg.id for leg in entry.legs}
    assert set(listed(trader, status="open")) == {entry.id, *legs}
    assert listed(trader, status="open", nested=True) == [entry.id]
    wanted = library("alpaca.trading.requests").GetOrdersRequest(nested=True)
    assert {leg.id for leg in trader.client.get_orders(wanted)[0].legs} == legs
    assert trader.client.get_order_by_id(entry.id).legs is None

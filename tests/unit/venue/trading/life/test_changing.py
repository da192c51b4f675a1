"""Cancelling and replacing."""

from decimal import Decimal

import pytest
from msgspec.structs import replace as with_fields
from tests.fakes.venue_desk import ACCOUNT
from tests.fakes.venue_orders import (
    DELAY_NS,
    Delays,
    an_exit,
    an_order,
    brought_to,
    desk_with,
    enter,
    fill,
    given,
    group_of,
    killed_and_begun_again,
    let_pass,
    names,
    now,
    statuses,
    successor_to,
)

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading.life import changing, lifecycle
from fanfold.venue.trading.states import CANCELABLE, PENDING_CANCELABLE, REPLACEABLE
from fanfold.venue.trading.values import CLOSED_STATUSES, OPEN_STATUSES


def test_an_order_is_found_by_its_account_only() -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk)])[0]
    assert changing.find(desk, ACCOUNT, order.id) == order
    refusal = changing.find(desk, "somebody", order.id)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (404, 40410000)
    assert refusal.message == f"order not found for {order.id}"
    assert changing.find(desk, ACCOUNT, "nothing") != order


@pytest.mark.parametrize("status", sorted(CANCELABLE))
def test_an_order_is_cancelled_from_every_status_that_allows_it(status: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, status)
    names(desk)
    assert given(changing.cancel(desk, order)).status == "canceled"
    told = names(desk, order)
    pends = ["pending_cancel 0"] if status in PENDING_CANCELABLE else []
    assert told == [*pends, "canceled 0"]


@pytest.mark.parametrize("status", sorted((OPEN_STATUSES | CLOSED_STATUSES) - CANCELABLE))
def test_a_cancellation_is_refused_from_every_other_status(status: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, status)
    refusal = changing.cancel(desk, order)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (422, 42210000)
    assert refusal.message == f'order is already in "{status}" state'
    assert now(desk, order) == order


def test_a_cancellation_is_pending_until_it_is_due() -> None:
    delays = Delays(cancel=True)
    desk = desk_with(delays)
    orders = enter(desk, group_of(desk, "bracket"))
    assert given(changing.cancel(desk, orders[0])).status == "pending_cancel"
    assert changing.next_due(desk) == desk.now + DELAY_NS
    assert let_pass(desk, DELAY_NS - 1) == ()
    assert statuses(desk, orders) == ["pending_cancel", "held", "held"]
    assert [one.id for one in let_pass(desk, 1)] == [orders[0].id]
    assert statuses(desk, orders) == ["canceled", "canceled", "canceled"]


def test_a_cancellation_that_fails_leaves_the_order_as_it_was() -> None:
    delays = Delays(cancel_fails=True)
    desk = desk_with(delays)
    order = enter(desk, [an_order(desk)])[0]
    fill(desk, order, 4)
    names(desk)
    kept = given(changing.cancel(desk, order))
    assert (kept.status, kept.before, kept.due_at) == ("partially_filled", "", None)
    assert names(desk, order) == ["pending_cancel 0", "order_cancel_rejected 0"]


def test_a_late_fill_is_asked_for_only_of_what_was_cancelled_while_it_rested() -> None:
    delays = Delays(fills_late=True)
    desk = desk_with(delays)
    fresh, resting = enter(desk, [an_order(desk), an_order(desk, resting_since=desk.now)])
    assert not changing.fills_late(desk, resting)
    assert not changing.fills_late(desk, given(changing.cancel(desk, fresh)))
    assert changing.fills_late(desk, given(changing.cancel(desk, resting)))
    assert fill(desk, resting, 10).status == "filled"


def test_nothing_fills_late_unless_it_is_made_to() -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk, resting_since=desk.now)])[0]
    assert not changing.fills_late(desk, given(changing.cancel(desk, order)))


def test_a_replacement_takes_the_old_ones_place_at_once() -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk)])[0]
    names(desk)
    desk.book.fresh.clear()
    successor = successor_to(desk, order, limit_price=Decimal(99))
    taken = given(changing.replace(desk, order, successor))
    assert (taken.id, taken.status, taken.replaces) == (successor.id, "pending_new", order.id)
    old, new = now(desk, order), now(desk, successor)
    assert (old.status, old.replaced_by, old.reserved) == ("replaced", new.id, 0)
    assert (new.status, new.limit_price, new.reserved) == ("new", Decimal(99), Decimal(990))
    assert names(desk, order, successor) == [
        "pending_replace 0",
        "pending_new 1",
        "replaced 0",
        "new 1",
    ]
    assert desk.book.fresh == [new.id]


@pytest.mark.parametrize("status", sorted(OPEN_STATUSES - REPLACEABLE))
def test_a_replacement_is_refused_where_the_status_does_not_allow_it(status: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, status)
    refusal = changing.replace(desk, order, successor_to(desk, order))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (422, 42210000)
    assert refusal.message == f"cannot replace order in {status} status"
    assert now(desk, order) == order


@pytest.mark.parametrize("status", sorted(CLOSED_STATUSES))
def test_a_closed_order_is_not_replaced(status: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, status)
    refusal = changing.replace(desk, order, successor_to(desk, order))
    assert isinstance(refusal, Refusal)
    assert refusal.message == "unable to replace order, order is not open"


@pytest.mark.parametrize(("price", "held"), [(120, 1200), (80, 1000)])
def test_the_greater_reservation_is_held_while_a_replacement_is_pending(
    price: int, held: int
) -> None:
    delays = Delays(replace=True)
    desk = desk_with(delays)
    order = enter(desk, [an_order(desk)])[0]
    needs = Decimal(10 * price)
    successor = successor_to(desk, order, limit_price=Decimal(price), reserved=needs)
    changing.replace(desk, order, successor)
    assert sum(one.reserved for one in desk.book.open_orders(ACCOUNT)) == held
    let_pass(desk)
    assert sum(one.reserved for one in desk.book.open_orders(ACCOUNT)) == needs


def test_a_successor_is_for_what_the_old_order_has_not_filled() -> None:
    delays = Delays(replace=True)
    desk = desk_with(delays)
    order = enter(desk, [an_order(desk)])[0]
    fill(desk, order, 4)
    successor = successor_to(desk, order, qty=Decimal(12))
    assert given(changing.replace(desk, order, successor)).qty == 12
    fill(desk, order, 2)
    let_pass(desk)
    old, new = now(desk, order), now(desk, successor)
    assert (old.status, old.filled_qty) == ("replaced", 6)
    assert (new.status, new.qty, new.filled_qty, new.filled_value) == ("new", 6, 0, 0)
    assert fill(desk, new, 6).status == "filled"
    assert desk.book.position(ACCOUNT, "AAPL").qty == 12


def test_a_successor_for_which_nothing_is_left_is_rejected() -> None:
    delays = Delays(replace=True)
    desk = desk_with(delays)
    order = enter(desk, [an_order(desk)])[0]
    successor = successor_to(desk, order, qty=Decimal(5))
    changing.replace(desk, order, successor)
    fill(desk, order, 5)
    names(desk)
    let_pass(desk)
    assert statuses(desk, (order, successor)) == ["partially_filled", "rejected"]
    assert names(desk, order, successor) == ["rejected 1", "order_replace_rejected 0"]


def test_a_successor_that_waits_is_cancelled_at_once_and_the_group_goes_on() -> None:
    delays = Delays(replace=True, cancel=True)
    desk = desk_with(delays)
    orders = enter(desk, group_of(desk, "bracket"))
    fill(desk, orders[0], 10)
    successor = successor_to(desk, orders[2], stop_price=Decimal(91))
    changing.replace(desk, orders[2], successor)
    assert statuses(desk, orders) == ["filled", "new", "pending_replace"]
    assert given(changing.cancel(desk, successor)).status == "canceled"
    assert statuses(desk, orders) == ["filled", "new", "new"]
    assert changing.next_due(desk) is None


def test_what_is_due_first_is_done_first() -> None:
    delays = Delays(cancel=True)
    desk = desk_with(delays)
    first, second = enter(desk, [an_order(desk), an_order(desk)])
    changing.cancel(desk, second)
    assert let_pass(desk, DELAY_NS // 2) == ()
    changing.cancel(desk, first)
    assert [one.id for one in let_pass(desk)] == [second.id, first.id]


def test_what_is_due_of_two_exits_ends_both_once() -> None:
    delays = Delays(cancel=True)
    desk = desk_with(delays)
    target, stop = enter(desk, group_of(desk, "oco"))
    changing.cancel(desk, target)
    changing.cancel(desk, stop)
    assert [one.id for one in let_pass(desk)] == [target.id]
    assert statuses(desk, (target, stop)) == ["canceled", "canceled"]


def test_what_is_pending_goes_on_after_the_venue_was_killed() -> None:
    delays = Delays(cancel=True, replace=True, acceptance=True)
    desk = desk_with(delays)
    delays.acceptance = False
    cancelled, replaced = enter(desk, [an_order(desk), an_order(desk)])
    delays.acceptance = True
    accepted = enter(desk, [an_order(desk)])[0]
    changing.cancel(desk, cancelled)
    successor = successor_to(desk, replaced, limit_price=Decimal(101))
    changing.replace(desk, replaced, successor)
    again = killed_and_begun_again(desk)
    assert changing.next_due(again) == again.now + DELAY_NS
    let_pass(again)
    found = [lifecycle.current(again, one) for one in (cancelled, replaced, successor, accepted)]
    assert [one.status for one in found] == ["canceled", "replaced", "new", "new"]
    assert changing.next_due(again) is None


@pytest.mark.parametrize(("order_class", "place"), [("bracket", 0), ("oco", 0), ("oco", 1)])
def test_an_order_of_a_group_keeps_its_quantity(order_class: str, place: int) -> None:
    desk = desk_with()
    order = enter(desk, group_of(desk, order_class))[place]
    refusal = changing.replace(desk, order, successor_to(desk, order, qty=Decimal(12)))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (422, 42210000)
    assert now(desk, order) == order


def test_a_trailing_stop_keeps_the_extreme_that_came_while_its_replacement_was_pending() -> None:
    delays = Delays(replace=True)
    desk = desk_with(delays)
    order = enter(
        desk,
        [
            an_exit(
                desk,
                "",
                kind="trailing_stop",
                limit_price=None,
                hwm=Decimal(100),
                trail_price=Decimal(5),
                stop_price=Decimal(95),
            )
        ],
    )[0]
    successor = successor_to(desk, order, trail_price=Decimal(3), stop_price=Decimal(97))
    changing.replace(desk, order, successor)
    risen = {"hwm": Decimal(104), "stop_price": Decimal(99)}
    desk.book.put_order(with_fields(now(desk, order), **risen))
    let_pass(desk)
    new = now(desk, successor)
    assert (new.status, new.hwm, new.stop_price) == ("new", Decimal(104), Decimal(101))

"""How one order begins and ends."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.fakes.venue_orders import (
    DELAY_NS,
    Delays,
    an_order,
    brought_to,
    desk_with,
    enter,
    fill,
    group_of,
    let_pass,
    names,
    now,
    statuses,
    successor_to,
)

from fanfold.venue.trading.life import acting, changing, lifecycle
from fanfold.venue.trading.states import WAITING
from fanfold.venue.trading.values import CLOSED_STATUSES, OPEN_STATUSES


def test_an_order_is_answered_as_taken_and_works_at_once() -> None:
    desk = desk_with()
    order = an_order(desk)
    taken = lifecycle.enter(desk, [order])
    assert taken.status == "pending_new"
    assert now(desk, order).status == "new"
    assert desk.book.fresh == [order.id]
    assert names(desk, order) == ["pending_new 0", "new 0"]


def test_an_acceptance_that_is_made_to_wait_comes_when_it_is_due() -> None:
    delays = Delays(acceptance=True)
    desk = desk_with(delays)
    order = enter(desk, [an_order(desk)])[0]
    assert order.status == "pending_new"
    assert changing.next_due(desk) == desk.now + DELAY_NS
    let_pass(desk, DELAY_NS - 1)
    assert now(desk, order).status == "pending_new"
    let_pass(desk, 1)
    assert now(desk, order).status == "new"
    assert changing.next_due(desk) is None
    assert desk.book.fresh == [order.id]


def test_an_order_outside_its_session_waits_until_it_is_accepted() -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk, status="accepted")])[0]
    assert order.status == "accepted"
    assert not desk.book.fresh
    assert lifecycle.accept(desk, order).status == "new"


@pytest.mark.parametrize("status", ["accepted", "pending_new"])
def test_both_orders_of_an_oco_work_at_once(status: str) -> None:
    desk = desk_with()
    parent, stop = group_of(desk, "oco")
    orders = enter(desk, [replace(parent, status=status), stop])
    lifecycle.accept(desk, orders[0])
    assert statuses(desk, orders) == ["new", "new"]
    assert desk.book.fresh == [parent.id, stop.id]


def test_legs_of_a_bracket_are_told_as_held_before_their_entry_works() -> None:
    desk = desk_with()
    orders = enter(desk, group_of(desk, "bracket"))
    assert statuses(desk, orders) == ["new", "held", "held"]
    assert names(desk, *orders) == ["pending_new 0", "held 1", "held 2", "new 0"]


@pytest.mark.parametrize("status", sorted((OPEN_STATUSES | CLOSED_STATUSES) - WAITING))
def test_an_order_that_waits_for_something_else_is_not_accepted(status: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, status)
    assert lifecycle.accept(desk, order) == order


@pytest.mark.parametrize("status", sorted(WAITING))
def test_an_order_that_waits_for_its_session_is_accepted(status: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, status)
    desk.book.fresh.clear()
    assert lifecycle.accept(desk, order).status == "new"
    assert desk.book.fresh == [order.id]


@pytest.mark.parametrize(
    ("status", "field"),
    [("canceled", "canceled_at"), ("expired", "expired_at"), ("rejected", "failed_at")],
)
def test_an_end_keeps_its_instant_and_lets_go_of_buying_power(status: str, field: str) -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk)])[0]
    ended = lifecycle.finish(desk, order, status)
    assert ended.status == status
    assert ended.reserved == 0
    assert desk.now <= getattr(ended, field) <= ended.updated_at
    assert not ended.is_open


def test_an_end_that_the_table_does_not_have_is_an_error() -> None:
    delays = Delays()
    desk = desk_with(delays)
    with pytest.raises(ValueError, match="from stopped to canceled"):
        lifecycle.finish(desk, brought_to(desk, delays, "stopped"), "canceled")


def test_a_stopped_order_does_not_cease() -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "stopped")
    assert lifecycle.cease(desk, order, "expired") == order


def test_an_order_that_was_never_accepted_works_for_an_instant_before_it_expires() -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "pending_new")
    assert lifecycle.cease(desk, order, "expired").status == "expired"
    assert names(desk, order) == ["pending_new 0", "new 0", "expired 0"]
    assert not desk.book.fresh


def test_an_end_takes_back_a_replacement_first() -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "pending_replace")
    successor = lifecycle.successor_of(desk, order)
    assert successor is not None
    names(desk)
    lifecycle.cease(desk, order, "expired")
    told = names(desk, order, successor)
    assert told == ["rejected 1", "order_replace_rejected 0", "expired 0"]


@pytest.mark.parametrize(("asked", "comes"), [("canceled", "canceled"), ("expired", "rejected")])
def test_an_end_of_a_successor_lets_the_old_order_go_on(asked: str, comes: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "pending_replace")
    successor = lifecycle.successor_of(desk, order)
    assert successor is not None
    assert lifecycle.cease(desk, successor, asked).status == comes
    assert now(desk, order).status == "new"
    assert names(desk, order)[-1] == "order_replace_rejected 0"
    assert changing.next_due(desk) is None


def test_a_change_is_pending_again_after_a_partial_fill() -> None:
    for status in ("pending_cancel", "pending_replace"):
        delays = Delays()
        desk = desk_with(delays)
        order = brought_to(desk, delays, status)
        names(desk)
        filled = fill(desk, order, 4)
        assert (filled.status, filled.before) == (status, "partially_filled")
        assert names(desk, order) == ["partial_fill 0", f"{status} 0"]
        assert changing.next_due(desk) == desk.now + DELAY_NS


def test_a_cancellation_that_a_fill_comes_before_is_rejected() -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "pending_cancel")
    names(desk)
    assert fill(desk, order, 10).status == "filled"
    assert names(desk, order) == ["fill 0", "order_cancel_rejected 0"]
    assert let_pass(desk) == ()
    assert now(desk, order).status == "filled"


def test_a_replacement_that_a_fill_comes_before_is_rejected_with_its_successor() -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "pending_replace")
    successor = lifecycle.successor_of(desk, order)
    assert successor is not None
    names(desk)
    fill(desk, order, 10)
    told = names(desk, order, successor)
    assert told == ["fill 0", "rejected 1", "order_replace_rejected 0"]
    assert now(desk, successor).reserved == 0


def test_what_is_left_after_a_late_fill_is_cancelled_again() -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk)])[0]
    changing.cancel(desk, order)
    names(desk)
    late = fill(desk, order, 4)
    assert (late.status, late.filled_qty, late.reserved) == ("canceled", Decimal(4), Decimal(0))
    assert names(desk, order) == ["partial_fill 0", "canceled 0"]
    assert fill(desk, order, 6).status == "filled"


def test_only_a_pending_change_is_taken_back() -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk)])[0]
    assert lifecycle.revert(desk, order) == order


@pytest.mark.parametrize(
    ("phase", "time_in_force", "status"),
    [("regular", "day", "new"), ("closed", "day", "accepted"), ("regular", "opg", "accepted")],
)
def test_an_order_whose_session_began_meanwhile_works_when_its_cancellation_fails(
    phase: str, time_in_force: str, status: str
) -> None:
    delays = Delays(cancel=True, cancel_fails=True)
    desk = desk_with(delays)
    order = enter(desk, [an_order(desk, status="accepted", time_in_force=time_in_force)])[0]
    changing.cancel(desk, order)
    desk.market.phase = phase  # type: ignore[attr-defined]
    let_pass(desk)
    assert now(desk, order).status == status


def test_an_order_that_was_not_accepted_yet_is_when_its_cancellation_fails() -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "pending_new")
    delays.cancel_fails = True
    changing.cancel(desk, order)
    assert now(desk, order).status == "new"
    assert names(desk, order)[1:] == ["pending_cancel 0", "order_cancel_rejected 0", "new 0"]


def test_a_successor_does_not_work_before_the_order_that_it_replaces_is_gone() -> None:
    delays = Delays(replace=True)
    desk = desk_with(delays)
    order = enter(desk, [an_order(desk)])[0]
    successor = successor_to(desk, order, limit_price=Decimal(101))
    changing.replace(desk, order, successor)
    assert lifecycle.accept(desk, successor).status == "pending_new"
    assert not isinstance(acting.act(desk, successor, "new"), type(order))

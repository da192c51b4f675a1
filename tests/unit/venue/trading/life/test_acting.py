"""The whole table of states, way by way, and what the venue's own people may do."""

from decimal import Decimal

import pytest
from tests.fakes.venue_desk import ACCOUNT
from tests.fakes.venue_orders import (
    Delays,
    an_order,
    brought_to,
    desk_with,
    enter,
    fill,
    given,
    group_of,
    let_pass,
    now,
    statuses,
    successor_to,
    told,
)

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import acting, changing, lifecycle
from fanfold.venue.trading.states import PREVIOUS, SUBMIT, TRANSITIONS, may
from fanfold.venue.trading.values import CLOSED_STATUSES, OPEN_STATUSES, Order

STATUSES = sorted(OPEN_STATUSES | CLOSED_STATUSES)
WAYS = [(old, new) for old in STATUSES for new in sorted(TRANSITIONS[old]) if new != PREVIOUS]


@pytest.mark.parametrize("status", sorted(TRANSITIONS[SUBMIT]))
def test_an_order_begins_where_the_table_lets_it(status: str) -> None:
    delays = Delays(acceptance=True)
    desk = desk_with(delays)
    order = enter(desk, [an_order(desk, status=status)])[0]
    assert order.status == status
    assert told(desk)[0].name == status


@pytest.mark.parametrize(("old", "new"), WAYS)
def test_an_order_goes_every_way_of_the_table(old: str, new: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, old)
    told(desk)
    _go(desk, delays, order, new)
    came_to = [one.order.status for one in told(desk) if one.order.id == order.id]
    # A replacement goes through its pending state, however short that is.
    assert [one for one in came_to[: came_to.index(new)] if one != "pending_replace"] == []


def _go(desk: Desk, delays: Delays, order: Order, new: str) -> None:
    if (order.status, new) == ("held", "new"):
        fill(desk, given(changing.find(desk, ACCOUNT, order.parent)), 10)
    elif new in {"filled", "partially_filled"}:
        fill(desk, order, int(order.open_qty) if new == "filled" else 1)
    elif new == "pending_cancel":
        delays.cancel = True
        changing.cancel(desk, order)
    elif new == "pending_replace" or (new == "replaced" and order.status != "pending_replace"):
        delays.replace = new == "pending_replace"
        changing.replace(desk, order, successor_to(desk, order, limit_price=Decimal(101)))
    else:
        given(acting.act(desk, order, new))


@pytest.mark.parametrize("before", ["accepted", "pending_new", "new", "partially_filled"])
@pytest.mark.parametrize("event", ["the status before", "order_cancel_rejected"])
def test_a_pending_cancellation_goes_back_to_the_status_before(before: str, event: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    desk.market.phase = "closed"  # type: ignore[attr-defined]
    order = brought_to(desk, delays, before)
    delays.cancel = True
    changing.cancel(desk, order)
    told(desk)
    acting.act(desk, order, before if event == "the status before" else event)
    first = told(desk)[0]
    assert (first.name, first.order.status) == ("order_cancel_rejected", before)


@pytest.mark.parametrize("before", ["new", "partially_filled"])
@pytest.mark.parametrize("event", ["the status before", "order_replace_rejected"])
def test_a_pending_replacement_goes_back_to_the_status_before(before: str, event: str) -> None:
    delays = Delays(replace=True)
    desk = desk_with(delays)
    order = brought_to(desk, delays, before)
    successor = successor_to(desk, order, limit_price=Decimal(101))
    changing.replace(desk, order, successor)
    kept = given(acting.act(desk, order, before if event == "the status before" else event))
    assert (kept.status, kept.before, kept.due_at) == (before, "", None)
    assert now(desk, successor).status == "rejected"


@pytest.mark.parametrize("old", STATUSES)
def test_every_way_that_the_table_does_not_have_is_refused(old: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, old)
    for new in [*STATUSES, "asleep"]:
        if not may(old, new, order.before):
            refusal = acting.act(desk, order, new)
            assert isinstance(refusal, Refusal)
            assert (refusal.status, refusal.code) == (422, 42210000)
            assert refusal.message == f'order cannot go from "{old}" to "{new}"'
    assert now(desk, order) == order


@pytest.mark.parametrize("new", ["filled", "partially_filled", "pending_cancel", "pending_replace"])
def test_an_operator_neither_fills_nor_asks_for_changes(new: str) -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk)])[0]
    assert isinstance(acting.act(desk, order, new), Refusal)


def test_an_operator_hastens_what_is_pending() -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "pending_replace")
    assert given(acting.act(desk, order, "replaced")).status == "replaced"
    assert changing.next_due(desk) is None


def test_an_order_that_is_made_to_pend_goes_on_by_itself() -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "accepted")
    acting.act(desk, order, "pending_new")
    assert changing.next_due(desk) == desk.now
    let_pass(desk, 0)
    assert now(desk, order).status == "new"


@pytest.mark.parametrize(("order_class", "place"), [("bracket", 0), ("oco", 0), ("oco", 1)])
def test_an_order_of_a_group_is_not_stopped(order_class: str, place: int) -> None:
    desk = desk_with()
    orders = enter(desk, group_of(desk, order_class))
    assert isinstance(acting.act(desk, orders[place], "stopped"), Refusal)


def test_an_operator_does_not_let_a_leg_work_before_its_entry_is_filled() -> None:
    desk = desk_with()
    orders = enter(desk, group_of(desk, "bracket"))
    assert isinstance(acting.act(desk, orders[1], "new"), Refusal)
    assert statuses(desk, orders) == ["new", "held", "held"]


def test_an_order_that_an_operator_rejects_takes_its_legs_with_it() -> None:
    desk = desk_with()
    orders = enter(desk, group_of(desk, "bracket"))
    given(acting.act(desk, orders[0], "rejected"))
    assert statuses(desk, orders) == ["rejected", "canceled", "canceled"]


def test_an_order_that_waits_to_take_anothers_place_can_only_end() -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "pending_replace")
    successor = lifecycle.successor_of(desk, order)
    assert successor is not None
    assert isinstance(acting.act(desk, successor, "new"), Refusal)
    assert given(acting.act(desk, successor, "rejected")).status == "rejected"
    assert now(desk, order).status == "new"


def test_a_halt_suspends_the_orders_of_its_asset_until_it_is_over() -> None:
    desk = desk_with()
    waiting, partly, other = enter(
        desk, [an_order(desk), an_order(desk), an_order(desk, symbol="MSFT")]
    )
    fill(desk, partly, 4)
    acting.halt(desk, "AAPL")
    orders = (waiting, partly, other)
    assert statuses(desk, orders) == ["suspended", "partially_filled", "new"]
    assert now(desk, waiting).before == "new"
    desk.book.fresh.clear()
    acting.resume(desk, "AAPL")
    assert statuses(desk, orders) == ["new", "partially_filled", "new"]
    assert desk.book.fresh == [waiting.id]
    assert now(desk, waiting).before == ""
    assert desk.book.position(ACCOUNT, "AAPL").qty == 4

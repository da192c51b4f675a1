"""Cancelling and replacing: what a client asks for, and what is pending of it.

All that is pending is in the orders themselves (`Order.status`, `before`, `due_at`,
`replaces`), so a venue that was killed goes on where it was. An order that is to be changed
still meets prices; what a fill means for the change is in `lifecycle.after_fill`.

An order is replaced by another with its own id. While the change is pending both are in the
book: the old one works, its successor waits as "pending_new" with the whole quantity that
was asked for and with no more buying power than it needs beyond the old one's
(`Order.reserved`), so that the greater of the two is held. When it takes the old one's place
it is for what that one has not filled, and begins with no fill of its own: each fill belongs
to one order only, and fills add up over both.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace as with_fields

from fanfold.alpaca.wire.refusals import Refusal, not_found, unprocessable
from fanfold.venue.trading import money
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.intake import making
from fanfold.venue.trading.life import ending, legs, lifecycle
from fanfold.venue.trading.states import (
    CANCELABLE,
    PENDING_CANCELABLE,
    REPLACEABLE,
    awaits,
)
from fanfold.venue.trading.values import ZERO, Order


def find(desk: Desk, account_id: str, order_id: str) -> Order | Refusal:
    """An order of an account, open or closed, or that there is none."""
    order = desk.book.order(order_id)
    if order is None or order.account != account_id:
        return not_found(f"order not found for {order_id}")
    return order


def cancel(desk: Desk, order: Order) -> Order | Refusal:
    """Cancel an order, and with it the rest of its group.

    One that may work is "pending_cancel" first, for as long as `Mischief.cancel_ns` says,
    and the rest of its group goes on until then. A held, suspended or resting one is
    cancelled at once, and so is one that waits to take another's place.

    Returns:
        The order as it is now, or that its status does not allow it. If it is "canceled",
        ask `fills_late`.
    """
    order = lifecycle.current(desk, order)
    if order.status not in CANCELABLE:
        return unprocessable(f'order is already in "{order.status}" state')
    if awaits(order) or order.status not in PENDING_CANCELABLE:
        return ending.end(desk, order, "canceled")
    wait_ns = desk.terms.mischief.cancel_ns(order)
    order = desk.book.tell(
        "pending_cancel",
        order,
        desk.now,
        status="pending_cancel",
        before=order.status,
        due_at=desk.now + wait_ns,
    )
    return order if wait_ns > 0 else _settle_cancel(desk, order)


def fills_late(desk: Desk, order: Order) -> bool:
    """Whether an order that has just been cancelled on request fills all the same.

    To be asked once, after `cancel` and for each order of `on_clock`. The fill follows the
    cancellation: "canceled" becomes "filled"; if it is a part only, the rest is cancelled
    again. The rest of its group stays cancelled.
    """
    was_resting = order.status == "canceled" and order.resting_since is not None
    return was_resting and order.open_qty > ZERO and desk.terms.mischief.fills_late(order)


def refused(order: Order) -> Refusal | None:
    """Why an order cannot be replaced now, whatever by; None if it can."""
    if not order.is_open:
        return unprocessable("unable to replace order, order is not open")
    if order.status not in REPLACEABLE:
        return unprocessable(f"cannot replace order in {order.status} status")
    return None


def replace(desk: Desk, order: Order, successor: Order) -> Order | Refusal:
    """Replace an order by another.

    Args:
        desk: The desk.
        order: The order to be replaced.
        successor: What takes its place, from intake: its `qty` is the whole quantity, what
            is filled already included, and `reserved` what it needs by itself.

    Returns:
        The successor as it was taken ("pending_new"); or why not.
    """
    order = lifecycle.current(desk, order)
    refusal = refused(order)
    if refusal is not None:
        return refusal
    if successor.qty != order.qty and (order.parent or order.legs):
        return unprocessable(f"cannot replace qty of {order.order_class} order")
    wait_ns = desk.terms.mischief.replace_ns(order)
    order = desk.book.tell(
        "pending_replace",
        order,
        desk.now,
        status="pending_replace",
        before=order.status,
        due_at=desk.now + wait_ns,
    )
    taken = _await_place(desk, order, successor)
    if wait_ns <= 0:
        _settle(desk, order, taken)
    return taken


def supersede(desk: Desk, order: Order) -> Order:
    """Let another order with the same terms take an order's place at once.

    Brokers do so by themselves, as when they route an order anew: its client has asked for
    nothing, so nothing of it was pending.

    Args:
        desk: The desk.
        order: An order for a number of units.

    Returns:
        The old order as it is now: "replaced".
    """
    names = {"id": desk.book.new_id(), "client_order_id": desk.book.new_id()}
    stamps = dict.fromkeys(("created_at", "submitted_at"), desk.now)
    taken = _await_place(desk, order, with_fields(order, **names, **stamps))
    return _settle(desk, order, taken)


def settle_replace(desk: Desk, order: Order) -> Order:
    """Let the successor of an order take its place, unless nothing is left for it.

    Returns:
        The old order as it is now: "replaced", or as it was before.
    """
    order = lifecycle.current(desk, order)
    return _settle(desk, order, lifecycle.successor_of(desk, order))


def next_due(desk: Desk) -> int | None:
    """When the first of what is pending is due [ns UTC]; None if nothing is."""
    return min(desk.book.due.values(), default=None)


def on_clock(desk: Desk, now: int) -> tuple[Order, ...]:
    """Do what is due: acceptances, cancellations, replacements, the earliest first.

    Returns:
        Orders that were cancelled as their clients had asked: each may fill late, see
        `fills_late`.
    """
    named = [order_id for order_id, due_at in desk.book.due.items() if due_at <= now]
    pending = [order for name in named if (order := desk.book.order(name)) is not None]
    due = [order for order in pending if order.status in _WHEN_DUE]
    cancelled: list[Order] = []
    for order in sorted(due, key=lambda one: (one.due_at, one.created_at)):
        if lifecycle.current(desk, order).status != order.status:
            continue  # what was due before has ended this one
        settled = _WHEN_DUE[order.status](desk, order)
        if order.status == "pending_cancel" and settled.status == "canceled":
            cancelled.append(settled)
    return tuple(cancelled)


def _await_place(desk: Desk, order: Order, successor: Order) -> Order:
    """Take what is to follow an order; it waits, and holds no more than it needs beyond it."""
    waiting = with_fields(
        successor,
        status="pending_new",
        replaces=order.id,
        reserved=max(ZERO, successor.reserved - order.reserved),
        filled_qty=ZERO,
        filled_value=ZERO,
        filled_at_prices=ZERO,
        filled_at=None,
        before="",
        parent="",
        legs=(),
        due_at=None,
        resting_since=None,
    )
    return desk.book.tell("pending_new", waiting, desk.now)


def _settle(desk: Desk, order: Order, successor: Order | None) -> Order:
    if successor is None or successor.qty is None or successor.qty <= order.filled_qty:
        return lifecycle.revert(desk, order)
    left = successor.qty - order.filled_qty
    order = lifecycle.finish(desk, order, "replaced", replaced_by=successor.id)
    successor = legs.hand_over(desk, order, successor)
    terms = _terms_by_now(desk, order, successor)
    reserved = money.reserve_for(desk, with_fields(successor, qty=left, **terms))
    lifecycle.begin(desk, successor, qty=left, reserved=reserved, **terms)
    return order


def _terms_by_now(desk: Desk, order: Order, successor: Order) -> dict[str, Any]:
    """What prices have done to the old order while its replacement was pending."""
    if order.kind != "trailing_stop" or order.hwm == successor.hwm:
        return {"triggered": order.triggered}
    moved = with_fields(successor, hwm=order.hwm)
    stop_price = making.trailing_stop_price(desk, moved)
    collar = making.collar_of(desk, with_fields(moved, stop_price=stop_price))
    return {
        "triggered": order.triggered,
        "hwm": order.hwm,
        "stop_price": stop_price,
        "collar": collar,
    }


def _settle_cancel(desk: Desk, order: Order) -> Order:
    if desk.terms.mischief.cancel_fails(order):
        return lifecycle.revert(desk, order)
    return ending.end(desk, order, "canceled")


_WHEN_DUE: Final[Mapping[str, Callable[[Desk, Order], Order]]] = {
    "pending_new": lifecycle.accept,
    "pending_cancel": _settle_cancel,
    "pending_replace": settle_replace,
}

"""How an order begins to work, and how it ends: one order by itself.

What an end means for the other orders of its group is in `fanfold.venue.trading.life.ending`.
An order may be given as of any moment: its present value is looked up.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.states import PENDING_CHANGES, WAITING, awaits, may
from fanfold.venue.trading.values import ZERO, Order

ENDED_AT: Final = {
    "canceled": "canceled_at",
    "expired": "expired_at",
    "rejected": "failed_at",
    "replaced": "replaced_at",
}
"""Which field keeps the instant of an end."""

REJECTIONS: Final = {
    "pending_cancel": "order_cancel_rejected",
    "pending_replace": "order_replace_rejected",
}
"""Event that says that a change came to nothing."""


def current(desk: Desk, order: Order) -> Order:
    """An order as it is now."""
    return desk.book.order(order.id) or order


def enter(desk: Desk, orders: Sequence[Order]) -> Order:
    """Put new orders into the book and tell of them.

    An order that is "pending_new" begins to work at once, unless its acceptance is made to
    wait (`Mischief.acceptance_ns`). One that is "accepted" waits for its session.

    Args:
        desk: The desk.
        orders: One order, or a parent and then its legs, as intake admitted them.

    Returns:
        The first of them as it was taken, which is what its client is answered.
    """
    taken = [desk.book.tell(order.status, order, desk.now) for order in orders]
    for order in taken:
        if order.status == "pending_new":
            wait_ns = desk.terms.mischief.acceptance_ns(order)
            if wait_ns > 0:
                desk.book.put_order(replace(order, due_at=desk.now + wait_ns))
            else:
                accept(desk, order)
    return taken[0]


def accept(desk: Desk, order: Order) -> Order:
    """Let an order work that waited for its acceptance or its session (`states.WAITING`).

    Returns:
        The order as it is now; unchanged if it waits for anything else, such as for the
        order whose place it takes.
    """
    order = current(desk, order)
    if awaits(order) or order.status not in WAITING:
        return order
    return begin(desk, order)


def activate(desk: Desk, leg: Order) -> Order:
    """Let a held leg work; any other order stays as it is."""
    leg = current(desk, leg)
    return begin(desk, leg) if leg.status == "held" else leg


def begin(desk: Desk, order: Order, **changes: Any) -> Order:
    """Tell that an order is "new", from wherever it was, and let it meet prices.

    It has met none yet: its id goes to `Book.fresh`. The stop of an OCO, which is held
    until then, begins with it: both work at once, for the same units.
    """
    fields: dict[str, Any] = {"status": "new", "before": "", "due_at": None}
    order = desk.book.tell("new", order, desk.now, **(fields | changes))
    desk.book.fresh.append(order.id)
    if order.order_class == "oco":
        for name in order.legs:
            leg = desk.book.order(name)
            if leg is not None:
                activate(desk, leg)
    return order


def finish(desk: Desk, order: Order, status: str, **changes: Any) -> Order:
    """End one order: tell it, and let go of the buying power that it held.

    Args:
        desk: The desk.
        order: An open order.
        status: "canceled", "expired", "rejected" or "replaced".
        changes: Further fields that are another value now.

    Raises:
        ValueError: The order may not go from its status to this one.
    """
    if not may(order.status, status, order.before):
        raise ValueError(f"an order must not go from {order.status} to {status}")
    fields: dict[str, Any] = {
        "status": status,
        "before": "",
        "due_at": None,
        "reserved": ZERO,
        ENDED_AT[status]: desk.book.instant(desk.now),
    }
    return desk.book.tell(status, order, desk.now, **(fields | changes))


def cease(desk: Desk, order: Order, status: str) -> Order:
    """End one order from wherever it is, by ways that the table of states has.

    A replacement that was pending comes to nothing first. An order that was to take
    another's place ends as "rejected", or "canceled" if that is asked for, and the other
    goes on. A stopped order has a trade coming and does not end.

    Returns:
        The order as it is now: open still if there is no way.
    """
    order = current(desk, order)
    if not order.is_open:
        return order
    if awaits(order):
        return _give_up(desk, order, "canceled" if status == "canceled" else "rejected")
    if order.status == "pending_replace":
        order = revert(desk, order)
    if not may(order.status, status, order.before):
        if not (may(order.status, "new") and may("new", status)):
            return order
        order = desk.book.tell("new", order, desk.now, status="new", before="", due_at=None)
    return finish(desk, order, status)


def revert(desk: Desk, order: Order) -> Order:
    """Take back a pending change: the order goes on as before, its successor is rejected."""
    order = current(desk, order)
    if order.status not in PENDING_CHANGES:
        return order
    successor = successor_of(desk, order)
    if successor is not None:
        finish(desk, successor, "rejected")
    event = REJECTIONS[order.status]
    order = desk.book.tell(event, order, desk.now, status=order.before, before="", due_at=None)
    return accept(desk, order) if _is_overdue(desk, order) else order


def successor_of(desk: Desk, order: Order) -> Order | None:
    """The order that waits to take this one's place, if there is one."""
    for other in desk.book.open_on_side(order.account, order.symbol, order.side):
        if other.replaces == order.id and awaits(other):
            return other
    return None


def after_fill(desk: Desk, order: Order) -> Order:
    """What a fill means for a change that was pending when it came.

    After a partial fill the change is pending again, and told so. After the last fill it is
    rejected. What is left of a cancelled order that was filled late is cancelled again.

    Args:
        desk: The desk.
        order: As its fill was told: "partially_filled" or "filled", with `before`, `due_at`
            and `canceled_at` as they were before the fill.
    """
    if order.canceled_at is not None and order.status == "partially_filled":
        return finish(desk, order, "canceled")
    if not order.before:
        return order
    successor = successor_of(desk, order)
    pending = "pending_cancel" if successor is None else "pending_replace"
    if order.status == "partially_filled":
        return desk.book.tell(pending, order, desk.now, status=pending, before=order.status)
    if successor is not None:
        finish(desk, successor, "rejected")
    return desk.book.tell(REJECTIONS[pending], order, desk.now, before="", due_at=None)


def _give_up(desk: Desk, successor: Order, status: str) -> Order:
    ended = finish(desk, successor, status)
    replaced = desk.book.order(successor.replaces or "")
    if replaced is not None and replaced.status == "pending_replace":
        revert(desk, replaced)
    return ended


def _is_overdue(desk: Desk, order: Order) -> bool:
    """Whether an order should have begun to work while a cancellation was pending."""
    if order.status == "pending_new":
        return True
    asset = desk.market.asset(order.symbol)
    if order.status != "accepted" or asset is None or order.time_in_force in {"opg", "cls"}:
        return False
    return desk.market.hours(asset.calendar).phase == "regular"

"""Groups of orders: an entry and its legs, or two exits for the same units.

The legs of a bracket or an OTO are held until their entry is completely filled. Two exits,
the legs of a bracket or the two orders of an OCO, are for the same units: what one has
sold, the other no longer offers, and the first that is filled cancels the other.
"""

from msgspec.structs import replace

from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import lifecycle
from fanfold.venue.trading.values import Order


def relatives(desk: Desk, order: Order) -> list[Order]:
    """The other orders of its group, open or closed: the parent first, then the legs."""
    root = order
    if order.parent:
        root = desk.book.order(order.parent) or order
    names = [root.id, *root.legs]
    found = (desk.book.order(name) for name in names if name != order.id)
    return [one for one in found if one is not None]


def is_exit(order: Order) -> bool:
    """Whether it gives back what an entry or an earlier trade has brought."""
    return bool(order.parent) or order.order_class == "oco"


def siblings(desk: Desk, order: Order) -> list[Order]:
    """Other open exits for the same units: at most one."""
    if not is_exit(order):
        return []
    return [one for one in relatives(desk, order) if is_exit(one) and one.is_open]


def after_fill(desk: Desk, order: Order) -> Order:
    """What a fill means for what was pending of the order, and for its group.

    An entry that is completely filled lets its legs work; a part of it does not. An exit
    that is filled cancels the other one; a part of it leaves the other for as many units as
    itself, told as "restated". Both exits do so, so that never more is given back than was
    brought.

    Args:
        desk: The desk.
        order: As its fill was told, see `lifecycle.after_fill`.

    Returns:
        The order as it is now.
    """
    order = lifecycle.after_fill(desk, order)
    if is_exit(order):
        for other in siblings(desk, order):
            if order.status == "filled":
                lifecycle.cease(desk, other, "canceled")
            elif order.is_open:
                _shrink(desk, other, order)
    elif order.status == "filled":
        for name in order.legs:
            leg = desk.book.order(name)
            if leg is not None:
                lifecycle.activate(desk, leg)
    return order


def hand_over(desk: Desk, old: Order, successor: Order) -> Order:
    """Let an order take another's place in its group; nobody is told, no term changes.

    Returns:
        The successor, with the parent and the legs of the old one.
    """
    for name in old.legs:
        leg = desk.book.order(name)
        if leg is not None:
            desk.book.put_order(replace(leg, parent=successor.id))
    parent = desk.book.order(old.parent) if old.parent else None
    if parent is not None:
        names = tuple(successor.id if name == old.id else name for name in parent.legs)
        desk.book.put_order(replace(parent, legs=names))
    return desk.book.put_order(replace(successor, parent=old.parent, legs=old.legs))


def _shrink(desk: Desk, other: Order, filled: Order) -> None:
    if other.status == "pending_replace":
        other = lifecycle.revert(desk, other)
    qty = other.filled_qty + filled.open_qty
    if other.qty is not None and qty < other.qty:
        desk.book.tell("restated", other, desk.now, qty=qty)

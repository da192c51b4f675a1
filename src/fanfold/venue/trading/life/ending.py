"""How an order ends, with all that this means for the other orders of its group."""

from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import legs, lifecycle
from fanfold.venue.trading.values import Order


def end(desk: Desk, order: Order, status: str) -> Order:
    """End an order, and with it the rest of its group.

    Ending any member ends the others: legs of an entry that is cancelled before it is
    completely filled are cancelled too, even if a part was filled, and an entry whose leg is
    cancelled does not go on without it. When one expires all do, since they are for the
    same time; otherwise the others are cancelled.

    Args:
        desk: The desk.
        order: Any order; a closed one stays as it is.
        status: "canceled", "expired" or "rejected".

    Returns:
        The order as it is now; open still only if it was stopped. One that was to take
        another's place belongs to no group yet and ends alone, see `lifecycle.cease`.
    """
    order = lifecycle.current(desk, order)
    if not order.is_open:
        return order
    ended = lifecycle.cease(desk, order, status)
    if ended.is_open:
        return ended
    for other in legs.relatives(desk, ended):
        lifecycle.cease(desk, other, "expired" if status == "expired" else "canceled")
    return ended

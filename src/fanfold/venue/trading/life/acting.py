"""What the venue's own people may do to an order, and nothing that its table forbids."""

from typing import Any, Final

from fanfold.alpaca.wire.refusals import Refusal, unprocessable
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import changing, ending, lifecycle
from fanfold.venue.trading.life.legs import is_exit
from fanfold.venue.trading.states import PENDING_CHANGES, awaits, may
from fanfold.venue.trading.values import Order

ENDS: Final = frozenset(("canceled", "expired", "rejected"))
"""Events that end an order, and with it its group."""

MARKS: Final = frozenset(
    (
        "accepted",
        "accepted_for_bidding",
        "calculated",
        "done_for_day",
        "pending_new",
        "pending_review",
        "stopped",
        "suspended",
    )
)
"""Events that only give an order another status."""


def act(desk: Desk, order: Order, event: str) -> Order | Refusal:
    """Let something happen to an order, if its status allows it.

    Args:
        desk: The desk.
        order: Any account's.
        event: A status it goes to: one of `ENDS` or `MARKS`, "new", or "replaced", by what
            its client has asked for or else by its like. Of a pending change also the status
            before, or "order_cancel_rejected" or "order_replace_rejected": it comes to
            nothing.

    Returns:
        The order as it is now. A refusal (422) names the status that it has and the one
        that was asked for: changes that only clients ask for are among them.
    """
    order = lifecycle.current(desk, order)
    if order.status in PENDING_CHANGES and event in {
        order.before,
        lifecycle.REJECTIONS[order.status],
    }:
        return lifecycle.revert(desk, order)
    if not _allows(order, event):
        return unprocessable(f'order cannot go from "{order.status}" to "{event}"')
    return _do(desk, order, event)


def halt(desk: Desk, symbol: str) -> None:
    """Suspend the orders of an asset that wait in the book: its trading is halted.

    Orders that are filled in part keep their status, as the table has it; no price meets
    them meanwhile.
    """
    for order in desk.book.open_orders_of(symbol):
        if order.status == "new":
            act(desk, order, "suspended")


def resume(desk: Desk, symbol: str) -> None:
    """Let the suspended orders of an asset go on: its trading is resumed."""
    for order in desk.book.open_orders_of(symbol):
        if order.status == "suspended":
            act(desk, order, "new")


def _allows(order: Order, event: str) -> bool:
    """Whether the table lets an operator do this."""
    if not may(order.status, event, order.before):
        return False
    if awaits(order):
        return event in ENDS
    if event == "stopped":
        # Its trade is promised, which the other orders of a group could not allow for.
        return not (is_exit(order) or order.legs)
    if event == "replaced":
        return order.qty is not None
    if order.status == "held":
        # What it would give back is not there before its entry is filled.
        return event in ENDS
    return event == "new" or event in ENDS | MARKS


def _do(desk: Desk, order: Order, event: str) -> Order:
    if event in ENDS:
        return ending.end(desk, order, event)
    if event == "new":
        return lifecycle.begin(desk, order)
    if event == "replaced":
        pending = order.status == "pending_replace"
        return (changing.settle_replace if pending else changing.supersede)(desk, order)
    changes: dict[str, Any] = {"status": event}
    if event == "suspended":
        changes["before"] = order.status
    if event == "pending_new":  # it goes on by itself, as after its submission
        changes["due_at"] = desk.now + desk.terms.mischief.acceptance_ns(order)
    return desk.book.tell(event, order, desk.now, **changes)

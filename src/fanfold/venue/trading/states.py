"""States of orders and the ways between them: the broker's table, as data."""

from collections.abc import Mapping
from typing import Final

from fanfold.venue.trading.values import CLOSED_STATUSES, OPEN_STATUSES, Order

SUBMIT: Final = ""
"""Where every order comes from."""

PREVIOUS: Final = "previous"
"""In the table: the status that an order had before it was pending (`Order.before`)."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    SUBMIT: _words("accepted pending_new held"),
    "accepted": _words(
        "pending_new new pending_cancel canceled rejected expired filled partially_filled"
        " accepted_for_bidding pending_review"
    ),
    "pending_new": _words("new rejected partially_filled filled pending_cancel canceled"),
    "held": _words("new canceled expired"),
    "new": _words(
        "partially_filled filled pending_cancel pending_replace canceled expired replaced"
        " done_for_day stopped suspended rejected"
    ),
    "partially_filled": _words(
        "partially_filled filled pending_cancel pending_replace canceled expired replaced"
        " done_for_day"
    ),
    "pending_cancel": _words("canceled partially_filled filled expired") | {PREVIOUS},
    "pending_replace": _words("replaced partially_filled filled") | {PREVIOUS},
    "done_for_day": _words("new calculated canceled expired"),
    "suspended": _words("new canceled expired"),
    "stopped": _words("partially_filled filled"),
    # The broker names these without saying where they lead: to where an order waits or ends.
    "calculated": _words("new canceled expired"),
    "accepted_for_bidding": _words("new canceled expired rejected"),
    "pending_review": _words("accepted new canceled rejected"),
    **{status: frozenset[str]() for status in CLOSED_STATUSES},
}
"""Where an order may go from each status; `SUBMIT` is where it begins."""

LATE_FILLS: Final = _words("filled partially_filled")
"""Where a cancelled order may still go: a fill that was on its way when it was cancelled."""

CANCELABLE: Final = frozenset(
    old for old, ways in TRANSITIONS.items() if old and "canceled" in ways
) - {"pending_cancel"}
"""States in which a client may cancel."""

PENDING_CANCELABLE: Final = frozenset(
    old for old, ways in TRANSITIONS.items() if "pending_cancel" in ways
)
"""States in which a cancellation is pending first; from the other ones it is done at once."""

REPLACEABLE: Final = frozenset(
    old for old, ways in TRANSITIONS.items() if "pending_replace" in ways
)
"""States in which a client may replace."""

PENDING_CHANGES: Final = frozenset(("pending_cancel", "pending_replace"))
"""States that an order leaves for the one before if the change comes to nothing."""

WAITING: Final = _words("accepted pending_new accepted_for_bidding done_for_day calculated")
"""States of orders that wait only for their acceptance or their session, to become "new"."""

WORKING: Final = frozenset(("new", "partially_filled", "stopped"))
"""States of orders that meet prices."""

EVENT_STATUSES: Final[Mapping[str, str | None]] = {
    **{status: status for status in OPEN_STATUSES | CLOSED_STATUSES if "fill" not in status},
    "partial_fill": "partially_filled",
    "fill": "filled",
    "order_cancel_rejected": None,
    "order_replace_rejected": None,
    "restated": None,
}
"""Status after each event; None where the event says nothing of it."""


def may(old: str, new: str, before: str = "") -> bool:
    """Whether an order may go from a status to another.

    Args:
        old: Status now; `SUBMIT` of an order that is not in the book yet.
        new: Status then.
        before: The status before, of an order that waits for a change (`Order.before`).
    """
    ways = TRANSITIONS.get(old, frozenset[str]())
    return new in ways or (PREVIOUS in ways and bool(before) and new == before)


def works(order: Order) -> bool:
    """Whether an order meets prices: in the book, though perhaps about to be changed."""
    status = order.before if order.status in PENDING_CHANGES else order.status
    return status in WORKING


def awaits(order: Order) -> bool:
    """Whether an order is to take another's place and waits until that one is replaced."""
    return order.status == "pending_new" and bool(order.replaces)

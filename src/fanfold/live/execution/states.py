"""States of an order, and the only ways between them, as one table.

What happens to an order comes from three sides that know nothing of each other: what we
send, what is answered, and what the stream tells. The table says what each means in each
state. A pair that is not in it is refused and counted: nothing that a broker says can raise.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal


class State(StrEnum):
    """Where an order stands.

    INTENDED: in the journal, nothing has left. DENIED: we did not send it after all.
    SENDING: bytes may be on their way. UNKNOWN: it may or may not have arrived. LOST: asked
    for again and again, and never found. PENDING: the broker has it, and it does not work
    yet. HELD: a leg that waits for its entry. ACCEPTED: it works. PARTIAL: a part is filled.
    STOPPED: a trade is promised. SUSPENDED, DONE_FOR_DAY: it waits. CANCELLING, REPLACING:
    asked for, not proven. FILLED, CANCELED, EXPIRED, REJECTED, REPLACED: over.
    """

    INTENDED = "intended"
    DENIED = "denied"
    SENDING = "sending"
    UNKNOWN = "unknown"
    LOST = "lost"
    PENDING = "pending"
    HELD = "held"
    ACCEPTED = "accepted"
    PARTIAL = "partial"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    DONE_FOR_DAY = "done_for_day"
    CANCELLING = "cancelling"
    REPLACING = "replacing"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"


class Event(StrEnum):
    """What happened to an order: by us, by answers, by the broker, in this order below.

    UNCHANGED says nothing of the state. LATE_FILL is an execution without an order beside
    it, or an old one: it counts, and the order stays where it is.
    """

    SENT = "sent"
    WITHHELD = "withheld"
    CANCEL_SENT = "cancel_sent"
    REPLACE_SENT = "replace_sent"

    ACKED = "acked"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    AMBIGUOUS = "ambiguous"
    NOT_SENT = "not_sent"
    FOUND = "found"
    NOT_FOUND = "not_found"
    CANCEL_REJECTED = "cancel_rejected"
    REPLACE_REJECTED = "replace_rejected"

    PENDING_NEW = "pending_new"
    HOLD = "hold"
    NEW = "new"
    PARTIAL_FILL = "partial_fill"
    FILL = "fill"
    LATE_FILL = "late_fill"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    DONE_FOR_DAY = "done_for_day"
    UNCHANGED = "unchanged"


_S, _E = State, Event

_BEGUN: Final = (_S.INTENDED, _S.SENDING, _S.UNKNOWN, _S.LOST)
_WORKING: Final = (_S.ACCEPTED, _S.PARTIAL, _S.STOPPED, _S.SUSPENDED, _S.DONE_FOR_DAY)
_ASKED: Final = (_S.CANCELLING, _S.REPLACING)
_AT_BROKER: Final = (_S.PENDING, _S.HELD, *_WORKING, *_ASKED)
_ENDED: Final = (_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED, _S.REPLACED)
_FILLS_LATE: Final = (_S.CANCELED, _S.EXPIRED, _S.REJECTED, _S.REPLACED)
_ANY: Final = (*_BEGUN, *_AT_BROKER)

_STAYS: Final = ""
"""In the table: the state stays what it is."""

_WAYS: Final[tuple[tuple[Event, State | Literal[""], tuple[State, ...]], ...]] = (
    # What we do.
    (_E.SENT, _S.SENDING, (_S.INTENDED,)),
    (_E.WITHHELD, _S.DENIED, (_S.INTENDED,)),
    (_E.CANCEL_SENT, _S.CANCELLING, _AT_BROKER),
    (_E.REPLACE_SENT, _S.REPLACING, (_S.ACCEPTED, _S.PARTIAL)),
    # What is answered. The stream may have been faster: then the answer changes nothing.
    (_E.ACKED, _S.PENDING, _BEGUN),
    (_E.ACKED, _STAYS, (*_AT_BROKER, *_ENDED)),
    (_E.REFUSED, _S.REJECTED, _BEGUN),
    (_E.DUPLICATE, _S.UNKNOWN, _BEGUN),
    (_E.DUPLICATE, _STAYS, (*_AT_BROKER, *_ENDED)),
    (_E.AMBIGUOUS, _S.UNKNOWN, (_S.INTENDED, _S.SENDING, _S.UNKNOWN)),
    (_E.AMBIGUOUS, _STAYS, (*_AT_BROKER, *_ENDED)),
    (_E.NOT_SENT, _S.INTENDED, (_S.SENDING,)),
    (_E.FOUND, _S.PENDING, _BEGUN),
    (_E.FOUND, _STAYS, (*_AT_BROKER, *_ENDED)),
    (_E.NOT_FOUND, _S.LOST, (_S.UNKNOWN, _S.LOST)),
    (_E.CANCEL_REJECTED, _S.ACCEPTED, (_S.CANCELLING,)),
    (_E.CANCEL_REJECTED, _STAYS, (_S.PENDING, _S.HELD, *_WORKING, _S.REPLACING, *_ENDED)),
    (_E.REPLACE_REJECTED, _S.ACCEPTED, (_S.REPLACING,)),
    (_E.REPLACE_REJECTED, _STAYS, (_S.PENDING, _S.HELD, *_WORKING, _S.CANCELLING, *_ENDED)),
    # What the broker tells. Messages are lost, so from any open state it may be any other
    # that its own table reaches in several steps.
    (_E.PENDING_NEW, _S.PENDING, (*_BEGUN, _S.PENDING, _S.CANCELLING)),
    (_E.HOLD, _S.HELD, (*_BEGUN, _S.HELD, _S.CANCELLING)),
    (_E.NEW, _S.ACCEPTED, _ANY),
    (_E.PARTIAL_FILL, _S.PARTIAL, (*_ANY, *_FILLS_LATE)),
    (_E.FILL, _S.FILLED, (*_ANY, *_ENDED)),
    (_E.LATE_FILL, _S.PARTIAL, _BEGUN),
    (_E.LATE_FILL, _STAYS, (*_AT_BROKER, *_ENDED)),
    (_E.PENDING_CANCEL, _S.CANCELLING, _ANY),
    (_E.PENDING_REPLACE, _S.REPLACING, _ANY),
    (_E.CANCELED, _S.CANCELED, (*_ANY, _S.CANCELED)),
    (_E.EXPIRED, _S.EXPIRED, (*_ANY, _S.EXPIRED)),
    (_E.REJECTED, _S.REJECTED, (*_ANY, _S.REJECTED)),
    (_E.REPLACED, _S.REPLACED, (*_ANY, _S.REPLACED)),
    (_E.STOPPED, _S.STOPPED, _ANY),
    (_E.SUSPENDED, _S.SUSPENDED, _ANY),
    (_E.DONE_FOR_DAY, _S.DONE_FOR_DAY, _ANY),
    (_E.UNCHANGED, _STAYS, tuple(_S)),
)

TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (old, event): new or old for event, new, olds in _WAYS for old in olds
}
"""Where each event leads from each state; what is not here is refused."""

WORDS: Final[Mapping[str, Event]] = {
    "accepted": _E.PENDING_NEW,
    "pending_new": _E.PENDING_NEW,
    "accepted_for_bidding": _E.PENDING_NEW,
    "pending_review": _E.PENDING_NEW,
    "held": _E.HOLD,
    "new": _E.NEW,
    "partially_filled": _E.PARTIAL_FILL,
    "partial_fill": _E.PARTIAL_FILL,
    "filled": _E.FILL,
    "fill": _E.FILL,
    "pending_cancel": _E.PENDING_CANCEL,
    "pending_replace": _E.PENDING_REPLACE,
    "canceled": _E.CANCELED,
    "expired": _E.EXPIRED,
    "rejected": _E.REJECTED,
    "replaced": _E.REPLACED,
    "stopped": _E.STOPPED,
    "suspended": _E.SUSPENDED,
    "done_for_day": _E.DONE_FOR_DAY,
    "calculated": _E.DONE_FOR_DAY,
    "order_cancel_rejected": _E.CANCEL_REJECTED,
    "order_replace_rejected": _E.REPLACE_REJECTED,
    "restated": _E.UNCHANGED,
    "trade_bust": _E.UNCHANGED,
    "trade_correct": _E.UNCHANGED,
}
"""The broker's words, of an order's `status` and of a trade update's `event`."""

_OPEN: Final = frozenset((_S.SENDING, _S.UNKNOWN, *_AT_BROKER))
_TERMINAL: Final = frozenset((_S.DENIED, _S.LOST, *_ENDED))
_IN_FLIGHT: Final = frozenset((_S.SENDING, _S.UNKNOWN, *_ASKED))
_CANCELLABLE: Final = frozenset((_S.PENDING, _S.HELD, *_WORKING)) - {_S.STOPPED}
_REPLACEABLE: Final = frozenset((_S.ACCEPTED, _S.PARTIAL))

_RANKS: Final[Mapping[Event, int]] = {
    _E.PENDING_NEW: 1,
    _E.HOLD: 1,
    _E.NEW: 2,
    _E.STOPPED: 3,
    _E.SUSPENDED: 3,
    _E.DONE_FOR_DAY: 3,
    _E.PARTIAL_FILL: 4,
    _E.PENDING_CANCEL: 5,
    _E.PENDING_REPLACE: 5,
    _E.CANCELED: 6,
    _E.EXPIRED: 6,
    _E.REJECTED: 6,
    _E.REPLACED: 6,
    _E.FILL: 7,
}


def next_state(state: State, event: Event) -> State | None:
    """Where an event leads, None where it cannot happen."""
    return TRANSITIONS.get((state, event))


def is_open(state: State) -> bool:
    """Whether it may still fill as far as we know, SENDING and UNKNOWN too.

    INTENDED is neither open nor over: nothing of it has left.
    """
    return state in _OPEN


def is_terminal(state: State) -> bool:
    """Whether it is over: only a late fill can still come.

    LOST is over too, and is never sent again for the same approval.
    """
    return state in _TERMINAL


def is_in_flight(state: State) -> bool:
    """Whether an answer is outstanding: SENDING, UNKNOWN, CANCELLING, REPLACING."""
    return state in _IN_FLIGHT


def is_cancellable(state: State) -> bool:
    """Whether asking the broker to cancel makes sense.

    It has the order, nothing of the kind is outstanding, and no trade is promised.
    """
    return state in _CANCELLABLE


def is_replaceable(state: State) -> bool:
    """Whether the broker replaces it: ACCEPTED and PARTIAL alone."""
    return state in _REPLACEABLE


def event_of(word: str) -> Event:
    """The event that a broker's `status` or `event` word means; UNCHANGED for unknown ones."""
    return WORDS.get(word, Event.UNCHANGED)


def is_known(word: str) -> bool:
    """Whether a broker's word is one that we know; count the others."""
    return word in WORDS


def rank_of(word: str) -> int:
    """How late in an order's life a status is, 0 for none.

    Where two messages are of one instant the later status counts.
    """
    return _RANKS.get(event_of(word), 0)

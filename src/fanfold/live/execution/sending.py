"""Orders on their way: sent once, asked about until their fate is proven, never sent blindly.

After anything ambiguous an order is UNKNOWN and counts at full size. It is asked about by
its own name: found, it is adopted; not found again and again over `LOST_AFTER_S`, it is
LOST. Only a refused rate, which surely did nothing, sends the same name a second time.
"""

import heapq
import itertools
import time
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from fanfold.alpaca.wire.orders import OrderMessage
from fanfold.live.component import Outgoing
from fanfold.live.execution.actions import Cancel, Place, Replace, order_of, successor_of
from fanfold.live.execution.answers import (
    BALANCE,
    UNAUTHORIZED,
    Meaning,
    Verdict,
    of_cancel,
    of_order,
)
from fanfold.live.execution.book import Book, change_of, to_all
from fanfold.live.execution.bucket import Bucket
from fanfold.live.execution.ids import client_order_id
from fanfold.live.execution.line import Answer
from fanfold.live.execution.orders import apply_update, happened, is_same, legs_of
from fanfold.live.execution.records import Order
from fanfold.live.execution.requests import (
    BY_CLIENT_ID,
    ORDERS,
    Writer,
    change_body,
    order_body,
)
from fanfold.live.execution.rest import Errand, Lines, Urgency
from fanfold.live.execution.states import Event, State, is_cancellable, is_replaceable
from fanfold.live.plan import Plan
from fanfold.live.statistics import Latency

LOST_AFTER_S: Final = 5.0
"""Least time over which an order must not be found until it is lost [s]."""

AGAIN_S: Final = 1.0
"""Pause after a question that was not answered, and beyond the last of the settings' [s]."""

RATE_TRIES_MAX: Final = 5
"""Times that an order is sent again after a refused rate."""

CANCEL_TRIES_MAX: Final = 10
"""Times that a cancellation is sent until it is given up, and asked for anew."""

CANCEL_PAUSE_S: Final = 0.5
"""Least time between two cancellations of one order [s]."""

NS: Final = 1_000_000_000


class Watch(Protocol):
    """What the sender asks before each write, and tells where something is badly wrong."""

    def may_send(self, order: Order) -> str:
        """Why an order must not leave now, "" where it may."""
        ...

    def may_cancel(self) -> str:
        """Why a cancellation must not leave now, "" where it may."""
        ...

    def wrong(self, name: str, reason: str, now: int) -> list[Outgoing]:
        """Set a latch and stop."""
        ...


class Sending:
    """Sends orders and follows their answers.

    Attributes:
        posts: Orders sent.
        doubt: Why the books may not be what the broker has, "" where nothing says so.
        round_trip: From the bytes to their answer.
    """

    def __init__(  # noqa: PLR0917  (its parts)
        self, plan: Plan, book: Book, lines: Lines, writer: Writer, bucket: Bucket, watch: Watch
    ) -> None:
        self._plan, self._book, self._lines = plan, book, lines
        self._writer, self._bucket, self._watch = writer, bucket, watch
        self._tag, self._symbols = plan.tag, plan.symbols
        self._waits = plan.settings.execution.unknown_waits_s
        self._inquiries: dict[str, _Inquiry] = {}
        self._cancelled_at: dict[str, float] = {}
        self._later: list[tuple[float, int, Callable[[int], list[Outgoing]]]] = []
        self._order = itertools.count()
        self.posts = 0
        self.doubt = ""
        self.round_trip = Latency()

    def place(self, place: Place, now: int) -> list[Outgoing]:
        """Write down an order, then send it.

        Raises:
            LiveError: It could not be written down; nothing was sent.
        """
        name, revision = self._name(place.asset, place.event_ts, place.role)
        self._book.intend(order := order_of(place, name, revision, now, State.SENDING), now)
        answered = self._post(name, 0, now)
        return to_all(change_of(order, now)) + answered

    def cancel(self, cancel: Cancel, now: int) -> list[Outgoing]:
        """Ask the broker to cancel; not more often than `CANCEL_PAUSE_S`."""
        name = cancel.client_order_id
        order, clock = self._book.find(name), time.monotonic()
        if order is None or not order.broker_id or not is_cancellable(order.state):
            return []
        if clock < self._cancelled_at.get(name, 0.0) + CANCEL_PAUSE_S:
            self._dirty_later(order)
            return []
        self._cancelled_at[name] = clock
        told = self._book.commit(happened(order, Event.CANCEL_SENT, reason=cancel.reason), now)
        return told + self._delete(name, 0, now)

    def replace(self, change: Replace, now: int) -> list[Outgoing]:
        """Ask the broker to put another order in an order's place.

        Raises:
            LiveError: It could not be written down; nothing was sent.
        """
        old = self._book.find(change.client_order_id)
        if old is None or not old.broker_id or not is_replaceable(old.state):
            return []
        name, revision = self._name(old.asset, change.event_ts, old.role)
        made = successor_of(old, change, name, revision, now)
        self._book.intend(sent := happened(made, Event.SENT).order, now)
        told = to_all(change_of(sent, now))
        told += self._book.commit(happened(old, Event.REPLACE_SENT), now)
        content = self._writer.patch(
            f"{ORDERS}/{old.broker_id}", change_body(change, old.parts, name)
        )
        errand = Errand(
            content=content, method="PATCH", urgency=Urgency.ORDER,
            done=partial(self._placed, name, RATE_TRIES_MAX), guard=partial(self._guard, name),
        )  # fmt: skip
        return told + self._go(errand, now)

    def ask(self, name: str, now: int) -> list[Outgoing]:
        """Ask the broker for an order by our name for it."""
        content = self._writer.get(BY_CLIENT_ID, client_order_id=name, nested="true")
        errand = Errand(
            content=content, method="GET", urgency=Urgency.QUESTION, done=partial(self._told, name)
        )
        return self._go(errand, now)

    def inquire(self, name: str) -> None:
        """Begin to ask about an order of which nothing is known, until something is."""
        if name not in self._inquiries:
            self._inquiries[name] = _Inquiry()
            self._again(name, self._waits[0] if self._waits else AGAIN_S)

    def seen(
        self, order: Order, message: OrderMessage, now: int, event: str = ""
    ) -> list[Outgoing]:
        """What a whole order of the broker says of one of ours, its legs with it.

        Raises:
            ValueError: It says what cannot be.
        """
        told: list[Outgoing] = []
        if order.state in {State.SENDING, State.UNKNOWN, State.LOST, State.INTENDED}:
            symbol = self._plan.assets[order.asset].symbol
            # What replaces another has what the broker left of it.
            differs = "" if order.replaces else is_same(order, message, symbol)
            if differs:
                reason = f"the broker's order {order.client_order_id} has another {differs}"
                return self._watch.wrong("adoption", reason, now)
            order = happened(order, Event.FOUND).order
        told += self._book.commit(apply_update(order, message), now, event)
        for change, own in zip(legs_of(order, message), message.legs or (), strict=True):
            known = self._book.find(change.order.client_order_id)
            leg = change if known is None else apply_update(known, own)
            told += self._book.commit(leg, now, "leg")
        return told

    def tick(self, now: int) -> list[Outgoing]:
        """Do what is due by time."""
        self._book.trail.write()
        told: list[Outgoing] = []
        clock = time.monotonic()
        while self._later and self._later[0][0] <= clock:
            told += heapq.heappop(self._later)[-1](now)
        return told

    @property
    def unknown(self) -> int:
        """Orders that are asked about."""
        return len(self._inquiries)

    def _name(self, asset: int, event_ts: int, role: str) -> tuple[str, int]:
        journal = self._book.journal
        revision = journal.revision_for(asset, event_ts, role)
        name = client_order_id(
            journal.account, journal.deployment, self._tag, self._symbols[asset], event_ts, role,
            revision,
        )  # fmt: skip
        return name, revision

    def _guard(self, name: str) -> str:
        order = self._book.find(name)
        if order is None or order.state is not State.SENDING:
            return "the order is over already"
        return self._watch.may_send(order)

    def _go(self, errand: Errand, now: int) -> list[Outgoing]:
        if not self._lines.send(errand):
            return list(errand.done(Answer(trouble="too many requests wait", sent=False), now))
        return self._lines.pump(now)

    def _at(self, wait_s: float, act: Callable[[int], list[Outgoing]]) -> None:
        heapq.heappush(self._later, (time.monotonic() + wait_s, next(self._order), act))

    def _dirty_later(self, order: Order) -> None:
        def act(_now: int) -> list[Outgoing]:
            self._book.dirty.add(order.asset)
            return []

        self._at(CANCEL_PAUSE_S, act)

    def _post(self, name: str, tries: int, now: int) -> list[Outgoing]:
        order = self._book.find(name)
        if order is None or order.state is not State.SENDING:
            return []  # the stream has told more of it since
        self.posts += 1
        body = order_body(order, self._symbols[order.asset])
        errand = Errand(
            content=self._writer.post(ORDERS, body), method="POST", urgency=Urgency.ORDER,
            done=partial(self._answered, name, tries, time.monotonic_ns()),
            guard=partial(self._guard, name),
        )  # fmt: skip
        told = self._go(errand, now)
        self._book.note("sent", order)
        return told

    def _answered(
        self, name: str, tries: int, sent_at: int, answer: Answer, now: int
    ) -> list[Outgoing]:
        self.round_trip.record(time.monotonic_ns() - sent_at)
        return self._placed(name, tries, answer, now)

    def _placed(self, name: str, tries: int, answer: Answer, now: int) -> list[Outgoing]:  # noqa: PLR0911
        order, meaning = self._book.find(name), of_order(answer, name)
        if order is None:
            return []
        match meaning.verdict:
            case Verdict.ACCEPTED if meaning.order is not None:
                return self._safely(order, meaning.order, now)
            case Verdict.DUPLICATE:
                told = self._book.commit(happened(order, Event.DUPLICATE), now, "duplicate")
                self._inquiries.setdefault(name, _Inquiry())
                return told + self.ask(name, now)
            case Verdict.RATE_LIMITED:
                self._limited(meaning)
                if tries < RATE_TRIES_MAX:
                    self._at(meaning.wait_s, lambda at: self._post(name, tries + 1, at))
                    return []
                return self._unsent(order, "the rate was refused", now)
            case Verdict.NOT_SENT:
                return self._unsent(order, meaning.words, now)
            case Verdict.AMBIGUOUS | Verdict.ACCEPTED:
                self._book.count("ambiguous")
                change = happened(order, Event.AMBIGUOUS, reason=meaning.words)
                told = self._book.commit(change, now, "ambiguous")
                self._if_unknown(name)
                return told
            case _:
                return self._refused(order, meaning, now)

    def _refused(self, order: Order, meaning: Meaning, now: int) -> list[Outgoing]:
        reason = f"{meaning.reason}: {meaning.words}"
        self._book.count(f"refused.{meaning.reason}")
        told = self._book.commit(happened(order, Event.REFUSED, reason=reason), now, "refused")
        if order.replaces:
            told += self._not_replaced(order.replaces, reason, now)
        if meaning.reason == BALANCE and order.role == "exit":
            self.doubt = "the broker holds less than was to be sold"
        if meaning.reason == UNAUTHORIZED:
            told += self._watch.wrong("unauthorized", "the broker refused the keys", now)
        return told

    def _unsent(self, order: Order, reason: str, now: int) -> list[Outgoing]:
        back = happened(order, Event.NOT_SENT).order
        told = self._book.commit(happened(back, Event.WITHHELD, reason=reason), now, "withheld")
        if order.replaces:
            told += self._not_replaced(order.replaces, reason, now)
        return told

    def _not_replaced(self, name: str, reason: str, now: int) -> list[Outgoing]:
        old = self._book.find(name)
        if old is None:
            return []
        told = self._book.commit(happened(old, Event.REPLACE_REJECTED, reason=reason), now)
        return told + self.ask(name, now)

    def _if_unknown(self, name: str) -> None:
        order = self._book.find(name)
        if order is not None and order.state is State.UNKNOWN:
            self.inquire(name)

    def _safely(self, order: Order, message: OrderMessage, now: int) -> list[Outgoing]:
        try:
            return self.seen(order, message, now, "answered")
        except ValueError as error:
            self._book.count("malformed")
            change = happened(order, Event.AMBIGUOUS, reason=str(error)[:200])
            told = self._book.commit(change, now, "malformed")
            self._if_unknown(order.client_order_id)
            return told

    def _again(self, name: str, wait_s: float) -> None:
        self._at(wait_s, lambda at: self.ask(name, at) if name in self._inquiries else [])

    def _told(self, name: str, answer: Answer, now: int) -> list[Outgoing]:
        order, meaning = self._book.find(name), of_order(answer, name)
        if order is None:
            return []
        inquiry = self._inquiries.get(name)
        if meaning.verdict is Verdict.ACCEPTED and meaning.order is not None:
            self._inquiries.pop(name, None)
            return self._safely(order, meaning.order, now)
        if meaning.verdict is Verdict.RATE_LIMITED:
            self._limited(meaning)
        if inquiry is None:
            return []
        if order.state is not State.UNKNOWN:
            del self._inquiries[name]  # the stream was faster
            return []
        if meaning.verdict is not Verdict.NOT_FOUND:
            self._again(name, max(AGAIN_S, meaning.wait_s))
            return []
        return self._missed(order, inquiry, now)

    def _missed(self, order: Order, inquiry: "_Inquiry", now: int) -> list[Outgoing]:
        name, clock = order.client_order_id, time.monotonic()
        inquiry.misses += 1
        inquiry.first_at = inquiry.first_at or clock
        if inquiry.misses < len(self._waits):
            self._again(name, self._waits[inquiry.misses])
            return []
        if clock - inquiry.first_at < LOST_AFTER_S:
            self._again(name, AGAIN_S)
            return []
        del self._inquiries[name]
        self._book.count("lost")
        reason = f"never arrived: not found {inquiry.misses} times"
        told = self._book.commit(happened(order, Event.NOT_FOUND, reason=reason), now, "lost")
        if order.replaces:
            told += self._not_replaced(order.replaces, reason, now)
        return told

    def _delete(self, name: str, tries: int, now: int) -> list[Outgoing]:
        order = self._book.find(name)
        if order is None or order.state is not State.CANCELLING:
            return []
        errand = Errand(
            content=self._writer.delete(f"{ORDERS}/{order.broker_id}"), method="DELETE",
            urgency=Urgency.CANCEL, done=partial(self._cancelled, name, tries),
            guard=self._watch.may_cancel,
        )  # fmt: skip
        return self._go(errand, now)

    def _cancelled(self, name: str, tries: int, answer: Answer, now: int) -> list[Outgoing]:
        order, meaning = self._book.find(name), of_cancel(answer)
        if order is None or meaning.verdict is Verdict.ACCEPTED:
            return []  # the end of it comes by the stream, or by the poll
        if meaning.verdict is Verdict.RATE_LIMITED:
            self._limited(meaning)
        repeat = meaning.verdict in {Verdict.RATE_LIMITED, Verdict.AMBIGUOUS, Verdict.NOT_SENT}
        if repeat and tries < CANCEL_TRIES_MAX and not self._watch.may_cancel():
            wait_s = max(CANCEL_PAUSE_S, meaning.wait_s)
            self._at(wait_s, lambda at: self._delete(name, tries + 1, at))
            return self.ask(name, now)
        change = happened(order, Event.CANCEL_REJECTED, reason=meaning.words)
        told = self._book.commit(change, now, "cancel rejected")
        self._cancelled_at[name] = time.monotonic()
        return told + self.ask(name, now)

    def _limited(self, meaning: Meaning) -> None:
        self._book.count("rate_limited")
        self._bucket.blocked(time.monotonic_ns(), meaning.wait_s)


class _Inquiry:
    """How often an order was not found, and since when [monotonic s]."""

    __slots__ = ("first_at", "misses")

    def __init__(self) -> None:
        self.misses, self.first_at = 0, 0.0

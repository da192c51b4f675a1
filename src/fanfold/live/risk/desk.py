"""From an intent to what is sent: judge it, note what it takes, say what became of it."""

import math
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from fanfold.live.component import Outgoing
from fanfold.live.messages import EXECUTION, SIGNAL, ApprovedOrder, Intent, Quote, Refusal, Value
from fanfold.live.risk.ask import Ask, Post, Rooms
from fanfold.live.risk.book import Book, split_order
from fanfold.live.risk.checks import judge, openings_for
from fanfold.live.risk.mirror import Mirror
from fanfold.live.risk.shown import REFUSALS_MAX
from fanfold.live.risk.usual import Usual, usual

UNKNOWN_ASSET: Final = "unknown_asset"
BAD_NUMBER: Final = "bad_number"
DUPLICATE: Final = "duplicate"
HALTED: Final = "halted"

FLOOR_BITS: Final = 8
"""What limits allow is prepared for an equity that is less by 2**-8 of it: quotes may move it."""

REHEARSE_NS: Final = 1_000_000
"""Least time between two rehearsals, so that they take a hundredth of a core at most [ns]."""

_STANDS: Final = frozenset({BAD_NUMBER, DUPLICATE})
"""Refusals that leave what was approved before as it is."""


class Desk:
    """Judges intents over a mirror, one after the other.

    Args:
        mirror: Market and account.
        post: Where risk stands.

    Attributes:
        refusals: The last ones, the newest last.
        decided_at: When the last verdict was found, before it was noted [performance ns].
    """

    def __init__(self, mirror: Mirror, post: Post) -> None:
        self.refusals: deque[Refusal] = deque(maxlen=REFUSALS_MAX)
        self._mirror = mirror
        self._post = post
        self._rooms = self._floor = Rooms(0, mirror.rules)
        self.decided_at = self._rehearsed_at = 0
        self._sway_max = math.inf
        self._openings = openings_for(mirror.rules)

    def in_order(self, intents: list[Intent]) -> list[Intent]:
        """Intents of one envelope: what only lessens a position first, since it pays the rest."""
        if len(intents) == 1:
            return intents
        books = self._mirror.books
        return sorted(intents, key=lambda each: _opens(each, books.get(each.asset)))

    def take(self, intent: Intent, now: int, out: list[Outgoing]) -> str:
        """Approve, trim or refuse an intent; the reason, or "".

        Args:
            intent: As it came.
            now: [ns UTC]
            out: What is sent is added to it.
        """
        book = self._mirror.books.get(intent.asset)
        if book is None:
            refusal = Refusal(
                intent.number, intent.asset, UNKNOWN_ASSET, 0, math.nan, math.nan, now
            )
            self._refuse(refusal, out)
            self.decided_at = time.perf_counter_ns()
            return UNKNOWN_ASSET
        self._post.now = now
        usual_one = usual(intent, book, self._mirror, self._post, self._floor)
        if usual_one is not None:
            self._pass_whole(intent, book, usual_one, out)
            return ""
        return self._judge(intent, book, now, out)

    def prepare(self) -> None:
        """Mark what is held, and look at what limits allow, while no intent waits for it."""
        mirror = self._mirror
        mirror.mark_all()
        equity = mirror.sums.cash + mirror.sums.held
        floor = max(equity - (equity >> FLOOR_BITS), 0)
        if floor != self._floor.equity:
            self._floor = Rooms(floor, mirror.rules)
        self._sway_max = math.inf
        if mirror.rules.by_quotes and equity > 0:
            self._sway_max = max((equity - floor) / 2, 2.0 * mirror.swayed)

    def get_ready(self, values: Sequence[Value], now: int) -> None:
        """After news of the market: what the next order needs is made ready for it.

        Args:
            values: What has come.
            now: [ns UTC]
        """
        if self._mirror.swayed > self._sway_max:
            self.prepare()
        if now - self._rehearsed_at > REHEARSE_NS and values and type(values[-1]) is Quote:
            self._rehearsed_at = now
            book = self._mirror.books.get(values[-1].asset)
            if book is not None:
                self._rehearse(book, now)

    def _rehearse(self, book: Book, now: int) -> None:
        """Go an order's way with one that nobody wants.

        Between two orders other code and other processes have the caches, and what the next
        one needs would be fetched while it waits: that takes longer than all checks.
        """
        mirror, post = self._mirror, self._post
        post.now = now
        intent = Intent(
            post.highest + 1, mirror.newest, book.number, book.held + book.rules.parts,
            math.nan, math.nan, math.nan, math.nan, 0.5 * book.middle, forced=False,
        )  # fmt: skip
        usual(intent, book, mirror, post, self._floor)
        approved_of(intent, book, post, 0, 1)
        mirror.settle(book)  # as it is already

    def _judge(self, intent: Intent, book: Book, now: int, out: list[Outgoing]) -> str:
        """Ask all checks; the reason, or ""."""
        self._mirror.mark_live(book)
        equity = self._mirror.sums.cash + self._mirror.sums.held
        if equity != self._rooms.equity:
            self._rooms = Rooms(equity, self._mirror.rules)
        ask = Ask(intent, book, self._mirror, self._post, self._rooms)
        verdict = judge(ask, self._openings)
        self.decided_at = time.perf_counter_ns()
        reason = verdict.reason
        if reason != BAD_NUMBER:
            self._post.highest = max(self._post.highest, intent.number)
        allowed = book.held + ask.close + verdict.opens
        if verdict.whole or reason == DUPLICATE:
            allowed = book.goal if book.stands and reason in _STANDS else book.held
        elif verdict.opens or ask.close or not reason or book.remainder():
            out.append((EXECUTION, self._approved(ask, verdict.opens)))
        if reason:
            reason = self._post.latch if reason == HALTED else reason
            refusal = Refusal(
                intent.number, intent.asset, reason, allowed, verdict.bound, verdict.reached, now
            )
            self._refuse(refusal, out)
        return reason

    def _pass_whole(self, intent: Intent, book: Book, found: Usual, out: list[Outgoing]) -> None:
        """Approve all of an intent."""
        post = self._post
        out.append((EXECUTION, approved_of(intent, book, post, found.close, found.opens)))
        self.decided_at = time.perf_counter_ns()
        post.highest = max(post.highest, intent.number)
        book.mark = found.mark
        self._note(intent, book, intent.goal, found.close, found.opens, found.spends)

    def _approved(self, ask: Ask, opens: int) -> ApprovedOrder:
        """Make an approval of what is left of an intent, and note what it takes."""
        intent, book = ask.intent, ask.book
        ask.opens = opens
        approved = approved_of(intent, book, self._post, ask.close, opens)
        self._note(intent, book, approved.goal, ask.close, opens, ask.reserve - ask.closing)
        return approved

    def _note(  # noqa: PLR0917  (what was found out)
        self, intent: Intent, book: Book, goal: int, close: int, opens: int, spends: int
    ) -> None:
        mirror = self._mirror
        mirror.set_spent(book, spends)
        mirror.order_count += (close != 0) + (opens != 0)
        self._post.note_approved(self._post.now)
        self._stand(book, goal, intent.number)
        book.approved_ts = intent.event_ts
        book.limit, book.stop = intent.limit, intent.stop

    def flatten(
        self, reason: str, bound: float, reached: float, now: int, out: list[Outgoing]
    ) -> None:
        """Let everything go: goals of zero for execution, and signal is told to disarm.

        They bear the number of the last intent, since they come after it.
        """
        mirror, post = self._mirror, self._post
        for number in sorted(mirror.live):
            book = mirror.books[number]
            left = book.remainder()
            if book.held == 0 and left == 0:
                continue
            self._stand(book, 0, post.highest)
            book.approved_ts = mirror.newest
            book.limit = book.stop = math.nan
            mirror.set_spent(book, 0)
            order = ApprovedOrder(
                number=post.highest,
                event_ts=mirror.newest,
                asset=number,
                goal=0,
                most=abs(book.held) + abs(left),
                limit=math.nan,
                stop=math.nan,
                stop_loss=math.nan,
                take_profit=math.nan,
                reference=0.5 * book.middle,
                reduce_only=True,
                approved_at=now,
                epoch=post.epoch,
            )
            out.append((EXECUTION, order))
            refusal = Refusal(post.highest, number, reason, 0, bound, reached, now)
            self._refuse(refusal, out)

    def _refuse(self, refusal: Refusal, out: list[Outgoing]) -> None:
        self.refusals.append(refusal)
        out.append((SIGNAL, refusal))

    def _stand(self, book: Book, goal: int, number: int) -> None:
        book.goal = goal
        book.stands = book.pending = True
        book.approval = number
        self._mirror.settle(book)


def approved_of(intent: Intent, book: Book, post: Post, close: int, opens: int) -> ApprovedOrder:
    """What execution is told: an intent of which so much may go; asked before it is noted."""
    held = book.held
    most = max(abs(close), abs(opens)) if opens else abs(held) + abs(book.remainder())
    return ApprovedOrder(
        intent.number, intent.event_ts, book.number, held + close + opens, most, intent.limit,
        intent.stop, intent.stop_loss, intent.take_profit, 0.5 * book.middle, opens == 0,
        post.now, post.epoch,
    )  # fmt: skip


def _opens(intent: Intent, book: Book | None) -> bool:
    return book is None or split_order(book.held, intent.goal - book.held)[1] != 0

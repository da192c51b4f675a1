"""From an intent to what is sent: judge it, note what it takes, say what became of it."""

import math
from typing import Final

from fanfold.live.component import Outgoing
from fanfold.live.messages import EXECUTION, SIGNAL, ApprovedOrder, Intent, Refusal
from fanfold.live.risk.ask import Ask, Post, Rooms
from fanfold.live.risk.book import Book, split_order
from fanfold.live.risk.checks import judge, openings_for
from fanfold.live.risk.mirror import Mirror

UNKNOWN_ASSET: Final = "unknown_asset"
BAD_NUMBER: Final = "bad_number"
DUPLICATE: Final = "duplicate"
HALTED: Final = "halted"

_STANDS: Final = frozenset({BAD_NUMBER, DUPLICATE})
"""Refusals that leave what was approved before as it is."""


class Desk:
    """Judges intents over a mirror, one after the other.

    Args:
        mirror: Market and account.
        post: Where risk stands.
    """

    def __init__(self, mirror: Mirror, post: Post) -> None:
        self._mirror = mirror
        self._post = post
        self._rooms = Rooms(0, mirror.rules)
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
            out.append((SIGNAL, refusal))
            return UNKNOWN_ASSET
        self._post.now = now
        self._mirror.mark_live(book)
        equity = self._mirror.sums.cash + self._mirror.sums.held
        if equity != self._rooms.equity:
            self._rooms = Rooms(equity, self._mirror.rules)
        ask = Ask(intent, book, self._mirror, self._post, self._rooms)
        verdict = judge(ask, self._openings)
        reason = verdict.reason
        if reason != BAD_NUMBER:
            self._post.highest = max(self._post.highest, intent.number)
        allowed = book.held + ask.close + verdict.opens
        if verdict.whole or reason == DUPLICATE:
            allowed = book.goal if book.stands and reason in _STANDS else book.held
        elif verdict.opens or ask.close or not reason or book.remainder():
            out.append((EXECUTION, self._approved(ask, allowed, verdict.opens)))
        if reason:
            reason = self._post.latch if reason == HALTED else reason
            refusal = Refusal(
                intent.number, intent.asset, reason, allowed, verdict.bound, verdict.reached, now
            )
            out.append((SIGNAL, refusal))
        return reason

    def _approved(self, ask: Ask, goal: int, opens: int) -> ApprovedOrder:
        """Note what an approval takes, and make it."""
        intent, book, mirror, post = ask.intent, ask.book, self._mirror, self._post
        ask.opens = opens
        held, left = book.held, abs(book.remainder())
        mirror.set_spent(book, ask.reserve - ask.closing)
        mirror.order_count += (ask.close != 0) + (opens != 0)
        post.note_approved(ask.now)
        self._stand(book, goal, intent.number)
        book.approved_ts = intent.event_ts
        book.limit, book.stop = intent.limit, intent.stop
        most = max(abs(ask.close), abs(opens)) if opens else abs(held) + left
        return ApprovedOrder(
            number=intent.number,
            event_ts=intent.event_ts,
            asset=book.number,
            goal=goal,
            most=most,
            limit=intent.limit,
            stop=intent.stop,
            stop_loss=intent.stop_loss,
            take_profit=intent.take_profit,
            reference=ask.price,
            reduce_only=opens == 0,
            approved_at=ask.now,
            epoch=post.epoch,
        )

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
            out.append((SIGNAL, refusal))

    def _stand(self, book: Book, goal: int, number: int) -> None:
        book.goal = goal
        book.stands = book.pending = True
        book.approval = number
        self._mirror.settle(book)


def _opens(intent: Intent, book: Book | None) -> bool:
    return book is None or split_order(book.held, intent.goal - book.held)[1] != 0

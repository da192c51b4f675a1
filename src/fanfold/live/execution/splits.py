"""Splits: learnt from the broker before the session, booked once, told to who counts units.

The list of corporate actions names what is split and how, whether it is held or not; what
became of our units is what the account's activities say, else what its position shows. What
was told once is told again after each arming, since whoever was down has missed it: receivers
go by the day.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from fanfold.alpaca.wire.assets import ClockMessage
from fanfold.alpaca.wire.numbers import decimal_of
from fanfold.domain.sessions import DAY_NS
from fanfold.live.component import Outgoing
from fanfold.live.execution.book import Book, to_all
from fanfold.live.execution.listed import Listed
from fanfold.live.execution.reconcile import (
    EXTERNAL,
    SPLIT,
    Activity,
    Snapshot,
    booking,
    broker_lots,
    external_text,
)
from fanfold.live.execution.records import PROTECTIVE, Order
from fanfold.live.execution.states import State
from fanfold.live.messages import ApprovedOrder, Split
from fanfold.live.plan import Plan

KEPT_DAYS: Final = 10
"""How long a split is told again after each arming [days]."""

DENOMINATOR_MAX: Final = 50
"""Largest part of a ratio that is guessed from units alone."""

TOLERANCE: Final = 1e-6
"""A split leaves whole lots if what it leaves is this close to them [lots]."""

_ASKED: Final = frozenset(
    (State.INTENDED, State.SENDING, State.UNKNOWN, State.CANCELLING, State.REPLACING)
)

_EPOCH: Final = date(1970, 1, 1)
_DAY: Final = "split_day"
_TOLD: Final = "splits"


class Due(Struct, frozen=True):
    """A split that has happened: one unit became `ratio` on a day [days since 1970-01-01]."""

    asset: int
    day: int
    ratio: float


class Splits:
    """What was split, and what is still to be booked.

    Args:
        plan: Of the deployment.
        book: Its orders and positions.
        listed: The broker's list of splits.
    """

    def __init__(self, plan: Plan, book: Book, listed: Listed) -> None:
        self._plan, self._book, self._listed = plan, book, listed
        self._places = {one.symbol.replace("/", ""): n for n, one in enumerate(plan.assets)}
        self._told = [
            Due(*one)
            for one in msgspec.json.decode(
                book.journal.kept(_TOLD) or "[]", type=list[tuple[int, int, float]]
            )
        ]

    def again(self) -> list[Outgoing]:
        """What was told, once more."""
        held = self._book.held
        return [
            one
            for due in self._told
            for one in to_all(Split(due.asset, due.day * DAY_NS, due.ratio, held[due.asset]))
        ]

    def may_be_why(self, before: Order, after: Order) -> bool:
        """Whether the broker has changed or cancelled an order unasked, as splits make it.

        Where a stop or a target of the same family has filled, the other ends by itself.
        """
        if before.state in _ASKED:
            return False
        if after.state is not State.CANCELED:
            return after.lots != before.lots and after.replaces == before.replaces
        return before.state is not after.state and not any(
            other.filled and other.family == after.family
            for other in self._book.of_asset(after.asset)
            if other.client_order_id != after.client_order_id and other.role in PROTECTIVE
        )

    def settle(
        self, snapshot: Snapshot, external: list[int] | None, now: int
    ) -> tuple[list[Outgoing], str]:
        """Book what has happened since.

        Args:
            snapshot: What the broker says.
            external: Signed lots that are not ours, by asset, changed in place; None while
                nobody knows, at the first reconciliation.
            now: [ns UTC]

        Returns:
            What is to be told, and which split the broker has still to make, "" for none.

        Raises:
            ValueError: A quantity is no number.
            LiveError: It could not be written.
        """
        if snapshot.clock is None:
            return [], ""
        known, today = self._known_until(snapshot.clock), day_of(snapshot.clock.timestamp)
        there = broker_lots(self._plan, snapshot.positions)[0]
        beside = [0] * len(there) if external is None else external
        told: list[Outgoing] = []
        for due in self._due(snapshot, known, today, beside):
            moved = self._moved(due, snapshot.activities, beside, there)
            if moved is None:
                return told, f"the broker to split {self._plan.symbols[due.asset]}"
            told += self._happened(due, moved, beside, now, keeps=external is not None)
        if today - 1 > known:
            self._book.journal.keep(_DAY, str(today - 1))
        return told, ""

    def _known_until(self, clock: ClockMessage) -> int:
        """Splits until this day were known: at first those of sessions that have begun."""
        kept = self._book.journal.kept(_DAY)
        if kept:
            return int(kept)
        today = day_of(clock.timestamp)
        has_begun = clock.is_open or day_of(clock.next_open) > today
        day = today if has_begun else today - 1
        self._book.journal.keep(_DAY, str(day))
        return day

    def _due(
        self, snapshot: Snapshot, known: int, today: int, external: Sequence[int]
    ) -> Iterator[Due]:
        done = {(due.asset, due.day) for due in self._told}
        listed: set[int] = set()
        for action in self._listed.actions:
            asset, day = self._places.get(action.symbol.replace("/", "")), day_of(action.ex_date)
            if asset is None or not known < day <= today or action.old_rate <= 0:
                continue
            listed.add(asset)
            if (asset, day) not in done:
                yield Due(asset, day, action.new_rate / action.old_rate)
        for activity in snapshot.activities:
            asset = self._places.get((activity.symbol or "").replace("/", ""))
            if activity.activity_type != SPLIT or asset is None or asset in listed:
                continue
            day = day_of(activity.date or activity.created_at or "")
            total = self._book.held[asset] + external[asset]
            lots = decimal_of(activity.qty or "0") * self._plan.assets[asset].parts
            ratio = ratio_of(total, int(total + lots))
            if known < day <= today and (asset, day) not in done and ratio is not None:
                yield Due(asset, day, ratio)

    def _moved(
        self,
        due: Due,
        activities: Sequence[Activity],
        external: Sequence[int],
        there: Sequence[int],
    ) -> int | None:
        """Lots that the account has more since a split; None if it has not happened there."""
        parts = self._plan.assets[due.asset].parts
        listed = [
            decimal_of(one.qty) * parts
            for one in activities
            if one.activity_type == SPLIT
            and one.qty
            and self._places.get((one.symbol or "").replace("/", "")) == due.asset
            and day_of(one.date or one.created_at or "") >= due.day
        ]
        before = self._book.held[due.asset] + external[due.asset]
        if listed:  # less than a lot counts as nothing
            return int(before + sum(listed)) - before
        if before == 0:
            return 0
        after = whole(before * due.ratio)
        return after - before if there[due.asset] == after else None

    def _happened(
        self, due: Due, moved: int, external: list[int], now: int, *, keeps: bool
    ) -> list[Outgoing]:
        book, asset = self._book, due.asset
        held, beside = book.held[asset], external[asset]
        ours = moved if beside == 0 else whole(held * due.ratio) - held
        name = f"split:{self._plan.symbols[asset]}:{due.day}"
        execution = booking(name, asset, ours, ts=now) if ours else None
        approved = book.approvals.get(asset)
        if approved is not None:
            approved = split_approval(approved, due.ratio)
        external[asset] = beside + moved - ours
        self._told = [one for one in self._told if one.day > due.day - KEPT_DAYS] + [due]
        told = [(one.asset, one.day, one.ratio) for one in self._told]
        kept = {_TOLD: msgspec.json.encode(told).decode()}
        if keeps:
            kept[EXTERNAL] = external_text(external, self._plan.symbols)
        book.split(execution, approved, kept, now)
        book.count("splits")
        return to_all(Split(asset, due.day * DAY_NS, due.ratio, book.held[asset]))


def day_of(text: str) -> int:
    """The date that a text begins with [days since 1970-01-01].

    Raises:
        ValueError: It begins with none.
    """
    return date.fromisoformat(text[:10]).toordinal() - _EPOCH.toordinal()


def whole(lots: float) -> int:
    """Whole lots towards zero, of a count that rounding may have missed by a hair."""
    nearest = round(lots)
    return nearest if abs(lots - nearest) <= TOLERANCE else int(lots)


def ratio_of(before: int, after: int) -> float | None:
    """The simplest ratio that makes so many lots of so many; None if there is none."""
    if before * after <= 0 or before == after:
        return None
    for old in range(1, DENOMINATOR_MAX + 1):
        nearest = round(after * old / before)
        for new in (nearest, nearest + 1):
            if new > 0 and new != old and whole(before * new / old) == after:
                return new / old
    return None


def split_approval(approved: ApprovedOrder, ratio: float) -> ApprovedOrder:
    """An approval as it means the same after a split."""
    return replace(
        approved,
        goal=whole(approved.goal * ratio),
        most=whole(approved.most * ratio),
        limit=approved.limit / ratio,
        stop=approved.stop / ratio,
        stop_loss=approved.stop_loss / ratio,
        take_profit=approved.take_profit / ratio,
        reference=approved.reference / ratio,
    )

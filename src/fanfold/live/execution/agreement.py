"""Broker and journal are brought to agree, again and again; until they do, no order goes.

What the broker says of our orders is believed; what it says of positions must follow from
it. A difference that stays sets a latch: somebody must look.
"""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from fanfold.alpaca.wire.instants import instant_of, instant_text
from fanfold.alpaca.wire.orders import OrderMessage, TradeUpdateMessage
from fanfold.live.component import Outgoing
from fanfold.live.execution.amounts import micro_of
from fanfold.live.execution.asking import Asking
from fanfold.live.execution.book import Book, to_all
from fanfold.live.execution.ids import is_ours
from fanfold.live.execution.listed import Listed
from fanfold.live.execution.orders import adopted, apply_trade_update
from fanfold.live.execution.reconcile import (
    EXTERNAL,
    Snapshot,
    Verdict,
    behind,
    booking,
    coin_fee,
    compared,
    external_of,
    external_text,
    newest,
    unit_changes,
)
from fanfold.live.execution.requests import Writer
from fanfold.live.execution.rest import Lines
from fanfold.live.execution.sending import Sending
from fanfold.live.execution.splits import Splits
from fanfold.live.messages import AccountState
from fanfold.live.plan import Plan

SAFETY_NS: Final = 300 * 1_000_000_000
"""How far before the last reconciliation the next one looks back [ns of the broker's clock]."""

TRIES_MAX: Final = 6
"""Comparisons in a row that show the same difference before it is no race any more."""

SHOWN_MAX: Final = 5
"""Differences that a reason names."""

SOON_S: Final = 0.5
"""Pause before the next of them [s]."""

RETRY_S: Final = 5.0
"""Pause after a refusal, or a difference that stayed [s]."""

PROOF_S: Final = 3.0
"""Time within which the stream must tell what REST has told already [s]."""

STRAYS_MAX: Final = 1_000
"""Updates of unknown orders that are kept until their parents are known."""

MISSING_MAX: Final = 100
"""Open orders that one reconciliation asks for by name."""

LATCH: Final = "reconcile"
SPLIT_MAYBE: Final = "the broker has changed an order by itself, as after a split"


def _always(_urgent: bool) -> bool:  # noqa: FBT001
    return True  # asked once a day


Wrong = Callable[[str, str, int], list[Outgoing]]


class Agreement:
    """Whether broker and journal agree, and what is done about it.

    Attributes:
        account: The last state of the account, None before the first.
        equity: Of it [micro-units].
        wants_restart: Whether the stream was found to be mute.
        data: Lines to the broker's data side.
    """

    def __init__(  # noqa: PLR0917  (its parts)
        self, plan: Plan, book: Book, lines: Lines, writer: Writer, sending: Sending, wrong: Wrong
    ) -> None:
        self._plan, self._book, self._sending, self._wrong = plan, book, sending, wrong
        self.data = Lines(plan.addresses.data_url, plan.settings.broker, _always)
        asks = writer.at(plan.addresses.data_url)
        listed = Listed(self.data, asks, plan.symbols)
        self._asking = Asking(lines, writer, self._whole, listed)
        self._splits = Splits(plan, book, listed)
        self._external = external_of(book.journal.kept(EXTERNAL), plan.symbols)
        self._since = book.journal.kept("since")
        self._differing: dict[str, tuple[int, int]] = {}
        self._next_at = float("inf")
        self._strays: dict[str, list[TradeUpdateMessage]] = {}
        self._proofs: dict[str, tuple[int, float]] = {}
        self._agrees, self._reason = False, "not reconciled yet"
        self.account: AccountState | None = None
        self.equity = 0
        self.wants_restart = False

    @property
    def agreed(self) -> bool:
        """Whether they do."""
        return self._agrees and not self._sending.doubt

    @property
    def reason(self) -> str:
        """Why not."""
        return self._sending.doubt or self._reason

    def begin(self, reason: str, now: int) -> list[Outgoing]:
        """Agree no longer, and find out."""
        self._agrees, self._reason, self._differing = False, reason, {}
        self._sending.doubt = ""
        self._proofs.clear()
        return self._ask(now)

    def stop(self, reason: str) -> None:
        """Agree no longer: the stream is down."""
        self._agrees, self._reason, self._next_at = False, reason, float("inf")
        self._asking.stop()

    def tick(self, now: int) -> list[Outgoing]:
        """Ask again when it is time; look whether the stream has told what REST has."""
        clock = time.monotonic()
        if any(until < clock for _, until in self._proofs.values()):
            self._proofs.clear()
            self._book.count("mute")
            self.wants_restart = True
        told = self.data.tick(now) + self._asking.tick(now)
        if self._sending.doubt and self._agrees:
            told += self.begin(self._sending.doubt, now)
        if clock >= self._next_at and not self._asking.is_busy:
            told += self._ask(now)
        return told

    def updated(self, message: TradeUpdateMessage, now: int) -> list[Outgoing]:
        """Something happened to an order."""
        found = self._book.find(message.order.client_order_id)
        order = found or self._book.find_broker_id(message.order.id)
        try:
            self._proven(message.order)
            if order is None:
                return self._unknown(message, now)
            change = apply_trade_update(order, message)
        except ValueError:
            self._book.count("malformed")
            return self.begin("an update of an order could not be understood", now)
        if self.agreed and self._splits.may_be_why(order, change.order):
            # Nothing may be planned from units that are perhaps no more what they were.
            return self._book.commit(change, now, message.event) + self.begin(SPLIT_MAYBE, now)
        return self._book.commit(change, now, message.event)

    def _unknown(self, message: TradeUpdateMessage, now: int) -> list[Outgoing]:
        if is_ours(self._plan.tag, message.order.client_order_id):
            return self._adopt(message.order, now)
        if len(self._strays) >= STRAYS_MAX:
            self._strays.pop(next(iter(self._strays)))
        self._strays.setdefault(message.order.client_order_id, []).append(message)
        self._book.count("strays")
        return []

    def leg_strays(self, now: int) -> list[Outgoing]:
        """Apply what came of legs before they were known."""
        told: list[Outgoing] = []
        known = [name for name in self._strays if self._book.find(name) is not None]
        for name in known:
            for message in self._strays.pop(name):
                told += self.updated(message, now)
        return told

    def _proven(self, message: OrderMessage) -> None:
        waiting = self._proofs.get(message.id)
        if waiting is not None and instant_of(message.updated_at) >= waiting[0]:
            del self._proofs[message.id]

    def _adopt(self, message: OrderMessage, now: int) -> list[Outgoing]:
        asset = self._asset_of(message.symbol or "")
        if asset is None:
            return self._wrong("adoption", f"an order of ours in {message.symbol}", now)
        parts, held = self._plan.assets[asset].parts, self._book.held[asset]
        side = 1 if message.side == "buy" else -1
        role = "flatten" if side * held < 0 else "entry"
        change = adopted(message, asset=asset, parts=parts, role=role, number=0, event_ts=0)
        self._book.count("adopted")
        told = self._book.commit(change, now, "adopted")
        return told + self._sending.seen(change.order, message, now)

    def _asset_of(self, symbol: str) -> int | None:
        plain = symbol.replace("/", "")
        for place, asset in enumerate(self._plan.assets):
            if asset.symbol.replace("/", "") == plain:
                return place
        return None

    def where_splits_stand(self) -> list[Outgoing]:
        """What was split lately, for whoever has not heard of it."""
        return self._splits.again()

    def close(self) -> None:
        """Let go of the connections of its own."""
        self.data.close()

    def _ask(self, now: int) -> list[Outgoing]:
        since = ""
        if self._since:
            since = instant_text(instant_of(self._since) - SAFETY_NS)
        self._next_at = float("inf")
        return self._asking.begin(since, now)

    def _again_in(self, wait_s: float) -> None:
        self._next_at = time.monotonic() + wait_s

    def _whole(self, snapshot: Snapshot, now: int) -> list[Outgoing]:
        journal = self._book.journal
        if snapshot.account.account_number != journal.account:
            return self._refuse("the keys are of another account", now)
        if self._asking.too_long:
            return self._refuse("the account has more orders than can be read", now)
        try:
            told = self._merge(snapshot, now)
            told += self._settle(snapshot, now)
        except ValueError as error:
            self._book.count("malformed")
            return self._refuse(f"the broker's answer must be readable: {error}"[:200], now)
        return told

    def _merge(self, snapshot: Snapshot, now: int) -> list[Outgoing]:
        told: list[Outgoing] = []
        seen: set[str] = set()
        for message in snapshot.orders:
            seen |= {message.id, *(leg.id for leg in message.legs or ())}
            order = self._book.find(message.client_order_id)
            if order is None:
                if is_ours(self._plan.tag, message.client_order_id):
                    told += self._adopt(message, now)
                continue
            before = (order.filled, order.state)
            told += self._sending.seen(order, message, now, "reconciled")
            after = self._book.find(message.client_order_id) or order
            if self.agreed and before != (after.filled, after.state):
                until = time.monotonic() + PROOF_S
                self._proofs[message.id] = (instant_of(message.updated_at), until)
        missing = [one for one in self._book.open_orders() if one.broker_id not in seen]
        for order in missing[:MISSING_MAX]:
            if order.broker_id:
                told += self._sending.ask(order.client_order_id, now)
            else:
                self._sending.inquire(order.client_order_id)
        return told

    def _settle(self, snapshot: Snapshot, now: int) -> list[Outgoing]:
        told, waits_for = self._splits.settle(snapshot, self._external, now)
        return told + (
            self._refuse(f"waits for {waits_for}", now)
            if waits_for
            else self._compare(snapshot, now)
        )

    def _compare(self, snapshot: Snapshot, now: int) -> list[Outgoing]:
        book, plan = self._book, self._plan
        beside = self._external or [0] * len(plan.assets)
        if self._external is not None:
            for execution in unit_changes(plan, snapshot.activities, book.held, beside):
                book.adjust(execution, now)
        known = frozenset(o.broker_id for o in book.open_orders() if o.broker_id)
        verdict = compared(plan, book.held, self._external, snapshot, known)
        verdict = self._with_coin_fees(verdict, snapshot, known, now)
        if verdict.others:
            tags = ", ".join(verdict.others)
            return self._refuse(f"another deployment ({tags}) has orders on this account", now)
        found = {d.symbol: d.broker - d.ours - d.external for d in verdict.differences}
        found |= dict.fromkeys(self._late(snapshot), 1)
        if found:
            return self._differ(found, verdict, now)
        if reason := self._external_reason(verdict, now):
            return self._refuse(reason, now)
        return self._agree(verdict, snapshot, now)

    def _late(self, snapshot: Snapshot) -> list[str]:
        filled: dict[str, Decimal] = {}
        for activity in snapshot.activities:
            order = self._book.find_broker_id(activity.order_id or "")
            if order is not None:
                filled[order.broker_id] = Decimal(order.filled) / order.parts
        return behind(snapshot, filled)

    def _with_coin_fees(
        self, verdict: Verdict, snapshot: Snapshot, known: frozenset[str], now: int
    ) -> Verdict:
        """The broker keeps its fee on coins out of what was bought."""
        booked = False
        for difference in verdict.differences:
            asset = self._asset_of(difference.symbol)
            if asset is None or self._plan.assets[asset].asset_class != "crypto":
                continue
            missing = difference.broker - difference.ours - difference.external
            if coin_fee(missing, self._bought_since_fee(asset)):
                name = f"coin_fee:{asset}:{self._book.held[asset]}:{now}"
                booked |= self._book.adjust(booking(name, asset, missing, ts=now), now)
        if not booked:
            return verdict
        return compared(self._plan, self._book.held, self._external, snapshot, known)

    def _bought_since_fee(self, asset: int) -> int:
        bought = 0
        for execution in self._book.journal.executions():
            if execution.asset == asset:
                fee = execution.execution_id.startswith("coin_fee:")
                bought = 0 if fee else bought + max(execution.lots, 0)
        return bought

    def _external_reason(self, verdict: Verdict, now: int) -> str:
        mode = self._plan.settings.execution.external
        if mode == "refuse":
            rows = zip(self._plan.symbols, verdict.external, strict=True)
            found = [symbol for symbol, lots in rows if lots] + list(verdict.elsewhere)
            if found:
                return f"positions that are not ours: {', '.join(found[:10])}"
            if verdict.strangers:
                return f"open orders that are not ours: {', '.join(verdict.strangers[:10])}"
        external = list(verdict.external)
        if self._external is None and mode == "adopt":
            for asset, lots in enumerate(external):
                if lots:
                    name = f"adopted:{self._plan.symbols[asset]}"
                    self._book.adjust(booking(name, asset, lots, ts=now), now)
            external = [0] * len(external)
        if self._external is None:
            self._external = external
            kept = external_text(external, self._plan.symbols)
            self._book.journal.keep(EXTERNAL, kept)
        return ""

    def _differ(self, found: dict[str, int], verdict: Verdict, now: int) -> list[Outgoing]:
        """While fills are on their way differences come and go; one that stays is none of those."""
        self._book.count("differences")
        before = self._differing
        self._differing = {
            what: (lots, before[what][1] + 1 if before.get(what, (0, 0))[0] == lots else 1)
            for what, lots in found.items()
        }
        if max(times for _, times in self._differing.values()) < TRIES_MAX:
            self._again_in(SOON_S)
            return []
        shown = [
            f"{d.symbol}: ours {d.ours} + external {d.external} must be {d.broker} lots"
            for d in verdict.differences[:SHOWN_MAX]
        ]
        reason = "; ".join(shown) or "activities tell more fills than orders do"
        return self._refuse(reason, now) + self._wrong(LATCH, reason, now)

    def _refuse(self, reason: str, now: int) -> list[Outgoing]:
        if self._reason != reason or self._agrees:
            self._book.journal.log("disagreed", reason, now)
        self._agrees, self._reason = False, reason
        self._again_in(RETRY_S)
        return []

    def _agree(self, verdict: Verdict, snapshot: Snapshot, now: int) -> list[Outgoing]:
        account, journal = snapshot.account, self._book.journal
        self.equity = micro_of(account.equity)
        external = self._external or list(verdict.external)
        self.account = AccountState(
            now, tuple(self._book.held), tuple(external), micro_of(account.cash), self.equity,
            micro_of(account.buying_power),
        )  # fmt: skip
        since = newest(snapshot.orders, snapshot.activities)
        if since and (not self._since or instant_of(since) > instant_of(self._since)):
            self._since = since
            journal.keep("since", since)
        if not self._agrees:
            journal.log("agreed", "", now)
            self._book.dirty |= set(self._book.approvals)
        self._agrees, self._reason, self._differing = True, "", {}
        self._again_in(self._plan.settings.execution.account_poll_s)
        return to_all(self.account)

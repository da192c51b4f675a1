"""Execution: approved goals become orders, each at most once, whatever dies in between.

An order leaves only while all of this holds, asked right before its first byte: armed with
the approval's epoch, the lease, the stream listening, broker and journal in agreement, no
latch. It is in the journal before. Under a latch only what lessens an owned position goes,
under "kill" nothing but cancellations.
"""

import time
from collections.abc import Sequence
from typing import Any, Final

from fanfold.alpaca.credentials import Credentials, credentials_of_account
from fanfold.alpaca.wire.orders import TradeUpdateMessage
from fanfold.errors import LiveError
from fanfold.execution.venue_rules import venue_rules
from fanfold.live.component import Outgoing, Pollable, Statistic, Statistics
from fanfold.live.execution.actions import Cancel, Place, asset_rules
from fanfold.live.execution.agreement import Agreement
from fanfold.live.execution.book import Book, change_of, denied, to_all
from fanfold.live.execution.bucket import Bucket
from fanfold.live.execution.journal import Journal
from fanfold.live.execution.last_look import last_look
from fanfold.live.execution.orders import happened
from fanfold.live.execution.protection import next_actions
from fanfold.live.execution.records import Order
from fanfold.live.execution.requests import Writer
from fanfold.live.execution.rest import Lines
from fanfold.live.execution.rights import Rights
from fanfold.live.execution.sending import Sending
from fanfold.live.execution.source import Act, Source
from fanfold.live.execution.starting import account_number, limits_of
from fanfold.live.execution.states import Event, State, is_cancellable
from fanfold.live.execution.timing import Timing
from fanfold.live.execution.trade_updates import Event as Heard
from fanfold.live.execution.trade_updates import Listening, TradeUpdates, Unreadable
from fanfold.live.folder import Folder
from fanfold.live.halts import KILL, Latch, Watch, set_latch
from fanfold.live.messages import EXECUTION, ApprovedOrder, Envelope, Gate
from fanfold.live.plan import Plan, read_plan
from fanfold.live.statistics import summaries

FLIGHT_S, FLIGHT_MAX = 5.0, 10
"""Time in flight after which an order is asked for [s], and how many one poll asks for."""

ROUNDS_MAX: Final = 8
"""Times that one turn plans an asset anew; what is left waits for the next."""

ORDERS_PER_APPROVAL_MAX: Final = 32
"""Orders that one approval may become: a plan that never arrives is stopped."""

NS: Final = 10**9


class Execution:
    """The component; see `fanfold.live.component.Component`."""

    name = EXECUTION

    def __init__(
        self, folder: Folder, plan: Plan, incarnation: int, *, account: str, keys: Credentials
    ) -> None:
        settings = plan.settings
        self._folder, self._plan, self._incarnation = folder, plan, incarnation
        self._latches = Watch(folder)
        self._look()
        self._settings, self._limits = settings.execution, limits_of(plan)
        broker = settings.broker
        self._bucket = Bucket(broker.requests_per_minute, broker.reserve)
        self._lines = Lines(plan.addresses.rest_url, broker, self._permit)
        journal = Journal.opened(
            folder.journal, account=account, deployment=plan.deployment, tag=plan.tag
        )
        self._book = Book(journal, len(plan.assets))
        writer = Writer(plan.addresses.rest_url, keys)
        self._sending = Sending(plan, self._book, self._lines, writer, self._bucket, self)
        self._agreement = Agreement(
            plan, self._book, self._lines, writer, self._sending, self.wrong
        )
        market = settings.market
        self._stream = TradeUpdates(
            plan.addresses.trade_stream_url, keys, (market.backoff_s, market.backoff_max_s),
            self._heard,
        )  # fmt: skip
        rules = venue_rules(str(plan.job.get("options", {}).get("venue", "alpaca")))
        protect = settings.execution.protect
        self._rules = [
            asset_rules(n, asset, rules, protect=protect) for n, asset in enumerate(plan.assets)
        ]
        connections = self._lines, self._stream, self._agreement.data
        self._sources = tuple(Source(one, self._guarded) for one in connections)
        self._rights, self._poll_at = Rights(plan, self._book), 0.0
        self._listening, self._stream_reason = False, "the stream does not listen yet"
        self._armed, self._epoch, self._broken = False, -1, ""
        self._gate: tuple[bool, str] | None = None
        self._timing = Timing()
        self._recover()

    @staticmethod
    def opened(folder: Folder, incarnation: int, now: int) -> "Execution":
        """Execution of a deployment, HALTED; it asks the broker for the account's number once.

        Raises:
            ConfigError: The plan, the keys or the journal are not what they must be, or
                another deployment has the account.
            LiveError: The broker cannot be reached, or the journal not be written.
        """
        plan = read_plan(folder)
        keys = credentials_of_account()
        account = account_number(folder, plan, keys)
        made = Execution(folder, plan, incarnation, account=account, keys=keys)
        made._lines.warm()
        made._keep_rights(now)
        made._stream.start()
        return made

    def arm(self, epoch: int, now: int) -> Sequence[Outgoing]:
        """Orders may go from now on; everybody is told where things stand."""
        self._armed, self._epoch, self._broken = True, epoch, ""
        self._stream.start()
        self._book.dirty |= set(self._book.approvals)
        return self._guarded(self._where_things_stand, now)

    def disarm(self, reason: str, now: int) -> Sequence[Outgoing]:
        """No order goes any more; after a kill what is open is cancelled."""
        self._armed = False
        if KILL not in self._look():
            return []
        return self._guarded(lambda at: self._cancel_all(reason, at), now)

    def take(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Approvals; other values are not for execution."""
        began = time.monotonic_ns()
        told: list[Outgoing] = []
        for value in envelope.values:
            if isinstance(value, ApprovedOrder):
                before = self._sending.posts
                told += self._guarded(lambda at, one=value: self._approved(one, at), now)
                if self._sending.posts > before and not self._lines.waiting:
                    self._timing.left(value, began, self._lines.wrote_at)
            else:
                self._book.count("ignored")
        return told

    def tick(self, now: int) -> Sequence[Outgoing]:
        """The lease, time-outs, questions, polls."""
        self._keep_rights(now)
        self._look()
        return self._guarded(self._ticked, now)

    def pollables(self) -> Sequence[Pollable]:
        """The broker's lines and the stream."""
        return self._sources

    def statistics(self) -> Statistics:
        """A snapshot."""
        book, lines = self._book, self._lines
        reason, unknown = self._gate_reason(), self._sending.unknown
        gauges: dict[str, Statistic] = {
            "gate": not reason, "gate_reason": reason, "lease": self._rights.hold,
            "lines": lines.open_count, "waiting": lines.waiting, "in_flight": lines.busy,
            "open_orders": len(book.open_orders()), "asked_about": unknown,
            "equity": self._agreement.equity,
        }  # fmt: skip
        return Statistics(
            component=self.name,
            incarnation=self._incarnation,
            state="armed" if self._armed else "halted",
            at=time.time_ns(),
            counts={**book.counts, "reconnects": lines.reconnects},
            gauges=gauges,
            latency=summaries({**self._timing.stages, "round_trip": self._sending.round_trip}),
        )

    def inspect(self) -> dict[str, Any]:
        """What it holds, for people."""
        return {
            "held": dict(zip(self._plan.symbols, self._book.held, strict=True)),
            "open_orders": [
                [o.client_order_id, o.state, o.signed_left] for o in self._book.open_orders()
            ],
            "gate": self._gate_reason() or "open",
        }

    def close(self) -> None:
        """Let go of the connections, then of the lease, then of the journal."""
        self._stream.close()
        self._lines.close()
        self._agreement.close()
        self._rights.release()
        self._book.journal.close()

    # What the sender asks (`fanfold.live.execution.sending.Watch`).

    def may_send(self, order: Order) -> str:
        """Why an order must not leave at this instant, "" where it may."""
        if not self._armed:
            return "execution is not armed"
        if reason := self._gate_reason():
            return reason
        held = self._book.held[order.asset]
        lessens = order.side * held < 0 and order.lots <= abs(held)
        if not lessens and self._is_old(order):
            return "the approval is too old"
        if latches := self._look():
            if KILL in latches:
                return "killed"
            if not lessens:
                return "a latch is set"
        return ""

    def may_cancel(self) -> str:
        """Why a cancellation must not leave at this instant, "" where it may."""
        return "" if self._rights.hold else "without the lease"

    def wrong(self, name: str, reason: str, now: int) -> list[Outgoing]:
        """Set a latch: somebody must look; nothing is opened any more."""
        self._book.count(f"latched.{name}")
        set_latch(self._folder, Latch(name=name, reason=reason, by=self.name, at=now))
        if name != "reconcile":
            self._armed, self._broken = False, f"{name}: {reason}"
        return []

    def _look(self) -> tuple[str, ...]:
        """Latches that are set now; plans go by the last look where it found none."""
        self._latched = self._latches.names()
        return self._latched

    def _permit(self, urgent: bool) -> bool:  # noqa: FBT001
        return self._bucket.take(time.monotonic_ns(), urgent=urgent)

    def _guarded(self, act: Act, now: int) -> list[Outgoing]:
        """Do something, plan what it made necessary, and say whether the gate has moved."""
        told: list[Outgoing] = []
        try:
            told += act(now)
            reason = self._gate_reason()
            told += self._gate_moved(reason, now)
            told += self._work(reason, now)
            self._book.write_approvals()
        except LiveError as error:
            told += self._break(str(error), now)
        return told + self._gate_moved(self._gate_reason(), now)

    def _break(self, reason: str, now: int) -> list[Outgoing]:
        """The journal takes nothing more: what is not written down must not happen."""
        self._armed, self._broken = False, f"journal: {reason}"
        self._agreement.stop(self._broken)
        set_latch(self._folder, Latch(name="journal", reason=reason, by=self.name, at=now))
        return []

    def _ticked(self, now: int) -> list[Outgoing]:
        told = self._lines.tick(now) + self._sending.tick(now)
        if self._listening and not self._broken:
            told += self._agreement.tick(now) + self._agreement.leg_strays(now)
        if self._agreement.wants_restart:
            self._agreement.wants_restart = False
            self._stream.restart()
        clock = time.monotonic()
        if clock >= self._poll_at:
            self._poll_at = clock + self._settings.orders_poll_s
            for _, order in zip(range(FLIGHT_MAX), self._book.in_flight(FLIGHT_S), strict=False):
                if order.state is State.UNKNOWN:
                    self._sending.inquire(order.client_order_id)
                else:
                    told += self._sending.ask(order.client_order_id, now)
        return told

    def _keep_rights(self, now: int) -> None:
        if self._rights.keep():
            return
        self._book.journal.log("lease", self._rights.reason, now)
        if self._listening:  # whoever had it meanwhile may have traded
            self._agreement.stop("the lease was lost")
            self._listening = False
            self._stream.restart()

    def _heard(self, event: Heard, now: int) -> list[Outgoing]:
        if isinstance(event, TradeUpdateMessage):
            self._book.count("updates")
            return self._agreement.updated(event, now)
        if isinstance(event, Listening | Unreadable):
            self._listening = True
            self._book.count("listening" if isinstance(event, Listening) else "unreadable")
            return self._agreement.begin("reconciling", now)
        self._listening = False
        self._stream_reason = f"the stream of trade updates is down: {event.reason}"
        self._book.count("stream_down")
        self._agreement.stop(self._stream_reason)
        return []

    def _recover(self) -> None:
        """What was on its way when the process before ended may have arrived or not."""
        for order in self._book.open_orders():
            if order.state is State.INTENDED:
                self._book.commit(happened(order, Event.WITHHELD, reason="restarted"), 0)
            elif order.state is State.SENDING:
                self._book.commit(happened(order, Event.AMBIGUOUS, reason="restarted"), 0)
            if order.state in {State.SENDING, State.UNKNOWN}:
                self._sending.inquire(order.client_order_id)

    def _approved(self, approved: ApprovedOrder, now: int) -> list[Outgoing]:
        book = self._book
        if not 0 <= approved.asset < len(book.held):
            book.count("ignored")
            return []
        book.count("approved")
        reason = "halted: execution is not armed" if not self._armed else last_look(
            approved, self._plan.assets[approved.asset], self._limits, epoch=self._epoch,
            held=book.held[approved.asset], equity=self._agreement.equity,
            age_s_max=self._settings.approved_age_s, now=now,
        )  # fmt: skip
        if not reason and (gate := self._gate_reason()):
            reason = f"gate: {gate}"
        if reason:
            book.count(f"refused.{reason.partition(':')[0]}")
            return to_all(denied(approved, reason, now))
        known = book.approvals.get(approved.asset)
        if known is not None and approved.number < known.number:
            return to_all(denied(approved, "number: a later one is known", now))
        book.approve(approved)
        book.dirty.add(approved.asset)
        return []

    def _work(self, reason: str, now: int) -> list[Outgoing]:
        """Plan the assets where something has changed, and act; `reason` closes the gate."""
        told: list[Outgoing] = []
        dirty = self._book.dirty
        for _ in range(ROUNDS_MAX):
            if not dirty or not self._armed or reason:
                break
            if self._latched and KILL in self._look():
                break
            assets, self._book.dirty = dirty, set()
            dirty = self._book.dirty
            for asset in assets:
                approved = self._book.approvals.get(asset)
                if approved is not None:
                    told += self._act(approved, bool(self._latched), now)
            reason = self._gate_reason() if dirty else ""
        return told

    def _act(self, approved: ApprovedOrder, halted: bool, now: int) -> list[Outgoing]:  # noqa: FBT001
        book, asset = self._book, approved.asset
        fresh = now - approved.approved_at <= self._settings.approved_age_s * NS
        orders = book.orders_for(approved)
        may_increase = fresh and not halted and approved.epoch == self._epoch
        told: list[Outgoing] = []
        for action in next_actions(
            self._rules[asset], approved, book.held[asset], orders, may_increase=may_increase
        ):
            if isinstance(action, Place):
                if sum(o.number == approved.number for o in orders) >= ORDERS_PER_APPROVAL_MAX:
                    book.count("too_many_orders")
                    continue
                told += self._sending.place(action, now)
            elif isinstance(action, Cancel):
                told += self._sending.cancel(action, now)
            else:
                told += self._sending.replace(action, now)
        return told

    def _cancel_all(self, reason: str, now: int) -> list[Outgoing]:
        told: list[Outgoing] = []
        for order in self._book.open_orders():
            if order.role != "flatten" and is_cancellable(order.state):
                cancel = Cancel(client_order_id=order.client_order_id, reason=reason)
                told += self._sending.cancel(cancel, now)
        return told

    def _where_things_stand(self, now: int) -> list[Outgoing]:
        told = self._agreement.where_splits_stand()
        for order in self._book.open_orders():
            told += to_all(change_of(order, now))
        self._gate = None  # so that it is told in any case
        if self._listening:  # the account of the last look may be from before the last fills
            told += self._agreement.begin("reconciling", now)
        return told

    def _gate_reason(self) -> str:
        if self._broken:
            return self._broken
        if not self._rights.hold:
            return f"without the lease: {self._rights.reason}"
        if not self._listening:
            return self._stream_reason
        return "" if self._agreement.agreed else self._agreement.reason

    def _gate_moved(self, reason: str, now: int) -> list[Outgoing]:
        if self._gate == (not reason, reason):
            return []
        self._gate = (not reason, reason)
        return to_all(Gate(now, *self._gate))

    def _is_old(self, order: Order) -> bool:
        approved = self._book.approvals.get(order.asset)
        if approved is None or approved.number != order.number:
            return True
        return time.time_ns() - approved.approved_at > self._settings.approved_age_s * NS

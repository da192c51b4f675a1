"""What signal is without disk, clock and sockets: envelopes in, intents out.

The same envelopes in the same order give the same bits, which restarts and parity rest on;
so everything that decides passes here, its own arming included, and nothing else does.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from fanfold.domain.prices import PRICE_MAX, PRICE_MIN
from fanfold.engine.stepper import Stepper
from fanfold.engine.universe import Goal, Moment, StepRow
from fanfold.errors import DataError, StrategyError
from fanfold.live.messages import (
    UNREADABLE,
    AccountState,
    Arming,
    Envelope,
    Fill,
    Gate,
    Intent,
    Late,
    OrderChange,
    Quote,
    Refusal,
    Split,
    Step,
    Value,
)
from fanfold.live.plan import Plan
from fanfold.live.signal.moments import Moments
from fanfold.live.signal.state import (
    DENIED,
    EXECUTIONS,
    FULFILLED,
    GATE_CLOSED,
    ORDERS,
    RETRIED,
    RETRY_NS,
    ROLES,
    Decision,
    Saved,
    bar_of,
    fresh_state,
    gauges_of,
    intent_of,
    is_due,
    is_ratio,
    says_the_same,
    sound_bars,
)

STRATEGY: Final = "strategy"
CALENDAR: Final = "calendar"
"""Latches that a decider asks for."""


class Decider:
    """A strategy fed with envelopes.

    Args:
        plan: Of the deployment.
        stepper: The strategy, warmed.
        moments: The calendar.

    Attributes:
        counts: What was taken in, ignored and sent, by kind.
        decided: Bars and quotes that were decided on, in this process.
    """

    def __init__(self, plan: Plan, stepper: Stepper, moments: Moments) -> None:
        self._stepper, self._moments = stepper, moments
        self._on_quotes = plan.settings.market.clock == "quotes"
        self._adopts = plan.settings.execution.start == "adopt_backtest_target"
        self._assets = len(plan.assets)
        self.counts: dict[str, int] = {}
        self.decided = 0
        self._decided: list[Decision] = []
        self._unread = False
        self._state = fresh_state(self._assets)

    @property
    def armed(self) -> bool:
        """Whether intents are sent."""
        return self._state.armed

    @property
    def error(self) -> str:
        """Why it decides no more, or ""."""
        return self._state.error

    @property
    def latch(self) -> str:
        """Name of the latch that its error sets, or ""."""
        return self._state.latch

    @property
    def gauges(self) -> dict[str, int | bool | str]:
        """Values of now, for people."""
        return gauges_of(self._state)

    def warm(self, steps: Iterable[tuple[Moment, Sequence[StepRow]]]) -> None:
        """Take the bars before the first envelope."""
        for moment, rows in steps:
            self._stepper.warm(moment, rows)
            self._state.ts, self._state.session_day = moment.ts, moment.session_day

    def take(self, envelope: Envelope) -> list[Decision]:
        """An envelope; what was decided on its values, with the intents to send."""
        self._decided = []
        for value in envelope.values:
            if type(value) is Quote:
                if self._on_quotes:
                    self._quote(value)
            else:
                self._other(value)
        if self._unread:
            self._read(self._state.ts, ())
        return self._decided

    def _other(self, value: Value) -> None:
        match value:
            case Step():
                self._step(value)
            case Fill() | OrderChange() | Refusal() | AccountState() | Split():
                self._told(value)
            case Gate():
                self._gate(value)
            case Arming():
                self._arming(value)
            case Late():
                self._count("late")
            case _:
                pass  # for others

    def _told(self, value: Fill | OrderChange | Refusal | AccountState | Split) -> None:
        """What execution or risk say; goals that it changes are sent at once."""
        match value:
            case Fill():
                self._fill(value)
            case OrderChange():
                self._order_change(value)
            case Refusal():
                self._refusal(value)
            case AccountState():
                self._account_state(value)
            case Split():
                self._split(value)
        if self._state.begun and not self._state.error:
            changed = self._stepper.changed()
            wanted = self._noted(goal for goal in changed if not self._is_known(goal))
            if wanted:
                self._record(self._state.ts, b"", wanted)

    def _step(self, step: Step) -> None:
        state = self._state
        if self._on_quotes or state.error or step.ts <= state.ts:
            self._count("ignored.step")
            return
        bars = sound_bars(step, self._assets)
        if len(bars) != len(step.rows):
            self._count("ignored.row", len(step.rows) - len(bars))
        self._event(step.ts, bars, None)

    def _quote(self, quote: Quote) -> None:
        state, asset = self._state, quote.asset
        if state.error or not 0 <= asset < self._assets or quote.ts < state.quote_ts[asset]:
            self._count("ignored.quote")
            return
        if not PRICE_MIN <= quote.bid <= quote.ask <= PRICE_MAX:
            self._count("ignored.one_sided")
            return
        state.quote_ts[asset] = quote.ts
        # Venues stamp their quotes each by its own clock; a run's clock never goes back.
        self._event(max(quote.ts, state.ts), (), quote)

    def _event(self, ts: int, rows: Sequence[StepRow], quote: Quote | None) -> None:
        """A bar, or a quote: learn of it, and decide once the run has begun."""
        state = self._state
        if state.denied:
            self._ask_again(ts)
        try:
            moment = self._moments.at(ts, state.session_day)
        except DataError as error:
            self._stop(CALENDAR, str(error))
            return
        goals: list[Goal] = []
        try:
            if not state.begun:
                self._stepper.warm(moment, rows if quote is None else [bar_of(quote)])
            elif quote is None:
                goals = self._stepper.step(moment, rows)
            else:
                goals = self._stepper.quote(moment, quote.asset, quote.bid, quote.ask)
        except DataError:  # it is none, and nothing has happened
            self._count("ignored.malformed")
            return
        except StrategyError as error:
            self._stop(STRATEGY, str(error))
            return
        state.ts, state.session_day = ts, moment.session_day
        self.counts["steps"] = self.counts.get("steps", 0) + 1
        if state.begun:
            self.decided += 1
            self._unread = self._on_quotes and not goals
            if not self._unread:
                self._read(ts, self._noted(goals))

    def _read(self, ts: int, wanted: Sequence[Intent]) -> None:
        """Record what was decided; of quotes without news once an envelope, since it takes time."""
        self._unread = False
        wishes = self._stepper.written().tobytes()
        changed = wishes != self._state.wishes
        if changed or wanted or not self._on_quotes:
            self._state.wishes = wishes
            self._record(ts, wishes if changed else b"", wanted)

    def _noted(self, goals: Iterable[Goal]) -> list[Intent]:
        """Goals as intents without a number, of the event that was decided on last."""
        wanted = [intent_of(goal, self._state.ts) for goal in goals]
        for intent in wanted:
            self._state.goals[intent.asset] = intent
        return wanted

    @property
    def _sends(self) -> bool:
        return self._state.armed and self._state.gate_open is not False

    def _is_known(self, goal: Goal) -> bool:
        """Whether risk was told the same before, or told us."""
        known = self._state.goals[goal.asset]
        return known is not None and says_the_same(known, intent_of(goal, known.event_ts))

    def _record(self, ts: int, wishes: bytes, wanted: Sequence[Intent]) -> None:
        state = self._state
        intents = tuple(map(self._numbered, wanted)) if self._sends else ()
        state.decision += 1
        self._decided.append(Decision(state.decision, ts, wishes, intents))
        self._count("intents", len(intents))

    def _numbered(self, wanted: Intent) -> Intent:
        state = self._state
        state.intent += 1
        sent = msgspec.structs.replace(wanted, number=state.intent)
        state.goals[sent.asset] = sent
        state.denied.pop(sent.asset, None)
        return sent

    def _arming(self, arming: Arming) -> None:
        state = self._state
        state.armed = arming.armed and not state.error
        if state.armed and not state.begun:
            self._stepper.begin(adopt=self._adopts)
            state.begun = True
        self._send_again(arming.at)

    def _gate(self, gate: Gate) -> None:
        """Behind a closed gate goals wait: risk would take them away for good."""
        opens = gate.open and self._state.gate_open is not True
        self._state.gate_open = gate.open
        if opens:
            self._send_again(gate.ts)

    def _send_again(self, ts: int) -> None:
        """Send all goals that are not reached, if anything may be sent."""
        if not (self._sends and self._state.begun):
            return
        standing = map(self._standing, self._stepper.goals())
        again = [goal for goal in standing if is_due(goal, self._state.held)]
        if again:
            self._record(ts, b"", again)

    def _standing(self, goal: Goal) -> Intent:
        """A goal as it is wanted now, of the event that it was decided on."""
        known = self._state.goals[goal.asset]
        if known is None or known.goal != goal.lots:
            return intent_of(goal, self._state.ts)
        return intent_of(goal, known.event_ts)

    def _fill(self, fill: Fill) -> None:
        state = self._state
        sound = 0 <= fill.asset < self._assets and fill.role in ROLES and fill.price > 0
        # What was never wanted is not booked as if it were: the account's state settles it.
        known = fill.execution_id in state.executions
        if known or not sound or state.goals[fill.asset] is None:
            self._count("ignored.fill")
            return
        state.executions[fill.execution_id] = None
        if len(state.executions) > EXECUTIONS:
            del state.executions[next(iter(state.executions))]
        if fill.client_order_id in state.open_orders:
            state.open_orders[fill.client_order_id] -= fill.lots
        self._count("fills")
        state.held[fill.asset] += fill.lots
        if fill.held != state.held[fill.asset]:
            self._count("drifted")  # the next state of the account settles it
        self._stepper.fill(fill.asset, fill.role, fill.lots, fill.price, fill.fee, fill.ts)

    def _order_change(self, change: OrderChange) -> None:
        known = self._state.open_orders
        if not 0 <= change.asset < self._assets:
            self._count("ignored.order")
        elif change.left:
            known[change.client_order_id] = change.left
            if len(known) > ORDERS:
                del known[next(iter(known))]
        else:
            left = known.pop(change.client_order_id, 0)
            waits = change.state in RETRIED and self._deny(change.asset, change.number)
            if not waits and change.state not in FULFILLED and change.role in ROLES:
                self._stepper.ended(change.asset, change.role, left, change.reason)

    def _deny(self, asset: int, number: int) -> bool:
        """Nothing came of it, for a reason that may pass: the goal is asked for later."""
        goal = self._state.goals[asset]
        if goal is None or goal.number != number:
            return False
        self._count("denied")
        self._state.denied[asset] = self._state.ts
        return True

    def _ask_again(self, ts: int) -> None:
        """Let the step ask anew for what was denied long enough ago."""
        denied = self._state.denied
        for asset in [one for one, since in denied.items() if ts >= since + RETRY_NS]:
            del denied[asset]
            for role in ("exit", "entry"):
                self._stepper.ended(asset, role, 0, DENIED)

    def _refusal(self, refusal: Refusal) -> None:
        goals = self._state.goals
        goal = goals[refusal.asset] if 0 <= refusal.asset < self._assets else None
        if goal is None or refusal.number != goal.number:
            self._count("ignored.refusal")  # of a goal that is no more
            return
        if refusal.reason == GATE_CLOSED:
            self._deny(refusal.asset, refusal.number)
            return
        self._count("refused")
        goals[refusal.asset] = msgspec.structs.replace(goal, goal=refusal.allowed)
        self._stepper.refused(refusal.asset, refusal.allowed, refusal.reason)

    def _account_state(self, account: AccountState) -> None:
        state = self._state
        if len(account.held) != self._assets:
            self._count("ignored.account")
        elif state.unsettled or list(account.held) != state.held:
            self._count("settled")
            state.held, state.unsettled = list(account.held), False
            self._stepper.settle(account.held, account.cash)

    def _split(self, split: Split) -> None:
        sound = 0 <= split.asset < self._assets and is_ratio(split, self._state.held)
        if not sound or split.ts <= self._state.splits.get(split.asset, 0):  # told again
            self._count("ignored.split")
            return
        self._count("splits")
        self._state.splits[split.asset] = split.ts
        self._stepper.split(split.asset, split.ratio)
        # What was paid for fractions, and how they were rounded, the account says next.
        self._state.held[split.asset], self._state.unsettled = split.held, True

    def _stop(self, latch: str, reason: str) -> None:
        self._state.armed, self._state.latch, self._state.error = False, latch, reason

    def _count(self, name: str, count: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + count

    def view(self) -> dict[str, Any]:
        """The state as a person would look at it."""
        return self._stepper.view() | self.gauges | {"armed": self.armed}

    def snapshot(self) -> bytes:
        """All state, so that `restore` goes on with the same bits."""
        return msgspec.msgpack.encode(Saved(self._state, self._stepper.snapshot(), self.counts))

    def restore(self, content: bytes) -> None:
        """Take a snapshot's state over.

        Raises:
            DataError: It is none, or of another deployment.
        """
        try:
            saved = msgspec.msgpack.decode(content, type=Saved)
        except UNREADABLE as error:
            raise DataError(f"a snapshot must be one of signal's, was not: {error}") from None
        if len(saved.state.held) != self._assets:
            raise DataError(f"a snapshot must be of {self._assets} assets, was of others")
        self._stepper.restore(saved.stepper)
        self._state, self.counts = saved.state, saved.counts

    def digest(self) -> str:
        """SHA-256 over all state: equal ones decide equally from here on."""
        return hashlib.sha256(self.snapshot()).hexdigest()

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
from fanfold.live.signal.feedback import Feedback, Told
from fanfold.live.signal.moments import Moments
from fanfold.live.signal.state import (
    Decision,
    Saved,
    as_bytes,
    bar_of,
    fresh_state,
    gauges_of,
    intent_of,
    is_due,
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
        self._state = fresh_state(self._assets, plan.numbered_from)
        self._feedback = Feedback(self._state, stepper, self._count)
        self._values: Sequence[Value] = ()
        self._place = 0

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
        decided = self.begin(envelope)
        while self.is_unfinished:
            decided += self.go_on()
        return decided

    def begin(self, envelope: Envelope) -> list[Decision]:
        """An envelope as far as the first decision that sends something; `go_on` after it."""
        self._values, self._place = envelope.values, 0
        return self.go_on()

    @property
    def is_unfinished(self) -> bool:
        """Whether values of the last envelope are still to be taken, or wishes to be read."""
        return self._unread or self._place < len(self._values)

    def go_on(self) -> list[Decision]:
        """Take further values, as far as the next decision that sends something."""
        decided: list[Decision] = []
        self._decided = decided
        values, place = self._values, self._place
        while place < len(values):
            value = values[place]
            if type(value) is not Quote:
                self._other(value)
                place += 1
            elif self._on_quotes:
                place = self._quotes(values, place, value)
            else:
                place += 1
            if decided and decided[-1].intents:
                self._place = place
                return decided
        self._place = place
        if self._unread:
            self._read(self._state.ts, ())
        return decided

    def _quotes(self, values: Sequence[Value], first: int, quote: Quote) -> int:
        """Quotes from this one on, as many as change nothing, or one; the place after them."""
        state, stepper = self._state, self._stepper
        if not state.begun or state.denied or state.error:
            self._quote(quote)
            return first + 1
        reach = state.ts, self._moments.last_within(state.ts, state.session_day)
        place = stepper.pass_by(values, first, Quote, state.quote_ts, reach, self._moment_at)
        if place == first:
            self._quote(quote)
            return first + 1
        state.ts, news_ts = stepper.passed
        goals: list[Goal] = []
        if news_ts is not None:
            self._took(place - first - 1)
            try:
                goals = stepper.hear()
            except StrategyError as error:
                self._stop(STRATEGY, str(error))
                return place
            state.ts, first = news_ts, place - 1
            self._unread = not goals
        self._took(place - first)
        if goals:
            self._read(state.ts, self._noted(goals))
        return place

    def _moment_at(self, ts: int) -> Moment:
        return self._moments.at(ts, self._state.session_day)

    def _took(self, count: int) -> None:
        """So many events were decided on."""
        if not count:
            return
        self.counts["steps"] = self.counts.get("steps", 0) + count
        self.decided += count

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

    def _told(self, value: Told) -> None:
        """What execution or risk say; goals that it changes are sent at once."""
        self._feedback.take(value)
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
            self._feedback.ask_again(ts)
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
        wishes = self._stepper.written_bytes()
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

    def _stop(self, latch: str, reason: str) -> None:
        self._state.armed, self._state.latch, self._state.error = False, latch, reason

    def _count(self, name: str, count: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + count

    def rehearse(self) -> None:
        """Decide on news for nothing, so that it is quick when it counts; nothing changes."""
        state = self._state
        for goal in self._stepper.rehearse():
            intent = msgspec.structs.replace(intent_of(goal, state.ts), number=state.intent)
            as_bytes(Decision(state.decision, state.ts, self._stepper.written_bytes(), (intent,)))

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
        self._feedback = Feedback(self._state, self._stepper, self._count)

    def digest(self) -> str:
        """SHA-256 over all state: equal ones decide equally from here on."""
        return hashlib.sha256(self.snapshot()).hexdigest()

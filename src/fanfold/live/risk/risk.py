"""The component that lets orders go: it hears the market and the account, and judges intents."""

import logging
import math
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.live.component import Outgoing, Pollable, Statistics
from fanfold.live.folder import Folder
from fanfold.live.halts import KILL, Latch, Watch, set_latch
from fanfold.live.messages import (
    EXECUTION,
    MARKET_DATA,
    RISK,
    SIGNAL,
    UNREADABLE,
    AccountState,
    Depth,
    Envelope,
    Feed,
    Fill,
    Gate,
    Intent,
    OrderChange,
    Prior,
    Quote,
    Split,
    Step,
    Trade,
    Trading,
    Value,
)
from fanfold.live.plan import Plan, read_plan
from fanfold.live.risk.account import account_problem
from fanfold.live.risk.ask import Post
from fanfold.live.risk.book import best_of
from fanfold.live.risk.breakers import Breach, Breakers
from fanfold.live.risk.desk import Desk
from fanfold.live.risk.keeper import Keeper
from fanfold.live.risk.mirror import Mirror
from fanfold.live.risk.restart import go_on_from, kept_of
from fanfold.live.risk.rules import rules_from
from fanfold.live.risk.shown import gauges_of, inspected
from fanfold.live.signal.moments import panel_calendar
from fanfold.live.statistics import Latency, summaries
from fanfold.live.trace import Trail

STATE_LATCH: Final = "risk_state"
"""Latch of a start whose own file could not be read: losses are measured from now."""

ACCOUNT_LATCH: Final = "account"
"""Latch of an account that is not what its fills make it."""

_log = logging.getLogger(__name__)


class Risk:
    """`fanfold.live.component.Component` between signal and execution.

    Args:
        plan: Of the deployment.
        folder: Where its latches and snapshots are.
        incarnation: Rises with each start.
        now: [ns UTC]
    """

    name = RISK

    def __init__(self, plan: Plan, folder: Folder, incarnation: int, now: int) -> None:
        rules = rules_from(plan)
        calendar = panel_calendar([one.calendar for one in plan.assets], plan.sessions)
        sessions = () if calendar == ROUND_THE_CLOCK else plan.sessions[calendar]
        closes = tuple(one.close_ts for one in sessions)
        self._folder = folder
        self._incarnation = incarnation
        self._mirror = Mirror(rules, closes, tuple(one.day for one in sessions))
        self._post = Post(rules.orders_per_second)
        self._desk = Desk(self._mirror, self._post)
        self._breakers = Breakers(rules)
        self._watch = Watch(folder)
        self._keeper, self._trail = Keeper(folder), Trail(plan.tag)
        self._unwritten: list[Latch] = []
        self._last_fill_at = 0
        self._seen: dict[str, tuple[int, int]] = {}
        self._counts: Counter[str] = Counter()
        self._latency = {"hop": Latency(), "check": Latency()}
        self._closed = False
        self._restore(now)
        self._look()

    @classmethod
    def opened(cls, folder: Folder, incarnation: int, now: int) -> "Risk":
        """The component of a deployment's folder.

        Raises:
            OSError, pydantic.ValidationError: There is no plan, or it is none.
            ConfigError: Its job is none.
        """
        return cls(read_plan(folder), folder, incarnation, now)

    def arm(self, epoch: int, now: int) -> Sequence[Outgoing]:
        """Approve from now on; what a breaker could not let go before goes now."""
        self._post.armed = True
        self._post.epoch = epoch
        self._look()
        out: list[Outgoing] = []
        if self._breakers.tripped and self._post.latch != KILL:
            name = min(self._breakers.tripped)
            self._desk.flatten(name, math.nan, math.nan, now, out)
        return out

    def disarm(self, reason: str, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Approve nothing, but go on taking in."""
        self._post.armed = False
        return ()

    def take(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """An envelope of market data, of signal or of execution."""
        sender = envelope.sender
        incarnation, number = self._seen.get(sender, (0, 0))
        if incarnation == envelope.incarnation and number + 1 == envelope.number:
            self._seen[sender] = (incarnation, number + 1)
        else:
            self._note_gap(envelope, incarnation, number)
        out: list[Outgoing] = []
        if sender == MARKET_DATA:
            self._post.fed_at = now
            self._take_market(envelope.values, now, out)
            self._desk.get_ready(envelope.values, now)
        elif sender == SIGNAL:
            self._latency["hop"].record(now - envelope.sent_at)
            self._take_intents(envelope.values, now, out)
        elif sender == EXECUTION:
            for value in envelope.values:
                self._take_execution(value, now, out)
        else:
            self._counts["unknown"] += 1
        return out

    def tick(self, now: int) -> Sequence[Outgoing]:
        """Latches, breakers, and what is to be kept."""
        out: list[Outgoing] = []
        self._look()
        self._write_latches()
        self._trail.write()
        mirror = self._mirror
        if mirror.account is not None:
            mirror.live_equity = float(mirror.exact_equity())
            self._measure(now, out)
        self._desk.prepare()
        if self._keeper.is_due(now):
            self._keeper.keep(kept_of(self._mirror, self._breakers, self._post), now)
        return out

    def pollables(self) -> Sequence[Pollable]:
        """None: it talks to nobody outside."""
        return ()

    def statistics(self) -> Statistics:
        """A snapshot."""
        mirror, breakers, post = self._mirror, self._breakers, self._post
        state = "stopped" if self._closed else ("armed" if post.armed else "halted")
        return Statistics(
            component=RISK,
            incarnation=self._incarnation,
            state=state,
            at=time.time_ns(),
            counts=dict(self._counts),
            gauges={
                **gauges_of(mirror, breakers, post),
                "write_errors": self._keeper.errors,
            },
            latency=summaries(self._latency),
        )

    def inspect(self) -> dict[str, Any]:
        """The last quotes and refusals, for people."""
        return inspected(self._mirror, self._desk.refusals)

    def close(self) -> None:
        """Write down what must last."""
        if not self._closed:
            self._closed = True
            self._keeper.keep(kept_of(self._mirror, self._breakers, self._post), 0)
            self._keeper.close()

    def _take_market(self, values: Sequence[Value], now: int, out: list[Outgoing]) -> None:
        """The hot path: most of what comes is a quote like the one before it."""
        mirror, breakers = self._mirror, self._breakers
        books = mirror.books
        outlier, half_spread = mirror.rules.outlier, 0.5 * mirror.rules.spread_max
        for value in values:
            if type(value) is not Quote:
                self._take_rare(value, now, out)
                continue
            book = books.get(value.asset)
            if book is None:
                self._counts["unknown"] += 1
                continue
            ts = value.ts
            if ts > mirror.newest:
                if ts > mirror.ends or mirror.deferring:
                    self._pass_time(ts)
                else:
                    mirror.newest = ts
            bid, ask = value.bid, value.ask
            middle, last = bid + ask, book.middle
            gain = middle - last
            if (
                -outlier * last <= gain <= outlier * last
                and ask - bid <= half_spread * middle
                and bid > 0.0 < ask
                and not book.doubts
            ):
                book.quote = value
                book.middle = middle
                if not book.sway:
                    continue
                mirror.live_equity += book.worth * gain
                mirror.swayed += book.sway * abs(gain)
            else:
                mirror.doubt(book, value)
            if not breakers.trip < mirror.live_equity <= breakers.peak:
                self._measure(now, out)
        self._counts["messages"] += len(values)

    def _take_rare(self, value: Value, now: int, out: list[Outgoing]) -> None:
        """What comes from market data beside quotes."""
        mirror = self._mirror
        match value:
            case Trade():
                if value.ts > mirror.newest:
                    self._pass_time(value.ts)
            case Depth():
                quote = best_of(value)
                if quote is not None:
                    self._take_market((quote,), now, out)
            case Step():
                self._pass_time(value.ts)
                mirror.take_step(value)
                self._measure(now, out)
            case Prior():
                mirror.take_prior(value)
            case Feed():
                mirror.take_feed(value)
            case Trading():
                book = mirror.books.get(value.asset)
                if book is not None:
                    book.halted = value.halted
            case _:
                self._counts["ignored"] += 1

    def _take_intents(self, values: Sequence[Value], now: int, out: list[Outgoing]) -> None:
        self._look()
        counts = self._counts
        intents = [value for value in values if type(value) is Intent]
        counts["ignored"] += len(values) - len(intents)
        counts["intents"] += len(intents)
        desk, check = self._desk, self._latency["check"]
        for intent in desk.in_order(intents):
            sent = len(out)
            began = time.perf_counter_ns()
            reason = desk.take(intent, now, out)
            check.record(desk.decided_at - began)
            self._trail.note("judged", intent.asset, intent.event_ts, refused=reason)
            if len(out) != sent and out[sent][0] == EXECUTION:
                counts["approved"] += 1
            if reason:
                counts["refused"] += 1
                counts[f"refused.{reason}"] += 1
        self._post.last_number = self._post.highest

    def _take_execution(self, value: Value, now: int, out: list[Outgoing]) -> None:
        mirror = self._mirror
        match value:
            case Fill():
                self._last_fill_at = now
                mirror.take_fill(value)
                self._measure(now, out)
            case OrderChange():
                mirror.take_order(value)
            case Gate():
                self._post.gate_open = value.open
            case AccountState():
                self._take_account(value, now, out)
            case Split():
                self._counts["splits"] += mirror.take_split(value)
            case _:
                self._counts["ignored"] += 1

    def _take_account(self, state: AccountState, now: int, out: list[Outgoing]) -> None:
        mirror = self._mirror
        if len(state.held) != len(mirror.books):
            self._counts["ignored"] += 1
            return
        problem = account_problem(mirror, state, now - self._last_fill_at)
        first = mirror.account is None
        mirror.take_account(state)
        self._post.reconciling = False
        if problem:
            self._set(Latch(name=ACCOUNT_LATCH, reason=problem, by=RISK, at=now))
        if not mirror.is_blind and (first or not self._breakers.peak * self._breakers.day_start):
            self._breakers.begin(mirror.live_equity)
        self._measure(now, out)

    def _pass_time(self, ts: int) -> None:
        mirror = self._mirror
        mirror.pass_time(ts)
        if mirror.rolled:
            mirror.rolled = False
            mirror.order_count = 0
            known = mirror.account is not None and not mirror.is_blind
            self._breakers.begin_day(mirror.live_equity if known else 0.0)

    def _measure(self, now: int, out: list[Outgoing]) -> None:
        """Ask the breakers, where the running equity says that they may have to act."""
        mirror, breakers = self._mirror, self._breakers
        if mirror.account is None or breakers.peak == 0.0 or mirror.is_blind:
            return
        if mirror.live_equity > breakers.peak:
            breakers.rise(mirror.live_equity)
        if mirror.live_equity <= breakers.trip:
            exact = mirror.exact_equity()
            mirror.live_equity = float(exact)
            for breach in breakers.breached(exact):
                self._break(breach, exact, now, out)

    def _break(self, breach: Breach, equity: int, now: int, out: list[Outgoing]) -> None:
        """A breaker acts: on disk, in what is refused, and on all positions."""
        self._breakers.act(breach.name)
        reason = (
            f"equity {equity / 1e6:.2f}: loss {breach.reached:.6f}, limit {breach.bound:.6f}, "
            f"peak {self._breakers.peak / 1e6:.2f}, day's start "
            f"{self._breakers.day_start / 1e6:.2f}"
        )
        self._post.latch_bound, self._post.latch_reached = breach.bound, breach.reached
        self._set(Latch(name=breach.name, reason=reason, by=RISK, at=now))
        if self._post.armed and self._post.latch != KILL:
            self._desk.flatten(breach.name, breach.bound, breach.reached, now, out)

    def _set(self, latch: Latch) -> None:
        self._counts["latches"] += 1
        self._unwritten.append(latch)
        self._write_latches()
        self._look()

    def _write_latches(self) -> None:
        """Set what is not on disk yet; it halts here all the same."""
        while self._unwritten:
            try:
                set_latch(self._folder, self._unwritten[0])
            except OSError as error:
                _log.error("latch %s could not be set: %s", self._unwritten[0].name, error)
                return
            self._unwritten.pop(0)

    def _look(self) -> None:
        """Which latches are set: kill before all others, then those that have acted here."""
        names = self._watch.names()
        post, breakers = self._post, self._breakers
        if not names and not self._unwritten:
            if post.latch:
                post.latch = ""
                post.latch_bound = post.latch_reached = math.nan
            if breakers.tripped and self._mirror.account is not None:
                breakers.rebase(self._mirror.live_equity)
            return
        names = (*names, *(latch.name for latch in self._unwritten))
        post.latch = KILL if KILL in names else min(breakers.tripped & {*names}, default=names[0])

    def _note_gap(self, envelope: Envelope, incarnation: int, number: int) -> None:
        """A number that does not follow: something was lost, or its sender began anew."""
        sender = envelope.sender
        self._seen[sender] = (envelope.incarnation, envelope.number)
        if incarnation == 0:
            return  # the first that is heard of it
        anew = incarnation != envelope.incarnation
        missing = envelope.number - 1 - (0 if anew else number)
        if missing == 0 and not anew:
            return
        if missing != 0:
            self._counts["gaps"] += 1
            self._counts["lost"] += max(missing, 0)
        if sender == EXECUTION:
            self._post.reconciling = True

    def _restore(self, now: int) -> None:
        """Measure from where the last incarnation did; from nothing only behind a latch."""
        try:
            kept = self._keeper.load()
        except (OSError, *UNREADABLE) as error:
            reason = f"what risk measures from could not be read: {type(error).__name__}"
            self._set(Latch(name=STATE_LATCH, reason=reason, by=RISK, at=now))
            return
        go_on_from(kept, self._mirror, self._breakers, self._post)

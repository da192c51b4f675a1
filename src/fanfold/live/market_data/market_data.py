"""What the stream says, as values: quotes, trades, order books and steps; no sockets.

Frames and instants are handed in, values come out; what is to be fetched or made anew is
asked for by attributes that the edge looks at (`fanfold.live.market_data.run`). Decisions
follow the venue's clock: the greatest instant that the stream or its clock has told.
"""

from collections.abc import Iterable, Sequence
from time import perf_counter_ns
from typing import Any, Final

from fanfold.alpaca.wire import messages as wire
from fanfold.alpaca.wire.codec import MSGPACK, UNREADABLE
from fanfold.live.component import Statistics
from fanfold.live.market_data.bars.hours import SECOND_NS, Hours
from fanfold.live.market_data.bars.minutes import Minutes
from fanfold.live.market_data.bars.ticks import Ticks
from fanfold.live.market_data.feed import FeedState
from fanfold.live.market_data.reading import AHEAD_NS, JUMP_NS, Reading
from fanfold.live.market_data.rest.clock import VenueClock
from fanfold.live.market_data.rest.past import Minute, PastTrade
from fanfold.live.market_data.stream.decode import Message, messages_of
from fanfold.live.market_data.watch import Watch
from fanfold.live.messages import MARKET_DATA, Prior, Quote, Value
from fanfold.live.plan import Plan
from fanfold.live.statistics import Latency, summaries

_decode: Final = MSGPACK.messages


class MarketData:
    """The pure half of the component.

    Args:
        plan: Of the deployment.
        since: End of the last step that was told before, 0 for none [ns UTC].
        incarnation: Of this process.

    Attributes:
        hours: Of each asset.
        feed: Whether the stream can be trusted.
        venue_clock: What the broker's clock has answered.
        reconnect: Why the connection must be made anew, "" where it need not.
        lacking: From when on a step lacked a bar, to be looked up and cleared; 0 for none.
        is_armed: Whether the deployment trades; market data flow in any case.

    Raises:
        ConfigError: The plan lacks sessions, or has a length of bars that divides no day.
    """

    def __init__(self, plan: Plan, *, since: int = 0, incarnation: int = 1) -> None:
        settings = plan.settings.market
        by_calendar = {
            name: Hours(name, plan.sessions.get(name, ()), settings.bar_seconds)
            for name in {asset.calendar for asset in plan.assets}
        }
        self.hours = tuple(by_calendar[asset.calendar] for asset in plan.assets)
        self.feed = FeedState()
        self.venue_clock = VenueClock()
        self.reconnect = ""
        self.lacking = 0
        self.is_armed = False
        self._incarnation = incarnation
        self._bars = _bars_of(plan, self.hours, since)
        self._from_quotes = settings.bars == "quotes"
        channels = ("quotes", "bars") if self.needs_minutes else ("quotes",)
        silence, stale = settings.silence_s * SECOND_NS, settings.stale_s * SECOND_NS
        self._watch = Watch(self.hours, channels, int(silence), int(stale))
        self._reading = Reading(
            plan.symbols,
            self._bars,
            from_quotes=self._from_quotes,
            watch=self._watch,
            feed=self.feed,
        )
        self._is_connected = False
        self._ahead = AHEAD_NS
        self._is_replay = plan.settings.broker.at == "local"
        self._offset_max = settings.clock_offset_s
        self._prior_session = 0
        self._counts: dict[str, int] = dict.fromkeys(("steps", "gaps", "reconnects"), 0)
        self._latency = {name: Latency() for name in ("decode", "book")}

    @property
    def clock(self) -> int:
        """The venue's clock, as far as it is known [ns UTC]."""
        return self._reading.clock

    @property
    def said(self) -> list[wire.Control]:
        """What the broker said of the connection, to be looked at and cleared."""
        return self._reading.said

    @property
    def torn(self) -> set[int]:
        """Assets whose order books must come whole again, to be asked for and cleared."""
        return self._reading.torn

    @property
    def last_step(self) -> int:
        """End of the last step, 0 for none [ns UTC]."""
        return 0 if self._bars is None else self._bars.last

    @property
    def needs_minutes(self) -> bool:
        """Whether what was missed is fetched as minutes."""
        return isinstance(self._bars, Minutes)

    @property
    def needs_trades(self) -> bool:
        """Whether what was missed is fetched as trades."""
        return isinstance(self._bars, Ticks) and not self._from_quotes

    @property
    def wants_priors(self) -> bool:
        """Whether another session has begun since what is usual was asked for."""
        return self._session() != self._prior_session

    def missed_from(self, clock: int) -> int | None:
        """From when on something may have been missed [ns UTC], None for nothing.

        Without a step before, it is the begin of the bar that is on.
        """
        if self._bars is None:
            return None
        if self._bars.last:
            return self._bars.last
        bars = [bar for hours in self.hours if (bar := hours.bar_of(clock + 1)) is not None]
        return min((bar[0] for bar in bars), default=None)

    def take_frame(self, frame: bytes, received_at: int) -> list[Value]:
        """What a frame of the stream says.

        Args:
            frame: Its bytes.
            received_at: When it came, on our clock [ns UTC].
        """
        begun = perf_counter_ns()
        if not self._is_replay:
            self._reading.horizon = received_at + self._ahead
        messages: list[Message]
        try:
            messages = _decode(frame)
        except UNREADABLE:
            messages, unknown = messages_of(frame)
            self.count("messages", unknown)
            self.count("unknown", unknown)
        decoded = perf_counter_ns()
        values = self._reading.take(messages, received_at)
        if self._bars is not None:
            self._add_steps(values)
        count = len(messages) or 1
        self._latency["decode"].record((decoded - begun) // count)
        self._latency["book"].record((perf_counter_ns() - decoded) // count)
        return values

    def tick(self, now: int) -> list[Value]:
        """What is due by time; `now` is ours [ns UTC]."""
        values: list[Value] = []
        clock = self.venue_clock.now(now)
        self._advance(clock)
        if not self._is_replay:
            # The broker's clock may be ahead of ours; what it last said is true at the least.
            self._ahead = max(self.venue_clock.offset_ns, clock - now, 0) + AHEAD_NS
            self._reading.horizon = now + self._ahead
        self._add_steps(values)
        if self._is_connected and not self.reconnect:
            silent = self._watch.silent(now, self.clock)
            self.reconnect = f"no {silent} for too long" if silent else ""
        self.feed.stale = self._watch.stale(self.clock, self._reading.heard)
        self._look_at_clock()
        values.extend(self.feed.due(self.clock, now))
        return values

    def connected(self, now: int) -> None:
        """A connection stands and is subscribed; what was missed is being fetched."""
        self._is_connected = True
        self.reconnect = ""
        self._watch.begin(now, self.clock)
        self.feed.mended("connection")
        self.feed.trouble("history", "what was missed is being fetched")
        if isinstance(self._bars, Ticks):
            self._bars.restart()
            if self._from_quotes:
                self._bars.broken(self.clock)

    def connecting(self) -> None:
        """A connection is being made: what comes from now on is of the new one."""
        self._reading.forget_books()
        self.reconnect = ""

    def disconnected(self, reason: str) -> None:
        """There is no connection: what comes together now lacks something."""
        if self._is_connected:
            self._counts["reconnects"] += 1
        self._is_connected = False
        self.feed.trouble("connection", f"no market stream: {reason}")
        if self._bars is not None:
            self._bars.is_held = True

    def caught_up(
        self,
        clock: int,
        minutes: Iterable[Minute] = (),
        trades: Iterable[tuple[int, int, PastTrade]] = (),
    ) -> list[Value]:
        """What was missed has been fetched: its steps, in their order.

        Args:
            clock: The venue's, before it was asked for [ns UTC].
            minutes: Ends and bars.
            trades: Instants, assets and trades.
        """
        self._advance(clock)
        if self._is_replay:
            self._reading.horizon = clock + JUMP_NS
        values = self._reading.take_minutes(minutes)
        if isinstance(self._bars, Ticks):
            for ts, asset, trade in trades:
                self._bars.trade(asset, ts, trade.p, trade.s, trade.i, trade.c)
        if self._is_connected:
            self.feed.mended("history")
            if self._bars is not None:
                self._bars.is_held = False
        self._add_steps(values)
        return values

    def looked_up(self, minutes: Iterable[Minute]) -> list[Value]:
        """Minutes that a step lacked, and that the broker has all the same."""
        return self._reading.take_minutes(minutes)

    def take_quotes(self, found: Sequence[Quote]) -> list[Value]:
        """Latest quotes that were asked for; those that are news."""
        return self._reading.take_quotes(found)

    def take_priors(self, found: Sequence[Prior]) -> list[Value]:
        """What is usual of assets; told now, and again now and then."""
        self._prior_session = self._session()
        for one in found:
            self.feed.prior(one)
        return list(found)

    def count(self, name: str, more: int = 1) -> None:
        """Count something."""
        counts = self._reading.counts if name in self._reading.counts else self._counts
        counts[name] = counts.get(name, 0) + more

    def statistics(self, now: int, *, is_stopped: bool = False) -> Statistics:
        """A snapshot; called from any thread."""
        bars = {} if self._bars is None else self._bars.counts
        own = {f"bars.{name}": count for name, count in bars.items()}
        changes = {"feed_changes": self.feed.changes}
        return Statistics(
            component=MARKET_DATA,
            incarnation=self._incarnation,
            state="stopped" if is_stopped else "armed" if self.is_armed else "halted",
            at=now,
            counts=self._reading.counts | self._counts | own | changes,
            gauges={
                "clock": self.clock,
                "clock_offset_s": self.venue_clock.offset_ns / 1e9,
                "clock_rate": self.venue_clock.rate,
                "feed_up": self.feed.is_up,
                "feed_reason": self.feed.reason,
                "stale": len(self.feed.stale),
                "last_step": self.last_step,
                "quoted": sum(quote is not None for quote in self._reading.quotes),
            },
            latency=summaries(self._latency),
        )

    def _add_steps(self, values: list[Value]) -> None:
        if self._bars is None:
            return
        before = self._bars.last
        for step in self._bars.due(self.clock):
            self._counts["steps"] += 1
            if isinstance(self._bars, Minutes) and self._bars.lacks(step):
                self._counts["gaps"] += 1
                self.lacking = self.lacking or max(before, 1)
            before = step.ts
            values.append(step)

    def _advance(self, clock: int) -> None:
        reading = self._reading
        reading.clock = max(clock, reading.clock)
        if self.venue_clock.is_known and self._is_replay:
            reading.horizon = reading.clock + JUMP_NS

    def _look_at_clock(self) -> None:
        offset_s = abs(self.venue_clock.offset_ns) / 1e9
        if self._offset_max is not None and offset_s > self._offset_max:
            most = f"our clock must be within {self._offset_max} s of the broker's"
            self.feed.trouble("clock", f"{most}, was {offset_s:.3f} s off")
        else:
            self.feed.mended("clock")
        if any(hours.is_over(self.clock) for hours in set(self.hours)):
            self.feed.trouble("sessions", "the plan's sessions are over: bring it up anew")

    def _session(self) -> int:
        """Begin of the session that is on, or 1; 0 before the clock is known [ns UTC]."""
        if not self.clock:
            return 0
        found = [one[0] for hours in self.hours if (one := hours.session_of(self.clock))]
        return min(found, default=1)


def _bars_of(plan: Plan, hours: Sequence[Hours], since: int) -> Minutes | Ticks | None:
    settings = plan.settings.market
    if settings.clock == "quotes":
        return None
    kind: Any = Minutes if settings.bars == "venue" else Ticks
    return kind(hours, int(settings.grace_s * SECOND_NS), since)

"""Where the venue's parts meet: the one place that lets anything happen.

Commands and prices change the book; what changed is journaled as one, and only then told.
What fails half-way has not happened: the book begins again where the journal ends.
"""

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from fanfold.venue.faults.faults import Faults
from fanfold.venue.journal import Journal
from fanfold.venue.market.market import Market
from fanfold.venue.market.values import BarTick, Tick
from fanfold.venue.pace import SECOND_NS, Pace
from fanfold.venue.settings import VenueSettings
from fanfold.venue.streams.hub import Hub
from fanfold.venue.trading.exchange import Exchange

T = TypeVar("T")

_log = logging.getLogger("fanfold.venue")

BATCH_TICKS: Final = 256
"""Ticks after which clients and commands have their turn; a whole instant is finished."""

IDLE_S_MAX: Final = 0.02
"""Longest rest between two looks at the clock [s]."""

SAVE_CLOCK_S: Final = 1.0
"""How often the clock is journaled while nothing else is [s]."""

NIGHT_NS: Final = 300 * SECOND_NS
"""A rest of the market that is skipped where nights are [ns]."""

NIGHT_LEAD_NS: Final = SECOND_NS
"""How long before its end the clock goes on as usual [ns]."""


class Floor:
    """The venue at work.

    Attributes:
        settings: What it is like.
        exchange: Trading.
        market: The market behind it.
        journal: Its memory.
        hub: Its streams.
        faults: What goes wrong on purpose.

    Args:
        keys: Of each key its secret and its account's id.
    """

    def __init__(
        self,
        settings: VenueSettings,
        *,
        exchange: Exchange,
        market: Market,
        journal: Journal,
        hub: Hub,
        faults: Faults,
        keys: Mapping[str, tuple[str, str]],
    ) -> None:
        self.settings = settings
        self.exchange = exchange
        self.market = market
        self.journal = journal
        self.hub = hub
        self.faults = faults
        self._keys = dict(keys)
        speed = float("inf") if settings.speed == "max" else float(settings.speed)
        hub.wait_for_clients(on=speed == float("inf"))
        self._pace = Pace(speed, order_pause_s=settings.order_pause_s, venue_ns=market.now)
        self._going = asyncio.Lock()
        self._changed_pace = asyncio.Event()
        self._marked_at = market.now
        self._halted: set[str] = set()
        self._saved_at = time.monotonic()
        self._counts = {"commands": 0, "ticks": 0, "events": 0, "failures": 0}

    # Who

    def account_of(self, key: str, secret: str) -> str | None:
        """Id of the account that keys belong to; None if they are wrong."""
        known, account = self._keys.get(key, ("", ""))
        same = hmac.compare_digest(known.encode(), secret.encode("utf-8", "replace"))
        return account if same and account else None

    # What

    def do(self, work: Callable[[], T]) -> T:
        """Run a command on the exchange; what it changed is journaled, then told.

        Whatever it raises, nothing of it has happened.
        """
        self.attend()
        self._counts["commands"] += 1
        return self._wholly(work)

    def resume(self) -> None:
        """Go on after a restart: halts are over, except for those by faults from the start."""

        def begin() -> None:
            for tick in self._halts():
                self.exchange.on_tick(tick)
            self.exchange.resume()

        self._wholly(begin)

    def attend(self) -> None:
        """Note that somebody trades: at full speed the market gives them a moment."""
        self._pace.attend(time.monotonic(), self.market.now)

    async def step(self, until: int) -> int:
        """Let the market go on up to an instant, at most to its end, and stand there.

        Returns:
            Ticks that happened.
        """
        until = min(until, self.market.last_ts)
        self.set_speed(0.0)
        done = 0
        async with self._going:
            while self.market.now < until:
                done += self._go(until)
                await self.hub.followed()
                await asyncio.sleep(0)
            self.journal.commit(self.exchange.take(), self.market.now)
        return done

    @property
    def speed(self) -> float:
        """How much faster than real time the clock goes; infinite for as fast as clients follow."""
        return self._pace.speed

    def set_speed(self, speed: float) -> None:
        """Let the clock go at another speed; 0 lets it stand."""
        self._pace.set_speed(speed, time.monotonic(), self.market.now)
        self.hub.wait_for_clients(on=speed == float("inf"))
        self._changed_pace.set()

    async def run(self) -> None:
        """Let the market go on until cancelled."""
        while True:
            self._changed_pace.clear()
            async with self._going:
                rest_s = await self._turn()
            if rest_s > 0.0:
                try:
                    await asyncio.wait_for(self._changed_pace.wait(), rest_s)
                except TimeoutError:
                    continue

    async def _turn(self) -> float:
        """One step of the clock; how long it may rest then [s]."""
        now = time.monotonic()
        until = self._pace.target(now, self.market.now, followed=self.hub.follower_count > 0)
        if until is None:
            return await self._follow()
        until = min(until, self.market.last_ts)  # beyond it the clock stands
        if self.settings.skip_nights:
            until = self._past_night(until, now)
        if until > self.market.now:
            self._go(until)
        self._save_clock(now)
        if self.market.now < until:
            self._pace.slip(time.monotonic(), self.market.now)
            await asyncio.sleep(0)
            return 0.0
        return self._pace.rest_s(self.market.next_ts, self.market.now, IDLE_S_MAX)

    async def _follow(self) -> float:
        """A batch of ticks without a look at the clock, taken by all before another."""
        if self.market.next_ts is None:
            return IDLE_S_MAX
        self._go(self.market.last_ts)
        await self.hub.followed()
        await asyncio.sleep(0)
        return 0.0

    def _past_night(self, until: int, now: float) -> int:
        """Where the clock should be if nothing happens for long: just before something does."""
        following = self.market.next_ts
        if following is None or self._pace.speed == 0.0:
            return until
        morning = following - NIGHT_LEAD_NS
        if following - self.market.now <= NIGHT_NS or morning <= until:
            return until
        self._pace.jump(now, morning)
        return morning

    def _go(self, until: int) -> int:
        """Let ticks happen, at most a batch; journal what they changed, then tell all.

        Returns:
            How many happened.
        """
        ticks: list[Tick] = []
        self._wholly(lambda: self._meet(until, ticks), ticks)
        self.hub.publish(ticks)
        self._counts["ticks"] += len(ticks)
        return len(ticks)

    def _meet(self, until: int, ticks: list[Tick]) -> None:
        exchange = self.exchange
        for tick in self._halts():
            ticks.append(tick)
            exchange.on_tick(tick)
        waiting = exchange.desk.book.due
        for tick in self.market.go(until, ticks_max=BATCH_TICKS):
            # Asked at every tick, for a tick too may begin what is due before the next.
            if waiting and (pending := exchange.next_due) is not None and pending <= tick.ts:
                exchange.on_clock(tick.ts)
            exchange.on_tick(tick)
            ticks.append(tick)
            if type(tick) is BarTick and tick.ts > self._marked_at and tick.kind == "b":
                self._marked_at = tick.ts
                exchange.mark_equity()
        due = exchange.next_due
        if due is not None and due <= self.market.now:
            exchange.on_clock(self.market.now)

    def _halts(self) -> list[Tick]:
        """Halts that begin and end by the faults that are on."""
        named = self.faults.halts(self.market.now)
        known = ((self.market.asset(one), why) for one, why in named.items())
        wanted = {asset.symbol: why for asset, why in known if asset is not None}
        if wanted.keys() == self._halted:
            return []
        ticks = [self.market.halt(one, on=False) for one in self._halted - wanted.keys()]
        ticks += [self.market.halt(one, on=True, reason=why) for one, why in wanted.items()]
        self._halted = set(wanted)
        return [tick for tick in ticks if tick is not None]

    def _wholly(self, work: Callable[[], T], ticks: Sequence[Tick] = ()) -> T:
        """Do something, journal what it changed, and tell; or have done nothing.

        Args:
            work: What to do.
            ticks: What it lets happen, empty before: what is told of the market is journaled
                by its clock, so that it is not told again.
        """
        before = self.market.now
        try:
            value = work()
            changes = self.exchange.take()
            if changes or ticks:
                self.journal.commit(changes, self.market.now)
                self._saved_at = time.monotonic()
        except BaseException:
            self._counts["failures"] += 1
            restored = self.journal.restored()
            if restored is not None:
                self.exchange.desk.book.restore(restored)
            if self.market.now > before:
                self.market.seek(before)  # what orders have not met is still to come
            raise
        self._counts["events"] += len(changes.events)
        try:
            self.hub.tell(changes.events)
        except Exception:
            # It has happened: whoever asked must not hear that it has not.
            _log.exception("trade updates could not be told; they are in the journal")
        return value

    def _save_clock(self, now: float) -> None:
        if now - self._saved_at >= SAVE_CLOCK_S:
            self._saved_at = now
            self.journal.commit(self.exchange.take(), self.market.now)

    def statistics(self) -> dict[str, Any]:
        """What it has done so far, in numbers."""
        return {
            **self._counts,
            "speed": "max" if self._pace.speed == float("inf") else self._pace.speed,
            "ended": self.market.next_ts is None,
            "slipped_s": round(self._pace.slipped_s, 3),
            "followers": self.hub.follower_count,
        }

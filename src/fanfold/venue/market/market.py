"""The market behind the venue, as it goes on under the venue's clock.

Its ticks are made window by window from a tape, each a pure function of the replay. So the
market can begin at any instant as if it had come there, and what is asked of the past is
what was streamed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.period import ts_text
from fanfold.domain.sessions import MINUTE_NS, ROUND_THE_CLOCK
from fanfold.errors import ConfigError, DataError
from fanfold.venue.market.assets import Assets
from fanfold.venue.market.board import Board
from fanfold.venue.market.history.past import Action, Minutes
from fanfold.venue.market.history.timeframes import midnight, zone_of
from fanfold.venue.market.hours import Clockwork, day_instants, hours_at
from fanfold.venue.market.replay import Replay, tape_of
from fanfold.venue.market.spread import Levels
from fanfold.venue.market.tapes.order import Strand, in_order
from fanfold.venue.market.tapes.phases import action_ticks, phase_ticks, strand_of
from fanfold.venue.market.tapes.tape import Tape
from fanfold.venue.market.values import (
    Asset,
    BarTick,
    Hours,
    PhaseTick,
    QuoteTick,
    StatusTick,
    Tick,
    TradeTick,
)

WINDOW_TICKS: Final = 40_000
"""Ticks that are made at once, about [ticks]."""

WINDOW_MINUTES_MAX: Final = 120
"""Time that is made at once, at most [min]."""

MINUTE_TICKS: Final = 10
"""Ticks of an asset in a minute, about."""

_CODES: Final = {True: ("H", "Trading Halt"), False: ("T", "Trading Resumption")}


class Market:
    """What is replayed, and what of it has happened (`fanfold.venue.market.values.MarketView`).

    Args:
        tape: What is replayed.
        begin: Where the clock stands at first [ns UTC].
        begin_day: Or a date [days since 1970-01-01]: a minute after the open of the first
            session from then on, so that there are quotes and the market is open. Without
            either that of the first session.
        window_minutes: Time that is made at once [min]; it changes no tick.

    Raises:
        ConfigError: The beginning is outside the replay.
    """

    def __init__(
        self,
        tape: Tape,
        *,
        begin: int | None = None,
        begin_day: int | None = None,
        window_minutes: int | None = None,
    ) -> None:
        self._tape = tape
        self._assets = Assets(tape.calendars)
        fits = WINDOW_TICKS // (MINUTE_TICKS * len(tape.calendars))
        minutes = window_minutes or max(1, min(fits, WINDOW_MINUTES_MAX))
        self._window_ns = minutes * MINUTE_NS
        self._clockwork = Clockwork()
        self._halted: dict[str, str] = {}
        self._closes: dict[str, tuple[int, float | None]] = {}
        phases = _phases(tape)
        self._marks = in_order([strand_of("phase", phases), *_action_strands(tape, phases)])
        self._mark_ts = [tick.ts for tick in self._marks]
        self.first_ts = self._mark_ts[0]
        self.last_ts = self._mark_ts[-1]
        self._board = Board()
        self._ticks: list[Tick] = []
        self._place = 0
        self._high = 0
        self._now = 0
        start = _usual_begin(tape, begin_day) if begin is None else begin
        if not self.first_ts <= start <= self.last_ts:
            raise ConfigError(
                f"begin must be from {ts_text(self.first_ts)} to {ts_text(self.last_ts)}, was "
                f"{ts_text(start)}"
            )
        self.seek(start)

    @classmethod
    def opened(cls, replay: Replay) -> "Market":
        """The market of a replay.

        Raises:
            ConfigError: A setting is not what it can be, or does not go with the source.
            DataError: The source, a symbol or the period is not there.
        """
        begin, begin_day = replay.begin_at
        return cls(tape_of(replay), begin=begin, begin_day=begin_day)

    @property
    def now(self) -> int:
        """The venue's clock [ns UTC]."""
        return self._now

    @property
    def next_ts(self) -> int | None:
        """When the next tick is [ns UTC]; None after the last."""
        while self._place >= len(self._ticks):
            if not self._load_next():
                return None
        ts = self._ticks[self._place].ts
        return ts if ts <= self.last_ts else None

    def go(self, until: int, *, ticks_max: int) -> Iterator[Tick]:
        """Let ticks happen, each known to all that ask once it is given.

        Whole instants only: all ticks of one instant, or none of it. The clock is at the
        instant of what was given, and at `until` once all before are. Who stops listening
        inside an instant finds the rest of it when the market goes on.

        Args:
            until: Up to when, included [ns UTC].
            ticks_max: After so many no other instant begins.
        """
        given = 0
        take_by = self._board.take_by
        while given < ticks_max:
            ts = self.next_ts
            if ts is None or ts > until:
                self._now = max(self._now, until)
                return
            self._now = ts
            ticks, place = self._ticks, self._place
            count = len(ticks)
            while place < count and (tick := ticks[place]).ts == ts:
                place += 1
                self._place = place
                take_by[type(tick)](tick)
                given += 1
                yield tick

    def seek(self, now: int) -> None:
        """Begin at an instant, as if all before, it included, had been replayed.

        Halts stay: they are the venue's own and no part of the replay.
        """
        low = now // self._window_ns * self._window_ns
        self._high = low
        self._board = Board()
        before = self._tape.latest(low)
        begin = min((int(strand.ts.min()) for strand in before if strand.ticks), default=low)
        before.append(strand_of("action", self._marked(begin, low)))
        for tick in in_order(before):
            self._board.take(tick)
        self._load(low)
        self._place = bisect_right(self._ticks, now, key=_ts_of)
        for tick in self._ticks[: self._place]:
            self._board.take(tick)
        self._now = now

    @property
    def assets(self) -> tuple[Asset, ...]:
        """All assets, by symbol."""
        return self._assets.all

    def asset(self, named: str) -> Asset | None:
        """An asset by symbol ("BTC/USD", "BTCUSD"), or by id; None if there is none."""
        return self._assets.find(named)

    @property
    def calendars(self) -> tuple[str, ...]:
        """All calendars of the assets, by name."""
        return tuple(sorted(set(self._tape.calendars.values())))

    def quote(self, symbol: str) -> QuoteTick | None:
        """The latest quote; None before the first."""
        return self._board.quotes.get(symbol)

    def trade(self, symbol: str) -> TradeTick | None:
        """The latest trade; None before the first."""
        return self._board.trades.get(symbol)

    def last(self, symbol: str) -> float | None:
        """Price of the latest trade; None before the first."""
        trade = self._board.trades.get(symbol)
        return None if trade is None else trade.price

    def minute_bar(self, symbol: str) -> BarTick | None:
        """The latest minute bar; None before the first."""
        return self._board.minutes.get(symbol)

    def day_bar(self, symbol: str) -> BarTick | None:
        """The latest session so far; None before the first."""
        return self._board.days.get(symbol)

    def book(self, symbol: str) -> tuple[Levels, Levels] | None:
        """Bids and asks of a coin's order book, the best first; None before the first."""
        return self._board.book(symbol)

    def previous_close(self, symbol: str) -> float | None:
        """Close of the session before, adjusted for splits since.

        It changes as a day begins, not as one closes.
        """
        day = self._day_on(self._tape.calendars[symbol])
        found = self._closes.get(symbol)
        if found is None or found[0] != day:
            found = self._closes[symbol] = day, self._close_before(symbol, day)
        return found[1]

    def halt(self, symbol: str, *, on: bool, reason: str = "") -> Tick | None:
        """Halt or resume an asset's trading: the tick that says so; None if it was so already.

        The tape goes on: what is halted is trading here.
        """
        if (symbol in self._halted) == on:
            return None
        if on:
            self._halted[symbol] = reason
        else:
            self._halted.pop(symbol)
        code, message = _CODES[on]
        return StatusTick(self._now, symbol, code, message, "T1" if on else "T3", reason)

    def is_halted(self, symbol: str) -> bool:
        """Whether trading is halted."""
        return symbol in self._halted

    def hours(self, calendar: str) -> Hours:
        """Where the clock lies in an exchange's day."""
        return self._clockwork.hours(self._now, calendar)

    def days(self, symbol: str) -> NDArray[np.int64]:
        """Days on which an asset has data, in order [days since 1970-01-01]; shape [day]."""
        return self._tape.days(symbol)

    def minutes(self, symbol: str, day: int) -> Minutes:
        """An asset's minute bars of a day, as late trades left them."""
        return self._tape.minutes(symbol, *self._day_bounds(symbol, day))

    def daily(self, symbol: str, day: int) -> Minutes:
        """An asset's "d" bar of a whole day, as it is streamed last: one bar, or none."""
        return self._tape.day_bar(symbol, *self._day_bounds(symbol, day))

    def trades(self, symbol: str, day: int) -> Sequence[TradeTick]:
        """An asset's trades of a day in order, those still to come included."""
        ticks = self._ticks_of(symbol, *self._day_bounds(symbol, day))
        return [tick for tick in ticks if type(tick) is TradeTick]

    def quotes(self, symbol: str, day: int) -> Sequence[QuoteTick]:
        """An asset's quotes of a day in order, those still to come included."""
        ticks = self._ticks_of(symbol, *self._day_bounds(symbol, day))
        return [tick for tick in ticks if type(tick) is QuoteTick]

    def actions(self, symbol: str) -> Sequence[Action]:
        """An asset's splits and dividends by ex-day, those still to come included."""
        return self._tape.actions(symbol)

    def _load(self, low: int) -> None:
        """Make the window that begins at an instant."""
        self._high = low + self._window_ns
        marks = self._marked(low, self._high)
        strands = self._tape.window(low, self._high)
        self._ticks = in_order([*_by_rank(marks), *strands])
        self._place = 0

    def _load_next(self) -> bool:
        """Make the next window that may hold something; False after the last."""
        place = bisect_left(self._mark_ts, self._high)
        mark = self._mark_ts[place] if place < len(self._mark_ts) else None
        found = [ts for ts in (mark, self._tape.next_ts(self._high)) if ts is not None]
        if not found:
            return False
        self._load(min(found) // self._window_ns * self._window_ns)
        return True

    def _marked(self, low: int, high: int) -> list[Tick]:
        """Phases and actions of [low, high)."""
        return self._marks[bisect_left(self._mark_ts, low) : bisect_left(self._mark_ts, high)]

    def _day_on(self, calendar: str) -> int:
        """Date of the session whose day began last [days since 1970-01-01]."""
        hours = self.hours(calendar)
        if hours.phase != "closed":
            return hours.session_day
        before = day_instants(hours.session_day - _GAP_DAYS, hours.session_day - 1, calendar)
        return before[-1].day

    def _close_before(self, symbol: str, day: int) -> float | None:
        found = self._tape.close_before(symbol, day)
        if found is None:
            return None
        since, close = found
        for action in self._tape.actions(symbol):
            if since < action.ex_day <= day:
                close /= action.split
        return close

    def _day_bounds(self, symbol: str, day: int) -> tuple[int, int]:
        calendar = self._tape.calendars.get(symbol)
        if calendar is None:
            raise DataError(f"symbol must be one of the market's, was {symbol!r}")
        zone = zone_of(calendar)
        return midnight(day, zone), midnight(day + 1, zone)

    def _ticks_of(self, symbol: str, low: int, high: int) -> list[Tick]:
        return in_order(self._tape.window(low, high, symbol))


_GAP_DAYS: Final = 30
"""No exchange stays closed for so long [days]."""


def _ts_of(tick: Tick) -> int:
    return tick.ts


def _by_rank(marks: list[Tick]) -> list[Strand]:
    phases = [tick for tick in marks if type(tick) is PhaseTick]
    actions = [tick for tick in marks if type(tick) is not PhaseTick]
    return [strand_of("phase", phases), strand_of("action", actions)]


def _phases(tape: Tape) -> list[PhaseTick]:
    """The phases of all calendars, from the first day with data to the last."""
    spans = tape.spans.values()
    first, last = min(one[0] for one in spans), max(one[1] for one in spans)
    ticks: list[PhaseTick] = []
    for calendar in sorted(set(tape.calendars.values())):
        # An end at midnight belongs to the day that ends.
        days = hours_at(first, calendar).session_day, hours_at(last - 1, calendar).session_day
        ticks += phase_ticks(calendar, *days)
    return ticks


def _action_strands(tape: Tape, phases: list[PhaseTick]) -> list[Strand]:
    begins: dict[str, dict[int, int]] = {}
    for tick in phases:
        if tick.phase == "day":
            begins.setdefault(tick.calendar, {})[tick.session_day] = tick.ts
    return [
        strand_of("action", action_ticks(symbol, tape.actions(symbol), begins[calendar]))
        for symbol, calendar in tape.calendars.items()
    ]


def _usual_begin(tape: Tape, day: int | None) -> int:
    """A minute after all exchanges that close have opened for the first time [ns UTC].

    Args:
        tape: What is replayed.
        day: The first date that counts [days since 1970-01-01]; None for all.
    """
    closing = {name: one for name, one in tape.spans.items() if name != ROUND_THE_CLOCK}
    spans = closing or tape.spans
    return MINUTE_NS + max(
        max(first, hours_at(first, name).open)
        if day is None
        else day_instants(day, day + _GAP_DAYS, name)[0].open
        for name, (first, _) in spans.items()
    )

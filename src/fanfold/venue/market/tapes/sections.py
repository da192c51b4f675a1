"""The minutes of one session after another: bars of a calendar's assets, unfolded lazily.

A section is one session's bars of the assets that share a calendar (of weekly bars, one
week's). Only the few that were last asked for are kept, so memory does not grow with years.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.domain.period import day_text
from fanfold.domain.sessions import DAY_NS, MINUTE_NS
from fanfold.domain.timeframe import monday_of
from fanfold.errors import DataError
from fanfold.venue.market.hours import DayInstants, day_instants, day_starts
from fanfold.venue.market.tapes.rows import Rows, Sheet, rows_of
from fanfold.venue.market.unfold import FINE_DIGITS, LongBar, unfold

KEPT_MAX: Final = 3
"""Sections that are kept made, of each calendar."""

UNKNOWN_VOLUME: Final = 400.0
"""Volume of a minute of a bar that does not say its own [units]."""

WEEK_DAYS_MIN: Final = 5.0
"""Bars that are so many days apart are of weeks [days]."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Bars of assets that share a calendar; `bar` counts those in which one of them has prices.

    Attributes:
        calendar: The calendar.
        symbols: Names of the assets.
        codes: Places of the assets on the tape, ascending; shape [asset].
        whole: Whether their sizes are whole.
        ts: Ends of the bars [ns UTC]; shape [bar].
        day: Date of each bar's session [days since 1970-01-01]; shape [bar].
        panel: Prices and volumes; shape [field, bar, asset].
        length: Of a bar [ns]; `DAY_NS` for sessions, more for weeks.
        seed: Of what is unfolded.
    """

    calendar: str
    symbols: tuple[str, ...]
    codes: Ints
    whole: bool
    ts: Ints
    day: Ints
    panel: Floats
    length: int
    seed: int


@dataclass(slots=True, eq=False)
class Sections:
    """A group's sections, by number.

    Attributes:
        group: The bars.
        first: First bar of each section, and beyond the last; shape [section + 1].
        day: Date of each; of weeks the last session's; shape [section].
        low: When each begins [ns UTC]; shape [section].
        high: When each ends [ns UTC]; shape [section].
        there: Whether an asset trades in it; shape [section, asset].

    Raises:
        DataError: A bar of a session is not on a session of its calendar.
    """

    group: Group
    first: Ints = field(init=False)
    day: Ints = field(init=False)
    low: Ints = field(init=False)
    high: Ints = field(init=False)
    there: NDArray[np.bool_] = field(init=False)
    _sessions: dict[int, DayInstants] = field(init=False)
    _midnights: dict[int, int] = field(init=False)
    _made: OrderedDict[int, Rows] = field(init=False, default_factory=OrderedDict[int, Rows])

    def __post_init__(self) -> None:
        """Find the sections."""
        group = self.group
        turns = np.flatnonzero(np.diff(group.day)) + 1
        self.first = np.concatenate(([0], turns, [len(group.ts)])).astype(np.int64)
        self.day = group.day[self.first[:-1]]
        low, high = int(self.day[0]) - 7, int(self.day[-1])
        self._sessions = {one.day: one for one in day_instants(low, high, group.calendar)}
        dates = np.array(list(self._sessions), np.int64)
        midnights = day_starts(dates, group.calendar)
        self._midnights = dict(zip(dates.tolist(), midnights, strict=True))
        self._check_sessions()
        starts = [self._start(bar) for bar in self.first[:-1].tolist()]
        ends = [self._end(bar) for bar in (self.first[1:] - 1).tolist()]
        self.low, self.high = np.array(starts, np.int64), np.array(ends, np.int64)
        traded = ~np.isnan(group.panel[CLOSE]) & ~(group.panel[VOLUME] <= 0.0)
        self.there = np.logical_or.reduceat(traded, self.first[:-1], axis=0)

    def __len__(self) -> int:
        """Sections."""
        return len(self.day)

    def rows(self, number: int) -> Rows:
        """The minutes of a section."""
        found = self._made.get(number)
        if found is None:
            while len(self._made) >= KEPT_MAX:
                self._made.popitem(last=False)
            assets = range(len(self.group.symbols))
            found = self._made[number] = rows_of(self._sheet(number, assets), MINUTE_NS)
        self._made.move_to_end(number)
        return found

    def rows_asked(self, number: int, asset: int) -> Rows:
        """The minutes of one asset in a section: the same ones, without making the others'."""
        found = self._made.get(number)
        if found is None:
            return rows_of(self._sheet(number, (asset,)), MINUTE_NS)
        return found.take(np.flatnonzero(found.code == self.group.codes[asset]))

    def last_close(self, number: int, asset: int) -> float:
        """Close of the last bar, in regular hours if any is, of an asset that is there."""
        bars = slice(int(self.first[number]), int(self.first[number + 1]))
        closes = self.group.panel[CLOSE, bars, asset]
        volume = self.group.panel[VOLUME, bars, asset]
        known = ~np.isnan(closes) & ~(volume <= 0.0)
        session = self._sessions.get(int(self.day[number]))
        if session is not None:
            inside = known & (self.group.ts[bars] <= session.close)
            inside &= self.group.ts[bars] > session.open
            known = inside if inside.any() else known
        return float(closes[np.flatnonzero(known)[-1]])

    def days_of(self, asset: int) -> Ints:
        """Dates of the sessions in which an asset trades."""
        days = self.day[self.there[:, asset]]
        if self.group.length <= DAY_NS:
            return days
        weeks = {int(monday_of(day)): day for day in days.tolist()}
        spread = [
            day
            for day in self._sessions
            if day <= weeks.get(int(monday_of(day)), int(monday_of(day)) - 1)
        ]
        return np.array(spread, np.int64)

    def _check_sessions(self) -> None:
        if self.group.length < DAY_NS:
            return
        for day in self.day.tolist():
            if day not in self._sessions:
                raise DataError(
                    f"bars of sessions must lie on those of calendar {self.group.calendar}, "
                    f"one was of {day_text(day)}"
                )

    def _start(self, bar: int) -> int:
        """When a bar begins [ns UTC].

        Never before the one before ended, nor before its session opens if it spans that.
        """
        group = self.group
        end = int(group.ts[bar])
        session = self._sessions.get(int(group.day[bar]))
        if group.length > DAY_NS:
            monday = int(monday_of(int(group.day[bar])))
            week = [one.open for day, one in self._sessions.items() if day >= monday]
            return min(week)
        if group.length == DAY_NS and session is not None:
            return session.open
        start = end - group.length
        if bar > 0:
            start = max(start, int(group.ts[bar - 1]))
        if session is not None and start < session.open < end:
            start = session.open
        return end - max((end - start) // MINUTE_NS, 1) * MINUTE_NS

    def _end(self, bar: int) -> int:
        """When a bar ends: of sessions, at their close [ns UTC]."""
        session = self._sessions.get(int(self.group.day[bar]))
        if self.group.length >= DAY_NS and session is not None:
            return session.close
        return int(self.group.ts[bar])

    def _minutes(self, bar: int) -> Ints:
        """Starts of the minutes of a bar [ns UTC]."""
        if self.group.length <= DAY_NS:
            return np.arange(self._start(bar), self._end(bar), MINUTE_NS)
        last = int(self.group.day[bar])
        spans = [
            np.arange(one.open, one.close, MINUTE_NS)
            for day, one in self._sessions.items()
            if int(monday_of(last)) <= day <= last
        ]
        return np.concatenate(spans)

    def _sheet(self, number: int, assets: Sequence[int]) -> Sheet:
        """The minutes of some assets in a section as they are stored, or unfolded."""
        group = self.group
        bars = range(int(self.first[number]), int(self.first[number + 1]))
        if group.length == MINUTE_NS:
            start, asset, values = _direct(group, bars, assets)
        else:
            start, asset, values = self._unfolded(bars, assets)
        day = self._days_of(start, int(self.day[number]))
        dates = np.unique(day)
        place = np.searchsorted(dates, day)
        marks = [self._marks(one) for one in dates.tolist()]
        opens = np.array([one[0] for one in marks], np.int64)
        closes = np.array([one[1] for one in marks], np.int64)
        midnights = np.array([self._midnight(one) for one in dates.tolist()], np.int64)
        return Sheet(
            start=start,
            code=group.codes[asset],
            open=values[OPEN],
            high=values[HIGH],
            low=values[LOW],
            close=values[CLOSE],
            volume=values[VOLUME],
            whole=np.full(len(start), group.whole),
            day=day,
            day_start=midnights[place],
            session_open=opens[place],
            session_close=closes[place],
        )

    def _midnight(self, day: int) -> int:
        """When a date begins [ns UTC]; those of all sessions were found at once."""
        found = self._midnights.get(day)
        return (
            day_starts(np.array([day], np.int64), self.group.calendar)[0]
            if found is None
            else found
        )

    def _marks(self, day: int) -> tuple[int, int]:
        """Open and close of a date; of one that is no session, what holds no minute."""
        session = self._sessions.get(day)
        return (session.open, session.close) if session is not None else (0, 0)

    def _days_of(self, start: Ints, day: int) -> Ints:
        """Dates of the sessions of minutes; of a week's more than one."""
        if self.group.length <= DAY_NS:
            return np.full(len(start), day, np.int64)
        days = np.array(list(self._sessions), np.int64)
        opens = np.array([one.open for one in self._sessions.values()], np.int64)
        return days[np.searchsorted(opens, start, side="right") - 1]

    def _unfolded(self, bars: range, assets: Sequence[int]) -> tuple[Ints, Ints, Floats]:
        """Minutes of longer bars, by asset and then by start."""
        group = self.group
        starts: list[Ints] = []
        owners: list[Ints] = []
        parts: list[Floats] = []
        spans = {bar: self._minutes(bar) for bar in bars}
        for asset in assets:
            for bar in bars:
                open_, high, low, close, volume = group.panel[:, bar, asset].tolist()
                # Also NaN is not positive.
                if not close > 0.0 or volume <= 0.0:
                    continue
                span = spans[bar]
                long = LongBar(
                    symbol=group.symbols[asset],
                    end=int(group.ts[bar]),
                    open=open_,
                    high=high,
                    low=low,
                    close=close,
                    volume=volume if volume > 0.0 else UNKNOWN_VOLUME * len(span),
                    minutes=len(span),
                )
                made = unfold(long, group.seed)
                starts.append(span)
                owners.append(np.full(len(span), asset, np.int64))
                parts.append(np.stack((made.open, made.high, made.low, made.close, made.volume)))
        if not parts:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty((5, 0))
        return np.concatenate(starts), np.concatenate(owners), np.concatenate(parts, axis=1)


def _direct(group: Group, bars: range, assets: Sequence[int]) -> tuple[Ints, Ints, Floats]:
    """Minutes as they are stored, by asset and then by start."""
    chosen = np.array(assets, np.int64)
    part = group.panel[:, bars.start : bars.stop, chosen]
    known = (part[CLOSE] > 0.0) & ~(part[VOLUME] <= 0.0)
    asset, bar = np.nonzero(known.T)
    values = part[:, bar, asset]
    values[:VOLUME] = np.round(values[:VOLUME], FINE_DIGITS)
    values[VOLUME] = np.where(np.isnan(values[VOLUME]), UNKNOWN_VOLUME, values[VOLUME])
    return group.ts[bars.start : bars.stop][bar] - MINUTE_NS, chosen[asset], values


def group_length(ts: Ints, day: Ints) -> int:
    """Length of bars [ns]: the most common gap inside sessions, else a day or a week.

    Args:
        ts: Ends [ns UTC]; shape [bar].
        day: Dates of their sessions; shape [bar].
    """
    inside = np.diff(ts)[np.diff(day) == 0]
    if len(inside):
        gaps, counts = np.unique(inside, return_counts=True)
        return int(gaps[np.argmax(counts)])
    days = np.diff(day)
    return 7 * DAY_NS if len(days) and float(np.median(days)) >= WEEK_DAYS_MIN else DAY_NS

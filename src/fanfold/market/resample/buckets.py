"""Which longer bar each instant is in, and when that bar ends.

A longer bar ends at its nominal end, not at the last bar that is there: by the clock, by
the session's open, at the session's close or at that of the week's last session. So its
end never depends on which bars are missing.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.names import nearest_hint
from fanfold.domain.sessions import (
    DAY_NS,
    MINUTE_NS,
    ROUND_THE_CLOCK,
    next_sessions,
    session_closes,
    session_days,
    session_opens,
)
from fanfold.domain.timeframe import (
    SESSION,
    WEEK,
    last_days,
    marks,
    monday_of,
    places,
    timeframe_named,
    timeframe_ns,
)
from fanfold.errors import ConfigError

Hours = Literal["regular", "extended"]
"""Whether only what happened between a session's open and its close counts, or all."""

Anchor = Literal["clock", "session"]
"""Whence intraday bars are counted: UTC midnight, as `On` does, or the session's open."""

_WEEK_DAYS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How longer bars are cut.

    Attributes:
        timeframe: Their length, by its one name.
        hours: What counts.
        anchor: Whence intraday ones are counted.
    """

    timeframe: str
    hours: Hours
    anchor: Anchor

    @classmethod
    def of(cls, timeframe: str, hours: Hours | None, anchor: Anchor) -> "Rule":
        """A rule as it was asked for.

        Raises:
            ConfigError: An argument is none of what it can be.
        """
        name = timeframe_named(timeframe)
        if hours is None:
            hours = "regular" if name in (SESSION, WEEK) else "extended"
        for label, value, kind in (("hours", hours, Hours), ("anchor", anchor, Anchor)):
            known = get_args(kind)
            if value not in known:
                raise ConfigError(
                    f"{label} must be {' or '.join(map(repr, known))}, was {value!r}"
                    f"{nearest_hint(str(value), known)}"
                )
        return cls(timeframe=name, hours=hours, anchor=anchor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clock:
    """Ends of bars and where their sessions lie; shapes [bar].

    Attributes:
        ts: The bar's end [ns UTC].
        day: The session's date [days since 1970-01-01].
        close: When the session closes [ns UTC].
        calendar: Name of the exchange calendar, or "24/7".
    """

    ts: NDArray[np.int64]
    day: NDArray[np.int64]
    close: NDArray[np.int64]
    calendar: str

    @classmethod
    def of(cls, ts: NDArray[np.int64], calendar: str) -> "Clock":
        """The clock of ends of bars [ns UTC], at least one, in order; shape [bar]."""
        day = session_days(ts, calendar)
        return cls(ts=ts, day=day, close=session_closes(day, calendar), calendar=calendar)

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Clock":
        """Some of the bars."""
        return Clock(
            ts=self.ts[rows], day=self.day[rows], close=self.close[rows], calendar=self.calendar
        )

    @property
    def open(self) -> NDArray[np.int64]:
        """When the session opens [ns UTC]; shape [bar]."""
        days, place = np.unique(self.day, return_inverse=True)
        opens = session_opens(days, self.calendar)
        # A date that is no session opens as the next session does.
        ahead = np.maximum(opens - session_closes(days, self.calendar), -1) // DAY_NS + 1
        return (opens - ahead * DAY_NS)[place]

    @property
    def regular(self) -> NDArray[np.bool_]:
        """Whether a bar ends after the session's open, and at its close at the latest."""
        if self.calendar == ROUND_THE_CLOCK or (self.ts == self.close).all():
            return np.ones(len(self.ts), np.bool_)
        return (self.ts > self.open) & (self.ts <= self.close)

    @property
    def settled(self) -> "Clock":
        """The same, what comes after a session's close moved into the session that follows."""
        late = self.ts > self.close
        if not late.any():
            return self
        day, close = self.day.copy(), self.close.copy()
        day[late] = next_sessions(self.ts[late], self.calendar)
        close[late] = session_closes(day[late], self.calendar)
        return Clock(ts=self.ts, day=day, close=close, calendar=self.calendar)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Buckets:
    """Longer bars that bars make up.

    Attributes:
        place: Which longer bar a bar is in, counted from 0; shape [bar].
        end: When each longer bar ends [ns UTC], strictly increasing; shape [longer bar].
    """

    place: NDArray[np.int64]
    end: NDArray[np.int64]

    @property
    def last(self) -> NDArray[np.int64]:
        """Each longer bar's last bar; shape [longer bar]."""
        return np.searchsorted(self.place, np.arange(len(self.end)), side="right") - 1


def buckets(clock: Clock, rule: Rule) -> Buckets:
    """Cut bars, at least one, into longer ones as a rule says."""
    length = timeframe_ns(rule.timeframe)
    if length and rule.anchor == "session":
        end = _ends_from_open(clock, length)
        place = np.cumsum(np.append(False, end[1:] != end[:-1]), dtype=np.int64)
        return Buckets(place=place, end=end[_lasts(place)])
    to_close = (clock.close - clock.ts) / MINUTE_NS
    place = places(*marks(rule.timeframe, clock.ts, clock.day, to_close, clock.calendar))
    last = _lasts(place)
    ends = _ends_by_clock if length else _ends_of_sessions
    return _distinct(place, ends(clock, last, rule.timeframe))


def _lasts(place: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.flatnonzero(np.append(place[1:] != place[:-1], True))


def _distinct(place: NDArray[np.int64], end: NDArray[np.int64]) -> Buckets:
    """Bars of one end are one: two late ones with nothing but a closed day in between."""
    fresh = np.append(True, end[1:] > np.maximum.accumulate(end)[:-1])
    if fresh.all():
        return Buckets(place=place, end=end)
    return Buckets(place=(np.cumsum(fresh) - 1)[place], end=end[fresh])


def _ends_from_open(clock: Clock, length: int) -> NDArray[np.int64]:
    opens = clock.open
    end = opens - (opens - clock.ts) // length * length
    return np.where(clock.ts <= clock.close, np.minimum(end, clock.close), end)


def _ends_by_clock(clock: Clock, last: NDArray[np.int64], timeframe: str) -> NDArray[np.int64]:
    length = timeframe_ns(timeframe)
    ts, close = clock.ts[last], clock.close[last]
    end = -(-ts // length) * length
    return np.where(ts <= close, np.minimum(end, close), end)


def _ends_of_sessions(clock: Clock, last: NDArray[np.int64], timeframe: str) -> NDArray[np.int64]:
    """Closes of sessions or weeks, of the next one where the last bar came too late."""
    ts, day, close, calendar = clock.ts[last], clock.day[last], clock.close[last], clock.calendar
    if timeframe == SESSION:
        late = ts > close
        if late.any():
            close = close.copy()
            close[late] = session_closes(next_sessions(ts[late], calendar), calendar)
        return close
    monday = monday_of(day)
    week_day = last_days(monday, calendar)
    late = (day > week_day) | ((day == week_day) & (ts > close))
    week_day[late] = last_days(monday[late] + _WEEK_DAYS, calendar) if late.any() else 0
    return session_closes(week_day, calendar)

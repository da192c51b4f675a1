"""Where an instant lies in an exchange's day: before, in and after its session.

In New York shares trade from 04:00 to 20:00, on half days until 17:00; elsewhere the day
is the session alone. What never closes is always open, and its days end at midnight UTC.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.period import day_text
from fanfold.domain.sessions import (
    DAY_NS,
    MINUTE_NS,
    ROUND_THE_CLOCK,
    exchange_zone,
    instants,
    local_ns,
    session_closes,
    session_opens,
    sessions_between,
)
from fanfold.errors import DataError
from fanfold.venue.market.values import Hours

NEW_YORK: Final = "America/New_York"
"""Where there are hours before and after the session."""

PRE_FROM_NS: Final = 4 * 60 * MINUTE_NS
"""When those before begin, after midnight in New York [ns]."""

AFTER_UNTIL_NS: Final = 20 * 60 * MINUTE_NS
"""When those after end [ns]."""

HALF_UNTIL_NS: Final = 17 * 60 * MINUTE_NS
"""When they end on half days [ns]."""

WHOLE_CLOSE_NS: Final = 16 * 60 * MINUTE_NS
"""A session that closes earlier is a half day [ns after midnight]."""

KNOWN: Final = (date(1990, 1, 1), date(2039, 11, 20))
"""First and last date whose sessions are known: what comes next after them lies within the
years that a calendar is made for anyway, so that no second one is made."""


class CalendarRow(NamedTuple):
    """A session as calendars list it, in the exchange's local time.

    Attributes:
        day: Its date [days since 1970-01-01].
        date: The same as text, "2013-11-29".
        open: "09:30".
        close: "16:00", on half days "13:00".
        session_open: When the hours before begin, "0400".
        session_close: When the hours after end, "2000".
    """

    day: int
    date: str
    open: str
    close: str
    session_open: str
    session_close: str


@dataclass(frozen=True, slots=True)
class _Days:
    """Sessions of a calendar in order: dates, and their four instants [ns UTC]."""

    zone: str
    day: list[int]
    begin: list[int]
    open: list[int]
    close: list[int]
    end: list[int]


def hours_at(ts: int, calendar: str) -> Hours:
    """Where an instant lies.

    Args:
        ts: The instant [ns UTC].
        calendar: Name of an exchange calendar, or "24/7".

    Raises:
        ConfigError: The calendar is unknown.
        DataError: The calendar does not reach that far.
    """
    return hours_span(ts, calendar)[2]


def hours_span(ts: int, calendar: str) -> tuple[int, int, Hours]:
    """The hours at an instant, and from when until when they are these [ns UTC]."""
    if calendar == ROUND_THE_CLOCK:
        day = ts // DAY_NS
        open_, close = day * DAY_NS, (day + 1) * DAY_NS
        hours = Hours(
            phase="regular",
            session_day=day,
            open=open_,
            close=close,
            next_open=close,
            next_close=close,
        )
        return open_, close, hours
    days = _days(calendar)
    place = bisect_right(days.end, ts)
    if place + 1 >= len(days.day) or ts < days.begin[0]:
        raise DataError(
            f"the clock must lie within calendar {calendar}, which knows "
            f"{day_text(days.day[0])} to {day_text(days.day[-2])}, was {day_text(ts // DAY_NS)}"
        )
    edges = (days.begin[place], days.open[place], days.close[place], days.end[place])
    part = bisect_right(edges, ts)
    low = edges[part - 1] if part else days.end[place - 1] if place else ts
    hours = Hours(
        phase=("closed", "pre", "regular", "after")[part],
        session_day=days.day[place],
        open=edges[1],
        close=edges[2],
        next_open=days.open[place] if part < 2 else days.open[place + 1],  # noqa: PLR2004
        next_close=days.close[place] if part < 3 else days.close[place + 1],  # noqa: PLR2004
    )
    return low, edges[part], hours


class Clockwork:
    """The hours of calendars at a clock that mostly goes on; remembers where it was."""

    def __init__(self) -> None:
        self._spans: dict[str, tuple[int, int, Hours]] = {}

    def hours(self, ts: int, calendar: str) -> Hours:
        """As `hours_at`, without a search while the phase lasts."""
        span = self._spans.get(calendar)
        if span is None or not span[0] <= ts < span[1]:
            span = self._spans[calendar] = hours_span(ts, calendar)
        return span[2]


class DayInstants(NamedTuple):
    """A session's date [days since 1970-01-01] and its four instants [ns UTC]."""

    day: int
    begin: int
    open: int
    close: int
    end: int


def day_instants(first_day: int, last_day: int, calendar: str) -> list[DayInstants]:
    """The sessions of a period, both dates included, in order."""
    if calendar == ROUND_THE_CLOCK:
        return [
            DayInstants(day, day * DAY_NS, day * DAY_NS, (day + 1) * DAY_NS, (day + 1) * DAY_NS)
            for day in range(first_day, last_day + 1)
        ]
    days = _days(calendar)
    low, high = bisect_right(days.day, first_day - 1), bisect_right(days.day, last_day)
    columns = (days.day, days.begin, days.open, days.close, days.end)
    return [DayInstants(*row) for row in zip(*(one[low:high] for one in columns), strict=True)]


def calendar_rows(first_day: int, last_day: int, calendar: str) -> list[CalendarRow]:
    """The sessions of a period as calendars list them.

    Args:
        first_day: Earliest date, included [days since 1970-01-01].
        last_day: Latest date, included.
        calendar: Name of an exchange calendar, or "24/7".

    Raises:
        ConfigError: The calendar is unknown.
    """
    sessions = day_instants(first_day, last_day, calendar)
    if not sessions:
        return []
    zone = exchange_zone(calendar)
    begin, open_, close, end = (
        (local_ns(np.array([one[place] for one in sessions], np.int64), zone) % DAY_NS).tolist()
        for place in range(1, 5)
    )
    return [
        CalendarRow(
            one.day,
            day_text(one.day),
            _clock(open_[row], ":"),
            _clock(close[row], ":"),
            _clock(begin[row], ""),
            _clock(end[row], ""),
        )
        for row, one in enumerate(sessions)
    ]


def day_starts(days: NDArray[np.int64], calendar: str) -> list[int]:
    """Midnights at the exchange with which dates begin [ns UTC].

    Args:
        days: Dates [days since 1970-01-01]; shape [date].
        calendar: Name of an exchange calendar, or "24/7".
    """
    if calendar == ROUND_THE_CLOCK:
        return (days * DAY_NS).tolist()
    return instants(days * DAY_NS, exchange_zone(calendar)).tolist()


def _clock(ns: int, between: str) -> str:
    hour, minute = divmod(ns // MINUTE_NS, 60)
    return f"{hour:02d}{between}{minute:02d}"


@lru_cache(maxsize=32)
def _days(calendar: str) -> _Days:
    first, last = ((known - date(1970, 1, 1)).days for known in KNOWN)
    day = sessions_between(first, last, calendar)
    open_, close = session_opens(day, calendar), session_closes(day, calendar)
    zone = exchange_zone(calendar)
    begin, end = open_, close
    midnight = day * DAY_NS
    if zone == NEW_YORK and bool((local_ns(open_, zone) > midnight + PRE_FROM_NS).all()):
        begin = instants(midnight + PRE_FROM_NS, zone)
        half = local_ns(close, zone) < midnight + WHOLE_CLOSE_NS
        end = instants(midnight + np.where(half, HALF_UNTIL_NS, AFTER_UNTIL_NS), zone)
    return _Days(
        zone=zone,
        day=day.tolist(),
        begin=begin.tolist(),
        open=open_.tolist(),
        close=close.tolist(),
        end=end.tolist(),
    )

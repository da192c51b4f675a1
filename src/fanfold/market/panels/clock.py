"""The one clock of a panel: ends of bars of many series, and the sessions they are in.

Sessions are stored with the rows, so that reading needs no calendar library. Only
where assets of several calendars meet is the panel's own calendar asked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.calendars import panel_calendar
from fanfold.domain.sessions import session_columns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clock:
    """Ends of bars and their sessions; shapes [bar], as in `fanfold.domain.bars.Bars`.

    Attributes:
        ts: Ends, increasing [ns UTC].
        session_day: Dates of the sessions [days since 1970-01-01].
        minutes_to_close: To the sessions' ends [min].
        is_month_end: Whether the session is the last of its month.
    """

    ts: NDArray[np.int64]
    session_day: NDArray[np.int64]
    minutes_to_close: NDArray[np.float64]
    is_month_end: NDArray[np.bool_]

    def __getitem__(self, bars: slice) -> "Clock":
        """Some of the bars in a row."""
        return Clock(
            ts=self.ts[bars],
            session_day=self.session_day[bars],
            minutes_to_close=self.minutes_to_close[bars],
            is_month_end=self.is_month_end[bars],
        )

    def between(self, first: int, last: int) -> "Clock":
        """The bars that end from an instant to another, both included [ns UTC]."""
        low = int(np.searchsorted(self.ts, first))
        return self[low : int(np.searchsorted(self.ts, last, side="right"))]


def common_clock(series: Sequence[NDArray[np.int64]], sessions_of: Callable[[int], Clock]) -> Clock:
    """The clock of series of one calendar.

    Args:
        series: Ends of each one's bars, increasing [ns UTC].
        sessions_of: Reads the clock of one, by its place; asked as seldom as it goes.
    """
    ts = _union(series)
    day = np.empty(len(ts), np.int64)
    minutes, month_end = np.empty(len(ts)), np.empty(len(ts), bool)
    left = np.ones(len(ts), bool)
    # The longest first: where all share their instants it is the only one.
    for place in sorted(range(len(series)), key=lambda one: -len(series[one])):
        if not left.any():
            break
        at = np.searchsorted(ts, series[place])
        if left[at].any():
            own = sessions_of(place)
            at = np.searchsorted(ts, own.ts)
            day[at], minutes[at] = own.session_day, own.minutes_to_close
            month_end[at], left[at] = own.is_month_end, False
    return Clock(ts=ts, session_day=day, minutes_to_close=minutes, is_month_end=month_end)


def panel_clock(clocks: dict[str, Clock]) -> tuple[str, Clock]:
    """The calendar and the clock of a panel.

    Args:
        clocks: Of the assets of each calendar, at least one bar in all.
    """
    if len(clocks) == 1:
        return next(iter(clocks.items()))
    ts = _union([one.ts for one in clocks.values()])
    calendar = panel_calendar([*clocks], ts)
    sessions = session_columns(ts, calendar)
    return calendar, Clock(
        ts=ts,
        session_day=sessions.session_day,
        minutes_to_close=sessions.minutes_to_close,
        is_month_end=sessions.is_month_end,
    )


def _union(series: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """All instants of all series, each once, in order."""
    longest = max(series, key=len)
    others: list[NDArray[np.int64]] = []
    for one in series:
        if len(one) == 0 or np.array_equal(one, longest):
            continue
        at = np.minimum(np.searchsorted(longest, one), len(longest) - 1)
        strange = one[longest[at] != one]
        if len(strange):
            others.append(strange)
    return np.unique(np.concatenate([longest, *others])) if others else longest

"""Whole sessions: those that are missing, and bars where there is none."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.period import day_text
from fanfold.domain.sessions import (
    ROUND_THE_CLOCK,
    session_closes,
    session_days,
    sessions_between,
)
from fanfold.domain.timeframe import WEEK
from fanfold.errors import DataError
from fanfold.market.quality.about import About, Sound, runs_of
from fanfold.market.quality.finding import Finding

_MISFIT_SHARE: Final = 0.2
"""Share of days off the calendar from which it is the calendar that is wrong [1]."""

_MISFIT_DAYS_MIN: Final = 10
"""Days off the calendar below which they are told one by one."""

_FIT_SHARE: Final = 0.9
"""Share of shifted dates that must be sessions, and of sessions that must be there [1]."""

_SINGLE_MIN: Final = 4
"""Bars of a stretch from which a single day off tells, if another one is missing for it."""

_WEEK_DAYS: Final = 5
"""Sessions of a week."""

_SPAN_MAX: Final = 1_000_000
"""Span of numbers that are looked up in a table of it [1]."""

_LONG_ABSENCE: Final = 250
"""Missing sessions from which two companies may have had the ticker: about a year."""


def days_known(ts: NDArray[np.int64], calendar: str) -> NDArray[np.int64] | None:
    """Dates of the sessions of bars, None if the calendar does not reach so far.

    Args:
        ts: Ends of bars [ns UTC]; shape [bar].
        calendar: Of the asset.
    """
    if len(ts) == 0:
        return np.empty(0, np.int64)
    try:
        return session_days(ts, calendar)
    except DataError:
        return None


def shifted_days(
    day: NDArray[np.int64], about: About
) -> Iterator[tuple[int, int, int, NDArray[np.int64]]]:
    """Stretches of daily bars whose dates are a day off, as if their zone was mistaken.

    A date off by one shows at the ends of weeks only: bars on a Sunday and none on
    Fridays. A stretch is all that lies between such days with no day against it.

    Args:
        day: Dates, increasing [days since 1970-01-01]; shape [bar].
        about: Whose.

    Yields:
        First bar, last + 1, the shift that puts it right [days], and the days off (places).
    """
    sessions = sessions_between(int(day[0]) - 1, int(day[-1]) + 1, about.calendar)
    fits = among(day, sessions)
    if fits.all():
        return
    for shift in (1, -1):
        would = among(day + shift, sessions)
        telling = np.flatnonzero(fits != would)
        for first, after in runs_of(would[telling]):
            off = telling[first:after]
            begin, end = _stretch(day, off, shift, (first > 0, after < len(telling)))
            moved = day[begin:end] + shift
            whole = sessions_between(int(moved[0]), int(moved[-1]), about.calendar)
            # Put right, it must be whole: a single bar on a Sunday would stand alone.
            sound = (
                len(whole) <= len(moved) / _FIT_SHARE and among(moved, sessions).mean() > _FIT_SHARE
            )
            if sound and (
                len(off) > 1 or (len(moved) >= _SINGLE_MIN and _lacks_end(day, end, sessions))
            ):
                yield begin, end, shift, off


def _stretch(
    day: NDArray[np.int64], off: NDArray[np.int64], shift: int, others: tuple[bool, bool]
) -> tuple[int, int]:
    """Where shifted dates begin and end, if there are right ones before, and after.

    Dates that are early show at the beginning of each week, late ones at its end.
    """
    begin, end = 0, len(day)
    if others[0]:
        whole_week = int(day[off[0]]) - (0 if shift > 0 else _WEEK_DAYS - 1)
        begin = int(np.searchsorted(day, whole_week))
    if others[1]:
        whole_week = int(day[off[-1]]) + (_WEEK_DAYS - 1 if shift > 0 else 0)
        end = int(np.searchsorted(day, whole_week, side="right"))
    return begin, end


def _lacks_end(day: NDArray[np.int64], end: int, sessions: NDArray[np.int64]) -> bool:
    """Whether the session after a stretch is missing, as the shift would have it."""
    following = sessions[np.searchsorted(sessions, day[end - 1], side="right") :]
    return len(following) > 0 and (end == len(day) or day[end] != following[0])


def daily_shifts(sound: Sound, about: About) -> tuple[NDArray[np.int64], list[Finding]]:
    """Put shifted dates right for the checks that follow, and report them.

    Returns:
        Dates as they should have been [days since 1970-01-01], shape [bar]; findings.
    """
    day, findings = sound.day.copy(), list[Finding]()
    if about.calendar == ROUND_THE_CLOCK or len(day) <= 1 or about.timeframe == WEEK:
        return day, findings
    for begin, end, shift, off in shifted_days(sound.day, about):
        day[begin:end] += shift
        text = f"from {day_text(sound.day[begin])} to {day_text(sound.day[end - 1])}"
        findings.append(
            about.found(
                int(sound.ts[begin]),
                "time_zone",
                f"sessions must fall on days of {about.calendar}, {end - begin} bars {text} are "
                f"dated a day {'early' if shift > 0 else 'late'}: {len(off)} on days without a "
                f"session, such as {_weekday(int(sound.day[off[0]]))}",
            )
        )
    return day, findings


def off_sessions(sound: Sound, day: NDArray[np.int64], about: About) -> Iterator[Finding]:
    """Bars on days on which the exchange is closed, a finding for each stretch of days.

    Args:
        sound: The bars.
        day: Their dates, put right [days since 1970-01-01]; shape [bar].
        about: Whose.
    """
    if about.calendar == ROUND_THE_CLOCK or about.timeframe == WEEK or len(day) == 0:
        return
    sessions = sessions_between(int(day[0]), int(day[-1]), about.calendar)
    days, first = _each_once(day)
    off = ~among(days, sessions)
    if not off.any():
        return
    if off.sum() >= _MISFIT_DAYS_MIN and off.mean() >= _MISFIT_SHARE:
        yield about.found(
            int(sound.ts[first[int(np.argmax(off))]]),
            "off_session",
            f"bars must lie within sessions, {int(off.sum())} of {len(days)} days are none of "
            f"{about.calendar}: it may be another exchange's, the first is "
            f"{_dated(int(days[int(np.argmax(off))]))}",
            "error",
        )
        return
    counts = np.diff(np.append(first, len(day)))
    for place in np.flatnonzero(off).tolist():
        bars = "1 bar ends" if counts[place] == 1 else f"{counts[place]} bars end"
        yield about.found(
            int(sound.ts[first[place]]),
            "off_session",
            f"bars must lie within sessions of {about.calendar}, {bars} on "
            f"{_dated(int(days[place]))}, which is none",
        )


def missing_sessions(day: NDArray[np.int64], about: About) -> Iterator[Finding]:
    """Sessions, or weeks, between the first and the last bar that have none.

    Args:
        day: Dates that have a row, put right, not decreasing [days since 1970-01-01];
            shape [row].
        about: Whose.
    """
    if len(day) <= 1:
        return
    sessions = sessions_between(int(day[0]), int(day[-1]), about.calendar)
    if len(sessions) == 0:
        return
    there = among(sessions, day)
    if about.timeframe == WEEK:
        weeks = (sessions + 3) // 7  # 1970-01-01 was a Thursday
        there = among(weeks, (day + 3) // 7)
        last = np.append(weeks[1:] != weeks[:-1], True)
        sessions, there = sessions[last], there[last]
    if there.all():
        return
    closes = session_closes(sessions, about.calendar)
    unit = "week" if about.timeframe == WEEK else "session"
    for first, after in runs_of(~there):
        count = after - first
        span = day_text(sessions[first])
        if count > 1:
            span = f"{count} from {span} to {day_text(sessions[after - 1])}"
        detail = f"each {unit} of {about.calendar} must have bars, there were none in {span}"
        if count >= _LONG_ABSENCE and unit == "session":
            detail += "; before and after it the ticker may have been two assets"
        yield about.found(int(closes[first]), "gap", detail)


def _dated(day: int) -> str:
    return f"{_weekday(day)} {day_text(day)}"


def _weekday(day: int) -> str:
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return names[(day + 3) % 7]


def _each_once(day: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Dates in order, each once, and the first bar of each; shapes [date]."""
    if (day[1:] >= day[:-1]).all():
        first = session_starts(day)
        return day[first], first
    return np.unique(day, return_index=True)


def among(values: NDArray[np.int64], ordered: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each value is one of others, which do not decrease."""
    if len(ordered) == 0:
        return np.zeros(len(values), bool)
    before = int(ordered[0]) - 1
    span = int(ordered[-1]) - before
    if span > _SPAN_MAX:
        return ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    there = np.zeros(span + 2, bool)  # and one on each side, for what is beyond
    there[ordered - before] = True
    return there[np.minimum(np.maximum(values - before, 0), span + 1)]


def session_starts(day: NDArray[np.int64]) -> NDArray[np.int64]:
    """First bar of each session; shape [session]."""
    return np.flatnonzero(np.diff(day, prepend=day[:1] - 1))

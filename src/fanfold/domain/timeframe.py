"""How long a bar is, by name: 1min, 15min, 1h, 1D, 1W; and how bars make up longer ones.

Vendors spell it 1Min, 1Hour, 1d or minute; here each length has one name, which is also
the name of its folder in the store. Which longer bar a bar is in follows from its own
clock and the calendar, for indicators and for resampled bars alike.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.sessions import DAY_NS, MINUTE_NS, cut_at_close, session_days
from fanfold.errors import ConfigError

SESSION: Final = "1D"
"""A whole session."""

WEEK: Final = "1W"
"""The sessions of an ISO week."""

SECOND_NS: Final = 1_000_000_000
"""A second [ns]."""

_MONDAY: Final = 3
"""From a week's Monday to the weekday of 1970-01-01 [days]."""

_MONTH: Final = "M"
"""What others call a month, which is no timeframe here; not a minute."""

_UNITS: Final = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), ("s", SECOND_NS)),
    **dict.fromkeys(("", "m", "min", "mins", "minute", "minutes", "t"), ("min", MINUTE_NS)),
    **dict.fromkeys(("h", "hour", "hours", "hourly"), ("h", 60 * MINUTE_NS)),
    **dict.fromkeys(("d", "day", "days", "daily"), ("D", DAY_NS)),
    **dict.fromkeys(("w", "wk", "week", "weeks", "weekly"), ("W", 7 * DAY_NS)),
}


@lru_cache(maxsize=256)
def timeframe_named(text: str) -> str:
    """The one name of a timeframe, however it is spelt.

    Args:
        text: Such as "1Min", "minute", "60min", "1Hour", "1d", "daily".

    Raises:
        ConfigError: It is no timeframe: seconds, minutes or hours that divide a day,
            a session or a week.
    """
    found = re.fullmatch(r"(\d{0,4})\s*([A-Za-z]*)", str(text).strip())
    unit = _UNITS.get(found[2].lower()) if found and (found[1] or found[2]) else None
    if found and found[2] == _MONTH:
        unit = None
    count = int(found[1] or 1) if found else 0
    length = count * unit[1] if unit else 0
    if unit and unit[0] in "DW" and count == 1:
        return f"1{unit[0]}"
    if not 0 < length < DAY_NS or DAY_NS % length:
        raise ConfigError(
            "a timeframe must be 1D, 1W, or seconds, minutes or hours that divide a day, such as "
            f"1min, 15min or 1h, was {text!r}"
        )
    for name, size in (("h", 60 * MINUTE_NS), ("min", MINUTE_NS)):
        if length % size == 0:
            return f"{length // size}{name}"
    return f"{length // SECOND_NS}s"


@lru_cache(maxsize=256)
def timeframe_ns(timeframe: str) -> int:
    """Length of an intraday timeframe [ns]; 0 for a session or a week.

    Raises:
        ConfigError: It is no timeframe.
    """
    name = timeframe_named(timeframe)
    if name in (SESSION, WEEK):
        return 0
    found = re.fullmatch(r"(\d+)(s|min|h)", name)
    assert found  # noqa: S101  (the one name has this form)
    return int(found[1]) * {"s": SECOND_NS, "min": MINUTE_NS, "h": 60 * MINUTE_NS}[found[2]]


def marks(  # noqa: PLR0917  (a bar's clock)
    timeframe: str,
    ts: Any,
    session_day: Any,
    minutes_to_close: Any,
    calendar: str,
    week_end: int | None = None,
) -> Any:
    """Which larger bar a bar is in, whether it completes it, whether it comes too late for it.

    Intraday bars are counted by the UTC clock and cut at the session's close. Bars after a
    session's (a week's) close belong to the next session's (week's) bar.

    Args:
        timeframe: Of the larger bar, by its one name.
        ts: The bar's end [ns UTC]; as all others a number, or an array of shape [bar].
        session_day: The session's date [days since 1970-01-01].
        minutes_to_close: From the bar's end to the session's [min].
        calendar: Name of the exchange calendar, or "24/7".
        week_end: Date of the last session of the bar's week [days since 1970-01-01], for a
            single bar; None asks the calendar.
    """
    after = minutes_to_close < 0.0
    closing = minutes_to_close == 0.0
    if timeframe == SESSION:
        return session_day, closing, after
    if timeframe == WEEK:
        monday = monday_of(session_day)
        last = last_days(monday, calendar) if week_end is None else week_end
        past = session_day > last
        on_last = session_day == last
        return monday, on_last & closing, past | (on_last & after)
    length = timeframe_ns(timeframe)
    number = -(-ts // length)
    # Where a close cuts it, what follows is another bar, of the evening or the next session.
    cut = ((number * length - ts) / MINUTE_NS > minutes_to_close) & (minutes_to_close >= 0.0)
    return 2 * number + 1 - cut, (ts % length == 0) | closing, after & False


def places(
    key: NDArray[np.int64], complete: NDArray[np.bool_], late: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Which larger bar each of consecutive bars is in, counted from 0; shape [bar].

    Args:
        key: From `marks`, as the others; shape [bar].
        complete: Whether a bar completes its larger bar.
        late: Whether it comes too late for it.
    """
    begins = np.zeros(len(key), np.bool_)
    other = key[1:] != key[:-1]
    begins[1:] = complete[:-1] | np.where(late[:-1], late[1:] & other, late[1:] | other)
    return np.cumsum(begins, dtype=np.int64)


def monday_of(session_day: Any) -> Any:
    """The Monday of a date's ISO week [days since 1970-01-01]."""
    return session_day - (session_day + _MONDAY) % 7


def week_end_among(days: Sequence[int], session_day: int) -> int | None:
    """Date of the last session of a date's week, from sessions that are known.

    Args:
        days: Dates of sessions, in order [days since 1970-01-01].
        session_day: The date.

    Returns:
        The week's Sunday where it has no session; None where the sessions that are known do
        not say.
    """
    monday = monday_of(session_day)
    place = bisect_left(days, monday + 7)
    if place == 0 or place == len(days):
        return None
    return days[place - 1] if days[place - 1] >= monday else monday + 6


def last_days(monday: Any, calendar: str) -> Any:
    """Dates of the last sessions of weeks, by the calendar; Sundays where it has none."""
    if isinstance(monday, np.ndarray):
        weeks: NDArray[np.int64] = np.unique(monday)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        return _calendar_last_days(weeks, calendar)[np.searchsorted(weeks, monday)]  # pyright: ignore[reportUnknownArgumentType]
    return _last_day(int(monday), calendar)


@lru_cache(maxsize=64)
def _last_day(monday: int, calendar: str) -> int:
    return int(_calendar_last_days(np.array([monday]), calendar)[0])


def _calendar_last_days(monday: NDArray[np.int64], calendar: str) -> NDArray[np.int64]:
    end = (monday + 7) * DAY_NS
    last = cut_at_close(monday * DAY_NS, end, calendar)
    return np.minimum(session_days(last, calendar), monday + 6)

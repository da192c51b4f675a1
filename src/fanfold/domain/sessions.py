"""Which session a bar belongs to, and when that session closes.

Holidays and half days come from `exchange_calendars`, imported when first asked (it
brings pandas) and over the same years whenever they suffice: making a calendar takes
long, and hardly longer for many years than for one. A value follows
from the bar's own end and the calendar alone, so no later bar can change it.
"""

import warnings
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.calendar_files import keep_calendar, kept_calendar
from fanfold.domain.names import nearest_hint
from fanfold.domain.period import day_text
from fanfold.errors import ConfigError, DataError

ROUND_THE_CLOCK: Final = "24/7"
"""The calendar of markets that never close: sessions are UTC days."""

DAY_NS: Final = 86_400_000_000_000
"""A day [ns]."""

MINUTE_NS: Final = 60_000_000_000
"""A minute [ns]."""

_USUAL_YEARS: Final = (1990, 2039)
"""First and last year that a calendar is made for, where all that is asked lies within."""

_NEXT_SESSION_DAYS = 40
"""How far beyond the last bar the next session is looked for [days]."""

_BOUND_DAYS = 10
"""How far from a calendar's first or last session a bar may lie: holidays [days]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SessionColumns:
    """What the calendar says about each bar; shapes [bar].

    Attributes:
        session_day: The session's date [days since 1970-01-01].
        minutes_to_close: From the bar's end to the session's [min], negative after it.
        is_month_end: Whether the calendar's next session is in another month.
    """

    session_day: NDArray[np.int64]
    minutes_to_close: NDArray[np.float64]
    is_month_end: NDArray[np.bool_]


def session_columns(ts: NDArray[np.int64], calendar: str) -> SessionColumns:
    """Session, time to its close and month end of each bar.

    A date that is no session of the calendar (made-up data trade on holidays) closes
    at the calendar's regular time.

    Args:
        ts: Each bar's end [ns UTC], at least one; shape [bar].
        calendar: Name of an exchange calendar, or "24/7".

    Raises:
        ConfigError: The calendar is unknown.
        DataError: The calendar does not reach that far.
    """
    day = session_days(ts, calendar)
    return SessionColumns(
        session_day=day,
        minutes_to_close=(session_closes(day, calendar) - ts) / MINUTE_NS,
        is_month_end=_ends_month(day, calendar),
    )


def session_days(ts: NDArray[np.int64], calendar: str) -> NDArray[np.int64]:
    """Dates of the sessions in which bars end [days since 1970-01-01]; shape [bar].

    The date at the exchange; a bar that ends at midnight belongs to the day that
    ended. Where sessions open the evening before, as futures' do, the day turns over
    at their close instead.
    """
    if calendar == ROUND_THE_CLOCK:
        return (ts - 1) // DAY_NS
    table = _table(calendar, ts // DAY_NS)
    return (local_ns(ts, table.zone) + table.turnover_ns - 1) // DAY_NS


def session_closes(day: NDArray[np.int64], calendar: str) -> NDArray[np.int64]:
    """When sessions close [ns UTC], half days included.

    Args:
        day: Dates [days since 1970-01-01], at least one; shape [bar].
        calendar: Name of an exchange calendar, or "24/7".
    """
    if calendar == ROUND_THE_CLOCK:
        return (day + 1) * DAY_NS
    table = _table(calendar, day)
    place = np.minimum(np.searchsorted(table.days, day), len(table.days) - 1)
    known = table.days[place] == day
    close = table.closes[place]
    if not known.all():
        close[~known] = _regular_closes(day[~known], table)
    return close


def session_opens(day: NDArray[np.int64], calendar: str) -> NDArray[np.int64]:
    """When sessions open [ns UTC].

    Args:
        day: Dates of sessions of the calendar [days since 1970-01-01], at least one;
            shape [session].
        calendar: Name of an exchange calendar, or "24/7".
    """
    if calendar == ROUND_THE_CLOCK:
        return day * DAY_NS
    table = _table(calendar, day)
    return table.opens[np.minimum(np.searchsorted(table.days, day), len(table.days) - 1)]


def sessions_between(first_day: int, last_day: int, calendar: str) -> NDArray[np.int64]:
    """Dates of a calendar's sessions, as far as it knows them [days since 1970-01-01].

    Args:
        first_day: Earliest date, included [days since 1970-01-01].
        last_day: Latest date, included.
        calendar: Name of an exchange calendar, or "24/7".

    Raises:
        ConfigError: The calendar is unknown.
    """
    if calendar == ROUND_THE_CLOCK:
        return np.arange(first_day, last_day + 1)
    days = _years_table(calendar, _year(first_day), _year(last_day)).days
    return days[np.searchsorted(days, first_day) : np.searchsorted(days, last_day, side="right")]


def next_sessions(ts: NDArray[np.int64], calendar: str) -> NDArray[np.int64]:
    """Dates of the sessions that close next, or as bars end [days since 1970-01-01].

    Args:
        ts: Ends of bars [ns UTC], at least one; shape [bar].
        calendar: Name of an exchange calendar, or "24/7".

    Raises:
        ConfigError: The calendar is unknown.
        DataError: The calendar does not reach that far.
    """
    if calendar == ROUND_THE_CLOCK:
        return (ts - 1) // DAY_NS
    # Two days around, for zones in which it is another date.
    table = _table(calendar, np.array([ts[0] // DAY_NS - 1, ts[-1] // DAY_NS + 1]))
    place = np.searchsorted(table.closes, ts)
    if place[-1] == len(table.days):
        # Beyond the calendar's last close there is one more session, as far as anybody knows.
        return np.append(table.days, table.days[-1] + 1)[place]
    return table.days[place]


def session_count(calendar: str, ts: int) -> int:
    """Sessions of an exchange calendar in the year of an instant [ns UTC].

    Raises:
        ConfigError: The calendar is unknown.
    """
    day = ts // DAY_NS
    year = _year(day)
    days = _years_table(calendar, year, year).days
    return int(
        (days.view("datetime64[D]").astype("datetime64[Y]") == np.datetime64(str(year))).sum()
    )


def check_calendar(name: str, label: str = "calendar") -> None:
    """Refuse what is no calendar.

    Args:
        name: Name of an exchange calendar, or "24/7".
        label: What it is, for the error.

    Raises:
        ConfigError: The calendar is unknown.
    """
    if name == ROUND_THE_CLOCK:
        return
    import exchange_calendars

    known = exchange_calendars.get_calendar_names()
    if name not in known:
        hint = nearest_hint(str(name), known)
        raise ConfigError(
            f"{label} must be '24/7' or one of exchange_calendars, was {name!r}{hint}"
        )


def cut_at_close(
    start: NDArray[np.int64], end: NDArray[np.int64], calendar: str
) -> NDArray[np.int64]:
    """Ends of bars, moved to the last session close that lies inside the bar.

    A bar that spans a close holds nothing of the hours after it, or was stamped as
    if it did: the last bar of a session is known at the close.

    Args:
        start: Starts [ns UTC], at least one; shape [bar].
        end: Ends [ns UTC]; shape [bar].
        calendar: Name of an exchange calendar, or "24/7", which has no close.
    """
    if calendar == ROUND_THE_CLOCK:
        return end
    table = _table(calendar, np.concatenate((start, end)) // DAY_NS)
    place = np.searchsorted(table.closes, end, side="right") - 1
    close = table.closes[np.maximum(place, 0)]
    return np.where((place >= 0) & (close > start), close, end)


def exchange_zone(calendar: str) -> str:
    """Name of the exchange's time zone.

    Raises:
        ConfigError: The calendar is unknown.
    """
    return "UTC" if calendar == ROUND_THE_CLOCK else _years_table(calendar, *_USUAL_YEARS).zone


def local_ns(ts: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """What clocks in a zone show at instants [ns UTC], as [ns since 1970-01-01]."""
    import pandas as pd

    local: Any = pd.DatetimeIndex(ts, tz="UTC").tz_convert(zone).tz_localize(None)
    return local.asi8


def instants(local: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Instants [ns UTC] at which clocks in a zone show `local` [ns since 1970-01-01]."""
    import pandas as pd

    clock: Any = pd.DatetimeIndex(local.view("datetime64[ns]"))
    ambiguous = np.zeros(len(local), bool)
    return clock.tz_localize(zone, ambiguous=ambiguous, nonexistent="shift_forward").asi8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """A calendar over some years, as arrays.

    Attributes:
        zone: The exchange's time zone.
        days: Dates of the sessions [days since 1970-01-01].
        opens: When they open [ns UTC].
        closes: When they close [ns UTC].
        regular: (first date [days], regular close after its midnight [ns]), by date.
        turnover_ns: From the local time at which the session's date changes to midnight [ns].
    """

    zone: str
    days: NDArray[np.int64]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    regular: tuple[tuple[int, int], ...]
    turnover_ns: int


def _table(calendar: str, day: NDArray[np.int64]) -> _Table:
    first, last = int(day.min()) - 1, int(day.max()) + 1
    table = _years_table(calendar, _year(first), _year(last + _NEXT_SESSION_DAYS))
    if first < table.days[0] - _BOUND_DAYS or last > table.days[-1] + _BOUND_DAYS:
        raise DataError(
            f"bars must lie within calendar {calendar}, which knows {day_text(table.days[0])} to "
            f"{day_text(table.days[-1])}, was {day_text(first + 1)} to {day_text(last - 1)}"
        )
    return table


def _year(day: int) -> int:
    return int(day_text(day)[:4])


def _years_table(calendar: str, first_year: int, last_year: int) -> _Table:
    if _USUAL_YEARS[0] <= first_year and last_year <= _USUAL_YEARS[1]:
        first_year, last_year = _USUAL_YEARS
    return _made_table(calendar, first_year, last_year)


@lru_cache(maxsize=32)
def _made_table(calendar: str, first_year: int, last_year: int) -> _Table:
    kept = kept_calendar(calendar, first_year, last_year)
    if kept is not None:
        return _Table(
            zone=str(kept["zone"]),
            days=kept["days"],
            opens=kept["opens"],
            closes=kept["closes"],
            regular=tuple((int(since), int(at)) for since, at in kept["regular"]),
            turnover_ns=int(kept["turnover_ns"]),
        )
    table = _new_table(calendar, first_year, last_year)
    keep_calendar(calendar, first_year, last_year, asdict(table))
    return table


def _new_table(calendar: str, first_year: int, last_year: int) -> _Table:
    found = _calendar(calendar, (first_year, last_year))
    regular = tuple(
        (
            -(10**9) if since is None else since.value // DAY_NS,
            found.close_offset * DAY_NS + (at.hour * 60 + at.minute) * MINUTE_NS,
        )
        for since, at in found.close_times
    )
    close_ns = regular[-1][1]
    turnover_ns = DAY_NS - close_ns if found.open_offset < 0 else 0
    return _Table(
        zone=str(found.tz),
        days=found.sessions.as_unit("ns").asi8 // DAY_NS,
        opens=found.opens.to_numpy("datetime64[ns]").view(np.int64),
        closes=found.closes.to_numpy("datetime64[ns]").view(np.int64),
        regular=regular,
        turnover_ns=turnover_ns if found.close_offset == 0 else min(0, DAY_NS - close_ns),
    )


def _calendar(name: str, years: tuple[int, int]) -> Any:
    """The library's calendar over whole years, as far as it knows them."""
    check_calendar(name)
    first, last = f"{years[0]}-01-01", f"{years[1]}-12-31"
    try:
        return _build_calendar(name, start=first, end=last)
    except ValueError:  # the years reach beyond what the library knows
        known = _build_calendar(name)
        lowest, highest = known.bound_min(), known.bound_max()
    return _build_calendar(
        name,
        start=first if lowest is None else str(lowest.date()),
        end=max(last, str(known.last_session.date())) if highest is None else str(highest.date()),
    )


def _build_calendar(name: str, **years: str) -> Any:
    import exchange_calendars

    get_calendar: Any = exchange_calendars.get_calendar
    with warnings.catch_warnings():
        # It still uses what newer pandas deprecates; nobody here can mend that.
        warnings.simplefilter("ignore", DeprecationWarning)
        return get_calendar(name, **years)


def _regular_closes(day: NDArray[np.int64], table: _Table) -> NDArray[np.int64]:
    after_midnight = np.zeros(len(day), np.int64)
    for since, close_ns in table.regular:
        after_midnight[day >= since] = close_ns
    return instants(day * DAY_NS + after_midnight, table.zone)


def _ends_month(day: NDArray[np.int64], calendar: str) -> NDArray[np.bool_]:
    if calendar == ROUND_THE_CLOCK:
        return _month(day) != _month(day + 1)
    table = _table(calendar, day)
    place = np.searchsorted(table.days, day, side="right")
    following = table.days[np.minimum(place, len(table.days) - 1)]
    # A calendar's own last session is the last of a year.
    return (place == len(table.days)) | (_month(following) != _month(day))


def _month(day: NDArray[np.int64]) -> NDArray[np.int64]:
    return day.view("datetime64[D]").astype("datetime64[M]").astype(np.int64)

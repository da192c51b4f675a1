"""Calendars of assets that trade side by side at different hours.

A panel has one clock, so that a decision sees all assets at once; yet an order for the
day and a loss of the day end when the asset's own exchange closes. Both clocks follow
from the names of the calendars and the bars' ends.
"""

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.names import nearest_hint
from fanfold.domain.sessions import (
    DAY_NS,
    ROUND_THE_CLOCK,
    check_calendar,
    exchange_zone,
    local_ns,
    next_sessions,
    session_columns,
    session_count,
    session_days,
)
from fanfold.errors import ConfigError, DataError

if TYPE_CHECKING:
    from fanfold.domain.bars import Bars

Calendar = str | Mapping[str, str]
"""One calendar of all assets, or one by symbol."""

DEFAULT_CALENDAR: Final = "XNYS"
"""The calendar of bars of which none is on a weekend, where nobody says another."""

_WEEKEND: Final = 5


def calendars_given(
    calendar: Calendar, symbols: Sequence[str], left_out: Set[str] = frozenset()
) -> tuple[str, ...]:
    """The calendar of each asset, as somebody gave it.

    Args:
        calendar: One for all, or by symbol, then one for each.
        symbols: The assets.
        left_out: Symbols that may be named and do not matter.

    Raises:
        ConfigError: A calendar is unknown, or an asset has none.
        DataError: A symbol is not there.
    """
    if not isinstance(calendar, Mapping):
        check_calendar(calendar)
        return (calendar,) * len(symbols)
    for symbol, name in calendar.items():
        check_calendar(name, f"calendar of {symbol}")
        if symbol not in symbols and symbol not in left_out:
            hint = nearest_hint(symbol, symbols)
            raise DataError(f"calendar must name symbols of the frame, was {symbol!r}{hint}")
    for symbol in symbols:
        if symbol not in calendar:
            named = ", ".join(calendar) or "none"
            raise ConfigError(f"calendar must name each symbol, {symbol!r} is not in {named}")
    return tuple(calendar[symbol] for symbol in symbols)


def calendars_inferred(
    local: NDArray[np.int64], codes: NDArray[np.int64], symbol_count: int
) -> tuple[str, ...]:
    """Calendars of symbols: "24/7" for each with weekend bars, "XNYS" for each other.

    Args:
        local: Times within the bars at the exchange [ns since 1970-01-01]; shape [row].
        codes: Number of each row's symbol; shape [row].
        symbol_count: Symbols.
    """
    weekday = (local // DAY_NS + 3) % 7  # 1970-01-01 was a Thursday
    open_then = np.zeros(symbol_count, bool)
    open_then[codes[weekday >= _WEEKEND]] = True
    return tuple(ROUND_THE_CLOCK if one else DEFAULT_CALENDAR for one in open_then.tolist())


def panel_calendar(calendars: Sequence[str], ts: NDArray[np.int64]) -> str:
    """The calendar of a panel of assets.

    "24/7" if any asset trades round the clock; else the one that all share; else the one
    with the most sessions in the year of the first bar, the first by name among equals.
    That year, and not the whole period, so that no later bar changes it.

    Args:
        calendars: Of each asset, in any order.
        ts: Ends of the bars [ns UTC], at least one; shape [bar].
    """
    names = sorted(set(calendars))
    if ROUND_THE_CLOCK in names:
        return ROUND_THE_CLOCK
    if len(names) == 1:
        return names[0]
    return max(names, key=lambda name: session_count(name, int(ts[0])))


def narrowed_clock(
    bars_calendar: str, calendars: Sequence[str], ts: NDArray[np.int64]
) -> dict[str, Any]:
    """What changes in the fields of `fanfold.domain.bars.Bars` where assets leave a panel.

    Args:
        bars_calendar: The panel's calendar before.
        calendars: Of the assets that are left.
        ts: Ends of the bars that are left [ns UTC]; shape [bar].

    Returns:
        The calendar and the columns that follow from it; nothing if it stays.
    """
    names = set(calendars)
    # What has most sessions among more calendars has most among fewer.
    if bars_calendar in names and (
        bars_calendar == ROUND_THE_CLOCK or ROUND_THE_CLOCK not in names
    ):
        return {}
    calendar = panel_calendar(calendars, ts)
    sessions = session_columns(ts, calendar)
    return {
        "calendar": calendar,
        "session_day": sessions.session_day,
        "minutes_to_close": sessions.minutes_to_close,
        "is_month_end": sessions.is_month_end,
    }


def dates_calendar(
    calendars: Sequence[str], local: NDArray[np.int64], ts: NDArray[np.int64]
) -> str:
    """The calendar that closes the sessions of a series beside a panel, such as an index.

    The panel's; where only some assets trade round the clock and the series has no
    weekend dates, that of the others.

    Args:
        calendars: Of the panel's assets.
        local: Midnights of the series' dates [ns since 1970-01-01]; shape [date].
        ts: Ends of the bars [ns UTC]; shape [bar].
    """
    others = [name for name in calendars if name != ROUND_THE_CLOCK]
    inferred = calendars_inferred(local, np.zeros(len(local), np.int64), 1)
    if others and inferred[0] != ROUND_THE_CLOCK:
        return panel_calendar(others, ts)
    return panel_calendar(calendars, ts)


def latest_calendar(calendars: Sequence[str], ts: NDArray[np.int64]) -> str:
    """The calendar at whose exchange a date is over last, the first by name among equals.

    Args:
        calendars: Of each asset, in any order.
        ts: Ends of the bars [ns UTC], at least one; shape [bar].
    """
    names = sorted(set(calendars))
    if len(names) == 1:
        return names[0]
    return min(names, key=lambda name: int(local_ns(ts[:1], exchange_zone(name))[0]))


def own_session_days(bars: "Bars") -> NDArray[np.int64]:
    """Date of the session that each asset's own calendar is in [days since 1970-01-01].

    In a panel of one calendar it is `session_day`. Beside assets that trade at other
    hours, an asset's session lasts from after its previous close to its close, so that
    a share's orders of Friday evening and of the weekend belong to Monday.

    Returns:
        Shape [bar, asset]; read-only, a view where all assets share a calendar.
    """
    shape = bars.bar_count, bars.asset_count
    if set(bars.calendars) == {bars.calendar}:
        return np.broadcast_to(bars.session_day[:, None], shape)
    own = np.empty(shape, np.int64)
    for name in dict.fromkeys(bars.calendars):
        assets = [one == name for one in bars.calendars]
        own[:, assets] = next_sessions(bars.ts, name)[:, None]
    own.flags.writeable = False
    return own


def first_bars(
    bar: NDArray[np.int64],
    ts: NDArray[np.int64],
    codes: NDArray[np.int64],
    calendars: Sequence[str],
) -> NDArray[np.int64]:
    """First bar of each row's session, among the bars of assets of its calendar.

    So it is the same in a panel of many calendars as in one of that calendar alone.

    Args:
        bar: Bar of each row; shape [row].
        ts: Ends of the bars [ns UTC]; shape [bar].
        codes: Place of each row's asset; shape [row].
        calendars: Of each asset.

    Returns:
        Shape [row].
    """
    first = np.empty_like(bar)
    for name in dict.fromkeys(calendars):
        rows = np.array([one == name for one in calendars])[codes]
        there = np.unique(bar[rows])
        if len(there) > 0:
            day = session_days(ts[there], name)
            first[rows] = there[np.searchsorted(day, day[np.searchsorted(there, bar[rows])])]
    return first

"""A delivery in the store's form: ends of bars, their sessions, places of ticks.

Rows keep their source's order and number, duplicates and all, so that what is wrong with
them can be told afterwards. Only what cannot be placed in time is set apart here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.calendars import DEFAULT_CALENDAR
from fanfold.domain.events import action_values
from fanfold.domain.period import day_text
from fanfold.domain.sessions import (
    DAY_NS,
    ROUND_THE_CLOCK,
    check_calendar,
    cut_at_close,
    exchange_zone,
    local_ns,
    session_closes,
    session_columns,
    session_days,
)
from fanfold.domain.timeframe import SESSION, WEEK, timeframe_named, timeframe_ns
from fanfold.errors import ConfigError, DataError
from fanfold.market.columns import arrow
from fanfold.market.kinds import FORMS, schema_of
from fanfold.market.sources.source import Delivery
from fanfold.market.store import numbers

WEEKEND_SHARE_MIN: Final = 0.03
"""Share of bars on weekends from which a market is taken to trade round the clock [1].

There it is 0.28, and 0.05 where sessions open on Sunday evening; a few slips of the clock
among bars of an exchange are less.
"""

YEARS: Final = (1900, 2100)
"""Years within which a timestamp can be true, the second excluded."""

_CLOCKLESS: Final = ("listings", "members")
_DEFAULT_ZONE: Final = "America/New_York"
_WEEKEND: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Normal:
    """A delivery in the store's form.

    Attributes:
        table: Arrow table of the kind's form, in the source's order, without the rows of
            `unread`.
        rows: Row of the source that each row was.
        unread: Arrow table of the source's rows whose time cannot be read.
        unread_rows: Row of the source that each of these was.
        reasons: What is wrong with each of these.
        timeframe: Of bars, by its one name; "" else.
        calendar: Given or inferred; "" for kinds without.
        note: How the calendar was told, "" if it was given.
    """

    table: Any
    rows: NDArray[np.int64]
    unread: Any
    unread_rows: NDArray[np.int64]
    reasons: tuple[str, ...]
    timeframe: str
    calendar: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Clock:
    """Timestamps of rows; shapes [row].

    Attributes:
        shown: What they show [ns since 1970-01-01].
        utc: The instants [ns UTC]; None where they are dates without a zone.
    """

    shown: NDArray[np.int64]
    utc: NDArray[np.int64] | None

    @property
    def are_dates(self) -> bool:
        return not (self.shown % DAY_NS).any()

    def __getitem__(self, rows: NDArray[Any]) -> "_Clock":
        return _Clock(shown=self.shown[rows], utc=None if self.utc is None else self.utc[rows])

    def text(self, row: int) -> str:
        return str(np.datetime64(int(self.shown[row]), "ns")).rstrip("0").rstrip(".")


def normal_rows(delivery: Delivery, *, calendar: str | None = None) -> Normal:
    """The rows of a delivery as the store keeps them.

    Args:
        delivery: As its source has it.
        calendar: Of the asset, where the delivery does not say; None to infer it.

    Raises:
        ConfigError: The calendar or the timeframe is unknown, or does not go with the stamp.
        DataError: Rows are not of the kind's columns, times carry no zone, or the calendar
            does not reach that far.
    """
    if delivery.kind in _CLOCKLESS:
        return _terms(delivery)
    table = delivery.table
    numbered = _numbered(delivery)
    clock, readable, reasons = _clock(table)
    sound = np.flatnonzero(readable)
    apart = np.flatnonzero(~readable)
    kept = table if not len(apart) else table.take(arrow().array(sound))
    clock = clock if not len(apart) else clock[sound]
    made = _MAKERS[delivery.kind](delivery, kept, clock, delivery.calendar or calendar)
    return Normal(
        table=made.table,
        rows=numbered[sound],
        unread=table.take(arrow().array(apart)) if len(apart) else table.slice(0, 0),
        unread_rows=numbered[apart],
        reasons=tuple(reasons),
        timeframe=made.timeframe,
        calendar=made.calendar,
        note=made.note,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Made:
    table: Any
    timeframe: str = ""
    calendar: str = ""
    note: str = ""


def _bars(delivery: Delivery, table: Any, clock: _Clock, calendar: str | None) -> _Made:
    timeframe = timeframe_named(delivery.timeframe)
    if not len(clock.shown):
        return _Made(table=schema_of("bars").empty_table(), timeframe=timeframe)
    note = ""
    if calendar is None:
        calendar = _inferred(clock, delivery.stamp)
        note = f"calendar {calendar}, as {'some' if calendar == ROUND_THE_CLOCK else 'hardly any'} "
        note += "bars are on weekends"
    check_calendar(calendar)
    ts, day = _ends(delivery, clock, timeframe, calendar)
    sessions = session_columns(ts, calendar)
    # A day's bar belongs to its date, session of the calendar or not.
    day = sessions.session_day if day is None else day
    columns = {
        "ts": _instants(ts),
        "session": _dates(day),
        "minutes_to_close": arrow().array(sessions.minutes_to_close),
        "is_month_end": arrow().array(sessions.is_month_end),
    }
    return _Made(
        table=_formed("bars", table, columns), timeframe=timeframe, calendar=calendar, note=note
    )


def _ticks(delivery: Delivery, table: Any, clock: _Clock, calendar: str | None) -> _Made:
    if clock.utc is None:
        raise DataError(
            f"times of {delivery.kind} of {delivery.symbol} must carry a time zone, "
            f"the first was {clock.text(0)}"
        )
    pa = arrow()
    columns = {"ts": _instants(clock.utc), "seq": pa.array(places(clock.utc))}
    if delivery.kind == "quotes":
        table = _with_absent_sides(table)
    if calendar is None:
        calendar = _inferred(clock, "start") if len(clock.utc) else DEFAULT_CALENDAR
    check_calendar(calendar)
    return _Made(table=_formed(delivery.kind, table, columns), calendar=calendar)


def _actions(delivery: Delivery, table: Any, clock: _Clock, calendar: str | None) -> _Made:
    if table.num_rows < delivery.table.num_rows:
        raise DataError(f"actions of {delivery.symbol} must all have a date, one has none")
    pa = arrow()
    day = _shown_days(clock, calendar or DEFAULT_CALENDAR, f"actions of {delivery.symbol}")

    def row_name(row: int) -> str:
        return f"{delivery.symbol} at {day_text(int(day[row]))}"

    columns: dict[str, Any] = {"session": _dates(day)}
    for name, neutral in (("splits", 1.0), ("dividends", 0.0)):
        values = np.full(len(day), neutral)
        if name in table.column_names:
            values = np.asarray(_filled(table.column(name)).to_numpy(), np.float64)
        columns[name] = pa.array(action_values(name, values, row_name))
    return _Made(table=_formed("actions", table, columns))


_Maker = Callable[[Delivery, Any, _Clock, str | None], _Made]
_MAKERS: Final[dict[str, _Maker]] = {
    "bars": _bars,
    "trades": _ticks,
    "quotes": _ticks,
    "actions": _actions,
}


def _terms(delivery: Delivery) -> Normal:
    table = _formed(delivery.kind, delivery.table, {})
    return Normal(
        table=table,
        rows=_numbered(delivery),
        unread=table.slice(0, 0),
        unread_rows=np.empty(0, np.int64),
        reasons=(),
        timeframe="",
        calendar="",
    )


def _numbered(delivery: Delivery) -> NDArray[np.int64]:
    if delivery.rows is None:
        return np.arange(int(delivery.table.num_rows))
    return np.asarray(delivery.rows, np.int64)


def _clock(table: Any) -> tuple[_Clock, NDArray[np.bool_], list[str]]:
    """Timestamps, which of them can be true, and what is wrong with each other one."""
    pa = arrow()
    if "ts" not in table.column_names or not pa.types.is_timestamp(table.schema.field("ts").type):
        raise DataError(
            f"rows must have a column ts of timestamps, their columns are {table.column_names}"
        )
    column = table.column("ts")
    zone = column.type.tz
    there = np.ones(len(column), bool)
    if column.null_count:
        there = column.is_valid().to_numpy()
        column = column.fill_null(0)
    values = numbers({"ts": column.cast(pa.timestamp("ns", zone))}, "ts")
    first, beyond = (np.datetime64(f"{year}-01-01", "ns").astype(np.int64) for year in YEARS)
    possible = (values >= first) & (values < beyond)
    readable = there & possible
    reasons = [
        "timestamp must be readable, it was empty or is none"
        if not there[row]
        else f"timestamp must lie within {YEARS[0]} and {YEARS[1]}, was "
        f"{np.datetime64(int(values[row]), 'ns')}"
        for row in np.flatnonzero(~readable)
    ]
    shown: NDArray[np.int64] = values if zone in (None, "UTC") else local_ns(values, zone)
    return _Clock(shown=shown, utc=None if zone is None else values), readable, reasons


def _inferred(clock: _Clock, stamp: str) -> str:
    local = clock.shown
    if clock.utc is not None and not clock.are_dates:
        # A bar that ends at midnight belongs to the day that ended.
        local = local_ns(clock.utc - (stamp == "end"), _DEFAULT_ZONE)
    weekday = (local // DAY_NS + 3) % 7  # 1970-01-01 was a Thursday
    on_weekends = float(np.mean(weekday >= _WEEKEND))
    return ROUND_THE_CLOCK if on_weekends >= WEEKEND_SHARE_MIN else DEFAULT_CALENDAR


def _ends(
    delivery: Delivery, clock: _Clock, timeframe: str, calendar: str
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Ends of bars [ns UTC], and their dates where the stamp names them."""
    what, stamp = f"{timeframe} bars of {delivery.symbol}", delivery.stamp
    if stamp == "session" and timeframe not in (SESSION, WEEK):
        raise ConfigError(
            f"stamp of {what} must be 'start' or 'end', was 'session', which is for days"
        )
    if timeframe == SESSION or stamp == "session":
        day = _session_of(clock, stamp, calendar, what)
        return session_closes(day, calendar), day
    starts = clock.utc
    if starts is None and timeframe == WEEK and stamp == "start":
        starts = clock.shown
    if starts is None:
        raise DataError(f"times of {what} must carry a time zone, the first was {clock.text(0)}")
    if stamp == "end":
        return starts, None
    length = 7 * DAY_NS if timeframe == WEEK else timeframe_ns(timeframe)
    return cut_at_close(starts, starts + length, calendar), None


def _session_of(clock: _Clock, stamp: str, calendar: str, what: str) -> NDArray[np.int64]:
    """Dates of the sessions of daily bars [days since 1970-01-01]."""
    if stamp == "session" or (stamp == "start" and clock.are_dates):
        return _shown_days(clock, calendar, what)
    if clock.utc is None:
        raise DataError(
            f"times of {what} must carry a time zone where stamp is {stamp!r}, the first was "
            f"{clock.text(0)}"
        )
    inside = clock.utc if stamp == "end" else clock.utc + 1
    return session_days(inside, calendar)


def _shown_days(clock: _Clock, calendar: str, what: str) -> NDArray[np.int64]:
    shown = clock.shown
    if not clock.are_dates and clock.utc is not None:
        shown = local_ns(clock.utc, exchange_zone(calendar))
    odd = shown % DAY_NS != 0
    if odd.any():
        raise DataError(
            f"dates of {what} must be midnights, there or at the exchange, the first other was "
            f"{clock.text(int(np.argmax(odd)))}"
        )
    return shown // DAY_NS


def places(ts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of each event among those of its instant, in the source's order."""
    count = len(ts)
    if not count:
        return np.empty(0, np.int64)
    step = np.diff(ts)
    order = np.arange(count) if (step >= 0).all() else np.argsort(ts, kind="stable")
    opens = np.append(True, np.diff(ts[order]) != 0)
    first = np.maximum.accumulate(np.where(opens, np.arange(count), 0))
    place = np.empty(count, np.int64)
    place[order] = np.arange(count) - first
    return place


def _with_absent_sides(table: Any) -> Any:
    """Quotes in which a side at a price of 0, so files and feeds say "none", is absent."""
    pa = arrow()
    for price in ("bid", "ask"):
        values = _filled(table.column(price)).to_numpy()
        absent = ~(values != 0.0) | np.isnan(values)
        if not absent.any():
            continue
        for name in (price, f"{price}_size"):
            kept = np.where(absent, np.nan, _filled(table.column(name)).to_numpy())
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(kept))
    return table


def _formed(kind: str, table: Any, columns: dict[str, Any]) -> Any:
    """A table in its kind's form, of computed columns and those of the source."""
    pa = arrow()
    form = FORMS[kind]
    there = {**{name: table.column(name) for name in table.column_names}, **columns}
    missing = [name for name in form.required if name not in there]
    if missing:
        raise DataError(
            f"{kind} must have a column {missing[0]}, their columns are {table.column_names}"
        )
    schema = schema_of(kind, table.column_names)
    arrays: list[Any] = []
    for field in schema:
        column = there[field.name]
        if column.type != field.type:
            column = column.cast(field.type)
        arrays.append(_filled(column) if pa.types.is_floating(field.type) else column)
    return pa.table(arrays, schema=schema)


def _filled(column: Any) -> Any:
    return column.fill_null(np.nan) if column.null_count else column


def _instants(ts: NDArray[np.int64]) -> Any:
    pa = arrow()
    kind = pa.timestamp("ns", "UTC")
    values = np.ascontiguousarray(ts, np.int64)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _dates(day: NDArray[np.int64]) -> Any:
    pa = arrow()
    values = np.ascontiguousarray(day, np.int32)
    return pa.Array.from_buffers(pa.date32(), len(values), [None, pa.py_buffer(values)])

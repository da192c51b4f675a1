"""From what a timestamp marks to the bar's end.

Files stamp a bar's start, its end, or the date of its session, and seldom say so.
A start taken for an end is a look into the future, so nothing is guessed but the
one case that has one meaning: midnight dates of daily bars.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.calendars import DEFAULT_CALENDAR, calendars_inferred
from fanfold.domain.names import nearest_hint
from fanfold.domain.sessions import (
    DAY_NS,
    cut_at_close,
    exchange_zone,
    instants,
    local_ns,
    session_closes,
)
from fanfold.errors import ConfigError, DataError

Stamp = Literal["start", "end", "session"]

_DEFAULT_ZONE: Final = "America/New_York"
_NOTES: Final = {
    "session": "dates of sessions",
    "end": "stamped by their end",
    "start": "bars of {} from their start",
}
_DAILY_GAP_MAX_NS: Final = 5 * DAY_NS
_BAR_MAX_NS: Final = 7 * DAY_NS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stamps:
    """Timestamps of a frame's rows, sorted within each symbol.

    Attributes:
        local: What the timestamps show [ns since 1970-01-01]; shape [row].
        utc: The instants [ns UTC], None where timestamps carry no zone; shape [row].
        codes: Number of each row's symbol; shape [row].
        names: Name of each symbol.
    """

    local: NDArray[np.int64]
    utc: NDArray[np.int64] | None
    codes: NDArray[np.int64]
    names: tuple[str, ...]

    @property
    def are_dates(self) -> bool:
        """Whether all of them are midnights."""
        return not (self.local % DAY_NS).any()

    def __getitem__(self, rows: NDArray[Any]) -> "Stamps":
        """Some of the rows."""
        utc = None if self.utc is None else self.utc[rows]
        return Stamps(local=self.local[rows], utc=utc, codes=self.codes[rows], names=self.names)

    def text(self, row: int) -> str:
        """One of them, as it shows."""
        shown = str(np.datetime64(int(self.local[row]), "ns"))
        return shown.rstrip("0").rstrip(".").removesuffix("T00:00:00")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarEnds:
    """What the stamps came to.

    Attributes:
        ts: Each row's end [ns UTC]; shape [row].
        calendars: The calendar of each symbol, given or inferred.
        note: How it was read, for people.
    """

    ts: NDArray[np.int64]
    calendars: tuple[str, ...]
    note: str


def bar_ends(
    stamps: Stamps,
    *,
    stamp: Stamp | None,
    calendars: tuple[str, ...] | None,
    bar: timedelta | None,
) -> BarEnds:
    """Turn stamps into ends of bars.

    Args:
        stamps: At least one.
        stamp: What they mark; None if that can be told.
        calendars: Of each symbol; None for "24/7" where it has weekend bars, else "XNYS".
        bar: Length of a bar stamped by its start; None for the most common gap.

    Raises:
        ConfigError: `stamp` or `bar` is needed, or is not what it can be.
        DataError: Intraday timestamps without a zone, or bars that overlap.
    """
    marked = _known_stamp(stamps, stamp)
    if bar is not None and marked != "start":
        raise ConfigError(f"bar goes with stamp='start' only, stamp was {marked!r}")
    length = _bar_length(stamps, bar) if marked == "start" else 0
    if marked == "end" and stamps.utc is None:
        raise DataError(
            "timestamps with stamp='end' must carry a time zone (tz_localize them), "
            f"the first was {stamps.text(0)}"
        )
    if marked == "start" and stamps.are_dates and length == DAY_NS:
        marked, note = "day", "days from their start"
    else:
        note = _NOTES[marked].format(_length(length))
    known = calendars or _inferred(stamps, marked)
    if calendars is None and len(set(known)) > 1:
        note += f", {DEFAULT_CALENDAR} for {known.count(DEFAULT_CALENDAR)} without weekend bars"
    ts = _by_calendar(stamps, known, lambda rows, name: _ends(rows, marked, name, length))
    return BarEnds(ts=ts, calendars=known, note=note)


def session_dates(stamps: Stamps, calendar: str) -> NDArray[np.int64]:
    """Dates of the sessions that stamps name [days since 1970-01-01]; shape [row].

    Raises:
        DataError: A stamp is midnight neither as it shows nor at the exchange.
    """
    shown = stamps.local
    if not stamps.are_dates and stamps.utc is not None:
        shown = local_ns(stamps.utc, exchange_zone(calendar))
    if (shown % DAY_NS).any():
        raise DataError(
            "timestamps with stamp='session' must be midnight dates, there or at the exchange, "
            f"the first other was {stamps.text(int(np.argmax(shown % DAY_NS != 0)))}"
        )
    return shown // DAY_NS


def _known_stamp(stamps: Stamps, stamp: Stamp | None) -> Stamp:
    if stamp is not None and stamp not in get_args(Stamp):
        hint = nearest_hint(str(stamp), get_args(Stamp))
        raise ConfigError(f"stamp must be 'start', 'end' or 'session', was {stamp!r}{hint}")
    if stamps.utc is None and not stamps.are_dates:
        raise DataError(
            "timestamps other than midnight dates must carry a time zone (tz_localize them), "
            f"the first was {_first_clock(stamps)}"
        )
    if stamp is not None:
        return stamp
    if not stamps.are_dates:
        raise ConfigError(
            "stamp must say what a timestamp marks, 'start', 'end' or 'session', unless all are "
            f"midnight dates; it was left out and the first was {_first_clock(stamps)}"
        )
    gaps = np.concatenate(_gaps(stamps))
    if len(gaps) and _most_common(gaps) > _DAILY_GAP_MAX_NS:
        raise ConfigError(
            "stamp must say what a date marks, 'start', 'end' or 'session', for bars longer than "
            f"a day; it was left out and they are {_length(_most_common(gaps))} apart"
        )
    return "session"


def _first_clock(stamps: Stamps) -> str:
    return stamps.text(int(np.argmax(stamps.local % DAY_NS != 0)))


def _inferred(stamps: Stamps, marked: str) -> tuple[str, ...]:
    local = stamps.local
    if stamps.utc is not None and marked in ("start", "end"):
        # A bar that ends at midnight belongs to the day that ended.
        local = local_ns(stamps.utc - (marked == "end"), _DEFAULT_ZONE)
    return calendars_inferred(local, stamps.codes, len(stamps.names))


def _by_calendar(
    stamps: Stamps,
    calendars: tuple[str, ...],
    ends: Callable[[Stamps, str], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Ends of all rows, those of each calendar's symbols together."""
    names = tuple(dict.fromkeys(calendars))
    if len(names) == 1:
        return ends(stamps, names[0])
    ts = np.empty(len(stamps.local), np.int64)
    of_symbol = np.array([names.index(one) for one in calendars])
    for place, name in enumerate(names):
        rows = of_symbol[stamps.codes] == place
        if rows.any():
            ts[rows] = ends(stamps[rows], name)
    return ts


def _ends(stamps: Stamps, marked: str, calendar: str, length: int) -> NDArray[np.int64]:
    """Ends of rows of one calendar [ns UTC]; shape [row]."""
    if marked == "session":
        return session_closes(session_dates(stamps, calendar), calendar)
    if marked == "day":
        return session_closes(stamps.local // DAY_NS, calendar)
    starts = stamps.utc
    if starts is None:
        starts = instants(stamps.local, exchange_zone(calendar))
    return starts if marked == "end" else cut_at_close(starts, starts + length, calendar)


def _bar_length(stamps: Stamps, bar: timedelta | None) -> int:
    by_symbol = dict(zip(stamps.names, _gaps(stamps), strict=True))
    usual = {name: _most_common(gaps) for name, gaps in by_symbol.items() if len(gaps)}
    if bar is not None:
        length = (bar // timedelta(microseconds=1)) * 1_000
    elif not usual:
        raise ConfigError("bar must give the length of a bar where no symbol has two, was None")
    else:
        length = min(usual.values())
        other = next((name for name in usual if usual[name] != length), None)
        if other is not None:
            shortest = next(name for name in usual if usual[name] == length)
            raise ConfigError(
                "bar must give the length of a bar where symbols differ, was None: most are "
                f"{_length(length)} apart for {shortest}, {_length(usual[other])} for {other}"
            )
    if not 0 < length <= _BAR_MAX_NS:
        raise ConfigError(
            f"a bar stamped by its start must be at most {_length(_BAR_MAX_NS)} long (stamp longer "
            f"ones by their end), was {_length(length)}"
        )
    for name, gaps in by_symbol.items():
        if len(gaps) and gaps.min() < length:
            raise DataError(
                f"bars of {_length(length)} must not overlap, two of {name} start "
                f"{_length(int(gaps.min()))} apart"
            )
    return length


def _gaps(stamps: Stamps) -> list[NDArray[np.int64]]:
    """Times between rows, of each symbol [ns]."""
    moments = stamps.local if stamps.utc is None or stamps.are_dates else stamps.utc
    order = np.argsort(stamps.codes, kind="stable")
    bounds = np.searchsorted(stamps.codes[order], np.arange(1, len(stamps.names)))
    return [np.diff(part) for part in np.split(moments[order], bounds)]


def _most_common(gaps: NDArray[np.int64]) -> int:
    values, counts = np.unique(gaps, return_counts=True)
    return int(values[np.argmax(counts)])


def _length(ns: int) -> str:
    return str(timedelta(microseconds=ns / 1_000)).removesuffix(", 0:00:00")

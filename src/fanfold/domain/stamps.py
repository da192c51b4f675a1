"""From what a timestamp marks to the bar's end.

Files stamp a bar's start, its end, or the date of its session, and seldom say so.
A start taken for an end is a look into the future, so nothing is guessed but the
one case that has one meaning: midnight dates of daily bars.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.names import nearest_hint
from fanfold.domain.sessions import (
    DAY_NS,
    ROUND_THE_CLOCK,
    cut_at_close,
    exchange_zone,
    instants,
    local_ns,
    session_closes,
)
from fanfold.errors import ConfigError, DataError

Stamp = Literal["start", "end", "session"]

_DEFAULT_CALENDAR: Final = "XNYS"
_DEFAULT_ZONE: Final = "America/New_York"
_WEEKEND: Final = 5
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

    def text(self, row: int) -> str:
        """One of them, as it shows."""
        shown = str(np.datetime64(int(self.local[row]), "ns"))
        return shown.rstrip("0").rstrip(".").removesuffix("T00:00:00")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarEnds:
    """What the stamps came to.

    Attributes:
        ts: Each row's end [ns UTC]; shape [row].
        calendar: The calendar given or inferred.
        note: How it was read, for people.
    """

    ts: NDArray[np.int64]
    calendar: str
    note: str


def bar_ends(
    stamps: Stamps, *, stamp: Stamp | None, calendar: str | None, bar: timedelta | None
) -> BarEnds:
    """Turn stamps into ends of bars.

    Args:
        stamps: At least one.
        stamp: What they mark; None if that can be told.
        calendar: Exchange calendar; None for "24/7" if there are weekend bars, else "XNYS".
        bar: Length of a bar stamped by its start; None for the most common gap.

    Raises:
        ConfigError: `stamp` or `bar` is needed, or is not what it can be.
        DataError: Intraday timestamps without a zone, or bars that overlap.
    """
    marked = _known_stamp(stamps, stamp)
    if bar is not None and marked != "start":
        raise ConfigError(f"bar goes with stamp='start' only, stamp was {marked!r}")
    if marked == "session":
        calendar = calendar or _calendar_of(stamps.local)
        ts = session_closes(session_dates(stamps, calendar), calendar)
        return BarEnds(ts=ts, calendar=calendar, note="dates of sessions")
    if marked == "end":
        ends = _instants(stamps, "end", calendar)
        calendar = calendar or _calendar_of(local_ns(ends - 1, _DEFAULT_ZONE))
        return BarEnds(ts=ends, calendar=calendar, note="stamped by their end")
    return _ends_from_starts(stamps, calendar, bar)


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


def _calendar_of(local: NDArray[np.int64]) -> str:
    weekday = (local // DAY_NS + 3) % 7  # 1970-01-01 was a Thursday
    return ROUND_THE_CLOCK if (weekday >= _WEEKEND).any() else _DEFAULT_CALENDAR


def _instants(stamps: Stamps, stamp: Stamp, calendar: str | None) -> NDArray[np.int64]:
    if stamps.utc is not None:
        return stamps.utc
    if stamp == "end":
        raise DataError(
            "timestamps with stamp='end' must carry a time zone (tz_localize them), "
            f"the first was {stamps.text(0)}"
        )
    return instants(stamps.local, exchange_zone(calendar or _calendar_of(stamps.local)))


def _ends_from_starts(stamps: Stamps, calendar: str | None, bar: timedelta | None) -> BarEnds:
    length = _bar_length(stamps, bar)
    if stamps.are_dates and length == DAY_NS:
        calendar = calendar or _calendar_of(stamps.local)
        ts = session_closes(stamps.local // DAY_NS, calendar)
        return BarEnds(ts=ts, calendar=calendar, note="days from their start")
    starts = _instants(stamps, "start", calendar)
    calendar = calendar or _calendar_of(local_ns(starts, _DEFAULT_ZONE))
    ts = cut_at_close(starts, starts + length, calendar)
    return BarEnds(ts=ts, calendar=calendar, note=f"bars of {_length(length)} from their start")


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

"""Defects as they happen, put at random places into sound series.

Each takes the rows of a series, what is known of it and a generator, and gives the rows
with the defect, what is known of them then, and the instants at which a finding of the
right kind counts; None where the series has no room for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fanfold.domain.sessions import (
    DAY_NS,
    ROUND_THE_CLOCK,
    exchange_zone,
    local_ns,
    session_closes,
    session_days,
    session_opens,
    sessions_between,
)
from fanfold.market.quality import About

PRICES = ("open", "high", "low", "close")
HOUR_NS = DAY_NS // 24
MARGIN = 12  # bars or sessions at each end that are left alone

Rows = dict[str, np.ndarray]
Spoilt = tuple[Rows, About, set[int]] | None


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A way to spoil a series, the kind of finding it must give, and where it makes sense."""

    name: str
    kind: str
    groups: tuple[str, ...]
    spoil: Callable[[Rows, About, np.random.Generator], Spoilt]
    sets_aside: bool = False


DAILY = ("daily raw", "daily split")
SESSIONS = (*DAILY, "daily crypto")
EXCHANGE = ("hourly", "minutes")
SHORTER = ("hourly", "minutes", "minutes crypto")
ALL = (*SESSIONS, *SHORTER)


def swapped_high_low(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
    at = somewhere(rows["high"] > rows["low"], rng)
    if at is None:
        return None
    rows["high"][at], rows["low"][at] = rows["low"][at], rows["high"][at]
    return rows, about, {int(rows["ts"][at])}


def set_to(value: float, fields: tuple[str, ...] = PRICES) -> Callable[..., Spoilt]:
    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        at = somewhere(np.ones(len(rows["ts"]), bool), rng)
        rows[str(rng.choice(fields))][at] = value
        return rows, about, {int(rows["ts"][at])}

    return spoil


def scaled_close(factor: float) -> Callable[..., Spoilt]:
    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        at = somewhere(np.ones(len(rows["ts"]), bool), rng)
        rows["close"][at] *= factor
        return rows, about, {int(rows["ts"][at])}

    return spoil


def repeated(*, changed: bool) -> Callable[..., Spoilt]:
    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        at = somewhere(np.ones(len(rows["ts"]), bool), rng)
        to = int(rng.integers(at + 1, len(rows["ts"]) + 1)) if changed else at + 1
        rows = {name: np.insert(column, to, column[at]) for name, column in rows.items()}
        if changed:
            rows["volume"][to] += 100
        return rows, about, {int(rows["ts"][at])}

    return spoil


def swapped_rows(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
    at = somewhere(np.ones(len(rows["ts"]), bool), rng)
    for column in rows.values():
        column[[at, at + 1]] = column[[at + 1, at]]
    return rows, about, {int(rows["ts"][at + 1])}


def deleted_sessions(count: int) -> Callable[..., Spoilt]:
    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        day = session_days(rows["ts"], about.calendar)
        days = np.unique(day)
        margin = 1 if about.is_intraday else MARGIN
        if len(days) < count + 2 * margin:
            return None
        first = int(rng.integers(margin, len(days) - margin - count + 1))
        gone = np.isin(day, days[first : first + count])
        close = session_closes(days[first : first + 1], about.calendar)
        return {name: one[~gone] for name, one in rows.items()}, about, {int(close[0])}

    return spoil


def deleted_stretch(minutes: int) -> Callable[..., Spoilt]:
    """Bars of the regular session, starting where the symbol has one."""

    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        ts, day = rows["ts"], session_days(rows["ts"], about.calendar)
        begin = session_opens(day, about.calendar)
        end = session_closes(day, about.calendar) - (minutes + 5) * 60 * 10**9
        inside = (ts > begin + 5 * 60 * 10**9) & (ts <= np.maximum(end, begin + 1))
        at = somewhere(inside, rng, margin=1)
        if at is None:
            return None
        gone = (ts > ts[at]) & (ts <= ts[at] + minutes * 60 * 10**9)
        if gone.sum() < 0.9 * minutes * 60 * 10**9 / about.bar_ns:
            return None
        return {name: one[~gone] for name, one in rows.items()}, about, {int(ts[at]) + about.bar_ns}

    return spoil


def stale(count: int, *, copied: bool) -> Callable[..., Spoilt]:
    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        sound = (rows["volume"] > 0) & ((rows["high"] > rows["low"]) | (not copied))
        at = somewhere(sound, rng)
        if at is None:
            return None
        for name in (*PRICES, "volume") if copied else PRICES:
            rows[name][at + 1 : at + count] = rows[name][at]
        return rows, about, set(rows["ts"][max(0, at - 2) : at + 3].tolist())

    return spoil


def spike(size: float) -> Callable[..., Spoilt]:
    """A whole bar that is off, and the next is back."""

    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        at = somewhere(np.ones(len(rows["ts"]), bool), rng)
        for name in PRICES:
            rows[name][at] *= 1 + size
        return rows, about, {int(rows["ts"][at])}

    return spoil


def low_spike(size: float) -> Callable[..., Spoilt]:
    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        at = somewhere(np.ones(len(rows["ts"]), bool), rng)
        rows["low"][at] *= 1 - size
        return rows, about, {int(rows["ts"][at])}

    return spoil


def split(after: int, before: int) -> Callable[..., Spoilt]:
    """From a session on prices are divided and volumes multiplied; nothing is booked."""

    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        day = session_days(rows["ts"], about.calendar)
        days = np.unique(day)
        margin = 1 if about.is_intraday else 2
        if len(days) < 2 * margin + 1:
            return None
        near = np.flatnonzero(np.diff(days) <= 5) + 1
        near = near[(near >= margin) & (near < len(days) - margin)]
        if len(near) == 0:
            return None
        since = day >= days[rng.choice(near)]
        for name in PRICES:
            rows[name][since] *= before / after
        rows["volume"][since] *= after / before
        return rows, about, {int(rows["ts"][np.argmax(since)])}

    return spoil


def booked_twice(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
    """A split of 2:1 is booked on a day on which prices do not jump."""
    days = np.unique(session_days(rows["ts"], about.calendar))
    ex = rng.choice(days[MARGIN:-MARGIN])
    before = about.actions or (np.empty(0, np.int64), np.empty(0), np.empty(0))
    actions = (np.append(before[0], ex), np.append(before[1], 2.0), np.append(before[2], 0.0))
    close = session_closes(np.array([ex]), about.calendar)
    return rows, replace(about, actions=actions), {int(close[0])}


def hour_shift(hours: int, sessions: int) -> Callable[..., Spoilt]:
    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        day = session_days(rows["ts"], about.calendar)
        days = np.unique(day)
        if len(days) < sessions:
            return None
        first = int(rng.integers(0, len(days) - sessions + 1))
        moved = np.isin(day, days[first : first + sessions])
        rows["ts"][moved] += hours * HOUR_NS
        order = np.argsort(rows["ts"], kind="stable")
        rows = {name: one[order] for name, one in rows.items()}
        return rows, about, {int(rows["ts"][np.argmax(moved[order])])}

    return spoil


def winter_time(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
    """The clock of the source was not changed for summer: its bars are an hour late."""
    zone = exchange_zone(about.calendar)
    offset = local_ns(rows["ts"], zone) - rows["ts"]
    summer = offset > offset.min()
    if not summer.any():
        return None
    rows["ts"][summer] += HOUR_NS
    return rows, about, {int(rows["ts"][np.argmax(summer)])}


def dates_shifted(weeks: int | None, days: int) -> Callable[..., Spoilt]:
    """Dates a day off, of all bars or of whole weeks."""

    def spoil(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
        day = session_days(rows["ts"], about.calendar)
        moved = np.ones(len(day), bool)
        if weeks is not None:
            monday = int(rng.choice(day[MARGIN : -MARGIN - 5 * weeks]))
            monday -= (monday + 3) % 7
            moved = (day >= monday) & (day < monday + 7 * weeks)
        rows["ts"] = session_closes(day + days * moved, about.calendar)
        first = int(np.argmax(moved))
        # The days from the week's first on may be right or shifted: both look the same.
        return rows, about, set(rows["ts"][max(0, first - 5) : first + 6].tolist())

    return spoil


def weekend_bar(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
    day = session_days(rows["ts"], about.calendar)
    fridays = np.flatnonzero((day[:-1] + 3) % 7 == 4)
    fridays = fridays[np.diff(day)[fridays] >= 3]
    if about.calendar == ROUND_THE_CLOCK or len(fridays) == 0:
        return None
    at = int(rng.choice(fridays))
    rows = {name: np.insert(column, at + 1, column[at]) for name, column in rows.items()}
    rows["ts"][at + 1] += DAY_NS * int(rng.integers(1, 3))
    rows["close"][at + 1] = rows["open"][at + 1]
    return rows, about, {int(rows["ts"][at + 1])}


def holiday_bar(rows: Rows, about: About, rng: np.random.Generator) -> Spoilt:
    day = session_days(rows["ts"], about.calendar)
    between = np.setdiff1d(np.arange(day[0], day[-1]), sessions_between(day[0], day[-1], "XNYS"))
    holidays = between[(between + 3) % 7 < 5]
    if len(holidays) == 0:
        return None
    holiday = int(rng.choice(holidays))
    at = int(np.searchsorted(day, holiday))
    rows = {name: np.insert(column, at, column[at - 1]) for name, column in rows.items()}
    rows["ts"][at] = session_closes(np.array([holiday]), about.calendar)[0]
    rows["close"][at] = rows["open"][at]
    return rows, about, {int(rows["ts"][at])}


def somewhere(allowed: np.ndarray, rng: np.random.Generator, margin: int = MARGIN) -> int | None:
    """A random place where it is allowed, not too near the ends."""
    places = np.flatnonzero(allowed)
    places = places[(places >= margin) & (places < len(allowed) - margin)]
    return int(rng.choice(places)) if len(places) else None


def _table() -> tuple[Defect, ...]:
    rows = [
        ("high and low swapped", "ohlc", ALL, swapped_high_low, True),
        ("close x 10", "ohlc", ALL, scaled_close(10), True),
        ("close x 0.1", "ohlc", ALL, scaled_close(0.1), True),
        ("a price of zero", "nonpositive_price", ALL, set_to(0.0), True),
        ("a negative price", "nonpositive_price", ALL, set_to(-5.0), True),
        ("a price missing", "missing_value", ALL, set_to(np.nan), True),
        ("negative volume", "negative_volume", ALL, set_to(-1.0, ("volume",)), True),
        ("row repeated", "duplicate", ALL, repeated(changed=False)),
        ("row again, other values", "duplicate", ALL, repeated(changed=True), True),
        ("two rows swapped", "out_of_order", ALL, swapped_rows),
        ("1 session deleted", "gap", (*ALL,), deleted_sessions(1)),
        ("3 sessions deleted", "gap", (*ALL,), deleted_sessions(3)),
        ("1 hour deleted", "gap", SHORTER, deleted_stretch(60)),
        ("30 minutes deleted", "gap", ("minutes", "minutes crypto"), deleted_stretch(30)),
        ("15 minutes deleted", "gap", ("minutes", "minutes crypto"), deleted_stretch(15)),
        ("stale prices, 5 bars", "stale", SESSIONS, stale(5, copied=False)),
        ("copied bars, 3", "stale", SESSIONS, stale(3, copied=True)),
        ("stale prices, 10 bars", "stale", SHORTER, stale(10, copied=False)),
        ("stale prices, 20 bars", "stale", SHORTER, stale(20, copied=False)),
        ("copied bars, 5", "stale", SHORTER, stale(5, copied=True)),
        *((f"spike {size:+.0%}", "outlier", ALL, spike(size)) for size in SPIKES),
        *((f"spike {size:+.0%}", "outlier", SHORTER, spike(size)) for size in (0.02, -0.05)),
        *((f"low {-size:.0%}", "outlier", ALL, low_spike(size)) for size in (0.1, 0.2, 0.5)),
        *((f"split {a}:{b}", "unadjusted_split", ALL, split(a, b)) for a, b in SPLITS),
        ("split booked, not in prices", "unadjusted_split", ("daily raw",), booked_twice),
        *(
            (f"{hours:+d} h, {count} sessions", "time_zone", EXCHANGE, hour_shift(hours, count))
            for hours in (1, -1, 5)
            for count in (1, 3)
        ),
        ("clock not changed in summer", "time_zone", ("hourly",), winter_time),
        ("dates a day early, all", "time_zone", DAILY, dates_shifted(None, -1)),
        ("dates a day late, all", "time_zone", DAILY, dates_shifted(None, 1)),
        ("dates a day early, 4 weeks", "time_zone", DAILY, dates_shifted(4, -1)),
        ("dates a day late, 4 weeks", "time_zone", DAILY, dates_shifted(4, 1)),
        ("bar on a weekend", "off_session", (*DAILY, *EXCHANGE), weekend_bar),
        ("bar on a holiday", "off_session", DAILY, holiday_bar),
    ]
    return tuple(
        Defect(name=row[0], kind=row[1], groups=row[2], spoil=row[3], sets_aside=row[4:] == (True,))
        for row in rows
    )


SPIKES = (0.1, -0.1, 0.2, -0.3, 0.5, -0.6)
SPLITS = ((2, 1), (3, 1), (7, 1), (1, 8), (3, 2), (20, 1))
DEFECTS = _table()

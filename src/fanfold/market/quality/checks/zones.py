"""Bars shorter than a session that are shifted by whole hours, or end outside of hours.

Most of what is traded is traded within a session. If that holds for a day only after
its bars are moved by some hours, its timestamps were read in a wrong time zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import HIGH, LOW, VOLUME
from fanfold.domain.period import day_text
from fanfold.domain.sessions import (
    DAY_NS,
    MINUTE_NS,
    ROUND_THE_CLOCK,
    exchange_zone,
    instants,
    session_closes,
    session_opens,
    sessions_between,
)
from fanfold.market.quality.about import About, Sound
from fanfold.market.quality.checks.sessions import among, session_starts
from fanfold.market.quality.finding import Finding

_SLOT_MINUTES: Final = 5
_SLOTS: Final = 24 * 60 // _SLOT_MINUTES
_HOUR_SLOTS: Final = 60 // _SLOT_MINUTES
_SHIFT_HOURS_MAX: Final = 14
"""Largest difference of two time zones that are confused [h]."""

_GAIN_MIN: Final = 0.05
"""Share of a day's activity that must come into the session by a shift [1]."""

_ROUNDING: Final = 1e-6
"""By how much sums of the same numbers may differ [1]."""

_FIT_MIN: Final = 0.92
"""Of the share that lies within other sessions, how much must lie within after the shift [1]."""

_BARS_MIN: Final = 4
"""Bars a day must have to say something of its hours."""

_MOVED_MIN: Final = 5
"""Bars a shift must bring into the session, or a seventh of the day's, if that is fewer."""

_MANY_BARS: Final = 60
"""Bars of a day from which activity alone tells: liquid funds have bars in all minutes."""

_BETWEEN_MAX: Final = 1
"""Sessions that say nothing, such as half-empty ones, that a stretch may contain in a row."""

_HALF_SHARES: Final = (0.2, 0.8)
"""Shares of shifted sessions in the two halves of a year that tell an unchanged clock [1]."""

_ROUND_MINUTES: Final = 22 * 60
"""Sessions this long leave no hours outside [min]."""

_AUCTION_NS: Final = 60 * MINUTE_NS
"""How far around a session auctions and late prints reach, where there is no extended session."""

_EDGE_NS: Final = 10 * MINUTE_NS
"""From the open, and to the close, within which whole sessions have bars; or one bar's length."""

_EXTENDED_ZONE: Final = "America/New_York"
_EXTENDED_MINUTES: Final = (4 * 60, 20 * 60)
"""From when to when shares trade in the United States around the session [min of the day]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hours:
    """Sessions that have bars, in order.

    Attributes:
        first: First bar of each; shape [session].
        day: Their dates [days since 1970-01-01]; shape [session].
        known: Whether it is a session of the calendar; shape [session].
        midnight: Its date's midnight at the exchange [ns UTC]; shape [session].
        open: When it opens, undefined where it is none [ns UTC]; shape [session].
        close: When it closes [ns UTC]; shape [session].
        place: The session of each bar; shape [bar].
    """

    first: NDArray[np.int64]
    day: NDArray[np.int64]
    known: NDArray[np.bool_]
    midnight: NDArray[np.int64]
    open: NDArray[np.int64]
    close: NDArray[np.int64]
    place: NDArray[np.int64]


def hours_of(sound: Sound, about: About) -> Hours:
    """Look up the hours of a series' sessions.

    Args:
        sound: Bars shorter than a session, at least one.
        about: Whose.
    """
    first = session_starts(sound.day)
    day = sound.day[first]
    sessions = sessions_between(int(day[0]), int(day[-1]), about.calendar)
    lengths = np.diff(np.append(first, sound.ts.size))
    return Hours(
        first=first,
        day=day,
        known=among(day, sessions),
        midnight=instants(day * DAY_NS, exchange_zone(about.calendar)),
        open=session_opens(day, about.calendar),
        close=session_closes(day, about.calendar),
        place=np.repeat(np.arange(len(day)), lengths),
    )


def hour_shifts(
    sound: Sound, hours: Hours, about: About
) -> tuple[NDArray[np.int64], list[Finding]]:
    """Sessions whose bars lie within hours only after a shift.

    Returns:
        By how many hours each is late, negative if early, shape [session]; findings.
    """
    late, findings = np.zeros(len(hours.day), np.int64), list[Finding]()
    lengths = (hours.close - hours.open)[hours.known] // MINUTE_NS
    minutes = np.median(lengths) if len(lengths) > 0 else _ROUND_MINUTES
    if about.calendar == ROUND_THE_CLOCK or minutes >= _ROUND_MINUTES:
        return late, findings
    if not _may_be_late(sound, hours, _partly_outside(sound, hours)):
        return late, findings
    late = _late_hours(sound, hours)
    moved = np.flatnonzero(late)
    # Sessions that say nothing do not end a stretch; another shift does.
    for part in np.split(moved, np.flatnonzero(_breaks(moved, late)) + 1):
        if len(part) == 0:
            continue
        begin, end = int(part[0]), int(part[-1])
        by = int(late[begin])
        span = day_text(hours.day[begin])
        if end > begin:
            span = f"{len(part)} sessions from {span} to {day_text(hours.day[end])}"
        findings.append(
            about.found(
                int(sound.ts[hours.first[begin]]),
                "time_zone",
                f"bars must lie within the hours of {about.calendar}, those of {span} are "
                f"{abs(by)} {'hour' if abs(by) == 1 else 'hours'} {'late' if by > 0 else 'early'}"
                + _clock_text(late, hours, by),
            )
        )
    return late, findings


def off_hours(
    sound: Sound, hours: Hours, late: NDArray[np.int64], about: About
) -> Iterator[Finding]:
    """Bars of sessions that end outside of their hours, a finding for each session.

    Args:
        sound: The bars.
        hours: Of their sessions.
        late: Sessions that are shifted, which says it already; shape [session].
        about: Whose.
    """
    if about.calendar == ROUND_THE_CLOCK:
        return
    opens, closes = hours.open - _AUCTION_NS, hours.close + _AUCTION_NS
    if exchange_zone(about.calendar) == _EXTENDED_ZONE:
        opens = hours.midnight + _EXTENDED_MINUTES[0] * MINUTE_NS
        closes = hours.midnight + _EXTENDED_MINUTES[1] * MINUTE_NS
    place = hours.place
    off = (sound.ts <= opens[place]) | (sound.ts > closes[place])
    off &= hours.known[place] & (late[place] == 0)
    counts = np.bincount(place[off], minlength=len(hours.day))
    for session in np.flatnonzero(counts).tolist():
        bar = int(np.argmax(off[hours.first[session] :])) + int(hours.first[session])
        bars = "1 bar ends" if counts[session] == 1 else f"{counts[session]} bars end"
        yield about.found(
            int(sound.ts[bar]),
            "off_session",
            f"bars must lie within the hours of {about.calendar}, {bars} outside of those of "
            f"{day_text(hours.day[session])}",
        )


def _partly_outside(sound: Sound, hours: Hours) -> NDArray[np.bool_]:
    """Sessions with enough outside of their hours that a shift may have an effect.

    A bound that costs little; most series lie within the hours as they are.
    """
    activity, slot_ns = _activity(sound, hours), _SLOT_MINUTES * MINUTE_NS
    begin = hours.open
    end = hours.midnight + (hours.close - hours.midnight) // slot_ns * slot_ns
    within = (sound.ts > begin[hours.place]) & (sound.ts <= end[hours.place])
    share = np.add.reduceat(np.where(within, activity, 0.0), hours.first)
    total = np.add.reduceat(activity, hours.first)
    outside = share < (1 - _GAIN_MIN + _ROUNDING) * np.maximum(total, 1e-300)
    count = np.diff(np.append(hours.first, sound.ts.size))
    return hours.known & (count >= _BARS_MIN) & outside


def _may_be_late(sound: Sound, hours: Hours, sessions: NDArray[np.bool_]) -> bool:
    """Whether a shift brings enough into the hours of any of some sessions."""
    if not sessions.any():
        return False
    bars = sessions[hours.place]
    part = Sound(ts=sound.ts[bars], fields=sound.fields[:, bars], day=sound.day[bars])
    shares, _ = _shares(part, _some(hours, sessions, part))
    return bool((shares.max(axis=1) - shares[:, _SHIFT_HOURS_MAX] >= _GAIN_MIN).any())


def _some(hours: Hours, sessions: NDArray[np.bool_], part: Sound) -> Hours:
    """The hours of some sessions, which have all of the bars in `part`."""
    first = session_starts(part.day)
    lengths = np.diff(np.append(first, part.ts.size))
    return Hours(
        first=first,
        day=hours.day[sessions],
        known=hours.known[sessions],
        midnight=hours.midnight[sessions],
        open=hours.open[sessions],
        close=hours.close[sessions],
        place=np.repeat(np.arange(len(first)), lengths),
    )


def _late_hours(sound: Sound, hours: Hours) -> NDArray[np.int64]:
    """By how many hours the bars of each session are late, 0 if they need no shift."""
    shares, bars = _shares(sound, hours)
    middle = _SHIFT_HOURS_MAX
    now, moved_in = shares[:, middle], bars - bars[:, [middle]]
    best = np.argmax(shares - 1e-6 * np.abs(np.arange(-middle, middle + 1)), axis=1)
    session = np.arange(len(best))
    there = shares[session, best]
    count = np.diff(np.append(hours.first, sound.ts.size))
    usual = np.median(there[hours.known]) if hours.known.any() else 1.0
    needed = np.where(count < _MANY_BARS, np.minimum(_MOVED_MIN, np.maximum(count / 7, 1)), -count)
    shifted = hours.known & (count >= _BARS_MIN) & (there - now >= _GAIN_MIN)
    shifted &= (there >= _FIT_MIN * usual) & (moved_in[session, best] >= needed)
    late = np.where(shifted, middle - best, 0)
    for place, beside, sign in ((0, 1, 1), (-1, -2, -1)):
        alone = len(late) == 1 or late[beside] != late[place]
        if late[place] * sign > 0 and alone and not _is_whole(sound, hours, late, place):
            late[place] = 0
    return late


def _is_whole(sound: Sound, hours: Hours, late: NDArray[np.int64], place: int) -> bool:
    """Whether the first, or the last, session is shifted and not just cut off.

    Data that begin after noon, or end before it, lie outside of hours more than others. A
    session that is shifted goes beyond what others do; where there are none, it fills the
    hours once it is put right.
    """
    last = np.append(hours.first[1:], sound.ts.size) - 1
    starts, ends = sound.ts[hours.first], sound.ts[last]
    by = int(late[place]) * 60 * MINUTE_NS
    others = (late == 0) & hours.known
    if not others.any():
        near = max(_EDGE_NS, int(np.diff(sound.ts).min(initial=DAY_NS)))
        begins = starts[place] - by <= hours.open[place] + near
        return bool(begins and ends[place] - by >= hours.close[place] - near)
    if by > 0:
        beyond = (ends - hours.close)[place] - (ends - hours.close)[others].max()
    else:
        beyond = (starts - hours.open)[others].min() - (starts - hours.open)[place]
    return bool(beyond >= abs(by) // 2)


def _shares(sound: Sound, hours: Hours) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of each session's activity, and number of bars, within hours for each shift.

    Returns:
        Shapes [session, shift], shifts being added to the bars' ends, from earliest to latest.
    """
    # A day on each side, so that a shift across midnight finds its bars.
    slot = -(-(sound.ts - hours.midnight[hours.place]) // (_SLOT_MINUTES * MINUTE_NS)) - 1
    slot = np.clip(slot + _SLOTS, 0, 3 * _SLOTS - 1)
    cell = hours.place * 3 * _SLOTS + slot
    size = len(hours.day) * 3 * _SLOTS
    active: NDArray[Any] = np.bincount(cell, _activity(sound, hours), size)
    counted: NDArray[Any] = np.bincount(cell, minlength=size)
    open_slot = (hours.open - hours.midnight) // (_SLOT_MINUTES * MINUTE_NS) + _SLOTS
    close_slot = (hours.close - hours.midnight) // (_SLOT_MINUTES * MINUTE_NS) + _SLOTS
    shifts = np.arange(-_SHIFT_HOURS_MAX, _SHIFT_HOURS_MAX + 1) * _HOUR_SLOTS
    begin = np.clip(open_slot[:, None] - shifts, 0, 3 * _SLOTS)
    end = np.clip(close_slot[:, None] - shifts, 0, 3 * _SLOTS)

    def within(flat: NDArray[Any]) -> NDArray[np.float64]:
        cells = flat.reshape(-1, 3 * _SLOTS)
        sums = np.zeros((len(cells), 3 * _SLOTS + 1))
        np.cumsum(cells, axis=1, out=sums[:, 1:])
        row = np.arange(len(cells))[:, None]
        return sums[row, end] - sums[row, begin]

    total = np.maximum(np.add.reduceat(active, np.arange(0, size, 3 * _SLOTS)), 1e-300)[:, None]
    return within(active) / total, within(counted)


def _activity(sound: Sound, hours: Hours) -> NDArray[np.float64]:
    """How much went on in each bar: its volume, else its range."""
    volume = sound.fields[VOLUME]
    known = np.isfinite(volume) & (volume >= 0)
    if known.all():
        return volume
    by_range = np.log(sound.fields[HIGH] / sound.fields[LOW])
    per_session = np.logical_and.reduceat(known, hours.first)[hours.place]
    return np.where(per_session, np.where(known, volume, 0.0), by_range)


def _breaks(moved: NDArray[np.int64], late: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a new stretch begins after each of the moved sessions but the last."""
    another = late[moved[1:]] != late[moved[:-1]]
    return another | (np.diff(moved) > _BETWEEN_MAX + 1)


def _clock_text(late: NDArray[np.int64], hours: Hours, by: int) -> str:
    """Say so if all sessions of summer, or of winter, are shifted and no others."""
    offset = (hours.day * DAY_NS - hours.midnight) // (60 * MINUTE_NS)
    kinds = np.unique(offset)
    shifted = late == by
    if len(kinds) > 1 and abs(by) == 1:
        shares = [float(shifted[offset == kind].mean()) for kind in kinds]
        if min(shares) < _HALF_SHARES[0] and max(shares) > _HALF_SHARES[1]:
            return ", as all others of that half of the year: the clocks were not changed"
    return ""

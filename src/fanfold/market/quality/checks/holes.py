"""Holes within sessions, against the symbol's own habit.

Illiquid symbols have no bar in most minutes, and exchanges pause at noon: a hole is one
only where bars are expected. How often each minute of the day has a bar says how
surprising it is that a number of them in a row have none.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.sessions import MINUTE_NS, ROUND_THE_CLOCK
from fanfold.market.quality.about import About, Sound
from fanfold.market.quality.checks.zones import Hours
from fanfold.market.quality.finding import Finding, instant_text

_HOLE_MIN_NS: Final = 15 * MINUTE_NS
"""Shortest hole that is told; exchanges halt single shares for 5 or 10 minutes."""

_HABIT_SESSIONS: Final = 40
"""Sessions whose habit counts together."""

_SURE: Final = 0.98
"""Largest chance of a bar that is assumed [1]."""

_HABIT_MIN: Final = 3
"""Sessions below which the hours around tell of a minute too."""

_WIDE_NS: Final = 120 * MINUTE_NS
"""How far they tell of it."""

_CLUSTERED: Final = 2.0
"""By how much longer than chance has it holes are, because bars come in clusters [1]."""

_LUCK: Final = 1e-3
"""Holes a series may show by luck before one is told."""


def holes(
    sound: Sound, hours: Hours, late: NDArray[np.int64], about: About, aside: NDArray[np.int64]
) -> Iterator[Finding]:
    """Stretches without bars in which the symbol usually has them.

    Args:
        sound: Bars shorter than a session.
        hours: Of their sessions.
        late: Sessions that are shifted, in which nothing is looked for; shape [session].
        about: Whose.
        aside: Ends of rows that were set aside, which leave no hole [ns UTC]; shape [row].
    """
    if sound.ts.size <= 1:
        return
    shortest = max(_HOLE_MIN_NS, about.bar_ns)
    gap_ns = np.diff(sound.ts) - about.bar_ns
    places = np.flatnonzero(gap_ns >= shortest)
    if len(places) == 0:
        return
    surprise = _surprise(sound, hours, late, about, places)
    needed = _CLUSTERED * np.log(max(sound.ts.size, 2) / _LUCK)
    # A bar that is sure weighs so much that one, of an hour, may do.
    sure = -np.log1p(-_SURE) * shortest / about.bar_ns
    told = surprise > min(needed, 0.75 * sure) if shortest == about.bar_ns else surprise > needed
    session, ends = hours.place, np.sort(aside)
    told &= (late[session[places]] == 0) & (late[session[places + 1]] == 0)
    told &= np.searchsorted(ends, sound.ts[places]) == np.searchsorted(ends, sound.ts[places + 1])
    for place in places[told].tolist():
        yield about.found(
            int(sound.ts[place]) + about.bar_ns,
            "gap",
            "bars must come as often as they use to at that time of day, there were none from "
            f"{instant_text(int(sound.ts[place]))} to "
            f"{instant_text(int(sound.ts[place + 1]) - about.bar_ns)}",
        )


def _surprise(
    sound: Sound,
    hours: Hours,
    late: NDArray[np.int64],
    about: About,
    places: NDArray[np.int64],
) -> NDArray[np.float64]:
    """How surprising it is that nothing lies between some bars and the next.

    Returns:
        Minus the log of the chance; shape as `places` of those bars.
    """
    session, bar_ns = hours.place, about.bar_ns
    since = sound.ts - hours.midnight[session]
    slot = -(-since // bar_ns)
    lowest = int(slot.min())
    slot = slot - lowest
    slots = int(slot.max()) + 1
    weights = _habit(session, slot, slots, late, bar_ns)
    sums = np.zeros((len(weights), slots + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    closed = _closing_slot(hours, bar_ns, lowest, slots, about)
    # What is expected from a session's first slot to before, and until after, each bar.
    this, following = session[places], session[places + 1]
    block = this // _HABIT_SESSIONS
    until = sums[block, np.minimum(slot[places] + 1, closed[this])]
    whole = sums[block, closed[this]]
    before = sums[following // _HABIT_SESSIONS, np.minimum(slot[places + 1], closed[following])]
    return np.where(this == following, before - until, np.maximum(whole - until, 0) + before)


def _habit(
    session: NDArray[np.int64],
    slot: NDArray[np.int64],
    slots: int,
    late: NDArray[np.int64],
    bar_ns: int,
) -> NDArray[np.float64]:
    """Minus the log chance that a slot of the day is empty; shape [block, slot].

    The session with the hole has no bar there and does not count, so a hole is judged by
    the others alone; sessions that are shifted say nothing.
    """
    right = late[session] == 0
    blocks = (len(late) - 1) // _HABIT_SESSIONS + 1
    cell = (session[right] // _HABIT_SESSIONS) * slots + slot[right]
    counts = np.bincount(cell, minlength=blocks * slots).reshape(blocks, slots)
    of_block = np.flatnonzero(late == 0) // _HABIT_SESSIONS
    sessions = np.bincount(of_block, minlength=blocks)
    others = np.maximum(sessions - 1, 1)[:, None]
    chance = counts / others
    few = sessions < _HABIT_MIN
    if few.any():
        wide = _WIDE_NS // bar_ns
        chance[few] = np.maximum(
            chance[few], _smooth(counts[few], wide) / np.maximum(sessions[few, None], 1)
        )
    return -np.log1p(-np.minimum(chance, _SURE))


def _smooth(counts: NDArray[np.int64], wide: int) -> NDArray[np.float64]:
    """The lower of the means over so many slots before, and after; shape [block, slot]."""
    blocks, slots = counts.shape
    wide = min(max(wide, 1), slots)
    sums = np.zeros((blocks, slots + 2 * wide + 1))
    np.cumsum(counts, axis=1, out=sums[:, wide + 1 : wide + 1 + slots])
    sums[:, wide + 1 + slots :] = sums[:, [wide + slots]]
    before = sums[:, wide : wide + slots] - sums[:, :slots]
    after = sums[:, 2 * wide + 1 :] - sums[:, wide + 1 : wide + 1 + slots]
    return np.minimum(before, after) / wide


def _closing_slot(
    hours: Hours, bar_ns: int, lowest: int, slots: int, about: About
) -> NDArray[np.int64]:
    """First slot after which nothing is expected: the end, but of half days; shape [session]."""
    if about.calendar == ROUND_THE_CLOCK or not hours.known.any():
        return np.full(len(hours.day), slots)
    close = hours.close - hours.midnight
    usual = np.median(close[hours.known])
    slot = np.clip(-(-close // bar_ns) - lowest + 1, 0, slots)
    return np.where(close < usual, slot, slots)

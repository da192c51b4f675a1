"""Splits that prices show and nobody booked, and those that were booked and prices do not show.

A split changes the price by a simple ratio over night and nothing else: the session is
as calm as others, as much money is traded, and the new price stays. A crash is none of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.market.quality.about import About, Sound
from fanfold.market.quality.checks.scale import around, bars_near, deviation
from fanfold.market.quality.checks.sessions import session_starts
from fanfold.market.quality.finding import Finding

_WHOLE: Final = (*range(2, 11), 12, 15, 20, 25, 30, 35, 40, 50, 100)
_BROKEN: Final = ((5, 4), (4, 3), (3, 2), (5, 2))
_PAIRS: Final = tuple((n, 1) for n in _WHOLE) + _BROKEN
RATIOS: Final = _PAIRS + tuple((below, above) for above, below in _PAIRS)
"""Units after a split for units before it."""

_LOG_RATIOS: Final = np.log([above / below for above, below in RATIOS])

_BLOCK: Final = 40
"""Sessions of a block that measures how much a series moves."""

_FAR: Final = 8.0
"""Deviations from which a jump may be a split [1]."""

_JUMP_MIN: Final = 1.2
"""And by how much more than nothing a price must have changed, up or down [1]."""

_ROUNDING: Final = 1e-6
"""By how much ratios may differ from what their logs say [1]."""

_NEAR: Final = 3.0
"""Deviations by which a jump may miss the ratio, as prices move over that night too [1]."""

_NEAR_MIN: Final = 0.025
"""And at least so much [log]."""

_CLEAR: Final = float(np.log(1.9))
"""Ratios from here on need no calm session: hardly a price halves over night [log]."""

_CALM_RANGE: Final = 2.5
"""Median ranges that a calm session may have [1]."""

_CALM_MONEY: Final = 2.5
"""Times the usual money that is traded in a calm session [1]."""

_CRASH_MONEY: Final = 4.0
"""Times the usual money from which a halved price is a crash, if it moves on that day too [1]."""

_STAYS: Final = 3.0
"""Deviations by which the session's close may miss the ratio beyond that [1]."""

_NIGHT_DAYS_MAX: Final = 10
"""Days between sessions beyond which a jump may have any reason."""

_BOOKED_MIN: Final = float(np.log(1.15))
"""Booked ratios below it, such as stock dividends, are not looked for in prices [log]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Splits:
    """What became of splits.

    Attributes:
        findings: Of them.
        forward: What to multiply prices with so that splits leave no jump; shape [bar].
        told: Bars at which one was told; shape [bar].
    """

    findings: tuple[Finding, ...]
    forward: NDArray[np.float64]
    told: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Nights:
    """Sessions and the jumps before them; shapes [session].

    Attributes:
        day: Dates.
        jump: ln(open / last close), of short bars the first one's close; zero for the first.
        booked: Log of the splits booked on it.
        scale: Deviation of returns around it.
        calm: Range over the median range around it.
        money: Price × volume over the median around it; NaN if unknown.
        level: Log closes.
    """

    day: NDArray[np.int64]
    jump: NDArray[np.float64]
    booked: NDArray[np.float64]
    scale: NDArray[np.float64]
    calm: NDArray[np.float64]
    money: NDArray[np.float64]
    level: NDArray[np.float64]


def splits(sound: Sound, about: About) -> Splits:
    """Compare jumps over night with the splits that are booked.

    Args:
        sound: The bars; shorter ones are joined to sessions.
        about: Whose, with what is booked.
    """
    count = sound.ts.size
    told, log_forward = np.zeros(count, bool), np.zeros(count)
    if count == 0:
        return Splits(findings=(), forward=np.ones(count), told=told)
    first = session_starts(sound.day)
    day = sound.day[first]
    booked = _booked(day, about)
    findings, steps = list[Finding](), booked.copy()
    for place, ratio, detail in _told(sound, first, booked, about):
        steps[place] = ratio
        told[first[place]] = True
        findings.append(about.found(int(sound.ts[first[place]]), "unadjusted_split", detail))
    log_forward[first] = steps
    forward = np.exp(np.cumsum(log_forward)) if steps.any() else np.ones(count)
    forward *= _dividend_factors(sound, first, day, about)
    return Splits(findings=tuple(findings), forward=forward, told=told)


def _told(
    sound: Sound, first: NDArray[np.int64], booked: NDArray[np.float64], about: About
) -> Iterator[tuple[int, float, str]]:
    """Sessions at which a split is told, what it does to prices [log], and the text."""
    large = _large(sound, first, booked, about)
    if not large.any():
        return
    near = bars_near(large, _BLOCK)
    nights = _nights(sound, first, booked, near, about)
    for place, kind in _suspects(nights, large[near]):
        found = _unbooked(nights, place) if kind == "unbooked" else _unseen(nights, place)
        if found is not None:
            yield int(near[place]), *found


def _large(
    sound: Sound, first: NDArray[np.int64], booked: NDArray[np.float64], about: About
) -> NDArray[np.bool_]:
    """Nights that jump enough to be looked at, or on which a split is booked; shape [session]."""
    large = booked != 0
    before, opening = sound.fields[CLOSE, first[1:] - 1], _opening(sound, first, about)
    enough = (1 - _ROUNDING) * _JUMP_MIN
    large[1:] |= (opening > enough * before) | (before > enough * opening)
    return large


def _opening(sound: Sound, first: NDArray[np.int64], about: About) -> NDArray[np.float64]:
    # The first short bar may still open at the price of the day before.
    return sound.fields[CLOSE if about.is_intraday else OPEN, first[1:]]


def _nights(
    sound: Sound,
    first: NDArray[np.int64],
    booked: NDArray[np.float64],
    near: NDArray[np.int64],
    about: About,
) -> _Nights:
    """The sessions in some places `near` ones that are looked at."""
    fields = sound.fields
    last = np.append(first[1:], sound.ts.size) - 1
    close, day, booked = fields[CLOSE, last[near]], sound.day[first[near]], booked[near]
    high = _of_sessions(np.maximum, fields[HIGH], first)[near]
    low = _of_sessions(np.minimum, fields[LOW], first)[near]
    money = close * _of_sessions(np.add, fields[VOLUME], first)[near]
    jump = np.zeros(len(near))
    jump[1:] = np.log(_opening(sound, first, about)[near[1:] - 1] / close[:-1])
    range_ = np.log(high / low)
    moved = np.diff(np.log(close), prepend=np.nan) + booked
    usual = around(range_, _BLOCK)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _Nights(
            day=day,
            jump=jump,
            booked=booked,
            scale=deviation(moved, range_, close, _BLOCK),
            calm=np.where(usual > 0, range_ / usual, 1.0),
            money=money / around(money, _BLOCK),
            level=np.log(close),
        )


def _of_sessions(
    ufunc: np.ufunc, values: NDArray[np.float64], first: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The values of each session's bars in one; shape [session]."""
    return values if len(first) == len(values) else ufunc.reduceat(values, first)


def _booked(day: NDArray[np.int64], about: About) -> NDArray[np.float64]:
    """Log of the splits booked between each session and the one before; shape [session]."""
    booked = np.zeros(len(day))
    if about.actions is None or about.basis != "raw":
        return booked
    days, ratios, _ = about.actions
    place = np.searchsorted(day, days)
    sound = (place > 0) & (place < len(day)) & (ratios > 0) & np.isfinite(ratios)
    np.add.at(booked, place[sound], np.log(ratios[sound]))
    return booked


def _dividend_factors(
    sound: Sound, first: NDArray[np.int64], day: NDArray[np.int64], about: About
) -> NDArray[np.float64]:
    if about.actions is None or about.basis == "total_return":
        return np.ones(sound.ts.size)
    days, _, dividends = about.actions
    place = np.searchsorted(day, days)
    paid = (place > 0) & (place < len(day)) & (dividends > 0) & np.isfinite(dividends)
    steps = np.zeros(sound.ts.size)
    at = first[place[paid]]
    np.add.at(steps, at, np.log1p(dividends[paid] / sound.fields[CLOSE, at]))
    return np.exp(np.cumsum(steps))


def _suspects(nights: _Nights, large: NDArray[np.bool_]) -> Iterator[tuple[int, str]]:
    """Those of some nights whose jump, or whose lack of one, needs a reason."""
    rest = nights.jump + nights.booked
    apart = np.diff(nights.day, prepend=nights.day[:1])
    far = large & (np.abs(rest) > _FAR * nights.scale) & (np.abs(rest) > np.log(_JUMP_MIN))
    far &= (apart > 0) & (apart <= _NIGHT_DAYS_MAX)
    for place in np.flatnonzero(far).tolist():
        yield place, "unseen" if abs(nights.booked[place]) > _BOOKED_MIN else "unbooked"


def _unbooked(nights: _Nights, place: int) -> tuple[float, str] | None:
    """Log ratio of the split that a jump looks like, and what to say; None if it does not."""
    rest = float(nights.jump[place] + nights.booked[place])
    nearest = int(np.argmin(np.abs(rest + _LOG_RATIOS)))
    ratio, scale = float(_LOG_RATIOS[nearest]), float(nights.scale[place])
    miss = max(_NEAR * scale, _NEAR_MIN)
    if abs(rest + ratio) > miss or not _stays(nights, place, ratio, miss):
        return None
    calm, money = float(nights.calm[place]), float(nights.money[place])
    if abs(ratio) < _CLEAR:
        if calm > _CALM_RANGE or money > _CALM_MONEY:
            return None
    elif calm > _CALM_RANGE and money > _CRASH_MONEY:
        return None
    above, below = RATIOS[nearest]
    text = (
        f"a split must be booked, the open is {np.exp(nights.jump[place]):.4g} times the close "
        f"before, {abs(rest) / scale:.0f} deviations, as after a split of {above}:{below} "
        f"({below / above:.4g}), and stays there"
    )
    if np.isfinite(money):
        text += f"; {money:.2g} times the usual money was traded"
    return ratio, text


def _stays(nights: _Nights, place: int, ratio: float, miss: float) -> bool:
    """Whether the session closes where the split put it, and neither it nor the next goes back."""
    level, room = nights.level, miss + _STAYS * float(nights.scale[place])
    moved = float(level[place] - level[place - 1] + nights.booked[place])
    if abs(moved + ratio) > room:
        return False
    if place > 1:
        came = float(level[place - 1] - level[place - 2] + nights.booked[place - 1])
        if abs(came - ratio) <= room:  # it comes back from where one session was off
            return False
    if place + 1 == len(level):
        return True
    back = float(level[place + 1] - level[place] + nights.booked[place + 1])
    return abs(back - ratio) > room


def _unseen(nights: _Nights, place: int) -> tuple[float, str] | None:
    jump, booked = float(nights.jump[place]), float(nights.booked[place])
    if abs(jump) > max(_NEAR * float(nights.scale[place]), 0.1 * abs(booked)):
        return None
    return 0.0, (
        f"prices must jump by the split that is booked, {np.exp(booked):.4g} units for 1, the open "
        f"is {np.exp(jump):.4g} times the close before: it may be booked on the wrong day, or the "
        "prices are adjusted already"
    )

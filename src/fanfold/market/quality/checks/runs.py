"""Bars that repeat themselves, and bars in which nothing was traded."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.market.quality.about import About, Sound, runs_of
from fanfold.market.quality.finding import Finding, instant_text

SESSIONS_MIN: Final = 5
"""Equal sessions from which a run is told."""

COPIES_MIN: Final = 3
"""Sessions equal in price, spread and volume from which a run is told: they were copied."""

BARS_MIN: Final = 10
"""Equal bars shorter than a session from which a run may be told."""

BAR_COPIES_MIN: Final = 5
"""Bars equal in price, spread and volume from which a run may be told."""

_HABIT_BARS: Final = 500
"""Bars on each side that show how often prices rest."""

_LUCK: Final = 1e-3
"""Runs a series may show by luck before one is told."""


def stale_runs(sound: Sound, about: About) -> Iterator[Finding]:
    """Runs of bars equal in all four prices, longer than luck makes them.

    Where a symbol rests often, as illiquid ones do, longer runs are needed. Where
    nothing was traded, a price that rests is worth knowing and no more.

    Args:
        sound: The bars.
        about: Whose.
    """
    count = sound.ts.size
    if count <= 1:
        return
    prices, volume = sound.fields[:VOLUME], sound.fields[VOLUME]
    rests = np.concatenate(([False], prices[CLOSE, 1:] == prices[CLOSE, :-1]))
    for field in (OPEN, HIGH, LOW):
        rests[1:] &= prices[field, 1:] == prices[field, :-1]
    if not rests.any():
        return
    copied = rests & (volume > 0) & (prices[HIGH] > prices[LOW])
    copied[1:] &= volume[1:] == volume[:-1]
    told = np.concatenate(([0], np.cumsum(rests)))
    for run, after in runs_of(rests):
        # A bar without any move, at the close before it, is the first that rests.
        first = run - int(run > 1 and bool((prices[:, run - 1] == prices[CLOSE, run - 2]).all()))
        length = after - first + 1  # the bar that is repeated counts
        copies = bool(copied[run:after].all())
        if length < _shortest(about, copies=copies):
            continue
        begin, end = max(0, first - _HABIT_BARS), min(count, after + _HABIT_BARS)
        others = (end - begin) - (after - first)
        often = (told[end] - told[begin] - (after - run) + 1) / (others + 2)
        if count * often ** (after - first) > _LUCK and not (copies or not about.is_intraday):
            continue
        idle = bool((volume[first:after] == 0).all())
        bar = ", ".join(f"{price:g}" for price in prices[:, run].tolist())
        yield about.found(
            int(sound.ts[first]),
            "stale",
            f"prices must not rest so long, open, high, low and close were {bar} in {length} bars "
            f"from {instant_text(int(sound.ts[first - 1]))} on"
            + (", of which the repeated ones traded nothing" if idle else ""),
            "info" if idle else "warning",
        )


def _shortest(about: About, *, copies: bool) -> int:
    if about.is_intraday:
        return BAR_COPIES_MIN if copies else BARS_MIN
    return COPIES_MIN if copies else SESSIONS_MIN


def zero_volumes(sound: Sound, about: About) -> Iterator[Finding]:
    """Runs of bars with a volume of zero.

    Args:
        sound: The bars.
        about: Whose.
    """
    for first, after in runs_of(sound.fields[VOLUME] == 0):
        bars = "1 bar" if after - first == 1 else f"{after - first} bars"
        yield about.found(
            int(sound.ts[first]),
            "zero_volume",
            f"a bar must have volume to be traded in, {bars} until "
            f"{instant_text(int(sound.ts[after - 1]))} had none",
        )

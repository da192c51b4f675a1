"""A market cut short, and one that went another way after a bar.

What is decided up to that bar must be the same in all three. Timestamps and sessions
stay as they are: calendars are known ahead.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.layout import BAR, LAYOUT, PANEL
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.domain.prices import PRICE_MAX, PRICE_MIN
from fanfold.market.horizon import bars_until

STEP_DEVIATION: Final = 0.03
"""Of the log of the factor on prices, from bar to bar [1]."""

JUMP_DEVIATION: Final = 0.1
"""Of its jump at the bar that begins the other future [1]."""

MISSING_SHARE: Final = 0.05
"""Of bars, at random, that an asset does not have in the other future [1]."""

VANISHING_SHARE: Final = 0.1
"""Of assets that have no bar at all in the other future [1]."""

FLIPPING_SHARE: Final = 0.25
"""Of assets whose membership is turned round in the other future [1]."""

_CLOCK: Final = ("ts", "session_day", "minutes_to_close", "is_month_end")
_SAID_ONCE: Final = {"splits": 1.0, "dividends": 0.0}


def known_at(bars: Bars, t: int) -> Bars:
    """The bars up to t, and nothing that was not known at its end."""
    return bars_until(bars, int(bars.ts[t]))


def with_next_clock(known: Bars, bars: Bars) -> Bars:
    """Bars up to one within a session, and an empty bar after them.

    Where data end a session ends, and orders for the day with it. The clock of the bar
    that follows, and nothing else of it, says that it went on.

    Args:
        known: The first of `bars`, with columns of any kind.
        bars: All of them.
    """
    t = known.bar_count - 1
    own = bars.own_session_day
    if t + 1 == bars.bar_count or (own[t + 1] != own[t]).all():
        return known
    longer: dict[str, Any] = {}
    for name, (_, axes) in LAYOUT.items():
        array = getattr(known, name)
        if array is None or "bar" not in axes:
            continue
        place = axes.index("bar")
        row = np.take(array, [t], axis=place)
        if name in _CLOCK:
            row = getattr(bars, name)[[t + 1]]
        elif axes in (PANEL, BAR):
            row = np.full_like(row, np.nan)
        elif name in _SAID_ONCE:
            row = np.full_like(row, _SAID_ONCE[name])
        longer[name] = np.concatenate([array, row], axis=place)
    extra = {name: np.concatenate([each, each[[t]]]) for name, each in known.extra.items()}
    return replace(known, **longer, extra=extra)


def altered(
    bars: Bars, span: tuple[int, int], rng: np.random.Generator, *, gaps: bool = True
) -> Bars:
    """The same bars with other prices, volumes and columns in a span of them.

    Prices are multiplied by a random walk of an asset, half of the bars are turned round
    between their high and low, and some are missing. What was stated of members, splits,
    dividends, further columns and the benchmark changes too.

    Args:
        bars: The market.
        span: First bar that changes, and the bar after the last; not empty.
        rng: Source of randomness; an equal state gives equal bars.
        gaps: Whether bars go missing.
    """
    later = slice(*span)
    shape = span[1] - span[0], bars.asset_count
    missing = rng.random(shape) < (MISSING_SHARE if gaps else 0.0)
    missing |= rng.random(shape[1]) < (VANISHING_SHARE if gaps else 0.0)
    turned = rng.random(shape) < 0.5  # noqa: PLR2004  (one half)
    factor = _walk(shape, rng)
    panels = {name: each for name in ("panel", "raw") if (each := getattr(bars, name)) is not None}
    for panel in panels.values():
        factor = _within_bounds(factor, panel[:, later])
    volume_factor = rng.uniform(0.3, 3.0, shape)
    changed: dict[str, Any] = {}
    for name, panel in panels.items():
        other = panel.copy()
        other[:, later] = _altered_panel(panel[:, later], factor, volume_factor, turned)
        other[:, later][:, missing] = np.nan
        changed[name] = other
    return replace(bars, **changed, **_altered_beside(bars, later, shape, rng))


def _walk(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    steps = rng.normal(0.0, STEP_DEVIATION, shape)
    steps[0] += rng.normal(0.0, JUMP_DEVIATION, shape[1])
    return np.exp(np.clip(np.cumsum(steps, axis=0), -5.0, 5.0))


def _within_bounds(factor: NDArray[np.float64], panel: NDArray[np.float64]) -> NDArray[np.float64]:
    """The factor, held to where prices stay prices; twice inside, for rounding."""
    least, most = 2.0 * PRICE_MIN / panel[LOW], 0.5 * PRICE_MAX / panel[HIGH]
    held = np.where(factor < least, np.minimum(least, 1.0), factor)
    return np.where(held > most, np.maximum(most, 1.0), held)


def _altered_panel(
    panel: NDArray[np.float64],
    factor: NDArray[np.float64],
    volume_factor: NDArray[np.float64],
    turned: NDArray[np.bool_],
) -> NDArray[np.float64]:
    other = panel.copy()
    low, high = panel[LOW], panel[HIGH]
    for field in (OPEN, CLOSE):
        mirrored = np.clip(low + high - panel[field], low, high)
        other[field] = np.where(turned, mirrored, panel[field])
    other[:VOLUME] *= factor
    other[VOLUME] = np.where(
        panel[VOLUME] > 0.0,
        np.maximum(np.rint(panel[VOLUME] * volume_factor), 1.0),
        panel[VOLUME],
    )
    return other


def _altered_beside(
    bars: Bars, later: slice, shape: tuple[int, int], rng: np.random.Generator
) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if bars.benchmark is not None:
        changed["benchmark"] = bars.benchmark.copy()
        changed["benchmark"][later] *= _walk((shape[0], 1), rng)[:, 0]
    if bars.splits is not None:
        changed["splits"] = bars.splits.copy()
        changed["splits"][later][rng.random(shape) < 0.5] = 1.0  # noqa: PLR2004  (one half)
    if bars.dividends is not None:
        changed["dividends"] = bars.dividends.copy()
        changed["dividends"][later] *= rng.uniform(0.5, 1.5, shape)
    if bars.members is not None:
        changed["members"] = bars.members.copy()
        changed["members"][later] ^= rng.random(shape[1]) < FLIPPING_SHARE
    extra = {name: each.copy() for name, each in bars.extra.items()}
    for each in extra.values():
        # Values that there are, in another order: a column may hold codes.
        each[later] = each[later][rng.permutation(shape[0])]
    return changed | {"extra": extra}

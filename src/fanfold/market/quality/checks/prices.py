"""Prices far from those around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.domain.sessions import MINUTE_NS
from fanfold.market.quality.about import About, Sound
from fanfold.market.quality.checks.scale import around, bars_near, deviation
from fanfold.market.quality.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on a price is told.

    Attributes:
        block: Bars of a block that measures how much a series moves.
        spike: Deviations a close must be off both neighbours [1].
        spike_min: And at least so much [log].
        agree: By what share of that the neighbours may disagree [1].
        wick: Median ranges a high or low must be off open, close and neighbours [1].
        wick_min: And at least so much [log].
        jump: Deviations a close must be off the last one without coming back [1].
        jump_min: And at least so much to be worth knowing [log].
        jump_warning: And so much to be a warning [log].
    """

    block: int
    spike: float
    spike_min: float
    agree: float
    wick: float
    wick_min: float
    jump: float
    jump_min: float
    jump_warning: float


DAILY: Final = Limits(
    block=40, spike=4.5, spike_min=0.05, agree=0.4, wick=5, wick_min=0.08,
    jump=10, jump_min=0.15, jump_warning=0.4,
)  # fmt: skip
HOURLY: Final = Limits(
    block=60, spike=8, spike_min=0.02, agree=0.3, wick=8, wick_min=0.03,
    jump=20, jump_min=0.08, jump_warning=0.4,
)  # fmt: skip
INTRADAY: Final = Limits(
    block=60, spike=12, spike_min=0.01, agree=0.25, wick=15, wick_min=0.01,
    jump=30, jump_min=0.05, jump_warning=0.4,
)  # fmt: skip

_HOURLY_NS: Final = 30 * MINUTE_NS
"""Length from which on a bar shorter than a session is more like one than like a minute."""

_ISLAND: Final = 0.5
"""Part of `spike_min` that must lie between a bar and both of those beside it [1]."""

_ROUNDING: Final = 1e-6
"""By how much ratios may differ from what their logs say [1]."""

_FORWARD_MIN: Final = 1e-30
"""Smallest factor of splits with which products of prices are numbers [1]."""

IMPOSSIBLE: Final = float(np.log(2))
"""A close that is off by so much and back in the next bar is an error [log]."""


def outliers(
    sound: Sound, forward: NDArray[np.float64], about: About, told: NDArray[np.bool_]
) -> Iterator[Finding]:
    """Closes that come back at once, lows and highs that nothing around them shares, jumps.

    Args:
        sound: The bars.
        forward: What to multiply prices with so that splits leave no jump; shape [bar].
        about: Whose.
        told: Bars at which a split was told, which explains the jump; shape [bar].
    """
    if sound.ts.size <= 1:
        return
    limits = _limits(about)
    odd = _odd(sound.fields, forward, limits)
    if not odd.any():
        return
    night = _nights(sound, forward, about)
    near = bars_near(odd, limits.block)
    sound = Sound(
        ts=sound.ts[near], fields=np.take(sound.fields, near, axis=1), day=sound.day[near]
    )
    yield from _far(sound, forward[near], night[near], (odd[near], told[near]), about)


def _limits(about: About) -> Limits:
    if not about.is_intraday:
        return DAILY
    return HOURLY if about.bar_ns >= _HOURLY_NS else INTRADAY


def _odd(
    fields: NDArray[np.float64], forward: NDArray[np.float64], limits: Limits
) -> NDArray[np.bool_]:
    """Bars of which something may be told; of the others nothing, however calm they are.

    Most series have few, and to know how much a series moves costs much more than this.
    """
    if not _FORWARD_MIN < float(forward.min()) <= float(forward.max()) < 1 / _FORWARD_MIN:
        return np.ones(len(forward), bool)
    level = fields[:VOLUME] if (forward == 1).all() else fields[:VOLUME] * forward
    opening, high, low, close = level
    spike, wick, jump = (
        (1 - _ROUNDING) * np.exp(log)
        for log in (2 * limits.spike_min, limits.wick_min, limits.jump_min)
    )
    floor, ceiling = np.minimum(opening, close), np.maximum(opening, close)
    for side, other in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        np.minimum(floor[side], low[other], out=floor[side])
        np.maximum(ceiling[side], high[other], out=ceiling[side])
    odd = (floor > wick * low) | (high > wick * ceiling)
    before, after = close[:-1], close[1:]
    odd[1:] |= (after > jump * before) | (before > jump * after)
    square, beside = close[1:-1] ** 2, close[:-2] * close[2:]
    odd[1:-1] |= (square > spike * beside) | (beside > spike * square)
    square, beside = opening[1:] ** 2, before * after
    odd[1:] |= (square > wick**2 * beside) | (beside > wick**2 * square)
    return odd


def _far(
    sound: Sound,
    forward: NDArray[np.float64],
    night: NDArray[np.float64],
    odd_and_told: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    about: About,
) -> Iterator[Finding]:
    """What is told of the odd bars among some."""
    limits = _limits(about)
    odd, told = odd_and_told
    prices = np.log(sound.fields[:4]) + np.log(forward)
    scale = _scale(sound, prices, night, limits)
    spiked, off = _spikes(prices, scale, limits)
    range_ = around(prices[HIGH] - prices[LOW], limits.block)
    lows, below = _wicks(prices, np.fmax(range_, scale), limits)
    highs, above = _wicks(-prices[[OPEN, LOW, HIGH, CLOSE]], np.fmax(range_, scale), limits)
    above = -above
    opened, astray = _opens(prices, scale, limits)
    opened &= ~told
    spiked &= odd
    jumped, jump = _jumps(prices[CLOSE], scale, limits)
    jumped &= ~(spiked | told)
    jumped[1:] &= ~spiked[:-1]
    close = sound.fields[CLOSE]
    for place in np.flatnonzero(odd & (spiked | opened | lows | highs | jumped)).tolist():
        ts, parts = int(sound.ts[place]), list[str]()
        severity = "warning"
        if spiked[place]:
            before, after = close[place - 1], close[place + 1]
            parts.append(
                f"close must agree with those beside it, was {close[place]:g} between {before:g} "
                f"and {after:g}, {_percent(off[place])} off, "
                f"{abs(off[place]) / scale[place]:.0f} deviations"
            )
            if abs(off[place]) > IMPOSSIBLE:
                severity = "error"
        if opened[place]:
            parts.append(
                f"open must agree with the closes around it, was {sound.fields[OPEN, place]:g} "
                f"between {close[place - 1]:g} and {close[place]:g}, "
                f"{_percent(astray[place])} off, {abs(astray[place]) / scale[place]:.0f} deviations"
            )
        if lows[place]:
            parts.append(_wick_text(sound, place, "low", LOW, below[place]))
        if highs[place]:
            parts.append(_wick_text(sound, place, "high", HIGH, above[place]))
        if jumped[place]:
            moved = float(jump[place])
            parts.append(
                f"close must move as it does around, went from {close[place - 1]:g} to "
                f"{close[place]:g}, {_percent(moved)}, {abs(moved) / scale[place]:.0f} deviations"
            )
            if len(parts) == 1 and abs(moved) < limits.jump_warning:
                severity = "info"
        yield about.found(ts, "outlier", "; ".join(parts), severity)


def _nights(sound: Sound, forward: NDArray[np.float64], about: About) -> NDArray[np.float64]:
    """How much closes move over the nights around each bar that moves over night [log].

    Returns:
        NaN if that is unknown; -1 for bars that do not: whole sessions, and all but a
        session's first; shape [bar].
    """
    night = np.full(sound.ts.size, -1.0)
    if about.is_intraday:
        first = np.flatnonzero(sound.day[1:] != sound.day[:-1]) + 1
        close = sound.fields[CLOSE]
        moved = (np.log(close[first]) + np.log(forward[first])) - (
            np.log(close[first - 1]) + np.log(forward[first - 1])
        )
        night[first] = around(moved, 20)
    return night


def _scale(
    sound: Sound, prices: NDArray[np.float64], night: NDArray[np.float64], limits: Limits
) -> NDArray[np.float64]:
    returns = np.diff(prices[CLOSE], prepend=np.nan)
    returns[night != -1] = np.nan
    scale = deviation(returns, prices[HIGH] - prices[LOW], sound.fields[CLOSE], limits.block)
    return np.fmax(scale, 1.5 * night)


def _spikes(
    prices: NDArray[np.float64], scale: NDArray[np.float64], limits: Limits
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Where a close is off both neighbours, and by how much [log].

    Either the two agree, or the whole bar lies off what was traded in both.
    """
    close, high, low = prices[CLOSE], prices[HIGH], prices[LOW]
    off = np.zeros(len(close))
    off[1:-1] = close[1:-1] - (close[:-2] + close[2:]) / 2
    apart, between = np.full(len(close), np.inf), np.zeros(len(close))
    apart[1:-1] = np.abs(close[2:] - close[:-2])
    above = low[1:-1] - np.maximum(high[:-2], high[2:])
    below = np.minimum(low[:-2], low[2:]) - high[1:-1]
    between[1:-1] = np.maximum(above, below)
    size = np.abs(off)
    spiked = (size > limits.spike * scale) & (apart < limits.agree * size)
    spiked |= (between > scale) & (between > _ISLAND * limits.spike_min)
    return spiked & (size > limits.spike_min), off


def _opens(
    prices: NDArray[np.float64], scale: NDArray[np.float64], limits: Limits
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Where an open is off the close before and its own while they agree, and how much [log]."""
    before, close = prices[CLOSE, :-1], prices[CLOSE, 1:]
    off = np.zeros(prices.shape[1])
    off[1:] = prices[OPEN, 1:] - (before + close) / 2
    apart = np.full(len(off), np.inf)
    apart[1:] = np.abs(close - before)
    size = np.abs(off)
    astray = (size > limits.wick * scale) & (size > limits.wick_min)
    return astray & (apart < limits.agree * size), off


def _wicks(
    prices: NDArray[np.float64], range_: NDArray[np.float64], limits: Limits
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Where a low is far below open, close and the lows beside it, and by how much [log]."""
    low = prices[LOW]
    beside = np.full((2, len(low)), np.inf)
    beside[0, 1:], beside[1, :-1] = low[:-1], low[1:]
    floor = np.minimum(np.minimum(prices[OPEN], prices[CLOSE]), beside.min(axis=0))
    below = floor - low
    return (below > limits.wick * range_) & (below > limits.wick_min), -below


def _jumps(
    close: NDArray[np.float64], scale: NDArray[np.float64], limits: Limits
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    jump = np.diff(close, prepend=close[:1])
    size = np.abs(jump)
    return (size > limits.jump * scale) & (size > limits.jump_min), jump


def _wick_text(sound: Sound, place: int, name: str, field: int, off: float) -> str:
    bar = sound.fields[:, place]
    return (
        f"{name} must be near open, close and the {name}s beside it, was {bar[field]:g} with open "
        f"{bar[OPEN]:g} and close {bar[CLOSE]:g}, {_percent(off)} off"
    )


def _percent(log: float) -> str:
    return f"{100 * np.expm1(log):+.1f} %"

"""Prices far from those around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN
from fanfold.market.quality.about import About, Sound
from fanfold.market.quality.checks.scale import around, deviation
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
INTRADAY: Final = Limits(
    block=60, spike=12, spike_min=0.01, agree=0.25, wick=15, wick_min=0.01,
    jump=30, jump_min=0.05, jump_warning=0.4,
)  # fmt: skip

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
    limits = INTRADAY if about.is_intraday else DAILY
    prices = np.log(sound.fields[:4]) + np.log(forward)
    opens = _opens_session(sound, about)
    scale = _scale(sound, prices, opens, limits)
    spiked, off = _spikes(prices[CLOSE], scale, limits)
    range_ = around(prices[HIGH] - prices[LOW], limits.block)
    lows, below = _wicks(prices, np.fmax(range_, scale), limits)
    highs, above = _wicks(-prices[[OPEN, LOW, HIGH, CLOSE]], np.fmax(range_, scale), limits)
    above = -above
    jumped, jump = _jumps(prices[CLOSE], scale, limits)
    jumped &= ~(spiked | told)
    jumped[1:] &= ~spiked[:-1]
    close = sound.fields[CLOSE]
    for place in np.flatnonzero(spiked | lows | highs | jumped).tolist():
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


def _opens_session(sound: Sound, about: About) -> NDArray[np.bool_]:
    """Bars that move over night: the first of their session, if they are shorter; shape [bar]."""
    opens = np.zeros(sound.ts.size, bool)
    if about.is_intraday:
        opens[1:] = sound.day[1:] != sound.day[:-1]
    return opens


def _scale(
    sound: Sound, prices: NDArray[np.float64], opens: NDArray[np.bool_], limits: Limits
) -> NDArray[np.float64]:
    returns = np.diff(prices[CLOSE], prepend=np.nan)
    returns[opens] = np.nan
    scale = deviation(returns, prices[HIGH] - prices[LOW], sound.fields[CLOSE], limits.block)
    night = np.flatnonzero(opens)
    if len(night) > 0:
        moved = np.diff(prices[CLOSE])[night - 1]
        scale[night] = np.fmax(scale[night], 1.5 * around(moved, 20))
    return scale


def _spikes(
    close: NDArray[np.float64], scale: NDArray[np.float64], limits: Limits
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Where a close is off both neighbours while they agree, and by how much [log]."""
    off = np.zeros(len(close))
    off[1:-1] = close[1:-1] - (close[:-2] + close[2:]) / 2
    apart = np.full(len(close), np.inf)
    apart[1:-1] = np.abs(close[2:] - close[:-2])
    size = np.abs(off)
    spiked = (size > limits.spike * scale) & (size > limits.spike_min)
    return spiked & (apart < limits.agree * size), off


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

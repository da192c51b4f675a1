"""Longer bars unfolded into minutes by a seeded bridge through their four prices.

A day of which only open, high, low and close are known becomes a path that could have been:
from the open to the nearer extreme, to the other, to the close, in the order that the
engine assumes inside a bar. When the extremes come follows the arcsine law, under which
they are often near the ends; between the four points go Brownian bridges of log prices,
folded back at the extremes. Their deviation follows from the bar's range. A minute
begins where the one before ended, so the path has no gaps. Volume is U-shaped.

A bar's minutes follow from the seed, the symbol, the bar's end and its own five numbers,
so any bar can be unfolded at any time, in any order.

Source: Lévy (1939), Sur certains processus stochastiques homogènes, for the arcsine law of
    the extremes' times; Feller (1951), The Asymptotic Distribution of the Range of Sums of
    Independent Random Variables, for the deviation of a range; Karatzas & Shreve (1991),
    Brownian Motion and Stochastic Calculus, 5.6, for bridges.
"""

import math
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

STEPS: Final = 4
"""Steps of the path in a minute."""

RANGE_MEAN: Final = math.sqrt(8.0 / math.pi)
"""Mean range of a Brownian motion [its deviation]."""

DIGITS: Final = 4
"""Digits of prices inside a bar after the point; `FINE_DIGITS` below one unit."""

FINE_DIGITS: Final = 6
"""Digits of a bar's own four prices, and of all prices below one unit of the currency."""

EDGE_VOLUME: Final = 3.0
"""How much busier a session's first and last minutes are than its middle [1]."""

VOLUME_NOISE: Final = 0.3
"""Deviation of a minute's log volume [1]."""

UNITS_MIN: Final = 4
"""Units of a minute at least, one for each of its trades, where volume is whole."""

QUANTUM: Final = 2.0**-20
"""Step of volumes that are not whole [units]: small sums of them are exact."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Unfolded:
    """Minutes of a bar; shapes [minute].

    Attributes:
        open, high, low, close, volume: As always.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True, slots=True)
class LongBar:
    """A bar to be unfolded.

    Attributes:
        symbol: Whose.
        end: Its end [ns UTC].
        open, high, low, close: Its prices.
        volume: Units traded, positive.
        minutes: How many it lasts.
    """

    symbol: str
    end: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    minutes: int


def unfold(bar: LongBar, seed: int) -> Unfolded:
    """The minutes of a bar.

    First open, last close, highest high, lowest low are the bar's own, rounded to
    `FINE_DIGITS`; the sum of the volumes is its volume. Volumes are whole if the bar's is
    and suffices for `UNITS_MIN` a minute.

    Args:
        bar: The bar.
        seed: Equal seeds give equal minutes.
    """
    rng = np.random.Generator(np.random.SFC64([seed, crc32(bar.symbol.encode()), bar.end]))
    points = _path(bar, rng)
    # A row for each step of all minutes: far faster than a row for each minute.
    inside, closes = points[:-1].reshape(-1, STEPS).T, points[STEPS::STEPS]
    return Unfolded(
        open=points[:-1:STEPS],
        high=np.maximum(inside.max(axis=0), closes),
        low=np.minimum(inside.min(axis=0), closes),
        close=closes,
        volume=_volumes(bar, rng),
    )


def _path(bar: LongBar, rng: np.random.Generator) -> Floats:
    """Prices at all steps, `[STEPS · minutes + 1]`."""
    steps = STEPS * bar.minutes
    open_, high, low, close = (
        round(one, FINE_DIGITS) for one in (bar.open, bar.high, bar.low, bar.close)
    )
    # A low that is not the least, as bad data have it, must not undo the open or close.
    high, low = max(high, open_, close), min(low, open_, close)
    if high <= low:
        return np.full(steps + 1, open_)
    first, second = (high, low) if high - open_ <= open_ - low else (low, high)
    at_first, at_second = _extreme_steps(steps, rng, begins=first == open_, ends=second == close)
    knots = np.array([0, at_first, at_second, steps])
    prices = np.array([open_, first, second, close])
    if low > 0.0:
        logs = _bridged(np.log(prices), knots, math.log(high / low), rng)
        made = np.exp(_folded(logs, math.log(low), math.log(high)))
    else:
        made = _folded(_bridged(prices, knots, high - low, rng), low, high)
    made = np.round(made, DIGITS if low >= 1.0 else FINE_DIGITS)
    np.clip(made, low, high, out=made)
    made[knots] = prices
    return made


def _extreme_steps(
    steps: int, rng: np.random.Generator, *, begins: bool, ends: bool
) -> tuple[int, int]:
    """When the extremes come, two different steps inside the path, or at its ends."""
    drawn = np.sin(0.5 * math.pi * rng.random(2)) ** 2
    least, most = sorted((1 + drawn * (steps - 2)).astype(np.int64).tolist())
    least = min(least, steps - 2)
    most = max(most, least + 1)
    return (0 if begins else least), (steps if ends else most)


def _bridged(
    knot_prices: Floats, knots: NDArray[np.int64], span: float, rng: np.random.Generator
) -> Floats:
    """A random walk that passes through all knots."""
    steps = int(knots[-1])
    deviation = span / RANGE_MEAN / math.sqrt(steps)
    walk = np.empty(steps + 1)
    walk[0] = 0.0
    np.cumsum(rng.standard_normal(steps), out=walk[1:])
    walk *= deviation
    place = np.arange(steps + 1)
    return walk + np.interp(place, knots, knot_prices - walk[knots])


def _folded(values: Floats, low: float, high: float) -> Floats:
    """Values mirrored at both bounds until all are between them."""
    span = high - low
    return high - np.abs((values - low) % (2.0 * span) - span)


def _volumes(bar: LongBar, rng: np.random.Generator) -> Floats:
    """A volume for each minute, more near the ends, that add up exactly."""
    count, total = bar.minutes, bar.volume
    middle = (np.arange(count) + 0.5) / count * 2.0 - 1.0
    weight = (1.0 + (EDGE_VOLUME - 1.0) * middle * middle) * np.exp(
        VOLUME_NOISE * rng.standard_normal(count)
    )
    share = np.cumsum(weight) / weight.sum()
    whole = total == math.floor(total) and total >= UNITS_MIN * count
    if whole:
        rest = total - UNITS_MIN * count
        sums = np.floor(rest * share)
        sums[-1] = rest
        return np.diff(sums, prepend=0.0) + UNITS_MIN
    step = QUANTUM if total >= QUANTUM * count else total / count / 2.0
    parts = np.maximum(np.floor(np.diff(share, prepend=0.0) * total / step), 1.0) * step
    parts[-1] = total - parts[:-1].sum()
    return parts

"""Highest and lowest point of a move inside a bar, drawn from their exact joint law.

A bar of a diffusion is known at its two ends. Between them the log price is a Brownian
bridge, whose maximum has a closed form, and whose minimum, given the maximum, is a series
of mirror images. Simulating the inside step by step would miss part of every extreme, and
with it stops and limits that were reached.
"""

import math
from typing import Final

from fanfold.domain.compiled import compiled

SLOPE_MAX: Final = 1e100
"""Beyond this many deviations a move is a straight line, and its square overflows [1]."""

DEPTH_MAX: Final = 8.0
"""No minimum lies deeper below the ends: its chance is below that of any uniform [deviations]."""

SPAN_MIN: Final = 0.3
"""No range is smaller: its chance, too, is below that of any uniform [deviations]."""

IMAGES_MAX: Final = 16
"""Fours of mirror images; a range of `SPAN_MIN` needs 14."""

EXPONENT_MAX: Final = 17.0
"""Images this much farther than the first are left out: each is below 2e-15 of it [1]."""

STEPS_MAX: Final = 60
"""Steps of the search; halving alone gets from `DEPTH_MAX` to the last bit."""

DEPTH_STEP_MIN: Final = 1e-5
"""The last step of Newton's is below this share of the depth; the next would be its square [1]."""

_UNIFORM_LEAST: Final = 2.0**-54
_UNIFORM_MOST: Final = 1.0 - 2.0**-53


@compiled
def inside_unit(uniform: float) -> float:
    """A uniform of 53 bits in [0, 1), moved to the middle of its cell: never 0, never 1."""
    return min(uniform + _UNIFORM_LEAST, _UNIFORM_MOST)


@compiled
def bridge_extremes(
    move: float, variance: float, uniform_high: float, uniform_low: float
) -> tuple[float, float]:
    """Maximum and minimum of a Brownian bridge from 0 to `move`.

    Args:
        move: Where it ends [log return].
        variance: Of the motion that it is a part of; 0 or less draws a straight line.
        uniform_high: Chooses the maximum; in [0, 1).
        uniform_low: Chooses the minimum among those that go with the maximum; in [0, 1).

    Returns:
        Maximum, at least 0 and `move`; minimum, at most 0 and `move` [log return].

    Source: Karatzas & Shreve (1991), Brownian Motion and Stochastic Calculus, 2.8 and
        4.3 (maximum; images); Asmussen, Glynn & Pitman (1995), Discretization Error in
        Simulation of One-Dimensional Reflecting Brownian Motion, Annals of Applied
        Probability 5(4), for drawing the maximum.
    """
    top, bottom = max(move, 0.0), min(move, 0.0)
    if not variance > 0.0:
        return top, bottom
    deviation = math.sqrt(variance)
    slope = abs(move) / deviation
    if not slope < SLOPE_MAX:
        return top, bottom
    # The chance of a higher maximum is exp(−2 · its distance to one end · to the other).
    product = -0.5 * math.log(inside_unit(uniform_high))
    far = max(0.5 * (slope + math.sqrt(slope * slope + 4.0 * product)), slope)
    near = product / far
    depth = depth_below_ends(far, near, inside_unit(uniform_low))
    return top + near * deviation, bottom - depth * deviation


@compiled
def depth_below_ends(far: float, near: float, chance: float) -> float:
    """How far the minimum lies below the lower end, given the maximum.

    Newton's method on the logarithm of the chance, which is concave, so a step lands
    beyond the answer and the next ones come back to it; halving wherever it does not.

    Args:
        far: From the maximum down to the lower end [deviations].
        near: From the maximum down to the higher end [deviations].
        chance: That of a deeper minimum; in (0, 1).

    Returns:
        Depth [deviations], from 0 to `DEPTH_MAX`.
    """
    both = far + near
    wanted = math.log(chance)
    low, high = max(SPAN_MIN - far, 0.0), DEPTH_MAX
    depth = max(first_depth(both, wanted), low)
    for _ in range(STEPS_MAX):
        deeper, slope = chance_deeper(far, near, depth)
        if deeper > chance:
            low = depth
        else:
            high = depth
        following = -1.0
        if deeper > 0.0 and slope < 0.0:
            following = depth - deeper * (math.log(deeper) - wanted) / slope
        if not low <= following <= high:
            following = 0.5 * (low + high)
        step, depth = abs(following - depth), following
        if step <= DEPTH_STEP_MIN * depth:
            break
    return depth


@compiled
def first_depth(both: float, wanted: float) -> float:
    """Where the search begins: right for steep moves, near for others [deviations].

    Of all images the first alone can be solved for the depth, with its factor held; what
    is added to that factor where moves are flat was fitted to answers of the search.
    """
    exponent = -0.5 * wanted
    depth = 2.0 * exponent / (both + math.sqrt(both * both + 4.0 * exponent))
    flat = 1.0 / (1.0 + both * both * both * both)
    exponent += 0.5 * math.log(1.0 + 2.0 * (depth + 0.7 * flat) / (both + 0.2 * flat))
    return 2.0 * exponent / (both + math.sqrt(both * both + 4.0 * exponent))


@compiled
def chance_deeper(far: float, near: float, depth: float) -> tuple[float, float]:
    """Chance that the minimum is deeper, given the maximum, and its derivative.

    The chance that a bridge of variance 1 from 0 to x stays between −a and b is
    Σₖ exp(−2kL(kL + x)) − exp(−2(b + kL)(b + kL − x)) over all integers, L = a + b. Its
    derivative in b, over that without a floor, is the chance given the maximum b. Sorted
    by the distances b and |b − x| of the ends from the maximum, four images n = 1, 2, …
    remain, each of the form t · exp(−2e) with dt/dL = 2n and de/dL = n t.

    Args:
        far: From the maximum down to the lower end [deviations].
        near: From the maximum down to the higher end [deviations].
        depth: Below the lower end [deviations].

    Source: Feller (1951), The Asymptotic Distribution of the Range of Sums of Independent
        Random Variables, Annals of Mathematical Statistics 22(3), for the images.
    """
    span, both, slope = far + depth, far + near, far - near
    first = depth * (depth + both)
    chance, change = 0.0, 0.0
    for n in range(1, IMAGES_MAX + 1):
        wide, wider = n * span, (n + 1) * span
        exponent = (depth + (wide - span)) * (wide + near)
        if exponent > first + EXPONENT_MAX:
            break
        t = 2.0 * wide - slope
        weight = n * math.exp(-2.0 * exponent)
        chance += weight * t
        change += n * weight * (1.0 - t * t)
        t = 2.0 * wide + slope
        weight = n * math.exp(-2.0 * (wide + far) * (wide - near))
        chance += weight * t
        change += n * weight * (1.0 - t * t)
        t = 2.0 * wide + both
        weight = (n + 1) * math.exp(-2.0 * wide * (wide + both))
        chance -= weight * t
        change -= n * weight * (1.0 - t * t)
        t = 2.0 * wider - both
        weight = n * math.exp(-2.0 * wider * (wider - both))
        chance -= weight * t
        change -= (n + 1) * weight * (1.0 - t * t)
    return chance / both, 2.0 * change / both

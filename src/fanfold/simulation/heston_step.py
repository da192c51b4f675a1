"""One step of Heston's model: what is known of it exactly, and how it is drawn."""

import math
from dataclasses import dataclass
from typing import Any

from fanfold.domain.compiled import compiled, compiled_lanes

VARIANCE_VOLATILITY_MIN = 1e-12
"""Below this the variance is taken as certain: leverage has nothing to act on [1 per bar]."""

QUADRATIC_MAX = 1.5
"""Squared relative deviation of v' up to which it is drawn as the square of a normal [1]."""

CERTAIN_MAX = 1e-24
"""Squared relative deviation of v' below which it is its mean, to the last bit [1]."""

MEAN_MIN = 1e-100
"""A smaller mean of v' stays what it is, for its square would be 0 [1 per bar]."""

STEP_NUMBERS = 16
"""Numbers that a step takes for each asset; see `draw_step`."""

NORMAL_TAIL_MIN = 1e-300
"""Smallest chance of a larger normal; 37 deviations out [1]."""

SERIES_MAX = 0.02
"""Arguments of the drift's correction up to which its series is exact to 1e-14 [1]."""

THIRD, SIXTH, SEVENTH, NINTH = 1.0 / 3.0, 1.0 / 6.0, 1.0 / 7.0, 1.0 / 9.0

HALF_ROOT = 0.7071067811865476
"""1 / √2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMoments:
    """Moments of the variance v over one step that begins at v and ends at v'.

    Attributes:
        decay: Share of a distance from the long variance that is left after the step [1].
        mean_base: Mean of v' is mean_base + decay · v.
        spread_base: Variance of v' is spread_base + spread_slope · v.
        spread_slope: See `spread_base`.
        end_weight: Weight of v and of v' in the variance integrated over the step [bars]; half
            the step where reversion is slow. The integral is taken as end_weight · (v + v')
            + rest, whose mean is exact.
        rest: See `end_weight`.
        drive: The variance's own noise, √v dW integrated, is taken as drive · (v' − its mean)
            and what that leaves out, which has the variance left_base + left_slope · v, or 0.
        left_base: See `drive`.
        left_slope: See `drive`.

    Source: Cox, Ingersoll & Ross (1985), A Theory of the Term Structure of Interest Rates,
        Econometrica 53(2), for the moments; the weights follow from a regression of both
        integrals on v' that begins at the long variance.
    """

    decay: float
    mean_base: float
    spread_base: float
    spread_slope: float
    end_weight: float
    rest: float
    drive: float
    left_base: float
    left_slope: float


def step_moments(
    *, long_variance: float, reversion: float, variance_volatility: float, length_bars: float
) -> StepMoments:
    """Moments of a step of some length; units are those of the model."""
    pull = reversion * length_bars
    decay = math.exp(-pull)
    gone = -math.expm1(-pull)
    span = gone / reversion if reversion > 0.0 else length_bars
    half = math.tanh(0.5 * pull)  # (1 - decay) / (1 + decay)
    end_weight = half / reversion if reversion > 0.0 else 0.5 * length_bars
    certain = variance_volatility < VARIANCE_VOLATILITY_MIN
    square = 0.0 if certain else variance_volatility * variance_volatility
    return StepMoments(
        decay=decay,
        mean_base=long_variance * gone,
        spread_base=0.5 * square * long_variance * span * gone,
        spread_slope=square * decay * span,
        end_weight=end_weight,
        rest=long_variance * max(length_bars - 2.0 * end_weight, 0.0),
        drive=0.0 if certain else 2.0 / ((1.0 + decay) * variance_volatility),
        left_base=long_variance * (length_bars - span - 2.0 * half * end_weight),
        left_slope=span * half * half,
    )


@compiled
def near_normal(
    mean: float, square: float, spread: float, tilt: float, normal: float
) -> tuple[float, float]:
    """v' less its mean as the square of a normal; the log of the mean of exp(tilt · that)."""
    q = 2.0 * square / spread
    root = math.sqrt(q * (q - 1.0))
    scale = mean / (q + root)
    shift = q - 1.0 + root
    apart = scale * (2.0 * math.sqrt(shift) * normal + normal * normal - 1.0)
    x = 2.0 * tilt * scale
    if x >= 1.0:  # the mean is infinite
        return apart, 0.5 * tilt * tilt * spread
    return apart, 0.5 * (x * x * shift / (1.0 - x) - math.log(1.0 - x) - x)


@compiled
def often_zero(
    mean: float, square: float, spread: float, tilt: float, normal: float
) -> tuple[float, float]:
    """The same, v' being 0 or else exponential; `normal` says how far up it is."""
    scale = 0.5 * (spread + square) / mean
    kept = mean / scale
    above = max(0.5 * math.erfc(HALF_ROOT * normal), NORMAL_TAIL_MIN)
    apart = (scale * math.log(kept / above) if above < kept else 0.0) - mean
    x = tilt * scale
    if x >= 1.0:  # the mean is infinite
        return apart, 0.5 * tilt * tilt * spread
    return apart, math.log(1.0 + kept * x / (1.0 - x)) - tilt * mean


@compiled
def draw_step(
    numbers: Any, first: int, variance: Any, before: Any, price_normal: Any, own_normal: Any,
    move: Any,
) -> None:  # fmt: skip
    """One step of one asset for all lanes: moves `variance` on and adds to the log return.

    `numbers` from `first` on are drift, leverage and √(1 − leverage²), mean_base, decay,
    spread_base and spread_slope, by how much the log return moves with v' and its variance
    with v', what that variance has beside it (base and slope), left_base and left_slope.
    `before` is scratch.
    """
    for lane in range(len(move)):
        before[lane] = variance[lane]
    draw_usual(numbers[first : first + 13], variance, before, price_normal, own_normal, move)
    for lane in range(len(move)):
        if variance[lane] < 0.0:
            draw_unusual(
                lane, numbers[first : first + 13], variance, before, price_normal, own_normal, move
            )


@compiled_lanes
def draw_usual(
    numbers: Any, variance: Any, before: Any, price_normal: Any, own_normal: Any, move: Any
) -> None:
    """The step of all lanes where v' is the square of a normal, and its correction a series.

    The others get a variance of -1 and no move: they are few, and drawn one by one.
    """
    drift, leverage, free = numbers[0], numbers[1], numbers[2]
    mean_base, decay, spread_base, spread_slope = numbers[3], numbers[4], numbers[5], numbers[6]
    gain, noise, noise_base, noise_slope = numbers[7], numbers[8], numbers[9], numbers[10]
    left_base, left_slope = numbers[11], numbers[12]
    tilt = gain + 0.5 * noise
    for lane in range(len(move)):
        v = before[lane]
        mean = mean_base + decay * v
        spread = spread_base + spread_slope * v
        usual = 1.0 if spread > CERTAIN_MAX * mean * mean else 0.0
        usual = usual if spread <= QUADRATIC_MAX * mean * mean else 0.0
        usual = usual if mean > MEAN_MIN else 0.0
        m = mean if usual > 0.0 else 1.0  # so that nothing below is undefined
        s = spread if usual > 0.0 else 1.0
        normal = leverage * price_normal[lane] + free * own_normal[lane]
        q = 2.0 * (m * m) / s
        root = math.sqrt(q * (q - 1.0))
        scale = m / (q + root)
        shift = q - 1.0 + root
        apart = scale * (2.0 * math.sqrt(shift) * normal + normal * normal - 1.0)
        # 1 / (1 - x), then (-log(1 - x) - x) / x², by their series: no digit is lost.
        x = 2.0 * tilt * scale
        usual = usual if x < SERIES_MAX else 0.0
        usual = usual if x > -SERIES_MAX else 0.0
        x2 = x * x
        geometric = (1.0 + x) * (1.0 + x2) * (1.0 + x2 * x2)
        low = 0.5 + x * THIRD + x2 * (0.25 + x * 0.2)
        high = SIXTH + x * SEVENTH + x2 * (0.125 + x * NINTH)
        cumulant = 0.5 * x2 * (shift * geometric + low + x2 * x2 * high)
        after = m + apart
        after = after if after > 0.0 else 0.0
        left = left_base + left_slope * v
        known = noise_base + noise_slope * v + (left if left > 0.0 else 0.0)
        rest = free * price_normal[lane] - leverage * own_normal[lane]
        growth = gain * apart - cumulant - 0.5 * (known + noise * m)
        inside = known + noise * after
        moved = drift + growth + math.sqrt(inside if inside > 0.0 else 0.0) * rest
        move[lane] += moved if usual > 0.0 else 0.0
        variance[lane] = after if usual > 0.0 else -1.0


@compiled
def draw_unusual(
    lane: int, numbers: Any, variance: Any, before: Any, price_normal: Any, own_normal: Any,
    move: Any,
) -> None:  # fmt: skip
    """The step of one lane, whatever its variance; see `draw_step`."""
    drift, leverage, free = numbers[0], numbers[1], numbers[2]
    gain, noise = numbers[7], numbers[8]
    tilt = gain + 0.5 * noise
    v = before[lane]
    normal = leverage * price_normal[lane] + free * own_normal[lane]
    mean = numbers[3] + numbers[4] * v
    spread = numbers[5] + numbers[6] * v
    square = mean * mean
    apart, cumulant = 0.0, 0.0
    if spread > QUADRATIC_MAX * square and mean > MEAN_MIN:
        apart, cumulant = often_zero(mean, square, spread, tilt, normal)
    elif spread > CERTAIN_MAX * square and mean > MEAN_MIN:
        apart, cumulant = near_normal(mean, square, spread, tilt, normal)
    after = max(mean + apart, 0.0)
    known = numbers[9] + numbers[10] * v + max(numbers[11] + numbers[12] * v, 0.0)
    rest = free * price_normal[lane] - leverage * own_normal[lane]
    growth = gain * apart - cumulant - 0.5 * (known + noise * mean)
    move[lane] += drift + growth + math.sqrt(known + noise * after) * rest
    variance[lane] = after


@compiled
def mix_normals(loads: Any, normals: Any, first: int, count: int, mixed: Any) -> None:
    """Add up `count` rows of `normals`, from row `first` on, weighted by `loads`."""
    for lane in range(len(mixed)):
        mixed[lane] = 0.0
    for b in range(count):
        load = loads[b]
        normal = normals[first + b]
        for lane in range(len(mixed)):
            mixed[lane] += load * normal[lane]


@compiled
def add_ends(weight: float, rest: float, variance: Any, total: Any) -> None:
    """Add what one end of a step has in its integrated variance, and half of what neither has."""
    for lane in range(len(total)):
        total[lane] += 0.5 * rest + weight * variance[lane]


@compiled
def begin_bar(bar: int, start: float, variance: Any, move: Any) -> None:
    """Begin with a log return of 0, and before bar 0 with the variance that was stated."""
    for lane in range(len(move)):
        move[lane] = 0.0
    if bar == 0:
        for lane in range(len(move)):
            variance[lane] = start

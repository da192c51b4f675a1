"""Extremes of Brownian bridges, against their laws and against bridges walked step by step."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.fakes.both_ways import both_ways

from fanfold.simulation.bridge import (
    DEPTH_MAX,
    bridge_extremes,
    chance_deeper,
    depth_below_ends,
    first_depth,
)

UNIFORMS = st.one_of(st.floats(0.0, 1.0 - 2.0**-53), st.sampled_from([0.0, 1.0 - 2.0**-53]))
CHANCES = st.floats(2.0**-54, 1.0 - 2.0**-53)
ENDS = st.floats(-30.0, 30.0)


def drawn(move: float, variance: float, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = bridge_extremes.machine
    uniforms = np.random.default_rng(seed).random((count, 2)).tolist()
    pairs = np.array([draw(move, variance, high, low) for high, low in uniforms])
    return pairs[:, 0], pairs[:, 1]


def chance_between(floor: float, ceiling: float, end: float) -> float:
    """That a bridge of variance 1 to `end` stays between −floor and ceiling: all images."""
    span, k = floor + ceiling, np.arange(-80, 81)
    inside = np.exp(-2.0 * k * span * (k * span + end))
    return float(np.sum(inside - np.exp(-2.0 * (ceiling + k * span) * (ceiling + k * span - end))))


def distances(end: float, uniform: float) -> tuple[float, float]:
    product = -0.5 * math.log(uniform)
    far = 0.5 * (abs(end) + math.sqrt(end * end + 4.0 * product))
    return far, product / far


@given(move=ENDS, variance=st.floats(1e-6, 1e3), high=UNIFORMS, low=UNIFORMS)
def test_plain_and_machine_draw_the_same_bits(
    move: float, variance: float, high: float, low: float
) -> None:
    both_ways(bridge_extremes, move, variance, high, low)


@given(
    move=st.floats(-1e300, 1e300),
    variance=st.floats(0.0, 1e300),
    high=UNIFORMS,
    low=UNIFORMS,
)
def test_extremes_enclose_both_ends_at_any_scale(
    move: float, variance: float, high: float, low: float
) -> None:
    top, bottom = bridge_extremes(move, variance, high, low)
    assert max(move, 0.0) <= top < math.inf
    assert min(move, 0.0) >= bottom > -math.inf


@pytest.mark.parametrize("move", [-0.2, 0.0, 0.3])
@pytest.mark.parametrize("variance", [0.0, -1.0, math.nan])
def test_without_variance_the_path_is_a_straight_line(move: float, variance: float) -> None:
    assert bridge_extremes(move, variance, 0.1, 0.9) == (max(move, 0.0), min(move, 0.0))


@given(move=st.floats(-5.0, 5.0), high=UNIFORMS, low=UNIFORMS)
def test_extremes_scale_with_the_deviation(move: float, high: float, low: float) -> None:
    one = bridge_extremes(move, 1.0, high, low)
    scaled = bridge_extremes(0.25 * move, 0.0625, high, low)
    assert scaled == tuple(0.25 * each for each in one)


@given(
    move=st.floats(-3.0, 3.0),
    high=st.floats(0.0, 1.0 - 1e-6),
    lows=st.tuples(st.floats(0.0, 0.999), st.floats(0.0, 0.999)),
)
def test_a_larger_uniform_draws_a_higher_minimum(
    move: float, high: float, lows: tuple[float, float]
) -> None:
    first, second = (bridge_extremes(move, 1.0, high, low)[1] for low in sorted(lows))
    # The search ends that near the answer. Beyond these uniforms the chance is so flat in the
    # depth, and its images cancel so far, that rounding may put two neighbours in either order.
    assert first <= second + 1e-7


@given(end=ENDS, uniform=st.floats(1e-12, 1.0 - 1e-6), chance=CHANCES)
def test_the_depth_found_has_the_chance_asked_for(
    end: float, uniform: float, chance: float
) -> None:
    far, near = distances(end, uniform)
    depth = depth_below_ends(far, near, chance)
    assert 0.0 <= depth <= DEPTH_MAX
    # Close to 1 the chance is flat, and rounding in its images, magnified by 1 / near, decides.
    assert chance_deeper(far, near, depth)[0] == pytest.approx(chance, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("end", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("uniform", [0.9, 0.99, 0.999])
@pytest.mark.parametrize("chance", [1.0 - 1e-10, 1.0 - 1e-13])
def test_a_low_maximum_leaves_room_for_the_range(end: float, uniform: float, chance: float) -> None:
    far, near = distances(end, uniform)
    depth = depth_below_ends(far, near, chance)
    # In a smaller span the images do not converge, and what they add up to means nothing.
    assert far + depth > 0.3
    assert chance_deeper(far, near, depth)[0] == pytest.approx(chance, abs=1e-10)


@given(end=st.floats(-4.0, 4.0), uniform=st.floats(1e-6, 0.99), depth=st.floats(0.05, 3.0))
def test_the_chance_is_a_ratio_of_slopes_of_the_joint_law(
    end: float, uniform: float, depth: float
) -> None:
    far, near = distances(end, uniform)
    if far + depth < 0.5:
        return  # there the images of the reference cancel
    ceiling, floor = max(end, 0.0) + near, depth - min(end, 0.0)
    step = 1e-5
    slopes = [
        (chance_between(f, ceiling + step, end) - chance_between(f, ceiling - step, end))
        for f in (floor, 60.0)
    ]
    # A difference of numbers near 1 over 1e-5 keeps ten digits of a slope that may be small.
    error = 1e-9 / (slopes[1] / (2.0 * step))
    assert 1.0 - chance_deeper(far, near, depth)[0] == pytest.approx(
        slopes[0] / slopes[1], rel=1e-5, abs=1e-7 + error
    )


@given(end=st.floats(-4.0, 4.0), uniform=st.floats(1e-6, 0.99), depth=st.floats(0.3, 3.0))
def test_the_slope_of_the_chance_is_its_derivative(
    end: float, uniform: float, depth: float
) -> None:
    far, near = distances(end, uniform)
    step = 1e-5
    below, above = (chance_deeper(far, near, depth + d)[0] for d in (-step, step))
    assert chance_deeper(far, near, depth)[1] == pytest.approx(
        (above - below) / (2.0 * step), rel=1e-5, abs=1e-6
    )


def test_a_steep_move_needs_no_search() -> None:
    # Against a slope of 40 the depth is exponential: P(deeper than d) = exp(−2 d (40 + d)).
    far, near = distances(40.0, 0.5)
    depth = depth_below_ends(far, near, 0.5)
    assert depth == pytest.approx(first_depth(far + near, math.log(0.5)), rel=1e-6)


@pytest.mark.parametrize("end", [-2.0, -0.4, 0.0, 0.7, 6.0])
def test_the_minimum_has_its_known_law(end: float) -> None:
    _, low = drawn(end, 1.0, 30_000, seed=1)
    # P(minimum < −a) = exp(−2 a (a + end)), so this is uniform.
    assert stats.kstest(np.exp(2.0 * low * (end - low)), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("end", [-0.4, 0.0, 1.5])
def test_maximum_and_minimum_have_their_joint_law(end: float) -> None:
    count = 40_000
    high, low = drawn(end, 1.0, count, seed=2)
    for share in (0.2, 0.5, 0.8):
        for other in (0.2, 0.5, 0.8):
            ceiling, floor = float(np.quantile(high, share)), -float(np.quantile(low, other))
            chance = chance_between(floor, ceiling, end)
            seen = np.mean((high < ceiling) & (low > -floor))
            # Four standard errors, widened by those of the quantiles.
            assert abs(seen - chance) < 4.0 * math.sqrt(0.25 / count)


def test_the_range_between_equal_ends_has_fellers_law() -> None:
    count = 50_000
    high, low = drawn(0.0, 1.0, count, seed=3)
    span = high - low
    deviation = math.sqrt(math.pi**2 / 6.0 - math.pi / 2.0)
    error = deviation / math.sqrt(count)
    assert np.mean(span) == pytest.approx(math.sqrt(math.pi / 2.0), abs=4.0 * error)
    assert np.std(span) == pytest.approx(deviation, rel=0.02)
    k = np.arange(1, 40)[:, np.newaxis]
    law = 1.0 - 2.0 * np.sum((4.0 * k**2 * span**2 - 1.0) * np.exp(-2.0 * k**2 * span**2), axis=0)
    assert stats.kstest(law, "uniform").pvalue > 1e-3
    # From the variances of the range and of one extreme, 1/2 − π/8.
    correlation = (math.pi / 8.0 + 0.5 - math.pi**2 / 12.0) / (0.5 - math.pi / 8.0)
    assert np.corrcoef(high, low)[0, 1] == pytest.approx(correlation, abs=0.02)


def test_extremes_agree_with_bridges_walked_step_by_step() -> None:
    count, steps, end = 4_000, 1_000, 0.7
    rng = np.random.default_rng(4)
    walk = np.cumsum(rng.standard_normal((count, steps)), axis=1) / math.sqrt(steps)
    bridge = walk + (end - walk[:, -1:]) * (np.arange(1, steps + 1) / steps)
    # A walk misses 0.5826 deviations of a step at each extreme (Broadie, Glasserman & Kou 1997).
    missed = 0.5826 / math.sqrt(steps)
    walked = np.maximum(bridge.max(axis=1), 0.0) + missed, np.minimum(bridge.min(axis=1), 0.0)
    walked = walked[0], walked[1] - missed
    high, low = drawn(end, 1.0, 40_000, seed=5)
    for ours, theirs in ((high, walked[0]), (low, walked[1]), (high * low, walked[0] * walked[1])):
        error = 4.0 * np.std(theirs) / math.sqrt(count)
        assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=error)
    assert np.corrcoef(high, low)[0, 1] == pytest.approx(np.corrcoef(*walked)[0, 1], abs=0.05)

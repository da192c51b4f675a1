"""What is followed along a path, against sums over the whole path."""

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.both_ways import few

from fanfold.simulation.elementary import LANES, WORK_ROWS, lane_masks
from fanfold.simulation.follow import (
    DEEPEST,
    EXPOSURE,
    GROWTH,
    HELD_ROWS,
    LEVEL,
    LONGEST,
    LOWEST,
    OUTCOMES,
    PEAK,
    UNDER,
    begin_following,
    follow,
    grow,
)
from fanfold.simulation.holding import Holding

NOTHING = np.empty((0, 1))


def followed(growth: np.ndarray) -> np.ndarray:
    """Log growth `[bar, lane]` followed in plain Python; outcomes `[outcome, lane]`."""
    outcome = np.full((OUTCOMES, growth.shape[1]), np.nan)
    begin_following(np.zeros(1), NOTHING, outcome)
    for bar in growth:
        follow(bar, outcome)
    return outcome


@given(st.lists(st.sampled_from([-0.5, -0.25, 0.0, 0.25, 0.5]), min_size=1, max_size=30))
def test_outcomes_are_those_of_the_whole_path(steps: list[float]) -> None:
    # Quarters add up exactly, so a path comes back to its peak and not just near it.
    path = np.concatenate([[0.0], np.cumsum(steps)])
    peaks = np.maximum.accumulate(path)
    at_peak = np.flatnonzero(path == peaks)
    ends = [*at_peak[1:], len(path) - 1 if path[-1] < peaks[-1] else at_peak[-1]]
    spans = [
        end - begin
        for begin, end in zip(at_peak, ends, strict=True)
        if (path[begin : end + 1] < peaks[begin]).any()
    ]
    outcome = followed(np.array(steps)[:, None])[:, 0]
    assert outcome[LEVEL] == path[-1]
    assert outcome[PEAK] == peaks[-1]
    assert outcome[LOWEST] == path.min()
    assert outcome[DEEPEST] == (peaks - path).max()
    assert outcome[UNDER] == (path < peaks).sum()
    assert outcome[LONGEST] == max(spans, default=0)


@given(seed=st.integers(0, 999), bars=st.integers(1, 12))
@few
def test_machine_code_follows_every_lane_alike(seed: int, bars: int) -> None:
    growth = np.round(np.random.default_rng(seed).normal(0.0, 2.0, (bars, 5))) / 4.0
    plain = followed(growth)
    machine = np.full((OUTCOMES, 5), np.nan)
    begin_following.machine(np.zeros(1), NOTHING, machine)
    for bar in growth:
        follow.machine(bar, machine)
    np.testing.assert_array_equal(machine, plain)


def grown(holding: Holding, moves: np.ndarray) -> list[Any]:
    """Log growth and the exposure after each bar of moves `[bar, asset, lane]`."""
    numbers = holding.packed()
    assert numbers is not None
    held, work = np.zeros((HELD_ROWS, LANES)), np.zeros((WORK_ROWS, LANES))
    begin_following.machine(numbers, held, np.zeros((OUTCOMES, LANES)))
    told = [(None, held[EXPOSURE].copy())]
    for bar in moves:
        grow.machine(bar, numbers, work, work.view(np.uint64), lane_masks(), held)
        told.append((held[GROWTH].copy(), held[EXPOSURE].copy()))
    return told


def test_growth_is_that_of_weights_restored_at_every_bar() -> None:
    moves = np.random.default_rng(1).normal(0.0, 0.05, (6, 2, LANES))
    for growth, exposure in grown(Holding(weights=[0.8, -0.5]), moves)[1:]:
        assert (exposure == 1.0).all()
        assert np.isfinite(growth).all()
    told = [growth for growth, _ in grown(Holding(weights=[0.8, -0.5]), moves)[1:]]
    simple = np.expm1(moves)
    np.testing.assert_allclose(told, np.log1p(0.8 * simple[:, 0] - 0.5 * simple[:, 1]), atol=1e-14)


def test_exposure_follows_the_volatility_that_was_shown() -> None:
    holding = Holding(weights=1.0, volatility_target=0.01, leverage_max=2.0, start_volatility=0.04)
    moves = np.random.default_rng(1).normal(0.0, 0.02, (5, 1, LANES))
    simple = np.expm1(moves[:, 0])
    told = grown(holding, moves)
    variance = np.full(LANES, 0.04**2)
    np.testing.assert_allclose(told[0][1], 0.25)
    for bar, (growth, exposure) in enumerate(told[1:]):
        before = np.minimum(0.01 / np.sqrt(variance), 2.0)
        np.testing.assert_allclose(growth, np.log1p(before * simple[bar]), atol=1e-13)
        variance = 0.94 * variance + 0.06 * simple[bar] ** 2
        np.testing.assert_allclose(exposure, np.minimum(0.01 / np.sqrt(variance), 2.0), rtol=1e-9)


def test_exposure_stops_at_its_cap_where_nothing_moves() -> None:
    holding = Holding(weights=1.0, volatility_target=0.01, leverage_max=2.0)
    told = grown(holding, np.zeros((60, 1, LANES)))
    np.testing.assert_allclose(told[0][1], 1.0)
    np.testing.assert_allclose(told[-1][1], 2.0)


def test_what_lost_everything_still_has_a_logarithm() -> None:
    moves = np.full((1, 1, LANES), math.log(0.5))
    ((_, _), (growth, _)) = grown(Holding(weights=3.0), moves)
    np.testing.assert_allclose(growth, math.log(1e-12))

"""Regime switching: the chain by hand, moments in closed form, and the odd corners."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.errors import ConfigError
from fanfold.simulation.gbm import GBM
from fanfold.simulation.paths import drawn_moves
from fanfold.simulation.regimes import RegimeSwitching

TWO = RegimeSwitching(
    mean_log_return=[0.001, -0.002],
    volatility=[0.01, 0.03],
    transitions=[[0.95, 0.05], [0.1, 0.9]],
)

THREE = RegimeSwitching(
    mean_log_return=[[0.001, 0.002], [0.0, 0.0], [-0.01, -0.02]],
    volatility=[[0.01, 0.02], [0.02, 0.03], [0.05, 0.04]],
    correlation=[[[1, 0.1], [0.1, 1]], [[1, 0.5], [0.5, 1]], [[1, -0.9], [-0.9, 1]]],
    transitions=[[0.8, 0.15, 0.05], [0.2, 0.7, 0.1], [0.0, 0.4, 0.6]],
    start=[0.2, 0.3, 0.5],
)

PARAMETERS: dict[str, Any] = {
    "mean_log_return": [0.001, -0.002],
    "volatility": [0.01, 0.03],
    "transitions": [[0.95, 0.05], [0.1, 0.9]],
}


def advanced(
    model: RegimeSwitching, normals: np.ndarray, uniforms: np.ndarray, *, plain: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Regimes `[bar, lane]` and all rows of moves `[bar, row, lane]`."""
    packed = model.packed()
    lanes = uniforms.shape[1]
    state = np.zeros((packed.state_count, lanes))
    moves = np.zeros((3 * model.asset_count, lanes))
    regimes, kept = [], []
    advance = RegimeSwitching.advance if plain else RegimeSwitching.advance.machine
    for bar in range(len(uniforms)):
        advance(
            bar, packed.numbers, packed.table, state, normals[bar], uniforms[bar : bar + 1], moves
        )
        regimes.append(state[0].copy())
        kept.append(moves.copy())
    return np.array(regimes), np.array(kept)


def test_a_uniform_picks_the_regime_by_the_probabilities_of_the_one_before() -> None:
    normals = np.zeros((3, 2, 4))
    uniforms = np.array([[0.0, 0.19, 0.2, 0.5], [0.8, 0.79, 0.95, 0.0], [0.0, 0.96, 0.39, 0.199]])
    regimes, _ = advanced(THREE, normals, uniforms)
    assert regimes.astype(int).tolist() == [[0, 0, 1, 2], [1, 0, 2, 1], [0, 2, 1, 0]]


def test_each_regime_has_its_own_mean_volatility_and_correlation() -> None:
    rng = np.random.default_rng(1)
    normals, uniforms = rng.standard_normal((5, 2, 60)), rng.random((5, 60))
    regimes, moves = advanced(THREE, normals, uniforms)
    assert set(regimes.ravel().astype(int)) == {0, 1, 2}
    for k in range(3):
        here = regimes == k
        first, second = normals[:, 0][here], normals[:, 1][here]
        rho = THREE.correlation[k][0][1]
        mean, deviation = THREE.mean_log_return[k], THREE.volatility[k]
        mixed = rho * first + math.sqrt(1 - rho * rho) * second
        np.testing.assert_allclose(moves[:, 0][here], mean[0] + deviation[0] * first, atol=1e-15)
        np.testing.assert_allclose(moves[:, 1][here], mean[1] + deviation[1] * mixed, atol=1e-15)
        assert (moves[:, 2:4].swapaxes(1, 2)[here] == 0.0).all()
        np.testing.assert_allclose(
            moves[:, 4:].swapaxes(1, 2)[here], np.tile(np.square(deviation), (here.sum(), 1))
        )


def test_moments_and_memory_are_those_of_the_closed_form() -> None:
    paths, bars = 8_000, 100
    logs = drawn_moves(TWO, bar_count=bars, path_count=paths, seed=7)[:, :, 0]
    shares = np.array([2 / 3, 1 / 3])
    assert TWO.stationary == pytest.approx(shares, abs=1e-14)
    means, squares = np.array([0.001, -0.002]), np.array([0.01, 0.03]) ** 2
    second = squares + means**2
    fourth = 3 * squares**2 + 6 * squares * means**2 + means**4

    def within(sample: np.ndarray, expected: float) -> bool:
        """Path averages are independent, bars are not."""
        average = np.mean(sample, axis=1)
        return abs(np.mean(average) - expected) < 4 * np.std(average) / math.sqrt(paths)

    assert within(logs, shares @ means)
    assert within(logs**2, shares @ second)
    assert within(logs**4, shares @ fourth)
    chain = np.array(TWO.transitions)
    for lag in (1, 5, 20):
        joint = shares * second @ np.linalg.matrix_power(chain, lag) @ second
        assert within(logs[:, lag:] ** 2 * logs[:, :-lag] ** 2, joint)
    # The chain forgets by 1 - 0.05 - 0.1 a bar, so it starts as it goes on.
    assert within(logs[:, :1] ** 2, shares @ second)


def test_one_regime_is_geometric_brownian_motion() -> None:
    one = RegimeSwitching(mean_log_return=[[0.001, 0.0]], volatility=0.02, transitions=[[1.0]])
    drift = np.array([0.001, 0.0]) + 0.02**2 / 2
    gbm = GBM(drift=drift, volatility=[0.02, 0.02])
    drawn = one.draw(bar_count=6, path_count=40_000, seed=1)
    expected = gbm.draw(bar_count=6, path_count=40_000, seed=1)
    assert np.mean(drawn) == pytest.approx(np.mean(expected), abs=4 * 0.02 / math.sqrt(240_000))
    assert np.std(drawn) == pytest.approx(np.std(expected), rel=0.01)


def test_identical_regimes_make_no_difference() -> None:
    same = RegimeSwitching(
        mean_log_return=0.001, volatility=0.02, transitions=[[0.5, 0.5], [0.3, 0.7]]
    )
    other = replace(same, start=1)
    left = same.draw(bar_count=5, path_count=30, seed=2)
    np.testing.assert_array_equal(left, other.draw(bar_count=5, path_count=30, seed=2))


def test_what_is_absorbed_stays() -> None:
    chain = [[0.9, 0.1], [0.0, 1.0]]
    model = RegimeSwitching(**{**PARAMETERS, "transitions": chain, "start": 0})
    assert model.stationary == (0.0, 1.0)
    regimes, _ = advanced(model, np.zeros((60, 1, 200)), np.random.default_rng(3).random((60, 200)))
    assert (np.diff(regimes, axis=0) >= 0).all()
    # 200 paths of which 0.9^60 are still free.
    assert np.mean(regimes[-1]) > 0.98
    assert replace(model, start=None).start == (0.0, 1.0)


def test_a_regime_without_a_chance_is_never_picked() -> None:
    row = np.array([0, 1, 6, 3, 3, 0]) / 13
    model = RegimeSwitching(mean_log_return=0.0, volatility=[1.0] * 6, transitions=[row] * 6)
    # Added up as floats, these stay below the largest uniform.
    assert np.cumsum(model.transitions[0])[-1] <= 1 - 2**-53
    edge = np.tile([0.0, 1 - 2**-53], (4, 1))
    regimes, _ = advanced(model, np.zeros((4, 1, 2)), edge)
    assert regimes.astype(int).tolist() == [[1, 4]] * 4


def test_a_chain_that_turns_in_a_circle_has_a_long_run_too() -> None:
    circle = RegimeSwitching(**{**PARAMETERS, "transitions": [[0, 1], [1, 0]]})
    assert circle.stationary == pytest.approx((0.5, 0.5))


def test_assets_of_a_singular_correlation_move_as_one() -> None:
    model = RegimeSwitching(
        mean_log_return=0.0, volatility=[[0.01] * 3, [0.02] * 3], correlation=1.0,
        transitions=[[0.5, 0.5], [0.5, 0.5]],
    )  # fmt: skip
    paths = model.draw(bar_count=10, path_count=10, seed=1)
    # A root of the matrix is only as good as the root of its rounding, 1e-8 of a deviation.
    np.testing.assert_allclose(paths[:, :, 0], paths[:, :, 2], rtol=0.0, atol=1e-9)


@settings(max_examples=15)
@given(
    regimes=st.integers(1, 8),
    assets=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_compiled_equals_plain(regimes: int, assets: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    chain = rng.random((regimes, regimes)) * (rng.random((regimes, regimes)) < 0.7)
    chain[:, 0] += 0.1
    model = RegimeSwitching(
        mean_log_return=rng.normal(0, 0.01, (regimes, assets)),
        volatility=rng.random((regimes, assets)),
        transitions=chain / chain.sum(axis=1, keepdims=True),
        correlation=0.4,
    )
    assert np.array(model.stationary) @ np.array(model.transitions) == pytest.approx(
        model.stationary, abs=1e-12
    )
    normals, uniforms = rng.standard_normal((3, assets, 5)), rng.random((3, 5))
    compiled = advanced(model, normals, uniforms)
    plain = advanced(model, normals, uniforms, plain=True)
    np.testing.assert_array_equal(compiled[0], plain[0])
    np.testing.assert_array_equal(compiled[1], plain[1])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"transitions": [[0.9, 0.2], [0.1, 0.9]]}, "from regime 0 must add up to 1, added up to"),
        ({"transitions": [[1.1, -0.1], [0.1, 0.9]]}, "from regime 0 must hold numbers >= 0"),
        ({"transitions": [[math.nan, 0.5], [0.1, 0.9]]}, "must hold numbers >= 0"),
        ({"transitions": [[0.9, 0.1]]}, "must be .regime, next regime., had the shape .1, 2."),
        ({"transitions": 1.0}, "must be .regime, next regime."),
        ({"transitions": []}, "must be .regime, next regime."),
        ({"transitions": [["often", "never"]] * 2}, "must be a matrix of probabilities"),
        ({"transitions": np.full((9, 9), 1 / 9)}, "at most 8 regimes, was to 9"),
        ({"transitions": np.eye(2)}, "start must be stated"),
        ({"volatility": [0.01, -0.03]}, "volatility must be finite >= 0"),
        ({"volatility": [0.01, 0.02, 0.03]}, "volatility must be .regime, asset. with 2 regimes"),
        ({"mean_log_return": [0.0, math.inf]}, "mean_log_return must be finite"),
        ({"mean_log_return": "up"}, "mean_log_return must be numbers"),
        ({"mean_log_return": [[0.0] * 2] * 2, "volatility": [[1.0] * 3] * 2}, "must hold 3"),
        ({"correlation": [[1, 0.5], [0.5, 1]]}, "correlation must be 1 by 1"),
        ({"volatility": [[1, 1]] * 2, "correlation": 1.2}, "correlation must hold numbers"),
        ({"correlation": "none"}, "correlation must be a matrix"),
        ({"start": 2}, "start must be a regime from 0 to 1, was 2"),
        ({"start": [0.5, 0.6]}, "start must add up to 1"),
        ({"start": [1.0]}, "start must hold 2 numbers"),
        ({"start": "calm"}, "start must be probabilities"),
    ],
)
def test_what_no_model_can_have_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RegimeSwitching(**{**PARAMETERS, **changed})


def test_a_chain_in_parts_is_allowed_where_the_start_is_stated() -> None:
    model = RegimeSwitching(**{**PARAMETERS, "transitions": np.eye(2), "start": 1})
    assert model.start == (0.0, 1.0)
    with pytest.raises(ConfigError, match="single stationary"):
        _ = model.stationary

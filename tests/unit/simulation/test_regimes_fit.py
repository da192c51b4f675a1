"""Fits of regimes: what comes back of simulated histories, beside statsmodels, and of odd ones."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from fanfold.errors import ConfigError, DataError
from fanfold.simulation.regimes import FIT_REGIME_BARS_MIN, RegimeSwitching
from fanfold.simulation.regimes_fit import fitted_regimes

TWO = RegimeSwitching(
    mean_log_return=[0.0008, -0.001],
    volatility=[0.007, 0.02],
    transitions=[[0.98, 0.02], [0.05, 0.95]],
)

THREE = RegimeSwitching(
    mean_log_return=[[1e-3, 5e-4], [0, 0], [-2e-3, -1e-3]],
    volatility=[[0.005, 0.007], [0.012, 0.012], [0.03, 0.025]],
    correlation=[[[1, 0.2], [0.2, 1]], [[1, 0.5], [0.5, 1]], [[1, 0.9], [0.9, 1]]],
    transitions=[[0.97, 0.03, 0.0], [0.02, 0.96, 0.02], [0.0, 0.06, 0.94]],
)


def history(model: RegimeSwitching, bars: int, seed: int) -> np.ndarray:
    return model.draw(bar_count=bars, path_count=1, seed=seed)[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fit_finds_its_own_parameters_calm_first(seed: int) -> None:
    model = RegimeSwitching.fit(history(TWO, 6_000, seed))
    assert np.ravel(model.volatility) == pytest.approx([0.007, 0.02], rel=0.05)
    assert model.transitions[0][1] == pytest.approx(0.02, rel=0.35)
    assert model.transitions[1][0] == pytest.approx(0.05, rel=0.35)
    for k, share in enumerate(TWO.stationary):
        error = TWO.volatility[k][0] / math.sqrt(6_000 * share)
        assert model.mean_log_return[k][0] == pytest.approx(
            TWO.mean_log_return[k][0], abs=4 * error
        )


def test_fit_of_several_assets_and_regimes_finds_their_correlations() -> None:
    model = RegimeSwitching.fit(history(THREE, 6_000, 4), regime_count=3)
    assert np.array(model.volatility) == pytest.approx(np.array(THREE.volatility), rel=0.08)
    assert [matrix[0][1] for matrix in model.correlation] == pytest.approx(
        [0.2, 0.5, 0.9], abs=0.06
    )
    assert np.array(model.transitions) == pytest.approx(np.array(THREE.transitions), abs=0.02)


def test_fit_reaches_the_maximum_of_statsmodels() -> None:
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    returns = history(TWO, 2_000, 5)
    logs = np.log1p(returns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # In percent, as its optimiser wants numbers near 1.
        peer = MarkovRegression(100 * logs[:, 0], 2, switching_variance=True).fit(disp=False)
    own = fitted_regimes(logs, 2)
    # Transitions are described without the first bar's stationary share: some thousandths.
    assert own.log_likelihood == pytest.approx(peer.llf + 2_000 * math.log(100), abs=0.03)
    names = dict(zip(peer.model.param_names, peer.params, strict=True))
    assert own.transitions[0, 0] == pytest.approx(names["p[0->0]"], abs=0.001)
    assert own.transitions[1, 0] == pytest.approx(names["p[1->0]"], abs=0.001)
    assert own.means[:, 0] * 100 == pytest.approx([names["const[0]"], names["const[1]"]], abs=0.001)
    assert (own.deviations[:, 0] * 100) ** 2 == pytest.approx(
        [names["sigma2[0]"], names["sigma2[1]"]], rel=0.002
    )
    np.testing.assert_allclose(own.smoothed, peer.smoothed_marginal_probabilities, atol=0.005)


def test_one_regime_is_the_sample_itself() -> None:
    returns = history(THREE, 500, 6)
    logs = np.log1p(returns)
    model = RegimeSwitching.fit(returns, regime_count=1)
    assert model.transitions == ((1.0,),)
    assert model.mean_log_return[0] == pytest.approx(logs.mean(axis=0))
    assert model.volatility[0] == pytest.approx(logs.std(axis=0))
    assert model.correlation[0][0][1] == pytest.approx(np.corrcoef(logs, rowvar=False)[0, 1])


def test_paths_begin_where_the_history_ended() -> None:
    rng = np.random.default_rng(3)
    calm, wild = 0.005 * rng.standard_normal(300), 0.03 * rng.standard_normal(300)
    model = RegimeSwitching.fit(np.concatenate([wild, calm]))
    assert model.start[0] > 0.95
    again = RegimeSwitching.fit(np.concatenate([calm, wild, calm, wild]))
    assert again.start[1] > 0.95
    assert replace(again, start=None).start == pytest.approx(again.stationary)


def odd_histories() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    crash = 0.01 * rng.standard_normal(600)
    crash[100] = -0.9
    once = np.zeros(400)
    once[10] = 0.1
    idle = np.where(rng.random(500) < 0.9, 0.0, 0.01 * rng.standard_normal(500))
    return {
        "shortest": 0.01 * rng.standard_normal(2 * FIT_REGIME_BARS_MIN),
        "without regimes": 0.01 * rng.standard_normal(1_500),
        "one crash": crash,
        "one move": once,
        "mostly idle": idle,
        "two values": np.tile([0.01, -0.01], 100),
        "tiny": 1e-9 * rng.standard_normal(300),
        "huge": np.expm1(4.0 * rng.standard_normal(300)),
        "twins": np.repeat(0.01 * rng.standard_t(3, (400, 1)), 2, axis=1),
        "more assets than bars of a regime": 0.01 * rng.standard_normal((100, 60)),
    }


@pytest.mark.parametrize("name", odd_histories())
def test_every_history_gives_a_model_that_can_be_drawn(name: str) -> None:
    returns = odd_histories()[name]
    model = RegimeSwitching.fit(returns)
    paths = model.draw(bar_count=10, path_count=10, seed=1)
    assert np.isfinite(paths).all()
    assert np.sum(model.start) == pytest.approx(1.0)
    if name == "twins":
        np.testing.assert_allclose(paths[:, :, 0], paths[:, :, 1], atol=1e-9)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.linspace(-0.01, 0.01, 30), "at least 100 bars, had 30"),
        (np.zeros(300), "must vary"),
        (np.full(300, np.nan), "finite"),
        (np.where(np.arange(300) == 7, -1.0, 0.01), "above -1"),
    ],
)
def test_a_history_that_tells_nothing_is_refused(returns: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        RegimeSwitching.fit(returns)


@pytest.mark.parametrize("count", [0, 9, 2.0, True])
def test_a_count_of_regimes_that_cannot_be_is_refused(count: int) -> None:
    with pytest.raises(ConfigError, match="regime_count must be a whole number from 1 to 8"):
        RegimeSwitching.fit(history(TWO, 500, 1), regime_count=count)

"""Geometric Brownian motion against its closed forms and published option prices."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fanfold.errors import ConfigError, DataError
from fanfold.simulation.gbm import GBM, advance_gbm
from fanfold.simulation.path_risk import path_risk

PATHS = 200_000


def test_moments_are_those_of_the_normal_distribution() -> None:
    model = GBM(drift=0.01, volatility=0.2)
    logs = np.log1p(model.draw(bar_count=4, path_count=50_000, seed=1)[:, :, 0])
    assert stats.kstest((logs.ravel() - (0.01 - 0.02)) / 0.2, "norm").pvalue > 0.001
    value = np.exp(logs.sum(axis=1))
    assert abs(value.mean() - math.exp(0.04)) < 4 * value.std() / math.sqrt(len(value))


def test_assets_move_together_as_stated() -> None:
    matrix = [[1.0, 0.6, -0.2], [0.6, 1.0, 0.1], [-0.2, 0.1, 1.0]]
    model = GBM(drift=0.0, volatility=[0.01, 0.02, 0.03], correlation=matrix)
    logs = np.log1p(model.draw(bar_count=10, path_count=10_000, seed=2)).reshape(-1, 3)
    assert np.abs(np.corrcoef(logs.T) - matrix).max() < 4 / math.sqrt(len(logs))
    assert np.allclose(logs.std(axis=0), [0.01, 0.02, 0.03], rtol=0.01)


def test_a_fit_finds_the_parameters_of_its_own_paths() -> None:
    model = GBM(drift=[0.002, -0.001], volatility=[0.01, 0.03], correlation=-0.5)
    (history,) = model.draw(bar_count=40_000, path_count=1, seed=3)
    found = GBM.fit(history)
    error = np.asarray(model.volatility) / math.sqrt(len(history))
    assert np.all(np.abs(np.asarray(found.drift) - model.drift) < 4 * error)
    assert np.allclose(found.volatility, model.volatility, rtol=4 / math.sqrt(2 * len(history)))
    assert found.correlation[0][1] == pytest.approx(-0.5, abs=0.02)


def test_what_is_certain_needs_no_chance() -> None:
    paths = GBM(drift=0.01, volatility=0.0).draw(bar_count=3, path_count=4, seed=0)
    assert np.allclose(paths, math.expm1(0.01), rtol=1e-14)


def test_assets_of_one_kind_move_as_one() -> None:
    paths = GBM(drift=0.0, volatility=[0.01, 0.02], correlation=1.0).draw(
        bar_count=5, path_count=6, seed=0
    )
    # The drifts of logarithms differ by half the variances.
    logs = np.log1p(paths) + 0.5 * np.array([0.01, 0.02]) ** 2
    assert np.allclose(logs[:, :, 1], 2.0 * logs[:, :, 0], atol=1e-14)


def test_option_prices_are_those_of_quantlib(oracle: Callable[[str], Any]) -> None:
    expected = oracle("gbm_prices_1")
    spot, strike, rate, carry, days = 100.0, 105.0, 0.03, 0.02, 365
    model = GBM(drift=carry / days, volatility=0.2 / math.sqrt(days))
    returns = model.draw(bar_count=days, path_count=20_000, seed=5)[:, :, 0]
    prices = spot * np.cumprod(1.0 + returns, axis=1)
    # What is known between the days: the chance that the bridge from one to the next stayed above.
    above = np.log(np.hstack([np.full((len(prices), 1), spot), prices]) / 90.0)
    crosses = np.exp(-2.0 * above[:, :-1] * above[:, 1:] / (0.2**2 / days))
    stays = np.where(
        (above <= 0.0).any(axis=1), 0.0, np.prod(1.0 - np.minimum(crosses, 1.0), axis=1)
    )
    averaged = np.exp(np.log(prices[:, 29::30]).mean(axis=1))
    for name, settled, alive in (
        ("european", prices[:, -1], 1.0),
        ("down_out", prices[:, -1], stays),
        ("geo_asian", averaged, 1.0),
    ):
        call = math.exp(-rate) * np.maximum(settled - strike, 0.0) * alive
        assert abs(call.mean() - expected[name]) < 4 * call.std() / math.sqrt(len(call)), name


def test_value_at_risk_and_shortfall_are_those_of_the_lognormal() -> None:
    bars, drift, volatility = 60, 0.001, 0.02
    risk = path_risk(
        GBM(drift=drift, volatility=volatility), bar_count=bars, path_count=PATHS, seed=7
    )
    mean, deviation = bars * (drift - volatility**2 / 2), volatility * math.sqrt(bars)
    for level in risk.levels:
        score = stats.norm.ppf(1 - level)
        loss = 1 - math.exp(mean + deviation * score)
        beyond = stats.norm.cdf(score - deviation) / (1 - level)
        shortfall = 1 - math.exp(mean + deviation**2 / 2) * beyond
        for found, expected in (
            (risk.value_at_risk[level], loss),
            (risk.expected_shortfall[level], shortfall),
        ):
            assert abs(found.value - expected) < 4 * found.standard_error
            low, high = found.intervals[0.99]
            assert low < found.value < high


def test_plain_python_moves_the_same() -> None:
    model = GBM(drift=[0.01, 0.0], volatility=[0.1, 0.3], correlation=0.3)
    packed = model.packed()
    normals = np.random.default_rng(0).normal(size=(2, 5))
    found = []
    for function in (advance_gbm, advance_gbm.machine):
        moves = np.zeros((6, 5))
        function(
            0, packed.numbers, packed.table, np.zeros((1, 5)), normals, np.zeros((0, 5)), moves
        )
        found.append(moves)
    assert (found[0] == found[1]).all()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"volatility": -0.1}, "volatility must be finite >= 0, was -0.1 for asset 0"),
        ({"drift": math.nan}, "drift must be finite, was nan"),
        ({"drift": [1.0, 2.0, 3.0], "volatility": [0.1, 0.2]}, "drift must hold 2 numbers"),
        ({"volatility": [0.1] * 2, "correlation": 1.5}, "correlation must hold numbers from -1"),
        ({"volatility": [0.1] * 3, "correlation": -0.9}, "positive semi-definite"),
        ({"volatility": [0.1] * 2, "correlation": np.eye(3)}, "correlation must be 2 by 2"),
        ({"volatility": [0.1] * 2, "correlation": [[1, 0.1], [0.2, 1]]}, "must be symmetric"),
        ({"volatility": [0.1] * 2, "correlation": [[1, 0], [0, 0.5]]}, "must be 1 on the diagonal"),
        ({"volatility": "much"}, "volatility must be a number for each asset"),
        ({"volatility": []}, "volatility must hold 1 to 500 numbers"),
        ({"volatility": 10**400}, "volatility must be a number for each asset"),
    ],
)
def test_parameters_that_cannot_be_are_refused(asked: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GBM(**{"drift": 0.0, "volatility": 0.1, **asked})


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        ([0.01, math.nan, 0.02], "must be finite numbers, was nan at bar 1 of asset 0"),
        ([0.01], "must have at least 2 bars, had 1"),
        ([], "must have at least 2 bars, had 0"),
        ([0.01, 0.01, 0.01], "must vary, those of asset 0 were all 0.01"),
        ([0.01, -1.0, 0.02], "must be above -1, or prices are not above 0, was -1.0 at bar 1"),
        ([[[0.1]]], r"must be \[bar\] or \[bar, asset\]"),
        (["a", "b"], "must be an array of numbers"),
        (["0.01", "0.02", "0.01"], "must be an array of numbers"),
        ([True, False, True], "must be an array of numbers"),
        ([0.01 + 1j, 0.02, 0.01], "must be an array of numbers"),
        ([0.01, 10**400], "must be an array of numbers"),
        (np.ma.masked_array([0.01, 0.02, 0.03], [0, 1, 0]), "was nan at bar 1 of asset 0"),
    ],
)
def test_histories_that_cannot_be_fitted_are_refused(returns: list, message: str) -> None:
    with pytest.raises(DataError, match=message):
        GBM.fit(returns)

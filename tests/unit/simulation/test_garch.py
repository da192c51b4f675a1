"""GARCH against plain recursions, closed forms and arch."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from arch.univariate import arch_model
from arch.univariate.base import ARCHModel
from numpy.typing import NDArray
from scipy import stats

from fanfold.errors import ConfigError, DataError
from fanfold.simulation.assets import loadings
from fanfold.simulation.garch import GARCH, advance_garch
from fanfold.simulation.garch_fit import PERSISTENCE_MAX, fit_asset
from fanfold.simulation.mixing import mix, mixing_table, unit_scale

PAIR: dict[str, Any] = {
    "mean": [0.001, -0.002],
    "omega": [2e-6, 1e-5],
    "alpha": [0.05, 0.1],
    "gamma": [0.08, -0.05],
    "beta": [0.85, 0.8],
    "correlation": 0.6,
}
DEGREES = [4.0, 9.0]


def plainly(
    model: GARCH, normals: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log returns and conditional variances, `[bar, asset, lane]`, in whole arrays."""
    assets = model.asset_count
    column = {
        name: np.array(getattr(model, name))[:, None] for name in PAIR if name != "correlation"
    }
    variance = np.repeat(np.array(model.start_variance)[:, None], normals.shape[2], axis=1)
    logs, inside = [], []
    for drawn in normals:
        z = loadings(model.correlation) @ drawn[:assets]
        factor = np.ones_like(z)
        for a, degrees in enumerate(model.degrees or ()):
            mix.machine(mixing_table(degrees), drawn[assets].copy(), factor[a])
            factor[a] *= unit_scale(degrees)
        shock = np.sqrt(variance) * factor * z
        logs.append(column["mean"] + shock)
        inside.append(variance * factor**2)
        weight = column["alpha"] + column["gamma"] * (shock < 0.0)
        variance = column["omega"] + weight * shock**2 + column["beta"] * variance
    return np.array(logs), np.array(inside)


@pytest.mark.parametrize("degrees", [None, DEGREES])
def test_a_path_is_what_the_plain_recursion_says(degrees: list[float] | None) -> None:
    model = GARCH(**PAIR, degrees=degrees, start_variance=[1e-4, 0.0])
    packed, lanes, bars = model.packed(), 16, 30
    normals = np.random.default_rng(1).normal(size=(bars, packed.normal_count, lanes))
    logs, inside = plainly(model, normals)
    for rows in (2, 6):
        state = np.zeros((packed.state_count, lanes))
        for bar in range(bars):
            moves = np.empty((rows, lanes))
            none = np.empty((0, lanes))
            given = (bar, packed.numbers, packed.table)
            plain_state, plain_moves = state.copy(), moves.copy()
            advance_garch.machine(*given, state, normals[bar], none, moves)
            if bar < 3:
                advance_garch(*given, plain_state, normals[bar], none, plain_moves)
                assert np.array_equal(plain_moves, moves)
                assert np.array_equal(plain_state, state)
            assert np.allclose(moves[:2], logs[bar], rtol=1e-12, atol=1e-16)
            if rows == 6:
                assert not moves[2:4].any()
                assert np.allclose(moves[4:], inside[bar], rtol=1e-12, atol=0)


def test_variance_kurtosis_and_memory_of_squares_are_the_closed_forms() -> None:
    alpha, beta, omega = 0.1, 0.8, 1e-5
    model = GARCH(omega=omega, alpha=alpha, beta=beta)
    shocks = np.log1p(model.draw(bar_count=160, path_count=20_000, seed=2)[:, 100:, 0])
    squares = shocks**2  # 100 bars on, 0.9^100 is left of what they began with
    variance = omega / (1.0 - alpha - beta)
    assert model.long_run_variance == (pytest.approx(variance),)
    kurtosis = 3.0 * (1.0 - 0.9**2) / (1.0 - 0.9**2 - 2.0 * alpha**2)
    first = alpha * (1.0 - alpha * beta - beta**2) / (1.0 - 2.0 * alpha * beta - beta**2)

    def means(values: NDArray[np.float64], expected: float) -> None:
        paths = values.mean(axis=1)
        assert abs(paths.mean() - expected) < 4 * paths.std() / math.sqrt(len(paths))

    means(squares, variance)
    means(squares**2, kurtosis * variance**2)
    for lag in (1, 2, 10):
        memory = first * 0.9 ** (lag - 1)
        expected = variance**2 * (1.0 + (kurtosis - 1.0) * memory)
        means(squares[:, lag:] * squares[:, :-lag], expected)


@pytest.mark.parametrize("degrees", [None, 8.0])
def test_variances_go_from_their_start_to_the_long_run_as_forecast(degrees: float | None) -> None:
    model = GARCH(omega=1e-5, alpha=0.04, gamma=0.1, beta=0.8, start_variance=9e-4, degrees=degrees)
    forecast = model.variance_forecast(40)[:, 0]
    assert forecast[0] == 9e-4
    assert model.variance_forecast(1_000)[-1, 0] == pytest.approx(1e-5 / 0.11)
    squares = np.log1p(model.draw(bar_count=40, path_count=40_000, seed=3)[:, :, 0]) ** 2
    error = squares.std(axis=0) / math.sqrt(len(squares))
    assert np.all(np.abs(squares.mean(axis=0) - forecast) < 4 * error)


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("innovations", ["normal", "student"])
def test_a_fit_and_its_forecast_are_those_of_arch(
    asymmetric: bool,  # noqa: FBT001
    innovations: Any,
    reference_data: Path,
) -> None:
    file = reference_data / "oracles_data" / "returns_SPY.parquet"
    returns = pd.read_parquet(file)["ret"].to_numpy()
    found = arch_model(
        100.0 * np.log1p(returns),
        o=int(asymmetric),
        dist="t" if innovations == "student" else "normal",
    ).fit(disp="off")
    model = GARCH.fit(returns, asymmetric=asymmetric, innovations=innovations)
    stated = found.params
    assert model.mean[0] == pytest.approx(stated["mu"] / 100.0, rel=1e-12)
    assert model.omega[0] == pytest.approx(stated["omega"] / 1e4, rel=1e-12)
    assert model.alpha[0] == pytest.approx(stated["alpha[1]"], rel=1e-12)
    assert model.gamma[0] == pytest.approx(stated.get("gamma[1]", 0.0), rel=1e-12)
    assert model.beta[0] == pytest.approx(stated["beta[1]"], rel=1e-12)
    assert model.degrees == ((stated["nu"],) if innovations == "student" else None)
    expected = found.forecast(horizon=60, reindex=False).variance.to_numpy()[0] / 1e4
    assert np.allclose(model.variance_forecast(60)[:, 0], expected, rtol=1e-9)


def test_fits_find_the_parameters_of_their_own_paths() -> None:
    pair = {**PAIR, "mean": [0.0005, -0.0005], "gamma": [0.08, 0.05], "beta": [0.85, 0.8]}
    model = GARCH(**pair, degrees=[6.0, 9.0])
    (history,) = model.draw(bar_count=20_000, path_count=1, seed=5)
    found = GARCH.fit(history, asymmetric=True, innovations="student")
    # Bands are about four standard errors of 20,000 bars.
    assert np.allclose(found.mean, model.mean, atol=3e-4)
    assert np.allclose(found.omega, model.omega, rtol=0.4)
    assert np.allclose(found.alpha, model.alpha, atol=0.03)
    assert np.allclose(found.gamma, model.gamma, atol=0.05)
    assert np.allclose(found.beta, model.beta, atol=0.04)
    assert found.degrees is not None
    assert np.allclose(found.degrees, [6.0, 9.0], rtol=0.25)
    assert found.correlation[0][1] == pytest.approx(0.6, abs=0.03)


def test_a_fit_to_normal_shocks_finds_their_correlation() -> None:
    model = GARCH(omega=[1e-5, 2e-5], alpha=0.08, beta=0.88, correlation=-0.5)
    (history,) = model.draw(bar_count=20_000, path_count=1, seed=6)
    found = GARCH.fit(history)
    assert found.gamma == (0.0, 0.0)
    assert found.degrees is None
    assert np.allclose(found.alpha, 0.08, atol=0.02)
    assert np.allclose(found.beta, 0.88, atol=0.03)
    assert found.correlation[0][1] == pytest.approx(-0.5, abs=4 * 0.75 / math.sqrt(20_000))


def test_every_asset_has_the_tail_it_was_given() -> None:
    model = GARCH(**PAIR, degrees=DEGREES)
    logs = np.log1p(model.draw(bar_count=1, path_count=50_000, seed=7)[:, 0])
    shocks = (logs - model.mean) / np.sqrt(model.start_variance)
    for a, degrees in enumerate(DEGREES):
        t = stats.t(degrees, scale=unit_scale(degrees))
        assert stats.kstest(shocks[:, a], t.cdf).pvalue > 1e-3
    same_sign = (shocks[:, 0] * shocks[:, 1] > 0).mean()  # factors leave signs alone
    assert same_sign == pytest.approx(0.5 + math.asin(0.6) / math.pi, abs=4 * 0.5 / 50_000**0.5)
    both = (np.abs(shocks) > 3.0).all(axis=1).mean()
    alone = np.prod((np.abs(shocks) > 3.0).mean(axis=0))
    assert both > 10.0 * alone  # storms are shared


def test_without_memory_all_bars_have_one_variance() -> None:
    model = GARCH(omega=1e-4, alpha=0.0, beta=0.0)
    logs = np.log1p(model.draw(bar_count=5, path_count=5_000, seed=8))
    assert stats.kstest(logs.ravel() / 0.01, "norm").pvalue > 1e-3
    assert model.persistence == (0.0,)


def test_a_start_can_be_taken_back_to_the_long_run() -> None:
    model = GARCH(omega=1e-5, alpha=0.05, beta=0.9, start_variance=1e-3)
    assert replace(model, start_variance=None).start_variance == model.long_run_variance
    assert hash(replace(model)) == hash(model)
    assert replace(model) == model


def test_nearly_integrated_variances_stay_numbers() -> None:
    beta = PERSISTENCE_MAX - 0.1
    model = GARCH(omega=1e-8, alpha=0.1, beta=beta, start_variance=1e-4, degrees=3)
    assert np.isfinite(model.draw(bar_count=2_000, path_count=50, seed=9)).all()


def test_a_fit_on_the_edge_is_taken_back() -> None:
    rng = np.random.default_rng(10)
    returns = rng.normal(size=600) * np.linspace(0.001, 0.05, 600)  # a storm that never ends
    model = GARCH.fit(returns)
    assert 0.99 < model.persistence[0] <= PERSISTENCE_MAX
    assert model.start_variance[0] == pytest.approx(0.05**2, rel=0.5)


def test_small_returns_are_fitted_like_large_ones() -> None:
    (large,) = GARCH(omega=1e-5, alpha=0.1, beta=0.8).draw(bar_count=3_000, path_count=1, seed=1)
    small = np.expm1(np.log1p(large) / 1_024.0)
    found, expected = GARCH.fit(small), GARCH.fit(large)
    assert found.alpha[0] == pytest.approx(expected.alpha[0], abs=1e-3)
    assert found.beta[0] == pytest.approx(expected.beta[0], abs=3e-3)
    assert found.omega[0] * 1_024.0**2 == pytest.approx(expected.omega[0], rel=0.03)


@pytest.mark.parametrize("innovations", ["normal", "student"])
def test_one_giant_return_leaves_a_model_that_draws(innovations: Any) -> None:
    returns = np.random.default_rng(11).normal(size=1_000) * 0.01
    returns[500] = 5.0
    for asymmetric in (False, True):
        model = GARCH.fit(returns, asymmetric=asymmetric, innovations=innovations)
        assert np.isfinite(model.draw(bar_count=20, path_count=50)).all()


def test_a_search_without_an_end_names_the_asset(monkeypatch: pytest.MonkeyPatch) -> None:
    search = ARCHModel.fit

    def stopped(model: ARCHModel, **settings: Any) -> Any:
        return search(model, options={"maxiter": 1}, **settings)

    logs = np.random.default_rng(12).normal(size=200) * 0.01
    monkeypatch.setattr(ARCHModel, "fit", stopped)
    with pytest.raises(DataError, match=r"returns of asset 3 must be ones .*: Iteration limit"):
        fit_asset(logs, 3, asymmetric=True, innovations="normal")


def test_a_search_that_ends_far_from_all_returns_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    search = ARCHModel.fit

    def lost(model: ARCHModel, **settings: Any) -> Any:
        found = search(model, **settings)
        found._params[0] = 50_000.0  # percent
        return found

    logs = np.random.default_rng(12).normal(size=200) * 0.01
    monkeypatch.setattr(ARCHModel, "fit", lost)
    with pytest.raises(DataError, match="the search ended at a mean of 500 with"):
        fit_asset(logs, 0, asymmetric=False, innovations="normal")


def test_five_hundred_assets_fit_one_model() -> None:
    degrees = np.tile([3.0, 5.0], 250)
    model = GARCH(omega=[1e-6] * 500, alpha=0.05, beta=0.9, degrees=degrees, correlation=0.3)
    assert model.draw(bar_count=2, path_count=3).shape == (3, 2, 500)
    assert model.packed().table.nbytes < 1_000_000  # equal degrees share one table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"omega": 0.0}, "omega must be above 0, was 0"),
        ({"omega": math.nan}, "omega must be finite >= 0, was nan"),
        ({"omega": 1e5}, "omega must be at most 10000, was 100000"),
        ({"mean": -101.0}, "mean must be finite >= -100"),
        ({"mean": 101.0}, "mean must be at most 100, was 101"),
        ({"alpha": -0.1}, "alpha must be finite >= 0"),
        ({"beta": 0.95}, r"alpha \+ gamma / 2 \+ beta must be at most 0\.999999"),
        ({"gamma": 0.1}, r"alpha \+ gamma / 2 \+ beta must be at most 0\.999999"),
        ({"gamma": -0.06}, r"alpha \+ gamma must be at least 0, was -0\.01 for asset 0"),
        ({"alpha": 1e308, "beta": 1e308}, r"beta must be at most 0\.999999"),
        ({"start_variance": -1.0}, "start_variance must be finite >= 0"),
        ({"start_variance": 1e300}, "start_variance must be at most 10000"),
        ({"degrees": 2.0}, "degrees must be 2.05 to 10000, was 2"),
        ({"degrees": [5.0, 6.0]}, "degrees must hold 1 numbers"),
        ({"correlation": [[1.0, 0.0], [0.0, 1.0]]}, "correlation must be 1 by 1"),
    ],
)
def test_bad_parameters_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GARCH(**{"omega": 1e-6, "alpha": 0.05, "beta": 0.9, **change})


def test_bad_histories_and_settings_are_named() -> None:
    usual = np.random.default_rng(13).normal(size=200) * 0.01
    innovations: Any = "t"
    with pytest.raises(ConfigError, match="innovations must be normal or student, was 't'"):
        GARCH.fit(usual, innovations=innovations)
    with pytest.raises(DataError, match="at least 100 bars, had 99"):
        GARCH.fit(usual[:99])
    with pytest.raises(DataError, match="returns must vary"):
        GARCH.fit(np.full(200, 0.01))
    with pytest.raises(DataError, match="returns must be of at most 500 assets, had 501"):
        GARCH.fit(usual[:, np.newaxis].repeat(501, axis=1))
    model = GARCH(omega=1e-6, alpha=0.05, beta=0.9)
    for count in (0, -1, 1.5, math.nan, 10**9):
        with pytest.raises(ConfigError, match="bar_count must be a whole number from 1 to"):
            model.variance_forecast(count)  # pyright: ignore[reportArgumentType]

"""Returns with fat tails, against scipy's t."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from fanfold.errors import ConfigError, DataError
from fanfold.simulation.mixing import DEGREES_MAX, DEGREES_MIN, mix, mixing_table, unit_scale
from fanfold.simulation.paths import drawn_moves
from fanfold.simulation.student import StudentT

LANES = 64

PAIR = StudentT(
    location=(0.001, -0.002), volatility=(0.01, 0.03), degrees=5.0, correlation=[[1, 0.6], [0.6, 1]]
)


def history_of(
    degrees: float, bars: int, seed: int, scale: float = 0.01, location: float = 0.0005
) -> NDArray[np.float64]:
    """Log returns drawn by scipy."""
    drawn = stats.t.rvs(degrees, loc=location, scale=scale, size=bars, random_state=seed)
    return np.asarray(drawn)


def log_likelihood(model: StudentT, logs: NDArray[np.float64]) -> float:
    """By scipy."""
    scale = np.asarray(model.volatility) * unit_scale(model.degrees)
    shape = np.outer(scale, scale) * np.asarray(model.correlation)
    return float(
        stats.multivariate_t.logpdf(logs, loc=model.location, shape=shape, df=model.degrees).sum()
    )


def test_a_bar_is_a_normal_vector_times_one_factor() -> None:
    normals = np.random.default_rng(1).standard_normal((3, LANES))
    packed = PAIR.packed()
    moves = np.full((6, LANES), np.nan)
    PAIR.advance.machine(
        0, packed.numbers, packed.table, np.zeros((1, LANES)), normals, np.zeros((0, LANES)), moves
    )
    factor = np.empty(LANES)
    mix(mixing_table(5.0), normals[2], factor)
    factor *= np.sqrt(3.0 / 5.0)
    first = 0.001 + 0.01 * factor * normals[0]
    second = -0.002 + 0.03 * factor * (0.6 * normals[0] + 0.8 * normals[1])
    assert moves[0] == pytest.approx(first, rel=1e-12)
    assert moves[1] == pytest.approx(second, rel=1e-12)
    assert (moves[2:4] == 0.0).all()  # nothing comes as a gap
    assert moves[4] == pytest.approx((0.01 * factor) ** 2, rel=1e-12)
    assert moves[5] == pytest.approx((0.03 * factor) ** 2, rel=1e-12)


def test_plain_and_machine_code_and_fewer_rows_give_the_same_bits() -> None:
    normals = np.random.default_rng(2).standard_normal((3, LANES))
    packed = PAIR.packed()
    written = []
    for advance, rows in ((PAIR.advance, 6), (PAIR.advance.machine, 6), (PAIR.advance.machine, 2)):
        moves = np.zeros((rows, LANES))
        advance(
            *(3, packed.numbers, packed.table),
            *(np.zeros((1, LANES)), normals, np.zeros((0, LANES)), moves),
        )
        written.append(moves)
    assert written[0].tobytes() == written[1].tobytes()
    assert written[0][:2].tobytes() == written[2].tobytes()


def test_paths_have_the_stated_distribution() -> None:
    logs = np.log1p(PAIR.draw(bar_count=40, path_count=3_000, seed=4)).reshape(-1, 2)
    for asset, (location, volatility) in enumerate(
        zip(PAIR.location, PAIR.volatility, strict=True)
    ):
        own = stats.t(5.0, loc=location, scale=volatility * np.sqrt(0.6))
        assert stats.kstest(logs[:, asset], own.cdf).pvalue > 1e-3
        for level in (0.001, 0.01, 0.99, 0.999):
            share = np.mean(logs[:, asset] < own.ppf(level))
            assert share == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / len(logs)))
    # Kendall's tau of every elliptical distribution is 2 / pi * arcsin(correlation).
    tau = float(stats.kendalltau(logs[:20_000, 0], logs[:20_000, 1]).statistic)
    assert tau == pytest.approx(2 / np.pi * np.arcsin(0.6), abs=4 * np.sqrt(4 / 9 / 20_000))


def test_large_returns_come_together_without_correlation() -> None:
    model = StudentT(location=(0, 0), volatility=(0.01, 0.01), degrees=3.0)
    logs = np.abs(np.log1p(model.draw(bar_count=10, path_count=10_000, seed=5)).reshape(-1, 2))
    far = logs > np.quantile(logs, 0.99, axis=0)
    assert far.all(axis=1).mean() > 10 * 0.01 * 0.01  # ten times what independence gives


def test_inner_variance_averages_to_the_variance_of_the_returns() -> None:
    model = StudentT(location=0.0, volatility=0.02, degrees=9.0)
    moves = drawn_moves(model, bar_count=100, path_count=2_000, seed=6)
    variance = moves[..., 2]
    error = variance.std() / np.sqrt(variance.size)
    assert variance.mean() == pytest.approx(0.02**2, abs=4 * error)


@pytest.mark.parametrize(("degrees", "seed"), [(2.5, 0), (4.0, 1), (4.0, 2), (9.0, 3)])
def test_fit_of_one_asset_is_that_of_scipy(degrees: float, seed: int) -> None:
    logs = history_of(degrees, 2_000, seed)
    fitted = StudentT.fit(np.expm1(logs))
    own_degrees, location, scale = stats.t.fit(logs)
    # Scipy's simplex stops near the maximum, so the likelihoods say more than the parameters.
    assert fitted.degrees == pytest.approx(own_degrees, rel=1e-3)
    assert fitted.location[0] == pytest.approx(location, abs=1e-6)
    assert fitted.volatility[0] * unit_scale(fitted.degrees) == pytest.approx(scale, rel=1e-3)
    likeliest = stats.t.logpdf(logs, own_degrees, location, scale).sum()
    assert log_likelihood(fitted, logs[:, np.newaxis]) >= likeliest - 1e-5


def test_fit_recovers_its_own_parameters() -> None:
    for seed in range(3):
        logs = np.log1p(PAIR.draw(bar_count=8_000, path_count=1, seed=seed)[0])
        fitted = StudentT.fit(np.expm1(logs))
        assert fitted.degrees == pytest.approx(5.0, rel=0.25)  # some 4 errors of 0.06
        for asset in range(2):
            error = PAIR.volatility[asset] / np.sqrt(8_000)
            assert fitted.location[asset] == pytest.approx(PAIR.location[asset], abs=4 * error)
            assert fitted.volatility[asset] == pytest.approx(PAIR.volatility[asset], rel=0.1)
        assert fitted.correlation[0][1] == pytest.approx(0.6, abs=4 * 0.64 * np.sqrt(1.4 / 8_000))


def test_fit_of_several_assets_is_a_maximum_of_scipys_likelihood() -> None:
    logs = np.log1p(PAIR.draw(bar_count=3_000, path_count=1, seed=9)[0])
    fitted = StudentT.fit(np.expm1(logs))
    best = log_likelihood(fitted, logs)
    correlation = fitted.correlation[0][1]
    stated = {
        "location": fitted.location, "volatility": fitted.volatility, "degrees": fitted.degrees,
        "correlation": correlation,
    }  # fmt: skip
    for share in (0.97, 1.03):
        for name in ("volatility", "degrees", "correlation"):
            near = StudentT(**{**stated, name: np.asarray(stated[name]) * share})
            assert log_likelihood(near, logs) < best, name
        shift = (share - 1.0) * np.asarray(fitted.volatility)
        near = StudentT(**{**stated, "location": np.asarray(fitted.location) + shift})
        assert log_likelihood(near, logs) < best


@given(st.integers(0, 1_000), st.floats(0.01, 100.0), st.floats(-0.01, 0.01))
@hypothesis_settings(max_examples=10)
def test_fit_moves_with_its_history(seed: int, scale: float, shift: float) -> None:
    """A t that is stretched and shifted is a t of the same degrees."""
    logs = history_of(4.0, 300, seed, scale=0.002)
    fitted = StudentT.fit(np.expm1(logs))
    moved = StudentT.fit(np.expm1(scale * logs + shift))
    assert moved.degrees == pytest.approx(fitted.degrees, rel=1e-3)
    assert moved.volatility[0] == pytest.approx(scale * fitted.volatility[0], rel=1e-3)
    assert moved.location[0] == pytest.approx(
        scale * fitted.location[0] + shift, abs=1e-4 * moved.volatility[0]
    )


def test_normal_returns_have_many_degrees() -> None:
    returns = np.expm1(np.random.default_rng(0).standard_normal(3_000) * 0.01)
    fitted = StudentT.fit(returns)
    assert fitted.degrees > 100.0
    assert fitted.volatility[0] == pytest.approx(0.01, rel=4 / np.sqrt(6_000))


def test_degrees_stay_within_their_bounds_for_wild_and_for_short_histories() -> None:
    wild = np.clip(np.random.default_rng(1).standard_cauchy(2_000) * 0.001, -5, 5)
    assert StudentT.fit(np.expm1(wild)).degrees == DEGREES_MIN
    short = np.random.default_rng(2).uniform(-0.01, 0.01, 30)
    assert StudentT.fit(short).degrees == pytest.approx(DEGREES_MAX)


def test_one_giant_return_leaves_the_scale_of_the_others() -> None:
    returns = np.random.default_rng(3).standard_normal(500) * 0.01
    returns[100] = 20.0
    fitted = StudentT.fit(returns)
    assert fitted.volatility[0] == pytest.approx(0.01, rel=0.5)


def test_assets_that_move_as_one_are_fitted_as_one() -> None:
    logs = history_of(4.0, 1_000, 5)
    fitted = StudentT.fit(np.expm1(np.stack([logs, logs, 2 * logs], axis=1)))
    alone = StudentT.fit(np.expm1(logs))
    assert np.asarray(fitted.correlation) == pytest.approx(np.ones((3, 3)), abs=1e-9)
    assert fitted.degrees == pytest.approx(alone.degrees, rel=1e-3)
    drawn = np.log1p(fitted.draw(bar_count=5, path_count=20, seed=1))
    assert drawn[..., 2] - drawn[..., 0] * 2 == pytest.approx(np.zeros((20, 5)), abs=1e-8)


def test_a_history_of_mostly_equal_returns_is_refused() -> None:
    returns = np.random.default_rng(6).standard_normal(500) * 0.01
    returns[:400] = 0.0
    with pytest.raises(DataError, match="must vary from bar to bar"):
        StudentT.fit(returns)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        ([0.01, np.nan, 0.02, 0.01], "finite"),
        ([0.01], "at least 2 bars"),
        ([0.01, -0.01], "must have at least 3 bars"),
        ([0.01] * 50, "must vary"),
        ([0.01, -1.5, 0.02, 0.03], "above -1"),
        (np.random.default_rng(0).normal(0, 0.01, (5, 5)), "at least 7 bars"),
    ],
)
def test_histories_that_nothing_can_be_fitted_to_are_refused(
    returns: list[float], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        StudentT.fit(returns)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"degrees": 2.0}, "degrees must be"),
        ({"volatility": -0.01}, "volatility must be finite >= 0"),
        ({"location": np.nan}, "location must be finite"),
        ({"location": (0.0, 0.0)}, "location must hold 1"),
        ({"volatility": (0.1, 0.1, 0.1), "correlation": -0.9}, "positive semi-definite"),
    ],
)
def test_parameters_that_nothing_can_have_are_refused(
    wrong: dict[str, object], message: str
) -> None:
    stated: dict[str, object] = {"location": 0.0, "volatility": 0.01, "degrees": 4.0}
    with pytest.raises(ConfigError, match=message):
        StudentT(**{**stated, **wrong})  # pyright: ignore[reportArgumentType]


def test_no_volatility_leaves_the_location() -> None:
    model = StudentT(location=0.01, volatility=0.0, degrees=3.0)
    assert model.draw(bar_count=3, path_count=2) == pytest.approx(
        np.full((2, 3, 1), np.expm1(0.01))
    )


def test_an_asset_and_its_inverse_are_one_direction() -> None:
    one = np.random.default_rng(0).normal(0.0, 0.01, 600)
    noise = np.random.default_rng(1).normal(0.0, 1e-5, 600)
    found = StudentT.fit(np.column_stack([one, -3.0 * one + noise]))
    assert np.allclose(found.volatility, [0.01, 0.03], rtol=0.1)
    assert found.degrees > 10.0

"""Jump diffusion, against closed forms, option prices and a direct maximum of the likelihood."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, stats

from fanfold.errors import ConfigError, DataError
from fanfold.simulation.merton import COUNT_TAIL_MAX, INTENSITY_MAX, MertonJump
from fanfold.simulation.paths import drawn_moves

LANES = 64

PAIR = MertonJump(
    drift=(0.001, 0.002),
    volatility=(0.01, 0.02),
    intensity=0.7,
    jump_mean=(-0.03, 0.01),
    jump_volatility=(0.02, 0.04),
    correlation=0.6,
    jump_correlation=-0.8,
)

CRASHES = MertonJump(
    drift=0.0005, volatility=0.01, intensity=0.1, jump_mean=-0.02, jump_volatility=0.03
)


def log_drift(model: MertonJump, asset: int = 0) -> float:
    growth = math.exp(model.jump_mean[asset] + model.jump_volatility[asset] ** 2 / 2) - 1
    return model.drift[asset] - model.volatility[asset] ** 2 / 2 - model.intensity * growth


def log_likelihood(model: MertonJump, logs: NDArray[np.float64]) -> float:
    """Of one asset, mixed over up to 80 jumps a bar."""
    count = np.arange(81)
    density = stats.poisson.logpmf(count, model.intensity) + stats.norm.logpdf(
        logs[:, np.newaxis],
        log_drift(model) + count * model.jump_mean[0],
        np.sqrt(model.volatility[0] ** 2 + count * model.jump_volatility[0] ** 2),
    )
    return float(np.logaddexp.reduce(density, axis=1).sum())


def normal_log_likelihood(logs: NDArray[np.float64]) -> float:
    return float(stats.norm.logpdf(logs, logs.mean(), logs.std()).sum())


def log_path(model: MertonJump, bars: int, seed: int) -> NDArray[np.float64]:
    return np.log1p(model.draw(bar_count=bars, path_count=1, seed=seed)[0])


def call_price(spot: float, strike: float, years: float, rate: float, model: MertonJump) -> float:
    """Merton's series: Black and Scholes given the number of jumps, for one bar of the model."""
    total = 0.0
    for jumps in range(200):
        weight = float(stats.poisson.pmf(jumps, model.intensity))
        deviation = math.sqrt(model.volatility[0] ** 2 + jumps * model.jump_volatility[0] ** 2)
        mean = log_drift(model) + jumps * model.jump_mean[0]
        forward = spot * math.exp(mean + deviation**2 / 2)
        high = (math.log(forward / strike) + deviation**2 / 2) / deviation
        total += weight * (
            forward * stats.norm.cdf(high) - strike * stats.norm.cdf(high - deviation)
        )
    return float(math.exp(-rate * years) * total)


def oracle(folder: Path, name: str) -> Any:
    return next(o for o in json.loads((folder / "oracles.json").read_text()) if o["id"] == name)


def advanced(
    model: MertonJump, rows: int, *, seed: int = 1, plain: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Normals, uniforms, and what one bar makes of them."""
    random = np.random.default_rng(seed)
    normals = random.standard_normal((2 * model.asset_count, LANES))
    uniforms = random.random((1, LANES))
    uniforms[0, :2] = 0.0, 1.0 - 2.0**-53
    packed = model.packed()
    moves = np.full((rows, LANES), np.nan)
    advance = model.advance if plain else model.advance.machine
    advance(0, packed.numbers, packed.table, np.zeros((3, LANES)), normals, uniforms, moves)
    return normals, uniforms, moves


def test_a_bar_diffuses_and_adds_as_many_jumps_as_the_uniform_says() -> None:
    normals, uniforms, moves = advanced(PAIR, 6)
    count = stats.poisson.ppf(uniforms[0], 0.7)
    count[0] = 0.0  # scipy says -1 for a probability of 0
    assert set(count[2:]) >= {0.0, 1.0, 2.0}
    diffusion = np.stack([normals[0], 0.6 * normals[0] + 0.8 * normals[1]])
    sizes = np.stack([normals[2], -0.8 * normals[2] + 0.6 * normals[3]])
    for asset in range(2):
        jump = PAIR.jump_mean[asset] * count
        jump += PAIR.jump_volatility[asset] * np.sqrt(count) * sizes[asset]
        move = log_drift(PAIR, asset) + PAIR.volatility[asset] * diffusion[asset] + jump
        assert moves[asset, 2:] == pytest.approx(move[2:], rel=1e-11)
        assert moves[2 + asset, 2:] == pytest.approx(jump[2:], rel=1e-11)
        assert (moves[4 + asset] == PAIR.volatility[asset] ** 2).all()
    # The least uniform brings no jump, the largest as many as are ever drawn.
    assert moves[2, 0] == 0.0
    assert stats.poisson.sf(count[1], 0.7) < 2 * COUNT_TAIL_MAX


def test_plain_and_machine_code_and_fewer_rows_give_the_same_bits() -> None:
    machine = advanced(PAIR, 6)[2]
    assert advanced(PAIR, 6, plain=True)[2].tobytes() == machine.tobytes()
    assert advanced(PAIR, 2)[2].tobytes() == machine[:2].tobytes()


@pytest.mark.parametrize("intensity", [0.0, 1e-12, 0.01, 3.0, INTENSITY_MAX])
def test_the_number_of_jumps_is_poisson(intensity: float) -> None:
    model = MertonJump(
        drift=0.0, volatility=0.0, intensity=intensity, jump_mean=1e-3, jump_volatility=0.0
    )
    jumps = drawn_moves(model, bar_count=4, path_count=25_000, seed=2)[..., 1].ravel() / 1e-3
    assert jumps == pytest.approx(np.rint(jumps), abs=1e-9)
    error = math.sqrt(intensity / len(jumps))
    assert jumps.mean() == pytest.approx(intensity, abs=4 * error)
    fourth = intensity + 2 * intensity**2  # variance of squared deviations
    assert np.var(jumps) == pytest.approx(intensity, abs=4 * math.sqrt(fourth / len(jumps)) + 1e-15)
    for count in range(5):
        chance = float(stats.poisson.pmf(count, intensity))
        error = math.sqrt(chance * (1 - chance) / len(jumps))
        assert np.mean(np.rint(jumps) == count) == pytest.approx(chance, abs=4 * error + 1e-12)


def test_the_expected_price_grows_by_the_drift() -> None:
    growth = 1.0 + PAIR.draw(bar_count=10, path_count=20_000, seed=3).reshape(-1, 2)
    error = growth.std(axis=0) / math.sqrt(len(growth))
    for asset in range(2):
        assert growth[:, asset].mean() == pytest.approx(
            math.exp(PAIR.drift[asset]), abs=4 * error[asset]
        )


def test_drawn_moments_are_the_closed_ones() -> None:
    paths = np.log1p(PAIR.draw(bar_count=5, path_count=40_000, seed=4)).sum(axis=1)
    mean, variance, skewness, excess = PAIR.moments(5)
    for asset in range(2):
        drawn = paths[:, asset]
        parts = drawn.reshape(40, -1)  # errors from forty independent parts
        for figure, value in (
            (np.mean, mean), (np.var, variance), (stats.skew, skewness), (stats.kurtosis, excess),
        ):  # fmt: skip
            error = np.std([figure(part) for part in parts]) / math.sqrt(40)
            assert figure(drawn) == pytest.approx(value[asset], abs=4 * error)


@pytest.mark.parametrize("name", ["merton_moments_0", "merton_moments_1"])
def test_moments_are_those_of_the_reference(reference_data: Path, name: str) -> None:
    case = oracle(reference_data, name)
    inputs, expected, span = case["inputs"], case["expected"], case["inputs"]["T"]
    model = MertonJump(
        drift=inputs["mu"] * span,
        volatility=inputs["sigma"] * math.sqrt(span),
        intensity=inputs["lam"] * span,
        jump_mean=inputs["jump_mean"],
        jump_volatility=inputs["jump_sd"],
    )
    found = [value[0] for value in model.moments()]
    wanted = [expected[name] for name in ("mean", "var", "skew", "exkurt")]
    assert found == pytest.approx(wanted, rel=case["tolerance"])
    assert math.exp(model.drift[0]) == pytest.approx(expected["E_ST_over_S0"], rel=1e-12)
    quarter = MertonJump(
        drift=model.drift[0] / 4, volatility=model.volatility[0] / 2,
        intensity=model.intensity / 4, jump_mean=model.jump_mean,
        jump_volatility=model.jump_volatility,
    )  # fmt: skip
    assert [value[0] for value in quarter.moments(4)] == pytest.approx(wanted, rel=1e-12)


def test_calls_cost_what_merton_haug_and_quantlib_say(reference_data: Path) -> None:
    case = oracle(reference_data, "merton76_haug_gamma0.25")
    terms = case["inputs"]["rows"]
    priced: dict[tuple[float, float], tuple[MertonJump, NDArray[np.float64]]] = {}
    for row, haug, quantlib in zip(
        terms, case["expected"]["haug"], case["expected"]["quantlib"], strict=True
    ):
        years, rate = row["t"], row["lam"]
        if (years, rate) not in priced:
            jump = 0.25 * math.sqrt(0.25 / rate)
            model = MertonJump(
                drift=0.08 * years, volatility=0.25 * math.sqrt(0.75 * years),
                intensity=rate * years, jump_mean=-(jump**2) / 2, jump_volatility=jump,
            )  # fmt: skip
            drawn = model.draw(bar_count=1, path_count=30_000, seed=len(priced))
            priced[years, rate] = model, 100.0 * (1.0 + drawn[:, 0, 0])
        model, prices = priced[years, rate]
        series = call_price(100.0, row["K"], years, 0.08, model)
        assert series == pytest.approx(haug, abs=case["tolerance"]["haug"])
        assert series == pytest.approx(quantlib, abs=case["tolerance"]["quantlib"])
        paid = math.exp(-0.08 * years) * np.maximum(prices - row["K"], 0.0)
        error = paid.std() / math.sqrt(len(paid))
        assert paid.mean() == pytest.approx(series, abs=4 * error)


def test_assets_jump_together_and_only_at_gaps() -> None:
    moves = drawn_moves(PAIR, bar_count=20, path_count=1_000, seed=6).reshape(-1, 6)
    jumped = moves[:, 2:4] != 0.0
    assert (jumped[:, 0] == jumped[:, 1]).all()
    assert jumped[:, 0].mean() == pytest.approx(-math.expm1(-0.7), abs=0.02)
    inside = moves[:, :2] - moves[:, 2:4]
    for asset in range(2):
        own = stats.norm(log_drift(PAIR, asset), PAIR.volatility[asset])
        assert stats.kstest(inside[:, asset], own.cdf).pvalue > 1e-3
    # Diffusion and jumps are correlated on their own, errors below (1 - 0.6²) / √n.
    assert np.corrcoef(inside.T)[0, 1] == pytest.approx(0.6, abs=0.02)
    once = moves[jumped[:, 0], 2:4]
    assert np.corrcoef(once.T)[0, 1] < -0.5


def test_without_jumps_it_is_geometric_brownian_motion() -> None:
    model = MertonJump(
        drift=0.001, volatility=0.02, intensity=0.0, jump_mean=900.0, jump_volatility=9.0
    )
    moves = drawn_moves(model, bar_count=20, path_count=2_000, seed=7)
    assert (moves[..., 1] == 0.0).all()
    own = stats.norm(0.001 - 0.0002, 0.02)
    assert stats.kstest(moves[..., 0].ravel(), own.cdf).pvalue > 1e-3
    assert [value[0] for value in model.moments(4)] == pytest.approx([0.0032, 0.0016, 0.0, 0.0])


def test_moments_of_what_does_not_vary_are_nan() -> None:
    still = MertonJump(drift=0.01, volatility=0.0, intensity=0, jump_mean=0, jump_volatility=0)
    mean, variance, skewness, excess = still.moments(3)
    assert (mean, variance) == ((0.03,), (0.0,))
    assert np.isnan([skewness, excess]).all()


@pytest.mark.parametrize(
    ("intensity", "jump_mean", "jump_volatility"), [(0.02, -0.04, 0.03), (0.1, -0.02, 0.03)]
)
def test_fit_recovers_its_own_parameters(
    intensity: float, jump_mean: float, jump_volatility: float
) -> None:
    bars, seeds = 4_000, 5
    model = MertonJump(
        drift=0.0005, volatility=0.01, intensity=intensity, jump_mean=jump_mean,
        jump_volatility=jump_volatility,
    )  # fmt: skip
    fits = [MertonJump.fit(np.expm1(log_path(model, bars, seed))) for seed in range(seeds)]
    jumps = intensity * bars
    # Errors as if all jumps were seen, doubled as they are not; 4 of them, over the mean of fits.
    band = 4 * 2 / math.sqrt(seeds)
    assert np.mean([f.intensity for f in fits]) == pytest.approx(
        intensity, abs=band * math.sqrt(jumps) / bars
    )
    assert np.mean([f.jump_mean[0] for f in fits]) == pytest.approx(
        jump_mean, abs=band * jump_volatility / math.sqrt(jumps)
    )
    assert np.mean([f.jump_volatility[0] for f in fits]) == pytest.approx(
        jump_volatility, abs=band * jump_volatility / math.sqrt(2 * jumps)
    )
    assert np.mean([f.volatility[0] for f in fits]) == pytest.approx(
        0.01, abs=band * 0.01 / math.sqrt(2 * bars)
    )
    deviation = math.sqrt(model.moments().variance[0])
    assert np.mean([f.drift[0] for f in fits]) == pytest.approx(
        0.0005, abs=band / 2 * deviation / math.sqrt(bars)
    )


def test_fit_of_two_assets_recovers_how_they_jump_together() -> None:
    model = MertonJump(
        drift=(0.0005, 0.0003), volatility=(0.01, 0.02), intensity=0.05, jump_mean=(-0.03, 0.04),
        jump_volatility=(0.03, 0.04), correlation=0.5, jump_correlation=0.8,
    )  # fmt: skip
    fits = [MertonJump.fit(np.expm1(log_path(model, 4_000, seed))) for seed in range(4)]
    # 800 jumps in 16,000 bars: bands of some 4 errors of each.
    assert np.mean([f.intensity for f in fits]) == pytest.approx(0.05, abs=0.008)
    assert np.mean([f.correlation[0][1] for f in fits]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([f.jump_correlation[0][1] for f in fits]) == pytest.approx(0.8, abs=0.08)
    for name, share in (("volatility", 0.03), ("jump_volatility", 0.15), ("jump_mean", 0.2)):
        found = np.mean([getattr(f, name) for f in fits], axis=0)
        assert found == pytest.approx(getattr(model, name), rel=share), name


@pytest.mark.parametrize("seed", [0, 1])
def test_fit_is_as_likely_as_what_a_general_optimizer_finds(seed: int) -> None:
    logs = log_path(CRASHES, 1_500, seed)[:, 0]
    scaled = logs / logs.std()
    count = np.arange(21)

    def loss(free: NDArray[np.float64]) -> float:
        mean, log_deviation, log_intensity, jump_mean, log_jump = free
        deviation = np.sqrt(np.exp(2 * log_deviation) + count * np.exp(2 * log_jump))
        apart = (scaled[:, np.newaxis] - mean - count * jump_mean) / deviation
        density = stats.poisson.logpmf(count, np.exp(log_intensity)) - np.log(deviation)
        return -float(np.logaddexp.reduce(density - apart * apart / 2, axis=1).sum())

    found = optimize.minimize(loss, [0, math.log(0.7), math.log(0.05), 0, 0.4], method="BFGS")
    likeliest = -found.fun - len(logs) * math.log(logs.std() * math.sqrt(2 * math.pi))
    fitted = MertonJump.fit(np.expm1(logs))
    assert log_likelihood(fitted, logs) == pytest.approx(likeliest, abs=1e-3)
    assert fitted.intensity == pytest.approx(math.exp(found.x[2]), rel=0.01)
    assert log_likelihood(fitted, logs) > log_likelihood(CRASHES, logs)


@given(st.integers(0, 1_000), st.sampled_from(["normal", "uniform", "t", "lattice"]))
@hypothesis_settings(max_examples=8)
def test_fit_is_never_less_likely_than_a_normal(seed: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    logs = {
        "normal": random.standard_normal(60),
        "uniform": random.uniform(-1, 1, 60),
        "t": random.standard_t(3, 60),
        "lattice": random.integers(-2, 3, 60).astype(np.float64),
    }[kind] * 0.01
    fitted = MertonJump.fit(np.expm1(logs))
    assert log_likelihood(fitted, logs) >= normal_log_likelihood(logs) - 1e-6
    assert fitted.volatility[0] > 0.0


def test_the_fitted_mean_is_that_of_the_history() -> None:
    logs = log_path(CRASHES, 2_000, 3)
    fitted = MertonJump.fit(np.expm1(logs))
    # What a step gives to the diffusion and to the jumps adds up to the history.
    assert fitted.moments().mean[0] == pytest.approx(logs.mean(), abs=1e-7)


def test_one_giant_return_is_one_jump() -> None:
    returns = np.random.default_rng(3).standard_normal(500) * 0.01
    returns[100] = 20.0
    fitted = MertonJump.fit(returns)
    assert fitted.intensity == pytest.approx(1 / 500, rel=1e-6)
    assert fitted.jump_mean[0] == pytest.approx(math.log(21.0), abs=0.01)
    assert fitted.jump_volatility[0] < 0.01
    others = np.delete(np.log1p(returns), 100)
    assert fitted.volatility[0] == pytest.approx(others.std(), rel=2e-3)


def test_returns_within_narrow_bounds_have_no_jumps() -> None:
    returns = np.random.default_rng(4).uniform(-0.01, 0.01, 400)
    fitted = MertonJump.fit(returns)
    assert (fitted.intensity, fitted.jump_mean, fitted.jump_volatility) == (0.0, (0.0,), (0.0,))
    assert fitted.volatility[0] == pytest.approx(np.log1p(returns).std())


def test_a_price_that_mostly_rests_is_all_jumps() -> None:
    returns = np.zeros(500)
    returns[::5] = np.random.default_rng(5).standard_normal(100) * 0.01
    fitted = MertonJump.fit(returns)
    assert fitted.intensity == pytest.approx(-math.log(0.8), rel=0.05)
    assert 0.0 < fitted.volatility[0] < 1e-4


def test_assets_that_move_as_one_are_fitted_as_one() -> None:
    logs = log_path(CRASHES, 1_000, 5)[:, 0]
    alone = MertonJump.fit(np.expm1(logs))
    fitted = MertonJump.fit(np.expm1(np.stack([logs, 2 * logs], axis=1)))
    assert fitted.intensity == pytest.approx(alone.intensity, rel=1e-4)
    assert np.asarray(fitted.correlation) == pytest.approx(np.ones((2, 2)), abs=1e-9)
    assert fitted.jump_mean[1] == pytest.approx(2 * alone.jump_mean[0], rel=1e-3)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        ([0.01, np.nan] * 20, "finite"),
        ([0.01, -0.01] * 5, "at least 20 bars"),
        ([0.01] * 50, "must vary"),
        ([0.01, -1.5] * 20, "above -1"),
        (np.random.default_rng(0).normal(0, 0.01, (30, 30)), "at least 32 bars"),
    ],
)
def test_histories_that_nothing_can_be_fitted_to_are_refused(
    returns: list[float], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        MertonJump.fit(returns)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"intensity": -0.1}, "intensity must be 0 to 100"),
        ({"intensity": np.nan}, "intensity must be 0 to 100"),
        ({"intensity": 1e6}, "intensity must be 0 to 100"),
        ({"intensity": "often"}, "intensity must be a number"),
        ({"volatility": -0.01}, "volatility must be finite >= 0"),
        ({"jump_volatility": -0.01}, "jump_volatility must be finite >= 0"),
        ({"jump_mean": (0.0, 0.0)}, "jump_mean must hold 1"),
        ({"jump_mean": 1_000.0}, "expected price must be finite"),
        ({"jump_correlation": [[1, 2], [2, 1]]}, "jump_correlation must be 1 by 1"),
    ],
)
def test_parameters_that_nothing_can_have_are_refused(
    wrong: dict[str, object], message: str
) -> None:
    stated: dict[str, object] = {
        "drift": 0.0, "volatility": 0.01, "intensity": 0.1, "jump_mean": 0.0,
        "jump_volatility": 0.1,
    }  # fmt: skip
    with pytest.raises(ConfigError, match=message):
        MertonJump(**{**stated, **wrong})  # pyright: ignore[reportArgumentType]

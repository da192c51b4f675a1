"""Heston paths: prices against the closed form, moments against theirs, and the odd corners."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from fanfold.errors import ConfigError
from fanfold.simulation.heston import Heston
from fanfold.simulation.heston_step import step_moments
from fanfold.simulation.paths import drawn_moves

PATHS = 100_000
"""Enough for a standard error of half a percent of a price."""

CALM: dict[str, Any] = {
    "drift": 0.0003,
    "variance": 1.5e-4,
    "long_variance": 1e-4,
    "reversion": 0.03,
    "variance_volatility": 0.0015,
    "leverage": -0.6,
}


@dataclass(frozen=True)
class Option:
    """A European option under Heston's model; all per year."""

    spot: float
    strike: float
    rate: float
    dividend: float
    years: float
    variance: float
    reversion: float
    long_variance: float
    variance_volatility: float
    leverage: float
    call: bool = True

    def model(self, bars: int, substeps: int = 1) -> Heston:
        bar = self.years / bars
        return Heston(
            drift=(self.rate - self.dividend) * bar,
            variance=self.variance * bar,
            long_variance=self.long_variance * bar,
            reversion=self.reversion * bar,
            variance_volatility=self.variance_volatility * bar,
            leverage=self.leverage,
            substeps=substeps,
        )

    def exact(self) -> float:
        """Heston's price by one integral along Im = -1/2 (Lewis 2000), no branch crossed."""
        forward = math.log(self.spot / self.strike) + (self.rate - self.dividend) * self.years
        square = self.variance_volatility**2

        def integrand(u: float) -> float:
            w = u - 0.5j
            slope = self.reversion - 1j * w * self.leverage * self.variance_volatility
            root = np.sqrt(slope * slope + square * (w * w + 1j * w))
            ratio = (slope - root) / (slope + root)
            decay = np.exp(-root * self.years)
            level = (slope - root) * self.years - 2 * np.log((1 - ratio * decay) / (1 - ratio))
            start = (slope - root) / square * (1 - decay) / (1 - ratio * decay)
            log_transform = (
                self.reversion * self.long_variance / square * level
                + start * self.variance
                + 1j * w * forward
            )
            return float(np.exp(log_transform).real / (u * u + 0.25))

        integral = quad(integrand, 0, np.inf, epsabs=1e-12, limit=1_000)[0]
        discount = math.exp(-self.rate * self.years)
        call = discount * self.strike * (math.exp(forward) - integral / math.pi)
        parity = discount * self.strike * (math.exp(forward) - 1.0)
        return call if self.call else call - parity

    def drawn(self, bars: int, substeps: int = 1) -> tuple[float, float]:
        """Monte Carlo price and its standard error."""
        paths = self.model(bars, substeps).draw(bar_count=bars, path_count=PATHS, seed=5)
        end = self.spot * np.prod(1.0 + paths[:, :, 0], axis=1)
        gain = end - self.strike if self.call else self.strike - end
        values = math.exp(-self.rate * self.years) * np.maximum(gain, 0.0)
        return float(np.mean(values)), float(np.std(values)) / math.sqrt(PATHS)


FIRST = Option(100, 100, 0.03, 0.0, 1.0, 0.04, 1.5, 0.04, 0.3, -0.7)
SECOND = Option(100, 90, 0.03, 0.01, 2.0, 0.09, 2.0, 0.06, 0.5, -0.5, call=False)
CACHED = Option(1, 1.05, 0.0225, 0.02, 5 / 366 + 86 / 365, 0.1, 3.16, 0.09, 0.4, -0.2)
WILMOTT = [
    Option(math.exp(-0.03 * 0.7), strike, 0.05, 0.02, 0.7, 0.09, 1.2, 0.08, 1.8, -0.45)
    for strike in (0.9, 1.0, 1.1)
]
OPTIONS = [FIRST, SECOND, CACHED, *WILMOTT]


def oracle(folder: Path, name: str) -> dict[str, Any]:
    return next(
        one for one in json.loads((folder / "oracles.json").read_text()) if one["id"] == name
    )


def advanced(model: Heston, own: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One bar of one asset from its first variance: log returns and variances, per lane."""
    packed = model.packed()
    state, moves = np.zeros((packed.state_count, len(own))), np.zeros((1, len(own)))
    normals = np.stack([price, own])
    Heston.advance.machine(
        0, packed.numbers, packed.table, state, normals, np.zeros((0, len(own))), moves
    )
    return moves[0], state[0]


def quadrature() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of normals on a fine lattice, and their probabilities."""
    nodes = np.linspace(-8.5, 8.5, 601)
    weights = np.exp(-0.5 * nodes * nodes)
    weights /= weights.sum()
    own, price = (side.ravel() for side in np.meshgrid(nodes, nodes))
    return own, price, np.outer(weights, weights).ravel()


def test_closed_form_gives_the_reference_prices(reference_data: Path) -> None:
    singles = [("heston_1", FIRST), ("heston_2", SECOND), ("heston_quantlib_cached", CACHED)]
    for name, option in singles:
        known = oracle(reference_data, name)
        assert option.exact() == pytest.approx(known["expected"]["price"], abs=known["tolerance"])
    known = oracle(reference_data, "heston_wilmott")
    prices = [option.exact() for option in WILMOTT]
    assert prices == pytest.approx(known["expected"]["prices"], abs=known["tolerance"])


@pytest.mark.parametrize("option", OPTIONS)
def test_paths_give_the_closed_form_price_of_an_option(option: Option) -> None:
    price, error = option.drawn(32)
    # What 32 steps leave: below 0.1 % of the strike, even where Feller's condition is far away.
    assert price == pytest.approx(option.exact(), abs=4 * error + 0.0005 * option.strike)


def test_the_error_of_a_step_falls_with_the_steps() -> None:
    option = WILMOTT[1]
    one, four, sixteen = (abs(option.drawn(1, steps)[0] - option.exact()) for steps in (1, 4, 16))
    assert one > 0.01
    assert four < one / 4
    assert sixteen < four / 2


def test_substeps_are_bars_inside_a_bar() -> None:
    whole = FIRST.model(1, substeps=4).draw(bar_count=1, path_count=50, seed=3)
    parts = FIRST.model(4).draw(bar_count=4, path_count=50, seed=3)
    np.testing.assert_allclose(1 + whole[:, 0, 0], np.prod(1 + parts[:, :, 0], axis=1))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"leverage": -1.0},
        {"leverage": 1.0},
        {"leverage": 0.9, "variance_volatility": 0.1},
        {"variance_volatility": 0.3},
        {"variance_volatility": 0.3, "variance": 0.0},
        {"variance_volatility": 0.0},
        {"variance_volatility": 1e-9},
        {"reversion": 0.0},
        {"reversion": 1e5, "variance_volatility": 10.0},
        {"variance": 0.0, "long_variance": 0.0},
        {"variance": 0.0, "reversion": 0.0},
    ],
)
def test_one_step_has_the_exact_moments(changed: dict[str, float]) -> None:
    parameters = {**CALM, **changed}
    own, price, weights = quadrature()
    logs, variances = advanced(Heston(**parameters), own, price)
    known = step_moments(
        **{k: parameters[k] for k in ("long_variance", "reversion", "variance_volatility")},
        length_bars=1.0,
    )
    v = parameters["variance"]
    mean = known.mean_base + known.decay * v
    spread = known.spread_base + known.spread_slope * v
    # The lattice is exact for smooth functions, and not quite where v' has its kink at 0.
    assert weights @ np.exp(logs) == pytest.approx(math.exp(parameters["drift"]), abs=2e-6)
    assert weights @ variances == pytest.approx(mean, rel=2e-3, abs=1e-18)
    apart = weights @ np.square(variances - mean)
    assert apart == pytest.approx(spread, rel=1e-2, abs=1e-18)
    # ∫v has the mean of a mean-reverting variance, and log returns vary by it.
    pull = parameters["reversion"]
    span = -math.expm1(-pull) / pull if pull > 0 else 1.0
    inner = parameters["long_variance"] * (1 - span) + v * span
    # A step's ½∫v moves with v', which adds some at a violent volatility of the variance.
    assert weights @ np.square(logs) - (weights @ logs) ** 2 == pytest.approx(
        inner, rel=0.25 if parameters["variance_volatility"] > 0.05 else 0.02, abs=1e-15
    )


def test_variance_keeps_its_mean_and_spread_over_many_bars() -> None:
    model = Heston(**CALM)
    packed = model.packed()
    lanes, bars = 50_000, 40
    rng = np.random.default_rng(1)
    state, moves = np.zeros((packed.state_count, lanes)), np.zeros((1, lanes))
    for bar in range(bars):
        normals = rng.standard_normal((2, lanes))
        Heston.advance.machine(
            bar, packed.numbers, packed.table, state, normals, np.zeros((0, lanes)), moves
        )
    decay = math.exp(-0.03 * bars)
    mean = 1e-4 + 0.5e-4 * decay
    square = 0.0015**2
    spread = square / 0.03 * (1.5e-4 * decay * (1 - decay) + 0.5 * 1e-4 * (1 - decay) ** 2)
    assert np.mean(state[0]) == pytest.approx(mean, abs=4 * math.sqrt(spread / lanes))
    assert np.var(state[0]) == pytest.approx(spread, rel=0.05)


@pytest.mark.parametrize("changed", [{}, {"variance_volatility": 0.02}, {"leverage": 0.95}])
def test_expected_price_grows_as_the_drift_says(changed: dict[str, float]) -> None:
    bars = 50
    paths = Heston(**{**CALM, "drift": 0.002, **changed}).draw(
        bar_count=bars, path_count=50_000, seed=9
    )
    end = np.prod(1 + paths[:, :, 0], axis=1)
    error = np.std(end) / math.sqrt(len(end))
    assert np.mean(end) == pytest.approx(math.exp(0.002 * bars), abs=4 * error)


def test_rows_for_bridges_hold_no_gap_and_the_integrated_variance() -> None:
    bars, paths = 20, 20_000
    model = Heston(**{**CALM, "substeps": 2})
    moves = drawn_moves(model, bar_count=bars, path_count=paths, seed=2)
    simple = model.draw(bar_count=bars, path_count=paths, seed=2)
    np.testing.assert_allclose(np.expm1(moves[:, :, 0]), simple[:, :, 0], rtol=1e-12, atol=1e-15)
    assert (moves[:, :, 1] == 0.0).all()
    pull = 0.03
    starts = 1e-4 + 0.5e-4 * np.exp(-pull * np.arange(bars))
    expected = 1e-4 + (starts - 1e-4) * -math.expm1(-pull) / pull
    error = np.std(moves[:, :, 2], axis=0) / math.sqrt(paths)
    assert (np.abs(np.mean(moves[:, :, 2], axis=0) - expected) < 4.5 * error + 1e-16).all()
    assert (moves[:, :, 2] > 0.0).all()


def test_without_a_volatility_of_its_own_the_variance_runs_its_known_course() -> None:
    model = Heston(**{**CALM, "variance_volatility": 0.0, "leverage": -1.0})
    moves = drawn_moves(model, bar_count=30, path_count=3, seed=1)
    begin = 1e-4 + 0.5e-4 * np.exp(-0.03 * np.arange(31))
    weight = math.tanh(0.015) / 0.03
    expected = weight * (begin[:-1] + begin[1:]) + 1e-4 * (1 - 2 * weight)
    np.testing.assert_allclose(moves[:, :, 2], np.tile(expected, (3, 1)), rtol=1e-12)
    assert np.std(moves[:, 0, 0]) > 0.0


@pytest.mark.parametrize("leverage", [0.0, -0.9])
def test_prices_move_together_as_stated(leverage: float) -> None:
    pair = Heston(
        **{**CALM, "drift": [0.0, 0.001], "leverage": [leverage, leverage / 2]}, correlation=0.7
    )
    moves = drawn_moves(pair, bar_count=4, path_count=40_000, seed=4)[:, :, :2]
    measured = np.corrcoef(moves.reshape(-1, 2), rowvar=False)[0, 1]
    # Variances that wander apart take a little of it.
    assert measured == pytest.approx(0.7, abs=0.015)
    assert pair.asset_count == 2


def test_assets_of_one_mind_have_one_price() -> None:
    certain = {"variance": [1e-4, 1e-4], "variance_volatility": 0.0}
    paths = Heston(**{**CALM, **certain}, correlation=1.0).draw(bar_count=20, path_count=9, seed=1)
    np.testing.assert_allclose(paths[:, :, 0], paths[:, :, 1], atol=1e-12)
    # What only the price moves, moves one variance; the noise of a step aside.
    moved = {"variance": [1e-4, 1e-4], "leverage": 1.0}
    pair = Heston(**{**CALM, **moved}, correlation=1.0).draw(bar_count=20, path_count=99, seed=1)
    assert np.corrcoef(pair.reshape(-1, 2), rowvar=False)[0, 1] > 0.999


@settings(max_examples=15)
@given(
    variance=st.sampled_from([0.0, 1e-6, 1e-4, 1e-2]),
    volatility=st.sampled_from([0.0, 1e-10, 1e-3, 0.1, 3.0]),
    reversion=st.sampled_from([0.0, 0.01, 1.0, 1e6]),
    leverage=st.floats(-1, 1),
    substeps=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_compiled_equals_plain_and_every_number_is_finite(
    *,
    variance: float,
    volatility: float,
    reversion: float,
    leverage: float,
    substeps: int,
    seed: int,
) -> None:
    model = Heston(
        drift=[0.001, 0.0],
        variance=variance,
        long_variance=[1e-4, variance],
        reversion=reversion,
        variance_volatility=volatility,
        leverage=leverage,
        correlation=-0.5,
        substeps=substeps,
    )
    packed = model.packed()
    rng = np.random.default_rng(seed)
    found: list[np.ndarray] = []
    draws = rng.standard_normal((3, packed.normal_count, 4)) * 1.5
    for advance in (Heston.advance, Heston.advance.machine):
        state, moves = np.zeros((packed.state_count, 4)), np.zeros((6, 4))
        for bar in range(3):
            advance(bar, packed.numbers, packed.table, state, draws[bar], np.zeros((0, 4)), moves)
        found.append(np.vstack([state, moves]))
    assert np.isfinite(found[0]).all()
    assert (found[0][:2] >= 0.0).all()
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"drift": math.nan}, "drift must be finite"),
        ({"variance": -1e-4}, "variance must be from 0"),
        ({"long_variance": 1e9}, "long_variance must be from 0 to 1e"),
        ({"reversion": -0.1}, "reversion must be from 0"),
        ({"variance_volatility": math.inf}, "variance_volatility must be finite"),
        ({"leverage": 1.1}, "leverage must be from -1 to 1, was 1.1 for asset 0"),
        ({"leverage": [0.1, 0.2], "variance": [1e-4] * 3}, "leverage must hold 3 numbers"),
        ({"substeps": 0}, "substeps must be a whole number from 1 to 1000, was 0"),
        ({"substeps": 1.5}, "substeps must be a whole number"),
        ({"substeps": True}, "substeps must be a whole number"),
        ({"correlation": [[1, 2], [2, 1]]}, "correlation must be 1 by 1"),
        ({"variance": [1e-4] * 2, "correlation": 1.5}, "correlation must hold numbers from"),
        ({"variance": "much"}, "variance must be a number"),
    ],
)
def test_what_no_model_can_have_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Heston(**{**CALM, **changed})

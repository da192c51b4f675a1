"""Sizes of positions: bets whose best stake is known, and searches by another program."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize

from fanfold.errors import ConfigError, DataError
from fanfold.measures.kelly import (
    fixed_fraction,
    kelly_fraction,
    kelly_weights,
    volatility_scale,
)

BETS = arrays(
    float, st.integers(2, 25), elements=st.integers(-90, 300).map(lambda percent: percent / 100)
)


def growth(returns: np.ndarray, weights: Any) -> float:
    wealth = 1.0 + returns @ np.asarray(weights)
    return -np.inf if wealth.min() <= 0.0 else float(np.mean(np.log(wealth)))


def market(seed: int = 0, bars: int = 1_000) -> np.ndarray:
    """Four assets with a crash in common, the last of which loses."""
    rng = np.random.default_rng(seed)
    common = 0.01 * rng.standard_t(4, (bars, 1))
    own = 0.008 * rng.normal(size=(bars, 4))
    return common + own + np.array([0.0012, 0.0009, 0.0006, -0.0008])


@pytest.mark.parametrize(("wins", "odds"), [(6, 1.0), (6, 2.0), (3, 4.0), (2, 1.0)])
def test_a_binary_bet_has_its_closed_form(wins: int, odds: float) -> None:
    """p - (1 - p) / b, negative where the other side is the good one."""
    bets = np.array([odds] * wins + [-1.0] * (10 - wins))
    share = wins / 10 - (1 - wins / 10) / odds
    if share < 0.0:  # shorting a bet wins 1 where it loses, and loses b where it wins
        share = -((1 - wins / 10) / odds - wins / 10)
    assert kelly_fraction(bets) == pytest.approx(share, rel=1e-12)
    assert kelly_fraction(bets, 0.5) == pytest.approx(share / 2, rel=1e-12)


def test_small_returns_give_mean_over_variance() -> None:
    returns = 0.0002 + 0.001 * np.random.default_rng(1).normal(size=(5_000, 3))
    approximate = returns.mean(axis=0) / (returns.var(axis=0) + returns.mean(axis=0) ** 2)
    # The next term of the expansion is a skewness of 0.03 times the Sharpe ratio of 0.2.
    assert kelly_fraction(returns) == pytest.approx(approximate, rel=0.05)


def test_a_lognormal_asset_is_held_by_drift_over_variance() -> None:
    """Held anew at every instant: mean over variance of the log growth's own drift."""
    drift, volatility = 0.08, 0.2
    bar = 1.0 / 25_200.0
    normals = np.random.default_rng(2).normal(size=20_000)
    normals = (normals - normals.mean()) / normals.std()
    log_returns = (drift - 0.5 * volatility**2) * bar + volatility * np.sqrt(bar) * normals
    share = kelly_fraction(np.expm1(log_returns))
    assert share == pytest.approx(drift / volatility**2, rel=0.01)


@given(BETS)
def test_no_other_share_grows_faster(bets: np.ndarray) -> None:
    share = kelly_fraction(bets)
    if not np.isfinite(share):
        assert (bets >= 0.0).all() or (bets <= 0.0).all()
        return
    best = growth(bets[:, None], [share])
    for other in (share - 1e-3, share + 1e-3, 0.5 * share, 0.0, 2.0 * share):
        assert growth(bets[:, None], [other]) <= best + 1e-12
    assert (1.0 + share * bets > 0.0).all()


def test_many_bets_are_sized_as_each_one_alone() -> None:
    bets = market()
    shares = kelly_fraction(bets)
    assert shares == pytest.approx([kelly_fraction(bet) for bet in bets.T], rel=1e-12)
    assert np.all(np.abs(kelly_fraction(bets, leverage_max=2.0)) <= 2.0)


def test_what_never_loses_has_no_largest_stake() -> None:
    assert kelly_fraction([0.1, 0.0, 0.2]) == np.inf
    assert kelly_fraction([-0.1, 0.0]) == -np.inf
    assert kelly_fraction([0.1, 0.2], leverage_max=3.0) == 3.0
    assert kelly_fraction([0.0, 0.0]) == 0.0
    for options in ({}, {"long_only": True}):
        with pytest.raises(DataError, match="returns must let every portfolio lose at some bar"):
            kelly_weights([[0.1, -0.1], [0.2, 0.1], [0.1, 0.3]], **options)


def test_one_asset_has_the_weight_of_its_share() -> None:
    returns = market()[:, :1]
    share = kelly_fraction(returns[:, 0])
    assert kelly_weights(returns) == pytest.approx([share], rel=1e-9)
    assert kelly_weights(returns, long_only=True) == pytest.approx([share], rel=1e-6)
    assert kelly_weights(returns, 0.25, leverage_max=1.0) == pytest.approx([0.25])


def test_weights_are_near_the_gaussian_approximation() -> None:
    rng = np.random.default_rng(3)
    mixed = rng.normal(size=(4_000, 3)) @ np.array([[1, 0.5, 0.2], [0, 1, 0.3], [0, 0, 1]])
    returns = 0.001 * mixed + np.array([2e-5, 4e-5, 1e-5])
    second_moment = returns.T @ returns / len(returns)
    # Third moments of a normal are zero; of 4,000 draws of it they are not quite.
    assert kelly_weights(returns) == pytest.approx(
        np.linalg.solve(second_moment, returns.mean(axis=0)), rel=0.05
    )


@pytest.mark.parametrize("long_only", [False, True])
@pytest.mark.parametrize("leverage_max", [0.5, 2.0, 20.0, None])
def test_limited_weights_grow_as_fast_as_any_search_finds(
    *, leverage_max: float | None, long_only: bool
) -> None:
    returns = market()
    weights = kelly_weights(returns, leverage_max=leverage_max, long_only=long_only)
    most = leverage_max or 1_000.0
    assert np.abs(weights).sum() <= most * (1.0 + 1e-12)
    assert not long_only or weights.min() >= 0.0
    sides = returns if long_only else np.hstack([returns, -returns])
    limit = {"type": "ineq", "fun": lambda held: most - held.sum()}
    found = optimize.minimize(
        lambda held: -np.mean(np.log(np.maximum(1.0 + sides @ held, 1e-9))),
        np.full(sides.shape[1], 0.05),
        bounds=[(0.0, None)] * sides.shape[1],
        constraints=[limit],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    other = found.x if long_only else found.x[:4] - found.x[4:]
    assert growth(returns, weights) >= growth(returns, other) - 1e-12
    assert weights == pytest.approx(other, rel=1e-3, abs=1e-3)


def test_a_limit_that_binds_is_met_and_a_loser_is_left_out() -> None:
    weights = kelly_weights(market(), leverage_max=1.0, long_only=True)
    assert weights.sum() == pytest.approx(1.0, rel=1e-12)
    assert weights[3] == 0.0


def test_assets_that_copy_each_other_share_their_weight() -> None:
    one = market()[:, :1]
    copies = np.hstack([one, one, np.zeros_like(one)])
    share = kelly_fraction(one[:, 0])
    assert kelly_weights(copies) == pytest.approx([share / 2, share / 2, 0.0], rel=1e-6)
    assert kelly_weights(copies, long_only=True) == pytest.approx(
        [share / 2, share / 2, 0.0], rel=1e-6
    )
    assert kelly_weights(np.zeros((5, 2)), long_only=True).tolist() == [0.0, 0.0]


def test_a_stop_loses_the_stated_part_of_equity() -> None:
    assert fixed_fraction(0.05, 0.01) == pytest.approx(0.2)
    assert fixed_fraction([0.02, 0.001], 0.01, leverage_max=2.0) == pytest.approx([0.5, 2.0])


def test_volatility_is_scaled_to_what_is_wanted() -> None:
    assert volatility_scale(0.1, 0.2) == pytest.approx(0.5)
    assert volatility_scale(0.1, [0.2, 0.01], leverage_max=3.0) == pytest.approx([0.5, 3.0])


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (lambda: kelly_fraction([0.1, -0.1], 0.0), "fraction must be above 0 and at most 1"),
        (lambda: kelly_fraction([0.1, -0.1], 1.5), "fraction must be above 0 and at most 1"),
        (lambda: kelly_weights(market(), leverage_max=0.0), "leverage_max must be above 0"),
        (lambda: kelly_weights(market(), leverage_max=np.inf), "leverage_max must be a finite"),
        (lambda: fixed_fraction(0.1, 1.5), "risk must be above 0 and at most 1, was 1.5"),
        (lambda: volatility_scale(-0.1, 0.2), "volatility_target must be > 0, was -0.1"),
    ],
)
def test_settings_must_be_possible(size: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        size()


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (lambda: kelly_fraction([0.1, np.nan]), "returns must be finite"),
        (lambda: kelly_weights([0.1, -0.1]), r"returns must be \[bar, asset\]"),
        (lambda: fixed_fraction(0.0), "stop_distance must be > 0, was 0.0"),
        (lambda: fixed_fraction([0.1, np.inf]), "stop_distance must be finite"),
        (lambda: volatility_scale(0.1, [0.2, 0.0]), "volatility must be > 0, was 0.0"),
    ],
)
def test_numbers_must_be_possible(size: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        size()

"""Stakes of one bet grow and fall as Kelly's formulas say."""

import math
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from fanfold.errors import ConfigError, DataError
from fanfold.measures.kelly import kelly_weights
from fanfold.research.sizing_risk import (
    KELLY_BARS,
    SizedRisk,
    SizingRisk,
    drawn_kelly,
    kelly_ruin,
    sizing_risk,
)
from fanfold.simulation.bootstrap import BlockBootstrap
from fanfold.simulation.gbm import GBM
from fanfold.simulation.holding import Holding
from fanfold.simulation.path_risk import path_risk

DRIFT, DEVIATION = 0.0009, 0.03
BET = GBM(drift=DRIFT, volatility=DEVIATION)
"""Its fastest stake is drift / deviation² = 1."""

BARS, PATHS, RUIN = 2_000, 3_000, 0.5

normal = NormalDist().cdf


@cache
def parts_of_kelly() -> SizingRisk:
    return sizing_risk(
        BET, bar_count=BARS, path_count=PATHS, seed=3, kelly=[1.0], fixed=(), ruin=RUIN, threads=1
    )


def growth_of(fraction: float) -> float:
    """Mean log growth in continuous time [1 per bar]."""
    return fraction * DRIFT - 0.5 * (fraction * DEVIATION) ** 2


def ruin_within(fraction: float, bars: int) -> float:
    """Chance that a Brownian motion with drift falls to a bound at some bar's close.

    Karatzas & Shreve (1991), 3.5.C, with the bound moved by 0.5826 deviations of a bar.
    """
    step = fraction * DEVIATION
    bound, drift = math.log(RUIN) - 0.5826 * step, growth_of(fraction)
    spread = step * math.sqrt(bars)
    mirrored = math.exp(2.0 * drift * bound / step**2) * normal((bound + drift * bars) / spread)
    return normal((bound - drift * bars) / spread) + mirrored


@pytest.mark.parametrize("place", range(5))
def test_a_part_of_kelly_grows_as_the_formula_says(place: int) -> None:
    row = parts_of_kelly().rows[place]
    # Held at every bar, not at every instant: that changes growth in the fourth power.
    discrete = (row.size * DEVIATION) ** 4 + (row.size * DRIFT) ** 2
    gap = abs(row.growth_mean.value - growth_of(row.size))
    assert gap < 4.0 * row.growth_mean.standard_error + discrete
    assert row.growth_median == pytest.approx(growth_of(row.size), abs=8e-5)


@pytest.mark.parametrize("place", range(5))
def test_a_part_of_kelly_is_ruined_as_often_as_the_formula_says(place: int) -> None:
    row = parts_of_kelly().rows[place]
    ruined = row.risk.probability_of_ruin
    expected = ruin_within(row.size, BARS)
    # A hundredth for the correction, which is one of the first order.
    assert abs(ruined.value - expected) < 4.0 * max(ruined.standard_error, 1e-3) + 0.01
    # For ever and without gaps between closes it is more: that is the gap to the closed form.
    assert row.ruin_continuous is not None
    assert ruined.value < row.ruin_continuous


def test_ruin_comes_near_to_the_closed_form_where_there_is_time() -> None:
    fast = GBM(drift=0.0036, volatility=0.06)
    found = sizing_risk(
        fast,
        bar_count=8_000,
        path_count=1_000,
        seed=1,
        fractions=(1.0,),
        kelly=[1.0],
        fixed=(),
        ruin=RUIN,
        threads=1,
    ).rows[0]
    # Of the 0.5 for ever, seen at closes 0.0583 · 0.06 deeper: 0.5 · exp(-0.035).
    assert found.ruin_continuous == 0.5
    ruined = found.risk.probability_of_ruin
    assert abs(ruined.value - 0.5 * math.exp(-0.035)) < 4.0 * ruined.standard_error


def test_the_fastest_stake_is_the_fastest_and_larger_ones_are_ruined_more() -> None:
    rows = parts_of_kelly().rows
    growth = [row.growth_mean.value for row in rows]
    ruined = [row.risk.probability_of_ruin.value for row in rows]
    deep = [row.risk.max_drawdown[0.95].value for row in rows]
    assert max(growth) == growth[2]
    assert ruined == sorted(ruined)
    assert deep == sorted(deep)
    assert growth[4] == pytest.approx(0.0, abs=2e-4)  # twice the fastest grows by nothing


def test_weights_are_found_on_the_model_where_none_are_given() -> None:
    pair = GBM(drift=[0.001, 0.0005], volatility=[0.03, 0.02], correlation=[[1, 0.3], [0.3, 1]])
    covariance = np.array([[9e-4, 1.8e-4], [1.8e-4, 4e-4]])
    exact = np.linalg.solve(covariance, [0.001, 0.0005])
    found = sizing_risk(pair, bar_count=50, path_count=100, fractions=(1.0,), fixed=(), threads=1)
    # Of 200,000 bars: a deviation of 1 / (0.02 · sqrt(200,000)) for either weight.
    assert found.kelly == pytest.approx(exact, abs=4.0 / (0.02 * math.sqrt(KELLY_BARS)))
    assert found.kelly_bars == KELLY_BARS
    assert found.rows[0].weights == found.kelly


def test_the_weights_of_a_history_are_found_on_its_bootstrap() -> None:
    history = np.random.default_rng(5).normal(0.001, 0.02, (400, 1))
    model = BlockBootstrap.fit(history, kind="circular", block_bars=1)
    assert drawn_kelly(model, bar_count=100) == pytest.approx(kelly_weights(history), abs=0.5)


def test_fixed_shares_and_volatilities_are_the_holdings_that_they_say() -> None:
    pair = GBM(drift=[0.001, 0.0], volatility=[0.02, 0.01])
    how: dict[str, Any] = {"bar_count": 60, "path_count": 200, "seed": 2, "threads": 1}
    table = sizing_risk(
        pair,
        fractions=(),
        fixed=(0.5,),
        volatility_targets=(0.01,),
        weights=[0.6, 0.4],
        leverage_max=3.0,
        **how,
    )
    half, scaled = table.rows
    target = Holding(weights=[0.6, 0.4], volatility_target=0.01, leverage_max=3.0)
    for row, holding in ((half, Holding(weights=[0.3, 0.2])), (scaled, target)):
        alone = path_risk(pair, weights=holding, **how)
        assert row.risk.terminal_value.mean == alone.terminal_value.mean
        assert row.risk.max_drawdown[0.95] == alone.max_drawdown[0.95]
    assert table.kelly == (0.0, 0.0)
    assert [row.ruin_continuous for row in table.rows] == [None, None]


def test_all_sizes_follow_the_same_paths() -> None:
    one, same = sizing_risk(
        BET, bar_count=30, path_count=50, fractions=(), fixed=(0.5, 0.5), threads=1
    ).rows
    assert one.growth_mean == same.growth_mean


def test_a_stake_that_loses_everything_has_growth_all_the_same() -> None:
    wild = GBM(drift=0.0, volatility=1.0)
    row: SizedRisk = sizing_risk(
        wild, bar_count=400, path_count=50, fractions=(), fixed=(20.0,), threads=1
    ).rows[0]
    assert row.risk.probability_of_ruin.value == 1.0
    assert -30.0 < row.growth_median < -1.0
    assert math.isfinite(row.growth_mean.value)


def test_the_frame_has_a_row_a_size() -> None:
    frame = parts_of_kelly().to_frame()
    assert frame["size"].tolist() == [0.25, 0.5, 1.0, 1.5, 2.0]
    assert frame["gross_weight"].tolist() == [0.25, 0.5, 1.0, 1.5, 2.0]
    assert (frame["probability_of_ruin_low"] <= frame["probability_of_ruin"]).all()
    assert {"max_drawdown_0.95", "value_at_risk_0.99"} <= set(frame.columns)


def test_the_closed_form_of_ruin() -> None:
    assert kelly_ruin(1.0, 0.5) == 0.5
    assert kelly_ruin(0.5, 0.5) == 0.125
    assert kelly_ruin(2.0, 0.5) == kelly_ruin(3.0, 0.5) == 1.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"bar_count": 0}, "bar_count must be"),
        ({"path_count": 0}, "path_count must be"),
        ({"fractions": (0.0,)}, "fractions must be above 0"),
        ({"fixed": (math.nan,)}, "fixed must be above 0"),
        ({"volatility_targets": ("high",)}, "volatility_targets must be numbers"),
        ({"fractions": (), "fixed": ()}, "sizes must be 1 to 50"),
        ({"fixed": (0.5,) * 60}, "sizes must be 1 to 50"),
        ({"kelly": [1.0, 1.0]}, "kelly"),
        ({"weights": [1.0, 1.0]}, "weights"),
        ({"kelly": [90.0]}, "weights must add up"),
        ({"ruin": 1.5}, "ruin must be"),
    ],
)
def test_bad_input_is_one_clear_error(wrong: dict[str, Any], message: str) -> None:
    how: dict[str, Any] = {"bar_count": 5, "path_count": 5, "kelly": [1.0], "threads": 1}
    with pytest.raises(ConfigError, match=message):
        sizing_risk(BET, **(how | wrong))


def test_a_fraction_or_a_bound_that_is_none_has_no_closed_form() -> None:
    with pytest.raises(ConfigError, match="fraction must be"):
        kelly_ruin(0.0, 0.5)
    with pytest.raises(ConfigError, match="ruin must be"):
        kelly_ruin(1.0, 1.0)


def test_a_model_that_never_loses_has_no_fastest_stake() -> None:
    with pytest.raises(DataError, match="leverage_max must be given"):
        drawn_kelly(GBM(drift=0.01, volatility=0.0), bar_count=10)
    capped = drawn_kelly(GBM(drift=0.01, volatility=0.0), bar_count=10, leverage_max=2.0)
    assert capped == pytest.approx((2.0,))

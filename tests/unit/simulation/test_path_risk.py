"""The risk of paths that nobody keeps, against the same paths kept."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.fakes.both_ways import few

from fanfold import measures
from fanfold.errors import ConfigError
from fanfold.simulation.gbm import GBM
from fanfold.simulation.holding import Holding
from fanfold.simulation.path_risk import (
    PathRisk,
    as_levels,
    count_paths,
    no_paths,
    path_risk,
    risk_of,
    risk_spec,
)

BARS = 40
PATHS = 700
MODEL = GBM(drift=[0.002, -0.001], volatility=[0.02, 0.05], correlation=0.3)
WEIGHTS = (0.7, 0.5)


@pytest.fixture(scope="module")
def kept() -> np.ndarray:
    """Returns of a portfolio on kept paths, `[bar, path]`."""
    return (MODEL.draw(bar_count=BARS, path_count=PATHS, seed=9) @ np.array(WEIGHTS)).T


@pytest.fixture(scope="module")
def risk() -> PathRisk:
    return path_risk(
        MODEL, bar_count=BARS, path_count=PATHS, seed=9, levels=(0.8, 0.95), weights=WEIGHTS,
        ruin=0.8, goal=1.2,
    )  # fmt: skip


def test_terminal_values_are_those_of_the_kept_paths(kept: np.ndarray, risk: PathRisk) -> None:
    ends = np.prod(1.0 + kept, axis=0)
    assert risk.path_count == PATHS
    assert risk.terminal_value.mean.value == pytest.approx(ends.mean(), rel=1e-8)
    assert risk.terminal_value.deviation == pytest.approx(ends.std(ddof=1), rel=1e-6)
    for level in (0.8, 0.95):
        assert risk.value_at_risk[level].value == pytest.approx(
            measures.value_at_risk(ends - 1.0, level), abs=1e-5
        )
        assert risk.expected_shortfall[level].value == pytest.approx(
            measures.expected_shortfall(ends - 1.0, level), abs=1e-5
        )


def test_drawdowns_are_those_of_the_kept_paths(kept: np.ndarray, risk: PathRisk) -> None:
    deepest = np.asarray(measures.max_drawdown(kept))
    longest = np.asarray(measures.max_drawdown_bars(kept))
    curves = np.cumprod(np.vstack([np.ones(PATHS), 1.0 + kept]), axis=0)
    under = (measures.drawdowns(curves) > 1e-13).sum(axis=0)
    for level in (0.8, 0.95):
        assert risk.max_drawdown[level].value == pytest.approx(
            np.quantile(deepest, level), abs=1e-4
        )
        assert risk.drawdown_bars[level].value == pytest.approx(np.quantile(longest, level))
        assert risk.bars_under_water[level].value == pytest.approx(np.quantile(under, level))
    assert risk.drawdown_bars.mean.value == pytest.approx(longest.mean())


def test_ruin_and_goal_are_counted_at_every_bar(kept: np.ndarray, risk: PathRisk) -> None:
    curves = np.cumprod(1.0 + kept, axis=0)
    assert risk.probability_of_ruin.value == (curves.min(axis=0) <= 0.8).mean()
    assert risk.probability_of_goal.value == (curves.max(axis=0) >= 1.2).mean()
    assert 0.0 < risk.probability_of_ruin.low < risk.probability_of_ruin.high < 1.0


@few
@given(cuts=st.lists(st.integers(0, 300), max_size=4), chunk=st.integers(1, 400))
def test_chunks_change_no_bit(cuts: list[int], chunk: int) -> None:
    spec = risk_spec(MODEL, bar_count=7, seed=3, weights=WEIGHTS)
    edges = [0, *sorted(cuts), 300]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fanfold.simulation.path_risk.CHUNK_PATHS", chunk)
        parts = no_paths(7)
        for start, stop in itertools.pairwise(edges):
            parts = parts.plus(count_paths(spec, (start, stop)))
    whole = count_paths(spec, (0, 300))
    for name in ("terminal", "depth"):
        one, other = getattr(whole, name), getattr(parts, name)
        assert (one.counts == other.counts).all()
        assert (one.offsets == other.offsets).all()
    assert (whole.longest == parts.longest).all()
    assert (whole.under == parts.under).all()
    assert (whole.ruined, whole.reached) == (parts.ruined, parts.reached)


def test_threads_change_no_bit() -> None:
    found = [
        path_risk(MODEL, bar_count=9, path_count=1000, seed=1, threads=threads)
        for threads in (1, 2, 3, 64)
    ]
    for other in found[1:]:
        assert other.value_at_risk == found[0].value_at_risk
        assert other.expected_shortfall == found[0].expected_shortfall
        assert other.probability_of_ruin == found[0].probability_of_ruin
        assert (other.max_drawdown.counts == found[0].max_drawdown.counts).all()


def test_the_chance_of_ruin_is_that_of_the_reflected_walk() -> None:
    bars, volatility, level = 250, 0.01, 0.85
    risk = path_risk(
        GBM(drift=volatility**2 / 2, volatility=volatility), bar_count=bars, path_count=200_000,
        seed=2, ruin=level,
    )  # fmt: skip
    # A driftless walk seen at bars falls as far as a continuous one to a slightly lower level:
    # Broadie, Glasserman & Kou (1997), A Continuity Correction for Discrete Barrier Options.
    barrier = -math.log(level) + 0.5826 * volatility
    expected = 2 * stats.norm.cdf(-barrier / (volatility * math.sqrt(bars)))
    error = risk.probability_of_ruin.standard_error
    assert abs(risk.probability_of_ruin.value - expected) < 4 * error + 1e-3


def test_leverage_multiplies_each_bars_return() -> None:
    model = GBM(drift=0.0, volatility=0.03)
    kept = 3.0 * model.draw(bar_count=20, path_count=300, seed=5)[:, :, 0].T
    risk = path_risk(model, bar_count=20, path_count=300, seed=5, weights=3.0)
    ends = np.prod(1.0 + kept, axis=0)
    assert risk.terminal_value.mean.value == pytest.approx(ends.mean(), rel=1e-8)


def test_a_portfolio_that_lost_everything_stays_at_nothing() -> None:
    risk = path_risk(
        GBM(drift=0.0, volatility=0.5), bar_count=60, path_count=400, seed=5, weights=20.0
    )
    assert risk.probability_of_ruin.value == 1.0
    assert 0.0 <= risk.terminal_value.quantile(0.5).value < 1e-9
    assert risk.value_at_risk[0.95].value == pytest.approx(1.0)


def test_a_volatility_target_scales_by_what_was_seen_before() -> None:
    model = GBM(drift=0.0, volatility=0.03)
    holding = Holding(weights=1.0, volatility_target=0.01, leverage_max=2.0, start_volatility=0.02)
    returns = model.draw(bar_count=50, path_count=200, seed=5)[:, :, 0]
    value, variance = np.ones(200), np.full(200, 0.02**2)
    for bar in range(50):
        exposure = np.minimum(0.01 / np.sqrt(variance), 2.0)
        value *= 1.0 + exposure * returns[:, bar]
        variance = 0.94 * variance + 0.06 * returns[:, bar] ** 2
    risk = path_risk(model, bar_count=50, path_count=200, seed=5, weights=holding)
    assert risk.terminal_value.mean.value == pytest.approx(value.mean(), rel=1e-8)
    assert risk.terminal_value.deviation == pytest.approx(value.std(ddof=1), rel=1e-6)


def test_nothing_can_be_lost_where_nothing_is_held() -> None:
    risk = path_risk(MODEL, bar_count=5, path_count=100, seed=0, weights=(0.0, 0.0))
    assert risk.value_at_risk[0.99].value == 0.0
    assert risk.max_drawdown[0.99].value == 0.0
    assert risk.bars_under_water.mean.value == 0.0


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"path_count": 0}, "path_count must be a whole number from 1"),
        ({"path_count": 10**10}, "path_count must be a whole number from 1"),
        ({"bar_count": 0}, "bar_count must be a whole number from 1"),
        ({"levels": ()}, "levels must be 1 to 20, were 0"),
        ({"levels": (0.95, 1.0)}, "levels must be between 0 and 1, was 1.0"),
        ({"levels": (math.nan,)}, "levels must be between 0 and 1, was nan"),
        ({"levels": 0.95}, "levels must be numbers between 0 and 1, were 0.95"),
        ({"levels": "many"}, "levels must be numbers between 0 and 1"),
        ({"weights": (0.5,) * 3}, "weights must be 2, one for each asset, were 3"),
        ({"weights": (math.inf, 0.0)}, "weights must be finite"),
        ({"weights": (99.0, 2.0)}, "weights must add up to at most 100 times equity"),
        ({"ruin": 1.0}, "ruin must be between 0 and 1 of the start, was 1.0"),
        ({"goal": 0.5}, "goal must be above 1"),
        ({"ruin": None}, "ruin must be between 0 and 1 of the start, was None"),
        ({"goal": "2"}, "goal must be above 1, the start, was '2'"),
        ({"threads": 0}, "threads must be from 1 to 64"),
        ({"model": "GBM"}, "model must be a path model, was str"),
    ],
)
def test_what_cannot_be_followed_is_refused(asked: dict[str, Any], message: str) -> None:
    given_arguments: dict[str, Any] = {"model": MODEL, "bar_count": 5, "path_count": 10, **asked}
    with pytest.raises(ConfigError, match=message):
        path_risk(given_arguments.pop("model"), **given_arguments)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"volatility_target": 0.0}, "volatility_target must be above 0 and at most 1"),
        ({"volatility_target": 0.1, "leverage_max": 1e6}, "leverage_max must be above 0"),
        ({"volatility_target": 0.1, "leverage_max": None}, "leverage_max must be a number"),
        ({"volatility_target": "much"}, "volatility_target must be above 0 and at most 1"),
        ({"volatility_target": [0.1]}, "volatility_target must be above 0 and at most 1"),
        ({"volatility_target": 0.1, "start_volatility": math.nan}, "start_volatility must be"),
    ],
)
def test_holdings_that_cannot_be_are_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Holding(weights=1.0, **asked)


def test_counters_of_a_cluster_give_the_same_risk() -> None:
    spec = risk_spec(MODEL, bar_count=9, seed=1)
    counted = count_paths(spec, (400, 1000)).plus(count_paths(spec, (0, 400)))
    found = risk_of(spec, counted, as_levels((0.9, 0.95)))
    here = path_risk(MODEL, bar_count=9, path_count=1000, seed=1, levels=(0.9, 0.95))
    assert found.value_at_risk == here.value_at_risk


def test_what_grows_beyond_all_bounds_has_figures_still() -> None:
    risk = path_risk(GBM(drift=500.0, volatility=0.1), bar_count=20, path_count=20)
    assert math.isfinite(risk.terminal_value.mean.value)
    assert math.isfinite(risk.terminal_value.mean.standard_error)
    assert risk.value_at_risk[0.95].value < 0.0


def test_a_result_reads_in_a_few_lines(risk: PathRisk) -> None:
    assert "700 paths, mean" in repr(risk.terminal_value)
    assert len(repr(risk)) < 4000

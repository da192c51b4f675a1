"""Risk by asset, against R's PerformanceAnalytics, Euler's theorem and finite differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError, DataError
from fanfold.measures import expected_shortfall, value_at_risk
from fanfold.measures.portfolio_risk import (
    component_expected_shortfall,
    component_value_at_risk,
    marginal_expected_shortfall,
    marginal_value_at_risk,
)

FIGURES = [
    (component_value_at_risk, value_at_risk, "historical"),
    (component_value_at_risk, value_at_risk, "gaussian"),
    (component_value_at_risk, value_at_risk, "cornish_fisher"),
    (component_expected_shortfall, expected_shortfall, "historical"),
    (component_expected_shortfall, expected_shortfall, "gaussian"),
    (component_expected_shortfall, expected_shortfall, "modified"),
]
WEIGHTS = np.array([0.5, 0.9, -0.4, 0.2])


def skewed(seed: int, bars: int = 300) -> np.ndarray:
    """Four assets with a crash in common and gains of their own."""
    rng = np.random.default_rng(seed)
    market = -rng.exponential(0.01, (bars, 1)) + 0.0105
    return market + 0.01 * rng.standard_t(4, (bars, 4)) + 0.0002


@pytest.mark.parametrize(
    ("component", "name"),
    [(component_value_at_risk, "VaR"), (component_expected_shortfall, "ES")],
)
def test_contributions_equal_performance_analytics_but_for_their_deviation(
    oracle: Callable[[str], Any],
    monthly: Callable[[str], pd.DataFrame],
    component: Callable[..., Any],
    name: str,
) -> None:
    """R's decomposition takes the sample covariance (n - 1), its other figures take n."""
    table = monthly("edhec")
    weights = np.full(table.shape[1], 1 / table.shape[1])
    expected = oracle(f"pa_edhec_component_{name}_gaussian")
    mean, wider = weights * table.mean().to_numpy(), np.sqrt(len(table) / (len(table) - 1))
    found = component(table, weights, method="gaussian")
    ours = (found.contribution + mean) * wider - mean
    assert ours == pytest.approx([expected["contribution"][asset] for asset in table], abs=1e-12)
    assert ours / ours.sum() == pytest.approx([expected["pct"][asset] for asset in table], abs=1e-9)


@pytest.mark.parametrize(("component", "measure", "method"), FIGURES)
@given(seed=st.integers(0, 1_000), level=st.floats(0.8, 0.995))
def test_contributions_add_up_to_the_portfolio(
    component: Callable[..., Any],
    measure: Callable[..., Any],
    method: str,
    seed: int,
    level: float,
) -> None:
    returns = skewed(seed, bars=60)
    found = component(returns, WEIGHTS, level, method)
    assert found.total == measure(returns @ WEIGHTS, level, method)
    assert found.contribution.sum() == pytest.approx(found.total, rel=1e-9, abs=1e-12)
    assert found.share.sum() == pytest.approx(1.0)
    assert found.contribution == pytest.approx(WEIGHTS * found.marginal)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("component", "measure", "method"), FIGURES)
def test_the_marginal_figure_is_the_slope(
    component: Callable[..., Any], measure: Callable[..., Any], method: str, level: float
) -> None:
    for seed in range(5):
        returns = skewed(seed)
        step = 1e-7 * np.eye(4)
        slope = [
            (
                measure(returns @ (WEIGHTS + move), level, method)
                - measure(returns @ (WEIGHTS - move), level, method)
            )
            / 2e-7
            for move in step
        ]
        # Differences of figures near 0.02 over 2e-7 carry rounding of about 1e-9.
        found = component(returns, WEIGHTS, level, method)
        assert found.marginal == pytest.approx(slope, abs=2e-8)


def test_the_modified_shortfall_follows_the_quantile_where_it_is_the_larger_loss() -> None:
    """At a middling level with a large kurtosis the expansion falls short of its quantile."""
    rng = np.random.default_rng(3)
    returns = 0.01 * rng.standard_t(2.5, (400, 4))
    level = 0.99
    quantile = value_at_risk(returns @ WEIGHTS, level, "cornish_fisher")
    assert expected_shortfall(returns @ WEIGHTS, level, "modified") == quantile
    assert component_expected_shortfall(
        returns, WEIGHTS, level, "modified"
    ).marginal == pytest.approx(marginal_value_at_risk(returns, WEIGHTS, level, "cornish_fisher"))


def test_assets_that_share_nothing_contribute_by_their_variance() -> None:
    """Two uncorrelated assets without a mean, one twice as wild: four fifths are its own."""
    calm, wild = np.array([1.0, -1.0, 1.0, -1.0]), np.array([2.0, 2.0, -2.0, -2.0])
    found = component_value_at_risk(np.column_stack([calm, wild]), [0.5, 0.5], method="gaussian")
    assert found.share == pytest.approx([0.2, 0.8])


def test_the_historical_shortfall_is_each_assets_mean_loss_in_the_tail() -> None:
    returns = np.array([[-0.10, 0.02], [-0.02, -0.08], [0.01, 0.01], [0.02, 0.01], [0.03, 0.0]])
    found = component_expected_shortfall(returns, [0.5, 0.5], 0.75)
    assert found.marginal == pytest.approx([0.06, 0.03])
    assert found.total == pytest.approx(0.045)


def test_a_hedge_takes_risk_away() -> None:
    rng = np.random.default_rng(4)
    market = rng.normal(0.0, 0.01, 500)
    both = np.column_stack([market, -market + rng.normal(0.0, 0.001, 500)])
    for method in ("historical", "gaussian", "cornish_fisher"):
        assert component_value_at_risk(both, [1.0, 0.5], method=method).contribution[1] < 0.0


def test_marginal_figures_are_those_of_the_components() -> None:
    returns = skewed(0)
    assert marginal_value_at_risk(returns, WEIGHTS) == pytest.approx(
        component_value_at_risk(returns, WEIGHTS).marginal
    )
    assert marginal_expected_shortfall(returns, WEIGHTS, 0.9, "modified") == pytest.approx(
        component_expected_shortfall(returns, WEIGHTS, 0.9, "modified").marginal
    )


@pytest.mark.parametrize(("component", "measure", "method"), FIGURES)
def test_portfolios_that_never_move_have_their_one_loss(
    component: Callable[..., Any], measure: Callable[..., Any], method: str
) -> None:
    still = np.tile([-0.01, 0.005], (5, 1))
    found = component(still, [1.0, 1.0], method=method)
    assert found.contribution == pytest.approx([0.01, -0.005])
    empty = component(skewed(0), np.zeros(4), method=method)
    assert empty.total == pytest.approx(0.0)
    assert np.isnan(empty.share).all()


@pytest.mark.parametrize("component", [component_value_at_risk, component_expected_shortfall])
def test_bad_input_has_one_clear_error(component: Callable[..., Any]) -> None:
    returns = skewed(0)
    with pytest.raises(DataError, match=r"returns must be \[bar, asset\], had the shape \(300,\)"):
        component(returns[:, 0], [1.0])
    with pytest.raises(DataError, match="weights must be one for each of the 4 assets, were 3"):
        component(returns, [1.0, 0.0, 0.0])
    with pytest.raises(DataError, match="weights must be finite"):
        component(returns, [1.0, 0.0, 0.0, np.nan])
    with pytest.raises(DataError, match="returns must be finite"):
        component(np.full((5, 4), np.nan), WEIGHTS)
    with pytest.raises(ConfigError, match="method must be one of historical, gaussian"):
        component(returns, WEIGHTS, method="normal")
    with pytest.raises(ConfigError, match="level must be between 0 and 1"):
        component(returns, WEIGHTS, 95)

"""Value at risk and expected shortfall, against R's PerformanceAnalytics."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fanfold.errors import ConfigError
from fanfold.measures import expected_shortfall, tail_ratio, value_at_risk

SERIES = arrays(
    float, st.integers(1, 40), elements=st.integers(-500, 500).map(lambda permille: permille / 1000)
)
LEVELS = st.floats(0.5, 0.999)
FIGURES = [
    (value_at_risk, "historical", "VaR_historical"),
    (value_at_risk, "gaussian", "VaR_gaussian"),
    (value_at_risk, "cornish_fisher", "VaR_modified"),
    (expected_shortfall, "historical", "ES_historical"),
    (expected_shortfall, "gaussian", "ES_gaussian"),
    (expected_shortfall, "modified", "ES_modified"),
]


@pytest.fixture(scope="module")
def references(
    oracle: Callable[[str], Any],
    monthly: Callable[[str], pd.DataFrame],
    daily: Callable[[str], pd.Series],
) -> list[tuple[pd.Series, dict[str, float]]]:
    found = [
        (daily(symbol), oracle(f"pa_daily_risk_{symbol}")) for symbol in ("SPY", "MSFT", "IBM")
    ]
    for table in ("edhec", "managers"):
        figures = pd.DataFrame(oracle(f"pa_{table}_risk_given")).T
        found += [(monthly(table)[name].dropna(), figures[name].to_dict()) for name in figures]
    return found


@pytest.mark.parametrize("level", [0.95, 0.99])
@pytest.mark.parametrize(("measure", "method", "name"), FIGURES)
def test_tails_equal_performance_analytics(
    references: list[tuple[pd.Series, dict[str, float]]],
    measure: Callable[..., Any],
    method: str,
    name: str,
    level: float,
) -> None:
    for returns, expected in references:
        value = measure(returns, level=level, method=method)
        assert value == pytest.approx(-expected[f"{name}_{level}"], rel=1e-9)


def test_a_portfolio_equals_its_components_but_for_their_deviation(
    oracle: Callable[[str], Any], monthly: Callable[[str], pd.DataFrame]
) -> None:
    """R's decomposition takes the sample covariance (n - 1), its other figures take n."""
    portfolio = monthly("edhec").mean(axis=1)
    mean, wider = portfolio.mean(), np.sqrt(len(portfolio) / (len(portfolio) - 1))
    for measure, name in [(value_at_risk, "VaR"), (expected_shortfall, "ES")]:
        expected = oracle(f"pa_edhec_component_{name}_gaussian")["total"]
        ours = measure(portfolio, method="gaussian")
        assert (ours + mean) * wider - mean == pytest.approx(expected, rel=1e-9)


@given(SERIES, LEVELS, LEVELS)
def test_a_higher_level_never_has_a_smaller_loss(
    returns: np.ndarray, one: float, other: float
) -> None:
    low, high = sorted([one, other])
    assert value_at_risk(returns, high) >= value_at_risk(returns, low)
    assert value_at_risk(returns, high, "gaussian") >= value_at_risk(returns, low, "gaussian")


@given(SERIES, LEVELS)
def test_the_shortfall_is_never_below_the_value_at_risk(returns: np.ndarray, level: float) -> None:
    for loss, mean in [("historical",) * 2, ("gaussian",) * 2, ("cornish_fisher", "modified")]:
        at_risk = value_at_risk(returns, level, method=loss)  # type: ignore[arg-type]
        assert expected_shortfall(returns, level, method=mean) >= at_risk - 1e-12  # type: ignore[arg-type]


@given(SERIES, LEVELS, st.randoms(use_true_random=False), st.floats(0.1, 10))
def test_tails_ignore_the_order_of_bars_and_grow_with_the_stake(
    returns: np.ndarray, level: float, random: Any, stake: float
) -> None:
    order = list(range(len(returns)))
    random.shuffle(order)
    for measure, method, _ in FIGURES:
        value = measure(returns, level=level, method=method)
        shuffled = measure(stake * returns[order], level=level, method=method)
        assert shuffled == pytest.approx(stake * value, rel=1e-6, abs=1e-9)


def test_the_historical_tail_holds_the_member_it_ends_with() -> None:
    """Nine tenths of eleven bars end exactly on the second worst, rounding or not."""
    returns = np.arange(11.0) / 100.0
    assert value_at_risk(returns, 0.9) == pytest.approx(-0.01)
    assert expected_shortfall(returns, 0.9) == pytest.approx(-0.005)


def test_normal_returns_make_all_methods_agree() -> None:
    returns = stats.norm.ppf(np.linspace(0.0005, 0.9995, 1_000), 0.001, 0.02)
    exact = -stats.norm.ppf(0.05, 0.001, 0.02)
    for method in ("historical", "gaussian", "cornish_fisher"):
        # 1,000 quantiles of a normal are not quite as wide as the normal itself.
        assert value_at_risk(returns, method=method) == pytest.approx(exact, rel=0.01)
    beyond = -0.001 + 0.02 * stats.norm.pdf(stats.norm.ppf(0.05)) / 0.05
    for method in ("historical", "gaussian", "modified"):
        assert expected_shortfall(returns, method=method) == pytest.approx(beyond, rel=0.01)


@pytest.mark.parametrize(("measure", "method", "name"), FIGURES)
def test_a_series_without_variation_has_one_loss(
    measure: Callable[..., Any], method: str, name: str
) -> None:
    assert measure([-0.01] * 5, method=method) == pytest.approx(0.01), name
    assert measure([0.02], method=method) == pytest.approx(-0.02), name


@pytest.mark.parametrize("measure", [value_at_risk, expected_shortfall, tail_ratio])
@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 95, np.nan, np.inf, "0.95", None])
def test_a_level_is_between_zero_and_one(measure: Callable[..., Any], level: Any) -> None:
    with pytest.raises(ConfigError, match="level must be"):
        measure([0.01, -0.01], level=level)


def test_a_method_is_one_of_three() -> None:
    with pytest.raises(
        ConfigError, match="one of historical, gaussian, cornish_fisher, was 'normal'"
    ):
        value_at_risk([0.01, -0.01], method="normal")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="one of historical, gaussian, modified, was 'cornish_"):
        expected_shortfall([0.01, -0.01], method="cornish_fisher")  # type: ignore[arg-type]


def test_the_tail_ratio_compares_the_two_tails() -> None:
    assert tail_ratio([-0.02, 0.0, 0.06], level=0.999_999_9) == pytest.approx(3.0, rel=1e-5)
    assert np.isnan(tail_ratio([0.0, 0.0, 0.1]))

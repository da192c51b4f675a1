"""Reward for risk, against R's PerformanceAnalytics and formulas written out."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.tsa.stattools import acf

from fanfold.errors import ConfigError
from fanfold.measures import (
    adjusted_sharpe_ratio,
    calmar_ratio,
    omega_ratio,
    sharpe_ratio,
    sortino_ratio,
)

SERIES = arrays(float, st.integers(3, 30), elements=st.floats(-0.5, 0.5, width=32))
MONTHS = 12


def varied(returns: np.ndarray) -> np.ndarray:
    assume(np.std(returns) > 1e-6)
    return returns


def autoregressive(rho: float, bars: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0.0, 0.01, bars)
    returns = np.empty(bars)
    returns[0] = noise[0]
    for bar in range(1, bars):
        returns[bar] = rho * returns[bar - 1] + noise[bar]
    return returns + 0.001


@pytest.mark.parametrize(
    ("measure", "name"),
    [
        (sharpe_ratio, "SharpeRatio_StdDev"),
        (lambda r: sharpe_ratio(r, periods_per_year=MONTHS), "SharpeRatio_annualized_arithmetic"),
        (sortino_ratio, "SortinoRatio"),
        (lambda r: calmar_ratio(r, periods_per_year=MONTHS), "CalmarRatio"),
        (omega_ratio, "Omega"),
    ],
)
def test_ratios_equal_performance_analytics(
    oracle: Callable[[str], Any],
    monthly: Callable[[str], pd.DataFrame],
    measure: Callable[..., Any],
    name: str,
) -> None:
    for table, reference in [
        ("edhec", "pa_edhec_perf_given"),
        ("managers", "pa_managers_perf_given"),
    ]:
        for series, expected in oracle(reference)[name].items():
            assert measure(monthly(table)[series].dropna()) == pytest.approx(expected, rel=1e-9)


def test_ratios_above_a_rate_equal_performance_analytics(
    oracle: Callable[[str], Any], monthly: Callable[[str], pd.DataFrame]
) -> None:
    expected = oracle("pa_managers_sharpe_rf_given")
    for name in ("HAM1", "HAM2"):
        returns = monthly("managers")[name].dropna()
        sharpe = sharpe_ratio(returns, risk_free=0.035 / MONTHS)
        assert sharpe == pytest.approx(expected["SharpeRatio"][name], rel=1e-9)
        sortino = sortino_ratio(returns, required_return=0.05 / MONTHS)
        assert sortino == pytest.approx(expected["Sortino_mar"][name], rel=1e-9)


@given(SERIES, st.floats(0.1, 10))
def test_sharpe_and_sortino_do_not_change_with_the_stake(returns: np.ndarray, stake: float) -> None:
    staked = varied(returns) * stake
    assert sharpe_ratio(staked) == pytest.approx(sharpe_ratio(returns), rel=1e-6, abs=1e-9)
    assert sortino_ratio(staked) == pytest.approx(
        sortino_ratio(returns), rel=1e-6, abs=1e-9, nan_ok=True
    )


@given(SERIES, st.randoms(use_true_random=False))
def test_the_other_ratios_ignore_the_order_of_bars(returns: np.ndarray, random: Any) -> None:
    order = list(range(len(varied(returns))))
    random.shuffle(order)
    for measure in (sharpe_ratio, sortino_ratio, omega_ratio):
        assert measure(returns[order]) == pytest.approx(
            measure(returns), rel=1e-6, abs=1e-9, nan_ok=True
        )


def test_the_adjusted_sharpe_ratio_sees_the_order_of_bars() -> None:
    trending, reverting = autoregressive(0.3, 1_000, seed=3), autoregressive(-0.3, 1_000, seed=3)
    assert adjusted_sharpe_ratio(trending) < sharpe_ratio(trending, periods_per_year=252)
    assert adjusted_sharpe_ratio(reverting) > sharpe_ratio(reverting, periods_per_year=252)


@given(SERIES)
def test_opposite_bets_have_opposite_sharpe_ratios(returns: np.ndarray) -> None:
    assert sharpe_ratio(-varied(returns)) == pytest.approx(-sharpe_ratio(returns), abs=1e-9)


def test_sharpe_is_per_bar_unless_told_otherwise() -> None:
    assert sharpe_ratio([0.1, 0.3]) == pytest.approx(math.sqrt(2))
    assert sharpe_ratio([0.1, 0.3], periods_per_year=8) == pytest.approx(4.0)


@pytest.mark.parametrize("lag_count", [0, 1, 5, 251, None])
def test_adjusted_sharpe_equals_lo_written_out(
    daily: Callable[[str], pd.Series], lag_count: int | None
) -> None:
    returns = daily("SPY").to_numpy()
    # 2,768 bars: 4 (27.68)^(2/9) = 8.4
    lags = 8 if lag_count is None else lag_count
    weights = 1.0 - np.arange(1, lags + 1) / 252
    growth = 1.0 + 2.0 * np.sum(weights * acf(returns, nlags=lags)[1:])
    expected = sharpe_ratio(returns, periods_per_year=252) / math.sqrt(growth)
    assert adjusted_sharpe_ratio(returns, lag_count=lag_count) == pytest.approx(expected, rel=1e-9)


def test_adjusted_sharpe_meets_the_closed_form_of_an_autoregression() -> None:
    """Lo (2002), eq. 22: the autocorrelations of an AR(1) are the powers of rho."""
    rho, q, bars = 0.3, 12, 200_000
    returns = autoregressive(rho, bars, seed=1)
    correlated = 2 * rho / (1 - rho) * (1 - (1 - rho**q) / (q * (1 - rho)))
    expected = sharpe_ratio(returns, periods_per_year=q) / math.sqrt(1 + correlated)
    adjusted = adjusted_sharpe_ratio(returns, periods_per_year=q, lag_count=q - 1)
    # Each sampled autocorrelation errs by 1 / sqrt(bars) = 0.2 %, eleven of them by less than 2 %.
    assert adjusted == pytest.approx(expected, rel=0.02)
    assert adjusted < 0.8 * sharpe_ratio(returns, periods_per_year=q)


@pytest.mark.parametrize(("lag_count", "most"), [(252, 251), (-1, 251), (1.5, 251)])
def test_the_number_of_lags_is_bounded(lag_count: Any, most: int) -> None:
    returns = autoregressive(0.1, 1_000, seed=2)
    with pytest.raises(ConfigError, match=r"lag_count must be"):
        adjusted_sharpe_ratio(returns, lag_count=lag_count)
    assert np.isfinite(adjusted_sharpe_ratio(returns, lag_count=most))


def test_the_adjusted_ratio_needs_a_year_of_at_least_one_bar() -> None:
    with pytest.raises(ConfigError, match=r"must be >= 1 for this ratio, was 0\.5$"):
        adjusted_sharpe_ratio([0.1, 0.2, 0.3], periods_per_year=0.5)


def test_the_adjusted_ratio_is_nan_where_a_year_would_not_vary() -> None:
    zigzag = np.tile([0.02, -0.01], 20)
    assert np.isnan(adjusted_sharpe_ratio(zigzag, lag_count=1))


@pytest.mark.parametrize("measure", [sharpe_ratio, sortino_ratio, adjusted_sharpe_ratio])
def test_one_return_has_no_ratio(measure: Callable[..., Any]) -> None:
    assert np.isnan(measure([-0.01]))
    assert np.isnan(measure([[-0.01, 0.02]])).all()


@pytest.mark.parametrize("measure", [sharpe_ratio, adjusted_sharpe_ratio])
@pytest.mark.parametrize("level", [0.0, 0.01, -0.003, 0.1])
def test_equal_returns_have_no_sharpe_ratio(measure: Callable[..., Any], level: float) -> None:
    assert np.isnan(measure(np.full(50, level)))
    equity = 100_000 * (1 + level) ** np.arange(50)
    assert np.isnan(measure(equity[1:] / equity[:-1] - 1.0))


def test_earning_just_the_risk_free_rate_has_no_sharpe_ratio() -> None:
    rates = np.linspace(0.0001, 0.0003, 40)
    assert np.isnan(sharpe_ratio((1.0 + rates) - 1.0, risk_free=rates))


@pytest.mark.parametrize("measure", [sortino_ratio, omega_ratio, calmar_ratio])
def test_a_series_without_losses_has_no_ratio_to_them(measure: Callable[..., Any]) -> None:
    assert np.isnan(measure([0.01, 0.0, 0.02]))


def test_omega_above_the_best_return_is_zero() -> None:
    assert omega_ratio([0.01, 0.02], required_return=0.02) == 0.0

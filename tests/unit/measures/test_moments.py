"""Spread and shape, against R's PerformanceAnalytics and SciPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fanfold.measures import downside_deviation, kurtosis, skewness, volatility

SERIES = arrays(float, st.integers(3, 30), elements=st.floats(-0.5, 0.5, width=32))


@pytest.mark.parametrize(
    ("measure", "name"), [(skewness, "skewness_moment"), (kurtosis, "kurtosis_moment")]
)
def test_shape_equals_performance_analytics(
    oracle: Callable[[str], Any],
    monthly: Callable[[str], pd.DataFrame],
    measure: Callable[..., Any],
    name: str,
) -> None:
    expected = oracle("pa_edhec_risk_given")[name]
    assert measure(monthly("edhec")[list(expected)]) == pytest.approx(
        np.array(list(expected.values())), rel=1e-9
    )


def test_spread_equals_performance_analytics(
    oracle: Callable[[str], Any], monthly: Callable[[str], pd.DataFrame]
) -> None:
    expected = oracle("pa_edhec_perf_given")
    returns = monthly("edhec")[list(expected["StdDev_annualized"])]
    annual = np.array(list(expected["StdDev_annualized"].values()))
    assert volatility(returns, periods_per_year=12) == pytest.approx(annual, rel=1e-9)
    downside = np.array(list(expected["DownsideDeviation_full"].values()))
    assert downside_deviation(returns) == pytest.approx(downside, rel=1e-9)


@given(SERIES)
def test_shape_equals_scipy(returns: np.ndarray) -> None:
    if np.std(returns) < 1e-6:
        return
    assert skewness(returns) == pytest.approx(stats.skew(returns), abs=1e-9)
    assert kurtosis(returns) == pytest.approx(stats.kurtosis(returns, fisher=False), rel=1e-9)


@given(SERIES)
def test_kurtosis_is_at_least_one_and_the_square_of_the_skewness(returns: np.ndarray) -> None:
    if np.std(returns) < 1e-6:
        return
    assert kurtosis(returns) >= (1.0 + np.square(skewness(returns))) * (1 - 1e-9)


@given(SERIES, st.floats(0.1, 10))
def test_volatility_grows_with_the_scale(returns: np.ndarray, scale: float) -> None:
    assert volatility(returns * scale) == pytest.approx(scale * volatility(returns), abs=1e-12)


def test_downside_counts_every_bar() -> None:
    assert downside_deviation([0.0, 0.1, 0.1, -0.2]) == pytest.approx(0.1)
    assert downside_deviation([0.0, 0.1], required_return=0.1) == pytest.approx(0.1 / np.sqrt(2))


@pytest.mark.parametrize("measure", [skewness, kurtosis])
def test_a_constant_series_has_no_shape(measure: Callable[..., Any]) -> None:
    assert np.isnan(measure([0.01, 0.01, 0.01]))
    several = measure(np.array([[0.01, 0.0], [0.01, 0.1], [0.01, 0.3]]))
    assert np.isnan(several).tolist() == [True, False]


def test_one_return_has_no_volatility() -> None:
    assert np.isnan(volatility([0.01]))
    assert np.isnan(volatility([[0.01, 0.02]])).all()


def test_a_series_without_shortfalls_has_no_downside() -> None:
    assert downside_deviation([0.01, 0.0, 0.02]) == 0.0

"""Alpha and beta, against R's PerformanceAnalytics."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import DataError
from fanfold.measures import alpha, beta

MARKET = np.array([0.01, -0.02, 0.03, 0.005, -0.01, 0.02])


def test_alpha_and_beta_equal_performance_analytics(
    oracle: Callable[[str], Any], monthly: Callable[[str], pd.DataFrame]
) -> None:
    expected = oracle("pa_capm")
    managers = monthly("managers")
    both = managers[["HAM2", "SP500 TR", "US 3m TR"]].dropna()
    slope = beta(both["HAM2"], both["SP500 TR"], risk_free=both["US 3m TR"])
    assert slope == pytest.approx(expected["beta_HAM2"], rel=1e-9)
    rest = alpha(managers["HAM1"], managers["SP500 TR"], risk_free=0.035 / 12)
    assert rest == pytest.approx(expected["alpha_HAM1"], rel=1e-9)


@given(st.floats(-3, 3), st.floats(-0.01, 0.01), st.floats(0, 0.001))
def test_a_line_is_found_again(slope: float, rest: float, rate: float) -> None:
    returns = rate + rest + slope * (MARKET - rate)
    assert beta(returns, MARKET, risk_free=rate) == pytest.approx(slope, abs=1e-12)
    assert alpha(returns, MARKET, risk_free=rate) == pytest.approx(rest, abs=1e-12)
    annual = alpha(returns, MARKET, risk_free=rate, periods_per_year=252)
    assert annual == pytest.approx(252 * rest, abs=1e-9)


def test_several_series_share_their_benchmark() -> None:
    table = np.column_stack([MARKET, 2 * MARKET + 0.01])
    assert beta(table, MARKET) == pytest.approx(np.array([1.0, 2.0]))
    assert alpha(table, MARKET) == pytest.approx(np.array([0.0, 0.01]))


@pytest.mark.parametrize("measure", [alpha, beta])
def test_a_benchmark_that_stands_still_explains_nothing(measure: Callable[..., Any]) -> None:
    assert np.isnan(measure(MARKET, np.full(6, 0.001)))
    even_growth = 100.0 * 1.001 ** np.arange(7)  # its returns differ by their rounding
    assert np.isnan(measure(MARKET, even_growth[1:] / even_growth[:-1] - 1.0))
    assert np.isnan(measure([0.01], [0.02]))


@pytest.mark.parametrize("measure", [alpha, beta])
def test_a_benchmark_has_one_return_a_bar(measure: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match="benchmark must be as long as the returns, 6 bars, was 5"):
        measure(MARKET, MARKET[1:])
    with pytest.raises(DataError, match=r"benchmark must be \[bar\], had the shape \(6, 2\)"):
        measure(MARKET, np.column_stack([MARKET, MARKET]))

"""Forecasts one bar ahead: what they are made of, and that nothing later changes them."""

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fanfold.errors import ConfigError, DataError
from fanfold.measures import expected_shortfall, rolling_risk, value_at_risk
from fanfold.measures.coverage import christoffersen_test, kupiec_test, traffic_light
from fanfold.measures.rolling_risk import (
    RollingShortfallMethod,
    RollingValueAtRiskMethod,
    backtest_value_at_risk,
    rolling_expected_shortfall,
    rolling_value_at_risk,
)

LOSSES = [(rolling_value_at_risk, method) for method in get_args(RollingValueAtRiskMethod)]
SHORTFALLS = [(rolling_expected_shortfall, method) for method in get_args(RollingShortfallMethod)]
FORECASTS = LOSSES + SHORTFALLS
SERIES = arrays(
    float, st.integers(6, 30), elements=st.integers(-500, 500).map(lambda permille: permille / 1000)
)


def noise(bars: int, series: int, seed: int) -> np.ndarray:
    return 0.01 * np.random.default_rng(seed).standard_t(5, (bars, series))


@pytest.mark.parametrize(
    ("forecast", "measure", "method"),
    [
        (rolling_value_at_risk, value_at_risk, "historical"),
        (rolling_value_at_risk, value_at_risk, "gaussian"),
        (rolling_value_at_risk, value_at_risk, "cornish_fisher"),
        (rolling_expected_shortfall, expected_shortfall, "historical"),
        (rolling_expected_shortfall, expected_shortfall, "gaussian"),
        (rolling_expected_shortfall, expected_shortfall, "modified"),
    ],
)
def test_a_forecast_is_the_measure_of_the_window_before(
    forecast: Callable[..., Any], measure: Callable[..., Any], method: str
) -> None:
    returns = noise(40, 3, seed=0)
    found = forecast(returns, window=25, level=0.9, method=method)
    assert np.isnan(found[:25]).all()
    for bar in range(25, 40):
        before = returns[bar - 25 : bar]
        assert found[bar] == pytest.approx(measure(before, 0.9, method), rel=1e-12)


def deviations_of(returns: np.ndarray, window: int, decay: float) -> list[float]:
    variances = [float(np.mean(returns[:window] ** 2))]
    for move in returns:
        variances.append(decay * variances[-1] + (1.0 - decay) * move**2)
    return [variance**0.5 for variance in variances]


def test_the_exponential_average_is_that_of_riskmetrics() -> None:
    returns = noise(60, 1, seed=1)[:, 0]
    deviations = deviations_of(returns, 20, 0.94)
    losses = rolling_value_at_risk(returns, window=20, level=0.99, method="ewma")
    beyond = rolling_expected_shortfall(returns, window=20, level=0.99, method="ewma")
    assert losses[20:] == pytest.approx([stats.norm.ppf(0.99) * d for d in deviations[20:60]])
    score = stats.norm.pdf(stats.norm.ppf(0.01)) / 0.01
    assert beyond[20:] == pytest.approx([score * d for d in deviations[20:60]])


def test_filtered_history_is_in_units_of_its_own_deviations() -> None:
    returns = noise(60, 1, seed=2)[:, 0]
    deviations = np.array(deviations_of(returns, 20, 0.9))
    scores = returns / deviations[:60]
    options: dict[str, Any] = {"window": 20, "method": "filtered_historical", "decay": 0.9}
    losses = rolling_value_at_risk(returns, **options)
    beyond = rolling_expected_shortfall(returns, **options)
    for bar in range(20, 60):
        before = scores[bar - 20 : bar]
        quantile = np.quantile(before, 0.05, method="weibull")
        assert losses[bar] == pytest.approx(-deviations[bar] * quantile)
        mean = before[before <= quantile + 1e-14].mean()
        assert beyond[bar] == pytest.approx(-deviations[bar] * mean)


@pytest.mark.parametrize(("forecast", "method"), FORECASTS)
@settings(max_examples=15)
@given(returns=SERIES, changed=SERIES, data=st.data())
def test_nothing_at_or_after_a_bar_changes_its_forecast(
    forecast: Callable[..., Any],
    method: str,
    returns: np.ndarray,
    changed: np.ndarray,
    data: Any,
) -> None:
    bar = data.draw(st.integers(5, len(returns) - 1))
    other = returns.copy()
    other[bar:] = np.resize(changed, len(returns) - bar)
    options = {"window": 5, "level": 0.9, "method": method}
    known = forecast(returns, **options)
    assert np.array_equal(known[: bar + 1], forecast(other, **options)[: bar + 1], equal_nan=True)
    shorter = forecast(returns[: bar + 1], **options)
    assert np.array_equal(known[: bar + 1], shorter, equal_nan=True)


@pytest.mark.parametrize(("forecast", "method"), FORECASTS)
def test_many_series_in_small_batches_equal_each_one_alone(
    forecast: Callable[..., Any], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    returns = noise(30, 5, seed=3)
    whole = forecast(returns, window=10, method=method)
    for series in range(5):
        alone = forecast(returns[:, series], window=10, method=method)
        assert np.array_equal(whole[:, series], alone, equal_nan=True)
    for numbers in (1, 30, 70):
        monkeypatch.setattr(rolling_risk, "WINDOW_NUMBERS_MAX", numbers)
        batched = forecast(returns, window=10, method=method)
        assert np.array_equal(whole, batched, equal_nan=True)


@pytest.mark.parametrize(("forecast", "method"), FORECASTS)
def test_a_series_that_never_moved_has_no_risk_until_it_does(
    forecast: Callable[..., Any], method: str
) -> None:
    returns = np.zeros(20)
    returns[15] = -0.1
    found = forecast(returns, window=10, level=0.8, method=method)
    assert found[10:16] == pytest.approx(0.0)
    assert np.isfinite(found[16:]).all()


def test_methods_that_follow_volatility_are_there_the_next_day() -> None:
    """Returns of one percent, then of three: a window of 100 has seen 5 of them."""
    moves = np.where(np.arange(205) % 2 == 0, 1.0, -1.0) * np.where(np.arange(205) < 200, 1, 3)
    found = {
        method: rolling_value_at_risk(0.01 * moves, window=100, method=method)[-1]
        for method in get_args(RollingValueAtRiskMethod)
    }
    assert found["ewma"] > 1.3 * found["gaussian"]
    assert found["filtered_historical"] > 1.3 * found["historical"]


def test_a_backtest_holds_what_its_parts_give() -> None:
    returns = noise(400, 2, seed=4)
    found = backtest_value_at_risk(returns, window=100, level=0.9, method="ewma")
    forecasts = rolling_value_at_risk(returns, window=100, level=0.9, method="ewma")[100:]
    exceptions = returns[100:] < -forecasts
    assert found.first_bar == 100
    assert np.array_equal(found.forecasts, forecasts)
    assert np.array_equal(found.exceptions, exceptions)
    for mine, theirs in [
        (found.kupiec, kupiec_test(exceptions, 0.9)),
        (found.christoffersen, christoffersen_test(exceptions, 0.9)),
        (found.traffic_light, traffic_light(exceptions, 0.9)),
    ]:
        assert mine.bar_count == 300
        assert np.array_equal(np.asarray(mine.p_value), np.asarray(theirs.p_value))
    beyond = -returns[100:, 0][exceptions[:, 0]]
    assert np.asarray(found.mean_loss_beyond)[0] == pytest.approx(beyond.mean())


def test_without_exceptions_there_is_no_loss_beyond() -> None:
    found = backtest_value_at_risk(np.linspace(-0.01, 0.01, 30), window=10)
    assert found.kupiec.exception_count == 0
    assert np.isnan(found.mean_loss_beyond)


@pytest.mark.parametrize(
    "forecast", [rolling_value_at_risk, rolling_expected_shortfall, backtest_value_at_risk]
)
def test_bad_input_has_one_clear_error(forecast: Callable[..., Any]) -> None:
    returns = noise(30, 1, seed=5)[:, 0]
    with pytest.raises(DataError, match="more bars than the window, 30, had 30"):
        forecast(returns, window=30)
    with pytest.raises(DataError, match="returns must be finite"):
        forecast([0.01, np.nan, 0.02], window=2)
    with pytest.raises(ConfigError, match="window must be a whole number >= 2, was 1"):
        forecast(returns, window=1)
    with pytest.raises(ConfigError, match="level must be between 0 and 1"):
        forecast(returns, window=10, level=1.5)
    with pytest.raises(ConfigError, match=r"method must be one of historical, .*, was 'garch'"):
        forecast(returns, window=10, method="garch")
    with pytest.raises(ConfigError, match="decay must be between 0 and 1, was 1"):
        forecast(returns, window=10, method="ewma", decay=1)

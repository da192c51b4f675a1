"""What every measure refuses, with the same words."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fanfold import measures
from fanfold.errors import ConfigError, DataError

PAIRED: list[Callable[..., Any]] = [
    lambda returns: measures.alpha(returns, returns),
    lambda returns: measures.beta(returns, returns),
    lambda returns: measures.turnover(returns, returns),
]
OF_RETURNS: list[Callable[..., Any]] = [
    *PAIRED,
    measures.adjusted_sharpe_ratio,
    measures.cagr,
    measures.calmar_ratio,
    measures.downside_deviation,
    measures.drawdowns,
    measures.expected_shortfall,
    measures.exposure,
    measures.kurtosis,
    measures.max_drawdown,
    measures.max_drawdown_bars,
    measures.omega_ratio,
    measures.sharpe_ratio,
    measures.skewness,
    measures.sortino_ratio,
    measures.tail_ratio,
    measures.total_return,
    measures.value_at_risk,
    measures.volatility,
    measures.worst_drawdowns,
]
OF_ROUND_TRIPS: list[Callable[..., Any]] = [
    measures.average_loss,
    measures.average_win,
    measures.hit_rate,
    measures.profit_factor,
]
ANNUAL: list[Callable[..., Any]] = [
    measures.adjusted_sharpe_ratio,
    measures.cagr,
    measures.calmar_ratio,
    measures.downside_deviation,
    measures.sharpe_ratio,
    measures.sortino_ratio,
    measures.volatility,
]
RETURNS = np.array([0.01, 0.03, 0.02, -0.01, -0.02, 0.005])


@pytest.mark.parametrize("measure", OF_RETURNS + OF_ROUND_TRIPS)
@pytest.mark.parametrize("fault", [np.nan, np.inf, -np.inf])
def test_missing_and_infinite_numbers_are_refused_with_their_place(
    measure: Callable[..., Any], fault: float
) -> None:
    with pytest.raises(DataError, match=f"must be finite numbers, was {fault} at 2$"):
        measure([0.1, 0.2, fault, 0.1])


@pytest.mark.parametrize("measure", OF_RETURNS)
def test_an_empty_series_is_refused(measure: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match=r"must hold at least one value, had the shape \(0,\)$"):
        measure([])


@pytest.mark.parametrize("measure", OF_ROUND_TRIPS)
def test_no_round_trips_have_no_measure(measure: Callable[..., Any]) -> None:
    assert np.isnan(measure([]))


@pytest.mark.parametrize("measure", OF_RETURNS + OF_ROUND_TRIPS)
@pytest.mark.parametrize(
    "values", [["a", "b"], "abc", None, 0.1, [[1.0], [2.0, 3.0]], [1j], np.zeros((2, 2, 2))]
)
def test_what_is_no_series_is_refused(measure: Callable[..., Any], values: object) -> None:
    with pytest.raises(DataError, match="must be") as caught:
        measure(values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("measure", ANNUAL)
@pytest.mark.parametrize("periods", [0, -252, np.nan, np.inf, "252"])
def test_periods_a_year_must_be_above_zero(measure: Callable[..., Any], periods: object) -> None:
    with pytest.raises(ConfigError, match="periods_per_year must be"):
        measure(RETURNS, periods_per_year=periods)


ONE_EACH = [
    measure
    for measure in OF_RETURNS + OF_ROUND_TRIPS
    if measure not in (measures.worst_drawdowns, measures.drawdowns) and measure not in PAIRED
]


@pytest.mark.parametrize("measure", ONE_EACH)
def test_several_series_give_the_value_of_each_one(measure: Callable[..., Any]) -> None:
    table = np.column_stack([RETURNS, 2 * RETURNS, RETURNS[::-1] - 0.001])
    values = measure(table)
    alone = [measure(table[:, column]) for column in range(3)]
    assert all(isinstance(value, float) for value in alone)
    assert values == pytest.approx(np.array(alone), rel=1e-12)
    assert values.shape == (3,)


def test_a_frame_is_as_good_as_an_array() -> None:
    frame = pd.DataFrame({"a": RETURNS, "b": -RETURNS})
    assert measures.volatility(frame) == pytest.approx(measures.volatility(frame.to_numpy()))


def test_whole_numbers_are_numbers() -> None:
    assert measures.profit_factor([3, -1, -1]) == 1.5


@pytest.mark.parametrize("rate", [np.nan, np.inf])
def test_a_rate_must_be_finite(rate: float) -> None:
    with pytest.raises(ConfigError, match=f"risk_free must be a finite number, was {rate}$"):
        measures.sharpe_ratio(RETURNS, risk_free=rate)


def test_a_rate_a_bar_must_be_as_long_as_the_returns() -> None:
    with pytest.raises(
        DataError, match=r"risk_free must be as long as the returns, 6 bars, was 2$"
    ):
        measures.sharpe_ratio(RETURNS, risk_free=[0.01, 0.02])


def test_a_rate_a_bar_is_taken_from_each_bar() -> None:
    rates = np.linspace(0.0, 0.01, len(RETURNS))
    table = np.column_stack([RETURNS, -RETURNS])
    expected = measures.sharpe_ratio(table - rates[:, None])
    assert measures.sharpe_ratio(table, risk_free=rates) == pytest.approx(expected)


def test_a_message_stays_one_short_line() -> None:
    with pytest.raises(DataError) as caught:
        measures.volatility(["word"] * 1_000)
    assert len(str(caught.value)) < 120
    assert "\n" not in str(caught.value)

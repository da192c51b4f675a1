"""Backtests of the value at risk, against R's rugarch, MATLAB and sums over all outcomes."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fanfold.errors import ConfigError, DataError
from fanfold.measures.coverage import (
    christoffersen_test,
    exceptions_of,
    kupiec_test,
    traffic_light,
)

EXCEPTIONS = arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(1, 4)))
TESTS = [kupiec_test, christoffersen_test, traffic_light]


def first_of(bars: int, count: int) -> np.ndarray:
    return np.arange(bars) < count


@pytest.fixture(scope="module")
def forecasts(reference_data: Path) -> pd.DataFrame:
    return pd.read_parquet(reference_data / "oracles_data" / "var_forecasts_SPY.parquet")


@pytest.mark.parametrize("column", ["hs_0.05", "hs_0.01", "ewma_0.05", "ewma_0.01"])
def test_both_tests_equal_rugarch(
    oracle: Callable[[str], Any], forecasts: pd.DataFrame, column: str
) -> None:
    expected, tail = oracle(f"vartest_SPY_{column}"), float(column.split("_")[1])
    exceptions = exceptions_of(forecasts["ret"], -forecasts[column])
    kupiec = kupiec_test(exceptions, 1 - tail)
    both = christoffersen_test(exceptions, 1 - tail)
    assert (kupiec.bar_count, kupiec.exception_count) == (expected["T"], expected["exceed"])
    transitions = (
        both.calm_to_calm_count,
        both.calm_to_exception_count,
        both.exception_to_calm_count,
        both.exception_to_exception_count,
    )
    assert transitions == tuple(expected[name] for name in ("n00", "n01", "n10", "n11"))
    assert kupiec.statistic == pytest.approx(expected["uc_LR"], abs=1e-8)
    assert kupiec.p_value == pytest.approx(expected["uc_p"], abs=1e-8)
    assert both.statistic == pytest.approx(expected["cc_LR"], abs=1e-8)
    assert both.p_value == pytest.approx(expected["cc_p"], abs=1e-8)


def test_all_three_ratios_equal_those_of_matlab(oracle: Callable[[str], Any]) -> None:
    """57 exceptions in 53 runs, one of five bars, of 1,043 bars that begin and end calm."""
    expected = oracle("matlab_varbacktest_normal95")
    runs = [[True] * 5, *[[True]] * 52]
    bars = [bar for run in runs for bar in [*run, False]]
    exceptions = np.array([False] * (1_043 - len(bars)) + bars)
    found = christoffersen_test(exceptions, 0.95)
    assert found.coverage_statistic == pytest.approx(expected["LRatioPOF"], abs=5e-6)
    assert found.coverage_p_value == pytest.approx(expected["PValuePOF"], abs=5e-6)
    assert found.independence_statistic == pytest.approx(expected["LRatioCCI"], abs=5e-6)
    assert found.independence_p_value == pytest.approx(expected["PValueCCI"], abs=5e-6)
    assert found.statistic == pytest.approx(expected["LRatioCC"], abs=6e-6)
    assert found.p_value == pytest.approx(expected["PValueCC"], abs=5e-6)


def test_a_year_is_sorted_as_the_basel_committee_does() -> None:
    lights = [traffic_light(first_of(250, count)) for count in range(12)]
    assert [light.zone for light in lights] == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 2
    # The published table, in percent of exceptions up to that count.
    table = {0: 8.11, 1: 28.58, 2: 54.32, 3: 75.81, 4: 89.22, 5: 95.88, 6: 98.63, 9: 99.97}
    for count, percent in table.items():
        assert 100 * lights[count].probability == pytest.approx(percent, abs=0.005)


@given(st.integers(1, 400), st.floats(0.5, 0.999), st.data())
def test_probabilities_of_counts_are_binomial(bars: int, level: float, data: Any) -> None:
    count = data.draw(st.integers(0, bars))
    light = traffic_light(first_of(bars, count), level)
    law = stats.binom(bars, 1 - level)
    assert light.probability == pytest.approx(law.cdf(count), rel=1e-9, abs=1e-100)
    assert light.p_value == pytest.approx(law.sf(count - 1), rel=1e-7, abs=1e-100)


def test_the_exact_p_value_adds_up_all_counts_as_unlikely() -> None:
    ratios = [kupiec_test(first_of(40, count), 0.9).statistic for count in range(41)]
    chances = stats.binom(40, 0.1).pmf(np.arange(41))
    for count, ratio in enumerate(ratios):
        expected = sum(p for p, other in zip(chances, ratios, strict=True) if other > ratio - 1e-9)
        assert kupiec_test(first_of(40, count), 0.9).exact_p_value == pytest.approx(expected)


def test_the_exact_test_never_rejects_a_true_level_too_often() -> None:
    for bars, level in itertools.product([20, 100, 250, 750], [0.9, 0.95, 0.99]):
        counts = np.arange(bars + 1)
        outcomes = kupiec_test(counts > np.arange(bars)[:, np.newaxis], level)
        chances = stats.binom(bars, 1 - level).pmf(counts)
        assert chances[np.asarray(outcomes.exact_p_value) < 0.05].sum() <= 0.05


@given(EXCEPTIONS, st.floats(0.5, 0.999))
def test_many_series_are_tested_as_each_one_alone(exceptions: np.ndarray, level: float) -> None:
    for test in TESTS:
        together = test(exceptions, level)
        for at in range(exceptions.shape[1]):
            alone = test(exceptions[:, at], level)
            for name in together.__slots__:
                whole = np.asarray(getattr(together, name))
                assert getattr(alone, name) == (whole[at] if whole.ndim else whole), name


@given(EXCEPTIONS, st.floats(0.5, 0.999))
def test_statistics_are_never_negative_and_p_values_are_shares(
    exceptions: np.ndarray, level: float
) -> None:
    for found in (kupiec_test(exceptions, level), christoffersen_test(exceptions, level)):
        assert np.min(found.statistic) >= 0.0
        assert np.min(found.p_value) >= 0.0
        assert np.max(found.p_value) <= 1.0


@pytest.mark.parametrize("bars", [1, 2, 250])
def test_no_exceptions_and_only_exceptions_have_a_verdict(bars: int) -> None:
    none, all_of_them = np.zeros(bars, dtype=bool), np.ones(bars, dtype=bool)
    assert kupiec_test(none).statistic == pytest.approx(-2 * bars * np.log(0.95))
    assert kupiec_test(all_of_them).statistic == pytest.approx(-2 * bars * np.log(0.05))
    for exceptions in (none, all_of_them):
        both = christoffersen_test(exceptions)
        assert both.independence_statistic == 0.0
        assert both.independence_p_value == 1.0
    assert traffic_light(none).p_value == pytest.approx(1.0)
    assert traffic_light(all_of_them).zone == "red"


def test_exceptions_in_a_row_are_not_independent() -> None:
    in_a_row = first_of(1_000, 50)
    apart = np.arange(1_000) % 20 == 10
    assert kupiec_test(in_a_row).passes()
    assert not christoffersen_test(in_a_row).passes()
    assert christoffersen_test(in_a_row).independence_p_value < 1e-12
    # Fewer than expected one after the other: 50 exceptions in a thousand would give 2.5.
    assert christoffersen_test(apart).passes(at=0.05)


def test_a_verdict_is_one_for_a_series_and_an_array_for_several() -> None:
    assert kupiec_test(first_of(100, 5)).passes() is True
    both = np.column_stack([first_of(100, 5), first_of(100, 30)])
    assert kupiec_test(both).passes().tolist() == [True, False]  # type: ignore[union-attr]
    assert traffic_light(both, 0.95).zone.tolist() == ["green", "red"]  # type: ignore[union-attr]


def test_an_exception_is_a_loss_beyond_the_forecast_and_no_less() -> None:
    returns = np.array([-0.02, -0.011, -0.010, 0.03, -0.02])
    forecast = np.array([np.nan, 0.010, 0.010, 0.010, -0.01])
    assert exceptions_of(returns, forecast).tolist() == [True, False, False, True]
    two = np.column_stack([forecast, forecast])
    assert exceptions_of(np.column_stack([returns, -returns]), two).shape == (4, 2)


@pytest.mark.parametrize(
    ("forecast", "message"),
    [
        ([0.01, 0.01], r"must have the shape of returns, \(3,\), had \(2,\)"),
        ([np.nan] * 3, "value_at_risk must hold at least one value"),
        ([0.01, np.nan, 0.01], "value_at_risk must be finite numbers, was nan at 1"),
        (["a", "b", "c"], "value_at_risk must be an array of numbers"),
    ],
)
def test_forecasts_must_fit_the_returns(forecast: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        exceptions_of([0.01, -0.01, 0.02], forecast)


@pytest.mark.parametrize("test", TESTS)
def test_bad_input_has_one_clear_error(test: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match=r"as exceptions_of\(returns, value_at_risk\) makes them"):
        test([0.01, -0.01])
    with pytest.raises(DataError, match="exceptions must be finite"):
        test([1.0, np.nan])
    with pytest.raises(DataError, match="exceptions must hold at least one value"):
        test([])
    with pytest.raises(ConfigError, match="level must be between 0 and 1, was 1"):
        test([True, False], 1.0)
    with pytest.raises(ConfigError, match="at must be between 0 and 1, was 5"):
        test([True, False]).passes(at=5)

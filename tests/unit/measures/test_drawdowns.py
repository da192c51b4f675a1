"""Growth and falls, against R's PerformanceAnalytics."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fanfold.errors import ConfigError, DataError
from fanfold.measures import (
    cagr,
    calmar_ratio,
    drawdowns,
    max_drawdown,
    max_drawdown_bars,
    max_drawdown_days,
    total_return,
    worst_drawdowns,
)

RETURNS = arrays(float, st.integers(1, 40), elements=st.floats(-1.0, 1.0, width=32))
DAY = 86_400_000_000_000
#                100 → 110 (peak) → 99 → 88 → 110 (recovered) → 121 (peak) → 60.5
FALLS = np.array([100.0, 110.0, 99.0, 88.0, 110.0, 121.0, 60.5])


def grown(returns: Any) -> np.ndarray:
    return np.concatenate([[1.0], np.cumprod(1.0 + np.asarray(returns))])


@pytest.mark.parametrize(
    ("measure", "name"),
    [(lambda r: cagr(r, periods_per_year=12), "Return_annualized"), (max_drawdown, "maxDrawdown")],
)
def test_growth_and_depth_equal_performance_analytics(
    oracle: Callable[[str], Any],
    monthly: Callable[[str], pd.DataFrame],
    measure: Callable[..., Any],
    name: str,
) -> None:
    for series, expected in oracle("pa_edhec_perf_given")[name].items():
        assert measure(monthly("edhec")[series]) == pytest.approx(expected, rel=1e-9)


def test_drawdowns_equal_performance_analytics(
    oracle: Callable[[str], Any], daily: Callable[[str], pd.Series]
) -> None:
    expected = oracle("pa_daily_perf_SPY")
    depth = drawdowns(grown(daily("SPY")))[1:]
    assert np.mean(depth) == pytest.approx(expected["PainIndex"], rel=1e-9)
    assert np.sqrt(np.mean(depth**2)) == pytest.approx(expected["UlcerIndex"], rel=1e-9)


@pytest.mark.parametrize("symbol", ["SPY", "MSFT", "IBM"])
def test_worst_drawdowns_equal_performance_analytics(
    oracle: Callable[[str], Any], daily: Callable[[str], pd.Series], symbol: str
) -> None:
    returns = daily(symbol)
    found = worst_drawdowns(grown(returns), count=5)
    # Bar 0 of the equity is before the first return, so a bar is the return of its number - 1.
    date = [returns.index[0], *returns.index]
    for ours, theirs in zip(found, oracle(f"pa_daily_drawdowns_{symbol}"), strict=True):
        assert date[ours.peak_bar + 1] == pd.Timestamp(theirs["From"])
        assert date[ours.trough_bar] == pd.Timestamp(theirs["Trough"])
        assert ours.depth == pytest.approx(-float(theirs["Depth"]), abs=5e-5)
        if theirs["To"] is None:
            # While a fall lasts, R counts one more bar, of a recovery that has not come.
            assert ours.recovery_bar is None
            assert ours.bar_count == int(theirs["Length"]) - 1
        else:
            assert ours.recovery_bar is not None
            assert date[ours.recovery_bar] == pd.Timestamp(theirs["To"])
            assert ours.bar_count == int(theirs["Length"])


@given(RETURNS)
def test_a_drawdown_is_between_zero_and_one(returns: np.ndarray) -> None:
    assert 0.0 <= max_drawdown(returns) <= 1.0


@given(RETURNS, st.floats(1.0, 1e6))
def test_drawdowns_do_not_depend_on_the_capital(returns: np.ndarray, capital: float) -> None:
    equity = grown(returns)
    assert drawdowns(capital * equity) == pytest.approx(drawdowns(equity), abs=1e-12)


@given(RETURNS)
def test_the_deepest_of_the_drawdowns_is_the_maximum(returns: np.ndarray) -> None:
    found = worst_drawdowns(grown(returns), count=100)
    depths = [drawdown.depth for drawdown in found]
    assert depths == sorted(depths, reverse=True)
    assert max(depths, default=0.0) == pytest.approx(max_drawdown(returns), abs=1e-12)
    lengths = [drawdown.bar_count for drawdown in found]
    assert max(lengths, default=0) == max_drawdown_bars(returns)


@given(RETURNS)
def test_days_of_daily_bars_are_bars(returns: np.ndarray) -> None:
    equity = grown(returns)
    ts = np.arange(len(equity)) * DAY
    assert max_drawdown_days(equity, ts) == max_drawdown_bars(returns)


def test_a_fall_lasts_from_its_peak_to_its_recovery() -> None:
    deepest, second = worst_drawdowns(FALLS)
    assert (second.peak_bar, second.trough_bar, second.recovery_bar) == (1, 3, 4)
    assert (second.bar_count, second.depth) == (3, pytest.approx(0.2))
    assert (deepest.peak_bar, deepest.trough_bar, deepest.recovery_bar) == (5, 6, None)
    assert (deepest.bar_count, deepest.depth) == (1, 0.5)
    assert worst_drawdowns(FALLS, count=1) == (deepest,)


def test_days_are_counted_on_the_calendar() -> None:
    ts = np.array([0, 1, 2, 3, 8, 9, 10]) * DAY  # the recovery comes after a long weekend
    assert max_drawdown_days(FALLS, ts) == 7.0
    assert max_drawdown_days(FALLS, ts.astype("datetime64[ns]")) == 7.0
    assert max_drawdown_days(np.column_stack([FALLS, FALLS[::-1]]), ts).tolist() == [7.0, 9.0]


def test_a_series_that_only_falls_is_measured_from_its_start() -> None:
    assert max_drawdown([-0.1, -0.1]) == pytest.approx(0.19)
    assert max_drawdown_bars([-0.1, -0.1]) == 2
    assert calmar_ratio([-0.5], periods_per_year=1) == -1.0


def test_a_series_that_never_falls_has_no_drawdown() -> None:
    assert max_drawdown([0.1, 0.0, 0.2]) == 0.0
    assert max_drawdown_bars([0.1, 0.0, 0.2]) == 0.0
    assert max_drawdown_days([1.0, 1.0, 2.0], [0, DAY, 2 * DAY]) == 0.0
    assert worst_drawdowns([1.0, 1.0, 2.0]) == ()
    assert max_drawdown_days([1.0], [0]) == 0.0


def test_a_total_loss_is_a_drawdown_of_one() -> None:
    returns = [0.5, -1.0, 0.3]
    assert max_drawdown(returns) == 1.0
    assert total_return(returns) == cagr(returns) == -1.0


def test_debts_are_a_drawdown_above_one() -> None:
    assert drawdowns([100.0, -10.0]).tolist() == [0.0, 1.1]


def test_growth_compounds() -> None:
    assert total_return([0.1, 0.1]) == pytest.approx(0.21)
    assert cagr([0.1, 0.1], periods_per_year=1) == pytest.approx(0.1)
    assert cagr([0.1, 0.1], periods_per_year=2) == pytest.approx(0.21)
    assert cagr([9.0], periods_per_year=1e6) == np.inf


@pytest.mark.parametrize("measure", [total_return, cagr, max_drawdown, max_drawdown_bars])
def test_percentages_are_refused(measure: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match=r"returns must be at least -1, .* was -1\.5$"):
        measure([0.7, -1.5, 0.2])
    with pytest.raises(DataError, match="returns must compound to a finite equity"):
        measure(np.full(1_000, 3.0))


@pytest.mark.parametrize("first", [0.0, -5.0])
def test_equity_must_start_above_zero(first: float) -> None:
    with pytest.raises(DataError, match="equity must be above 0 at the first bar, was"):
        drawdowns([first, 1.0])


@pytest.mark.parametrize(
    "ts", [[0, 1], [0.0, 1.0, 2.0], [[0, 1, 2]], ["a", "b", "c"], [0, 1, 1], [2, 1, 0]]
)
def test_times_must_be_increasing_nanoseconds(ts: Any) -> None:
    with pytest.raises(DataError, match=r"^ts must"):
        max_drawdown_days([1.0, 2.0, 3.0], ts)


@pytest.mark.parametrize("count", [0, -1, 1.5, np.nan, None])
def test_how_many_drawdowns_must_be_a_whole_number(count: Any) -> None:
    with pytest.raises(ConfigError, match="count must be"):
        worst_drawdowns(FALLS, count=count)

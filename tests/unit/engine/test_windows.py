"""Runs over several windows put together, and metrics that stand beside another library."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.fakes.decisions import GuardTheAccount, MindTheAccount, Wander
from tests.fakes.panels import flat_bars, wild_bars
from tests.fakes.runs import Case, cases, run

from fanfold import measures as m
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.metrics import measured, metrics_of, shape_of_sums
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.windows import Window, merged
from fanfold.execution.costs import Costs
from fanfold.strategies import BuyAndHold

KINDS = st.sampled_from([Wander, MindTheAccount, GuardTheAccount]).flatmap(
    lambda kind: st.builds(kind, seed=st.integers(0, 99), short=st.booleans())
)

BARS = wild_bars(5, 90, 3, unknown_volume=False)
SEAMS = ((8, 30), (29, 55), (60, 90))


def windows(strategy: Wander, **how: Any) -> list[Result]:
    """One strategy on three windows, two of which follow each other."""
    terms = terms_of(options=FillOptions(close_at_end=True), costs=Costs(commission_bps=10), **how)
    return [
        run_backtest(strategy, BARS, replace(terms, start_bar=first, end_bar=last))
        for first, last in SEAMS
    ]


def as_one(runs: list[Result]) -> dict[str, float]:
    together = merged(
        [measured(one.outcome.accounts, one.bars, one.first) for one in runs],
        [one.terms.cash for one in runs],
    )
    columns = metrics_of(together, cash=runs[0].terms.cash, periods_per_year=BARS.periods_per_year)
    return {name: column[0].item() for name, column in columns.items()}


@given(strategy=KINDS, case=cases(bars=(12, 90)))
@settings(max_examples=12)
def test_skewness_and_kurtosis_are_those_of_scipy(strategy: Wander, case: Case) -> None:
    result = run(strategy, *case)
    returns = np.asarray(result.returns)
    # Where nearly nothing varies all digits of the moments are rounding.
    assume(result.status == "ok" and len(returns) > 2)
    assume(np.std(returns) > 1e-4 * np.abs(returns).max() and np.std(returns) > 1e-9)
    assert result.metrics["skewness"] == pytest.approx(
        scipy.stats.skew(returns), rel=1e-6, abs=1e-6
    )
    kurtosis = scipy.stats.kurtosis(returns, fisher=False)
    assert result.metrics["kurtosis"] == pytest.approx(kurtosis, rel=1e-6)


def test_returns_that_do_not_vary_have_no_shape() -> None:
    returns = np.full(50, 0.01)
    sums = np.array([np.sum(returns**power) for power in (1, 2, 3, 4)])
    deviation, skewness, kurtosis = shape_of_sums(sums, np.int64(50))
    assert deviation == pytest.approx(0.0, abs=1e-9)
    assert math.isnan(skewness)
    assert math.isnan(kurtosis)


@given(strategy=KINDS, case=cases(bars=(12, 60), cash=100_000))
@settings(max_examples=12)
def test_net_exposure_is_the_equity_weighted_mean_of_what_was_held(
    strategy: Wander, case: Case
) -> None:
    result = run(strategy, *case)
    assume(result.status == "ok")
    equity = np.asarray(result.equity)
    net = np.asarray(result.exposure["net"]) * equity
    # Equity is added up in units of about one unit of currency.
    slack = 2.2 * len(equity) / equity.sum()
    assert result.metrics["net_exposure"] == pytest.approx(net.sum() / equity.sum(), abs=slack)


def test_what_is_held_long_and_short_is_counted_with_its_sign() -> None:
    bars = flat_bars(np.full(12, 100.0))
    held = run(BuyAndHold(invested=0.5), bars, terms_of(venue="ideal", start_bar=0))
    # Bought at the second of twelve bars.
    assert held.metrics["net_exposure"] == pytest.approx(0.5 * 11 / 12, abs=1e-4)


@given(strategy=KINDS)
@settings(max_examples=12)
def test_windows_as_one_account_have_the_ratios_of_their_returns_one_after_the_other(
    strategy: Wander,
) -> None:
    runs = windows(strategy)
    assume(all(one.status == "ok" for one in runs))
    found, per_year = as_one(runs), BARS.periods_per_year
    returns = np.concatenate([np.asarray(one.returns) for one in runs])
    growth = math.prod(float(one.final_cash) / 100_000 for one in runs)
    assert found["return_count"] == len(returns)
    assert found["total_return"] == pytest.approx(growth - 1.0, abs=1e-9)
    assert found["final_equity"] == pytest.approx(100_000 * growth, abs=1e-3)
    if np.std(returns) > 1e-9:
        assert found["sharpe"] == pytest.approx(
            m.sharpe_ratio(returns, periods_per_year=per_year), rel=1e-9, abs=1e-9
        )
        assert found["skewness"] == pytest.approx(scipy.stats.skew(returns), rel=1e-6, abs=1e-6)
    assert found["cagr"] == pytest.approx(m.cagr(returns, per_year), rel=1e-9, abs=1e-12)


def test_windows_as_one_account_add_up_what_can_be_added() -> None:
    runs = windows(Wander(seed=3))
    found = as_one(runs)
    for name in ("fees", "round_trip_count", "fill_count", "return_count", "financing"):
        assert found[name] == pytest.approx(sum(one.metrics[name] for one in runs)), name
    assert found["max_drawdown"] == max(one.metrics["max_drawdown"] for one in runs)
    assert found["max_drawdown_days"] == max(one.metrics["max_drawdown_days"] for one in runs)
    trips = sum(one.metrics["round_trip_count"] for one in runs)
    wins = sum(one.metrics["hit_rate"] * one.metrics["round_trip_count"] for one in runs)
    assert found["hit_rate"] == pytest.approx(wins / trips)
    bought = sum(
        one.metrics["turnover"] * one.equity.mean() * one.metrics["return_count"] for one in runs
    )
    bars = np.concatenate([np.asarray(one.equity) for one in runs])
    assert found["turnover"] == pytest.approx(
        bought / bars.mean() / found["return_count"], rel=1e-4
    )


def test_one_window_is_itself() -> None:
    run_alone = windows(Wander(seed=3))[1]
    assert repr(as_one([run_alone])) == repr(run_alone.metrics)


def test_windows_of_different_cash_grow_from_the_first() -> None:
    first, second, third = windows(Wander(seed=3))
    poor = windows(Wander(seed=3), cash=50_000)[1]
    growth = [float(one.final_cash) / one.terms.cash * 1e6 for one in (first, poor, third)]
    assert as_one([first, poor, third])["total_return"] == pytest.approx(math.prod(growth) - 1.0)
    assert as_one([poor, first])["final_equity"] == pytest.approx(
        50_000 * growth[1] * growth[0], abs=1e-3
    )
    assert second.terms.cash != poor.terms.cash


def test_of_two_windows_in_which_all_is_lost_nothing_is_left() -> None:
    bars = flat_bars([10.0] * 4 + [0.5] * 4)
    terms = terms_of(venue="ideal", leverage=2.0, start_bar=0)
    lost = run_backtest(BuyAndHold(invested=2.0), bars, terms)
    assert lost.status == "ruined"
    assert lost.metrics["total_return"] < -1.0
    found = as_one([lost, lost])
    assert found["total_return"] <= -1.0


def test_a_window_tells_its_days_and_its_measured_bars() -> None:
    window = Window(3, 9)
    assert window.bar_count == 5
    bars = flat_bars(np.full(12, 10.0))
    days = bars.session_day[[4, 8]].astype("datetime64[D]").astype(str)
    assert window.days(bars) == tuple(days)

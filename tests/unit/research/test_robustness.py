"""Worse terms against runs made by hand and sums written out."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.fakes.panels import bars_of, flat_bars

from fanfold.domain.bars import Bars
from fanfold.domain.panel import VOLUME
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.options import DELAY_BARS_MAX, FillOptions
from fanfold.execution.costs import Costs
from fanfold.research.robustness import Robustness, doubled, robustness_of
from fanfold.strategies import SmaCross, Strategy

STRATEGY = SmaCross(fast=3, slow=12)
COSTS = Costs(commission_bps=2.0, slippage_bps=3.0)


def trending_bars(seed: int = 3, bar_count: int = 400) -> Bars:
    """Two assets whose returns persist, so that following them pays."""
    rng = np.random.default_rng(seed)
    drift = 0.004 * np.sign(np.sin(np.arange(bar_count) / 15.0))[:, None]
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.008, (bar_count, 2)) + drift, axis=0))
    open_ = close * np.exp(rng.normal(0.0, 0.002, close.shape))
    high, low = np.maximum(open_, close) * 1.001, np.minimum(open_, close) * 0.999
    volume = rng.integers(50_000, 200_000, close.shape).astype(float)
    return bars_of(np.stack([open_, high, low, close, volume]))


def asked(bars: Bars, strategy: Strategy = STRATEGY, **terms: Any) -> Robustness:
    own = terms_of(**({"costs": COSTS} | terms))
    return robustness_of(strategy, bars, own, run_backtest(strategy, bars, own))


@pytest.fixture(scope="module")
def bars() -> Bars:
    return trending_bars()


@pytest.fixture(scope="module")
def found(bars: Bars) -> Robustness:
    return asked(bars)


def test_a_run_that_pays_the_break_even_cost_as_well_ends_where_it_began(
    bars: Bars, found: Robustness
) -> None:
    assert found.break_even_bps is not None
    more = Costs(commission_bps=2.0 + found.break_even_bps, slippage_bps=3.0)
    result = run_backtest(STRATEGY, bars, terms_of(costs=more))
    traded = float(result.fills["amount"].sum())
    # The search ends within 0.05 bps of what is traded.
    assert abs(result.metrics["total_return"]) * 100_000 < 0.05e-4 * traded
    assert found.break_even_bps > 10.0


def test_twice_the_cost_is_a_run_with_every_cost_doubled(bars: Bars, found: Robustness) -> None:
    twice = Costs(commission_bps=4.0, slippage_bps=6.0)
    assert found.twice_cost == run_backtest(STRATEGY, bars, terms_of(costs=twice)).metrics


def test_one_bar_later_is_a_run_whose_orders_wait_a_bar(bars: Bars, found: Robustness) -> None:
    later = terms_of(costs=COSTS, options=FillOptions(delay_bars=2))
    assert found.one_bar_later == run_backtest(STRATEGY, bars, later).metrics
    assert found.one_bar_later != run_backtest(STRATEGY, bars, terms_of(costs=COSTS)).metrics


def test_the_five_best_are_counted_against_the_profit_of_all(bars: Bars, found: Robustness) -> None:
    pnl = run_backtest(STRATEGY, bars, terms_of(costs=COSTS)).round_trips["pnl"].tolist()
    assert len(pnl) > 5
    expected = sum(sorted(pnl, reverse=True)[:5]) / sum(pnl)
    assert found.best_five_share == pytest.approx(expected, rel=1e-12)


def test_capacity_is_the_cash_at_which_impact_eats_half_of_the_profit(
    bars: Bars, found: Robustness
) -> None:
    """The impact of every fill written out, at a size, by the square-root law."""
    result = run_backtest(STRATEGY, bars, terms_of(costs=COSTS))
    profit = float(result.equity.iloc[-1]) - 100_000.0

    def impact(times: float) -> float:
        cost = 0.0
        for fill in result.fills.itertuples():
            asset = bars.symbols.index(fill.symbol)
            bar = int(np.searchsorted(bars.ts, fill.ts.value))
            close = bars.close[:bar, asset]
            returns = (close[1:] / close[:-1] - 1.0)[-20:]
            before = slice(max(bar - 20, 0), bar)
            turnover = (bars.close[before, asset] * bars.volume[before, asset]).mean()
            amount = fill.amount * times
            cost += returns.std(ddof=1) * math.sqrt(amount / turnover) * amount
        return cost

    assert found.capacity is not None
    times = found.capacity / 100_000.0
    # Two orders of the same sums, and a rolling deviation beside a direct one.
    assert impact(times) == pytest.approx(0.5 * profit * times, rel=1e-6)


def test_a_run_that_lost_has_nothing_to_break_even(bars: Bars) -> None:
    lost = asked(bars, costs=Costs(commission_bps=500.0))
    assert lost.break_even_bps is lost.best_five_share is lost.capacity is None
    assert lost.reasons == {
        "break_even_bps": "the run made no profit",
        "best_five_share": "the round trips together made no profit",
        "capacity": "the run made no profit",
    }
    assert lost.twice_cost is not None


def test_a_run_that_never_traded_says_so() -> None:
    flat = asked(flat_bars([10.0] * 40))
    assert flat.reasons["break_even_bps"] == "the run made no profit"
    assert flat.reasons["best_five_share"] == "no round trip was completed"


def test_without_volume_there_is_no_capacity(bars: Bars) -> None:
    panel = bars.panel.copy()
    panel[VOLUME] = np.nan
    unknown = asked(replace(bars, panel=panel))
    assert unknown.capacity is None
    assert unknown.reasons == {"capacity": "volume or volatility is not known where it traded"}


def test_adjusted_bars_without_their_raw_volume_have_no_capacity(bars: Bars) -> None:
    adjusted = asked(replace(bars, basis="total_return"))
    assert adjusted.reasons == {
        "capacity": "volume in units as traded is not known for adjusted bars"
    }
    raw = asked(replace(bars, basis="total_return", raw=bars.panel))
    assert raw.capacity == pytest.approx(asked(bars).capacity, rel=1e-12)


def test_an_edge_beyond_every_cost_says_how_much_was_tried(bars: Bars) -> None:
    held = asked(flat_bars(np.geomspace(10.0, 1_000.0, 60)))
    assert held.break_even_bps is None
    assert "bps would be needed" in held.reasons["break_even_bps"]


def test_orders_that_wait_as_long_as_they_can_wait_no_longer(bars: Bars) -> None:
    options = FillOptions(delay_bars=DELAY_BARS_MAX)
    late = asked(bars, options=options)
    assert late.one_bar_later is None
    assert late.reasons["one_bar_later"] == "orders wait as long as they can already"


def test_every_rate_is_doubled_and_fees_set_by_law_are_not() -> None:
    costs = Costs(
        commission_bps=1.0,
        commission_per_unit=0.005,
        commission_per_trade=1.0,
        commission_min=2.0,
        slippage_bps=3.0,
        half_spread=0.01,
        volatility_slippage=0.1,
        impact=0.5,
        borrow_rate=0.02,
        margin_rate=0.05,
        schedule="alpaca",
    )
    before, after = costs.model_dump(), doubled(costs).model_dump()
    assert after.pop("schedule") == before.pop("schedule")
    assert after == {name: 2.0 * value for name, value in before.items()}

"""When and at what price orders fill."""

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.decisions import MindTheAccount, Wander, scripted
from tests.fakes.panels import flat_bars, wild_markets
from tests.fakes.runs import run, tape_of

from fanfold.domain.bars import Bars
from fanfold.domain.orders import AT_OPEN
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.execution.costs import Costs

STRATEGIES = st.one_of(
    st.builds(Wander, seed=st.integers(0, 99), pace=st.just(0.5)),
    st.builds(MindTheAccount, seed=st.integers(0, 99)),
)
WITHOUT_END = FillOptions(fractional=True)


@given(strategy=STRATEGIES, bars=wild_markets(), slippage=st.sampled_from([0.0, 5.0, 123.4]))
def test_a_fill_is_at_the_open_with_slippage_against_the_order(
    strategy: Wander, bars: Bars, slippage: float
) -> None:
    terms = terms_of(costs=Costs(slippage_bps=slippage), options=WITHOUT_END)
    for fill in tape_of(run(strategy, bars, terms))["fills"]:
        bar, asset, lots, price = fill.bar, fill.asset, fill.lots, fill.price
        side = 1 if lots > 0 else -1
        slipped = Decimal(bars.open[bar, asset] * (1.0 + side * slippage / 10_000))
        exact = slipped.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
        # The price in millionths is a rounded product of floats: half a unit more or less.
        assert abs(Decimal(price) / 1_000_000 - exact) <= Decimal("0.000001")
        assert (price - bars.open[bar, asset] * 1e6) * side >= -1.0


def test_an_order_waits_for_the_next_bar_that_trades() -> None:
    nan = float("nan")
    bars = flat_bars([10.0, 11.0, nan, nan, 12.0, 13.0])
    result = run(scripted(0, 1), bars, terms_of(venue="ideal"))
    assert tape_of(result)["fills"][0][:5] == (4, AT_OPEN, 0, 8_333, 12_000_000)


def test_a_bar_without_volume_fills_nothing() -> None:
    bars = flat_bars([10.0, 10.0, 10.0, 10.0])
    panel = bars.panel.copy()
    panel[4, 1] = 0.0
    quiet = flat_bars([10.0] * 4).__class__(
        **{name: getattr(bars, name) for name in vars(bars) if name != "panel"}, panel=panel
    )
    result = run(scripted(1), quiet, terms_of())
    assert [fill.bar for fill in tape_of(result)["fills"]] == [2]


def test_a_reversal_is_a_close_then_an_open() -> None:
    bars = flat_bars([10.0] * 5)
    result = run(scripted(0.5, -0.5, -0.5), bars, terms_of())
    fills = result.fills
    assert fills["order_id"].tolist() == ["A0-0-open", "A0-1-close", "A0-1-open"]
    assert fills["side"].tolist() == ["buy", "sell", "sell"]
    assert fills["quantity"].tolist() == [5_000.0, 5_000.0, 5_000.0]


def test_a_partial_quantity_is_tried_again_while_the_goal_stands() -> None:
    # Sized at 10 for all the cash, met at 20: half of it fits, and the price comes back.
    bars = flat_bars([10.0, 20.0, 10.0, 10.0], [10.0, 10.0, 10.0, 10.0])
    result = run(scripted(1), bars, terms_of(cash=1_000))
    assert result.fills["quantity"].tolist() == [50.0]
    assert result.orders["reason"].tolist()[0] == "buying_power"
    # Cash is gone, so what is still wanted is asked for and refused, once.
    assert result.final_cash == 0


def test_a_target_restated_unchanged_sends_nothing_new() -> None:
    bars = flat_bars(np.linspace(10.0, 30.0, 12))
    result = run(scripted(0.5), bars, terms_of())
    assert len(result.orders) == 1


def test_a_weight_that_leaves_its_band_is_traded_back() -> None:
    bars = flat_bars([10.0, 10.0, 10.0, 20.0, 20.0, 20.0])
    idle = run(scripted(0.5), bars, terms_of())
    back = run(scripted(0.5), bars, terms_of(options=FillOptions(rebalance_band=0.1)))
    assert len(idle.fills) == 1
    # At 20 the 5,000 shares are 100,000 of 150,000; half of it is 3,750 shares.
    assert back.fills["side"].tolist() == ["buy", "sell"]
    assert back.fills["quantity"].tolist() == [5_000.0, 1_250.0]


@pytest.mark.parametrize("size_at", ["decision", "fill"])
def test_small_changes_send_nothing_but_exits_do(size_at: str) -> None:
    bars = flat_bars([10.0] * 8)
    options = FillOptions(size_at=size_at, min_trade_weight=0.1)  # type: ignore[arg-type]
    result = run(scripted(0.5, 0.5, 0.55, 0.55, 0.05, 0.05, 0.0), bars, terms_of(options=options))
    assert result.fills["side"].tolist() == ["buy", "sell", "sell"]
    assert result.fills["quantity"].tolist() == [5_000.0, 4_500.0, 500.0]


def test_sized_at_the_fill_an_order_pays_its_costs_out_of_its_target() -> None:
    bars = flat_bars([10.0, 20.0, 20.0])
    terms = terms_of(
        cash=1_000, costs=Costs(commission_bps=100.0), options=FillOptions(size_at="fill")
    )
    result = run(scripted(1), bars, terms)
    # 49 shares at 20 and one percent are 989.80; 50 would be 1,010.
    assert result.fills["quantity"].tolist() == [49.0]


def test_positions_stay_marked_at_the_end_and_are_no_round_trips() -> None:
    bars = flat_bars([10.0, 10.0, 12.0])
    result = run(scripted(1), bars, terms_of())
    assert len(result.round_trips) == 0
    assert result.metrics["final_equity"] == 120_000.0


def test_close_at_end_closes_them_with_costs() -> None:
    bars = flat_bars([10.0, 10.0, 12.0])
    terms = terms_of(costs=Costs(commission_bps=100.0), options=FillOptions(close_at_end=True))
    result = run(scripted(0.5), bars, terms)
    assert result.fills["side"].tolist() == ["buy", "sell"]
    assert result.fills["price"].tolist() == [10.0, 12.0]
    # 5,000 shares: 500 of fee on 50,000 and 600 on 60,000, 10,000 earned.
    assert result.metrics["final_equity"] == 100_000.0 + 10_000.0 - 500.0 - 600.0
    assert result.round_trips["pnl"].tolist() == [8_900.0]


def test_what_is_opened_at_the_last_open_and_closed_at_the_last_close_is_one_trip() -> None:
    bars = flat_bars([10.0, 10.0, 10.0], [10.0, 10.0, 12.0])
    result = run(scripted(0, 1), bars, terms_of(options=FillOptions(close_at_end=True)))
    assert result.fills["side"].tolist() == ["buy", "sell"]
    assert result.round_trips[["quantity", "entry_price", "exit_price"]].to_numpy().tolist() == [
        [10_000.0, 10.0, 12.0]
    ]

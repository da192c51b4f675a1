"""From results to what reports show: the estimate of slippage, and what is filled in."""

import numpy as np
import pytest
from tests.fakes.panels import wild_bars

from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.options import FillOptions
from fanfold.execution.costs import Costs
from fanfold.strategies import SmaCross
from fanfold.workflows.views import run_view, slippage_of_fills

STRATEGY = SmaCross(fast=2, slow=5)


@pytest.mark.parametrize("close_at_end", [False, True])
def test_slippage_is_what_fills_cost_beyond_their_references(*, close_at_end: bool) -> None:
    terms = terms_of(
        costs=Costs(slippage_bps=20.0),
        venue="ideal",
        options=FillOptions(fractional=True, close_at_end=close_at_end),
    )
    result = run_backtest(STRATEGY, wild_bars(4, 200, 2, absent_share=0.0), terms)
    fills = result.fills
    share = np.where(fills["side"] == "buy", 0.002 / 1.002, 0.002 / 0.998)
    assert len(fills) > 20
    # Prices are rounded to 1e-6, amounts as well.
    rounding = 1e-6 * fills["quantity"].to_numpy() + 1e-6
    difference = slippage_of_fills(result) - (fills["amount"] * share).to_numpy()
    assert (np.abs(difference) <= rounding).all()


def test_without_slippage_nothing_is_estimated() -> None:
    result = run_backtest(
        STRATEGY, wild_bars(4, 200, 2), terms_of(venue="ideal", costs=Costs(commission_bps=3.0))
    )
    rounded = 1e-6 * result.fills["quantity"].to_numpy() + 1e-9  # a price is rounded to 1e-6
    assert len(rounded) > 20
    assert (slippage_of_fills(result) <= rounded).all()


def test_a_view_holds_what_the_result_holds_on_one_index() -> None:
    result = run_backtest(STRATEGY, wild_bars(4, 200, 2, session_bars=3), terms_of())
    view = run_view("Named", result, ["a note"])
    bars, first = result.bars, result.first
    assert view.name == "Named"
    assert view.notes == ["a note"]
    assert list(view.prices) == list(bars.symbols)
    for asset, price in enumerate(view.prices.values()):
        assert price.index.equals(view.equity.index)
        assert np.array_equal(price, bars.close[first:, asset], equal_nan=True)
    assert view.session_days is not None
    assert view.session_days.tolist() == bars.session_day[first:].tolist()
    assert view.exposure is not None
    assert view.exposure["gross"].iloc[-1] == pytest.approx(
        1.0 - float(result.final_cash) / view.equity.iloc[-1], abs=1e-9
    )
    assert view.robustness is not None
    assert view.robustness.twice_cost is not None

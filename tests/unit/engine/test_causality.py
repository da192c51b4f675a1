"""Nothing hangs on what comes later, nor on the order in which assets stand."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.decisions import MindTheAccount, Wander, scripted
from tests.fakes.panels import flat_bars, wild_markets
from tests.fakes.runs import any_terms, run, tape_of

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.spec import Terms
from fanfold.execution.costs import Costs
from fanfold.strategies import MomentumRotation

STRATEGIES = st.one_of(
    st.builds(Wander, seed=st.integers(0, 99)),
    st.builds(MindTheAccount, seed=st.integers(0, 99)),
)
LONG = wild_markets(bars=(16, 60))


@given(strategy=STRATEGIES, bars=LONG, terms=any_terms(), cut=st.floats(0.4, 0.9))
def test_cutting_the_future_changes_no_past_decision_or_fill(
    strategy: Wander, bars: Bars, terms: Terms, cut: float
) -> None:
    stop = max(int(bars.bar_count * cut), 6)
    past = bars.select(end=_end_of(bars, stop - 1))
    assert past.bar_count == stop
    terms = _left_open(terms)
    assert _up_to(run(strategy, bars, terms), stop) == _up_to(run(strategy, past, terms), stop)


@given(
    strategy=STRATEGIES,
    bars=LONG,
    terms=any_terms(cash=100_000),
    factor=st.sampled_from([0.01, 0.9, 5.0]),
)
def test_perturbing_the_future_changes_no_past_decision_or_fill(
    strategy: Wander, bars: Bars, terms: Terms, factor: float
) -> None:
    stop = bars.bar_count // 2 + 1
    panel = bars.panel.copy()
    panel[:4, stop:] *= factor
    panel[4, stop:] = 1.0
    panel[4, stop:][np.isnan(panel[3, stop:])] = np.nan
    other = replace(bars, panel=panel)
    terms = _left_open(terms)
    assert _up_to(run(strategy, bars, terms), stop) == _up_to(run(strategy, other, terms), stop)


@given(strategy=STRATEGIES, bars=wild_markets(assets=(2, 4)), terms=any_terms(), data=st.data())
def test_permuting_symbols_changes_nothing(
    strategy: Wander, bars: Bars, terms: Terms, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(bars.asset_count)))
    mixed = replace(
        bars,
        symbols=tuple(bars.symbols[place] for place in order),
        panel=np.ascontiguousarray(bars.panel[:, :, order]),
    )
    _assert_alike(run(strategy, bars, terms), run(strategy, mixed, terms))


@pytest.mark.parametrize("size_at", ["decision", "fill"])
@pytest.mark.parametrize("fractional", [True, False])
def test_assets_that_compete_for_cash_share_it_whatever_their_order(
    size_at: Any, fractional: Any
) -> None:
    opens = np.array([[10.0, 30.0, 7.0], [13.0, 31.0, 9.0], [14.0, 29.0, 11.0], [9.0, 30.0, 7.5]])
    terms = terms_of(
        cash=1_000,
        costs=Costs(commission_bps=12.5, slippage_bps=3.0),
        options=FillOptions(size_at=size_at, fractional=fractional),
        venue="ideal",
    )
    weights = [0.9, 0.7, 0.4]
    order = [2, 0, 1]
    result = run(scripted(weights), flat_bars(opens, symbols=["X", "Y", "Z"]), terms)
    mixed = run(
        scripted([weights[place] for place in order]),
        flat_bars(opens[:, order], symbols=["Z", "X", "Y"]),
        terms,
    )
    assert result.fills["quantity"].gt(0).sum() >= 3
    _assert_alike(result, mixed)


def test_a_rotation_picks_the_same_assets_in_any_order() -> None:
    rng = np.random.default_rng(5)
    opens = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (80, 4)), axis=0))
    strategy = MomentumRotation(lookback=5, top=2, every=7)
    bars = flat_bars(opens, symbols=list("ABCD"))
    mixed = flat_bars(opens[:, [3, 1, 0, 2]], symbols=list("DBAC"))
    result = run(strategy, bars, terms_of())
    assert len(result.fills) > 10
    _assert_alike(result, run(strategy, mixed, terms_of()))


def _end_of(bars: Bars, bar: int) -> datetime:
    return datetime.fromtimestamp(int(bars.ts[bar]) / 1e9, tz=UTC)


def _left_open(terms: Terms) -> Terms:
    """What is closed at the end of the data does know where that is."""
    options = terms.options.model_copy(update={"close_at_end": False})
    return replace(terms, options=options, start_bar=3)


def _up_to(result: Result, stop: int) -> dict[str, Any]:
    """What was decided and done before a bar.

    How a waiting order ends is known later; so is, sized at the fill, whether it closes.
    """
    tape = tape_of(result)
    orders = [order for order in tape["orders"] if order[0] < stop]
    return {
        "curve": tape["curve"][: stop - result.first],
        "fills": [fill for fill in tape["fills"] if fill[0] < stop],
        "orders": [order if -1 < order[8] < stop else order[:2] for order in orders],
    }


def _assert_alike(first: Result, second: Result) -> None:
    assert first.fills.to_dict("list") == second.fills.to_dict("list")
    assert first.orders.astype(str).to_dict("list") == second.orders.astype(str).to_dict("list")
    assert first.equity.tolist() == second.equity.tolist()
    assert first.final_cash == second.final_cash

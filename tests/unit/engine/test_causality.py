"""Nothing hangs on what comes later, nor on the order in which assets stand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.decisions import (
    GuardTheAccount,
    MindTheAccount,
    Wander,
    WanderWithPrices,
    scripted,
)
from tests.fakes.panels import flat_bars
from tests.fakes.runs import Case, cases, run, tape_of

from fanfold.domain.bars import Bars
from fanfold.domain.layout import LAYOUT, narrowed
from fanfold.domain.orders import WORKING
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.spec import Terms
from fanfold.execution.costs import Costs
from fanfold.strategies import MomentumRotation

STRATEGIES = st.sampled_from([Wander, MindTheAccount, WanderWithPrices, GuardTheAccount]).flatmap(
    lambda kind: st.builds(kind, seed=st.integers(0, 99))
)
LONG = (16, 60)


@given(strategy=STRATEGIES, case=cases(bars=LONG), cut=st.floats(0.4, 0.9))
def test_cutting_the_future_changes_no_past_decision_or_fill(
    strategy: Wander, case: Case, cut: float
) -> None:
    bars, terms = case
    stop = _session_end(bars, max(int(bars.bar_count * cut), 6))
    past = bars.select(end=_end_of(bars, stop - 1))
    assert past.bar_count == stop
    terms = _left_open(terms)
    assert _up_to(run(strategy, bars, terms), stop) == _up_to(run(strategy, past, terms), stop)


@given(
    strategy=STRATEGIES,
    case=cases(bars=LONG, cash=100_000),
    factor=st.sampled_from([0.01, 0.9, 5.0]),
)
def test_perturbing_the_future_changes_no_past_decision_or_fill(
    strategy: Wander, case: Case, factor: float
) -> None:
    bars, terms = case
    stop = _session_end(bars, bars.bar_count // 2 + 1)
    panel = bars.panel.copy()
    panel[:4, stop:] *= factor
    panel[4, stop:] = 1.0
    panel[4, stop:][np.isnan(panel[3, stop:])] = np.nan
    other = replace(bars, panel=panel)
    terms = _left_open(terms)
    assert _up_to(run(strategy, bars, terms), stop) == _up_to(run(strategy, other, terms), stop)


@given(strategy=STRATEGIES, case=cases(assets=(2, 4)), data=st.data())
def test_permuting_symbols_changes_nothing(
    strategy: Wander, case: Case, data: st.DataObject
) -> None:
    bars, terms = case
    order = data.draw(st.permutations(range(bars.asset_count)))
    mixed = _permuted(bars, order)
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


def _session_end(bars: Bars, bar: int) -> int:
    """The first bar after a whole session: day orders and day's fees end with it."""
    return bar + int(np.argmax(bars.closes_session[bar - 1 :]))


def _end_of(bars: Bars, bar: int) -> datetime:
    return datetime.fromtimestamp(int(bars.ts[bar]) / 1e9, tz=UTC)


def _permuted(bars: Bars, order: Sequence[int]) -> Bars:
    columns = {
        name: narrowed(getattr(bars, name), axes, asset=list(order))
        for name, (_, axes) in LAYOUT.items()
        if getattr(bars, name) is not None
    }
    return replace(bars, symbols=tuple(bars.symbols[place] for place in order), **columns)


def _left_open(terms: Terms) -> Terms:
    """What is closed at the end of the data does know where that is."""
    options = terms.options.model_copy(update={"close_at_end": False})
    return replace(terms, options=options, start_bar=3)


def _up_to(result: Result, stop: int) -> dict[str, Any]:
    """What was decided and done before a bar.

    How a waiting order ends is known later; so is, sized at the fill, whether it closes.
    """
    tape, last = tape_of(result), stop - result.first
    known = {name: [row for row in tape[name] if row.bar < stop] for name in ("fills", "bookings")}
    orders = [order for order in tape["orders"] if order.bar < stop]
    return known | {
        "curve": [tape[name][:last] for name in ("equity", "cash", "gross")],
        "orders": [
            order if order.status != WORKING and order.done_bar < stop else order[:2]
            for order in orders
        ],
    }


def _plain(frame: Any) -> dict[str, list[str]]:
    return {name: [str(value) for value in frame[name]] for name in frame}


def _assert_alike(first: Result, second: Result) -> None:
    assert first.fills.to_dict("list") == second.fills.to_dict("list")
    assert _plain(first.orders) == _plain(second.orders)
    assert first.cash_flows.to_dict("list") == second.cash_flows.to_dict("list")
    assert first.equity.tolist() == second.equity.tolist()
    assert first.final_cash == second.final_cash

"""A run fed from outside does what a backtest does, bar by bar and bit by bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.decisions import (
    GuardTheAccount,
    MindTheAccount,
    Wander,
    WanderPlainly,
    WanderWithPrices,
    WanderWithPricesPlainly,
)
from tests.fakes.panels import wild_bars
from tests.fakes.runs import Case, any_limits, cases
from tests.fakes.stepping import (
    Broker,
    asked_of,
    feed,
    moment_of,
    rows_of,
    said_of,
    universe_of,
)

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.decisions import decisions_of
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.spec import Terms
from fanfold.engine.step.state import CASH_ROW, EQUITY_ROW
from fanfold.engine.stepper import Stepper
from fanfold.errors import StrategyError
from fanfold.execution.costs import Costs
from fanfold.strategies import (
    BuyAndHold,
    DonchianBreakout,
    MomentumRotation,
    PairsTrading,
    RsiBracket,
    SmaCross,
    Strategy,
)

SHIPPED: list[Strategy] = [
    SmaCross(fast=2, slow=5),
    RsiBracket(period=3, stop=0.03, profit=0.04),
    DonchianBreakout(entry_period=5, exit_period=2),
    MomentumRotation(lookback=5, top=2, every=3),
    BuyAndHold(),
]
ERRATIC = [Wander, WanderPlainly, WanderWithPrices, WanderWithPricesPlainly, GuardTheAccount]
COSTS = st.builds(
    Costs,
    commission_bps=st.sampled_from([0.0, 10.0, 3.33333]),
    commission_per_trade=st.sampled_from([0.0, 1.25]),
    commission_min=st.sampled_from([0.0, 0.35]),
    slippage_bps=st.sampled_from([0.0, 7.77]),
)


def assert_follows(result: Result, terms: Terms, *, exact: bool = True, **how: Any) -> None:
    """Feed a run with a backtest's bars and fills, and compare all that both can say."""
    bars, strategy, first = result.bars, result.strategy, result.first
    wishes = decisions_of(strategy, bars, terms, first).wishes
    broker = Broker(result)
    stepper = Stepper(strategy, universe_of(bars, terms), terms, **how)
    feed(stepper, bars, first)
    curve = result._tape.curve
    last = first + int(result.outcome.accounts[0]["bar_count"]) - 1
    for t in range(first, last + 1):
        broker.tell(stepper, t)
        if t == last and result.status == "ruined":
            with pytest.raises(StrategyError, match="equity"):
                stepper.step(moment_of(bars, t), rows_of(bars, t))
            return
        stepper.step(moment_of(bars, t), rows_of(bars, t))
        np.testing.assert_array_equal(stepper.written(), wishes[t - first])
        seen = stepper.view()
        assert round(seen["cash"] * 1e6) == curve[CASH_ROW, t]
        assert round(seen["equity"] * 1e6) == curve[EQUITY_ROW, t]
        if exact:
            assert asked_of(stepper) == said_of(broker.asked[t])


def outside(bars: Bars, terms: Terms) -> bool:
    """Whether everything that happens to such a run is told by a broker's fills."""
    options = terms.options
    made_up = options.participation is not None or options.close_at_end
    lends = terms.costs.borrow_rate > 0.0 or terms.costs.margin_rate > 0.0
    at_close = options.time_in_force == "cls"
    return options.size_at == "decision" and not (made_up or lends or at_close)


@pytest.mark.parametrize("strategy", SHIPPED, ids=lambda each: type(each).__name__)
@given(seed=st.integers(0, 999), costs=COSTS, session_bars=st.sampled_from([1, 3]))
@settings(max_examples=3)
def test_shipped_strategies_do_what_their_backtest_did(
    strategy: Strategy, seed: int, costs: Costs, session_bars: int
) -> None:
    bars = wild_bars(seed, 50, 1 + seed % 4, session_bars=session_bars)
    terms = terms_of(costs=costs, venue="ideal", options=FillOptions(time_in_force="gtc"))
    assert_follows(run_backtest(strategy, bars, terms, mode="plain"), terms)


@given(seed=st.integers(0, 999))
@settings(max_examples=5)
def test_pairs_see_both_assets(seed: int) -> None:
    bars = wild_bars(seed, 70, 2)
    strategy = PairsTrading(first="A0", second="A1", period=20)
    terms = terms_of(venue="ideal")
    assert_follows(run_backtest(strategy, bars, terms, mode="plain"), terms)


@pytest.mark.parametrize("kind", [*ERRATIC, MindTheAccount])
@given(data=st.data(), seed=st.integers(0, 99))
@settings(max_examples=5)
def test_erratic_strategies_do_what_their_backtest_did(
    kind: type[Strategy], data: st.DataObject, seed: int
) -> None:
    limits = data.draw(any_limits(4).filter(lambda each: each.max_sector is None))
    fixed = {"costs": data.draw(COSTS), "limits": limits}
    bars, terms = data.draw(cases(events=False, **fixed).filter(lambda case: outside(*case)))
    result = run_backtest(kind(seed=seed), bars, terms, mode="plain")
    assert_follows(result, terms)


@given(case=cases(events=False, costs=Costs(), limits=None), seed=st.integers(0, 99))
@settings(max_examples=4)
def test_a_tiny_window_does_what_a_large_one_does(case: Case, seed: int) -> None:
    bars, terms = case
    if outside(bars, terms):
        result = run_backtest(WanderWithPrices(seed=seed), bars, terms, mode="plain")
        assert_follows(result, terms, window_bars=2)


def test_money_in_ideal_terms_is_kept_over_long_runs() -> None:
    bars = wild_bars(7, 250, 2, session_bars=3)
    terms = terms_of(venue="ideal", costs=Costs(commission_bps=3.0))
    assert_follows(run_backtest(WanderWithPrices(seed=3), bars, terms, mode="plain"), terms)

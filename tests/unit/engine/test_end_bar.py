"""A run that ends before its bars do is the run on bars that end there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.fakes.decisions import GuardTheAccount, MindTheAccount, Wander, WanderWithPrices
from tests.fakes.panels import flat_bars, wild_bars
from tests.fakes.runs import Case, account_of, cases, run, tape_of

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.run import run_chunk
from fanfold.errors import ConfigError
from fanfold.execution.costs import Costs
from fanfold.strategies import BuyAndHold

KINDS = st.sampled_from([Wander, MindTheAccount, WanderWithPrices, GuardTheAccount]).flatmap(
    lambda kind: st.builds(kind, seed=st.integers(0, 99), short=st.booleans())
)


def cut(bars: Bars, bar_count: int) -> Bars:
    """The same bars without those from a number on."""
    end = timedelta(microseconds=int(bars.ts[bar_count - 1]) // 1_000)
    return bars.select(end=datetime(1970, 1, 1, tzinfo=UTC) + end)


@given(strategy=KINDS, case=cases(bars=(14, 60), cash=100_000), data=st.data())
@settings(max_examples=15)
def test_a_window_is_the_run_on_bars_that_end_with_it(
    strategy: Wander, case: Case, data: Any
) -> None:
    bars, terms = case
    ends = np.flatnonzero(bars.closes_session) + 1
    end = data.draw(st.sampled_from(ends[ends >= 12].tolist()))
    short = cut(bars, end)
    assume(short.bar_count == end)
    within, alone = run(strategy, bars, replace(terms, end_bar=end)), run(strategy, short, terms)
    assert account_of(within) == account_of(alone)
    assert tape_of(within) == tape_of(alone)
    assert repr(within.metrics) == repr(alone.metrics)


@given(strategy=KINDS, case=cases(bars=(30, 60), start_bar=10), data=st.data())
@settings(max_examples=15)
def test_bars_after_a_window_do_not_change_it(strategy: Wander, case: Case, data: Any) -> None:
    bars, terms = case
    end = data.draw(st.integers(12, bars.bar_count - 2))
    later = np.arange(bars.bar_count)[:, np.newaxis] >= end
    other = replace(bars, panel=np.where(later, bars.panel * 3.0, bars.panel))
    terms = replace(terms, end_bar=end)
    before, after = run(strategy, bars, terms), run(strategy, other, terms)
    assert account_of(before) == account_of(after)
    assert tape_of(before) == tape_of(after)


@pytest.mark.parametrize("mode", ["machine", "plain"])
def test_a_window_closes_with_costs_at_its_last_close(mode: Any) -> None:
    bars = flat_bars(np.arange(10.0, 30.0))
    terms = terms_of(
        cash=1_000,
        venue="ideal",
        start_bar=2,
        costs=Costs(commission_bps=100),
        options=FillOptions(close_at_end=True),
    )
    result = run_backtest(BuyAndHold(), bars, replace(terms, end_bar=9), mode=mode)
    assert result.fills["side"].tolist() == ["buy", "sell"]
    assert result.fills["price"].tolist() == [13.0, 18.0]
    assert len(result.equity) == 7
    assert float(result.final_cash) == result.equity.iloc[-1]
    assert float(result.replayed_cash()) == float(result.final_cash)


def test_an_end_beyond_the_bars_is_their_end() -> None:
    bars = wild_bars(1, 30, 2)
    whole, beyond = (
        run(Wander(seed=1), bars, replace(terms_of(), end_bar=end)) for end in (None, 99)
    )
    assert account_of(whole) == account_of(beyond)


def test_a_chunk_ends_with_its_window_too() -> None:
    bars = wild_bars(1, 40, 2)
    terms = replace(terms_of(start_bar=5), end_bar=20)
    for mode in ("machine", "plain"):
        outcome = run_chunk([Wander(seed=k) for k in range(3)], bars, terms, 5, mode=mode)
        assert outcome.accounts["bar_count"].tolist() == [15, 15, 15]


@pytest.mark.parametrize(("start", "end"), [(5, 6), (5, 5), (0, 1), (None, 1), (None, 0)])
def test_an_end_that_leaves_no_bar_to_measure_is_refused(start: int | None, end: int) -> None:
    with pytest.raises(ConfigError, match=f"end_bar must leave a bar to be measured, was {end}"):
        replace(terms_of(start_bar=start), end_bar=end)


def test_an_end_before_the_warm_up_is_refused_with_the_bars_that_are_needed() -> None:
    with pytest.raises(ConfigError, match="Wander needs 4 bars or more, there were 3"):
        run(Wander(), wild_bars(1, 30, 1, absent_share=0.0), replace(terms_of(), end_bar=3))


def test_where_a_run_ends_is_part_of_its_hash() -> None:
    bars = wild_bars(1, 30, 2)
    hashes = {
        run(Wander(seed=1), bars, replace(terms_of(), end_bar=end)).hash for end in (None, 20, 21)
    }
    assert len(hashes) == 3

"""Leaks of each kind are found and told apart, and honest strategies pass."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import leaks
from tests.fakes.decisions import GuardTheAccount, MindTheAccount, Wander, WanderWithPrices
from tests.fakes.panels import flat_bars, wild_bars
from tests.fakes.runs import Case, cases

import fanfold.strategies
from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.layout import arrays_of
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.errors import ConfigError, StrategyError
from fanfold.market.load import load_bars
from fanfold.research.altered import altered, known_at, with_next_clock
from fanfold.research.leaks import Finding
from fanfold.research.lookahead import LookaheadAudit, audit_lookahead
from fanfold.strategies import PairsTrading, SmaCross, Strategy
from fanfold.strategies.strategy import learns

SAMPLE = load_bars("sample", start="2011-06-01", end="2012-12-31")
"""With an asset, FB, that begins on its 245th bar."""


def audited(strategy: Any, bars: Bars = SAMPLE, **how: Any) -> LookaheadAudit:
    return audit_lookahead(strategy, bars, terms_of(), **({"cuts": 6} | how))


def told(audit: LookaheadAudit) -> dict[tuple[str, str], str]:
    """Kind of each finding by test and origin."""
    return {(one.test, one.origin): one.kind for one in audit.findings}


SHIPPED = [
    kind
    for name in fanfold.strategies.__all__
    if isinstance(kind := getattr(fanfold.strategies, name), type)
    and issubclass(kind, Strategy)
    and kind is not Strategy
    and not learns(kind)
]


@pytest.mark.parametrize("kind", SHIPPED)
def test_shipped_strategies_pass(kind: type[Strategy]) -> None:
    named = {"first": "IBM", "second": "MSFT"} if kind is PairsTrading else {}
    audit = audited(kind(**named), cuts=1)
    assert audit.findings == ()
    assert len(audit.cut_bars) in (2, 3)
    assert audit.decision_count > SAMPLE.bar_count - audit.cut_bars[0]


@pytest.mark.parametrize("strategy", [leaks.OfColumn(), leaks.Learned(), leaks.Calendar()])
def test_honest_strategies_pass(strategy: Strategy) -> None:
    assert audited(strategy).findings == ()


def test_a_column_of_the_next_bar_is_found_at_every_cut() -> None:
    audit = audited(leaks.ShiftedBack())
    assert told(audit) == dict.fromkeys(
        [(test, origin) for test in ("prefix", "future") for origin in ("column own", "decision")],
        "looks 1 bar ahead",
    )
    first = next(one for one in audit.findings if one.test == "prefix")
    close = SAMPLE.close[:, 0]
    assert first == Finding(
        test="prefix",
        kind="looks 1 bar ahead",
        origin="column own",
        ts=int(SAMPLE.ts[1]),
        bar=1,
        symbol="AAPL",
        wish="column own",
        with_future=float(close[2] - close[1]),
        without_future=first.without_future,
        cut=1,
        count=first.count,
        cut_count=len(audit.cut_bars),
    )
    assert np.isnan(first.without_future)


def test_a_farther_look_ahead_is_measured() -> None:
    assert set(told(audited(leaks.ShiftedBack(by=5))).values()) == {"looks 5 bars ahead"}


def test_a_normalisation_over_the_whole_sample_is_found() -> None:
    audit = audited(leaks.Normalised())
    assert set(told(audit).values()) == {"a statistic of the whole sample"}
    assert ("future", "decision") in told(audit)


def test_a_backward_fill_is_found_where_bars_are_missing() -> None:
    audit = audited(leaks.Filled())
    assert told(audit)["prefix", "column own"] == "a backward fill"
    assert {one.symbol for one in audit.findings} == {"FB"}


def test_a_backward_fill_of_the_first_bars_is_not_called_a_shift() -> None:
    bars = SAMPLE.select(symbols=["IBM", "MSFT"])
    audit = audited(leaks.Filled(), bars)
    # The first change is that of bar 1: bar 0 has it by the fill. No cut is before bar 1.
    assert audit.findings == ()
    audit = audited(leaks.FilledLate(), bars, cuts=60)
    assert told(audit)["prefix", "column own"] == "a backward fill"


@pytest.mark.parametrize("strategy", [leaks.LearnedFromAll(), leaks.LearnedFromLabels()])
def test_a_leak_through_a_fitted_model_is_found(strategy: Strategy) -> None:
    audit = audited(strategy)
    assert told(audit) == {("fit", "decision"): "a model fitted on later bars"}


def test_what_was_learned_is_compared_where_decisions_do_not_show_it() -> None:
    (finding,) = audited(leaks.LearnedUnseen()).findings
    assert (finding.test, finding.wish, finding.symbol) == ("fit", "learned", "")
    assert finding.with_future != finding.without_future


def test_learning_from_between_two_spans_is_told() -> None:
    audit = audited(leaks.LearnedFromBetween())
    assert audit.findings == ()
    assert audit.warnings == ("what it learns from two spans depends on the bars between them",)
    assert audited(leaks.Learned()).warnings == ()


def test_a_delisting_to_come_is_no_knowledge() -> None:
    bars = wild_bars(1, 60, 2, absent_share=0.0)
    panel = bars.panel.copy()
    panel[:, 50:, 1] = np.nan
    bars = replace(bars, panel=panel, delisted_day=np.array([NEVER, int(bars.session_day[50])]))
    audit = audited(leaks.PeekingAtDelistings(), bars)
    assert ("prefix", "decision") in told(audit)


def test_what_is_not_the_same_twice_is_a_finding_of_its_own() -> None:
    assert told(audited(leaks.NeverTwice())) == {
        ("repeat", "decision"): "not deterministic: equal runs differ"
    }


def test_decisions_that_follow_no_price_given_are_told() -> None:
    (warning,) = audited(leaks.Calendar()).warnings
    assert warning.startswith("decisions do not depend on the prices given")


def test_a_maker_that_fits_to_its_bars_is_found() -> None:
    def made(bars: Bars) -> Strategy:
        return SmaCross(fast=2 + bars.bar_count % 5)

    assert ("prefix", "decision") in told(audited(made))


def test_what_cannot_be_made_without_the_future_is_found() -> None:
    def made(bars: Bars) -> Strategy:
        if bars.bar_count < SAMPLE.bar_count:
            raise KeyError("tomorrow")
        return SmaCross()

    (finding,) = audited(made).findings
    assert finding.kind == "works only with later bars"
    assert finding.without_future == "raised: raised KeyError: 'tomorrow'"


def test_what_needs_some_bars_to_begin_with_is_only_told() -> None:
    audit = audited(leaks.NeedsTen())
    assert audit.findings == ()
    assert audit.warnings[0].startswith("it does not run on the first 2 bars alone: raised")


def test_what_does_not_run_at_all_is_an_error() -> None:
    def made(_: Bars) -> Strategy:
        raise KeyError("nothing")

    with pytest.raises(StrategyError, match="must run to be audited, raised KeyError: 'nothing'"):
        audited(made)


def test_too_few_bars_and_odd_counts_are_refused() -> None:
    with pytest.raises(ConfigError, match="an audit needs 3 bars or more, there were 2"):
        audited(leaks.Calendar(), flat_bars([1.0, 2.0]))
    with pytest.raises(ConfigError, match="cuts must be 0 to 10,000, was -1"):
        audited(leaks.Calendar(), cuts=-1)


def test_an_equal_seed_gives_an_equal_audit_and_another_other_cuts() -> None:
    one, same, other = (audited(leaks.Normalised(), seed=seed) for seed in (1, 1, 2))
    assert one.cut_bars == same.cut_bars != other.cut_bars
    assert repr(one.findings) == repr(same.findings)
    assert {1, SAMPLE.bar_count - 2} <= set(one.cut_bars) & set(other.cut_bars)


@given(
    strategy=st.sampled_from([Wander, MindTheAccount, WanderWithPrices, GuardTheAccount]).flatmap(
        lambda kind: st.builds(kind, seed=st.integers(0, 99))
    ),
    case=cases(bars=(12, 40)),
    seed=st.integers(0, 2**32 - 1),
)
def test_honest_decisions_pass_on_any_market_and_terms(
    strategy: Strategy, case: Case, seed: int
) -> None:
    bars, terms = case
    audit = audit_lookahead(strategy, bars, terms, cuts=2, seed=seed)
    assert audit.findings == ()


def tell_what_works(assets: Any, portfolio: Any, memory: Any) -> None:
    """Leave an order far below the market, and write how much of it works."""
    assets[0].target = 0.5
    assets[0].limit = 50.0
    assets[0].take_profit = 1_000.0 + assets[0].open_order_units


class TellsWhatWorks(Strategy):
    decide: ClassVar[Any] = tell_what_works


def test_where_a_session_is_cut_orders_for_the_day_still_work() -> None:
    bars = flat_bars(100.0 + np.arange(18.0), session_bars=6)
    terms = terms_of(options=FillOptions(time_in_force="day"))
    audit = audit_lookahead(TellsWhatWorks(), bars, terms, cuts=18)
    assert audit.cut_bars == tuple(range(1, 17))
    assert audit.findings == ()


@given(
    bars=st.builds(
        wild_bars,
        st.integers(0, 2**32 - 1),
        st.integers(3, 30),
        st.integers(1, 4),
        session_bars=st.sampled_from([1, 3]),
        events=st.booleans(),
    ),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_another_future_leaves_the_past_and_changes_all_later_prices(
    bars: Bars, seed: int, data: st.DataObject
) -> None:
    t = data.draw(st.integers(-1, bars.bar_count - 2))
    other = altered(bars, (t + 1, bars.bar_count), np.random.default_rng(seed))
    same = altered(bars, (t + 1, bars.bar_count), np.random.default_rng(seed))
    assert other.fingerprint == same.fingerprint
    if t >= 0:
        assert known_at(other, t).fingerprint == known_at(bars, t).fingerprint
    before, after = bars.close[t + 1 :], other.close[t + 1 :]
    assert not (before == after).any()
    assert (other.ts == bars.ts).all()


def test_bars_cut_within_a_session_know_that_it_goes_on() -> None:
    bars = wild_bars(3, 12, 2, session_bars=3)
    inside, at_end = known_at(bars, 4), known_at(bars, 5)
    longer = with_next_clock(inside, bars)
    assert longer.bar_count == 6
    assert not longer.closes_session[4]
    assert np.isnan(longer.panel[:, 5]).all()
    assert longer.session_day[5] == bars.session_day[5]
    assert with_next_clock(at_end, bars) is at_end
    for name, array in arrays_of(known_at(longer, 4)).items():
        np.testing.assert_array_equal(array, arrays_of(inside)[name])

"""Machine code and plain Python leave the same bytes, whatever is run."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.decisions import MindTheAccount, Wander, WanderPlainly, WanderWatching
from tests.fakes.panels import wild_markets
from tests.fakes.runs import account_of, any_terms, run, run_bar_by_bar, tape_of

from fanfold.domain.bars import Bars
from fanfold.engine.spec import Terms
from fanfold.strategies import SmaCross, Strategy

STRATEGIES: list[type[Strategy]] = [Wander, MindTheAccount]


def erratic(kind: type[Strategy], *, pace: float = 0.3) -> st.SearchStrategy[Any]:
    return st.builds(kind, seed=st.integers(0, 99), pace=st.just(pace), short=st.booleans())


@pytest.mark.parametrize("kind", STRATEGIES)
@given(data=st.data(), bars=wild_markets(), terms=any_terms())
def test_machine_code_gives_the_bytes_of_plain_python(
    kind: type[Strategy], data: st.DataObject, bars: Bars, terms: Terms
) -> None:
    strategy = data.draw(erratic(kind))
    plain = run(strategy, bars, terms, mode="plain")
    machine = run(strategy, bars, terms, mode="machine")
    assert account_of(plain) == account_of(machine)
    assert tape_of(plain) == tape_of(machine)


@given(bars=wild_markets(bars=(12, 80)), terms=any_terms(start_bar=None))
@settings(max_examples=20)
def test_a_cross_of_averages_runs_alike_both_ways(bars: Bars, terms: Terms) -> None:
    strategy = SmaCross(fast=2, slow=5)
    plain = run(strategy, bars, terms, mode="plain")
    machine = run(strategy, bars, terms, mode="machine")
    assert account_of(plain) == account_of(machine)
    assert tape_of(plain) == tape_of(machine)


@given(strategy=erratic(Wander), bars=wild_markets(), terms=any_terms())
@settings(max_examples=100)
def test_a_decision_asked_ahead_does_what_it_does_bar_by_bar(
    strategy: Wander, bars: Bars, terms: Terms
) -> None:
    ahead = run(strategy, bars, terms)
    by_bar = run_bar_by_bar(strategy, bars, terms)
    assert account_of(ahead) == account_of(by_bar)
    assert tape_of(ahead) == tape_of(by_bar)


@given(strategy=erratic(Wander, pace=0.05), bars=wild_markets(bars=(40, 120)), terms=any_terms())
def test_long_quiet_stretches_are_passed_as_the_step_would(
    strategy: Wander, bars: Bars, terms: Terms
) -> None:
    ahead = run(strategy, bars, terms, mode="machine")
    by_bar = run_bar_by_bar(strategy, bars, terms, plain=False)
    assert account_of(ahead) == account_of(by_bar)
    assert tape_of(ahead) == tape_of(by_bar)


@given(strategy=erratic(Wander), bars=wild_markets(), terms=any_terms())
def test_a_look_at_the_account_that_changes_nothing_changes_nothing(
    strategy: Wander, bars: Bars, terms: Terms
) -> None:
    watching = WanderWatching(**strategy.model_dump())
    assert tape_of(run(strategy, bars, terms)) == tape_of(run(watching, bars, terms))


@given(strategy=erratic(Wander), bars=wild_markets(), terms=any_terms())
def test_a_decision_in_plain_python_does_what_its_compiled_twin_does(
    strategy: Wander, bars: Bars, terms: Terms
) -> None:
    plainly = WanderPlainly(**strategy.model_dump())
    between, throughout = run(plainly, bars, terms), run(strategy, bars, terms)
    assert account_of(between) == account_of(throughout)
    assert tape_of(between) == tape_of(throughout)

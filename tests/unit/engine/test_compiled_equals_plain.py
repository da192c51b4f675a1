"""Machine code and plain Python leave the same bytes, whatever is run."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.decisions import (
    GuardTheAccount,
    MindTheAccount,
    Wander,
    WanderPlainly,
    WanderWatching,
    WanderWithPrices,
    WanderWithPricesPlainly,
    WanderWithPricesWatching,
)
from tests.fakes.runs import Case, account_of, cases, run, run_bar_by_bar, tape_of

from fanfold.engine.result import Result
from fanfold.strategies import SmaCross, Strategy

STRATEGIES: list[type[Strategy]] = [Wander, MindTheAccount, WanderWithPrices, GuardTheAccount]
ASKED_AHEAD: list[type[Strategy]] = [Wander, WanderWithPrices]


def erratic(kind: type[Strategy], *, pace: float = 0.3) -> st.SearchStrategy[Any]:
    return st.builds(kind, seed=st.integers(0, 99), pace=st.just(pace), short=st.booleans())


def assert_alike(first: Result, second: Result) -> None:
    assert account_of(first) == account_of(second)
    assert tape_of(first) == tape_of(second)


@pytest.mark.parametrize("kind", STRATEGIES)
@given(data=st.data(), case=cases())
def test_machine_code_gives_the_bytes_of_plain_python(
    kind: type[Strategy], data: st.DataObject, case: Case
) -> None:
    strategy = data.draw(erratic(kind))
    assert_alike(run(strategy, *case, mode="plain"), run(strategy, *case, mode="machine"))


@given(case=cases(bars=(12, 80), start_bar=None))
@settings(max_examples=20)
def test_a_cross_of_averages_runs_alike_both_ways(case: Case) -> None:
    strategy = SmaCross(fast=2, slow=5)
    assert_alike(run(strategy, *case, mode="plain"), run(strategy, *case, mode="machine"))


@pytest.mark.parametrize("kind", ASKED_AHEAD)
@given(data=st.data(), case=cases())
def test_a_decision_asked_ahead_does_what_it_does_bar_by_bar(
    kind: type[Strategy], data: st.DataObject, case: Case
) -> None:
    strategy = data.draw(erratic(kind))
    assert_alike(run(strategy, *case), run_bar_by_bar(strategy, *case))


@pytest.mark.parametrize("kind", ASKED_AHEAD)
@given(data=st.data(), case=cases(bars=(40, 120)))
def test_long_quiet_stretches_are_passed_as_the_step_would(
    kind: type[Strategy], data: st.DataObject, case: Case
) -> None:
    strategy = data.draw(erratic(kind, pace=0.05))
    ahead = run(strategy, *case, mode="machine")
    assert_alike(ahead, run_bar_by_bar(strategy, *case, plain=False))


@pytest.mark.parametrize(
    ("kind", "twin"), [(Wander, WanderWatching), (WanderWithPrices, WanderWithPricesWatching)]
)
@given(data=st.data(), case=cases())
def test_a_look_at_the_account_that_changes_nothing_changes_nothing(
    kind: type[Strategy], twin: type[Strategy], data: st.DataObject, case: Case
) -> None:
    strategy = data.draw(erratic(kind))
    watching = twin(**strategy.model_dump())
    assert tape_of(run(strategy, *case)) == tape_of(run(watching, *case))


@pytest.mark.parametrize(
    ("kind", "twin"), [(Wander, WanderPlainly), (WanderWithPrices, WanderWithPricesPlainly)]
)
@given(data=st.data(), case=cases())
def test_a_decision_in_plain_python_does_what_its_compiled_twin_does(
    kind: type[Strategy], twin: type[Strategy], data: st.DataObject, case: Case
) -> None:
    strategy = data.draw(erratic(kind))
    plainly = twin(**strategy.model_dump())
    assert_alike(run(plainly, *case), run(strategy, *case))

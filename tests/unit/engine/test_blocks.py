"""Power sums of a window's blocks are those of its returns, however the run was made."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.fakes.decisions import (
    RAISE,
    FailOnOrder,
    GuardTheAccount,
    MindTheAccount,
    Wander,
    WanderPlainly,
    WanderWatching,
    WanderWithPrices,
)
from tests.fakes.panels import flat_bars, wild_markets
from tests.fakes.runs import Case, any_terms, cases, run

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import terms_of
from fanfold.engine.blocks import BLOCK_COUNT, block_cuts, block_returns
from fanfold.engine.outcomes import Outcomes
from fanfold.engine.result import Result
from fanfold.engine.run import Mode, first_bar, run_chunk
from fanfold.engine.spec import Terms
from fanfold.strategies import BuyAndHold
from fanfold.strategies.strategy import Strategy

POWERS = np.arange(1, 5)
SUMMED = ("return_sum", "square_sum", "cube_sum", "fourth_sum")

KINDS = st.sampled_from([Wander, MindTheAccount, WanderWithPrices, GuardTheAccount]).flatmap(
    lambda kind: st.builds(kind, seed=st.integers(0, 99), short=st.booleans())
)


def in_blocks(
    strategy: Strategy, bars: Bars, terms: Terms, *, mode: Mode = "machine", count: int = 7
) -> Outcomes:
    first = first_bar(strategy, bars, terms)
    return run_chunk([strategy], bars, terms, first, mode=mode, block_count=count)


def blocks_of(result: Result, count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Power sums of a recorded run's returns, block by block, and the returns of each."""
    bars, first = result.bars, result.first
    cuts = block_cuts(bars, first, result.terms.last(bars), count)
    sizes = block_returns(bars, first, cuts)
    returns = np.asarray(result.returns)
    parts = np.split(returns, np.cumsum(sizes)[:-1]) if len(sizes) else []
    return np.array([[np.sum(part**power) for power in POWERS] for part in parts]), sizes


@given(bars=wild_markets(bars=(4, 70)), count=st.integers(1, 20), ends=st.data())
def test_blocks_cover_a_window_and_are_as_even_as_they_can_be(
    bars: Bars, count: int, ends: Any
) -> None:
    first = ends.draw(st.integers(0, bars.bar_count - 2))
    last = ends.draw(st.integers(first + 2, bars.bar_count))
    cuts = block_cuts(bars, first, last, count)
    sizes = block_returns(bars, first, cuts)
    measured = int(bars.closes_session[first + 1 : last].sum())
    if len(cuts) == 0:
        assert measured < min(count, 2)
        return
    assert (np.diff(cuts) > 0).all()
    assert cuts[-1] == last
    assert sizes.sum() == measured
    assert sizes.max() - sizes.min() <= 1
    assert len(cuts) == count if measured >= count else len(cuts) % 2 == 0


def test_a_short_window_has_an_even_number_of_blocks_and_a_longer_one_all() -> None:
    bars = flat_bars(np.full(40, 10.0))
    assert block_cuts(bars, 0, 40).tolist()[-1] == 40
    assert len(block_cuts(bars, 0, 40)) == BLOCK_COUNT
    assert block_cuts(bars, 3, 9).tolist() == [5, 6, 7, 9]  # five returns: four blocks
    assert block_cuts(bars, 3, 5).tolist() == []


@given(strategy=KINDS, case=cases(bars=(8, 60)), count=st.integers(1, 9))
@settings(max_examples=12)
def test_sums_of_blocks_are_those_of_the_recorded_returns(
    strategy: Wander, case: Case, count: int
) -> None:
    result = run(strategy, *case, mode="machine")
    assume(result.status == "ok")
    expected, sizes = blocks_of(result, count)
    (sums,) = in_blocks(strategy, *case, count=count).blocks
    assert len(sums) == len(sizes)
    if len(sizes):
        # A block's sum is the difference of two running ones, and equity in currency has
        # lost a bit of what it was in micro-units.
        scale = np.abs(np.asarray(result.returns)[:, np.newaxis] ** POWERS).sum(axis=0)
        assert (np.abs(sums - expected) <= 1e-9 * scale + 1e-14).all()


@given(strategy=KINDS, case=cases(bars=(8, 60)))
@settings(max_examples=12)
def test_blocks_add_up_to_the_account(strategy: Wander, case: Case) -> None:
    outcome = in_blocks(strategy, *case)
    if outcome.errors[0] or outcome.blocks.shape[1] == 0:
        return
    account = outcome.accounts[0]
    whole = np.array([account[name] for name in SUMMED])
    size = np.abs(outcome.blocks[0]).sum(axis=0) + 1e-12
    np.testing.assert_allclose(outcome.blocks[0].sum(axis=0) / size, whole / size, atol=1e-12)


@given(case=cases(bars=(8, 50)), seed=st.integers(0, 99))
@settings(max_examples=10)
def test_all_ways_of_running_keep_the_same_bits(case: Case, seed: int) -> None:
    ways = [
        in_blocks(kind(seed=seed), *case, mode=mode)
        for kind in (Wander, WanderWatching)
        for mode in ("machine", "plain")
    ]
    ways.append(in_blocks(WanderPlainly(seed=seed), *case))
    assert len({way.blocks.tobytes() for way in ways}) == 1
    assert len({tuple(way.accounts[0][name] for name in SUMMED) for way in ways}) == 1


@given(case=cases(bars=(8, 50)), strategy=KINDS)
@settings(max_examples=10)
def test_asking_for_blocks_changes_nothing_else(case: Case, strategy: Wander) -> None:
    without, with_blocks = (in_blocks(strategy, *case, count=count) for count in (0, 5))
    assert without.blocks.shape == (1, 0, 4)
    for name in without.accounts.dtype.names or ():
        if name != "block":
            assert without.accounts[name].tobytes() == with_blocks.accounts[name].tobytes(), name


@given(bars=wild_markets(bars=(20, 60)), terms=any_terms(start_bar=9))
@settings(max_examples=8)
def test_blocks_of_a_chunk_are_those_of_its_runs_alone(bars: Bars, terms: Terms) -> None:
    strategies = [Wander(seed=seed) for seed in range(4)]
    together = run_chunk(strategies, bars, terms, 9, mode="machine", block_count=6).blocks
    alone = [in_blocks(one, bars, terms, count=6).blocks[0] for one in strategies]
    assert together.tobytes() == np.array(alone).tobytes()


def ruin(**how: Any) -> tuple[Bars, Terms]:
    """Prices that fall through the floor of an account which borrows, at bar 9."""
    opens = np.full(30, 10.0)
    opens[5:9] = [10.5, 9.5, 10.0, 9.0]
    opens[9:] = 0.5
    return flat_bars(opens), terms_of(venue="ideal", leverage=2.0, start_bar=0, **how)


@pytest.mark.parametrize("mode", ["machine", "plain"])
def test_a_run_that_is_ruined_has_nothing_in_later_blocks(mode: Mode) -> None:
    outcome = in_blocks(BuyAndHold(invested=2.0), *ruin(), mode=mode, count=8)
    (account,), (sums,) = outcome.accounts, outcome.blocks
    assert account["status"] == 1
    assert account["bar_count"] == 10
    assert account["return_sum"] < -1.0
    # 29 returns in eight blocks: the ninth is in the third of them.
    assert (sums[3:] == 0.0).all()
    assert sums[2, 0] < -1.0
    assert sums.sum(axis=0) == pytest.approx([account[name] for name in SUMMED], rel=1e-12)


def test_a_run_that_fails_leaves_its_neighbours_blocks_alone() -> None:
    bars, terms = ruin()
    strategies = [FailOnOrder(fault=0, at=4), FailOnOrder(fault=RAISE, at=4), FailOnOrder(at=9)]
    together = run_chunk(strategies, bars, terms, 0, mode="machine", block_count=4)
    assert [error != "" for error in together.errors] == [False, True, False]
    assert together.blocks[0].tobytes() == together.blocks[2].tobytes()
    assert together.blocks[0].any()

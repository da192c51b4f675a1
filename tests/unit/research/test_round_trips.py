"""Tests of round trips against orders counted one by one, and against theory."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.decisions import Wander
from tests.fakes.panels import flat_bars, wild_bars

from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.errors import ConfigError, DataError
from fanfold.measures import max_drawdown, total_return
from fanfold.research import round_trips
from fanfold.research.round_trips import (
    QUANTILES,
    TripTest,
    block_test,
    noise_test,
    percentile_of,
    shuffle_test,
    trip_returns,
)
from fanfold.strategies import BuyAndHold

TRIPS = np.array([0.05, -0.02, 0.01, -0.03, 0.04, -0.01, 0.02, 0.03, -0.02, 0.01, -0.04, 0.06])

TESTS: Any = pytest.mark.parametrize(
    "test",
    [
        shuffle_test,
        block_test,
        lambda returns, **how: noise_test(returns, noise_bps=20.0, **how),
    ],
    ids=["shuffle", "block", "noise"],
)


def streak(trips: Any) -> int:
    runs = [len(list(run)) for loses, run in itertools.groupby(trips, lambda r: r < 0) if loses]
    return max(runs, default=0)


def test_a_return_is_what_a_trip_earned_of_the_equity_before_it() -> None:
    bars = wild_bars(11, 200, 2, absent_share=0.0)
    result = run_backtest(Wander(seed=3, pace=0.9), bars, terms_of())
    returns = trip_returns(result)
    trips = result.round_trips
    assert len(returns) == len(trips) > 20
    for k, trip in enumerate(trips.itertuples()):
        before = result.equity[result.equity.index < trip.entry_ts].iloc[-1]
        assert returns[k] == trip.pnl / before


def test_trips_of_one_asset_one_after_the_other_compound_to_the_account() -> None:
    """Each trip begins where the one before ended, so nothing overlaps."""
    bars = wild_bars(7, 200, 1, absent_share=0.0)
    result = run_backtest(Wander(seed=3, pace=0.9, short=False), bars, terms_of())
    trips = result.round_trips
    last_exit = trips["exit_ts"].iloc[-1]
    grown = np.prod(1.0 + trip_returns(result))
    # At the close of the bar of the last exit nothing is held but what a next entry brings.
    held = result.exposure["gross"][last_exit]
    assert held == 0.0
    assert grown == pytest.approx(result.equity[last_exit] / 100_000.0, rel=2e-3)


def test_the_real_figures_are_those_of_the_measures() -> None:
    found = shuffle_test(TRIPS, seed=1, draw_count=50)
    assert found.total_return == pytest.approx(total_return(TRIPS))
    assert found.distributions["max_drawdown"].real == pytest.approx(max_drawdown(TRIPS))
    assert found.distributions["losing_streak"].real == streak(TRIPS) == 1
    assert (found.trip_count, found.draw_count, found.seed, found.test) == (12, 50, 1, "shuffle")


def test_shuffling_keeps_what_all_trips_compound_to(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    figures = round_trips._figures

    def watched(trips: Any) -> Any:
        seen.append(trips.copy())
        return figures(trips)

    monkeypatch.setattr(round_trips, "_figures", watched)
    found = shuffle_test(TRIPS, seed=1, draw_count=200)
    drawn = seen[0]
    assert drawn.shape == (200, 12)
    np.testing.assert_array_equal(np.sort(drawn, axis=1), np.tile(np.sort(TRIPS), (200, 1)))
    np.testing.assert_allclose(np.prod(1 + drawn, axis=1), 1 + found.total_return, rtol=1e-12)
    assert len({tuple(row) for row in drawn.tolist()}) > 190
    assert "total_return" not in found.distributions


def test_shuffled_streaks_and_drawdowns_are_as_frequent_as_all_orders_say() -> None:
    """Ten trips of two kinds: 210 orders, each as likely."""
    trips = np.array([0.1] * 6 + [-0.1] * 4)
    streaks, depths = [], []
    for losers in itertools.combinations(range(10), 4):
        order = [-0.1 if k in losers else 0.1 for k in range(10)]
        streaks.append(streak(order))
        depths.append(max_drawdown(order))
    draws = 20_000
    found = shuffle_test(trips, seed=3, draw_count=draws).distributions
    for name, exact in (("losing_streak", streaks), ("max_drawdown", depths)):
        error = 4.0 * np.std(exact) / math.sqrt(draws)
        assert found[name].mean == pytest.approx(np.mean(exact), abs=error)
        expected = percentile_of(found[name].real, exact).percentile
        assert found[name].percentile == pytest.approx(expected, abs=4.0 * 0.5 / draws**0.5)
    # All losers came last, in one run: no order is worse.
    assert found["losing_streak"].real == 4.0
    assert found["max_drawdown"].quantiles[0.99] == pytest.approx(1.0 - 0.9**4)


def test_winners_before_losers_are_the_worst_order_and_in_turns_a_lucky_one() -> None:
    worst = np.sort(TRIPS)[::-1]
    turns = np.array([0.05, -0.05] * 10)
    assert shuffle_test(worst, seed=2).distributions["max_drawdown"].percentile > 0.99
    lucky = shuffle_test(turns, seed=2).distributions["max_drawdown"]
    assert lucky.percentile < 0.01
    assert lucky.p_value > 0.99


def test_blocks_are_stretches_of_the_trips_wrapped_around(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    figures = round_trips._figures

    def watched(trips: Any) -> Any:
        seen.append(trips.copy())
        return figures(trips)

    monkeypatch.setattr(round_trips, "_figures", watched)
    numbered = np.arange(20) / 1_000.0
    block_test(numbered, seed=5, draw_count=100, block_trips=6)
    rows = np.rint(seen[0] * 1_000.0).astype(int)
    assert rows.shape == (100, 20)
    for start in (0, 6, 12, 18):
        block = rows[:, start : start + 6]
        np.testing.assert_array_equal((block[:, :1] + np.arange(block.shape[1])) % 20, block)
    assert len(np.unique(rows[:, 0])) == 20


def test_a_block_of_all_trips_is_always_the_same_trips() -> None:
    found = block_test(TRIPS, seed=1, draw_count=300, block_trips=12)
    total = found.distributions["total_return"]
    assert total.quantiles[0.01] == pytest.approx(found.total_return)
    assert total.quantiles[0.99] == pytest.approx(found.total_return)
    assert total.percentile == 0.5
    assert found.figures == {"probability_of_loss": 0.0, "block_trips": 12.0}


def test_single_trips_drawn_with_replacement_lose_as_often_as_a_binomial_says() -> None:
    """Five of ten trips win and lose the same share: fewer winners than losers end below."""
    trips = np.array([0.1, -0.1] * 5)
    draws = 40_000
    found = block_test(trips, seed=7, draw_count=draws, block_trips=1)
    # With w winners 1.1^w 0.9^(10 - w) is below 1 up to w = 5.
    expected = sum(math.comb(10, w) for w in range(6)) / 2**10
    error = 4.0 * math.sqrt(expected * (1 - expected) / draws)
    assert found.figures["probability_of_loss"] == pytest.approx(expected, abs=error)


@pytest.mark.parametrize(("trips", "block"), [(10, 3), (27, 3), (28, 4), (1_000, 10)])
def test_a_block_is_the_cube_root_of_the_trips(trips: int, block: int) -> None:
    found = block_test(np.resize(TRIPS, trips), seed=1, draw_count=1)
    assert found.figures["block_trips"] == block


def test_noise_leaves_as_much_profit_as_a_normal_sum_says() -> None:
    trips = np.full(100, 0.0001)
    draws = 20_000
    found = noise_test(trips, seed=3, draw_count=draws, noise_bps=10.0)
    # Log growth: mean 100 × (1 bps - 10² bps² / 2), deviation √100 × 10 bps.
    z = 100 * (0.0001 - 0.001**2 / 2) / (10 * 0.001)
    expected = 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))
    error = 4.0 * math.sqrt(expected * (1 - expected) / draws)
    assert found.figures["probability_of_profit"] == pytest.approx(expected, abs=error)
    assert found.figures["noise_bps"] == pytest.approx(10.0)


def test_no_noise_changes_nothing() -> None:
    found = noise_test(TRIPS, seed=3, draw_count=20, noise_bps=0.0)
    assert found.figures["probability_of_profit"] == 1.0
    for drawn in found.distributions.values():
        assert list(drawn.quantiles.values()) == pytest.approx([drawn.real] * len(QUANTILES))
        assert (drawn.percentile, drawn.p_value) == (0.5, 1.0)


def test_noise_may_be_a_share_of_the_deviation_of_the_trips() -> None:
    share = noise_test(TRIPS, seed=3, draw_count=200, noise_share=0.5)
    bps = 0.5 * TRIPS.std(ddof=1) * 10_000.0
    assert share.figures["noise_bps"] == pytest.approx(bps)
    assert share == noise_test(TRIPS, seed=3, draw_count=200, noise_bps=share.figures["noise_bps"])


def test_what_is_lost_entirely_stays_lost() -> None:
    trips = np.append(TRIPS, [-1.5, 2.0])
    for found in (shuffle_test(trips, seed=1), block_test(trips, seed=1)):
        assert found.total_return == -1.0
        assert found.distributions["max_drawdown"].real == 1.0


@TESTS
def test_equal_seeds_give_equal_results_and_others_others(test: Any) -> None:
    first = test(TRIPS, seed=1, draw_count=500)
    assert first == test(TRIPS, seed=1, draw_count=500)
    assert first.distributions != test(TRIPS, seed=2, draw_count=500).distributions


@TESTS
def test_draws_at_a_time_change_no_draw(test: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = test(TRIPS, seed=1, draw_count=500)
    monkeypatch.setattr(round_trips, "CELLS_AT_ONCE", 700)
    assert test(TRIPS, seed=1, draw_count=500) == at_once


@TESTS
@pytest.mark.parametrize("trips", [[], [0.1], TRIPS[:9]])
def test_few_trips_say_nothing_and_the_result_says_so(test: Any, trips: Any) -> None:
    found = test(trips, seed=1)
    assert isinstance(found, TripTest)
    assert found.reason == f"fewer than 10 round trips, {len(trips)}, say nothing"
    assert (found.draw_count, found.distributions, found.figures) == (0, {}, {})


@TESTS
@pytest.mark.parametrize(
    ("trips", "how", "error", "message"),
    [
        ([math.nan] * 12, {}, DataError, "returns must be finite numbers"),
        (np.zeros((12, 2)), {}, DataError, r"returns must be \[bar\]"),
        (TRIPS, {"draw_count": 0}, ConfigError, "draw_count must be a whole number >= 1"),
        (TRIPS, {"draw_count": 10**7}, ConfigError, "draw_count must be at most 1,000,000"),
        (
            np.zeros(2_000),
            {"draw_count": 10**6},
            ConfigError,
            "trips must be at most 1,000,000,000",
        ),
        (TRIPS, {"seed": -1}, ConfigError, "seed must be a whole number >= 0"),
        (np.zeros(1_000_001), {}, DataError, "at most 1,000,000 trips"),
    ],
)
def test_what_is_no_series_of_trips_is_refused(
    test: Any, trips: Any, how: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        test(trips, **({"seed": 1} | how))


def test_blocks_and_noise_have_their_bounds() -> None:
    with pytest.raises(ConfigError, match="block_trips must be at most the 12 trips, was 13"):
        block_test(TRIPS, seed=1, block_trips=13)
    with pytest.raises(ConfigError, match="block_trips must be a whole number >= 1"):
        block_test(TRIPS, seed=1, block_trips=0)
    with pytest.raises(ConfigError, match="one of noise_bps and noise_share must be given"):
        noise_test(TRIPS, seed=1)
    with pytest.raises(ConfigError, match="one of noise_bps and noise_share must be given"):
        noise_test(TRIPS, seed=1, noise_bps=1.0, noise_share=1.0)
    with pytest.raises(ConfigError, match="noise_bps must be 0 to 10000, was -1"):
        noise_test(TRIPS, seed=1, noise_bps=-1.0)
    with pytest.raises(ConfigError, match="noise_share must be a finite number"):
        noise_test(TRIPS, seed=1, noise_share=math.nan)


def test_a_figure_in_the_middle_of_ties_ranks_in_the_middle() -> None:
    assert percentile_of(2.0, [1.0, 2.0, 2.0, 3.0]) == (0.5, 4 / 5)
    assert percentile_of(2.0, [1.0, 2.0, 2.0, 3.0], lower=True) == (0.5, 4 / 5)
    assert percentile_of(5.0, [1.0, 2.0, 3.0]) == (1.0, 1 / 4)
    assert percentile_of(5.0, [1.0, 2.0, 3.0], lower=True) == (1.0, 1.0)
    assert percentile_of(0.3, [0.1 + 0.2]).percentile == 0.5
    with pytest.raises(DataError, match="drawn must hold at least one value"):
        percentile_of(1.0, [])
    with pytest.raises(ConfigError, match="real must be a finite number"):
        percentile_of(math.nan, [1.0])


@given(real=st.integers(-3, 3), drawn=st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_turning_all_figures_round_turns_the_rank_round(real: int, drawn: list[int]) -> None:
    rank = percentile_of(float(real), drawn)
    turned = percentile_of(float(-real), [-each for each in drawn], lower=True)
    assert rank.percentile == pytest.approx(1.0 - turned.percentile)
    assert rank.p_value == turned.p_value
    assert 0.0 < rank.p_value <= 1.0


@given(trips=st.lists(st.floats(-0.5, 0.5), min_size=10, max_size=40), seed=st.integers(0, 99))
def test_quantiles_rise_and_hold_the_mean(trips: list[float], seed: int) -> None:
    for drawn in block_test(trips, seed=seed, draw_count=60).distributions.values():
        values = [drawn.quantiles[level] for level in QUANTILES]
        assert values == sorted(values)
        assert 0.0 <= drawn.percentile <= 1.0


@given(trips=st.lists(st.sampled_from([-0.1, 0.0, 0.1]), min_size=1, max_size=30))
def test_the_longest_losing_streak_is_counted_as_by_hand(trips: list[float]) -> None:
    counted = round_trips._longest_losses(np.array([trips, trips[::-1]]))
    assert counted.tolist() == [streak(trips), streak(trips)]


def test_a_run_without_round_trips_has_no_returns_of_them() -> None:
    result = run_backtest(BuyAndHold(), flat_bars(np.full(20, 10.0)), terms_of())
    returns = trip_returns(result)
    assert returns.shape == (0,)
    assert block_test(returns, seed=1).reason != ""

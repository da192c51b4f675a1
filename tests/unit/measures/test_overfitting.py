"""The probability of backtest overfitting, against R's `pbo` and by definition."""

import warnings
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from fanfold.errors import ConfigError, DataError
from fanfold.measures import (
    overfitting,
    overfitting_of_blocks,
    probability_of_backtest_overfitting,
    sums_of_blocks,
)


def by_definition(trials: np.ndarray, blocks: int) -> float:
    """The share of splits, each computed from its returns, one after the other."""
    parts = np.array_split(trials, blocks)
    lower = []
    for past in combinations(range(blocks), blocks // 2):
        halves = [
            np.concatenate([part for block, part in enumerate(parts) if (block in past) == chosen])
            for chosen in (True, False)
        ]
        sharpes = [half.mean(axis=0) / half.std(axis=0, ddof=1) for half in halves]
        rank = rankdata(sharpes[1])[np.argmax(sharpes[0])]
        relative = rank / (trials.shape[1] + 1)
        lower.append(np.log(relative / (1 - relative)) <= 0)
    return float(np.mean(lower))


def noise(bars: int, trial_count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.01, (bars, trial_count))


@pytest.mark.parametrize("blocks", [8, 16])
def test_real_trials_equal_r(oracle: Callable[[str], Any], trials: np.ndarray, blocks: int) -> None:
    expected = oracle(f"pbo_SPY_s{blocks}")["phi"]
    assert probability_of_backtest_overfitting(trials, blocks) == pytest.approx(expected, abs=1e-9)


def test_the_unit_test_of_r_gives_the_same(
    oracle: Callable[[str], Any], reference_data: Path
) -> None:
    matrix = pd.read_csv(reference_data / "oracles_data" / "pbo_rtest_matrix.csv")
    found = probability_of_backtest_overfitting(matrix - 0.03 / 252, blocks=4)
    assert found == oracle("pbo_r_unittest")["phi"]


@given(st.integers(2, 6), st.sampled_from([2, 4, 6]), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_sums_by_block_equal_the_definition(
    trial_count: int, blocks: int, block_bars: int, seed: int
) -> None:
    drawn = noise(blocks * block_bars, trial_count, seed)
    assert probability_of_backtest_overfitting(drawn, blocks) == by_definition(drawn, blocks)


@pytest.mark.parametrize("blocks", [8, 16])
def test_sums_of_blocks_of_real_trials_equal_r(
    oracle: Callable[[str], Any], trials: np.ndarray, blocks: int
) -> None:
    expected = oracle(f"pbo_SPY_s{blocks}")
    found = overfitting_of_blocks(*sums_of_blocks(trials, blocks))
    assert found.probability == pytest.approx(expected["phi"], abs=1e-9)
    assert found.loss_probability == pytest.approx(expected["p_loss"], abs=5e-4)
    assert found.split_count == found.splits_all == {8: 70, 16: 12_870}[blocks]
    assert found.block_count == blocks
    # R draws the line of the past on the future, and prints its two numbers under each
    # other's name; the slopes of the two lines have the share explained as product.
    assert found.slope * expected["intercept"] == pytest.approx(expected["ar2"], abs=0.01)


def test_the_winners_of_the_unit_test_of_r_are_the_same(
    oracle: Callable[[str], Any], reference_data: Path
) -> None:
    matrix = pd.read_csv(reference_data / "oracles_data" / "pbo_rtest_matrix.csv")
    returns = matrix.to_numpy() - 0.03 / 252
    found, expected = overfitting_of_blocks(*sums_of_blocks(returns, 4)), oracle("pbo_r_unittest")
    assert found.probability == expected["phi"]
    assert found.loss_probability == expected["p_loss"]
    before, after = winners_by_definition(returns, [50] * 4).T
    # What it calls the slope is where its line, past on future, meets the axis.
    assert np.polyfit(after, before, 1)[1] == pytest.approx(expected["slope"], abs=1e-4)
    assert found.slope == pytest.approx(np.polyfit(before, after, 1)[0])


def winners_by_definition(trials: np.ndarray, counts: list[int]) -> np.ndarray:
    """Sharpe ratios of the winner of each split, before and after."""
    parts = np.split(trials, np.cumsum(counts)[:-1])
    pairs = []
    for past in combinations(range(len(parts)), len(parts) // 2):
        sharpes = [
            half.mean(axis=0) / half.std(axis=0, ddof=1)
            for chosen in (True, False)
            for half in [
                np.concatenate(
                    [part for block, part in enumerate(parts) if (block in past) == chosen]
                )
            ]
        ]
        best = np.argmax(sharpes[0])
        pairs.append((sharpes[0][best], sharpes[1][best]))
    return np.array(pairs)


@given(st.lists(st.integers(2, 9), min_size=4, max_size=4), st.integers(0, 2**32 - 1))
def test_blocks_may_be_of_any_length(counts: list[int], seed: int) -> None:
    drawn = noise(sum(counts), 5, seed)
    starts = np.cumsum([0, *counts[:-1]])
    sums = np.stack([np.add.reduceat(drawn**power, starts).T for power in (1, 2)], axis=-1)
    found = overfitting_of_blocks(sums, counts)
    before, after = winners_by_definition(drawn, counts).T
    slope, intercept = np.polyfit(before, after, 1)
    assert found.slope == pytest.approx(slope, rel=1e-6, abs=1e-9)
    assert found.intercept == pytest.approx(intercept, rel=1e-6, abs=1e-9)
    assert found.loss_probability == np.mean(after < 0)


def test_sums_of_blocks_give_the_probability_of_the_returns() -> None:
    drawn = noise(320, 30, seed=7)
    drawn[:, 3] = 0.0
    drawn[100:, 4] = 0.0
    drawn[:, 5] = 0.001
    found = overfitting_of_blocks(*sums_of_blocks(drawn))
    assert found.probability == probability_of_backtest_overfitting(drawn)


@pytest.mark.parametrize("level", [0.1, 0.0123])
def test_a_constant_trial_is_flat_though_its_squares_are_large(level: float) -> None:
    """Were its rounding taken for a variance, its Sharpe ratio would be millions."""
    steady = np.full((3_001, 1), level)
    losing = -0.01 - np.abs(noise(3_001, 3, seed=8))
    found = overfitting_of_blocks(*sums_of_blocks(np.hstack([losing, steady]), 8))
    assert found.probability == 0.0
    assert found.loss_probability == 0.0
    # The winner is at 0 in every half, and through one point goes no line.
    assert np.isnan(found.slope)


def test_fewer_splits_are_evenly_spaced_and_come_with_their_mirrors() -> None:
    drawn = noise(320, 20, seed=10)
    blocks = sums_of_blocks(drawn)
    whole = overfitting_of_blocks(*blocks)
    few = overfitting_of_blocks(*blocks, splits_max=2_001)
    assert (few.split_count, few.splits_all) == (2_000, 12_870)
    # 2,000 of 12,870 splits, many alike: a few percent.
    assert few.probability == pytest.approx(whole.probability, abs=0.05)
    assert few.slope == pytest.approx(whole.slope, abs=0.1)
    two = overfitting_of_blocks(*blocks, splits_max=2)
    assert two.split_count == 2


def test_many_trials_take_fewer_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = sums_of_blocks(noise(160, 50, seed=11), 8)
    assert overfitting_of_blocks(*blocks).split_count == 70
    monkeypatch.setattr(overfitting, "TRIAL_SPLITS_MAX", 50 * 30)
    assert overfitting_of_blocks(*blocks).split_count == 30
    monkeypatch.setattr(overfitting, "TRIAL_SPLITS_MAX", 1)
    assert overfitting_of_blocks(*blocks).split_count == 2


@pytest.mark.parametrize(
    ("sums", "counts", "message"),
    [
        (np.zeros((1, 4, 2)), [9] * 4, r"at least 2 trials, 4 blocks and 2 powers, had"),
        (np.zeros((3, 4, 1)), [9] * 4, r"had the shape \(3, 4, 1\)"),
        (np.zeros((3, 6, 2)), [9] * 4, r"had the shape \(3, 6, 2\)"),
        (np.zeros((3, 4)), [9] * 4, r"had the shape \(3, 4\)"),
        (np.full((3, 4, 2), np.nan), [9] * 4, "sums must be finite"),
        (np.zeros((3, 4, 2)), [9, 9, 1, 9], "counts must be >= 2, was 1"),
        (np.zeros((3, 4, 2)), [9, 9, np.nan, 9], "counts must be finite"),
    ],
)
def test_sums_of_blocks_must_be_complete(sums: Any, counts: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        overfitting_of_blocks(sums, counts)


def test_an_odd_number_of_blocks_has_no_halves() -> None:
    with pytest.raises(ConfigError, match="blocks must be even"):
        overfitting_of_blocks(np.zeros((3, 5, 2)), [9] * 5)
    with pytest.raises(ConfigError, match="splits_max must be a whole number >= 2, was 1"):
        overfitting_of_blocks(np.zeros((3, 4, 2)), [9] * 4, splits_max=1)


def test_ffn_gives_the_same_where_nothing_is_flat() -> None:
    """It leaves out bars at the end, and a half without a deviation makes it NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ffn

        drawn = noise(240, 12, seed=12)
        theirs = ffn.calc_prob_backtest_overfitting(pd.DataFrame(drawn), n_blocks=8)
        flat = ffn.calc_prob_backtest_overfitting(pd.DataFrame(drawn * (np.arange(12) > 0)), 8)
    assert probability_of_backtest_overfitting(drawn, blocks=8) == pytest.approx(theirs)
    assert np.isnan(flat)


def test_batches_of_splits_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = noise(120, 7, seed=1)
    whole = probability_of_backtest_overfitting(drawn, blocks=8)
    found = overfitting_of_blocks(*sums_of_blocks(drawn, 8))
    monkeypatch.setattr(overfitting, "NUMBERS_MAX", 30)
    batched = overfitting_of_blocks(*sums_of_blocks(drawn, 8))
    assert (batched.probability, batched.split_count) == (found.probability, found.split_count)
    # A product of matrices may round its rows otherwise where there are fewer of them.
    assert batched.slope == pytest.approx(found.slope, rel=1e-9)
    assert probability_of_backtest_overfitting(drawn, blocks=8) == whole


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10))
def test_neither_the_order_nor_the_stake_of_trials_matters(seed: int, stake: float) -> None:
    drawn = noise(64, 5, seed)
    expected = probability_of_backtest_overfitting(drawn, blocks=8)
    assert probability_of_backtest_overfitting(stake * drawn[:, ::-1], blocks=8) == expected


def test_one_trial_that_is_always_best_is_never_overfitted() -> None:
    drawn = noise(320, 10, seed=2)
    drawn[:, 3] += 0.05
    assert probability_of_backtest_overfitting(drawn) == 0.0


def test_a_winner_that_must_lose_later_is_always_overfitted() -> None:
    """Each trial earns in one half what it loses in the other."""
    half = np.array([0.02, 0.01] * 8)
    drawn = np.column_stack([np.concatenate([half, -half]), np.concatenate([-half, half])])
    assert probability_of_backtest_overfitting(drawn, blocks=2) == 1.0


def test_bars_that_fill_no_block_are_left_out_at_the_start() -> None:
    drawn = noise(67, 5, seed=3)
    expected = probability_of_backtest_overfitting(drawn[3:], blocks=16)
    assert probability_of_backtest_overfitting(drawn, blocks=16) == expected


def test_equal_trials_share_their_rank() -> None:
    column = noise(64, 1, seed=4)
    assert probability_of_backtest_overfitting(np.repeat(column, 9, axis=1), blocks=8) == 1.0
    # At another stake a trial is the same one, though its sums are rounded otherwise.
    stakes = np.array([1.0, 3.0, 0.7, 0.1, 11.0, 1.3])
    assert probability_of_backtest_overfitting(column * stakes, blocks=8) == 1.0


def test_trials_that_never_traded_count_as_zero() -> None:
    flat = np.zeros((64, 3))
    assert probability_of_backtest_overfitting(flat, blocks=8) == 1.0
    winner = np.column_stack([flat, 0.01 + np.abs(noise(64, 1, seed=5))])
    assert probability_of_backtest_overfitting(winner, blocks=8) == 0.0
    loser = np.column_stack([flat[:, :1], -0.01 - np.abs(noise(64, 1, seed=6))])
    assert probability_of_backtest_overfitting(loser, blocks=8) == 0.0


def test_a_trial_that_rests_in_one_half_is_flat_there() -> None:
    """Around its mean it is a constant there, and the variance of that is only rounding."""
    active = np.array([0.0] * 8 + [0.2, 0.1, 0.13, 0.17] * 2)
    steady = np.array([0.05, -0.01] * 8)
    # The steady trial wins the first half and the active one the second: both lose the other.
    both = np.column_stack([active, steady])
    assert probability_of_backtest_overfitting(both, blocks=2) == 1.0


@pytest.mark.parametrize("blocks", [0, 1, 3, 7, 22, -2, 2.5, np.nan, None, "16"])
def test_blocks_must_be_even_and_few(blocks: Any) -> None:
    with pytest.raises(ConfigError, match="blocks must be"):
        probability_of_backtest_overfitting(noise(64, 3, seed=9), blocks=blocks)


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (np.zeros(64), r"\[bar, trial\] of at least 2 trials, had the shape \(64,\)"),
        (np.zeros((64, 1)), r"\[bar, trial\] of at least 2 trials, had the shape \(64, 1\)"),
        (np.zeros((31, 2)), "at least 2 bars for each of the 16 blocks, had 31"),
        (np.zeros((0, 3)), r"must hold at least one value, had the shape \(0, 3\)"),
        (np.full((64, 2), np.nan), r"must be finite numbers, was nan at \(0, 0\)"),
    ],
)
def test_trials_must_be_enough_and_complete(trials: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        probability_of_backtest_overfitting(trials)

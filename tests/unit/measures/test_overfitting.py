"""The probability of backtest overfitting, against R's `pbo` and by definition."""

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
from fanfold.measures import overfitting, probability_of_backtest_overfitting


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


def test_batches_of_splits_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = noise(120, 7, seed=1)
    whole = probability_of_backtest_overfitting(drawn, blocks=8)
    monkeypatch.setattr(overfitting, "NUMBERS_MAX", 30)
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

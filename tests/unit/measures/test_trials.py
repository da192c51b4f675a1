"""Correlated trials count as what they are worth."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError, DataError
from fanfold.measures import (
    EffectiveTrials,
    best_of_each,
    effective_trials,
    effective_trials_of_all,
    expected_max_sharpe_ratio,
)

BARS = 400


def noise(trial_count: int, seed: int, bars: int = BARS) -> np.ndarray:
    return 0.01 * np.random.default_rng(seed).normal(size=(bars, trial_count))


def families(sizes: list[int], correlation: float, seed: int) -> np.ndarray:
    """Trials of several families: within one, any two are correlated so much."""
    own, shared = noise(sum(sizes), seed), noise(len(sizes), seed + 1)
    family = np.repeat(np.arange(len(sizes)), sizes)
    return np.sqrt(correlation) * shared[:, family] + np.sqrt(1.0 - correlation) * own


def clusters(cluster: list[int]) -> EffectiveTrials:
    first = np.unique(cluster, return_index=True)[1]
    return EffectiveTrials(
        count=float(len(first)), cluster=np.array(cluster), representatives=first
    )


def test_independent_trials_count_one_each() -> None:
    found = effective_trials(noise(60, seed=1))
    assert found.count == 60.0
    assert found.cluster.tolist() == found.representatives.tolist() == list(range(60))


def test_families_of_nearly_equal_trials_count_one_each() -> None:
    found = effective_trials(families([5, 1, 20], 0.99, seed=2))
    assert found.count == 3.0
    assert found.cluster.tolist() == [0] * 5 + [1] + [2] * 20


@pytest.mark.parametrize(("correlation", "count"), [(0.93, 10.0), (0.97, 1.0)])
def test_the_threshold_is_a_correlation_of_095(correlation: float, count: float) -> None:
    assert effective_trials(families([10], correlation, seed=3)).count == count


def test_opposite_trials_are_different_ones() -> None:
    trials = noise(1, seed=4)
    assert effective_trials(np.hstack([trials, -trials, 3.0 * trials])).cluster.tolist() == [
        0,
        1,
        0,
    ]


def test_trials_that_never_moved_are_one() -> None:
    trials = noise(5, seed=5)
    trials[:, [0, 2]] = 0.0
    trials[:, 4] = 0.001
    found = effective_trials(trials)
    assert found.count == 3.0
    assert found.cluster.tolist() == [0, 1, 0, 2, 0]
    assert effective_trials(np.zeros((9, 4))).count == 1.0


def test_one_trial_is_one() -> None:
    assert effective_trials(noise(1, seed=6)).cluster.tolist() == [0]
    assert effective_trials(noise(1, seed=6)[:, 0]).count == 1.0


def test_the_representative_is_the_one_in_the_middle() -> None:
    middle, aside = noise(1, seed=7), noise(4, seed=8)
    trials = middle + 0.15 * aside
    trials[:, 2] = middle[:, 0]
    found = effective_trials(trials)
    assert found.count == 1.0
    assert found.representatives.tolist() == [2]


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100.0), st.floats(-0.01, 0.01))
def test_neither_stake_nor_drift_nor_order_changes_the_count(
    seed: int, stake: float, drift: float
) -> None:
    trials = families([4, 2, 3, 1], 0.99, seed=seed % 1_000)
    order = np.random.default_rng(seed).permutation(10)
    found = effective_trials(stake * trials[:, order] + drift)
    assert found.count == effective_trials(trials).count
    assert found.cluster[0] == 0
    # Numbered by first appearance.
    assert np.all(np.diff(np.unique(found.cluster, return_index=True)[1]) > 0)
    assert found.cluster[found.representatives].tolist() == list(range(int(found.count)))


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (np.zeros((5, 2_001)), "at most 2000 trials, a sample of more, had 2001"),
        (np.zeros((2, 4)), "at least 3 bars, had 2"),
        (np.full((5, 2), np.nan), "must be finite"),
    ],
)
def test_trials_must_be_few_and_complete(trials: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        effective_trials(trials)


def test_a_sample_of_everything_is_taken_as_it_is() -> None:
    assert effective_trials_of_all(clusters([0, 0, 1, 2]), 4) == 3.0


def test_clusters_all_seen_twice_have_no_unseen_ones_beside_them() -> None:
    assert effective_trials_of_all(clusters(list(range(20)) * 2), 100_000) == 20.0


def test_one_rare_cluster_alone_tells_of_no_others() -> None:
    assert effective_trials_of_all(clusters([0] * 59 + [1]), 100_000) == 2.0


def test_independent_trials_outside_the_sample_nearly_all_count() -> None:
    found = effective_trials_of_all(clusters(list(range(200))), 2_000)
    assert 0.95 * 2_000 < found <= 2_000


def test_unseen_clusters_follow_the_formula() -> None:
    """Of 40 trials 6 stand alone and 3 clusters hold two: (39/40) 6² / (2 · 3) are unseen."""
    sampled = clusters([*range(6), *([6, 7, 8] * 2), *([9] * 28)])
    unseen = 39 / 40 * 36 / 6
    share = 1.0 - (1.0 - 6 / (40 * unseen + 6)) ** 60
    assert effective_trials_of_all(sampled, 100) == pytest.approx(10 + unseen * share)
    assert effective_trials_of_all(sampled, 10**9) == pytest.approx(10 + unseen)


def test_a_small_sample_counts_the_others_in_proportion() -> None:
    assert effective_trials_of_all(clusters([0, 0, 0, 1]), 100) == 50.0
    assert effective_trials_of_all(clusters([0]), 100) == 100.0


@given(st.lists(st.integers(0, 30), min_size=1, max_size=90), st.integers(0, 10_000))
def test_the_count_of_all_stays_between_the_sample_and_all(labels: list[int], more: int) -> None:
    cluster = np.unique(labels, return_inverse=True)[1].tolist()
    sampled, everything = clusters(cluster), len(cluster) + more
    found = effective_trials_of_all(sampled, everything)
    assert sampled.count <= found <= everything
    assert found <= effective_trials_of_all(sampled, everything + 1) + 1e-9


def test_a_sample_foretells_how_lucky_the_whole_may_be() -> None:
    """300 families of unequal size; 400 of 3,000 trials were looked at.

    Rare families stay unseen, so the number is too low; of the luckiest Sharpe ratio, which
    hardly grows with it, only some percent are missing.
    """
    rng = np.random.default_rng(9)
    weights = rng.exponential(size=300)
    whole = rng.choice(300, size=3_000, p=weights / weights.sum())
    seen = np.unique(whole[:400], return_inverse=True)[1].tolist()
    found = effective_trials_of_all(clusters(seen), 3_000)
    real = len(np.unique(whole))
    assert len(set(seen)) < 0.75 * real
    assert len(set(seen)) < found < real
    lucky = [
        expected_max_sharpe_ratio(trial_sharpe_variance=1.0, trial_count=count)
        for count in (found, real)
    ]
    assert lucky[0] == pytest.approx(lucky[1], rel=0.03)


@pytest.mark.parametrize("count", [3, 4.5, np.nan, "many"])
def test_all_trials_are_not_fewer_than_the_sample(count: Any) -> None:
    with pytest.raises(ConfigError, match="trial_count must be"):
        effective_trials_of_all(clusters([0, 0, 1, 2]), count)


def test_the_best_of_each_cluster_comes_best_first() -> None:
    found = best_of_each(clusters([0, 1, 0, 2, 1, 3]), [0.1, 0.3, 0.4, np.nan, 0.3, 0.2])
    assert found.tolist() == [2, 1, 5, 3]
    with pytest.raises(DataError, match=r"scores must be one a trial, \(2,\), was \(3,\)"):
        best_of_each(clusters([0, 1]), [1.0, 2.0, 3.0])

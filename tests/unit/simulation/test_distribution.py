"""Estimates and their intervals: right as often as they say."""

import numpy as np
import pytest
from scipy import stats

from fanfold.simulation.distribution import CONFIDENCES, Distribution, share
from fanfold.simulation.tally import Tally

LEVEL = 0.05


def of(values: np.ndarray) -> Distribution:
    return Distribution.of_tally(Tally.of(values), np.asarray, (LEVEL,))


def test_few_values_have_the_quantiles_and_tail_means_of_numpy() -> None:
    values = np.random.default_rng(3).normal(size=200)
    found = of(values)
    assert found[LEVEL].value == pytest.approx(np.quantile(values, LEVEL), rel=1e-7)
    tail = values[values <= np.quantile(values, LEVEL)]
    assert found.mean_up_to(LEVEL).value == pytest.approx(tail.mean(), rel=1e-7)


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_intervals_hold_the_truth_as_often_as_they_say(confidence: float) -> None:
    quantile = stats.norm.ppf(LEVEL)
    shortfall = -stats.norm.pdf(quantile) / LEVEL
    held = np.zeros(3)
    seeds = 400
    for seed in range(seeds):
        found = of(np.random.default_rng(seed).normal(size=4000))
        for i, (estimate, truth) in enumerate(
            ((found.quantile(LEVEL), quantile), (found.mean_up_to(LEVEL), shortfall),
             (found.mean, 0.0))
        ):  # fmt: skip
            low, high = estimate.intervals[confidence]
            held[i] += low <= truth <= high
    band = 4 * np.sqrt(confidence * (1 - confidence) / seeds)
    assert np.all(np.abs(held / seeds - confidence) < band), held / seeds


@pytest.mark.parametrize("tail_paths", [2, 5, 20])
def test_tails_of_few_paths_are_not_told_too_surely(tail_paths: int) -> None:
    quantile = stats.norm.ppf(LEVEL)
    shortfall = -stats.norm.pdf(quantile) / LEVEL
    seeds, held = 400, 0
    for seed in range(seeds):
        drawn = np.random.default_rng(seed).normal(size=round(tail_paths / LEVEL))
        found = of(drawn).mean_up_to(LEVEL)
        low, high = found.intervals[0.99]
        held += low <= shortfall <= high
    assert held / seeds > 0.96


def test_the_tail_of_a_single_path_is_not_told_for_certain() -> None:
    found = of(np.random.default_rng(1).normal(size=10)).mean_up_to(LEVEL)
    assert found.standard_error > 0.0
    assert found.low < found.value < found.high


def test_standard_errors_are_the_deviation_over_seeds() -> None:
    found = [of(np.random.default_rng(seed).normal(size=4000)) for seed in range(300)]
    for name in ("quantile", "mean_up_to"):
        estimates = [getattr(one, name)(LEVEL) for one in found]
        spread = np.std([estimate.value for estimate in estimates])
        stated = np.mean([estimate.standard_error for estimate in estimates])
        assert stated == pytest.approx(spread, rel=0.15), name


def test_a_share_has_wilsons_interval() -> None:
    found = share(13, 200)
    theirs = stats.binomtest(13, 200).proportion_ci(0.95, method="wilson")
    assert found.value == 13 / 200
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_never_and_always_have_an_interval_too() -> None:
    never, always = share(0, 1000), share(1000, 1000)
    assert (never.low, always.high) == (0.0, 1.0)
    assert 0.0 < never.high < 0.01
    assert 0.99 < always.low < 1.0


def test_whole_numbers_keep_their_values() -> None:
    counts = np.array([0, 3, 0, 1])
    found = Distribution.of_counts(counts, (0.5,))
    assert found.points.tolist() == [1.0, 3.0]
    assert found.quantile(0.5).value == 1.0
    assert found.quantile(1.0 - 1e-12).value == pytest.approx(3.0)
    assert list(found) == [0.5]
    with pytest.raises(KeyError):
        found[0.9]


def test_one_path_has_no_deviation() -> None:
    found = of(np.array([0.25]))
    assert found.mean.value == pytest.approx(0.25)
    assert found.deviation == 0.0
    assert found.quantile(0.99).value == pytest.approx(0.25)

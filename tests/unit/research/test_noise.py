"""On prices without any edge, evidence must not find one; with an edge, it must.

Prices are random walks, the rules are a grid of moving-average crosses, and the best of
the grid is chosen: by luck alone, since there is nothing to find.
"""

import math
from itertools import product

import numpy as np
import pytest

from fanfold.measures import sharpe_ratio, sums_of_blocks
from fanfold.research.evidence import Evidence, evidence_of

BAR_COUNT = 3_000
WARM_UP = 250
GRID = tuple(product((2, 4, 6, 8, 10, 15, 20, 25), (30, 40, 50, 60, 80, 100, 150, 220)))
WALK_COUNT = 40


def walk(seed: int, drift: np.ndarray | float = 0.0) -> np.ndarray:
    """Returns of one price, its warm-up included."""
    noise = np.random.default_rng([seed, 2_026]).normal(0.0, 0.01, WARM_UP + BAR_COUNT)
    return noise + drift


def average(price: np.ndarray, window: int) -> np.ndarray:
    total = np.cumsum(np.concatenate([[0.0], price]))
    return np.concatenate(
        [np.full(window - 1, np.nan), (total[window:] - total[:-window]) / window]
    )


def positions(returns: np.ndarray, grid: tuple[tuple[int, int], ...] = GRID) -> np.ndarray:
    """Long while the fast average is above the slow one, from the next bar on; `[bar, trial]`."""
    price = np.cumprod(1.0 + returns)
    averages = {window: average(price, window) for window in {w for pair in grid for w in pair}}
    held = [averages[fast] > averages[slow] for fast, slow in grid]
    return np.stack(held, axis=1)[WARM_UP - 1 : -1].astype(float)


def evidence(returns: np.ndarray, held: np.ndarray, draws: int = 100) -> Evidence:
    """Everything about the best of the grid, with all of it known."""
    market = returns[WARM_UP:]
    trials = held * market[:, np.newaxis]
    sharpes = np.asarray(sharpe_ratio(trials))
    return evidence_of(
        returns=trials[:, np.argmax(sharpes)],
        trial_returns=trials,
        trial_count=trials.shape[1],
        trial_sharpes=sharpes,
        blocks=sums_of_blocks(trials, 10),
        exposures=held.mean(axis=0),
        buy_and_hold=market,
        periods_per_year=252.0,
        draws=draws,
    )


@pytest.fixture(scope="module")
def by_luck() -> list[Evidence]:
    walks = [walk(seed) for seed in range(WALK_COUNT)]
    return [evidence(returns, positions(returns)) for returns in walks]


def count_most(rate: float) -> float:
    """Walks of all that a rate may give, three standard deviations above its mean."""
    return WALK_COUNT * rate + 3.0 * math.sqrt(WALK_COUNT * rate * (1.0 - rate))


def test_luck_rarely_passes_the_deflated_sharpe_ratio(by_luck: list[Evidence]) -> None:
    passed = sum(found.deflated_sharpe > 0.95 for found in by_luck)
    assert passed <= count_most(0.05)
    # Without the deflation the best of a grid passes about four times as often.
    undeflated = sum(found.probabilistic_sharpe > 0.95 for found in by_luck)
    assert undeflated > count_most(0.05)


def test_the_luckiest_is_expected_to_be_as_good_as_it_is(by_luck: list[Evidence]) -> None:
    gaps = [found.sharpe_per_period - found.expected_max_sharpe for found in by_luck]
    # In errors of one Sharpe ratio: three errors of the mean of 40 walks are 3/√40 of them.
    assert abs(np.mean(gaps) * math.sqrt(BAR_COUNT)) < 3.0 / math.sqrt(WALK_COUNT)


def test_luck_is_as_often_overfitted_as_not(by_luck: list[Evidence]) -> None:
    # A walk's probability spreads by 0.21 about its mean: three errors of 40 walks are 0.1.
    assert np.mean([found.overfitting_probability for found in by_luck]) == pytest.approx(
        0.5, abs=0.1
    )


@pytest.mark.parametrize("benchmark", ["superiority_matched", "superiority_zero"])
def test_luck_rarely_beats_a_benchmark(by_luck: list[Evidence], benchmark: str) -> None:
    assert sum(getattr(found, benchmark) <= 0.05 for found in by_luck) <= count_most(0.05)


def test_an_edge_that_the_rules_can_catch_is_found() -> None:
    """The drift turns every 150 bars, so that following it pays and holding does not."""
    bars = np.arange(WARM_UP + BAR_COUNT)
    drift = 0.002 * np.where(bars // 150 % 2 == 0, 1.0, -1.0)
    for seed in range(3):
        returns = walk(seed, drift)
        found = evidence(returns, positions(returns), draws=200)
        assert found.deflated_sharpe > 0.95
        assert found.superiority_matched < 0.05
        assert found.superiority_zero < 0.05
        assert found.minimum_track_record < BAR_COUNT


def test_a_rising_market_is_no_edge_of_the_rules() -> None:
    """Holding less of what rises has a Sharpe ratio, and does not beat holding as much."""
    returns = walk(1, 0.001)
    found = evidence(returns, positions(returns), draws=200)
    assert found.superiority_zero < 0.05
    assert found.superiority_matched > 0.05

"""How often right and wrong forecasts of the value at risk are rejected, where truth is known.

A method is not accurate because one series says so. Here 200 series of three kinds are
forecast one bar ahead, and the tests' rejection rate at 5 % stands beside what it is for
forecasts that are exactly right, with the band of a binomial share (4 errors).
"""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fanfold.measures.coverage import christoffersen_test, kupiec_test
from fanfold.measures.rolling_risk import RollingValueAtRiskMethod, rolling_value_at_risk

SERIES = 200
WINDOW = 250
TESTED = 500
AT = 0.05
LEVELS = [0.95, 0.99]
KINDS = ["normal", "student", "garch"]
PERSISTENCE = 0.99
NEWS = 0.09


def drawn(kind: str, seed: int = 7) -> tuple[np.ndarray, np.ndarray, Any]:
    """Returns and their true deviations, `[bar, series]`, and the law of their ratio."""
    rng = np.random.default_rng(seed)
    shape = (WINDOW + TESTED, SERIES)
    if kind == "normal":
        return 0.01 * rng.normal(size=shape), np.full(shape, 0.01), stats.norm
    if kind == "student":
        scale = np.full(shape, 0.01 * math.sqrt(3 / 5))
        return scale * rng.standard_t(5, shape), scale, stats.t(5)
    variance = np.full(SERIES, 1e-4)
    deviations, returns = np.empty(shape), np.empty(shape)
    for bar in range(-200, len(returns)):
        deviation = np.sqrt(variance)
        moves = deviation * rng.normal(size=SERIES)
        if bar >= 0:
            deviations[bar], returns[bar] = deviation, moves
        variance = 1e-4 * (1 - PERSISTENCE) + NEWS * moves**2 + (PERSISTENCE - NEWS) * variance
    return returns, deviations, stats.norm


def true_exceptions(kind: str, level: float) -> np.ndarray:
    returns, deviations, law = drawn(kind)
    return (returns < deviations * law.ppf(1 - level))[WINDOW:]


def exceptions(kind: str, level: float, method: RollingValueAtRiskMethod) -> np.ndarray:
    returns, _, _ = drawn(kind)
    forecasts = rolling_value_at_risk(returns, window=WINDOW, level=level, method=method)
    return (returns < -forecasts)[WINDOW:]


def band(share: float, count: int = SERIES) -> float:
    return 4.0 * math.sqrt(share * (1.0 - share) / count)


def rejected(p_values: Any) -> float:
    return float(np.mean(np.asarray(p_values) < AT))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", KINDS)
def test_right_forecasts_are_rejected_as_often_as_a_count_can_be(kind: str, level: float) -> None:
    """Counts are whole, so the rate at 5 % is not 5 %: it is added up over all of them."""
    counts = np.arange(TESTED + 1)
    every_count = kupiec_test(counts > np.arange(TESTED)[:, np.newaxis], level)
    chances = stats.binom(TESTED, 1 - level).pmf(counts)
    found = kupiec_test(true_exceptions(kind, level), level)
    for theirs, ours in [
        (every_count.p_value, found.p_value),
        (every_count.exact_p_value, found.exact_p_value),
    ]:
        size = float(chances[np.asarray(theirs) < AT].sum())
        assert rejected(ours) == pytest.approx(size, abs=band(size))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", KINDS)
def test_right_forecasts_have_independent_exceptions(kind: str, level: float) -> None:
    """Held against coins that fall that way, of which the tests reject less than 5 %."""
    coins = np.random.default_rng(8).random((TESTED, 2_000)) < 1 - level
    nominal = christoffersen_test(coins, level)
    found = christoffersen_test(true_exceptions(kind, level), level)
    for theirs, ours in [
        (nominal.p_value, found.p_value),
        (nominal.independence_p_value, found.independence_p_value),
    ]:
        size = rejected(theirs)
        assert size < AT
        assert rejected(ours) == pytest.approx(size, abs=band(size) + band(size, 2_000))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["normal", "student"])
def test_quantiles_of_a_window_cover_what_their_places_say(kind: str, level: float) -> None:
    """A bar like n before it is below their k-th smallest with probability k / (n + 1)."""
    tail = 1 - level
    place = 1 + (WINDOW - 1) * tail
    covered = 1 - exceptions(kind, level, "historical").mean(axis=0)
    error = covered.std() / math.sqrt(SERIES)
    assert covered.mean() == pytest.approx(1 - place / (WINDOW + 1), abs=4 * error)


@pytest.mark.parametrize("level", LEVELS)
def test_normal_returns_are_covered_by_a_normal(level: float) -> None:
    covered = 1 - exceptions("normal", level, "gaussian").mean(axis=0)
    # Mean and deviation are estimated: a t law with 249 degrees, and n instead of n - 1.
    score = -stats.norm.ppf(level) * math.sqrt((WINDOW - 1) / (WINDOW + 1))
    expected = 1 - stats.t(WINDOW - 1).cdf(score)
    assert covered.mean() == pytest.approx(expected, abs=4 * covered.std() / math.sqrt(SERIES))


def test_fat_tails_are_too_much_for_a_normal_and_not_for_history() -> None:
    normal = kupiec_test(exceptions("student", 0.99, "gaussian"), 0.99)
    history = kupiec_test(exceptions("student", 0.99, "filtered_historical"), 0.99)
    assert rejected(normal.exact_p_value) > 0.1
    assert rejected(history.exact_p_value) < 0.05


@pytest.mark.parametrize("level", LEVELS)
def test_moving_volatility_is_followed_only_by_filtered_methods(level: float) -> None:
    rates = {
        method: rejected(christoffersen_test(exceptions("garch", level, method), level).p_value)
        for method in ("historical", "gaussian", "ewma", "filtered_historical")
    }
    for late in ("historical", "gaussian"):
        assert rates[late] > 0.2
    for following in ("ewma", "filtered_historical"):
        assert rates[following] < AT + band(AT)

"""Moments from sums of powers equal those of the series they were added up from."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError, DataError
from fanfold.measures import (
    kurtosis,
    moments_of_sums,
    sharpe_ratio,
    skewness,
    sums_of_blocks,
    volatility,
)


def powers(returns: np.ndarray) -> np.ndarray:
    return np.stack([np.sum(returns**power, axis=0) for power in (1, 2, 3, 4)], axis=-1)


def drawn(bars: int, trial_count: int, seed: int, mean: float = 0.0005) -> np.ndarray:
    return mean + 0.01 * np.random.default_rng(seed).standard_t(4, (bars, trial_count))


@given(st.integers(3, 400), st.integers(0, 2**32 - 1), st.floats(-0.01, 0.01))
def test_moments_equal_those_of_the_series(bars: int, seed: int, mean: float) -> None:
    returns = drawn(bars, 4, seed, mean)
    found = moments_of_sums(powers(returns), bars)
    # Central moments from raw ones lose a few digits where the mean is large.
    for ours, theirs in [
        (found.mean, returns.mean(axis=0)),
        (found.deviation, volatility(returns)),
        (found.skewness, skewness(returns)),
        (found.kurtosis, kurtosis(returns)),
        (found.sharpe, sharpe_ratio(returns)),
    ]:
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


def test_blocks_of_unequal_length_add_up_to_the_whole() -> None:
    returns = drawn(103, 5, seed=1)
    sums, counts = sums_of_blocks(returns)
    assert sums.shape == (5, 16, 4)
    assert counts.sum() == 103
    assert set(counts.tolist()) == {6, 7}
    np.testing.assert_allclose(sums.sum(axis=1), powers(returns), rtol=1e-12)
    start = int(counts[0])
    np.testing.assert_allclose(sums[:, 1], powers(returns[start : start + int(counts[1])]))
    by_block = moments_of_sums(sums, counts)
    assert by_block.sharpe.shape == (5, 16)
    np.testing.assert_allclose(by_block.sharpe[:, 0], sharpe_ratio(returns[:start]), rtol=1e-9)


@pytest.mark.parametrize(("bars", "blocks"), [(4, 2), (7, 2), (9, 4), (31, 14), (32, 16), (99, 16)])
def test_few_bars_make_fewer_blocks_of_two_at_least(bars: int, blocks: int) -> None:
    counts = sums_of_blocks(drawn(bars, 2, seed=2))[1]
    assert len(counts) == blocks
    assert counts.min() >= 2


@pytest.mark.parametrize("level", [0.0, 0.01, -0.37, 1e-9])
def test_equal_returns_have_no_ratio_whatever_rounding_says(level: float) -> None:
    returns = np.full((5_000, 1), level)
    found = moments_of_sums(powers(returns), 5_000)
    assert found.mean == pytest.approx(level)
    assert found.deviation == 0.0
    assert np.isnan([found.sharpe, found.skewness, found.kurtosis]).all()


def test_a_shape_that_rounding_has_eaten_is_not_told() -> None:
    """Returns of 1 that differ by 0.00001: their fourth powers agree in 19 digits."""
    returns = 1.0 + 1e-5 * np.random.default_rng(3).normal(size=(1_000, 1))
    found = moments_of_sums(powers(returns), 1_000)
    assert found.sharpe == pytest.approx(sharpe_ratio(returns), rel=1e-4)
    assert np.isnan([found.skewness, found.kurtosis]).all()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_returns_have_no_deviation(count: int) -> None:
    found = moments_of_sums(powers(np.full((count, 1), 0.1)), count)
    assert np.isnan([found.deviation, found.sharpe, found.skewness, found.kurtosis]).all()
    assert np.isnan(found.mean).all() == (count == 0)


@pytest.mark.parametrize(
    ("sums", "count", "message"),
    [
        (np.zeros((3, 2)), 5, r"sums must be 4 finite sums of powers, had the shape \(3, 2\)"),
        (1.0, 5, "sums must be 4 finite sums"),
        (np.full(4, np.nan), 5, "sums must be 4 finite sums"),
        (np.zeros(4), -1, "count must be >= 0, was -1"),
        (np.zeros(4), np.nan, "count must be >= 0, was nan"),
        (np.zeros((3, 4)), [1, 2], r"count must fit sums of the shape \(3, 4\)"),
    ],
)
def test_sums_and_counts_must_fit(sums: Any, count: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        moments_of_sums(sums, count)


def test_blocks_must_be_even_and_bars_enough() -> None:
    with pytest.raises(ConfigError, match="block_count must be even, was 3"):
        sums_of_blocks(drawn(40, 2, seed=4), 3)
    with pytest.raises(DataError, match="at least 4 bars, had 3"):
        sums_of_blocks(drawn(3, 2, seed=4))

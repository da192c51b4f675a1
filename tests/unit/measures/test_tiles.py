"""Tails from a sample's limit, against all bars sorted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.measures.tiles import Search, Tile, tail_of

ROUNDING = 1e-14


def awkward(bars: int) -> np.ndarray:
    """Series whose sample misleads, or tells nothing, beside plain ones."""
    rng = np.random.default_rng(8)
    bar = np.arange(bars)
    step = Search.of(bars, 0.05, 1.0).step
    return np.column_stack(
        [
            rng.normal(0.0, 0.01, bars),
            rng.standard_cauchy(bars),
            np.sort(rng.normal(0.0, 0.01, bars)),
            np.where(bar % step == 0, 1.0, -1.0) + rng.normal(0.0, 0.1, bars),
            np.where(bar % step == 0, -1.0, 1.0) + rng.normal(0.0, 0.1, bars),
            np.full(bars, 0.01),
            np.round(rng.normal(0.0, 0.01, bars), 2),
            np.where(bar == bars // 2, -1.0, 0.0),
            np.linspace(0.0, 8e-15, bars),  # all are equal but for rounding
        ]
    )


@given(
    bars=st.integers(1, 3_000),
    quantile=st.sampled_from([1e-6, 0.001, 0.01, 0.05, 0.1, 0.3, 0.5, 0.7, 0.95, 0.999]),
)
def test_a_tail_is_that_of_all_bars(bars: int, quantile: float) -> None:
    series = awkward(bars)
    tile = Tile(series, slice(0, series.shape[1]))
    exact = np.quantile(series, quantile, axis=0)
    for sign in (1.0, -1.0):
        found, mean = tail_of(tile, quantile, sign)
        np.testing.assert_array_equal(found, exact)
        beyond = sign * series <= sign * exact + ROUNDING
        expected = np.sum(np.where(beyond, series, 0.0), axis=0) / np.sum(beyond, axis=0)
        assert mean == pytest.approx(expected, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("bars", "quantile"), [(5_000, 0.05), (1_000_000, 0.01), (250, 0.05)])
def test_few_bars_of_many_are_looked_at(bars: int, quantile: float) -> None:
    search = Search.of(bars, quantile, 1.0)
    assert quantile * bars < search.room < 0.25 * bars


def test_half_of_the_bars_is_no_tail() -> None:
    assert Search.of(5_000, 0.5, 1.0).room == 5_000

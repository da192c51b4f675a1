"""Counters of values: what they forget is less than chance."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fanfold.simulation.distribution import Distribution
from fanfold.simulation.tally import Tally, no_values

VALUES = arrays.arrays(
    np.float64, st.integers(1, 60), elements=st.floats(-900, 900, allow_subnormal=False)
)


def cut(values: np.ndarray, at: int) -> Tally:
    """Counted in two parts."""
    first, second = values[:at], values[at:]
    return Tally.of(second).plus(Tally.of(first))


@given(VALUES, st.integers(0, 60))
def test_order_and_chunks_change_no_counter(values: np.ndarray, at: int) -> None:
    whole, parts = Tally.of(values), cut(values[::-1].copy(), at)
    assert (whole.counts == parts.counts).all()
    assert (whole.offsets == parts.offsets).all()
    assert whole.count == len(values)


@given(VALUES)
def test_ranks_of_few_values_are_the_values(values: np.ndarray) -> None:
    ordered = np.sort(values)
    found = Tally.of(values).filled().ranked(np.arange(len(values)))
    shared = np.abs(np.diff(ordered, prepend=-np.inf, append=np.inf))
    alone = np.minimum(shared[:-1], shared[1:]) > 4e-3 * np.abs(ordered)
    assert np.allclose(found[alone], ordered[alone], rtol=1e-8, atol=2.0**-40)
    assert np.allclose(found, ordered, rtol=4e-3, atol=2.0**-40)
    assert np.all(np.diff(found) >= 0.0)


def test_quantiles_of_many_values_are_nearer_than_chance() -> None:
    values = np.random.default_rng(1).normal(0.05, 0.2, 400_000)
    levels = np.array([0.001, 0.01, 0.05, 0.5, 0.9, 0.99, 0.999])
    found = Distribution.of_tally(Tally.of(values), np.asarray, ())
    for level in levels:
        estimate = found.quantile(float(level))
        error = abs(estimate.value - np.quantile(values, level))
        assert error < 0.05 * estimate.standard_error
    assert abs(found.mean.value - values.mean()) < 1e-9
    assert abs(found.deviation - values.std(ddof=1)) < 1e-6


def test_small_values_keep_their_digits() -> None:
    values = np.random.default_rng(2).normal(0.0, 1e-7, 1000)
    found = Distribution.of_tally(Tally.of(values), np.asarray, ())
    assert np.isclose(found.quantile(0.05).value, np.quantile(values, 0.05), rtol=1e-3)


def test_nothing_is_counted_as_nothing() -> None:
    assert no_values().count == 0
    assert no_values().plus(Tally.of(np.array([0.0, -(2.0**-50)]))).filled().ranked(
        np.array([0, 1])
    ).tolist() == [
        0.0,
        0.0,
    ]

"""Waiting times between exceptions, against R's rugarch and laws that are known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from fanfold.errors import ConfigError, DataError
from fanfold.measures.coverage import christoffersen_test, exceptions_of
from fanfold.measures.durations import WEIBULL_SHAPE_MAX, duration_test


def test_the_test_equals_rugarch(oracle: Callable[[str], Any], reference_data: Path) -> None:
    expected = oracle("vardur_SPY")
    table = pd.read_parquet(reference_data / "oracles_data" / "var_forecasts_SPY.parquet")
    found = duration_test(exceptions_of(table["ret"], -table["hs_0.05"]))
    # R's search ended at a shape 2e-7 away.
    assert found.shape == pytest.approx(expected["b"], rel=1e-6)
    assert found.log_likelihood == pytest.approx(expected["uLL"], rel=1e-9)
    assert found.memoryless_log_likelihood == pytest.approx(expected["rLL"], rel=1e-9)
    assert found.p_value == pytest.approx(expected["LRp"], rel=1e-6)


def written_out(exceptions: np.ndarray) -> tuple[float, float]:
    """Largest likelihood and its shape, over both parameters at once."""
    at = np.flatnonzero(exceptions)
    complete = np.diff(at).astype(float)
    open_ended = [at[0] + 1.0] if at[0] > 0 else []
    open_ended += [len(exceptions) - 1.0 - at[-1]] if at[-1] < len(exceptions) - 1 else []

    def loss(parameters: np.ndarray) -> float:
        rate, shape = np.exp(parameters)
        known = shape * np.log(rate) + np.log(shape) + (shape - 1) * np.log(complete)
        known = known - (rate * complete) ** shape
        return float(-known.sum() + sum((rate * wait) ** shape for wait in open_ended))

    best = optimize.minimize(loss, [np.log(0.1), 0.0], method="Nelder-Mead", tol=1e-10)
    return -best.fun, float(np.exp(best.x[1]))


def test_likelihoods_equal_those_of_a_search_over_both_parameters() -> None:
    drawn = np.random.default_rng(0).random((200, 4)) < 0.1
    drawn[0, 0] = drawn[-1, 1] = True
    drawn[[0, -1], 2] = True
    drawn[[0, -1], 3] = False
    found = duration_test(drawn, 0.9)
    for at in range(4):
        likelihood, shape = written_out(drawn[:, at])
        assert np.asarray(found.log_likelihood)[at] == pytest.approx(likelihood, abs=1e-6)
        assert np.asarray(found.shape)[at] == pytest.approx(shape, rel=1e-4)
        alone = duration_test(drawn[:, at], 0.9)
        assert alone.p_value == pytest.approx(np.asarray(found.p_value)[at])


def test_clusters_without_neighbours_are_seen() -> None:
    """Every third bar of ten stretches: no exception follows another, and all are near one."""
    bar = np.arange(2_000)
    clustered = (bar % 200 < 30) & (bar % 3 == 0)
    assert christoffersen_test(clustered).exception_to_exception_count == 0
    found = duration_test(clustered)
    assert found.shape < 0.9
    assert not found.passes(at=0.01)


def test_exceptions_at_a_steady_beat_are_too_even() -> None:
    found = duration_test(np.arange(400) % 20 == 0)
    assert found.shape > 2.0
    assert not found.passes()
    assert duration_test([True] * 5).shape == pytest.approx(WEIBULL_SHAPE_MAX)


@pytest.mark.parametrize(("tail", "bars"), [(0.01, 30_000), (0.05, 1_000)])
def test_memoryless_exceptions_are_rejected_a_little_too_often(tail: float, bars: int) -> None:
    """Whole bars are no continuous time, the less so the more exceptions there are."""
    drawn = np.random.default_rng(1).random((bars, 300)) < tail
    rejected = 1.0 - np.mean(duration_test(drawn, 1.0 - tail).passes())
    # Four errors of a share of 0.08 among 300 are 0.063.
    assert rejected == pytest.approx(0.08, abs=0.063)


@pytest.mark.parametrize("exceptions", [[False] * 9, [True], [False, True, False]])
def test_fewer_than_two_exceptions_say_nothing(exceptions: list[bool]) -> None:
    found = duration_test(exceptions)
    assert np.isnan([found.statistic, found.p_value, found.shape, found.log_likelihood]).all()
    assert found.passes()


def test_bad_input_has_one_clear_error() -> None:
    with pytest.raises(DataError, match="exceptions must be True and False or 1 and 0"):
        duration_test([0.5])
    with pytest.raises(ConfigError, match="level must be between 0 and 1"):
        duration_test([True], 2.0)

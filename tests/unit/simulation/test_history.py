"""What a model is fitted to is checked once: shapes, numbers, and whether anything moves."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fanfold.errors import DataError
from fanfold.simulation.history import as_history, log_history


@given(hnp.arrays(float, st.tuples(st.integers(0, 5), st.integers(0, 3)), elements=st.floats()))
def test_what_passes_are_finite_returns_that_vary(returns: np.ndarray) -> None:
    try:
        with np.errstate(all="ignore"):
            history = as_history(returns)
    except DataError:
        return
    assert np.isfinite(history).all()
    assert (history > -1.0).all()
    assert len(history) >= 2
    assert (history != history[0]).any(axis=0).all()


def test_one_asset_is_a_column_and_rows_lie_side_by_side() -> None:
    assert as_history([0.1, 0.2]).tolist() == [[0.1], [0.2]]
    turned = np.asfortranarray([[0.1, 0.2], [0.3, 0.4]])
    assert as_history(turned).flags.c_contiguous
    assert as_history(turned).tolist() == turned.tolist()


def test_logarithms_are_those_of_growth() -> None:
    assert log_history([math.e - 1.0, 0.0])[:, 0] == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        ([], "at least 2 bars, had 0"),
        ([0.1], "at least 2 bars, had 1"),
        ([[]], r"must be \[bar\] or \[bar, asset\], had the shape \(1, 0\)"),
        (0.1, r"must be \[bar\] or \[bar, asset\], had the shape \(\)"),
        ([[0.1, 0.2], [0.1]], "must be an array of numbers, was list"),
        (None, r"must be|at least"),
        ([0.1, math.nan, 0.2], "must be finite numbers, was nan at bar 1 of asset 0"),
        ([[0.1, 0.2], [0.1, math.inf]], "must be finite numbers, was inf at bar 1 of asset 1"),
        ([0.1, -1.5], "must be above -1, or prices are not above 0, was -1.5 at bar 1"),
        ([[0.1, 0.2], [0.3, 0.2]], "must vary, those of asset 1 were all 0.2"),
        ([0.1, 0.1 + 1e-14], "must vary"),
    ],
)
def test_what_no_model_can_be_fitted_to_is_refused(returns: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_history(returns)


def test_a_model_may_need_more_bars() -> None:
    with pytest.raises(DataError, match="at least 100 bars, had 3"):
        log_history([0.1, 0.2, 0.3], bars_min=100)

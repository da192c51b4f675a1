"""Numbers of several assets, and how normals are mixed so that they move together."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError
from fanfold.simulation.assets import (
    ASSETS_MAX,
    as_correlation,
    correlation_of,
    loadings,
    per_asset,
)

SOME = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def test_a_number_stands_for_every_asset() -> None:
    assert per_asset(2, "drift") == (2.0,)
    assert per_asset(2, "drift", 3) == (2.0, 2.0, 2.0)
    assert per_asset([1.0, 2.0], "drift", 2) == (1.0, 2.0)


def test_a_number_stands_for_every_pair() -> None:
    assert as_correlation(0.5, 2) == ((1.0, 0.5), (0.5, 1.0))
    assert as_correlation(None, 2) == ((1.0, 0.0), (0.0, 1.0))
    assert as_correlation(0.5, 1) == ((1.0,),)


@given(rng=SOME, count=st.integers(1, 6), rank=st.integers(1, 6))
def test_loadings_are_a_triangle_that_gives_the_correlation(
    rng: np.random.Generator, count: int, rank: int
) -> None:
    # Of fewer factors than assets, the matrix is singular, and Cholesky's method fails.
    factors = rng.normal(size=(count, rank))
    rows = factors / np.linalg.norm(factors, axis=1, keepdims=True)
    matrix = rows @ rows.T
    np.fill_diagonal(matrix, 1.0)
    triangle = loadings(as_correlation(matrix, count))
    np.testing.assert_allclose(triangle @ triangle.T, matrix, atol=1e-7)
    assert (np.triu(triangle, 1) == 0.0).all() or np.abs(np.triu(triangle, 1)).max() < 1e-15
    assert (np.diag(triangle) >= 0.0).all()


@given(rng=SOME, count=st.integers(1, 5))
def test_a_sample_correlation_can_be_used_as_it_comes(rng: np.random.Generator, count: int) -> None:
    history = rng.normal(size=(30, count))
    history[:, -1] = -3.0 * history[:, 0]  # as alike as can be
    found = np.array(correlation_of(history))
    assert found.shape == (count, count)
    assert (np.diag(found) == 1.0).all()
    assert found[0, -1] == pytest.approx(1.0 if count == 1 else -1.0)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ([[1.0, 2.0]], r"had the shape \(1, 2\)"),
        ([], "drift must hold 1 to 500 numbers"),
        ([0.0] * (ASSETS_MAX + 1), r"had the shape \(501,\)"),
        ("x", "drift must be a number for each asset, was 'x'"),
        ([1.0, 2.0], "drift must hold 3 numbers, one for each asset, had 2"),
        ([1.0, np.nan, 1.0], "drift must be finite >= 0, was nan for asset 1"),
        ([1.0, 1.0, -1.0], "drift must be finite >= 0, was -1.0 for asset 2"),
    ],
)
def test_numbers_that_cannot_be_are_refused(stated: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        per_asset(stated, "drift", 3, least=0.0)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("x", "must be a matrix of numbers"),
        ([[1.0]], r"must be 2 by 2, had the shape \(1, 1\)"),
        (1.5, "must hold numbers from -1 to 1"),
        (np.nan, "must hold numbers from -1 to 1"),
        ([[0.9, 0.0], [0.0, 1.0]], "must be 1 on the diagonal"),
        ([[1.0, 0.1], [0.2, 1.0]], "must be symmetric"),
    ],
)
def test_matrices_that_are_no_correlation_are_refused(stated: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        as_correlation(stated, 2)


def test_three_assets_cannot_all_be_opposites() -> None:
    with pytest.raises(ConfigError, match=r"positive semi-definite.*the eigenvalue -0\.8"):
        as_correlation(-0.9, 3)

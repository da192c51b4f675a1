"""Value at risk against NumPy's covariances and a search by bisection."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.fakes.both_ways import both_ways

from fanfold.risk.portfolio import portfolio_moments, value_at_risk_of, var_bound, var_room

ROWS, ASSETS = 60, 4
HELD, OPENING = 0, 1


def moments_over(
    returns: NDArray[np.float64],
    held: NDArray[np.float64],
    opening: NDArray[np.float64],
    first: int = 0,
    count: int = ROWS,
) -> Any:
    """Moments over `count` of the returns from `first` on, computed both ways."""
    values = np.vstack([held, opening, returns])
    return both_ways(portfolio_moments, values, HELD, OPENING, 2 + first, count)


def market(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Correlated returns, what is held and what would be opened."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.02, (ROWS, ASSETS)) + rng.normal(0, 0.01, (ROWS, 1))
    held, opening = rng.normal(0, 1e11, (2, ASSETS))
    return returns, held, opening


def deviation_at(share: float, base: float, covariance: float, opening: float) -> float:
    return math.sqrt(max(base + 2 * share * covariance + share * share * opening, 0.0))


@pytest.mark.parametrize("seed", range(5))
def test_moments_are_those_of_the_covariance_matrix(seed: int) -> None:
    returns, held, opening = market(seed)
    matrix = np.cov(returns, rowvar=False)
    expected = held @ matrix @ held, held @ matrix @ opening, opening @ matrix @ opening
    found = moments_over(returns, held, opening)
    # Sums of 60 products: a part in 10^12 of the larger of the three.
    assert found == pytest.approx(expected, abs=1e-12 * max(expected))


def test_moments_are_of_the_stated_rows_alone() -> None:
    returns, held, opening = market(7)
    part = moments_over(returns, held, opening, 50, 10)
    assert part == moments_over(returns[50:], held, opening, 0, 10)


def test_a_return_that_is_missing_counts_as_none() -> None:
    returns, held, opening = market(3)
    missing, zero = returns.copy(), returns.copy()
    missing[5:9, 1], zero[5:9, 1] = math.nan, 0.0
    assert moments_over(missing, held, opening) == moments_over(zero, held, opening)


@pytest.mark.parametrize("count", [0, 1])
def test_moments_of_less_than_two_sessions_are_unknown_and_leave_no_room(count: int) -> None:
    returns, held, opening = market(3)
    moments = moments_over(returns, held, opening, 0, count)
    assert all(math.isnan(moment) for moment in moments)
    assert both_ways(var_room, *moments, 1e9) == 0.0
    assert both_ways(var_room, *moments, math.inf) == 1.0


def test_value_at_risk_is_the_quantile_times_the_deviation() -> None:
    bound = both_ways(var_bound, 10**11, 0.02, 1.6448536269514722)
    assert both_ways(value_at_risk_of, bound * bound, 1.6448536269514722) == pytest.approx(
        0.02 * 10**11,
        rel=1e-12,  # a few roundings
    )
    assert both_ways(var_bound, 10**11, math.inf, 1.6) == math.inf
    assert both_ways(var_bound, -5, math.inf, 1.6) == 0.0


@pytest.mark.parametrize(
    ("base", "covariance", "opening", "bound", "share"),
    [
        (0.0, 0.0, 4.0, 1.0, 0.5),  # nothing held: 2x <= 1
        (1.0, 1.0, 1.0, 1.5, 0.5),  # one and the same asset: 1 + x <= 1.5
        (1.0, 1.0, 1.0, 2.0, 1.0),
        (1.0, 1.0, 1.0, 1.0, 0.0),
        (4.0, 4.0, 4.0, 1.0, 0.0),  # beyond the bound, and more of the same
        (4.0, -4.0, 4.0, 1.0, 1.0),  # beyond it, and a full hedge
        (4.0, -8.0, 16.0, 1.0, 0.75),  # a hedge twice too large: 2 - 4x >= -1
        (4.0, -1.0, 1.0, 1.0, 1.0),  # a hedge that does not suffice goes as far as it helps
        (9.0, -2.0, 4.0, 1.0, 0.5),  # and no further
        (1.0, 0.0, 0.0, 1.0, 1.0),  # opens nothing
        (4.0, 0.0, 0.0, 1.0, 0.0),
    ],
)
def test_openings_take_the_largest_share_that_the_bound_allows(
    base: float, covariance: float, opening: float, bound: float, share: float
) -> None:
    assert both_ways(var_room, base, covariance, opening, bound) == pytest.approx(share, abs=1e-15)


MOMENTS: Any = st.tuples(
    st.floats(0, 1e3), st.floats(-1, 1), st.floats(0, 1e3), st.floats(1e-3, 1e3)
)


def moments_of(drawn: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Deviations and a correlation as moments, with the bound."""
    base, correlation, opening, bound = drawn
    return base * base, correlation * base * opening, opening * opening, bound


@given(MOMENTS)
def test_a_portfolio_within_its_bound_stays_within_it(
    drawn: tuple[float, float, float, float],
) -> None:
    base, covariance, opening, bound = moments_of(drawn)
    assume(base <= bound * bound)
    share = both_ways(var_room, base, covariance, opening, bound)
    assert 0.0 <= share <= 1.0
    # The root is right to a few last bits of the largest term.
    slack = 1e-7 * math.sqrt(base + opening) + 1e-9
    assert deviation_at(share, base, covariance, opening) <= bound + slack
    if share < 1.0:
        more = min(share + 1e-6, 1.0)
        assert deviation_at(more, base, covariance, opening) >= bound - slack


@given(MOMENTS)
def test_openings_never_raise_the_risk_of_a_portfolio_beyond_its_bound(
    drawn: tuple[float, float, float, float],
) -> None:
    base, covariance, opening, bound = moments_of(drawn)
    assume(base > bound * bound)
    share = both_ways(var_room, base, covariance, opening, bound)
    assert 0.0 <= share <= 1.0
    assert deviation_at(share, base, covariance, opening) <= math.sqrt(base) * (1 + 1e-12)


@given(MOMENTS, st.floats(1, 10))
def test_a_wider_bound_never_leaves_less_room_to_a_portfolio_within_it(
    drawn: tuple[float, float, float, float], times: float
) -> None:
    base, covariance, opening, bound = moments_of(drawn)
    assume(base <= bound * bound)
    narrow = var_room(base, covariance, opening, bound)
    assert var_room(base, covariance, opening, bound * times) >= narrow * (1 - 1e-9)

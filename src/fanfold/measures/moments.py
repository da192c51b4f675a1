"""Spread and shape of a return series.

Skewness and kurtosis are two lines each and are written out: `scipy.stats` takes
a second to import, which every command would pay. The tests compare with it.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from fanfold.measures import wide
from fanfold.measures.series import (
    DEVIATION_RETURNS_MIN,
    RETURN_ROUNDING,
    Floats,
    Values,
    as_periods,
    as_series,
    as_values,
    excess,
)

SKEWNESS_ORDER = 3


def volatility(returns: ArrayLike, periods_per_year: float | None = None) -> Values:
    """Sample standard deviation of the returns.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        periods_per_year: Annualises by its square root; None leaves it per bar.

    Returns:
        Per series, NaN for fewer than 2 returns [1].

    Raises:
        ConfigError: `periods_per_year` is not above 0.
        DataError: `returns` are empty or hold NaN or infinity.
    """
    spread = sample_deviation(as_series(returns, "returns"))
    return as_values(spread * math.sqrt(as_periods(periods_per_year)))


def downside_deviation(
    returns: ArrayLike, required_return: ArrayLike = 0.0, periods_per_year: float | None = None
) -> Values:
    """Root mean square of the shortfalls, over all bars and not only the short ones.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        required_return: Return below which a bar falls short, one or `[bar]` [1 per bar].
        periods_per_year: Annualises by its square root; None leaves it per bar.

    Returns:
        Per series, 0 where no bar falls short [1].

    Raises:
        ConfigError: `periods_per_year` or `required_return` is not what it must be.
        DataError: `returns` are empty or hold NaN or infinity.

    Source: Sortino & Price (1994), Performance Measurement in a Downside Risk
        Framework, Journal of Investing 3(3).
    """
    gains = excess(as_series(returns, "returns"), required_return, "required_return")
    return as_values(downside_of(gains) * math.sqrt(as_periods(periods_per_year)))


def skewness(returns: ArrayLike) -> Values:
    """Third standardised moment of the population; 0 for a symmetric series.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].

    Returns:
        Per series, NaN where all returns are equal [1].

    Raises:
        DataError: `returns` are empty or hold NaN or infinity.
    """
    return standardised_moment(as_series(returns, "returns"), 3)


def kurtosis(returns: ArrayLike) -> Values:
    """Fourth standardised moment of the population, raw; 3 for a normal series.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].

    Returns:
        Per series, NaN where all returns are equal [1].

    Raises:
        DataError: `returns` are empty or hold NaN or infinity.
    """
    return standardised_moment(as_series(returns, "returns"), 4)


def sample_deviation(values: Floats) -> Floats:
    """Standard deviation with n - 1 below; NaN for fewer than 2 values.

    Args:
        values: `[bar]` or `[bar, series]`, checked.
    """
    if len(values) < DEVIATION_RETURNS_MIN:
        return np.full(values.shape[1:], np.nan)
    if wide.is_wide(values):
        return wide.follow(values, wide.Parts(spread=True)).deviation
    return np.asarray(np.std(values, axis=0, ddof=1))


def downside_of(gains: Floats) -> Floats:
    """Root mean square of the shortfalls.

    Args:
        gains: `[bar]` or `[bar, series]`, checked [1 per bar].
    """
    if wide.is_wide(gains):
        return wide.follow(gains, wide.Parts(falls=True)).downside
    gaps = shortfalls(gains)
    return np.sqrt(np.mean(gaps * gaps, axis=0))


def standardised_moment(values: Floats, order: int) -> Values:
    """A central moment in population deviations; NaN where all values are equal.

    Args:
        values: `[bar]` or `[bar, series]`, checked.
        order: 3 or 4.
    """
    if wide.is_wide(values):
        return wide.follow(values, wide.Parts(shape=True)).score_moment(order)
    deviation = np.std(values, axis=0)
    constant = deviation <= RETURN_ROUNDING
    scores = (values - np.mean(values, axis=0)) / np.where(constant, 1.0, deviation)
    squares = scores * scores
    powers = squares * scores if order == SKEWNESS_ORDER else squares * squares
    return as_values(np.where(constant, np.nan, np.mean(powers, axis=0)))


def shortfalls(gains: Floats) -> Floats:
    """By how much each bar is below zero; what is only rounding counts as none.

    Args:
        gains: `[bar]` or `[bar, series]`, checked [1 per bar].
    """
    return np.where(gains < -RETURN_ROUNDING, -gains, 0.0)

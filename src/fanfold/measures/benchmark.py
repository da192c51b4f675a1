"""How much of a series is its benchmark, and what is left."""

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import DataError
from fanfold.measures.series import (
    RETURN_ROUNDING,
    Floats,
    Values,
    as_periods,
    as_series,
    as_values,
    excess,
    ratio,
)


def beta(returns: ArrayLike, benchmark: ArrayLike, risk_free: ArrayLike = 0.0) -> Values:
    """Slope of the excess returns on those of the benchmark.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        benchmark: Returns of the benchmark at the same bars, `[bar]`, no NaN [1 per bar].
        risk_free: Risk-free return, one or `[bar]` [1 per bar].

    Returns:
        Per series, NaN for fewer than 2 returns and where all excess returns of the
        benchmark are equal [1].

    Raises:
        ConfigError: `risk_free` is not finite.
        DataError: An array is empty, not finite, or their lengths differ.

    Source: Sharpe (1964), Capital Asset Prices, Journal of Finance 19(3).
    """
    gains, market = _pair(returns, benchmark, risk_free)
    return _slope(gains, market)


def alpha(
    returns: ArrayLike,
    benchmark: ArrayLike,
    risk_free: ArrayLike = 0.0,
    periods_per_year: float | None = None,
) -> Values:
    """Mean excess return that the benchmark does not explain.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        benchmark: Returns of the benchmark at the same bars, `[bar]`, no NaN [1 per bar].
        risk_free: Risk-free return, one or `[bar]` [1 per bar].
        periods_per_year: Annualises by multiplying; None leaves it per bar.

    Returns:
        Per series, NaN where `beta` is [1 per bar or per year].

    Raises:
        ConfigError: `periods_per_year` or `risk_free` is not what it must be.
        DataError: An array is empty, not finite, or their lengths differ.

    Source: Jensen (1968), The Performance of Mutual Funds in the Period 1945-1964,
        Journal of Finance 23(2).
    """
    gains, market = _pair(returns, benchmark, risk_free)
    unexplained = np.mean(gains, axis=0) - _slope(gains, market) * np.mean(market)
    return as_values(unexplained * as_periods(periods_per_year))


def _pair(returns: ArrayLike, benchmark: ArrayLike, risk_free: ArrayLike) -> tuple[Floats, Floats]:
    series = as_series(returns, "returns")
    market = as_series(benchmark, "benchmark", axes=1)
    if len(market) != len(series):
        raise DataError(
            f"benchmark must be as long as the returns, {len(series)} bars, was {len(market)}"
        )
    return excess(series, risk_free, "risk_free"), excess(market, risk_free, "risk_free")


def _slope(gains: Floats, market: Floats) -> Values:
    centred = market - np.mean(market)
    column = centred if gains.ndim == 1 else centred[:, np.newaxis]
    # Both sums over the bars, so the count cancels; the bound is that of a deviation.
    squares = np.sum(centred * centred)
    least = len(market) * RETURN_ROUNDING**2
    covered = np.sum(column * gains, axis=0)
    return ratio(covered, np.full_like(covered, squares), rounding=least)

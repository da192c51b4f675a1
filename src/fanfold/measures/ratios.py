"""Reward for risk: what a series earned over how much it moved.

Per bar unless `periods_per_year` is given, because the statistics that build on a
Sharpe ratio (`fanfold.measures.significance`) need it per bar.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError
from fanfold.measures import wide
from fanfold.measures.moments import downside_of, sample_deviation, shortfalls
from fanfold.measures.series import (
    DEVIATION_RETURNS_MIN,
    Floats,
    Values,
    as_count,
    as_periods,
    as_series,
    as_values,
    excess,
    ratio,
)


def sharpe_ratio(
    returns: ArrayLike, risk_free: ArrayLike = 0.0, periods_per_year: float | None = None
) -> Values:
    """Mean excess return over its sample deviation.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        risk_free: Risk-free return, one or `[bar]` [1 per bar].
        periods_per_year: Annualises by its square root; None leaves it per bar.

    Returns:
        Per series, NaN for fewer than 2 returns and where all excess returns are
        equal [1].

    Raises:
        ConfigError: `periods_per_year` or `risk_free` is not what it must be.
        DataError: `returns` are empty or hold NaN or infinity.

    Source: Sharpe (1994), The Sharpe Ratio, Journal of Portfolio Management 21(1).
    """
    gains = excess(as_series(returns, "returns"), risk_free, "risk_free")
    per_bar = ratio(np.mean(gains, axis=0), sample_deviation(gains))
    return as_values(per_bar * math.sqrt(as_periods(periods_per_year)))


def sortino_ratio(
    returns: ArrayLike, required_return: ArrayLike = 0.0, periods_per_year: float | None = None
) -> Values:
    """Mean return above the required one, over the downside deviation.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        required_return: Return below which a bar falls short, one or `[bar]` [1 per bar].
        periods_per_year: Annualises by its square root; None leaves it per bar.

    Returns:
        Per series, NaN for fewer than 2 returns and where no bar falls short [1].

    Raises:
        ConfigError: `periods_per_year` or `required_return` is not what it must be.
        DataError: `returns` are empty or hold NaN or infinity.

    Source: Sortino & Price (1994), Performance Measurement in a Downside Risk
        Framework, Journal of Investing 3(3).
    """
    series = as_series(returns, "returns")
    gains = excess(series, required_return, "required_return")
    annual = math.sqrt(as_periods(periods_per_year))
    if len(series) < DEVIATION_RETURNS_MIN:
        return as_values(np.full(series.shape[1:], np.nan))
    per_bar = ratio(np.mean(gains, axis=0), downside_of(gains))
    return as_values(per_bar * annual)


def omega_ratio(returns: ArrayLike, required_return: ArrayLike = 0.0) -> Values:
    """Sum of the gains above the required return over the sum of the shortfalls.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        required_return: Return that parts gains from shortfalls, one or `[bar]` [1 per bar].

    Returns:
        Per series, NaN where no bar falls short [1].

    Raises:
        ConfigError: `required_return` is not finite.
        DataError: `returns` are empty or hold NaN or infinity.

    Source: Keating & Shadwick (2002), A Universal Performance Measure, Journal of
        Performance Measurement 6(3).
    """
    gains = excess(as_series(returns, "returns"), required_return, "required_return")
    if wide.is_wide(gains):
        return wide.follow(gains, wide.Parts(falls=True)).gains_per_shortfall
    return ratio(np.sum(np.maximum(gains, 0.0), axis=0), np.sum(shortfalls(gains), axis=0))


def adjusted_sharpe_ratio(
    returns: ArrayLike,
    risk_free: ArrayLike = 0.0,
    periods_per_year: float = 252.0,
    lag_count: int | None = None,
) -> Values:
    """Annual Sharpe ratio of returns that depend on the bars before them.

    The square root of time assumes independent bars. Where good bars follow good
    ones a year moves more than that, and the plain annual ratio flatters. The
    variance of a year is written with the sample autocorrelations r(k):

        eta(q) = q / sqrt(q + 2 sum (q - k) r(k)),  k = 1 … lag_count,  q periods a year

    With all q - 1 lags of daily returns the sum is mostly noise, therefore only the
    first `4 (n / 100)^(2/9)` of them count, rounded down (Newey & West's rule).

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        risk_free: Risk-free return, one or `[bar]` [1 per bar].
        periods_per_year: q, at least 1 [1/year].
        lag_count: How many lags count, below the number of bars and below q; None
            takes the rule. 0 gives the plain annual Sharpe ratio.

    Returns:
        Per series, NaN for fewer than 2 returns, where all excess returns are equal
        and where the variance of a year comes out at 0 or less [1].

    Raises:
        ConfigError: `periods_per_year`, `risk_free` or `lag_count` is not what it must be.
        DataError: `returns` are empty or hold NaN or infinity.

    Source: Lo (2002), The Statistics of Sharpe Ratios, Financial Analysts Journal
        58(4), eq. 20; Newey & West (1994), Review of Economic Studies 61(4), for the lags.
    """
    gains = excess(as_series(returns, "returns"), risk_free, "risk_free")
    periods = as_periods(periods_per_year)
    lags = _lag_count(lag_count, len(gains), periods)
    centred = gains - np.mean(gains, axis=0)
    growth = np.ones(gains.shape[1:])
    for lag in range(1, lags + 1):
        growth = growth + 2.0 * (1.0 - lag / periods) * _autocorrelation(centred, lag)
    plain = sharpe_ratio(gains, periods_per_year=periods)
    return ratio(plain, np.sqrt(np.maximum(growth, 0.0)))


def _autocorrelation(centred: Floats, lag: int) -> Values:
    variance = np.sum(centred * centred, axis=0)
    # A constant series has none, and its Sharpe ratio is NaN anyway.
    return np.sum(centred[lag:] * centred[:-lag], axis=0) / np.where(variance > 0.0, variance, 1.0)


def _lag_count(lag_count: int | None, bar_count: int, periods: float) -> int:
    if periods < 1.0:
        raise ConfigError(f"periods_per_year must be >= 1 for this ratio, was {periods}")
    most = min(bar_count, math.ceil(periods)) - 1
    if lag_count is None:
        return min(most, int(4.0 * (bar_count / 100.0) ** (2.0 / 9.0)))
    lags = as_count(lag_count, "lag_count", least=0)
    if lags > most:
        raise ConfigError(f"lag_count must be <= {most} for {bar_count} bars, was {lags}")
    return lags

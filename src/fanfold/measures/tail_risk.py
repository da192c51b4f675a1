"""How bad the bad bars are: value at risk, expected shortfall, tail ratio.

A positive number is a loss, and nothing is cut off at zero: a series whose fifth
percentile is a gain has a negative value at risk. Moments are those of the
population (n below), as in R's PerformanceAnalytics, whose figures these equal.
A series without any variation has no tail: every figure is then its one loss.
"""

from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError
from fanfold.measures import wide
from fanfold.measures.moments import standardised_moment
from fanfold.measures.series import (
    RETURN_ROUNDING,
    Floats,
    Values,
    as_level,
    as_series,
    as_values,
    ratio,
)

ValueAtRiskMethod = Literal["historical", "gaussian", "cornish_fisher"]
ShortfallMethod = Literal["historical", "gaussian", "modified"]


def value_at_risk(
    returns: ArrayLike, level: float = 0.95, method: ValueAtRiskMethod = "historical"
) -> Values:
    """Loss of one bar that is exceeded with probability 1 - level.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        level: Share of bars covered, between 0 and 1 [1].
        method: "historical" is the sample quantile, interpolated (type 7); "gaussian"
            takes mean and deviation only; "cornish_fisher" corrects its quantile for
            skewness and kurtosis, and is not monotone in the level when they are large.

    Returns:
        Per series; positive is a loss [1 per bar].

    Raises:
        ConfigError: `level` or `method` is not what it must be.
        DataError: `returns` are empty or hold NaN or infinity.

    Source: Hyndman & Fan (1996), Sample Quantiles in Statistical Packages, American
        Statistician 50(4), type 7; Zangari (1996), A VaR Methodology for Portfolios
        That Include Options, RiskMetrics Monitor Q1, for Cornish-Fisher.
    """
    series, tail = _checked(returns, level, method, get_args(ValueAtRiskMethod))
    if method == "historical" and wide.is_wide(series):
        return -wide.follow(series, wide.Parts(low_tail=True), level=level).low[0]
    if method == "historical":
        return as_values(-np.quantile(series, tail, axis=0))
    score = NormalDist().inv_cdf(tail)
    quantile = score if method == "gaussian" else _cornish_fisher(series, score)
    return as_values(-np.mean(series, axis=0) - np.std(series, axis=0) * quantile)


def expected_shortfall(
    returns: ArrayLike, level: float = 0.95, method: ShortfallMethod = "historical"
) -> Values:
    """Mean loss of the bars at or beyond the value at risk.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        level: Share of bars covered, between 0 and 1 [1].
        method: "historical" is the mean of the returns at or below the sample
            quantile; "gaussian" takes mean and deviation only; "modified" is the
            Edgeworth expansion beyond the Cornish-Fisher quantile, in its operational
            form, never below that value at risk.

    Returns:
        Per series; positive is a loss [1 per bar].

    Raises:
        ConfigError: `level` or `method` is not what it must be.
        DataError: `returns` are empty or hold NaN or infinity.

    Source: Boudt, Peterson & Croux (2008), Estimation and Decomposition of Downside
        Risk for Portfolios with Non-Normal Returns, Journal of Risk 11(2).
    """
    series, tail = _checked(returns, level, method, get_args(ShortfallMethod))
    if method == "historical" and wide.is_wide(series):
        return -wide.follow(series, wide.Parts(low_tail=True), level=level).low[1]
    if method == "historical":
        return _mean_of_tail(series, tail)
    normal = NormalDist()
    score = normal.inv_cdf(tail)
    if method == "gaussian":
        scores = -normal.pdf(score) / tail
    else:
        scores = np.minimum(_edgeworth(series, score, tail), _cornish_fisher(series, score))
    return as_values(-np.mean(series, axis=0) - np.std(series, axis=0) * scores)


def tail_ratio(returns: ArrayLike, level: float = 0.95) -> Values:
    """Size of the upper quantile over the size of the lower one.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        level: Where the upper tail starts; the lower one starts at 1 - level [1].

    Returns:
        Per series, above 1 where gains reach further than losses; NaN where the
        lower quantile is 0 [1].

    Raises:
        ConfigError: `level` is not between 0 and 1.
        DataError: `returns` are empty or hold NaN or infinity.
    """
    series = as_series(returns, "returns")
    upper = as_level(level)
    if wide.is_wide(series):
        return wide.follow(
            series, wide.Parts(low_tail=True, high_tail=True), level=upper
        ).high_per_low
    low, high = np.abs(np.quantile(series, [1.0 - upper, upper], axis=0))
    return ratio(high, low)


def _checked(
    returns: ArrayLike, level: float, method: str, methods: tuple[str, ...]
) -> tuple[Floats, float]:
    if method not in methods:
        raise ConfigError(f"method must be one of {', '.join(methods)}, was {method!r}")
    return as_series(returns, "returns"), 1.0 - as_level(level)


def _mean_of_tail(series: Floats, tail: float) -> Values:
    # The quantile of a sample that hits one of its members may be rounded to below it.
    beyond = series <= np.quantile(series, tail, axis=0) + RETURN_ROUNDING
    return as_values(-np.sum(np.where(beyond, series, 0.0), axis=0) / np.sum(beyond, axis=0))


def _shape(series: Floats) -> tuple[Values, Values]:
    # Skewness and excess kurtosis; both 0 for a constant series, which has no tail.
    skew = np.nan_to_num(standardised_moment(series, 3))
    excess_kurtosis = np.nan_to_num(standardised_moment(series, 4), nan=3.0) - 3.0
    return as_values(skew), as_values(excess_kurtosis)


def _cornish_fisher(series: Floats, z: float) -> Values:
    skew, kurt = _shape(series)
    return (
        z
        + (z * z - 1.0) * skew / 6.0
        + (z**3 - 3.0 * z) * kurt / 24.0
        - (2.0 * z**3 - 5.0 * z) * skew * skew / 36.0
    )


def _edgeworth(series: Floats, z: float, tail: float) -> Values:
    # Partial moments of the expansion up to the quantile h, after their integrals
    # have cancelled against each other: only a polynomial times the density is left.
    skew, kurt = _shape(series)
    h = np.asarray(_cornish_fisher(series, z))
    density = np.exp(-0.5 * h * h) / np.sqrt(2.0 * np.pi)
    expansion = (
        1.0
        + skew * h**3 / 6.0
        + kurt * (h**4 - 2.0 * h**2 - 1.0) / 24.0
        + skew * skew * (h**6 - 9.0 * h**4 + 9.0 * h**2 + 3.0) / 72.0
    )
    return as_values(-density * expansion / tail)

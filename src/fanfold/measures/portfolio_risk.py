"""Which assets a portfolio's risk comes from.

Value at risk and expected shortfall grow in proportion to the weights, so by Euler's
theorem the weights times the slopes add up to the whole: each asset has a contribution and
nothing is left over. The whole is `value_at_risk` and `expected_shortfall` of the returns
that the weights give, with the same methods and the same moments (n below; R's component
figures of the Gaussian method take n - 1).

Gaussian, Cornish-Fisher and modified figures are functions of the portfolio's moments,
whose slopes are the co-moments of Boudt, Peterson & Croux. No table of co-moments is ever
made: the slope of the third moment in an asset's weight is three times the mean of the
asset's return times the square of the portfolio's, one pass each.

Historical figures are those of single bars. The value at risk lies on or between two of
them, and an asset contributes its loss there: exact, and as noisy as two bars are. The
expected shortfall is a mean over the tail, and its contributions are the asset's mean loss
over the same bars: of the two, the one to budget risk by.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import RETURN_ROUNDING, Floats, as_level, as_series
from fanfold.measures.tail_risk import (
    ShortfallMethod,
    ValueAtRiskMethod,
    expected_shortfall,
    value_at_risk,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskContributions:
    """A portfolio's risk and its parts.

    Attributes:
        total: Risk of the portfolio; positive is a loss [1 per bar].
        marginal: Slope of the total in each weight, `[asset]` [1 per bar].
        contribution: Weight times slope, `[asset]`, which add up to the total [1 per bar].
        share: Part of the total, `[asset]`; NaN where the total is 0 [1].
    """

    total: float
    marginal: Floats
    contribution: Floats
    share: Floats


def component_value_at_risk(
    returns: ArrayLike,
    weights: ArrayLike,
    level: float = 0.95,
    method: ValueAtRiskMethod = "historical",
) -> RiskContributions:
    """Take a portfolio's value at risk apart by asset.

    Args:
        returns: `[bar, asset]`, no NaN [1 per bar].
        weights: `[asset]`, share of equity each; negative is short [1].
        level: Share of bars covered, between 0 and 1 [1].
        method: As in `value_at_risk`.

    Raises:
        ConfigError: `level` or `method` is not what it must be.
        DataError: `returns` or `weights` are not finite numbers, or do not fit.

    Source: Boudt, Peterson & Croux (2008), Estimation and Decomposition of Downside Risk
        for Portfolios with Non-Normal Returns, Journal of Risk 11(2); Hallerbach (2003),
        Decomposing Portfolio Value-at-Risk: A General Analysis, Journal of Risk 5(2), for
        the historical method.
    """
    assets, held, tail = _checked(returns, weights, level, method, get_args(ValueAtRiskMethod))
    portfolio = assets @ held
    total = float(value_at_risk(portfolio, level, method))
    if method == "historical":
        return _contributions(total, held, _slopes_at_quantile(assets, portfolio, tail))
    z = NormalDist().inv_cdf(tail)
    moments = _moments(assets, portfolio)
    score = _constant(z) if method == "gaussian" else _cornish_fisher(z, moments)
    return _contributions(total, held, _slopes(moments, score))


def component_expected_shortfall(
    returns: ArrayLike,
    weights: ArrayLike,
    level: float = 0.95,
    method: ShortfallMethod = "historical",
) -> RiskContributions:
    """Take a portfolio's expected shortfall apart by asset.

    Args:
        returns: `[bar, asset]`, no NaN [1 per bar].
        weights: `[asset]`, share of equity each; negative is short [1].
        level: Share of bars covered, between 0 and 1 [1].
        method: As in `expected_shortfall`.

    Raises:
        ConfigError: `level` or `method` is not what it must be.
        DataError: `returns` or `weights` are not finite numbers, or do not fit.

    Source: Boudt, Peterson & Croux (2008), Estimation and Decomposition of Downside Risk
        for Portfolios with Non-Normal Returns, Journal of Risk 11(2); Tasche (2002),
        Expected Shortfall and Beyond, Journal of Banking & Finance 26(7), for the
        historical method.
    """
    assets, held, tail = _checked(returns, weights, level, method, get_args(ShortfallMethod))
    portfolio = assets @ held
    total = float(expected_shortfall(portfolio, level, method))
    if method == "historical":
        beyond = portfolio <= np.quantile(portfolio, tail) + RETURN_ROUNDING
        return _contributions(total, held, -np.mean(assets[beyond], axis=0))
    normal = NormalDist()
    z = normal.inv_cdf(tail)
    moments = _moments(assets, portfolio)
    if method == "gaussian":
        return _contributions(total, held, _slopes(moments, _constant(-normal.pdf(z) / tail)))
    at_quantile = _cornish_fisher(z, moments)
    beyond_it = _edgeworth(at_quantile, moments, tail)
    # Never a smaller loss than the quantile itself, as in `expected_shortfall`.
    score = min(beyond_it, at_quantile, key=lambda found: found.value)
    return _contributions(total, held, _slopes(moments, score))


def marginal_value_at_risk(
    returns: ArrayLike,
    weights: ArrayLike,
    level: float = 0.95,
    method: ValueAtRiskMethod = "historical",
) -> Floats:
    """By how much a portfolio's value at risk grows with each weight.

    Args:
        returns: `[bar, asset]`, no NaN [1 per bar].
        weights: `[asset]`, share of equity each; negative is short [1].
        level: Share of bars covered, between 0 and 1 [1].
        method: As in `value_at_risk`.

    Returns:
        Loss per unit of weight, `[asset]` [1 per bar].

    Raises:
        ConfigError: `level` or `method` is not what it must be.
        DataError: `returns` or `weights` are not finite numbers, or do not fit.
    """
    return component_value_at_risk(returns, weights, level, method).marginal


def marginal_expected_shortfall(
    returns: ArrayLike,
    weights: ArrayLike,
    level: float = 0.95,
    method: ShortfallMethod = "historical",
) -> Floats:
    """By how much a portfolio's expected shortfall grows with each weight.

    Args:
        returns: `[bar, asset]`, no NaN [1 per bar].
        weights: `[asset]`, share of equity each; negative is short [1].
        level: Share of bars covered, between 0 and 1 [1].
        method: As in `expected_shortfall`.

    Returns:
        Loss per unit of weight, `[asset]` [1 per bar].

    Raises:
        ConfigError: `level` or `method` is not what it must be.
        DataError: `returns` or `weights` are not finite numbers, or do not fit.
    """
    return component_expected_shortfall(returns, weights, level, method).marginal


class _Moments(NamedTuple):
    deviation: float
    skew: float
    excess_kurtosis: float
    mean_slope: Floats
    deviation_slope: Floats
    skew_slope: Floats
    kurtosis_slope: Floats


class _Score(NamedTuple):
    # What the deviation is multiplied by, and its slopes in skewness and kurtosis.
    value: float
    by_skew: float
    by_kurtosis: float


def _checked(
    returns: ArrayLike, weights: ArrayLike, level: float, method: str, methods: tuple[str, ...]
) -> tuple[Floats, Floats, float]:
    if method not in methods:
        raise ConfigError(f"method must be one of {', '.join(methods)}, was {method!r}")
    tail = 1.0 - as_level(level)
    assets = as_series(returns, "returns")
    if assets.ndim == 1:
        raise DataError(f"returns must be [bar, asset], had the shape {assets.shape}")
    held = as_series(weights, "weights", axes=1)
    if len(held) != assets.shape[1]:
        raise DataError(
            f"weights must be one for each of the {assets.shape[1]} assets, were {len(held)}"
        )
    return assets, held, tail


def _contributions(total: float, held: Floats, marginal: Floats) -> RiskContributions:
    contribution = held * marginal
    nothing = abs(total) <= RETURN_ROUNDING
    share = np.full(len(held), np.nan) if nothing else contribution / total
    return RiskContributions(total=total, marginal=marginal, contribution=contribution, share=share)


def _slopes_at_quantile(assets: Floats, portfolio: Floats, tail: float) -> Floats:
    order = np.argsort(portfolio, kind="stable")
    place = (len(portfolio) - 1) * tail
    low = int(place)
    high = min(low + 1, len(portfolio) - 1)
    part = place - low
    return -((1.0 - part) * assets[order[low]] + part * assets[order[high]])


def _moments(assets: Floats, portfolio: Floats) -> _Moments:
    own = portfolio - np.mean(portfolio)
    centred = assets - np.mean(assets, axis=0)
    deviation = float(np.std(portfolio))
    flat = np.zeros(assets.shape[1])
    if deviation <= RETURN_ROUNDING:
        return _Moments(0.0, 0.0, 0.0, np.mean(assets, axis=0), flat, flat, flat)
    scores = own / deviation
    # Standardised co-moments: what each asset has to do with a power of the portfolio.
    first, second, third = ((scores**power) @ centred / len(own) for power in (1, 2, 3))
    skew, kurtosis = float(np.mean(scores**3)), float(np.mean(scores**4))
    return _Moments(
        deviation,
        skew,
        kurtosis - 3.0,
        np.mean(assets, axis=0),
        first,
        3.0 * (second - skew * first) / deviation,
        4.0 * (third - kurtosis * first) / deviation,
    )


def _slopes(moments: _Moments, score: _Score) -> Floats:
    bent = score.by_skew * moments.skew_slope + score.by_kurtosis * moments.kurtosis_slope
    return -moments.mean_slope - score.value * moments.deviation_slope - moments.deviation * bent


def _constant(value: float) -> _Score:
    return _Score(value, 0.0, 0.0)


def _cornish_fisher(z: float, moments: _Moments) -> _Score:
    s, k = moments.skew, moments.excess_kurtosis
    a, b, c = (z * z - 1.0) / 6.0, (z**3 - 3.0 * z) / 24.0, (2.0 * z**3 - 5.0 * z) / 36.0
    return _Score(z + a * s + b * k - c * s * s, a - 2.0 * c * s, b)


def _edgeworth(at_quantile: _Score, moments: _Moments, tail: float) -> _Score:
    h, s, k = at_quantile.value, moments.skew, moments.excess_kurtosis
    by_skew, by_kurtosis = h**3 / 6.0, (h**4 - 2.0 * h**2 - 1.0) / 24.0
    by_square = (h**6 - 9.0 * h**4 + 9.0 * h**2 + 3.0) / 72.0
    expansion = 1.0 + by_skew * s + by_kurtosis * k + by_square * s * s
    slope = (
        s * h**2 / 2.0
        + k * (h**3 - h) / 6.0
        + s * s * (h**5 - 6.0 * h**3 + 3.0 * h) / 12.0
        - h * expansion  # the density's own slope
    )
    weight = -NormalDist().pdf(h) / tail
    return _Score(
        weight * expansion,
        weight * (by_skew + 2.0 * by_square * s + slope * at_quantile.by_skew),
        weight * (by_kurtosis + slope * at_quantile.by_kurtosis),
    )

"""Value at risk of the whole portfolio, and how much of new orders it has room for.

Positions are valued over their assets' past returns together, so correlations need no
matrix: a hedge shows as returns that cancel. Gaussian and one session ahead, with a
mean of zero: over a day the mean is small beside its own error.

Source: J.P. Morgan / Reuters (1996), RiskMetrics Technical Document.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled


@compiled
def portfolio_moments(
    values: Any, held: int, opening: int, first: int, count: int
) -> tuple[float, float, float]:
    """Variance of what is held, covariance with what would be opened, and its variance.

    Args:
        values: Rows of one value an asset, shape [row, asset]: the signed value of each
            position, of each opening, and past returns per session [1], of which NaN,
            an asset without a return, counts as 0.
        held: Row of the positions.
        opening: Row of the openings.
        first: Row of the oldest return that counts.
        count: Rows of returns that count.

    Returns:
        Sample moments (ddof 1) in the square of the values' unit; NaN below two rows.
    """
    if count < 2:  # noqa: PLR2004 - a deviation needs two
        return math.nan, math.nan, math.nan
    base_sum = base_square = both = opening_sum = opening_square = 0.0
    for row in range(first, first + count):
        base = 0.0
        added = 0.0
        for i in range(values.shape[1]):
            value = values[row, i]
            if value == value:  # noqa: PLR0124 - false for NaN
                base += value * values[held, i]
                added += value * values[opening, i]
        base_sum += base
        base_square += base * base
        both += base * added
        opening_sum += added
        opening_square += added * added
    freedom = count - 1.0
    return (
        max((base_square - base_sum * base_sum / count) / freedom, 0.0),
        (both - base_sum * opening_sum / count) / freedom,
        max((opening_square - opening_sum * opening_sum / count) / freedom, 0.0),
    )


@compiled
def value_at_risk_of(variance: float, z: float) -> float:
    """Gaussian value at risk in the unit of the values; a positive number is a loss.

    Args:
        variance: From `portfolio_moments`.
        z: Normal quantile of the level.
    """
    return z * math.sqrt(variance)


@compiled
def var_bound(equity: int, max_var: float, z: float) -> float:
    """Largest deviation that a portfolio may have [micro-units].

    Args:
        equity: Cash and marked positions [micro-units].
        max_var: Largest value at risk [share of equity], infinite when off.
        z: Normal quantile of the level, positive.
    """
    return 0.0 if equity <= 0 else equity * max_var / z


@compiled
def var_room(
    base_variance: float, covariance: float, opening_variance: float, bound: float
) -> float:
    """Largest share of all openings that keeps the deviation within its bound [1].

    The variance base + 2 x covariance + x² opening is a parabola that opens upwards, so
    the shares within the bound lie between its two roots. What is held may be beyond
    the bound already: then openings that lower the variance go as far as they help.

    Args:
        base_variance: Of what is held.
        covariance: Of what is held with what would be opened.
        opening_variance: Of what would be opened.
        bound: Largest deviation, infinite when off.

    Returns:
        0 to 1; 0 where a moment is unknown (NaN) and there is a bound.
    """
    if bound == math.inf:
        return 1.0
    if math.isnan(base_variance + covariance + opening_variance):
        return 0.0
    most = bound * bound
    if base_variance + 2.0 * covariance + opening_variance <= most:
        return 1.0
    if opening_variance == 0.0:
        return 0.0
    inside = covariance * covariance + opening_variance * (most - base_variance)
    if inside < 0.0:  # no share comes within the bound: go to the least variance
        return min(max(-covariance / opening_variance, 0.0), 1.0)
    if covariance > 0.0:  # the same root without a difference of near numbers
        share = (most - base_variance) / (covariance + math.sqrt(inside))
    else:
        share = (math.sqrt(inside) - covariance) / opening_variance
    return min(max(share, 0.0), 1.0)

"""How a strategy traded: its round trips, its time in the market, its turnover.

A run that never traded has no round trips, so the measures of round trips take an
empty array and are NaN; every other measure refuses one.
"""

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import DataError
from fanfold.measures.series import Floats, Values, as_periods, as_series, as_values, ratio


def profit_factor(pnl: ArrayLike) -> Values:
    """Sum of what the winners earned over the sum of what the losers lost.

    Args:
        pnl: `[round_trip]` or `[round_trip, series]`, fees included, no NaN [currency].

    Returns:
        Per series, NaN where nothing was lost: a ratio without losses has no size,
        and an infinite one would win every ranking with a single round trip [1].

    Raises:
        DataError: `pnl` holds NaN or infinity.
    """
    gained, lost = _sides(pnl)
    return ratio(np.sum(gained, axis=0), np.sum(lost, axis=0), rounding=0.0)


def hit_rate(pnl: ArrayLike) -> Values:
    """Share of the round trips that earned something; one that ended even did not.

    Args:
        pnl: `[round_trip]` or `[round_trip, series]`, fees included, no NaN [currency].

    Returns:
        Per series, NaN without round trips [1].

    Raises:
        DataError: `pnl` holds NaN or infinity.
    """
    gained, _ = _sides(pnl)
    trip_count = np.full(gained.shape[1:], len(gained))
    return ratio(np.sum(gained > 0.0, axis=0), trip_count, rounding=0.0)


def average_win(pnl: ArrayLike) -> Values:
    """Mean of what the winners earned.

    Args:
        pnl: `[round_trip]` or `[round_trip, series]`, fees included, no NaN [currency].

    Returns:
        Per series, NaN without a winner [currency].

    Raises:
        DataError: `pnl` holds NaN or infinity.
    """
    gained, _ = _sides(pnl)
    return ratio(np.sum(gained, axis=0), np.sum(gained > 0.0, axis=0), rounding=0.0)


def average_loss(pnl: ArrayLike) -> Values:
    """Mean result of the losers, a negative number, as `average_win` is a positive one.

    Args:
        pnl: `[round_trip]` or `[round_trip, series]`, fees included, no NaN [currency].

    Returns:
        Per series, NaN without a loser [currency].

    Raises:
        DataError: `pnl` holds NaN or infinity.
    """
    _, lost = _sides(pnl)
    return ratio(-np.sum(lost, axis=0), np.sum(lost > 0.0, axis=0), rounding=0.0)


def exposure(held: ArrayLike) -> Values:
    """Share of the bars at which anything was held.

    Args:
        held: `[bar]` or `[bar, series]`, gross exposure, weight or a flag; 0 is flat.

    Returns:
        Per series [1].

    Raises:
        DataError: `held` is empty or holds NaN or infinity.
    """
    return as_values(np.mean(as_series(held, "held") != 0.0, axis=0))


def turnover(traded: ArrayLike, equity: ArrayLike, periods_per_year: float | None = None) -> Values:
    """Amount traded over the mean equity; buys and sells both count.

    Args:
        traded: `[bar]` or `[bar, series]`, amount bought plus amount sold, no NaN [currency].
        equity: The same shape, no NaN [currency].
        periods_per_year: Gives the amount of a year; None that of a bar.

    Returns:
        Per series, NaN where the mean equity is not above 0 [1]. A portfolio that is
        sold and bought anew once a year has a turnover of 2 a year.

    Raises:
        ConfigError: `periods_per_year` is not above 0.
        DataError: An array is empty, not finite or negative, or their shapes differ.
    """
    amounts = as_series(traded, "traded")
    curve = as_series(equity, "equity")
    if amounts.shape != curve.shape:
        raise DataError(f"traded must have the shape of equity, {curve.shape}, had {amounts.shape}")
    least = float(np.min(amounts))
    if least < 0.0:
        raise DataError(f"traded must not be negative, was {least}")
    annual = np.mean(amounts, axis=0) * as_periods(periods_per_year)
    return ratio(annual, np.mean(curve, axis=0), rounding=0.0)


def _sides(pnl: ArrayLike) -> tuple[Floats, Floats]:
    results = as_series(pnl, "pnl", may_be_empty=True)
    return np.maximum(results, 0.0), np.maximum(-results, 0.0)

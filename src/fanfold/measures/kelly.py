"""How much to hold, as pure numbers: shares of equity that grow fastest or risk a stated part.

`fanfold.strategies.sizing` holds the rules that a backtest sizes by, bar by bar; its Kelly
is the mean over the variance. Here the past is taken as it is: the share maximises the mean
log growth of the very returns given, so it knows their tails, and none of them ruins it.
A past that never lost would have everything and more staked on it; that is what
`leverage_max` and a fraction below 1 are for.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import (
    RETURN_ROUNDING,
    Floats,
    Values,
    as_number,
    as_series,
    as_values,
)

LEVERAGE_MAX = 1e6
"""Gross share of equity beyond which growth is held to have no largest value [1]."""

STEPS_MAX = 200
"""Most steps of a search; a share takes about 10, weights about 10 for each barrier."""

GROWTH_ROUNDING = 1e-14
"""Growth that a step may still gain where the search ends [log return per bar]."""

BARRIER_FIRST = 1e-2
BARRIER_LAST = 1e-13
BARRIER_SHRINK = 0.1
"""Weight of the barrier that keeps weights inside their limits [log return per bar]."""

BACKTRACK_MAX = 60
"""Most halvings of one step."""

WEIGHT_ROUNDING = 1e-7
"""A limit that is nearer than this is met, and so is a weight of zero [1]."""


def kelly_fraction(
    returns: ArrayLike, fraction: float = 1.0, *, leverage_max: float | None = None
) -> Values:
    """Share of equity, held at every bar anew, that would have grown fastest.

    It maximises the mean of log(1 + share × return) over all shares at which no return
    given would have taken everything. Negative where shorting grows fastest.

    Args:
        returns: Of the bet or the asset held whole, `[bar]` or `[bar, series]`, in excess
            of the interest that the money earns elsewhere, no NaN [1 per bar].
        fraction: Part of the fastest share to hold, above 0 and at most 1 [1].
        leverage_max: Most to hold either way [1].

    Returns:
        Per series; infinite without `leverage_max` where no return loses, 0 where all
        returns are 0 [1].

    Raises:
        ConfigError: `fraction` or `leverage_max` is not what it must be.
        DataError: `returns` are empty or hold NaN or infinity.

    Source: Kelly (1956), A New Interpretation of Information Rate, Bell System Technical
        Journal 35(4); Thorp (2006), The Kelly Criterion in Blackjack, Sports Betting and the
        Stock Market.
    """
    part, most = _as_fraction(fraction), _as_leverage(leverage_max)
    series = as_series(returns, "returns")
    columns = series.reshape(len(series), -1)
    share = np.clip(part * _fastest_shares(columns), -most, most)
    return as_values(share.reshape(series.shape[1:]))


def kelly_weights(
    returns: ArrayLike,
    fraction: float = 1.0,
    *,
    leverage_max: float | None = None,
    long_only: bool = False,
) -> Floats:
    """Weights, held at every bar anew, with which a portfolio would have grown fastest.

    They maximise the mean of log(1 + returns @ weights), a concave function, by Newton's
    method; limits are kept by a logarithmic barrier that is lowered until nothing of it is
    left. For small returns the answer is near inverse(covariance) @ mean; it holds less
    than that where losses have the longer tail. Assets that copy each other share their
    weight evenly.

    Args:
        returns: `[bar, asset]`, in excess of the interest that the money earns elsewhere,
            no NaN [1 per bar].
        fraction: Part of the fastest weights to hold, above 0 and at most 1 [1].
        leverage_max: Most that the fastest weights add up to, long and short alike [1].
        long_only: Whether no weight may be negative.

    Returns:
        Share of equity each, `[asset]`; what is left is cash [1].

    Raises:
        ConfigError: `fraction` or `leverage_max` is not what it must be.
        DataError: `returns` are not `[bar, asset]`, hold NaN or infinity, or some portfolio
            never loses and no `leverage_max` bounds it.

    Source: MacLean, Thorp & Ziemba (2011), The Kelly Capital Growth Investment Criterion,
        parts I and III; Boyd & Vandenberghe (2004), Convex Optimization, chapter 11.
    """
    part, most = _as_fraction(fraction), _as_leverage(leverage_max)
    assets = as_series(returns, "returns")
    if assets.ndim == 1:
        raise DataError(f"returns must be [bar, asset], had the shape {assets.shape}")
    moving = np.max(np.abs(assets), axis=0) > RETURN_ROUNDING
    weights = np.zeros(assets.shape[1])
    if moving.any():
        weights[moving] = _fastest_weights(assets[:, moving], most, long_only=long_only)
    weights[np.abs(weights) < WEIGHT_ROUNDING] = 0.0
    gross = float(np.sum(np.abs(weights)))
    at_limit = math.isfinite(most) and gross > most * (1.0 - WEIGHT_ROUNDING)
    return part * (weights * (most / gross) if at_limit else weights)


def fixed_fraction(
    stop_distance: ArrayLike, risk: float = 0.01, *, leverage_max: float | None = None
) -> Values:
    """Share of equity to hold so that a stop loses a stated part of equity.

    Args:
        stop_distance: From the entry to the stop, as a share of the price, one or several;
            above 0 [1].
        risk: What is lost if the stop is hit at its price, above 0 and at most 1 [share of
            equity].
        leverage_max: Most to hold [1].

    Returns:
        One a distance [share of equity].

    Raises:
        ConfigError: `risk` or `leverage_max` is not what it must be.
        DataError: A distance is not a finite number above 0.

    Source: Vince (1990), Portfolio Management Formulas.
    """
    staked, most = as_number(risk, "risk"), _as_leverage(leverage_max)
    if not 0.0 < staked <= 1.0:
        raise ConfigError(f"risk must be above 0 and at most 1, was {risk}")
    return as_values(np.minimum(staked / _positive(stop_distance, "stop_distance"), most))


def volatility_scale(
    volatility_target: float, volatility: ArrayLike, *, leverage_max: float | None = None
) -> Values:
    """Share of equity to hold so that it swings as much as is wanted.

    Args:
        volatility_target: Wanted deviation, above 0 [1 per the same time].
        volatility: Deviation of the asset held whole, one or several, above 0 [1 per the
            same time].
        leverage_max: Most to hold [1].

    Returns:
        One a volatility [share of equity].

    Raises:
        ConfigError: `volatility_target` or `leverage_max` is not a finite number above 0.
        DataError: A volatility is not a finite number above 0.

    Source: Moreira & Muir (2017), Volatility-Managed Portfolios, Journal of Finance 72(4).
    """
    wanted, most = as_number(volatility_target, "volatility_target"), _as_leverage(leverage_max)
    if wanted <= 0.0:
        raise ConfigError(f"volatility_target must be > 0, was {volatility_target}")
    return as_values(np.minimum(wanted / _positive(volatility, "volatility"), most))


def _as_fraction(fraction: float) -> float:
    part = as_number(fraction, "fraction")
    if not 0.0 < part <= 1.0:
        raise ConfigError(f"fraction must be above 0 and at most 1, was {fraction}")
    return part


def _as_leverage(leverage_max: float | None) -> float:
    if leverage_max is None:
        return math.inf
    most = as_number(leverage_max, "leverage_max")
    if not 0.0 < most <= LEVERAGE_MAX:
        raise ConfigError(
            f"leverage_max must be above 0 and at most {LEVERAGE_MAX:.0f}, was {leverage_max}"
        )
    return most


def _positive(values: ArrayLike, name: str) -> Floats:
    array = as_series(np.atleast_1d(np.asarray(values)), name).reshape(np.shape(values))
    least = float(np.min(array))
    if least <= 0.0:
        raise DataError(f"{name} must be > 0, was {least}")
    return array


def _fastest_shares(columns: Floats) -> Floats:
    best, worst = np.max(columns, axis=0), np.min(columns, axis=0)
    wins, loses = best > RETURN_ROUNDING, worst < -RETURN_ROUNDING
    both = wins & loses
    # Growth falls to minus infinity at either end, so its slope crosses zero in between.
    low = np.where(both, -1.0 / np.where(both, best, 1.0), 0.0)
    high = np.where(both, -1.0 / np.where(both, worst, 1.0), 0.0)
    share = np.zeros(columns.shape[1])
    for _ in range(STEPS_MAX):
        slopes = columns / (1.0 + share * columns)
        slope, bend = np.mean(slopes, axis=0), np.mean(slopes * slopes, axis=0)
        low, high = np.where(slope > 0.0, share, low), np.where(slope > 0.0, high, share)
        step = share + slope / np.where(bend > 0.0, bend, 1.0)
        middle = 0.5 * (low + high)
        following = np.where((step > low) & (step < high), step, middle)
        moved = np.abs(following - share) > 4.0 * np.spacing(np.abs(share))
        share = np.where(both, following, share)
        if not (moved & both).any():
            break
    return np.where(both, share, np.where(wins, np.inf, np.where(loses, -np.inf, 0.0)))


class _Search(NamedTuple):
    sides: Floats
    most: float
    held_positive: bool

    def growth(self, weights: Floats, barrier: float) -> float:
        """Mean log growth with the barrier's part; minus infinity outside the limits."""
        wealth, room = 1.0 + self.sides @ weights, self.most - np.sum(weights)
        inside = not self.held_positive or (weights.min() > 0.0 and room > 0.0)
        if wealth.min() <= 0.0 or not inside:
            return -math.inf
        kept = float(np.mean(np.log(wealth)))
        if self.held_positive:
            # Without a limit on them all, weights that cancel would be pushed out for ever.
            kept += barrier * float(np.sum(np.log(weights) - weights))
            kept += barrier * math.log(room) if math.isfinite(room) else 0.0
        return kept

    def slope(self, weights: Floats, barrier: float) -> tuple[Floats, Floats]:
        """Gradient of the growth, and its second derivatives with the sign turned."""
        gains = self.sides / (1.0 + self.sides @ weights)[:, np.newaxis]
        gradient, bend = np.mean(gains, axis=0), gains.T @ gains / len(gains)
        if self.held_positive:
            room = self.most - np.sum(weights)
            gradient = gradient + barrier * (1.0 / weights - 1.0 - 1.0 / room)
            bend = bend + np.diag(barrier / weights**2) + barrier / room**2
        return gradient, bend


def _fastest_weights(assets: Floats, most: float, *, long_only: bool) -> Floats:
    count: int = assets.shape[1]
    if not long_only and math.isinf(most):
        start = np.zeros(count)
        return _climb(_Search(assets, most, held_positive=False), start, 0.0)
    # Long and short parts side by side make the gross weight a plain sum.
    sides = assets if long_only else np.hstack([assets, -assets])
    search = _Search(sides, most, held_positive=True)
    # Begun so small that no bar comes near to ruin.
    near = 0.5 / max(1.0, float(np.max(np.sum(np.abs(sides), axis=1))))
    weights = np.full(sides.shape[1], min(near, 0.5 * most / sides.shape[1]))
    barrier = BARRIER_FIRST
    while barrier >= BARRIER_LAST:
        weights = _climb(search, weights, barrier)
        barrier *= BARRIER_SHRINK
    return weights if long_only else weights[:count] - weights[count:]


def _climb(search: _Search, weights: Floats, barrier: float) -> Floats:
    growth = search.growth(weights, barrier)
    for _ in range(STEPS_MAX):
        gradient, bend = search.slope(weights, barrier)
        # The shortest of the best steps, where assets copy each other.
        step = np.linalg.lstsq(bend, gradient, rcond=None)[0]
        gain = float(gradient @ step)
        if gain <= GROWTH_ROUNDING:
            # So near to the top one more step doubles the digits.
            return weights + step if search.growth(weights + step, barrier) > -math.inf else weights
        length, following = 1.0, growth
        for _ in range(BACKTRACK_MAX):
            following = search.growth(weights + length * step, barrier)
            if following >= growth + 0.25 * length * gain:
                break
            length *= 0.5
        else:
            return weights
        weights, growth = weights + length * step, following
        if float(np.sum(np.abs(weights))) > LEVERAGE_MAX:
            break
    raise DataError(
        "returns must let every portfolio lose at some bar, or leverage_max must be given, "
        "was a portfolio that never loses"
    )

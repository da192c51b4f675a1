"""Heston's model: a variance that wanders, reverts, and falls in with the price."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from fanfold.domain.compiled import Compiled, compiled
from fanfold.errors import ConfigError
from fanfold.simulation.assets import (
    Matrix,
    PerAsset,
    as_correlation,
    correlation_of,
    loadings,
    per_asset,
)
from fanfold.simulation.heston_step import (
    STEP_NUMBERS,
    VARIANCE_VOLATILITY_MIN,
    add_ends,
    begin_bar,
    draw_step,
    mix_normals,
    step_moments,
)
from fanfold.simulation.history import log_history
from fanfold.simulation.model import Packed, PathModel

SUBSTEPS_MAX = 1_000
"""Steps inside one bar; each takes two normals an asset."""

VARIANCE_MAX = 1e6
"""Largest variance of a bar, or its volatility; beyond, prices are 0 or infinite [1 per bar]."""

DRIFT_MAX = 1e6
"""Largest growth of the expected price, up or down [log return per bar]."""

REVERSION_MAX = 1e6
"""Fastest return to the long variance; the whole way in a millionth of a bar [1 per bar]."""

FIT_BARS_MIN = 250
"""Fewer returns say nothing of how a variance that nobody sees moves [bars]."""


@compiled
def advance_heston(
    bar: int, numbers: Any, table: Any, state: Any, normals: Any, uniforms: Any, moves: Any
) -> None:
    """One bar; `numbers[0]` counts its steps, each asset's follow; `table` mixes the normals."""
    assets = len(table)
    whole = len(moves) > assets
    for a in range(assets):
        begin_bar(bar, numbers[1 + a * STEP_NUMBERS + 13], state[a], moves[a])
    for row in range(assets, len(moves)):
        rest = moves[row]
        for lane in range(len(rest)):
            rest[lane] = 0.0
    mixed, before = state[assets], state[assets + 1]
    for step in range(int(numbers[0])):
        row = 2 * assets * step
        for a in range(assets):
            first = 1 + a * STEP_NUMBERS
            variance = state[a]
            mix_normals(table[a], normals, row, a + 1, mixed)
            if whole:
                add_ends(numbers[first + 14], numbers[first + 15], variance, moves[2 * assets + a])
            draw_step(numbers, first, variance, before, mixed, normals[row + assets + a], moves[a])
            if whole:
                add_ends(numbers[first + 14], numbers[first + 15], variance, moves[2 * assets + a])


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Heston(PathModel):
    """Stochastic variance: dv = reversion · (long_variance − v) dt + variance_volatility · √v dW.

    A step draws v' at its end from the variance v at its beginning by Andersen's quadratic-
    exponential scheme, which keeps its mean and variance exact, and then the log return, given
    both, such that the price grows as `drift` says, exactly. Instead of Andersen's halves, the
    weights of v and v' in the integrated variance are those that keep its mean exact at any
    reversion (`heston_step.py`), and noise of the variance that v' cannot show goes into
    the log return. What is left is the error of a step in all else, third moments and option
    prices among it: it falls with `substeps`.

    Prices of assets move together by `correlation`, and their variances through `leverage`.
    Where leverage is positive and variance_volatility per step near 1, the scheme's expected
    price may be infinite; there the drift is corrected to the second order only.

    A bridge inside a bar gets the bar's integrated variance; that the variance moves with the
    price inside the bar is not in it.

    Attributes:
        drift: Growth of the expected price, for each asset [log return per bar].
        variance: Of log returns, when bar 0 begins, for each asset [1 per bar].
        long_variance: What the variance reverts to, for each asset [1 per bar].
        reversion: Speed at which it does, for each asset [1 per bar].
        variance_volatility: Deviation of its change in one bar, over √v [1 per bar].
        leverage: Correlation of an asset's price and variance [1].
        correlation: Of the prices, `[asset, asset]`; independent unless stated [1].
        substeps: Steps inside a bar.

    Raises:
        ConfigError: A number is not finite or out of its bounds, or the correlation one that
            nothing can have.

    Source: Heston (1993), A Closed-Form Solution for Options with Stochastic Volatility,
        Review of Financial Studies 6(2); Andersen (2008), Simple and Efficient Simulation of
        the Heston Stochastic Volatility Model, Journal of Computational Finance 11(3).
    """

    drift: PerAsset
    variance: PerAsset
    long_variance: PerAsset
    reversion: PerAsset
    variance_volatility: PerAsset
    leverage: PerAsset
    correlation: Matrix
    substeps: int

    advance: ClassVar[Compiled[..., None]] = advance_heston

    def __init__(
        self,
        *,
        drift: ArrayLike,
        variance: ArrayLike,
        long_variance: ArrayLike,
        reversion: ArrayLike,
        variance_volatility: ArrayLike,
        leverage: ArrayLike = 0.0,
        correlation: ArrayLike | None = None,
        substeps: int = 1,
    ) -> None:
        given = (drift, variance, long_variance, reversion, variance_volatility, leverage)
        count = max(np.size(value) for value in given)
        numbers = {
            "drift": _bounded(drift, "drift", count, -DRIFT_MAX, DRIFT_MAX),
            "variance": _bounded(variance, "variance", count, 0.0, VARIANCE_MAX),
            "long_variance": _bounded(long_variance, "long_variance", count, 0.0, VARIANCE_MAX),
            "reversion": _bounded(reversion, "reversion", count, 0.0, REVERSION_MAX),
            "variance_volatility": _bounded(
                variance_volatility, "variance_volatility", count, 0.0, VARIANCE_MAX
            ),
            "leverage": _bounded(leverage, "leverage", count, -1.0, 1.0),
        }
        for name, value in numbers.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "correlation", as_correlation(correlation, count))
        object.__setattr__(self, "substeps", _as_substeps(substeps))

    @classmethod
    def fit(cls, returns: ArrayLike) -> Self:
        """Fit to returns alone, by the likelihood of each asset on a grid of variances.

        The variance itself is not seen, so what is found is rough: of 5,000 bars (of 20,000)
        whose variance takes 10 to 50 bars to revert by 1/e, `reversion` comes back to about a
        quarter (an eighth) of its size, `variance_volatility` to an eighth (a twelfth),
        `leverage` to 0.06 (0.04), and `long_variance`, which is the variance of the sample, the
        better the faster it reverts. Where returns keep no trace of a variance that moves,
        `reversion` and `leverage` are whatever fits best. `correlation` is that of returns over
        the deviation expected of them, some hundredths nearer to 0 than the model's. `variance`
        is the one expected after the last bar, so paths go on where the history ends.

        Searched are reversions from 0.002 to 1, long-run deviations of the variance from 0.02
        to 2 times its mean, on the latest `LIKELIHOOD_BARS_MAX` bars (`heston_fit.py`).

        Args:
            returns: Simple returns, `[bar]` or `[bar, asset]`, oldest first [1 per bar]; at
                least `FIT_BARS_MIN` bars.

        Raises:
            DataError: NaN, too few bars, at or below -1, or constant returns.

        Source: Kitagawa (1987), Non-Gaussian State-Space Modeling of Nonstationary Time
            Series, JASA 82(400), for filters on a grid.
        """
        from fanfold.simulation.heston_fit import fitted_variance

        logs = log_history(returns, bars_min=FIT_BARS_MIN)
        found = [fitted_variance(logs[:, a]) for a in range(logs.shape[1])]
        surprises = np.stack([one.surprises for one in found], axis=1)
        return cls(
            drift=np.mean(logs, axis=0) + 0.5 * np.var(logs, axis=0),
            variance=[one.variance for one in found],
            long_variance=[one.long_variance for one in found],
            reversion=[one.reversion for one in found],
            variance_volatility=[one.variance_volatility for one in found],
            leverage=[one.leverage for one in found],
            correlation=correlation_of(surprises),
        )

    @property
    def asset_count(self) -> int:
        """Assets that move together."""
        return len(self.variance)

    def packed(self) -> Packed:
        """The number of steps, then `STEP_NUMBERS` an asset; the table mixes the normals.

        A step takes two normals an asset: one for each price, mixed, then one each for what its
        variance does on its own. The last row of the state is scratch.
        """
        numbers = [float(self.substeps)]
        for asset in range(self.asset_count):
            numbers += _step_numbers(self, asset)
        return Packed(
            numbers=np.array(numbers),
            table=loadings(self.correlation),
            normal_count=2 * self.asset_count * self.substeps,
            uniform_count=0,
            state_count=self.asset_count + 2,
        )


def _step_numbers(model: Heston, asset: int) -> list[float]:
    length = 1.0 / model.substeps
    wild = model.variance_volatility[asset] >= VARIANCE_VOLATILITY_MIN
    leverage = model.leverage[asset] if wild else 0.0
    shared = leverage * leverage
    moments = step_moments(
        long_variance=model.long_variance[asset],
        reversion=model.reversion[asset],
        variance_volatility=model.variance_volatility[asset],
        length_bars=length,
    )
    weight = (1.0 - shared) * moments.end_weight
    return [
        model.drift[asset] * length,
        leverage,
        math.sqrt(1.0 - shared),
        moments.mean_base,
        moments.decay,
        moments.spread_base,
        moments.spread_slope,
        leverage * moments.drive - 0.5 * moments.end_weight,
        weight,
        (1.0 - shared) * moments.rest,
        weight,
        shared * moments.left_base,
        shared * moments.left_slope,
        model.variance[asset],
        moments.end_weight,
        moments.rest,
    ]


def _bounded(value: ArrayLike, name: str, count: int, least: float, most: float) -> PerAsset:
    numbers = per_asset(value, name, count)
    for asset, number in enumerate(numbers):
        if not least <= number <= most:
            raise ConfigError(
                f"{name} must be from {least:g} to {most:g}, was {number:g} for asset {asset}"
            )
    return numbers


def _as_substeps(substeps: int) -> int:
    whole = isinstance(substeps, (int, np.integer)) and not isinstance(substeps, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not whole or not 1 <= substeps <= SUBSTEPS_MAX:
        raise ConfigError(
            f"substeps must be a whole number from 1 to {SUBSTEPS_MAX}, was {substeps!r}"
        )
    return int(substeps)

"""How a portfolio is held along a path: at stated weights, or scaled to a volatility."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError
from fanfold.simulation.assets import PerAsset, per_asset
from fanfold.simulation.follow import WEIGHTS
from fanfold.simulation.history import Floats

EXPOSURE_MAX = 100.0
"""Largest exposure that may be stated [1 of equity]."""

DECAY = 0.94
"""Weight of the past in the volatility that a holding is scaled by, as in RiskMetrics [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Holding:
    """Shares of equity held in each asset, restored at every bar; the rest is cash.

    Attributes:
        weights: Share of equity in each asset, negative for short [1].
        volatility_target: If given, all weights are scaled at each bar so that the
            portfolio's deviation would be this, by the bars so far [1 per bar].
        leverage_max: Largest factor by which they are scaled [1].
        start_volatility: Deviation that is assumed before the first bar [1 per bar].

    Raises:
        ConfigError: A number is not finite or out of bounds.

    Source: J. P. Morgan (1996), RiskMetrics Technical Document, 5.2, for the deviation.
    """

    weights: PerAsset
    volatility_target: float | None
    leverage_max: float
    start_volatility: float

    def __init__(
        self,
        *,
        weights: ArrayLike,
        volatility_target: float | None = None,
        leverage_max: float = 1.0,
        start_volatility: float | None = None,
    ) -> None:
        checked = per_asset(weights, "weights")
        if sum(map(abs, checked)) > EXPOSURE_MAX:
            raise ConfigError(
                f"weights must add up to at most {EXPOSURE_MAX:g} times equity, "
                f"were {sum(map(abs, checked)):g}"
            )
        start = volatility_target if start_volatility is None else start_volatility
        _require("volatility_target", volatility_target, 1.0)
        _require("start_volatility", start, 1.0)
        if leverage_max is None:  # pyright: ignore[reportUnnecessaryComparison]
            raise ConfigError("leverage_max must be a number, was None")
        _require("leverage_max", leverage_max, EXPOSURE_MAX)
        object.__setattr__(self, "weights", checked)
        target = None if volatility_target is None else float(volatility_target)
        object.__setattr__(self, "volatility_target", target)
        object.__setattr__(self, "leverage_max", float(leverage_max))
        object.__setattr__(self, "start_volatility", 0.0 if start is None else float(start))

    @property
    def is_plain(self) -> bool:
        """Whether it is one asset, held: then its log returns are those of the portfolio."""
        return self.weights == (1.0,) and self.volatility_target is None

    def packed(self) -> Floats | None:
        """As compiled code takes it; None where it is plain."""
        if self.is_plain:
            return None
        numbers = np.empty(WEIGHTS + len(self.weights))
        numbers[:WEIGHTS] = (
            self.volatility_target or 0.0,
            DECAY,
            self.leverage_max,
            self.start_volatility * self.start_volatility,
        )
        numbers[WEIGHTS:] = self.weights
        return numbers


def equal_weights(asset_count: int) -> Holding:
    """All of equity, the same share in each asset."""
    return Holding(weights=np.full(asset_count, 1.0 / asset_count))


def _require(name: str, value: float | None, most: float) -> None:
    if value is not None and not (isinstance(value, Real) and 0.0 < value <= most):
        raise ConfigError(f"{name} must be above 0 and at most {most:g}, was {value!r}")

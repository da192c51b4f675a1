"""Geometric Brownian motion: normal log returns, independent from bar to bar."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from fanfold.domain.compiled import Compiled, compiled
from fanfold.simulation.assets import (
    Matrix,
    PerAsset,
    as_correlation,
    correlation_of,
    loadings,
    per_asset,
)
from fanfold.simulation.history import log_history
from fanfold.simulation.model import Packed, PathModel


@compiled
def advance_gbm(
    bar: int, numbers: Any, table: Any, state: Any, normals: Any, uniforms: Any, moves: Any
) -> None:
    """One bar; `numbers` are the log drifts, then the deviations; `table` mixes the normals."""
    assets = len(table)
    for a in range(assets):
        drift = numbers[a]
        move = moves[a]
        load, normal = table[a, 0], normals[0]
        for lane in range(len(move)):
            move[lane] = drift + load * normal[lane]
        for b in range(1, a + 1):
            load = table[a, b]
            normal = normals[b]
            for lane in range(len(move)):
                move[lane] += load * normal[lane]
    if len(moves) > assets:
        for a in range(assets):
            gap = moves[assets + a]
            variance = moves[2 * assets + a]
            deviation = numbers[assets + a]
            for lane in range(len(gap)):
                gap[lane] = 0.0
                variance[lane] = deviation * deviation


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class GBM(PathModel):
    """Geometric Brownian motion of one or several assets.

    Attributes:
        drift: Growth of the expected price, for each asset [log return per bar]: the mean
            log return is drift − volatility² / 2.
        volatility: Deviation of log returns, for each asset [1 per bar].
        correlation: Of log returns, `[asset, asset]`; independent unless stated [1].

    Raises:
        ConfigError: A number is not finite, a volatility below 0, or the correlation one
            that nothing can have.

    Source: Samuelson (1965), Rational Theory of Warrant Pricing, Industrial Management
        Review 6(2).
    """

    drift: PerAsset
    volatility: PerAsset
    correlation: Matrix

    advance: ClassVar[Compiled[..., None]] = advance_gbm

    def __init__(
        self,
        *,
        drift: ArrayLike,
        volatility: ArrayLike,
        correlation: ArrayLike | None = None,
    ) -> None:
        volatilities = per_asset(volatility, "volatility", least=0.0)
        drifts = per_asset(drift, "drift", len(volatilities))
        matrix = as_correlation(correlation, len(volatilities))
        object.__setattr__(self, "drift", drifts)
        object.__setattr__(self, "volatility", volatilities)
        object.__setattr__(self, "correlation", matrix)

    @classmethod
    def fit(cls, returns: ArrayLike) -> Self:
        """Fit by maximum likelihood.

        Args:
            returns: Simple returns, `[bar]` or `[bar, asset]`, oldest first [1 per bar].

        Raises:
            DataError: NaN, fewer than 2 bars, at or below -1, or constant returns.
        """
        logs = log_history(returns)
        deviation = np.std(logs, axis=0)
        return cls(
            drift=np.mean(logs, axis=0) + 0.5 * deviation * deviation,
            volatility=deviation,
            correlation=correlation_of(logs),
        )

    @property
    def asset_count(self) -> int:
        """Assets that move together."""
        return len(self.volatility)

    def packed(self) -> Packed:
        """Log drifts and deviations; the table mixes the normals."""
        deviation = np.asarray(self.volatility)
        drift = np.asarray(self.drift) - 0.5 * deviation * deviation
        return Packed(
            numbers=np.concatenate([drift, deviation]),
            table=np.ascontiguousarray(deviation[:, np.newaxis] * loadings(self.correlation)),
            normal_count=self.asset_count,
            uniform_count=0,
            state_count=1,
        )

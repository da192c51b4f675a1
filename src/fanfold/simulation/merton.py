"""Log returns that diffuse and sometimes jump: Merton's jump diffusion."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from fanfold.domain.compiled import Compiled, compiled
from fanfold.errors import ConfigError, DataError
from fanfold.simulation.assets import Matrix, PerAsset, as_correlation, loadings, per_asset
from fanfold.simulation.history import Floats, log_history
from fanfold.simulation.merton_fit import count_log_probabilities, likeliest_jumps
from fanfold.simulation.model import Packed, PathModel
from fanfold.simulation.student import independent_directions

INTENSITY_MAX = 100.0
"""With more jumps than this the sum of a bar's jumps is as good as normal [jumps per bar]."""

COUNT_TAIL_MAX = 1e-16
"""Numbers of jumps less likely than this together are not drawn; no uniform could tell [1]."""

FIT_BARS_MIN = 20
"""Fewer returns can be fitted by nearly anything."""


@compiled
def count_jumps(probabilities: Any, uniform: Any, count: Any, root: Any) -> None:
    """Write how many jumps each lane makes, and the root of it.

    Args:
        probabilities: Of at most 0, 1, … jumps; as many as a uniform can tell apart.
        uniform: `[lane]`, in [0, 1).
        count: `[lane]`, written.
        root: `[lane]`, written.
    """
    for lane in range(len(count)):
        count[lane] = 0.0
    for k in range(len(probabilities)):
        probability = probabilities[k]
        for lane in range(len(count)):
            count[lane] += 1.0 if uniform[lane] >= probability else 0.0
    for lane in range(len(count)):
        root[lane] = math.sqrt(count[lane])


@compiled
def add_loaded(loads: Any, normals: Any, total: Any) -> None:
    """Add to each lane of `total` the normals of the lane times their loads."""
    for b in range(len(loads)):
        load = loads[b]
        normal = normals[b]
        for lane in range(len(total)):
            total[lane] += load * normal[lane]


@compiled
def advance_merton(
    bar: int, numbers: Any, table: Any, state: Any, normals: Any, uniforms: Any, moves: Any
) -> None:
    """One bar.

    `numbers` are log drifts, diffusive deviations, jump means, then what `count_jumps` takes;
    `table` mixes the normals of the diffusion, then those of the jumps.
    """
    assets = len(normals) // 2
    count, root, jump = state[0], state[1], state[2]
    count_jumps(numbers[3 * assets :], uniforms[0], count, root)
    for a in range(assets):
        move = moves[a]
        drift = numbers[a]
        for lane in range(len(move)):
            move[lane] = drift
            jump[lane] = 0.0
        add_loaded(table[a, : a + 1], normals, move)
        add_loaded(table[assets + a, : a + 1], normals[assets:], jump)
        mean = numbers[2 * assets + a]
        for lane in range(len(move)):
            jump[lane] = mean * count[lane] + root[lane] * jump[lane]
        for lane in range(len(move)):
            move[lane] += jump[lane]
        if len(moves) > assets:
            gap = moves[assets + a]
            variance = moves[2 * assets + a]
            deviation = numbers[assets + a]
            for lane in range(len(gap)):
                gap[lane] = jump[lane]
                variance[lane] = deviation * deviation


class LogMoments(NamedTuple):
    """Moments of log returns, for each asset; skewness and kurtosis are NaN without variance.

    Attributes:
        mean: Mean [log return].
        variance: Variance [1].
        skewness: Third standardised moment [1].
        excess_kurtosis: Fourth standardised moment, 0 for a normal [1].
    """

    mean: PerAsset
    variance: PerAsset
    skewness: PerAsset
    excess_kurtosis: PerAsset


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class MertonJump(PathModel):
    """Geometric Brownian motion with normal jumps at the times of a Poisson process.

    All assets jump at the same times, so crashes come together; how far each jumps is
    correlated by `jump_correlation`. In simulated bars the jumps are a gap at the open.

    Attributes:
        drift: Growth of the expected price, jumps included, for each asset [log return per
            bar]: E[simple return] = exp(drift) − 1.
        volatility: Deviation of the diffusion alone, for each asset [1 per bar].
        intensity: Expected jumps, at most `INTENSITY_MAX` [jumps per bar].
        jump_mean: Mean of one jump, for each asset [log return].
        jump_volatility: Deviation of one jump, for each asset [log return].
        correlation: Of the diffusion, `[asset, asset]`; independent unless stated [1].
        jump_correlation: Of the sizes of one jump, `[asset, asset]`; independent unless
            stated [1].

    Raises:
        ConfigError: A number is not finite, a deviation or the intensity below 0, the intensity
            too large, a correlation one that nothing can have, or an expected price infinite.

    Source: Merton (1976), Option Pricing When Underlying Stock Returns Are Discontinuous,
        Journal of Financial Economics 3.
    """

    drift: PerAsset
    volatility: PerAsset
    intensity: float
    jump_mean: PerAsset
    jump_volatility: PerAsset
    correlation: Matrix
    jump_correlation: Matrix

    advance: ClassVar[Compiled[..., None]] = advance_merton

    def __init__(
        self,
        *,
        drift: ArrayLike,
        volatility: ArrayLike,
        intensity: float,
        jump_mean: ArrayLike,
        jump_volatility: ArrayLike,
        correlation: ArrayLike | None = None,
        jump_correlation: ArrayLike | None = None,
    ) -> None:
        volatilities = per_asset(volatility, "volatility", least=0.0)
        count = len(volatilities)
        for name, value in (
            ("drift", per_asset(drift, "drift", count)),
            ("volatility", volatilities),
            ("intensity", _as_intensity(intensity)),
            ("jump_mean", per_asset(jump_mean, "jump_mean", count)),
            ("jump_volatility", per_asset(jump_volatility, "jump_volatility", count, least=0.0)),
            ("correlation", as_correlation(correlation, count)),
            ("jump_correlation", as_correlation(jump_correlation, count, "jump_correlation")),
        ):
            object.__setattr__(self, name, value)
        if not np.isfinite(self._log_drift()).all():
            raise ConfigError(
                "the expected price must be finite, was not with "
                f"jump_mean={self.jump_mean} and jump_volatility={self.jump_volatility}"
            )

    @classmethod
    def fit(cls, returns: ArrayLike) -> Self:
        """Fit by maximum likelihood: bars are normal mixed over the number of their jumps.

        The likelihood has several maxima and is never below that of a normal. Without jumps in
        the history what is found may be small jumps that mean nothing, or an intensity of 0.

        Args:
            returns: Simple returns, `[bar]` or `[bar, asset]`, oldest first [1 per bar]; at
                least `FIT_BARS_MIN` and more bars than assets.

        Raises:
            DataError: NaN, too few bars, at or below -1, or constant returns.

        Source: Dempster, Laird & Rubin (1977), Maximum Likelihood from Incomplete Data via the
            EM Algorithm, Journal of the Royal Statistical Society B 39; its steps for sums of
            jumps are written out here.
        """
        logs = log_history(returns, bars_min=FIT_BARS_MIN)
        if len(logs) <= logs.shape[1] + 1:
            raise DataError(
                f"returns of {logs.shape[1]} assets must have at least {logs.shape[1] + 2} bars, "
                f"had {len(logs)}"
            )
        center = np.mean(logs, axis=0)
        # In directions that do not vary together, of which there may be fewer than assets.
        directions = independent_directions(logs - center)
        found = likeliest_jumps((logs - center) @ np.linalg.pinv(directions))
        volatility, correlation = _apart(directions.T @ found.diffusion @ directions)
        jump_volatility, jump_correlation = _apart(directions.T @ found.spread @ directions)
        jump_mean = found.mean @ directions
        growth = np.expm1(jump_mean + 0.5 * jump_volatility * jump_volatility)
        return cls(
            drift=center
            + found.location @ directions
            + 0.5 * volatility * volatility
            + found.intensity * growth,
            volatility=volatility,
            intensity=found.intensity,
            jump_mean=jump_mean,
            jump_volatility=jump_volatility,
            correlation=correlation,
            jump_correlation=jump_correlation,
        )

    @property
    def asset_count(self) -> int:
        """Assets that move together."""
        return len(self.volatility)

    def moments(self, bar_count: int = 1) -> LogMoments:
        """Moments of the log return over so many bars, in closed form.

        Source: cumulants of a compound Poisson sum, Feller (1971), An Introduction to
            Probability Theory and Its Applications II, §XVII.
        """
        mean, deviation = np.asarray(self.jump_mean), np.asarray(self.jump_volatility)
        square, spread = mean * mean, deviation * deviation
        jumps = bar_count * self.intensity
        variance = bar_count * np.square(self.volatility) + jumps * (square + spread)
        third = jumps * mean * (square + 3.0 * spread)
        fourth = jumps * (square * square + 6.0 * square * spread + 3.0 * spread * spread)
        with np.errstate(invalid="ignore"):
            skewness, excess = third / variance**1.5, fourth / variance**2
        return LogMoments(
            mean=tuple((bar_count * self._log_drift() + jumps * mean).tolist()),
            variance=tuple(variance.tolist()),
            skewness=tuple(skewness.tolist()),
            excess_kurtosis=tuple(excess.tolist()),
        )

    def packed(self) -> Packed:
        """Log drifts, deviations, jump means, probabilities; the table mixes the normals."""
        diffusion = np.asarray(self.volatility)[:, np.newaxis] * loadings(self.correlation)
        jumps = np.asarray(self.jump_volatility)[:, np.newaxis] * loadings(self.jump_correlation)
        counts = _count_probabilities(self.intensity)
        return Packed(
            numbers=np.concatenate([self._log_drift(), self.volatility, self.jump_mean, counts]),
            table=np.concatenate([diffusion, jumps]),
            normal_count=2 * self.asset_count,
            uniform_count=1,
            state_count=3,
        )

    def _log_drift(self) -> Floats:
        deviation, jump = np.asarray(self.volatility), np.asarray(self.jump_volatility)
        with np.errstate(over="ignore", invalid="ignore"):
            growth = np.expm1(np.asarray(self.jump_mean) + 0.5 * jump * jump)
            compensation = self.intensity * growth if self.intensity > 0.0 else 0.0
            return np.asarray(self.drift) - 0.5 * deviation * deviation - compensation


def _as_intensity(intensity: float) -> float:
    try:
        number = float(intensity)
    except (TypeError, ValueError):
        raise ConfigError(f"intensity must be a number, was {intensity!r}") from None
    if not 0.0 <= number <= INTENSITY_MAX:
        raise ConfigError(f"intensity must be 0 to {INTENSITY_MAX:g}, was {intensity}")
    return number


def _count_probabilities(intensity: float) -> Floats:
    """Probability of at most 0, 1, … jumps, for those that a uniform can tell apart."""
    if intensity == 0.0:
        return np.zeros(0)
    most = math.ceil(intensity + 12.0 * math.sqrt(intensity) + 30.0)
    probability = np.exp(count_log_probabilities(intensity, most))
    more = np.cumsum(probability[::-1])[::-1] - probability
    return np.minimum(np.cumsum(probability), 1.0)[more >= COUNT_TAIL_MAX]


def _apart(covariance: Floats) -> tuple[Floats, Floats]:
    """Deviations and correlation; what does not vary is correlated with nothing."""
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    product = np.outer(deviation, deviation)
    correlation = np.divide(covariance, product, out=np.zeros_like(product), where=product > 0.0)
    correlation = np.clip((correlation + correlation.T) / 2.0, -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    return deviation, correlation

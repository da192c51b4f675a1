"""GARCH: a variance that remembers the size, and the sign, of the last shocks.

Storms follow large moves and fade slowly. A block bootstrap repeats the storms that were;
this model makes new ones.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self, get_args

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
from fanfold.simulation.garch_fit import (
    FIT_BARS_MIN,
    PERSISTENCE_MAX,
    Innovations,
    fit_asset,
)
from fanfold.simulation.history import Floats, log_history
from fanfold.simulation.mixing import as_degrees, mix, mixing_table, unit_scale
from fanfold.simulation.model import Packed, PathModel
from fanfold.simulation.paths import check_counts

VARIANCE_MAX = 1e4
"""Largest variance that can be stated; beyond, prices are 0 or infinite [1 per bar]."""

MEAN_MAX = 100.0
"""Largest mean, up or down [log return per bar]."""

_MEAN, _OMEGA, _ALPHA, _GAMMA, _BETA, _START, _FIRST, _LAST, _LOADS = 0, 1, 2, 3, 4, 5, 6, 7, 8


@compiled
def advance_garch(
    bar: int, numbers: Any, table: Any, state: Any, normals: Any, uniforms: Any, moves: Any
) -> None:
    """One bar; `numbers` are `_MEAN` to `_LAST` of all assets, then the loads of the normals.

    `table` holds the mixing tables that `_FIRST` and `_LAST` point into, `state` the variances,
    then the factor of t shocks. One normal, the last, is behind the factors of all assets.
    """
    assets = len(state) - 1
    factor = state[assets]
    for a in range(assets):
        move, variance = moves[a], state[a]
        _mix_normals(numbers, (_LOADS + a) * assets, normals, a + 1, move)
        if bar == 0:
            _fill(variance, numbers[_START * assets + a])
        if len(normals) > assets:
            first = int(numbers[_FIRST * assets + a])
            last = int(numbers[_LAST * assets + a])
            mix(table[first:last], normals[assets], factor)
        elif bar == 0:
            _fill(factor, 1.0)
        if len(moves) > assets:
            _fill(moves[assets + a], 0.0)
            inside = moves[2 * assets + a]
            for lane in range(len(inside)):
                inside[lane] = variance[lane] * factor[lane] * factor[lane]
        mean = numbers[_MEAN * assets + a]
        omega = numbers[_OMEGA * assets + a]
        alpha = numbers[_ALPHA * assets + a]
        gamma = numbers[_GAMMA * assets + a]
        beta = numbers[_BETA * assets + a]
        for lane in range(len(move)):
            v = variance[lane]
            shock = math.sqrt(v) * (factor[lane] * move[lane])
            weight = alpha + gamma if shock < 0.0 else alpha
            variance[lane] = omega + weight * (shock * shock) + beta * v
            move[lane] = mean + shock


@compiled
def _mix_normals(numbers: Any, first: int, normals: Any, count: int, mixed: Any) -> None:
    load, normal = numbers[first], normals[0]
    for lane in range(len(mixed)):
        mixed[lane] = load * normal[lane]
    for b in range(1, count):
        load = numbers[first + b]
        normal = normals[b]
        for lane in range(len(mixed)):
            mixed[lane] += load * normal[lane]


@compiled
def _fill(row: Any, value: float) -> None:
    for lane in range(len(row)):
        row[lane] = value


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class GARCH(PathModel):
    """GARCH(1,1), and GJR-GARCH(1,1) where `gamma` is not 0, of one or several assets.

    The variance after a shock ε is omega + (alpha + gamma · [ε < 0]) · ε² + beta · variance.
    Each asset's variance follows its own shocks; shocks are tied together by one constant
    correlation. Where `degrees` are stated, each asset's normal is widened to a t of variance 1
    by a factor; the factors of all assets rise and fall together in a bar, so every asset has
    the tail that it was given, and very large shocks come together.

    Attributes:
        mean: Mean log return, for each asset [log return per bar].
        omega: What the variance gets in each bar, above 0 [1 per bar].
        alpha: Weight of the last shock's square [1].
        gamma: Weight that it gets on top if the shock was negative [1].
        beta: Weight of the last variance [1].
        start_variance: Variance of bar 0; the long-run one unless stated [1 per bar].
        degrees: Degrees of freedom of t shocks, for each asset; normal shocks if None [1].
        correlation: Of the normals behind the shocks, `[asset, asset]`; 0 unless stated [1].

    Raises:
        ConfigError: A number is out of its bounds, alpha + gamma / 2 + beta above
            `PERSISTENCE_MAX` or alpha + gamma below 0 among them, or the correlation is one
            that nothing can have.

    Source: Bollerslev (1986), Generalized Autoregressive Conditional Heteroskedasticity,
        Journal of Econometrics 31(3); Glosten, Jagannathan & Runkle (1993), Journal of Finance
        48(5); Bollerslev (1987), Review of Economics and Statistics 69(3), for t shocks, and
        (1990), same journal 72(3), for the constant correlation.
    """

    mean: PerAsset
    omega: PerAsset
    alpha: PerAsset
    gamma: PerAsset
    beta: PerAsset
    start_variance: PerAsset
    degrees: PerAsset | None
    correlation: Matrix

    advance: ClassVar[Compiled[..., None]] = advance_garch

    def __init__(
        self,
        *,
        mean: ArrayLike = 0.0,
        omega: ArrayLike,
        alpha: ArrayLike,
        gamma: ArrayLike = 0.0,
        beta: ArrayLike,
        start_variance: ArrayLike | None = None,
        degrees: ArrayLike | None = None,
        correlation: ArrayLike | None = None,
    ) -> None:
        omegas = _bounded(omega, "omega", None, 0.0, VARIANCE_MAX)
        count = len(omegas)
        if min(omegas) == 0.0:
            raise ConfigError("omega must be above 0, was 0")
        object.__setattr__(self, "mean", _bounded(mean, "mean", count, -MEAN_MAX, MEAN_MAX))
        object.__setattr__(self, "omega", omegas)
        object.__setattr__(self, "alpha", per_asset(alpha, "alpha", count, least=0.0))
        object.__setattr__(self, "gamma", per_asset(gamma, "gamma", count))
        object.__setattr__(self, "beta", per_asset(beta, "beta", count, least=0.0))
        _check_weights(self)
        start = self.long_run_variance if start_variance is None else start_variance
        variances = _bounded(start, "start_variance", count, 0.0, VARIANCE_MAX)
        object.__setattr__(self, "start_variance", variances)
        object.__setattr__(self, "degrees", _degrees(degrees, count))
        object.__setattr__(self, "correlation", as_correlation(correlation, count))

    @classmethod
    def fit(
        cls,
        returns: ArrayLike,
        *,
        asymmetric: bool = False,
        innovations: Innovations = "normal",
    ) -> Self:
        """Fit each asset by maximum likelihood, then the correlation of what they leave.

        Paths begin with the variance that follows the last return, so they go on from today.
        A fit on the edge, where shocks never fade, is taken back to `PERSISTENCE_MAX`.

        Args:
            returns: Simple returns, `[bar]` or `[bar, asset]`, oldest first [1 per bar].
            asymmetric: Whether falls weigh more than rises: GJR-GARCH.
            innovations: What shocks are drawn from.

        Raises:
            ConfigError: `innovations` is unknown.
            DataError: NaN, fewer than `FIT_BARS_MIN` bars, at or below -1, constant returns,
                or an asset for which the search for the parameters found no end.

        Source: computed by `arch`.
        """
        if innovations not in get_args(Innovations):
            raise ConfigError(f"innovations must be normal or student, was {innovations!r}")
        logs = log_history(returns, bars_min=FIT_BARS_MIN)
        fits = [
            fit_asset(logs[:, a], a, asymmetric=asymmetric, innovations=innovations)
            for a in range(logs.shape[1])
        ]
        correlation = correlation_of(np.column_stack([one.residuals for one in fits]))
        degrees = [one.degrees for one in fits] if innovations == "student" else None
        return cls(
            mean=[one.mean for one in fits],
            omega=[one.omega for one in fits],
            alpha=[one.alpha for one in fits],
            gamma=[one.gamma for one in fits],
            beta=[one.beta for one in fits],
            start_variance=[one.next_variance for one in fits],
            degrees=degrees,
            correlation=correlation,
        )

    @property
    def asset_count(self) -> int:
        """Assets that move together."""
        return len(self.omega)

    @property
    def persistence(self) -> PerAsset:
        """Share of a variance's distance from the long-run one that is left a bar later [1]."""
        weights = zip(self.alpha, self.gamma, self.beta, strict=True)
        return tuple(alpha + 0.5 * gamma + beta for alpha, gamma, beta in weights)

    @property
    def long_run_variance(self) -> PerAsset:
        """Variance of log returns over a path without end [1 per bar]."""
        pairs = zip(self.omega, self.persistence, strict=True)
        return tuple(omega / (1.0 - persistence) for omega, persistence in pairs)

    def variance_forecast(self, bar_count: int) -> Floats:
        """Expected variances of the first bars of a path, `[bar, asset]` [1 per bar].

        Raises:
            ConfigError: `bar_count` is not what it must be.
        """
        check_counts(bar_count, 1, 0, 0)
        long_run = np.asarray(self.long_run_variance)
        left = np.power(np.asarray(self.persistence), np.arange(bar_count)[:, np.newaxis])
        return long_run + left * (np.asarray(self.start_variance) - long_run)

    def packed(self) -> Packed:
        """Numbers of all assets, one kind after another; the table makes t shocks."""
        degrees = self.degrees or ()
        kinds = sorted(set(degrees))
        tables = [unit_scale(kind) * mixing_table(kind) for kind in kinds]
        cells = len(tables[0]) if tables else 0
        first = np.array([cells * kinds.index(kind) for kind in degrees] or [0] * self.asset_count)
        numbers = [
            *(self.mean, self.omega, self.alpha, self.gamma, self.beta, self.start_variance),
            *(first, first + cells, loadings(self.correlation).ravel()),
        ]
        return Packed(
            numbers=np.concatenate(numbers, dtype=np.float64),
            table=np.concatenate(tables) if tables else np.zeros((1, 1)),
            normal_count=self.asset_count + (1 if degrees else 0),
            uniform_count=0,
            state_count=self.asset_count + 1,
        )


def _bounded(value: ArrayLike, name: str, count: int | None, least: float, most: float) -> PerAsset:
    numbers = per_asset(value, name, count, least=least)
    if max(numbers) > most:
        raise ConfigError(f"{name} must be at most {most:g}, was {max(numbers):g}")
    return numbers


def _degrees(degrees: ArrayLike | None, count: int) -> PerAsset | None:
    if degrees is None:
        return None
    return tuple(as_degrees(one) for one in per_asset(degrees, "degrees", count))


def _check_weights(model: GARCH) -> None:
    for a in range(model.asset_count):
        if model.alpha[a] + model.gamma[a] < 0.0:
            raise ConfigError(
                f"alpha + gamma must be at least 0, was {model.alpha[a] + model.gamma[a]:g} "
                f"for asset {a}"
            )
        if not model.persistence[a] <= PERSISTENCE_MAX:
            raise ConfigError(
                f"alpha + gamma / 2 + beta must be at most {PERSISTENCE_MAX:.6f}, or shocks never "
                f"fade, was {model.persistence[a]:.6f} for asset {a}"
            )

"""Regime switching: calm and wild times, between which a Markov chain goes to and fro."""

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
    loadings,
    per_asset,
)
from fanfold.simulation.chain import (
    REGIMES_MAX,
    Chain,
    PerRegime,
    as_start,
    as_transitions,
    stationary_shares,
    up_to,
)
from fanfold.simulation.history import Floats, log_history
from fanfold.simulation.model import Packed, PathModel

FIT_REGIME_BARS_MIN = 50
"""Bars of a history for each regime that is looked for [bars]."""


@compiled
def pick_regime(bar: int, numbers: Any, uniform: Any, regime: Any, next_regime: Any) -> None:
    """Move every lane's regime on; row 0 of the probabilities is for bar 0."""
    count = int(numbers[0])
    for lane in range(len(regime)):
        next_regime[lane] = 0.0
    rows = 1 if bar == 0 else count
    for now in range(rows):
        first = 1 + (0 if bar == 0 else 1 + now) * count
        for k in range(count - 1):
            up_to = numbers[first + k]
            for lane in range(len(regime)):
                here = regime[lane] == now
                next_regime[lane] += 1.0 if here & (uniform[lane] >= up_to) else 0.0
    for lane in range(len(regime)):
        regime[lane] = next_regime[lane]


@compiled
def draw_asset(
    a: int, count: int, table: Any, regime: Any, here: Any, normals: Any, move: Any
) -> None:
    """Write one asset's log returns; `here` is scratch."""
    assets = len(normals)
    for lane in range(len(move)):
        move[lane] = 0.0
    for now in range(count):
        row = table[now * assets + a]
        mean = row[0]
        for lane in range(len(move)):
            here[lane] = 1.0 if regime[lane] == now else 0.0
            move[lane] += here[lane] * mean
        for b in range(a + 1):
            load = row[2 + b]
            normal = normals[b]
            for lane in range(len(move)):
                move[lane] += here[lane] * load * normal[lane]


@compiled
def write_variance(a: int, count: int, table: Any, regime: Any, assets: int, variance: Any) -> None:
    """Write the variance that one asset's returns have in each lane's regime."""
    for lane in range(len(variance)):
        variance[lane] = 0.0
    for now in range(count):
        own = table[now * assets + a, 1]
        for lane in range(len(variance)):
            variance[lane] += own if regime[lane] == now else 0.0


@compiled
def advance_regimes(
    bar: int, numbers: Any, table: Any, state: Any, normals: Any, uniforms: Any, moves: Any
) -> None:
    """One bar.

    `numbers` are the number of regimes, then the chances of a regime up to each, at the start
    and after each regime. `table` has a row for each regime and asset: mean, variance, then
    the loads on the normals.
    """
    assets = len(normals)
    count = int(numbers[0])
    regime, scratch = state[0], state[1]
    pick_regime(bar, numbers, uniforms[0], regime, scratch)
    for a in range(assets):
        draw_asset(a, count, table, regime, scratch, normals, moves[a])
    if len(moves) > assets:
        for a in range(assets):
            gap = moves[assets + a]
            for lane in range(len(gap)):
                gap[lane] = 0.0
            write_variance(a, count, table, regime, assets, moves[2 * assets + a])


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class RegimeSwitching(PathModel):
    """Normal log returns whose mean, volatility and correlation go with a regime.

    The regime of a bar depends on that of the bar before alone.

    Attributes:
        mean_log_return: For each regime and asset, `[regime, asset]` [log return per bar];
            with one asset `[regime]` will do.
        volatility: Deviation of log returns, likewise [1 per bar].
        transitions: Probability of the regime of the next bar, `[regime, next regime]`; rows
            add up to 1 [1].
        correlation: Of log returns, `[regime, asset, asset]`, or one matrix or number for all
            regimes; independent unless stated [1].
        start: Probability of each regime in bar 0; the stationary one unless stated, and a
            whole number stands for one regime [1].

    Raises:
        ConfigError: A number is not finite, a volatility below 0, probabilities that do not
            add up to 1, a correlation that nothing can have, or a chain with several
            stationary distributions and no `start`.

    Source: Hamilton (1989), A New Approach to the Economic Analysis of Nonstationary Time
        Series and the Business Cycle, Econometrica 57(2).
    """

    mean_log_return: tuple[PerAsset, ...]
    volatility: tuple[PerAsset, ...]
    transitions: Chain
    correlation: tuple[Matrix, ...]
    start: PerRegime

    advance: ClassVar[Compiled[..., None]] = advance_regimes

    def __init__(
        self,
        *,
        mean_log_return: ArrayLike,
        volatility: ArrayLike,
        transitions: ArrayLike,
        correlation: ArrayLike | None = None,
        start: ArrayLike | None = None,
    ) -> None:
        chain = as_transitions(transitions)
        volatilities = _for_each(volatility, "volatility", len(chain), least=0.0)
        means = _for_each(mean_log_return, "mean_log_return", len(chain))
        assets = max(len(volatilities[0]), len(means[0]))
        matrices = _as_correlations(correlation, len(chain), assets)
        spread = [per_asset(row, "volatility", assets) for row in volatilities]
        object.__setattr__(
            self, "mean_log_return", tuple(per_asset(m, "mean_log_return", assets) for m in means)
        )
        object.__setattr__(self, "volatility", tuple(spread))
        object.__setattr__(self, "transitions", chain)
        object.__setattr__(self, "correlation", matrices)
        object.__setattr__(self, "start", as_start(start, chain))

    @classmethod
    def fit(cls, returns: ArrayLike, *, regime_count: int = 2) -> Self:
        """Fit by maximum likelihood; regimes are in the order of their volatility, calm first.

        `start` is what is known of the bar after the last, so paths go on where the history
        ends; `dataclasses.replace(model, start=None)` begins anywhere.

        Of 5,000 bars in which regimes last 20 to 50 and their volatilities differ threefold,
        volatilities come back to 4 %, the probability of leaving a regime to a quarter of its
        size, means to about their standard error. Regimes that are alike cannot be told apart:
        of returns that know none, what comes back is two that differ by chance. The likelihood
        has many hills; several starts, always the same, are climbed, and the best is kept.

        Args:
            returns: Simple returns, `[bar]` or `[bar, asset]`, oldest first [1 per bar]; at
                least `FIT_REGIME_BARS_MIN` for each regime.
            regime_count: Regimes to look for, 1 to `REGIMES_MAX`.

        Raises:
            ConfigError: `regime_count` is not what it must be.
            DataError: NaN, too few bars, at or below -1, or constant returns.

        Source: Hamilton (1990), Analysis of Time Series Subject to Changes in Regime, Journal
            of Econometrics 45(1-2).
        """
        from fanfold.simulation.regimes_fit import fitted_regimes

        whole = isinstance(regime_count, (int, np.integer)) and not isinstance(regime_count, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
        if not whole or not 1 <= regime_count <= REGIMES_MAX:
            raise ConfigError(
                f"regime_count must be a whole number from 1 to {REGIMES_MAX}, was {regime_count!r}"
            )
        logs = log_history(returns, bars_min=int(regime_count) * FIT_REGIME_BARS_MIN)
        found = fitted_regimes(logs, int(regime_count))
        return cls(
            mean_log_return=found.means,
            volatility=found.deviations,
            transitions=found.transitions,
            correlation=found.correlations,
            start=found.start,
        )

    @property
    def asset_count(self) -> int:
        """Assets that move together."""
        return len(self.volatility[0])

    @property
    def stationary(self) -> PerRegime:
        """Long-run share of each regime [1].

        Raises:
            ConfigError: There are several, as the chain's parts never meet.
        """
        return stationary_shares(self.transitions)

    def packed(self) -> Packed:
        """Cumulative probabilities of regimes; the table has a row for each regime and asset."""
        chances = np.vstack([up_to(row) for row in (self.start, *self.transitions)])
        rows: list[Floats] = []
        for means, deviations, matrix in zip(
            self.mean_log_return, self.volatility, self.correlation, strict=True
        ):
            spread = np.asarray(deviations)[:, np.newaxis]
            mean = np.asarray(means)[:, np.newaxis]
            rows.append(np.hstack([mean, spread * spread, spread * loadings(matrix)]))
        return Packed(
            numbers=np.concatenate([[float(len(self.transitions))], chances.ravel()]),
            table=np.ascontiguousarray(np.vstack(rows)),
            normal_count=self.asset_count,
            uniform_count=1,
            state_count=2,
        )


def _for_each(value: ArrayLike, name: str, count: int, *, least: float = -np.inf) -> list[PerAsset]:
    """One row for each regime; `[regime]` stands for one asset, a number for all regimes."""
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"{name} must be numbers, [regime, asset], was {value!r}") from None
    if numbers.ndim == 0:
        numbers = np.full(count, float(numbers))
    if numbers.ndim not in (1, 2) or len(numbers) != count:
        raise ConfigError(
            f"{name} must be [regime, asset] with {count} regimes, had the shape {numbers.shape}"
        )
    return [per_asset(row, name, least=least) for row in numbers]


def _as_correlations(value: ArrayLike | None, count: int, assets: int) -> tuple[Matrix, ...]:
    try:
        given = None if value is None else np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError("correlation must be a matrix of numbers for each regime") from None
    if given is None or given.shape != (count, assets, assets):
        return (as_correlation(given, assets),) * count
    return tuple(
        as_correlation(matrix, assets, f"correlation of regime {k}")
        for k, matrix in enumerate(given)
    )

"""What the size of a stake makes of the same prices: growth, drawdowns, ruin.

All sizes are followed along the very same paths, so they differ by nothing but themselves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError
from fanfold.measures.kelly import kelly_weights
from fanfold.simulation.assets import PerAsset, per_asset
from fanfold.simulation.distribution import Estimate, around
from fanfold.simulation.holding import Holding
from fanfold.simulation.model import PathModel
from fanfold.simulation.path_risk import GOAL, LEVELS, RUIN, PathRisk, path_risk
from fanfold.simulation.paths import PATHS_MAX, check_counts

if TYPE_CHECKING:
    import pandas as pd

Rule = Literal["kelly", "fixed", "volatility"]

KELLY_FRACTIONS = (0.25, 0.5, 1.0, 1.5, 2.0)
"""Parts of the fastest stake that are followed unless others are asked for [1]."""

FIXED_FRACTIONS = (0.25, 0.5, 1.0)
"""Shares of equity that are followed unless others are asked for [1]."""

SIZES_MAX = 50
"""Sizes of one table: each is a run over all paths."""

KELLY_BARS = 200_000
"""Bars that are drawn to find a model's fastest stake, unless weights are given."""

KELLY_PATH_BARS_MAX = 4_096
"""Bars of a path that it is found on: longer ones would leave few paths."""

CERTAIN_FRACTION = 2.0
"""At twice the fastest stake growth is zero, and any loss comes sooner or later [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedRisk:
    """What one size makes of the paths.

    Attributes:
        rule: "kelly", a part of the fastest weights; "fixed", a share of equity; or
            "volatility", scaled to it at every bar.
        size: The part, the share, or the deviation aimed at [1, 1, 1 per bar].
        weights: Share of equity in each asset; before scaling, where there is any [1].
        growth_mean: Mean log growth, what the fastest stake makes largest; where a bar took
            everything it is far below what any path that went on has [1 per bar].
        growth_median: Log growth of the path in the middle [1 per bar].
        ruin_continuous: Chance of ever falling to `ruin` that continuous time gives a
            part of the fastest stake, see `kelly_ruin`; None for other rules [1].
        risk: All else: terminal value, drawdowns, value at risk, ruin and goal.
    """

    rule: Rule
    size: float
    weights: PerAsset
    growth_mean: Estimate
    growth_median: float
    ruin_continuous: float | None
    risk: PathRisk


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingRisk:
    """Sizes side by side.

    Attributes:
        bar_count: Bars of a path.
        path_count: Paths, the same for all sizes.
        seed: Equal seeds give equal paths.
        kelly: Weights that grow fastest: as given, or found on paths of the model [1].
        kelly_bars: Drawn bars that they were found on; 0 where they were given.
        rows: One a size: Kelly's parts, fixed shares, volatilities.
    """

    bar_count: int
    path_count: int
    seed: int
    kelly: PerAsset
    kelly_bars: int
    rows: tuple[SizedRisk, ...]

    def to_frame(self) -> "pd.DataFrame":
        """One row a size: rule, size, gross weight, growth, ruin and goal, tails by level."""
        import pandas as pd

        return pd.DataFrame([_cells(row) for row in self.rows])


def sizing_risk(
    model: PathModel,
    *,
    bar_count: int,
    path_count: int,
    seed: int = 0,
    fractions: Sequence[float] = KELLY_FRACTIONS,
    kelly: ArrayLike | None = None,
    fixed: Sequence[float] = FIXED_FRACTIONS,
    volatility_targets: Sequence[float] = (),
    weights: ArrayLike | None = None,
    leverage_max: float | None = None,
    levels: Sequence[float] = LEVELS,
    ruin: float = RUIN,
    goal: float = GOAL,
    threads: int | None = None,
) -> SizingRisk:
    """Follow several sizes along the same paths.

    All stakes are restored at every bar, without costs. What the model's money earns in
    cash is nothing.

    Args:
        model: Where prices come from.
        bar_count: Bars of a path.
        path_count: Number of paths.
        seed: Equal seeds give equal results, on any number of threads.
        fractions: Parts of Kelly's weights, above 0 [1].
        kelly: Kelly's weights, such as `measures.kelly_weights` gives for a history. Left
            out, they are found on paths of the model that are not followed.
        fixed: Shares of equity held in `weights` [1].
        volatility_targets: Deviations that `weights` are scaled to at every bar, by what
            they have shown so far [1 per bar].
        weights: What is held where the rule is not Kelly's; equal shares unless stated.
        leverage_max: Most that the weights found add up to, long and short alike, and the
            largest factor of scaling, 1 unless stated [1].
        levels: Of value at risk, shortfall and quantiles.
        ruin: Value at or below which a path counts as ruined [1 at the start].
        goal: Value at or above which it has reached its goal [1 at the start].
        threads: At most so many at one time.

    Raises:
        ConfigError: A number is not what it must be, or there is no size or too many.
        DataError: The model never loses, so nothing bounds Kelly's weights.
    """
    check_counts(bar_count, path_count, seed, 0)
    parts, shares = _sizes(fractions, "fractions"), _sizes(fixed, "fixed")
    targets = _sizes(volatility_targets, "volatility_targets")
    if not 1 <= len(parts) + len(shares) + len(targets) <= SIZES_MAX:
        raise ConfigError(
            f"sizes must be 1 to {SIZES_MAX} in all, were {len(parts) + len(shares) + len(targets)}"
        )
    count = model.asset_count
    held = per_asset(np.full(count, 1.0 / count) if weights is None else weights, "weights", count)
    kelly_bars = 0 if kelly is not None or not parts else KELLY_BARS
    fastest = (
        drawn_kelly(model, bar_count=bar_count, seed=seed, leverage_max=leverage_max)
        if kelly_bars
        else per_asset(np.zeros(count) if kelly is None else kelly, "kelly", count)
    )
    holdings: list[tuple[Rule, float, Holding]] = [
        *(("kelly", size, _scaled(fastest, size)) for size in parts),
        *(("fixed", size, _scaled(held, size)) for size in shares),
        *(("volatility", size, _to_volatility(held, size, leverage_max)) for size in targets),
    ]

    def row(rule: Rule, size: float, holding: Holding) -> SizedRisk:
        risk = path_risk(
            model,
            bar_count=bar_count,
            path_count=path_count,
            seed=seed,
            levels=levels,
            weights=holding,
            ruin=ruin,
            goal=goal,
            threads=threads,
        )
        return _row(rule, size, holding, risk)

    return SizingRisk(
        bar_count=bar_count,
        path_count=path_count,
        seed=seed,
        kelly=fastest,
        kelly_bars=kelly_bars,
        rows=tuple(row(*one) for one in holdings),
    )


def drawn_kelly(
    model: PathModel, *, bar_count: int, seed: int = 0, leverage_max: float | None = None
) -> PerAsset:
    """Weights that grow fastest on `KELLY_BARS` drawn bars of a model, or a few more.

    The paths are the last that a seed has, far from those that are followed. The error of
    a weight is that of a mean: for independent bars about 1 / (deviation · √`KELLY_BARS`),
    which costs growth only by its square.

    Raises:
        DataError: The model never loses, and no `leverage_max` bounds the weights.
    """
    length = min(bar_count, KELLY_PATH_BARS_MAX)
    count = -(-KELLY_BARS // length)
    returns = model.draw(
        bar_count=length, path_count=count, seed=seed, first_path=PATHS_MAX - count
    )
    flat = returns.reshape(-1, model.asset_count)
    return per_asset(kelly_weights(flat, leverage_max=leverage_max), "kelly", model.asset_count)


def kelly_ruin(fraction: float, ruin: float) -> float:
    """Chance of ever falling to a share of the start, at a part of the fastest stake.

    In continuous time, for prices with normal log returns, and for ever: ruin^(2 / f − 1).
    At a bar's closes alone, and within a number of bars, it is less; a stake that moves by
    s a bar finds the bound about 0.58 s deeper.

    Args:
        fraction: Of the fastest stake, above 0 [1].
        ruin: Value that counts as ruin, between 0 and 1 [1 at the start].

    Raises:
        ConfigError: A number is out of bounds.

    Source: Thorp (2006), The Kelly Criterion in Blackjack, Sports Betting and the Stock
        Market, 7; Broadie, Glasserman & Kou (1997), A Continuity Correction for Discrete
        Barrier Options, Mathematical Finance 7(4), for the 0.58.
    """
    if not (math.isfinite(fraction) and fraction > 0.0):
        raise ConfigError(f"fraction must be above 0, was {fraction}")
    if not 0.0 < ruin < 1.0:
        raise ConfigError(f"ruin must be between 0 and 1 of the start, was {ruin}")
    return 1.0 if fraction >= CERTAIN_FRACTION else ruin ** (2.0 / fraction - 1.0)


def _sizes(sizes: Sequence[float], name: str) -> tuple[float, ...]:
    try:
        found = tuple(map(float, sizes))
    except (TypeError, ValueError):
        raise ConfigError(f"{name} must be numbers above 0, were {sizes!r}") from None
    for size in found:
        if not (math.isfinite(size) and size > 0.0):
            raise ConfigError(f"{name} must be above 0, was {size}")
    return found


def _scaled(weights: PerAsset, size: float) -> Holding:
    return Holding(weights=size * np.asarray(weights))


def _to_volatility(weights: PerAsset, target: float, leverage_max: float | None) -> Holding:
    most = 1.0 if leverage_max is None else leverage_max
    return Holding(weights=weights, volatility_target=target, leverage_max=most)


def _row(rule: Rule, size: float, holding: Holding, risk: PathRisk) -> SizedRisk:
    # What lost everything has a logarithm still, but no value that a float can hold.
    logs = risk.log_growth
    mean, bars = logs.mean, risk.bar_count
    return SizedRisk(
        rule=rule,
        size=size,
        weights=holding.weights,
        growth_mean=around(mean.value / bars, mean.standard_error / bars),
        growth_median=logs.quantile(0.5).value / bars,
        ruin_continuous=kelly_ruin(size, risk.ruin) if rule == "kelly" else None,
        risk=risk,
    )


def _cells(row: SizedRisk) -> dict[str, Any]:
    risk, ruined = row.risk, row.risk.probability_of_ruin
    cells: dict[str, Any] = {
        "rule": row.rule,
        "size": row.size,
        "gross_weight": sum(map(abs, row.weights)),
        "growth_mean": row.growth_mean.value,
        "growth_median": row.growth_median,
        "probability_of_ruin": ruined.value,
        "probability_of_ruin_low": ruined.low,
        "probability_of_ruin_high": ruined.high,
        "ruin_continuous": math.nan if row.ruin_continuous is None else row.ruin_continuous,
        "probability_of_goal": risk.probability_of_goal.value,
        "terminal_median": risk.terminal_value.quantile(0.5).value,
        "max_drawdown_median": risk.max_drawdown.quantile(0.5).value,
    }
    for level in risk.levels:
        cells[f"max_drawdown_{level:g}"] = risk.max_drawdown[level].value
        cells[f"value_at_risk_{level:g}"] = risk.value_at_risk[level].value
    return cells

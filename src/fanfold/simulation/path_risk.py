"""The risk of a model's paths, from one pass that keeps none of them."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import ConfigError
from fanfold.simulation.distribution import Distribution, Estimate, share
from fanfold.simulation.follow import DEEPEST, LEVEL, LONGEST, LOWEST, PEAK, UNDER
from fanfold.simulation.history import Floats
from fanfold.simulation.holding import Holding, equal_weights
from fanfold.simulation.model import PathModel
from fanfold.simulation.paths import check_counts, followed
from fanfold.simulation.tally import Tally, no_values

LEVELS = (0.90, 0.95, 0.99)
"""Levels that are reported unless others are asked for [1]."""

LEVELS_MAX = 20

CHUNK_PATHS = 65_536
"""Paths that are followed at one time; what they leave behind is counted, then let go."""

THREADS_MAX = 64

LOG_VALUE_MAX = 300.0
"""Terminal values are held below e to this [log]."""

RUIN = 0.5
"""Value at or below which a path counts as ruined, unless stated [1 at the start]."""

GOAL = 2.0
"""Value at or above which a path has reached its goal, unless stated [1 at the start]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSpec:
    """What is followed on every path.

    Attributes:
        model: Where prices come from.
        holding: What is held.
        bar_count: Bars of a path.
        seed: Of all paths.
        ruin: Value at or below which a path is ruined [1 at the start].
        goal: Value at or above which its goal is reached [1 at the start].
    """

    model: PathModel
    holding: Holding
    bar_count: int
    seed: int
    ruin: float
    goal: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counters:
    """Everything that is remembered of the paths so far: whole numbers only.

    Attributes:
        terminal: Log values at the end.
        depth: Deepest log drawdowns.
        longest: Paths by the longest time from a peak to its recovery, `[bars]`.
        under: Paths by the time under water, `[bars]`.
        ruined: Paths that were ruined at some bar.
        reached: Paths that reached their goal at some bar.
    """

    terminal: Tally
    depth: Tally
    longest: NDArray[np.int64]
    under: NDArray[np.int64]
    ruined: int
    reached: int

    def plus(self, other: Self) -> Self:
        """The paths of both."""
        return type(self)(
            terminal=self.terminal.plus(other.terminal),
            depth=self.depth.plus(other.depth),
            longest=self.longest + other.longest,
            under=self.under + other.under,
            ruined=self.ruined + other.ruined,
            reached=self.reached + other.reached,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRisk:
    """What a portfolio may become, over all paths of a model; a positive risk is a loss.

    Attributes:
        bar_count: Bars of a path.
        path_count: Paths that were followed.
        seed: Equal seeds give equal paths.
        levels: Levels of the figures below.
        terminal_value: What 1 becomes [1].
        log_growth: Its logarithm, which also tells apart what lost nearly everything [log].
        value_at_risk: By level, loss at the end that is exceeded with probability
            1 - level [1].
        expected_shortfall: By level, mean loss of the paths at or beyond it [1].
        max_drawdown: Deepest drawdown of a path; by level its quantile [1].
        drawdown_bars: Longest time of a path from a peak to its recovery, or to its end [bars].
        bars_under_water: Bars of a path below an earlier one [bars].
        ruin: Value at or below which a path is ruined [1 at the start].
        probability_of_ruin: At some bar's close [1].
        goal: Value at or above which its goal is reached [1 at the start].
        probability_of_goal: At some bar's close [1].
    """

    bar_count: int
    path_count: int
    seed: int
    levels: tuple[float, ...]
    terminal_value: Distribution
    log_growth: Distribution
    value_at_risk: dict[float, Estimate]
    expected_shortfall: dict[float, Estimate]
    max_drawdown: Distribution
    drawdown_bars: Distribution
    bars_under_water: Distribution
    ruin: float
    probability_of_ruin: Estimate
    goal: float
    probability_of_goal: Estimate


def path_risk(
    model: PathModel,
    *,
    bar_count: int,
    path_count: int,
    seed: int = 0,
    levels: Sequence[float] = LEVELS,
    weights: ArrayLike | Holding | None = None,
    ruin: float = RUIN,
    goal: float = GOAL,
    threads: int | None = None,
) -> PathRisk:
    """Follow a portfolio along many paths and tell what may become of it.

    No path is kept: memory does not grow with their number. Paths are those that
    `model.draw` would draw with the same seed, and everything is measured at the ends of bars.

    Args:
        model: Where prices come from.
        bar_count: Bars of a path.
        path_count: Number of paths.
        seed: Equal seeds give equal results, on any number of threads.
        levels: Levels of value at risk, shortfall and quantiles, between 0 and 1.
        weights: Share of equity in each asset, restored at every bar, or how it is held;
            equal shares of all equity unless stated.
        ruin: Value at or below which a path counts as ruined, below 1 [1 at the start].
        goal: Value at or above which it has reached its goal, above 1 [1 at the start].
        threads: At most so many at one time; one for each processor unless stated.

    Raises:
        ConfigError: A count, a level or a bound is not what it must be.
    """
    spec = risk_spec(model, bar_count=bar_count, seed=seed, weights=weights, ruin=ruin, goal=goal)
    check_counts(bar_count, path_count, seed, 0)
    checked = as_levels(levels)
    counted = no_paths(bar_count)
    for part in _counted_in_threads(spec, path_count, _thread_count(threads)):
        counted = counted.plus(part)
    return risk_of(spec, counted, checked)


def risk_spec(
    model: PathModel,
    *,
    bar_count: int,
    seed: int = 0,
    weights: ArrayLike | Holding | None = None,
    ruin: float = RUIN,
    goal: float = GOAL,
) -> RiskSpec:
    """Check what is to be followed; arguments are those of `path_risk`.

    Raises:
        ConfigError: One of them is not what it must be.
    """
    if not isinstance(model, PathModel):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"model must be a path model, was {type(model).__name__}")
    holding = equal_weights(model.asset_count) if weights is None else weights
    if not isinstance(holding, Holding):
        holding = Holding(weights=holding)
    if len(holding.weights) != model.asset_count:
        raise ConfigError(
            f"weights must be {model.asset_count}, one for each asset, were {len(holding.weights)}"
        )
    if not (isinstance(ruin, Real) and 0.0 < ruin < 1.0):
        raise ConfigError(f"ruin must be between 0 and 1 of the start, was {ruin!r}")
    if not (isinstance(goal, Real) and 1.0 < goal < float("inf")):
        raise ConfigError(f"goal must be above 1, the start, was {goal!r}")
    return RiskSpec(
        model=model, holding=holding, bar_count=bar_count, seed=seed, ruin=ruin, goal=goal
    )


def as_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Check the levels that are asked for.

    Raises:
        ConfigError: None or too many, or one that is not between 0 and 1.
    """
    try:
        found = tuple(map(float, levels))
    except (TypeError, ValueError):
        raise ConfigError(f"levels must be numbers between 0 and 1, were {levels!r}") from None
    if not 1 <= len(found) <= LEVELS_MAX:
        raise ConfigError(f"levels must be 1 to {LEVELS_MAX}, were {len(found)}")
    for level in found:
        if not 0.0 < level < 1.0:
            raise ConfigError(f"levels must be between 0 and 1, was {level!r}")
    return found


def count_paths(spec: RiskSpec, paths: tuple[int, int]) -> Counters:
    """Follow consecutive paths, from the first to before the last, and count.

    Any cut into such parts gives counters that add up to the same.
    """
    first, stop = paths
    counted = no_paths(spec.bar_count)
    for start in range(first, stop, CHUNK_PATHS):
        counted = counted.plus(_counted(spec, start, min(start + CHUNK_PATHS, stop)))
    return counted


def no_paths(bar_count: int) -> Counters:
    """Counters of no path at all."""
    bars = np.zeros(bar_count + 1, np.int64)
    return Counters(
        terminal=no_values(), depth=no_values(), longest=bars, under=bars, ruined=0, reached=0
    )


def risk_of(spec: RiskSpec, counted: Counters, levels: tuple[float, ...]) -> PathRisk:
    """What the counters tell."""
    total = counted.terminal.count
    terminal = Distribution.of_tally(counted.terminal, _value_of, levels)
    return PathRisk(
        bar_count=spec.bar_count,
        path_count=total,
        seed=spec.seed,
        levels=levels,
        terminal_value=terminal,
        log_growth=Distribution.of_tally(counted.terminal, np.asarray, levels),
        value_at_risk={level: _loss(terminal.quantile(1.0 - level)) for level in levels},
        expected_shortfall={level: _loss(terminal.mean_up_to(1.0 - level)) for level in levels},
        max_drawdown=Distribution.of_tally(counted.depth, _depth_of, levels),
        drawdown_bars=Distribution.of_counts(counted.longest, levels),
        bars_under_water=Distribution.of_counts(counted.under, levels),
        ruin=spec.ruin,
        probability_of_ruin=share(counted.ruined, total),
        goal=spec.goal,
        probability_of_goal=share(counted.reached, total),
    )


def _counted(spec: RiskSpec, first: int, stop: int) -> Counters:
    outcomes = followed(
        spec.model,
        spec.holding.packed(),
        bar_count=spec.bar_count,
        first_path=first,
        path_count=stop - first,
        seed=spec.seed,
    )
    bars = spec.bar_count + 1
    return Counters(
        terminal=Tally.of(outcomes[LEVEL]),
        depth=Tally.of(outcomes[DEEPEST]),
        longest=np.bincount(outcomes[LONGEST].astype(np.int64), minlength=bars),
        under=np.bincount(outcomes[UNDER].astype(np.int64), minlength=bars),
        ruined=int(np.count_nonzero(outcomes[LOWEST] <= np.log(spec.ruin))),
        reached=int(np.count_nonzero(outcomes[PEAK] >= np.log(spec.goal))),
    )


def _counted_in_threads(spec: RiskSpec, path_count: int, threads: int) -> Iterator[Counters]:
    # Each thread adds up its own share, so little is kept whatever the number of paths.
    share_each = -(-path_count // threads)
    shares = [
        (start, min(start + share_each, path_count)) for start in range(0, path_count, share_each)
    ]
    if len(shares) == 1:
        yield count_paths(spec, shares[0])
        return
    with ThreadPoolExecutor(len(shares)) as pool:
        yield from pool.map(partial(count_paths, spec), shares)


def _thread_count(threads: int | None) -> int:
    if threads is None:
        return min(len(os.sched_getaffinity(0)), THREADS_MAX)
    if not isinstance(threads, int) or not 1 <= threads <= THREADS_MAX:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"threads must be from 1 to {THREADS_MAX}, was {threads!r}")
    return threads


def _value_of(log_value: Floats) -> Floats:
    # Beyond, squares have no number, and nobody has so much.
    return np.exp(np.minimum(log_value, LOG_VALUE_MAX))


def _depth_of(log_depth: Floats) -> Floats:
    return -np.expm1(-log_depth)


def _loss(value: Estimate) -> Estimate:
    return Estimate(
        value=1.0 - value.value,
        standard_error=value.standard_error,
        intervals={sure: (1.0 - high, 1.0 - low) for sure, (low, high) in value.intervals.items()},
    )

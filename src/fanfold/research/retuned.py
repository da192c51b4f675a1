"""A strategy's search, as one function of prices: the same trials, the same choice.

What a search found is only as good as what it would have found in prices without anything
to find. So it is repeated on every simulated path, with one list of trials for all of them
and for the real prices: the choice is then a function of the prices alone, and the real
result stands among its equals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.engine.metrics import METRICS, SMALLER_IS_BETTER
from fanfold.errors import ConfigError
from fanfold.research.made import FAILED, INFEASIBLE, Made, make_all
from fanfold.research.plan import Params
from fanfold.research.space import Space, random_params
from fanfold.strategies.strategy import Strategy

TRIALS_MAX = 10_000
"""Trials of one path."""

DRAWS_PER_TRIAL_MAX = 64
"""Combinations that are drawn at most for each trial that is wanted."""

TRIAL_STREAM = 2
"""Number of the stream that trials are drawn from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retune:
    """How a strategy is searched on every path, and on the real prices.

    Attributes:
        trial_count: Distinct combinations that can be run, drawn from the space uniformly;
            fewer where it does not hold so many.
        objective: Metric by which one of them is chosen.
        space: Parameters that are searched; the others stay as they are. All of the
            strategy's, within their own bounds, if it is left out.

    Raises:
        ConfigError: A count or a metric is not what it must be.
    """

    trial_count: int = 64
    objective: str = "sharpe"
    space: Space = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be searched."""
        if type(self.trial_count) is not int or not 1 <= self.trial_count <= TRIALS_MAX:
            raise ConfigError(f"trials must be 1 to {TRIALS_MAX:,}, was {self.trial_count!r}")
        if self.objective not in METRICS:
            raise ConfigError(
                f"objective must be one of {', '.join(METRICS)}, was {self.objective!r}"
            )


def drawn_trials(
    strategy: type[Strategy], space: Space, fixed: Params, *, trial_count: int, seed: int
) -> list[tuple[Params, Made]]:
    """Distinct combinations that can be run, drawn uniformly.

    More of them begin with the fewer ones.

    Raises:
        ConfigError: None was found that can be run.
    """
    found: dict[str, tuple[Params, Made]] = {}
    reason = ""
    for start in range(0, DRAWS_PER_TRIAL_MAX * trial_count, trial_count):
        draws = [_drawn(space, seed, draw) for draw in range(start, start + trial_count)]
        for params, made in zip(draws, make_all(strategy, fixed, draws), strict=True):
            if made.strategy is None:
                reason = reason or made.reason
            elif len(found) < trial_count:
                found.setdefault(repr(params), (params, made))
        if len(found) == trial_count:
            break
    if not found:
        raise ConfigError(
            f"the search space of {strategy.__name__} must hold a combination that can be run, "
            f"{reason}"
        )
    return list(found.values())


def _drawn(space: Space, seed: int, draw: int) -> Params:
    return random_params(space, np.random.default_rng([seed, TRIAL_STREAM, draw]))


def chosen_trial(
    metrics: Mapping[str, NDArray[Any]], statuses: NDArray[Any], objective: str
) -> int | None:
    """The best trial that ended well, of equals the first; else the first that ran at all.

    Args:
        metrics: Of each trial, shape [trial].
        statuses: How each ended, shape [trial].
        objective: Metric that is made large, or small where that is better.

    Returns:
        Its number; None where all failed.
    """
    sign = -1.0 if objective in SMALLER_IS_BETTER else 1.0
    values = np.asarray(metrics[objective], np.float64) * sign
    good = (statuses == "ok") & np.isfinite(values)
    if good.any():
        return int(np.argmax(np.where(good, values, -np.inf)))
    ran = np.flatnonzero(~np.isin(statuses, (FAILED, INFEASIBLE)))
    return int(ran[0]) if len(ran) else None

"""What may come, how losses are forecast, and what is to be lived through."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from fanfold.measures.rolling_risk import RollingValueAtRiskMethod
from fanfold.research.retuned import TRIALS_MAX
from fanfold.research.shocks import (
    CorrelationToOne,
    Gap,
    LiquidityGone,
    Shock,
    SpreadTimes,
    VolatilityTimes,
)
from fanfold.research.simulated import PATHS_MAX as HISTORIES_MAX
from fanfold.settings.sections import Section
from fanfold.simulation.models import BarsName, ModelName
from fanfold.simulation.path_risk import GOAL, LEVELS, LEVELS_MAX, RUIN
from fanfold.simulation.paths import BARS_MAX, PATHS_MAX

Level = Annotated[float, Field(gt=0.0, lt=1.0)]
"""A level of confidence."""

Fraction = Annotated[float, Field(gt=0.0)]
"""A part of the stake that grows fastest [1]."""

Length = Annotated[int, Field(ge=1)]
"""Bars of a stretch."""


class MonteCarloSettings(Section):
    """What a strategy may come to: on paths of its own returns, and on prices that never were.

    `models` are fitted to the returns of its sessions, or (`of: holding`) to those of all
    assets, held in equal shares. `paths` of `bars` sessions each are followed: losses at
    `levels`, `ruin` and `goal` as shares of the start, and the same at `fractions` of the
    stake that grows fastest.

    The strategy is run on `histories` made by `prices`: "blocks" of whole bars, or a model of
    all assets. With `retune` that many combinations of `space` (as in a search; the strategy's
    own bounds unless stated) are tried on each of them, and on the real bars, and the best by
    the job's objective counts. Without, what its parameters owe to selection is ignored, and
    said to be.
    """

    of: Literal["strategy", "holding"] = "strategy"
    models: list[ModelName] = Field(
        default_factory=lambda: ["bootstrap", "gbm", "student", "garch"], min_length=1
    )
    paths: int = Field(default=100_000, ge=1, le=PATHS_MAX)
    bars: int = Field(default=252, ge=1, le=BARS_MAX)
    levels: list[Level] = Field(
        default_factory=lambda: list(LEVELS), min_length=1, max_length=LEVELS_MAX
    )
    ruin: float = Field(default=RUIN, gt=0.0, lt=1.0)
    goal: float = Field(default=GOAL, gt=1.0)
    fractions: list[Fraction] = Field(default_factory=lambda: [0.25, 0.5, 1.0, 1.5, 2.0])
    histories: int = Field(default=500, ge=0, le=HISTORIES_MAX)
    prices: BarsName = "blocks"
    retune: int = Field(default=0, ge=0, le=TRIALS_MAX)
    space: dict[str, Any] = Field(default_factory=dict[str, Any])


class ValueAtRiskSettings(Section):
    """How forecasts of the loss of one session are tested: by past sessions, one ahead."""

    window: int = Field(default=250, ge=30)
    levels: list[Level] = Field(default_factory=lambda: [0.95, 0.99], min_length=1)
    methods: list[RollingValueAtRiskMethod] = Field(
        default_factory=lambda: list(get_args(RollingValueAtRiskMethod)), min_length=1
    )


class StressSettings(Section):
    """Which crises and shocks.

    `windows` are historical ones by name, all that the data holds unless stated; `worst` adds
    the stretches of so many bars in which the assets lost most; `shocks` are stated. Beside
    the strategy `positions` are held through them, units by symbol; without, those that the
    strategy ends with.
    """

    windows: list[str] | None = None
    worst: list[Length] = Field(default_factory=lambda: [1, 5, 21, 63])
    shocks: list[Shock] = Field(
        default_factory=lambda: [
            Gap(-0.2),
            VolatilityTimes(2.0),
            CorrelationToOne(),
            LiquidityGone(5),
            SpreadTimes(5.0),
        ]
    )
    positions: dict[str, float] = Field(default_factory=dict[str, float])

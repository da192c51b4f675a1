"""One job, as a tree of settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self, cast

from pydantic import Field, model_validator

from fanfold.engine.options import FillOptions
from fanfold.execution.costs import Costs
from fanfold.risk.limits import Limits
from fanfold.settings.ingest import IngestSettings
from fanfold.settings.risk import MonteCarloSettings, StressSettings, ValueAtRiskSettings
from fanfold.settings.searching import (
    CrossValidationSettings,
    SearchSettings,
    WalkForwardSettings,
)
from fanfold.settings.sections import (
    AccountSettings,
    DataSettings,
    ReportSettings,
    RunSettings,
    Section,
    StrategySettings,
    TrackSettings,
)
from fanfold.strategies.sizing import Exposure, Sizing

MANY = ("demo", "study")
"""Jobs that run several strategies."""

INGEST = "ingest"
"""The job that runs none."""


class Settings(Section):
    """One job.

    Attributes:
        job: What to do; a study tunes, walks forward and cross-validates.
        strategy: What to run; a demo or a study runs `strategies`, an ingest none.
        objective: Metric that ranks combinations; larger is better.
        top: Best combinations that are kept as runs of their own.
        folder: Where tables and reports go.
    """

    job: Literal[
        "backtest",
        "sweep",
        "demo",
        "tune",
        "walk_forward",
        "cross_validate",
        "study",
        "monte_carlo",
        "stress",
        "ingest",
    ]
    data: DataSettings = DataSettings()
    strategy: StrategySettings | None = None
    strategies: list[StrategySettings] = Field(default_factory=list[StrategySettings])
    account: AccountSettings = AccountSettings()
    costs: Costs = Costs()
    limits: Limits = Limits()
    sizing: Sizing = Exposure()
    options: FillOptions = FillOptions()
    search: SearchSettings = SearchSettings()
    walk_forward: WalkForwardSettings = WalkForwardSettings()
    cross_validation: CrossValidationSettings = CrossValidationSettings()
    monte_carlo: MonteCarloSettings = MonteCarloSettings()
    value_at_risk: ValueAtRiskSettings = ValueAtRiskSettings()
    stress: StressSettings = StressSettings()
    ingest: IngestSettings = IngestSettings()
    run: RunSettings = RunSettings()
    track: TrackSettings = TrackSettings()
    report: ReportSettings = ReportSettings()
    objective: str = "sharpe"
    top: int = Field(default=10, ge=1, le=100)
    folder: Path = Path("runs")

    @model_validator(mode="after")
    def _has_what_it_runs(self) -> Self:
        if self.job == INGEST:
            if self.strategy is not None or self.strategies:
                raise ValueError("an ingest needs no `strategy` and no `strategies`")
        elif self.job in MANY:
            if not self.strategies or self.strategy is not None:
                raise ValueError(f"a {self.job} needs `strategies`, a list, and no `strategy`")
        elif self.strategy is None or self.strategies:
            raise ValueError(f"a {self.job} needs `strategy`, and no `strategies`")
        return self

    @property
    def all_strategies(self) -> Sequence[StrategySettings]:
        """What the job runs, one or more."""
        return self.strategies or [cast("StrategySettings", self.strategy)]

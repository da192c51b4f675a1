"""What a strategy version must have shown before it may trade real money."""

from typing import Any, Final, Literal

from pydantic import Field

from fanfold.research.search import Sampler
from fanfold.research.study import TRIALS_MAX
from fanfold.settings.searching import GapSetting
from fanfold.settings.sections import DataSettings, Section

PATHS_MAX: Final = 10_000_000
"""Most paths of a gate."""


class LookaheadGateSettings(Section):
    """Random bars at which the future is changed; not one decision may depend on it."""

    cuts: int = Field(default=24, ge=1, le=10_000)


class WalkForwardGateSettings(Section):
    """Windows of the walk-forward [bars], what is searched, and what it must come to.

    `space` states values of parameters as a search's strategy does; the others have the
    strategy's own bounds, and parameters without bounds keep the version's value. Figures
    are out of sample: Sharpe ratio [1 per √year], whole return [1], and how many bars were
    tested.
    """

    train: int = Field(default=504, ge=2)
    test: int = Field(default=126, ge=2)
    anchored: bool = False
    purge: GapSetting = 5
    embargo: GapSetting = 0
    trials: int = Field(default=50, ge=1, le=TRIALS_MAX)
    sampler: Sampler = "tpe"
    objective: str = "sharpe"
    space: dict[str, Any] = Field(default_factory=dict[str, Any])
    sharpe_min: float = 0.5
    return_min: float = 0.0
    bars_min: int = Field(default=250, ge=30)


class OverfittingGateSettings(Section):
    """What luck may explain: deflated Sharpe ratio, PBO, and the p-value of Hansen's SPA."""

    deflated_sharpe_min: float = Field(default=0.95, ge=0.0, le=1.0)
    overfitting_max: float = Field(default=0.5, ge=0.0, le=1.0)
    superiority_max: float = Field(default=0.05, ge=0.0, le=1.0)


class MonteCarloGateSettings(Section):
    """Paths of the out-of-sample returns, so many sessions ahead, and stated shocks.

    At `level` the deepest drawdown of a path must be within `drawdown_max`, and the mean
    loss at the end of the paths beyond it within `shortfall_max`; the strategy run again
    under the usual shocks may not lose more than `shock_drawdown_max` from a peak.
    """

    paths: int = Field(default=20_000, ge=100, le=PATHS_MAX)
    sessions: int = Field(default=252, ge=1, le=100_000)
    level: float = Field(default=0.95, gt=0.0, lt=1.0)
    drawdown_max: float = Field(default=0.35, gt=0.0, le=1.0)
    shortfall_max: float = Field(default=0.30, gt=0.0, le=1.0)
    shock_drawdown_max: float = Field(default=0.60, gt=0.0, le=1.0)


class PaperGateSettings(Section):
    """Rehearsals at the brokers `at`, of the same code, parameters and costs.

    Every one must decide again what it decided, bit for bit, and be halted by nothing.
    """

    at: list[Literal["local", "paper"]] = Field(
        default_factory=lambda: ["local", "paper"], min_length=1
    )
    sessions_min: int = Field(default=5, ge=1)
    fills_min: int = Field(default=20, ge=1)


class ExpectationSettings(Section):
    """The band that live equity is expected to stay in, from out-of-sample returns.

    At `level` a whole path stays in it for `bars` bars (by default about a quarter of days, or
    ten sessions of shorter bars), then it begins anew. With `demote` a version that leaves it
    may only lessen its positions until somebody lets it go on.
    """

    level: float = Field(default=0.95, gt=0.5, lt=1.0)
    bars: int | None = Field(default=None, ge=1, le=100_000)
    demote: bool = True


class GatesSettings(Section):
    """All gates of a version.

    Attributes:
        data: Bars that a version is tested on, of the length that it trades on. By default
            those of the warm-up, where that is the sample or a store, or before the replay of
            a local venue.
        lookahead, walk_forward, overfitting, monte_carlo, paper: Of each gate.
        expectation: What live equity is compared with.
        seed: Of everything that is drawn.
        workers: Processors: 0 is this process, None chooses.
    """

    data: DataSettings | None = None
    lookahead: LookaheadGateSettings = LookaheadGateSettings()
    walk_forward: WalkForwardGateSettings = WalkForwardGateSettings()
    overfitting: OverfittingGateSettings = OverfittingGateSettings()
    monte_carlo: MonteCarloGateSettings = MonteCarloGateSettings()
    paper: PaperGateSettings = PaperGateSettings()
    expectation: ExpectationSettings = ExpectationSettings()
    seed: int = Field(default=0, ge=0)
    workers: int | None = Field(default=None, ge=0)

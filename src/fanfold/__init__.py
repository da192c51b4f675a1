"""fanfold: backtests by the thousand, and the same code on live markets.

Names are loaded on first use, so importing fanfold costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fanfold import measures
    from fanfold.domain.bars import Bars
    from fanfold.engine.backtest import backtest
    from fanfold.engine.options import FillOptions
    from fanfold.engine.result import Result
    from fanfold.execution.costs import Costs
    from fanfold.market.load import load_bars
    from fanfold.market.replay import replay
    from fanfold.market.resample import resample
    from fanfold.research.sizing_risk import sizing_risk
    from fanfold.research.stress import stress_positions
    from fanfold.risk.limits import Limits
    from fanfold.simulation.bootstrap import BlockBootstrap
    from fanfold.simulation.garch import GARCH
    from fanfold.simulation.gbm import GBM
    from fanfold.simulation.heston import Heston
    from fanfold.simulation.holding import Holding
    from fanfold.simulation.merton import MertonJump
    from fanfold.simulation.path_risk import path_risk
    from fanfold.simulation.regimes import RegimeSwitching
    from fanfold.simulation.student import StudentT
    from fanfold.simulation.whole_bars import WholeBars
    from fanfold.strategies.sizing import (
        Exposure,
        FixedNotional,
        FixedUnits,
        Kelly,
        RiskFraction,
        VolatilityTarget,
    )
    from fanfold.strategies.strategy import Strategy
    from fanfold.workflows.cross_validate import cross_validate
    from fanfold.workflows.histories import monte_carlo
    from fanfold.workflows.share import report
    from fanfold.workflows.stress import stress
    from fanfold.workflows.sweep import sweep
    from fanfold.workflows.tune import tune
    from fanfold.workflows.walk_forward import walk_forward

__version__ = "0.1.0"

_HOMES = {
    "Bars": "fanfold.domain.bars",
    "BlockBootstrap": "fanfold.simulation.bootstrap",
    "Costs": "fanfold.execution.costs",
    "Exposure": "fanfold.strategies.sizing",
    "FillOptions": "fanfold.engine.options",
    "FixedNotional": "fanfold.strategies.sizing",
    "FixedUnits": "fanfold.strategies.sizing",
    "GARCH": "fanfold.simulation.garch",
    "GBM": "fanfold.simulation.gbm",
    "Heston": "fanfold.simulation.heston",
    "Holding": "fanfold.simulation.holding",
    "Kelly": "fanfold.strategies.sizing",
    "Limits": "fanfold.risk.limits",
    "MertonJump": "fanfold.simulation.merton",
    "RegimeSwitching": "fanfold.simulation.regimes",
    "Result": "fanfold.engine.result",
    "RiskFraction": "fanfold.strategies.sizing",
    "Strategy": "fanfold.strategies.strategy",
    "StudentT": "fanfold.simulation.student",
    "VolatilityTarget": "fanfold.strategies.sizing",
    "WholeBars": "fanfold.simulation.whole_bars",
    "backtest": "fanfold.engine.backtest",
    "cross_validate": "fanfold.workflows.cross_validate",
    "load_bars": "fanfold.market.load",
    "monte_carlo": "fanfold.workflows.histories",
    "path_risk": "fanfold.simulation.path_risk",
    "replay": "fanfold.market.replay",
    "report": "fanfold.workflows.share",
    "resample": "fanfold.market.resample",
    "sizing_risk": "fanfold.research.sizing_risk",
    "stress": "fanfold.workflows.stress",
    "stress_positions": "fanfold.research.stress",
    "sweep": "fanfold.workflows.sweep",
    "tune": "fanfold.workflows.tune",
    "walk_forward": "fanfold.workflows.walk_forward",
}
"""Where each public name lives."""

__all__ = [
    "GARCH",
    "GBM",
    "Bars",
    "BlockBootstrap",
    "Costs",
    "Exposure",
    "FillOptions",
    "FixedNotional",
    "FixedUnits",
    "Heston",
    "Holding",
    "Kelly",
    "Limits",
    "MertonJump",
    "RegimeSwitching",
    "Result",
    "RiskFraction",
    "Strategy",
    "StudentT",
    "VolatilityTarget",
    "WholeBars",
    "__version__",
    "backtest",
    "cross_validate",
    "load_bars",
    "measures",
    "monte_carlo",
    "path_risk",
    "replay",
    "report",
    "resample",
    "sizing_risk",
    "stress",
    "stress_positions",
    "sweep",
    "tune",
    "walk_forward",
]


def __getattr__(name: str) -> Any:
    if name == "measures":
        return import_module("fanfold.measures")
    if name not in _HOMES:
        raise AttributeError(f"module 'fanfold' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

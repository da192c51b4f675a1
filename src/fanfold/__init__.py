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
    from fanfold.risk.limits import Limits
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
    from fanfold.workflows.share import report
    from fanfold.workflows.sweep import sweep
    from fanfold.workflows.tune import tune
    from fanfold.workflows.walk_forward import walk_forward

__version__ = "0.1.0"

_HOMES = {
    "Bars": "fanfold.domain.bars",
    "Costs": "fanfold.execution.costs",
    "Exposure": "fanfold.strategies.sizing",
    "FillOptions": "fanfold.engine.options",
    "FixedNotional": "fanfold.strategies.sizing",
    "FixedUnits": "fanfold.strategies.sizing",
    "Kelly": "fanfold.strategies.sizing",
    "Limits": "fanfold.risk.limits",
    "Result": "fanfold.engine.result",
    "RiskFraction": "fanfold.strategies.sizing",
    "Strategy": "fanfold.strategies.strategy",
    "VolatilityTarget": "fanfold.strategies.sizing",
    "backtest": "fanfold.engine.backtest",
    "cross_validate": "fanfold.workflows.cross_validate",
    "load_bars": "fanfold.market.load",
    "report": "fanfold.workflows.share",
    "sweep": "fanfold.workflows.sweep",
    "tune": "fanfold.workflows.tune",
    "walk_forward": "fanfold.workflows.walk_forward",
}
"""Where each public name lives."""

__all__ = [
    "Bars",
    "Costs",
    "Exposure",
    "FillOptions",
    "FixedNotional",
    "FixedUnits",
    "Kelly",
    "Limits",
    "Result",
    "RiskFraction",
    "Strategy",
    "VolatilityTarget",
    "__version__",
    "backtest",
    "cross_validate",
    "load_bars",
    "measures",
    "report",
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

"""Prices that could have been: path models, whole bars of them, and the risk of their paths."""

from fanfold.simulation.bars import BarSource, ModelBars, simulated_bars
from fanfold.simulation.bootstrap import BlockBootstrap
from fanfold.simulation.distribution import Distribution, Estimate
from fanfold.simulation.garch import GARCH
from fanfold.simulation.gbm import GBM
from fanfold.simulation.heston import Heston
from fanfold.simulation.holding import Holding
from fanfold.simulation.merton import MertonJump
from fanfold.simulation.model import PathModel
from fanfold.simulation.models import MODELS, ModelName, fit_model
from fanfold.simulation.path_risk import PathRisk
from fanfold.simulation.regimes import RegimeSwitching
from fanfold.simulation.student import StudentT
from fanfold.simulation.whole_bars import WholeBars

__all__ = [
    "GARCH",
    "GBM",
    "MODELS",
    "BarSource",
    "BlockBootstrap",
    "Distribution",
    "Estimate",
    "Heston",
    "Holding",
    "MertonJump",
    "ModelBars",
    "ModelName",
    "PathModel",
    "PathRisk",
    "RegimeSwitching",
    "StudentT",
    "WholeBars",
    "fit_model",
    "simulated_bars",
]

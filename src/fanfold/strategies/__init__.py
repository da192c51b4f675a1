"""What to hold: strategies, their indicators and the sizing of their targets."""

from fanfold.domain.decision import decision
from fanfold.strategies.indicators import (
    ATR,
    EMA,
    ROC,
    RSI,
    SMA,
    Bollinger,
    Indicator,
    RealisedVolatility,
)
from fanfold.strategies.momentum_rotation import MomentumRotation
from fanfold.strategies.moving_average_cross import SmaCross
from fanfold.strategies.rsi_reversion import RsiReversion
from fanfold.strategies.sizing import Exposure, FixedUnits, Sizing
from fanfold.strategies.strategy import Strategy
from fanfold.strategies.turn_of_month import TurnOfMonth

__all__ = [
    "ATR",
    "EMA",
    "ROC",
    "RSI",
    "SMA",
    "Bollinger",
    "Exposure",
    "FixedUnits",
    "Indicator",
    "MomentumRotation",
    "RealisedVolatility",
    "RsiReversion",
    "Sizing",
    "SmaCross",
    "Strategy",
    "TurnOfMonth",
    "decision",
]

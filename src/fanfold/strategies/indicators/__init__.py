"""Indicators: one compiled streaming update each."""

from fanfold.strategies.indicators.averages import EMA, SMA, WMA
from fanfold.strategies.indicators.channels import Donchian, Keltner
from fanfold.strategies.indicators.column import Column
from fanfold.strategies.indicators.context import BarContext, Context, context_of
from fanfold.strategies.indicators.indicator import batch, batch_all
from fanfold.strategies.indicators.momentum import ROC, RSI, Stochastic
from fanfold.strategies.indicators.relative import RatioZScore, RollingBeta, ZScore
from fanfold.strategies.indicators.shape import Indicator
from fanfold.strategies.indicators.stream import Stream, stream
from fanfold.strategies.indicators.timeframe import On, warm_up_on
from fanfold.strategies.indicators.trend import ADX, MACD
from fanfold.strategies.indicators.volatility import ATR, Bollinger, RealisedVolatility
from fanfold.strategies.indicators.volume import OBV, VWAP, SessionVWAP

__all__ = [
    "ADX",
    "ATR",
    "EMA",
    "MACD",
    "OBV",
    "ROC",
    "RSI",
    "SMA",
    "VWAP",
    "WMA",
    "BarContext",
    "Bollinger",
    "Column",
    "Context",
    "Donchian",
    "Indicator",
    "Keltner",
    "On",
    "RatioZScore",
    "RealisedVolatility",
    "RollingBeta",
    "SessionVWAP",
    "Stochastic",
    "Stream",
    "ZScore",
    "batch",
    "batch_all",
    "context_of",
    "stream",
    "warm_up_on",
]

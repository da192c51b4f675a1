"""Indicators: one compiled streaming update each."""

from fanfold.strategies.indicators.averages import EMA, SMA
from fanfold.strategies.indicators.indicator import Indicator, batch, batch_all
from fanfold.strategies.indicators.momentum import ROC, RSI
from fanfold.strategies.indicators.stream import Stream, stream
from fanfold.strategies.indicators.volatility import ATR, Bollinger, RealisedVolatility

__all__ = [
    "ATR",
    "EMA",
    "ROC",
    "RSI",
    "SMA",
    "Bollinger",
    "Indicator",
    "RealisedVolatility",
    "Stream",
    "batch",
    "batch_all",
    "stream",
]

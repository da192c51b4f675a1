"""What to hold: strategies, their indicators and the sizing of their targets."""

from fanfold.domain.decision import decision
from fanfold.strategies.adx_trend import AdxTrend
from fanfold.strategies.bollinger_reversion import BollingerReversion
from fanfold.strategies.buy_and_hold import BuyAndHold
from fanfold.strategies.cross_sectional_reversal import CrossSectionalReversal
from fanfold.strategies.donchian_breakout import DonchianBreakout
from fanfold.strategies.gradient_boosting import GradientBoosting
from fanfold.strategies.indicators import (
    ADX,
    ATR,
    EMA,
    MACD,
    OBV,
    ROC,
    RSI,
    SMA,
    VWAP,
    WMA,
    BarContext,
    Bollinger,
    Column,
    Context,
    Donchian,
    Indicator,
    Keltner,
    On,
    RatioZScore,
    RealisedVolatility,
    RollingBeta,
    SessionVWAP,
    Stochastic,
    Stream,
    ZScore,
    batch,
    batch_all,
    context_of,
    stream,
    warm_up_on,
)
from fanfold.strategies.keltner_trend import KeltnerTrend
from fanfold.strategies.learning import LearningStrategy
from fanfold.strategies.macd_trend import MacdTrend
from fanfold.strategies.momentum_rotation import MomentumRotation
from fanfold.strategies.moving_average_cross import SmaCross
from fanfold.strategies.pairs_trading import PairsTrading
from fanfold.strategies.rows import forward_return
from fanfold.strategies.rsi_bracket import RsiBracket
from fanfold.strategies.rsi_reversion import RsiReversion
from fanfold.strategies.sizing import (
    Exposure,
    FixedNotional,
    FixedUnits,
    Kelly,
    RiskFraction,
    Sizing,
    VolatilityTarget,
)
from fanfold.strategies.strategy import Strategy
from fanfold.strategies.turn_of_month import TurnOfMonth
from fanfold.strategies.volatility_target_trend import VolatilityTargetTrend

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
    "AdxTrend",
    "BarContext",
    "Bollinger",
    "BollingerReversion",
    "BuyAndHold",
    "Column",
    "Context",
    "CrossSectionalReversal",
    "Donchian",
    "DonchianBreakout",
    "Exposure",
    "FixedNotional",
    "FixedUnits",
    "GradientBoosting",
    "Indicator",
    "Kelly",
    "Keltner",
    "KeltnerTrend",
    "LearningStrategy",
    "MacdTrend",
    "MomentumRotation",
    "On",
    "PairsTrading",
    "RatioZScore",
    "RealisedVolatility",
    "RiskFraction",
    "RollingBeta",
    "RsiBracket",
    "RsiReversion",
    "SessionVWAP",
    "Sizing",
    "SmaCross",
    "Stochastic",
    "Strategy",
    "Stream",
    "TurnOfMonth",
    "VolatilityTarget",
    "VolatilityTargetTrend",
    "ZScore",
    "batch",
    "batch_all",
    "context_of",
    "decision",
    "forward_return",
    "stream",
    "warm_up_on",
]

"""How many units a target means."""

from fanfold.strategies.sizing.lots import (
    EXPOSURE,
    FIXED_NOTIONAL,
    FIXED_UNITS,
    KELLY,
    LOTS_MAX,
    RISK_FRACTION,
    VOLATILITY_TARGET,
    WHOLE_LOT_TOLERANCE,
    sized_lots,
    sized_lots_at,
)
from fanfold.strategies.sizing.rules import (
    Exposure,
    FixedNotional,
    FixedUnits,
    Kelly,
    RiskFraction,
    Sizing,
    VolatilityTarget,
)
from fanfold.strategies.sizing.scale import scale_indicator, scale_of, warm_up

__all__ = [
    "EXPOSURE",
    "FIXED_NOTIONAL",
    "FIXED_UNITS",
    "KELLY",
    "LOTS_MAX",
    "RISK_FRACTION",
    "VOLATILITY_TARGET",
    "WHOLE_LOT_TOLERANCE",
    "Exposure",
    "FixedNotional",
    "FixedUnits",
    "Kelly",
    "RiskFraction",
    "Sizing",
    "VolatilityTarget",
    "scale_indicator",
    "scale_of",
    "sized_lots",
    "sized_lots_at",
    "warm_up",
]

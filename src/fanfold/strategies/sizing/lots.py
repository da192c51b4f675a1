"""From a target to a quantity, by the rule of a sizing."""

import math
from typing import Final

from fanfold.domain.compiled import compiled

EXPOSURE: Final = 0
FIXED_UNITS: Final = 1
FIXED_NOTIONAL: Final = 2
RISK_FRACTION: Final = 3
KELLY: Final = 4
VOLATILITY_TARGET: Final = 5

WHOLE_LOT_TOLERANCE = 1e-9
"""A count of lots this close below a whole number is that number: 99.9999999996 is 100."""

LOTS_MAX = 4_000_000_000_000_000_000
"""Largest count of lots that an integer is sure to hold; no such position is ever approved."""


@compiled
def sized_lots(
    kind: int, value: float, target: float, equity: float, price: float, parts: int
) -> int:
    """Signed lots that a target means, for rules that need neither stop nor scale.

    The arguments are those of `sized_lots_at`; the other rules give no lots here.
    """
    return sized_lots_at(kind, value, target, equity, price, parts, math.nan, math.nan)


@compiled
def sized_lots_at(
    kind: int,
    value: float,
    target: float,
    equity: float,
    price: float,
    parts: int,
    distance: float,
    scale: float,
) -> int:
    """Signed lots that a target means, rounded towards zero.

    Args:
        kind: Number of the rule, such as `EXPOSURE`.
        value: The rule's parameter.
        target: What the decision wrote, finite.
        equity: Equity to share out [currency].
        price: What one unit costs [currency], positive.
        parts: Lots in one unit.
        distance: From the price to the protective stop [currency]; NaN without one.
            `RISK_FRACTION` gives no lots unless it is positive.
        scale: The asset's latest of `scale_of` [1]; NaN while it is not known, when the
            rules that use it give no lots.
    """
    if target == 0.0:
        return 0
    if kind == EXPOSURE:
        lots = abs(target) * max(equity, 0.0) / price * parts
    elif kind == FIXED_UNITS:
        lots = value * parts
    else:
        lots = _measured_units(kind, value, target, equity, price, distance, scale) * parts
    whole = math.floor(min(lots + WHOLE_LOT_TOLERANCE, float(LOTS_MAX)))
    return whole if target > 0.0 else -whole


@compiled
def _measured_units(
    kind: int,
    value: float,
    target: float,
    equity: float,
    price: float,
    distance: float,
    scale: float,
) -> float:
    if kind == FIXED_NOTIONAL:
        return value / price
    staked = abs(target) * max(equity, 0.0)
    if kind == RISK_FRACTION:
        return staked * value / distance if distance > 0.0 else 0.0
    if kind == KELLY and target < 0.0:
        scale = -scale  # what speaks for holding an asset speaks against shorting it
    return staked * scale / price if scale > 0.0 else 0.0

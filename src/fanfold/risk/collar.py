"""Whether a price is one that the market would give: collar, spread, jumps.

Pure checks of scalars, for backtests and live alike. A price that is not a number passes
none of them.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled


@compiled
def price_distance(price: float, middle: float) -> float:
    """How far a price is from the market's middle [share of the middle].

    Args:
        price: Of an order, or the one that it was sized at [currency].
        middle: Between best bid and best ask [currency].

    Returns:
        Not negative; infinite where either price is none.
    """
    if not 0.0 < middle < math.inf or not 0.0 < price < math.inf:
        return math.inf
    return abs(price - middle) / middle


@compiled
def spread_share(bid: float, ask: float) -> float:
    """Spread of a quote [share of its middle]; infinite where a side is missing.

    A crossed quote has a negative spread.
    """
    if not 0.0 < bid < math.inf or not 0.0 < ask < math.inf:
        return math.inf
    return 2.0 * (ask - bid) / (ask + bid)


@compiled
def is_outlier(price: float, believed: float, outlier: float) -> bool:
    """Whether a price is too far from the last believed one to count at once.

    Args:
        price: What came [currency].
        believed: The last price that counted, or 0 for none yet [currency].
        outlier: Largest jump [share of the believed price].
    """
    if not 0.0 < price < math.inf:
        return True
    if believed <= 0.0:
        return False
    return not abs(price - believed) <= outlier * believed


@compiled
def agreeing(recent: Any, price: float, outlier: float) -> int:
    """How many of recent prices are as good as equal to one.

    A price that jumped counts once enough of the last few agree: N of M.

    Args:
        recent: The last prices, the newest among them [currency].
        price: The newest [currency].
        outlier: Distance within which prices agree [share].
    """
    found = 0
    for place in range(len(recent)):
        if abs(recent[place] - price) <= outlier * price:
            found += 1
    return found

"""Whether a price is one that the market would give: collar, spread, jumps.

Pure checks of scalars, for backtests and live alike. A price that is not a number passes
none of them.
"""

import math
from typing import Any, Final

from fanfold.domain.compiled import compiled

BELIEVED: Final = 0
WAITING: Final = 1
RECENT: Final = 2
"""Places of a belief, float64: the last price that counted (0: none yet), how many came since
while a jump waits, and from here on the last of those, as many as are asked."""


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
def farthest_price(limit: float, stop: float, middle: float) -> float:
    """The greater distance of an order's prices [share of the middle]; 0 without a price.

    Args:
        limit: NaN for none [currency].
        stop: The same.
        middle: What the market would give [currency].
    """
    far = 0.0
    if limit == limit:  # noqa: PLR0124 - NaN is none
        far = price_distance(limit, middle)
    if stop == stop:  # noqa: PLR0124 - NaN is none
        far = max(far, price_distance(stop, middle))
    return far


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


@compiled
def unconfirmed_jump(belief: Any, price: float, outlier: float, confirm: int) -> float:
    """Take a price in: its jump, while it is not confirmed; NaN once it is believed.

    Args:
        belief: Changed in place, see `BELIEVED`; as long as prices are asked, and two.
        price: The newest [currency].
        outlier: Largest jump that is believed at once [share of the believed price].
        confirm: How many of those asked must agree with the newest, itself included.
    """
    believed = belief[BELIEVED]
    waiting = int(belief[WAITING])
    if waiting == 0 and not is_outlier(price, believed, outlier):
        belief[BELIEVED] = price
        return math.nan
    asked = len(belief) - RECENT
    belief[RECENT + waiting % asked] = price
    waiting += 1
    if agreeing(belief[RECENT : RECENT + min(waiting, asked)], price, outlier) >= confirm:
        belief[BELIEVED] = price
        belief[WAITING] = 0.0
        return math.nan
    belief[WAITING] = float(waiting)
    return abs(price - believed) / believed

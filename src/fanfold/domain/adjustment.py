"""Raw prices without their jumps at splits, and the way back to real ones.

Adjusting backwards rewrites the past at every split, so a strategy tested that way
saw prices that nobody saw then. Multiplying forwards, by the splits that have
happened, leaves every earlier bar as it was.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import CLOSE, VOLUME
from fanfold.domain.prices import PRICE_MAX, PRICE_MIN
from fanfold.errors import DataError

NEVER: Final = 2**62
"""Day of delisting [days since 1970-01-01] of an asset that is not delisted."""


def forward_factors(splits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Units that one unit of the first bar has become, splits of the bar included.

    Args:
        splits: Units after per unit before, 1.0 where there is no split; [bar, asset].

    Returns:
        Shape [bar, asset].
    """
    return np.cumprod(splits, axis=0, dtype=np.float64)


def forward_panel(panel: NDArray[np.float64], forward: NDArray[np.float64]) -> NDArray[np.float64]:
    """Prices multiplied and volumes divided by what one unit has become.

    Args:
        panel: Open, high, low, close, volume as traded; shape [field, bar, asset].
        forward: From `forward_factors`; shape [bar, asset].

    Returns:
        Shape [field, bar, asset].
    """
    seen = panel * forward
    seen[VOLUME] = panel[VOLUME] / forward
    return seen


def by_adjusted_close(
    fields: NDArray[np.float64], adjusted: NDArray[np.float64], row_name: Callable[[int], str]
) -> NDArray[np.float64]:
    """Prices as traded, multiplied by a vendor's adjusted close per close.

    Args:
        fields: Open, high, low, close, volume as traded; shape [field, row].
        adjusted: Adjusted closes; shape [row].
        row_name: What a row is called in errors.

    Raises:
        DataError: An adjusted close is no price.
    """
    wrong = ~((adjusted >= PRICE_MIN) & (adjusted <= PRICE_MAX))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{row_name(row)}: adj_close must be a price from {PRICE_MIN:g} to {PRICE_MAX:g}, "
            f"was {adjusted[row]}"
        )
    made = fields.copy()
    made[:VOLUME] *= adjusted / fields[CLOSE]
    return made


def real_factors(panel: NDArray[np.float64], raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted close per real close, the last one where an asset has no bar.

    Args:
        panel: Adjusted open, high, low, close, volume; shape [field, bar, asset].
        raw: The same as traded.

    Returns:
        1.0 before an asset's first bar; shape [bar, asset].
    """
    return carried(panel[CLOSE] / raw[CLOSE], before=1.0)


def carried(values: NDArray[np.float64], *, before: float) -> NDArray[np.float64]:
    """NaN replaced by the value last known, or by `before`; shape [bar, asset]."""
    bars = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, bars), axis=0)
    known = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last < 0, before, known)

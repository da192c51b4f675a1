"""What the numbers of one bar must obey.

Panels, frames and quality reports ask the same two questions: where is a bar
faulty, and what is wrong with this one.
"""

import math
from collections.abc import Sequence
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.names import nearest_hint
from fanfold.domain.panel import CLOSE, FIELDS, HIGH, LOW, OPEN, VOLUME
from fanfold.errors import ConfigError

Basis = Literal["raw", "split", "total_return"]
"""What prices are adjusted for: nothing, splits, or splits and dividends."""

PRICE_MIN: Final = 1e-6
"""Smallest price [currency]: money is counted in millionths."""

PRICE_MAX: Final = 1e9
"""Largest price [currency]: beyond it, money would overflow."""

ORDER_TOLERANCE: Final = 1e-9
"""By how much a high may lie below, or a low above, another price [1]: rounding."""

_PRICES: Final = FIELDS[:VOLUME]


def check_basis(basis: Basis | None) -> None:
    """Refuse what is no basis; None is left to be chosen.

    Raises:
        ConfigError: It is none of `Basis`.
    """
    known = get_args(Basis)
    if basis is not None and basis not in known:
        hint = nearest_hint(str(basis), known)
        raise ConfigError(f"basis must be one of {', '.join(known)}, was {basis!r}{hint}")


def absent(fields: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where there is no bar: all four prices are NaN.

    Args:
        fields: Open, high, low, close and maybe volume; shape [field, ...].

    Returns:
        Shape [...].
    """
    missing = np.isnan(fields[OPEN])
    for field in (HIGH, LOW, CLOSE):
        missing &= np.isnan(fields[field])
    return missing


def faulty(fields: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a bar breaks a rule; `fault` says which.

    Args:
        fields: Open, high, low, close, volume; shape [field, ...].

    Returns:
        Shape [...].
    """
    high, low, volume = fields[HIGH], fields[LOW], fields[VOLUME]
    sound = (low >= PRICE_MIN) & (high <= PRICE_MAX)  # false for NaN, as all of these
    highest, lowest = high * (1 + ORDER_TOLERANCE), low * (1 - ORDER_TOLERANCE)
    for price in (fields[OPEN], fields[CLOSE]):
        sound &= (price >= PRICE_MIN) & (price <= PRICE_MAX)
        sound &= (price <= highest) & (price >= lowest)
    sound &= low <= highest
    sound |= absent(fields)
    sound &= ~((volume < 0) | np.isinf(volume))
    return ~sound


def fault(bar: Sequence[float]) -> str:
    """What a faulty bar should have obeyed, then what it was.

    Args:
        bar: Open, high, low, close, volume.
    """
    named = dict(zip(FIELDS, bar, strict=True))
    for field in _PRICES:
        if math.isnan(named[field]):
            return f"a bar must have all four prices or none, {field} was nan"
        if not PRICE_MIN <= named[field] <= PRICE_MAX:
            return (
                f"{field} must be a price from {PRICE_MIN:g} to {PRICE_MAX:g}, was {named[field]}"
            )
    for field in _PRICES:
        if named[field] > named["high"] * (1 + ORDER_TOLERANCE):
            return f"high must not be below {field} {named[field]}, was {named['high']}"
        if named[field] < named["low"] * (1 - ORDER_TOLERANCE):
            return f"low must not be above {field} {named[field]}, was {named['low']}"
    return f"volume must be finite and not negative, or nan if unknown, was {named['volume']}"

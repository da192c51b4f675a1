"""How the prices of a panel lie in memory, and when an asset trades.

A panel is float64 of shape [field, bar, asset], NaN where an asset has no bar.
"""

from typing import Any, Final

from fanfold.domain.compiled import compiled

OPEN: Final = 0
HIGH: Final = 1
LOW: Final = 2
CLOSE: Final = 3
VOLUME: Final = 4
FIELDS: Final = ("open", "high", "low", "close", "volume")


@compiled
def trades_in(close: float, volume: float) -> bool:
    """Whether an asset trades in a bar: it has one, and its volume is not zero."""
    return close == close and volume != 0.0  # noqa: PLR0124  (false for NaN)


def read_only(kind: str, dimensions: int) -> Any:
    """numba's type of a C-contiguous array that compiled code only reads."""
    from numba import types

    return types.Array(getattr(types, kind), dimensions, "C", readonly=True)

"""Words of an order's life, as the numbers that compiled code writes."""

from typing import Final

CLOSE: Final = 0
OPEN: Final = 1
ROLES: Final = ("close", "open")

WORKING: Final = 0
FILLED: Final = 1
REFUSED: Final = 2
CANCELLED: Final = 3
EXPIRED: Final = 4
STATUSES: Final = ("working", "filled", "refused", "cancelled", "expired")

NO_REASON: Final = 0
MAX_POSITION: Final = 1
MAX_GROSS: Final = 2
MAX_DRAWDOWN: Final = 3
BUYING_POWER: Final = 4
REPLACED: Final = 5
MIN_TRADE: Final = 6
REASONS: Final = (
    "",
    "max_position",
    "max_gross",
    "max_drawdown",
    "buying_power",
    "replaced",
    "min_trade",
)

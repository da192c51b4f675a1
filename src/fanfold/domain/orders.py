"""Words of an order's life, as the numbers that compiled code writes."""

from typing import Final

CLOSE: Final = 0
OPEN: Final = 1
STOP_EXIT: Final = 2
TARGET_EXIT: Final = 3
TRAILING_EXIT: Final = 4
DELISTING: Final = 5
ROLES: Final = ("close", "open", "stop", "target", "trailing_stop", "delisting")
"""What an order is for: `stop`, `target` and `trailing_stop` are the protective exits."""

BEFORE_OPEN: Final = 0
AT_OPEN: Final = 1
INSIDE: Final = 2
AT_CLOSE: Final = 3
"""Phases of a bar, in the order in which fills happen."""

WORKING: Final = 0
FILLED: Final = 1
REFUSED: Final = 2
CANCELLED: Final = 3
EXPIRED: Final = 4
STATUSES: Final = ("working", "filled", "refused", "cancelled", "expired")

REASONS: Final = (
    "",
    "max_position",
    "max_gross",
    "max_drawdown",
    "buying_power",
    "replaced",
    "min_trade",
    "max_net",
    "max_sector",
    "max_order_notional",
    "max_volume_share",
    "max_orders",
    "max_daily_loss",
    "max_var",
    "margin_call",
    "not_shortable",
    "not_member",
    "delisted",
    "time_in_force",
    "exit",
    "no_stop_loss",
    "price_collar",
    "daily_volume",
    "unconfirmed",
)
(
    NO_REASON,
    MAX_POSITION,
    MAX_GROSS,
    MAX_DRAWDOWN,
    BUYING_POWER,
    REPLACED,
    MIN_TRADE,
    MAX_NET,
    MAX_SECTOR,
    MAX_ORDER_NOTIONAL,
    MAX_VOLUME_SHARE,
    MAX_ORDERS,
    MAX_DAILY_LOSS,
    MAX_VAR,
    MARGIN_CALL,
    NOT_SHORTABLE,
    NOT_MEMBER,
    DELISTED,
    TIME_IN_FORCE,
    EXIT,
    NO_STOP_LOSS,
    PRICE_COLLAR,
    DAILY_VOLUME,
    UNCONFIRMED,
) = range(len(REASONS))

GTC: Final = 0
DAY: Final = 1
IOC: Final = 2
FOK: Final = 3
OPG: Final = 4
CLS: Final = 5
TIMES_IN_FORCE: Final = ("gtc", "day", "ioc", "fok", "opg", "cls")
"""How long an order works: until cancelled, to its session's end, at the next open only
(what does not fill at once is cancelled; fok: all of it or nothing; opg: at the open),
or at the next close only."""

SPLIT: Final = 0
CASH_IN_LIEU: Final = 1
DIVIDEND: Final = 2
BORROW: Final = 3
INTEREST: Final = 4
REGULATORY: Final = 5
BOOKINGS: Final = ("split", "cash_in_lieu", "dividend", "borrow", "interest", "regulatory")
"""What moves money or units without a fill."""

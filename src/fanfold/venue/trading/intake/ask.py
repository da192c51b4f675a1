"""A request for an order, once it could be read, and which prices it must have."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from fanfold.alpaca.wire.refusals import Refusal, malformed

TRAIL_PERCENT_MIN: Final = Decimal("0.1")
"""Least distance of a trailing stop [percent]."""

TRAIL_PERCENT_BELOW: Final = Decimal(100)
"""From this distance on a trailing stop would be at no price [percent]."""

_PRICES_NEEDED: Final = {
    "market": ((), "market orders require no stop or limit price"),
    "limit": (("limit_price",), "limit orders require a limit price"),
    "stop": (("stop_price",), "stop orders require a stop price"),
    "stop_limit": (
        ("limit_price", "stop_price"),
        "stop limit orders require both stop and limit price",
    ),
    "trailing_stop": ((), "trailing stop orders require no stop or limit price"),
}
"""Prices that a type of order must have, and the refusal where one is missing."""

_PRICES_BARRED: Final = {
    "limit": "limit orders require no stop price",
    "stop": "stop orders require no limit price",
}
"""The refusal where a price is given that the type has not; else the one above."""


class Ask(Struct, frozen=True, kw_only=True):
    """A request for an order whose fields can be read; whether it is sensible is open.

    Attributes:
        symbol: As the client named the asset, without exchange.
        side, kind, time_in_force, order_class, position_intent: As in `Order`.
        qty, notional, limit_price, stop_price, trail_price, trail_percent: As in `Order`,
            all above 0.
        extended_hours: Whether it may trade outside the regular session.
        client_order_id: The client's name for it; empty if it gave none.
        target: Limit of its take-profit.
        loss_stop: Stop of its stop-loss.
        loss_limit: Limit of its stop-loss.
        has_target: Whether a take-profit was asked for, with or without a price.
        has_loss: Whether a stop-loss was.
        said: Prices as they were sent, by their names.
    """

    symbol: str
    side: str
    kind: str
    time_in_force: str
    order_class: str = "simple"
    position_intent: str = ""
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool = False
    client_order_id: str = ""
    target: Decimal | None = None
    loss_stop: Decimal | None = None
    loss_limit: Decimal | None = None
    has_target: bool = False
    has_loss: bool = False
    said: dict[str, str] = {}

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "buy" else -1

    @property
    def is_fractional(self) -> bool:
        """Whether it is for money or for parts of a unit."""
        return self.qty is None or self.qty % 1 != 0


def check_prices(ask: Ask) -> Refusal | None:
    """Whether an order has the prices of its type, and no others."""
    needed, words = _PRICES_NEEDED[ask.kind]
    has = {name for name in ("limit_price", "stop_price") if getattr(ask, name) is not None}
    if not has.issuperset(needed):
        return malformed(words)
    if not has.issubset(needed):
        return malformed(_PRICES_BARRED.get(ask.kind, words))
    if ask.kind == "trailing_stop":
        return _check_trail(ask)
    if ask.trail_price is not None or ask.trail_percent is not None:
        return malformed("only trailing stop orders accept trail_price or trail_percent")
    return None


def _check_trail(ask: Ask) -> Refusal | None:
    percent = ask.trail_percent
    if (ask.trail_price is None) == (percent is None):
        return malformed("trailing stop orders must specify one of trail_price or trail_percent")
    if percent is not None and percent < TRAIL_PERCENT_MIN:
        return malformed("trail_percent must be greater than or equal to 0.1")
    if percent is not None and percent >= TRAIL_PERCENT_BELOW:
        return malformed("trail_percent must be less than 100")
    return None

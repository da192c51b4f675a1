"""Orders and trade updates as the broker writes them.

One form for the side that writes and the side that reads: decimals are texts, instants are
RFC 3339 texts with nanoseconds and ``Z``, ids are UUIDs. Fields that a broker adds are
skipped by a reader, and only those without a default must be there.
"""

from typing import Final

from msgspec import Struct

SIMPLE_ON_THE_WIRE: Final = ""
"""What the broker writes for the class of an order without legs."""


class OrderMessage(Struct, frozen=True, kw_only=True):
    """An order as of one instant.

    Attributes:
        id: Its name at the broker.
        client_order_id: Its name at the client.
        replaced_by: Id of the order that took its place.
        replaces: Id of the order whose place it took.
        qty: Units asked for; None of a notional order until it is filled.
        notional: Money to be spent instead [currency].
        filled_qty: Units filled in all.
        filled_avg_price: Mean price of them; None before the first fill [currency].
        order_class: "" for an order without legs, "bracket", "oco" or "oto".
        order_type: The same as `type`, under its old name.
        type: "market", "limit", "stop", "stop_limit" or "trailing_stop".
        legs: Its legs, where they were asked for.
        hwm: Highest or lowest price that a trailing stop has seen.
    """

    id: str
    client_order_id: str
    created_at: str
    updated_at: str
    submitted_at: str
    filled_at: str | None = None
    expired_at: str | None = None
    expires_at: str | None = None
    canceled_at: str | None = None
    failed_at: str | None = None
    replaced_at: str | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    asset_id: str | None = None
    symbol: str | None = None
    asset_class: str | None = None
    notional: str | None = None
    qty: str | None = None
    filled_qty: str = "0"
    filled_avg_price: str | None = None
    order_class: str = SIMPLE_ON_THE_WIRE
    order_type: str | None = None
    type: str | None = None
    side: str | None = None
    position_intent: str | None = None
    time_in_force: str
    limit_price: str | None = None
    stop_price: str | None = None
    status: str
    extended_hours: bool
    legs: tuple["OrderMessage", ...] | None = None
    trail_percent: str | None = None
    trail_price: str | None = None
    hwm: str | None = None
    ratio_qty: str | None = None
    subtag: str | None = None
    source: str | None = None


class TradeUpdateMessage(Struct, frozen=True, kw_only=True):
    """What happened to an order: on the stream of trade updates and on that of events.

    Attributes:
        event: "new", "fill", "partial_fill", "canceled" …
        order: The order after it.
        timestamp: When.
        execution_id: Of a fill, its id; of "new" too.
        price: Price of this fill alone [currency].
        qty: Units of this fill alone.
        position_qty: Units held after it, negative for short.
        at: When it was written, the same instant here.
        event_id: A ULID; later events have later ones.
    """

    event: str
    order: OrderMessage
    timestamp: str
    execution_id: str | None = None
    price: str | None = None
    qty: str | None = None
    position_qty: str | None = None
    at: str | None = None
    event_id: str | None = None


class OrderStatusMessage(Struct, frozen=True, kw_only=True):
    """What came of one order when all were cancelled.

    Attributes:
        id: The order's.
        status: HTTP status: 200, or 500 where it cannot be.
    """

    id: str
    status: int

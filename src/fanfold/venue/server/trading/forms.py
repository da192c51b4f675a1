"""Orders and what happens to them, in the broker's form."""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from fanfold.alpaca.wire.instants import instant_text
from fanfold.alpaca.wire.numbers import decimal_text
from fanfold.alpaca.wire.orders import SIMPLE_ON_THE_WIRE, OrderMessage, TradeUpdateMessage
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.venue.market.assets import asset_of
from fanfold.venue.server.event_feed import event_id
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.values import Event, Order

PRICE_STEP: Final = Decimal("0.0000000001")
"""Mean prices are rounded to ten digits after the point [currency]."""

ASSETS_KEPT: Final = 65_536
"""Symbols whose ids are remembered."""

INSTANTS_KEPT: Final = 4_096
"""Instants whose texts are remembered: an order tells the same ones with each of its events."""


def order_form(order: Order, legs: Sequence[Order] | None = None) -> OrderMessage:
    """An order in the broker's form.

    Args:
        order: As of any of its events.
        legs: Its legs to be told with it; None or none tells null.
    """
    return OrderMessage(
        id=order.id,
        client_order_id=order.client_order_id,
        created_at=_text(order.created_at),
        updated_at=_text(order.updated_at),
        submitted_at=_text(order.submitted_at),
        filled_at=_instant(order.filled_at),
        expired_at=_instant(order.expired_at),
        expires_at=_instant(order.expires_at),
        canceled_at=_instant(order.canceled_at),
        failed_at=_instant(order.failed_at),
        replaced_at=_instant(order.replaced_at),
        replaced_by=order.replaced_by,
        replaces=order.replaces,
        asset_id=asset_id(order.symbol),
        symbol=order.symbol,
        asset_class=order.asset_class,
        notional=_decimal(order.notional),
        qty=_decimal(order.qty),
        filled_qty=decimal_text(order.filled_qty),
        filled_avg_price=_mean_price(order),
        order_class=SIMPLE_ON_THE_WIRE if order.order_class == "simple" else order.order_class,
        order_type=order.kind,
        type=order.kind,
        side=order.side,
        position_intent=order.position_intent or None,
        time_in_force=order.time_in_force,
        limit_price=_decimal(order.limit_price),
        stop_price=_decimal(order.stop_price),
        status=order.status,
        extended_hours=order.extended_hours,
        legs=tuple(order_form(leg) for leg in legs) if legs else None,
        trail_percent=_decimal(order.trail_percent),
        trail_price=_decimal(order.trail_price),
        hwm=_decimal(order.hwm),
    )


def nested_form(desk: Desk, order: Order) -> OrderMessage:
    """An order with its legs, in the broker's form."""
    legs = [leg for name in order.legs if (leg := desk.book.order(name)) is not None]
    return order_form(order, legs)


def update_form(event: Event) -> TradeUpdateMessage:
    """What happened to an order, as streams tell it."""
    execution, instant = event.execution, _text(event.ts)
    order = order_form(event.order)
    if execution is None:
        named = None
        if event.name == "new":  # the broker names the acceptance as it names fills
            named = str(uuid5(NAMESPACE_OID, f"{event.order.id}.{event.seq}"))
        return TradeUpdateMessage(
            event=event.name,
            order=order,
            timestamp=instant,
            execution_id=named,
            at=instant,
            event_id=event_id(event),
        )
    return TradeUpdateMessage(
        event=event.name,
        order=order,
        timestamp=instant,
        execution_id=execution.id,
        price=decimal_text(execution.price),
        qty=decimal_text(execution.qty),
        position_qty=decimal_text(execution.position_qty),
        at=instant,
        event_id=event_id(event),
    )


@lru_cache(ASSETS_KEPT)
def asset_id(symbol: str) -> str:
    """Id of an asset: it follows from the symbol alone."""
    return asset_of(symbol, ROUND_THE_CLOCK).id


def _mean_price(order: Order) -> str | None:
    if not order.filled_qty:
        return None
    return decimal_text((order.filled_at_prices / order.filled_qty).quantize(PRICE_STEP))


def _decimal(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def _instant(ts: int | None) -> str | None:
    return None if ts is None else _text(ts)


@lru_cache(INSTANTS_KEPT)
def _text(ts: int) -> str:
    return instant_text(ts)

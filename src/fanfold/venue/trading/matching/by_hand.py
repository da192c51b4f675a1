"""Fills that the venue's own people let happen, where no price would."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Final

from msgspec.structs import replace

from fanfold.alpaca.wire.refusals import Refusal, unprocessable
from fanfold.venue.trading import filling
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import lifecycle
from fanfold.venue.trading.matching.prices import price_now
from fanfold.venue.trading.money.reserves import UNIT
from fanfold.venue.trading.states import awaits, may
from fanfold.venue.trading.values import Order

FILLS: Final[Mapping[str, str]] = {"fill": "filled", "partial_fill": "partially_filled"}
"""Events that fill an order, and the status after each."""

_HALF: Final = Decimal("0.5")


def fill_by_hand(desk: Desk, order: Order, event: str) -> Order | Refusal:
    """Fill an order, or half of what is open of it, whatever the market does.

    The price is its limit, else that of the quote that stands.

    Args:
        desk: The desk.
        order: Any account's.
        event: One of `FILLS`.

    Returns:
        The order as it is now; or why not: its status does not allow it, there is no price,
        or it is too small for a part.
    """
    order = lifecycle.current(desk, order)
    if awaits(order) or not order.is_open or not may(order.status, FILLS[event], order.before):
        return unprocessable(f'order cannot go from "{order.status}" to "{FILLS[event]}"')
    price = price_now(desk, order)
    if price is None:
        return unprocessable(f'no market price for asset "{order.symbol}"')
    if order.qty is None and order.notional is not None:
        order = replace(order, qty=filling.qty_of(order.notional, price))
    qty = order.open_qty if event == "fill" else _half(order)
    if not qty or (event != "fill" and qty >= order.open_qty):
        return unprocessable("order is too small to be filled in part")
    return filling.fill(desk, order, qty, price)


def _half(order: Order) -> Decimal:
    """Half of what is open of an order: whole units where it is for whole ones."""
    step = Decimal(1) if order.open_qty % 1 == 0 else UNIT
    return (order.open_qty * _HALF).quantize(step, ROUND_DOWN)

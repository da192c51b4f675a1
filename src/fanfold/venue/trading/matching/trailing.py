"""Trailing stops: a stop that keeps its distance from the best price so far."""

from decimal import Decimal

from msgspec.structs import replace

from fanfold.domain.money import to_micro
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.filling import money_of
from fanfold.venue.trading.intake.making import collar_of, trailing_stop_price
from fanfold.venue.trading.values import Order


def follow(desk: Desk, order: Order, low: float, high: float) -> Order:
    """Let a trailing stop follow the best price of a way; nobody is told."""
    best = money_of(to_micro(low if order.sign > 0 else high))
    known = order.hwm
    if known is not None and (best >= known if order.sign > 0 else best <= known):
        return order
    return desk.book.put_order(trailed(desk, order, best))


def trailed(desk: Desk, order: Order, hwm: Decimal) -> Order:
    """A trailing stop at its distance from an extreme, on the venue's ticks.

    Args:
        desk: The desk.
        order: A trailing stop.
        hwm: The highest price so far for a sell, the lowest for a buy.
    """
    moved = replace(order, hwm=hwm)
    moved = replace(moved, stop_price=trailing_stop_price(desk, moved))
    return replace(moved, collar=collar_of(desk, moved))

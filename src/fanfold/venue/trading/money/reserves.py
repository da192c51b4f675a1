"""What open orders hold: buying power for openings, units for closings.

Orders that open or increase a position hold buying power while they are open; orders that
close one hold its units, and give buying power back only when they have filled.

Source: the broker's documentation of orders and buying power. A buy is worth its limit, or
the ask and its collar, times its units; a short sale the greater of its limit and 3 % above
the ask, times its units.
"""

from decimal import ROUND_UP, Decimal
from typing import Final

from fanfold.domain.money import MICRO
from fanfold.execution.venue_rules import collared, to_tick
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.money.marks import ask_of, market_price
from fanfold.venue.trading.values import ZERO, Order

UNIT: Final = Decimal("0.000000001")
"""Smallest part of a unit that is traded."""


def reserve_for(desk: Desk, order: Order) -> Decimal:
    """Buying power that what is open of an order holds [currency].

    Closings and legs hold none; what is filled of an order holds none any more. Coins are
    paid in cash: the same amount is then held of `Figures.non_marginable_buying_power`.
    """
    if order.position_intent.endswith("_to_close") or order.parent:
        return ZERO
    if order.qty is None:
        return max((order.notional or ZERO) - order.filled_value, ZERO)
    return order.open_qty * _unit_cost(desk, order)


def collar_above(desk: Desk, price: Decimal, asset_class: str) -> Decimal:
    """The most that a buy may pay that is at market at a price, on a tick [currency]."""
    rules = desk.terms.rules
    far = collared(int(price * MICRO), *rules.collar_rates)
    return Decimal(to_tick(far, -1, *rules.ticks(asset_class))) / MICRO


def available_qty(desk: Desk, account_id: str, symbol: str) -> Decimal:
    """Units of a position that no order that would close it holds; never negative."""
    held = abs(desk.book.position(account_id, symbol).qty)
    return max(held - held_qty(desk, account_id, symbol), ZERO)


def held_qty(desk: Desk, account_id: str, symbol: str, *, without: str = "") -> Decimal:
    """Units of a position that open orders hold which would close it.

    Orders of one group, of which at most one fills, hold the same units: the most that
    one of them asks for.

    Args:
        desk: The book and the market.
        account_id: Whose.
        symbol: Of which asset.
        without: Id of an order that is not counted, nor are its legs.
    """
    groups: dict[str, Decimal] = {}
    for order in desk.book.open_closings(account_id, symbol):
        group = _group(desk, order)
        if order.status != "held" and group != without:
            groups[group] = max(groups.get(group, ZERO), _units(desk, order))
    return sum(groups.values(), ZERO)


def units_for(desk: Desk, symbol: str, notional: Decimal) -> Decimal:
    """Units that an amount of money is worth now, rounded up; 0 without any price."""
    price = market_price(desk, symbol)
    return (notional / price).quantize(UNIT, ROUND_UP) if price else ZERO


def _group(desk: Desk, order: Order) -> str:
    """Id of the order that stands for all that hold the same units as this one."""
    if order.status == "pending_new" and order.replaces is not None:
        replaced = desk.book.order(order.replaces)
        if replaced is not None and replaced.is_open:  # both are open until it takes its place
            return replaced.parent or replaced.id
    return order.parent or order.id


def _units(desk: Desk, order: Order) -> Decimal:
    if order.qty is not None:
        return order.open_qty
    return units_for(desk, order.symbol, (order.notional or ZERO) - order.filled_value)


def _unit_cost(desk: Desk, order: Order) -> Decimal:
    if order.side == "sell":
        rate = Decimal(repr(desk.terms.rules.short_reserve))
        return max(order.limit_price or ZERO, rate * (ask_of(desk, order.symbol) or ZERO))
    if order.limit_price is not None:
        return order.limit_price
    if order.collar is not None:
        return order.collar
    return collar_above(desk, ask_of(desk, order.symbol) or ZERO, order.asset_class)

"""At which price an order is filled: by the engine's own functions, never beyond its limit."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from msgspec.structs import replace

from fanfold.domain.money import MICRO, to_micro
from fanfold.engine.step.trigger import is_set
from fanfold.execution.costs import fill_price, limited_price
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.trading import filling, money
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import ending
from fanfold.venue.trading.values import Order
from fanfold.venue.trading.waiting import bound_of

_BPS: Final = 10_000.0


def level(price: Decimal | None) -> float:
    """A price as the engine has it: NaN for none."""
    return math.nan if price is None else float(price)


def slippage_of(desk: Desk) -> float:
    """What a fill at market is moved by, beyond the quote [share of the price]."""
    return desk.terms.slippage_bps / _BPS


def fill_at(desk: Desk, order: Order, reference: float, slippage: float) -> Order:
    """Fill an order at the market's price, slipped, but never beyond its limit.

    An opening that would cost more than it holds, as one at market may that waited for a
    session that opens higher, is filled only if its account has buying power for the rest;
    else it is rejected, or cancelled if a part of it was filled.
    """
    price = fill_price(reference, order.sign, slippage)
    bound = bound_of(order)
    if bound is not None:
        price = limited_price(price, _within(bound, order.sign), order.sign)
    if price <= 0:
        return order
    order = _with_qty(desk, order, price)
    qty = order.open_qty
    if not _is_affordable(desk, order, filling.money_of(price) * qty):
        return ending.end(desk, order, "canceled" if order.filled_qty else "rejected")
    if order.time_in_force != "fok" and qty > 0:
        part = filling.lots_of(desk.terms.mischief.partly(order, qty))
        qty = min(filling.units_of(max(part, 1)), qty)
    return filling.fill(desk, order, qty, price) if qty > 0 else order


def fill_late(desk: Desk, order: Order) -> Order:
    """Fill an order that has just been cancelled, as if the fill had been on its way.

    It is at the order's limit, else at the quote that stands; without either nothing is.
    """
    price = price_now(desk, order)
    return order if price is None else fill_at(desk, order, price / MICRO, 0.0)


def price_now(desk: Desk, order: Order) -> int | None:
    """An order's limit, else the quote that stands on its side [micro-units]; None without."""
    bound = bound_of(order)
    if bound is not None:
        return _within(bound, order.sign)
    quote = desk.market.quote(order.symbol)
    price = math.nan if quote is None else quote.ask if order.sign > 0 else quote.bid
    return to_micro(price) if is_set(price) and price > 0.0 else None


def _is_affordable(desk: Desk, order: Order, cost: Decimal) -> bool:
    """Whether an order may cost so much: what it holds, and what nothing else holds."""
    if cost <= order.reserved or order.parent or order.position_intent.endswith("_to_close"):
        return True
    figures = money.figures(desk, order.account)
    is_coin = order.asset_class == CRYPTO
    free = figures.non_marginable_buying_power if is_coin else figures.buying_power
    return cost - order.reserved <= free


def _within(bound: Decimal, side: int) -> int:
    """A limit in micro-units, to the good side where it has more digits."""
    rounding = ROUND_FLOOR if side > 0 else ROUND_CEILING
    return int((bound * MICRO).to_integral_value(rounding))


def _with_qty(desk: Desk, order: Order, price: int) -> Order:
    """A notional order gets its quantity with its first fill.

    One that sells what is held sells no more than that, however far the price has fallen.
    """
    if order.qty is not None or order.notional is None:
        return order
    qty = filling.qty_of(order.notional, price)
    if order.position_intent.endswith("_to_close"):
        position = desk.book.position(order.account, order.symbol)
        others = money.held_qty(desk, order.account, order.symbol, without=order.id)
        qty = min(qty, abs(position.qty) - others)
    return desk.book.put_order(replace(order, qty=qty)) if qty > 0 else order

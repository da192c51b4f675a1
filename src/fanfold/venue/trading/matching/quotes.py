"""Quotes: an instant at which a buy meets the ask and a sell the bid."""

import math

from msgspec.structs import replace

from fanfold.engine.step.trigger import is_set, open_reference
from fanfold.venue.market.values import QuoteTick
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import ending, lifecycle
from fanfold.venue.trading.matching.gates import (
    in_turn,
    may_meet,
    named,
    phase_of,
    standing_quote,
)
from fanfold.venue.trading.matching.prices import fill_at, level, slippage_of
from fanfold.venue.trading.states import works
from fanfold.venue.trading.values import Order
from fanfold.venue.trading.waiting import AT_ONCE, RESTING, bound_of


def meet(desk: Desk, order: Order) -> Order:
    """Let an order that has just begun to work meet the quote that stands.

    What does not fill at once rests in the book, or is cancelled if it was only for now.

    Returns:
        The order as it is now.
    """
    order = lifecycle.current(desk, order)
    quote = standing_quote(desk, order)
    if quote is not None:
        return meet_quote(desk, order, quote)
    return rest(desk, order)


def on_quote(desk: Desk, tick: QuoteTick) -> None:
    """Let what waits meet a new quote."""
    waiting = desk.book.waiting(tick.symbol)
    names = waiting.by_quote(tick.bid, tick.ask) if waiting is not None else ()
    if not names or desk.market.is_halted(tick.symbol):
        return
    phase = phase_of(desk, tick.symbol)
    for concerned in in_turn(named(desk, names)):
        order = lifecycle.current(desk, concerned)
        if may_meet(desk, order, tick.ts, phase):
            meet_quote(desk, order, tick)


def meet_quote(desk: Desk, order: Order, quote: QuoteTick) -> Order:
    """Let an order meet a quote; what does not fill rests, or ends if it was only for now."""
    price = quote.ask if order.sign > 0 else quote.bid
    if is_set(price) and price > 0.0:
        untriggered = order.stop_price is not None and not order.triggered
        # Quotes elect no stop: whatever waits for a trade meets nothing here.
        limit = level(bound_of(order))
        reference = (
            math.nan if untriggered else open_reference(price, order.sign, limit, math.nan, 0.0)
        )
        if is_set(reference):
            order = fill_at(desk, order, reference, slippage_of(desk))
        if order.is_open and order.time_in_force in AT_ONCE:
            return ending.end(desk, order, "canceled")
    return rest(desk, order)


def rest(desk: Desk, order: Order) -> Order:
    """Note from when on an order waits in the book for others to take it."""
    waits = order.kind in RESTING and (order.stop_price is None or order.triggered)
    if waits and works(order) and order.resting_since is None:
        return desk.book.put_order(replace(order, resting_since=desk.now))
    return order

"""Trades: they elect stops, hold auctions, and of a bar's path fill limits on the way."""

import math
from typing import Final, NamedTuple

from msgspec.structs import replace

from fanfold.engine.step.trigger import (
    inside_reference,
    is_set,
    open_reference,
    stop_reached,
)
from fanfold.execution.costs import SLIPPAGE_MAX
from fanfold.venue.market.values import TradeTick
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
from fanfold.venue.trading.matching.quotes import meet_quote, rest
from fanfold.venue.trading.matching.trailing import follow
from fanfold.venue.trading.states import works
from fanfold.venue.trading.values import Order
from fanfold.venue.trading.waiting import AUCTIONS, bound_of

FOLLOWERS_MAX: Final = 8
"""Orders that one fill can let begin: the legs of a group, with room to spare [orders]."""

_SHARE_DIGITS: Final = 9
"""Digits of half a spread as a share of the price; the rest is the noise of floats."""


class Span(NamedTuple):
    """A way that the price went.

    Attributes:
        start: Where from.
        low: Its lowest price.
        high: Its highest.
        close: Where to.
        slippage: What a stop pays beyond its price [share of it].
        path: Whether limits fill on it, as they do on the path of a bar.
    """

    start: float
    low: float
    high: float
    close: float
    slippage: float
    path: bool


def on_trade(desk: Desk, tick: TradeTick) -> None:
    """Let what waits meet a trade: stops, auctions, and limits on the way to its price."""
    if tick.auction and not desk.market.is_halted(tick.symbol):
        hold_auction(desk, tick)
    waiting = desk.book.waiting(tick.symbol)
    names = waiting.by_trade(tick.low, tick.high, path=tick.path) if waiting is not None else ()
    if not names or desk.market.is_halted(tick.symbol):
        return
    phase = phase_of(desk, tick.symbol)
    span = _span_of(desk, tick)
    for concerned in in_turn(named(desk, names)):
        order = lifecycle.current(desk, concerned)
        if may_meet(desk, order, tick.ts, phase):
            _meet_trade(desk, order, span)


def _span_of(desk: Desk, tick: TradeTick) -> Span:
    quote = desk.market.quote(tick.symbol)
    spread = 0.0
    if quote is not None and quote.ask + quote.bid > 0.0:  # not if a side is NaN
        half = (quote.ask - quote.bid) / (quote.ask + quote.bid)
        spread = min(round(max(half, 0.0), _SHARE_DIGITS), SLIPPAGE_MAX)
    slippage = spread + slippage_of(desk)
    if not tick.path:
        return Span(tick.price, tick.price, tick.price, tick.price, slippage, path=False)
    # The price does not turn on its way: it began at the end at which it is not now.
    start = tick.low if tick.price == tick.high else tick.high
    return Span(start, tick.low, tick.high, tick.price, slippage, path=True)


def _meet_trade(desk: Desk, order: Order, span: Span) -> Order:
    """Let an order meet a span, and what begins with its fill the rest of it."""
    begun = len(desk.book.fresh)
    order, reference = _meet_span(desk, order, span)
    if not is_set(reference):
        return order
    left = _rest_of(span, reference)
    # The quote that stands is older than this price: these begin with the next tick.
    followers = desk.book.fresh[begun : begun + FOLLOWERS_MAX]
    del desk.book.fresh[begun:]
    for name in followers:
        follower = desk.book.order(name)
        if follower is not None and works(follower):
            rest(desk, _meet_span(desk, follower, left)[0])
    return order


def _meet_span(desk: Desk, order: Order, span: Span) -> tuple[Order, float]:
    """Fill an order where a span meets it.

    Returns:
        The order as it is now, and the market's price at which it was met; NaN if it was not.
    """
    if order.stop_price is not None and not order.triggered:
        order, reference = _meet_stop(desk, order, span)
    elif not span.path or bound_of(order) is None:
        return order, math.nan  # a limit waits for a quote, and so does what has no limit
    else:
        limit = level(bound_of(order))
        reference = inside_reference(
            span.high, span.low, span.close, order.sign, limit, math.nan, 0.0
        )
    if not is_set(reference) or not order.is_open:
        return order, math.nan
    return fill_at(desk, order, reference, span.slippage), reference


def _meet_stop(desk: Desk, order: Order, span: Span) -> tuple[Order, float]:
    """Whether a span elects a stop, and the price at which the order then meets it.

    One that the span's first price has passed already meets that price: at a gap it is the
    quote, as it would be for any order at market.
    """
    stop, limit, side = level(order.stop_price), level(bound_of(order)), order.sign
    if not stop_reached(span.high if side > 0 else span.low, side, stop):
        return _follow(desk, order, span), math.nan
    order = _elect(desk, order)
    if stop_reached(span.start, side, stop):
        if span.low == span.high:
            return _meet_standing(desk, order), math.nan
        reference = open_reference(span.start, side, limit, math.nan, 0.0)
        if is_set(reference):
            return order, reference
        stop = math.nan
    reference = inside_reference(span.high, span.low, span.close, side, limit, stop, 0.0)
    return order, reference


def _follow(desk: Desk, order: Order, span: Span) -> Order:
    return follow(desk, order, span.low, span.high) if order.kind == "trailing_stop" else order


def _meet_standing(desk: Desk, order: Order) -> Order:
    """Let a stop that has just been elected meet the quote that stands, if there is one."""
    quote = standing_quote(desk, order)
    return rest(desk, order) if quote is None else meet_quote(desk, order, quote)


def _rest_of(span: Span, price: float) -> Span:
    """What is left of a span once it has come to a price."""
    here = min(max(price, span.low), span.high)
    low, high = min(here, span.close), max(here, span.close)
    return Span(here, low, high, span.close, span.slippage, span.path)


def _elect(desk: Desk, order: Order) -> Order:
    """Note that an order's stop was reached: from now on it is a limit or a market order."""
    return desk.book.put_order(replace(order, triggered=True, resting_since=None))


def hold_auction(desk: Desk, tick: TradeTick) -> None:
    """Fill what was for an auction at its trade's price; what it does not fill is cancelled."""
    for waiting in in_turn(desk.book.open_orders_of(tick.symbol)):
        if waiting.time_in_force != AUCTIONS[tick.auction]:
            continue
        order = lifecycle.accept(desk, waiting)
        if order.id in desk.book.fresh:
            desk.book.fresh.remove(order.id)
        if not works(order):
            continue
        limit = level(bound_of(order))
        reference = open_reference(tick.price, order.sign, limit, math.nan, 0.0)
        if is_set(reference):
            order = fill_at(desk, order, reference, slippage_of(desk))
        if order.is_open:
            ending.end(desk, order, "canceled")

"""Whether an intent is one at all, and whether the venue would take its order."""

import math
from typing import Final

from fanfold.domain.money import MONEY_MAX
from fanfold.domain.money import is_too_large as _is_too_large
from fanfold.execution.venue_rules import FINE_BELOW
from fanfold.live.risk.ask import LOTS_MAX, Ask, Found
from fanfold.live.risk.book import share
from fanfold.live.risk.mirror import PRICE_MAX

TICK_SLACK: Final = 1e-6
"""How far from a tick a float may be and still mean it [micro-units of a price of 1]."""

_KINDS: Final = {
    (False, False): "market",
    (False, True): "limit",
    (True, False): "stop",
    (True, True): "stop_limit",
}
"""Types of orders, by whether they have a stop and a limit."""

_is_too_large_of: Final = _is_too_large.function


def bad_number(ask: Ask) -> Found | None:
    """Numbers of intents rise; one that does not was heard before."""
    last, number = ask.post.last_number, ask.intent.number
    return Found(0, last, number) if number <= last else None


def bad_goal(ask: Ask) -> Found | None:
    """A goal, and an instant, are numbers that can be meant."""
    intent = ask.intent
    if abs(intent.goal) > LOTS_MAX:
        return Found(0, LOTS_MAX, intent.goal)
    if not 0 < intent.event_ts <= LOTS_MAX:
        return Found(0, LOTS_MAX, intent.event_ts)
    return None


def bad_price(ask: Ask) -> Found | None:
    """A price is none (NaN), or one that can be meant."""
    intent = ask.intent
    for price in (intent.limit, intent.stop, intent.stop_loss, intent.take_profit):
        if price == price and not 0.0 < price <= PRICE_MAX:  # noqa: PLR0124 - NaN is none
            return Found(0, PRICE_MAX, price)
    return None


def bad_mark(ask: Ask) -> Found | None:
    """The price that a goal was sized at is one, and so is the book's."""
    mark = ask.intent.mark
    if not 0.0 < mark <= PRICE_MAX:
        return Found(0, PRICE_MAX, mark)
    if ask.mark <= 0 or ask.sums.unmarked:
        return Found(0, PRICE_MAX, math.nan)
    return None


def too_large(ask: Ask) -> Found | None:
    """What is ordered must fit money."""
    size = abs(ask.asked)
    if _is_too_large_of(size, float(ask.mark), ask.parts):
        return Found(0, MONEY_MAX / 1e6, size / ask.parts * ask.mark / 1e6)
    return None


def not_shortable(ask: Ask) -> Found | None:
    """The venue lends the asset, to an account with enough equity."""
    if ask.asked >= 0:
        return None
    least = ask.rules.short_equity_min
    if ask.book.rules.shortable and ask.equity >= least:
        return None
    return Found(0, least / 1e6, ask.equity / 1e6)


def order_type(ask: Ask) -> Found | None:
    """The venue takes such an order, of such a quantity, for its time in force."""
    limited = not math.isnan(ask.intent.limit)
    stopped = not math.isnan(ask.intent.stop)
    kind = _KINDS[stopped, limited]
    fractional = ask.parts > 1 and ask.asked % ask.parts != 0
    return Found(0, math.nan, math.nan) if ask.book.rules.taken[kind, fractional] else None


def off_tick(ask: Ask) -> Found | None:
    """Prices lie on the venue's ticks: the engine put them there."""
    own = ask.book.rules
    for price in (ask.intent.limit, ask.intent.stop):
        if price == price:  # noqa: PLR0124 - NaN is none
            micro = round(price * 1e6)
            tick = own.coarse if micro >= FINE_BELOW else own.fine
            if tick and (micro % tick or abs(price * 1e6 - micro) > TICK_SLACK * micro):
                return Found(0, tick / 1e6, price)
    return None


def min_notional(ask: Ask) -> Found | None:
    """An order is not smaller than the venue's smallest, but to end a position."""
    least = ask.book.rules.least
    if least == 0 or ask.intent.goal == 0 or ask.intent.forced:
        return None
    value = share(abs(ask.close + ask.asked), ask.mark, ask.parts)
    return Found(0, least / 1e6, value / 1e6) if value < least else None

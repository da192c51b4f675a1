"""Whether the market can be believed, and whether risk and execution may act at all."""

import math
from typing import Final

from fanfold.live.risk.ask import Ask, Found
from fanfold.risk.collar import price_distance as _price_distance
from fanfold.risk.collar import spread_share as _spread_share
from fanfold.risk.rate import is_duplicate as _is_duplicate

KILL: Final = "kill"

_distance_of: Final = _price_distance.function
_spread_of: Final = _spread_share.function


def price_collar(ask: Ask) -> Found | None:
    """Its prices, or the one that it was sized at, against the live middle."""
    price, collar, intent = ask.price, ask.rules.price_collar, ask.intent
    if price <= 0.0:
        return None  # without a price `no_price` refuses
    limit, stop = intent.limit, intent.stop
    for each in (limit, stop):
        if each == each:  # noqa: PLR0124 - NaN is none
            distance = _distance_of(each, price)
            if not distance <= collar:
                return Found(0, collar, distance)
    if limit != limit and stop != stop:  # noqa: PLR0124 - both NaN
        distance = _distance_of(intent.mark, price)
        if not distance <= collar:
            return Found(0, collar, distance)
    return None


def spread(ask: Ask) -> Found | None:
    """The last quote's spread against the widest that is traded in."""
    quote = ask.book.quote
    if quote is None:
        return None  # bars alone
    share = _spread_of(quote.bid, quote.ask)
    most = ask.rules.spread_max
    return None if share <= most else Found(0, most, share)


def duplicate(ask: Ask) -> Found | None:
    """An equal goal at equal prices was approved a moment ago, and stands."""
    book, intent = ask.book, ask.intent
    if not book.stands:
        return None
    age = intent.event_ts - book.approved_ts
    span = ask.rules.duplicate
    if _is_duplicate.function(
        intent.goal, intent.limit, intent.stop, book.goal, book.limit, book.stop, age, span
    ):
        return Found(0, span / 1e9, age / 1e9)
    return None


def no_price(ask: Ask) -> Found | None:
    """There is a live price."""
    return Found(0, math.nan, math.nan) if ask.price <= 0.0 else None


def unconfirmed_price(ask: Ask) -> Found | None:
    """No jump of the price waits to be confirmed, nor, over a night, to be told from a split."""
    doubts = ask.book.doubts
    if doubts:
        middle = ask.book.middle
        jump = abs(doubts[-1] - middle) / middle if middle else math.inf
        return Found(0, ask.rules.outlier, jump)
    if ask.mirror.deferring:
        return Found(0, ask.rules.outlier, math.nan)
    return None


def stale_price(ask: Ask) -> Found | None:
    """The last price is young enough, on the stream's clock."""
    book, rules = ask.book, ask.rules
    quote = book.quote
    last = max(book.price_ts, quote.ts if quote else 0)
    age = ask.mirror.newest - last
    most = rules.quote_age if quote and quote.ts == last else rules.quote_age + rules.bar
    return Found(0, most / 1e9, age / 1e9) if age > most else None


def feed_down(ask: Ask) -> Found | None:
    """Market data says that it is well, and is heard."""
    if not ask.mirror.feed_up:
        return Found(0, math.nan, math.nan)
    silence = ask.now - ask.post.fed_at
    most = ask.rules.silence
    return Found(0, most / 1e9, silence / 1e9) if silence > most else None


def asset_stale(ask: Ask) -> Found | None:
    """The asset has not been silent too long."""
    return Found(0, math.nan, math.nan) if ask.book.stale else None


def asset_halted(ask: Ask) -> Found | None:
    """Trading in the asset goes on."""
    return Found(0, math.nan, math.nan) if ask.book.halted else None


def session_closed(ask: Ask) -> Found | None:
    """There is a session for the order: this one, or the next that it waits for."""
    mirror, ts = ask.mirror, ask.intent.event_ts
    if mirror.day < 0 or (ask.rules.at_once and mirror.newest >= mirror.ends):
        return Found(0, mirror.ends / 1e9, ts / 1e9)
    return None


def old_event(ask: Ask) -> Found | None:
    """What was decided on is not long past, on the stream's clock."""
    rules = ask.rules
    age = ask.mirror.newest - ask.intent.event_ts
    most = rules.quote_age if rules.by_quotes else rules.quote_age + rules.bar
    return Found(0, most / 1e9, age / 1e9) if age > most else None


def no_account(ask: Ask) -> Found | None:
    """The broker has said what the account holds, and nothing was lost since."""
    if ask.mirror.account is None or ask.post.reconciling:
        return Found(0, math.nan, math.nan)
    return None


def no_equity(ask: Ask) -> Found | None:
    """There is anything to trade with."""
    return Found(0, 0.0, ask.equity / 1e6) if ask.equity <= 0 else None


def gate_closed(ask: Ask) -> Found | None:
    """Execution may send: stream and REST agree, and it holds the lease."""
    return None if ask.post.gate_open else Found(0, math.nan, math.nan)


def halted(ask: Ask) -> Found | None:
    """No latch is set; under a breaker's, positions may still be lessened."""
    post = ask.post
    return Found(0, post.latch_bound, post.latch_reached) if post.latch else None


def killed(ask: Ask) -> Found | None:
    """The kill switch is not set: under it the kill itself flattens, and nobody else."""
    return Found(0, math.nan, math.nan) if ask.post.latch == KILL else None


def not_armed(ask: Ask) -> Found | None:
    """Risk is armed."""
    return None if ask.post.armed else Found(0, math.nan, math.nan)

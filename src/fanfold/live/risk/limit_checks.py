"""How much of an opening the limits leave: the engine's functions over live state.

Each is what `fanfold.engine.step.approve` does to one asset's order where the others' are
older. Openings that are asked together were scaled pro rata by the engine already; here
each one finds those before it as reserved.
"""

import math
from typing import Final

from fanfold.domain.money import RATE_ONE
from fanfold.domain.money import pro_rata as _pro_rata
from fanfold.live.risk.ask import Ask, Found
from fanfold.live.risk.book import PROTECTIVE, share
from fanfold.live.risk.rules import SECOND_NS
from fanfold.risk.collar import farthest_price as _farthest_price
from fanfold.risk.limits import opening_room as _opening_room
from fanfold.risk.rate import is_too_fast as _is_too_fast
from fanfold.risk.room import net_room as _net_room
from fanfold.risk.room import notional_room as _notional_room
from fanfold.risk.room import orders_left as _orders_left
from fanfold.risk.room import sector_room as _sector_room
from fanfold.risk.room import volume_room as _volume_room

_pro_rata_of: Final = _pro_rata.function
_farthest_of: Final = _farthest_price.function


def part_of(lots: int, room: int, cost: int) -> int:
    """Signed whole lots of an order of `cost` that fit into `room`."""
    if room >= cost:
        return lots
    fits = _pro_rata_of(max(room, 0), abs(lots), cost)
    return fits if lots > 0 else -fits


def unconfirmed_bar(ask: Ask) -> Found | None:
    """The last bar's close is believed."""
    jump = ask.book.jump
    return Found(0, ask.rules.bar_outlier, jump) if jump == jump else None  # noqa: PLR0124 - NaN


def max_price_distance(ask: Ask) -> Found | None:
    """Its prices against the last bar's close."""
    intent, limit = ask.intent, ask.rules.max_price_distance
    far = _farthest_of(intent.limit, intent.stop, ask.mark / 1e6)
    return Found(0, limit, far) if far > limit else None


def max_order_notional(ask: Ask) -> Found | None:
    """The order against the largest one."""
    limit = ask.rules.max_order_notional
    value = share(abs(ask.opens), ask.mark, ask.parts)
    if value <= limit * 1e6 - 1.0:  # a micro-unit early: rounded there
        return None
    room = _notional_room.function(limit)
    return Found(part_of(ask.opens, room, value), limit, value / 1e6) if value > room else None


def max_volume_share(ask: Ask) -> Found | None:
    """The order against a bar's usual volume."""
    return _of_volume(ask, ask.book.average_volume(), ask.rules.max_volume_share)


def daily_volume(ask: Ask) -> Found | None:
    """The order against a day's usual volume."""
    return _of_volume(ask, ask.book.daily_volume, ask.rules.daily_volume_share)


def _of_volume(ask: Ask, usual: float, limit: float) -> Found | None:
    size = abs(ask.opens)
    if size <= usual * limit * ask.parts:
        return None
    most = _volume_room.function(usual, limit, ask.parts)
    if size <= most:
        return None
    reached = size / ask.parts / usual if usual > 0.0 else math.inf
    return Found(most if ask.opens > 0 else -most, limit, reached)


def max_position(ask: Ask) -> Found | None:
    """The position that it would make against the largest one."""
    room = ask.rooms.position
    kept = ask.book.held + ask.close
    after = abs(share(kept + ask.opens, ask.mark, ask.parts))
    if after <= room:
        return None
    trimmed = part_of(kept + ask.opens, room, after) - kept
    lots = trimmed if (trimmed > 0) == (ask.opens > 0) else 0
    return Found(lots, ask.rules.max_position, _over_equity(after, ask))


def max_orders(ask: Ask) -> Found | None:
    """The session's orders so far against the most."""
    limit = ask.rules.max_orders
    count = ask.mirror.order_count + (1 if ask.close else 0)
    if _orders_left.function(count, limit) >= 1:
        return None
    return Found(0, limit, count + 1)


def max_sector(ask: Ask) -> Found | None:
    """What its sector would hold against the most."""
    book, cost = ask.book, ask.cost
    used = ask.sums.sectors[book.rules.sector] - book.kept - book.opening + abs(ask.kept)
    if used + cost <= ask.rooms.sector:
        return None
    limit = ask.rules.max_sector
    return _scaled(ask, _sector_room.function(ask.equity, used, limit), limit, used)


def max_net(ask: Ask) -> Found | None:
    """Long less short positions against the most."""
    book, side = ask.book, (1 if ask.opens > 0 else -1)
    net = ask.sums.net - book.kept_net - book.opening_net + ask.kept
    if side * net + ask.cost <= ask.rooms.net:
        return None
    limit = ask.rules.max_net
    return _scaled(ask, _net_room.function(ask.equity, net, side, limit), limit, net * side)


def max_gross(ask: Ask) -> Found | None:
    """All positions against the user's limit, where that binds first."""
    rooms, sums = ask.rooms, ask.sums
    if sums.gross - ask.closing + sums.reserved - ask.book.opening + ask.cost <= rooms.gross:
        return None
    power, left, used = _gross_rooms(ask)
    return _scaled(ask, left, ask.rules.max_gross, used) if left < power else None


def buying_power(ask: Ask) -> Found | None:
    """All positions against the account's leverage, where that binds first."""
    rooms, sums = ask.rooms, ask.sums
    if sums.gross - ask.closing + sums.reserved - ask.book.opening + ask.cost <= rooms.power:
        return None
    power, left, used = _gross_rooms(ask)
    return None if left < power else _scaled(ask, power, ask.rules.leverage / RATE_ONE, used)


def broker_power(ask: Ask) -> Found | None:
    """What the broker would reserve for it against what it says is left."""
    book, mirror = ask.book, ask.mirror
    own = book.spent or book.opening  # what it takes the place of
    left = mirror.power - mirror.spent + own + ask.closing
    cost = ask.reserve
    if cost <= left:
        return None
    return Found(part_of(ask.opens, left, cost), max(left, 0) / 1e6, cost / 1e6)


def order_rate(ask: Ask) -> Found | None:
    """Approved orders of the last second against the most."""
    post = ask.post
    oldest = post.approved_at[post.place]
    if oldest and _is_too_fast.function(oldest, ask.now, SECOND_NS):
        most = ask.rules.orders_per_second
        return Found(0, most, most + 1)
    return None


def open_orders(ask: Ask) -> Found | None:
    """Orders that are open against the most."""
    count, most = ask.mirror.open_count, ask.rules.open_orders_max
    return Found(0, most, count + 1) if count >= most else None


def self_trade(ask: Ask) -> Found | None:
    """It would meet a resting exit of ours: what execution does not take back for it.

    Entries the other way are replaced before their opposite goes, so they count not.
    """
    orders = ask.book.orders
    if not orders:
        return None
    side = 1 if ask.opens > 0 else -1
    limit = ask.intent.limit
    price = limit if limit == limit else ask.price  # noqa: PLR0124 - NaN is none
    for order in orders.values():
        if order.role in PROTECTIVE and order.left * side < 0:
            is_target = not math.isnan(order.limit)
            level = order.limit if is_target else order.stop
            beyond = (price - level) * side
            if beyond >= 0.0 if is_target else beyond <= 0.0:
                return Found(0, level, price)
    return None


def _gross_rooms(ask: Ask) -> tuple[int, int, int]:
    """Room of buying power, of the gross limit, and what is used, older openings included."""
    sums = ask.sums
    gross = sums.gross - ask.closing - _closing_beside(ask)
    waiting = sums.reserved - ask.book.opening
    power, left = _opening_room.function(ask.equity, gross, ask.rules.leverage, ask.rules.max_gross)
    return power - waiting, left - waiting, gross + waiting


def _closing_beside(ask: Ask) -> int:
    """Value of what else was asked to close at the same event: it makes room, as in a backtest."""
    books, event_ts = ask.mirror.books, ask.intent.event_ts
    return sum(
        abs(book.value) - book.kept
        for book in map(books.__getitem__, ask.mirror.live)
        if book is not ask.book and book.stands and book.approved_ts == event_ts
    )


def _scaled(ask: Ask, room: int, bound: float, used: int) -> Found | None:
    cost = ask.cost
    if cost <= room:
        return None
    return Found(part_of(ask.opens, room, cost), bound, _over_equity(used + cost, ask))


def _over_equity(value: int, ask: Ask) -> float:
    return value / ask.equity if ask.equity > 0 else math.inf

"""The one look that is enough for most intents: an order at market that all limits have room for.

Whatever passes here passes every check of `fanfold.live.risk.checks` whole. It is asked more
strictly, so what does not pass may still: then the checks are asked, one after the other.

Where quotes are the clock each of them moves what the account holds. The sums are not made
anew for an intent: `Mirror.swayed` says how far they can be off, and they are asked for with
so much less room. Nothing here makes an object, since between two orders this code and what
it looks at have left the caches, and each that is touched has to be fetched again.
"""

import math
from typing import Final, NamedTuple

from fanfold.domain.money import MONEY_MAX
from fanfold.live.messages import Intent
from fanfold.live.risk.ask import LOTS_MAX, Post, Rooms
from fanfold.live.risk.book import Book, ceiling_of, opening_cost, share, split_order
from fanfold.live.risk.mirror import PRICE_MAX, Mirror
from fanfold.live.risk.rules import SECOND_NS

_NEARLY: Final = 1.0 - 1e-9
_NEARLY_HALF: Final = 0.5 * _NEARLY
"""What rounding of a product cannot pass."""

_HALF_MONEY: Final = MONEY_MAX // 2


class Usual(NamedTuple):
    """An intent that passes whole.

    Attributes:
        mark: The price that limits value at, of now [micro-units].
        close, opens: Signed lots of it that lessen the position, and that open one.
        spends: Buying power that it will take [micro-units].
    """

    mark: int
    close: int
    opens: int
    spends: int


def usual(intent: Intent, book: Book, mirror: Mirror, post: Post, floor: Rooms) -> Usual | None:
    """What an intent takes that passes whole, None where the checks must be asked.

    Args:
        intent: As it came.
        book: Of its asset.
        mirror: Market and account.
        post: Where risk stands.
        floor: What limits allow at an equity that is not above the account's.
    """
    if not _is_well(intent, book, mirror, post):
        return None
    rules, held, parts = mirror.rules, book.held, book.rules.parts
    mark = round(book.middle * 5e5) if rules.by_quotes else book.mark
    goal = intent.goal
    close, opens = split_order(held, goal - held) if held else (0, goal)
    if mark <= 0 or opens < 0 or (opens + abs(close)) * mark > _HALF_MONEY * parts:
        return None
    closing = share(abs(close), mark, parts) if close else 0
    if not opens:
        return Usual(mark, close, 0, -closing)
    value = share(opens, mark, parts)
    kept = share(held + close, mark, parts) if held else 0
    reserve = share(opens, ceiling_of(book, mark, rules), parts)
    if (
        value + closing >= 2 * book.rules.least
        and value <= rules.max_order_notional * 1e6 - 1.0
        and reserve <= mirror.power - mirror.spent + min(book.spent, 0)
        and _may_open(intent, book, mirror, post, opens)
        and _has_room(book, mirror, floor, value, kept, opening_cost(opens, mark, parts, rules))
    ):
        return Usual(mark, close, opens, reserve - closing)
    return None


def _is_well(intent: Intent, book: Book, mirror: Mirror, post: Post) -> bool:
    """Whether nothing of the form, of the venue and of where things stand can be in the way."""
    rules, quote, event_ts, newest = mirror.rules, book.quote, intent.event_ts, mirror.newest
    oldest = newest - rules.quote_age
    loss, target = intent.stop_loss, intent.take_profit
    return (
        post.armed
        and post.gate_open
        and not post.latch
        and not post.reconciling
        and intent.number > post.last_number
        and -LOTS_MAX <= intent.goal <= LOTS_MAX
        and oldest <= event_ts < LOTS_MAX
        and event_ts > 0
        and quote is not None
        and quote.ts >= oldest
        and not book.doubts
        and not mirror.deferring
        and not book.halted
        and not book.stale
        and mirror.feed_up
        and mirror.account is not None
        and post.now - post.fed_at <= rules.silence
        and mirror.day >= 0
        and newest < mirror.ends
        and mirror.sums.unmarked == 0
        and 0.0 < intent.mark <= PRICE_MAX
        and book.rules.takes_market
        and intent.limit != intent.limit
        and intent.stop != intent.stop
        and (loss != loss or 0.0 < loss <= PRICE_MAX)  # noqa: PLR0124
        and (target != target or 0.0 < target <= PRICE_MAX)  # noqa: PLR0124
    )


def _has_room(  # noqa: PLR0917  (what was found out already)
    book: Book, mirror: Mirror, floor: Rooms, value: int, kept: int, cost: int
) -> bool:
    """Whether the limits on what is held have room for it, whatever quotes have moved since."""
    sums, size, swayed = mirror.sums, abs(kept), 0
    if mirror.rules.by_quotes:
        if mirror.swayed > MONEY_MAX:
            return False
        swayed = math.ceil(mirror.swayed)
    more = cost + swayed
    used = sums.gross - abs(book.value) + size + sums.reserved - book.opening + more
    beside = sums.sectors[book.rules.sector] - book.kept - book.opening
    return (
        sums.cash + sums.held - swayed >= floor.equity > 0
        and size + value < floor.position
        and used <= floor.gross
        and used <= floor.power
        and sums.net - book.kept_net - book.opening_net + kept + more <= floor.net
        and beside + size + more <= floor.sector
    )


def _may_open(intent: Intent, book: Book, mirror: Mirror, post: Post, opens: int) -> bool:
    """Whether no other limit of an opening can be in its way."""
    rules, quote, price, parts = mirror.rules, book.quote, 0.5 * book.middle, book.rules.parts
    oldest = post.approved_at[post.place]
    return (
        quote is not None
        and quote.bid > 0.0
        and quote.ask > 0.0
        and quote.ask - quote.bid <= rules.spread_max * _NEARLY_HALF * (quote.ask + quote.bid)
        and abs(intent.mark - price) <= rules.price_collar * _NEARLY * price
        and book.jump != book.jump
        and opens <= book.daily_volume * rules.daily_volume_share * parts
        and (
            rules.max_volume_share == math.inf
            or opens <= book.average_volume() * rules.max_volume_share * parts
        )
        and mirror.order_count + 2 <= rules.max_orders
        and not book.orders
        and (not book.stands or book.goal != intent.goal)
        and mirror.open_count < rules.open_orders_max
        and (oldest == 0 or post.now - oldest >= SECOND_NS)
    )

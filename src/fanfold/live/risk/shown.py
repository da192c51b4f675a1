"""What risk shows of itself: numbers for whoever watches, quotes and refusals for people."""

from collections.abc import Iterable
from typing import Any, Final

from fanfold.live.component import Statistic
from fanfold.live.messages import Refusal
from fanfold.live.risk.ask import Post
from fanfold.live.risk.breakers import Breakers
from fanfold.live.risk.mirror import Mirror

REFUSALS_MAX: Final = 50
"""Refusals that are kept to be shown; the oldest go first."""


def gauges_of(mirror: Mirror, breakers: Breakers, post: Post) -> dict[str, Statistic]:
    """Where risk stands now; money in currency."""
    return {
        "equity": mirror.live_equity / 1e6,
        "peak": breakers.peak / 1e6,
        "day_start": breakers.day_start / 1e6,
        "cash": mirror.sums.cash / 1e6,
        "gross": mirror.sums.gross / 1e6,
        "reserved": mirror.sums.reserved / 1e6,
        "orders_of_session": mirror.order_count,
        "latch": post.latch,
        "gate_open": post.gate_open,
        "feed_up": mirror.feed_up,
        "reconciling": post.reconciling,
        "newest": mirror.newest,
    }


def inspected(mirror: Mirror, refusals: Iterable[Refusal]) -> dict[str, Any]:
    """The last quote of each asset, and the last refusals, the newest last.

    Quotes are bid, ask [currency] and instant [ns UTC] by symbol; assets without one are
    left out. A refusal is its instant [ns UTC], asset, reason, bound, reached and allowed.
    """
    quotes = {
        book.rules.symbol: [book.quote.bid, book.quote.ask, book.quote.ts]
        for book in mirror.books.values()
        if book.quote is not None
    }
    told = [
        [each.at, each.asset, each.reason, each.bound, each.reached, each.allowed]
        for each in refusals
    ]
    return {"quotes": quotes, "refusals": told}

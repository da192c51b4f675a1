"""What risk keeps of itself, and how its next incarnation goes on from it."""

from fanfold.live.risk.ask import Post
from fanfold.live.risk.breakers import Breakers
from fanfold.live.risk.keeper import Kept
from fanfold.live.risk.mirror import Mirror


def kept_of(mirror: Mirror, breakers: Breakers, post: Post) -> Kept:
    """What limits are measured from now."""
    return Kept(
        peak=round(breakers.peak),
        day=mirror.day,
        day_start=round(breakers.day_start),
        order_count=mirror.order_count,
        last_number=post.last_number,
        goals={
            book.rules.symbol: book.goal
            for book in mirror.books.values()
            if book.stands and book.goal != book.held
        },
        tripped=tuple(sorted(breakers.tripped)),
        splits={
            book.rules.symbol: book.split_ts for book in mirror.books.values() if book.split_ts
        },
        ratios={
            book.rules.symbol: book.split_ratio for book in mirror.books.values() if book.split_ts
        },
    )


def go_on_from(kept: Kept, mirror: Mirror, breakers: Breakers, post: Post) -> None:
    """Measure from where the last incarnation did; what it approved may still be open."""
    breakers.restore(kept.peak, kept.day_start, kept.tripped)
    mirror.day = kept.day
    mirror.order_count = kept.order_count
    post.last_number = post.highest = kept.last_number
    for book in mirror.books.values():
        book.split_ts = kept.splits.get(book.rules.symbol, 0)
        book.split_ratio = kept.ratios.get(book.rules.symbol, 1.0)
        goal = kept.goals.get(book.rules.symbol)
        if goal is not None:
            book.goal = goal
            book.stands = book.pending = True
            mirror.settle(book)

"""Whether orders come too fast, or twice: pure checks of scalars."""

from fanfold.domain.compiled import compiled


@compiled
def is_too_fast(oldest: int, now: int, span: int) -> bool:
    """Whether one more order would be one too many within a span of time.

    Args:
        oldest: Instant of the order that is as many orders back as are allowed within the
            span [ns]; 0 where there were not so many yet.
        now: Instant of the next [ns].
        span: Length of any such window [ns].
    """
    return oldest > 0 and now - oldest < span


@compiled
def is_duplicate(  # noqa: PLR0917 - compiled code takes its numbers by position
    goal: int, limit: float, stop: float, last_goal: int, last_limit: float, last_stop: float,
    age: int, span: int,
) -> bool:  # fmt: skip
    """Whether an order says what the last one said, too soon after it.

    Args:
        goal: Signed lots to hold.
        limit: Price, NaN for none [currency].
        stop: The same.
        last_goal: Of the last order of the same asset.
        last_limit: Of that order.
        last_stop: Of that order.
        age: Time since the last [ns].
        span: Time within which an equal one is a duplicate [ns].
    """
    return (
        age < span
        and goal == last_goal
        and (limit == last_limit or (limit != limit and last_limit != last_limit))  # noqa: PLR0124 - both NaN
        and (stop == last_stop or (stop != stop and last_stop != last_stop))  # noqa: PLR0124 - both NaN
    )

"""Between which prices a quote changes nothing but marks, and whether any may at all."""

import math
from typing import Any, Final

from fanfold.domain.compiled import Compiled
from fanfold.domain.language import attributes_read, content_hash
from fanfold.domain.money import MICRO, MONEY_MAX
from fanfold.engine.books import Books
from fanfold.engine.light import linked
from fanfold.engine.step.runner import ACCOUNT_FIELDS
from fanfold.engine.step.state import TARGET
from fanfold.engine.step.watch import look_ahead
from fanfold.engine.step.wish import NEXT_BAR
from fanfold.errors import LanguageError

_look_ahead = linked(look_ahead)

SWING: Final = 1.25
"""By what a price of a borrowed or lent asset may rise or fall until the step looks [1]."""

ROUNDING: Final = 1e-6
"""What floats may be off by, and more [share of what is held]."""

Bounds = list[tuple[float, float]]
"""Prices between which a quote of each asset changes nothing but marks; none may go by."""


def looks_at_market_only(decide: Any) -> bool:
    """Whether it is certain that a decision sees nothing that its orders change.

    Python outside the compiled subset may reach anything, so of it nothing is certain.
    """
    function = function_of(decide)
    try:
        content_hash(function)
    except (LanguageError, AttributeError):
        return False
    return not attributes_read(function) & ACCOUNT_FIELDS


def function_of(decide: Any) -> Any:
    """The plain function of a decision."""
    return decide.function if isinstance(decide, Compiled) else decide


def may_rest(books: Books) -> bool:
    """Whether terms let quotes go by that change no wish: no limit looks at every mark."""
    rules = books.rules
    losses = rules.max_drawdown < math.inf or rules.max_daily_loss < math.inf
    drifts = rules.rebalance_band < math.inf
    return not losses and not drifts and books.lag == 0


def quiet_bounds(books: Books) -> Bounds:
    """Prices between which a quote of each asset changes nothing but marks; [] if any may.

    Every goal is held or on its way, no level is reached and no margin is called.
    """
    if books.account.margin_called:
        return []
    rearms, wishes = books.rules.rearm == NEXT_BAR, books.wishes
    for i, desk in enumerate(books.desks):
        asks = desk.goal != desk.units + desk.close_order + desk.open_order
        is_late = desk.unsized == 1 or desk.target != wishes[i, TARGET]
        if asks or is_late or (rearms and desk.disarmed == 1):
            return []
    if books.account.stirred:
        _look_ahead(books.desks, books.account, books.rules)
    swing = math.inf if not _borrows(books) else SWING
    if swing < math.inf and _may_be_called(books):
        return []
    return [_bounds_of(desk, swing) for desk in books.desks]


def _bounds_of(desk: Any, swing: float) -> tuple[float, float]:
    low, high = desk.low_watch, desk.high_watch
    if desk.units != 0:
        # Half of what integers hold: from there on the step itself looks at it.
        high = min(high, MONEY_MAX / 2.0 / MICRO * desk.parts / abs(desk.units))
        low = max(low, desk.mark / MICRO / swing)
        high = min(high, desk.mark / MICRO * swing)
    return low, high


def _borrows(books: Books) -> bool:
    """Whether anything is held with money or assets of others; else no margin is called."""
    return books.account.cash < 0 or any(desk.units < 0 for desk in books.desks)


def _may_be_called(books: Books) -> bool:
    """Whether a margin call is near: equity less maintenance, after the worst swing."""
    values = [desk.value for desk in books.desks]
    longs = sum(value for value in values if value > 0) / SWING
    shorts = -sum(value for value in values if value < 0) * SWING
    margin = books.rules.maintenance
    left = books.account.cash + longs * (1.0 - margin) - shorts * (1.0 + margin)
    return left <= ROUNDING * (longs + shorts)

"""Prices that a decision has written: what of them is new, and what a held position makes of it."""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.prices import PRICE_MAX
from fanfold.engine.step.state import (
    FORWARD,
    LIMIT,
    STOP,
    STOP_LOSS,
    TAKE_PROFIT,
    TARGET,
    TRAILING_STOP,
)
from fanfold.engine.step.trigger import is_set, on_tick

HEARD_NOTHING = 0
HEARD_EXIT = 1
HEARD_ENTRY = 2


@compiled
def _same(one: float, other: float) -> bool:
    """Equal, or both NaN."""
    return one == other or (not is_set(one) and not is_set(other))


@compiled
def sane(price: float) -> float:
    """A price that money can hold; what is not finite is none."""
    return min(price, PRICE_MAX) if price - price == 0.0 else math.nan


@compiled_apart
def hear_prices(t: int, wishes: Any, facts: Any, desk: Any, rules: Any) -> int:
    """Take over changed prices; says whether those of the entry or an exit changed.

    A changed exit of a position that stays moves at once, to the price as written.
    """
    i = desk.index
    forward = facts[FORWARD, t, i] if rules.facts == 1 else 1.0
    heard = HEARD_NOTHING
    if not _same(wishes[i, LIMIT], desk.heard_limit) or not _same(wishes[i, STOP], desk.heard_stop):
        desk.heard_limit = wishes[i, LIMIT]
        desk.heard_stop = wishes[i, STOP]
        heard = HEARD_ENTRY
    stays = desk.units * wishes[i, TARGET] > 0.0 and desk.disarmed == 0
    side = 1 if desk.units > 0 else -1
    if not _same(sane(wishes[i, STOP_LOSS]), desk.heard_stop_loss):
        desk.heard_stop_loss = sane(wishes[i, STOP_LOSS])
        heard = max(heard, HEARD_EXIT)
        if stays:
            desk.stop_loss = on_tick(t, desk.heard_stop_loss / forward, -side, desk, facts, rules)
    if not _same(sane(wishes[i, TAKE_PROFIT]), desk.heard_take_profit):
        desk.heard_take_profit = sane(wishes[i, TAKE_PROFIT])
        heard = max(heard, HEARD_EXIT)
        if stays:
            desk.take_profit = on_tick(
                t, desk.heard_take_profit / forward, side, desk, facts, rules
            )
    if not _same(sane(wishes[i, TRAILING_STOP]), desk.heard_trailing):
        desk.heard_trailing = sane(wishes[i, TRAILING_STOP])
        heard = max(heard, HEARD_EXIT)
        if stays:
            if not is_set(desk.trailing):
                desk.extreme = desk.mark / 1e6
            desk.trailing = desk.heard_trailing / forward
    return heard

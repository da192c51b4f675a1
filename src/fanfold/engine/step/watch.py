"""What the next bars have to be looked at for.

Most bars change nothing but marks. After anything has changed this finds out whether
the very next bar needs the whole step, or only a bar that reaches a level.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.orders import DAY, EXPIRED, GTC, TIME_IN_FORCE
from fanfold.engine.step.book import end_order
from fanfold.engine.step.exits import has_exit, stop_level
from fanfold.engine.step.state import CLOSES_OWN, CLOSES_SESSION
from fanfold.engine.step.trigger import is_set


@compiled_apart
def look_ahead(desks: Any, account: Any, rules: Any) -> None:
    """Count what needs the step at the next bar, and set the levels to watch."""
    account.stirred = 0
    working = 0
    if account.sec_due != 0 or account.taf_due != 0 or account.cat_due != 0:
        working += 1
    if rules.margin_rate != 0 and account.cash < 0:
        working += 1
    watching = 0
    for i in range(len(desks)):
        desk = desks[i]
        desk.low_watch = -math.inf
        desk.high_watch = math.inf
        if desk.units < 0 and (rules.borrow_rate != 0 or rules.margin_rate != 0):
            working += 1
        if desk.close_order != 0 or desk.open_order != 0 or desk.unsized == 1:
            if _only_waits(desk, rules):
                watching = 1
                _watch_order(desk)
            else:
                working += 1
        if has_exit(desk):
            watching = 1
            _watch_exits(desk)
    account.working = working
    account.watching = watching


@compiled
def _only_waits(desk: Any, rules: Any) -> bool:
    """Whether an asset's orders wait for a price, and for nothing else."""
    if rules.time_in_force != GTC or desk.unsized == 1:
        return False
    if desk.close_order != 0 and desk.forced == 1:
        return False
    if desk.triggered == 1 and not is_set(desk.limit):
        return False  # a stop that was reached is a market order
    return is_set(desk.limit) or is_set(desk.stop)


@compiled_apart
def _watch_order(desk: Any) -> None:
    lots = desk.close_order if desk.close_order != 0 else desk.open_order
    side = 1 if lots > 0 else -1
    if is_set(desk.stop) and desk.triggered == 0:
        _watch_level(desk.stop, side, desk)
    else:
        _watch_level(desk.limit, -side, desk)


@compiled_apart
def _watch_exits(desk: Any) -> None:
    side = 1 if desk.units > 0 else -1
    _watch_level(stop_level(desk), -side, desk)
    _watch_level(desk.take_profit, side, desk)
    if is_set(desk.trailing):
        _watch_level(desk.extreme, side, desk)


@compiled
def _watch_level(level: float, side: int, desk: Any) -> None:
    """Watch a level above the market (side 1) or below it (-1); NaN is none."""
    if not is_set(level):
        return
    if side > 0:
        desk.high_watch = min(desk.high_watch, level)
    else:
        desk.low_watch = max(desk.low_watch, level)


@compiled_apart
def lapse(
    t: int, facts: Any, clock: Any, desks: Any, account: Any, rules: Any, orders: Any
) -> None:
    """End the orders whose time in force is over after bar t, if their asset traded in it.

    A day is over with the asset's own session.
    """
    closes = clock[CLOSES_SESSION, t] == 1
    for i in range(len(desks)):
        desk = desks[i]
        if rules.facts == 1:
            closes = facts[CLOSES_OWN, t, i] == 1.0
        if desk.traded == 0 or (rules.time_in_force == DAY and not closes):
            continue
        if desk.close_order != 0 and desk.forced == 0:
            desk.close_order = 0
            end_order(t, desk.close_row, desk.close_lots, EXPIRED, TIME_IN_FORCE, account, orders)
        if desk.open_order != 0 or desk.unsized == 1:
            desk.open_order = 0
            desk.unsized = 0
            end_order(t, desk.open_row, desk.open_lots, EXPIRED, TIME_IN_FORCE, account, orders)

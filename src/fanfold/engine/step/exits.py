"""Protective exits: a stop, a target and a trailing stop, of which one cancels the others."""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import to_micro
from fanfold.domain.orders import (
    AT_OPEN,
    CLOSE,
    EXIT,
    INSIDE,
    NO_REASON,
    STOP_EXIT,
    TARGET_EXIT,
    TRAILING_EXIT,
)
from fanfold.domain.panel import CLOSE as PRICE_CLOSE
from fanfold.domain.panel import HIGH, LOW
from fanfold.domain.panel import OPEN as PRICE_OPEN
from fanfold.engine.step.book import (
    begin_order,
    book,
    cancel_orders,
    disarm_exits,
    note_filled,
    slipped_price,
)
from fanfold.engine.step.state import FORWARD
from fanfold.engine.step.trigger import (
    BEST,
    PATH,
    beyond_of,
    is_set,
    limit_reached,
    on_tick,
    reached_after,
    stop_reached,
)
from fanfold.execution.costs import limited_price

ENTRY_BAR = 0
NEXT_BAR = 1
"""From when exits are armed (`FillOptions.exit_arming`)."""

FROM_FILL = 0
FROM_SIGNAL = 1
"""What the prices of exits refer to (`FillOptions.exit_reference`)."""


@compiled_apart
def enter(t: int, phase: int, price: int, desk: Any, facts: Any, rules: Any) -> None:
    """Arm the exits that the decision has written for a position that begins at a price."""
    if rules.prices == 0:
        return
    forward = facts[FORWARD, t, desk.index] if rules.facts == 1 else 1.0
    fill = price / 1e6
    moved = fill / desk.signal_close if rules.exit_reference == FROM_FILL else 1.0
    side = 1 if desk.units > 0 else -1
    desk.entry_bar = t
    desk.entry_inside = 1 if phase == INSIDE else 0
    desk.extreme = fill
    stop_loss = desk.heard_stop_loss / forward * moved
    take_profit = desk.heard_take_profit / forward * moved
    desk.stop_loss = on_tick(t, stop_loss, -side, desk, facts, rules)
    desk.take_profit = on_tick(t, take_profit, side, desk, facts, rules)
    desk.trailing = desk.heard_trailing / forward


@compiled
def stop_level(desk: Any) -> float:
    """The nearer of stop and trailing stop; NaN if there is neither."""
    level = desk.stop_loss
    if is_set(desk.trailing):
        if desk.units > 0:
            trail = to_micro(desk.extreme - desk.trailing) / 1e6
            return trail if not is_set(level) or trail > level else level
        trail = to_micro(desk.extreme + desk.trailing) / 1e6
        return trail if not is_set(level) or trail < level else level
    return level


@compiled
def has_exit(desk: Any) -> bool:
    """Whether a position has a level that would end it."""
    return desk.units != 0 and (
        is_set(desk.stop_loss) or is_set(desk.take_profit) or is_set(desk.trailing)
    )


@compiled_apart
def exit_at_open(
    t: int, side: int, panel: Any, facts: Any, clock: Any, desk: Any,
    account: Any, rules: Any, fills: Any, orders: Any,
) -> None:  # fmt: skip
    """End a position whose stop or target the open has passed; `side` is that of the exit."""
    if desk.units * side >= 0 or desk.entry_bar == t or desk.traded == 0 or not has_exit(desk):
        return
    start = panel[PRICE_OPEN, t, desk.index]
    stop = stop_level(desk)
    if is_set(stop) and stop_reached(start, side, stop):
        role = STOP_EXIT if stop == desk.stop_loss else TRAILING_EXIT
        _leave(t, AT_OPEN, role, start, stop, facts, clock, desk, account, rules, fills, orders)
        return
    target = desk.take_profit
    if is_set(target):
        beyond = beyond_of(t, target, desk, facts, rules)
        if limit_reached(start, side, target, beyond):
            _leave(
                t, AT_OPEN, TARGET_EXIT, start, target, facts, clock, desk,
                account, rules, fills, orders,
            )  # fmt: skip


@compiled_apart
def exit_inside(
    t: int, side: int, panel: Any, facts: Any, clock: Any, desk: Any,
    account: Any, rules: Any, fills: Any, orders: Any,
) -> None:  # fmt: skip
    """End a position whose stop or target lies inside the bar; `side` is that of the exit."""
    if desk.units * side >= 0 or desk.traded == 0 or not has_exit(desk):
        return
    is_new = desk.entry_bar == t
    if is_new and rules.exit_arming == NEXT_BAR:
        return
    entered_inside = is_new and desk.entry_inside == 1
    start = panel[PRICE_OPEN, t, desk.index]
    high = panel[HIGH, t, desk.index]
    low = panel[LOW, t, desk.index]
    close = panel[PRICE_CLOSE, t, desk.index]
    stop = stop_level(desk)
    target = math.nan if entered_inside else desk.take_profit
    against = low if side < 0 else high
    towards = high if side < 0 else low
    stopped = is_set(stop) and stop_reached(against, side, stop)
    taken = is_set(target) and limit_reached(
        towards, side, target, beyond_of(t, target, desk, facts, rules)
    )
    if stopped and entered_inside:
        stopped = _stopped_after_entry(start, high, low, close, stop, side, desk, rules)
    if stopped and taken:
        stopped = _stop_comes_first(start, high, low, close, stop, target, side, rules)
    if stopped:
        role = STOP_EXIT if stop == desk.stop_loss else TRAILING_EXIT
        since = desk.extreme if entered_inside else start
        reference = min(stop, since) if side < 0 else max(stop, since)
        _leave(
            t, INSIDE, role, reference, stop, facts, clock, desk,
            account, rules, fills, orders,
        )  # fmt: skip
    elif taken:
        reference = max(target, start) if side < 0 else min(target, start)
        _leave(
            t, INSIDE, TARGET_EXIT, reference, target, facts, clock, desk,
            account, rules, fills, orders,
        )  # fmt: skip


@compiled
def _first_extreme(start: float, high: float, low: float) -> float:
    """The extreme that lies nearer to the open is taken to come first."""
    return high if high - start < start - low else low


@compiled_apart
def _stop_comes_first(
    start: float,
    high: float,
    low: float,
    close: float,
    stop: float,
    target: float,
    side: int,
    rules: Any,
) -> bool:
    """Which of two exits inside a bar is taken (`intrabar`)."""
    if rules.intrabar == BEST:
        return False
    if rules.intrabar == PATH:
        if stop_reached(start, side, stop):
            return True
        if limit_reached(start, side, target, 0.0):
            return False
        first = _first_extreme(start, high, low)
        second = low if first == high else high
        return reached_after(stop, start, first, second, close, 0.0) <= reached_after(
            target, start, first, second, close, 0.0
        )
    return True


@compiled_apart
def _stopped_after_entry(
    start: float, high: float, low: float, close: float, stop: float, side: int, desk: Any,
    rules: Any,
) -> bool:  # fmt: skip
    """Whether a position that began inside the bar is stopped within it (`intrabar`).

    A price that has to pass the entry on its way to the stop proves it; where the stop
    may have been passed before the entry, the worst is assumed unless told otherwise.
    """
    entry = min(max(desk.extreme, low), high)  # a fill may have slipped beyond the bar
    passes_entry = start >= entry if side < 0 else start <= entry
    if passes_entry or stop_reached(close, side, stop):
        return True
    if rules.intrabar == BEST:
        return False
    if rules.intrabar == PATH:
        first = _first_extreme(start, high, low)
        second = low if first == high else high
        entered = reached_after(entry, start, first, second, close, 0.0)
        return reached_after(stop, start, first, second, close, entered) < math.inf
    return True


@compiled_apart
def _leave(
    t: int, phase: int, role: int, reference: float, level: float, facts: Any,
    clock: Any, desk: Any, account: Any, rules: Any, fills: Any, orders: Any,
) -> None:  # fmt: skip
    """Fill an exit, set the goal to zero and disarm the asset.

    A stop that is reached has triggered even where the bar has no room left to fill it:
    the rest goes at the market next. A target is a limit and waits.
    """
    size = max(min(abs(desk.units), desk.room), 0)
    if size == 0 and role == TARGET_EXIT:
        return
    lots = -size if desk.units > 0 else size
    price = slipped_price(t, reference, lots, desk, facts, rules)
    if role == TARGET_EXIT:
        price = limited_price(price, to_micro(level), 1 if lots > 0 else -1)
    cancel_orders(t, EXIT, desk, account, orders)
    if size > 0:
        begin_order(CLOSE, desk)
        limit = level if role == TARGET_EXIT else math.nan
        stop = math.nan if role == TARGET_EXIT else level
        note_filled(t, role, lots, limit, stop, NO_REASON, desk, account, orders)
        book(t, phase, lots, price, role, desk, clock, facts, account, rules, fills)
    account.stirred = 1
    desk.goal = 0
    desk.disarmed = 1
    desk.forced = 1
    disarm_exits(desk)


@compiled
def follow(t: int, panel: Any, desk: Any, account: Any) -> None:
    """Move a trailing stop's extreme to what bar t has shown since the entry."""
    if desk.units == 0 or not is_set(desk.trailing) or desk.traded == 0:
        return
    account.stirred = 1
    i = desk.index
    only_close = desk.entry_bar == t and desk.entry_inside == 1
    if desk.units > 0:
        shown = panel[PRICE_CLOSE, t, i] if only_close else panel[HIGH, t, i]
        desk.extreme = max(desk.extreme, shown)
    else:
        shown = panel[PRICE_CLOSE, t, i] if only_close else panel[LOW, t, i]
        desk.extreme = min(desk.extreme, shown)

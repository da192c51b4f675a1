"""Inside a bar: resting orders that its high or its low reaches.

Entries first, because nothing that is sold inside the bar pays for them; then the
protective exits, and closing orders with a price.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.orders import BUYING_POWER, DAY, GTC, INSIDE, MAX_GROSS
from fanfold.domain.panel import CLOSE as PRICE_CLOSE
from fanfold.domain.panel import HIGH, LOW
from fanfold.domain.panel import OPEN as PRICE_OPEN
from fanfold.engine.step.claims import marks_at, share_room
from fanfold.engine.step.exits import exit_inside, follow
from fanfold.engine.step.meet import fill_close, fill_open, price_for
from fanfold.engine.step.trigger import beyond_of, inside_reference, is_set, stop_reached
from fanfold.risk.limits import opening_room


@compiled_apart
def meet_inside(
    t: int, panel: Any, facts: Any, clock: Any, desks: Any, account: Any, rules: Any,
    fills: Any, orders: Any,
) -> None:  # fmt: skip
    """Fill resting orders and exits that bar t reaches after its open."""
    if rules.time_in_force == GTC or rules.time_in_force == DAY:
        _enter_inside(t, panel, facts, clock, desks, account, rules, fills, orders)
    for side in (-1, 1):
        for i in range(len(desks)):
            exit_inside(t, side, panel, facts, clock, desks[i], account, rules, fills, orders)
    if rules.time_in_force == GTC or rules.time_in_force == DAY:
        _close_inside(t, panel, facts, clock, desks, account, rules, fills, orders)
    for i in range(len(desks)):
        follow(t, panel, desks[i], account)


@compiled
def _rests(desk: Any) -> bool:
    """Whether the working orders wait for a price."""
    return is_set(desk.limit) or is_set(desk.stop)


@compiled_apart
def _reference(t: int, side: int, panel: Any, facts: Any, desk: Any, rules: Any) -> float:
    """Where a resting order meets the inside of bar t, or NaN; notes a stop that was reached."""
    i = desk.index
    high = panel[HIGH, t, i]
    low = panel[LOW, t, i]
    close = panel[PRICE_CLOSE, t, i]
    stop = math.nan if desk.triggered == 1 else desk.stop
    beyond = beyond_of(t, desk.limit, desk, facts, rules)
    reference = inside_reference(high, low, close, side, desk.limit, stop, beyond)
    if is_set(stop) and stop_reached(high if side > 0 else low, side, stop):
        desk.triggered = 1
    return reference


@compiled_apart
def _enter_inside(
    t: int, panel: Any, facts: Any, clock: Any, desks: Any, account: Any, rules: Any,
    fills: Any, orders: Any,
) -> None:  # fmt: skip
    """Fill opening orders with a price, as far as the money lasts that was there at the open."""
    waiting = False
    for i in range(len(desks)):
        desk = desks[i]
        desk.take = 0
        if desk.open_order == 0 or desk.close_order != 0 or desk.traded == 0 or not _rests(desk):
            continue
        side = 1 if desk.open_order > 0 else -1
        reference = _reference(t, side, panel, facts, desk, rules)
        if is_set(reference) and desk.room > 0:
            desk.take = min(abs(desk.open_order), desk.room) * side
            desk.reference = reference
            desk.price = price_for(t, reference, desk.take, facts, desk, rules)
            waiting = True
    if not waiting:
        return
    equity, gross = marks_at(t, PRICE_OPEN, panel, desks, account)
    power, gross_left = opening_room(equity, gross, rules.leverage, rules.max_gross)
    reason = MAX_GROSS if gross_left < power else BUYING_POWER
    share_room(t, min(power, gross_left), reason, facts, desks, account, rules, orders)
    for side in (-1, 1):
        for i in range(len(desks)):
            desk = desks[i]
            if desk.take * side > 0:
                fill_open(
                    t, INSIDE, desk.reference, facts, clock, desk, account, rules, fills, orders
                )


@compiled_apart
def _close_inside(
    t: int, panel: Any, facts: Any, clock: Any, desks: Any, account: Any, rules: Any,
    fills: Any, orders: Any,
) -> None:  # fmt: skip
    """Fill closing orders with a price."""
    for side in (-1, 1):
        for i in range(len(desks)):
            desk = desks[i]
            if (
                desk.close_order * side > 0
                and desk.forced == 0
                and desk.traded == 1
                and _rests(desk)
            ):
                reference = _reference(t, side, panel, facts, desk, rules)
                if is_set(reference):
                    fill_close(
                        t, INSIDE, reference, facts, clock, desk, account, rules, fills, orders
                    )

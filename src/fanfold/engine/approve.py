"""From targets to approved orders, at a bar's end.

When a target changes, sizing fixes a goal and limits trim it. What a limit takes
away leaves the goal, so it is not asked for again; what the market did not fill
stays in the goal and is.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import pro_rata, share
from fanfold.domain.orders import (
    BUYING_POWER,
    CANCELLED,
    CLOSE,
    MAX_DRAWDOWN,
    MAX_GROSS,
    MAX_POSITION,
    NO_REASON,
    OPEN,
    REFUSED,
    REPLACED,
    WORKING,
)
from fanfold.engine.open import is_small, may_overflow
from fanfold.engine.state import OK, TARGET_NOT_FINITE
from fanfold.execution.costs import commission
from fanfold.risk.limits import opening_room, position_room
from fanfold.strategies.sizing import EXPOSURE, sized_lots


@compiled
def close_bar(t: int, assets: Any, desks: Any, account: Any, rules: Any, orders: Any) -> None:
    """Read the targets of bar t and leave what is approved to the next open."""
    asking = 0
    for i in range(len(desks)):
        asset = assets[i]
        desk = desks[i]
        target = asset.target
        if account.halted == 1 and (desk.open_order != 0 or desk.unsized == 1):
            _cancel(t, MAX_DRAWDOWN, desk, account, orders)
        if target != desk.target or desk.goal != desk.units or desk.close_order != 0:
            if target - target != 0.0:  # false for finite numbers only
                account.status = TARGET_NOT_FINITE
                account.fault_asset = i
                account.fault_value = target
                return
            asking += _ask(t, target, desk, account, rules, orders)
        elif rules.rebalance_band < math.inf and _has_drifted(target, desk, account, rules):
            desk.target = math.inf  # forget it, so that it counts as changed
            asking += _ask(t, target, desk, account, rules, orders)
    if asking > 0 and account.status == OK:
        _approve(t, desks, account, rules, orders)


@compiled_apart
def _has_drifted(target: float, desk: Any, account: Any, rules: Any) -> bool:
    """Whether a position's weight has left the band around its target."""
    if desk.units == 0 or rules.sizing_kind != EXPOSURE:
        return False
    return abs(desk.value / account.equity - target) > rules.rebalance_band


@compiled_apart
def _ask(t: int, target: float, desk: Any, account: Any, rules: Any, orders: Any) -> int:
    """Set the goal and the wanted orders of one asset; 1 if it wants any."""
    if desk.mark == 0:
        return 0  # never traded yet: the target waits for a price
    if target != desk.target:
        desk.target = target
        if rules.size_at_fill == 1 and target != 0.0 and _may_open(desk, account):
            return _ask_at_fill(t, target, desk, account, orders)
        desk.goal = _goal(target, desk, account, rules)
    wanted = desk.goal - desk.units
    if desk.unsized == 1 or wanted == desk.close_order + desk.open_order:
        return 0
    if may_overflow(desk.goal, float(desk.mark), desk, account):
        return 0
    _cancel(t, REPLACED, desk, account, orders)
    if desk.goal != 0 and is_small(wanted, desk.mark, account.equity, desk, rules):
        desk.goal = desk.units
        return 0
    if wanted != 0 and desk.units != 0 and (wanted < 0) != (desk.units < 0):
        desk.close_order = max(wanted, -desk.units) if wanted < 0 else min(wanted, -desk.units)
    desk.open_order = wanted - desk.close_order
    desk.order_bar = t
    return 1


@compiled
def _may_open(desk: Any, account: Any) -> bool:
    """Not while a breaker closes a position; what it leaves closed is refused by name."""
    return account.halted == 0 or desk.units == 0


@compiled
def _goal(target: float, desk: Any, account: Any, rules: Any) -> int:
    """Signed lots that a changed target means now."""
    if not _may_open(desk, account):
        return 0
    return sized_lots(
        rules.sizing_kind,
        rules.sizing_value,
        target,
        account.equity / 1e6,
        desk.mark / 1e6,
        desk.parts,
    )


@compiled
def _ask_at_fill(t: int, target: float, desk: Any, account: Any, orders: Any) -> int:
    """Ask for a quantity that its fill will size; what is held the other way goes first."""
    _cancel(t, REPLACED, desk, account, orders)
    reverses = desk.units != 0 and (desk.units > 0) != (target > 0.0)
    desk.close_order = -desk.units if reverses else 0
    desk.unsized = 1
    desk.order_bar = t
    return 1


@compiled
def _cancel(t: int, reason: int, desk: Any, account: Any, orders: Any) -> None:
    """Take back what still works for this asset."""
    account.touched = 1
    if desk.close_order != 0:
        account.working -= 1
        desk.close_order = 0
        _mark_cancelled(t, reason, desk.close_row, account, orders)
    if desk.open_order != 0 or desk.unsized == 1:
        account.working -= 1
        desk.open_order = 0
        desk.unsized = 0
        _mark_cancelled(t, reason, desk.open_row, account, orders)


@compiled
def _mark_cancelled(t: int, reason: int, row: int, account: Any, orders: Any) -> None:
    if account.recording == 1:
        orders[row].status = CANCELLED
        orders[row].reason = reason
        orders[row].done_bar = t


@compiled_apart
def _approve(t: int, desks: Any, account: Any, rules: Any, orders: Any) -> None:
    """Trim or refuse what was asked at bar t, then record it and let it wait.

    Each asset alone first (breaker, position limit); then all openings together,
    pro rata, against the room that gross limit and buying power leave.
    """
    claims = 0
    reserved = 0
    gross = account.gross
    for i in range(len(desks)):
        desk = desks[i]
        if desk.order_bar != t:
            reserved += _opening_cost(desk, rules)
            continue
        desk.asked = desk.open_order
        desk.reason = NO_REASON
        _limit_alone(desk, account, rules)
        gross -= abs(share(desk.close_order, desk.mark, desk.parts))
        claims += _opening_cost(desk, rules)
    power, gross_left = opening_room(account.equity, gross, rules.leverage, rules.max_gross)
    room = max(min(power, gross_left) - reserved, 0)
    reason = MAX_GROSS if gross_left < power else BUYING_POWER
    for i in range(len(desks)):
        desk = desks[i]
        if desk.order_bar == t:
            if claims > room and desk.open_order != 0:
                cost = _opening_cost(desk, rules)
                desk.open_order = part_of(desk.open_order, pro_rata(room, cost, claims), cost)
                desk.reason = reason
            _record(t, i, desk, account, orders)


@compiled
def _limit_alone(desk: Any, account: Any, rules: Any) -> None:
    """Refuse or trim the opening order of one asset, whatever the others ask."""
    if account.halted == 1:
        if desk.open_order != 0 or desk.unsized == 1:
            desk.reason = MAX_DRAWDOWN
        desk.open_order = 0
        desk.unsized = 0
        return
    if rules.max_position == math.inf or desk.open_order == 0:
        return
    room = position_room(account.equity, rules.max_position)
    kept = desk.units + desk.close_order
    after = abs(share(kept + desk.open_order, desk.mark, desk.parts))
    if after > room:
        allowed = part_of(kept + desk.open_order, room, after)
        trimmed = allowed - kept
        desk.open_order = trimmed if (trimmed > 0) == (desk.open_order > 0) else 0
        desk.reason = MAX_POSITION


@compiled
def part_of(lots: int, room: int, cost: int) -> int:
    """Signed whole lots of an order of `cost` that fit into `room`."""
    if room >= cost:
        return lots
    fits = pro_rata(room, abs(lots), cost)
    return fits if lots > 0 else -fits


@compiled
def _opening_cost(desk: Any, rules: Any) -> int:
    """What the opening order would take at the last close [micro-units]."""
    if desk.open_order == 0:
        return 0
    amount = share(abs(desk.open_order), desk.mark, desk.parts)
    return amount + commission(amount, rules.commission_rate)


@compiled
def _record(t: int, i: int, desk: Any, account: Any, orders: Any) -> None:
    """Write the rows of one asset's new orders and count what waits."""
    if desk.close_order != 0:
        account.working += 1
        desk.close_row = _write(
            t, i, CLOSE, desk.close_order, desk.close_order, NO_REASON, account, orders
        )
    if desk.unsized == 1:
        account.working += 1
        desk.open_row = _write(t, i, OPEN, 0, 0, NO_REASON, account, orders)
        return
    if desk.open_order != 0:
        account.working += 1
    if desk.asked != 0 or desk.reason != NO_REASON:
        desk.open_row = _write(
            t, i, OPEN, desk.asked, desk.open_order, desk.reason, account, orders
        )
    desk.goal = desk.units + desk.close_order + desk.open_order


@compiled
def _write(
    t: int, i: int, role: int, asked: int, approved: int, reason: int, account: Any, orders: Any
) -> int:
    """Append one order row, if rows are recorded; returns its place."""
    place = account.order_rows
    account.order_rows = place + 1
    if account.recording == 0:
        return place
    row = orders[place]
    row.bar = t
    row.asset = i
    row.role = role
    row.asked = asked
    row.approved = approved
    row.filled = 0
    row.reason = reason
    refused = role == OPEN and approved == 0 and reason != NO_REASON
    row.status = REFUSED if refused else WORKING
    row.done_bar = t if refused else -1
    return place

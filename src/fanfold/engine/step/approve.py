"""What was asked at a bar's end, approved, trimmed or refused by a limit with a name.

Each asset alone first; then all openings together, pro rata. What a limit takes away
leaves the goal, so it is not asked for again; what the market did not fill stays in
the goal and is.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import pro_rata, share
from fanfold.domain.orders import (
    BUYING_POWER,
    CLOSE,
    MARGIN_CALL,
    MAX_GROSS,
    MAX_NET,
    MAX_ORDERS,
    MAX_SECTOR,
    MAX_VAR,
    NO_REASON,
    OPEN,
    REFUSED,
    WORKING,
)
from fanfold.engine.step.alone import limit_alone, part_of, refuse, trim
from fanfold.engine.step.book import begin_order
from fanfold.engine.step.state import SESSIONS_CLOSED
from fanfold.execution.costs import order_fee
from fanfold.risk.limits import opening_room
from fanfold.risk.portfolio import portfolio_moments, var_room
from fanfold.risk.room import net_room, orders_left, sector_room

HELD = 0
WANTED = 1
SCRATCH_ROWS = 2
"""Rows of `scratch`, float64 of shape [row, asset]: value that is held, value that
openings would add [currency]; where the value at risk is limited, the assets' returns
[1] of all sessions follow, a row each."""


@compiled_apart
def approve(
    t: int, scratch: Any, facts: Any, clock: Any, desks: Any, account: Any, rules: Any, orders: Any
) -> None:
    """Trim or refuse what was asked at bar t, then record it and let it wait."""
    session = clock[SESSIONS_CLOSED, t - 1] if t > 0 else 0
    if account.order_session != session:
        account.order_session = session
        account.order_count = 0
    for i in range(len(desks)):
        desk = desks[i]
        if desk.order_bar == t:
            desk.asked = desk.open_order
            desk.reason = NO_REASON
            desk.bound = math.nan
            desk.reached = math.nan
            limit_alone(t, facts, desk, account, rules)
            account.order_count += 1 if desk.close_order != 0 else 0
    _limit_count(t, desks, account, rules)
    if rules.max_sector < math.inf:
        _limit_sectors(t, desks, account, rules)
    if rules.max_net < math.inf:
        _limit_net(t, desks, account, rules)
    _limit_gross(t, desks, account, rules)
    if rules.max_deviation < math.inf:
        _limit_deviation(t, scratch, clock, desks, account, rules)
    for i in range(len(desks)):
        if desks[i].order_bar == t:
            _record(t, desks[i], account, orders)


@compiled_apart
def _limit_count(t: int, desks: Any, account: Any, rules: Any) -> None:
    """Closings always go and are counted; of the openings the first ones, all or none.

    Which ones would be left out must not depend on the order of columns, so where they
    do not all fit none is sent.
    """
    openings = 0
    for i in range(len(desks)):
        if desks[i].order_bar == t and (desks[i].open_order != 0 or desks[i].unsized == 1):
            openings += 1
    if openings == 0:
        return
    if openings > orders_left(account.order_count, rules.max_orders):
        for i in range(len(desks)):
            desk = desks[i]
            if desk.order_bar == t and (desk.open_order != 0 or desk.unsized == 1):
                refuse(MAX_ORDERS, rules.max_orders, account.order_count + openings, desk)
        return
    account.order_count += openings


@compiled
def _takes_part(t: int, side: int, sector: int, desk: Any) -> bool:
    """Whether an opening asked at bar t belongs to a side (0: any) and a sector (-1: any)."""
    return (
        desk.order_bar == t
        and desk.open_order != 0
        and (side == 0 or desk.open_order * side > 0)
        and (sector < 0 or desk.sector == sector)
    )


@compiled_apart
def _scale(
    t: int, side: int, sector: int, room: int, reason: int, bound: float, used: int,
    desks: Any, account: Any, rules: Any,
) -> None:  # fmt: skip
    """Scale some openings pro rata to their room [micro-units]; `used` is there already."""
    claims = 0
    for i in range(len(desks)):
        if _takes_part(t, side, sector, desks[i]):
            claims += _opening_cost(desks[i], rules)
    if claims <= room:
        return
    reached = (used + claims) / account.equity if account.equity > 0 else math.inf
    for i in range(len(desks)):
        desk = desks[i]
        if _takes_part(t, side, sector, desk):
            cost = _opening_cost(desk, rules)
            lots = part_of(desk.open_order, pro_rata(room, cost, claims), cost)
            trim(lots, reason, bound, reached, desk)


@compiled_apart
def _limit_sectors(t: int, desks: Any, account: Any, rules: Any) -> None:
    """Each sector's openings against what the sector holds and has working."""
    for i in range(len(desks)):
        sector = desks[i].sector
        is_first = True
        used = 0
        for k in range(len(desks)):
            other = desks[k]
            if other.sector == sector:
                is_first = is_first and k >= i
                used += _kept(t, other, rules)
        if is_first:
            room = sector_room(account.equity, used, rules.max_sector)
            _scale(t, 0, sector, room, MAX_SECTOR, rules.max_sector, used, desks, account, rules)


@compiled_apart
def _kept(t: int, desk: Any, rules: Any) -> int:
    """Absolute value of what an asset keeps and of an older opening that still works."""
    kept = abs(share(desk.units + desk.close_order, desk.mark, desk.parts))
    return kept + (_opening_cost(desk, rules) if desk.order_bar != t else 0)


@compiled_apart
def _limit_net(t: int, desks: Any, account: Any, rules: Any) -> None:
    """Longs and shorts apart, each against what the positions that stay leave."""
    net = 0
    for i in range(len(desks)):
        desk = desks[i]
        net += share(desk.units + desk.close_order, desk.mark, desk.parts)
        if desk.order_bar != t:
            net += share(desk.open_order, desk.mark, desk.parts)
    for side in (-1, 1):
        room = net_room(account.equity, net, side, rules.max_net)
        _scale(t, side, -1, room, MAX_NET, rules.max_net, net * side, desks, account, rules)


@compiled_apart
def _limit_gross(t: int, desks: Any, account: Any, rules: Any) -> None:
    """All openings against the room that gross limit and buying power leave."""
    gross = account.gross
    reserved = 0
    for i in range(len(desks)):
        desk = desks[i]
        if desk.order_bar == t:
            gross -= abs(share(desk.close_order, desk.mark, desk.parts))
        else:
            reserved += _opening_cost(desk, rules)
    power, gross_left = opening_room(account.equity, gross, rules.leverage, rules.max_gross)
    room = max(min(power, gross_left) - reserved, 0)
    by_limit = gross_left < power
    reason = MAX_GROSS if by_limit else BUYING_POWER
    bound = rules.max_gross if by_limit else rules.leverage / 1e9
    _scale(t, 0, -1, room, reason, bound, gross + reserved, desks, account, rules)


@compiled_apart
def _limit_deviation(
    t: int, scratch: Any, clock: Any, desks: Any, account: Any, rules: Any
) -> None:
    """All openings against the deviation that the value at risk leaves the portfolio."""
    wanted = False
    for i in range(len(desks)):
        desk = desks[i]
        kept = desk.units + desk.close_order
        if desk.order_bar != t:
            kept += desk.open_order
        scratch[HELD, i] = share(kept, desk.mark, desk.parts) / 1e6
        scratch[WANTED, i] = 0.0
        if _takes_part(t, 0, -1, desk):
            scratch[WANTED, i] = share(desk.open_order, desk.mark, desk.parts) / 1e6
            wanted = True
    if not wanted:
        return
    sessions = clock[SESSIONS_CLOSED, t]
    count = min(sessions, rules.deviation_window)
    base, both, opening = portfolio_moments(
        scratch, HELD, WANTED, SCRATCH_ROWS + sessions - count, count
    )
    bound = rules.max_deviation * account.equity / 1e6
    part = var_room(base, both, opening, bound)
    if part >= 1.0:
        return
    after = base + 2.0 * both + opening
    reached = math.sqrt(after) / (account.equity / 1e6) if after > 0.0 else math.nan
    for i in range(len(desks)):
        desk = desks[i]
        if _takes_part(t, 0, -1, desk):
            size = math.floor(abs(desk.open_order) * part)
            trim(
                size if desk.open_order > 0 else -size, MAX_VAR,
                rules.max_deviation * rules.var_z, reached * rules.var_z, desk,
            )  # fmt: skip


@compiled_apart
def _opening_cost(desk: Any, rules: Any) -> int:
    """What the opening order would take at the last close [micro-units]."""
    if desk.open_order == 0:
        return 0
    amount = share(abs(desk.open_order), desk.mark, desk.parts)
    return amount + order_fee(
        amount,
        abs(desk.open_order) / desk.parts,
        rules.commission_rate,
        rules.commission_per_unit,
        rules.commission_per_trade,
        rules.commission_min,
    )


@compiled_apart
def _record(t: int, desk: Any, account: Any, orders: Any) -> None:
    """Write the rows of one asset's new orders; they are what waits from now on."""
    account.touched = 1
    if desk.close_order != 0:
        begin_order(CLOSE, desk)
        reason = MARGIN_CALL if account.margin_called == 1 and desk.forced == 1 else NO_REASON
        desk.close_row = account.order_rows
        write_order(t, CLOSE, desk.close_order, desk.close_order, reason, desk, account, orders)
    if desk.unsized == 1:
        begin_order(OPEN, desk)
        desk.open_row = account.order_rows
        write_order(t, OPEN, 0, 0, NO_REASON, desk, account, orders)
        return
    if desk.asked != 0 or desk.reason != NO_REASON:
        begin_order(OPEN, desk)
        desk.open_row = account.order_rows
        write_order(t, OPEN, desk.asked, desk.open_order, desk.reason, desk, account, orders)
    desk.goal = desk.units + desk.close_order + desk.open_order


@compiled_apart
def write_order(
    t: int, role: int, asked: int, approved: int, reason: int, desk: Any, account: Any, orders: Any
) -> None:
    """Append one order row, if rows are recorded."""
    place = account.order_rows
    account.order_rows = place + 1
    if account.recording == 0:
        return
    row = orders[place]
    row.bar = t
    row.asset = desk.index
    row.role = role
    row.asked = asked
    row.approved = approved
    row.filled = 0
    row.limit = desk.limit
    row.stop = desk.stop
    row.reason = reason
    is_new = role == OPEN and reason != NO_REASON
    row.bound = desk.bound if is_new else math.nan
    row.reached = desk.reached if is_new else math.nan
    refused = is_new and approved == 0
    row.status = REFUSED if refused else WORKING
    row.done_bar = t if refused else -1

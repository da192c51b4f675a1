"""One asset's opening against the limits that look at it alone, whatever the others ask."""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import pro_rata, share
from fanfold.domain.orders import (
    DAILY_VOLUME,
    MAX_DAILY_LOSS,
    MAX_DRAWDOWN,
    MAX_ORDER_NOTIONAL,
    MAX_POSITION,
    MAX_VOLUME_SHARE,
    NOT_SHORTABLE,
    PRICE_COLLAR,
    UNCONFIRMED,
)
from fanfold.engine.step.state import AVERAGE_VOLUME, JUMP, REAL
from fanfold.engine.step.state import DAILY_VOLUME as DAILY_VOLUME_ROW
from fanfold.engine.step.trigger import is_set
from fanfold.risk.collar import farthest_price
from fanfold.risk.limits import position_room
from fanfold.risk.room import notional_room, volume_room


@compiled_apart
def part_of(lots: int, room: int, cost: int) -> int:
    """Signed whole lots of an order of `cost` that fit into `room`."""
    if room >= cost:
        return lots
    fits = pro_rata(room, abs(lots), cost)
    return fits if lots > 0 else -fits


@compiled
def trim(lots: int, reason: int, bound: float, reached: float, desk: Any) -> None:
    """Leave an opening order so many lots, and note why."""
    desk.open_order = lots
    desk.reason = reason
    desk.bound = bound
    desk.reached = reached


@compiled
def refuse(reason: int, bound: float, reached: float, desk: Any) -> None:
    """Let nothing be opened, and note why."""
    desk.unsized = 0
    trim(0, reason, bound, reached, desk)


@compiled_apart
def limit_alone(t: int, facts: Any, desk: Any, account: Any, rules: Any) -> None:
    """Refuse or trim the opening order of one asset, whatever the others ask."""
    if desk.open_order == 0 and desk.unsized == 0:
        return
    if account.halted == 1:
        lost = 1.0 - account.equity / account.peak
        refuse(MAX_DRAWDOWN, rules.max_drawdown, lost, desk)
        return
    if account.day_halted == 1:
        lost = 1.0 - account.equity / account.session_equity
        refuse(MAX_DAILY_LOSS, rules.max_daily_loss, lost, desk)
        return
    goes_short = desk.open_order < 0 or (desk.unsized == 1 and desk.target < 0.0)
    if goes_short and (desk.shortable == 0 or account.equity < rules.short_equity_min):
        refuse(NOT_SHORTABLE, rules.short_equity_min / 1e6, account.equity / 1e6, desk)
        return
    if _is_doubtful(t, facts, desk, rules) or desk.open_order == 0:
        return
    if rules.max_order_notional < math.inf:
        _limit_notional(desk, rules)
    if rules.max_volume_share < math.inf:
        _limit_volume(t, AVERAGE_VOLUME, rules.max_volume_share, MAX_VOLUME_SHARE, facts, desk)
    if rules.max_daily_volume_share < math.inf:
        _limit_volume(t, DAILY_VOLUME_ROW, rules.max_daily_volume_share, DAILY_VOLUME, facts, desk)
    if rules.max_position < math.inf:
        _limit_position(desk, account, rules)


@compiled_apart
def _limit_notional(desk: Any, rules: Any) -> None:
    room = notional_room(rules.max_order_notional)
    value = share(abs(desk.open_order), desk.mark, desk.parts)
    if value > room:
        lots = part_of(desk.open_order, room, value)
        trim(lots, MAX_ORDER_NOTIONAL, rules.max_order_notional, value / 1e6, desk)


@compiled_apart
def _is_doubtful(t: int, facts: Any, desk: Any, rules: Any) -> bool:
    """Refuse an opening whose price, or whose market's, is not to be believed."""
    if rules.outlier < math.inf:
        jump = facts[JUMP, t, desk.index]
        if is_set(jump):
            refuse(UNCONFIRMED, rules.outlier, jump, desk)
            return True
    if rules.max_price_distance < math.inf and rules.prices == 1:
        far = farthest_price(desk.limit, desk.stop, desk.mark / 1e6)
        if far > rules.max_price_distance:
            refuse(PRICE_COLLAR, rules.max_price_distance, far, desk)
            return True
    return False


@compiled_apart
def _limit_volume(t: int, usual: int, share_max: float, reason: int, facts: Any, desk: Any) -> None:
    """Trim an opening to its share of a usual volume, a row of the facts."""
    real = facts[REAL, t, desk.index]
    average = facts[usual, t, desk.index] / real
    most = volume_room(average, share_max, desk.parts)
    size = abs(desk.open_order)
    if size > most:
        reached = size / desk.parts / average if average > 0.0 else math.inf
        lots = most if desk.open_order > 0 else -most
        trim(lots, reason, share_max, reached, desk)


@compiled_apart
def _limit_position(desk: Any, account: Any, rules: Any) -> None:
    room = position_room(account.equity, rules.max_position)
    kept = desk.units + desk.close_order
    after = abs(share(kept + desk.open_order, desk.mark, desk.parts))
    if after > room:
        allowed = part_of(kept + desk.open_order, room, after)
        trimmed = allowed - kept
        lots = trimmed if (trimmed > 0) == (desk.open_order > 0) else 0
        reached = after / account.equity if account.equity > 0 else math.inf
        trim(lots, MAX_POSITION, rules.max_position, reached, desk)

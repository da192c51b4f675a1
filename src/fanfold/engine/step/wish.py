"""From what a decision wrote to goals, and from goals to orders that ask for approval.

When a target changes, sizing fixes a goal. At every bar's end the order is the goal
less what is held and what still works. An exit or a breaker sets the goal to zero and
disarms the asset until the strategy states another target.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import RATE_ONE, to_micro
from fanfold.domain.orders import (
    DELISTED,
    MAX_DAILY_LOSS,
    MAX_DRAWDOWN,
    NO_REASON,
    NO_STOP_LOSS,
    NOT_MEMBER,
    OPEN,
    REPLACED,
)
from fanfold.engine.step.approve import approve, write_order
from fanfold.engine.step.book import cancel_orders, may_overflow
from fanfold.engine.step.claims import is_small
from fanfold.engine.step.hear import HEARD_ENTRY, HEARD_NOTHING, hear_prices, sane
from fanfold.engine.step.state import (
    FORWARD,
    MEMBER,
    OK,
    SCALE,
    TARGET,
    TARGET_NOT_FINITE,
    UNLIMITED,
)
from fanfold.engine.step.trigger import is_set, on_tick
from fanfold.engine.step.watch import look_ahead
from fanfold.execution.venue_rules import collared
from fanfold.risk.room import liquidation_share
from fanfold.strategies.sizing import (
    EXPOSURE,
    KELLY,
    RISK_FRACTION,
    VOLATILITY_TARGET,
    sized_lots_at,
)

ON_CHANGE = 0
NEXT_BAR = 1
NEVER = 2
"""When a disarmed asset is armed again (`FillOptions.rearm`)."""

BEYOND_POWER = 2.0
"""Most that a sizing by risk asks for [times what the account may hold]."""


@compiled
def close_bar(  # noqa: C901  (what may change a target, in its order)
    t: int, wishes: Any, scratch: Any, facts: Any, clock: Any, desks: Any, account: Any,
    rules: Any, orders: Any,
) -> None:  # fmt: skip
    """Hear the wishes of bar t and leave what is approved to the next bar."""
    asking = 0
    if account.margin_called == 1:
        _liquidate(desks, account, rules)
    for i in range(len(desks)):
        desk = desks[i]
        target = wishes[i, TARGET]
        repriced = 0
        if rules.prices == 1:
            heard = hear_prices(t, wishes, facts, desk, rules)
            if heard != HEARD_NOTHING:
                account.stirred = 1
            repriced = 1 if heard == HEARD_ENTRY else 0
        if is_halted(account) and (desk.open_order != 0 or desk.unsized == 1):
            cancel_orders(t, _breaker(account), desk, account, orders)
        if rules.facts == 1 or desk.listed == 0:
            target = _if_listed(t, target, facts, desk, account, rules, orders)
        if desk.disarmed == 1:
            target = _if_armed(target, desk, account, rules)
        works = desk.close_order != 0 or desk.open_order != 0 or desk.unsized == 1
        if (
            target != desk.target
            or desk.goal != desk.units
            or desk.close_order != 0
            or (repriced == 1 and works)
        ):
            if target - target != 0.0:  # false for finite numbers only
                account.status = TARGET_NOT_FINITE
                account.fault_asset = i
                account.fault_value = target
                return
            asking += _ask(t, target, repriced, facts, desk, account, rules, orders)
        elif rules.rebalance_band < math.inf and _has_drifted(
            t, target, facts, desk, account, rules
        ):
            desk.target = math.inf  # forget it, so that it counts as changed
            asking += _ask(t, target, 0, facts, desk, account, rules, orders)
    if asking > 0 and account.status == OK:
        approve(t, scratch, facts, clock, desks, account, rules, orders)
    account.margin_called = 0
    if account.stirred == 1:
        look_ahead(desks, account, rules)


@compiled
def is_halted(account: Any) -> bool:
    """Whether a breaker lets nothing be opened."""
    return account.halted == 1 or account.day_halted == 1


@compiled
def _breaker(account: Any) -> int:
    return MAX_DRAWDOWN if account.halted == 1 else MAX_DAILY_LOSS


@compiled_apart
def _if_listed(
    t: int, target: float, facts: Any, desk: Any, account: Any, rules: Any, orders: Any
) -> float:
    """The target, or nothing while the asset is no member or no longer listed.

    It is refused by name when it is stated, and heard again once the asset is a member.
    """
    reason = NO_REASON
    if desk.listed == 0:
        reason = DELISTED
    elif rules.facts == 1 and facts[MEMBER, t, desk.index] == 0.0:
        reason = NOT_MEMBER
    if reason == NO_REASON:
        desk.barred = math.nan
        return target
    if target != 0.0 and target != desk.barred:
        _refuse_asked(t, reason, desk, account, orders)
    desk.barred = target
    if desk.open_order != 0 or desk.unsized == 1:
        cancel_orders(t, reason, desk, account, orders)
    if desk.target != 0.0:
        desk.target = 0.0
        desk.goal = 0
        desk.forced = 1
    return 0.0


@compiled_apart
def _refuse_asked(t: int, reason: int, desk: Any, account: Any, orders: Any) -> None:
    """Record that a target was refused before it became a quantity."""
    desk.bound = math.nan
    desk.reached = math.nan
    write_order(t, OPEN, 0, 0, reason, desk, account, orders)


@compiled
def _if_armed(target: float, desk: Any, account: Any, rules: Any) -> float:
    """The target if it arms the asset again, else the one that was heard last.

    What an exit or a breaker could not fill at once has to be gone first.
    """
    if desk.units != 0 or rules.rearm == NEVER or (rules.rearm == NEXT_BAR and is_halted(account)):
        return desk.target
    if rules.rearm == NEXT_BAR:
        desk.disarmed = 0
        desk.target = math.inf
    elif target != desk.target:
        desk.disarmed = 0
    return target


@compiled_apart
def _liquidate(desks: Any, account: Any, rules: Any) -> None:
    """A margin call takes the same share of every position, rounded up to lots."""
    account.stirred = 1
    part = liquidation_share(
        account.equity, account.gross, min(rules.leverage / RATE_ONE, 1.0 / rules.maintenance)
    )
    for i in range(len(desks)):
        desk = desks[i]
        size = abs(desk.units)
        taken = min(math.ceil(size * part), size)
        if taken > 0:
            left = size - taken
            desk.goal = left if desk.units > 0 else -left
            desk.forced = 1


@compiled_apart
def _has_drifted(t: int, target: float, facts: Any, desk: Any, account: Any, rules: Any) -> bool:
    """Whether a position's weight has left the band around its target."""
    weight = target
    if rules.sizing_kind == KELLY or rules.sizing_kind == VOLATILITY_TARGET:
        scale = facts[SCALE, t, desk.index]
        weight = target * scale if scale > 0.0 else 0.0
    elif rules.sizing_kind != EXPOSURE:
        return False
    if desk.units == 0 or desk.disarmed == 1:
        return False
    return abs(desk.value / account.equity - weight) > rules.rebalance_band


@compiled_apart
def _ask(
    t: int,
    target: float,
    repriced: int,
    facts: Any,
    desk: Any,
    account: Any,
    rules: Any,
    orders: Any,
) -> int:
    """Set the goal and the wanted orders of one asset; 1 if it wants any."""
    if desk.mark == 0:
        return 0  # never traded yet: the target waits for a price
    account.stirred = 1
    if target != desk.target:
        called = desk.goal
        desk.target = target
        if account.margin_called == 0 and _may_open(desk, account):
            desk.forced = 0
        if _is_sized_at_fill(target, desk, account, rules):
            return _ask_at_fill(t, target, desk, account, orders)
        desk.goal = _goal(t, target, facts, desk, account, rules)
        if account.margin_called == 1 and desk.forced == 1 and abs(desk.goal) > abs(called):
            desk.goal = called
        unstopped = not is_set(desk.heard_stop_loss)
        if rules.sizing_kind == RISK_FRACTION and target != 0.0 and unstopped:
            _refuse_asked(t, NO_STOP_LOSS, desk, account, orders)
    wanted = desk.goal - desk.units
    if repriced == 0 and (desk.unsized == 1 or wanted == desk.close_order + desk.open_order):
        return 0
    if may_overflow(desk.goal, float(desk.mark), desk, account):
        return 0
    if desk.close_order != 0 or desk.open_order != 0 or desk.unsized == 1:
        cancel_orders(t, REPLACED, desk, account, orders)
    return _want(t, wanted, facts, desk, account, rules)


@compiled_apart
def _want(t: int, wanted: int, facts: Any, desk: Any, account: Any, rules: Any) -> int:
    """Ask for so many lots: what closes, and what opens; 1 unless they are too few."""
    if (
        desk.goal != 0
        and desk.forced == 0
        and is_small(wanted, desk.mark, account.equity, desk, rules)
    ):
        desk.goal = desk.units
        return 0
    if wanted != 0 and desk.units != 0 and (wanted < 0) != (desk.units < 0):
        desk.close_order = max(wanted, -desk.units) if wanted < 0 else min(wanted, -desk.units)
    desk.open_order = wanted - desk.close_order
    desk.order_bar = t
    desk.signal_close = desk.mark / 1e6
    if rules.prices == 1:
        _price(t, wanted, facts, desk, rules)
    return 1


@compiled
def _is_sized_at_fill(target: float, desk: Any, account: Any, rules: Any) -> bool:
    """An order with a price is sized when it is decided, whatever sizes the others."""
    if rules.size_at_fill == 0 or target == 0.0 or not _may_open(desk, account):
        return False
    priced = is_set(desk.heard_limit) or is_set(desk.heard_stop)
    return rules.prices == 0 or not priced


@compiled_apart
def _price(t: int, wanted: int, facts: Any, desk: Any, rules: Any) -> None:
    """Give the new order the prices that were heard, on the venue's ticks."""
    desk.triggered = 0
    desk.limit = math.nan
    desk.stop = math.nan
    if desk.forced == 1:
        return
    side = 1 if wanted > 0 else -1
    forward = facts[FORWARD, t, desk.index] if rules.facts == 1 else 1.0
    limit = sane(desk.heard_limit) / forward
    stop = sane(desk.heard_stop) / forward
    desk.limit = on_tick(t, limit, -side, desk, facts, rules)
    desk.stop = on_tick(t, stop, side, desk, facts, rules)
    if rules.collar_low > 0 and side > 0 and is_set(desk.stop) and not is_set(desk.limit):
        far = collared(to_micro(desk.stop), rules.collar_low, rules.collar_high)
        desk.limit = on_tick(t, far / 1e6, -side, desk, facts, rules)


@compiled
def _may_open(desk: Any, account: Any) -> bool:
    """Not while a breaker closes a position; what it leaves closed is refused by name."""
    return desk.units == 0 or not is_halted(account)


@compiled_apart
def _goal(t: int, target: float, facts: Any, desk: Any, account: Any, rules: Any) -> int:
    """Signed lots that a changed target means now."""
    if not _may_open(desk, account):
        return 0
    close = desk.mark / 1e6
    distance = math.nan
    scale = math.nan
    if rules.facts == 1:
        scale = facts[SCALE, t, desk.index]
    if rules.sizing_kind == RISK_FRACTION:
        forward = facts[FORWARD, t, desk.index] if rules.facts == 1 else 1.0
        distance = abs(close - desk.heard_stop_loss / forward)
    lots = sized_lots_at(
        rules.sizing_kind,
        rules.sizing_value,
        target,
        account.equity / 1e6,
        close,
        desk.parts,
        distance,
        scale,
    )
    if rules.sizing_kind == RISK_FRACTION:
        # A stop beside the price asks for more than there is: limits trim what is left.
        most = BEYOND_POWER * rules.leverage / RATE_ONE * max(account.equity, 0) / desk.mark
        most_lots = int(min(most * desk.parts, float(UNLIMITED)))
        lots = max(min(lots, most_lots), -most_lots)
    return lots


@compiled_apart
def _ask_at_fill(t: int, target: float, desk: Any, account: Any, orders: Any) -> int:
    """Ask for a quantity that its fill will size; what is held the other way goes first."""
    cancel_orders(t, REPLACED, desk, account, orders)
    reverses = desk.units != 0 and (desk.units > 0) != (target > 0.0)
    desk.close_order = -desk.units if reverses else 0
    desk.unsized = 1
    desk.order_bar = t
    desk.signal_close = desk.mark / 1e6
    desk.limit = math.nan
    desk.stop = math.nan
    return 1

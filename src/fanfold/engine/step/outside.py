"""What a run learns from outside: its next bar, a broker's fills, ends, refusals, holdings.

A backtest finds these out by meeting its orders with the next bar. Here they are told, and
leave the same state as if the step had found them.
"""

import math
from typing import Any, Final

from fanfold.domain.compiled import compiled, compiled_apart, compiled_as
from fanfold.domain.decision import Asset, Portfolio
from fanfold.domain.money import share
from fanfold.domain.orders import AT_OPEN, CLOSE, EXIT, OPEN
from fanfold.domain.panel import CLOSE as PRICE_CLOSE
from fanfold.domain.panel import HIGH, LOW, VOLUME, read_only, trades_in
from fanfold.engine.step.book import cancel_orders, disarm_exits, end_trip, may_overflow
from fanfold.engine.step.close import break_at_limits, mark, measure
from fanfold.engine.step.exits import NEXT_BAR, enter, follow, has_exit, stop_level
from fanfold.engine.step.loop import many, show, take_wishes
from fanfold.engine.step.overnight import pass_night
from fanfold.engine.step.state import (
    CLOSES_SESSION,
    OK,
    TARGET,
    TS,
    Account,
    BookingRow,
    Desk,
    FillRow,
    OrderRow,
    Rules,
)
from fanfold.engine.step.trigger import beyond_of, is_set, limit_reached, stop_reached
from fanfold.engine.step.wish import close_bar

IN_GOAL: Final = 0
EXITS: Final = 1
"""What a fill means: a step towards the goal, or an exit that ends the goal with it."""


def _type_of_open_step() -> Any:
    from numba import int64

    return int64(
        int64,
        int64,
        read_only("float64", 3),
        read_only("float64", 3),
        read_only("float64", 2),
        read_only("float64", 3),
        read_only("float64", 3),
        read_only("int64", 1),
        read_only("int64", 2),
        read_only("float64", 2),
        many(Asset),
        many(Desk),
        many(Portfolio),
        many(Account),
        many(Rules),
        many(FillRow),
        many(OrderRow),
        many(BookingRow),
    )


@compiled_as(_type_of_open_step)
def open_step(
    t: int, resting: int, panel: Any, seen: Any, marks: Any, facts: Any, bank: Any,
    columns: Any, clock: Any, pulse: Any, assets: Any, desks: Any, portfolio: Any,
    account: Any, rules: Any, fills: Any, orders: Any, bookings: Any,
) -> int:  # fmt: skip
    """Take bar t up to where the strategy is asked; the status.

    `resting` is 1 where protective exits rest at the venue, so that their fills are told.
    """
    if rules[0].nights == 1:
        pass_night(t, facts, clock, desks, account[0], rules[0], fills, orders, bookings)
    _look_at_bar(t, resting, panel, facts, desks, account[0], rules[0])
    mark(t, marks, desks, account[0])
    if account[0].status != OK:
        return account[0].status
    if account[0].bar_count == 0:
        _begin_measures(t, clock, account[0])
    measure(t, clock, pulse, account[0])
    break_at_limits(account[0], rules[0], desks)
    if account[0].status == OK:
        show(
            t, marks, seen, facts, bank, columns, clock, pulse, assets, desks, portfolio[0],
            account[0], rules[0],
        )  # fmt: skip
    return account[0].status


@compiled_apart
def _begin_measures(t: int, clock: Any, account: Any) -> None:
    """Measure from what is there at the first bar: positions may have been held before."""
    equity = account.equity
    account.close_equity = account.session_equity = equity
    account.peak = account.worst_equity = account.worst_peak = equity
    account.peak_ts = clock[TS, t]
    account.return_count = -clock[CLOSES_SESSION, t]


@compiled
def _look_at_bar(
    t: int, resting: int, panel: Any, facts: Any, desks: Any, account: Any, rules: Any
) -> None:
    """Note which assets trade in bar t, and what it does to protective exits."""
    for i in range(len(desks)):
        desk = desks[i]
        traded = trades_in(panel[PRICE_CLOSE, t, i], panel[VOLUME, t, i])
        desk.traded = 1 if traded else 0
        if traded and rules.prices == 1 and has_exit(desk):
            if resting == 0 and _reaches_exit(t, panel, facts, desk, rules):
                account.stirred = 1
                _end_goal(desk)
            follow(t, panel, desk, account)


@compiled_apart
def _reaches_exit(t: int, panel: Any, facts: Any, desk: Any, rules: Any) -> bool:
    """Whether bar t has reached the stop or the target of what is held.

    Of a bar in which the position began at an unknown moment only the close is sure to
    come after it.
    """
    i = desk.index
    high = panel[HIGH, t, i]
    low = panel[LOW, t, i]
    if desk.entry_bar == t:
        if rules.exit_arming == NEXT_BAR:
            return False
        if desk.entry_inside == 1:
            high = low = panel[PRICE_CLOSE, t, i]
    side = -1 if desk.units > 0 else 1
    stop = stop_level(desk)
    if is_set(stop) and stop_reached(low if side < 0 else high, side, stop):
        return True
    target = desk.take_profit
    return is_set(target) and limit_reached(
        high if side < 0 else low, side, target, beyond_of(t, target, desk, facts, rules)
    )


@compiled
def _end_goal(desk: Any) -> None:
    """As after an exit: nothing is wanted until the strategy states another target."""
    desk.goal = 0
    desk.disarmed = 1
    desk.forced = 1
    disarm_exits(desk)


def _type_of_close_step() -> Any:
    from numba import float64, int64

    return int64(
        int64,
        int64,
        many(Asset),
        float64[:, ::1],
        float64[:, :, ::1],
        float64[:, ::1],
        read_only("float64", 3),
        read_only("int64", 2),
        many(Desk),
        many(Account),
        many(Rules),
        many(OrderRow),
    )


@compiled_as(_type_of_close_step)
def close_step(
    t: int, only_heard: int, assets: Any, wishes: Any, delayed: Any, scratch: Any, facts: Any,
    clock: Any, desks: Any, account: Any, rules: Any, orders: Any,
) -> int:  # fmt: skip
    """Take what the strategy wrote at bar t and ask for what it wants; the status.

    With `only_heard` 1 its targets count as heard, and are traded once they change.
    """
    take_wishes(t, assets, wishes, delayed)
    if only_heard == 1:
        for i in range(len(desks)):
            target = wishes[i, TARGET]
            if target - target == 0.0:  # true for finite numbers only
                desks[i].target = target
    close_bar(t, wishes, scratch, facts, clock, desks, account[0], rules[0], orders)
    return account[0].status


@compiled
def take_fill(  # noqa: C901  (closing, opening, and what they mean)
    t: int, meaning: int, lots: int, price: int, fee: int, inside: int, desk: Any, facts: Any,
    account: Any, rules: Any, orders: Any,
) -> None:  # fmt: skip
    """Book a fill that bar t + 1 will hold: cash, position, round trip, working orders, exits.

    Args:
        t: The last bar.
        meaning: `IN_GOAL` or `EXITS`.
        lots: Signed.
        price: [micro-units]
        fee: [micro-units]
        inside: 1 if it came at an unknown moment within the bar.
        desk: The asset.
        facts: See `fanfold.engine.step.state`.
        account: Money and measures.
        rules: Those of the run.
        orders: Rows of orders.
    """
    if may_overflow(desk.units + lots, float(price), desk, account):
        return
    if meaning == EXITS:
        cancel_orders(t, EXIT, desk, account, orders)
    closing = 0
    if desk.units * lots < 0:
        closing = max(lots, -desk.units) if lots < 0 else min(lots, -desk.units)
    opening = lots - closing
    if closing != 0:
        _book(CLOSE, closing, price, fee, desk, account)
        if desk.close_order * closing > 0:
            desk.close_order = _less(desk.close_order, closing)
            if desk.close_order == 0:
                desk.forced = 0
    if opening != 0:
        begins = desk.units == 0
        _book(OPEN, opening, price, fee if closing == 0 else 0, desk, account)
        if desk.open_order * opening > 0:
            desk.open_order = _less(desk.open_order, opening)
        if begins:
            _enter(t, price, inside, desk, facts, rules)
    if meaning == EXITS:
        _end_goal(desk)


@compiled_apart
def _enter(t: int, price: int, inside: int, desk: Any, facts: Any, rules: Any) -> None:
    """Arm the exits of a position that begins in bar t + 1, even if no order asked for it."""
    if desk.signal_close <= 0.0:
        desk.signal_close = price / 1e6
    enter(t, AT_OPEN, price, desk, facts, rules)
    desk.entry_bar = t + 1
    desk.entry_inside = inside


@compiled
def _less(order: int, lots: int) -> int:
    """What is left of an order after so many lots of its own side."""
    return max(order - lots, 0) if order > 0 else min(order - lots, 0)


@compiled
def _book(role: int, lots: int, price: int, fee: int, desk: Any, account: Any) -> None:
    """As the step books a fill of its own, with the fee that was charged."""
    size = abs(lots)
    amount = share(size, price, desk.parts)
    if role == OPEN:
        desk.open_lots += size
        desk.open_amount += amount
        desk.open_fee += fee
        desk.entry_lots += size
        desk.entry_amount += amount
    else:
        desk.close_lots += size
        desk.close_amount += amount
        desk.close_fee += fee
        desk.exit_lots += size
        desk.exit_amount += amount
    paid = amount if lots > 0 else -amount
    account.cash -= paid + fee
    account.fees += fee
    account.traded += amount
    account.fill_count += 1
    account.touched = 1
    account.stirred = 1
    desk.trip_pnl -= paid + fee
    desk.units += lots
    # The asset may have no bar until its next mark, and would be worth what it was.
    desk.value = share(desk.units, desk.mark, desk.parts)
    if desk.units == 0:
        disarm_exits(desk)
        end_trip(desk, account)


@compiled
def end_working(role: int, desk: Any, account: Any) -> None:
    """An order of a role, `CLOSE` or `OPEN`, works no longer; its rest stays in the goal."""
    if role == CLOSE:
        desk.close_order = 0
    else:
        desk.open_order = 0
        desk.unsized = 0
    account.touched = 1
    account.stirred = 1


@compiled
def allow(allowed: int, desk: Any, account: Any) -> None:
    """The goal becomes what a limit outside has allowed, and with it what is on its way."""
    wanted = allowed - desk.units
    desk.close_order = 0
    if wanted != 0 and desk.units != 0 and (wanted < 0) != (desk.units < 0):
        desk.close_order = max(wanted, -desk.units) if wanted < 0 else min(wanted, -desk.units)
    desk.open_order = wanted - desk.close_order
    desk.unsized = 0
    desk.goal = allowed
    account.touched = 1
    account.stirred = 1


@compiled
def hold(t: int, held: int, begun: int, desk: Any, facts: Any, account: Any, rules: Any) -> None:
    """The broker holds another quantity than was thought: it counts from now on.

    What is more or less than thought is taken for fills that were not told, at the last
    mark. Before the run has begun what is held is wanted. Without a price yet no exits are
    armed.
    """
    before = desk.units
    more = held - before
    if more == 0 or may_overflow(held, float(desk.mark), desk, account):
        return
    if desk.close_order * more > 0:
        desk.close_order = _less(desk.close_order, more)
    elif desk.open_order * more > 0:
        desk.open_order = _less(desk.open_order, more)
    desk.units = held
    desk.value = share(held, desk.mark, desk.parts)
    if before != 0 and before * held <= 0:
        disarm_exits(desk)
        end_trip(desk, account)
        before = 0
    size = abs(held - before)
    amount = share(size, desk.mark, desk.parts)
    if abs(held) > abs(before):
        desk.entry_lots += size
        desk.entry_amount += amount
        if before == 0 and desk.goal * held > 0 and desk.mark > 0:
            _enter(t, desk.mark, 1, desk, facts, rules)
    elif held != 0:
        desk.exit_lots += size
        desk.exit_amount += amount
    if begun == 0:
        desk.goal = held
    account.touched = 1
    account.stirred = 1


@compiled
def stop_before_entry(desk: Any, forward: float, side: int) -> float:
    """The nearer of the stop and the trailing stop that an entry at the last mark would arm."""
    level = desk.heard_stop_loss / forward
    if is_set(desk.heard_trailing):
        trail = desk.signal_close - side * desk.heard_trailing / forward
        if not is_set(level) or (trail - level) * side > 0.0:
            return trail
    return level if is_set(level) else math.nan

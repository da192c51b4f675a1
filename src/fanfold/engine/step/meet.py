"""An instant at which the market meets what waits: a bar's open, or its close.

Closing orders and passed exits first, then opening orders; within each, sells before
buys. Orders that compete for cash share it pro rata, so the order of columns changes
nothing.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import to_micro
from fanfold.domain.orders import (
    AT_CLOSE,
    AT_OPEN,
    CLOSE,
    CLS,
    EXPIRED,
    FILLED,
    FOK,
    MIN_TRADE,
    NO_REASON,
    OPEN,
    WORKING,
)
from fanfold.domain.panel import CLOSE as PRICE_CLOSE
from fanfold.domain.panel import HIGH, VOLUME, trades_in
from fanfold.domain.panel import OPEN as PRICE_OPEN
from fanfold.engine.step.book import begin_order, book, end_order, may_overflow, slipped_price
from fanfold.engine.step.claims import is_small, marks_at, share_cash
from fanfold.engine.step.exits import enter, exit_at_open
from fanfold.engine.step.state import FORWARD, REAL, SCALE, UNLIMITED
from fanfold.engine.step.trigger import beyond_of, is_set, open_reference, stop_reached
from fanfold.execution.costs import limited_price
from fanfold.strategies.sizing import sized_lots_at


@compiled_apart
def begin_bar(t: int, panel: Any, facts: Any, desks: Any, account: Any, rules: Any) -> None:
    """What bar t leaves room for, and whether its prices still fit into integers."""
    for i in range(len(desks)):
        desk = desks[i]
        desk.room = 0
        desk.traded = 0
        if trades_in(panel[PRICE_CLOSE, t, i], panel[VOLUME, t, i]):
            desk.room = UNLIMITED
            desk.traded = 1
            if rules.participation > 0.0:
                units = rules.participation * panel[VOLUME, t, i] / facts[REAL, t, i]
                desk.room = int(min(units * desk.parts, float(UNLIMITED)))
            most = max(abs(desk.units), abs(desk.units + desk.close_order + desk.open_order))
            price = panel[HIGH, t, i] * 1e6 * (1.0 + rules.slippage)
            if may_overflow(most, price, desk, account):
                return


@compiled_apart
def meet(
    t: int, phase: int, panel: Any, facts: Any, clock: Any, desks: Any, account: Any,
    rules: Any, fills: Any, orders: Any,
) -> None:  # fmt: skip
    """Fill what waits at bar t's open or close, where the asset trades."""
    field = PRICE_OPEN if phase == AT_OPEN else PRICE_CLOSE
    _close(t, phase, panel, facts, clock, desks, account, rules, fills, orders)
    if rules.size_at_fill == 1:
        # After what closes: its costs are paid, and a reversal starts from nothing.
        _size_waiting(t, phase, panel, facts, desks, account, rules, orders)
        if account.status != 0:
            return
        _close(t, phase, panel, facts, clock, desks, account, rules, fills, orders)
    waiting = False
    for i in range(len(desks)):
        desk = desks[i]
        desk.take = 0
        if desk.open_order != 0 and desk.close_order == 0 and _is_due(phase, desk, rules):
            _quote(t, panel[field, t, i], facts, desk, rules)
            waiting = waiting or desk.take != 0
    if not waiting:
        return
    share_cash(t, field, panel, facts, desks, account, rules, orders)
    for side in (-1, 1):
        for i in range(len(desks)):
            desk = desks[i]
            if desk.take * side > 0:
                fill_open(
                    t, phase, desk.reference, facts, clock, desk, account, rules, fills, orders
                )


@compiled
def _is_due(phase: int, desk: Any, rules: Any) -> bool:
    """Whether an opening order meets this instant at all."""
    if desk.unsized == 1:
        return False
    return (rules.time_in_force == CLS) == (phase == AT_CLOSE)


@compiled_apart
def _quote(t: int, price: float, facts: Any, desk: Any, rules: Any) -> None:
    """Note what an opening order would fill at this price: `desk.take` and `desk.price`."""
    if desk.traded == 0:
        return
    side = 1 if desk.open_order > 0 else -1
    reference = reference_at(t, price, side, facts, desk, rules)
    if is_set(reference) and desk.room > 0:
        size = min(abs(desk.open_order), desk.room)
        if rules.time_in_force == FOK and size < abs(desk.open_order):
            return
        desk.take = size * side
        desk.reference = reference
        desk.price = price_for(t, reference, desk.take, facts, desk, rules)


@compiled_apart
def reference_at(t: int, price: float, side: int, facts: Any, desk: Any, rules: Any) -> float:
    """Where a working order meets an instant's price; NaN if it does not."""
    if rules.prices == 0:
        return price
    beyond = beyond_of(t, desk.limit, desk, facts, rules)
    stop = desk.stop
    if is_set(stop) and (desk.triggered == 1 or stop_reached(price, side, stop)):
        desk.triggered = 1
        return open_reference(price, side, desk.limit, math.nan, beyond)
    return open_reference(price, side, desk.limit, stop, beyond)


@compiled_apart
def price_for(t: int, reference: float, lots: int, facts: Any, desk: Any, rules: Any) -> int:
    """What an order pays: slipped, but never worse than its limit [micro-units]."""
    price = slipped_price(t, reference, lots, desk, facts, rules)
    if rules.prices == 1 and is_set(desk.limit):
        return limited_price(price, to_micro(desk.limit), 1 if lots > 0 else -1)
    return price


@compiled_apart
def fill_open(
    t: int, phase: int, reference: float, facts: Any, clock: Any, desk: Any,
    account: Any, rules: Any, fills: Any, orders: Any,
) -> None:  # fmt: skip
    """Fill the opening order's `take`, and arm the exits of a position that begins."""
    lots = desk.take
    begins = desk.units == 0
    price = price_for(t, reference, lots, facts, desk, rules)
    book(t, phase, lots, price, OPEN, desk, clock, facts, account, rules, fills)
    desk.take = 0
    desk.open_order -= lots
    status = FILLED if desk.open_order == 0 else WORKING
    end_order(t, desk.open_row, desk.open_lots, status, NO_REASON, account, orders)
    if begins:
        enter(t, phase, price, desk, facts, rules)


@compiled_apart
def _close(
    t: int, phase: int, panel: Any, facts: Any, clock: Any, desks: Any, account: Any,
    rules: Any, fills: Any, orders: Any,
) -> None:  # fmt: skip
    """Fill closing orders and the exits that the open has passed, sells first."""
    field = PRICE_OPEN if phase == AT_OPEN else PRICE_CLOSE
    for side in (-1, 1):
        for i in range(len(desks)):
            desk = desks[i]
            if desk.close_order * side > 0 and desk.traded == 1 and _closes_at(phase, desk, rules):
                reference = panel[field, t, i]
                if desk.forced == 0:
                    reference = reference_at(t, reference, side, facts, desk, rules)
                if is_set(reference):
                    fill_close(
                        t, phase, reference, facts, clock, desk, account, rules, fills, orders
                    )
            if phase == AT_OPEN and rules.prices == 1:
                exit_at_open(t, side, panel, facts, clock, desk, account, rules, fills, orders)


@compiled
def _closes_at(phase: int, desk: Any, rules: Any) -> bool:
    """A forced closing goes at the open; another one as its time in force says."""
    at_close = rules.time_in_force == CLS and desk.forced == 0
    return at_close == (phase == AT_CLOSE)


@compiled_apart
def fill_close(
    t: int, phase: int, reference: float, facts: Any, clock: Any, desk: Any,
    account: Any, rules: Any, fills: Any, orders: Any,
) -> None:  # fmt: skip
    """Fill the closing order as far as the bar has room."""
    size = min(abs(desk.close_order), desk.room)
    if size <= 0 or (
        rules.time_in_force == FOK and desk.forced == 0 and size < abs(desk.close_order)
    ):
        return
    lots = size if desk.close_order > 0 else -size
    if desk.forced == 1:
        price = slipped_price(t, reference, lots, desk, facts, rules)
    else:
        price = price_for(t, reference, lots, facts, desk, rules)
    book(t, phase, lots, price, CLOSE, desk, clock, facts, account, rules, fills)
    desk.close_order -= lots
    status = FILLED if desk.close_order == 0 else WORKING
    end_order(t, desk.close_row, desk.close_lots, status, NO_REASON, account, orders)
    if desk.close_order == 0:
        desk.forced = 0


@compiled_apart
def _size_waiting(
    t: int, phase: int, panel: Any, facts: Any, desks: Any, account: Any, rules: Any, orders: Any
) -> None:
    """Turn targets that wait for their fill into lots, costs included."""
    field = PRICE_OPEN if phase == AT_OPEN else PRICE_CLOSE
    equity, _ = marks_at(t, field, panel, desks, account)
    for i in range(len(desks)):
        desk = desks[i]
        if desk.unsized == 0 or desk.room <= 0:
            continue
        if (rules.time_in_force == CLS) != (phase == AT_CLOSE):
            continue
        _size(t, panel[field, t, i], equity, facts, desk, account, rules, orders)
        if account.status != 0:
            return


@compiled_apart
def _size(
    t: int, price: float, equity: int, facts: Any, desk: Any, account: Any, rules: Any, orders: Any
) -> None:
    """Turn one waiting target into lots at the price at which it fills."""
    side = 1 if desk.target > 0.0 else -1
    price = slipped_price(t, price, side, desk, facts, rules) / 1e6
    scale = facts[SCALE, max(t - 1, 0), desk.index] if rules.facts == 1 else math.nan
    forward = facts[FORWARD, t, desk.index] if rules.facts == 1 else 1.0
    goal = sized_lots_at(
        rules.sizing_kind,
        rules.sizing_value,
        desk.target,
        equity / 1e6,
        price * (1.0 + rules.commission_rate / 1e9),
        desk.parts,
        abs(price - desk.heard_stop_loss / forward),
        scale,
    )
    if may_overflow(goal, price * 1e6, desk, account):
        return
    lots = goal - desk.units - desk.close_order
    if goal != 0 and is_small(lots, to_micro(price), equity, desk, rules):
        lots = 0
        goal = desk.units + desk.close_order
    desk.unsized = 0
    desk.goal = goal
    if account.recording == 1:
        orders[desk.open_row].asked = lots
        orders[desk.open_row].approved = lots
    if lots == 0:
        end_order(t, desk.open_row, 0, EXPIRED, MIN_TRADE, account, orders)
    elif desk.units != 0 and (lots < 0) != (desk.units < 0) and desk.close_order == 0:
        begin_order(CLOSE, desk)
        desk.close_order = lots
        desk.close_row = desk.open_row
        if account.recording == 1:
            orders[desk.open_row].role = CLOSE
    else:
        desk.open_order = lots

"""Booking: what a fill, a fee or an event does to cash, position and round trip."""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import is_too_large, share
from fanfold.domain.orders import CANCELLED, CLOSE, DELISTING, FILLED, OPEN
from fanfold.engine.step.state import (
    AVERAGE_VOLUME,
    CAT_RATE,
    OVERFLOW,
    REAL,
    SEC_RATE,
    TAF_CAP,
    TAF_RATE,
    VOLATILITY,
)
from fanfold.execution.costs import fill_price, order_fee, slippage_of
from fanfold.execution.regulatory import cat_fee, sec_fee, taf_fee
from fanfold.strategies.sizing import LOTS_MAX


@compiled
def may_overflow(lots: int, price: float, desk: Any, account: Any) -> bool:
    """Whether a position at a price [micro-units] is beyond integers; ends the run if so.

    Asked before any such product is computed, so none ever wraps around.
    """
    if abs(lots) < LOTS_MAX and not is_too_large(lots, price, desk.parts):
        return False
    account.status = OVERFLOW
    account.fault_asset = desk.index
    return True


@compiled
def real_units(t: int, lots: int, desk: Any, facts: Any, rules: Any) -> float:
    """Units as the venue counts them: adjusted bars hold another number of them."""
    units = abs(lots) / desk.parts
    return units * facts[REAL, t, desk.index] if rules.facts == 1 else units


@compiled_apart
def slipped_price(t: int, reference: float, lots: int, desk: Any, facts: Any, rules: Any) -> int:
    """Price at which an order of so many lots fills in bar t [micro-units].

    Volatility and volume are those known before the bar.
    """
    side = 1 if lots > 0 else -1
    if rules.facts == 0:
        return fill_price(reference, side, rules.slippage)
    before = max(t - 1, 0)
    real = facts[REAL, t, desk.index]
    slippage = slippage_of(
        rules.slippage,
        rules.half_spread,
        rules.volatility_slippage,
        rules.impact,
        reference / real,
        abs(lots) / desk.parts * real,
        facts[VOLATILITY, before, desk.index],
        facts[AVERAGE_VOLUME, before, desk.index],
    )
    return fill_price(reference, side, slippage)


@compiled_apart
def fee_of(t: int, lots: int, amount: int, role: int, desk: Any, facts: Any, rules: Any) -> int:
    """Commission that a fill adds to what its order has been charged [micro-units]."""
    done = desk.open_lots if role == OPEN else desk.close_lots
    paid = desk.open_amount if role == OPEN else desk.close_amount
    charged = desk.open_fee if role == OPEN else desk.close_fee
    total = order_fee(
        paid + amount,
        real_units(t, done + abs(lots), desk, facts, rules),
        rules.commission_rate,
        rules.commission_per_unit,
        rules.commission_per_trade,
        rules.commission_min,
    )
    return max(total - charged, 0)


@compiled_apart
def book(
    t: int,
    phase: int,
    lots: int,
    price: int,
    role: int,
    desk: Any,
    clock: Any,
    facts: Any,
    account: Any,
    rules: Any,
    fills: Any,
) -> None:
    """Book one fill: cash, fees, position, open round trip, and its row."""
    size = abs(lots)
    amount = share(size, price, desk.parts)
    fee = 0 if role == DELISTING else fee_of(t, lots, amount, role, desk, facts, rules)
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
    desk.room -= size
    if rules.regulatory == 1 and role != DELISTING:
        _accrue(t, lots, amount, desk, clock, facts, account, rules)
    if desk.units == 0:
        disarm_exits(desk)
        end_trip(desk, account)
    if account.recording == 1:
        row = fills[account.fill_count - 1]
        row.bar = t
        row.phase = phase
        row.asset = desk.index
        row.lots = lots
        row.price = price
        row.amount = amount
        row.fee = fee
        row.role = role
        row.order_bar = desk.order_bar if role <= OPEN else t


@compiled_apart
def _accrue(
    t: int, lots: int, amount: int, desk: Any, clock: Any, facts: Any, account: Any, rules: Any
) -> None:
    """Add to the day's regulatory fees, which are charged at the session's end."""
    units = real_units(t, lots, desk, facts, rules)
    account.cat_due += cat_fee(units, clock[CAT_RATE, t])
    if lots < 0:
        account.sec_due += sec_fee(amount, clock[SEC_RATE, t])
        account.taf_due += taf_fee(units, clock[TAF_RATE, t], clock[TAF_CAP, t])


@compiled
def disarm_exits(desk: Any) -> None:
    """Take all protective exits away."""
    desk.stop_loss = math.nan
    desk.take_profit = math.nan
    desk.trailing = math.nan


@compiled_apart
def end_trip(desk: Any, account: Any) -> None:
    """Count a finished round trip and clear the desk for the next."""
    pnl = desk.trip_pnl
    account.trip_count += 1
    if pnl > 0:
        account.win_count += 1
        account.win_sum += pnl
    elif pnl < 0:
        account.loss_count += 1
        account.loss_sum -= pnl
    desk.realised += pnl
    desk.trip_pnl = 0
    desk.entry_lots = 0
    desk.entry_amount = 0
    desk.exit_lots = 0
    desk.exit_amount = 0


@compiled_apart
def move(
    t: int, asset: int, kind: int, amount: int, lots: int, account: Any, bookings: Any
) -> None:
    """Book money, or units, that come or go without a fill."""
    account.cash += amount
    account.touched = 1
    account.stirred = 1
    place = account.booking_rows
    account.booking_rows = place + 1
    if account.recording == 1:
        row = bookings[place]
        row.bar = t
        row.asset = asset
        row.kind = kind
        row.amount = amount
        row.lots = lots


@compiled
def begin_order(role: int, desk: Any) -> None:
    """Start an order's count of lots, amount and fee."""
    if role == CLOSE:
        desk.close_lots = 0
        desk.close_amount = 0
        desk.close_fee = 0
    else:
        desk.open_lots = 0
        desk.open_amount = 0
        desk.open_fee = 0


@compiled_apart
def end_order(
    t: int, row: int, filled: int, status: int, reason: int, account: Any, orders: Any
) -> None:
    """Close an order's row."""
    account.touched = 1
    account.stirred = 1
    if account.recording == 1:
        order = orders[row]
        order.filled = filled
        order.status = status
        order.done_bar = t
        if reason != 0:
            order.reason = reason


@compiled_apart
def cancel_orders(t: int, reason: int, desk: Any, account: Any, orders: Any) -> None:
    """Take back what still works for an asset."""
    if desk.close_order != 0:
        desk.close_order = 0
        end_order(t, desk.close_row, desk.close_lots, CANCELLED, reason, account, orders)
    if desk.open_order != 0 or desk.unsized == 1:
        desk.open_order = 0
        desk.unsized = 0
        end_order(t, desk.open_row, desk.open_lots, CANCELLED, reason, account, orders)


@compiled_apart
def note_filled(
    t: int,
    role: int,
    lots: int,
    limit: float,
    stop: float,
    reason: int,
    desk: Any,
    account: Any,
    orders: Any,
) -> None:
    """Write the row of an order of the engine's own, which fills in the bar that makes it."""
    place = account.order_rows
    account.order_rows = place + 1
    if account.recording == 1:
        row = orders[place]
        row.bar = t
        row.asset = desk.index
        row.role = role
        row.asked = lots
        row.approved = lots
        row.filled = abs(lots)
        row.limit = limit
        row.stop = stop
        row.bound = math.nan
        row.reached = math.nan
        row.status = FILLED
        row.reason = reason
        row.done_bar = t

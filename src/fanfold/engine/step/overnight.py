"""Before a bar's open: interest of the nights, splits, dividends, delistings."""

import math
from typing import Any

from fanfold.domain.compiled import compiled_apart
from fanfold.domain.money import RATE_ONE, share, to_micro
from fanfold.domain.orders import (
    BEFORE_OPEN,
    BORROW,
    CANCELLED,
    CASH_IN_LIEU,
    CLOSE,
    DELISTED,
    DELISTING,
    DIVIDEND,
    INTEREST,
    REPLACED,
    SPLIT,
)
from fanfold.engine.step.book import (
    begin_order,
    book,
    cancel_orders,
    disarm_exits,
    end_order,
    end_trip,
    move,
    note_filled,
)
from fanfold.engine.step.state import CLOSES_SESSION, NIGHTS
from fanfold.engine.step.state import DIVIDEND as DIVIDEND_ROW
from fanfold.engine.step.state import SPLIT as SPLIT_ROW
from fanfold.execution.costs import night_interest

WHOLE_TOLERANCE = 1e-6
"""A split leaves whole lots if what it leaves is this close to them [lots]."""


@compiled_apart
def pass_night(
    t: int, facts: Any, clock: Any, desks: Any, account: Any, rules: Any, fills: Any,
    orders: Any, bookings: Any,
) -> None:  # fmt: skip
    """Book what happens between the bar before and bar t's open."""
    if t > 0 and clock[CLOSES_SESSION, t - 1] == 1:
        if rules.max_daily_loss < math.inf:
            account.session_equity = account.equity
            account.day_halted = 0
        _charge_interest(t, clock[NIGHTS, t], desks, account, rules, bookings)
    for i in range(len(desks)):
        desk = desks[i]
        if rules.facts == 1:
            ratio = facts[SPLIT_ROW, t, i]
            if ratio != 1.0:
                _split(t, ratio, desk, account, bookings, orders)
            dividend = facts[DIVIDEND_ROW, t, i]
            if dividend != 0.0 and desk.units != 0:
                paid = share(desk.units, to_micro(dividend), desk.parts)
                desk.trip_pnl += paid
                account.dividends += paid
                move(t, i, DIVIDEND, paid, 0, account, bookings)
        if desk.delisting_bar >= 0 and desk.delisting_bar <= t and desk.listed == 1:
            _delist(t, clock, facts, desk, account, rules, fills, orders)


@compiled_apart
def _charge_interest(
    t: int, nights: int, desks: Any, account: Any, rules: Any, bookings: Any
) -> None:
    """Charge a borrowed asset's fee, and interest on borrowed cash, by calendar nights."""
    shorts = 0
    for i in range(len(desks)):
        desk = desks[i]
        if desk.units < 0:
            shorts -= desk.value
            fee = night_interest(-desk.value, rules.borrow_rate, nights)
            if fee != 0:
                desk.trip_pnl -= fee
                account.carry += fee
                move(t, i, BORROW, -fee, 0, account, bookings)
    # What shorts brought in is collateral: it lends nothing to the longs.
    debt = shorts - account.cash
    if debt > 0:
        interest = night_interest(debt, rules.margin_rate, nights)
        if interest != 0:
            account.carry += interest
            move(t, -1, INTEREST, -interest, 0, account, bookings)


@compiled_apart
def _whole(lots: float) -> int:
    """Whole lots towards zero, of a count that rounding may have missed by a hair."""
    nearest = round(lots)
    if abs(lots - nearest) <= WHOLE_TOLERANCE:
        return int(nearest)
    return math.floor(lots) if lots > 0.0 else math.ceil(lots)


@compiled_apart
def _split(t: int, ratio: float, desk: Any, account: Any, bookings: Any, orders: Any) -> None:
    """Rescale everything that counts units or prices; fractions of a lot are paid in cash."""
    desk.mark = to_micro(desk.mark / 1e6 / ratio)
    before = desk.units
    exact = before * ratio
    after = _whole(exact)
    desk.units = after
    if before != 0:
        fraction = exact - after
        paid = 0
        if abs(fraction) > WHOLE_TOLERANCE:
            paid = to_micro(fraction * (desk.mark / 1e6) / desk.parts)
        desk.entry_lots = _whole(desk.entry_lots * ratio)
        desk.exit_lots = _whole(desk.exit_lots * ratio)
        desk.trip_pnl += paid
        if paid != 0:  # before the units go, which may end the round trip
            move(t, desk.index, CASH_IN_LIEU, paid, 0, account, bookings)
        move(t, desk.index, SPLIT, 0, after - before, account, bookings)
        if after == 0:
            disarm_exits(desk)
            end_trip(desk, account)
    desk.value = share(desk.units, desk.mark, desk.parts)
    desk.goal = _whole(desk.goal * ratio)
    _rescale_orders(t, ratio, before, desk, account, orders)
    desk.signal_close /= ratio
    desk.limit /= ratio
    desk.stop /= ratio
    desk.stop_loss /= ratio
    desk.take_profit /= ratio
    desk.trailing /= ratio
    desk.extreme /= ratio
    account.touched = 1
    account.stirred = 1


@compiled_apart
def _rescale_orders(
    t: int, ratio: float, before: int, desk: Any, account: Any, orders: Any
) -> None:
    """A queued quantity becomes as many new units; an order for less than a lot ends."""
    if desk.close_order != 0:
        closes_all = desk.close_order == -before
        desk.close_order = -desk.units if closes_all else _whole(desk.close_order * ratio)
        desk.close_lots = _whole(desk.close_lots * ratio)
        if desk.close_order == 0:
            end_order(t, desk.close_row, desk.close_lots, CANCELLED, REPLACED, account, orders)
        elif account.recording == 1:
            orders[desk.close_row].approved = desk.close_order
    if desk.open_order != 0:
        desk.open_order = _whole(desk.open_order * ratio)
        desk.open_lots = _whole(desk.open_lots * ratio)
        if desk.open_order == 0:
            end_order(t, desk.open_row, desk.open_lots, CANCELLED, REPLACED, account, orders)
        elif account.recording == 1:
            orders[desk.open_row].approved = desk.open_order


@compiled_apart
def _delist(
    t: int, clock: Any, facts: Any, desk: Any, account: Any, rules: Any, fills: Any, orders: Any
) -> None:
    """Pay out what is held at the last close × (1 + delisting return), without costs."""
    desk.listed = 0
    cancel_orders(t, DELISTED, desk, account, orders)
    desk.goal = 0
    if desk.units == 0:
        return
    price = share(desk.mark, RATE_ONE + desk.delisting_rate, RATE_ONE)
    lots = -desk.units
    note_filled(t, DELISTING, lots, math.nan, math.nan, DELISTED, desk, account, orders)
    begin_order(CLOSE, desk)
    book(t, BEFORE_OPEN, lots, price, DELISTING, desk, clock, facts, account, rules, fills)
    desk.mark = price
    desk.value = 0

"""A bar's open: what was approved meets the market.

Closing orders first, then opening ones; within each, sells before buys. Orders
that compete for cash share it pro rata, so the order of columns changes nothing.
"""

from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import MICRO, is_too_large, pro_rata, share, to_micro
from fanfold.domain.orders import BUYING_POWER, CLOSE, EXPIRED, FILLED, MAX_GROSS, MIN_TRADE, OPEN
from fanfold.domain.panel import CLOSE as PRICE_CLOSE
from fanfold.domain.panel import OPEN as PRICE_OPEN
from fanfold.domain.panel import VOLUME, trades_in
from fanfold.engine.state import OVERFLOW
from fanfold.execution.costs import commission, fill_price
from fanfold.risk.limits import opening_room
from fanfold.strategies.sizing import LOTS_MAX, sized_lots


@compiled_apart
def meet_open(
    t: int, panel: Any, desks: Any, account: Any, rules: Any, fills: Any, orders: Any
) -> None:
    """Fill what waits, at the open of bar t, where the asset trades."""
    for i in range(len(desks)):
        desk = desks[i]
        if trades_in(panel[PRICE_CLOSE, t, i], panel[VOLUME, t, i]):
            most = max(abs(desk.units), abs(desk.units + desk.close_order + desk.open_order))
            price = panel[PRICE_OPEN, t, i] * 1e6 * (1.0 + rules.slippage)
            if may_overflow(most, price, desk, account):
                return
    _close(t, panel, desks, account, rules, fills, orders)
    if rules.size_at_fill == 1:
        # After what closes: its costs are paid, and a reversal starts from nothing.
        _size_waiting(t, panel, desks, account, rules, orders)
        _close(t, panel, desks, account, rules, fills, orders)
    _share_cash(t, panel, desks, account, rules, orders)
    for side in (-1, 1):
        for i in range(len(desks)):
            desk = desks[i]
            lots = desk.open_order
            if lots * side > 0 and _can_open(desk, panel[PRICE_CLOSE, t, i], panel[VOLUME, t, i]):
                price = fill_price(panel[PRICE_OPEN, t, i], side, rules.slippage)
                _book(t, i, lots, price, OPEN, desk, account, rules, fills)
                _end_order(t, desk.open_row, lots, FILLED, account, orders)
                desk.open_order = 0
                account.working -= 1


@compiled
def _close(
    t: int, panel: Any, desks: Any, account: Any, rules: Any, fills: Any, orders: Any
) -> None:
    """Fill closing orders, sells first."""
    for side in (-1, 1):
        for i in range(len(desks)):
            desk = desks[i]
            lots = desk.close_order
            if lots * side > 0 and trades_in(panel[PRICE_CLOSE, t, i], panel[VOLUME, t, i]):
                price = fill_price(panel[PRICE_OPEN, t, i], side, rules.slippage)
                _book(t, i, lots, price, CLOSE, desk, account, rules, fills)
                _end_order(t, desk.close_row, lots, FILLED, account, orders)
                desk.close_order = 0
                account.working -= 1


@compiled
def _can_open(desk: Any, close: float, volume: float) -> bool:
    """The second order of a reversal goes when the first has filled."""
    return desk.close_order == 0 and desk.unsized == 0 and trades_in(close, volume)


@compiled
def _open_marks(t: int, panel: Any, desks: Any, account: Any) -> Any:
    """Equity and gross exposure with every traded asset at its open [micro-units]."""
    equity = account.cash
    gross = 0
    for i in range(len(desks)):
        desk = desks[i]
        if desk.units != 0:
            value = desk.value
            if trades_in(panel[PRICE_CLOSE, t, i], panel[VOLUME, t, i]):
                mark = fill_price(panel[PRICE_OPEN, t, i], 1, 0.0)
                value = share(desk.units, mark, desk.parts)
            equity += value
            gross += abs(value)
    return equity, gross


@compiled
def _size_waiting(t: int, panel: Any, desks: Any, account: Any, rules: Any, orders: Any) -> None:
    """Turn targets that wait for their fill into lots, costs included."""
    equity, _ = _open_marks(t, panel, desks, account)
    rate = rules.commission_rate / 1e9
    for i in range(len(desks)):
        desk = desks[i]
        if desk.unsized == 0 or not trades_in(panel[PRICE_CLOSE, t, i], panel[VOLUME, t, i]):
            continue
        side = 1 if desk.target > 0.0 else -1
        price = fill_price(panel[PRICE_OPEN, t, i], side, rules.slippage) / 1e6
        goal = sized_lots(
            rules.sizing_kind,
            rules.sizing_value,
            desk.target,
            equity / 1e6,
            price * (1.0 + rate),
            desk.parts,
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
            _end_order(t, desk.open_row, 0, EXPIRED, account, orders)
            if account.recording == 1:
                orders[desk.open_row].reason = MIN_TRADE
            account.working -= 1
        elif desk.units != 0 and (lots < 0) != (desk.units < 0) and desk.close_order == 0:
            desk.close_order = lots
            desk.close_row = desk.open_row
            if account.recording == 1:
                orders[desk.open_row].role = CLOSE
        else:
            desk.open_order = lots


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
def is_small(lots: int, price: int, equity: int, desk: Any, rules: Any) -> bool:
    """Whether a change is below the smallest worth sending, at a price [micro-units]."""
    notional = abs(share(lots, price, desk.parts)) / 1e6
    return notional < rules.min_trade_notional or (
        notional < rules.min_trade_weight * (equity / 1e6)
    )


@compiled
def _share_cash(t: int, panel: Any, desks: Any, account: Any, rules: Any, orders: Any) -> None:
    """Scale opening orders pro rata to what the account can carry, rounded to lots."""
    claims = 0
    for i in range(len(desks)):
        desk = desks[i]
        if desk.open_order != 0 and _can_open(desk, panel[PRICE_CLOSE, t, i], panel[VOLUME, t, i]):
            claims += _cost(t, i, desk.open_order, panel, desk, rules)
    if claims == 0:
        return
    equity, gross = _open_marks(t, panel, desks, account)
    power, gross_left = opening_room(equity, gross, rules.leverage, rules.max_gross)
    room = min(power, gross_left)
    if claims <= room:
        return
    for i in range(len(desks)):
        desk = desks[i]
        if desk.open_order != 0 and _can_open(desk, panel[PRICE_CLOSE, t, i], panel[VOLUME, t, i]):
            desk.open_order = _afford(t, i, room, claims, panel, desk, rules)
            if account.recording == 1:
                orders[desk.open_row].reason = MAX_GROSS if gross_left < power else BUYING_POWER
            if desk.open_order == 0:
                _end_order(t, desk.open_row, 0, EXPIRED, account, orders)
                account.working -= 1


@compiled
def _afford(t: int, i: int, room: int, claims: int, panel: Any, desk: Any, rules: Any) -> int:
    """Signed lots that one order's part of the room pays for."""
    size = abs(desk.open_order)
    cost = _cost(t, i, size, panel, desk, rules)
    granted = pro_rata(room, cost, claims)
    lots = pro_rata(granted, size, cost) if granted < cost else size
    if _cost(t, i, lots, panel, desk, rules) > granted:
        # Amount and fee are rounded apart: at most two micro-units over, in lots.
        lots = max(lots - 2 * size // cost - 1, 0)
    return lots if desk.open_order > 0 else -lots


@compiled
def _cost(t: int, i: int, lots: int, panel: Any, desk: Any, rules: Any) -> int:
    """What opening `lots` at bar t's open takes from buying power [micro-units]."""
    side = 1 if desk.open_order > 0 else -1
    price = fill_price(panel[PRICE_OPEN, t, i], side, rules.slippage)
    amount = share(abs(lots), price, desk.parts)
    return amount + commission(amount, rules.commission_rate)


@compiled
def _book(
    t: int,
    i: int,
    lots: int,
    price: int,
    role: int,
    desk: Any,
    account: Any,
    rules: Any,
    fills: Any,
) -> None:
    """Book one fill: cash, position, open round trip, and its row."""
    amount = share(abs(lots), price, desk.parts)
    fee = commission(amount, rules.commission_rate)
    paid = amount if lots > 0 else -amount
    account.cash -= paid + fee
    account.fees += fee
    account.traded += amount
    account.fill_count += 1
    desk.trip_pnl -= paid + fee
    if role == OPEN:
        desk.entry_lots += abs(lots)
        desk.entry_amount += amount
    else:
        desk.exit_lots += abs(lots)
        desk.exit_amount += amount
    desk.units += lots
    account.touched = 1
    if desk.units == 0:
        _end_trip(desk, account)
    if account.recording == 1:
        row = fills[account.fill_count - 1]
        row.bar = t
        row.asset = i
        row.lots = lots
        row.price = price
        row.amount = amount
        row.fee = fee
        row.role = role
        row.order_bar = desk.order_bar


@compiled
def _end_trip(desk: Any, account: Any) -> None:
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


@compiled
def _end_order(t: int, row: int, filled: int, status: int, account: Any, orders: Any) -> None:
    account.touched = 1
    if account.recording == 1:
        order = orders[row]
        order.filled = filled
        order.status = status
        order.done_bar = t


@compiled_apart
def close_positions(t: int, desks: Any, account: Any, rules: Any, fills: Any) -> None:
    """Close every position at the close of the last bar, with costs."""
    for side in (-1, 1):
        for i in range(len(desks)):
            desk = desks[i]
            if desk.units * side < 0:
                desk.order_bar = t
                price = fill_price(desk.mark / MICRO, side, rules.slippage)
                _book(t, i, -desk.units, price, CLOSE, desk, account, rules, fills)
                desk.value = 0
    account.equity = account.cash

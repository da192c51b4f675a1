"""Orders that open at the same instant share what the account can carry, pro rata."""

from typing import Any

from fanfold.domain.compiled import compiled_apart
from fanfold.domain.money import pro_rata, share, to_micro
from fanfold.domain.orders import BUYING_POWER, EXPIRED, MAX_GROSS, OPEN
from fanfold.engine.step.book import end_order, fee_of
from fanfold.execution.costs import fill_price
from fanfold.risk.limits import opening_room

_ROUNDS_MAX = 3
"""Tries to fit an order with its fee into its part of the room."""


@compiled_apart
def is_small(lots: int, price: int, equity: int, desk: Any, rules: Any) -> bool:
    """Whether a change is below the smallest worth sending, at a price [micro-units]."""
    notional = abs(share(lots, price, desk.parts))
    return notional < desk.least_notional or (
        notional / 1e6 < rules.min_trade_weight * (equity / 1e6)
    )


@compiled_apart
def marks_at(t: int, field: int, panel: Any, desks: Any, account: Any) -> Any:
    """Equity and gross exposure with every traded asset at a price of bar t [micro-units]."""
    equity = account.cash
    gross = 0
    for i in range(len(desks)):
        desk = desks[i]
        if desk.units != 0:
            value = desk.value
            if desk.traded == 1:
                mark = fill_price(panel[field, t, i], 1, 0.0)
                value = share(desk.units, mark, desk.parts)
            equity += value
            gross += abs(value)
    return equity, gross


@compiled_apart
def share_cash(
    t: int, field: int, panel: Any, facts: Any, desks: Any, account: Any, rules: Any, orders: Any
) -> None:
    """Scale what opening orders take to what the account can carry, rounded to lots."""
    equity, gross = marks_at(t, field, panel, desks, account)
    power, gross_left = opening_room(equity, gross, rules.leverage, rules.max_gross)
    reason = MAX_GROSS if gross_left < power else BUYING_POWER
    share_room(t, min(power, gross_left), reason, facts, desks, account, rules, orders)


@compiled_apart
def share_room(
    t: int, room: int, reason: int, facts: Any, desks: Any, account: Any, rules: Any, orders: Any
) -> None:
    """Scale all `take`s to a room [micro-units]; an order that is trimmed ends with it."""
    claims = 0
    for i in range(len(desks)):
        if desks[i].take != 0:
            claims += _cost(t, desks[i].take, facts, desks[i], rules)
    if claims <= room:
        return
    for i in range(len(desks)):
        desk = desks[i]
        if desk.take != 0:
            lots = _afford(t, room, claims, facts, desk, rules)
            desk.take = lots
            desk.open_order = lots
            if account.recording == 1:
                orders[desk.open_row].reason = reason
            if lots == 0:
                end_order(t, desk.open_row, desk.open_lots, EXPIRED, reason, account, orders)


@compiled_apart
def _afford(t: int, room: int, claims: int, facts: Any, desk: Any, rules: Any) -> int:
    """Signed lots that one order's part of the room pays for."""
    size = abs(desk.take)
    cost = _cost(t, size, facts, desk, rules)
    granted = pro_rata(room, cost, claims)
    lots = pro_rata(granted, size, cost) if granted < cost else size
    over = _cost(t, lots, facts, desk, rules) - granted
    rounds = 0
    while over > 0 and lots > 0:
        # Fees do not shrink with the order, and both are rounded: take off in lots.
        less = pro_rata(over, size, cost) + 1 if over < cost and rounds < _ROUNDS_MAX else size
        lots = max(lots - less, 0)
        over = _cost(t, lots, facts, desk, rules) - granted
        rounds += 1
    return lots if desk.take > 0 else -lots


@compiled_apart
def _cost(t: int, lots: int, facts: Any, desk: Any, rules: Any) -> int:
    """What opening `lots` at the desk's price takes from buying power [micro-units].

    A short claims the market's price: less of it would slip less.
    """
    price = desk.price
    if desk.take < 0:
        price = max(price, to_micro(desk.reference))
    amount = share(abs(lots), price, desk.parts)
    return amount + fee_of(t, lots, amount, OPEN, desk, facts, rules)

"""Splits and dividends: what they do to positions, and to orders that wait.

A split makes other units of a position at the same cost. What is no whole lot then (a whole
share, or 1e-9 of one where parts of it trade) is paid in cash at the close before. Orders
that wait are restated for as many new units at as many new prices; where units become fewer
(a reverse split) they are cancelled, as brokers do, since a rounded order is another one.
"""

from decimal import ROUND_DOWN, Decimal
from typing import Final

from msgspec.structs import replace

from fanfold.domain.money import share, to_micro
from fanfold.engine.step.overnight import WHOLE_TOLERANCE
from fanfold.execution.venue_rules import to_tick
from fanfold.venue.market.values import ActionTick
from fanfold.venue.trading import money
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.fees import LOTS
from fanfold.venue.trading.filling import lots_of, micro_of, money_of, units_of
from fanfold.venue.trading.life import ending, lifecycle
from fanfold.venue.trading.values import ZERO, Order, Position

_TOLERANCE: Final = Decimal(str(WHOLE_TOLERANCE))


def on_action(desk: Desk, tick: ActionTick) -> None:
    """Book a split or a dividend of an asset, the split first."""
    if tick.split != 1.0:
        ratio = Decimal(repr(tick.split))
        for account in desk.book.accounts:
            position = desk.book.position(account.id, tick.symbol)
            if position.qty:
                _split(desk, position, ratio)
        _restate_orders(desk, tick.symbol, ratio)
    if tick.dividend != 0.0:
        for account in desk.book.accounts:
            position = desk.book.position(account.id, tick.symbol)
            if position.qty:
                _pay(desk, position, to_micro(tick.dividend))


def _lot(desk: Desk, symbol: str) -> int:
    """The smallest part of a unit that can be held [1e-9 units]."""
    asset = desk.market.asset(symbol)
    return 1 if asset is not None and asset.fractionable else LOTS


def _whole(qty: Decimal, lot: int) -> Decimal:
    """Whole lots towards zero, of a quantity that rounding may have missed by a hair."""
    lots = qty * LOTS / lot
    nearest = lots.to_integral_value()
    if abs(lots - nearest) > _TOLERANCE:
        nearest = lots.to_integral_value(ROUND_DOWN)
    return units_of(int(nearest) * lot)


def _split(desk: Desk, position: Position, ratio: Decimal) -> None:
    exact = position.qty * ratio
    lot = _lot(desk, position.symbol)
    after = _whole(exact, lot)
    fraction = exact - after
    if abs(fraction) * LOTS / lot <= _TOLERANCE:
        fraction = ZERO
    cost, paid = position.cost, ZERO
    if fraction:
        mark = _mark(desk, position.symbol, ratio)
        paid = money_of(int((fraction * mark).to_integral_value()))
        cost = money_of(share(micro_of(position.cost), lots_of(abs(after)), lots_of(abs(exact))))
    gone = position.cost - cost
    desk.book.put_position(
        replace(
            position,
            qty=after,
            cost=cost,
            intraday_qty=_whole(position.intraday_qty * ratio, lot),
            realised=position.realised + paid - gone,
        )
    )
    if paid:
        account = desk.book.account(position.account)
        desk.book.put_account(replace(account, cash=account.cash + paid))
    desk.book.write(
        position.account,
        "SPLIT",
        desk.now,
        symbol=position.symbol,
        qty=after - position.qty,
        amount=paid,
        note=f"{ratio} for 1" + (", fractions in cash" if paid else ""),
    )


def _mark(desk: Desk, symbol: str, ratio: Decimal) -> int:
    """The close before, of a unit after the split [micro-units]."""
    close = desk.market.previous_close(symbol)
    if close is not None:
        return to_micro(close)
    last = desk.market.last(symbol)
    return 0 if last is None else to_micro(last / float(ratio))


def _pay(desk: Desk, position: Position, per_unit: int) -> None:
    """Credit a dividend to who holds the asset, debit it from who has sold it short."""
    amount = money_of(share(lots_of(position.qty), per_unit, LOTS))
    account = desk.book.account(position.account)
    desk.book.put_account(replace(account, cash=account.cash + amount))
    desk.book.write(
        position.account,
        "DIV",
        desk.now,
        symbol=position.symbol,
        qty=position.qty,
        amount=amount,
        per_unit=money_of(per_unit),
        note="cash dividend",
    )


# Orders


def _restate_orders(desk: Desk, symbol: str, ratio: Decimal) -> None:
    for listed in desk.book.open_orders_of(symbol):
        order = lifecycle.current(desk, listed)
        if not order.is_open:
            continue
        if order.status == "pending_replace":
            order = lifecycle.revert(desk, order)
        restated = _restated(desk, order, ratio)
        if ratio < 1 or restated is None:
            ending.end(desk, order, "canceled")
            continue
        desk.book.put_order(restated)
        reserved = money.reserve_for(desk, restated)
        desk.book.tell("restated", restated, desk.now, reserved=reserved)


def _restated(desk: Desk, order: Order, ratio: Decimal) -> Order | None:
    """An order for as many new units at as many new prices; None if it is for less than a lot.

    What was filled stays as it was.
    """
    qty = order.qty
    if qty is not None:
        left = _whole(order.open_qty * ratio, _lot(desk, order.symbol))
        if left <= 0:
            return None
        qty = order.filled_qty + left
    prices = {
        "limit_price": _new_price(desk, order, order.limit_price, ratio, -order.sign),
        "stop_price": _new_price(desk, order, order.stop_price, ratio, order.sign),
        "collar": _new_price(desk, order, order.collar, ratio, -order.sign),
        "trail_price": _new_price(desk, order, order.trail_price, ratio, order.sign),
        "hwm": None if order.hwm is None else money_of(micro_of(order.hwm / ratio)),
    }
    if any(price is not None and price <= 0 for price in prices.values()):
        return None
    return replace(order, qty=qty, **prices)


def _new_price(
    desk: Desk, order: Order, price: Decimal | None, ratio: Decimal, direction: int
) -> Decimal | None:
    """A price after the split, rounded to a tick that is no more eager than it was."""
    if price is None:
        return None
    ticks = desk.terms.rules.ticks(order.asset_class)
    return money_of(to_tick(micro_of(price / ratio), direction, *ticks))

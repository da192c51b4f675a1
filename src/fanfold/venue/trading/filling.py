"""What a fill does: money, units, fees, the reservation, and the news of it.

All of it is exact. A quantity is a count of lots of 1e-9, a price and an amount are counts
of a millionth of the currency; the amount of a fill is rounded once, half to even, as the
engine does. A position keeps the average cost of its units: what is given back takes its
part of the cost with it, and the difference to what it brought is realised.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from msgspec.structs import replace

from fanfold.domain.money import MICRO, share
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.trading import fees, money
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.fees import LOTS, Charge
from fanfold.venue.trading.life import legs
from fanfold.venue.trading.values import Execution, Order, Position

MONEY_ASSET: Final = "USD"
"""What cash is held in, and what fees on it are named by."""


def fill(desk: Desk, order: Order, qty: Decimal, price_micro: int) -> Order:
    """Fill an order, all or a part of it.

    Args:
        desk: The desk.
        order: As it is in the book; one that was cancelled is filled late.
        qty: Units, above 0 and in whole lots, at most what is open of it. A notional order
            that has no quantity yet has got one from `qty_of`.
        price_micro: Price of one unit [micro-units].

    Returns:
        The order after it, and after what it means for its group.
    """
    lots = lots_of(qty)
    amount = share(lots, price_micro, LOTS)
    charge = fees.charge(desk, order, lots, amount)
    position = _book_units(desk, order, lots, price_micro, charge)
    _book_money(desk, order, amount, charge)
    execution = Execution(
        id=desk.book.new_id(),
        price=money_of(price_micro),
        qty=qty,
        amount=money_of(amount),
        fee=units_of(charge.coins) if charge.coins else money_of(charge.money),
        fee_asset=order.symbol.partition("/")[0] if charge.coins else MONEY_ASSET,
        position_qty=position.qty,
    )
    return legs.after_fill(desk, _tell(desk, order, execution))


def lots_of(qty: Decimal) -> int:
    """Whole lots in a quantity."""
    return int((qty * LOTS).to_integral_value(ROUND_HALF_EVEN))


def units_of(lots: int) -> Decimal:
    """A quantity of so many lots."""
    return Decimal(lots) / LOTS


def money_of(micro: int) -> Decimal:
    """An amount of so many micro-units [currency]."""
    return Decimal(micro) / MICRO


def micro_of(amount: Decimal) -> int:
    """An amount in micro-units; every amount in the books is a whole number of them."""
    return int((amount * MICRO).to_integral_value(ROUND_HALF_EVEN))


def qty_of(notional: Decimal, price_micro: int) -> Decimal:
    """What an amount of money buys at a price: rounded down to whole lots."""
    return units_of(micro_of(notional) * LOTS // price_micro)


def moved(position: Position, lots: int, price_micro: int) -> Position:
    """A position after units were bought (lots above 0) or sold (below 0) at a price.

    Units that bring it nearer to zero leave at their average cost; those that go beyond
    begin another position.
    """
    held = lots_of(position.qty)
    cost = micro_of(position.cost)
    realised = micro_of(position.realised)
    sign = 1 if lots > 0 else -1
    amount = share(abs(lots), price_micro, LOTS)
    if held * lots < 0:
        closing = min(abs(held), abs(lots))
        part = share(closing, price_micro, LOTS) if closing < abs(lots) else amount
        gone = cost if closing == abs(held) else share(cost, closing, abs(held))
        realised += -sign * part - gone
        cost -= gone
        amount -= part
    return replace(
        position,
        qty=units_of(held + lots),
        cost=money_of(cost + sign * amount),
        realised=money_of(realised),
    )


def _book_units(desk: Desk, order: Order, lots: int, price_micro: int, charge: Charge) -> Position:
    """Book what was received, net of the coins that are the fee, or given."""
    position = desk.book.position(order.account, order.symbol)
    received = order.sign * lots - charge.coins
    return desk.book.put_position(moved(position, received, price_micro))


def _book_money(desk: Desk, order: Order, amount: int, charge: Charge) -> None:
    account = desk.book.account(order.account)
    paid = order.sign * amount + charge.money
    account = replace(account, cash=account.cash - money_of(paid))
    account = fees.with_parts(account, charge.parts)
    if order.asset_class == CRYPTO:
        day = fees.session_day(desk, order.symbol)
        account = fees.with_volume(account, day, money_of(amount))
    desk.book.put_account(account)


def _tell(desk: Desk, order: Order, execution: Execution) -> Order:
    filled = replace(
        order,
        filled_qty=order.filled_qty + execution.qty,
        filled_value=order.filled_value + execution.amount,
        filled_at_prices=order.filled_at_prices + execution.price * execution.qty,
    )
    done = filled.open_qty <= 0
    filled = replace(filled, status="filled" if done else "partially_filled")
    # A closed order holds nothing, and what is open of a late fill is cancelled again.
    reserved = money.reserve_for(desk, filled)
    return desk.book.tell(
        "fill" if done else "partial_fill",
        order,
        desk.now,
        execution=execution,
        status=filled.status,
        filled_qty=filled.filled_qty,
        filled_value=filled.filled_value,
        filled_at_prices=filled.filled_at_prices,
        filled_at=desk.book.instant(desk.now),
        reserved=reserved,
    )

"""The ledger that checks the loop: fills replayed with `Decimal`.

Slow, independent and exact. The loop books integers; this books decimals from the
prices and quantities of the fills alone, and must end with the same cash to the
last unit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

UNIT = Decimal("0.000001")
"""What cash is exact to [currency]."""

DIGITS = 60
"""Digits of every product before it is rounded; no fill comes near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFill:
    """One fill as anybody may state it.

    Attributes:
        side: "buy" or "sell".
        quantity: Units, positive.
        price: Currency per unit.
        fee: As charged [currency].
    """

    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal


def replay_cash(
    cash: Decimal, fills: Iterable[LedgerFill], flows: Iterable[Decimal] = ()
) -> Decimal:
    """Cash after all fills, each amount rounded half to even, and all other flows [currency]."""
    with localcontext() as context:
        context.prec = DIGITS
        for fill in fills:
            amount = amount_of(fill)
            cash += (amount if fill.side == "sell" else -amount) - fill.fee
        return cash + sum(flows, Decimal(0))


def amount_of(fill: LedgerFill) -> Decimal:
    """Price times quantity, rounded half to even to `UNIT` [currency]."""
    with localcontext() as context:
        context.prec = DIGITS
        return (fill.quantity * fill.price).quantize(UNIT, ROUND_HALF_EVEN)


def commission_of(amount: Decimal, commission_bps: float) -> Decimal:
    """Commission on an amount by its schedule [currency], half to even to `UNIT`.

    Args:
        amount: Traded amount [currency].
        commission_bps: Rate [bps], exact to a hundred-thousandth.
    """
    with localcontext() as context:
        context.prec = DIGITS
        rate = Decimal(str(commission_bps)).quantize(Decimal("0.00001"), ROUND_HALF_EVEN) / 10_000
        return (amount * rate).quantize(UNIT, ROUND_HALF_EVEN)

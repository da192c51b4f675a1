"""What goes otherwise with orders, while faults of orders are on."""

from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Final, TypeVar

from fanfold.venue.faults import kinds
from fanfold.venue.faults.messages import is_symbol
from fanfold.venue.faults.standing import SECOND_NS, Standing
from fanfold.venue.trading.terms import Mischief
from fanfold.venue.trading.values import Order

SMALLEST: Final = Decimal("1e-9")
"""The smallest part of a unit that trades."""

DRAWN: Final = (0.1, 0.9)
"""Between these parts of a quantity one is drawn where none is given."""

F = TypeVar("F", bound=kinds.OnOrder)


def mischief_of(standing: Sequence[Standing], clock: Callable[[], int]) -> Mischief:
    """What goes otherwise with orders.

    Args:
        standing: The faults that are on; looked at each time, so it may change.
        clock: By which they last [ns UTC].
    """

    def strikes(kind: type[F], order: Order) -> Iterator[tuple[F, Random]]:
        for one in tuple(standing):
            if isinstance(one.fault, kind) and _concerns(one.fault, order):
                drawn = one.strike(clock())
                if drawn is not None:
                    yield one.fault, drawn

    def delay(
        kind: type[kinds.SlowAcceptance] | type[kinds.SlowCancel] | type[kinds.SlowReplace],
    ) -> Callable[[Order], int]:
        return lambda order: sum(
            round(fault.delay_s * SECOND_NS) for fault, _ in strikes(kind, order)
        )

    def partly(order: Order, qty: Decimal) -> Decimal:
        for fault, drawn in strikes(kinds.PartialFill, order):
            qty = _part(order, qty, fault.fraction or drawn.uniform(*DRAWN))
        return qty

    return Mischief(
        partly=partly,
        fills_late=lambda order: any(tuple(strikes(kinds.LateFillAfterCancel, order))),
        acceptance_ns=delay(kinds.SlowAcceptance),
        cancel_ns=delay(kinds.SlowCancel),
        replace_ns=delay(kinds.SlowReplace),
        cancel_fails=lambda order: any(tuple(strikes(kinds.CancelRejected, order))),
    )


def _part(order: Order, qty: Decimal, fraction: float) -> Decimal:
    """A part of a quantity: whole units where it is whole, as shares trade."""
    is_whole = order.asset_class != "crypto" and qty == qty.to_integral_value()
    smallest = Decimal(1) if is_whole else SMALLEST
    part = (qty * Decimal(repr(fraction))).quantize(smallest, rounding=ROUND_DOWN)
    return min(qty, max(smallest, part))


def _concerns(fault: kinds.OnOrder, order: Order) -> bool:
    return (
        fault.account in ("", order.account)
        and fault.side in ("", order.side)
        and is_symbol(fault.symbol, order.symbol)
    )

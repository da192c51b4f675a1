"""A ledger beside the venue's own: it knows nothing but events and bookings."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from msgspec.structs import replace

from fanfold.venue.trading.states import LATE_FILLS, SUBMIT, may
from fanfold.venue.trading.values import Booking, Event, Order

ZERO = Decimal(0)
MICRO = Decimal("0.000001")
CENT = Decimal("0.01")
SILENT = {
    "resting_since": None,
    "triggered": False,
    "due_at": None,
    "hwm": None,
    "reserved": ZERO,
    "collar": None,
    "parent": "",
    "legs": (),
}
"""What changes without a message: nothing of it is for clients."""


def told(order: Order) -> Order:
    """What clients know of an order from its messages."""
    trails = {"stop_price": None} if order.kind == "trailing_stop" else {}
    return replace(order, **SILENT, **trails)


@dataclass
class Ledger:
    """What events and bookings alone add up to."""

    traded: Decimal = ZERO
    coin_fees: Decimal = ZERO
    fill_fees: Decimal = ZERO
    listed: Decimal = ZERO
    listed_count: int = 0
    moved: Decimal = ZERO
    fractions: Decimal = ZERO
    seq: int = 0
    ts: int = 0
    units: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    orders: dict[str, Order] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        """Take an event in, which must follow from what was heard before."""
        known = self.orders.get(event.order.id)
        self._check_way(event, known)
        self._number(event.seq, event.ts)
        self.orders[event.order.id] = event.order
        execution = event.execution
        filled = (ZERO, ZERO) if known is None else (known.filled_qty, known.filled_value)
        if execution is None:
            assert (event.order.filled_qty, event.order.filled_value) == filled
            return
        sign = event.order.sign
        assert execution.amount == rounded(execution.price * execution.qty)
        assert event.order.filled_qty == filled[0] + execution.qty
        assert event.order.filled_value == filled[1] + execution.amount
        self.traded += sign * execution.amount
        self.units[event.order.symbol] += sign * execution.qty
        if execution.fee_asset == "USD":
            self.fill_fees += execution.fee
        else:
            self.units[event.order.symbol] -= execution.fee
            net = rounded(execution.price * (execution.qty - execution.fee))
            self.coin_fees += execution.amount - net
        assert execution.position_qty == self.units[event.order.symbol]

    def book(self, booking: Booking) -> None:
        """Take a booking in."""
        self._number(booking.seq, booking.ts)
        if booking.kind == "SPLIT":
            self.units[booking.symbol] += booking.qty
            self.fractions += booking.amount
        elif booking.kind == "FEE" and not booking.symbol:
            self.listed -= booking.amount
            self.listed_count += 1
        else:
            self.moved += booking.amount

    def _number(self, seq: int, ts: int) -> None:
        assert ts > self.ts
        self.seq, self.ts = seq, ts

    def _check_way(self, event: Event, known: Order | None) -> None:
        old = SUBMIT if known is None else known.status
        new = event.order.status
        if known is not None and old == new and event.execution is None:
            return
        before = "" if known is None else known.before
        late = old == "canceled" and new in LATE_FILLS and event.execution is not None
        assert late or may(old, new, before), f"{event.name}: {old} to {new}"


def rounded(amount: Decimal) -> Decimal:
    """To micro-units, as the venue rounds amounts."""
    return amount.quantize(MICRO, ROUND_HALF_EVEN)

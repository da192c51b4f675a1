"""Where a journal ends."""

from dataclasses import dataclass

from fanfold.venue.trading.values import Account, Order, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """Where a journal ends.

    Attributes:
        clock: The venue's clock: all of the market until then, included, is done [ns UTC].
        seq: Last number of an event or a booking.
        ts: Its instant [ns UTC].
        accounts: All of them.
        positions: All of them, flat ones too.
        orders: Open ones, oldest first.
    """

    clock: int
    seq: int
    ts: int
    accounts: tuple[Account, ...]
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]

"""Whether an order meets the market at all, and in which turn."""

from collections.abc import Sequence
from typing import Final

from fanfold.venue.market.values import QuoteTick
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.states import works
from fanfold.venue.trading.values import Order
from fanfold.venue.trading.waiting import AUCTIONS, RESTING

EARLY_NS: Final = 19_800 * 10**9
"""How long before its open an exchange's day begins: from 04:00 to 09:30 [ns]."""

_ROUND_THE_CLOCK: Final = "24/7"


def in_turn(orders: Sequence[Order]) -> Sequence[Order]:
    """Orders in the turn in which one tick meets them, from oldest first."""
    return orders if len(orders) < 2 else sorted(orders, key=_turn)  # noqa: PLR2004  (none to sort)


def named(desk: Desk, names: Sequence[str]) -> list[Order]:
    """The orders of these ids, as they are now."""
    return [order for name in names if (order := desk.book.order(name)) is not None]


def phase_of(desk: Desk, symbol: str) -> str:
    """Where the clock lies in the day of an asset's exchange."""
    asset = desk.market.asset(symbol)
    return "closed" if asset is None else desk.market.hours(asset.calendar).phase


def may_meet(desk: Desk, order: Order, ts: int, phase: str) -> bool:
    """Whether an order meets what happened at an instant in the continuous market."""
    if not works(order) or order.time_in_force in AUCTIONS.values():
        return False
    # Changes of one instant follow each other by nanoseconds that the clock does not have.
    if ts < min(order.submitted_at, desk.now):
        return False
    return phase == "regular" or (
        phase != "closed" and order.extended_hours and order.kind == "limit"
    )


def standing_quote(desk: Desk, order: Order) -> QuoteTick | None:
    """The quote that an order would meet now: none that is older than its session."""
    asset = desk.market.asset(order.symbol)
    quote = desk.market.quote(order.symbol)
    if asset is None or quote is None or desk.market.is_halted(order.symbol):
        return None
    hours = desk.market.hours(asset.calendar)
    if not may_meet(desk, order, desk.now, hours.phase):
        return None
    if asset.calendar == _ROUND_THE_CLOCK:
        return quote
    begins = hours.open if hours.phase == "regular" else hours.open - EARLY_NS
    return quote if quote.ts >= begins else None


def _turn(order: Order) -> tuple[bool, bool]:
    return order.side == "buy", order.kind in RESTING and order.stop_price is None

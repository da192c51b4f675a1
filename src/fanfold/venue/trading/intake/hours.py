"""When an order is taken, whether it waits for its session, and when it expires."""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fanfold.alpaca.wire.refusals import Refusal, forbidden
from fanfold.domain.sessions import MINUTE_NS
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.market.values import Asset, Hours
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.terms import GTC_DAYS

NEW_YORK: Final = ZoneInfo("America/New_York")
SECOND_NS: Final = 1_000_000_000

GTC_ENDS: Final = time(16, 15)
"""Time of day in New York at which an order until cancelled expires."""

AUCTIONS_FROM: Final = time(19, 0)
"""Time of day in New York from which orders for the next auctions are taken."""

OPENING_LEAD_NS: Final = 2 * MINUTE_NS
"""So long before the opening no order for it is taken any more [ns]."""

CLOSING_LEAD_NS: Final = 10 * MINUTE_NS
"""The same before the close [ns]."""

EXTENDED_AFTER_NS: Final = 240 * MINUTE_NS
"""How long the extended hours last after the close [ns]."""

AUCTIONS: Final = ("opg", "cls")


def waits(hours: Hours, time_in_force: str, *, extended_hours: bool) -> bool:
    """Whether an order has to wait for its session or its auction."""
    if time_in_force in AUCTIONS:
        return True
    open_phases = ("pre", "regular", "after") if extended_hours else ("regular",)
    return hours.phase not in open_phases


def check_window(desk: Desk, asset: Asset, time_in_force: str) -> Refusal | None:
    """Whether an order for an auction comes in time; both windows begin at 19:00."""
    if time_in_force not in AUCTIONS:
        return None
    hours = desk.market.hours(asset.calendar)
    opening = time_in_force == "opg"
    ends = hours.open - OPENING_LEAD_NS if opening else hours.close - CLOSING_LEAD_NS
    if hours.phase == "closed" or desk.now < ends:
        return None
    if hours.phase == "after" and _local(desk.now).time() >= AUCTIONS_FROM:
        return None
    until = "9:28am" if opening else "3:50pm"
    return forbidden(f"{time_in_force} orders must be submitted after 7:00pm and before {until}")


def expiry(desk: Desk, asset: Asset, time_in_force: str, *, extended_hours: bool) -> int | None:
    """When an order expires that has not filled [ns UTC]; None if it ends at once.

    An order of the day does at the close of the session that it trades in, or at the end
    of the extended hours after it; one until cancelled after 90 days, at 16:15 in New York.
    """
    if time_in_force == "gtc":
        return _gtc_end(desk.now)
    if asset.asset_class == CRYPTO:
        return None
    hours = desk.market.hours(asset.calendar)
    if extended_hours and hours.phase != "closed":
        return hours.close + EXTENDED_AFTER_NS
    return hours.next_close + (EXTENDED_AFTER_NS if extended_hours else 0)


def _gtc_end(now: int) -> int:
    day = _local(now).date() + timedelta(days=GTC_DAYS)
    return int(datetime.combine(day, GTC_ENDS, NEW_YORK).timestamp()) * SECOND_NS


def _local(now: int) -> datetime:
    return datetime.fromtimestamp(now // SECOND_NS, NEW_YORK)

"""Names of activities, as the broker gives them: an instant in New York and a UUID."""

from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_OID, uuid5
from zoneinfo import ZoneInfo

from fanfold.venue.trading.values import Booking, Event

FILL: Final = "FILL"
"""The type of activities that are fills; bookings bring their own."""

_NEW_YORK: Final = ZoneInfo("America/New_York")
_BOOKINGS: Final = uuid5(NAMESPACE_OID, "fanfold venue booking")
_SECOND_NS: Final = 1_000_000_000


def activity_id(activity: Event | Booking) -> str:
    """The name of a fill or a booking, ``YYYYMMDDHHMMSSmmm::uuid``: equal ones get equal names."""
    seconds, rest = divmod(activity.ts, _SECOND_NS)
    at = datetime.fromtimestamp(seconds, UTC).astimezone(_NEW_YORK)
    return f"{at:%Y%m%d%H%M%S}{rest // 1_000_000:03d}::{activity_token(activity)}"


def activity_token(activity: Event | Booking) -> str | None:
    """The UUID in its name; None of an event that is no fill, and so no activity."""
    if isinstance(activity, Booking):
        return str(uuid5(_BOOKINGS, f"{activity.account}.{activity.seq}"))
    return activity.execution.id if activity.execution else None

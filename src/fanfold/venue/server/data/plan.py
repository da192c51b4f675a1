"""What an account's plan lets it see: all exchanges' tape only after a while, or at once."""

from typing import Final

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.domain.sessions import MINUTE_NS
from fanfold.venue.floor import Floor
from fanfold.venue.server.data.query import SHARES, Room

DELAY_NS: Final = 15 * MINUTE_NS
"""How long what all exchanges traded is kept from those without a plan for it [ns]."""

DELAYED: Final = "delayed_sip"
"""The feed on which all that is latest is so old."""


def no_recent_data() -> Refusal:
    """The answer to those whose plan does not hold what they ask for."""
    return Refusal(
        status=403, code=0, message="subscription does not permit querying recent SIP data"
    )


def hides(floor: Floor, room: Room, feed: str) -> bool:
    """Whether recent data of a feed are kept from the venue's accounts."""
    return room == SHARES and floor.settings.plan == "basic" and feed == "sip"


def latest_feed(floor: Floor) -> str:
    """The feed of what is latest where nobody names one: the best that the plan has."""
    return "iex" if floor.settings.plan == "basic" else "sip"

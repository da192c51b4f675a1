"""Market data over REST: the past, what is latest, and what is told beside."""

from aiohttp import web

from fanfold.venue.floor import Floor
from fanfold.venue.market.history.history import History
from fanfold.venue.server.data import actions, beside, latest, past


def routes(floor: Floor) -> list[web.RouteDef]:
    """All routes of market data.

    Args:
        floor: The venue.
    """
    history = History(floor.market)
    return [
        *past.routes(floor, history),
        *latest.routes(floor, history),
        *actions.routes(floor),
        *beside.routes(floor, history),
    ]


__all__ = ["routes"]

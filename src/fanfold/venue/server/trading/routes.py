"""All of trading's routes."""

from aiohttp import web

from fanfold.venue.floor import Floor
from fanfold.venue.server.trading import account, assets, history, orders, positions, watchlists


def routes(floor: Floor) -> list[web.RouteDef]:
    """Everything below ``/v2`` that is not market data, and no stream."""
    rooms = (account, assets, history, orders, positions, watchlists)
    return [one for room in rooms for one in room.routes(floor)]

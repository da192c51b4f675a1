"""All routes of the venue's own room."""

from aiohttp import web

from fanfold.venue.floor import Floor
from fanfold.venue.server.own import control, page


def routes(floor: Floor) -> list[web.RouteDef]:
    """Routes that no broker has; they never misbehave and have no rate."""
    return [*control.routes(floor), *page.routes(floor)]

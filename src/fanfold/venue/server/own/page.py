"""The page on which people see a running venue; it asks for the status every two seconds."""

from pathlib import Path
from typing import Final

from aiohttp import web

from fanfold.venue.floor import Floor
from fanfold.venue.server.answers import route
from fanfold.venue.server.gate import OWN_ROOM

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
"""It takes nothing from elsewhere, and nobody may frame it."""


def routes(floor: Floor) -> list[web.RouteDef]:
    """The page, with and without its slash: neither sends anybody elsewhere."""
    page = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")

    async def show(_floor: Floor, _request: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html", headers=HEADERS)

    return [route(floor, "GET", path, show) for path in (OWN_ROOM, OWN_ROOM + "/")]

"""The venue's whole HTTP and WebSocket side, put together."""

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web
from aiohttp.web_urldispatcher import UrlMappingMatchInfo
from yarl import URL

from fanfold.venue.floor import Floor
from fanfold.venue.server import data, own, sockets, trading
from fanfold.venue.server.gate import middlewares
from fanfold.venue.server.requests import BODY_BYTES_MAX


def make_app(floor: Floor) -> web.Application:
    """All rooms of the venue behind one gate.

    Args:
        floor: The venue at work; who serves the application lets it run.
    """
    return joined(floor, (trading.routes, data.routes, sockets.routes, own.routes))


def joined(floor: Floor, rooms: Iterable[Callable[[Floor], list[web.RouteDef]]]) -> web.Application:
    """Some rooms behind the gate."""
    gate = middlewares(floor, sockets.STREAM_PATHS)
    app = web.Application(middlewares=gate, client_max_size=BODY_BYTES_MAX)
    for routes in rooms:
        app.router.add_routes(routes(floor))
    app.router.register_resource(_Doubled(app.router))
    return app


class _Doubled(web.AbstractResource):
    """Paths with doubled slashes lead where the ones without them do.

    Clients make such paths of an address that ends with a slash.
    """

    def __init__(self, router: web.UrlDispatcher) -> None:
        super().__init__()
        self._router = router

    @property
    def canonical(self) -> str:
        return "/"

    async def resolve(self, request: web.Request) -> tuple[UrlMappingMatchInfo | None, set[str]]:
        raw = request.rel_url.raw_path
        if "//" not in raw:
            return None, set()
        parts = [part for part in raw.split("/") if part]
        plain = URL.build(path="/" + "/".join(parts), encoded=True)
        cleaned = request.clone(rel_url=plain)
        allowed: set[str] = set()
        for resource in self._router.resources():
            match, methods = await resource.resolve(cleaned)
            if match is not None:
                return match, methods
            allowed |= methods
        return None, allowed

    def url_for(self, **kwargs: str) -> URL:
        raise NotImplementedError(f"no address leads here, was {kwargs}")

    def add_prefix(self, prefix: str) -> None:
        raise NotImplementedError(f"it stands at the root, was {prefix}")

    def get_info(self) -> Any:
        return {"path": self.canonical}

    def raw_match(self, path: str) -> bool:
        return "//" in path

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

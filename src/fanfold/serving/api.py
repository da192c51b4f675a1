"""The API of a deployment as an app, whatever serves it: Ray Serve, or a process of its own."""

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter, FastAPI

from fanfold.serving.access import Access
from fanfold.serving.asking import Codes
from fanfold.serving.audit import Audit
from fanfold.serving.desk import Desk
from fanfold.serving.guard import Guard, Hosts
from fanfold.serving.limiting import Limits
from fanfold.serving.routes import acting, open, reading
from fanfold.serving.routes.answers import Parts, tell_errors
from fanfold.serving.samples import Samples
from fanfold.serving.state import State
from fanfold.serving.stream import Poller

OPENAPI: Final = "/api/v1/openapi.json"

Watcher = Callable[[State], None]
"""Told of every look at the deployment, from the thread that looks."""

_USUAL: Final = Limits()

_log = logging.getLogger(__name__)


def make_app(
    desk: Desk,
    access: Access,
    *,
    limits: Limits = _USUAL,
    hosts: Hosts = tuple,
    watchers: Sequence[Watcher] = (),
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """The API and the page of one deployment.

    Args:
        desk: The deployment.
        access: Whose tokens are good.
        limits: Bounds of requests, bodies, listeners and times.
        hosts: Names that it may be asked by beside those of this machine; others are refused.
        watchers: Told of each look: metrics, alerts. One that fails is logged, and the
            others are told all the same.
        routers: Further routes; below "/metrics" or "/api/" they take a token too.
    """
    samples, audit = Samples(desk.place), Audit(desk.place)

    def look() -> State:
        state = desk.state()
        samples.note(state)
        for watcher in watchers:
            try:
                watcher(state)
            except Exception:
                _log.exception("a watcher of the deployment failed")
        return state

    poller = Poller(look, limits)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        poller.begin()
        yield
        await poller.close()

    app = FastAPI(
        title="fanfold",
        version="1",
        description="A deployment: what it is doing, and what it can be told. Instants are "
        "nanoseconds since 1970 in UTC; money is in the account's currency.",
        openapi_url=OPENAPI,
        docs_url=None,  # it would load another site's scripts
        redoc_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    app.state.parts = Parts(
        desk=desk,
        poller=poller,
        samples=samples,
        codes=Codes(limits.kill_code_s),
        limits=limits,
    )
    app.state.access, app.state.audit = access, audit
    tell_errors(app)
    for router in (open.router, reading.router, acting.router, *routers):
        app.include_router(router)
    app.add_middleware(Guard, access=access, audit=audit, limits=limits, hosts=hosts)
    return app

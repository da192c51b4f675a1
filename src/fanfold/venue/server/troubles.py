"""A fault of a request, acted out: late, lost, stalled, or answered with something else."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from fanfold.venue.faults.plan import Trouble

STALL_S_MAX: Final = 600.0
"""How long a request is left without an answer; then its connection is closed [s]."""

LOOK_S: Final = 0.1
"""How often is looked whether its client has gone meanwhile [s]."""


async def troubled(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    trouble: Trouble,
) -> web.StreamResponse:
    """Do with a request what its trouble says."""
    real: web.StreamResponse = web.Response()
    if trouble.acts:
        real = await handler(request)
    await _wait(request, trouble.delay_s)
    if trouble.answer == "stall":
        await _wait(request, STALL_S_MAX)
    if trouble.answer:
        return _lost(request)
    if not trouble.status:
        if not real.prepared:
            real.headers.update(trouble.headers)
        return real
    return web.Response(
        status=trouble.status,
        body=trouble.body.encode(),
        headers={"Content-Type": trouble.content_type, **dict(trouble.headers)},
    )


async def _wait(request: web.Request, seconds: float) -> None:
    """Wait, or until the client has gone."""
    seconds = min(seconds, STALL_S_MAX)
    looks = math.ceil(seconds / LOOK_S)
    for _ in range(looks):
        if _is_gone(request):
            return
        await asyncio.sleep(seconds / looks)


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _lost(request: web.Request) -> web.StreamResponse:
    """An answer that never arrives: its connection is cut."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()

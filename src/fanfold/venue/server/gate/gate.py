"""What every request passes: its shape, its keys, what goes wrong on purpose, its rate."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from fanfold.alpaca.wire.refusals import Refusal, forbidden, too_many_requests
from fanfold.venue.floor import Floor
from fanfold.venue.server.answers import answer, plainly, too_large
from fanfold.venue.server.gate.allowance import Allowance
from fanfold.venue.server.gate.keys import (
    ACCOUNT,
    OWN_ROOM,
    comes_from_elsewhere,
    is_stream,
    keys_of,
    plain_path,
    refused_keys,
)
from fanfold.venue.server.requests import BODY_BYTES_MAX
from fanfold.venue.server.troubles import troubled

DATA_REQUESTS_PER_MINUTE: Final = {"basic": 200, "plus": 10_000}
"""Requests a minute for market data, of each plan."""

DATA_AT_ONCE: Final = 4
"""Requests for market data of an account that are worked on at a time; others wait."""

_OPEN_ROOM: Final = "/v1beta3/crypto/"
_TRADING_ROOM: Final = "/v2/"
_SHARES_ROOM: Final = "/v2/stocks"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger("fanfold.venue")


def middlewares(floor: Floor, streams: frozenset[str]) -> list[Any]:
    """The gate, from outside to inside.

    Args:
        floor: The venue.
        streams: Paths of streams, which ask for keys by themselves.
    """
    return [
        _shaped(streams),
        _keyed(floor, streams),
        _faulty(floor, streams),
        _rated(floor, streams),
    ]


def _shaped(streams: frozenset[str]) -> Any:
    """Whatever comes out of the rooms, clients get the broker's kind of answer."""

    @web.middleware
    async def shaped(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if (request.content_length or 0) > BODY_BYTES_MAX:
                return answer(too_large())
            return await handler(request)
        except web.HTTPException as error:
            return plainly(error)
        except ConnectionError:
            raise  # it has gone: there is nobody to answer
        except Exception:
            # The query and the headers may hold secrets: neither is logged.
            _log.exception("%s %s failed", request.method, plain_path(request))
            if is_stream(request, streams, events=True):
                raise  # it may have begun to speak already
            return answer(Refusal(status=500, code=50010000, message="internal server error"))

    return shaped


def _keyed(floor: Floor, streams: frozenset[str]) -> Any:
    """Nobody passes without the keys of an account, except where the broker asks for none."""
    by_any_name = floor.settings.allow_remote

    @web.middleware
    async def keyed(request: web.Request, handler: Handler) -> web.StreamResponse:
        if comes_from_elsewhere(request, by_any_name=by_any_name):
            return answer(forbidden("forbidden: another site's request"))
        path = plain_path(request)
        keys = keys_of(request)
        account = floor.account_of(*keys) if keys else None
        is_open = is_stream(request, streams) or (path.startswith(_OPEN_ROOM) and keys is None)
        if account is None and not is_open:
            return refused_keys(request, path)
        request[ACCOUNT] = account or ""
        return await handler(request)

    return keyed


def _faulty(floor: Floor, streams: frozenset[str]) -> Any:
    """What goes wrong on purpose; the venue's own room always works."""

    @web.middleware
    async def faulty(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = plain_path(request)
        if path.startswith(OWN_ROOM) or is_stream(request, streams):
            return await handler(request)
        trouble = floor.faults.on_request(request.method, path, request[ACCOUNT])
        if trouble is None:
            return await handler(request)
        return await troubled(request, handler, trouble)

    return faulty


def _rated(floor: Floor, streams: frozenset[str]) -> Any:
    """Not more requests a minute than an account may send."""
    allowances: dict[tuple[str, bool], Allowance] = {}
    turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
        lambda: asyncio.Semaphore(DATA_AT_ONCE)
    )
    trading = floor.settings.requests_per_minute
    data = DATA_REQUESTS_PER_MINUTE[floor.settings.plan]

    @web.middleware
    async def rated(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = plain_path(request)
        if path.startswith(OWN_ROOM) or is_stream(request, streams):
            return await handler(request)
        trades = path.startswith(_TRADING_ROOM) and not path.startswith(_SHARES_ROOM)
        key = (request[ACCOUNT], trades)  # accounts are few, so are these
        now_s = time.monotonic()
        if key not in allowances:
            most = trading if trades else data
            allowances[key] = Allowance(most, float(most), now_s)
        allowance = allowances[key]
        passes = allowance.takes(now_s)
        headers = allowance.headers(time.time())
        if not passes:
            response: web.StreamResponse = answer(too_many_requests())
        elif trades:
            response = await _shaped_inside(request, handler)
        else:
            async with turns[request[ACCOUNT]]:
                response = await _shaped_inside(request, handler)
        if not response.prepared:
            response.headers.update(headers)
        return response

    return rated


async def _shaped_inside(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of HTTP as answers already here, so that they get headers too."""
    if request.transport is None:
        raise ConnectionResetError("the client has gone while it waited")
    try:
        return await handler(request)
    except web.HTTPException as error:
        return plainly(error)

"""Answers as the broker gives them: JSON, always with words where something is refused."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from aiohttp import web

from fanfold.alpaca.wire.refusals import Refusal, data_refusal, not_found
from fanfold.venue.floor import Floor
from fanfold.venue.server.requests import BODY_BYTES_MAX

_ENCODER: Final = msgspec.json.Encoder()

Handle = Callable[[Floor, web.Request], Awaitable[Any]]
"""What answers a request: with a whole response, a `Refusal`, or a value to be written."""


def answer(value: Any, status: int = 200) -> web.Response:
    """A value of JSON's kinds, or a `Refusal`, as a response."""
    if isinstance(value, Refusal):
        value, status = value.body, value.status
    return web.Response(body=_ENCODER.encode(value), status=status, content_type="application/json")


def nothing() -> web.Response:
    """Done, and nothing to say: 204."""
    return web.Response(status=204)


def each(rows: list[dict[str, Any]]) -> web.Response:
    """What came of each of several things: 207."""
    return answer(rows, status=207)


def route(floor: Floor, method: str, path: str, handle: Handle) -> web.RouteDef:
    """A route whose handler returns values.

    Args:
        floor: The venue.
        method: Of HTTP.
        path: As aiohttp writes it.
        handle: Asked with the venue and the request.
    """

    async def answered(request: web.Request) -> web.StreamResponse:
        value = await handle(floor, request)
        return value if isinstance(value, web.StreamResponse) else answer(value)

    return web.route(method, path, answered)


def plainly(error: web.HTTPException) -> web.Response:
    """An error of HTTP in the broker's shape; it never sends anybody elsewhere."""
    if error.status == web.HTTPNotFound.status_code:
        return answer(not_found("endpoint not found."))
    if error.status == web.HTTPMethodNotAllowed.status_code:
        allowed = error.headers.get("Allow", "")
        response = answer(Refusal(status=405, code=40510000, message="method not allowed"))
        if allowed:
            response.headers["Allow"] = allowed
        return response
    if error.status == web.HTTPRequestEntityTooLarge.status_code:
        return answer(too_large())
    return answer(data_refusal(error.reason or "invalid request"))


def too_large() -> Refusal:
    """A body that is longer than any request needs."""
    return Refusal(
        status=413, code=41310000, message=f"request body must be <= {BODY_BYTES_MAX} bytes"
    )

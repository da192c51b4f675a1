"""The feed of events as server-sent events: what happened since, then what happens.

It reads from the journal, so that a client that was away misses nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiohttp import web

from fanfold.alpaca.wire.codec import JSON
from fanfold.alpaca.wire.refusals import Refusal, malformed, too_many_requests, unauthorized
from fanfold.venue.floor import Floor
from fanfold.venue.server.answers import answer
from fanfold.venue.server.gate import ACCOUNT
from fanfold.venue.server.requests import instant, query_of
from fanfold.venue.streams.client import Client
from fanfold.venue.streams.hub import EVENTS, Hub
from fanfold.venue.streams.limits import EVENT_FEEDS_MAX, WRITE_TIMEOUT_S
from fanfold.venue.trading.values import Event

PATHS: Final = ("/v2/events/trades", "/v2beta1/events/trades")
"""Where the feed is."""

HEARTBEAT_S: Final = 15.0
"""How often a quiet feed says that it lives [s]."""

LOOK_S: Final = 0.1
"""How often a feed looks whether its client is still there [s]."""

PAGE: Final = 500
"""Events that are read from the journal at a time [events]."""

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(first + second for first in _DIGITS for second in _DIGITS)
_ID_LENGTH: Final = 26
_PLACES: Final = tuple(range(5 * _ID_LENGTH - 10, -1, -10))
_SEQ_BITS: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which events are asked for.

    Attributes:
        after_seq: Those after this number; None for none of the past.
        since: Those at or after an instant [ns UTC].
        until: Those at or before an instant; then the feed ends [ns UTC].
        until_seq: Those up to this number; then the feed ends.
    """

    after_seq: int | None = None
    since: int | None = None
    until: int | None = None
    until_seq: int | None = None

    @property
    def has_end(self) -> bool:
        """Whether it ends."""
        return self.until is not None or self.until_seq is not None


class _Feed:
    """A response as the far side of a client."""

    def __init__(self, request: web.Request) -> None:
        self.response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        self._transport = request.transport

    def send_at_once(self, frames: Sequence[bytes]) -> bool:  # noqa: ARG002
        return False  # its chunks are the framework's business

    async def send(self, frames: Sequence[bytes]) -> None:
        await self.response.write(b"".join(frames))

    async def close(self, code: int, reason: str) -> None:  # noqa: ARG002  (it has no words)
        await self.response.write_eof()

    @property
    def is_gone(self) -> bool:
        """Whether nobody is there any more."""
        return self._transport is None or self._transport.is_closing()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def event_routes(floor: Floor) -> list[web.RouteDef]:
    """Routes of the feed."""

    async def handle(request: web.Request) -> web.StreamResponse:
        account = request.get(ACCOUNT, "")
        if not account:
            return answer(unauthorized())
        span = span_of(request)
        if isinstance(span, Refusal):
            return answer(span)
        if floor.hub.watcher_count(account) >= EVENT_FEEDS_MAX:
            return answer(too_many_requests())
        return await _serve(floor, request, account, span)

    return [web.get(path, handle) for path in PATHS]


def event_id(event: Event) -> str:
    """An event's name: a ULID of its instant and its number, so that names sort as events do."""
    number = (event.ts // 1_000_000 << _SEQ_BITS) | event.seq
    return "".join([_PAIRS[number >> place & 1023] for place in _PLACES])


def seq_of(name: str) -> int:
    """The number of an event by its name, or by the number itself.

    Raises:
        ValueError: It is neither.
    """
    if len(name) < _ID_LENGTH and name.isascii() and name.isdigit():
        return int(name)
    if len(name) != _ID_LENGTH:
        raise ValueError(f"must be an event's id of {_ID_LENGTH} characters")
    number = 0
    for digit in name.upper():
        value = _DIGITS.find(digit)
        if value < 0:
            raise ValueError("must be an event's id")
        number = number << 5 | value
    return number & ((1 << _SEQ_BITS) - 1)


def span_of(request: web.Request) -> Span | Refusal:
    """The span that a request asks for, or why there is none."""
    readers = {"since": instant, "until": instant, "since_id": seq_of, "until_id": seq_of}
    found = query_of(request, readers)
    if isinstance(found, Refusal):
        return found
    if "since" in found and "since_id" in found:
        return malformed("only one of since or since_id is accepted")
    is_past = "since" in found or "since_id" in found
    if not is_past and ("until" in found or "until_id" in found):
        return malformed("until requires since, until_id requires since_id")
    return Span(
        after_seq=found.get("since_id", 0) if is_past else None,
        since=found.get("since"),
        until=found.get("until"),
        until_seq=found.get("until_id"),
    )


def line(data: Any) -> bytes:
    """An event, as trade updates carry it, as the feed sends it."""
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


async def _serve(
    floor: Floor, request: web.Request, account: str, span: Span
) -> web.StreamResponse:
    hub, feed = floor.hub, _Feed(request)
    client = Client(path=EVENTS, feed=None, codec=JSON, wire=feed)
    client.account = account
    if not hub.enter(client):
        return answer(too_many_requests())
    try:
        await feed.response.prepare(request)
        await _replay(floor, feed, account, span)
        if span.has_end:
            await feed.response.write_eof()
        else:
            await _follow(hub, client, feed)
    except (OSError, TimeoutError):
        feed.cut()  # it is gone, or takes nothing
    finally:
        hub.leave(client)
    return feed.response


async def _replay(floor: Floor, feed: _Feed, account: str, span: Span) -> None:
    """Send the past. It ends on a page that is empty, with nothing awaited after it."""
    after = span.after_seq
    while after is not None:
        page = floor.journal.events(
            account, after_seq=after, since=span.since, until=span.until, limit=PAGE
        )
        if span.until_seq is not None:
            page = [event for event in page if event.seq <= span.until_seq]
        if not page:
            return
        text = b"".join(line(floor.hub.encode_event(event)) for event in page)
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await feed.send([text])
        after = page[-1].seq


async def _follow(hub: Hub, client: Client, feed: _Feed) -> None:
    hub.watch(client, lambda event: line(hub.encode_event(event)))
    writer = asyncio.create_task(client.write())
    loop = asyncio.get_running_loop()
    quiet_until = loop.time() + HEARTBEAT_S
    try:
        while not (client.is_ending or feed.is_gone):
            await asyncio.wait([writer], timeout=LOOK_S)
            if loop.time() >= quiet_until:
                hub.answer(client, b": heartbeat\n\n")
                quiet_until += HEARTBEAT_S
    finally:
        client.end()
        await asyncio.gather(writer, return_exceptions=True)

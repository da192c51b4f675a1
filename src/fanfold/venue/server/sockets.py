"""The venue's streams: WebSockets for market data and trade updates, and a feed of events.

No pings are sent from here: a client whose handlers are busy answers none for minutes and is
well all the same. Who takes nothing is found by what it does not take (see
`fanfold.venue.streams.limits`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from aiohttp import WSMsgType, web

from fanfold.alpaca.wire.codec import JSON, MSGPACK, Codec
from fanfold.alpaca.wire.messages import Failure
from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.faults.plan import Endpoint, Trouble
from fanfold.venue.floor import Floor
from fanfold.venue.server.answers import answer
from fanfold.venue.server.event_feed import PATHS as EVENT_PATHS
from fanfold.venue.server.event_feed import event_routes
from fanfold.venue.server.troubles import troubled
from fanfold.venue.streams.client import Client
from fanfold.venue.streams.fakepaca import second_of
from fanfold.venue.streams.limits import (
    AUTH_TIMEOUT_S,
    CLOSE_TIMEOUT_S,
    HEARD_IN_A_ROW,
    MESSAGE_BYTES_MAX,
    STRANGER_MESSAGES_MAX,
)
from fanfold.venue.streams.market_talk import CONNECTION_LIMIT as TAKEN
from fanfold.venue.streams.market_talk import NOT_IN_PLAN, MarketTalk
from fanfold.venue.streams.subscription import CRYPTO, STOCKS, TEST, Feed
from fanfold.venue.streams.trading_talk import TradingTalk

TRADING_PATH: Final = "/stream"
"""Where trade updates are."""

MARKET_PATHS: Final = {
    "/v2/sip": STOCKS,
    "/v2/iex": STOCKS,
    "/v2/delayed_sip": STOCKS,
    "/v2/boats": STOCKS,
    "/v2/overnight": STOCKS,
    "/v1beta1/boats": STOCKS,
    "/v1beta1/overnight": STOCKS,
    "/v2/test": TEST,
    "/v1beta3/crypto/us": CRYPTO,
    "/v1beta3/crypto/us-1": CRYPTO,
    "/v1beta3/crypto/eu-1": CRYPTO,
}
"""Where market data are. All stock feeds show the same market."""

PAID_PATHS: Final = frozenset(("/v2/sip",))
"""Those that the basic plan does not hold."""

STREAM_PATHS: Final = frozenset((*MARKET_PATHS, TRADING_PATH, *EVENT_PATHS))
"""All paths of streams."""

TEST_TURN_S: Final = 0.25
"""How often the test feed looks at the clock [s]."""

TEST_SECONDS_MAX: Final = 5
"""Seconds that it shows at once after it was held up, the latest ones [s]."""

CONNECTION_LIMIT: Final = Refusal(status=429, code=42910000, message="connection limit exceeded")
"""Why a second connection for trade updates of an account is not made."""

FULL: Final = Refusal(status=503, code=50310000, message="too many connections")
NO_UPGRADE: Final = Refusal(status=400, code=40010000, message="must be a WebSocket request")

_CONNECTION_LIMIT_CODE: Final = 406

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Talk(Protocol):
    def greet(self, keys: tuple[str, str] | None) -> None: ...
    def hear(self, frame: bytes | str) -> None: ...
    def run_out(self) -> None: ...


class _Socket:
    """A WebSocket as the far side of a client."""

    def __init__(self, request: web.Request, *, is_binary: bool) -> None:
        self.response = web.WebSocketResponse(
            timeout=CLOSE_TIMEOUT_S, compress=False, max_msg_size=MESSAGE_BYTES_MAX
        )
        self._transport = request.transport
        self._opcode = WSMsgType.BINARY if is_binary else WSMsgType.TEXT

    def send_at_once(self, frames: Sequence[bytes]) -> bool:
        if self._transport is None or self._transport.is_closing() or self.response.closed:
            raise ConnectionResetError("the client has gone")
        if self._transport.get_write_buffer_size() > 0:
            return False
        # Several frames in one call of the system, which the framework has no way to.
        heads = (frame_head(len(frame), self._opcode) for frame in frames)
        parts = (part for pair in zip(heads, frames, strict=True) for part in pair)
        self._transport.write(b"".join(parts))
        return True

    async def send(self, frames: Sequence[bytes]) -> None:
        for frame in frames:
            await self.response.send_frame(frame, self._opcode)

    async def close(self, code: int, reason: str) -> None:
        await self.response.close(code=code, message=reason.encode())

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def frame_head(size: int, opcode: int) -> bytes:
    """What stands before the bytes of a whole frame of a server: not masked, not compressed.

    Source: RFC 6455, The WebSocket Protocol, section 5.2.
    """
    first = 0x80 | opcode
    if size < 126:  # noqa: PLR2004  (the protocol's own borders)
        return bytes((first, size))
    if size < 2**16:
        return bytes((first, 126)) + size.to_bytes(2, "big")
    return bytes((first, 127)) + size.to_bytes(8, "big")


def routes(floor: Floor) -> list[web.RouteDef]:
    """Routes of all streams."""
    markets = [web.get(path, _market(floor, path, feed)) for path, feed in MARKET_PATHS.items()]
    return [*markets, web.get(TRADING_PATH, _trading(floor)), *event_routes(floor)]


def _market(floor: Floor, path: str, feed: Feed) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        codec = _codec(request)
        trouble = _trouble(floor, request, feed.endpoint)
        is_full = trouble is not None and trouble.status == _CONNECTION_LIMIT_CODE
        if trouble is not None and not is_full:
            instead = await _troubled(request, trouble)
            if instead is not None:
                return instead
        socket = _Socket(request, is_binary=codec.is_binary)
        client = Client(path=path, feed=feed, codec=codec, wire=socket)
        refusal = _not_in_plan(floor, path) or (TAKEN if is_full else None)
        talk = MarketTalk(client, floor.hub, floor.account_of, market=floor.market, refusal=refusal)
        return await _serve(floor, request, socket, client, talk)

    return handle


def _not_in_plan(floor: Floor, path: str) -> Failure | None:
    return NOT_IN_PLAN if floor.settings.plan == "basic" and path in PAID_PATHS else None


def _trading(floor: Floor) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        trouble = _trouble(floor, request, "trading")
        if trouble is not None and trouble.status == _CONNECTION_LIMIT_CODE:
            return answer(CONNECTION_LIMIT)
        if trouble is not None:
            instead = await _troubled(request, trouble)
            if instead is not None:
                return instead
        if _is_held(floor, _account(floor, request)):
            return answer(CONNECTION_LIMIT)
        socket = _Socket(request, is_binary=True)  # JSON too goes out in binary frames
        client = Client(path=TRADING_PATH, feed=None, codec=_codec(request), wire=socket)
        talk = TradingTalk(client, floor.hub, floor.account_of)
        return await _serve(floor, request, socket, client, talk)

    return handle


async def _serve(
    floor: Floor, request: web.Request, socket: _Socket, client: Client, talk: _Talk
) -> web.StreamResponse:
    if not socket.response.can_prepare(request).ok:
        return answer(NO_UPGRADE)
    if not floor.hub.enter(client):
        return answer(FULL)
    deadline = asyncio.get_running_loop().call_later(AUTH_TIMEOUT_S, talk.run_out)
    tasks: list[asyncio.Task[None]] = []
    try:
        await socket.response.prepare(request)
        tasks.append(asyncio.create_task(client.write()))
        if client.feed is TEST:
            tasks.append(asyncio.create_task(_show_test(floor, client)))
        talk.greet(_keys(request))
        await _listen(socket, client, talk)
    finally:
        deadline.cancel()
        floor.hub.leave(client)
        patience_s = CLOSE_TIMEOUT_S if client.is_ending else 0.0
        await _finished(tasks, patience_s)
    return socket.response


async def _listen(socket: _Socket, client: Client, talk: _Talk) -> None:
    """Answer what a client says until it has gone; a flood of words leaves others their turn."""
    heard = 0
    async for message in socket.response:
        if message.type in {WSMsgType.TEXT, WSMsgType.BINARY} and not client.is_ending:
            talk.hear(message.data)
        heard += 1
        if heard % HEARD_IN_A_ROW == 0:
            await asyncio.sleep(0)
        if not client.account and client.outbox.message_count > STRANGER_MESSAGES_MAX:
            client.cut()


async def _finished(tasks: list[asyncio.Task[None]], patience_s: float) -> None:
    """End what works for a client; a writer that ends the connection may finish that."""
    try:
        if tasks:
            await asyncio.wait(tasks[:1], timeout=patience_s)
    finally:
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _show_test(floor: Floor, client: Client) -> None:
    """Show a client of the test feed each second when it is over."""
    shown = wall_second()
    while True:
        await asyncio.sleep(TEST_TURN_S)
        now = wall_second()
        for second in range(max(shown, now - TEST_SECONDS_MAX), now):
            floor.hub.show(client, second_of(second))
        shown = now


def wall_second() -> int:
    """The clock on the wall, which the test feed follows [s since 1970 UTC]."""
    return time.time_ns() // 1_000_000_000


def _codec(request: web.Request) -> Codec:
    return MSGPACK if request.content_type == "application/msgpack" else JSON


def _keys(request: web.Request) -> tuple[str, str] | None:
    key = request.headers.get("APCA-API-KEY-ID")
    secret = request.headers.get("APCA-API-SECRET-KEY")
    return None if key is None or secret is None else (key, secret)


def _account(floor: Floor, request: web.Request) -> str | None:
    keys = _keys(request)
    return None if keys is None else floor.account_of(*keys)


def _is_held(floor: Floor, account: str | None) -> bool:
    """Whether a request can only be for a place that is taken.

    Keys mostly come after the upgrade; then it is sure only if all places are taken.
    """
    accounts = (
        [each.id for each in floor.exchange.desk.book.accounts] if account is None else [account]
    )
    held = [floor.hub.holder(each, TRADING_PATH) is not None for each in accounts]
    return bool(held) and all(held)


def _trouble(floor: Floor, request: web.Request, endpoint: Endpoint) -> Trouble | None:
    account = _account(floor, request)
    if account is None:  # keys mostly come later; where there is one account, it is that one
        accounts = floor.exchange.desk.book.accounts
        account = accounts[0].id if len(accounts) == 1 else ""
    return floor.faults.on_upgrade(endpoint, account)


async def _troubled(request: web.Request, trouble: Trouble) -> web.StreamResponse | None:
    """Do what a fault does to a request; None if it goes on after it."""
    instead = await troubled(request, _nothing, trouble)
    return instead if trouble.answer or trouble.status else None


async def _nothing(_request: web.Request) -> web.StreamResponse:
    return web.Response()

"""Clients of a floor's streams in the same loop: they say anything, and show what they hear."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from tests.fakes.venue_streams import KEYS, StreamFloor, streams

from fanfold.alpaca.wire.codec import JSON, Codec

HEADERS = {"APCA-API-KEY-ID": KEYS[0], "APCA-API-SECRET-KEY": KEYS[1]}
AUTH = {"action": "auth", "key": KEYS[0], "secret": KEYS[1]}
AUTHENTICATE = {
    "action": "authenticate",
    "data": {"key_id": KEYS[0], "secret_key": KEYS[1]},
}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates", "others"]}}
AUTHORIZED = {
    "stream": "authorization",
    "data": {"status": "authorized", "action": "authenticate"},
}
CONNECTED = [{"T": "success", "msg": "connected"}]
AUTHENTICATED = [{"T": "success", "msg": "authenticated"}]


class Line:
    """A client that says anything and shows what it hears."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, codec: Codec) -> None:
        self.socket = socket
        self.codec = codec

    async def ask(self, words: Any) -> Any:
        raw = self.codec.encode(words)
        if self.codec.is_binary:
            await self.socket.send_bytes(raw)
        else:
            await self.socket.send_str(raw.decode())
        return await self.hear()

    async def hear(self) -> Any:
        message = await self.socket.receive()
        if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
            return self.codec.anything(message.data)
        return message.type

    async def code(self, words: Any) -> int:
        return (await self.ask(words))[0]["code"]


@asynccontextmanager
async def line(
    address: str, path: str = "/v2/sip", codec: Codec = JSON, **headers: str
) -> AsyncIterator[Line]:
    """A client that is connected to a stream, and has not shown its keys yet."""
    kind = {"Content-Type": f"application/{codec.name}"} if codec.is_binary else {}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"ws://{address}{path}", headers={**kind, **headers}) as socket,
    ):
        yield Line(socket, codec)


def run(story: Callable[[StreamFloor, str], Awaitable[None]], **hub: Any) -> None:
    """Tell a story of a floor and the address of its streams."""

    async def told_story() -> None:
        floor = StreamFloor(**hub)
        async with streams(floor) as address:
            await story(floor, address)

    asyncio.run(told_story())

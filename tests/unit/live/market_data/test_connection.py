"""A connection against a server that does what no broker should."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from fanfold.alpaca.credentials import Credentials
from fanfold.alpaca.secrets import Secret
from fanfold.alpaca.wire.codec import MSGPACK
from fanfold.alpaca.wire.messages import Subscribe, Subscription, Success
from fanfold.errors import LiveError
from fanfold.live.market_data.stream import connection as module
from fanfold.live.market_data.stream.connection import Connection
from fanfold.live.market_data.stream.handshake import Handshake, Retry

KEYS = Credentials(key_id=Secret("PKTEST"), secret=Secret("hush-hush"))
WANTED = Subscribe(quotes=("AAPL",))
LONGEST_S = 10


def frame(message: Any) -> bytes:
    return MSGPACK.frame(1, MSGPACK.encode(message))


class Server(WSListener):
    """Greets, takes any keys and any subscription, then does `act`."""

    def __init__(self, act: Callable[[WSTransport], None], greeting: bytes | None) -> None:
        self.act = act
        self.greeting = greeting
        self.heard = 0
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        if self.greeting is not None:
            transport.send(WSMsgType.BINARY, self.greeting)

    def on_ws_frame(self, transport: WSTransport, frame_: WSFrame) -> None:
        if frame_.msg_type is WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
            return
        self.heard += 1
        if self.heard == 1:
            transport.send(WSMsgType.BINARY, frame(Success("authenticated")))
        elif self.heard == 2:
            transport.send(WSMsgType.BINARY, frame(Subscription(quotes=("AAPL",))))
            self.act(transport)


def meet(
    act: Callable[[WSTransport], None],
    then: Callable[[Connection, list[bytes]], Awaitable[Any]],
    *,
    greeting: bytes | None = frame(Success("connected")),
    sink: Callable[[bytes], None] | None = None,
) -> Any:
    """Do something with a connection to such a server."""

    async def met() -> Any:
        served = Server(act, greeting)
        server = await ws_create_server(lambda _: served, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        got: list[bytes] = []
        take = sink or got.append
        connection = Connection(
            f"ws://127.0.0.1:{port}/", Handshake(KEYS, WANTED), lambda raw, _: take(raw), 2.0
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                return await then(connection, got)
        finally:
            await connection.close()
            if served.transport is not None:
                served.transport.disconnect(graceful=False)
                with contextlib.suppress(Exception):  # of what the client did
                    await served.transport.wait_disconnected()
            server.close()

    return asyncio.run(met())


async def ended(connection: Connection, _got: list[bytes]) -> Exception:
    """Why it ended, however early."""
    try:
        await connection.open()
    except (Retry, LiveError) as why:
        return why
    return await connection.wait()


def nothing(_: WSTransport) -> None:
    return


def test_a_message_in_several_frames_is_handed_over_whole() -> None:
    def act(transport: WSTransport) -> None:
        transport.send(WSMsgType.BINARY, b"one ", fin=False)
        transport.send(WSMsgType.CONTINUATION, b"two ", fin=False)
        transport.send_ping(b"in between")
        transport.send(WSMsgType.CONTINUATION, b"three")
        transport.send(WSMsgType.BINARY, b"next")

    async def then(connection: Connection, got: list[bytes]) -> list[bytes]:
        await connection.open()
        while len(got) < 2:  # noqa: ASYNC110  (a list has no event)
            await asyncio.sleep(0.005)
        return got

    assert meet(act, then) == [b"one two three", b"next"]


@pytest.mark.parametrize(
    "act",
    [
        lambda transport: transport.send_close(WSCloseCode.GOING_AWAY, b"bye"),
        lambda transport: transport.disconnect(graceful=False),
        lambda transport: transport.underlying_transport.write(b"\xff\xff\xff\xff\xff"),
    ],
    ids=["closed", "cut", "noise"],
)
def test_however_it_ends_it_is_tried_again(act: Callable[[WSTransport], None]) -> None:
    assert isinstance(meet(act, ended), Retry)


def test_a_message_that_is_too_long_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRAME_BYTES_MAX", 1_000)

    def in_parts(transport: WSTransport) -> None:
        for number in range(4):
            kind = WSMsgType.CONTINUATION if number else WSMsgType.BINARY
            transport.send(kind, b"x" * 400, fin=False)

    def at_once(transport: WSTransport) -> None:
        transport.send(WSMsgType.BINARY, b"x" * 1_400)

    for act in (in_parts, at_once):
        assert isinstance(meet(act, ended), Retry)


def test_what_a_taker_raises_ends_it_and_is_told() -> None:
    def raising(raw: bytes) -> None:
        raise LiveError(f"cannot take {raw!r}")

    why = meet(lambda one: one.send(WSMsgType.BINARY, b"this"), ended, sink=raising)
    assert str(why) == "cannot take b'this'"


def test_a_handshake_that_stands_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANDSHAKE_S", 0.05)
    for greeting in (None, b"\xc1\xff", b"[]"):
        assert "stood at greeting" in str(meet(nothing, ended, greeting=greeting))


def test_a_far_side_that_does_not_answer_the_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 0.05)

    async def then(connection: Connection, _: list[bytes]) -> bool:
        await connection.open()
        await connection.close()
        async with asyncio.timeout(1):
            await connection.wait()
        return True

    assert meet(lambda transport: transport.underlying_transport.pause_reading(), then)


def test_nobody_listening_is_tried_again_and_no_key_shows() -> None:
    async def tried() -> None:
        connection = Connection("ws://127.0.0.1:1/", Handshake(KEYS, WANTED), print, 1.0)
        await connection.open()

    with pytest.raises(Retry, match="no connection") as found:
        asyncio.run(tried())
    assert "hush" not in repr(found.value)

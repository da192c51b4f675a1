"""One connection to the stream, from its handshake to its end.

Frames are handed over as bytes the moment they arrive, on the loop's thread; whatever is
wrong with the connection is known at its end. Nothing that is sent is ever logged: the first
message holds the keys.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSInvalidStatusError,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,  # pyright: ignore[reportUnknownVariableType]
)

from fanfold.alpaca.wire.codec import JSON, MSGPACK, Codec
from fanfold.alpaca.wire.messages import Command
from fanfold.errors import LiveError
from fanfold.live.market_data.stream.decode import messages_of
from fanfold.live.market_data.stream.handshake import (
    FATAL_STATUS,
    Handshake,
    Retry,
    Stage,
    action_last,
)

FRAME_BYTES_MAX: Final = 8 * 2**20
"""Longest message of the stream [bytes]; a longer one ends the connection."""

HANDSHAKE_S: Final = 10.0
"""Longest time from the upgrade to the subscription [s]."""

PING_S: Final = 10.0
"""Silence after which the far side is pinged, and how long it has to answer [s]."""

CLOSE_S: Final = 2.0
"""How long the far side has to answer the end of the connection [s]."""

HEADERS: Final = {"Content-Type": "application/msgpack", "User-Agent": "fanfold"}
"""What is said with the upgrade: messages are wanted in msgpack."""

Sink = Callable[[bytes, bool], None]
"""Takes a frame; the second says whether no other one has arrived with it."""

_log = logging.getLogger("fanfold.live.market_data.wire")
_log.setLevel(logging.WARNING)  # below, the library logs what is sent


class Connection(WSListener):
    """A connection; used once.

    Args:
        url: Where the stream is.
        handshake: What is said first.
        sink: Where frames go after that. What it raises ends the connection.
        connect_timeout_s: For the TCP connection and the upgrade [s].

    Attributes:
        failure: Why it ended, where that is known.
    """

    def __init__(
        self, url: str, handshake: Handshake, sink: Sink, connect_timeout_s: float
    ) -> None:
        self.failure: Exception | None = None
        self._url = url
        self._handshake = handshake
        self._sink = sink
        self._connect_timeout_s = connect_timeout_s
        self._transport: WSTransport | None = None
        self._subscribed = asyncio.Event()
        self._ended = asyncio.Event()
        self._parts = bytearray()
        self._is_open = False
        self._codec: Codec = MSGPACK

    async def open(self) -> None:
        """Connect, and wait for the answer to the subscription.

        Raises:
            LiveError: Another try will not mend it.
            Retry: Another try may.
        """
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                self._transport, _ = await ws_connect(
                    lambda: self,
                    self._url,
                    websocket_handshake_timeout=self._connect_timeout_s,
                    logger_name=_log,
                    enable_auto_ping=True,
                    auto_ping_idle_timeout=PING_S,
                    auto_ping_reply_timeout=PING_S,
                    max_frame_size=FRAME_BYTES_MAX,
                    extra_headers=HEADERS,
                    max_redirects=0,
                )
        except WSInvalidStatusError as error:
            status = int(error.response.status) if error.response is not None else 0
            if status in FATAL_STATUS:
                raise LiveError(f"the market stream must let us in, answered {status}") from None
            raise Retry(f"the upgrade was answered {status}") from None
        except (OSError, WSError) as error:  # a timeout is an OSError
            raise Retry(f"no connection: {type(error).__name__}") from None
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                await self._subscribed.wait()
        except TimeoutError:
            self.cut(Retry(f"the handshake stood at {self._handshake.stage} for {HANDSHAKE_S} s"))
        if self.failure is not None:
            raise self.failure

    async def wait(self) -> Exception:
        """Wait for its end; why it ended."""
        await self._ended.wait()
        return self.failure or Retry("the connection was closed")

    def say(self, command: Command) -> None:
        """Send a command; nothing where the connection has ended."""
        if self._transport is not None and not self._transport.is_disconnected:
            kind = WSMsgType.BINARY if self._codec.is_binary else WSMsgType.TEXT
            self._transport.send(kind, self._codec.encode(action_last(command)))

    def cut(self, why: Exception) -> None:
        """End it at once."""
        self.failure = self.failure or why
        self._subscribed.set()
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    async def close(self) -> None:
        """End it properly, or at once where the far side does not answer in time."""
        if self._transport is None:
            return
        for is_polite in (True, False):
            if self._ended.is_set():
                return
            if is_polite:
                self._transport.send_close(WSCloseCode.OK)
            else:
                self._transport.disconnect(graceful=False)
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._ended.wait()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Something has arrived."""
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            self.failure = self.failure or Retry(f"closed with {int(frame.get_close_code().value)}")
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
            return
        if kind is WSMsgType.PING or kind is WSMsgType.PONG:
            return
        payload = frame.get_payload_as_bytes()
        if not frame.fin or kind is WSMsgType.CONTINUATION:
            whole = self._joined(payload, is_last=frame.fin)
            if whole is None:
                return
            payload = whole
        try:
            if self._is_open:
                self._sink(payload, frame.last_in_buffer)
            else:
                self._shake(payload)
        except Exception as error:
            self.cut(error)

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002
        """It has ended."""
        self.failure = self.failure or Retry("the connection was lost")
        self._subscribed.set()
        self._ended.set()

    def _shake(self, frame: bytes) -> None:
        if frame[:1] == b"[":
            self._codec = JSON
        messages, _ = messages_of(frame)
        answer = self._handshake.take(messages)
        if answer is not None:
            self.say(answer)
        if self._handshake.stage is Stage.DONE:
            self._is_open = True
            self._subscribed.set()

    def _joined(self, payload: bytes, *, is_last: bool) -> bytes | None:
        """A message in several frames, once its last has come."""
        self._parts += payload
        if len(self._parts) > FRAME_BYTES_MAX:
            self.cut(Retry(f"a message was longer than {FRAME_BYTES_MAX} bytes"))
            return None
        if not is_last:
            return None
        whole = bytes(self._parts)
        self._parts.clear()
        return whole

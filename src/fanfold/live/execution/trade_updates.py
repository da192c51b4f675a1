"""The stream of what happens to our orders, read on a thread of its own.

The stream numbers nothing and repeats nothing, so whatever happens while it is down is
learnt from REST; whoever listens is told of each beginning and end. Frames are facts: they
are handed over in order, also those of a connection that has ended since.
"""

import collections
import contextlib
import logging
import random
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import Struct
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from fanfold.alpaca.credentials import Credentials
from fanfold.alpaca.wire.orders import TradeUpdateMessage
from fanfold.live.component import Outgoing
from fanfold.live.execution.answers import lenient_order

FRAMES_MAX: Final = 100_000
"""Frames that may wait; with more the connection is ended, and REST asked instead."""

FRAME_BYTES_MAX: Final = 4 * 2**20
"""Longest frame [bytes]."""

TURN_MAX: Final = 256
"""Frames of one turn, so that a burst holds up nothing else."""

LOOK_S: Final = 0.5
"""Longest time until the thread sees that it is to end [s]."""

GREETING_S: Final = 10.0
"""Longest time for the handshake and each of its answers [s]."""

PING_S: Final = 5.0
"""Time between pings, and until a missing answer ends the connection [s]."""

FATAL_STATUS: Final = frozenset({401, 402, 403})
"""Answers to the upgrade that no repetition changes."""

STREAM: Final = "trade_updates"

_LOGGER: Final = logging.getLogger("fanfold.live.trade_updates")
# At DEBUG the library writes frames down, and the first holds the keys.
_LOGGER.setLevel(logging.WARNING)

_encode: Final = msgspec.json.Encoder().encode


class Listening(Struct, frozen=True):
    """From here on every update comes, until `Down`. `number` counts the connections."""

    number: int


class Down(Struct, frozen=True):
    """Updates may be missing from here on. `fatal`: it is not tried again."""

    number: int
    reason: str
    fatal: bool = False


class Unreadable(Struct, frozen=True):
    """An update came that cannot be understood: REST must say what it was."""

    size: int


Event = Listening | Down | Unreadable | TradeUpdateMessage
"""What the stream tells."""

Heard = Callable[[Event, int], Sequence[Outgoing]]
"""Is handed each event, and the instant [ns UTC]."""


class _Frame(Struct, frozen=True):
    stream: str
    data: msgspec.Raw


_frame: Final = msgspec.json.Decoder(_Frame).decode
_update: Final = msgspec.json.Decoder(TradeUpdateMessage).decode
_anything: Final[Callable[[bytes], Any]] = msgspec.json.Decoder().decode
_READABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class RefusedError(Exception):
    """The broker does not take our keys."""


class TradeUpdates:
    """The stream; pollable.

    Args:
        url: Of the stream, ws or wss.
        credentials: The account's keys.
        backoff_s, backoff_max_s: First and longest pause between connections [s].
        heard: Is handed what the stream tells, on the loop's thread.
    """

    def __init__(
        self, url: str, credentials: Credentials, backoff: tuple[float, float], heard: Heard
    ) -> None:
        self._url, self._credentials, self._heard = url, credentials, heard
        self._backoff_s, self._backoff_max_s = backoff
        self._frames: collections.deque[Event | bytes] = collections.deque()
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)  # noqa: FBT003
        self._there.setblocking(False)  # noqa: FBT003
        self._stopped, self._pause = threading.Event(), threading.Event()
        self._open: ClientConnection | None = None
        self._thread: threading.Thread | None = None
        self.number = 0

    def __repr__(self) -> str:
        return f"TradeUpdates({self.number} connections)"

    def start(self) -> None:
        """Begin, or begin again after a fatal end; a stream that runs goes on."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name=STREAM, daemon=True)
        self._thread.start()

    def restart(self) -> None:
        """End the connection and make a new one: it was found to be mute."""
        self._pause.set()
        opened = self._open
        if opened is not None:
            with contextlib.suppress(OSError):
                opened.socket.shutdown(socket.SHUT_RDWR)

    def fileno(self) -> int:
        """What to wait for."""
        return self._here.fileno()

    def ready(self, now: int) -> list[Outgoing]:
        """Hand over what has come."""
        with contextlib.suppress(BlockingIOError):
            self._here.recv(65_536)
        told: list[Outgoing] = []
        for _ in range(TURN_MAX):
            try:
                event = self._frames.popleft()
            except IndexError:
                return told
            if isinstance(event, bytes):
                event = event_of(event)
            if event is not None:
                told += self._heard(event, now)
        if self._frames:
            self._wake()
        return told

    def close(self) -> None:
        """End the thread and let go of everything."""
        self._stopped.set()
        self.restart()
        if self._thread is not None:
            self._thread.join(GREETING_S)
        self._here.close()
        self._there.close()

    def _run(self) -> None:
        pause_s = self._backoff_s
        while not self._stopped.is_set():
            self.number += 1
            number, fatal = self.number, False
            try:
                for _ in self._connection(number):
                    pause_s = self._backoff_s  # it listens: the next pause is short again
                reason = "the connection ended"
            except RefusedError as error:
                reason, fatal = str(error), True
            except InvalidStatus as error:
                status = error.response.status_code
                reason, fatal = f"the upgrade was answered {status}", status in FATAL_STATUS
            except (OSError, WebSocketException, InvalidHandshake, TimeoutError) as error:
                reason = type(error).__name__
            self._open = None
            if self._stopped.is_set():
                return
            self._put(Down(number, reason, fatal))
            if fatal:
                return
            self._wait(pause_s)
            pause_s = min(2 * pause_s, self._backoff_max_s)

    def _wait(self, pause_s: float) -> None:
        self._pause.clear()
        self._stopped.wait(pause_s * random.uniform(0.5, 1.0))  # noqa: S311

    def _connection(self, number: int) -> Iterator[None]:
        """One connection, to its end; yields once it listens."""
        with connect(
            self._url, proxy=None, compression=None, logger=_LOGGER, open_timeout=GREETING_S,
            ping_interval=PING_S, ping_timeout=PING_S, close_timeout=LOOK_S,
            max_size=FRAME_BYTES_MAX,
        ) as opened:  # fmt: skip
            self._open = opened
            self._greet(opened)
            self._put(Listening(number))
            yield
            while not self._stopped.is_set():
                try:
                    frame = opened.recv(LOOK_S)
                except TimeoutError:
                    continue
                if len(self._frames) >= FRAMES_MAX:
                    return
                self._put(frame.encode() if isinstance(frame, str) else frame)

    def _greet(self, opened: ClientConnection) -> None:
        keys = {
            "key_id": self._credentials.key_id.reveal(),
            "secret_key": self._credentials.secret.reveal(),
        }
        opened.send(_encode({"action": "authenticate", "data": keys}).decode())
        status = self._control(opened, "authorization").get("status")
        if status != "authorized":
            raise RefusedError("the broker refused the keys on the stream of trade updates")
        opened.send(_encode({"action": "listen", "data": {"streams": [STREAM]}}).decode())
        if STREAM not in self._control(opened, "listening").get("streams", ()):
            raise RefusedError("the broker does not let these keys listen to trade updates")

    def _control(self, opened: ClientConnection, stream: str) -> dict[str, Any]:
        """The answer to a command; updates that come before it are kept."""
        for _ in range(TURN_MAX):
            frame = opened.recv(GREETING_S)
            content = frame.encode() if isinstance(frame, str) else frame
            try:
                found = _frame(content)
            except _READABLE as error:
                raise ConnectionError("a frame of the handshake must be JSON") from error
            if found.stream == stream:
                data = _anything(bytes(found.data))
                return cast("dict[str, Any]", data) if isinstance(data, dict) else {}
            self._put(content)
        raise ConnectionError(f"no answer came on the stream {stream}")

    def _put(self, event: Event | bytes) -> None:
        self._frames.append(event)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            self._there.send(b"\0")


def event_of(content: bytes) -> TradeUpdateMessage | Unreadable | None:
    """A frame as an update, also one with fields of other types than known.

    Returns:
        None for frames of other streams.
    """
    try:
        frame = _frame(content)
        if frame.stream != STREAM:
            return None
        return _update(bytes(frame.data))
    except _READABLE:
        return _lenient(content)


def _lenient(content: bytes) -> TradeUpdateMessage | Unreadable:
    try:
        found = _anything(content)
        data = found["data"]
        order = lenient_order(data["order"])
        kept = {
            name: None if data.get(name) is None else str(data[name])
            for name in ("execution_id", "price", "qty", "position_qty")
        }
        if order is None:
            return Unreadable(len(content))
        event, timestamp = str(data["event"]), str(data.get("timestamp") or "")
        return TradeUpdateMessage(event=event, order=order, timestamp=timestamp, **kept)
    except (*_READABLE, KeyError, TypeError, AttributeError):
        return Unreadable(len(content))

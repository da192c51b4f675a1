"""A kept-alive connection to the broker that never waits: one request at a time.

Whether an order was accepted may be unknown only after its first byte has left, so a line
says of every request how far it came. It follows no redirect and bounds what it reads.
"""

import contextlib
import select
import socket
import ssl
import time
from dataclasses import dataclass
from enum import Enum
from typing import Final

import h11
from msgspec import Struct

BODY_BYTES_MAX: Final = 16 * 2**20
"""Longest body that is read [bytes]."""

READ_BYTES: Final = 65_536
"""Read at once [bytes]."""

READS_MAX: Final = 64
"""Reads of one turn, so that one long answer holds up nothing else."""

_LATER: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_METHODS: Final = {
    word: h11.Request(method=word, target="/", headers=[("Host", "broker")])
    for word in ("GET", "POST", "PATCH", "DELETE")
}
_END: Final = h11.EndOfMessage()


class Answer(Struct, frozen=True, kw_only=True):
    """What came back for a request.

    Attributes:
        status: Of HTTP; 0 where no whole answer came.
        headers: Names in small letters.
        body: As it came.
        trouble: Why there is no whole answer, "" where there is one.
        sent: Whether a byte of the request had left: without, it was surely not done.
    """

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    trouble: str = ""
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """Where a line leads.

    Attributes:
        family: Of the address.
        address: As sockets take it.
        name: Host that a certificate must be of, "" for plain text.
    """

    family: int
    address: tuple[str | int | bytes, ...]
    name: str


class Stage(Enum):
    """How far a line has come."""

    CLOSED = 0
    CONNECTING = 1
    GREETING = 2
    IDLE = 3
    BUSY = 4


class Line:
    """One connection.

    Args:
        context: Of TLS; None for plain text.
        connect_s: Longest time until it is open [s].
        read_s: Longest time from a request's first byte to its whole answer [s].
    """

    def __init__(self, context: ssl.SSLContext | None, connect_s: float, read_s: float) -> None:
        self._context, self._connect_s, self._read_s = context, connect_s, read_s
        self._parser = h11.Connection(h11.CLIENT)
        self._news = select.poll()
        self._unsent: memoryview | None = None
        self._response: h11.Response | None = None
        self._body: list[bytes] = []
        self._length = 0
        self._deadline = 0.0
        self._method = ""
        self.socket: socket.socket | None = None
        self.stage = Stage.CLOSED

    def open(self, target: Target) -> None:
        """Begin to connect; `advance` goes on with it.

        Raises:
            OSError: It cannot even begin.
        """
        self.close()
        plain = socket.socket(target.family, socket.SOCK_STREAM)
        try:
            plain.setblocking(False)  # noqa: FBT003
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(*_LATER):
                plain.connect(target.address)
            self._news = select.poll()
            self._news.register(plain.fileno(), select.POLLIN)
            self.socket = plain
            if self._context is not None:
                self.socket = self._context.wrap_socket(
                    plain, server_hostname=target.name, do_handshake_on_connect=False
                )
        except BaseException:
            plain.close()
            self.socket = None
            raise
        self._deadline = time.monotonic() + self._connect_s
        self.stage = Stage.CONNECTING
        self._parser = h11.Connection(h11.CLIENT)

    def advance(self) -> None:
        """Go on with opening, as far as it goes without waiting.

        Raises:
            OSError: It failed, or took too long.
        """
        if self.socket is None or self.stage not in {Stage.CONNECTING, Stage.GREETING}:
            return None
        if self.stage is Stage.CONNECTING:
            if code := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(code, "could not connect")
            try:
                self.socket.getpeername()
            except OSError:
                return self._in_time("connect")
            self.stage = Stage.GREETING
        if isinstance(self.socket, ssl.SSLSocket):
            try:
                self.socket.do_handshake()
            except _LATER:
                return self._in_time("greet")
        self.stage = Stage.IDLE
        return None

    def _in_time(self, what: str) -> None:
        if time.monotonic() > self._deadline:
            raise TimeoutError(f"took longer than {self._connect_s} s to {what}")

    def is_usable(self) -> bool:
        """Whether an idle line is still open: one that the server has closed can be read."""
        if self.stage is not Stage.IDLE or self.socket is None:
            return False
        has_news = self._news.poll(0)  # cheaper than a read that finds nothing
        if not has_news and not (isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()):
            return True
        try:
            self.socket.recv(1)
        except _LATER:
            return True
        except OSError:
            return False
        return False  # its end, or what nobody has asked for

    def send(self, content: bytes, method: str) -> Answer | None:
        """Write a request on an idle line at once; an answer only where that failed.

        Args:
            content: The whole request.
            method: "GET", "POST", "PATCH" or "DELETE".
        """
        assert self.socket is not None  # noqa: S101  (an idle line has one)
        try:
            count = self.socket.send(content)
        except _LATER:
            count = 0
        except OSError as error:
            # The system took no byte, so none can have arrived; TLS may have begun a record.
            return self._broken(error, sent=self._context is not None)
        self.stage = Stage.BUSY
        self._deadline = time.monotonic() + self._read_s
        self._unsent = memoryview(content)[count:] if count < len(content) else None
        self._response, self._body, self._length = None, [], 0
        self._method = method
        return None

    def receive(self) -> Answer | None:
        """Read what has come on a busy line; the answer once it is whole or cannot be."""
        if self.socket is None:
            return None
        try:
            self._flush()
            self._expect()
            for _ in range(READS_MAX):
                try:
                    data = self.socket.recv(READ_BYTES)
                except _LATER:
                    return None
                self._parser.receive_data(data)
                if (answer := self._parsed()) is not None:
                    return answer
        except (OSError, h11.ProtocolError) as error:
            return self._broken(error, sent=True)
        return None

    def late(self) -> Answer | None:
        """The end of a request whose answer takes too long."""
        if self.stage is not Stage.BUSY or time.monotonic() <= self._deadline:
            return None
        return self._broken(TimeoutError(f"no answer within {self._read_s} s"), sent=True)

    def close(self) -> None:
        """Let go of the connection."""
        if self.socket is not None:
            self.socket.close()
        self.socket, self.stage, self._unsent = None, Stage.CLOSED, None

    @property
    def is_writing(self) -> bool:
        """Whether it waits until more can be written."""
        return self._unsent is not None or self.stage is Stage.CONNECTING

    def _expect(self) -> None:
        """Tell the parser of the request; not on the way of its bytes, which have left."""
        if self._method:
            self._parser.send(_METHODS[self._method])
            self._parser.send(_END)
            self._method = ""

    def _flush(self) -> None:
        if self._unsent is None or self.socket is None:
            return
        try:
            count = self.socket.send(self._unsent)
        except _LATER:
            return
        self._unsent = self._unsent[count:] if count < len(self._unsent) else None

    def _parsed(self) -> Answer | None:
        while True:
            event = self._parser.next_event()
            if event is h11.NEED_DATA:
                return None
            if isinstance(event, h11.Response):
                self._response = event
            elif isinstance(event, h11.Data):
                self._length += len(event.data)
                if self._length > BODY_BYTES_MAX:
                    raise OSError(f"an answer must have {BODY_BYTES_MAX} bytes at most")
                self._body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return self._whole()
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                raise ConnectionResetError("closed without a whole answer")

    def _whole(self) -> Answer:
        response = self._response
        assert response is not None  # noqa: S101  (h11 ends no message that has not begun)
        answer = Answer(
            status=response.status_code,
            headers={
                name.decode("ascii", "replace"): value.decode("latin-1")
                for name, value in response.headers
            },
            body=b"".join(self._body),
        )
        done = self._parser.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}
        if done and self._unsent is None and not self._parser.trailing_data[0]:
            self._parser.start_next_cycle()
            self.stage, self._body = Stage.IDLE, []
        else:
            self.close()
        return answer

    def _broken(self, error: Exception, *, sent: bool) -> Answer:
        self.close()
        return Answer(trouble=f"{type(error).__name__}: {error}"[:200], sent=sent)

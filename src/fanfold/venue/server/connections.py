"""Connections: how many there are, how long they may take, and what is said to what is no HTTP.

The web framework answers what it cannot parse in plain text, with the bytes it met, which may
be a secret, and logs them too. Here it is answered as everything else is, and not repeated.
"""

import asyncio
import logging
import resource
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.server.answers import answer, plainly

CONNECTIONS_MAX: Final = 2_000
"""Connections at a time, those of streams among them [connections]."""

BACKLOG: Final = 1_024
"""Connections that wait to be taken [connections]."""

TAKEN_AT_ONCE: Final = 32
"""Connections that are taken before any of them is looked at [connections]."""

FILES_KEPT: Final = 200
"""Files that the process may open beside its connections, those among them that are taken
but not yet looked at, or sent away but not yet closed [files]."""

LINE_BYTES_MAX: Final = 32_768
"""Longest line of a request's head [bytes]; thousands of symbols fit into a query."""

IDLE_S_MAX: Final = 75.0
"""How long a connection may be open without the whole head of a request [s]."""

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bytes of answers that wait for clients to take them, in all [bytes]; more, and who has been
longest at it is cut off."""

AT_ONCE_BYTES: Final = 32_768
"""An answer that is shorter goes into a connection's empty buffer without waiting [bytes]."""

WRITE_TIMEOUT_S: Final = 30.0
"""How long a client may take nothing of an answer [s]."""

LINGER_S: Final = 2.0
"""How long the rest of a body that nobody wants is read before its connection is closed [s]."""

_FULL: Final = answer(Refusal(status=503, code=50310000, message="too many connections"))
_NO_HTTP: Final = "request must be HTTP/1.1, without what could be read in two ways"
_TOO_LONG: Final = f"lines of a request's head must be <= {LINE_BYTES_MAX} bytes"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_log = logging.getLogger("fanfold.venue")


class Lobby:
    """All connections of a server.

    Where it is full, one makes room that only waits: first of those that never asked anything.

    Args:
        most: Connections at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: dict[web.RequestHandler, None] = {}
        self._silent: dict[web.RequestHandler, None] = {}
        self._idle: dict[web.RequestHandler, None] = {}
        self._taking: dict[web.RequestHandler, int] = {}
        self._taking_bytes = 0

    def enter(self, connection: web.RequestHandler) -> bool:
        """Let one in; False if there is no room."""
        if len(self._all) >= self._most:
            waiting = self._silent or self._idle
            if not waiting:
                return False
            put_out = next(iter(waiting))
            self.leave(put_out)
            put_out.force_close()
        self._all[connection] = self._silent[connection] = None
        return True

    def leave(self, connection: web.RequestHandler) -> None:
        """Forget one."""
        for room in (self._all, self._silent, self._idle):
            room.pop(connection, None)

    def busy(self, connection: web.RequestHandler) -> None:
        """Note that one has asked something."""
        self._silent.pop(connection, None)
        self._idle.pop(connection, None)

    def free(self, connection: web.RequestHandler) -> None:
        """Note that one was answered."""
        if connection in self._all:
            self._idle[connection] = None

    def takes(self, connection: web.RequestHandler, size: int) -> None:
        """Note that one is being sent an answer."""
        self._taking[connection] = size
        self._taking_bytes += size
        while self._taking_bytes > ANSWER_BYTES_MAX and len(self._taking) > 1:
            slowest = next(iter(self._taking))
            self.took(slowest)
            if slowest.transport is not None:
                slowest.transport.abort()

    def took(self, connection: web.RequestHandler) -> None:
        """Note that one has taken its answer, or will not."""
        self._taking_bytes -= self._taking.pop(connection, 0)


class Connection(web.RequestHandler):
    """One connection of HTTP.

    Args:
        server: What answers its requests.
        lobby: All connections.
    """

    __slots__ = ("_lobby",)

    def __init__(self, server: web.Server, lobby: Lobby) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # pyright: ignore[reportArgumentType]  (it takes none at all)
            keepalive_timeout=IDLE_S_MAX,
            lingering_time=LINGER_S,
            max_line_size=LINE_BYTES_MAX,
            auto_decompress=False,  # what is compressed is refused, not unpacked to be refused
        )
        self._lobby = lobby

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or send it away."""
        super().connection_made(transport)
        if not self._lobby.enter(self):
            if isinstance(transport, asyncio.WriteTransport):
                transport.write(_raw(_FULL))
            self.force_close()

    def data_received(self, data: bytes) -> None:
        """Take what comes; a body that breaks off in what cannot be parsed is at its end.

        What follows a request waits until it is answered. If its body is not whole by then,
        nothing but an error can follow, and the framework would wait for the rest for ever.
        """
        super().data_received(data)
        if not self._messages:
            return
        bodies = [payload for _, payload in self._messages][:-1]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        for body in bodies:
            if not body.is_eof():
                body.set_exception(web.RequestPayloadError("the body breaks off"))
                body.feed_eof()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it."""
        self._lobby.leave(self)
        super().connection_lost(exc)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; who takes nothing of it is left."""
        body = resp.body if isinstance(resp, web.Response) else None
        size = len(body) if isinstance(body, bytes) else 0
        if isinstance(body, bytes) and size < AT_ONCE_BYTES and _takes_at_once(request):
            return await super().finish_response(request, resp, start_time)
        self._lobby.takes(self, size)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                return await super().finish_response(request, resp, start_time)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            return resp, True
        finally:
            self._lobby.took(self)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  (it repeats what was sent)
    ) -> web.StreamResponse:
        """What is answered to what is no request, or could not be handled."""
        if request.writer.output_size > 0 or isinstance(exc, ConnectionError):
            raise ConnectionError("an answer was begun already, or nobody is there to take one")
        if status < web.HTTPInternalServerError.status_code:
            said = _TOO_LONG if isinstance(exc, LineTooLong) else _NO_HTTP
        else:
            said = "internal server error"
            _log.error("a request failed: %s", type(exc).__name__)
        response = answer(Refusal(status=status, code=status * 100_000 + 10_000, message=said))
        response.force_close()
        return response


def _takes_at_once(request: web.BaseRequest) -> bool:
    """Whether nothing waits to be sent to a client: then a short answer waits for nobody."""
    transport = request.transport
    return isinstance(transport, asyncio.WriteTransport) and not transport.get_write_buffer_size()


async def listen(runner: web.AppRunner, listening: socket.socket) -> asyncio.Server:
    """Serve an application on a socket.

    Args:
        runner: The application, set up.
        listening: Socket that listens.
    """
    server = runner.server
    if server is None:
        raise RuntimeError("the application must be set up first")
    lobby = Lobby(connections_max())
    server.request_handler = _shaped(server.request_handler, lobby)
    door = await asyncio.get_running_loop().create_server(
        lambda: Connection(server, lobby), sock=listening, backlog=TAKEN_AT_ONCE
    )
    listening.listen(BACKLOG)  # more may wait than are taken at once
    return door


def connections_max() -> int:
    """Connections that this process can have at a time."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return min(CONNECTIONS_MAX, max(files - FILES_KEPT, files // 4))


def _shaped(handler: Any, lobby: Lobby) -> Any:
    """Note who is busy; what the framework itself refuses gets the broker's shape."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        lobby.busy(connection)
        try:
            return await handler(request)
        except web.HTTPException as error:
            return plainly(error)
        finally:
            lobby.free(connection)

    return handle


def _raw(response: web.Response) -> bytes:
    """An answer where there is no request."""
    body = response.body
    if not isinstance(body, bytes):
        raise TypeError("an answer to nobody must be bytes")
    head = (
        f"HTTP/1.1 {response.status} {response.reason}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body

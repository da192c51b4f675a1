"""A kept-alive HTTP connection that asks and waits; used by one worker thread.

Only reads go over it, so whatever fails is asked again: a few times, with a pause between.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Final, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from fanfold.alpaca.credentials import Credentials
from fanfold.alpaca.wire.codec import UNREADABLE
from fanfold.errors import LiveError
from fanfold.live.market_data.backoff import Backoff

TRIES: Final = 4
"""How often a question is asked at most."""

PAUSE_S: Final = 0.25
PAUSE_S_MAX: Final = 5.0
"""Longest first pause, and longest of all, before it is asked again [s]."""

ANSWER_BYTES_MAX: Final = 32 * 2**20
"""Longest answer [bytes]."""

Form = TypeVar("Form")

_OK: Final = 200
_REFUSED: Final = frozenset((401, 403))
_AGAIN: Final = frozenset((408, 429))
_SERVER: Final = 500


class Lines:
    """A connection to one server.

    Args:
        base: Its address, without a path.
        keys: The account's; None for none.
        timeout_s: For the connection and each read [s].
        sleep: Waits [s].
    """

    def __init__(
        self,
        base: str,
        keys: Credentials | None,
        timeout_s: float,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        parts = urlsplit(base)
        self._host, self._port = parts.hostname or "", parts.port
        self._is_secure = parts.scheme == "https"
        self._path = parts.path.rstrip("/")
        self._keys = keys
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._line: http.client.HTTPConnection | None = None
        self._is_stopped = False
        self.questions = 0

    def get(self, path: str, query: Mapping[str, str], form: type[Form]) -> Form:
        """Ask, and read the answer as JSON of a form.

        Raises:
            LiveError: The keys are refused, what is asked for is, or nobody answers in spite
                of several tries. The text holds no key.
        """
        target = f"{self._path}{path}{'?' + urlencode(query) if query else ''}"
        backoff = Backoff(PAUSE_S, PAUSE_S_MAX, Random())  # noqa: S311  (no secret)
        said = ""
        for left in reversed(range(TRIES)):
            try:
                status, body = self._once(target)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                said = type(error).__name__
            else:
                said = f"status {status}"
                if status == _OK:
                    try:
                        return msgspec.json.decode(body, type=form)
                    except UNREADABLE:  # such as a page for people, of something in between
                        said = "another form"
                if _OK < status < _SERVER and status not in _AGAIN:
                    hint = "; the keys must be right" if status in _REFUSED else ""
                    raise LiveError(f"GET {path} must be answered 200, was {status}{hint}")
            if self._is_stopped:
                break
            if left:
                self._sleep(backoff.next_s())
        raise LiveError(f"GET {path} must be answered within {TRIES} tries, last was {said}")

    def stop(self) -> None:
        """Ask nothing any more, from another thread: what is being asked ends at once."""
        self._is_stopped = True
        line = self._line
        if line is not None and line.sock is not None:
            with suppress(OSError):
                line.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection; the next question makes another."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _once(self, target: str) -> tuple[int, bytes]:
        self.questions += 1
        if self._line is None:
            self._line = self._opened()
        self._line.request("GET", target, headers=self._headers())
        answer = self._line.getresponse()
        body = answer.read(ANSWER_BYTES_MAX + 1)
        if len(body) > ANSWER_BYTES_MAX:
            raise http.client.HTTPException("too long")
        return answer.status, body

    def _opened(self) -> http.client.HTTPConnection:
        if self._is_secure:
            return http.client.HTTPSConnection(
                self._host,
                self._port,
                timeout=self._timeout_s,
                context=ssl.create_default_context(),
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "fanfold"}
        if self._keys is not None:
            headers["APCA-API-KEY-ID"] = self._keys.key_id.reveal()
            headers["APCA-API-SECRET-KEY"] = self._keys.secret.reveal()
        return headers

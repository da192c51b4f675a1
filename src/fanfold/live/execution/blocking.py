"""One request after the other, waiting for each answer: for starts, and for the kill switch.

It needs nothing that runs: no loop, no lines, no lease.
"""

import http.client
import time
from typing import Final
from urllib.parse import urlencode, urlsplit

from fanfold.alpaca.credentials import Credentials
from fanfold.errors import ConfigError
from fanfold.live.execution.line import BODY_BYTES_MAX, Answer
from fanfold.live.execution.requests import USER_AGENT
from fanfold.live.execution.rest import LOOPBACK

READ_BYTES: Final = 65_536
"""Read at once [bytes]."""


AT_ONCE_S: Final = 0.1
"""Time within which a connection that was cut is no time-out [s]."""


class Blocking:
    """The broker's REST, one request at a time.

    Args:
        base_url: Of the broker, without a version.
        keys: The account's.
        timeout_s: Longest time of one request [s].

    Raises:
        ConfigError: Plain HTTP to another machine: keys would be sent in the clear.
    """

    def __init__(self, base_url: str, keys: Credentials, timeout_s: float) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port
        self._is_plain, self._path = parts.scheme == "http", parts.path.rstrip("/")
        if self._is_plain and self._host not in LOOPBACK:
            raise ConfigError(
                f"the broker's address must be https unless it is on this machine, "
                f"was http://{self._host}"
            )
        self._keys, self._timeout_s = keys, timeout_s
        self._held: http.client.HTTPConnection | None = None

    def __repr__(self) -> str:
        return f"Blocking({self._host})"

    def get(self, path: str, timeout_s: float | None = None, **query: str) -> Answer:
        """Ask for something; once more at once where the connection was cut."""
        asked = f"{path}?{urlencode(query)}" if query else path
        began = time.monotonic()
        answer = self.request("GET", asked, b"", timeout_s)
        if answer.trouble and time.monotonic() - began < AT_ONCE_S:
            return self.request("GET", asked, b"", timeout_s)
        return answer

    def request(
        self, method: str, path: str, body: bytes = b"", timeout_s: float | None = None
    ) -> Answer:
        """Send a request and wait for its answer; it never raises for what the network does.

        Args:
            method: Of HTTP.
            path: With its query.
            body: JSON, or nothing.
            timeout_s: Longest time of this one, if shorter than usual [s].
        """
        limit_s = min(self._timeout_s, timeout_s or self._timeout_s)
        until = time.monotonic() + limit_s
        try:
            held = self._open(limit_s)
        except OSError as error:
            self.close()
            return Answer(trouble=type(error).__name__, sent=False)
        try:
            held.request(method, self._path + path, body or None, self._headers(body))
            answer = self._answer(held.getresponse(), until)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Answer(trouble=type(error).__name__, sent=True)
        return answer

    def close(self) -> None:
        """Let go of the connection."""
        if self._held is not None:
            self._held.close()
        self._held = None

    def _open(self, limit_s: float) -> http.client.HTTPConnection:
        if self._held is None or self._held.sock is None:
            kind = http.client.HTTPConnection if self._is_plain else http.client.HTTPSConnection
            self._held = kind(self._host, self._port, timeout=limit_s)
            self._held.connect()
        self._held.sock.settimeout(limit_s)
        return self._held

    def _headers(self, body: bytes) -> dict[str, str]:
        kind = {"Content-Type": "application/json"} if body else {}
        return {
            "APCA-API-KEY-ID": self._keys.key_id.reveal(),
            "APCA-API-SECRET-KEY": self._keys.secret.reveal(),
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
        } | kind

    def _answer(self, response: http.client.HTTPResponse, until: float) -> Answer:
        content = bytearray()
        while chunk := response.read(READ_BYTES):
            content += chunk
            if len(content) > BODY_BYTES_MAX or time.monotonic() > until:
                raise TimeoutError("an answer is too long, or comes too slowly")
        headers = {name.lower(): value for name, value in response.getheaders()}
        if response.will_close:
            self.close()
        return Answer(status=response.status, headers=headers, body=bytes(content))

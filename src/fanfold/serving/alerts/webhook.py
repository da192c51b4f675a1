"""Events to an address of the user's choice: what must be heard when nobody looks.

The address is a secret, since whoever knows it can write there: it comes from the
environment or the file of secrets, and stands in no log and no error. Events wait in a
bounded queue and are sent by a thread of their own, so that nothing ever waits for them.
"""

import atexit
import http.client
import ipaddress
import json
import logging
import queue
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import tenacity

from fanfold.alpaca.secrets import Secret, find_secret
from fanfold.errors import ConfigError

WEBHOOK_VARIABLE: Final = "FANFOLD_WEBHOOK_URL"
"""Names the address: https, or http on this machine."""

QUEUE_MAX: Final = 256
"""Events that may wait; further ones are counted as not delivered."""

TIMEOUT_S: Final = 5.0
"""Longest time for each step of a delivery [s]."""

ATTEMPTS_MAX: Final = 5
"""Tries of one event."""

WAIT_S, WAIT_S_MAX = 0.5, 15.0
"""First and longest pause between two tries [s]; they are spread at random."""

DRAIN_S: Final = 5.0
"""How long the process's end waits for what is on its way [s]."""

BODY_BYTES_MAX: Final = 16_384
"""Longest event [bytes]; the texts of longer ones are cut."""

TEXT_CHARACTERS_MAX: Final = 2_000
"""Longest text in an event."""

_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

_log = logging.getLogger(__name__)


class NotTakenError(Exception):
    """The other side has answered with something else than that it took the event."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the answer was {status}")
        self.status = status


class Webhook:
    """Delivers events in their order.

    Args:
        address: Where to; as `webhook_found` gives it.
        pause: Waits so many seconds between two tries.

    Attributes:
        delivered, undelivered: Events so far.

    Raises:
        ConfigError: The address is not what it must be.
    """

    def __init__(self, address: Secret, pause: Callable[[float], None] = time.sleep) -> None:
        self._address = address
        checked(address)
        self._pause = pause
        self._queue: queue.Queue[bytes | None] = queue.Queue(QUEUE_MAX)
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self.delivered = self.undelivered = 0
        self._thread.start()

    def __repr__(self) -> str:
        return f"Webhook({self.delivered} delivered)"

    def put(self, event: dict[str, Any]) -> bool:
        """Take an event to be delivered; False where too many wait."""
        try:
            self._queue.put_nowait(_body(event))
        except queue.Full:
            self.undelivered += 1
            return False
        return True

    def close(self, seconds: float = DRAIN_S) -> None:
        """Deliver what waits, for so many seconds at most; then no more."""
        try:
            self._queue.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _run(self) -> None:
        tries = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS_MAX),
            wait=tenacity.wait_random_exponential(WAIT_S, WAIT_S_MAX),
            retry=tenacity.retry_if_exception(_may_pass),
            sleep=self._pause,
            reraise=True,
        )
        while (body := self._queue.get()) is not None:
            try:
                tries(self._send, body)
                self.delivered += 1
            except (OSError, http.client.HTTPException, NotTakenError) as error:
                self.undelivered += 1
                why = str(error) if isinstance(error, NotTakenError) else type(error).__name__
                _log.warning("an alert could not be delivered: %s", why)

    def _send(self, body: bytes) -> None:
        parts = urlsplit(self._address.reveal())
        connection = _connection(parts)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = {"Content-Type": "application/json", "User-Agent": "fanfold"}
            connection.request("POST", target, body, headers)
            status = connection.getresponse().status
        finally:
            connection.close()
        if not 200 <= status < 300:  # noqa: PLR2004  (a redirect would carry the secret elsewhere)
            raise NotTakenError(status)


def webhook_found() -> Webhook | None:
    """The webhook that the environment names, None where it names none.

    Raises:
        ConfigError: The address is not what it must be.
    """
    address = find_secret((WEBHOOK_VARIABLE,))
    return None if address is None else Webhook(address)


def checked(address: Secret) -> None:
    """Refuse an address that would send events, or its own secret, over the net in the clear.

    Raises:
        ConfigError: It is no https address, nor one of this machine.
    """
    rule = f"{WEBHOOK_VARIABLE} must be an https address, or an http one of this machine"
    try:
        parts = urlsplit(address.reveal())
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{rule}; it is none (its value is hidden)") from None
    if not host or parts.scheme not in ("http", "https"):
        raise ConfigError(f"{rule}; it is none (its value is hidden)")
    if parts.username is not None or parts.fragment:
        raise ConfigError(f"{rule}, without a user or a fragment; it has one")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigError(f"{rule}; it is http to another machine")


_lock: Final = threading.Lock()
_own: list[Webhook | None] = []


def tell(event: dict[str, Any]) -> bool:
    """Deliver an event through the webhook of this process, which is made when first needed.

    Args:
        event: Plain values: "alert", "severity", "deployment" and "summary" at least.

    Returns:
        Whether it is on its way. Where there is no webhook, or too much waits, it is only
        written into the log.
    """
    with _lock:
        if not _own:
            _own.append(_made())
    webhook = _own[0]
    on_its_way = webhook is not None and webhook.put(event)
    _log.warning(
        "%s %s of %s: %s",
        event.get("alert", "alert"), event.get("status", "firing"),
        event.get("deployment", "?"), event.get("summary", ""),
    )  # fmt: skip
    return on_its_way


def undelivered() -> int:
    """Events that this process could not deliver."""
    return sum(one.undelivered for one in _own if one is not None)


def _made() -> Webhook | None:
    try:
        webhook = webhook_found()
    except ConfigError as error:
        _log.error("no alert can be delivered: %s", error)
        return None
    if webhook is not None:
        atexit.register(webhook.close)
    return webhook


def _body(event: dict[str, Any]) -> bytes:
    """An event as JSON, with the one line that chats show; cut where it is too long."""
    short = {
        name: value[:TEXT_CHARACTERS_MAX] if isinstance(value, str) else value
        for name, value in event.items()
    }
    said = {"status": "firing", **short}
    text = f"[{said['status']}] {said.get('alert')} {said.get('deployment')}: {said.get('summary')}"
    body = json.dumps({**said, "text": text}, default=str).encode()
    if len(body) > BODY_BYTES_MAX:
        body = json.dumps({"status": said["status"], "text": text[:TEXT_CHARACTERS_MAX]}).encode()
    return body


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, NotTakenError):
        return error.status in _TRANSIENT
    # A certificate that is not the other side's own will not become so.
    is_certificate = isinstance(error, ssl.SSLCertVerificationError)
    return isinstance(error, OSError | http.client.HTTPException) and not is_certificate


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=context)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""The door of the app: what every request has to pass before a route sees it.

In this order: the name of the host, the token, its role, how often, the body's kind and size.
What is refused is refused here, with the same headers as every answer, and written down.
"""

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fanfold.serving.access import Access, Who
from fanfold.serving.audit import Audit, shown_arguments
from fanfold.serving.limiting import Limits, Rates
from fanfold.serving.state import AuditRow

LOOPBACK: Final = frozenset(("127.0.0.1", "localhost", "[::1]"))
"""Names under which a browser of this machine knows it: others are another site's trick."""

Hosts = Callable[[], Collection[str]]
"""Further names that an app is asked by, without ports; they may come to be known later."""

PUBLIC: Final = frozenset(("/", "/healthz", "/readyz", "/api/v1/openapi.json"))
"""What takes no token; everything else does, whether it is there or not."""

PAGE: Final = "/page/"
"""Where the page's files are: they take none either."""

UNCOUNTED: Final = frozenset(("/healthz", "/readyz"))
"""What costs nothing, and must answer whoever knocks beside it."""

READING: Final = frozenset(("GET", "HEAD"))
"""Methods that change nothing; all others take a token that may act."""

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""What every answer says to browsers."""

_HEADERS: Final = [(name.encode(), text.encode()) for name, text in HEADERS.items()]
_CHUNKS_MAX: Final = 4_096


class Refused(Exception):  # noqa: N818  (an answer, not an error)
    """A request that goes no further; the text is for whoever asked."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = {name.replace("_", "-"): text for name, text in headers.items()}


class Guard:
    """Wraps an app.

    Args:
        app: What is guarded.
        access: Whose tokens are good.
        audit: Where acts and refusals are written.
        limits: Bounds.
        hosts: Names that the app is known by beside those of this machine.
    """

    def __init__(
        self, app: ASGIApp, *, access: Access, audit: Audit, limits: Limits, hosts: Hosts
    ) -> None:
        self._app = app
        self._access = access
        self._audit = audit
        self._limits = limits
        self._rates = Rates(limits)
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._pass(scope, receive, send)
        else:  # there are no websockets here
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.lower(): value for name, value in reversed(scope["headers"])}
        state: dict[str, Any] = scope.setdefault("state", {})
        acts = scope["method"] not in READING
        told: list[int] = []
        body = b""

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told.append(message["status"])
                sent = {name.lower() for name, _ in message.get("headers", [])}
                more = [pair for pair in _HEADERS if pair[0] not in sent]
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        try:
            self._check_host(headers)
            state["who"] = self._admitted(scope, headers, acts=acts)
            body = await self._body(headers, receive)
            state["body"] = body
            await self._app(scope, _again(body, receive), answer)
        except Refused as refused:
            state["outcome"] = refused.detail
            await _refuse(refused, answer)
        finally:
            who: Who | None = state.get("who") or state.get("known")
            status = told[0] if told else 500
            if (acts and who is not None) or (status == 401 and headers.get(b"authorization")):  # noqa: PLR2004
                self._note(scope, who, body, status)

    def _check_host(self, headers: Mapping[bytes, bytes]) -> None:
        name = headers.get(b"host", b"").decode("latin-1").lower()
        bare = name[: name.find("]") + 1] if name.startswith("[") else name.partition(":")[0]
        if bare in LOOPBACK:
            return
        names = {known.lower() for known in self._hosts()}
        if bare not in names:
            raise Refused(421, f"host must be one of {', '.join(sorted(names | LOOPBACK))}")

    def _admitted(self, scope: Scope, headers: Mapping[bytes, bytes], *, acts: bool) -> Who | None:
        """Whoever may do this; None where nobody has to be known."""
        path = _path_of(scope)
        if path in UNCOUNTED:
            return None
        is_private = path not in PUBLIC and not path.startswith(PAGE)
        who = self._access.who(headers.get(b"authorization", b"").decode("latin-1"))
        if who is None or not is_private:
            wait_s = self._rates.stranger(_origin(scope))
            if wait_s:
                raise Refused(429, "too many requests without a token", retry_after=str(wait_s))
            if is_private:
                raise Refused(401, "a good token must be sent", www_authenticate="Bearer")
            return None
        scope["state"]["known"] = who
        wait_s = (self._rates.act if acts else self._rates.read)(who.name)
        if wait_s:
            raise Refused(429, "too many requests of this token", retry_after=str(wait_s))
        if acts and who.role != "trade":
            raise Refused(403, f"role must be trade to act, is {who.role}")
        return who

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        limit = self._limits.body_bytes
        told = headers.get(b"content-length", b"0")
        if not told.isdigit() or int(told) > limit:
            raise Refused(413, f"a body must have at most {limit:,} bytes")
        if told == b"0" and b"transfer-encoding" not in headers:
            return b""
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != b"application/json":
            raise Refused(415, "a body must be application/json")
        try:
            return await asyncio.wait_for(_whole(receive, limit), self._limits.body_s)
        except TimeoutError:
            raise Refused(408, f"a body must be sent within {self._limits.body_s:g} s") from None

    def _note(self, scope: Scope, who: Who | None, body: bytes, status: int) -> None:
        self._audit.note(
            AuditRow(
                at=time.time_ns(),
                who="" if who is None else who.name,
                origin=_origin(scope),
                what=f"{scope['method']} {scope['path']}"[:200],
                arguments=shown_arguments(body),
                status=status,
                outcome=str(scope["state"].get("outcome", ""))[:400],
            )
        )


async def _whole(receive: Receive, limit: int) -> bytes:
    found = bytearray()
    for _ in range(_CHUNKS_MAX):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "a body must be sent whole")
        found += message.get("body", b"")
        if len(found) > limit:
            break
        if not message.get("more_body", False):
            return bytes(found)
    raise Refused(413, f"a body must have at most {limit:,} bytes, in {_CHUNKS_MAX:,} chunks")


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, then whatever comes after it."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return parts.pop() if parts else await receive()

    return replay


async def _refuse(refused: Refused, send: Send) -> None:
    content = json.dumps({"detail": refused.detail}).encode()
    headers = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        **refused.headers,
    }
    pairs = [(name.encode(), text.encode()) for name, text in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})


def _path_of(scope: Scope) -> str:
    """The path below whatever the app is mounted at."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _origin(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"

"""One rule for every request that Polygon's official client sends, each page of a list included.

The client repeats requests by itself, out of step with the limit of the plan, forgets the
status of a refusal, and takes an answer that is no JSON for an empty one. So its own
repeating is off, and it is given this wire in place of its pool of connections.
"""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fanfold.alpaca import Secret
from fanfold.errors import ConfigError, DataError, FanfoldError, SourceError
from fanfold.market.sources.pacing import Patience, TokenBucket, asked_wait_s, patiently, said

_LIMIT_WAIT_S: Final = 20.0
"""How long to wait when the plan's requests of this minute are used up [s].

Polygon does not say; five such waits outlast the minute.
"""

_PASSING: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
"""Refusals that pass by themselves, beside all from 500 on."""


class RefusedError(Exception):
    """Polygon answered with a status other than 200."""

    def __init__(self, status: int, message: str, wait_s: float | None) -> None:
        super().__init__(f"status {status}: {message}")
        self.status = status
        self.message = message
        self.wait_s = wait_s


@dataclass(slots=True, eq=False)
class PolygonWire:
    """Sends requests as the plan's limit allows and waits out what passes.

    Attributes:
        pool: The client's own pool of connections.
        key: What must not show in any message.
        bucket: Lets requests through.
        patience: How long to go on asking.
        asked: What the requests are for, such as "1min bars of AAPL".
    """

    pool: Any
    key: Secret
    bucket: TokenBucket
    patience: Patience
    asked: str = ""

    def request(self, method: str, url: str, **options: Any) -> Any:
        """Send one request, as urllib3's pool does, until it is answered.

        Raises:
            ConfigError: The key is refused, or the plan does not include what was asked.
            DataError: There is no such thing.
            SourceError: Patience has run out, or the request was refused otherwise.
        """
        try:
            return patiently(
                lambda: self._sent(method, url, options),
                self.patience,
                _passes,
                _wait_asked,
                source="polygon",
                asked=self.asked,
            )
        except RefusedError as refusal:
            raise _error_of(refusal, self.asked) from refusal

    def _sent(self, method: str, url: str, options: dict[str, Any]) -> Any:
        self.bucket.take()
        answer = self.pool.request(method, url, **options)
        if answer.status == HTTPStatus.OK:
            return answer
        wait_s = asked_wait_s(answer.headers)
        raise RefusedError(
            answer.status, _message(answer.data).replace(self.key.reveal(), "…"), wait_s
        )


@contextmanager
def polygon_client(
    *, url: str | None, key: Secret, bucket: TokenBucket, patience: Patience, timeout_s: float
) -> Generator[tuple[Any, PolygonWire]]:
    """The official client on this wire, and the wire.

    Args:
        url: Where the service is; None for where the client says.
        key: The key.
        bucket: Lets requests through.
        patience: How long to go on asking.
        timeout_s: How long to wait for a connection, and for each part of an answer [s].
    """
    from massive import rest as untyped

    rest: Any = untyped
    client = rest.RESTClient(
        api_key=key.reveal(),
        base=(url or rest.BASE).rstrip("/"),
        connect_timeout=timeout_s,
        read_timeout=timeout_s,
        custom_json=_Json,
        connection_pool_kw={"retries": False},
    )
    pool = client.client
    client.client = PolygonWire(pool, key, bucket, patience)
    try:
        yield client, client.client
    finally:
        pool.clear()


class _Json:
    """What the client reads answers with: it refuses what is none of Polygon's."""

    @staticmethod
    def loads(text: str) -> Any:
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise DataError(f"polygon must answer in JSON, was {_start(text)}") from error
        if not isinstance(answer, dict) or "status" not in answer:
            raise DataError(f"polygon must answer with a status, was {_start(text)}")
        return answer  # pyright: ignore[reportUnknownVariableType]  (JSON)


def _start(text: str) -> str:
    return said(ValueError(text))


def _passes(error: BaseException) -> bool:
    from urllib3.exceptions import HTTPError

    if isinstance(error, RefusedError):
        return error.status in _PASSING or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, HTTPError)


def _wait_asked(error: BaseException) -> float | None:
    if not isinstance(error, RefusedError):
        return None
    if error.wait_s is None and error.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _LIMIT_WAIT_S
    return error.wait_s


def _error_of(refusal: RefusedError, asked: str) -> FanfoldError:
    kind, text = _ERRORS.get(refusal.status, _OTHERWISE)
    return kind(text.format(asked=asked, said=said(refusal)))


_ERRORS: Final[dict[int, tuple[Callable[[str], FanfoldError], str]]] = {
    HTTPStatus.UNAUTHORIZED: (
        ConfigError,
        "POLYGON_API_KEY must hold a key that Polygon accepts; it answered {said}",
    ),
    HTTPStatus.FORBIDDEN: (
        ConfigError,
        "the plan of POLYGON_API_KEY must include {asked} in all of the period (a later start may "
        "help); Polygon answered {said}",
    ),
    HTTPStatus.NOT_FOUND: (
        DataError,
        "polygon must know the symbol when asked for {asked}; it answered {said}",
    ),
}
_OTHERWISE: Final = (SourceError, "polygon must answer when asked for {asked}; it refused: {said}")


def _message(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    try:
        answer: Any = json.loads(text)
    except ValueError:
        return _start(text)
    if not isinstance(answer, dict):
        return _start(text)
    told: Any = answer  # pyright: ignore[reportUnknownVariableType]  (JSON)
    return str(told.get("error") or told.get("message") or told.get("status") or _start(text))

"""Connections to Alpaca: page after page, at the plan's pace, and what goes wrong on the way."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

from fanfold.alpaca import (
    Credentials,
    Service,
    client_errors,
    complaint,
    headers_of,
    may_pass,
    open_client,
    plainly,
)
from fanfold.errors import DataError
from fanfold.market.sources.pacing import (
    Patience,
    TokenBucket,
    asked_wait_s,
    patiently,
    said,
)

_PAGES_MAX: Final = 1_000_000
"""Pages of one symbol; more is a server that goes round in circles."""


@dataclass(slots=True, kw_only=True, eq=False)
class Wire:
    """Connections of one fetch.

    Attributes:
        credentials: Keys; None for crypto alone.
        url: Base address.
        feed: Of stocks, for messages.
        bucket: Keeps the plan's limit.
        patience: How failures are waited out.
        timeout_s: Longest silence of the server [s].
    """

    credentials: Credentials | None
    url: str
    feed: str
    bucket: TokenBucket
    patience: Patience
    timeout_s: float
    _clients: dict[Service, Any] = field(init=False, default_factory=dict["Service", Any])

    def ask(self, service: Service, path: str, params: dict[str, Any], asked: str) -> Any:
        """One answer, at the plan's pace and with its patience."""
        if service not in self._clients:
            self._clients[service] = open_client(
                service, self.credentials, self.url, timeout_s=self.timeout_s
            )
        client = self._clients[service]

        def call() -> Any:
            self.bucket.take()
            return client.get(path, params)

        try:
            return patiently(
                call,
                self.patience,
                may_pass,
                lambda error: asked_wait_s(headers_of(error)),
                source="alpaca",
                asked=asked,
                tell=plainly,
            )
        except client_errors() as error:
            raise complaint(error, asked=asked, feed=self.feed, url=self.url) from error

    def pages(
        self, service: Service, path: str, params: dict[str, Any], key: str, asked: str
    ) -> Iterator[dict[str, Any]]:
        """What the pages of an answer hold under a key."""
        token: str | None = None
        for number in range(1, _PAGES_MAX + 1):
            label = asked if number == 1 else f"{asked} (page {number})"
            page = self.ask(service, path, {**params, "page_token": token}, label)
            held, following = unpacked(page, key, label)
            yield held
            if not following:
                return
            if following == token:
                raise DataError(f"alpaca must give another token with each page of {label}")
            token = following
        raise DataError(f"alpaca must end within {_PAGES_MAX} pages of {asked}, did not")

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client._session.close()  # noqa: SLF001  (it has no other way)


def unpacked(page: Any, key: str, asked: str) -> tuple[dict[str, Any], str | None]:
    """What a page holds under a key, and the token of the next."""
    held: Any = None
    if isinstance(page, dict):
        known = cast("dict[str, Any]", page)
        held = known.get(key, held) or ({} if key in known else None)
        if isinstance(held, dict):
            return cast("dict[str, Any]", held), known.get("next_page_token")
    raise DataError(f"alpaca must answer with {key} when asked for {asked}, did not")


@contextmanager
def readable(asked: str) -> Generator[None]:
    """Refuse rows that cannot be read."""
    try:
        yield
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
        detail = said(error) if not isinstance(error, KeyError) else f"field {error} is missing"
        raise DataError(f"alpaca must answer with sound rows of {asked}: {detail}") from error

"""Requests as bytes: what is the same in each is written once, what differs is put in between.

Writing a request by hand takes a microsecond or two, a general client a hundred times that.
The keys stand in the prepared part and show in no text of it.
"""

import math
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Struct

from fanfold.alpaca.credentials import Credentials
from fanfold.alpaca.wire.numbers import decimal_text
from fanfold.domain.money import MICRO
from fanfold.errors import ConfigError
from fanfold.live.execution.actions import Replace
from fanfold.live.execution.records import Order

ORDERS: Final = "/v2/orders"
BY_CLIENT_ID: Final = "/v2/orders:by_client_order_id"
POSITIONS: Final = "/v2/positions"
ACCOUNT: Final = "/v2/account"
ACTIVITIES: Final = "/v2/account/activities"
CLOCK: Final = "/v2/clock"
CORPORATE_ACTIONS: Final = "/v1/corporate-actions"

ORDERS_PAGE: Final = 500
"""Orders of one answer at most."""

ACTIVITIES_PAGE: Final = 100
"""Activities of one answer at most."""

USER_AGENT: Final = "fanfold"
_AGENT: Final = b"\r\nUser-Agent: "

_encode: Final = msgspec.json.Encoder().encode


class _Body(Struct, frozen=True, omit_defaults=True):
    symbol: str
    qty: str
    side: str
    type: str
    time_in_force: str
    client_order_id: str
    limit_price: str | None = None
    stop_price: str | None = None
    order_class: str = ""
    take_profit: dict[str, str] | None = None
    stop_loss: dict[str, str] | None = None


class Writer:
    """Writes whole requests for one account.

    Args:
        base_url: Of the broker, without a version.
        credentials: The account's keys.

    Raises:
        ConfigError: A key has characters that no header may have.
    """

    __slots__ = ("_middle", "_prefix")

    def __init__(self, base_url: str, credentials: Credentials) -> None:
        parts = urlsplit(base_url)
        key, secret = credentials.key_id.reveal(), credentials.secret.reveal()
        if not all(text.isascii() and text.isprintable() and text for text in (key, secret)):
            raise ConfigError("keys must be printable ASCII, one has other characters")
        self._prefix = parts.path.rstrip("/").encode("ascii")
        self._middle = (
            f" HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: {USER_AGENT}\r\n"
            "Accept: application/json\r\nConnection: keep-alive\r\n"
            f"APCA-API-KEY-ID: {key}\r\nAPCA-API-SECRET-KEY: {secret}\r\n"
        ).encode("ascii")

    def __repr__(self) -> str:
        return "Writer(hidden)"

    def at(self, base_url: str) -> "Writer":
        """The same account's, for another address of the broker."""
        parts, other = urlsplit(base_url), object.__new__(Writer)
        other._prefix = parts.path.rstrip("/").encode("ascii")
        rest = self._middle[self._middle.index(_AGENT) :]
        other._middle = f" HTTP/1.1\r\nHost: {parts.netloc}".encode("ascii") + rest
        return other

    def get(self, path: str, **query: str) -> bytes:
        """Ask for something."""
        return self._bare(b"GET ", path_with(path, query))

    def delete(self, path: str) -> bytes:
        """Cancel something."""
        return self._bare(b"DELETE ", path)

    def post(self, path: str, body: bytes) -> bytes:
        """Hand something in; `body` is JSON."""
        return self._full(b"POST ", path, body)

    def patch(self, path: str, body: bytes) -> bytes:
        """Change something; `body` is JSON."""
        return self._full(b"PATCH ", path, body)

    def _bare(self, method: bytes, path: str) -> bytes:
        return b"".join((method, self._prefix, path.encode("ascii"), self._middle, b"\r\n"))

    def _full(self, method: bytes, path: str, body: bytes) -> bytes:
        length = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        return b"".join((method, self._prefix, path.encode("ascii"), self._middle, length, body))


def path_with(path: str, query: dict[str, str]) -> str:
    """A path and its query."""
    return f"{path}?{urlencode(query, quote_via=quote)}" if query else path


def body_of(fields: dict[str, Any]) -> bytes:
    """Fields as JSON, those that are None left out."""
    return _encode({name: value for name, value in fields.items() if value is not None})


def order_body(order: Order, symbol: str) -> bytes:
    """An order as it is handed in."""
    target = stop = None
    if order.order_class:
        target, stop = _price(order.take_profit), _price(order.stop_loss)
    return _encode(
        _Body(
            symbol,
            units_text(order.lots, order.parts),
            "buy" if order.side > 0 else "sell",
            order.type,
            order.time_in_force,
            order.client_order_id,
            _price(order.limit),
            _price(order.stop),
            order.order_class,
            None if target is None else {"limit_price": target},
            None if stop is None else {"stop_price": stop},
        )
    )


def change_body(change: Replace, parts: int, client_order_id: str) -> bytes:
    """What is to become of an order, as it is handed in."""
    return body_of(
        {
            "qty": units_text(change.lots, parts) if change.lots else None,
            "limit_price": _price(change.limit),
            "stop_price": _price(change.stop),
            "client_order_id": client_order_id,
        }
    )


def units_text(lots: int, parts: int) -> str:
    """An unsigned quantity [lots] as the broker reads it."""
    if lots % parts == 0:
        return str(lots // parts)
    return decimal_text(Decimal(lots) / parts)


def _price(price: float) -> str | None:
    """A price [currency] as the broker reads it, whole micro-units; None for NaN."""
    return None if math.isnan(price) else decimal_text(Decimal(round(price * MICRO)) / MICRO)

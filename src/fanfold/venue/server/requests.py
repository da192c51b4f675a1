"""What a request says, checked: its JSON body and the values of its query."""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, cast

import msgspec
from aiohttp import web

from fanfold.alpaca.wire.instants import instant_of
from fanfold.alpaca.wire.numbers import DIGITS_MAX, decimal_of
from fanfold.alpaca.wire.refusals import Refusal, malformed

BODY_BYTES_MAX: Final = 1 << 17
"""Largest body that is read [bytes]; a larger one is refused before it is here."""

BODY_TIMEOUT_S: Final = 30.0
"""How long a body may take to arrive [s]."""

LIST_MAX: Final = 10_000
"""Longest list in a query [items]."""

DAY_NS: Final = 86_400_000_000_000
"""A day [ns]."""

_BOOLEANS: Final = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}
_WHOLE: Final = re.compile(r"\d{1,18}", re.ASCII)

Reader = Callable[[str], Any]
"""Reads one value of a query; a ValueError says what it must be."""


async def body_of(request: web.Request) -> dict[str, Any] | Refusal:
    """The JSON object of a request; an absent body is an empty one."""
    data = await _bytes_of(request)
    if isinstance(data, Refusal):
        return data
    if not data.strip():
        return {}
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return _unreadable()
    if not isinstance(value, dict) or not _is_text(value):
        return _unreadable()
    return cast("dict[str, Any]", value)


def query_of(request: web.Request, readers: Mapping[str, Reader]) -> dict[str, Any] | Refusal:
    """Those values of a query that are given and not empty.

    Args:
        request: Whose.
        readers: How each known name is read; others are passed over, as the broker does.
    """
    found: dict[str, Any] = {}
    for name, read in readers.items():
        text = request.query.get(name, "").strip()
        if not text:
            continue
        if not _is_text(text):
            return malformed(f"{name} must be valid UTF-8")
        try:
            found[name] = read(text)
        except (ValueError, OverflowError) as error:
            return malformed(f"{name} {error}, was {text[:DIGITS_MAX]!r}")
    return found


def boolean(text: str) -> bool:
    """A boolean in any case, as Python and others write it."""
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise ValueError("must be true or false")
    return value


def whole(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers within bounds."""

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def one_of(*names: str) -> Callable[[str], str]:
    """A reader of one of some words, in any case."""

    def read(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return text.lower()

    return read


def listed(text: str) -> tuple[str, ...]:
    """A list by comma, without its empty places."""
    items = tuple(one.strip() for one in text.split(",") if one.strip())
    if len(items) > LIST_MAX:
        raise ValueError(f"must have at most {LIST_MAX} items")
    return items


def day(text: str) -> date:
    """A date, or the date of an instant as it is written."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise ValueError("must be a date such as 2024-01-02") from None


def instant(text: str) -> int:
    """An instant, or a date as its midnight in UTC [ns UTC]."""
    if len(text) == len("2024-01-02"):
        return (day(text).toordinal() - date(1970, 1, 1).toordinal()) * DAY_NS
    # A plus that was not escaped arrives as a space.
    found = instant_of(text if text[10:11] in {" ", ""} else text.replace(" ", "+"))
    if not 0 <= found < 2**63:
        raise ValueError("must be an instant from 1970 to 2262")
    return found


def positive(text: str) -> Decimal:
    """A number above 0."""
    value = decimal_of(text)
    if value <= 0:
        raise ValueError("must be > 0")
    return value


async def _bytes_of(request: web.Request) -> bytes | Refusal:
    """A whole body, or why it is not read."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        return Refusal(status=415, code=41510000, message="request body must not be compressed")
    try:
        if request.content.is_eof():  # it is here already
            return await request.read()
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        return Refusal(
            status=408,
            code=40810000,
            message=f"request body must arrive within {BODY_TIMEOUT_S:.0f} seconds",
        )
    except web.RequestPayloadError:  # a chunk that is none
        return _unreadable()


def _unreadable() -> Refusal:
    return Refusal(status=400, code=40010000, message="request body format is invalid")


def _is_text(value: Any) -> bool:
    """Whether all texts in it can be written again: half a surrogate pair cannot."""
    try:
        msgspec.json.encode(value)
    except (UnicodeEncodeError, RecursionError):
        return False
    return True

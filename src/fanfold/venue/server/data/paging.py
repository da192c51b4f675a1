"""Pages of points: by symbol, then by time, and a token that says where the next begins.

A token says all that is needed to go on, so it is good after the venue was started again.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, Protocol, TypeVar

from fanfold.venue.market.history.history import Span
from fanfold.venue.market.values import Asset

TOKEN_MAX: Final = 256
"""Longest token that is read [characters]."""

BLOCKS_AT_ONCE: Final = 4
"""Blocks that are read before others have their turn; to make one takes milliseconds."""

_NUMBER_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Token:
    """The last point of a page.

    Attributes:
        symbol: Whose.
        ts: When [ns UTC].
        count: How many points of that instant have been given.
    """

    symbol: str
    ts: int
    count: int

    def text(self, scope: str) -> str:
        """As clients get it; only a request of the same scope can use it."""
        plain = f"{scope}|{self.symbol}|{self.ts}|{self.count}"
        return base64.urlsafe_b64encode(plain.encode()).decode()


def token_of(text: str, scope: str, symbols: Sequence[str]) -> Token | None:
    """The token of a text; None if it is none of that scope and these symbols."""
    try:
        if len(text) > TOKEN_MAX:
            return None
        plain = base64.b64decode(text, altchars=b"-_", validate=True).decode()
        rest, ts, count = plain.rsplit("|", 2)
        found, symbol = rest.rsplit("|", 1)
        token = Token(symbol, int(ts), int(count))
    except (binascii.Error, ValueError):
        return None
    fits = found == scope and symbol in symbols and token.text(scope) == text
    return (
        token if fits and abs(token.ts) <= _NUMBER_MAX and 0 < token.count <= _NUMBER_MAX else None
    )


class Block(Protocol):
    """Points in order."""

    def __len__(self) -> int: ...


B = TypeVar("B", bound=Block)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[B]):
    """How blocks of a kind are read.

    Attributes:
        blocks: The blocks of an asset within a span, in its order.
        part: Points of a block from one place until before another.
        ts: The instant of a block's point.
    """

    blocks: Callable[[Asset, Span], Iterator[B]]
    part: Callable[[B, int, int], B]
    ts: Callable[[B, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[B]):
    """Some points.

    Attributes:
        blocks: Of each asset its blocks, none of them empty.
        token: Where the next page begins; None if this is the last.
    """

    blocks: dict[str, list[B]]
    token: Token | None


async def read_page(
    reading: Reading[B], assets: Sequence[Asset], span: Span, *, limit: int, token: Token | None
) -> Page[B]:
    """The points of a page, and whether there are more.

    Args:
        reading: How they are read.
        assets: Whose, in the order of the pages.
        span: When; its order is that of the page.
        limit: Points at most, of all assets together.
        token: The last point of the page before; None for the first page.
    """
    found: dict[str, list[B]] = {}
    left, last, seen = limit, token, 0
    for asset in assets:
        if token is not None and asset.symbol < token.symbol:
            continue
        resumed = token if token is not None and asset.symbol == token.symbol else None
        skip = resumed.count if resumed else 0
        for block in reading.blocks(asset, _from(span, resumed)):
            seen += 1
            if seen % BLOCKS_AT_ONCE == 0:
                await asyncio.sleep(0)
            skipped = min(skip, len(block))
            skip -= skipped
            taken = min(left, len(block) - skipped)
            if taken:
                part = reading.part(block, skipped, skipped + taken)
                found.setdefault(asset.symbol, []).append(part)
                last = _last(reading, asset.symbol, part, last)
                left -= taken
            if len(block) - skipped > taken:
                return Page(blocks=found, token=last)
    return Page(blocks=found, token=None)


def _from(span: Span, token: Token | None) -> Span:
    """The rest of a span, from the instant of a token on."""
    if token is None:
        return span
    if span.newest_first:
        return replace(span, end=min(span.end, token.ts))
    return replace(span, start=max(span.start, token.ts))


def _last(reading: Reading[B], symbol: str, part: B, before: Token | None) -> Token:
    """The token of a part's last point."""
    count = len(part)
    ts = reading.ts(part, count - 1)
    same = next((n for n in range(1, count) if reading.ts(part, count - 1 - n) != ts), count)
    if same == count and before is not None and (before.symbol, before.ts) == (symbol, ts):
        same += before.count
    return Token(symbol, ts, same)

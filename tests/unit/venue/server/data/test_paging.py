import asyncio
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.venue_past import ASSETS

from fanfold.venue.market.history.history import Span
from fanfold.venue.market.values import Asset
from fanfold.venue.server.data.paging import BLOCKS_AT_ONCE, Reading, Token, read_page, token_of

SCOPE = "trades||asc"
SYMBOLS = [asset.symbol for asset in ASSETS]


def test_a_token_is_read_back_as_it_was() -> None:
    token = Token("BRK.B", 1_700_000_000_000_000_001, 3)
    assert token_of(token.text(SCOPE), SCOPE, SYMBOLS) == token


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        "abc",
        "é",
        Token("AAPL", 1, 1).text("quotes||asc"),
        Token("AAPL", 1, 1).text("trades||desc"),
        Token("TSLA", 1, 1).text(SCOPE),
        Token("AAPL", 1, 0).text(SCOPE),
        Token("AAPL", 2**70, 1).text(SCOPE),
        Token("AAPL", 1, 1).text(SCOPE) + "=",
        "A" * 10_000,
    ],
)
def test_a_token_of_something_else_is_none(text: str) -> None:
    assert token_of(text, SCOPE, SYMBOLS) is None


@given(text=st.text())
def test_no_text_breaks_the_reading_of_tokens(text: str) -> None:
    assert token_of(text, SCOPE, SYMBOLS) is None


@given(
    points=st.lists(st.lists(st.integers(0, 5), max_size=12), min_size=3, max_size=3),
    limit=st.integers(1, 9),
    newest_first=st.booleans(),
    cut=st.integers(1, 4),
)
def test_pages_together_hold_all_points_once_and_in_order(
    points: list[list[int]],
    limit: int,
    newest_first: bool,  # noqa: FBT001
    cut: int,
) -> None:
    """Also where many points share an instant, and blocks end anywhere."""
    named = {
        asset.symbol: [(ts, number) for number, ts in enumerate(sorted(one, reverse=newest_first))]
        for asset, one in zip(ASSETS, points, strict=True)
    }

    def blocks(asset: Asset, span: Span) -> Iterator[Sequence[tuple[int, int]]]:
        there = [one for one in named[asset.symbol] if span.start <= one[0] <= span.end]
        return (there[place : place + cut] for place in range(0, len(there), cut))

    reading: Reading[Sequence[tuple[int, int]]] = Reading(
        blocks=blocks,
        part=lambda block, low, high: block[low:high],
        ts=lambda block, place: block[place][0],
    )
    span = Span(start=0, end=5, now=5, newest_first=newest_first)
    found: list[tuple[str, tuple[int, int]]] = []
    token: Token | None = None
    for _ in range(40):
        page = asyncio.run(read_page(reading, ASSETS, span, limit=limit, token=token))
        rows = [
            (symbol, point)
            for symbol, parts in page.blocks.items()
            for part in parts
            for point in part
        ]
        assert len(rows) <= limit
        found += rows
        if page.token is None:
            break
        assert len(rows) == limit
        token = token_of(page.token.text(SCOPE), SCOPE, SYMBOLS)
        assert token is not None
    assert found == [(symbol, point) for symbol, one in named.items() for point in one]


def test_others_have_their_turn_while_a_long_past_is_read() -> None:
    """A page of many days does not hold the venue's only thread."""

    async def asked() -> int:
        turns = 0
        done = asyncio.ensure_future(
            read_page(reading, ASSETS[:1], Span(start=0, end=5, now=5), limit=10, token=None)
        )
        while not done.done():
            turns += 1
            await asyncio.sleep(0)
        return turns

    reading: Reading[list[int]] = Reading(
        blocks=lambda _asset, _span: iter([[]] * 100),
        part=lambda block, low, high: block[low:high],
        ts=lambda block, place: block[place],
    )
    assert asyncio.run(asked()) >= 100 // BLOCKS_AT_ONCE

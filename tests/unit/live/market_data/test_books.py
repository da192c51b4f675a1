"""Order books against a naive reference."""

import math

from hypothesis import given
from hypothesis import strategies as st

from fanfold.alpaca.wire.messages import Level
from fanfold.live.market_data.books import DEPTH_LEVELS, Book

Change = tuple[list[tuple[int, int]], list[tuple[int, int]]]

# Bids below 100 and asks above, so that no change crosses the book.
BIDS = st.lists(st.tuples(st.integers(1, 99), st.integers(0, 3)), max_size=8)
ASKS = st.lists(st.tuples(st.integers(101, 200), st.integers(0, 3)), max_size=8)


def levels(pairs: list[tuple[int, int]]) -> tuple[Level, ...]:
    return tuple(Level(float(price), float(size)) for price, size in pairs)


def naive(changes: list[Change], side: int) -> dict[int, int]:
    kept: dict[int, int] = {}
    for change in changes:
        for price, size in change[side]:
            kept.pop(price, None)
            if size:
                kept[price] = size
    return kept


@given(changes=st.lists(st.tuples(BIDS, ASKS), min_size=1, max_size=30))
def test_a_book_is_what_a_dictionary_sorted_by_price_is(changes: list[Change]) -> None:
    book = Book()
    for number, (bids, asks) in enumerate(changes):
        assert book.apply(number + 1, levels(bids), levels(asks), is_whole=number == 0)
    bids, asks = naive(changes, 0), naive(changes, 1)
    assert list(book.bids) == sorted(bids.items(), reverse=True)[:DEPTH_LEVELS]
    assert list(book.asks) == sorted(asks.items())[:DEPTH_LEVELS]


@given(change=st.tuples(BIDS, ASKS), again=st.integers(1, 3))
def test_a_change_told_again_changes_nothing(change: Change, again: int) -> None:
    book = Book()
    book.apply(1, levels([(50, 1)]), levels([(150, 1)]), is_whole=True)
    book.apply(2, levels(change[0]), levels(change[1]), is_whole=False)
    before = book.bids, book.asks
    for _ in range(again):
        assert book.apply(2, levels(change[0]), levels(change[1]), is_whole=False)
    assert (book.bids, book.asks) == before


def test_a_book_is_believed_from_its_first_whole_on() -> None:
    book = Book()
    assert not book.apply(1, levels([(50, 1)]), (), is_whole=False)
    assert book.apply(2, levels([(51, 1)]), (), is_whole=True)
    assert book.bids == ((51.0, 1.0),)


def test_what_is_older_than_the_book_spoils_it_until_the_next_whole() -> None:
    book = Book()
    book.apply(5, levels([(50, 1)]), levels([(150, 1)]), is_whole=True)
    assert not book.apply(4, levels([(51, 1)]), (), is_whole=False)
    assert not book.apply(6, levels([(52, 1)]), (), is_whole=False)
    assert book.apply(7, levels([(53, 1)]), (), is_whole=True)


def test_a_crossed_book_is_not_believed() -> None:
    book = Book()
    book.apply(1, levels([(50, 1)]), levels([(150, 1)]), is_whole=True)
    assert not book.apply(2, levels([(150, 1)]), (), is_whole=False)


@given(
    price=st.sampled_from([-1.0, 0.0, math.nan, math.inf, 1e16]),
    size=st.sampled_from([1.0, -1.0, math.nan, math.inf]),
)
def test_levels_that_are_none_spoil_the_book(price: float, size: float) -> None:
    book = Book()
    book.apply(1, levels([(50, 1)]), (), is_whole=True)
    assert not book.apply(2, (Level(price, size),), (), is_whole=False)

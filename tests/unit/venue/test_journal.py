from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.fakes.venue_journal import (
    ACCOUNT,
    NOW,
    an_order,
    fill,
    opened_book,
    some_change,
    submit,
)

from fanfold.errors import DataError
from fanfold.venue.journal import ActivityQuery, Journal, OrderQuery, activity_id
from fanfold.venue.journal.journal import FOLD_COMMITS
from fanfold.venue.journal.recent import RECENT_MAX, Recent
from fanfold.venue.trading.book import Book
from fanfold.venue.trading.values import Changes, EquityPoint, Event, Order


@pytest.fixture
def journal() -> Iterator[Journal]:
    journal = Journal.open(None, terms="sample")
    yield journal
    journal.close()


@pytest.fixture
def book(journal: Journal) -> Book:
    book, changes = opened_book(journal)
    journal.commit(changes, NOW)
    return book


def reopened(path: Path) -> Journal:
    return Journal.open(path, terms="sample")


def names(orders: list[Order]) -> list[str]:
    return [order.client_order_id for order in orders]


def test_a_new_journal_has_nothing_to_restore(journal: Journal) -> None:
    assert journal.restored() is None


@given(seed=st.integers(0, 2**32), commits=st.integers(1, 40))
def test_what_is_restored_is_what_the_book_had(seed: int, commits: int) -> None:
    journal = Journal.open(None, terms="sample")
    book, changes = opened_book(journal)
    journal.commit(changes, NOW)
    rng = Random(seed)  # noqa: S311
    for number in range(commits):
        some_change(book, rng, number, NOW + number)
        journal.commit(book.take(), NOW + number)
    restored = journal.restored()
    assert restored is not None
    other = Book(journal)
    other.restore(restored)
    assert (other.seq, other.ts, restored.clock) == (book.seq, book.ts, NOW + commits - 1)
    assert other.accounts == book.accounts
    assert other.positions(ACCOUNT) == book.positions(ACCOUNT)
    assert other.open_orders(ACCOUNT) == book.open_orders(ACCOUNT)
    events = journal.events(ACCOUNT, limit=10_000)
    bookings = journal.activities(ACCOUNT, ActivityQuery(kinds=("FEE",)))
    assert sorted(one.seq for one in [*events, *bookings]) == list(range(1, book.seq + 1))
    last = {event.order.id: event.order for event in events}
    assert {one.id: one for one in journal.orders(ACCOUNT, OrderQuery(status="all"))} == last
    journal.close()


def test_a_file_gives_back_every_digit(tmp_path: Path) -> None:
    first = reopened(tmp_path / "venue.db")
    book, changes = opened_book(first)
    first.commit(changes, NOW)
    qty, price = Decimal("0.123456789"), Decimal("1E+2")
    order = submit(book, "one", NOW, symbol="BTC/USD", qty=qty, limit_price=price)
    first.commit(book.take(), NOW + 5)
    first.close()
    second = reopened(tmp_path / "venue.db")
    found = second.order_by_client_id(ACCOUNT, "one")
    assert found == order == second.order(order.id)
    assert str(found.limit_price) == "1E+2"
    restored = second.restored()
    assert restored is not None
    assert (restored.clock, restored.orders) == (NOW + 5, (order,))
    second.close()


def test_many_commits_are_found_whether_in_the_tables_or_not(tmp_path: Path) -> None:
    journal = reopened(tmp_path / "venue.db")
    book, changes = opened_book(journal)
    journal.commit(changes, NOW)
    count = 2 * FOLD_COMMITS + 3
    for number in range(count):
        submit(book, f"order-{number}", NOW + number)
        journal.commit(book.take(), NOW + number)
    for number in (0, FOLD_COMMITS, count - 1):
        assert journal.order_by_client_id(ACCOUNT, f"order-{number}") is not None
    assert len(journal.orders(ACCOUNT, OrderQuery(limit=1_000))) == count
    assert len(journal.events(ACCOUNT, limit=10_000)) == 2 * count
    journal.close()


def test_orders_that_were_changed_long_ago_are_read_from_the_file(tmp_path: Path) -> None:
    journal = reopened(tmp_path / "venue.db")
    book, changes = opened_book(journal)
    journal.commit(changes, NOW)
    made = [submit(book, f"order-{number}", NOW) for number in range(RECENT_MAX + 10)]
    journal.commit(book.take(), NOW)
    journal.orders(ACCOUNT, OrderQuery())
    assert journal._recent.order(made[0].id) is None
    assert journal.order(made[0].id) == made[0]
    assert journal.order_by_client_id(ACCOUNT, "order-0") == made[0]
    assert journal.order_by_client_id("another", "order-0") is None
    journal.close()


def test_recent_orders_are_bounded_and_the_oldest_go_first() -> None:
    recent = Recent()
    for number in range(RECENT_MAX + 2):
        recent.keep(an_order(f"id-{number}", f"own-{number}"))
    recent.keep(an_order("id-0", "own-0", status="new"))
    recent.trim()
    assert recent.order("id-1") is recent.order_by_client_id(ACCOUNT, "own-1") is None
    assert recent.order("id-2") is None
    assert recent.order("id-0") is not None


def test_a_gap_in_the_numbers_is_refused_and_changes_nothing(journal: Journal, book: Book) -> None:
    submit(book, "lost", NOW)
    book.take()
    submit(book, "found", NOW)
    with pytest.raises(ValueError, match="the number after 0 must be 1, was 3"):
        journal.commit(book.take(), NOW)
    assert journal.order_by_client_id(ACCOUNT, "found") is None
    assert journal.events(ACCOUNT) == []


@pytest.mark.parametrize(("seq", "ts"), [(3, NOW + 2), (1, NOW + 2), (2, NOW)])
def test_changes_must_end_where_their_records_end(
    journal: Journal, book: Book, seq: int, ts: int
) -> None:
    submit(book, "one", NOW)
    changes = book.take()
    with pytest.raises(ValueError, match="must end with number 2"):
        journal.commit(replace(changes, seq=seq, ts=ts), NOW)


def test_instants_must_grow(journal: Journal, book: Book) -> None:
    submit(book, "one", NOW)
    changes = book.take()
    events = tuple(replace(event, ts=NOW) for event in changes.events)
    with pytest.raises(ValueError, match="an instant must be after the one before"):
        journal.commit(replace(changes, events=events), NOW)


def test_a_clients_name_is_taken_once_for_the_life_of_the_account(
    journal: Journal, book: Book
) -> None:
    order = submit(book, "one", NOW)
    book.tell("canceled", order, NOW, status="canceled")
    journal.commit(book.take(), NOW)
    submit(book, "one", NOW)
    with pytest.raises(ValueError, match="client_order_id must be unique"):
        journal.commit(book.take(), NOW)


def test_a_full_disk_is_said_and_nothing_of_the_changes_stays(tmp_path: Path) -> None:
    journal = reopened(tmp_path / "venue.db")
    book, changes = opened_book(journal)
    journal.commit(changes, NOW)
    journal._connection.execute("PRAGMA query_only = ON")  # what cannot be written
    submit(book, "one", NOW)
    with pytest.raises(DataError, match=r"venue\.db"):
        journal.commit(book.take(), NOW)
    journal._connection.execute("PRAGMA query_only = OFF")
    restored = journal.restored()
    assert restored is not None
    book.restore(restored)
    submit(book, "one", NOW)
    journal.commit(book.take(), NOW)
    assert names(journal.orders(ACCOUNT, OrderQuery())) == ["one"]
    journal.close()


def test_the_clock_alone_is_kept_too(journal: Journal, book: Book) -> None:
    journal.commit(book.take(), NOW + 60)
    restored = journal.restored()
    assert restored is not None
    assert restored.clock == NOW + 60


def test_a_late_fill_changes_a_closed_order(journal: Journal, book: Book) -> None:
    order = submit(book, "one", NOW)
    order = book.tell("canceled", order, NOW, status="canceled")
    journal.commit(book.take(), NOW)
    assert journal.orders(ACCOUNT, OrderQuery(status="closed")) == [order]
    filled = fill(book, order, Decimal(10), Decimal(100), NOW)
    journal.commit(book.take(), NOW)
    assert journal.order(order.id) == filled
    assert journal.orders(ACCOUNT, OrderQuery(status="closed")) == [filled]


@pytest.fixture
def orders(journal: Journal, book: Book) -> dict[str, Order]:
    """Five orders a second apart: one is closed, one is a leg, one is of coins."""
    second = 10**9
    made = {
        "a": submit(book, "a", NOW),
        "b": submit(book, "b", NOW + second, symbol="MSFT", side="sell"),
        "c": submit(book, "c", NOW + 2 * second, symbol="BTC/USD", asset_class="crypto"),
        "d": submit(book, "d", NOW + 3 * second),
    }
    made["leg"] = submit(book, "leg", NOW + 3 * second, parent=made["d"].id)
    book.tell("canceled", made["a"], NOW + 4 * second, status="canceled")
    journal.commit(book.take(), NOW + 4 * second)
    return made


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["leg", "d", "c", "b"]),
        ({"status": "closed"}, ["a"]),
        ({"status": "all"}, ["leg", "d", "c", "b", "a"]),
        ({"status": "all", "ascending": True}, ["a", "b", "c", "d", "leg"]),
        ({"status": "all", "limit": 2}, ["leg", "d"]),
        ({"status": "all", "limit": -1}, []),
        ({"status": "all", "after": NOW}, ["leg", "d", "c", "b"]),
        ({"status": "all", "until": NOW + 10**9}, ["a"]),
        ({"symbols": ("MSFT", "BTC/USD")}, ["c", "b"]),
        ({"side": "sell"}, ["b"]),
        ({"asset_class": "crypto"}, ["c"]),
        ({"with_legs": False}, ["d", "c", "b"]),
        ({"symbols": ("x'; DROP TABLE orders; --",)}, []),
    ],
)
def test_orders_are_found_by_what_is_asked(
    journal: Journal, orders: dict[str, Order], asked: dict[str, object], expected: list[str]
) -> None:
    assert names(journal.orders(ACCOUNT, OrderQuery(**asked))) == expected


def test_orders_can_be_paged_by_an_order(journal: Journal, orders: dict[str, Order]) -> None:
    before = OrderQuery(status="all", before_order_id=orders["d"].id)
    assert names(journal.orders(ACCOUNT, before)) == ["c", "b", "a"]
    after = OrderQuery(status="all", after_order_id=orders["d"].id, ascending=True)
    assert names(journal.orders(ACCOUNT, after)) == ["leg"]
    assert journal.orders(ACCOUNT, OrderQuery(before_order_id="unknown")) == []


def test_orders_of_another_account_are_not_shown(
    journal: Journal, orders: dict[str, Order]
) -> None:
    assert journal.orders("another", OrderQuery(status="all")) == []
    assert journal.events("another") == []


def test_events_are_found_by_number_and_by_instant(
    journal: Journal, orders: dict[str, Order]
) -> None:
    every = journal.events(ACCOUNT)
    assert [event.seq for event in every] == list(range(1, 12))
    assert journal.events(ACCOUNT, after_seq=9) == every[9:]
    assert journal.events(ACCOUNT, after_seq=99) == []
    assert journal.events(ACCOUNT, limit=3) == every[:3]
    assert journal.events(ACCOUNT, since=every[4].ts, until=every[6].ts) == every[4:7]


@pytest.fixture
def activities(journal: Journal, book: Book) -> list[str]:
    """Names of four activities, oldest first: two fills, a fee, a dividend."""
    order = submit(book, "one", NOW)
    order = fill(book, order, Decimal(4), Decimal(100), NOW)
    fill(book, order, Decimal(6), Decimal("100.1"), NOW)
    book.write(ACCOUNT, "FEE", NOW + 10**9, amount=Decimal("-0.02"))
    book.write(ACCOUNT, "DIV", NOW + 2 * 10**9, amount=Decimal(5), symbol="AAPL")
    changes = book.take()
    journal.commit(changes, NOW)
    fills = [event for event in changes.events if event.execution]
    return [activity_id(one) for one in [*fills, *changes.bookings]]


def ids(journal: Journal, **asked: object) -> list[str]:
    return [activity_id(one) for one in journal.activities(ACCOUNT, ActivityQuery(**asked))]


def test_an_activitys_name_has_the_time_in_new_york(activities: list[str]) -> None:
    instant, _, token = activities[0].partition("::")
    assert instant == "20260102093000000"
    assert len(token) == 36
    assert len(set(activities)) == 4


def test_activities_are_fills_and_bookings(journal: Journal, activities: list[str]) -> None:
    assert ids(journal) == activities[::-1]
    assert ids(journal, ascending=True) == activities
    assert ids(journal, kinds=("FILL",), ascending=True) == activities[:2]
    assert ids(journal, kinds=("FEE", "DIV")) == activities[:1:-1]
    assert ids(journal, after=NOW + 10**9) == activities[:2:-1]
    assert ids(journal, until=NOW + 10**9, ascending=True) == activities[:2]


@pytest.mark.parametrize("ascending", [True, False])
def test_pages_of_activities_meet_without_gap(
    journal: Journal, activities: list[str], *, ascending: bool
) -> None:
    found: list[str] = []
    while True:
        token = found[-1] if found else ""
        page = ids(journal, page_size=1, page_token=token, ascending=ascending)
        if not page:
            break
        found += page
    assert found == (activities if ascending else activities[::-1])
    assert ids(journal, page_token="20260102093000000::none") == []  # noqa: S106


def test_equity_is_kept_by_its_instant(journal: Journal, book: Book) -> None:
    points = [
        EquityPoint(ts=NOW + step, account=ACCOUNT, equity=Decimal(step), session_day=20_455)
        for step in range(4)
    ]
    for point in points:
        book.mark(point)
    journal.commit(book.take(), NOW)
    assert journal.equity(ACCOUNT, NOW + 1, NOW + 2) == points[1:3]
    book.mark(replace(points[3], equity=Decimal(9)))
    journal.commit(book.take(), NOW)
    assert journal.equity(ACCOUNT, NOW + 3, NOW + 9) == [replace(points[3], equity=Decimal(9))]


def test_an_event_without_a_fill_is_no_activity(journal: Journal, book: Book) -> None:
    submit(book, "one", NOW)
    changes: Changes = book.take()
    journal.commit(changes, NOW)
    assert all(isinstance(event, Event) for event in changes.events)
    assert journal.activities(ACCOUNT, ActivityQuery()) == []

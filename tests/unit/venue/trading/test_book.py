"""What the book finds again, and that it forgets what is closed."""

from typing import Any
from uuid import NAMESPACE_OID, uuid5

from tests.fakes.venue_desk import ACCOUNT, MemoryArchive, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.journal.restored import Restored
from fanfold.venue.trading.book import Book
from fanfold.venue.trading.exchange import Exchange
from fanfold.venue.trading.values import Order


def send(exchange: Exchange, **body: Any) -> Order:
    asked = {"symbol": "AAPL", "qty": 1, "type": "limit", "time_in_force": "gtc", **body}
    taken = exchange.submit(ACCOUNT, asked)
    assert not isinstance(taken, Refusal), taken
    return taken


def found(book: Book) -> dict[str, list[str]]:
    """Ids of open orders of AAPL, by how they are found."""
    lists = {
        "account": book.open_orders(ACCOUNT),
        "asset": book.open_orders_of("AAPL"),
        "buys": book.open_on_side(ACCOUNT, "AAPL", "buy"),
        "sells": book.open_on_side(ACCOUNT, "AAPL", "sell"),
        "others": book.open_on_side("another", "AAPL", "sell"),
        "closings": book.open_closings(ACCOUNT, "AAPL"),
    }
    return {name: [order.id for order in orders] for name, orders in lists.items()}


def test_open_orders_are_found_by_side_and_by_what_they_close_oldest_first() -> None:
    exchange = Exchange(make_desk(positions={"AAPL": (10, 900)}))
    book = exchange.desk.book
    first, exit_, second = (
        send(exchange, side="buy", limit_price=90).id,
        send(exchange, side="sell", limit_price=120).id,
        send(exchange, side="buy", limit_price=95).id,
    )
    send(exchange, symbol="MSFT", side="buy", limit_price=300)
    assert found(book) == {
        "account": [order.id for order in book.all_open_orders()],
        "asset": [first, exit_, second],
        "buys": [first, second],
        "sells": [exit_],
        "others": [],
        "closings": [exit_],
    }
    exchange.cancel(ACCOUNT, first)
    assert found(book)["buys"] == [second]
    exchange.take()
    exchange.cancel(ACCOUNT, exit_)
    exchange.take()
    assert found(book)["asset"] == found(book)["buys"] == [second]
    assert found(book)["closings"] == []


def test_a_book_that_begins_again_finds_what_was_kept_and_nothing_else() -> None:
    exchange = Exchange(make_desk())
    book = exchange.desk.book
    order = send(exchange, side="buy", limit_price=95)
    kept = Restored(
        clock=exchange.desk.now,
        seq=book.seq,
        ts=book.ts,
        accounts=tuple(book.accounts),
        positions=(),
        orders=tuple(book.all_open_orders()),
    )
    send(exchange, side="buy", limit_price=96)
    book.restore(kept)
    assert found(book)["buys"] == [order.id]
    waiting = book.waiting("AAPL")
    assert waiting is not None
    assert waiting.by_quote(1.0, 1.0) == [order.id]


def test_names_are_the_standard_s_uuids() -> None:
    book = Book(MemoryArchive(), seed=3)
    names = uuid5(NAMESPACE_OID, "fanfold venue 3")
    assert [book.new_id() for _ in range(3)] == [str(uuid5(names, f"0.{n}")) for n in (1, 2, 3)]

"""A book at work for a journal: random orders that are filled, cancelled and replaced."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

from msgspec.structs import replace

from fanfold.venue.trading.book import Archive, Book
from fanfold.venue.trading.values import (
    Account,
    Changes,
    EquityPoint,
    Execution,
    Order,
)

ACCOUNT = "3f0c9e0e-0000-4000-8000-000000000001"
CASH = Decimal(100_000)
NOW = 1_767_364_200_000_000_000  # 2026-01-02 14:30 UTC, 09:30 in New York
SYMBOLS = ("AAPL", "MSFT", "BTC/USD")


def account(**changes: Any) -> Account:
    return replace(Account(id=ACCOUNT, number="PA1", cash=CASH, created_at=NOW), **changes)


def an_order(order_id: str, client_order_id: str, now: int = NOW, **changes: Any) -> Order:
    made = Order(
        id=order_id,
        client_order_id=client_order_id,
        account=ACCOUNT,
        symbol="AAPL",
        asset_class="us_equity",
        side="buy",
        kind="limit",
        time_in_force="day",
        qty=Decimal(10),
        limit_price=Decimal("100.25"),
        created_at=now,
        updated_at=now,
        submitted_at=now,
    )
    return replace(made, **changes)


def opened_book(archive: Archive) -> tuple[Book, Changes]:
    """A book with one account, and the changes that opened it."""
    book = Book(archive)
    book.put_account(account())
    return book, book.take()


def submit(book: Book, client_order_id: str, now: int, **changes: Any) -> Order:
    """An order that was accepted and works."""
    made = an_order(book.new_id(), client_order_id, now, **changes)
    return book.tell("new", book.tell("pending_new", made, now), now, status="new")


def fill(book: Book, order: Order, qty: Decimal, price: Decimal, now: int) -> Order:
    """A fill, booked as the venue books it: units, what they cost, and cash."""
    signed, amount = qty * order.sign, qty * price
    held = book.position(ACCOUNT, order.symbol)
    held = book.put_position(
        replace(held, qty=held.qty + signed, cost=held.cost + amount * order.sign)
    )
    money = book.account(ACCOUNT)
    book.put_account(replace(money, cash=money.cash - amount * order.sign))
    filled = order.filled_qty + qty
    is_done = filled == order.qty
    return book.tell(
        "fill" if is_done else "partial_fill",
        order,
        now,
        execution=Execution(
            id=book.new_id(),
            price=price,
            qty=qty,
            amount=amount,
            fee=Decimal(0),
            fee_asset="USD",
            position_qty=held.qty,
        ),
        status="filled" if is_done else "partially_filled",
        filled_qty=filled,
        filled_value=order.filled_value + amount,
        filled_at=now if is_done else None,
    )


def some_change(book: Book, rng: Random, number: int, now: int) -> str:
    """Let one thing happen; the name that a client gave an order in it, or ""."""
    working = book.open_orders(ACCOUNT)
    kind = rng.choice(("submit", "submit", "fill", "cancel", "replace", "fee", "mark"))
    if kind == "fee":
        book.write(ACCOUNT, "FEE", now, amount=-Decimal(rng.randrange(1, 100)) / 100)
        money = book.account(ACCOUNT)
        book.put_account(replace(money, accrued_fees=money.accrued_fees + 1))
    elif kind == "mark":
        book.mark(EquityPoint(ts=now, account=ACCOUNT, equity=CASH + number, session_day=20_000))
    elif kind == "submit" or not working:
        own = f"order-{number}"
        submit(book, own, now, symbol=rng.choice(SYMBOLS), side=rng.choice(("buy", "sell")))
        return own
    else:
        chosen = rng.choice(working)
        if kind == "fill":
            qty = Decimal(rng.randrange(1, int(chosen.open_qty) + 1))
            fill(book, chosen, qty, Decimal(rng.randrange(1, 10**8)) / 10**6, now)
        elif kind == "cancel":
            book.tell("canceled", chosen, now, status="canceled", canceled_at=now)
        else:
            own = f"order-{number}"
            successor = submit(book, own, now, replaces=chosen.id, symbol=chosen.symbol)
            book.tell("replaced", chosen, now, status="replaced", replaced_by=successor.id)
            return own
    return ""


def commits_of(seed: int, archive: Archive) -> Iterator[tuple[int, Changes]]:
    """Numbered changes of a book, without end; equal seeds give equal ones."""
    book, changes = opened_book(archive)
    yield 0, changes
    rng = Random(seed)  # noqa: S311
    for number in itertools.count(1):
        some_change(book, rng, number, NOW + number)
        yield number, book.take()

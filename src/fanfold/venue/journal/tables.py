"""How what was committed goes into the tables that queries read: many commits at once.

A commit is one row of a log, which is all that it takes to survive. Tables and their indexes
follow later: writing a page of an index once for a hundred orders is far cheaper than a
hundred times.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from fanfold.venue.journal.activities import FILL, activity_token
from fanfold.venue.trading.values import Booking, Changes, Event, Order


class Entry(Struct, frozen=True, kw_only=True):
    """One commit.

    Attributes:
        number: Which, from 1.
        clock: The venue's clock: all of the market until then, included, is done [ns UTC].
        changes: What changed.
    """

    number: int
    clock: int
    changes: Changes


encode: Final = msgspec.json.Encoder().encode
"""Values as they are kept: JSON, decimals as texts."""

_entry: Final = msgspec.json.Decoder(Entry)

_STATE: Final = "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?)"
_RECORD: Final = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)"
_ORDER: Final = (
    "INSERT INTO orders VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
    "SET submitted_at = excluded.submitted_at, is_open = excluded.is_open, body = excluded.body"
)
_POSITION: Final = "INSERT OR REPLACE INTO positions VALUES (?, ?, ?)"
_ACCOUNT: Final = "INSERT OR REPLACE INTO accounts VALUES (?, ?)"
_EQUITY: Final = "INSERT OR REPLACE INTO equity VALUES (?, ?, ?)"


def fold(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Bring the log's entries into the tables, which say then that they have them, as one."""
    write(connection, entries)
    connection.execute("COMMIT")


def write(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Write the log's entries into the tables in a transaction, which is left open.

    Of what changed several times only the last value is written; records all are.
    """
    every = [entry.changes for entry in entries]
    orders = {order.id: order for changes in every for order in changes.orders}
    positions = {(one.account, one.symbol): one for changes in every for one in changes.positions}
    accounts = {account.id: account for changes in every for account in changes.accounts}
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_RECORD, _record_rows(every))
    connection.executemany(_ORDER, map(_order_row, orders.values()))
    connection.executemany(_POSITION, ((*key, encode(one)) for key, one in positions.items()))
    connection.executemany(_ACCOUNT, ((key, encode(one)) for key, one in accounts.items()))
    points = (point for changes in every for point in changes.equity)
    connection.executemany(_EQUITY, ((one.account, one.ts, encode(one)) for one in points))
    last = entries[-1]
    connection.execute(_STATE, (last.number, last.clock, last.changes.seq, last.changes.ts))


def logged(entry: Entry) -> bytes:
    """An entry as the log has it: orders that an event in it shows as they are stand there only."""
    shown = _shown(entry.changes)
    rest = tuple(order for order in entry.changes.orders if shown.get(order.id) is not order)
    return encode(replace(entry, changes=replace(entry.changes, orders=rest)))


def read_log(connection: sqlite3.Connection, folded: int) -> list[Entry]:
    """The log's entries that the tables do not have yet, oldest first.

    Args:
        connection: Of the file.
        folded: Number of the last entry that they have.

    Raises:
        msgspec.DecodeError: One cannot be read.
    """
    rows = connection.execute("SELECT body FROM log").fetchall()
    entries = sorted((_entry.decode(row[0]) for row in rows), key=attrgetter("number"))
    return [_whole(entry) for entry in entries if entry.number > folded]


def _whole(entry: Entry) -> Entry:
    orders = _shown(entry.changes)
    orders.update((order.id, order) for order in entry.changes.orders)
    return replace(entry, changes=replace(entry.changes, orders=tuple(orders.values())))


def _shown(changes: Changes) -> dict[str, Order]:
    return {event.order.id: event.order for event in changes.events}


def in_order(changes: Changes) -> Sequence[Event | Booking]:
    """Events and bookings by their numbers."""
    if not changes.bookings:
        return changes.events
    return sorted((*changes.events, *changes.bookings), key=attrgetter("seq"))


def _record_rows(every: Iterable[Changes]) -> Iterator[tuple[object, ...]]:
    for changes in every:
        for record in in_order(changes):
            token = activity_token(record)
            kind, activity = (
                ("event", FILL) if isinstance(record, Event) else ("booking", record.kind)
            )
            yield (
                record.seq,
                record.ts,
                record.account,
                kind,
                None if token is None else activity,
                token,
                encode(record),
            )


def _order_row(order: Order) -> tuple[object, ...]:
    return (
        order.id,
        order.account,
        order.client_order_id,
        order.submitted_at,
        order.symbol,
        order.asset_class,
        order.side,
        bool(order.parent),
        order.is_open,
        encode(order),
    )

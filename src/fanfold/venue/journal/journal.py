"""The journal itself: what changed goes in as one, and is found again."""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from fanfold.errors import DataError
from fanfold.venue.journal.files import identity_of, opened
from fanfold.venue.journal.queries import (
    ActivityQuery,
    OrderQuery,
    activities_sql,
    events_sql,
    orders_sql,
)
from fanfold.venue.journal.recent import Recent
from fanfold.venue.journal.restored import Restored
from fanfold.venue.journal.tables import Entry, fold, in_order, logged, read_log, write
from fanfold.venue.trading.values import (
    Account,
    Booking,
    Changes,
    EquityPoint,
    Event,
    Order,
    Position,
)

T = TypeVar("T")

FOLD_COMMITS: Final = 128
"""After so many commits the log goes into the tables [commits]; it takes some milliseconds."""

_LOG: Final = "INSERT OR REPLACE INTO log VALUES (?, ?)"

_event: Final = msgspec.json.Decoder(Event)
_booking: Final = msgspec.json.Decoder(Booking)
_order: Final = msgspec.json.Decoder(Order)
_position: Final = msgspec.json.Decoder(Position)
_account: Final = msgspec.json.Decoder(Account)
_point: Final = msgspec.json.Decoder(EquityPoint)
_RECORDS: Final[dict[str, "msgspec.json.Decoder[Any]"]] = {"event": _event, "booking": _booking}


class Journal:
    """The venue's journal, and the archive of its book (`fanfold.venue.trading.book.Archive`).

    One process has it at a time. Decimals are kept as texts, digit by digit.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self._path = path
        self._named = "the journal in memory" if path is None else str(path)
        self._file = None if path is None else identity_of(path)
        self._recent = Recent()
        self._free: tuple[str, str] | None = None
        self._number, self._clock, self._seq, self._ts = self._state() or (0, 0, 0, 0)
        self._unfolded = self._log()
        for entry in self._unfolded:  # a process was killed before these went into the tables
            self._follow(entry)

    @classmethod
    def open(cls, path: Path | None, *, terms: str, full: bool = False) -> "Journal":
        """Open or begin a journal.

        Args:
            path: File; None keeps it in memory.
            terms: What it was begun with (replay, seed …), as text.
            full: Whether each commit waits for the disk, and so survives a loss of power;
                without it survives the death of the process alone, and is much faster.

        Raises:
            DataError: It is no journal, damaged, of another version, or in use.
            ConfigError: It was begun with other terms.
        """
        connection = opened(path, terms=terms, full=full)
        try:
            journal = cls(connection, path)
            journal.restored()  # what cannot be read must be known now, not in the middle of a day
        except DataError:
            connection.close()
            raise
        return journal

    # Writing

    def commit(self, changes: Changes, clock: int) -> None:
        """Write changes and the clock as one; they survive the death of the process.

        Args:
            changes: What changed since the last commit.
            clock: The venue's clock: all of the market until then, included, is done [ns UTC].

        Raises:
            ValueError: Numbers do not follow those of the last commit, or instants do not, or
                a client's name for an order is another's: a mistake of the program.
            DataError: The file cannot be written, or is gone; nothing of the changes is.
        """
        self._check_numbers(changes)
        self._check_names(changes)
        if not changes and (clock, changes.seq, changes.ts) == (self._clock, self._seq, self._ts):
            return
        if self._path is not None and identity_of(self._path) != self._file:
            # What is written into a file without a name is lost with the process.
            raise DataError(f"the journal must stay where it is, {self._named} is gone")
        if len(self._unfolded) >= FOLD_COMMITS:
            self._fold()
        entry = Entry(number=self._number + 1, clock=clock, changes=changes)
        slot = entry.number % FOLD_COMMITS
        try:  # a statement outside a transaction is one by itself
            self._connection.execute(_LOG, (slot, logged(entry)))
        except sqlite3.Error as error:
            raise DataError(f"the journal must take all changes, {self._named}: {error}") from error
        self._unfolded.append(entry)
        self._follow(entry)

    def _check_numbers(self, changes: Changes) -> None:
        seq, ts = self._seq, self._ts
        for record in in_order(changes):
            if record.seq != seq + 1:
                raise ValueError(f"the number after {seq} must be {seq + 1}, was {record.seq}")
            if record.ts <= ts:
                raise ValueError(f"an instant must be after the one before, {ts}, was {record.ts}")
            seq, ts = record.seq, record.ts
        if changes.seq != seq or changes.ts < ts:
            raise ValueError(
                f"changes must end with number {seq} and not before {ts}, "
                f"they say {changes.seq} and {changes.ts}"
            )

    def _check_names(self, changes: Changes) -> None:
        free = self._free  # whoever asked for a name a moment ago need not wait for it again
        for order in changes.orders:
            if self._recent.order(order.id) is None:
                name = order.account, order.client_order_id
                known = None if name == free else self.order_by_client_id(*name)
                if known is not None and known.id != order.id:
                    raise ValueError(f"client_order_id must be unique, {order.id} has {known.id}'s")
                free = None if name == free else free

    def _follow(self, entry: Entry) -> None:
        self._free = None
        self._number = entry.number
        self._clock, self._seq, self._ts = entry.clock, entry.changes.seq, entry.changes.ts
        for order in entry.changes.orders:
            self._recent.keep(order)

    def _fold(self) -> None:
        if not self._unfolded:
            return
        try:
            fold(self._connection, self._unfolded)
        except sqlite3.Error as error:
            self._roll_back()
            raise DataError(f"the journal must take all changes, {self._named}: {error}") from error
        self._unfolded.clear()
        self._recent.trim()

    @contextmanager
    def _folded(self) -> Generator[None]:
        """All commits in the tables; where the disk takes no more, only while they are read."""
        try:
            self._fold()
        except DataError as error:
            try:
                write(self._connection, self._unfolded)
            except sqlite3.Error:
                self._roll_back()
                raise error from None
        try:
            yield
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    # Reading

    def restored(self) -> Restored | None:
        """Where it ends; None if it has just begun.

        Raises:
            DataError: What it holds does not fit together.
        """
        with self._folded():
            return self._restored()

    def _restored(self) -> Restored | None:
        state = self._state()
        if state is None:
            return None
        _, clock, seq, ts = state
        self._check_records(seq)
        return Restored(
            clock=clock,
            seq=seq,
            ts=ts,
            accounts=tuple(self._all(_account, "SELECT body FROM accounts ORDER BY id")),
            positions=tuple(
                self._all(_position, "SELECT body FROM positions ORDER BY account, symbol")
            ),
            orders=tuple(
                self._all(_order, "SELECT body FROM orders WHERE is_open = 1 ORDER BY number")
            ),
        )

    def order(self, order_id: str) -> Order | None:
        """An order by its id, as of the last commit."""
        found = self._recent.order(order_id)  # what the tables do not have yet is all in there
        if found is not None:
            return found
        return self._one(_order, "SELECT body FROM orders WHERE id = ?", (order_id,))

    def order_by_client_id(self, account: str, client_order_id: str) -> Order | None:
        """An order of an account by its client's name for it."""
        found = self._recent.order_by_client_id(account, client_order_id)
        if found is not None:
            return found
        sql = "SELECT body FROM orders WHERE account = ? AND client_order_id = ?"
        found = self._one(_order, sql, (account, client_order_id))
        self._free = (account, client_order_id) if found is None else None
        return found

    def orders(self, account: str, query: OrderQuery) -> list[Order]:
        """Orders of an account, by when they were submitted."""
        with self._folded():
            return self._all(_order, *orders_sql(account, query))

    def events(
        self,
        account: str,
        *,
        after_seq: int = 0,
        since: int | None = None,
        until: int | None = None,
        limit: int = 1_000,
    ) -> list[Event]:
        """Events of an account, oldest first.

        Args:
            account: Whose.
            after_seq: Only those with a greater number.
            since: Only from this instant on, inclusive [ns UTC].
            until: Only up to this instant, inclusive [ns UTC].
            limit: How many at most [events].
        """
        asked = events_sql(account, after_seq=after_seq, since=since, until=until, limit=limit)
        with self._folded():
            return self._all(_event, *asked)

    def activities(self, account: str, query: ActivityQuery) -> list[Event | Booking]:
        """Fills and bookings of an account, by when they happened."""
        with self._folded():
            rows = self._rows(*activities_sql(account, query))
        return [self._decoded(_RECORDS[kind], body) for kind, body in rows]

    def equity(self, account: str, start: int, end: int) -> Sequence[EquityPoint]:
        """An account's equity within ``[start, end]``, oldest first."""
        sql = "SELECT body FROM equity WHERE account = ? AND ts BETWEEN ? AND ? ORDER BY ts"
        with self._folded():
            return self._all(_point, sql, (account, start, end))

    def close(self) -> None:
        """Let go of the file."""
        with suppress(DataError):  # the log has all of it, which is enough
            self._fold()
        self._connection.close()

    def _state(self) -> tuple[int, int, int, int] | None:
        rows = self._rows("SELECT number, clock, seq, ts FROM state")
        return rows[0] if rows else None

    def _log(self) -> list[Entry]:
        try:
            found = read_log(self._connection, self._number)
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise DataError(f"the journal must be undamaged, {self._named}: {error}") from error
        numbers = [entry.number for entry in found]
        if numbers != list(range(self._number + 1, self._number + 1 + len(found))):
            raise DataError(
                f"the journal must hold all commits after {self._number}, {self._named} holds "
                f"only {numbers}"
            )
        return found

    def _check_records(self, seq: int) -> None:
        counted, last = self._rows("SELECT count(*), ifnull(max(seq), 0) FROM records")[0]
        if not counted == last == seq:
            raise DataError(
                f"the journal must hold all records up to {seq}, {self._named} holds {counted} "
                f"up to {last}"
            )

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise DataError(f"the journal must be readable, {self._named}: {error}") from error

    def _all(
        self, decoder: "msgspec.json.Decoder[T]", sql: str, values: Sequence[Any] = ()
    ) -> list[T]:
        return [self._decoded(decoder, row[0]) for row in self._rows(sql, values)]

    def _one(self, decoder: "msgspec.json.Decoder[T]", sql: str, values: Sequence[Any]) -> T | None:
        rows = self._rows(sql, values)
        return self._decoded(decoder, rows[0][0]) if rows else None

    def _decoded(self, decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
        try:
            return decoder.decode(body)
        except msgspec.DecodeError as error:
            raise DataError(f"the journal must be undamaged, {self._named}: {error}") from error

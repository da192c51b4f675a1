"""Execution's memory, in SQLite: what was approved, ordered and filled.

Each call is one short transaction in a write-ahead log with `synchronous = NORMAL`: when it
returns, the system has it. An order that is about to leave is in the outbox first
(`fanfold.live.execution.outbox`), and entered right after. So a process that is killed, at any
instant, loses nothing: what was intended before its bytes left is there. A machine that loses
power may lose the last transactions, never tear one. That is safe, since nothing rests on the
journal alone: names of orders are derived, so an order that is sent again for the same reason
is refused by the broker as a duplicate; and a start asks the broker for all orders with the
deployment's tag and for the executions, and enters what is missing before any order goes.
"""

import contextlib
import os
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from fanfold.errors import ConfigError, DataError, FanfoldError, LiveError
from fanfold.live.execution.journal_file import OWN, begin, check, connected, locked, unreadable
from fanfold.live.execution.journal_rows import (
    APPROVE,
    EVENT,
    EXECUTE,
    INTEND,
    KEEP,
    NOTE,
    RESTATE,
    SPEND,
    approval_of,
    approval_row,
    execution_of,
    execution_row,
    order_of,
    order_row,
    restated_row,
)
from fanfold.live.execution.outbox import Leaving, Outbox
from fanfold.live.execution.records import PROTECTIVE, Execution, Order
from fanfold.live.messages import ApprovedOrder


class Journal:
    """An open journal: `Journal.opened` to write, `Journal.read` beside the writer.

    Attributes:
        account, deployment, tag: Whose it is.
    """

    def __init__(
        self, connection: sqlite3.Connection, lock: int | None, outbox: Outbox | None = None
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._outbox = outbox
        self._leaving: list[Leaving] = []
        self.account, self.deployment, self.tag = (self.kept(key) for key in OWN)
        self._held = self._summed()
        newest = self._rows("SELECT asset, role, max(event_ts) FROM orders GROUP BY asset, role")
        self._newest = {(asset, role): event_ts for asset, role, event_ts in newest}
        left = () if outbox is None else outbox.left()  # by a process that was killed
        self._leaving = [one for one in left if self.order(one.order.client_order_id) is None]
        for one in self._leaving:
            self._note_newest(one.order)
        self.enter()

    @staticmethod
    def opened(path: Path, *, account: str, deployment: str, tag: str) -> "Journal":
        """Open or begin the journal of a deployment, as its only writer.

        Raises:
            ConfigError: It is of another account, deployment or tag.
            DataError: It is no journal, damaged, or of another version.
            LiveError: It cannot be opened or written, or another process writes it.
        """
        lock = locked(path)
        try:
            outbox = path.with_name(f"{path.name}.outbox")
            if not path.exists():
                outbox.unlink(missing_ok=True)  # of another journal
            connection = connected(path, is_writer=True)
            try:
                begin(connection, path, dict(zip(OWN, (account, deployment, tag), strict=True)))
                return Journal(connection, lock, Outbox(outbox))
            except sqlite3.Error as error:
                connection.close()
                raise unreadable(path, error) from None
            except FanfoldError:
                connection.close()
                raise
        except BaseException:
            os.close(lock)
            raise

    @staticmethod
    def read(path: Path) -> "Journal":
        """Open it to read beside its writer: status, kill, parity. Writing raises LiveError.

        Raises:
            DataError: There is none, or it is none.
        """
        connection = connected(path, is_writer=False)
        try:
            check(connection, path)
            return Journal(connection, None)
        except sqlite3.Error as error:
            connection.close()
            raise unreadable(path, error) from None
        except DataError:
            connection.close()
            raise

    def approved(self, approved: ApprovedOrder) -> None:
        """Keep the last approval of its asset; one that is not newer than the kept is ignored.

        Raises:
            LiveError: It could not be written.
        """
        self._write(APPROVE, approval_row(approved))

    def approvals(self) -> dict[int, ApprovedOrder]:
        """The last approval of each asset."""
        rows = self._rows("SELECT asset, body FROM approvals ORDER BY asset")
        return {asset: approval_of(body) for asset, body in rows}

    def is_spent(self, asset: int) -> bool:
        """Whether a stop or a target has filled since the asset's last approval.

        That approval must not increase the position any more, after a restart neither.
        """
        found = self._rows("SELECT is_spent FROM approvals WHERE asset = ?", (asset,))
        return bool(found and found[0][0])

    def revision_for(self, asset: int, event_ts: int, role: str) -> int:
        """The next revision for a name: how many orders were made for the event and role.

        Ask only where the planner says Place or Replace: it does so only after the former
        order's end is proven.
        """
        if event_ts > self._newest.get((asset, role), -1):
            return 0
        asked = "SELECT count(*) FROM orders WHERE asset = ? AND event_ts = ? AND role = ?"
        return self._rows(asked, (asset, event_ts, role))[0][0]

    def intend(self, order: Order, now: int, approved: ApprovedOrder | None = None) -> None:
        """Write down an order before it is sent, and with it the approval that it is for.

        Raises:
            LiveError: It could not be written (disk full …), or the name is there already:
                send nothing.
        """
        if approved is None:
            self._write(INTEND, order_row(order, now))
        else:
            with self._transaction():
                self._connection.execute(APPROVE, approval_row(approved))
                self._connection.execute(INTEND, order_row(order, now))
        self._note_newest(order)

    def put(self, order: Order, now: int, approved: ApprovedOrder | None = None) -> None:
        """Write down an order before it is sent, so that it need not wait for a commit.

        It is in the outbox, and entered by whatever is asked of the journal next: by `enter`
        as soon as its bytes have left. One that may have been made before, by its event and
        role, is entered at once: its name must not be there.

        Raises:
            LiveError: It could not be written, or the name is there already: send nothing.
        """
        leaving, outbox = Leaving(order, now, approved), self._outbox
        is_new = order.event_ts > self._newest.get((order.asset, order.role), -1)
        if outbox is None or not is_new or not outbox.put(leaving):
            self.enter()
            self.intend(order, now, approved)
            return
        self._leaving.append(leaving)
        self._note_newest(order)

    def enter(self) -> None:
        """Enter the orders that are in the outbox alone.

        Raises:
            LiveError: They could not be written: they stay in the outbox.
        """
        if not self._leaving:
            return
        leaving, self._leaving = self._leaving, []
        try:
            with self._transaction():
                for one in leaving:
                    if one.approved is not None:
                        self._connection.execute(APPROVE, approval_row(one.approved))
                    self._connection.execute(INTEND, order_row(one.order, one.at))
        except LiveError:
            self._leaving = leaving
            raise
        if self._outbox is not None:
            self._outbox.entered()

    def note(
        self, order: Order, now: int, event: str = "", executions: Sequence[Execution] = ()
    ) -> tuple[Execution, ...]:
        """Write down an order as it is now, what happened, and its executions.

        One transaction. An order that is not there yet (a leg, an adopted one) is entered.

        Returns:
            The executions that were not there yet: tell these.

        Raises:
            LiveError: It could not be written.
        """
        with self._transaction():
            self._connection.execute(NOTE, order_row(order, now))
            if event:
                logged = (now, order.client_order_id, event, order.reason)
                self._connection.execute(EVENT, logged)
            new = tuple(each for each in executions if self._booked(each))
            if any(each.lots and each.role in PROTECTIVE for each in new):
                self._connection.execute(SPEND, (order.asset,))
        self._count(new)
        self._note_newest(order)
        return new

    def execution(self, execution: Execution, now: int) -> bool:
        """Book one execution alone: a split's units, an adopted position.

        Returns:
            Whether it was new.

        Raises:
            LiveError: It could not be written.
        """
        with self._transaction():
            new = (execution,) if self._booked(execution) else ()
            if new:
                logged = (now, execution.client_order_id, "execution", execution.execution_id)
                self._connection.execute(EVENT, logged)
        self._count(new)
        return bool(new)

    def split(
        self,
        execution: Execution | None,
        approved: ApprovedOrder | None,
        keeps: Mapping[str, str],
        now: int,
    ) -> None:
        """Book a split's units, restate the asset's approval, keep values: all or nothing.

        Raises:
            LiveError: It could not be written.
        """
        with self._transaction():
            new = (execution,) if execution is not None and self._booked(execution) else ()
            if approved is not None:
                self._connection.execute(RESTATE, restated_row(approved))
            for pair in keeps.items():
                self._connection.execute(KEEP, pair)
            self._connection.execute(EVENT, (now, "", "split", keeps.get("splits", "")))
        self._count(new)

    def log(self, kind: str, text: str, now: int) -> None:
        """Write down an event of no order: a reconciliation, a gate, a refusal.

        Raises:
            LiveError: It could not be written.
        """
        self._write(EVENT, (now, "", kind, text))

    def held(self) -> dict[int, int]:
        """Signed lots of each asset: the sum of its executions."""
        return dict(self._held) if self._lock is not None else self._summed()

    def order(self, client_order_id: str) -> Order | None:
        """One order by its name."""
        found = self._orders("WHERE client_order_id = ?", (client_order_id,))
        return found[0] if found else None

    def open_orders(self) -> list[Order]:
        """All that are not over, in the order they were made."""
        return self._orders("WHERE is_over = 0")

    def orders_for(self, approved: ApprovedOrder) -> list[Order]:
        """What the planner needs: the asset's that are not over, and all of this approval."""
        which = """WHERE place IN (
            SELECT place FROM orders INDEXED BY orders_open WHERE asset = ? AND is_over = 0 UNION
            SELECT place FROM orders INDEXED BY orders_number WHERE asset = ? AND number = ?)"""
        return self._orders(which, (approved.asset, approved.asset, approved.number))

    def load(self, since: int = 0) -> list[Order]:
        """All orders made since then [ns UTC], and all that are not over."""
        return self._orders("WHERE is_over = 0 OR created_at >= ?", (since,))

    def executions(self, since: int = 0) -> list[Execution]:
        """All executions since then [ns UTC], in the order they were booked."""
        asked = "SELECT body FROM executions WHERE ts >= ? ORDER BY place"
        return [execution_of(body) for (body,) in self._rows(asked, (since,))]

    def newest(self, limit: int) -> list[Execution]:
        """The last executions that moved units, the newest first."""
        asked = "SELECT body FROM executions WHERE lots <> 0 ORDER BY place DESC LIMIT ?"
        return [execution_of(body) for (body,) in self._rows(asked, (limit,))]

    def events(self, since: int = 0) -> list[tuple[int, str, str, str]]:
        """Instant [ns UTC], client_order_id ("" for none), event, text; the oldest first."""
        asked = "SELECT at, client_order_id, event, text FROM events WHERE at >= ? ORDER BY place"
        return [(at, name, event, text) for at, name, event, text in self._rows(asked, (since,))]

    def keep(self, key: str, value: str) -> None:
        """Keep a value under a name, such as the last reconciliation's instant.

        Raises:
            ConfigError: The name says whose the journal is.
            LiveError: It could not be written.
        """
        if key in OWN:
            raise ConfigError(f"a kept value's name must not be one of {', '.join(OWN)}")
        self._write(KEEP, (key, value))

    def kept(self, key: str) -> str:
        """A kept value, "" for none."""
        found = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return found[0][0] if found else ""

    def tidy(self) -> None:
        """Bring the log into the file, when there is time: else a commit has to."""
        with contextlib.suppress(sqlite3.Error):  # it stays in the log until the next time
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Let go of the file; what is in the outbox alone is entered at the next start."""
        self._connection.close()
        if self._outbox is not None:
            self._outbox.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        try:
            self.enter()
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise _unwritten(error) from None

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        try:
            self.enter()
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise _unwritten(error) from None

    def _booked(self, execution: Execution) -> bool:
        return self._connection.execute(EXECUTE, execution_row(execution)).rowcount == 1

    def _count(self, new: tuple[Execution, ...]) -> None:
        for each in new:
            self._held[each.asset] = self._held.get(each.asset, 0) + each.lots

    def _note_newest(self, order: Order) -> None:
        kind = order.asset, order.role
        self._newest[kind] = max(self._newest.get(kind, -1), order.event_ts)

    def _summed(self) -> dict[int, int]:
        return dict(self._rows("SELECT asset, sum(lots) FROM executions GROUP BY asset"))

    def _orders(self, which: str, values: tuple[Any, ...] = ()) -> list[Order]:
        rows = self._rows(f"SELECT body FROM orders {which} ORDER BY place", values)  # noqa: S608  (ours)
        return [self._whole(order_of(body)) for (body,) in rows]

    def _whole(self, order: Order) -> Order:
        if not order.executed:
            return order
        asked = """SELECT execution_id FROM executions
            WHERE client_order_id = ? AND is_inferred = 0 ORDER BY place"""
        seen = tuple(name for (name,) in self._rows(asked, (order.client_order_id,)))
        return replace(order, executions=seen)

    def _rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        try:
            self.enter()
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise LiveError(f"the journal must be readable, was not: {error}") from None


def _unwritten(error: sqlite3.Error) -> LiveError:
    return LiveError(f"what is to be sent must be written down first, it was not: {error}")

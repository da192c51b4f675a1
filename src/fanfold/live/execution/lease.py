"""The right to send for an account: one process of one deployment has it at a time.

The broker cannot tell two writers apart, so the holder looks at its own deadline right
before each write, and whoever takes over waits until the old holder's deadline and its
longest request are both past. Between processes of one machine all is measured by one
monotonic clock, so that setting the time changes nothing; other machines go by the time of
day. The file is under the user's home: users and machines that share none do not see each
other, and the broker's list of orders must tell them.
"""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct

from fanfold.domain.place import home
from fanfold.errors import ConfigError, LiveError
from fanfold.live.execution.holder import host, is_dead, monotonic_ns, started, where
from fanfold.live.folder import PRIVATE

__all__ = ["Lease", "Waiting", "account_folder", "monotonic_ns"]

ASK_AGAIN_S: Final = 1.0
"""Longest pause between two tries to take a lease that somebody has [s]."""

BUSY_S: Final = 0.5
"""Longest wait for another process that is looking at the lease [s]."""

SKEW_S: Final = 5.0
"""Difference that the clocks of two machines may have [s]."""

RENEWALS: Final = 3
"""A lease is renewed so many times within its time."""

Found = TypeVar("Found")

_SECOND: Final = 1_000_000_000
_FILE: Final = "lease.db"
_TABLE: Final = """CREATE TABLE IF NOT EXISTS lease (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch INTEGER NOT NULL, deployment TEXT NOT NULL,
    pid INTEGER NOT NULL, start TEXT NOT NULL, host TEXT NOT NULL, place TEXT NOT NULL,
    until_wall INTEGER NOT NULL, until_monotonic INTEGER NOT NULL, timeout INTEGER NOT NULL,
    dead_since INTEGER NOT NULL, is_free INTEGER NOT NULL, has_business INTEGER NOT NULL)"""


class Waiting(Struct, frozen=True):
    """The lease cannot be had yet.

    Attributes:
        seconds: Ask again after so long [s].
        reason: Who has it.
    """

    seconds: float
    reason: str


class _Row(Struct, frozen=True):
    """Who has the lease; instants in ns, the wall's UTC and the holder's monotonic ones."""

    epoch: int
    deployment: str
    pid: int
    start: str
    host: str
    place: str
    until_wall: int
    until_monotonic: int
    timeout: int
    dead_since: int
    is_free: int
    has_business: int

    @property
    def words(self) -> str:
        """Who it is."""
        return f"deployment {self.deployment} (process {self.pid} on {self.host})"

    def wait_ns(self, wall: int, monotonic: int) -> int:
        """How long until no request of the holder can arrive any more."""
        if self.is_free:
            return 0
        if self.place != where():
            return max(self.until_wall + self.timeout + round(SKEW_S * _SECOND) - wall, 0)
        over = self.until_monotonic
        if self.dead_since:
            over = min(over, self.dead_since)
        return max(over + self.timeout - monotonic, 0)


def account_folder(account: str, root: Path | None = None) -> Path:
    """Where the lease of an account is: under fanfold's home, by the hash of its number."""
    name = hashlib.sha256(account.encode()).hexdigest()[:16]
    return (root or home() / "live") / "accounts" / name


class Lease:
    """A lease that was taken.

    Attributes:
        epoch: Rises with each holder.
        deployment: The holder's.
    """

    __slots__ = ("_connection", "_deadline", "_ttl_ns", "deployment", "epoch")

    def __init__(
        self, connection: sqlite3.Connection, deployment: str, epoch: int, ttl_ns: int, now: int
    ) -> None:
        self._connection = connection
        self.deployment, self.epoch = deployment, epoch
        self._ttl_ns, self._deadline = ttl_ns, now + ttl_ns

    @staticmethod
    def taken(
        folder: Path, deployment: str, *, ttl_s: float, request_timeout_s: float
    ) -> "Lease | Waiting":
        """Take the lease, or say how long to wait; never waits itself.

        Args:
            folder: Of the account, see `account_folder`.
            deployment: Name of who takes it.
            ttl_s: How long it is good without being renewed [s].
            request_timeout_s: Longest time that a request may be under way [s].

        Raises:
            ConfigError: Another deployment has it, or has open business on the account.
            LiveError: The file cannot be read or written.
        """
        connection = _opened(folder)
        ttl_ns, timeout_ns = round(ttl_s * _SECOND), round(request_timeout_s * _SECOND)
        try:
            found = _locked(connection, lambda: _take(connection, deployment, ttl_ns, timeout_ns))
        except (ConfigError, LiveError):
            connection.close()
            raise
        if isinstance(found, Waiting):
            connection.close()
            return found
        epoch, now = found
        return Lease(connection, deployment, epoch, ttl_ns, now)

    @staticmethod
    def held_by_other(folder: Path, deployment: str) -> str:
        """Why a deployment could not have the account now, "" where it could; takes nothing.

        Args:
            folder: Of the account, see `account_folder`.
            deployment: Name of who asks.

        Raises:
            LiveError: The file cannot be read.
        """
        if not (folder / _FILE).is_file():
            return ""
        connection = _opened(folder)
        try:
            row = _read(connection)
        except sqlite3.Error as error:
            raise LiveError(f"the lease in {folder} must be readable, was not: {error}") from None
        finally:
            connection.close()
        if row is None or row.deployment == deployment:
            return ""
        is_held = row.has_business or row.wait_ns(time.time_ns(), monotonic_ns()) > 0
        return _refusal(row) if is_held else ""

    def holds(self, monotonic_now: int) -> bool:
        """Whether a write may go now (`monotonic_ns`): a comparison, nothing else."""
        return monotonic_now < self._deadline

    def is_due(self, monotonic_now: int) -> bool:
        """Whether it is time to renew: a third of its time has gone."""
        return monotonic_now >= self._deadline - self._ttl_ns + self._ttl_ns // RENEWALS

    def renew(self, *, has_business: bool) -> bool:
        """Hold it for another while.

        Args:
            has_business: Whether the deployment has orders or positions: while it has,
                no other deployment gets the account.

        Returns:
            False if somebody else has it by now: it is lost for good.

        Raises:
            LiveError: It cannot be written now; it is good until its deadline.
        """
        now = monotonic_ns()
        kept = _locked(self._connection, lambda: self._put(now, is_free=False, owns=has_business))
        self._deadline = now + self._ttl_ns if kept else 0
        return kept

    def release(self, *, has_business: bool) -> None:
        """Give it back; nothing may be under way to the broker any more.

        Raises:
            LiveError: It cannot be written: it then runs out by itself.
        """
        self._deadline = 0
        now = monotonic_ns()
        try:
            _locked(self._connection, lambda: self._put(now, is_free=True, owns=has_business))
        finally:
            self._connection.close()

    def _put(self, now: int, *, is_free: bool, owns: bool) -> bool:
        left = 0 if is_free else self._ttl_ns
        changed = self._connection.execute(
            """UPDATE lease SET until_wall = ?, until_monotonic = ?, dead_since = 0, is_free = ?,
            has_business = ? WHERE epoch = ?""",
            (time.time_ns() + left, now + left, is_free, owns, self.epoch),
        )
        return changed.rowcount == 1


def _take(
    connection: sqlite3.Connection, deployment: str, ttl_ns: int, timeout_ns: int
) -> tuple[int, int] | Waiting:
    """Epoch and instant of the new holder; inside a transaction."""
    wall, monotonic = time.time_ns(), monotonic_ns()
    row = _read(connection)
    epoch = 1
    if row is not None:
        waiting = _refused(connection, row, deployment, wall, monotonic)
        if waiting is not None:
            return waiting
        epoch = row.epoch + 1
    pid = os.getpid()
    connection.execute(
        "INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 1)",
        (
            epoch,
            deployment,
            pid,
            started(pid),
            host(),
            where(),
            wall + ttl_ns,
            monotonic + ttl_ns,
            timeout_ns,
        ),
    )
    return epoch, monotonic


def _refused(
    connection: sqlite3.Connection, row: _Row, deployment: str, wall: int, monotonic: int
) -> Waiting | None:
    wait_ns = row.wait_ns(wall, monotonic)
    if row.deployment != deployment and (wait_ns > 0 or row.has_business):
        raise ConfigError(_refusal(row))
    if wait_ns == 0:
        return None
    if not row.dead_since and is_dead(row.pid, row.start, row.place):
        connection.execute("UPDATE lease SET dead_since = ?", (monotonic,))
        wait_ns = min(wait_ns, row.timeout)
    return Waiting(
        min(wait_ns / _SECOND, ASK_AGAIN_S), f"{row.words} may still have requests under way"
    )


def _refusal(row: _Row) -> str:
    return (
        f"an account must have one deployment, {row.words} has it"
        + (" with orders or positions" if row.has_business else "")
        + f": end that one first, by `fanfold live down --deployment {row.deployment}`"
    )


def _read(connection: sqlite3.Connection) -> _Row | None:
    found = connection.execute("SELECT * FROM lease").fetchone()
    return None if found is None else _Row(*found[1:])


def _opened(folder: Path) -> sqlite3.Connection:
    try:
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        connection = sqlite3.connect(
            folder / _FILE, isolation_level=None, timeout=BUSY_S, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_TABLE)
        except sqlite3.Error:
            connection.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise LiveError(f"the lease in {folder} must be readable, was not: {error}") from None
    return connection


def _locked(connection: sqlite3.Connection, act: Callable[[], Found]) -> Found:
    """Act while nobody else can look at the lease."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = act()
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise LiveError(f"the lease must be writable, was not: {error}") from None
    return found

"""The journal's file: its tables, whose it is, and who may write it."""

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Final

from fanfold.errors import ConfigError, DataError, FanfoldError, LiveError

APPLICATION_ID: Final = 0x66_66_65_6A
"""What tells the file from other databases: "ffej"."""

VERSION: Final = 1
"""Form of the tables and of what is in them; another is refused."""

CHECKPOINT_PAGES: Final = 4_000
"""Pages that the log gathers before a commit brings them into the file [pages]."""

BUSY_S: Final = 2.0
"""Longest wait for another process that reads [s]."""

_SCHEMA: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE approvals (
        asset INTEGER PRIMARY KEY, number INTEGER NOT NULL, is_spent INTEGER NOT NULL,
        body BLOB NOT NULL)""",
    """CREATE TABLE orders (
        place INTEGER PRIMARY KEY,
        client_order_id TEXT NOT NULL UNIQUE,
        asset INTEGER NOT NULL, number INTEGER NOT NULL, event_ts INTEGER NOT NULL,
        role TEXT NOT NULL, created_at INTEGER NOT NULL, is_over INTEGER NOT NULL,
        body BLOB NOT NULL)""",
    "CREATE INDEX orders_open ON orders (asset) WHERE is_over = 0",
    "CREATE INDEX orders_for ON orders (asset, event_ts, role)",
    "CREATE INDEX orders_number ON orders (asset, number)",
    """CREATE TABLE executions (
        place INTEGER PRIMARY KEY,
        execution_id TEXT NOT NULL UNIQUE,
        client_order_id TEXT NOT NULL, asset INTEGER NOT NULL, ts INTEGER NOT NULL,
        lots INTEGER NOT NULL, amount INTEGER NOT NULL, is_inferred INTEGER NOT NULL,
        body BLOB NOT NULL)""",
    "CREATE INDEX executions_of ON executions (client_order_id)",
    """CREATE TABLE events (
        place INTEGER PRIMARY KEY, at INTEGER NOT NULL, client_order_id TEXT NOT NULL,
        event TEXT NOT NULL, text TEXT NOT NULL)""",
)

OWN: Final = ("account", "deployment", "tag")
"""Names under which it is kept whose the journal is."""

_KEEP: Final = "INSERT OR REPLACE INTO meta VALUES (?, ?)"


def locked(path: Path) -> int:
    """A lock that goes with the process, beside the file: only one process writes.

    Raises:
        LiveError: Another one does, or the folder cannot be written.
    """
    try:
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise LiveError(f"the journal's folder must be writable, was not: {error}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise LiveError(f"a journal must have one writer, {path} has another one") from None
    return lock


def connected(path: Path, *, is_writer: bool) -> sqlite3.Connection:
    """Open the file; a writer makes it where there is none, for its owner only.

    Raises:
        DataError: There is none to read.
        LiveError: It cannot be opened.
    """
    if not is_writer and not path.exists():
        raise DataError(f"there must be a journal, there is none at {path}")
    if is_writer and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    mode = "rw" if is_writer else "ro"
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            timeout=BUSY_S,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise LiveError(f"the journal must be a file that opens, {path}: {error}") from None


def begin(connection: sqlite3.Connection, path: Path, own: dict[str, str]) -> None:
    """Make the tables of a new file, and see that an old one is whose it must be.

    Raises:
        ConfigError: It is somebody else's.
        DataError: It is no journal, or of another version.
        sqlite3.Error: It cannot be read or written.
    """
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.executemany(_KEEP, own.items())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    check(connection, path)
    kept = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    for key, value in own.items():
        if kept.get(key) != value:
            raise ConfigError(f"the journal must be of {key} {value}, was of {kept.get(key)}")


def check(connection: sqlite3.Connection, path: Path) -> None:
    """See that a file is a journal of this version.

    Raises:
        DataError: It is not.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise DataError(f"{path} must be a journal of execution, was another file")
    if version != VERSION:
        raise DataError(f"{path} must be a journal of version {VERSION}, was {version}")


def unreadable(path: Path, error: sqlite3.Error) -> FanfoldError:
    """What an error of SQLite means: something is in the way, or the file is no journal."""
    if isinstance(error, sqlite3.OperationalError):
        return LiveError(f"the journal must be readable and writable, {path} was not: {error}")
    return DataError(f"{path} must be a journal of execution, was not: {error}")

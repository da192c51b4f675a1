"""A journal's file: how it is begun, known again, and kept for one venue alone."""

import sqlite3
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from fanfold.errors import ConfigError, DataError

APPLICATION_ID: Final = 0x66_66_76_6A
"""What tells the file from other databases: "ffvj"."""

VERSION: Final = 1
"""Form of the tables and of what is in them; another is refused."""

CHECKED_BYTES_MAX: Final = 256 << 20
"""Up to this size all pages are checked when it is opened [bytes]; that takes a second."""

CHECKPOINT_PAGES: Final = 4_000
"""Pages that the log gathers before they go into the file: 16 MB [pages]."""

STATEMENTS_CACHED: Final = 256
"""Prepared statements that are kept [statements]."""

SCHEMA: Final = (
    "CREATE TABLE log (slot INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE terms (only INTEGER PRIMARY KEY CHECK (only = 1), terms TEXT NOT NULL)",
    """CREATE TABLE state (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        number INTEGER NOT NULL,
        clock INTEGER NOT NULL, seq INTEGER NOT NULL, ts INTEGER NOT NULL)""",
    """CREATE TABLE accounts (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE positions (
        account TEXT, symbol TEXT, body BLOB NOT NULL,
        PRIMARY KEY (account, symbol)) WITHOUT ROWID""",
    """CREATE TABLE orders (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        account TEXT NOT NULL, client_order_id TEXT NOT NULL,
        submitted_at INTEGER NOT NULL, symbol TEXT NOT NULL, asset_class TEXT NOT NULL,
        side TEXT NOT NULL, is_leg INTEGER NOT NULL, is_open INTEGER NOT NULL,
        body BLOB NOT NULL,
        UNIQUE (account, client_order_id))""",
    "CREATE INDEX orders_time ON orders (account, submitted_at)",
    "CREATE INDEX orders_open ON orders (account, submitted_at) WHERE is_open = 1",
    """CREATE TABLE records (
        seq INTEGER PRIMARY KEY,
        ts INTEGER NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL,
        activity TEXT, token TEXT, body BLOB NOT NULL)""",
    "CREATE INDEX records_time ON records (account, ts)",
    "CREATE INDEX activities_time ON records (account, ts) WHERE token IS NOT NULL",
    "CREATE UNIQUE INDEX activities_token ON records (token) WHERE token IS NOT NULL",
    """CREATE TABLE equity (
        account TEXT, ts INTEGER, body BLOB NOT NULL,
        PRIMARY KEY (account, ts)) WITHOUT ROWID""",
)
"""The log is a ring: what the tables have already is written over, so that a commit touches one
page, and none is taken or given back. Orders carry a number, so that those of one instant keep
their order."""


def opened(path: Path | None, *, terms: str, full: bool) -> sqlite3.Connection:
    """Open or begin a journal's file, for this process alone.

    Args:
        path: File; None keeps it in memory.
        terms: What it was or is begun with.
        full: Whether each commit waits for the disk.

    Raises:
        DataError: It is no journal, damaged, of another version, or in use.
        ConfigError: It was begun with other terms.
    """
    named = "the journal in memory" if path is None else str(path)
    try:
        connection = sqlite3.connect(
            ":memory:" if path is None else path,
            isolation_level=None,
            timeout=0.0,
            cached_statements=STATEMENTS_CACHED,
        )
    except sqlite3.Error as error:
        raise DataError(
            f"the journal must be a file that can be opened, {named}: {error}"
        ) from None
    try:
        _claim(connection, full=full)
        if _is_empty(connection):
            _begin(connection, terms)
        else:
            _check(connection, named, terms)
    except sqlite3.Error as error:
        connection.close()
        raise DataError(_why(named, error)) from None
    except (ConfigError, DataError):
        connection.close()
        raise
    return connection


def _claim(connection: sqlite3.Connection, *, full: bool) -> None:
    """Take the file for this process; whoever comes second is told that it is locked.

    A commit with "normal" is handed to the system before it is answered: it survives the
    death of the process, killed at any moment, but not that of the machine. With "full" it
    waits for the disk as well. The lock goes with the process, so none is ever left behind.
    """
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    # What is not committed stays in memory: so it can be read where the disk is full.
    connection.execute("PRAGMA cache_spill = OFF")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")


def identity_of(path: Path) -> tuple[int, int] | None:
    """Which file a path leads to: its device and its number; None if to none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever written: it is new, or its first moment was interrupted."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return not tables and not _pragma(connection, "application_id")


def _begin(connection: sqlite3.Connection, terms: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    for statement in SCHEMA:
        connection.execute(statement)
    connection.execute("INSERT INTO terms VALUES (1, ?)", (terms,))
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, named: str, terms: str) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise DataError(f"the journal must be a file that a venue began, {named} is another's")
    version = _pragma(connection, "user_version")
    if version != VERSION:
        raise DataError(
            f"the journal must be of version {VERSION}, {named} is of version {version}"
        )
    size = _pragma(connection, "page_count") * _pragma(connection, "page_size")
    if size <= CHECKED_BYTES_MAX:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise DataError(f"the journal must be undamaged, {named} is not: {found}")
    begun = connection.execute("SELECT terms FROM terms").fetchone()
    if begun is None:
        raise DataError(f"the journal must name its terms, {named} names none")
    if begun[0] != terms:
        raise ConfigError(
            f"the journal must be gone on with as it was begun, {named}: "
            f"{_difference(begun[0], terms)}; name another file to begin anew"
        )


def _difference(begun: str, now: str) -> str:
    """What is another in one text of terms than in the other; of JSON only the values that are."""
    try:
        before, after = (_values(msgspec.json.decode(text)) for text in (begun, now))
    except msgspec.DecodeError:
        return f"it was begun with {begun}, now it is {now}"
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    said = [f"{name} was {_json(before.get(name))}, is {_json(after.get(name))}" for name in names]
    return ", ".join(said)


def _values(terms: Any, place: str = "") -> dict[str, Any]:
    """All values in terms, by their places such as "replay.source"."""
    if not isinstance(terms, dict):
        return {place: terms}
    found: dict[str, Any] = {}
    for name, value in cast("dict[str, Any]", terms).items():
        found.update(_values(value, f"{place}.{name}" if place else name))
    return found


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _why(named: str, error: sqlite3.Error) -> str:
    if error.sqlite_errorname.startswith("SQLITE_BUSY"):
        return f"the journal must not be in use by another venue, {named} is"
    return f"the journal must be a file that a venue wrote and can write, {named}: {error}"

"""The ledger's files: written whole, listed, read in batches, merged.

An append is a file of its own, named by its content. A merged file lists the names
of what it holds, so from the moment it is there those files are known to be copies,
whatever a crash leaves lying. Locks only save work; nothing depends on them.
"""

import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from fanfold.errors import DataError
from fanfold.tracking.trial_rows import DIGEST_CHARACTERS, ArrowTable, trial_schema

MERGED_ROWS_MAX = 1_000_000
"""A merged file of this many rows is not merged again [rows]."""

GROUP_ROWS = 65_536
"""Rows of a row group, and of a batch that is read [rows]."""

SWAPS_MAX = 5
"""Compactions that one reading outlasts [compactions]."""

ABANDONED_SECONDS = 86_400.0
"""Age from which an unfinished file has no writer any more [s]."""

SEALS = "seals"
"""Folder of the sealed holdouts; see `fanfold.tracking.seals`."""

_FILE = re.compile(rf"(trials|merged)-[0-9a-f]{{{DIGEST_CHARACTERS}}}\.parquet")
_HELD = b"fanfold.files"

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in the ledger at one moment.

    Attributes:
        files: The files that hold each row exactly once.
        copies: Files whose rows a merged file holds too.
        names: The appends that were ever made, in order of their names.
    """

    files: tuple[Path, ...]
    copies: tuple[Path, ...]
    names: tuple[str, ...]

    @property
    def snapshot(self) -> str:
        """Short id; merging files does not change it."""
        return hashlib.sha256("\n".join(self.names).encode()).hexdigest()[:12]


def steadily(place: Path, act: Callable[[Listing], Read]) -> Read:
    """Act on what is there; again where another process merged files meanwhile.

    Raises:
        DataError: A file is damaged, or is not the ledger's.
    """
    for _ in range(SWAPS_MAX):
        names = _names(place)
        try:
            return act(_listing(place, names))
        except (DataError, FileNotFoundError):
            if _names(place) == names:
                raise
    return act(_listing(place, _names(place)))


def write_rows(table: ArrowTable, file: Path) -> None:
    """Write one append; it is there as a whole or not at all."""
    with _whole(file) as unfinished, _writer(unfinished, trial_schema()) as writer:
        writer.write_table(table, row_group_size=GROUP_ROWS)


def read_batches(
    files: Sequence[Path], *, columns: list[str] | None = None, matching: Any = None
) -> Generator[ArrowTable]:
    """Rows of the files in their order, some at a time.

    Raises:
        DataError: A file is damaged, or is not the ledger's.
    """
    pa, ds = import_module("pyarrow"), import_module("pyarrow.dataset")
    if not files:
        return
    checked = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    form = ds.ParquetFileFormat(default_fragment_scan_options=checked)
    schema = trial_schema()
    try:
        opened = ds.dataset([str(file) for file in files], schema=schema, format=form)
        for fragment in opened.get_fragments():
            if not fragment.physical_schema.equals(schema):
                raise DataError(f"{fragment.path} must have the ledger's columns, had others")
        for batch in opened.to_batches(columns=columns, filter=matching, batch_size=GROUP_ROWS):
            if batch.num_rows:
                yield pa.Table.from_batches([batch])
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise DataError(_damaged(files, error)) from None


def merge_files(place: Path, *, wait: bool) -> Path | None:
    """Merge small files into one, unless another process does.

    Args:
        place: The ledger.
        wait: Whether to wait for another process that merges.

    Returns:
        The merged file; None where there was nothing to do.

    Raises:
        DataError: A file is damaged, or is not the ledger's.
    """
    with _alone(place, wait=wait) as alone:
        if not alone:
            return None
        _forget_abandoned(place)
        listing = _listing(place, _names(place))
        _forget(listing.copies)  # a compaction was killed before it came to that
        sources = [file for file in listing.files if is_small(file) or _has_room(file)]
        if sum(is_small(file) for file in sources) == 0 or len(sources) == 1:
            return None
        try:
            merged = _merge(place, sources)
        except FileNotFoundError:  # where locks do nothing, another process merged them
            return None
        _forget(sources)
        return merged


def is_small(file: Path) -> bool:
    """Whether the file is one append, not a merged one."""
    return file.name.startswith("trials-")


def _damaged(files: Sequence[Path], error: Exception) -> str:
    """The message names the file, which Arrow's own does not always."""
    pa, pq = import_module("pyarrow"), import_module("pyarrow.parquet")
    for file in files:
        try:
            with pq.ParquetFile(file, page_checksum_verification=True) as opened:
                for _ in opened.iter_batches(GROUP_ROWS):
                    continue
        except (pa.ArrowException, OSError) as found:
            line = str(found).split("\n", 1)[0]
            return f"{file} must be a whole Parquet file of the ledger, is not: {line}"
    return f"the ledger's files must be readable: {error}"


def _names(place: Path) -> list[str]:
    if not place.exists():
        return []
    return sorted(file.name for file in place.iterdir() if not file.name.startswith("."))


def _listing(place: Path, names: list[str]) -> Listing:
    for name in names:
        if name != SEALS and not _FILE.fullmatch(name):
            raise DataError(f"ledger {place} must hold files of trials only, {name!r} is none")
    there = [place / name for name in names if name != SEALS]
    held = frozenset[str]().union(*(_held(file) for file in there if not is_small(file)))
    small = {file.name for file in there if is_small(file)}
    return Listing(
        files=tuple(file for file in there if file.name not in held),
        copies=tuple(file for file in there if file.name in held),
        names=tuple(sorted(small | {name for name in held if is_small(Path(name))})),
    )


@lru_cache(maxsize=64)
def _held(merged: Path) -> frozenset[str]:
    """Names of the files whose rows a merged file holds; it never changes."""
    pa, pq = import_module("pyarrow"), import_module("pyarrow.parquet")
    try:
        metadata: dict[bytes, bytes] = pq.read_schema(merged).metadata or {}
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise DataError(_damaged([merged], error)) from None
    if _HELD not in metadata:
        raise DataError(f"{merged} must list the files that it holds, does not")
    return frozenset(metadata[_HELD].decode().split())


def _has_room(merged: Path) -> bool:
    return _row_count(merged) < MERGED_ROWS_MAX


def _row_count(file: Path) -> int:
    return import_module("pyarrow.parquet").read_metadata(file).num_rows


def _merge(place: Path, sources: Sequence[Path]) -> Path:
    pa = import_module("pyarrow")
    held = {file.name for file in sources}
    held |= {name for file in sources if not is_small(file) for name in _held(file)}
    listed = "\n".join(sorted(held)).encode()
    digest = hashlib.sha256(listed).hexdigest()[:DIGEST_CHARACTERS]
    merged = place / f"merged-{digest}.parquet"
    schema = trial_schema().with_metadata({_HELD: listed})
    pending, pending_count, row_count = list[ArrowTable](), 0, 0
    with _whole(merged) as unfinished:
        with _writer(unfinished, schema) as writer:
            for some in read_batches(sources):
                pending.append(some)
                pending_count += some.num_rows
                if pending_count >= GROUP_ROWS:
                    writer.write_table(pa.concat_tables(pending).cast(schema))
                    row_count, pending_count, pending = row_count + pending_count, 0, []
            if pending:
                writer.write_table(pa.concat_tables(pending).cast(schema))
                row_count += pending_count
        expected = sum(_row_count(file) for file in sources)
        if row_count != expected:
            raise DataError(f"merged trials must be {expected} rows, were {row_count}")
    return merged


def _writer(file: Path, schema: Any) -> Any:
    return import_module("pyarrow.parquet").ParquetWriter(
        file, schema, compression="zstd", write_page_checksum=True
    )


@contextmanager
def _whole(file: Path) -> Generator[Path]:
    """A place to write to, which becomes the file when it is whole and on the disk."""
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        yield unfinished
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _alone(place: Path, *, wait: bool) -> Generator[bool]:
    """Whether no other process merges. Two would lose nothing, and do the work twice."""
    with (place / ".compacting.lock").open("w") as lock:
        yield _locked(lock.fileno(), wait=wait)


def _locked(descriptor: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another merges, or this file system knows no locks
        if wait:
            raise
        return False
    return True


def _forget(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _forget_abandoned(place: Path) -> None:
    oldest = time.time() - ABANDONED_SECONDS
    for file in place.glob(".*.parquet.*"):
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)

"""Every trial that was ever scored, so that nobody has to type how many there were.

Many processes, on many machines that share a file system, write here without
waiting for each other: what one of them adds is a file of its own, named by its
content and renamed into place when it is whole. A rerun finds its file there and
adds nothing. Small files are merged into larger ones by `compact`.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import DataError
from fanfold.tracking.ledger_files import (
    Listing,
    is_small,
    merge_files,
    read_batches,
    steadily,
    write_rows,
)
from fanfold.tracking.trial_rows import (
    ArrowTable,
    checked_rows,
    digest_of,
    trial_schema,
)

FILES_MAX = 256
"""Small files that may lie in the ledger before an append merges them [files]."""

ONCE_ROWS_MIN = 500_000
"""Rows that are gathered before equal keys are brought together [rows]."""

COUNTED_COLUMNS = (
    *("key", "code", "family", "strategy", "first_day", "last_day"),
    *("sharpe_per_period", "return_count", "skewness", "kurtosis", "status", "study", "at"),
)
"""What is read of each counted trial."""

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class CountedTrials:
    """The trials that stand beside a result.

    Attributes:
        table: One row a key, ordered by key; columns as `COUNTED_COLUMNS`.
        snapshot: Short id of all that the ledger held when it was read.
    """

    table: ArrowTable
    snapshot: str

    @property
    def count(self) -> int:
        """How many different things were tried [trials]."""
        return self.table.num_rows

    @property
    def sharpes(self) -> NDArray[np.float64]:
        """Their Sharpe ratios [per period] where they are finite; shape [trial]."""
        values = self.table.column("sharpe_per_period").to_numpy()
        return values[np.isfinite(values)]


def ledger_folder(folder: Path | None = None) -> Path:
    """Where trials are kept: `FANFOLD_LEDGER`, or `mlruns/ledger` in the working folder."""
    chosen = folder or Path(os.environ.get("FANFOLD_LEDGER", "") or "mlruns/ledger")
    return chosen.expanduser().absolute()


def append_trials(
    rows: ArrowTable | Mapping[str, Sequence[Any]], *, folder: Path | None = None
) -> Path | None:
    """Add trials; the same rows again add nothing.

    Args:
        rows: Columns as `trial_schema`; `at` is now where it is left out.
        folder: The ledger; see `ledger_folder`.

    Returns:
        The file that holds them; None where there was nothing to add.

    Raises:
        DataError: A column or a value is not what it must be, the folder holds a file
            that is not the ledger's, or it cannot be written to.
    """
    table = checked_rows(rows)
    if table.num_rows == 0:
        return None
    place = ledger_folder(folder)
    file = place / f"trials-{digest_of(table)}.parquet"
    try:
        place.mkdir(parents=True, exist_ok=True)
        if file.exists():
            return None
        write_rows(table, file)  # first: trouble with other files must not lose a trial
        return _settled(place, file)
    except OSError as error:
        raise DataError(f"ledger {place} must be writable: {error}") from error


def counted_trials(
    *,
    codes: Collection[str],
    families: Collection[str],
    symbols: Collection[str],
    first_day: int,
    last_day: int,
    folder: Path | None = None,
) -> CountedTrials:
    """The trials that a result must be judged beside.

    All of this code or of a stated family whose symbols and period overlap, whatever
    their data's fingerprint. Equal keys count once: the one with the most returns,
    then the one written last.

    Args:
        codes: Content hashes of decisions.
        families: Families; an empty name is none.
        symbols: Assets, of which a trial must share one.
        first_day: First scored day [days since 1970-01-01].
        last_day: Last scored day [days since 1970-01-01].
        folder: The ledger; see `ledger_folder`.

    Raises:
        DataError: A file is damaged, or is not the ledger's.
    """
    pc = import_module("pyarrow.compute")
    names = {families} if isinstance(families, str) else set(families)
    counted = pc.field("code").isin(_texts(codes)) | pc.field("family").isin(_texts(names - {""}))
    overlaps = (pc.field("first_day") <= last_day) & (pc.field("last_day") >= first_day)

    def count(listing: Listing) -> CountedTrials:
        table = _once_each(listing.files, counted & overlaps, _texts(symbols))
        return CountedTrials(table, listing.snapshot)

    return steadily(ledger_folder(folder), count)


def read_ledger(read: Callable[[tuple[Path, ...]], Read], *, folder: Path | None = None) -> Read:
    """What `read` makes of the ledger's files, read again where they were merged meanwhile.

    Raises:
        DataError: A file is damaged, or is not the ledger's.
    """
    return steadily(ledger_folder(folder), lambda listing: read(listing.files))


def compact(folder: Path | None = None) -> Path | None:
    """Merge small files into one.

    Readers and writers go on meanwhile. It may be killed at any moment: a merged file
    lists what it holds, and those files count no more from the moment it is there.

    Returns:
        The merged file; None where there was nothing to merge.

    Raises:
        DataError: A file is damaged, or is not the ledger's.
    """
    place = ledger_folder(folder)
    return merge_files(place, wait=True) if place.is_dir() else None


def _settled(place: Path, file: Path) -> Path | None:
    """Take back what a merged file holds already; merge when there are many files."""
    listing = steadily(place, lambda listing: listing)
    if file in listing.copies:
        file.unlink(missing_ok=True)
        return None
    if sum(is_small(one) for one in listing.files) <= FILES_MAX:
        return file
    return merge_files(place, wait=False) or file


def _once_each(files: Sequence[Path], matching: Any, symbols: Any) -> ArrowTable:
    pa = import_module("pyarrow")
    kept = [trial_schema().empty_table().select(COUNTED_COLUMNS)]
    row_count, bound = 0, ONCE_ROWS_MIN
    for some in read_batches(files, columns=[*COUNTED_COLUMNS, "symbols"], matching=matching):
        kept.append(some.filter(_shares(some, symbols)).select(COUNTED_COLUMNS))
        row_count += kept[-1].num_rows
        if row_count > bound:
            kept = [_first_of_each_key(pa.concat_tables(kept))]
            row_count = kept[0].num_rows
            bound = 2 * max(row_count, ONCE_ROWS_MIN)
    return _first_of_each_key(pa.concat_tables(kept))


def _shares(table: ArrowTable, symbols: Any) -> Any:
    """Whether each row has one of the symbols; shape [row]."""
    pa, pc = import_module("pyarrow"), import_module("pyarrow.compute")
    lists = table.column("symbols").combine_chunks()
    found = pc.is_in(lists.flatten(), value_set=symbols)
    mask = np.zeros(table.num_rows, dtype=bool)
    mask[pc.list_parent_indices(lists).filter(found).to_numpy()] = True
    return pa.array(mask)


def _first_of_each_key(table: ArrowTable) -> ArrowTable:
    """One row a key. The order goes by every column, so that of the files is never seen."""
    pc = import_module("pyarrow.compute")
    ranked = {"key": "ascending", "return_count": "descending", "at": "descending"}
    others = {name: "ascending" for name in COUNTED_COLUMNS if name not in ranked}
    ordered = table.sort_by([*ranked.items(), *others.items()])
    keys = ordered.column("key").combine_chunks()
    mask = np.ones(len(keys), dtype=bool)
    mask[1:] = pc.not_equal(keys[1:], keys[:-1]).to_numpy(zero_copy_only=False)
    return ordered.filter(mask).combine_chunks()


def _texts(values: Collection[str]) -> Any:
    pa = import_module("pyarrow")
    return pa.array(sorted({values} if isinstance(values, str) else set(values)), pa.string())

"""The table of a sweep: in memory while it is small, on disk when it is not.

Chunks are committed to Parquet as they come, each under the plan's hash and the
combinations that it holds, so a job that was stopped goes on where it was.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.engine.step.state import SUMS
from fanfold.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TABLE_ROWS_MAX = 20_000
"""Rows of a sweep that are returned as a data frame; above, a table on disk [rows]."""

ArrowTable = Any
ArrowBatch = Any
"""pyarrow states no types: a Table and a RecordBatch."""

BLOCK_SUMS = "block_sums"
"""Column of a part that holds the power sums of a row's blocks, block by block."""

PAGE_BYTES = 128 * 2**10
"""What a column of a part is written in: the writer holds a few for each [bytes]."""

PARTS_PER_GROUP = 64
"""Parts that are merged into one row group of a single file."""


@dataclass(frozen=True, slots=True)
class SweepTable:
    """A table of any size, on disk; columns and best rows are read when asked for.

    Attributes:
        folder: Holds `part-START-STOP.parquet` files, in plan order.
    """

    folder: Path

    def __len__(self) -> int:
        """Rows: one a combination."""
        return stop_of(self.parts()[-1]) if self.parts() else 0

    def __getitem__(self, column: str) -> "pd.Series[Any]":
        """One column, in plan order."""
        return self.to_arrow([column]).column(column).to_pandas()

    @property
    def columns(self) -> list[str]:
        """Names of the columns: parameters, metrics, status, reason."""
        names = parquet().read_schema(self.parts()[0]).names
        return [name for name in names if name != BLOCK_SUMS]

    def parts(self) -> list[Path]:
        """The files, in plan order."""
        return sorted(self.folder.glob("part-*.parquet"))

    def batches(self) -> Iterator[ArrowTable]:
        """The parts one by one, in plan order."""
        columns = self.columns if self.parts() else []
        for part in self.parts():
            yield _read(part, columns)

    def whole_batches(self) -> Iterator[ArrowTable]:
        """The parts one by one with all that they hold, sums of blocks too."""
        for part in self.parts():
            yield _read(part)

    def to_arrow(self, columns: list[str] | None = None) -> ArrowTable:
        """All rows of some columns, or of all.

        Raises:
            DataError: A column is not there.
        """
        wanted = self.columns if columns is None else columns
        for column in wanted:
            if column not in self.columns:
                raise DataError(f"a sweep's table has {', '.join(self.columns)}, not {column!r}")
        return arrow().concat_tables([_read(part, wanted) for part in self.parts()])

    def block_sums(self) -> NDArray[np.float64]:
        """Power sums of every row's blocks, shape [row, block, sum]."""
        parts = [_read(part, [BLOCK_SUMS]) for part in self.parts()]
        return np.concatenate([sums_of_column(part.column(BLOCK_SUMS)) for part in parts])

    def to_pandas(self) -> "pd.DataFrame":
        """All rows as a data frame."""
        return self.to_arrow().to_pandas()

    def best(self, metric: str = "sharpe", count: int = 10) -> "pd.DataFrame":
        """The rows with the highest values of a metric, the highest first.

        Equal values stand in plan order. Reads part by part: memory does not grow
        with the table.
        """
        import pandas as pd

        kept: pd.DataFrame | None = None
        for part in self.batches():
            frame = part.to_pandas()
            joined = frame if kept is None else pd.concat([kept, frame], ignore_index=True)
            kept = best_rows(joined, metric, count)
        return pd.DataFrame() if kept is None else kept

    def merged(self, file: Path) -> Path:
        """Write all rows into one Parquet file, a few parts at a time."""
        pa, pq = arrow(), parquet()

        unfinished = file.with_name(f".{file.name}.{os.getpid()}")
        files, columns = self.parts(), self.columns
        schema = _read(files[0], columns).schema
        with pq.ParquetWriter(unfinished, schema) as writer:
            for at in range(0, len(files), PARTS_PER_GROUP):
                group = files[at : at + PARTS_PER_GROUP]
                rows = [_read(part, columns) for part in group]
                writer.write_table(pa.concat_tables(rows))
        unfinished.replace(file)
        return file

    def write(self, start: int, batch: ArrowBatch) -> None:
        """Commit the rows of one chunk; a file is whole or not there."""
        pa, pq = arrow(), parquet()

        name = f"part-{start:010d}-{start + batch.num_rows:010d}.parquet"
        unfinished = self.folder / f".{name}.{os.getpid()}"
        # Hardly a number comes twice, and looking for those that do takes longer than the rest.
        rows = pa.Table.from_batches([batch])
        options = {"use_dictionary": False, "write_statistics": False}
        pq.write_table(rows, unfinished, data_page_size=PAGE_BYTES, **options)
        unfinished.replace(self.folder / name)

    def done(self) -> int:
        """Combinations committed without a gap from the first on."""
        stop = 0
        for part in self.parts():
            if start_of(part) != stop:
                break
            stop = stop_of(part)
        return stop

    def resume(self) -> int:
        """Forget what lies behind a gap; the combination to go on with."""
        stop = self.done()
        for part in self.parts():
            if start_of(part) >= stop:
                part.unlink()
        return stop

    def clear(self) -> None:
        """Forget all rows; whatever else is in the folder is somebody's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder.glob(".part-*.parquet.*")
        for part in (*self.parts(), *unfinished):
            part.unlink()


def stated_in(file: Path) -> dict[str, Any]:
    """What a folder's rows belong to; nothing if no file says so, or one that broke off."""
    try:
        known: Any = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # half written when its process died
        return {}
    return known if isinstance(known, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _read(part: Path, columns: list[str] | None = None) -> ArrowTable:
    # A file by itself: what reads whole data sets is another library, of several megabytes.
    with parquet().ParquetFile(part) as file:
        rows = file.read(columns)
    return rows if columns is None else rows.select(columns)


def sums_column(sums: NDArray[np.float64]) -> Any:
    """Power sums of blocks, shape [row, block, sum], as one column of lists."""
    pa = arrow()
    if sums.shape[1] == 0:  # a window without a return
        sums = np.zeros((len(sums), 1, SUMS))
    size = sums.shape[1] * sums.shape[2]
    return pa.FixedSizeListArray.from_arrays(pa.array(sums.reshape(-1)), size)


def sums_of_column(column: Any) -> NDArray[np.float64]:
    """What `sums_column` made a column of."""
    lists = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    values = lists.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(lists), -1, SUMS)


def best_rows(frame: "pd.DataFrame", metric: str, count: int) -> "pd.DataFrame":
    """The rows with the highest values of a metric; NaN counts as lowest."""
    return frame.sort_values(metric, ascending=False, kind="stable", na_position="last").head(count)


def rows_hash(tables: Iterable[ArrowTable]) -> str:
    """Hash of rows in their order, whatever tables they come in; memory does not grow."""
    digests: dict[str, Any] = {}
    for table in tables:
        for name in table.column_names:
            # A digest for each kind of bytes: else it would matter where tables end.
            for kind, piece in enumerate(_bytes_of(table.column(name).combine_chunks())):
                digests.setdefault(f"{name} {kind}", hashlib.sha256()).update(piece)
    whole = hashlib.sha256()
    for name, digest in digests.items():
        whole.update(name.encode())
        whole.update(digest.digest())
    return whole.hexdigest()


def _bytes_of(column: Any) -> Iterator[bytes]:
    pa = arrow()
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        yield column.fill_null(0).to_numpy(zero_copy_only=False).tobytes()
        yield column.is_valid().to_numpy(zero_copy_only=False).tobytes()
    else:
        yield "".join(f"{value!r}\n" for value in column.to_pylist()).encode()


def start_of(part: Path) -> int:
    """First combination of a part, from its name."""
    return int(part.stem.split("-")[1])


def stop_of(part: Path) -> int:
    """The combination after the last of a part, from its name."""
    return int(part.stem.split("-")[2])


def arrow() -> Any:
    """pyarrow, imported on first need; it states no types."""
    return import_module("pyarrow")


def parquet() -> Any:
    """pyarrow's Parquet reader and writer."""
    return import_module("pyarrow.parquet")

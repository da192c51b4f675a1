"""The table of a sweep: in memory while it is small, on disk when it is not.

Chunks are committed to Parquet as they come, each under the plan's hash and the
combinations that it holds, so a job that was stopped goes on where it was.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TABLE_ROWS_MAX = 20_000
"""Rows of a sweep that are returned as a data frame; above, a table on disk [rows]."""

ArrowTable = Any
ArrowBatch = Any
"""pyarrow states no types: a Table and a RecordBatch."""

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
        pq = parquet()
        return list(pq.read_schema(self.parts()[0]).names)

    def parts(self) -> list[Path]:
        """The files, in plan order."""
        return sorted(self.folder.glob("part-*.parquet"))

    def batches(self) -> Iterator[ArrowTable]:
        """The parts one by one, in plan order."""
        pq = parquet()
        for part in self.parts():
            yield pq.read_table(part)

    def to_arrow(self, columns: list[str] | None = None) -> ArrowTable:
        """All rows of some columns, or of all.

        Raises:
            DataError: A column is not there.
        """
        pa, pq = arrow(), parquet()

        for column in columns or []:
            if column not in self.columns:
                raise DataError(f"a sweep's table has {', '.join(self.columns)}, not {column!r}")
        return pa.concat_tables([pq.read_table(part, columns=columns) for part in self.parts()])

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
        files = self.parts()
        with pq.ParquetWriter(unfinished, pq.read_schema(files[0])) as writer:
            for at in range(0, len(files), PARTS_PER_GROUP):
                group = [pq.read_table(part) for part in files[at : at + PARTS_PER_GROUP]]
                writer.write_table(pa.concat_tables(group))
        unfinished.replace(file)
        return file

    def write(self, start: int, batch: ArrowBatch) -> None:
        """Commit the rows of one chunk; a file is whole or not there."""
        pa, pq = arrow(), parquet()

        name = f"part-{start:010d}-{start + batch.num_rows:010d}.parquet"
        unfinished = self.folder / f".{name}.{os.getpid()}"
        pq.write_table(pa.Table.from_batches([batch]), unfinished)
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
        """Forget all rows."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)


def best_rows(frame: "pd.DataFrame", metric: str, count: int) -> "pd.DataFrame":
    """The rows with the highest values of a metric; NaN counts as lowest."""
    return frame.sort_values(metric, ascending=False, kind="stable", na_position="last").head(count)


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

"""Single Parquet files of a store: written from a table, read in part.

Every page carries a checksum, so a flipped bit is an error and not a price. What the
file's rows are (source, basis, calendar) stands in its metadata, and the statistics of
its row groups let a reader skip those of other times.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from fanfold.errors import DataError
from fanfold.market.columns import arrow
from fanfold.market.store.place import Place
from fanfold.market.store.rows import numbers

FORMAT: Final = 2
"""Of the store's files; others are refused."""

ROW_GROUP_ROWS: Final = 16_384
"""Rows of a group [rows]: some 42 sessions of minutes, or 65 years of days."""

_COMPRESSION: Final = "lz4"
"""Read and written about twice as fast as "zstd", for 40 to 60 % more bytes of prices."""

_LABEL: Final = b"fanfold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """What a file says without its rows being read.

    Attributes:
        row_count: Rows.
        first: Least `ts` [ns UTC]; None without one.
        last: Greatest `ts`.
        labels: What its rows are.
    """

    row_count: int
    first: int | None
    last: int | None
    labels: dict[str, str]


def encoded(table: Any, labels: dict[str, str]) -> Any:
    """A table as the bytes of a Parquet file; equal tables and labels give equal bytes."""
    pa = arrow()
    content = {"format": FORMAT, "labels": dict(sorted(labels.items()))}
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    few = [name for name in ("minutes_to_close",) if name in table.column_names]
    steady = [name for name in ("ts", "session") if name in table.column_names]
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(
        table.replace_schema_metadata({_LABEL: json.dumps(content).encode()}),
        sink,
        compression=_COMPRESSION,
        row_group_size=ROW_GROUP_ROWS,
        use_dictionary=[*texts, *few],
        column_encoding=dict.fromkeys(steady, "DELTA_BINARY_PACKED") or None,
        write_statistics=True,
        write_page_checksum=True,
        store_schema=True,
    )
    return sink.getvalue()


def read_footer(place: Place, name: str) -> Footer:
    """What a file says of itself.

    Raises:
        FileNotFoundError: It is not there any more.
        DataError: It is damaged, or no file of this store.
    """
    with _opened(place, name) as file:
        bounds = [_bounds(file.metadata, group) for group in range(file.num_row_groups)]
        known = [bound for bound in bounds if bound is not None]
        return Footer(
            row_count=file.metadata.num_rows,
            first=min(low for low, _ in known) if known else None,
            last=max(high for _, high in known) if known else None,
            labels=_labels(file, place.named(name)),
        )


def read_rows(
    place: Place,
    name: str,
    *,
    start: int | None = None,
    end: int | None = None,
    columns: list[str] | None = None,
) -> Any:
    """The rows of a file within ``[start, end)``; only row groups that overlap are read.

    Args:
        place: The store's.
        name: The file.
        start: Least `ts`, included [ns UTC].
        end: Greatest `ts`, excluded [ns UTC].
        columns: Which, as far as they are there; all if left out.

    Raises:
        FileNotFoundError: It is not there any more.
        DataError: It is damaged, or no file of this store.
    """
    pa = arrow()
    with _opened(place, name) as file:
        labels = _labels(file, place.named(name))
        there = file.schema_arrow.names
        bounded = "ts" in there and (start is not None or end is not None)
        asked = there if columns is None else [one for one in columns if one in there]
        wanted = [*asked, "ts"] if bounded and "ts" not in asked else asked
        groups = [
            group
            for group in range(file.num_row_groups)
            if not bounded or _overlaps(_bounds(file.metadata, group), start, end)
        ]
        try:
            table = file.read_row_groups(groups, columns=wanted, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise _damaged(place.named(name), error) from error
    if bounded:
        ts = numbers(table, "ts")
        low = 0 if start is None else int(np.searchsorted(ts, start))
        high = len(ts) if end is None else int(np.searchsorted(ts, end))
        table = table.slice(low, max(high - low, 0))
    return table.select(asked).replace_schema_metadata({_LABEL: json.dumps(labels)})


def labels_of(table: Any) -> dict[str, str]:
    """What the rows of a table are that a store gave; nothing if no file holds them."""
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    return json.loads(metadata.get(_LABEL, b"{}"))


def _opened(place: Place, name: str) -> Any:
    pa = arrow()
    try:
        # Reading ahead pays where a read is a request, not on a disk.
        return pa.parquet.ParquetFile(
            place.open(name), page_checksum_verification=True, pre_buffer=not place.is_local
        )
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise _damaged(place.named(name), error) from error


def _labels(file: Any, name: str) -> dict[str, str]:
    metadata: dict[bytes, bytes] = file.schema_arrow.metadata or {}
    said = metadata.get(_LABEL)
    try:
        content: dict[str, Any] = json.loads(said) if said else {}
    except ValueError as error:
        raise _damaged(name, error) from error
    if content.get("format") != FORMAT:
        raise DataError(
            f"{name} must be a file of a store of format {FORMAT}, was "
            f"{content.get('format', 'a Parquet file of something else')}"
        )
    return content["labels"]


def _bounds(metadata: Any, group: int) -> tuple[int, int] | None:
    """Least and greatest `ts` of a row group [ns UTC]; None where it has none."""
    row_group = metadata.row_group(group)
    for place in range(row_group.num_columns):
        column = row_group.column(place)
        if column.path_in_schema == "ts":
            said = column.statistics
            if said is None or not said.has_min_max:
                return None
            return int(said.min_raw), int(said.max_raw)
    return None


def _overlaps(bounds: tuple[int, int] | None, start: int | None, end: int | None) -> bool:
    if bounds is None:
        return True
    return (end is None or bounds[0] < end) and (start is None or bounds[1] >= start)


def _damaged(name: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(f"{name} must be a sound Parquet file: {reason}")

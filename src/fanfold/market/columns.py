"""Parquet files of plain number columns, read without pandas.

Arrow's own conversions to NumPy import pandas, which takes longer than all the rest
of a backtest. Columns here have no nulls (NaN is a number), so the buffers are used
as they are.
"""

import hashlib
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import DataError

Columns = dict[str, NDArray[Any]]
"""Columns of one length by name: int64 (`ts` in [ns UTC]), float64 or bool."""

_KINDS: dict[str, type[np.generic]] = {
    "timestamp[ns, tz=UTC]": np.int64,
    "int64": np.int64,
    "double": np.float64,
    "uint8": np.bool_,
}


def arrow() -> Any:
    """The library pyarrow with its part `parquet`, imported on first need; untyped."""
    import pyarrow as pa
    import pyarrow.parquet  # pyright: ignore[reportUnusedImport]

    return pa


def write_columns(columns: Columns, folder: Path) -> str:
    """Write columns into a folder, under a name made from their content.

    The file appears whole or not at all, and is left alone if it is there already.

    Returns:
        The file's name.

    Raises:
        DataError: The folder cannot be written to.
    """
    pa = arrow()
    name = f"{_digest(columns)}.parquet"
    if (folder / name).exists():
        return name
    arrays = [_to_arrow(key, np.ascontiguousarray(values)) for key, values in columns.items()]
    table = pa.Table.from_arrays(arrays, names=list(columns))
    part = folder / f".{name}.{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pa.parquet.write_table(
            table,
            part,
            compression="zstd",
            row_group_size=max(1, table.num_rows),
            write_page_checksum=True,
        )
        os.replace(part, folder / name)  # noqa: PTH105  (says what it does: atomically)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(f"{folder} must be writable: {error}") from error
    return name


def read_columns(file: Path, required: Iterable[str]) -> Columns:
    """Read what `write_columns` wrote.

    Args:
        file: The file.
        required: Columns that must be in it.

    Raises:
        DataError: The file is missing, damaged or of another kind.
    """
    pa = arrow()
    try:
        with pa.parquet.ParquetFile(file, page_checksum_verification=True) as opened:
            table = opened.read(use_threads=False)
        columns = {name: _from_arrow(name, table.column(name)) for name in table.column_names}
    except FileNotFoundError:
        raise DataError(f"{file} must be there, it is missing") from None
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{file} must be a sound Parquet file: {reason}") from error
    except DataError as error:
        raise DataError(f"{file} must be a file of this store: {error}") from error
    missing = [name for name in required if name not in columns]
    if missing:
        raise DataError(f"{file} must hold columns {', '.join(required)}, {missing[0]} is missing")
    return columns


def _digest(columns: Columns) -> str:
    digest = hashlib.sha256()
    for name, values in columns.items():
        digest.update(f"{name}{values.dtype}{len(values)};".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()[:24]


def _to_arrow(name: str, values: NDArray[Any]) -> Any:
    pa = arrow()
    if name == "ts":
        kind: Any = pa.timestamp("ns", "UTC")
    elif values.dtype == np.bool_:
        kind, values = pa.uint8(), values.view(np.uint8)
    else:
        kind = pa.float64() if values.dtype == np.float64 else pa.int64()
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _from_arrow(name: str, column: Any) -> NDArray[Any]:
    kind = _KINDS.get(str(column.type))
    if kind is None or column.null_count:
        raise DataError(f"column {name} is of {column.type} with {column.null_count} nulls")
    size = np.dtype(kind).itemsize
    parts = [
        np.frombuffer(chunk.buffers()[1], kind, len(chunk), chunk.offset * size)
        for chunk in column.chunks
    ]
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, kind), *parts])

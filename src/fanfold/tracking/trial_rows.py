"""What the ledger keeps of one trial, checked before it is written.

The columns are the ledger's format on disk: every file has exactly these, so a
file that has others was written by somebody else and is refused, not guessed at.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from fanfold.domain.names import nearest_hint
from fanfold.errors import DataError

ArrowTable = Any
ArrowSchema = Any
"""pyarrow states no types."""

STATUSES = ("ok", "ruined", "failed", "pruned")
"""How a trial may have ended; a combination that was never run is no trial."""

DIGEST_ROWS = 65_536
"""Rows that are hashed at a time [rows]."""

DIGEST_CHARACTERS = 32
"""Of the hash that names a file [characters]."""

_TEXTS = ("key", "code", "family", "strategy", "params", "fingerprint", "status", "job", "study")
_NEVER_EMPTY = ("key", "code", "study")


def trial_schema() -> ArrowSchema:
    """Columns of the ledger, one row a trial.

    `key` is what was tried, whatever the data and the names; `first_day` and `last_day`
    are the scored window [days since 1970-01-01]; `sharpe_per_period` is NaN where
    nothing was scored; `return_count` [returns]; `at` is when it was written [ns UTC].
    """
    pa = import_module("pyarrow")
    return pa.schema(
        {
            "key": pa.string(),
            "code": pa.string(),
            "family": pa.string(),
            "strategy": pa.string(),
            "params": pa.string(),
            "symbols": pa.list_(pa.string()),
            "first_day": pa.int32(),
            "last_day": pa.int32(),
            "fingerprint": pa.string(),
            "sharpe_per_period": pa.float64(),
            "return_count": pa.int64(),
            "skewness": pa.float64(),
            "kurtosis": pa.float64(),
            "status": pa.string(),
            "job": pa.string(),
            "study": pa.string(),
            "at": pa.int64(),
        }
    )


def checked_rows(rows: ArrowTable | Mapping[str, Sequence[Any]]) -> ArrowTable:
    """Rows as the ledger keeps them.

    Args:
        rows: All columns of `trial_schema`; `at` is now where it is left out.

    Raises:
        DataError: A column lacks, is unknown, or holds what no trial can have.
    """
    pa = import_module("pyarrow")
    columns = _columns(rows)
    schema = trial_schema()
    missing = [name for name in schema.names if name not in columns and name != "at"]
    unknown = [name for name in columns if name not in schema.names]
    if unknown:
        hint = nearest_hint(unknown[0], schema.names)
        raise DataError(f"a trial has no column {unknown[0]!r}{hint}")
    if missing:
        raise DataError(f"trials must have all columns, lacked {', '.join(missing)}")
    row_count = len(columns["key"])
    columns.setdefault("at", [time.time_ns()] * row_count)
    for name, values in columns.items():
        if len(values) != row_count:
            raise DataError(
                f"columns of trials must be equally long, {name} had {len(values)} rows, "
                f"key {row_count}"
            )
    arrays = [_typed(name, columns[name], schema.field(name).type) for name in schema.names]
    table = pa.Table.from_arrays(arrays, schema=schema)
    _check_values(table)
    return table


def digest_of(table: ArrowTable) -> str:
    """Hash of the rows without the moment of writing, however their memory is laid out."""
    digest = hashlib.sha256()
    for start in range(0, table.num_rows, DIGEST_ROWS):
        some = table.slice(start, DIGEST_ROWS).combine_chunks()
        for name in some.column_names:
            if name != "at":
                _feed(digest, some.column(name).combine_chunks())
    return digest.hexdigest()[:DIGEST_CHARACTERS]


def _columns(rows: Any) -> dict[str, Any]:
    if isinstance(rows, Mapping):
        return dict(rows)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return {name: rows.column(name) for name in rows.column_names}


def _typed(name: str, values: Any, kind: Any) -> Any:
    """The column as an array of the ledger's type, without nulls."""
    pa, pc = import_module("pyarrow"), import_module("pyarrow.compute")
    try:
        # Arrow reads numbers out of texts, and cuts fractions off, where it is told the type.
        array = values if isinstance(values, pa.ChunkedArray | pa.Array) else pa.array(values)
        if not pa.types.is_null(array.type):
            _check_family(name, array.type, kind)
        array = array.cast(kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        line = str(error).split("\n", 1)[0]
        raise DataError(f"{name} of trials must be {kind}, was not: {line}") from None
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_floating(kind):
        return pc.fill_null(array, float("nan"))
    if array.null_count:
        raise DataError(f"{name} of trials must be stated in every row, {array.null_count} lacked")
    return array


def _check_family(name: str, was: Any, kind: Any) -> None:
    pa = import_module("pyarrow")
    if pa.types.is_primitive(was) != pa.types.is_primitive(kind):
        raise DataError(f"{name} of trials must be {kind}, was {was}")


def _check_values(table: ArrowTable) -> None:
    pc, np = import_module("pyarrow.compute"), import_module("numpy")
    for name in _NEVER_EMPTY:
        if pc.any(pc.equal(pc.utf8_length(table[name]), 0)).as_py():
            raise DataError(f"{name} of a trial must not be empty, was")
    for status in pc.unique(table["status"]).to_pylist():
        if status not in STATUSES:
            raise DataError(f"status of a trial must be one of {STATUSES}, was {status!r}")
    symbols = table["symbols"].combine_chunks()
    if pc.any(pc.equal(pc.list_value_length(symbols), 0)).as_py() or symbols.flatten().null_count:
        raise DataError("symbols of a trial must name at least one asset, and no unnamed one")
    backwards = np.flatnonzero(pc.less(table["last_day"], table["first_day"]).to_numpy())
    if backwards.size:
        row = table.slice(int(backwards[0]), 1).to_pylist()[0]
        raise DataError(
            f"last_day of a trial must not be before its first_day {row['first_day']}, "
            f"was {row['last_day']}"
        )
    if pc.any(pc.less(table["return_count"], 0)).as_py():
        raise DataError("return_count of a trial must not be negative, was")


def _feed(digest: Any, array: Any) -> None:
    pa, pc, np = import_module("pyarrow"), import_module("pyarrow.compute"), import_module("numpy")
    if pa.types.is_list(array.type):
        digest.update(pc.list_value_length(array).to_numpy().tobytes())
        array = array.flatten()
    if not pa.types.is_string(array.type):
        values = array.to_numpy(zero_copy_only=False)
        if values.dtype.kind == "f":
            values = np.where(np.isnan(values), np.nan, values)  # every NaN has the same bits
        digest.update(values.tobytes())
        return
    digest.update(pc.binary_length(array).to_numpy().tobytes())
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(array)], "int32"), array), "")
    digest.update(joined[0].as_py().encode())

"""Columns of a tidy frame as arrays.

Frames come from many hands: pandas or Arrow, columns or index levels, `Date` or
`timestamp`. All that reads one (bars, actions, memberships, extra columns) finds and
checks its columns here, so that they are named and refused alike.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.names import nearest_hint
from fanfold.domain.stamps import Stamps
from fanfold.errors import DataError

OTHER_NAMES: Final[Mapping[str, str]] = {
    "ticker": "symbol",
    "date": "ts",
    "datetime": "ts",
    "timestamp": "ts",
    "adjclose": "adj_close",
    "stock_splits": "splits",
    "split_ratio": "splits",
    "split_factor": "splits",
    "splitfactor": "splits",
    "ex_dividend": "dividends",
    "ex-dividend": "dividends",
    "div_cash": "dividends",
    "divcash": "dividends",
}
"""Other names of columns, in lower case and with `_` for spaces."""


def tidy_columns(
    frame: Any,
    *,
    what: str,
    required: Sequence[str],
    optional: Sequence[str] = (),
    other_names: Mapping[str, str] = OTHER_NAMES,
) -> dict[str, Any]:
    """The known columns by their names, index levels included; others are left out.

    Args:
        frame: pandas DataFrame or Arrow Table.
        what: What the frame is called in errors.
        required: Names of columns that must be there.
        optional: Names of columns that may be there.
        other_names: The same columns' other names.

    Raises:
        DataError: It is no frame, or a column is missing or there twice.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        frame = _from_arrow(frame, what)
    found: dict[str, Any] = {}
    given: dict[str, str] = {}
    index = frame.index
    parts = [(name, index.get_level_values(level)) for level, name in enumerate(index.names)]
    if isinstance(index, pd.DatetimeIndex) and index.name is None:
        parts = [("ts", index)]
    for label, column in [*frame.items(), *parts]:
        folded = str(label).strip().lower().replace(" ", "_")
        name = folded if folded in required else other_names.get(folded, folded)
        if name not in required and name not in optional:
            continue
        if name in found:
            raise DataError(f"column {name} must be there once, was {given[name]!r} and {label!r}")
        found[name], given[name] = column, str(label)
    for name in required:
        if name not in found:
            there = ", ".join(str(label) for label in frame.columns)
            hint = nearest_hint(name, [str(label) for label in frame.columns])
            raise DataError(f"{what} must have a column {name}, its columns are {there}{hint}")
    return found


def stamps_of(column: Any, name: str) -> Stamps:
    """Timestamps of rows, all of one nameless symbol.

    Args:
        column: pandas Series or Index of datetimes.
        name: What the column is called in errors.

    Raises:
        DataError: They are no datetimes of one zone, or one is missing.
    """
    import pandas as pd

    if not isinstance(column.dtype, pd.DatetimeTZDtype) and column.dtype.kind != "M":
        raise DataError(
            f"{name} must be datetimes of one time zone (pandas.to_datetime makes them), "
            f"was {column.dtype}: {column[:1].tolist()}"
        )
    index = pd.DatetimeIndex(column)
    if index.hasnans:
        raise DataError(f"{name} must not be empty, row {int(np.argmax(index.isna()))} was")
    try:
        index = index.as_unit("ns")
    except pd.errors.OutOfBoundsDatetime:
        raise DataError(f"{name} must lie within 1678 and 2261, was {index.min()}") from None
    shown: Any = index.tz_localize(None)
    utc: Any = None if index.tz is None else index.asi8
    codes = np.zeros(len(index), np.int64)
    return Stamps(local=shown.asi8, utc=utc, codes=codes, names=(name,))


def numbers_of(column: Any, name: str) -> NDArray[np.float64]:
    """Numbers of rows, NaN where there is none; shape [row].

    Raises:
        DataError: The column holds something else.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype):
        raise DataError(f"{name} must hold numbers, was {column.dtype}: {column[:1].tolist()}")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(values), np.nan, values)  # one NaN, so one fingerprint


def names_of(column: Any) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The different symbols in order of appearance, and each row's place among them.

    Raises:
        DataError: A symbol is empty, or no text.
    """
    import pandas as pd

    codes: NDArray[np.int64]
    codes, uniques = cast("Any", pd).factorize(column)
    known: list[Any] = [*uniques]
    if (codes < 0).any():
        raise DataError(f"symbol must not be empty, row {int(np.argmax(codes < 0))} was")
    for one in known:
        if not isinstance(one, str) or not one.strip():
            raise DataError(f"symbol must be a text, was {one!r}")
    names: tuple[str, ...] = tuple(known)
    return names, codes.astype(np.int64)


def _from_arrow(frame: Any, what: str) -> Any:
    import pyarrow as pa

    kinds: Any = (cast("Any", pa).Table, cast("Any", pa).RecordBatch)
    if not isinstance(frame, kinds):
        kind = type(frame).__name__
        raise DataError(f"{what} must be a pandas DataFrame or an Arrow Table, was {kind}")
    return frame.to_pandas(date_as_object=False)

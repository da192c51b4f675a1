"""Tables in CSV and Parquet files, their dates parsed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from fanfold.errors import DataError
from fanfold.market.columns import arrow

STAMPS: Final = ("ts", "date", "datetime", "timestamp")
"""Columns of timestamps in files of bars, whatever their case."""

_CSV: Final = (".csv", ".csv.gz")
_PARQUET: Final = (".parquet", ".pq")


def read_table(file: Path, dates: Sequence[str] = STAMPS) -> Any:
    """A file as an Arrow Table or a pandas DataFrame.

    Args:
        file: Ends in .csv, .csv.gz, .parquet or .pq.
        dates: Columns that hold timestamps; text in CSV files.

    Raises:
        DataError: The file cannot be read.
    """
    name = file.name.lower()
    if name.endswith(_CSV):
        return _read_csv(file, dates)
    if name.endswith(_PARQUET):
        return _read_parquet(file)
    raise DataError(f"file must end in {', '.join(_CSV + _PARQUET)}, was {file}")


def _read_parquet(file: Path) -> Any:
    pa = arrow()
    try:
        return pa.parquet.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{file} must be a readable Parquet file: {_first_line(error)}") from error


def _read_csv(file: Path, dates: Sequence[str]) -> Any:
    import pandas as pd

    try:
        frame = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{file} must be a readable CSV file: {_first_line(error)}") from error
    for label in frame.columns:
        if str(label).strip().lower() in dates:
            try:
                frame[label] = pd.to_datetime(frame[label], format="ISO8601")
            except ValueError as error:
                raise DataError(
                    f"{file}: {label} must hold ISO timestamps of one time zone: "
                    f"{_first_line(error)}"
                ) from error
    return frame


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

"""Tables in files: CSV, Parquet and Arrow, found, looked into and read.

Files of bars have many more columns than are needed and millions of rows, so only what
is wanted is read, with Arrow. A cell that is no number costs its row, not the file: it is
told apart from a file that cannot be read at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import DataError
from fanfold.market.columns import arrow
from fanfold.market.sources.csv_tables import csv_names, read_csv

STAMPS: Final = ("ts", "date", "datetime", "timestamp")
"""Columns of timestamps in files of bars, whatever their case."""

_FORMATS: Final[Mapping[str, str]] = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".txt": "csv",
    ".txt.gz": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
}
_GLOB: Final = "*?["

Wanted = Mapping[str, Literal["number", "raw"]]
"""Columns to read, by the file's own names: as numbers, or as they are."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileRows:
    """What was read of a file.

    Attributes:
        table: Arrow table of the wanted columns by the file's own names; numbers as doubles,
            null where a cell is empty or no number.
        unreadable: Rows in which a cell of each number column is text that is no number.
        texts: The first such text of each.
    """

    table: Any
    unreadable: Mapping[str, NDArray[np.int64]]
    texts: Mapping[str, str]


def compute() -> Any:
    """Arrow's functions on columns, imported on first need; untyped."""
    import pyarrow.compute as untyped

    return untyped


def frames() -> Any:
    """The library pandas, imported on first need; untyped."""
    import pandas as pd

    return pd


def table_files(given: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    """The files that are meant, sorted within a folder or a pattern.

    Args:
        given: A file, a folder, a pattern such as ``data/*.csv``, or several of these. In a
            folder, and those in it, files of other formats and hidden ones are left out.

    Raises:
        DataError: Nothing is there, or a file is of another format.
    """
    one_by_one = (given,) if isinstance(given, str | Path) else tuple(given)
    files = [file for one in one_by_one for file in _matching(Path(one).expanduser())]
    if not files:
        raise DataError("files must name at least one file, was none")
    return tuple(dict.fromkeys(files))


def symbol_of(file: Path) -> str:
    """The symbol that a file without a column of symbols is of: its name without the ending.

    Where other tools cut a table into folders such as ``symbol=AAPL``, it is the folder's.
    """
    for folder in file.parts[-2::-1]:
        name, _, value = folder.partition("=")
        if name.lower() in _SYMBOL_FOLDERS and value:
            return unquote(value)
    name = file.name.removesuffix(".gz").removesuffix(".GZ")
    return name.rpartition(".")[0] or name


_SYMBOL_FOLDERS: Final = ("symbol", "ticker")


def column_names(file: Path, delimiter: str | None = None) -> tuple[str, ...]:
    """Names of a file's columns, without reading it.

    Args:
        file: One of `table_files`.
        delimiter: Of a CSV file; None to tell it from the first line.

    Raises:
        DataError: The file cannot be read.
    """
    pa = arrow()
    form = _format(file)
    try:
        if form == "csv":
            names: Sequence[str] = csv_names(file, delimiter)
        elif form == "parquet":
            names = pa.parquet.read_schema(file).names
        else:
            names = _ipc_table(file).schema.names
    except (OSError, EOFError, UnicodeDecodeError, pa.ArrowException) as error:
        raise _unreadable(file, error) from error
    return tuple(names)


def read_columns(
    file: Path, wanted: Wanted, *, delimiter: str | None = None, decimal: str = "."
) -> FileRows:
    """Some columns of a file.

    Args:
        file: One of `table_files`.
        wanted: Columns that are in it.
        delimiter: Of a CSV file; None to tell it from the first line.
        decimal: What separates decimals in a CSV file.

    Raises:
        DataError: The file cannot be read, or a column holds neither numbers nor text.
    """
    pa = arrow()
    form = _format(file)
    try:
        if form == "csv":
            numbers = [name for name, how in wanted.items() if how == "number"]
            table = read_csv(file, list(wanted), numbers, delimiter=delimiter, decimal=decimal)
        elif form == "parquet":
            with pa.parquet.ParquetFile(file) as opened:
                table = opened.read(columns=list(wanted)).select(list(wanted))
        else:
            table = _ipc_table(file).select(list(wanted))
    except (OSError, EOFError, UnicodeDecodeError, pa.ArrowException) as error:
        raise _unreadable(file, error) from error
    unreadable: dict[str, NDArray[np.int64]] = {}
    texts: dict[str, str] = {}
    for place, (name, how) in enumerate(wanted.items()):
        if how == "number":
            given = table.column(place)
            column, rows = _numbers(given, f"{file}: {name}", decimal)
            if len(rows):
                texts[name] = str(given[int(rows[0])].as_py())
            table = table.set_column(place, name, column)
            unreadable[name] = rows
    return FileRows(table=table, unreadable=unreadable, texts=texts)


def read_table(file: Path, dates: Sequence[str] = STAMPS) -> Any:
    """A whole file as an Arrow Table or a pandas DataFrame.

    Args:
        file: Of a format that `table_files` finds.
        dates: Columns that hold timestamps; ISO text in CSV files.

    Raises:
        DataError: The file cannot be read.
    """
    if _format(file) == "csv":
        return _read_frame(file, dates)
    return read_columns(file, dict.fromkeys(column_names(file), "raw")).table


def _matching(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(one for one in path.rglob("*") if _known(one, path) and one.is_file())
        what = f"the folder {path} holds no file that ends in {', '.join(_FORMATS)}"
    elif any(one in path.name for one in _GLOB) and not path.exists():
        found = sorted(one for one in path.parent.glob(path.name) if one.is_file())
        what = f"nothing fits {path}"
    else:
        found = [path] if path.is_file() else []
        what = f"{path} is not there"
    if not found:
        raise DataError(f"files must be there, {what}")
    for file in found:
        _format(file)
    return found


def _known(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return not hidden and file.name.lower().endswith(tuple(_FORMATS))


def _format(file: Path) -> str:
    name = file.name.lower()
    for suffix, form in _FORMATS.items():
        if name.endswith(suffix):
            return form
    raise DataError(f"file must end in {', '.join(_FORMATS)}, was {file}")


def _ipc_table(file: Path) -> Any:
    """An Arrow file, mapped into memory; a stream, or old Feather, is read."""
    pa = arrow()
    import pyarrow.feather as untyped

    feather: Any = untyped
    try:
        return feather.read_table(file, memory_map=True)
    except pa.ArrowInvalid:
        with pa.memory_map(str(file)) as opened:
            return pa.ipc.open_stream(opened).read_all()


def _numbers(column: Any, name: str, decimal: str) -> tuple[Any, NDArray[np.int64]]:
    """A column as doubles, and the rows with text that is no number."""
    pa = arrow()
    pc = compute()

    none = np.empty(0, np.int64)
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        # Integers beyond 2**53 lose digits that no price or size has.
        return pc.cast(column, pa.float64(), safe=False), none
    if pa.types.is_null(kind):
        return column.cast(pa.float64()), none
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise DataError(f"{name} must hold numbers, was {kind}")
    return _parsed(column, decimal)


def _parsed(column: Any, decimal: str) -> tuple[Any, NDArray[np.int64]]:
    pa = arrow()
    pd = frames()
    pc = compute()
    if decimal == ".":
        try:
            return pc.cast(column, pa.float64()), np.empty(0, np.int64)
        except pa.ArrowInvalid:
            pass
    text = pd.Series(column.to_pandas()).astype("str").str.strip()
    thousands = "." if decimal == "," else ","
    grouped = text.str.fullmatch(rf"-?\d{{1,3}}(\{thousands}\d{{3}})+(\{decimal}\d+)?").to_numpy(
        bool
    )
    if grouped.any():
        text = text.where(~grouped, text.str.replace(thousands, "", regex=False))
    if decimal != ".":
        # A point that groups no thousands is no number here: 1.5 may be 1,5 or a slip.
        text = text.where(~text.str.contains(".", regex=False), _NO_NUMBER)
        text = text.str.replace(decimal, ".", regex=False)
    values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
    empty = text.str.lower().isin(_EMPTY).to_numpy()
    unreadable = np.flatnonzero(np.isnan(values) & ~empty)
    return pa.chunked_array([pa.array(values, mask=np.isnan(values))]), unreadable


_NO_NUMBER: Final = "?"

_EMPTY: Final = ("", "nan", "na", "n/a", "null", "none", "-", "<na>")
"""What stands in a cell without a number, in lower case."""


def _read_frame(file: Path, dates: Sequence[str]) -> Any:
    pd = frames()

    separator = "\t" if ".tsv" in file.name.lower() else ","
    try:
        frame = pd.read_csv(file, sep=separator)
    except (OSError, EOFError, ValueError) as error:
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


def _unreadable(file: Path, error: Exception) -> DataError:
    form = {"csv": "CSV", "parquet": "Parquet", "ipc": "Arrow"}[_format(file)]
    return DataError(f"{file} must be a readable {form} file: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__

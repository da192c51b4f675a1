"""CSV files through Arrow: at its full speed where all cells can be read, row by row else.

A line with a cell too many or too few is kept as a row whose numbers are missing, in its
place, so that it is reported by its row as any other bad one.
"""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from fanfold.errors import DataError
from fanfold.market.columns import arrow

_DELIMITERS: Final = ",;\t|"


def csv_names(file: Path, delimiter: str | None) -> list[str]:
    """Names in a file's first line.

    Args:
        file: Maybe compressed, its name then ends in .gz.
        delimiter: Between cells; None to tell it.

    Raises:
        DataError: The first line is empty.
    """
    line = _first_line(file)
    if not line.strip():
        raise DataError(f"{file} must begin with the names of its columns, it is empty")
    return next(csv.reader([line], delimiter=delimiter or _delimiter(line)))


def read_csv(
    file: Path, names: list[str], numbers: list[str], *, delimiter: str | None, decimal: str
) -> Any:
    """Some columns as an Arrow table: numbers as doubles if all can be read, else all as text.

    Args:
        file: Maybe compressed.
        names: Columns to read.
        numbers: Which of them are numbers.
        delimiter: Between cells; None to tell it.
        decimal: What separates decimals.
    """
    pa = arrow()
    import pyarrow.csv as untyped

    arrow_csv: Any = untyped

    between = delimiter or _delimiter(_first_line(file))
    types = {name: pa.float64() if name in numbers else pa.string() for name in names}
    parse = {"delimiter": between}
    convert = {"include_columns": names, "decimal_point": decimal}
    try:
        return arrow_csv.read_csv(
            file,
            parse_options=arrow_csv.ParseOptions(**parse),
            convert_options=arrow_csv.ConvertOptions(column_types=types, **convert),
        )
    except pa.ArrowInvalid:
        pass
    return _read_carefully(file, names, numbers, between)


def _read_carefully(file: Path, names: list[str], numbers: list[str], delimiter: str) -> Any:
    pa = arrow()
    import pyarrow.csv as untyped

    arrow_csv: Any = untyped

    odd: list[tuple[int, str]] = []

    def note(line: Any) -> str:
        odd.append((line.number, line.text))
        return "skip"

    table = arrow_csv.read_csv(
        file,
        read_options=arrow_csv.ReadOptions(use_threads=False),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter, invalid_row_handler=note),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=names, column_types=dict.fromkeys(names, pa.string())
        ),
    )
    if not odd:
        return table
    # Lines count from 1, and the first holds the names.
    places = [number - 2 for number, _ in odd]
    lines = [next(iter(csv.reader([text], delimiter=delimiter)), list[str]()) for _, text in odd]
    return _with_rows(table, places, _cells(lines, csv_names(file, delimiter), names, numbers))


def _cells(
    lines: Sequence[list[str]], header: list[str], names: list[str], numbers: list[str]
) -> Any:
    """Rows of odd lines: texts as they stand, as what cannot be told to be a number."""
    pa = arrow()
    place = {name: header.index(name) for name in names}
    columns = {
        name: [
            _ODD if name in numbers else line[at] if at < len(line) else ""
            for line in lines
            for at in (place[name],)
        ]
        for name in names
    }
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


_ODD: Final = "not told: the line has another number of cells"
"""A number of a line whose cells may have moved."""


def _with_rows(table: Any, places: list[int], rows: Any) -> Any:
    """A table with rows put in at places of the result."""
    import numpy as np

    pa = arrow()
    count = table.num_rows + rows.num_rows
    source = np.empty(count, np.int64)
    put_in = np.zeros(count, bool)
    put_in[places] = True
    source[~put_in] = np.arange(table.num_rows)
    source[put_in] = table.num_rows + np.arange(rows.num_rows)
    return pa.concat_tables([table, rows]).take(pa.array(source))


def _first_line(file: Path) -> str:
    opened = gzip.open if file.name.lower().endswith(".gz") else open
    with opened(file, "rt", encoding="utf-8-sig") as lines:
        return lines.readline(_HEADER_MAX)


_HEADER_MAX: Final = 1_000_000
"""Longest first line [characters]."""


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count)

"""The rows of files by our names, and the rows of each symbol among them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.sessions import DAY_NS, MINUTE_NS
from fanfold.domain.timeframe import SECOND_NS, SESSION, WEEK
from fanfold.errors import ConfigError, DataError
from fanfold.market.columns import arrow
from fanfold.market.sources.file_columns import CLOCK, DATE, REQUIRED, TEXTS, TIME, found_columns
from fanfold.market.sources.file_times import ints, joined, read_times
from fanfold.market.sources.tables import Wanted, compute, read_columns

_log = logging.getLogger(__name__)

_ACTIONS: Final = ("splits", "dividends")
_DAYS_GAP_MAX: Final = 5
_WEEK_DAYS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How files are read; see `fanfold.market.sources.file.FileSource`."""

    form: str
    columns: Mapping[str, str]
    zone: str | None
    date_format: str | None
    exchange: str | None
    delimiter: str | None
    decimal: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Rows of one or more files by our names.

    Attributes:
        table: Arrow table: `ts` and the kind's columns, numbers without nulls.
        symbols: Arrow column of each row's symbol; None if the files have no such column.
        rows: Row of its file that each was, counted through where there are several.
        are_dates: Whether all `ts` are midnights.
    """

    table: Any
    symbols: Any
    rows: NDArray[np.int64]
    are_dates: bool


def read_raw(file: Path, names: Sequence[str], reading: Reading) -> dict[str, Any]:
    """A file's columns by our names, as they are but for numbers, which are doubles.

    Raises:
        DataError: The file cannot be read, a column is missing, or there is no row.
    """
    columns, _ = _read(file, names, reading)
    return columns


def read_rows(file: Path, names: Sequence[str], reading: Reading) -> Rows:
    """The rows of a file with times.

    Args:
        file: The file.
        names: Its columns.
        reading: How it is read.

    Raises:
        DataError: It cannot be read, a column is missing, there is no row, or the times can
            be read in several ways.
    """
    pa = arrow()
    columns, unreadable = _read(file, names, reading)
    column = columns.pop(TIME)
    if DATE in columns and CLOCK in columns:
        column = joined(columns.pop(DATE), columns.pop(CLOCK), reading.date_format)
    times = read_times(
        column,
        f"{file}: {reading.columns.get(TIME, TIME)}",
        zone=reading.zone,
        date_format=reading.date_format,
        exchange=reading.exchange,
    )
    if times.note:
        _log.info("%s: times %s", file, times.note)
    _without_text(columns, unreadable, reading.form, file)
    symbols = columns.pop("symbol", None)
    table = pa.table({TIME: times.column, **columns})
    count = int(table.num_rows)
    return Rows(table=table, symbols=symbols, rows=np.arange(count), are_dates=times.are_dates)


def stacked(parts: Sequence[Rows], files: Sequence[Path]) -> Rows:
    """Rows of several files, one after the other, counted through.

    Raises:
        DataError: Some have dates, some instants.
    """
    pa = arrow()
    if len(parts) == 1:
        return parts[0]
    kinds = [part.table.schema.field(TIME).type for part in parts]
    if len({kind.tz is None for kind in kinds}) > 1:
        with_zone = next(file for file, kind in zip(files, kinds, strict=True) if kind.tz)
        without = next(file for file, kind in zip(files, kinds, strict=True) if not kind.tz)
        raise DataError(
            f"files of one delivery must all have dates or all times, {without} has dates, "
            f"{with_zone} times with a zone"
        )
    common = kinds[0] if len(set(kinds)) == 1 else pa.timestamp("ns", "UTC")
    tables = [
        part.table.set_column(0, TIME, part.table.column(TIME).cast(common)) for part in parts
    ]
    starts: NDArray[np.int64] = np.cumsum([0, *(part.table.num_rows for part in parts[:-1])])
    for file, start in zip(files, starts.tolist(), strict=True):
        _log.info("%s: its rows are counted from %d", file, start)
    table = _filled(pa.concat_tables(tables, promote_options="default"))
    symbols = None
    if parts[0].symbols is not None:
        symbols = pa.chunked_array(
            [chunk for part in parts for chunk in _chunks(part.symbols)], type=pa.string()
        )
    return Rows(
        table=table,
        symbols=symbols,
        rows=np.arange(int(table.num_rows)),
        are_dates=all(part.are_dates for part in parts),
    )


def by_symbol(rows: Rows, what: str) -> dict[str, tuple[Any, NDArray[np.int64]]]:
    """Each symbol's rows and their numbers, in the order in which the symbols appear.

    Args:
        rows: With a column of symbols.
        what: The files, for errors.

    Raises:
        DataError: A symbol is empty.
    """
    pa = arrow()
    names, codes = _coded(rows.symbols, what)
    table = rows.table.combine_chunks()
    change = np.flatnonzero(np.diff(codes)) + 1
    if len(change) >= len(names):  # a symbol's rows are not all together
        order = np.argsort(codes, kind="stable")
        codes, table = codes[order], table.take(pa.array(order))
        numbers = rows.rows[order]
        change = np.flatnonzero(np.diff(codes)) + 1
    else:
        numbers = rows.rows
    bounds = [0, *change.tolist(), len(codes)]
    found: dict[str, tuple[Any, NDArray[np.int64]]] = {}
    for start, end in pairwise(bounds):
        if end > start:
            found[names[int(codes[start])]] = table.slice(start, end - start), numbers[start:end]
    return found


def timeframes_of(
    tables: Mapping[str, Any], what: str, *, are_dates: bool
) -> Iterator[tuple[str, str]]:
    """Each symbol and the timeframe of its bars, from their most common gap.

    A symbol with a single bar has the timeframe of most others.

    Raises:
        ConfigError: No symbol has two bars, unless they are dates.
        DataError: The gap is no timeframe.
    """
    told = {
        name: _timeframe(
            ints(table.column(TIME).drop_null()), f"{what}: {name}", are_dates=are_dates
        )
        for name, table in tables.items()
    }
    known = [one for one in told.values() if one]
    if not known and not are_dates:
        raise ConfigError(f"timeframe must be given where no symbol has two bars, as in {what}")
    usual = max(dict.fromkeys(known), key=known.count) if known else SESSION
    for name, one in told.items():
        yield name, one or usual


def _timeframe(ts: NDArray[np.int64], what: str, *, are_dates: bool) -> str:
    gaps = np.diff(ts)
    if (gaps <= 0).any():
        gaps = np.diff(np.unique(ts))
    if not len(gaps):
        return ""
    gap = int(np.median(gaps))
    if 2 * np.count_nonzero(gaps == gap) <= len(gaps):  # else no other is as common
        values, counts = np.unique(gaps, return_counts=True)
        gap = int(values[np.argmax(counts)])
    if gap % DAY_NS == 0 and (are_dates or gap >= DAY_NS):
        days = gap // DAY_NS
        if days <= _DAYS_GAP_MAX:
            return SESSION
        if days == _WEEK_DAYS:
            return WEEK
    for unit, length in (("h", 60 * MINUTE_NS), ("min", MINUTE_NS), ("s", SECOND_NS)):
        if gap < DAY_NS and gap % length == 0 and DAY_NS % gap == 0:
            return f"{gap // length}{unit}"
    raise DataError(
        f"{what}: most bars must be a day, a week or a part of a day apart, was "
        f"{np.timedelta64(gap, 'ns').astype('timedelta64[s]')}; say the timeframe"
    )


def _read(
    file: Path, names: Sequence[str], reading: Reading
) -> tuple[dict[str, Any], dict[str, NDArray[np.int64]]]:
    found = found_columns(names, reading.columns, reading.form, file)
    raw = {"last_cum_date", "kind", "permtick", "ticker", "asset", *TEXTS}
    wanted: Wanted = {theirs: "raw" if ours in raw else "number" for ours, theirs in found.items()}
    read = read_columns(file, wanted, delimiter=reading.delimiter, decimal=reading.decimal)
    if not read.table.num_rows:
        raise DataError(f"{file} must hold rows, it has columns {', '.join(names)} and no row")
    for theirs, rows in read.unreadable.items():
        if len(rows) == read.table.num_rows > 1:
            text = read.texts[theirs]
            hint = "; is a comma its decimal sign?" if "," in text else ""
            raise DataError(
                f"{file}: {theirs} must hold numbers, all of its cells are text, the first "
                f"{text!r}{hint}"
            )
    columns = {ours: read.table.column(theirs) for ours, theirs in found.items()}
    unreadable = {
        ours: read.unreadable[theirs]
        for ours, theirs in found.items()
        if wanted[theirs] == "number"
    }
    return columns, unreadable


def _without_text(
    columns: dict[str, Any], unreadable: Mapping[str, NDArray[np.int64]], form: str, file: Path
) -> None:
    """Fill what is missing with NaN; no number of a row with text among them is taken."""
    pa = arrow()
    pc = compute()

    for name in _ACTIONS:
        if name in unreadable and len(unreadable[name]):
            raise DataError(f"{file}: {name} must be numbers, row {unreadable[name][0]} is text")
    needed = [name for name in REQUIRED[form] if name in unreadable]
    bad = np.unique(np.concatenate([np.empty(0, np.int64), *(unreadable[one] for one in needed)]))
    for name, rows in unreadable.items():
        if len(rows):
            _log.warning("%s: %s is no number in %d rows, first %d", file, name, len(rows), rows[0])
        column = pc.fill_null(columns[name], np.nan) if columns[name].null_count else columns[name]
        if len(bad) and name in needed:
            values = column.to_numpy().copy()
            values[bad] = np.nan
            column = pa.chunked_array([pa.array(values)])
        columns[name] = column
    for name in ("id", "exchange", "conditions"):
        if name in columns:
            columns[name] = columns[name].cast(pa.string())


def _filled(table: Any) -> Any:
    """A table in which columns that some files lack are NaN."""
    pa = arrow()
    pc = compute()

    for place, field in enumerate(table.schema):
        if pa.types.is_floating(field.type) and table.column(place).null_count:
            column = pc.fill_null(table.column(place), np.nan)
            table = table.set_column(place, field.name, column)
    return table


def _chunks(column: Any) -> list[Any]:
    return column.cast(arrow().string()).chunks


def symbol_text(value: Any) -> str:
    """A symbol as it is named, of a cell: text, bytes or a number."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text.strip()


def _coded(symbols: Any, what: str) -> tuple[list[str], NDArray[np.int64]]:
    """The different symbols, and each row's place among them."""
    pa = arrow()
    if pa.types.is_integer(symbols.type):
        symbols = symbols.cast(pa.string())
    if not pa.types.is_dictionary(symbols.type):
        symbols = symbols.dictionary_encode()
    coded = symbols.unify_dictionaries().combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    if coded.null_count:
        row = int(np.argmin(coded.is_valid().to_numpy(zero_copy_only=False)))
        raise DataError(f"{what}: symbol must not be empty, row {row} was")
    codes = coded.indices.to_numpy().astype(np.int64)
    spelt = [symbol_text(one) for one in coded.dictionary.to_pylist()]
    names = list(dict.fromkeys(spelt))
    place = np.array([names.index(one) for one in spelt] if len(names) < len(spelt) else [0])
    if len(names) < len(spelt):
        codes = place[codes]
    if "" in names:
        row = int(np.argmax(codes == names.index("")))
        raise DataError(f"{what}: symbol must not be empty, row {row} was")
    return names, codes

"""Files as a source: bars, ticks, corporate actions, listings and memberships.

A file seldom says what it holds. What its columns and times can mean in one way only is
told from them, and said in the log; the rest must be said.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.calendars import DEFAULT_CALENDAR
from fanfold.domain.names import nearest_hint
from fanfold.domain.prices import Basis, check_basis
from fanfold.domain.sessions import check_calendar, exchange_zone
from fanfold.domain.stamps import Stamp
from fanfold.domain.timeframe import timeframe_named
from fanfold.errors import ConfigError, DataError
from fanfold.market.columns import arrow
from fanfold.market.kinds import TICKS, Kind
from fanfold.market.sources.file_columns import FORMS_OF, NAMES, TIME, told_form
from fanfold.market.sources.file_corporate import (
    lean_actions,
    lean_factors,
    lean_listings,
    terms_of,
)
from fanfold.market.sources.file_rows import (
    Reading,
    Rows,
    by_symbol,
    read_raw,
    read_rows,
    stacked,
    timeframes_of,
)
from fanfold.market.sources.file_times import check_zone, ints
from fanfold.market.sources.source import Delivery, Request
from fanfold.market.sources.tables import column_names, symbol_of, table_files

_log = logging.getLogger(__name__)

_LEAN: Final = ("lean_actions", "lean_factors")
_TERMS: Final = ("listings", "members")
_DEFAULT_ZONE: Final = "America/New_York"
"""Of the default calendar; to ask that one would take longer than to read most files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """Rows from CSV, Parquet and Arrow files.

    Attributes:
        files: A file, a folder, a pattern such as ``data/*.csv``, or several of these.
        kind: What the rows are; None to tell it from the columns.
        columns: The files' columns by our names, where theirs are not known; `date` and
            `time` where the two are columns of their own.
        zone: Of times without one, such as "America/New_York".
        date_format: Of times in text that is not ISO, as `time.strptime` has it.
        stamp: What `ts` of bars marks; may be left out where all are dates.
        timeframe: Of bars; None for their most common gap.
        calendar: Exchange calendar, such as "XNYS", or "24/7"; None to infer it.
        basis: What prices are adjusted for.
        symbol: Whose rows, where the files do not say; else a file's name without its
            ending is the symbol.
        universe: Name of the universe whose members a file lists.
        delimiter: Between cells of CSV files; None to tell it from the first line.
        decimal: What separates decimals in CSV files.
        name: What reports and the store call the source.
        feed: Which of its feeds.
    """

    files: str | Path | Sequence[str | Path]
    kind: Kind | None = None
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    zone: str | None = None
    date_format: str | None = None
    stamp: Stamp | None = None
    timeframe: str | None = None
    calendar: str | None = None
    basis: Basis = "raw"
    symbol: str | None = None
    universe: str | None = None
    delimiter: str | None = None
    decimal: str = "."
    name: str = "file"
    feed: str = ""

    def check(self, request: Request) -> None:
        """Refuse what cannot be read as asked; see `fanfold.market.sources.source.Source`."""
        self._check_settings()
        kind = self.told_kind()
        if request.kind != kind:
            raise ConfigError(f"kind must be that of the files, {kind}, was {request.kind!r}")
        if request.basis is not None and request.basis != self.basis:
            raise ConfigError(
                f"basis must be that of the files, {self.basis}, was {request.basis!r}; say with "
                "the files what their prices are adjusted for"
            )
        if self.timeframe and kind == "bars":
            held, asked = timeframe_named(self.timeframe), timeframe_named(request.timeframe)
            if request.timeframe != Request().timeframe and asked != held:
                raise ConfigError(f"timeframe must be that of the files, {held}, was {asked!r}")
        if kind == "members" and not self.universe:
            raise ConfigError("universe must name whose members a file lists, was left out")

    def told_kind(self) -> Kind:
        """What the rows are, from the columns of the first file if it is not said.

        Raises:
            ConfigError: It is said wrongly.
            DataError: There is no file, or it cannot be told.
        """
        self._check_kind()
        self._check_signs()
        return _kind_of(self._form(table_files(self.files)[0]))

    def fetch(self, request: Request) -> Iterator[Delivery]:
        """Deliver each symbol's rows; see `fanfold.market.sources.source.Source`."""
        self.check(request)
        files = table_files(self.files)
        names = {file: column_names(file, self.delimiter) for file in files}
        form = self._form(files[0])
        if _kind_of(form) in _TERMS:
            yield self._terms(files, names, form)
            return
        for batch in self._batches(files, names, form, request):
            yield from self._of_batch(batch, names, form, request)

    def _check_settings(self) -> None:
        self._check_kind()
        check_zone(self.zone)
        check_basis(self.basis)
        if self.calendar is not None:
            check_calendar(self.calendar)
        if self.stamp is not None and self.stamp not in get_args(Stamp):
            hint = nearest_hint(str(self.stamp), get_args(Stamp))
            raise ConfigError(
                f"stamp must be 'start', 'end' or 'session', was {self.stamp!r}{hint}"
            )
        if self.timeframe is not None:
            timeframe_named(self.timeframe)
        self._check_signs()

    def _check_signs(self) -> None:
        """Refuse what cannot stand between cells, or before decimals."""
        if self.decimal not in (".", ","):
            raise ConfigError(f"decimal must be '.' or ',', was {self.decimal!r}")
        between = self.delimiter
        if between is not None and (len(between) != 1 or between in '"\r\n.' or between.isalnum()):
            raise ConfigError(
                f"delimiter must be one character such as ';', no letter and no digit, "
                f"was {between!r}"
            )

    def _check_kind(self) -> None:
        if self.kind is not None and self.kind not in FORMS_OF:
            hint = nearest_hint(str(self.kind), FORMS_OF)
            raise ConfigError(f"kind must be one of {', '.join(FORMS_OF)}, was {self.kind!r}{hint}")
        ours = {name for form in NAMES.values() for name in form} | {"date", "time"}
        for name in self.columns:
            if name not in ours:
                hint = nearest_hint(name, ours)
                raise ConfigError(
                    f"columns must be given by our names, {', '.join(sorted(ours))}, "
                    f"was {name!r}{hint}"
                )

    def _form(self, file: Path) -> str:
        kind = "members" if self.kind is None and self.universe else self.kind
        return told_form(column_names(file, self.delimiter), self.columns, kind, file)

    def _reading(self, form: str) -> Reading:
        known = self.calendar in (None, DEFAULT_CALENDAR)
        exchange = _DEFAULT_ZONE if known else exchange_zone(self.calendar or "")
        return Reading(
            form=form,
            columns=self.columns,
            zone=self.zone,
            date_format=self.date_format,
            exchange=None if form in TICKS else exchange,
            delimiter=self.delimiter,
            decimal=self.decimal,
        )

    def _terms(
        self, files: Sequence[Path], names: Mapping[Path, Sequence[str]], form: str
    ) -> Delivery:
        pa = arrow()
        tables: list[Any] = []
        for file in files:
            columns = read_raw(file, names[file], self._reading(form))
            if form == "lean_map":
                tables.append(lean_listings(columns, str(file)))
            else:
                tables.append(terms_of(columns, form, str(file), self.date_format))
        kind = _kind_of(form)
        symbol = self.universe or "" if kind == "members" else ""
        return Delivery(symbol=symbol, kind=kind, table=pa.concat_tables(tables))

    def _batches(
        self,
        files: Sequence[Path],
        names: Mapping[Path, Sequence[str]],
        form: str,
        request: Request,
    ) -> list[tuple[str | None, list[Path]]]:
        """Files that are read together, and whose rows they are if they do not say."""
        has_symbol = {file: self._has_symbol(names[file], form) for file in files}
        if self.symbol is not None and not any(has_symbol.values()):
            by_name: dict[str, list[Path]] = {self.symbol: list(files)}
        elif any(has_symbol.values()):
            without = next((file for file in files if not has_symbol[file]), None)
            if without is not None:
                raise DataError(
                    f"files read together must all have a column symbol, {without} has "
                    f"{', '.join(names[without])}"
                )
            return [(None, list(files))]
        else:
            by_name = {}
            for file in files:
                by_name.setdefault(symbol_of(file), []).append(file)
            _log.info("symbols are the names of the files: %s", ", ".join(list(by_name)[:_SHOWN]))
        asked = _asked(request, by_name, self._what(files))
        return [(name, by_name[name]) for name in asked]

    def _has_symbol(self, names: Sequence[str], form: str) -> bool:
        known = {"symbol", *NAMES[form].get("symbol", ())}
        return "symbol" in self.columns or any(one.strip().lower() in known for one in names)

    def _of_batch(
        self,
        batch: tuple[str | None, list[Path]],
        names: Mapping[Path, Sequence[str]],
        form: str,
        request: Request,
    ) -> Iterator[Delivery]:
        symbol, files = batch
        reading, what = self._reading(form), self._what(files)
        read = partial(self._lean_rows, form=form) if form in _LEAN else read_rows
        rows = stacked([read(file, names[file], reading) for file in files], files)
        if symbol is None:
            symbols = by_symbol(rows, what)
            asked = _asked(request, symbols, what)
        else:
            symbols, asked = {symbol: (rows.table, rows.rows)}, (symbol,)
        chosen = {one: symbols[one] for one in asked}
        kind = _kind_of(form)
        timeframes = dict.fromkeys(chosen, self.timeframe and timeframe_named(self.timeframe))
        if kind == "bars" and self.timeframe is None:
            tables = {one: table for one, (table, _) in chosen.items()}
            timeframes |= dict(timeframes_of(tables, what, are_dates=rows.are_dates))
        stamp = self._stamp(rows, what) if kind == "bars" else "session"
        for one, (table, numbers) in chosen.items():
            delivery = self._delivery(one, kind, stamp, timeframes[one] or "", table, numbers)
            delivery = _within(delivery, request)
            if delivery.table.num_rows:
                yield delivery

    def _lean_rows(self, file: Path, names: Sequence[str], reading: Reading, form: str) -> Rows:
        pa = arrow()
        columns = read_raw(file, names, reading)
        calendar, count = self.calendar or DEFAULT_CALENDAR, len(next(iter(columns.values())))
        symbols = columns.get("symbol", pa.array([self.symbol or symbol_of(file)] * count))
        symbols = pa.chunked_array([symbols]) if isinstance(symbols, pa.Array) else symbols
        rows = np.arange(count)
        if form == "lean_actions":
            actions = lean_actions(columns, calendar, str(file))
        else:
            codes = symbols.combine_chunks().dictionary_encode()
            codes = codes.chunk(0) if isinstance(codes, pa.ChunkedArray) else codes
            numbers = codes.indices.to_numpy().astype(np.int64)
            actions, rows = lean_factors(columns, numbers, calendar, str(file))
        table = pa.table(actions)
        return Rows(table=table, symbols=symbols.take(pa.array(rows)), rows=rows, are_dates=True)

    def _stamp(self, rows: Rows, what: str) -> Stamp:
        if self.stamp is not None:
            return self.stamp
        if rows.are_dates:
            return "session"
        first = rows.table.column(TIME)[0]
        raise ConfigError(
            "stamp must say what a timestamp marks, 'start' or 'end' of the bar, unless all are "
            f"dates; it was left out and the first of {what} was {first}"
        )

    def _delivery(  # noqa: PLR0917
        self,
        symbol: str,
        kind: Kind,
        stamp: Stamp,
        timeframe: str,
        table: Any,
        rows: NDArray[np.int64],
    ) -> Delivery:
        actions = None
        if kind == "actions":
            table = _with_both(table)
        elif kind == "bars":
            table, actions = _parted(table)
        return Delivery(
            symbol=symbol,
            kind=kind,
            table=table,
            timeframe=timeframe or Request().timeframe,
            stamp=stamp,
            basis=self.basis,
            calendar=self.calendar,
            actions=actions,
            rows=rows,
        )

    @staticmethod
    def _what(files: Sequence[Path]) -> str:
        return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


_SHOWN: Final = 10
"""Symbols that the log lists [names]."""


def _kind_of(form: str) -> Kind:
    return next(kind for kind, forms in FORMS_OF.items() if form in forms)  # pyright: ignore[reportReturnType]


def _asked(request: Request, known: Mapping[str, Any], what: str) -> tuple[str, ...]:
    if request.symbols is None:
        return tuple(known)
    for symbol in request.symbols:
        if symbol not in known:
            hint = nearest_hint(symbol, known)
            raise DataError(
                f"symbol must be one of the {len(known)} of {what}, was {symbol!r}{hint}"
            )
    return request.symbols


def _within(delivery: Delivery, request: Request) -> Delivery:
    """The rows of the period that was asked for, and those whose time is not known."""
    from dataclasses import replace

    if request.start is None and request.end is None:
        return delivery
    pa = arrow()
    parts: dict[str, Any] = {}
    for name, table in (("table", delivery.table), ("actions", delivery.actions)):
        if table is None:
            continue
        column = table.column(TIME)
        ts = ints(column)
        inside = np.ones(len(ts), bool)
        if request.start is not None:
            inside &= ts >= request.start
        if request.end is not None:
            inside &= ts < request.end
        if column.null_count:
            inside |= ~column.is_valid().to_numpy()
        parts[name] = table.filter(pa.array(inside))
        if name == "table":
            parts["rows"] = delivery.rows[inside]
    return replace(delivery, **parts)


def _parted(table: Any) -> tuple[Any, Any]:
    """Bars, and the splits and dividends that stand beside them."""
    pa = arrow()
    there = [name for name in ("splits", "dividends") if name in table.column_names]
    if not there:
        return table, None
    actions = _with_both(table.select([TIME, *there]))
    splits, dividends = (actions.column(name).to_numpy() for name in ("splits", "dividends"))
    acts = ~np.isin(splits, (0.0, 1.0)) & ~np.isnan(splits)
    acts |= (dividends != 0.0) & ~np.isnan(dividends)
    bars = table.drop_columns(there)
    return bars, actions.filter(pa.array(acts))


def _with_both(table: Any) -> Any:
    pa = arrow()
    for name, neutral in (("splits", 1.0), ("dividends", 0.0)):
        if name not in table.column_names:
            table = table.append_column(name, pa.array(np.full(table.num_rows, neutral)))
    return table.select([TIME, "splits", "dividends"])

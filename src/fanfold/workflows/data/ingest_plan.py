"""What an ingest is asked for, and how it is cut: a unit a symbol and range, or a file."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast, get_args

import numpy as np

from fanfold.domain.names import nearest_hint
from fanfold.domain.period import Moment
from fanfold.domain.place import home
from fanfold.domain.prices import Basis, check_basis
from fanfold.domain.sessions import DAY_NS, MINUTE_NS
from fanfold.domain.stamps import Stamp
from fanfold.domain.timeframe import SESSION, WEEK, timeframe_named, timeframe_ns
from fanfold.errors import ConfigError
from fanfold.market.kinds import TICKS, Kind
from fanfold.market.sources.source import Request

SERVICES: Final = ("alpaca", "yahoo", "polygon")
"""Sources that are asked over a network, a symbol at a time."""

_ADJUSTED: Final = ("yahoo",)
"""Services that have no raw prices."""

SAMPLE: Final = "sample"
"""The packaged sample, as a source."""

SYMBOLS_MAX: Final = 100_000
"""Symbols of one ingest."""

UNITS_MAX: Final = 5_000_000
"""Symbols times ranges of one ingest."""

EARLIEST: Final = {"alpaca": "2015-01-01", "yahoo": "1962-01-01", "polygon": "2003-01-01"}
"""Before this a service has nothing: where daily bars begin that have no `start`."""

DAILY_YEARS: Final = 10
"""Daily or weekly bars of one request [years]."""

INTRADAY_MONTHS: Final = 1
"""Bars shorter than an hour of one request [months], at most 31 days."""

HOURLY_MONTHS: Final = 12
"""Bars of an hour or more of one request [months]."""

YEARS: Final = range(1900, 2200)
"""Years that an ingest may name."""

TICK_DAYS: Final = 1
"""Trades or quotes of one request [days]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An ingest as it is asked for, by a command or a configuration.

    Attributes:
        source: Files, folders and patterns; or one of `SERVICES`; or "sample".
        store: Folder or URL; None for the local store.
        symbols: Of which assets; None for all that files hold.
        symbols_file: Text file of symbols, one a line or by comma.
        start: First day (UTC), or earliest instant.
        end: Last day (UTC), or latest instant; None for now.
        timeframe: Of bars; None for what files hold, else sessions.
        kind: What rows; None for what files hold, else bars.
        basis: What prices are adjusted for.
        feed: Of the service.
        columns: Names of a file's columns, by ours.
        zone: Time zone of a file's timestamps that have none.
        date_format: Of a file's times, as `time.strptime` has it.
        delimiter: Between cells of a CSV file.
        decimal: What separates decimals in a CSV file.
        stamp: What a file's timestamps of bars mark.
        calendar: For all, or by symbol.
        symbol: Whose a file's rows are that has no column of symbols.
        universe: Name of the universe that a file of members describes.
        strict: Refuse a symbol with errors in its rows.
        replace: Forget what is stored of a symbol first.
        refresh: Ask again for ranges that were fetched in full.
        workers: Processors; 0 runs in this process, None chooses.
        address: A running cluster.
    """

    source: tuple[str, ...]
    store: str | None = None
    symbols: tuple[str, ...] | None = None
    symbols_file: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    timeframe: str | None = None
    kind: Kind | None = None
    basis: Basis | None = None
    feed: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    zone: str | None = None
    date_format: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    stamp: Stamp | None = None
    calendar: str | Mapping[str, str] | None = None
    symbol: str | None = None
    universe: str | None = None
    strict: bool = False
    replace: bool = False
    refresh: bool = False
    workers: int | None = None
    address: str | None = None

    @property
    def is_service(self) -> bool:
        """Whether it is asked over a network."""
        return self.source[0] in SERVICES


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that is asked of one source.

    Attributes:
        source: A service, "sample", or a file.
        request: What is asked of it.
    """

    source: str
    request: Request

    @property
    def name(self) -> str:
        """What a report calls it: its symbol, or the file's name."""
        symbols = self.request.symbols or ()
        return symbols[0] if len(symbols) == 1 else Path(self.source).name


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Work that one process does: a range of a symbol or a few, or files that share symbols.

    Attributes:
        parts: One after the other, so that of two that say different the later stands.
    """

    parts: tuple[Part, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What a report calls what it has: symbols of a service, or a file."""
        first = self.parts[0]
        return first.request.symbols or () if first.source in SERVICES else (first.name,)

    @property
    def count(self) -> int:
        """Ranges of symbols of a service, or files."""
        of_service = self.parts[0].source in SERVICES
        return len(self.parts) * (len(self.parts[0].request.symbols or ()) if of_service else 1)


def request_of(asked: Asked) -> Request:
    """What an ingest asks of its sources, all symbols and ranges together.

    Raises:
        ConfigError: An argument cannot be understood, or does not go with the source.
    """
    _check(asked)
    start, end = instant_of(asked.start, "start", 0), instant_of(asked.end, "end", 1)
    if start is not None and end is not None and start >= end:
        raise ConfigError(f"start must be before end, was {asked.start} with {asked.end}")
    return Request(
        kind=asked.kind or "bars",
        symbols=_symbols(asked),
        start=start,
        end=end,
        timeframe=timeframe_named(asked.timeframe or SESSION),
        basis=asked.basis,
    )


def store_name(asked: Asked) -> str:
    """Where the store is: the one named, or the local one."""
    return asked.store or str(home() / "store")


def _check(asked: Asked) -> None:
    known = get_args(Kind)
    if asked.kind is not None and asked.kind not in known:
        hint = nearest_hint(asked.kind, known)
        raise ConfigError(f"kind must be one of {', '.join(known)}, was {asked.kind!r}{hint}")
    check_basis(asked.basis)
    named = [one for one in asked.source if one in (*SERVICES, SAMPLE)]
    if not asked.source or (named and len(asked.source) > 1):
        raise ConfigError(
            f"source must be files, or one of {', '.join((*SERVICES, SAMPLE))}, "
            f"was {', '.join(asked.source) or 'left out'}"
        )
    of_files = {
        "map": asked.columns,
        "zone": asked.zone,
        "date_format": asked.date_format,
        "delimiter": asked.delimiter,
        "decimal": asked.decimal,
        "stamp": asked.stamp,
        "symbol": asked.symbol,
        "universe": asked.universe,
    }
    for name, value in of_files.items():
        if named and value:
            raise ConfigError(f"{name} goes with files only, {named[0]} says it itself")
    if asked.feed is not None and not asked.is_service:
        raise ConfigError(f"feed goes with {' and '.join(SERVICES)} only, was {asked.feed!r}")


def _symbols(asked: Asked) -> tuple[str, ...] | None:
    if asked.symbols is not None and asked.symbols_file is not None:
        raise ConfigError("symbols must be given by name or in a file, were both")
    found = asked.symbols
    if asked.symbols_file is not None:
        found = _read_symbols(Path(asked.symbols_file))
    if found is None:
        if asked.is_service:
            raise ConfigError(f"{asked.source[0]} must be asked for symbols: --symbols AAPL,MSFT")
        return None
    found = tuple(dict.fromkeys(name for one in found if (name := one.strip())))
    if not 0 < len(found) <= SYMBOLS_MAX:
        raise ConfigError(f"symbols must be 1 to {SYMBOLS_MAX:,}, were {len(found):,}")
    return found


def _read_symbols(file: Path) -> tuple[str, ...]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"symbols must be in a file, {file}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{file} must be UTF-8 text, one symbol a line") from None
    return tuple(one for line in lines for one in line.partition("#")[0].split(","))


def service_units(source: str, request: Request, *, together: bool) -> tuple[Unit, ...]:
    """A unit for each symbol and range, in their order.

    Symbols share a unit where the source gives several in one answer. Prices that are
    adjusted are not cut into ranges: what happens today changes all of them.

    Args:
        source: A service.
        request: All that is asked of it.
        together: Whether one unit has all ranges of a symbol.

    Raises:
        ConfigError: The period cannot be cut, or there is too much.
    """
    start = request.start
    if start is None:
        if request.kind in TICKS or timeframe_ns(request.timeframe):
            raise ConfigError(
                f"start must be given for {request.kind} of less than a session: --start 2024-01-02"
            )
        start = int(np.datetime64(EARLIEST[source], "ns").astype(np.int64))
    end = time.time_ns() if request.end is None else request.end
    if start >= end:
        raise ConfigError(f"start must be in the past, was {np.datetime64(start, 'ns')}")
    is_adjusted = source in _ADJUSTED or request.basis in ("split", "total_return")
    spans = [(start, end)]
    if not is_adjusted:
        spans = list(ranges(start, end, request.kind, request.timeframe))
    symbols = request.symbols or ()
    if len(spans) * len(symbols) > UNITS_MAX:
        raise ConfigError(
            f"symbols times ranges must be at most {UNITS_MAX:,}, were "
            f"{len(symbols):,} times {len(spans):,}: ask for less at a time"
        )
    units: list[Unit] = []
    for group in _groups(source, request):
        asked = (replace(request, symbols=group, start=at, end=to) for at, to in spans)
        parts = [Part(source=source, request=one) for one in asked]
        units += [Unit(parts=tuple(parts))] if together else [Unit(parts=(one,)) for one in parts]
    return tuple(units)


def _groups(source: str, request: Request) -> Iterator[tuple[str, ...]]:
    """Symbols that are asked for in one go."""
    if source == "alpaca":
        from fanfold.market.sources.alpaca_asked import batches

        return batches(request)
    return ((symbol,) for symbol in request.symbols or ())


def ranges(start: int, end: int, kind: str, timeframe: str) -> Iterator[tuple[int, int]]:
    """Cut ``[start, end)`` [ns UTC] where the calendar does, whatever the start.

    So a range that was once fetched in full is the same range the next time.

    Args:
        start: Earliest instant.
        end: Latest instant, excluded.
        kind: What rows.
        timeframe: Of bars.
    """
    at = start
    while at < end:
        stop = min(_next_cut(at, kind, timeframe), end)
        yield at, stop
        at = stop


def _next_cut(at: int, kind: str, timeframe: str) -> int:
    if kind in TICKS:
        return (at // DAY_NS + TICK_DAYS) * DAY_NS
    months = DAILY_YEARS * 12
    if kind == "bars" and timeframe not in (SESSION, WEEK):
        is_short = timeframe_ns(timeframe) < 60 * MINUTE_NS
        months = INTRADAY_MONTHS if is_short else HOURLY_MONTHS
    month = int(np.datetime64(at, "ns").astype("datetime64[M]").astype(np.int64))
    cut = np.datetime64((month // months + 1) * months, "M")
    return int(cut.astype("datetime64[ns]").astype(np.int64))


def instant_of(moment: Moment | None, name: str, days: int) -> int | None:
    """A moment [ns UTC]; of a date its first instant, so many days later.

    Args:
        moment: A date, an instant with a zone, or one of these in ISO form.
        name: For errors.
        days: 0 for a start, 1 for the end of a day that is included.

    Raises:
        ConfigError: It cannot be understood.
    """
    if moment is None:
        return None
    parsed: Any = moment
    if isinstance(moment, str):
        try:
            parsed = datetime.fromisoformat(moment)
        except ValueError:
            raise ConfigError(
                f"{name} must be a date such as 2012-03-01, or an ISO instant, was {moment!r}"
            ) from None
        if parsed.tzinfo is None and len(moment.strip()) <= len("2012-03-01"):
            parsed = parsed.date()
    if cast("date", parsed).year not in YEARS:
        raise ConfigError(f"{name} must be within {YEARS[0]} and {YEARS[-1]}, was {moment}")
    if not isinstance(parsed, datetime):
        day = np.datetime64(cast("date", parsed) + timedelta(days=days), "ns")
        return int(day.astype(np.int64))
    if parsed.tzinfo is None:
        raise ConfigError(f"{name} must be a date, or carry a time zone, was {moment}")
    seconds = int(parsed.replace(microsecond=0).timestamp())
    return seconds * 1_000_000_000 + parsed.microsecond * 1_000

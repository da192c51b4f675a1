"""From a tidy frame, one row a bar of an asset, to the fields of a panel.

Whatever cannot be a bar is refused with the first row that shows it: a backtest on
data silently repaired would answer another question than the one asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import by_adjusted_close
from fanfold.domain.calendars import (
    Calendar,
    calendars_given,
    dates_calendar,
    first_bars,
    panel_calendar,
)
from fanfold.domain.events import Grid, action_values, delistings, membership
from fanfold.domain.layout import BOOKED, NEUTRAL
from fanfold.domain.names import chosen_places
from fanfold.domain.panel import FIELDS
from fanfold.domain.period import Moment
from fanfold.domain.prices import (
    Basis,
    absent,
    check_basis,
    fault,
    faulty,
)
from fanfold.domain.sessions import DAY_NS, session_closes, session_columns
from fanfold.domain.stamps import Stamp, Stamps, bar_ends
from fanfold.domain.tidy import names_of, numbers_of, stamps_of, tidy_columns
from fanfold.errors import DataError

_OPTIONAL: Final = ("symbol", "adj_close", "splits", "dividends")
_BARS_MIN: Final = 2
_LONE_SYMBOL: Final = "ASSET"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpec:
    """What is known about a frame beside its content; see `Bars.from_frame`."""

    stamp: Stamp | None = None
    basis: Basis | None = None
    calendar: Calendar | None = None
    symbols: Sequence[str] | str | None = None
    bar: timedelta | None = None
    source: str = ""
    delisted_at: Mapping[str, Moment] | None = None
    delisting_return: float | Mapping[str, float] = 0.0
    members: Any = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """The frame's bars as arrays; `extra` holds the optional columns that are there.

    `left_out` are the symbols that were not asked for.
    """

    stamps: Stamps
    fields: NDArray[np.float64]  # [field, row]
    extra: dict[str, NDArray[np.float64]]
    left_out: frozenset[str]

    def __getitem__(self, rows: NDArray[Any]) -> "_Rows":
        return _Rows(
            stamps=self.stamps[rows],
            fields=self.fields[:, rows],
            extra={name: values[rows] for name, values in self.extra.items()},
            left_out=self.left_out,
        )

    def name(self, row: int) -> str:
        """Symbol and timestamp of a row, for errors."""
        return f"{self.stamps.names[self.stamps.codes[row]]} at {self.stamps.text(row)}"


def read_frame(frame: Any, spec: FrameSpec, benchmark: Any = None) -> dict[str, Any]:
    """The fields of `fanfold.domain.bars.Bars`, read from a frame.

    Args:
        frame: pandas DataFrame or Arrow Table.
        spec: What is known about it.
        benchmark: pandas Series of levels, or None.

    Raises:
        ConfigError: An argument is missing or unknown.
        DataError: The frame holds what cannot be a bar.
    """
    check_basis(spec.basis)
    columns = tidy_columns(frame, what="frame", required=("ts", *FIELDS), optional=_OPTIONAL)
    if len(columns["ts"]) == 0:
        raise DataError("frame must hold bars, it was empty")
    basis = spec.basis or ("total_return" if "adj_close" in columns else "raw")
    rows = _sound(_with_actions(_sorted(_rows(columns, spec.symbols)), basis), basis)
    symbols, given = rows.stamps.names, spec.calendar
    if given is not None:
        given = calendars_given(given, symbols, rows.left_out)
    ends = bar_ends(rows.stamps, stamp=spec.stamp, calendars=given, bar=spec.bar)
    ts, bar = np.unique(ends.ts, return_inverse=True)
    if len(ts) < _BARS_MIN:
        raise DataError(f"a frame must hold at least {_BARS_MIN} bars, was {len(ts)}")
    panel = _panel(rows.fields, bar, rows.stamps, len(ts))
    raw = None
    if basis == "total_return" and "adj_close" in rows.extra:
        raw, panel = (
            panel,
            _panel(
                by_adjusted_close(rows.fields, rows.extra["adj_close"], rows.name),
                bar,
                rows.stamps,
                len(ts),
            ),
        )
    calendar = panel_calendar(ends.calendars, ts)
    sessions = session_columns(ts, calendar)
    grid = Grid(symbols=symbols, session_day=sessions.session_day, calendar=calendar)
    first = first_bars(bar, ts, rows.stamps.codes, ends.calendars)
    return {
        "symbols": grid.symbols,
        "ts": ts,
        "panel": panel,
        "basis": basis,
        "calendar": calendar,
        "calendars": ends.calendars,
        "session_day": grid.session_day,
        "minutes_to_close": sessions.minutes_to_close,
        "is_month_end": sessions.is_month_end,
        "raw": raw,
        "benchmark": None if benchmark is None else benchmark_at(ts, benchmark, ends.calendars),
        "benchmark_name": "" if benchmark is None else str(benchmark.name),
        "source": f"{spec.source or 'frame'}, {ends.note}",
        "splits": _booked("splits", rows, first, grid, basis),
        "dividends": _booked("dividends", rows, first, grid, basis),
        "members": membership(spec.members, grid, rows.left_out),
        **delistings(spec.delisted_at, spec.delisting_return, grid, left_out=rows.left_out),
    }


def benchmark_at(
    ts: NDArray[np.int64], levels: Any, calendars: Sequence[str]
) -> NDArray[np.float64]:
    """The level last known at each bar's end; NaN before the first and after the last.

    Args:
        ts: Ends of bars [ns UTC]; shape [bar].
        levels: pandas Series, indexed by session dates or by instants with a zone.
        calendars: Of the assets; they say when a date's level was known.

    Raises:
        DataError: The levels are not sorted, positive numbers in time.
    """
    import pandas as pd

    if not isinstance(levels, pd.Series):
        raise DataError(f"benchmark must be a pandas Series, was {type(levels).__name__}")
    stamps, values = stamps_of(levels.index, "benchmark"), numbers_of(levels, "benchmark")
    if len(values) == 0 or not ((values > 0) & np.isfinite(values)).all():
        raise DataError("benchmark must hold positive, finite levels, at least one")
    if stamps.utc is None and not stamps.are_dates:
        raise DataError(f"benchmark's instants must carry a time zone, was {stamps.text(0)}")
    if stamps.are_dates:
        calendar = dates_calendar(calendars, stamps.local, ts)
        known = session_closes(stamps.local // DAY_NS, calendar)
    else:
        known = stamps.local if stamps.utc is None else stamps.utc
    if (np.diff(known) <= 0).any():
        raise DataError("benchmark must be sorted by time, each moment once")
    place = np.searchsorted(known, ts, side="right") - 1
    return np.where((place >= 0) & (ts <= known[-1]), values[np.maximum(place, 0)], np.nan)


def _rows(columns: dict[str, Any], symbols: Sequence[str] | str | None) -> _Rows:
    """Columns as arrays, of the chosen symbols only."""
    stamps = stamps_of(columns["ts"], "ts")
    names, codes, left_out = _symbols(columns.get("symbol"), symbols, len(stamps.local))
    # Added to zero, so that a volume of -0.0 and one of 0.0 have one fingerprint.
    fields = np.stack([numbers_of(columns[name], name) for name in FIELDS]) + 0.0
    rows = _Rows(
        stamps=Stamps(local=stamps.local, utc=stamps.utc, codes=codes, names=names),
        fields=fields,
        extra={name: numbers_of(columns[name], name) for name in _OPTIONAL[1:] if name in columns},
        left_out=left_out,
    )
    return rows if (codes >= 0).all() else rows[codes >= 0]


def _symbols(
    column: Any, asked: Sequence[str] | str | None, row_count: int
) -> tuple[tuple[str, ...], NDArray[np.int64], frozenset[str]]:
    """Names, each row's place among them (-1 for other symbols), and the other symbols."""
    if column is None:
        names = tuple([asked] if isinstance(asked, str) else asked or [_LONE_SYMBOL])
        if len(names) != 1:
            raise DataError(
                f"frame must have a column symbol to hold several, was asked for {names}"
            )
        return names, np.zeros(row_count, np.int64), frozenset()
    known, codes = names_of(column)
    if asked is None:
        return known, codes, frozenset()
    chosen = chosen_places(asked, known)
    place = np.full(len(known), -1)
    place[chosen] = np.arange(len(chosen))
    names = tuple(known[at] for at in chosen)
    return names, place[codes], frozenset(known).difference(names)


def _sorted(rows: _Rows) -> _Rows:
    """The same rows, refused if a symbol's timestamps do not increase."""
    stamps = rows.stamps
    order = np.argsort(stamps.codes, kind="stable")
    moments = stamps.local if stamps.utc is None else stamps.utc
    step = np.diff(moments[order])
    wrong = (step <= 0) & (np.diff(stamps.codes[order]) == 0)
    if not wrong.any():
        return rows
    later = np.flatnonzero(wrong) + 1
    at = int(later[np.argmin(order[later])])
    here, before = int(order[at]), int(order[at - 1])
    if step[at - 1] == 0:
        raise DataError(
            f"timestamps must be there once for each symbol, {rows.name(here)} is twice"
        )
    raise DataError(
        f"timestamps must be sorted for each symbol, {rows.name(here)} came after "
        f"{stamps.text(before)}"
    )


def _with_actions(rows: _Rows, basis: Basis) -> _Rows:
    """The same rows; of actions only those that the basis books, neutral where there is none."""
    extra = {name: rows.extra[name] for name in ("adj_close",) if name in rows.extra}
    for name in BOOKED[basis]:
        if name in rows.extra:
            extra[name] = action_values(name, rows.extra[name], rows.name)
    return replace(rows, extra=extra)


def _sound(rows: _Rows, basis: Basis) -> _Rows:
    """Rows that hold a bar or an action; refused if one is faulty."""
    bad = faulty(rows.fields)
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(f"{rows.name(row)}: {fault(rows.fields[:, row].tolist())}")
    present = ~absent(rows.fields)
    if not present.any():
        raise DataError(f"frame must hold bars, all {len(present)} rows were without prices")
    if present.all():
        return rows
    for name in BOOKED[basis]:
        if name in rows.extra:
            present |= rows.extra[name] != NEUTRAL[name]
    return rows[present]


def _booked(
    name: str, rows: _Rows, first: NDArray[np.int64], grid: Grid, basis: Basis
) -> NDArray[np.float64] | None:
    """Actions on the first bars of their sessions; shape [bar, asset]."""
    if name not in BOOKED[basis] or name not in rows.extra:
        return None
    booked = np.full((len(grid.session_day), len(grid.symbols)), NEUTRAL[name])
    for row in np.flatnonzero(rows.extra[name] != NEUTRAL[name]).tolist():
        cell = first[row], rows.stamps.codes[row]
        if booked[cell] != NEUTRAL[name]:
            raise DataError(
                f"{name} must be there once for each symbol and session, {rows.name(row)} was twice"
            )
        booked[cell] = rows.extra[name][row]
    return booked


def _panel(
    fields: NDArray[np.float64], bar: NDArray[np.int64], stamps: Stamps, bar_count: int
) -> NDArray[np.float64]:
    panel = np.full((len(FIELDS), bar_count, len(stamps.names)), np.nan)
    for place, values in enumerate(fields):
        panel[place, bar, stamps.codes] = values
    return panel

"""From a tidy frame, one row a bar of an asset, to the fields of a panel.

Whatever cannot be a bar is refused with the first row that shows it: a backtest on
data silently repaired would answer another question than the one asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.names import chosen_places, nearest_hint
from fanfold.domain.panel import CLOSE, FIELDS, VOLUME
from fanfold.domain.prices import (
    PRICE_MAX,
    PRICE_MIN,
    Basis,
    absent,
    check_basis,
    fault,
    faulty,
)
from fanfold.domain.sessions import DAY_NS, session_closes, session_columns
from fanfold.domain.stamps import Stamp, Stamps, bar_ends
from fanfold.errors import DataError

_OPTIONAL: Final = ("adj_close", "splits", "dividends")
_OTHER_NAMES: Final = {
    "ticker": "symbol",
    "date": "ts",
    "datetime": "ts",
    "timestamp": "ts",
    "adjclose": "adj_close",
    "stock_splits": "splits",
    "split_ratio": "splits",
    "ex_dividend": "dividends",
    "ex-dividend": "dividends",
}
_KNOWN: Final = ("symbol", "ts", *FIELDS, *_OPTIONAL)
_BARS_MIN: Final = 2
_LONE_SYMBOL: Final = "ASSET"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpec:
    """What is known about a frame beside its content; see `Bars.from_frame`."""

    stamp: Stamp | None = None
    basis: Basis | None = None
    calendar: str | None = None
    symbols: Sequence[str] | str | None = None
    bar: timedelta | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """The frame's bars as arrays; `extra` holds the optional columns that are there."""

    stamps: Stamps
    fields: NDArray[np.float64]  # [field, row]
    extra: dict[str, NDArray[np.float64]]

    def __getitem__(self, rows: NDArray[Any]) -> "_Rows":
        utc = None if self.stamps.utc is None else self.stamps.utc[rows]
        return _Rows(
            stamps=Stamps(
                local=self.stamps.local[rows],
                utc=utc,
                codes=self.stamps.codes[rows],
                names=self.stamps.names,
            ),
            fields=self.fields[:, rows],
            extra={name: values[rows] for name, values in self.extra.items()},
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
    rows = _sound(_sorted(_rows(_columns(frame), spec.symbols)))
    basis = spec.basis or ("total_return" if "adj_close" in rows.extra else "raw")
    _refuse_actions(rows, basis)
    ends = bar_ends(rows.stamps, stamp=spec.stamp, calendar=spec.calendar, bar=spec.bar)
    ts, bar = np.unique(ends.ts, return_inverse=True)
    if len(ts) < _BARS_MIN:
        raise DataError(f"a frame must hold at least {_BARS_MIN} bars, was {len(ts)}")
    panel = _panel(rows.fields, bar, rows.stamps, len(ts))
    raw = None
    if basis == "total_return" and "adj_close" in rows.extra:
        raw, panel = panel, _panel(_adjusted(rows), bar, rows.stamps, len(ts))
    sessions = session_columns(ts, ends.calendar)
    return {
        "symbols": rows.stamps.names,
        "ts": ts,
        "panel": panel,
        "basis": basis,
        "calendar": ends.calendar,
        "session_day": sessions.session_day,
        "minutes_to_close": sessions.minutes_to_close,
        "is_month_end": sessions.is_month_end,
        "raw": raw,
        "benchmark": None if benchmark is None else benchmark_at(ts, benchmark, ends.calendar),
        "benchmark_name": "" if benchmark is None else str(benchmark.name),
        "source": f"{spec.source or 'frame'}, {ends.note}",
    }


def benchmark_at(ts: NDArray[np.int64], levels: Any, calendar: str) -> NDArray[np.float64]:
    """The level last known at each bar's end; NaN before the first and after the last.

    Args:
        ts: Ends of bars [ns UTC]; shape [bar].
        levels: pandas Series, indexed by session dates or by instants with a zone.
        calendar: Calendar that says when a date's level was known.

    Raises:
        DataError: The levels are not sorted, positive numbers in time.
    """
    import pandas as pd

    if not isinstance(levels, pd.Series):
        raise DataError(f"benchmark must be a pandas Series, was {type(levels).__name__}")
    stamps, values = _stamps(levels.index, "benchmark"), _numbers(levels, "benchmark")
    if len(values) == 0 or not ((values > 0) & np.isfinite(values)).all():
        raise DataError("benchmark must hold positive, finite levels, at least one")
    if stamps.utc is None and not stamps.are_dates:
        raise DataError(f"benchmark's instants must carry a time zone, was {stamps.text(0)}")
    if stamps.are_dates:
        known = session_closes(stamps.local // DAY_NS, calendar)
    else:
        known = stamps.local if stamps.utc is None else stamps.utc
    if (np.diff(known) <= 0).any():
        raise DataError("benchmark must be sorted by time, each moment once")
    place = np.searchsorted(known, ts, side="right") - 1
    return np.where((place >= 0) & (ts <= known[-1]), values[np.maximum(place, 0)], np.nan)


def _columns(frame: Any) -> dict[str, Any]:
    """The known columns by their names, index levels included."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        frame = _from_arrow(frame)
    if len(frame) == 0:
        raise DataError("frame must hold bars, it was empty")
    found: dict[str, Any] = {}
    given: dict[str, str] = {}
    index = frame.index
    parts = [(name, index.get_level_values(level)) for level, name in enumerate(index.names)]
    if isinstance(index, pd.DatetimeIndex) and index.name is None:
        parts = [("ts", index)]
    for label, column in [*frame.items(), *parts]:
        folded = str(label).strip().lower().replace(" ", "_")
        name = _OTHER_NAMES.get(folded, folded)
        if name not in _KNOWN:
            continue
        if name in found:
            raise DataError(f"column {name} must be there once, was {given[name]!r} and {label!r}")
        found[name], given[name] = column, str(label)
    for name in ("ts", *FIELDS):
        if name not in found:
            there = ", ".join(str(label) for label in frame.columns)
            hint = nearest_hint(name, [str(label) for label in frame.columns])
            raise DataError(f"frame must have a column {name}, its columns are {there}{hint}")
    return found


def _from_arrow(frame: Any) -> Any:
    import pyarrow as pa

    kinds: Any = (cast("Any", pa).Table, cast("Any", pa).RecordBatch)
    if not isinstance(frame, kinds):
        kind = type(frame).__name__
        raise DataError(f"frame must be a pandas DataFrame or an Arrow Table, was {kind}")
    return frame.to_pandas()


def _rows(columns: dict[str, Any], symbols: Sequence[str] | str | None) -> _Rows:
    """Columns as arrays, of the chosen symbols only."""
    stamps = _stamps(columns["ts"], "ts")
    names, codes = _symbols(columns.get("symbol"), symbols, len(stamps.local))
    # Added to zero, so that a volume of -0.0 and one of 0.0 have one fingerprint.
    fields = np.stack([_numbers(columns[name], name) for name in FIELDS]) + 0.0
    rows = _Rows(
        stamps=Stamps(local=stamps.local, utc=stamps.utc, codes=codes, names=names),
        fields=fields,
        extra={name: _numbers(columns[name], name) for name in _OPTIONAL if name in columns},
    )
    return rows if (codes >= 0).all() else rows[codes >= 0]


def _stamps(column: Any, name: str) -> Stamps:
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


def _symbols(
    column: Any, asked: Sequence[str] | str | None, row_count: int
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names, and each row's place among them; -1 for rows of other symbols."""
    import pandas as pd

    if column is None:
        names = tuple([asked] if isinstance(asked, str) else asked or [_LONE_SYMBOL])
        if len(names) != 1:
            raise DataError(
                f"frame must have a column symbol to hold several, was asked for {names}"
            )
        return names, np.zeros(row_count, np.int64)
    codes: NDArray[np.int64]
    codes, uniques = cast("Any", pd).factorize(column)
    known: list[Any] = [*uniques]
    if (codes < 0).any():
        raise DataError(f"symbol must not be empty, row {int(np.argmax(codes < 0))} was")
    for one in known:
        if not isinstance(one, str) or not one.strip():
            raise DataError(f"symbol must be a text, was {one!r}")
    if asked is None:
        return tuple(known), codes.astype(np.int64)
    chosen = chosen_places(asked, known)
    place = np.full(len(known), -1)
    place[chosen] = np.arange(len(chosen))
    return tuple(known[at] for at in chosen), place[codes]


def _numbers(column: Any, name: str) -> NDArray[np.float64]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype):
        raise DataError(f"{name} must hold numbers, was {column.dtype}: {column[:1].tolist()}")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(values), np.nan, values)  # one NaN, so one fingerprint


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


def _sound(rows: _Rows) -> _Rows:
    """Rows that hold a bar; refused if one is faulty."""
    bad = faulty(rows.fields)
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(f"{rows.name(row)}: {fault(rows.fields[:, row].tolist())}")
    present = ~absent(rows.fields)
    if not present.any():
        raise DataError(f"frame must hold bars, all {len(present)} rows were without prices")
    return rows if present.all() else rows[present]


def _refuse_actions(rows: _Rows, basis: Basis) -> None:
    if basis == "total_return":
        return  # contained in the adjusted prices
    kinds = {"splits": (0.0, 1.0), "dividends": (0.0,)}
    for name in ("dividends",) if basis == "split" else ("splits", "dividends"):
        values = rows.extra.get(name)
        if values is None:
            continue
        booked = ~(np.isnan(values) | np.isin(values, kinds[name]))
        if booked.any():
            row = int(np.argmax(booked))
            raise DataError(
                f"{name} are not booked yet on bars of basis {basis}, {rows.name(row)} had "
                f"{values[row]}: use adjusted prices (a column adj_close and basis='total_return')"
            )


def _adjusted(rows: _Rows) -> NDArray[np.float64]:
    adjusted = rows.extra["adj_close"]
    wrong = ~((adjusted >= PRICE_MIN) & (adjusted <= PRICE_MAX))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{rows.name(row)}: adj_close must be a price from {PRICE_MIN:g} to {PRICE_MAX:g}, "
            f"was {adjusted[row]}"
        )
    fields = rows.fields.copy()
    fields[:VOLUME] *= adjusted / rows.fields[CLOSE]
    return fields


def _panel(
    fields: NDArray[np.float64], bar: NDArray[np.int64], stamps: Stamps, bar_count: int
) -> NDArray[np.float64]:
    panel = np.full((len(FIELDS), bar_count, len(stamps.names)), np.nan)
    for place, values in enumerate(fields):
        panel[place, bar, stamps.codes] = values
    return panel

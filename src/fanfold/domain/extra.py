"""Columns beside prices, each value from the moment on which it was known.

A figure belongs to a date and becomes known later. Aligned by its date it is a look
into the future, so only the moment of its arrival counts here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.events import Grid
from fanfold.domain.names import nearest_hint
from fanfold.domain.sessions import DAY_NS, exchange_zone, instants
from fanfold.domain.stamps import Stamps
from fanfold.domain.tidy import names_of, numbers_of, stamps_of, tidy_columns
from fanfold.errors import DataError


def known_values(name: str, frame: Any, grid: Grid, ts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The value last known at each bar's end.

    Args:
        name: What the column is called.
        frame: Rows of symbol, available_at and value, in any order; see
            `Bars.with_column`.
        grid: The panel.
        ts: Ends of its bars [ns UTC]; shape [bar].

    Returns:
        NaN before the first value; shape [bar, asset].

    Raises:
        DataError: A column is missing, a symbol is not there, or an asset has two values
            of one moment.
    """
    what = f"column {name}"
    columns = tidy_columns(
        frame, what=what, required=("available_at", "value"), optional=("symbol",)
    )
    known = np.full((len(ts), len(grid.symbols)), np.nan)
    values = columns["value"]
    if len(values) == 0:
        return known
    stamps = stamps_of(columns["available_at"], f"available_at of {what}")
    moments = _known_at(stamps, grid.calendar)
    values = numbers_of(values, what)
    if "symbol" not in columns:
        _refuse_twice(what, "a value of all assets", moments, stamps)
        known[:] = _last(moments, values, ts)[:, None]
        return known
    names, codes = names_of(columns["symbol"])
    for code, symbol in enumerate(names):
        rows = np.flatnonzero(codes == code)
        if symbol not in grid.symbols:
            hint = nearest_hint(symbol, grid.symbols)
            raise DataError(
                f"{what} must name assets of the bars, was {symbol!r} at "
                f"{stamps.text(int(rows[0]))}{hint}"
            )
        _refuse_twice(what, symbol, moments[rows], stamps, rows)
        known[:, grid.symbols.index(symbol)] = _last(moments[rows], values[rows], ts)
    return known


def _known_at(stamps: Stamps, calendar: str) -> NDArray[np.int64]:
    """Instants [ns UTC]: as they are with a zone, the ends of days without."""
    if stamps.utc is not None:
        return stamps.utc
    if not stamps.are_dates:
        clock = int(np.argmax(stamps.local % DAY_NS != 0))
        raise DataError(
            f"{stamps.names[0]} must carry a time zone (tz_localize it) or hold dates, "
            f"was {stamps.text(clock)}"
        )
    return instants(stamps.local + DAY_NS, exchange_zone(calendar))


def _last(
    moments: NDArray[np.int64], values: NDArray[np.float64], ts: NDArray[np.int64]
) -> NDArray[np.float64]:
    order = np.argsort(moments)
    place = np.searchsorted(moments[order], ts, side="right") - 1
    return np.where(place >= 0, values[order][np.maximum(place, 0)], np.nan)


def _refuse_twice(
    what: str,
    symbol: str,
    moments: NDArray[np.int64],
    stamps: Stamps,
    rows: NDArray[np.int64] | None = None,
) -> None:
    order = np.argsort(moments, kind="stable")
    same = np.diff(moments[order]) == 0
    if same.any():
        at = int(order[int(np.argmax(same)) + 1])
        row = at if rows is None else int(rows[at])
        raise DataError(
            f"{what} must have one value a moment, {symbol} at {stamps.text(row)} was twice"
        )

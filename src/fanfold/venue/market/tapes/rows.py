"""Minute bars of many assets as columns, with the day so far beside each."""

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.venue.market.history.past import Minutes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

OPENING = 1
"""A minute whose first trade is the session's opening auction."""

CLOSING = 2
"""A minute whose last trade is the session's closing auction; both may be one minute."""

TRADES_A_MINUTE: Final = 4
"""Trades of each minute, numbered by its place since 1970 so that they follow from time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Minutes, by start and then by asset; shapes [row].

    Attributes:
        start: When each begins [ns UTC].
        code: Place of its asset.
        open, high, low, close, volume: As always.
        first: The extreme that comes first, the nearer to the open.
        second: The other.
        size: Units of each of its first three trades; the last has what is left.
        vwap: Mean price of its trades by size.
        regular: Whether it is inside the session.
        auction: `OPENING`, `CLOSING`, both or neither.
        day: Date of its session [days since 1970-01-01].
        day_start: When that date begins [ns UTC].
        day_open, day_high, day_low, day_volume, day_value, day_count: The session up to
            here; nothing before its first regular minute. Value is price × volume.
    """

    start: Ints
    code: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    first: Floats
    second: Floats
    size: Floats
    vwap: Floats
    regular: Bools
    auction: Ints
    day: Ints
    day_start: Ints
    day_open: Floats
    day_high: Floats
    day_low: Floats
    day_volume: Floats
    day_value: Floats
    day_count: Ints

    def __len__(self) -> int:
        """Minutes."""
        return len(self.start)

    @property
    def day_vwap(self) -> Floats:
        """Mean price of the session up to each minute inside it."""
        return np.clip(self.day_value / self.day_volume, self.day_low, self.day_high)

    def take(self, places: Any) -> "Rows":
        """Some of the rows."""
        return Rows(**{one.name: getattr(self, one.name)[places] for one in fields(self)})


def minutes_asked(rows: Rows, minute_ns: int) -> Minutes:
    """Minutes of one asset as they are asked for: late trades are in them."""
    return Minutes(
        start=rows.start,
        known=rows.start + minute_ns,
        open=rows.open,
        high=rows.high,
        low=rows.low,
        close=rows.close,
        volume=rows.volume,
        trade_count=np.full(len(rows), TRADES_A_MINUTE),
        vwap=rows.vwap,
    )


def days_asked(rows: Rows, minute_ns: int) -> Minutes:
    """Sessions of one asset up to each of some minutes inside them, as they are asked for."""
    return Minutes(
        start=rows.day_start,
        known=rows.start + minute_ns,
        open=rows.day_open,
        high=rows.day_high,
        low=rows.day_low,
        close=rows.close,
        volume=rows.day_volume,
        trade_count=rows.day_count * TRADES_A_MINUTE,
        vwap=rows.day_vwap,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """Minutes before their day is reckoned, by asset and then by start; shapes [row].

    Attributes:
        start, code, open, high, low, close, volume, day: As in `Rows`.
        whole: Whether the asset's sizes are whole.
        day_start: As in `Rows`.
        session_open: When the row's session opens [ns UTC].
        session_close: When it closes [ns UTC].
    """

    start: Ints
    code: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    whole: Bools
    day: Ints
    day_start: Ints
    session_open: Ints
    session_close: Ints


def rows_of(sheet: Sheet, minute_ns: int) -> Rows:
    """Reckon the path of each minute and the day so far.

    Args:
        sheet: The minutes.
        minute_ns: How long each is [ns].
    """
    up_first = sheet.high - sheet.open <= sheet.open - sheet.low
    first = np.where(up_first, sheet.high, sheet.low)
    second = np.where(up_first, sheet.low, sheet.high)
    quarter = sheet.volume / 4.0
    size = np.where(sheet.whole & (quarter >= 1.0), np.floor(quarter), quarter)
    last = sheet.volume - 3.0 * size
    value = size * (sheet.open + first + second) + last * sheet.close
    vwap = np.clip(value / sheet.volume, sheet.low, sheet.high)
    end = sheet.start + minute_ns
    regular = (sheet.start >= sheet.session_open) & (end <= sheet.session_close)
    day = _days_so_far(sheet, value, regular)
    opening = regular & (day["day_count"] == 1)
    closing = regular & (end == sheet.session_close)
    order = np.lexsort((sheet.code, sheet.start))
    return Rows(
        start=sheet.start,
        code=sheet.code,
        open=sheet.open,
        high=sheet.high,
        low=sheet.low,
        close=sheet.close,
        volume=sheet.volume,
        first=first,
        second=second,
        size=size,
        vwap=vwap,
        regular=regular,
        auction=np.where(opening, OPENING, 0) + np.where(closing, CLOSING, 0),
        day=sheet.day,
        day_start=sheet.day_start,
        **day,
    ).take(order)


def _days_so_far(sheet: Sheet, value: Floats, regular: Bools) -> dict[str, Any]:
    """Sums and extremes of each asset's session up to each of its rows."""
    count = len(sheet.start)
    made: dict[str, Any] = {name: np.zeros(count) for name in _SUMS}
    made["day_count"] = np.zeros(count, np.int64)
    change = (np.diff(sheet.code) != 0) | (np.diff(sheet.day) != 0)
    edges = [0, *(np.flatnonzero(change) + 1).tolist(), count] if count else [0]
    high = np.where(regular, sheet.high, -np.inf)
    low = np.where(regular, sheet.low, np.inf)
    volume, worth = np.where(regular, sheet.volume, 0.0), np.where(regular, value, 0.0)
    for begin, stop in pairwise(edges):
        part = slice(begin, stop)
        made["day_open"][part] = sheet.open[begin + int(np.argmax(regular[part]))]
        np.maximum.accumulate(high[part], out=made["day_high"][part])
        np.minimum.accumulate(low[part], out=made["day_low"][part])
        np.cumsum(volume[part], out=made["day_volume"][part])
        np.cumsum(worth[part], out=made["day_value"][part])
        np.cumsum(regular[part], out=made["day_count"][part])
    return made


_SUMS = ("day_open", "day_high", "day_low", "day_volume", "day_value")

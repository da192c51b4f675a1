"""Rows whose own numbers cannot be: they are set aside whatever stands around them."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.prices import PRICE_MAX, PRICE_MIN, absent, fault, faulty
from fanfold.domain.sessions import DAY_NS
from fanfold.market.quality.about import About, Bad

_EARLIEST: Final = int(np.datetime64("1900-01-01", "ns").astype(np.int64))
_LATEST: Final = int(np.datetime64("2100-01-01", "ns").astype(np.int64))
_EPOCH_NS: Final = 30 * DAY_NS
"""Where instants of our time land if their unit is taken for a smaller one."""

_NOT_A_TIME: Final = np.iinfo(np.int64).min


def bad_times(ts: NDArray[np.int64], about: About) -> Iterator[Bad]:
    """Rows that end when no market could have traded.

    Args:
        ts: Ends of bars, or instants [ns UTC]; shape [row].
        about: Whose.
    """
    if len(ts) == 0 or (ts.min() >= _EPOCH_NS and ts.max() < _LATEST):
        return
    unit = (ts >= 0) & (ts < _EPOCH_NS)
    # There are sessions of that month, but no shorter bars, and none decades before the others.
    if unit.any() and not about.is_intraday and np.median(ts) < 365 * DAY_NS:
        unit[:] = False
    units = unit.tolist()
    for row in np.flatnonzero((ts < _EARLIEST) | (ts >= _LATEST) | unit).tolist():
        if ts[row] == _NOT_A_TIME:
            reason = "a row must have a timestamp, was none"
        elif units[row]:
            reason = (
                "a timestamp must be an instant at which the market traded, was "
                f"{np.datetime64(int(ts[row]), 'ns')}: its unit was taken for a smaller one, "
                "or it was zero"
            )
        else:
            reason = (
                "a timestamp must lie from 1900 to 2100, "
                f"was {np.datetime64(int(ts[row]), 'ns').astype('datetime64[s]')}"
            )
        yield row, "bad_timestamp", reason


def bad_bars(fields: NDArray[np.float64], adj_close: NDArray[np.float64] | None) -> Iterator[Bad]:
    """Bars that break a rule of `fanfold.domain.prices`, or have no price at all.

    Args:
        fields: Open, high, low, close, volume; shape [field, row].
        adj_close: The vendor's adjusted close, NaN if unknown; shape [row].
    """
    empty = absent(fields)
    bad = faulty(fields) | empty
    # In this order, as a missing price breaks all other rules too.
    for row in np.flatnonzero(bad).tolist():
        bar = fields[:, row].tolist()
        if empty[row]:
            yield row, "missing_value", "a bar must have prices, had none"
        elif any(math.isnan(price) for price in bar[:4]):
            yield row, "missing_value", fault(bar)
        elif any(not PRICE_MIN <= price <= PRICE_MAX for price in bar[:4]):
            yield row, "nonpositive_price", fault(bar)
        else:
            reason = fault(bar)
            kind = "negative_volume" if reason.startswith("volume") else "ohlc"
            yield row, kind, reason
    if adj_close is not None:
        with np.errstate(invalid="ignore"):
            wrong = ~bad & ((adj_close < PRICE_MIN) | (adj_close > PRICE_MAX))
        for row in np.flatnonzero(wrong).tolist():
            text = f"adj_close must be a price from {PRICE_MIN:g} to {PRICE_MAX:g}"
            yield row, "nonpositive_price", f"{text}, was {adj_close[row]}"


def column(rows: Any, name: str, length: int) -> NDArray[np.float64]:
    """A column as float64, NaN where the source has none; shape [row]."""
    if name not in rows:
        return np.full(length, np.nan)
    return np.ascontiguousarray(rows[name], np.float64)


def numbered(row: int, row_numbers: Sequence[int] | NDArray[np.int64] | None) -> int:
    """Number of a row in its source."""
    return row if row_numbers is None else int(row_numbers[row])

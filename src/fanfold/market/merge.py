"""Stored bars and newer ones of the same market, as one panel.

What both hold must be equal. A value that changed is news about the past, and who
wants the new past asks for it: replaced silently, yesterday's result could not be
repeated and nobody would know why.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.panel import FIELDS
from fanfold.domain.period import ts_text
from fanfold.domain.prices import absent
from fanfold.errors import DataError

_HINT = "write with replace=True to keep only the new"


def merge(stored: Bars, newer: Bars) -> Bars:
    """All bars of both; symbols of `stored` come first.

    Raises:
        DataError: They differ in kind, or in a value of the same bar.
    """
    for label in ("basis", "calendar", "benchmark_name"):
        old, new = getattr(stored, label), getattr(newer, label)
        if old != new:
            raise DataError(f"{label} must be {old!r} as stored, was {new!r}; {_HINT}")
    if (stored.raw is None) != (newer.raw is None):
        raise DataError(f"raw prices must be in both or in neither, stored and new differ; {_HINT}")
    symbols = stored.symbols + tuple(name for name in newer.symbols if name not in stored.symbols)
    ts = np.union1d(stored.ts, newer.ts)
    merged: dict[str, Any] = {
        name: _column(name, ts, stored, newer)
        for name in ("session_day", "minutes_to_close", "is_month_end", "benchmark")
    }
    for name in ("panel", "raw"):
        merged[name] = _panel(name, ts, symbols, stored, newer)
    return replace(stored, symbols=symbols, ts=ts, **merged)


def _column(name: str, ts: NDArray[np.int64], stored: Bars, newer: Bars) -> NDArray[Any] | None:
    kind = getattr(stored, name) if getattr(stored, name) is not None else getattr(newer, name)
    if kind is None:
        return None
    merged = np.full(len(ts), np.nan)
    for bars in (stored, newer):
        values = getattr(bars, name)
        if values is None:
            continue
        at = np.searchsorted(ts, bars.ts)
        before = merged[at]
        differs = ~(np.isnan(before) | np.isnan(values) | (before == values))
        if differs.any():
            bar = int(np.argmax(differs))
            raise DataError(
                f"{name} in the bar ending {ts_text(bars.ts[bar])} must be {before[bar]} as "
                f"stored, was {values[bar]}; {_HINT}"
            )
        merged[at] = np.where(np.isnan(values), before, values)
    return merged.astype(kind.dtype)


def _panel(
    name: str, ts: NDArray[np.int64], symbols: tuple[str, ...], stored: Bars, newer: Bars
) -> NDArray[np.float64] | None:
    if getattr(stored, name) is None:
        return None
    merged = np.full((len(FIELDS), len(ts), len(symbols)), np.nan)
    for bars in (stored, newer):
        panel: NDArray[np.float64] = getattr(bars, name)
        rows = np.searchsorted(ts, bars.ts)
        columns = [symbols.index(symbol) for symbol in bars.symbols]
        place = np.ix_(np.arange(len(FIELDS)), rows, np.array(columns))
        before = merged[place]
        both = ~absent(before) & ~absent(panel)
        equal = (before == panel) | (np.isnan(before) & np.isnan(panel))
        if (both & ~equal).any():
            field, bar, asset = np.unravel_index(int(np.argmax(both & ~equal)), panel.shape)
            raise DataError(
                f"{FIELDS[field]} of {bars.symbols[asset]} in the bar ending "
                f"{ts_text(bars.ts[bar])} must be {before[field, bar, asset]} as stored, was "
                f"{panel[field, bar, asset]}; {_HINT}"
            )
        merged[place] = np.where(absent(panel), before, panel)
    return merged

"""Stored bars and newer ones of the same market, as one panel.

What both hold must be equal. A value that changed is news about the past, and who
wants the new past asks for it: replaced silently, yesterday's result could not be
repeated and nobody would know why.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import NEVER, carried
from fanfold.domain.bars import Bars
from fanfold.domain.layout import NEUTRAL, speaking
from fanfold.domain.panel import FIELDS
from fanfold.domain.period import day_text, ts_text
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
    if set(stored.extra) != set(newer.extra):
        there, given = (", ".join(bars.extra) or "none" for bars in (stored, newer))
        raise DataError(f"extra columns must be {there} as stored, was {given}; {_HINT}")
    symbols = stored.symbols + tuple(name for name in newer.symbols if name not in stored.symbols)
    calendars = _calendars(symbols, stored, newer)
    ts = np.union1d(stored.ts, newer.ts)
    merged: dict[str, Any] = {
        name: _column(name, ts, stored, newer)
        for name in ("session_day", "minutes_to_close", "is_month_end", "benchmark")
    }
    for name in ("panel", "raw"):
        merged[name] = _panel(name, ts, symbols, stored, newer)
    for name in ("splits", "dividends", "members"):
        values = getattr(stored, name), getattr(newer, name)
        merged[name] = _cells(name, ts, symbols, (stored, newer), values)
    extra = {
        name: _cells(name, ts, symbols, (stored, newer), (stored.extra[name], newer.extra[name]))
        for name in stored.extra
    }
    merged |= _delistings(symbols, stored, newer)
    return replace(stored, symbols=symbols, calendars=calendars, ts=ts, extra=extra, **merged)


def _calendars(symbols: tuple[str, ...], stored: Bars, newer: Bars) -> tuple[str, ...]:
    known = dict(zip(stored.symbols, stored.calendars, strict=True))
    for symbol, calendar in zip(newer.symbols, newer.calendars, strict=True):
        if known.setdefault(symbol, calendar) != calendar:
            raise DataError(
                f"calendar of {symbol} must be {known[symbol]!r} as stored, was {calendar!r}; "
                f"{_HINT}"
            )
    return tuple(known[symbol] for symbol in symbols)


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


def _cells(
    name: str,
    ts: NDArray[np.int64],
    symbols: tuple[str, ...],
    parts: tuple[Bars, Bars],
    values: tuple[NDArray[Any] | None, NDArray[Any] | None],
) -> NDArray[Any] | None:
    """A column of [bar, asset]; None where neither part has it.

    A part knows a cell where it has prices, or a value that says something.
    """
    if values[0] is None and values[1] is None:
        return None
    neutral = NEUTRAL.get(name, np.nan)
    merged = np.full((len(ts), len(symbols)), np.nan)  # until known
    for bars, given in zip(parts, values, strict=True):
        columns = np.array([symbols.index(symbol) for symbol in bars.symbols])
        place = np.ix_(np.searchsorted(ts, bars.ts), columns)
        array = np.full((bars.bar_count, bars.asset_count), neutral) if given is None else given
        says = ~np.isnan(array) if np.isnan(neutral) else (array != neutral) | speaking(bars)
        before = merged[place]
        differs = says & ~np.isnan(before) & (before != array)
        if differs.any():
            bar, asset = np.unravel_index(int(np.argmax(differs)), differs.shape)
            raise DataError(
                f"{name} of {bars.symbols[asset]} in the bar ending {ts_text(bars.ts[bar])} must "
                f"be {before[bar, asset]} as stored, was {array[bar, asset]}; {_HINT}"
            )
        merged[place] = np.where(says, array, before)
    if name == "members":
        return carried(merged, before=True).astype(np.bool_)
    return np.where(np.isnan(merged), neutral, merged)


def _delistings(symbols: tuple[str, ...], stored: Bars, newer: Bars) -> dict[str, NDArray[Any]]:
    """Days and returns of both; that an asset was delisted since is no contradiction."""
    known: dict[str, tuple[int, float]] = {}
    for bars in (stored, newer):
        if bars.delisted_day is None or bars.delisting_return is None:
            continue
        for symbol, day, returned in zip(
            bars.symbols, bars.delisted_day.tolist(), bars.delisting_return.tolist(), strict=True
        ):
            if day == NEVER:
                continue
            before = known.setdefault(symbol, (day, returned))
            if before != (day, returned):
                raise DataError(
                    f"delisting of {symbol} must be on {day_text(before[0])} with a return of "
                    f"{before[1]} as stored, was {day_text(day)} with {returned}; {_HINT}"
                )
    event = [known.get(symbol, (NEVER, 0.0)) for symbol in symbols]
    return {
        "delisted_day": np.array([day for day, _ in event], np.int64),
        "delisting_return": np.array([returned for _, returned in event], np.float64),
    }

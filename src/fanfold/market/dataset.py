"""One stored dataset: Parquet files, one a symbol, and a page that names them.

    dataset.json                 what the dataset is, and which files it is
    clock/….parquet              ts, session columns, benchmark
    bars/symbol=AAPL/….parquet   ts, open … volume [, raw_open … raw_volume]
                                 [, splits, dividends, members, extra.…]

Files are named by their content and never changed. A write adds files and then swaps
`dataset.json`, so a reader sees the dataset before the write or after it. Session
columns are stored, so reading needs no calendar library, and no pandas, unless some of
the assets are read and their calendar is not the panel's.
"""

import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.calendars import narrowed_clock
from fanfold.domain.layout import CELL, EXTRA, LAYOUT, NEUTRAL, arrays_of
from fanfold.domain.names import chosen_places
from fanfold.domain.panel import FIELDS
from fanfold.domain.period import day_text
from fanfold.domain.prices import Basis
from fanfold.errors import DataError
from fanfold.market.columns import Columns, read_columns, write_columns
from fanfold.market.quality import BadRow

PAGE = "dataset.json"
"""The file that makes a folder a dataset."""

Page = dict[str, Any]
"""Content of that file."""

_FORMAT = 1
_PAGE_KEYS = {
    *("format", "symbols", "first", "last", "bar_count", "basis", "calendar", "fingerprint"),
    *("benchmark_name", "source", "has_raw", "quarantined", "clock", "files"),
}
_CLOCK = ("ts", "session_day", "minutes_to_close", "is_month_end")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """What a stored dataset is.

    Attributes:
        name: Its name in the store.
        symbols: Its assets.
        first: Date of the first session.
        last: Date of the last session.
        bar_count: Bars of the panel.
        basis: What the prices are adjusted for.
        calendar: Exchange calendar, or "24/7".
        fingerprint: Of its content, see `Bars.fingerprint`.
        source: Where the bars came from, for people.
        has_raw: Whether prices as traded are stored beside adjusted ones.
        quarantined: Rows of the source that could not be bars.
        path: Its folder.
    """

    name: str
    symbols: tuple[str, ...]
    first: date
    last: date
    bar_count: int
    basis: Basis
    calendar: str
    fingerprint: str
    source: str
    has_raw: bool
    quarantined: tuple[BadRow, ...]
    path: Path


def read_page(folder: Path) -> Page:
    """The page of a dataset's folder.

    Raises:
        DataError: It is missing, damaged or of another format.
    """
    file = folder / PAGE
    try:
        page = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{file} must be a readable page of a dataset: {error}") from error
    if not isinstance(page, dict) or not _PAGE_KEYS.issubset(page):  # pyright: ignore[reportUnknownArgumentType]
        raise DataError(f"{file} must be a whole page of a dataset, keys are missing")
    if page["format"] != _FORMAT:
        raise DataError(f"{file} must be of format {_FORMAT}, was {page['format']}")
    return page  # pyright: ignore[reportUnknownVariableType]


def dataset_info(folder: Path, page: Page) -> DatasetInfo:
    """What the page says, for people."""
    return DatasetInfo(
        name=folder.name,
        symbols=tuple(page["symbols"]),
        first=date.fromisoformat(page["first"]),
        last=date.fromisoformat(page["last"]),
        bar_count=page["bar_count"],
        basis=page["basis"],
        calendar=page["calendar"],
        fingerprint=page["fingerprint"],
        source=page["source"],
        has_raw=page["has_raw"],
        quarantined=tuple(BadRow(**row) for row in page["quarantined"]),
        path=folder,
    )


def read_bars(folder: Path, page: Page, symbols: Sequence[str] | str | None) -> Bars:
    """Read the bars that a page names.

    Args:
        folder: The dataset's folder.
        page: Its page.
        symbols: Only these, in this order.

    Raises:
        DataError: A symbol is not there, or a file is missing or damaged.
    """
    info = dataset_info(folder, page)
    chosen = list(info.symbols)
    if symbols is not None:
        chosen = [info.symbols[place] for place in chosen_places(symbols, info.symbols)]
    known = page.get("calendars", [info.calendar] * len(info.symbols))
    by_symbol = dict(zip(info.symbols, known, strict=True))
    calendars = tuple(by_symbol[symbol] for symbol in chosen)
    clock = read_columns(folder / page["clock"], _CLOCK)
    told = dict[str, Any](calendar=info.calendar, **clock)
    if set(calendars) != set(known):
        told |= narrowed_clock(info.calendar, calendars, clock["ts"])
    panels = {"": np.full((len(FIELDS), len(clock["ts"]), len(chosen)), np.nan)}
    if info.has_raw:
        panels["raw_"] = panels[""].copy()
    cells = {name: _blank(name, panels[""].shape[1:]) for name in page.get("cells", [])}
    for asset, symbol in enumerate(chosen):
        _fill(panels, cells, asset, folder / page["files"][symbol], clock["ts"])
    named = {name: values for name, values in cells.items() if name in LAYOUT}
    bars = Bars(
        symbols=tuple(chosen),
        panel=panels[""],
        raw=panels.get("raw_"),
        basis=info.basis,
        calendar=told.pop("calendar"),
        calendars=calendars,
        benchmark_name=page["benchmark_name"],
        source=info.source,
        extra={name.removeprefix(EXTRA): cells[name] for name in cells if name not in named},
        **told,
        **named,
        **_delistings(page, chosen),
    )
    if chosen == list(info.symbols) and bars.fingerprint != info.fingerprint:
        raise DataError(f"{folder} must hold what was written, its fingerprint is another")
    return bars


def write_dataset(folder: Path, bars: Bars, quarantined: Sequence[BadRow]) -> Page:
    """Make the folder hold these bars, and no others.

    Returns:
        The new page.

    Raises:
        DataError: The folder cannot be written to.
    """
    page = _write_files(folder, bars, quarantined)
    _swap_page(folder, page)
    _forget_others(folder, page)
    return page


def _fill(
    panels: dict[str, NDArray[np.float64]],
    cells: dict[str, NDArray[Any]],
    asset: int,
    file: Path,
    ts: NDArray[np.int64],
) -> None:
    names = {prefix: [prefix + field for field in FIELDS] for prefix in panels}
    columns = read_columns(file, ["ts", *chain.from_iterable(names.values()), *cells])
    if not np.isin(columns["ts"], ts).all():
        raise DataError(f"{file} must hold bars of its dataset's clock, it holds others")
    at = np.searchsorted(ts, columns["ts"])
    for prefix, panel in panels.items():
        for place, name in enumerate(names[prefix]):
            panel[place, at, asset] = columns[name]
    for name, values in cells.items():
        values[at, asset] = columns[name]


def _blank(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """A column of [bar, asset] that says nothing yet."""
    kind, _ = LAYOUT.get(name, (np.float64, CELL))
    return np.full(shape, NEUTRAL.get(name, np.nan), kind)


def _cells(bars: Bars) -> dict[str, NDArray[Any]]:
    """Columns of shape [bar, asset], in the fingerprint's order."""
    return {
        name: array
        for name, array in arrays_of(bars).items()
        if name not in LAYOUT or LAYOUT[name][1] == CELL
    }


def _delistings(page: Page, symbols: Sequence[str]) -> dict[str, NDArray[Any]]:
    delisted = page.get("delisted", {})
    known = [delisted.get(symbol, (NEVER, 0.0)) for symbol in symbols]
    return {
        "delisted_day": np.array([day for day, _ in known], np.int64),
        "delisting_return": np.array([returned for _, returned in known], np.float64),
    }


def _delisted(bars: Bars) -> dict[str, tuple[int, float]]:
    if bars.delisted_day is None or bars.delisting_return is None:
        return {}
    events = zip(bars.delisted_day.tolist(), bars.delisting_return.tolist(), strict=True)
    named = dict(zip(bars.symbols, events, strict=True))
    return {symbol: event for symbol, event in named.items() if event[0] != NEVER}


def _write_files(folder: Path, bars: Bars, quarantined: Sequence[BadRow]) -> Page:
    clock: Columns = {name: getattr(bars, name) for name in _CLOCK}
    if bars.benchmark is not None:
        clock["benchmark"] = bars.benchmark
    files: dict[str, str] = {}
    for asset, symbol in enumerate(bars.symbols):
        part = f"bars/symbol={quote(symbol, safe='')}"
        files[symbol] = f"{part}/{write_columns(_asset_columns(bars, asset), folder / part)}"
    return {
        "format": _FORMAT,
        "symbols": list(bars.symbols),
        "first": day_text(bars.session_day[0]),
        "last": day_text(bars.session_day[-1]),
        "bar_count": bars.bar_count,
        "basis": bars.basis,
        "calendar": bars.calendar,
        "calendars": list(bars.calendars),
        "fingerprint": bars.fingerprint,
        "benchmark_name": bars.benchmark_name,
        "source": bars.source,
        "has_raw": bars.raw is not None,
        "cells": list(_cells(bars)),
        "delisted": _delisted(bars),
        "quarantined": [asdict(row) for row in quarantined],
        "clock": f"clock/{write_columns(clock, folder / 'clock')}",
        "files": files,
    }


def _asset_columns(bars: Bars, asset: int) -> Columns:
    """One asset's columns, of the bars in which it has any value."""
    panels = [("", bars.panel)] if bars.raw is None else [("", bars.panel), ("raw_", bars.raw)]
    there = np.zeros(bars.bar_count, bool)
    for _, panel in panels:
        there |= ~np.isnan(panel[:, :, asset]).all(axis=0)
    cells = {name: array[:, asset] for name, array in _cells(bars).items()}
    for name, values in cells.items():
        there |= ~np.isnan(values) if name not in NEUTRAL else values != NEUTRAL[name]
    columns: Columns = {"ts": bars.ts[there]}
    for prefix, panel in panels:
        for place, field in enumerate(FIELDS):
            columns[prefix + field] = panel[place, there, asset]
    return columns | {name: values[there] for name, values in cells.items()}


def _swap_page(folder: Path, page: Page) -> None:
    part = folder / f".{PAGE}.{uuid.uuid4().hex}"
    try:
        part.write_text(json.dumps(page, indent=1) + "\n")
        os.replace(part, folder / PAGE)  # noqa: PTH105  (says what it does: atomically)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(f"{folder} must be writable: {error}") from error


def _forget_others(folder: Path, page: Page) -> None:
    """Remove files that the page no longer names."""
    named = {folder / page["clock"], *(folder / file for file in page["files"].values())}
    for file in [*folder.glob("clock/*.parquet"), *folder.glob("bars/*/*.parquet")]:
        if file not in named:
            file.unlink(missing_ok=True)

"""What a store holds, in a few lines: one description of all rows of a kind and timeframe."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from fanfold.errors import DataError
from fanfold.market.sample import sample_store
from fanfold.market.store import SeriesInfo, Store

DATA: Final = ("bars", "trades", "quotes", "actions", "listings", "members", "series")
"""Kinds that are data; what a store keeps beside them is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """All rows of a kind and timeframe.

    Attributes:
        kind: What they are.
        timeframe: Of bars; "" for others.
        symbols: Whose, sorted.
        first: UTC date of the first row; None for kinds without instants.
        last: UTC date of the last row.
        row_count: Rows of all symbols.
        basis: What prices are adjusted for, several joined by commas.
        calendar: Exchange calendars, as above.
        source: Where the rows came from, as above.
        fingerprint: SHA-256 over the content, the same whoever wrote it in whatever order.
        quarantined: Rows of the sources that could not be data [rows].
        store: Where they are.
    """

    kind: str
    timeframe: str
    symbols: tuple[str, ...]
    first: date | None
    last: date | None
    row_count: int
    basis: str
    calendar: str
    source: str
    fingerprint: str
    quarantined: int
    store: str


def list_data(folder: str | Path | None = None) -> tuple[DatasetInfo, ...]:
    """What a store holds, by kind and timeframe.

    Args:
        folder: The store's folder or URL; the packaged sample's if left out.

    Raises:
        ConfigError: A URL cannot be understood.
        DataError: There is no store, or it is damaged.
    """
    store = sample_store() if folder is None else Store.at(folder)
    if not store.exists:
        raise DataError(f"folder must be that of a store, {store.name} is not there or is none")
    groups: dict[tuple[int, str], list[SeriesInfo]] = {}
    aside: dict[str, int] = {}
    for one in store.list():
        series = one.series
        if series.kind in DATA:
            groups.setdefault((DATA.index(series.kind), series.timeframe), []).append(one)
        elif series.kind == "quarantine":
            aside[series.timeframe] = aside.get(series.timeframe, 0) + one.row_count
    return tuple(
        _described(store, groups[place, timeframe], aside.get(timeframe or DATA[place], 0))
        for place, timeframe in sorted(groups)
    )


def _described(store: Store, infos: Sequence[SeriesInfo], quarantined: int) -> DatasetInfo:
    whole = hashlib.sha256()
    for one in infos:
        whole.update(f"{one.series}:{one.fingerprint};".encode())
    return DatasetInfo(
        kind=infos[0].series.kind,
        timeframe=infos[0].series.timeframe,
        symbols=tuple(sorted(one.series.symbol for one in infos if one.series.symbol)),
        first=_date(min((one.first for one in infos if one.first is not None), default=None)),
        last=_date(max((one.last for one in infos if one.last is not None), default=None)),
        row_count=sum(one.row_count for one in infos),
        basis=_labels(infos, "basis"),
        calendar=_labels(infos, "calendar"),
        source=_labels(infos, "source"),
        fingerprint=whole.hexdigest(),
        quarantined=quarantined,
        store=store.name,
    )


def _labels(infos: Sequence[SeriesInfo], name: str) -> str:
    return ", ".join(sorted({one.labels[name] for one in infos if one.labels.get(name)}))


def _date(ts: int | None) -> date | None:
    """Of an instant; a bar that ends at midnight belongs to the day that ended."""
    return None if ts is None else np.datetime64(ts - 1, "ns").astype("datetime64[D]").item()

"""Stored rows of many symbols as one panel of bars.

First the instants of all series are read, and the period is cut out of them; then each
series is read into its place of the panel, several at once. So little more memory is
needed than the panel takes, and rows outside the period are hardly touched.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.panel import FIELDS
from fanfold.domain.period import Moment, bars_within, period_text
from fanfold.domain.prices import Basis
from fanfold.domain.sessions import DAY_NS
from fanfold.errors import DataError
from fanfold.market.horizon import known_count, known_day, known_end
from fanfold.market.panels.clock import Clock, common_clock, panel_clock
from fanfold.market.panels.identity import Identity, Piece
from fanfold.market.panels.sheet import Sheet, StoredAsset, delistings, source_text
from fanfold.market.panels.views import NO_ACTIONS, Actions
from fanfold.market.store import Series, Store, labels_of, numbers, truths

READERS_MAX: Final = 4
"""Series that are read at once from this machine, no more than it has processors [threads]."""

READERS_AFAR: Final = 16
"""Series that are read at once from elsewhere, where most of the time is waiting [threads]."""

LISTED_MIN: Final = 50
"""From how many on what a store holds is listed once, not asked for one by one [assets]."""

_MARGIN_DAYS: Final = 4
"""How far a bar's end may lie from its session's date in UTC, and a bit [days]."""

_GRID_DAYS_MAX: Final = 100_000
"""Dates that int64 nanoseconds can express, from 1970 back and forth [days]."""

_OPENS_MAX: Final = 10
"""Times that a panel is opened again where a writer changed it meanwhile [times]."""

_SESSION_COLUMNS: Final = ["ts", "session", "minutes_to_close", "is_month_end"]

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is wanted of a store.

    Attributes:
        name: What the user calls the store, for errors.
        timeframe: Of the bars.
        basis: What prices shall be adjusted for; None for what `Bars.from_frame` does.
        start: First session or earliest end of a bar.
        end: Last session or latest end.
    """

    name: str
    timeframe: str
    basis: Basis | None = None
    start: Moment | None = None
    end: Moment | None = None

    @property
    def days(self) -> tuple[int, int]:
        """First and last date of the period, `-NEVER` and `NEVER` where it is open.

        Raises:
            ConfigError: A moment cannot be understood.
        """
        grid = np.arange(-_GRID_DAYS_MAX, _GRID_DAYS_MAX + 1)
        within = bars_within(grid * DAY_NS, grid, self.start, self.end)
        first = -NEVER if self.start is None else within.start - _GRID_DAYS_MAX
        last = NEVER if self.end is None else within.stop - 1 - _GRID_DAYS_MAX
        return first, last


class _ChangedMeanwhileError(Exception):
    """Rows of a series are others than a moment ago."""


def open_panel(
    store: Store,
    identities: Sequence[Identity],
    ask: Ask,
    *,
    members: Callable[[NDArray[np.int64]], NDArray[np.bool_]] | None = None,
) -> Bars:
    """Read bars of some assets, as far as a horizon in force lets them be known.

    Args:
        store: Where.
        identities: Which assets, at least one.
        ask: What of them.
        members: Gives membership on dates [days since 1970-01-01], shape [bar, asset].

    Raises:
        ConfigError: A moment cannot be understood.
        DataError: A symbol, the period or the basis is not there, or a file is damaged.
    """
    for _ in range(_OPENS_MAX):
        try:
            return _Opening(store, ask).bars(identities, members)
        except _ChangedMeanwhileError:
            continue
    raise DataError(
        f"{store.name} must hold still for a moment, its bars changed {_OPENS_MAX} times while "
        "they were read"
    )


class _Opening:
    """One reading of a panel."""

    def __init__(self, store: Store, ask: Ask) -> None:
        self._store = store
        self._ask = ask
        self._instants = np.empty(0, np.int64)
        self._listed: dict[tuple[str, str], frozenset[str]] = {}
        first, last = ask.days
        self._low = None if first == -NEVER else (first - _MARGIN_DAYS) * DAY_NS
        self._high = None if last == NEVER else (last + _MARGIN_DAYS) * DAY_NS

    def bars(self, identities: Sequence[Identity], members: Any) -> Bars:
        """The panel."""
        if len(identities) >= LISTED_MIN:
            self._listed = {
                (kind, timeframe): frozenset(self._store.symbols(kind, timeframe))
                for kind, timeframe in (("actions", ""), ("coverage", "actions"))
            }
        assets = self._each(self._asset, identities)
        basis = _basis_for(assets, self._ask)
        calendar, clock, clocks = self._cut(self._clocks(assets), assets)
        sheet = Sheet(clock, clocks, assets, basis)
        self._each(lambda place: self._fill(sheet, place), range(len(assets)))
        until = known_end()
        return Bars(
            symbols=tuple(asset.identity.symbol for asset in assets),
            calendar=calendar,
            calendars=tuple(asset.calendar for asset in assets),
            basis=basis,
            ts=clock.ts,
            session_day=clock.session_day,
            minutes_to_close=clock.minutes_to_close,
            is_month_end=clock.is_month_end,
            source=source_text(assets),
            members=None if members is None else members(clock.session_day),
            **sheet.arrays(),
            **delistings(assets, NEVER if until is None else known_day(clock.session_day, until)),
        )

    def _each(self, act: Callable[[A], B], items: Iterable[A]) -> list[B]:
        local = min(READERS_MAX, os.cpu_count() or 1)
        with ThreadPoolExecutor(local if self._store.place.is_local else READERS_AFAR) as pool:
            return list(pool.map(act, items))

    def _series(self, symbol: str) -> Series:
        return Series(kind="bars", symbol=symbol, timeframe=self._ask.timeframe)

    def _asset(self, identity: Identity) -> StoredAsset:
        """Look up an asset: its labels, instants and actions."""
        pieces = identity.pieces
        if not all(one.is_whole for one in pieces):
            pieces = tuple(one for one in pieces if self._store.has(self._series(one.symbol)))
        if not pieces:
            raise self._store.missing(self._series(identity.symbol))
        tables = [self._read(one, ["ts", "adj_close"], self._low, self._high) for one in pieces]
        labels = self._labels(identity.symbol, pieces, tables)
        return StoredAsset(
            identity=identity,
            pieces=pieces,
            basis=labels["basis"],
            calendar=labels["calendar"],
            source=labels["source"],
            ts=self._shared(_joined([numbers(one, "ts") for one in tables])),
            has_adj_close=all("adj_close" in one.column_names for one in tables if one.num_rows),
            actions=self._actions(pieces),
        )

    def _has(self, series: Series) -> bool:
        listed = self._listed.get((series.kind, series.timeframe))
        return self._store.has(series) if listed is None else series.symbol in listed

    def _shared(self, ts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The same instants, in the memory of another asset that has them too."""
        known = self._instants  # other threads set it too
        if not np.array_equal(known, ts):
            self._instants = known = ts.copy()  # a view would keep the whole table
        return known

    def _labels(
        self, symbol: str, pieces: Sequence[Piece], tables: Sequence[Any]
    ) -> dict[str, Any]:
        """Basis, calendar and source of an asset's rows."""
        found = [
            labels_of(table) or self._store.labels(self._series(piece.symbol))
            for piece, table in zip(pieces, tables, strict=True)
        ]
        for name in ("basis", "calendar"):
            said = list(dict.fromkeys(labels.get(name, "") for labels in found))
            if len(said) > 1:
                raise DataError(
                    f"rows of {symbol} must be of one {name}, were {' and '.join(said)}"
                )
            if not said[0] or (name == "basis" and said[0] not in get_args(Basis)):
                raise DataError(
                    f"{self._series(pieces[0].symbol)} in {self._store.name} must be labelled with "
                    f"its {name}, was {said[0]!r}"
                )
        sources = dict.fromkeys(
            labels.get("source", "") + (f" {labels['feed']}" if labels.get("feed") else "")
            for labels in found
        )
        return {**found[0], "source": ", ".join(sources)}

    def _read(self, piece: Piece, columns: list[str], low: int | None, high: int | None) -> Any:
        """Rows of a piece that end within ``[low, high)`` [ns UTC]."""
        series = self._series(piece.symbol)
        if piece.is_whole:
            return self._store.read(series, low, high, columns)
        bounds = [(piece.first, -_MARGIN_DAYS), (piece.last, _MARGIN_DAYS)]
        first, last = (
            None if abs(day) == NEVER else (day + margin) * DAY_NS for day, margin in bounds
        )
        low = max((one for one in (low, first) if one is not None), default=None)
        high = min((one for one in (high, last) if one is not None), default=None)
        table = self._store.read(series, low, high, list(dict.fromkeys([*columns, "session"])))
        day = numbers(table, "session").astype(np.int64)
        begin = int(np.searchsorted(day, piece.first))
        return table.slice(begin, int(np.searchsorted(day, piece.last, side="right")) - begin)

    def _actions(self, pieces: Sequence[Piece]) -> Actions | None:
        """What happened to an asset under each of its tickers; None where nobody says."""
        found: list[Actions] = []
        for piece in pieces:
            series = Series(kind="actions", symbol=piece.symbol)
            if self._has(series):
                table = self._store.read(series)
                there = Actions(
                    day=numbers(table, "session").astype(np.int64),
                    splits=numbers(table, "splits"),
                    dividends=numbers(table, "dividends"),
                )
                found.append(there.between(piece.first, piece.last))
            elif self._has(Series(kind="coverage", symbol=piece.symbol, timeframe="actions")):
                found.append(NO_ACTIONS)  # somebody asked, and there were none
        if not found:
            return None
        return Actions(
            day=np.concatenate([one.day for one in found]),
            splits=np.concatenate([one.splits for one in found]),
            dividends=np.concatenate([one.dividends for one in found]),
        )

    def _clocks(self, assets: Sequence[StoredAsset]) -> dict[str, Clock]:
        """The clock of the assets of each calendar."""
        clocks: dict[str, Clock] = {}
        for name in dict.fromkeys(asset.calendar for asset in assets):
            same = [asset for asset in assets if asset.calendar == name]
            clocks[name] = common_clock([one.ts for one in same], self._sessions_in(same))
        return clocks

    def _sessions_in(self, assets: Sequence[StoredAsset]) -> Callable[[int], Clock]:
        def sessions_of(place: int) -> Clock:
            asset = assets[place]
            low, high = int(asset.ts[0]), int(asset.ts[-1]) + 1  # later ones came meanwhile
            parts = [self._read(one, _SESSION_COLUMNS, low, high) for one in asset.pieces]
            day, minutes = (
                np.concatenate([numbers(one, name) for one in parts])
                for name in ("session", "minutes_to_close")
            )
            clock = Clock(
                ts=np.concatenate([numbers(one, "ts") for one in parts]),
                session_day=day.astype(np.int64),
                minutes_to_close=minutes,
                is_month_end=np.concatenate([truths(one, "is_month_end") for one in parts]),
            )
            if not np.array_equal(clock.ts, asset.ts):
                raise _ChangedMeanwhileError
            return clock

        return sessions_of

    def _cut(
        self, clocks: dict[str, Clock], assets: Sequence[StoredAsset]
    ) -> tuple[str, Clock, dict[str, Clock]]:
        """Calendar and clock of the panel within the period and the horizon, and its parts."""
        if not any(len(one.ts) for one in clocks.values()):
            raise self._nothing(assets)
        _, clock = panel_clock(clocks)
        within = bars_within(clock.ts, clock.session_day, self._ask.start, self._ask.end)
        if within.start >= within.stop:
            raise self._nothing(assets)
        clock = clock[within]
        until = known_end()
        if until is not None:
            clock = clock[: known_count(clock.ts, clock.session_day, until)]
        first, last = int(clock.ts[0]), int(clock.ts[-1])
        clocks = {name: one.between(first, last) for name, one in clocks.items()}
        # Which of several calendars a panel has depends on where it begins.
        return *panel_clock(clocks), clocks

    def _nothing(self, assets: Sequence[StoredAsset]) -> DataError:
        """That no bar is within the period, and from when to when there are some."""
        names = assets[0].identity.symbol if len(assets) == 1 else "the symbols"
        days = [
            numbers(self._read(piece, ["session"], None, None), "session").astype(np.int64)
            for asset in assets
            for piece in asset.pieces
        ]
        there = np.sort(np.concatenate(days))
        if len(there) == 0:
            return DataError(f"{self._ask.name} must hold a bar of {names}, it holds none")
        period = period_text(there, self._ask.start, self._ask.end)
        return DataError(f"the period must hold a bar of {names}, was {period}")

    def _fill(self, sheet: Sheet, place: int) -> None:
        """Read the prices of an asset into the panel."""
        asset = sheet.assets[place]
        low, high = int(sheet.clock.ts[0]), int(sheet.clock.ts[-1])
        first, end = np.searchsorted(asset.ts, [low, high + 1]).tolist()
        if first == end:
            return
        columns = ["ts", *FIELDS, *(["adj_close"] if sheet.needs_adj_close(asset) else [])]
        spans = [(low, high + 1)]
        if sheet.takes_parts(asset):
            spans = self._series("").spans(low, high + 1)  # one at a time is in memory
        for begin, stop in spans:
            first, end = np.searchsorted(asset.ts, [begin, stop]).tolist()
            there = asset.ts[first:end]
            if len(there) == 0:
                continue
            parts = [self._read(one, columns, begin, stop) for one in asset.pieces]
            parts = [one for one in parts if one.num_rows]
            ts = _joined([numbers(one, "ts") for one in parts])
            if not np.array_equal(ts, there):
                raise _ChangedMeanwhileError
            sheet.put(place, ts, partial(_column, parts))


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate([*parts])


def _column(parts: Sequence[Any], name: str) -> NDArray[np.float64]:
    return _joined([_doubles(one, name) for one in parts])


def _doubles(table: Any, name: str) -> NDArray[np.float64]:
    """A column of numbers, NaN where another file of the series has it and this one not."""
    column = table[name]
    if column.null_count:
        table = table.set_column(table.column_names.index(name), name, column.fill_null(np.nan))
    return numbers(table, name)


def _basis_for(assets: Sequence[StoredAsset], ask: Ask) -> Basis:
    """The basis that was asked for, or the one that goes without saying.

    Raises:
        DataError: It cannot be had of some asset, or they have none in common.
    """
    stored: list[Basis] = list(dict.fromkeys(asset.basis for asset in assets))
    adjusted = all(asset.has_adj_close or asset.basis == "total_return" for asset in assets)
    usual: Basis = "total_return" if adjusted else stored[0]
    if ask.basis is None and not adjusted and len(stored) > 1:
        raise DataError(
            f"basis of {ask.name} must be given, its symbols are stored in several: "
            f"{', '.join(stored)}"
        )
    wanted = ask.basis or usual
    for asset in assets:
        if wanted not in asset.bases:
            there = sorted(asset.bases, key=lambda one: (one != usual, get_args(Basis).index(one)))
            unknown = "" if asset.actions is not None else ", none of its actions are stored"
            raise DataError(
                f"basis of {ask.name} must be {' or '.join(there)}, was {wanted!r}: "
                f"{asset.identity.symbol} has {asset.basis} prices{unknown}"
            )
    return wanted

"""One way to ask for bars, wherever they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.calendars import Calendar
from fanfold.domain.names import chosen_places, nearest_hint
from fanfold.domain.period import Moment
from fanfold.domain.prices import Basis, check_basis
from fanfold.domain.sessions import DAY_NS
from fanfold.domain.stamps import Stamp
from fanfold.domain.timeframe import timeframe_named
from fanfold.errors import ConfigError, DataError
from fanfold.market.horizon import known_end, within_horizon
from fanfold.market.join import Beside, join
from fanfold.market.panels.identity import Directory, Identity, Term, terms_of
from fanfold.market.panels.panel import Ask, open_panel
from fanfold.market.sample import SAMPLE, sample_store, with_index
from fanfold.market.sources.tables import read_table
from fanfold.market.store import Series, Store


def load_bars(
    source: str | Path = SAMPLE,
    *,
    symbols: Sequence[str] | str | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    basis: Basis | None = None,
    stamp: Stamp | None = None,
    calendar: Calendar | None = None,
    timeframe: str | None = None,
    universe: str | None = None,
    actions: str | Path | None = None,
    delisted_at: Mapping[str, Moment] | None = None,
    delisting_return: float | Mapping[str, float] = 0.0,
    members: str | Path | None = None,
    columns: Mapping[str, str | Path] | None = None,
) -> Bars:
    """Load bars from the packaged sample, a store or a tidy file.

    Args:
        source: "sample", the folder or URL of a store, or a CSV, Parquet or Arrow file with
            the columns of `Bars.from_frame`.
        symbols: Only these, in this order. In a store with listings a ticker means the
            asset that it named at the end of the period.
        start: First session (a date), or earliest end of a bar (an instant with zone).
        end: Last session or latest end of a bar, included.
        basis: What prices are adjusted for; as stored if left out, or "total_return" where
            adjusted closes are stored. "raw" is there where prices as traded are; raw prices
            jump at splits and dividends. From a store with splits and dividends the others
            are computed; the last bar of the period is what it was.
        stamp: For files whose timestamps are not midnight dates: what they mark.
        calendar: For files: exchange calendar, such as "XNYS", or "24/7", for all or by
            symbol, see `Bars.from_frame`.
        timeframe: For stores: which bars, such as "1D" or "15min"; may be left out where
            there is one.
        universe: For stores: name of a table of membership. Without `symbols` it also says
            which: all that were members within the period.
        actions: CSV, Parquet or Arrow file of symbol, ts (ex-date), splits and dividends. As
            in the two files below, rows of other symbols and days are left out.
        delisted_at: First date on which an asset is no longer listed, by symbol.
        delisting_return: From the last close to what a holder got [1]; one for all that
            are delisted, or by symbol. With `symbols`, others may be named.
        members: File of symbol, start, end: terms of membership, see `Bars.with_events`.
        columns: Files of symbol, available_at, value, by the name of the column that
            they become, see `Bars.with_column`.

    Raises:
        ConfigError: An argument cannot be understood or does not go with the source.
        DataError: The source, a symbol, the period or the basis is not there.
    """
    check_basis(basis)
    beside = Beside(
        actions=actions,
        delisted_at=delisted_at,
        delisting_return=delisting_return,
        members=members,
        columns=columns or {},
    )
    store = _store_at(source)
    if store is None:
        _refuse(source, "stores", timeframe=timeframe, universe=universe)
        bars = _read_file(
            Path(source), symbols=symbols, basis=basis, stamp=stamp, calendar=calendar
        ).select(start=start, end=end)
    else:
        name = SAMPLE if source == SAMPLE else store.name  # a URL may hold keys
        _refuse(name, "files", stamp=stamp, calendar=calendar)
        if members is not None and universe is not None:
            raise ConfigError(f"members must be left out with a universe, was {members}")
        ask = Ask(
            name=name,
            timeframe=_timeframe(store, timeframe, name),
            basis=basis,
            start=start,
            end=end,
        )
        bars = _Asked(store=store, ask=ask, symbols=symbols, universe=universe).bars()
        if source == SAMPLE:
            bars = with_index(bars, store)
    chosen = symbols is not None or universe is not None
    return within_horizon(join(bars, beside, chosen=chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Symbols of a store as a user names them."""

    store: Store
    ask: Ask
    symbols: Sequence[str] | str | None
    universe: str | None

    def bars(self) -> Bars:
        """The bars of the assets that are meant."""
        first, last = self.ask.days
        until = known_end()
        if until is not None:
            last = min(last, until // DAY_NS)
        directory = Directory(self._terms(Series(kind="listings")), first, last)
        universe: tuple[Term, ...] | None = None
        if self.universe is not None:
            universe = self._terms(self._universe(self.universe))
        identities = self._identities(directory, universe)

        def membership(day: NDArray[np.int64]) -> NDArray[np.bool_]:
            return np.stack(
                [directory.membership(one, universe or (), day) for one in identities], axis=1
            )

        members = None if universe is None else membership
        return open_panel(self.store, identities, self.ask, members=members)

    def _identities(
        self, directory: Directory, universe: tuple[Term, ...] | None
    ) -> tuple[Identity, ...]:
        if self.symbols is not None:
            asked = (self.symbols,) if isinstance(self.symbols, str) else self.symbols
            asked = tuple(str(one) for one in asked)  # of an array they would be another type
            if not asked or len(set(asked)) < len(asked):
                chosen_places(asked, asked)  # says what is wrong
            self._check_stored([one for one in asked if directory.asset_of(one) is None])
            return directory.chosen(asked)
        stored = self.store.symbols("bars", self.ask.timeframe)
        if universe is None:
            return directory.everyone(stored)
        found = directory.members(universe)
        if not found:
            raise DataError(f"universe {self.universe} must have members in the period, had none")
        there = set(stored)
        lost = [one.symbol for one in found if not there & {part.symbol for part in one.pieces}]
        if lost:
            raise DataError(
                f"{self.ask.name} must hold bars of all members of {self.universe} (those left "
                f"out are seldom the winners), {len(lost)} of {len(found)} are missing, such as "
                f"{lost[0]}; symbols says which to read all the same"
            )
        return found

    def _check_stored(self, symbols: Sequence[str]) -> None:
        """Refuse a symbol that nobody stored, with the one that may have been meant."""
        for symbol in symbols:
            series = Series(kind="bars", symbol=symbol, timeframe=self.ask.timeframe)
            if not symbol or not self.store.has(series):
                chosen_places([symbol], self.store.symbols("bars", self.ask.timeframe))

    def _universe(self, name: str) -> Series:
        series = Series(kind="members", symbol=name)
        if not self.store.has(series):
            names = self.store.symbols("members")
            raise DataError(
                f"universe must be one of {', '.join(names) or 'none'} in {self.ask.name}, was "
                f"{name!r}{nearest_hint(name, names)}"
            )
        return series

    def _terms(self, series: Series) -> tuple[Term, ...]:
        return terms_of(self.store.read(series)) if self.store.has(series) else ()


def _store_at(source: str | Path) -> Store | None:
    """The store that is meant; None if it is a file."""
    if source == SAMPLE:
        return sample_store()
    if "://" in str(source):
        store = Store.at(str(source))
    else:
        if Path(source).expanduser().is_file():
            return None
        store = Store.at(source)
    valid = f"{SAMPLE!r}, the folder of a store, or a .csv or .parquet file"
    if not store.exists:
        hint = nearest_hint(store.name, [SAMPLE])
        if store.place.is_local and Path(store.place.uri).is_dir():
            raise DataError(f"source must be {valid}; the folder {source} is no store")
        raise DataError(f"source must be {valid}; {store.name} is not there{hint}")
    return store


def _refuse(source: str | Path, where: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            states = f", {source} states its own" if where == "files" else ""
            raise ConfigError(f"{name} goes with {where} only{states}; was {value!r}")


def _timeframe(store: Store, asked: str | None, source: str) -> str:
    """The timeframe that was asked for, or the only one.

    Raises:
        ConfigError: It is no timeframe.
        DataError: It is not there, or there are several.
    """
    if asked is not None and (name := timeframe_named(asked)) and store.symbols("bars", name):
        return name
    there = sorted({one.timeframe for one in store.series("bars")} - {""})
    if not there:
        raise DataError(f"{source} must hold bars, it holds none yet")
    if asked is not None:
        raise DataError(f"timeframe must be one of {', '.join(there)} in {source}, was {asked!r}")
    if len(there) > 1:
        raise DataError(f"timeframe must be one of {', '.join(there)} in {source}, was left out")
    return there[0]


def _read_file(file: Path, **asked: Any) -> Bars:
    frame = read_table(file)
    try:
        return Bars.from_frame(frame, source=file.name, **asked)
    except DataError as error:
        raise DataError(f"{file}: {error}") from error

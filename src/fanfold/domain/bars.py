"""Bars of several assets as one aligned panel."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import forward_factors, forward_panel, real_factors
from fanfold.domain.calendars import Calendar, latest_calendar, own_session_days
from fanfold.domain.layout import (
    LAYOUT,
    arrays_of,
    check_content,
    check_labels,
    delisting_returns,
    settled,
)
from fanfold.domain.panel import CLOSE, FIELDS, HIGH, LOW, OPEN, VOLUME
from fanfold.domain.period import Moment, day_text
from fanfold.domain.prices import Basis
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.domain.stamps import Stamp
from fanfold.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Bars:
    """A time-major panel of bars; NaN where an asset has no bar.

    A volume of zero means that nothing was traded; NaN that the volume is unknown.
    Arrays are checked and read-only. Bars that follow later change no value of an
    earlier bar.

    Attributes:
        symbols: One name an asset, in the order of the panel's last axis.
        ts: Each bar's end [ns UTC], strictly increasing; shape [bar].
        panel: Open, high, low, close, volume in the basis; shape [field, bar, asset].
        basis: What the prices are adjusted for.
        calendar: Name of the panel's exchange calendar, or "24/7": that of its assets,
            or of several the one that `panel_calendar` picks. Session columns follow it.
        session_day: The session's date [days since 1970-01-01]; shape [bar].
        minutes_to_close: From the bar's end to the session's [min], negative after
            it; shape [bar].
        is_month_end: Whether the session is the last of its month; shape [bar].
        raw: Prices as they were traded, beside adjusted ones; shape of `panel`.
        benchmark: Level of a benchmark at each bar's end, NaN before it began; [bar].
        benchmark_name: What the benchmark is.
        source: Where the bars came from, for people.
        splits: Units after per unit before a split, on the first bar of its ex-date,
            1.0 elsewhere; on raw prices only; shape [bar, asset].
        dividends: Cash per unit [currency], on the first bar of the ex-date and for
            units after a split of that day, 0.0 elsewhere; on prices of basis raw or
            split only; shape [bar, asset].
        members: Whether an asset belonged to the universe then; shape [bar, asset].
        delisted_day: Day from which an asset is no longer listed [days since
            1970-01-01], `NEVER` for one that is; shape [asset].
        delisting_return: From the last close to what a holder got in the end [1],
            at least -1; shape [asset].
        extra: Further columns by name, each the value last known at a bar's end, NaN
            before the first; shapes [bar, asset].
        calendars: The calendar of each asset; all the panel's if left out.

    What has nothing to say is None: no split, all members, nothing delisted.
    """

    symbols: tuple[str, ...]
    ts: NDArray[np.int64]
    panel: NDArray[np.float64]
    basis: Basis
    calendar: str
    session_day: NDArray[np.int64]
    minutes_to_close: NDArray[np.float64]
    is_month_end: NDArray[np.bool_]
    raw: NDArray[np.float64] | None = None
    benchmark: NDArray[np.float64] | None = None
    benchmark_name: str = ""
    source: str = ""
    splits: NDArray[np.float64] | None = None
    dividends: NDArray[np.float64] | None = None
    members: NDArray[np.bool_] | None = None
    delisted_day: NDArray[np.int64] | None = None
    delisting_return: NDArray[np.float64] | None = None
    extra: Mapping[str, NDArray[np.float64]] = field(default_factory=dict[str, Any])
    calendars: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no panel, and make the arrays read-only."""
        if len(set(self.calendars)) <= 1:
            # What all assets share is the panel's, also where that was replaced.
            object.__setattr__(self, "calendars", (self.calendar,) * len(self.symbols))
        check_labels(self)
        for name in LAYOUT:
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, settled(self, name, array))
        extra = {name: settled(self, name, self.extra[name]) for name in sorted(self.extra)}
        object.__setattr__(self, "extra", MappingProxyType(extra))
        object.__setattr__(self, "delisting_return", delisting_returns(self))
        check_content(self)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        stamp: Stamp | None = None,
        basis: Basis | None = None,
        calendar: Calendar | None = None,
        symbols: Sequence[str] | str | None = None,
        benchmark: Any = None,
        bar: timedelta | None = None,
        source: str = "",
        delisted_at: Mapping[str, Moment] | None = None,
        delisting_return: float | Mapping[str, float] = 0.0,
        members: Any = None,
    ) -> "Bars":
        """Build bars from a tidy frame: symbol, ts, open, high, low, close, volume.

        Columns are found whatever their case; ``adj_close``, ``splits`` and
        ``dividends`` may be there too, others are left out. A frame of one asset
        needs no symbol column and may hold its timestamps in the index. Symbols are
        aligned over all timestamps; a row without prices is a missing bar, with an
        action if it has one. Actions that the prices contain are left out; 0 and NaN
        are none.

        Args:
            frame: pandas DataFrame or Arrow Table; per symbol sorted by time.
            stamp: What `ts` marks: a bar's start, its end, or the date of its
                session. May be left out if all are midnight dates of daily bars.
            basis: What the prices are adjusted for; "raw" if left out. With
                ``adj_close``, "total_return" if left out: prices are then multiplied
                by adj_close / close and kept as they were in `raw`.
            calendar: Exchange calendar, such as "XNYS", or "24/7", for all or by symbol;
                if left out, "24/7" for a symbol with weekend bars and "XNYS" for others.
            symbols: Only these, in this order; or the name of the one asset of a
                frame without a symbol column.
            benchmark: pandas Series of levels, indexed by session date or instant.
            bar: Length of a bar stamped by its start; if left out, the most common
                gap. A bar ends at its session's close at the latest.
            source: Where the frame came from, for people.
            delisted_at: As in `with_events`.
            delisting_return: As in `with_events`.
            members: As in `with_events`.

        Raises:
            ConfigError: An argument is missing or unknown.
            DataError: The frame holds what cannot be a bar; names the first such row.
        """
        from fanfold.domain.frames import FrameSpec, read_frame

        spec = FrameSpec(
            stamp=stamp,
            basis=basis,
            calendar=calendar,
            symbols=symbols,
            bar=bar,
            source=source,
            delisted_at=delisted_at,
            delisting_return=delisting_return,
            members=members,
        )
        return cls(**read_frame(frame, spec, benchmark))

    def __repr__(self) -> str:
        """What they are, without the numbers."""
        first, last = day_text(self.session_day[0]), day_text(self.session_day[-1])
        return (
            f"<Bars: {self.bar_count} bars of {self.asset_count} assets, {first} to {last}, "
            f"{self.basis}, {' and '.join(sorted(set(self.calendars)))}>"
        )

    @property
    def open(self) -> NDArray[np.float64]:
        """First prices, a view; shape [bar, asset]."""
        return self.panel[OPEN]

    @property
    def high(self) -> NDArray[np.float64]:
        """Highest prices, a view; shape [bar, asset]."""
        return self.panel[HIGH]

    @property
    def low(self) -> NDArray[np.float64]:
        """Lowest prices, a view; shape [bar, asset]."""
        return self.panel[LOW]

    @property
    def close(self) -> NDArray[np.float64]:
        """Last prices, a view; shape [bar, asset]."""
        return self.panel[CLOSE]

    @property
    def volume(self) -> NDArray[np.float64]:
        """Units traded, NaN if unknown, a view; shape [bar, asset]."""
        return self.panel[VOLUME]

    @property
    def bar_count(self) -> int:
        """Bars of the panel."""
        return len(self.ts)

    @property
    def asset_count(self) -> int:
        """Assets of the panel."""
        return len(self.symbols)

    @property
    def periods_per_year(self) -> int:
        """Sessions a year that ratios are stated for: 365 round the clock, else 252."""
        return 365 if self.calendar == ROUND_THE_CLOCK else 252

    @property
    def closes_session(self) -> NDArray[np.bool_]:
        """Whether a bar is the last of its session in these bars; shape [bar]."""
        return np.append(self.session_day[1:] != self.session_day[:-1], True)

    @cached_property
    def own_session_day(self) -> NDArray[np.int64]:
        """Date of each asset's own session, see `own_session_days`; shape [bar, asset]."""
        return own_session_days(self)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all content; the labels `source` and `benchmark_name` do not count."""
        digest = hashlib.sha256()
        digest.update(repr((self.symbols, self.basis, self.calendar)).encode())
        if set(self.calendars) != {self.calendar}:
            digest.update(repr(self.calendars).encode())
        for name, array in arrays_of(self).items():
            digest.update(f"{name}{array.shape}".encode())
            digest.update(array.data)
        return digest.hexdigest()

    @cached_property
    def forward(self) -> NDArray[np.float64]:
        """Units that one unit of the first bar has become by splits; shape [bar, asset]."""
        if self.splits is None:
            return _read_only(np.ones((self.bar_count, self.asset_count)))
        return _read_only(forward_factors(self.splits))

    @cached_property
    def seen(self) -> NDArray[np.float64]:
        """Prices × `forward` and volume / `forward`, as strategies see them; shape of `panel`.

        No split changes an earlier bar. The panel itself where there are none.
        """
        if self.splits is None:
            return self.panel
        return _read_only(forward_panel(self.panel, self.forward))

    @cached_property
    def real_factor(self) -> NDArray[np.float64] | None:
        """Prices of the panel per real price; shape [bar, asset].

        None on adjusted bars without raw prices. Where an asset has no bar it is the last
        one, 1.0 before the first.
        """
        if self.basis == "raw":
            return _read_only(np.ones((self.bar_count, self.asset_count)))
        return None if self.raw is None else _read_only(real_factors(self.panel, self.raw))

    def select(
        self,
        symbols: Sequence[str] | str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> "Bars":
        """Narrow to some symbols and a period.

        Args:
            symbols: Which, in this order. Bars in which none of them has prices or
                an action are left out, as if the others had never been there; where
                their calendar is another, session columns are those of theirs.
            start: First session (a date), or earliest end of a bar (an instant with
                a time zone); dates, datetimes or ISO text.
            end: Last session or latest end of a bar, included.

        Raises:
            ConfigError: A moment cannot be understood, or a symbol is asked for twice.
            DataError: A symbol is not there, or no bar is within the period.
        """
        from fanfold.domain.selection import selected

        return selected(self, symbols, start, end)

    def with_events(
        self,
        *,
        splits: Any = None,
        dividends: Any = None,
        delisted_at: Mapping[str, Moment] | None = None,
        delisting_return: float | Mapping[str, float] = 0.0,
        members: Any = None,
    ) -> "Bars":
        """Join what happened to the assets from other sources.

        Args:
            splits: pandas DataFrame or Arrow Table of symbol, ts (date of the session
                before which it happens) and splits or value, added to those booked. A
                date between two sessions means the next.
            dividends: The same, of dividends or value [currency per unit].
            delisted_at: First date on which an asset is no longer listed, by symbol.
            delisting_return: From the last close to what a holder got [1], at least -1;
                one for all that are delisted, or by symbol.
            members: Terms, a row each, that replace what was there: symbol, start (first
                date) and end (last date), empty where open; without one, never a member.

        Raises:
            ConfigError: A date cannot be understood, or a return has no date.
            DataError: A symbol or a date is not in the bars, an action is there twice or
                does not go with their basis.
        """
        from fanfold.domain.events import Grid, joined

        given = {"splits": splits, "dividends": dividends, "members": members}
        grid = Grid(symbols=self.symbols, session_day=self.session_day, calendar=self.calendar)
        there = {name: getattr(self, name) for name in LAYOUT}
        return replace(self, **joined(grid, there, given, delisted_at, delisting_return))

    def with_column(self, name: str, frame: Any) -> "Bars":
        """Add a column of `extra`, each value from the moment on which it was known.

        Args:
            name: What strategies call it.
            frame: pandas DataFrame or Arrow Table of symbol, available_at and value;
                without a column symbol, values hold for all assets. A datetime with a
                zone is an instant, one without a date, known from that day's end at the
                exchange.

        Raises:
            DataError: The name is taken, a symbol is not there, or an asset has two
                values of one moment.
        """
        from fanfold.domain.events import Grid
        from fanfold.domain.extra import known_values

        taken = ("symbol", "ts", *FIELDS, *self.extra)
        if not name or name in taken:
            raise DataError(f"name of a column must be none of {', '.join(taken)}, was {name!r}")
        # A date's value is known when the date is over at the exchange of every asset.
        calendar = latest_calendar(self.calendars, self.ts)
        grid = Grid(symbols=self.symbols, session_day=self.session_day, calendar=calendar)
        return replace(self, extra={**self.extra, name: known_values(name, frame, grid, self.ts)})

    def to_frame(self) -> "pd.DataFrame":
        """A tidy frame, one row a bar of an asset: symbol, ts (its end, UTC), open … volume.

        With columns splits and dividends where there are any.
        """
        from fanfold.domain.selection import tidy_frame

        return tidy_frame(self)

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what is computed from them does not travel."""
        state = {one.name: getattr(self, one.name) for one in fields(self)}
        return state | {"extra": dict(self.extra)}  # a mapping proxy cannot be pickled

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take checked fields as they are; arrays become read-only again."""
        for name, value in state.items():
            object.__setattr__(self, name, value)
        for array in arrays_of(self).values():
            array.flags.writeable = False
        object.__setattr__(self, "extra", MappingProxyType(self.extra))


def _read_only(array: NDArray[np.float64]) -> NDArray[np.float64]:
    array.flags.writeable = False
    return array

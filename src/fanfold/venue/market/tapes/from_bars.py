"""A tape of bars: minutes as they are stored, longer bars unfolded into minutes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE
from fanfold.domain.sessions import DAY_NS, MINUTE_NS, session_days
from fanfold.errors import ConfigError, DataError
from fanfold.execution.venue_rules import CRYPTO, asset_class_of
from fanfold.venue.market.history.columns import NONE, joined
from fanfold.venue.market.history.past import Action, Minutes
from fanfold.venue.market.spread import Spread, salt_of
from fanfold.venue.market.tapes.order import Strand, within
from fanfold.venue.market.tapes.rows import Rows, days_asked, minutes_asked
from fanfold.venue.market.tapes.sections import Group, Sections, group_length
from fanfold.venue.market.tapes.unrolled import ROW_SPAN_NS, Manner, unrolled

LAST_ROWS: Final = 2
"""Minutes that hold all of an asset's latest ticks: the last bar is that of the minute before
the one that is on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarTape:
    """Bars as a tape (`fanfold.venue.market.tapes.tape.Tape`).

    Attributes:
        manner: How minutes are told.
        calendars: The calendar of each symbol.
        sections: The minutes, by calendar.
        acted: Splits and dividends by symbol.
    """

    manner: Manner
    calendars: dict[str, str]
    sections: tuple[Sections, ...]
    acted: dict[str, tuple[Action, ...]]

    @classmethod
    def of(cls, bars: Bars, *, seed: int, spread: Spread, late_share: float = 0.0) -> "BarTape":
        """A tape of a panel.

        Args:
            bars: The panel, of bars of a minute or longer.
            seed: Equal seeds give equal tapes.
            spread: How quotes are made.
            late_share: Share of the minutes that late trades change [1].

        Raises:
            ConfigError: The share is none, or the bars are shorter than a minute.
            DataError: A bar of a session is not on a session of its calendar, or nothing
                was traded.
        """
        if not 0.0 <= late_share <= 1.0:
            raise ConfigError(f"late_share must be from 0 to 1, was {late_share}")
        classes = [asset_class_of(calendar) for calendar in bars.calendars]
        coins = np.array([one == CRYPTO for one in classes], np.bool_)
        manner = Manner(
            symbols=bars.symbols,
            whole=~coins,
            coins=coins,
            salts=np.array([salt_of(seed, symbol) for symbol in bars.symbols], np.uint64),
            spread=spread,
            late_share=late_share,
        )
        groups = [_group(bars, name, seed) for name in sorted(set(bars.calendars))]
        sections = tuple(Sections(group) for group in groups if group is not None)
        if not any(one.there.any() for one in sections):
            raise DataError("bars must hold a price at which something was traded, held none")
        calendars = dict(zip(bars.symbols, bars.calendars, strict=True))
        return cls(manner=manner, calendars=calendars, sections=sections, acted=_actions(bars))

    @property
    def spans(self) -> dict[str, tuple[int, int]]:
        """First and last instant of each calendar's ticks [ns UTC]."""
        return {one.group.calendar: (int(one.low[0]), int(one.high[-1])) for one in self.sections}

    def window(self, low: int, high: int, symbol: str | None = None) -> list[Strand]:
        """Ticks of [low, high)."""
        strands: list[Strand] = []
        for sections in self._asked(symbol):
            begin = int(np.searchsorted(sections.high, low - ROW_SPAN_NS))
            stop = int(np.searchsorted(sections.low, high))
            for number in range(begin, stop):
                rows = sections.rows(number)
                first, last = np.searchsorted(rows.start, (low - ROW_SPAN_NS, high)).tolist()
                places: Any = slice(first, last)
                if symbol is not None:
                    code = self.manner.symbols.index(symbol)
                    places = first + np.flatnonzero(rows.code[first:last] == code)
                strands += within(unrolled(rows.take(places), self.manner), low, high)
        return strands

    def minutes(self, symbol: str, low: int, high: int) -> Minutes:
        """An asset's minute bars that begin in [low, high)."""
        rows = [
            rows.take((rows.start >= low) & (rows.start < high))
            for rows in self._rows_asked(symbol, low, high)
        ]
        return joined([minutes_asked(one, MINUTE_NS) for one in rows])

    def day_bar(self, symbol: str, low: int, high: int) -> Minutes:
        """An asset's "d" bar of the date that begins at `low`: one bar, or none."""
        for rows in reversed(self._rows_asked(symbol, low, high)):
            inside = np.flatnonzero(rows.regular & (rows.day_start == low) & (rows.start < high))
            if len(inside):
                return days_asked(rows.take(inside[-1:]), MINUTE_NS)
        return NONE

    def next_ts(self, ts: int) -> int | None:
        """Nothing lies between `ts` and this instant."""
        found: list[int] = []
        for sections in self.sections:
            place = int(np.searchsorted(sections.high + ROW_SPAN_NS, ts))
            if place < len(sections):
                found.append(max(ts, int(sections.low[place])))
        return min(found, default=None)

    def latest(self, ts: int) -> list[Strand]:
        """Ticks before an instant, among them each asset's last of every kind."""
        strands: list[Strand] = []
        for sections in self.sections:
            stop = int(np.searchsorted(sections.low, ts))
            needed: dict[int, list[int]] = {}
            for asset in range(len(sections.group.symbols)):
                for number, place in _last_rows(sections, stop, asset, ts):
                    needed.setdefault(number, []).append(place)
            for number in sorted(needed):
                rows = sections.rows(number).take(np.unique(needed[number]))
                strands += within(unrolled(rows, self.manner), 0, ts)
        return strands

    def days(self, symbol: str) -> NDArray[np.int64]:
        """Sessions with data of an asset."""
        sections, asset = self._place(symbol)
        return sections.days_of(asset)

    def close_before(self, symbol: str, day: int) -> tuple[int, float] | None:
        """The last session before a day in which an asset traded, and its last price."""
        sections, asset = self._place(symbol)
        stop = int(np.searchsorted(sections.day, day))
        places = np.flatnonzero(sections.there[:stop, asset])
        if not len(places):
            return None
        number = int(places[-1])
        return int(sections.day[number]), sections.last_close(number, asset)

    def actions(self, symbol: str) -> Sequence[Action]:
        """Splits and dividends of an asset."""
        return self.acted.get(symbol, ())

    def _rows_asked(self, symbol: str, low: int, high: int) -> list[Rows]:
        """An asset's minutes of the sections that reach into [low, high)."""
        sections, asset = self._place(symbol)
        begin = int(np.searchsorted(sections.high, low, side="right"))
        stop = int(np.searchsorted(sections.low, high))
        there = begin + np.flatnonzero(sections.there[begin:stop, asset])
        return [sections.rows_asked(number, asset) for number in there.tolist()]

    def _asked(self, symbol: str | None) -> Iterable[Sections]:
        return self.sections if symbol is None else (self._place(symbol)[0],)

    def _place(self, symbol: str) -> tuple[Sections, int]:
        for sections in self.sections:
            if symbol in sections.group.symbols:
                return sections, sections.group.symbols.index(symbol)
        raise DataError(f"symbol must be on the tape, was {symbol!r}")


def _last_rows(sections: Sections, stop: int, asset: int, ts: int) -> Iterable[tuple[int, int]]:
    """Sections and places of the minutes that hold an asset's latest ticks of every kind.

    They are its last before an instant, and its last inside sessions.
    """
    code = int(sections.group.codes[asset])
    count, regular_count = 0, 0
    for number in np.flatnonzero(sections.there[:stop, asset])[::-1].tolist():
        rows = sections.rows(number)
        own = np.flatnonzero((rows.code == code) & (rows.start < ts))[::-1]
        inside = own[rows.regular[own]]
        for place in own[: LAST_ROWS - count].tolist():
            yield number, place
        for place in inside[: LAST_ROWS - regular_count].tolist():
            yield number, place
        count = min(count + len(own), LAST_ROWS)
        regular_count = min(regular_count + len(inside), LAST_ROWS)
        if count == regular_count == LAST_ROWS:
            return


def _group(bars: Bars, calendar: str, seed: int) -> Group | None:
    """The assets of a calendar, without the bars in which none of them has prices."""
    own = [code for code, one in enumerate(bars.calendars) if one == calendar]
    codes = np.array(own, np.int64)
    there = np.flatnonzero((~np.isnan(bars.panel[CLOSE][:, codes])).any(axis=1))
    if not len(there):
        return None
    ts = np.ascontiguousarray(bars.ts[there])
    day = session_days(ts, calendar)
    length = group_length(ts, day)
    if length < MINUTE_NS:
        raise ConfigError(
            f"timeframe must be a minute or longer, bars of {calendar} were {length} ns apart"
        )
    if length > DAY_NS // 2 and length < DAY_NS:
        length = DAY_NS
    return Group(
        calendar=calendar,
        symbols=tuple(bars.symbols[code] for code in own),
        codes=codes,
        whole=asset_class_of(calendar) != CRYPTO,
        ts=ts,
        day=day,
        panel=bars.panel[:, there][:, :, codes],
        length=length,
        seed=seed,
    )


def _actions(bars: Bars) -> dict[str, tuple[Action, ...]]:
    """What happens to each asset, by the day of its own session; splits of raw prices only."""
    splits, dividends = bars.splits, bars.dividends
    if splits is None and dividends is None:
        return {}
    acted: dict[str, tuple[Action, ...]] = {}
    one, none = np.ones(bars.bar_count), np.zeros(bars.bar_count)
    for asset, symbol in enumerate(bars.symbols):
        split = one if splits is None else splits[:, asset]
        paid = none if dividends is None else dividends[:, asset]
        happens = np.flatnonzero((split != 1.0) | (paid != 0.0))
        days = bars.own_session_day[happens, asset].tolist()
        columns = zip(days, split[happens].tolist(), paid[happens].tolist(), strict=True)
        acted[symbol] = tuple(
            Action(ex_day=day, split=ratio, dividend=cash) for day, ratio, cash in columns
        )
    return acted

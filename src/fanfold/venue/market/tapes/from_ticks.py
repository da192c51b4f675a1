"""A tape of stored trades and quotes, with bars built from the trades.

Where only trades are stored, quotes are made around them. A trade says its own price and no
path: it elects stops, and limits fill by quotes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.sessions import DAY_NS, MINUTE_NS, session_days
from fanfold.errors import DataError
from fanfold.execution.venue_rules import CRYPTO, asset_class_of
from fanfold.market.store import Series, Store, numbers
from fanfold.venue.market.history.past import Action, Minutes
from fanfold.venue.market.hours import DayInstants, day_instants, day_starts
from fanfold.venue.market.spread import Spread, hashed, quote_sizes, salt_of
from fanfold.venue.market.tapes.built import (
    DaySoFar,
    Trades,
    bars_asked,
    bars_built,
    minutes_of,
)
from fanfold.venue.market.tapes.order import RANKS, Strand, within
from fanfold.venue.market.values import BarTick, QuoteTick, Tick, TradeTick

SEQ_MAX: Final = 100
"""Trades of one instant that have numbers of their own."""

CLOSE_SESSIONS_MAX: Final = 10
"""How far back a close is looked for [sessions]."""

DAYS_READ_NS: Final = 31 * DAY_NS
"""Time of trades whose days are found at once [ns]."""

QUOTED_TRADES: Final = 10.0
"""What a minute's volume is taken for around a trade of which no quote is stored [trades]."""

LATEST_RANKS: Final = (RANKS["quote"], RANKS["trade"], RANKS["minute"], RANKS["day"])
"""Kinds of ticks of which each asset's last is looked for."""

_Reckoned = dict[str, DaySoFar | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stored:
    """Which ticks of a store are replayed, and how.

    Attributes:
        store: Where they are.
        calendars: The calendar of each symbol.
        has_quotes: Whether quotes are stored too, or made around trades.
        first: First instant that is replayed [ns UTC].
        last: The last.
        spread: How quotes are made.
        seed: Of their sizes.
    """

    store: Store
    calendars: dict[str, str]
    has_quotes: bool
    first: int
    last: int
    spread: Spread
    seed: int


def stored_ticks(
    source: str | Path,
    calendars: Mapping[str, str],
    period: tuple[int | None, int | None],
    *,
    has_quotes: bool,
    spread: Spread,
    seed: int,
) -> Stored:
    """Find ticks in a store.

    Args:
        source: The store's folder.
        calendars: The calendar of each symbol that is wanted.
        period: First instant, and the one after the last [ns UTC]; None where open.
        has_quotes: As in `Stored`, like the others.
        spread: As there.
        seed: As there.

    Raises:
        DataError: A symbol has no trades, or no quotes, or none of them any in the period.
    """
    store = Store.at(source)
    kinds = ("trades", "quotes") if has_quotes else ("trades",)
    infos = [
        store.info(Series(kind=kind, symbol=symbol))
        for symbol in sorted(calendars)
        for kind in kinds
    ]
    low, high = period
    first = min((info.first for info in infos if info.first is not None), default=0)
    last = max((info.last for info in infos if info.last is not None), default=-1)
    first = first if low is None else max(first, low)
    last = last if high is None else min(last, high - 1)
    if first > last:
        raise DataError(f"{store.name} must hold trades in the period, held none")
    return Stored(
        store=store,
        calendars={symbol: calendars[symbol] for symbol in sorted(calendars)},
        has_quotes=has_quotes,
        first=first,
        last=last,
        spread=spread,
        seed=seed,
    )


@dataclass(slots=True, eq=False)
class TickTape:
    """Stored ticks as a tape (`fanfold.venue.market.tapes.tape.Tape`).

    Attributes:
        stored: Which ticks.
    """

    stored: Stored
    _sessions: dict[str, dict[int, DayInstants]] = field(init=False)
    _reckoned: tuple[int, _Reckoned] = field(init=False, default_factory=lambda: (0, {}))
    _days: dict[str, NDArray[np.int64]] = field(init=False, default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        """Find the sessions around."""
        first, last = self.stored.first // DAY_NS - 15, self.stored.last // DAY_NS + 2
        self._sessions = {
            name: {one.day: one for one in day_instants(first, last, name)}
            for name in set(self.stored.calendars.values())
        }

    @property
    def calendars(self) -> dict[str, str]:
        """The calendar of each symbol."""
        return self.stored.calendars

    @property
    def spans(self) -> dict[str, tuple[int, int]]:
        """First and last instant of each calendar's ticks [ns UTC]."""
        return dict.fromkeys(self._sessions, (self.stored.first, self.stored.last))

    def window(self, low: int, high: int, symbol: str | None = None) -> list[Strand]:
        """Ticks of [low, high)."""
        symbols = tuple(self.calendars) if symbol is None else (symbol,)
        known = self._days_before(low, symbols)
        strands: list[Strand] = []
        for name in symbols:
            # Of the minute before, too: its bar is known in this window.
            trades = self._trades(name, low - MINUTE_NS, high)
            strands.append(self._traded(name, trades, known[name]))
            strands.append(self._quoted(name, trades, low, high))
            ended = trades.ts < high - MINUTE_NS
            minutes = minutes_of(trades.where(ended))
            bars, so_far, known[name] = bars_built(
                name, minutes, known[name], self.calendars[name], self._own_sessions(name)
            )
            strands += [_strand("minute", bars), _strand("day", so_far)]
        if symbol is None:
            self._reckoned = (high, known)
        return within(strands, low, high)

    def minutes(self, symbol: str, low: int, high: int) -> Minutes:
        """An asset's minute bars that begin in [low, high)."""
        return bars_asked(self._built(symbol, low, high)[0])

    def day_bar(self, symbol: str, low: int, high: int) -> Minutes:
        """An asset's "d" bar of the date that begins at `low`: one bar, or none."""
        _, so_far = self._built(symbol, low, high)
        return bars_asked([tick for tick in so_far if tick.start == low][-1:])

    def next_ts(self, ts: int) -> int | None:
        """Nothing lies between `ts` and this instant."""
        return max(ts, self.stored.first) if ts <= self.stored.last + MINUTE_NS else None

    def latest(self, ts: int) -> list[Strand]:
        """Ticks before an instant, among them each asset's last of every kind."""
        found: dict[tuple[str, int], Strand] = {}
        high = ts
        while high > self.stored.first:
            low = (high - DAY_NS) // MINUTE_NS * MINUTE_NS
            missing = [
                symbol
                for symbol in self.calendars
                if any((symbol, rank) not in found for rank in LATEST_RANKS)
            ]
            if not missing:
                break
            for symbol in missing:
                for strand in self.window(low, high, symbol):
                    last = Strand(strand.rank, strand.ts[-1:], strand.ticks[-1:])
                    found.setdefault((symbol, strand.rank), last)
            high = low
        return list(found.values())

    def days(self, symbol: str) -> NDArray[np.int64]:
        """Sessions with trades of an asset."""
        if symbol not in self._days:
            first, last = self.stored.first, self.stored.last + 1
            parts = [
                session_days(trades.ts + 1, self.calendars[symbol])
                for low in range(first, last, DAYS_READ_NS)
                if len((trades := self._trades(symbol, low, low + DAYS_READ_NS)).ts)
            ]
            days = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)
            self._days[symbol] = days
        return self._days[symbol]

    def close_before(self, symbol: str, day: int) -> tuple[int, float] | None:
        """The last session before a day in which an asset traded, and its last price."""
        sessions = self._own_sessions(symbol)
        before = [one for one in sessions if one < day]
        for one in before[: -CLOSE_SESSIONS_MAX - 1 : -1]:
            session = sessions[one]
            trades = self._trades(symbol, session.open, session.close)
            if len(trades.ts):
                return one, float(trades.price[-1])
        return None

    def actions(self, symbol: str) -> Sequence[Action]:  # noqa: ARG002  (every tape is asked)
        """Ticks are as they were: nothing is known of splits and dividends."""
        return ()

    def _own_sessions(self, symbol: str) -> dict[int, DayInstants]:
        return self._sessions[self.calendars[symbol]]

    def _trades(self, symbol: str, low: int, high: int) -> Trades:
        """Trades of [low, high), within the period that is replayed."""
        low, high = max(low, self.stored.first), min(high, self.stored.last + 1)
        names = ["ts", "seq", "price", "size"]
        table = self.stored.store.read(Series(kind="trades", symbol=symbol), low, high, names)
        ts, seq, price, size = (numbers(table, name) for name in names)
        trades = Trades(
            ts.astype(np.int64, copy=False),
            seq.astype(np.int64, copy=False),
            price.astype(np.float64, copy=False),
            size.astype(np.float64, copy=False),
        )
        return trades.where((trades.price > 0.0) & (trades.size > 0.0))

    def _traded(self, symbol: str, trades: Trades, before: DaySoFar | None) -> Strand:
        """Trades as ticks; the first and last of a session are its auctions'."""
        if not len(trades.ts):
            return _strand("trade", [])
        calendar = self.calendars[symbol]
        days = session_days(trades.ts + 1, calendar)
        auction = np.full(len(days), "", dtype="<U5")
        dates = np.unique(days)
        for day in dates.tolist():
            session = self._own_sessions(symbol).get(day)
            if session is None or _never_closes(session):
                continue
            inside = (trades.ts >= session.open) & (trades.ts < session.close)
            ending = np.flatnonzero(inside & (trades.ts >= session.close - MINUTE_NS))
            auction[ending[-1:]] = "close"
            if before is None or before.day != day:
                auction[np.flatnonzero(inside)[:1]] = "open"
        midnights = np.array(day_starts(dates, calendar))[np.searchsorted(dates, days)]
        ticks = map(
            TradeTick,
            trades.ts.tolist(),
            repeat(symbol),
            trades.price.tolist(),
            trades.size.tolist(),
            ((trades.ts - midnights) * SEQ_MAX + trades.seq % SEQ_MAX).tolist(),
            trades.price.tolist(),
            trades.price.tolist(),
            auction.tolist(),
        )
        return Strand(RANKS["trade"], trades.ts, list(ticks))

    def _built(self, symbol: str, low: int, high: int) -> tuple[list[BarTick], list[BarTick]]:
        """Minutes that begin in [low, high), and the session up to each of them."""
        minutes = minutes_of(self._trades(symbol, low, high))
        before = self._days_before(low, (symbol,))[symbol]
        bars, so_far, _ = bars_built(
            symbol, minutes, before, self.calendars[symbol], self._own_sessions(symbol)
        )
        return bars, so_far

    def _quoted(self, symbol: str, trades: Trades, low: int, high: int) -> Strand:
        """Quotes as stored, or around trades."""
        if not self.stored.has_quotes:
            return self._quoted_around(symbol, trades)
        low, high = max(low, self.stored.first), min(high, self.stored.last + 1)
        names = ["ts", "bid", "bid_size", "ask", "ask_size"]
        table = self.stored.store.read(Series(kind="quotes", symbol=symbol), low, high, names)
        ts, bid, bid_size, ask, ask_size = (numbers(table, name) for name in names)
        ticks = map(
            QuoteTick,
            ts.tolist(),
            repeat(symbol),
            np.where(bid > 0.0, bid, np.nan).tolist(),
            np.where(bid > 0.0, np.nan_to_num(bid_size), 0.0).tolist(),
            np.where(ask > 0.0, ask, np.nan).tolist(),
            np.where(ask > 0.0, np.nan_to_num(ask_size), 0.0).tolist(),
        )
        return Strand(RANKS["quote"], ts, list(ticks))

    def _quoted_around(self, symbol: str, trades: Trades) -> Strand:
        is_share = asset_class_of(self.calendars[symbol]) != CRYPTO
        salts = np.full(len(trades.ts), salt_of(self.stored.seed, symbol), np.uint64)
        whole = np.full(len(trades.ts), is_share)
        volume = trades.size * QUOTED_TRADES
        bid, ask = self.stored.spread.around(trades.price)
        sizes = [
            quote_sizes(volume, hashed(salts, trades.ts, side), whole).tolist() for side in (0, 1)
        ]
        ticks = map(
            QuoteTick, trades.ts.tolist(), repeat(symbol), bid.tolist(), sizes[0], ask.tolist(),
            sizes[1],
        )  # fmt: skip
        return Strand(RANKS["quote"], trades.ts, list(ticks))

    def _days_before(self, low: int, symbols: tuple[str, ...]) -> _Reckoned:
        """Each asset's session so far, of minutes that ended before an instant."""
        if self._reckoned[0] == low:
            return {symbol: self._reckoned[1].get(symbol) for symbol in symbols}
        known: _Reckoned = {}
        for symbol in symbols:
            sessions = self._own_sessions(symbol)
            opened = [one.open for one in sessions.values() if one.open < low]
            if not opened:
                known[symbol] = None
                continue
            trades = self._trades(symbol, opened[-1], low - MINUTE_NS)
            *_, known[symbol] = bars_built(
                symbol, minutes_of(trades), None, self.calendars[symbol], sessions
            )
        return known


def _never_closes(session: DayInstants) -> bool:
    # Then there are no auctions.
    return session.close - session.open >= DAY_NS


def _strand(rank: str, ticks: Sequence[Tick]) -> Strand:
    return Strand(RANKS[rank], np.array([tick.ts for tick in ticks], np.int64), list(ticks))

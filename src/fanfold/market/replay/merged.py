"""Stored ticks and bars merged in the order in which they happened.

Each series is read a window at a time, and all events before the earliest window's end
are in hand and can be put in order. So memory depends on how many events a window
holds, never on how long the replay is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from fanfold.domain.names import nearest_hint
from fanfold.domain.sessions import DAY_NS
from fanfold.domain.timeframe import SECOND_NS, timeframe_named, timeframe_ns
from fanfold.errors import ConfigError
from fanfold.market.replay.events import KINDS, VALUES, WIDTH, Batch
from fanfold.market.replay.instants import Instant, period_of
from fanfold.market.store import Series, SeriesInfo, Store, numbers

_ROWS_MAX: Final = 4_000_000
"""Events that all windows together shall hold at most, as far as can be told [events]."""

_MERGED_ROWS: Final = 32_768
"""Events that are merged at once, on average [events]: their columns fit a cache."""

_TICKS_NS: Final = 3_600 * SECOND_NS
"""Time of ticks that is read at once where nobody says how much [ns]."""

_RUSH: Final = 8
"""By how much a busy window may exceed a series' mean over day and night [1]."""


def replay(
    store: Store | str | Path,
    symbols: Sequence[str] | str,
    *,
    kinds: Sequence[str] = ("trades", "quotes"),
    start: Instant | None = None,
    end: Instant | None = None,
    timeframe: str | None = None,
    window: timedelta | None = None,
    batch_rows: int = 65_536,
) -> Iterator[Batch]:
    """Replay stored events of many symbols in order.

    The order is that of time; at one instant bars come first, then quotes, then trades;
    then the order of the symbols' names; then that in which they were stored. It depends
    neither on the order of symbols and kinds nor on windows and batches.

    Args:
        store: Where they are: a store, its folder, or its URL.
        symbols: Whose.
        kinds: Which of "bars", "quotes" and "trades"; each symbol must have all of them.
        start: From when on, included; a date is its midnight UTC.
        end: Until when, excluded.
        timeframe: Of bars.
        window: Longest time that is read of a series at once; if left out, an hour of
            ticks, and of bars what fits.
        batch_rows: Most events of a batch.

    Yields:
        Batches of at least one event; `events` gives them one by one.

    Raises:
        ConfigError: An argument is not what it can be.
        DataError: A series is not in the store, or a file is damaged.
    """
    store = store if isinstance(store, Store) else Store.at(store)
    period = period_of(start, end)
    names = (symbols,) if isinstance(symbols, str) else tuple(symbols)
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"symbols must name at least one asset and none twice, was {symbols}")
    if window is not None and window < timedelta(seconds=1):
        raise ConfigError(f"window must be at least a second, was {window}")
    if batch_rows < 1:
        raise ConfigError(f"batch_rows must be at least 1, was {batch_rows}")
    ordered = tuple(sorted(names))
    series = _series(ordered, kinds, timeframe)
    longest = None if window is None else int(window.total_seconds()) * SECOND_NS
    tapes = [_tape(store, one, ordered, period, longest, len(series)) for one in series]
    return _merged([tape for tape in tapes if tape is not None], ordered, batch_rows)


def _series(symbols: tuple[str, ...], kinds: Sequence[str], timeframe: str | None) -> list[Series]:
    """Series in the order of their events at one instant."""
    if isinstance(kinds, str) or not kinds or len(set(kinds)) < len(kinds):
        raise ConfigError(f"kinds must name at least one kind and none twice, was {kinds!r}")
    for kind in kinds:
        if kind not in KINDS:
            hint = nearest_hint(str(kind), KINDS)
            raise ConfigError(f"kinds must be of {', '.join(KINDS)}, was {kind!r}{hint}")
    if ("bars" in kinds) != (timeframe is not None):
        raise ConfigError(f"timeframe must be given for bars and only for them, was {timeframe!r}")
    length = "" if timeframe is None else timeframe_named(timeframe)
    return [
        Series(kind=kind, symbol=symbol, timeframe=length if kind == "bars" else "")
        for kind in KINDS
        if kind in kinds
        for symbol in symbols
    ]


@dataclass(slots=True, kw_only=True, eq=False)
class _Tape:
    """One series on its way through time.

    Attributes:
        store: Where it is.
        series: Which.
        kind: Code of its kind.
        symbol: Code of its symbol.
        until: Up to when its events are in hand [ns UTC].
        stop: When they end [ns UTC].
        step: Time that is read at once [ns].
        columns: ts, seq and values that are in hand.
    """

    store: Store
    series: Series
    kind: int
    symbol: int
    until: int
    stop: int
    step: int
    columns: tuple[Any, ...] = field(default=(), init=False)

    def load(self) -> None:
        """Take the next window in hand, once all before it has been given away."""
        named = VALUES[self.series.kind]
        ordered = () if self.series.kind == "bars" else ("seq",)
        high = min(self.until + self.step, self.stop)
        table = self.store.read(self.series, self.until, high, ["ts", *ordered, *named])
        ts = numbers(table, "ts")
        seq = numbers(table, "seq") if ordered else np.zeros(len(ts), np.int64)
        self.columns = (ts, seq, *(numbers(table, name) for name in named))
        self.until = high

    def count(self, horizon: int) -> int:
        """Events in hand before an instant."""
        return int(np.searchsorted(self.columns[0], horizon))

    def take(self, horizon: int) -> tuple[Any, ...]:
        """Give away events before an instant."""
        count = self.count(horizon)
        given = tuple(column[:count] for column in self.columns)
        self.columns = tuple(column[count:] for column in self.columns)
        return given


def _tape(  # noqa: PLR0917
    store: Store,
    series: Series,
    symbols: tuple[str, ...],
    period: tuple[int | None, int | None],
    window_ns: int | None,
    count: int,
) -> _Tape | None:
    info = store.info(series)
    if info.first is None or info.last is None:
        return None
    first = info.first if period[0] is None else max(info.first, period[0])
    stop = info.last + 1 if period[1] is None else min(info.last + 1, period[1])
    if first >= stop:
        return None
    return _Tape(
        store=store,
        series=series,
        kind=KINDS.index(series.kind),
        symbol=symbols.index(series.symbol),
        until=first,
        stop=stop,
        step=_step(info, window_ns, count),
    )


def _step(info: SeriesInfo, window_ns: int | None, count: int) -> int:
    """Time in which a series has at most its share of the events in hand [ns]."""
    if info.series.kind == "bars":
        # No two are nearer than their length, so years of days are read at once.
        length_ns = timeframe_ns(info.series.timeframe) or DAY_NS
        fits_ns = max(_ROWS_MAX // count, 1) * length_ns
        return fits_ns if window_ns is None else min(window_ns, fits_ns)
    assert info.first is not None and info.last is not None  # noqa: S101, PT018  (the caller looked)
    mean_ns = (info.last + 1 - info.first) / max(info.row_count, 1)
    fits_ns = max(SECOND_NS, int(_ROWS_MAX / count / _RUSH * mean_ns))
    return min(_TICKS_NS if window_ns is None else window_ns, fits_ns)


def _merged(tapes: list[_Tape], symbols: tuple[str, ...], batch_rows: int) -> Iterator[Batch]:
    for tape in tapes:
        tape.load()
    while tapes:
        horizon = min(tape.until for tape in tapes)
        for instant in _steps(tapes, horizon):
            parts = [(tape, tape.take(instant)) for tape in tapes]
            whole = _in_order([(tape, part) for tape, part in parts if len(part[0])], symbols)
            for low in range(0, len(whole), batch_rows):
                yield whole[low : low + batch_rows]
        tapes = [tape for tape in tapes if tape.until > horizon or tape.until < tape.stop]
        for tape in tapes:
            if tape.until == horizon:
                tape.load()


def _steps(tapes: list[_Tape], horizon: int) -> list[int]:
    """Instants up to which to merge, so that what is merged at once fits a processor's cache."""
    given = [tape.count(horizon) for tape in tapes]
    steps = sum(given) // _MERGED_ROWS + 1
    starts = [int(tape.columns[0][0]) for tape, count in zip(tapes, given, strict=True) if count]
    first = min(starts, default=horizon)
    return [first + (horizon - first) * step // steps for step in range(1, steps + 1)]


def _in_order(parts: list[tuple[_Tape, tuple[Any, ...]]], symbols: tuple[str, ...]) -> Batch:
    """Parts in the order of kind and symbol as one batch; equal instants keep that order."""
    sizes = [len(part[0]) for _, part in parts]
    ts = np.concatenate([np.empty(0, np.int64), *(part[0] for _, part in parts)])
    order = np.argsort(ts, kind="stable")
    values = np.full((WIDTH, len(ts)), np.nan)
    low = 0
    for (_, part), size in zip(parts, sizes, strict=True):
        for row, column in enumerate(part[2:]):
            values[row, low : low + size] = column
        low += size
    kind = np.repeat(np.array([tape.kind for tape, _ in parts], np.int8), sizes)
    symbol = np.repeat(np.array([tape.symbol for tape, _ in parts], np.int32), sizes)
    seq = np.concatenate([np.empty(0, np.int64), *(part[1] for _, part in parts)])
    return Batch(
        symbols=symbols,
        ts=ts[order],
        kind=kind[order],
        symbol=symbol[order],
        seq=seq[order],
        values=values[:, order],
    )

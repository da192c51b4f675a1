"""The clock of a panel as the loop reads it, made once for all runs on its bars."""

import weakref
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE
from fanfold.engine.step.state import (
    BENCHMARK_RETURN,
    CAT_RATE,
    CLOCK_ROWS,
    CLOSES_SESSION,
    IS_MONTH_END,
    MINUTES_TO_CLOSE,
    NEXT_EVENT,
    NIGHTS,
    PULSE_ROWS,
    SEC_RATE,
    SESSION_DAY,
    SESSIONS_CLOSED,
    TS,
)
from fanfold.execution.regulatory import regulatory_rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Clock and benchmark at each bar; rows are named in `fanfold.engine.step.state`.

    Attributes:
        clock: int64, shape [row, bar].
        pulse: float64, shape [row, bar].
        marks: Close of each asset in each bar in which it trades, else NaN; float64,
            shape [bar, asset].
        benchmark: Level at each bar, shape [bar]: the bars' own benchmark, or equal
            weights of all assets, rebalanced at each session's close.
        benchmark_name: What it is.
        benchmark_sums: Running sums over sessions of its return and of its square,
            shape [2, bar].
    """

    clock: NDArray[np.int64]
    pulse: NDArray[np.float64]
    marks: NDArray[np.float64]
    benchmark: NDArray[np.float64]
    benchmark_name: str
    benchmark_sums: NDArray[np.float64]


_timelines: "weakref.WeakKeyDictionary[Bars, Timeline]" = weakref.WeakKeyDictionary()


def timeline_of(bars: Bars) -> Timeline:
    """The timeline of these bars, made on first need and kept as long as they are."""
    found = _timelines.get(bars)
    if found is None:
        found = _timelines[bars] = _make(bars)
    return found


def _make(bars: Bars) -> Timeline:
    closes = bars.closes_session
    clock = np.empty((CLOCK_ROWS, bars.bar_count), np.int64)
    clock[TS] = bars.ts
    clock[SESSION_DAY] = bars.session_day
    clock[IS_MONTH_END] = bars.is_month_end
    clock[CLOSES_SESSION] = closes
    clock[SESSIONS_CLOSED] = np.cumsum(closes)
    clock[NIGHTS] = np.diff(bars.session_day, prepend=bars.session_day[:1])
    clock[NEXT_EVENT] = _next_events(bars)
    clock[SEC_RATE : CAT_RATE + 1] = regulatory_rates(bars.session_day)
    level, name = _benchmark(bars, closes)
    pulse = np.full((PULSE_ROWS, bars.bar_count), np.nan)
    pulse[MINUTES_TO_CLOSE] = bars.minutes_to_close
    ends = np.flatnonzero(closes)
    returns = np.zeros(len(ends))
    returns[1:] = level[ends][1:] / level[ends][:-1] - 1.0
    # Where the benchmark is unknown its return counts as nothing here; `beta` and
    # `alpha` of a window with such a session are NaN all the same (its level is).
    pulse[BENCHMARK_RETURN, ends] = np.nan_to_num(returns)
    known = np.nan_to_num(pulse[BENCHMARK_RETURN])
    sums = np.stack([np.cumsum(known), np.cumsum(known * known)])
    return Timeline(
        clock=clock,
        pulse=pulse,
        marks=np.where(bars.volume != 0.0, bars.close, np.nan),
        benchmark=level,
        benchmark_name=name,
        benchmark_sums=sums,
    )


def delisting_bars(bars: Bars) -> NDArray[np.int64]:
    """Bar before whose open each asset is delisted, or -1; shape [asset]."""
    if bars.delisted_day is None:
        return np.full(bars.asset_count, -1)
    first = np.searchsorted(bars.session_day, bars.delisted_day)
    return np.where(first < bars.bar_count, first, -1)


def _next_events(bars: Bars) -> NDArray[np.int64]:
    """First bar from each one on before whose open something happens to an asset."""
    happens = np.zeros(bars.bar_count, np.bool_)
    if bars.splits is not None:
        happens |= (bars.splits != 1.0).any(axis=1)
    if bars.dividends is not None:
        happens |= (bars.dividends != 0.0).any(axis=1)
    if bars.members is not None:
        happens[1:] |= (bars.members[1:] != bars.members[:-1]).any(axis=1)
    delisted = delisting_bars(bars)
    happens[delisted[delisted >= 0]] = True
    ahead = np.where(happens, np.arange(bars.bar_count), bars.bar_count)
    return np.minimum.accumulate(ahead[::-1])[::-1]


def _benchmark(bars: Bars, closes: NDArray[np.bool_]) -> tuple[NDArray[np.float64], str]:
    if bars.benchmark is not None:
        return bars.benchmark, bars.benchmark_name or "benchmark"
    if bars.asset_count == 1:
        return filled(bars.seen[CLOSE])[:, 0], bars.symbols[0]
    ends = np.flatnonzero(closes)
    marks = filled(bars.seen[CLOSE])[ends]
    # Invalid where an asset has not begun: it takes no part in that session.
    with np.errstate(invalid="ignore"):
        changes = marks[1:] / marks[:-1] - 1.0
    known = np.isfinite(changes)
    mean = np.where(known, changes, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    level = np.full(bars.bar_count, np.nan)
    level[ends[0]] = 1.0
    level[ends[1:]] = np.cumprod(1.0 + mean)
    return filled(level[:, None])[:, 0], "equal weights of all assets"


def filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each column's last known value carried forward; NaN before its first."""
    rows = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    return np.take_along_axis(values, np.maximum.accumulate(rows, axis=0), axis=0)

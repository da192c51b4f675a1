"""What services under test have: made so that sessions, half days and pages all matter.

The closes are written down here, not computed, so that a calendar's fault shows.
"""

from datetime import date
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd
from tests.conformance.case import PAGE_ROWS, Case, Truth

# New York's clocks go back on 3 November; the 28th is a holiday, the 29th ends at 13:00.
_BEFORE = [date(2024, 10, day) for day in (30, 31)] + [date(2024, 11, 1)]
_AFTER = [date(2024, 11, day) for day in (4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 18, 19)]
_LATE = [date(2024, 11, 25), date(2024, 11, 26), date(2024, 11, 27), date(2024, 11, 29)]
_LATE += [date(2024, 12, 2), date(2024, 12, 3), date(2024, 12, 4)]
HALF_DAY: Final = date(2024, 11, 29)

ROW_COUNTS: Final = (2 * PAGE_ROWS + 1, PAGE_ROWS, PAGE_ROWS - 1)
"""Rows of the three symbols: more than two pages, exactly one, less than one."""

FIRST: Final = pd.Timestamp("2024-10-01", tz="UTC").value
UNTIL: Final = pd.Timestamp("2025-01-01", tz="UTC").value
"""A period that holds all rows [ns UTC]."""

EX_SPLIT: Final = pd.Timestamp("2024-11-01")
EX_DIVIDEND: Final = pd.Timestamp("2024-11-08")


def truth_of(case: Case, kind: str, timeframe: str = "1D", now: int | None = None) -> Truth:
    """What a case's service has of a kind."""
    if case.own is not None:
        return case.own(timeframe)
    frames = {
        symbol: _frame(kind, timeframe, case.calendar, place)
        for place, symbol in enumerate(case.symbols)
    }
    return Truth(frames=frames, kind=kind, timeframe=timeframe, now=now)


def actions_of(case: Case) -> dict[str, Any]:
    """A split and, later, a dividend of the first symbol; nothing of the others."""
    table = {"ts": [EX_SPLIT, EX_DIVIDEND], "splits": [4.0, 1.0], "dividends": [0.0, 0.25]}
    return {case.symbols[0]: pd.DataFrame(table).astype({"ts": "datetime64[ns]"})}


@cache
def _frame(kind: str, timeframe: str, calendar: str, place: int) -> pd.DataFrame:
    count, rng = ROW_COUNTS[place], np.random.default_rng(place)
    if kind == "bars":
        return _bars(_clock(count, timeframe, calendar), rng)
    return {"trades": _trades, "quotes": _quotes}[kind](count, rng)


def _clock(count: int, timeframe: str, calendar: str) -> pd.DataFrame:
    """Columns `start`, `ts` and `session` of bars."""
    if timeframe == "1D":
        return _days(count, calendar)
    # Up to the close of the half day, and a minute without a trade: it has no bar.
    length = {"1h": pd.Timedelta(hours=1), "1min": pd.Timedelta(minutes=1)}[timeframe]
    step = length if timeframe == "1min" else pd.Timedelta(days=1)
    close = pd.Timestamp("2024-11-29T18:00", tz="UTC")
    if timeframe == "1min":
        ends = pd.DatetimeIndex([close - step * back for back in range(count + 1) if back != 2])
        start, ts = ends - length, ends
    else:
        # Half past, so that the last one of the half day is cut at its close.
        opens = pd.DatetimeIndex(
            [pd.Timestamp(f"{day}T17:30", tz="UTC") for day in (_BEFORE + _AFTER + _LATE)[-count:]]
        )
        half = opens.normalize().tz_localize(None) == pd.Timestamp(HALF_DAY)
        start, ts = opens, (opens + length).where(~half, close)
        if calendar == "24/7":
            ts = opens + length
    start, ts = start.sort_values(), ts.sort_values()
    session = start.normalize().tz_localize(None)
    return _typed(pd.DataFrame({"start": start, "ts": ts, "session": session}))


def _days(count: int, calendar: str) -> pd.DataFrame:
    if calendar == "24/7":
        session = pd.date_range("2024-11-01", periods=count)
        start = session.tz_localize("UTC")
        ends = start + pd.Timedelta(days=1)
        return _typed(pd.DataFrame({"start": start, "ts": ends, "session": session}))
    days = (_BEFORE + _AFTER) if count > len(_LATE) else _LATE[:count]
    assert len(days) == count
    hours = [20 if day in _BEFORE else 18 if day == HALF_DAY else 21 for day in days]
    opens = [13.5 if day in _BEFORE else 14.5 for day in days]
    session = pd.DatetimeIndex([pd.Timestamp(day) for day in days])
    table = {
        "start": session.tz_localize("UTC") + pd.to_timedelta(opens, unit="h"),
        "ts": session.tz_localize("UTC") + pd.to_timedelta(hours, unit="h"),
        "session": session,
    }
    return _typed(pd.DataFrame(table))


def _typed(clock: pd.DataFrame) -> pd.DataFrame:
    zoned = dict.fromkeys(("start", "ts"), "datetime64[ns, UTC]")
    return clock.astype(zoned | {"session": "datetime64[ns]"})


def _bars(clock: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    count = len(clock)
    close = np.round(150 * np.exp(np.cumsum(rng.normal(0, 0.01, count))), 2)
    opens = np.round(close * np.exp(rng.normal(0, 0.005, count)), 2)
    high = np.round(np.maximum(opens, close) + rng.uniform(0, 2, count), 2)
    low = np.round(np.minimum(opens, close) - rng.uniform(0, 2, count), 2)
    return clock.assign(
        open=opens,
        high=high,
        low=low,
        close=close,
        volume=rng.integers(100, 90_000_000, count).astype(float),
        vwap=np.round((high + low) / 2, 4),
        trade_count=rng.integers(1, 90_000, count).astype(float),
    )


def _instants(count: int) -> pd.DatetimeIndex:
    """Uneven, to the nanosecond; the third shares its instant with the second."""
    steps = np.full(count, 1_234_567_891)
    steps[2] = 0
    first = pd.Timestamp("2024-11-29T15:00:00.000000001", tz="UTC").value
    return pd.DatetimeIndex(first + np.cumsum(steps), tz="UTC")


def _trades(count: int, rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ts": _instants(count),
            "price": np.round(rng.uniform(90, 110, count), 4),
            "size": rng.integers(1, 5_000, count).astype(float),
            "id": [str(52_983_525_000_000 + place) for place in range(count)],
            "exchange": rng.choice(["V", "P"], count),
            "conditions": rng.choice(["@", "@ I", "@ T I"], count),
        }
    )


def _quotes(count: int, rng: np.random.Generator) -> pd.DataFrame:
    bid = np.round(rng.uniform(90, 100, count), 2)
    quotes = pd.DataFrame(
        {
            "ts": _instants(count),
            "bid": bid,
            "bid_size": rng.integers(1, 90, count).astype(float),
            "ask": np.round(bid + rng.integers(1, 9, count) / 100, 2),
            "ask_size": rng.integers(1, 90, count).astype(float),
            "exchange": rng.choice(["V", "P"], count),
            "conditions": rng.choice(["R", "H"], count),
        }
    )
    quotes.loc[1, ["bid", "bid_size"]] = np.nan
    quotes.loc[3, ["ask", "ask_size"]] = np.nan
    return quotes

"""Made-up market data for the benchmark: files to ingest, and a store to read."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

DAILY_SYMBOLS: Final = 500
DAILY_BARS: Final = 5_031
"""Sessions of New York in twenty years."""

CSV_SYMBOLS: Final = 5
CSV_SESSIONS: Final = 256
"""Minutes of five symbols over a year: half a million rows."""

MINUTE_SYMBOLS: Final = 10
MINUTE_BARS: Final = 490_000
"""Minutes of five years."""

DAY_NS: Final = 86_400_000_000_000
MINUTE_NS: Final = 60_000_000_000
FIRST_DAY: Final = 14_613  # 2010-01-04, a Monday
SESSION_MINUTES: Final = 390
CLOSE_NS: Final = 21 * 60 * MINUTE_NS


def daily_file(folder: Path) -> Path:
    """Daily bars of twenty years as Parquet, dated."""
    days = sessions("2004-01-02", DAILY_BARS)
    file = folder / "daily.parquet"
    frame = walks(pd.DatetimeIndex(days).as_unit("ns"), DAILY_SYMBOLS, 0.01)
    frame.to_parquet(file, compression="zstd", index=False)
    return file


def minutes_file(folder: Path) -> Path:
    """Minute bars of regular sessions as CSV, stamped by their start, in UTC."""
    days = pd.DatetimeIndex(sessions("2019-01-02", CSV_SESSIONS))
    opens = (days + pd.Timedelta(hours=9, minutes=30)).tz_localize("America/New_York")
    ns = opens.as_unit("ns").asi8[:, None] + np.arange(SESSION_MINUTES) * MINUTE_NS
    frame = walks(pd.DatetimeIndex(ns.ravel()), CSV_SYMBOLS, 0.0005)
    frame["ts"] = frame["ts"].dt.tz_localize("UTC")
    file = folder / "minutes.csv"
    frame.to_csv(file, index=False)
    return file


def sessions(first: str, count: int) -> np.ndarray:
    """Dates of the first sessions of New York from a day on."""
    from fanfold.domain.sessions import next_sessions

    ends = pd.date_range(first, periods=count * 2, tz="UTC").as_unit("ns").asi8
    return np.unique(next_sessions(ends, "XNYS"))[:count].astype("datetime64[D]")


def walks(ts: pd.DatetimeIndex, symbols: int, deviation: float) -> pd.DataFrame:
    """Random walks in tidy form, the symbols one after the other."""
    rng, count = np.random.default_rng(1), len(ts)
    close = 100 * np.exp(np.cumsum(rng.normal(0, deviation, (symbols, count)), axis=1))
    opens = close * np.exp(rng.normal(0, deviation / 3, close.shape))
    fields = {
        "open": opens,
        "high": np.maximum(opens, close) * 1.001,
        "low": np.minimum(opens, close) * 0.999,
        "close": close,
        "volume": rng.integers(10_000, 1_000_000, close.shape).astype(float),
    }
    names = np.repeat([f"S{place:03d}" for place in range(symbols)], count)
    columns = {name: np.round(values, 4).ravel() for name, values in fields.items()}
    return pd.DataFrame({"symbol": names, "ts": np.tile(ts, symbols), **columns})


def minute_store(folder: Path) -> Path:
    """A store of minute bars of five years, the same instants for all symbols."""
    import pyarrow as pa

    from fanfold.market.kinds import schema_of
    from fanfold.market.store import Series, Store

    rng = np.random.default_rng(0)
    place = np.arange(MINUTE_BARS)
    session = place // SESSION_MINUTES
    day = FIRST_DAY + session // 5 * 7 + session % 5
    to_close = SESSION_MINUTES - 1 - place % SESSION_MINUTES
    clock: dict[str, Any] = {
        "ts": day * DAY_NS + CLOSE_NS - to_close * MINUTE_NS,
        "session": day.astype(np.int32),
        "minutes_to_close": to_close.astype(float),
        "is_month_end": session % 21 == 20,
    }
    schema = schema_of("bars")
    store = Store.at(folder / "minutes")
    for number in range(MINUTE_SYMBOLS):
        close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.002, MINUTE_BARS))) + 1, 2)
        spread = np.round(rng.uniform(0.01, 0.5, MINUTE_BARS), 2)
        prices = {
            "open": close,
            "high": close + spread,
            "low": close - spread,
            "close": close,
            "volume": rng.integers(100, 1_000_000, MINUTE_BARS).astype(float),
        }
        columns = clock | prices
        arrays = [pa.array(columns[one.name]).cast(one.type) for one in schema]
        series = Series(kind="bars", symbol=f"S{number:03d}", timeframe="1min")
        labels = {"source": "made up", "basis": "raw", "calendar": "XNYS"}
        store.upsert(series, pa.Table.from_arrays(arrays, schema=schema), labels=labels)
    return folder / "minutes"

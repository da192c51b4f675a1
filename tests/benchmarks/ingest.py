"""Rows per second from a file into a store, checks included, beside pandas.

pandas reads the same file and writes it as Parquet partitioned by symbol: no session, no
check, no merge with what is stored, no fingerprint and nothing flushed to the disk. So its
figure is what the formats cost, and ours what they and all of that cost.

Run: python tests/benchmarks/ingest.py [--symbols 500] [--repeat 3]
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fanfold.market.ingest import fetch_into
from fanfold.market.sources.file import FileSource
from fanfold.market.sources.source import Request
from fanfold.market.store import Store

BARS_DAILY = 5_031
"""Sessions of New York in twenty years."""

SESSIONS_MINUTES = 256
SYMBOLS_MINUTES = 5
"""Minutes of five symbols over a year: half a million rows."""

FIRST_DAY = "2004-01-02"


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


def daily_file(folder: Path, symbols: int) -> Path:
    """Daily bars as Parquet."""
    from fanfold.domain.sessions import next_sessions

    closes = pd.date_range(FIRST_DAY, periods=BARS_DAILY * 2, tz="UTC").as_unit("ns").asi8
    days = np.unique(next_sessions(closes, "XNYS"))[:BARS_DAILY]
    ts = pd.DatetimeIndex(days.astype("datetime64[D]")).as_unit("ns")
    file = folder / "daily.parquet"
    walks(ts, symbols, 0.01).to_parquet(file, compression="zstd", index=False)
    return file


def minutes_file(folder: Path) -> Path:
    """Minute bars of regular sessions as CSV, stamped by their start, in UTC."""
    days = pd.bdate_range("2019-01-02", periods=SESSIONS_MINUTES * 2)
    from fanfold.domain.sessions import next_sessions

    known = np.unique(next_sessions(days.tz_localize("UTC").as_unit("ns").asi8, "XNYS"))
    sessions = pd.DatetimeIndex(known[:SESSIONS_MINUTES].astype("datetime64[D]"))
    opens = (sessions + pd.Timedelta(hours=9, minutes=30)).tz_localize("America/New_York")
    ns = opens.as_unit("ns").asi8[:, None] + np.arange(390) * 60_000_000_000
    file = folder / "minutes.csv"
    frame = walks(pd.DatetimeIndex(ns.ravel()), SYMBOLS_MINUTES, 0.0005)
    frame["ts"] = frame["ts"].dt.tz_localize("UTC")
    frame.to_csv(file, index=False)
    return file


def ours(source: FileSource, folder: Path) -> int:
    """Ingest; rows that were stored."""
    receipts = fetch_into(Store.at(folder), source, Request())
    return sum(one.added + one.unchanged for one in receipts)


def theirs(file: Path, folder: Path) -> int:
    """Read with pandas and write partitioned Parquet."""
    csv = file.suffix == ".csv"
    frame = pd.read_csv(file, parse_dates=["ts"]) if csv else pd.read_parquet(file)
    frame.to_parquet(folder, partition_cols=["symbol"], compression="zstd", index=False)
    return len(frame)


def timed(work: Callable[[Path], int], root: Path, repeat: int) -> tuple[int, list[float]]:
    """Rows, and seconds of each repetition into an empty folder."""
    rows, seconds = 0, list[float]()
    for turn in range(repeat):
        folder = root / f"turn-{turn}"
        start = time.perf_counter()
        rows = work(folder)
        seconds.append(time.perf_counter() - start)
        shutil.rmtree(folder)
    return rows, seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--symbols", type=int, default=500, help="symbols of the daily file")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions; the best counts")
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="fanfold-ingest-"))
    try:
        daily, minutes = daily_file(root, asked.symbols), minutes_file(root)
        warm = root / "warm"
        ours(FileSource(files=minutes, stamp="start"), warm)  # compiles, makes calendars
        sources = {
            "daily Parquet": FileSource(files=daily),
            "minute CSV": FileSource(files=minutes, stamp="start"),
        }
        print(f"{'work':24}{'rows':>12}{'ours rows/s':>14}{'pandas rows/s':>15}{'ratio':>8}")
        for name, source in sources.items():
            rows, seconds = timed(lambda folder, of=source: ours(of, folder), root, asked.repeat)
            file = Path(str(source.files))
            _, pandas = timed(lambda folder, of=file: theirs(of, folder), root, asked.repeat)
            rate, beside = rows / min(seconds), rows / min(pandas)
            print(f"{name:24}{rows:>12,}{rate:>14,.0f}{beside:>15,.0f}{rate / beside:>8.2f}")
        kept = root / "kept"
        ours(sources["daily Parquet"], kept)
        start = time.perf_counter()
        rows = ours(sources["daily Parquet"], kept)
        rate = rows / (time.perf_counter() - start)
        print(f"{'daily Parquet, again':24}{rows:>12,}{rate:>14,.0f}{'':>15}{'':>8}")
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()

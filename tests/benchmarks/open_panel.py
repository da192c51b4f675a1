"""How long it takes to open a panel, and how much memory: fanfold, pandas and polars.

    python -m tests.benchmarks.open_panel [daily | minute]

A store is made in a temporary folder, once of 500 symbols and 20 years of days, once of
10 symbols and 5 years of minutes. Each way of reading gets a process of its own, after
the files were read once, and its peak memory beyond what its imports took is printed.
"""

import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

CASES: Final = {"daily": (500, 5_031, "1D"), "minute": (10, 490_000, "1min")}
"""Symbols, bars of each and timeframe."""

FIELDS: Final = ("open", "high", "low", "close", "volume")
DAY_NS: Final = 86_400_000_000_000
MINUTE_NS: Final = 60_000_000_000
FIRST_DAY: Final = 14_613  # 2010-01-04, a Monday
SESSION_MINUTES: Final = 390
CLOSE_NS: Final = 21 * 60 * MINUTE_NS


def main() -> None:
    """Make the stores and measure each way of reading them."""
    for name in sys.argv[1:] or CASES:
        symbol_count, bar_count, timeframe = CASES[name]
        rows = symbol_count * bar_count
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            make(Path(folder), symbol_count, bar_count, timeframe)
            seconds = time.perf_counter() - began
            print(f"{name}: {symbol_count} symbols of {bar_count:,} bars, panel of")
            print(
                f"  {rows * 40 / 1e6:.0f} MB; written in {seconds:.1f} s, "
                f"{rows / seconds / 1e6:.2f} million rows/s"
            )
            for reader in READERS:
                subprocess.run([sys.executable, __file__, "--read", reader, folder], check=True)


def make(folder: Path, symbol_count: int, bar_count: int, timeframe: str) -> None:
    """Prices that walk at random, on the same instants for all symbols."""
    import pyarrow as pa

    from fanfold.market.kinds import schema_of
    from fanfold.market.store import Series, Store

    rng = np.random.default_rng(0)
    place = np.arange(bar_count)
    bars_per_day = 1 if timeframe == "1D" else SESSION_MINUTES
    session = place // bars_per_day
    day = FIRST_DAY + session // 5 * 7 + session % 5
    to_close = bars_per_day - 1 - place % bars_per_day
    clock: dict[str, Any] = {
        "ts": day * DAY_NS + CLOSE_NS - to_close * MINUTE_NS,
        "session": day.astype(np.int32),
        "minutes_to_close": to_close.astype(float),
        "is_month_end": session % 21 == 20,
    }
    schema = schema_of("bars")
    store = Store.at(folder)
    for number in range(symbol_count):
        close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.002, bar_count))) + 1, 2)
        spread = np.round(rng.uniform(0.01, 0.5, bar_count), 2)
        prices = {
            "open": close,
            "high": close + spread,
            "low": close - spread,
            "close": close,
            "volume": rng.integers(100, 1_000_000, bar_count).astype(float),
        }
        columns = clock | prices
        arrays = [pa.array(columns[one.name]).cast(one.type) for one in schema]
        series = Series(kind="bars", symbol=f"S{number:03d}", timeframe=timeframe)
        labels = {"source": "made up", "basis": "raw", "calendar": "XNYS"}
        store.upsert(series, pa.Table.from_arrays(arrays, schema=schema), labels=labels)


def read_fanfold(folder: str) -> tuple[int, ...]:
    """`load_bars`, with all its checks."""
    from fanfold.market.load import load_bars

    return load_bars(folder).panel.shape


def read_pandas(folder: str) -> tuple[int, ...]:
    """`read_parquet` of each symbol, side by side."""
    import pandas as pd

    files = {
        one.name.partition("=")[2]: pd.concat(
            [pd.read_parquet(file, columns=["ts", *FIELDS]) for file in sorted(one.iterdir())]
        )
        for one in sorted(Path(folder).glob("bars/*/symbol=*"))
    }
    wide = {
        field: pd.DataFrame({name: one.set_index("ts")[field] for name, one in files.items()})
        for field in FIELDS
    }
    return np.stack([wide[field].to_numpy() for field in FIELDS]).shape


def read_pandas_dataset(folder: str) -> tuple[int, ...]:
    """`read_parquet` of the whole folder and a pivot of each field."""
    import pandas as pd

    frame = pd.read_parquet(f"{folder}/bars", columns=["ts", *FIELDS, "symbol"])
    wide = [
        frame.pivot_table(index="ts", columns="symbol", values=one, observed=True) for one in FIELDS
    ]
    return np.stack([one.to_numpy() for one in wide]).shape


def read_polars(folder: str) -> tuple[int, ...]:
    """`scan_parquet` of the whole folder and a pivot of each field."""
    import polars as pl

    frame = pl.scan_parquet(f"{folder}/bars/**/*.parquet", hive_partitioning=True)
    rows = frame.select("ts", "symbol", *FIELDS).collect()
    wide = [
        rows.pivot("symbol", index="ts", values=one, sort_columns=True).sort("ts") for one in FIELDS
    ]
    return np.stack([one.drop("ts").to_numpy() for one in wide]).shape


READERS: Final = {
    "fanfold": read_fanfold,
    "pandas, a file each": read_pandas,
    "pandas, all at once": read_pandas_dataset,
    "polars, all at once": read_polars,
}


def measure(reader: str, folder: str) -> None:
    """Read once to warm up the files, then measure."""
    import_of(reader)
    for file in Path(folder).glob("bars/*/*/*.parquet"):
        file.read_bytes()
    before = peak_bytes()
    began, busy = time.perf_counter(), time.process_time()
    try:
        shape = READERS[reader](folder)
    except ImportError as error:
        print(f"  {reader:22} not here: {error}")
        return
    seconds = time.perf_counter() - began
    busy = time.process_time() - busy
    beyond = (peak_bytes() - before) / 1e6
    print(
        f"  {reader:22} {seconds:6.2f} s, {busy:6.2f} s of processors, {beyond:6.0f} MB,  {shape}"
    )


def import_of(reader: str) -> None:
    """Load the libraries, which is not what is measured."""
    libraries = ["pyarrow.parquet", "pyarrow.compute", "fanfold.market.load"]
    for name in [*libraries, "pandas"] if reader.startswith("pandas") else libraries:
        import_module(name)


def peak_bytes() -> int:
    """Greatest memory of this process so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        measure(sys.argv[2], sys.argv[3])
    else:
        main()

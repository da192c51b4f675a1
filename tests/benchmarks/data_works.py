"""The works of the data benchmark, one a process: fanfold's, and the same with pandas, polars.

    python data_works.py WORK TIMES ARGUMENT...

It prints a line of JSON: what the work gave, and of the best of some times seconds, seconds of
processors, and memory beyond what imports took [MB]. Only what a work needs is imported,
so it runs in the peers' environment too.
"""

import json
import shutil
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Final

LONG_SECONDS: Final = 8.0
"""A work that took longer is not repeated [s]."""

FIELDS: Final = ("open", "high", "low", "close", "volume")


def fanfold_ingest(file: str, folder: str) -> int:
    """Examine and store; rows that are stored."""
    from fanfold.market.intake.fetch import fetch_into
    from fanfold.market.sources.file import FileSource
    from fanfold.market.sources.source import Request
    from fanfold.market.store import Store

    stamp = "start" if file.endswith(".csv") else None
    receipts = fetch_into(Store.at(folder), FileSource(files=file, stamp=stamp), Request())
    return sum(one.added + one.unchanged for one in receipts)


def pandas_ingest(file: str, folder: str) -> int:
    """Read, and write as Parquet in a folder for each symbol."""
    import pandas as pd

    csv = file.endswith(".csv")
    frame = pd.read_csv(file, parse_dates=["ts"]) if csv else pd.read_parquet(file)
    frame.to_parquet(folder, partition_cols=["symbol"], compression="lz4", index=False)
    return len(frame)


def polars_ingest(file: str, folder: str) -> int:
    """Read, and write as Parquet in a folder for each symbol."""
    import polars as pl

    csv = file.endswith(".csv")
    frame = pl.read_csv(file, try_parse_dates=True) if csv else pl.read_parquet(file)
    frame.write_parquet(folder, partition_by="symbol", compression="lz4")
    return len(frame)


def fanfold_open(folder: str) -> Any:
    """`load_bars`, with all its checks."""
    from fanfold.market.load import load_bars

    return load_bars(folder).panel


def pandas_open(folder: str) -> Any:
    """`read_parquet` of each symbol, side by side."""
    import numpy as np
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
    return np.stack([wide[field].to_numpy() for field in FIELDS])


def polars_open(folder: str) -> Any:
    """`scan_parquet` of all files and a pivot of each field."""
    import numpy as np
    import polars as pl

    frame = pl.scan_parquet(f"{folder}/bars/**/*.parquet", hive_partitioning=True)
    rows = frame.select("ts", "symbol", *FIELDS).collect()
    wide = [
        rows.pivot("symbol", index="ts", values=one, sort_columns=True).sort("ts") for one in FIELDS
    ]
    return np.stack([one.drop("ts").to_numpy() for one in wide])


WORKS: Final = {
    "fanfold ingest": fanfold_ingest,
    "pandas ingest": pandas_ingest,
    "polars ingest": polars_ingest,
    "fanfold open": fanfold_open,
    "pandas open": pandas_open,
    "polars open": polars_open,
}
IMPORTS: Final = {
    "fanfold": ["pyarrow.parquet", "pyarrow.compute", "fanfold.market.load"],
    "pandas": ["pandas", "pyarrow.parquet"],
    "polars": ["polars", "numpy"],
}


def main(name: str, times: int, *arguments: str) -> dict[str, Any]:
    """Do a work some times, each into a folder that is not there, and measure."""
    for module in IMPORTS[name.partition(" ")[0]]:
        import_module(module)
    before, best, given, beyond = peak_megabytes(), (float("inf"), 0.0), None, 0.0
    for turn in range(times):
        given = None
        began, busy = time.perf_counter(), time.process_time()
        given = WORKS[name](*arguments)
        best = min(best, (time.perf_counter() - began, time.process_time() - busy))
        beyond = beyond or peak_megabytes() - before
        if turn == times - 1 or time.perf_counter() - began > LONG_SECONDS:
            break
        if name.endswith("ingest"):
            shutil.rmtree(arguments[1])
    if name.endswith("open"):
        # What all must agree on, whatever the order of symbols.
        given = [*given.shape, round(float(given[3].sum()) / 1e3)]
    return {"given": given, "seconds": best[0], "busy": best[1], "megabytes": beyond}


def peak_megabytes() -> float:
    """Greatest memory of this program so far [MB].

    Not `getrusage`, which remembers the program that started this one.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])))

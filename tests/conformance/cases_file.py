"""Files in the formats and habits of several hands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from tests.conformance.case import Case, Ready, Truth

from fanfold.market.sources.file import FileSource
from fanfold.market.sources.source import Request

TICK_COLUMNS = ("exchange", "conditions")
COLUMNS = {
    "bars": ("vwap", "trade_count"),
    "trades": ("id", *TICK_COLUMNS),
    "quotes": TICK_COLUMNS,
}


def stacked(truth: Truth) -> pd.DataFrame:
    """All rows, the symbols one after the other, with actions beside daily bars."""
    parts: list[pd.DataFrame] = []
    for symbol, frame in truth.frames.items():
        part = frame.assign(symbol=symbol)
        actions = truth.actions.get(symbol)
        if truth.kind == "bars" and truth.timeframe == "1D":
            part["splits"], part["dividends"] = 1.0, 0.0
            for row in () if actions is None else actions.itertuples():
                on_day = part["session"] == row.ts
                part.loc[on_day, ["splits", "dividends"]] = row.splits, row.dividends
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def as_parquet(folder: Path, rows: pd.DataFrame, truth: Truth) -> FileSource:
    """One tidy file, bars stamped by their end, days by their date."""
    dated = truth.kind == "bars" and truth.timeframe == "1D"
    rows = rows.drop(columns=["ts" if dated else "session", "start"], errors="ignore")
    file = folder / "rows.parquet"
    rows.rename(columns={"session": "date"}).to_parquet(file, index=False)
    return FileSource(files=file, stamp="session" if dated else "end", timeframe=truth.timeframe)


def as_csv_files(folder: Path, rows: pd.DataFrame, truth: Truth) -> FileSource:
    """A file a symbol, named by it, with New York's clocks and bars stamped by their start."""
    kept = folder / "by_symbol"
    kept.mkdir(exist_ok=True)
    clock = rows["start"] if truth.kind == "bars" else rows["ts"]
    rows = rows.drop(columns=["ts", "session", "start"], errors="ignore")
    rows.insert(0, "Time", clock.dt.tz_convert("America/New_York").dt.tz_localize(None))
    for symbol, part in rows.groupby("symbol"):
        part.drop(columns="symbol").to_csv(kept / f"{symbol}.csv", index=False)
    return FileSource(
        files=kept,
        kind=truth.kind,
        zone="America/New_York",
        stamp="start",
        timeframe=truth.timeframe,
    )


@contextmanager
def opened(
    write: Callable[[Path, pd.DataFrame, Truth], FileSource],
    folder: Path,
    truth: Truth,
    trouble: str,
) -> Iterator[Ready]:
    """Write a truth into files."""
    source = write(folder, stacked(truth), truth)
    if trouble == "garbage":
        files: Any = source.files
        for file in [files] if files.is_file() else files.iterdir():
            file.write_bytes(b"\x00\xffneither columns nor rows\n" * 5)
    yield Ready(source=source)


CASES = (
    Case(
        name="file-parquet",
        open=partial(opened, as_parquet),
        kinds=("bars", "trades", "quotes"),
        timeframes=("1D", "1h", "1min"),
        troubles=("garbage", "unknown_symbol"),
        refuses=(Request(timeframe="5min"),),
        columns=COLUMNS,
        actions=True,
        has_clock=False,
    ),
    Case(
        name="file-csv",
        open=partial(opened, as_csv_files),
        kinds=("bars", "trades", "quotes"),
        timeframes=("1D", "1h", "1min"),
        troubles=("garbage", "unknown_symbol"),
        columns=COLUMNS,
        has_clock=False,
    ),
)

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.fakes.stored import put, put_rows

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError, DataError, FanfoldError
from fanfold.market import list_data, load_bars
from fanfold.market.sample import BENCHMARK, sample_store
from fanfold.market.store import Series, Store


def made_frame(bar_count: int = 5) -> pd.DataFrame:
    close = 50.0 + np.arange(bar_count)
    return pd.DataFrame(
        {
            "symbol": "A",
            "ts": pd.bdate_range("2012-11-19", periods=bar_count),
            "open": close - 1,
            "high": close + 1,
            "low": close - 2,
            "close": close,
            "volume": 10,
        }
    )


def test_the_sample_holds_five_stocks_and_the_index() -> None:
    bars = load_bars("sample")
    assert bars.symbols == ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    assert (bars.bar_count, bars.basis, bars.calendar) == (3270, "total_return", "XNYS")
    there = np.isfinite(bars.close).sum(axis=0)
    assert there.tolist() == [3270, 196, 2148, 3270, 3270]
    # First and last closes of the index on these days, from the table in its package.
    assert bars.benchmark is not None
    assert bars.benchmark[[0, -1]].tolist() == [1379.189941, 1518.199951]
    assert "S&P 500" in bars.benchmark_name
    assert (bars.minutes_to_close == 0).all()


def test_the_sample_is_adjusted_and_keeps_its_raw_prices() -> None:
    bars = load_bars(symbols=["AAPL"])
    raw = load_bars(symbols=["AAPL"], basis="raw")
    assert bars.raw is not None
    assert (bars.raw == raw.panel).all()
    assert (raw.basis, raw.raw) == ("raw", None)
    # First row of the package's table: closed at 130.31, adjusted 4.186662803811.
    assert raw.close[0, 0] == 130.31
    assert bars.close[0, 0] == pytest.approx(4.186662803811, rel=1e-12)
    # The split of 2005-02-28, two for one, is a jump of the raw prices alone.
    split = np.searchsorted(raw.session_day, np.datetime64("2005-02-28").astype(int))
    assert raw.close[split, 0] / raw.close[split - 1, 0] == pytest.approx(0.5, abs=0.02)
    assert bars.close[split, 0] / bars.close[split - 1, 0] == pytest.approx(1.0, abs=0.02)


def test_half_days_of_the_sample_end_at_one_in_new_york() -> None:
    day = load_bars(start="2012-11-23", end="2012-11-23")
    assert pd.Timestamp(day.ts[0], tz="UTC").tz_convert("America/New_York").hour == 13


def test_the_sample_is_narrowed_as_asked() -> None:
    bars = load_bars("sample", symbols=["MSFT", "AAPL"], start="2001-01-01", end="2001-12-31")
    assert bars.symbols == ("MSFT", "AAPL")
    assert bars.bar_count == 248  # sessions of that year
    assert load_bars(symbols="FB").bar_count == 196


def test_a_stored_sample_is_read_without_heavy_libraries() -> None:
    load_bars()
    ask = "import sys; from fanfold.market import load_bars; load_bars(); print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in answer.stdout.split()}
    assert "pyarrow" in loaded
    assert loaded & {"pandas", "exchange_calendars", "arch", "numba", "scipy"} == set()


def files_of(folder: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in folder.rglob("*.*") if file.is_file()}


def test_the_sample_is_converted_once_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_bars().fingerprint
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    folder = tmp_path / "data" / "sample"
    # What an earlier version made is replaced.
    (folder / "bars" / "symbol=AAPL").mkdir(parents=True)
    (folder / "bars" / "symbol=AAPL" / "0.parquet").write_text("old")
    (folder / "dataset.json").write_text("{}")
    stocks, index = list_data()
    assert (stocks.kind, stocks.timeframe, stocks.basis) == ("bars", "1D", "raw")
    assert stocks.symbols == ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    assert (stocks.first, stocks.last) == (date(2000, 3, 1), date(2013, 3, 1))
    assert (stocks.row_count, stocks.quarantined, stocks.calendar) == (12_154, 0, "XNYS")
    assert (index.kind, index.symbols) == ("series", ("S&P 500 (price index)",))
    assert load_bars().fingerprint == expected
    before = files_of(folder)
    assert load_bars().fingerprint == expected
    assert before == files_of(folder)
    assert not (folder / "dataset.json").exists()
    # Half-made by a process that was killed: the index comes last.
    store = sample_store()
    store.remove(BENCHMARK)
    store.remove(Series(kind="bars", symbol="MSFT", timeframe="1D"))
    assert load_bars().fingerprint == expected


def test_the_first_use_of_the_sample_may_be_several_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_bars().fingerprint
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    # The store's locks hold between threads as between processes.
    with ThreadPoolExecutor(max_workers=3) as pool:
        assert {one.fingerprint for one in pool.map(load_bars, ["sample"] * 3)} == {expected}


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "BARS.CSV", "bars.parquet"])
def test_tidy_files_are_bars(tmp_path: Path, name: str) -> None:
    frame, file = made_frame(), tmp_path / name
    if "parquet" in name:
        frame.to_parquet(file)
    else:
        frame.to_csv(file, index=False)
    bars = load_bars(file, start="2012-11-20")
    assert bars.fingerprint == Bars.from_frame(frame).select(start="2012-11-20").fingerprint
    assert name in bars.source


def test_instants_of_a_csv_file_keep_their_zone(tmp_path: Path) -> None:
    frame = made_frame()
    frame["ts"] = pd.date_range("2012-11-19 15:00", periods=5, freq="h", tz="UTC")
    frame.to_csv(tmp_path / "bars.csv", index=False)
    bars = load_bars(tmp_path / "bars.csv", stamp="end")
    assert bars.ts[0] == frame["ts"][0].value


def test_a_store_is_named_by_its_folder_and_listed(tmp_path: Path) -> None:
    store, series = Store.at(tmp_path), Series(kind="quarantine", symbol="A", timeframe="1D")
    put(store, made_frame())
    columns: dict[str, Any] = {"ts": np.array([5]), "row": np.array([7])}
    columns |= dict.fromkeys(("open", "high", "low", "close", "volume"), np.ones(1))
    put_rows(store, series, columns | {"kind": ["ohlc"], "reason": ["high"], "source": ["file"]})
    expected = Bars.from_frame(made_frame()).fingerprint
    assert load_bars(tmp_path).fingerprint == expected
    assert load_bars(f"{tmp_path}/", basis="raw").fingerprint == expected
    (info,) = list_data(tmp_path)
    assert (info.symbols, info.row_count, info.source) == (("A",), 5, "made up")
    assert (info.first, info.last) == (date(2012, 11, 19), date(2012, 11, 23))
    assert info.quarantined == 1
    before = info.fingerprint
    put(store, made_frame(6))
    assert list_data(str(tmp_path))[0].fingerprint != before


def csv(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "bars.csv"
    file.write_text(text)
    return file


HEADER = "ts,open,high,low,close,volume\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bars.csv must be a readable CSV file"),
        (HEADER, "bars.csv: frame must hold bars, it was empty"),
        (HEADER + "1/4/1999,1,1,1,1,1\n", "bars.csv: ts must hold ISO timestamps of one time zone"),
        (
            HEADER + "2012-11-19T10:00-05:00,1,1,1,1,1\n2012-11-19T10:00Z,1,1,1,1,1\n",
            "bars.csv: ts must hold ISO timestamps of one time zone",
        ),
        (HEADER + "2012-11-19,1,1,x,1,1\n", "bars.csv: low must hold numbers"),
        (HEADER + "2012-11-19,1,1,1,1,1\n", "bars.csv: a frame must hold at least 2 bars, was 1"),
    ],
)
def test_each_bad_csv_file_gets_its_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_bars(csv(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "asked", "kind", "message"),
    [
        (
            "smaple",
            {},
            DataError,
            "source must be 'sample', the folder .*; smaple is not there .nea",
        ),
        (
            "sample",
            {"basis": "split"},
            DataError,
            "basis of sample must be total_return or raw, was 'split': AAPL has raw prices, none",
        ),
        ("sample", {"basis": "real"}, ConfigError, "basis must be one of raw, split, total_return"),
        ("sample", {"stamp": "end"}, ConfigError, "stamp goes with files only"),
        ("sample", {"symbols": ["APPL"]}, DataError, r"was 'APPL' \(nearest: 'AAPL'\)"),
        ("sample", {"start": "2014-01-01"}, DataError, "bars from 2000-03-01 to 2013-03-01"),
    ],
)
def test_what_is_not_there_is_refused(
    source: str, asked: dict[str, Any], kind: type[FanfoldError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        load_bars(source, **asked)


def test_folders_and_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the folder .* is no store"):
        load_bars(tmp_path)
    (tmp_path / "bars.xlsx").write_text("")
    with pytest.raises(DataError, match=r"file must end in \.csv, .*, was"):
        load_bars(tmp_path / "bars.xlsx")
    (tmp_path / "bars.parquet").write_text("")
    with pytest.raises(DataError, match=r"bars\.parquet must be a readable Parquet file"):
        load_bars(tmp_path / "bars.parquet")
    with pytest.raises(DataError, match="is not there or is none"):
        list_data(tmp_path / "nowhere")
    for name in ("timeframe", "universe"):
        with pytest.raises(ConfigError, match=f"{name} goes with stores only"):
            load_bars(tmp_path / "bars.parquet", **{name: "1D"})


def test_real_files_of_other_vendors_are_bars(reference_data: Path) -> None:
    crypto = load_bars(reference_data / "bars" / "daily_crypto_lean.parquet")
    assert (crypto.calendar, crypto.basis, crypto.periods_per_year) == ("24/7", "raw", 365)
    assert crypto.bar_count == 1318
    stocks = load_bars(reference_data / "bars" / "daily_us_stocknet.parquet")
    assert (stocks.asset_count, stocks.basis) == (45, "total_return")
    assert stocks.raw is not None
    with pytest.raises(DataError, match=r"must have a column open, its columns are .*bid_open"):
        load_bars(reference_data / "bars" / "minute_us_lean_quote.parquet")

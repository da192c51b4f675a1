import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError, DataError, FanfoldError
from fanfold.market import Store, list_data, load_bars
from fanfold.market.quality import quarantine


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


def test_the_sample_is_converted_once_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_bars().fingerprint
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    (info,) = list_data()
    assert (info.name, info.fingerprint) == ("sample", expected)
    assert info.path == tmp_path / "data" / "sample"
    assert info.quarantined == ()
    before = {file: file.stat().st_mtime_ns for file in info.path.rglob("*.*")}
    assert load_bars().fingerprint == expected
    assert before == {file: file.stat().st_mtime_ns for file in info.path.rglob("*.*")}


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


def test_a_store_or_a_dataset_in_it_can_be_named(tmp_path: Path) -> None:
    bars = Bars.from_frame(made_frame())
    store = Store(folder=tmp_path)
    store.write("one", bars)
    assert load_bars(tmp_path).fingerprint == bars.fingerprint
    assert load_bars(str(tmp_path / "one"), basis="raw").fingerprint == bars.fingerprint
    assert [info.name for info in list_data(tmp_path)] == ["one"]
    store.write("two", bars)
    with pytest.raises(DataError, match=r"source must be one dataset of .*: one, two"):
        load_bars(tmp_path)


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
            "basis of sample must be total_return or raw, was",
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
    with pytest.raises(DataError, match="holds no dataset"):
        load_bars(tmp_path)
    (tmp_path / "bars.xlsx").write_text("")
    with pytest.raises(DataError, match=r"file must end in \.csv, \.csv\.gz, \.parquet, \.pq, was"):
        load_bars(tmp_path / "bars.xlsx")
    (tmp_path / "bars.parquet").write_text("")
    with pytest.raises(DataError, match=r"bars\.parquet must be a readable Parquet file"):
        load_bars(tmp_path / "bars.parquet")
    with pytest.raises(DataError, match="is not there"):
        list_data(tmp_path / "nowhere")


def test_bad_rows_are_set_apart_and_listed() -> None:
    frame = pd.concat([made_frame(), made_frame()[4:]], ignore_index=True)
    frame.loc[1, "low"] = 60.0
    frame.loc[3, "close"] = np.nan
    good, bad = quarantine(frame)
    assert good.index.tolist() == [0, 2, 4]
    assert [(row.symbol, row.ts[:10]) for row in bad] == [
        ("A", "2012-11-20"),
        ("A", "2012-11-22"),
        ("A", "2012-11-23"),
    ]
    assert "low must not be above" in bad[0].reason or "high must not be below" in bad[0].reason
    assert "close was nan" in bad[1].reason
    assert "once" in bad[2].reason


def test_real_files_of_other_vendors_are_bars(reference_data: Path) -> None:
    crypto = load_bars(reference_data / "bars" / "daily_crypto_lean.parquet")
    assert (crypto.calendar, crypto.basis, crypto.periods_per_year) == ("24/7", "raw", 365)
    assert crypto.bar_count == 1318
    stocks = load_bars(reference_data / "bars" / "daily_us_stocknet.parquet")
    assert (stocks.asset_count, stocks.basis) == (45, "total_return")
    assert stocks.raw is not None
    with pytest.raises(DataError, match=r"must have a column open, its columns are .*bid_open"):
        load_bars(reference_data / "bars" / "minute_us_lean_quote.parquet")

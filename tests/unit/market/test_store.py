import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError, DataError
from fanfold.market import Store
from fanfold.market.merge import merge
from fanfold.market.quality import BadRow


def made_frame(symbol: str, first: str = "2012-11-19", bar_count: int = 8) -> pd.DataFrame:
    """Business days; the close of each is its day of the year, whatever the frame's start."""
    ts = pd.bdate_range(first, periods=bar_count)
    close = ts.day_of_year.to_numpy(float) + len(symbol)
    return pd.DataFrame(
        {
            "symbol": symbol,
            "ts": ts,
            "open": close - 1,
            "high": close + 1,
            "low": close - 2,
            "close": close,
            "volume": np.nan,
            "adj_close": close / 2,
        }
    )


def made_bars(**asked: Any) -> Bars:
    frame = pd.concat([made_frame("A"), made_frame("BTC/USD", "2012-11-21", 4)])
    levels = pd.Series(np.arange(1.0, 20.0), pd.bdate_range("2012-11-19", periods=19), name="index")
    return Bars.from_frame(frame, benchmark=levels, calendar="XNYS", **asked)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "data")


def test_what_was_written_is_read(store: Store) -> None:
    bars = made_bars()
    info = store.write("us", bars)
    read = store.read("us")
    assert read.fingerprint == bars.fingerprint == info.fingerprint
    assert (read.source, read.benchmark_name) == (bars.source, "index")
    assert store.list() == (info,)
    assert (info.first, info.last, info.bar_count) == (date(2012, 11, 19), date(2012, 11, 28), 8)
    assert (info.symbols, info.has_raw, info.calendar) == (("A", "BTC/USD"), True, "XNYS")


def test_bars_without_raw_prices_and_benchmark_are_stored_too(store: Store) -> None:
    bars = replace(made_bars(), raw=None, benchmark=None, benchmark_name="")
    store.write("us", bars)
    assert store.read("us").fingerprint == bars.fingerprint


def test_other_tools_read_the_files_by_symbol(store: Store) -> None:
    store.write("us", made_bars())
    frame = pd.read_parquet(store.folder / "us" / "bars", partitioning="hive")
    assert set(frame["symbol"]) == {"A", "BTC/USD"}
    assert frame["ts"].dt.tz is not None
    assert len(frame) == 12


def test_reading_some_symbols_and_a_period_is_selecting_them(store: Store) -> None:
    bars = made_bars()
    store.write("us", bars)
    asked: dict[str, Any] = {"symbols": ["BTC/USD"], "start": "2012-11-22", "end": "2012-11-26"}
    assert store.read("us", **asked).fingerprint == bars.select(**asked).fingerprint
    other = store.folder / "us" / "bars" / "symbol=A"
    for file in other.iterdir():
        file.unlink()
    assert store.read("us", symbols=["BTC/USD"]).symbols == ("BTC/USD",)


def test_writing_again_changes_no_file(store: Store) -> None:
    info = store.write("us", made_bars())
    before = {file: file.stat().st_mtime_ns for file in store.folder.rglob("*.parquet")}
    assert store.write("us", made_bars()) == info
    assert before == {file: file.stat().st_mtime_ns for file in store.folder.rglob("*.parquet")}


def test_newer_bars_and_other_symbols_are_added(store: Store) -> None:
    frame = pd.concat([made_frame("A"), made_frame("B"), made_frame("C", "2012-11-26")])
    whole = Bars.from_frame(frame)
    store.write("us", Bars.from_frame(frame[frame["ts"] < "2012-11-23"], symbols=["A"]))
    store.write("us", Bars.from_frame(frame[frame["ts"] > "2012-11-20"], symbols=["A"]))
    assert store.read("us").fingerprint == whole.select(symbols=["A"]).fingerprint
    info = store.write("us", Bars.from_frame(frame, symbols=["B", "C"]))
    assert store.read("us").fingerprint == whole.fingerprint == info.fingerprint
    # Files of the writes before are gone.
    assert len(list(store.folder.rglob("*.parquet"))) == 4


@given(at=st.integers(1, 7), overlap=st.integers(0, 3))
def test_merged_parts_are_the_whole(at: int, overlap: int) -> None:
    whole = made_bars()
    day = whole.session_day
    first = whole.select(end=str(np.datetime64(int(day[at - 1]), "D")))
    second = whole.select(start=str(np.datetime64(int(day[max(0, at - overlap)]), "D")))
    assert merge(first, second).fingerprint == whole.fingerprint
    assert merge(second, first).fingerprint == whole.fingerprint


def test_a_value_that_changed_is_refused_and_nothing_is_lost(store: Store) -> None:
    bars = made_bars(basis="raw")
    store.write("us", bars)
    frame = pd.concat([made_frame("A"), made_frame("BTC/USD", "2012-11-21", 4)])
    frame.iloc[9, frame.columns.get_loc("open")] += 0.5
    newer = Bars.from_frame(frame, basis="raw", calendar="XNYS")
    message = "benchmark_name must be 'index' as stored, was ''; write with replace=True"
    with pytest.raises(DataError, match=message):
        store.write("us", newer)
    message = (
        r"open of BTC/USD in the bar ending 2012-11-22T21:00Z must be 333.0 as stored, was 333.5"
    )
    with pytest.raises(DataError, match=message):
        store.write("us", replace(newer, benchmark_name="index"))
    assert store.read("us").fingerprint == bars.fingerprint
    store.write("us", newer, replace=True)
    assert store.read("us").fingerprint == newer.fingerprint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"basis": "split"}, "basis must be 'total_return' as stored, was 'split'"),
        ({"calendar": "XLON"}, "calendar must be 'XNYS' as stored, was 'XLON'"),
        ({"raw": None}, "raw prices must be in both or in neither"),
        ({"minutes_to_close": np.ones(8)}, "minutes_to_close in the bar ending .* must be 0.0"),
        ({"benchmark": np.full(8, 7.0)}, "benchmark in the bar ending .* must be 1.0 as stored"),
    ],
)
def test_bars_of_another_kind_are_not_merged(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        merge(made_bars(), replace(made_bars(), **changes))


def test_unknown_datasets_are_refused_with_what_is_there(store: Store) -> None:
    store.write("us_daily", made_bars())
    with pytest.raises(DataError, match=r"\(us_daily\), was 'us_dialy' \(nearest: 'us_daily'\)"):
        store.read("us_dialy")
    with pytest.raises(ConfigError, match="dataset name must be letters"):
        store.read("../elsewhere")
    with pytest.raises(DataError, match="symbol must be one of A, BTC/USD; was 'B'"):
        store.read("us_daily", symbols=["B"])


def first_file(store: Store) -> Path:
    return next((store.folder / "us" / "bars" / "symbol=A").iterdir())


def test_a_missing_file_is_named(store: Store) -> None:
    store.write("us", made_bars())
    first_file(store).unlink()
    with pytest.raises(DataError, match=r"symbol=A/.*\.parquet must be there, it is missing"):
        store.read("us")


@pytest.mark.parametrize("damage", [b"", b"no parquet at all"])
def test_a_damaged_file_is_named(store: Store, damage: bytes) -> None:
    store.write("us", made_bars())
    first_file(store).write_bytes(damage)
    with pytest.raises(DataError, match=r"symbol=A/.*\.parquet must be a sound Parquet file"):
        store.read("us")


def test_a_flipped_bit_is_noticed(store: Store) -> None:
    store.write("us", made_bars())
    data = bytearray(first_file(store).read_bytes())
    data[len(data) // 4] ^= 1
    first_file(store).write_bytes(bytes(data))
    with pytest.raises(DataError):
        store.read("us")


def test_a_file_of_another_dataset_is_noticed(store: Store) -> None:
    store.write("us", made_bars())
    store.write("other", Bars.from_frame(made_frame("A", "2001-03-01")))
    other = next((store.folder / "other" / "bars" / "symbol=A").iterdir())
    first_file(store).write_bytes(other.read_bytes())
    with pytest.raises(DataError, match="must hold bars of its dataset's clock"):
        store.read("us")
    clock = next((store.folder / "us" / "clock").iterdir())
    first_file(store).write_bytes(clock.read_bytes())
    with pytest.raises(DataError, match=r"must hold columns ts, open.*, open is missing"):
        store.read("us")
    pd.DataFrame({"ts": ["a", "b"]}).to_parquet(first_file(store))
    with pytest.raises(DataError, match="must be a file of this store: column ts is of"):
        store.read("us")


def test_changed_content_is_noticed_by_its_fingerprint(store: Store) -> None:
    store.write("us", made_bars())
    page_file = store.folder / "us" / "dataset.json"
    page = json.loads(page_file.read_text())
    page_file.write_text(json.dumps(page | {"calendar": "XLON"}))
    with pytest.raises(DataError, match="its fingerprint is another"):
        store.read("us")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be a readable page"),
        ("[]", "must be a whole page"),
        ('{"format": 1}', "must be a whole page"),
    ],
)
def test_a_damaged_page_is_named(store: Store, text: str, message: str) -> None:
    store.write("us", made_bars())
    (store.folder / "us" / "dataset.json").write_text(text)
    with pytest.raises(DataError, match=f"dataset.json {message}"):
        store.read("us")


def test_a_page_of_another_format_is_refused(store: Store) -> None:
    store.write("us", made_bars())
    page_file = store.folder / "us" / "dataset.json"
    page_file.write_text(json.dumps(json.loads(page_file.read_text()) | {"format": 2}))
    with pytest.raises(DataError, match="must be of format 1, was 2"):
        store.list()


def test_a_reader_outlasts_a_writer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is swapped after the reader has read it, and the files are gone."""
    store.write("us", made_bars())
    newer = Bars.from_frame(made_frame("A"), basis="raw")
    from fanfold.market import store as module

    read_page, pages_read = module.read_page, 0

    def read_page_then_write(folder: Path) -> Any:
        nonlocal pages_read
        page = read_page(folder)
        pages_read += 1
        if pages_read == 1:
            store.write("us", newer, replace=True)
        return page

    monkeypatch.setattr(module, "read_page", read_page_then_write)
    assert store.read("us").fingerprint == newer.fingerprint


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, no folder")
    with pytest.raises(DataError, match="data/us must be writable"):
        Store(folder=tmp_path / "data").write("us", made_bars())


def test_quarantined_rows_are_listed(store: Store) -> None:
    rows = (BadRow(symbol="A", ts="2012-11-20", reason="high must not be below low 2.0, was 1.0"),)
    assert store.write("us", made_bars(), quarantined=rows).quarantined == rows
    assert store.write("us", made_bars(), quarantined=rows).quarantined == rows
    assert store.info("us").quarantined == rows


def test_writers_at_the_same_time_lose_nothing(store: Store) -> None:
    frame = pd.concat([made_frame(symbol) for symbol in "ABCDEF"])
    whole = Bars.from_frame(frame)

    def write(symbol: str) -> None:
        store.write("us", whole.select(symbols=symbol))

    # The lock belongs to an open file, so it holds between threads as between processes.
    with ThreadPoolExecutor(max_workers=6) as pool:
        list(pool.map(write, whole.symbols))
    assert store.read("us", symbols=whole.symbols).fingerprint == whole.fingerprint

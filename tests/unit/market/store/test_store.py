import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.tape import DAY_NS, MINUTE_NS, made_bars, made_trades

from fanfold.errors import ConfigError, DataError
from fanfold.market.store import PAGE, Series, Store, numbers

AAPL = Series(kind="bars", symbol="AAPL", timeframe="1D")
MINUTES = Series(kind="bars", symbol="AAPL", timeframe="1min")
TRADES = Series(kind="trades", symbol="IBM")
LABELS = {"basis": "raw", "calendar": "XNYS", "source": "made"}
YEAR_MINUTES = 366 * 24 * 60


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(tmp_path / "store")


def closes(store: Store, series: Series = AAPL) -> dict[int, float]:
    table = store.read(series)
    return dict(zip(numbers(table, "ts").tolist(), numbers(table, "close").tolist(), strict=True))


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def test_what_was_written_is_read(store: Store) -> None:
    table = made_bars(range(5), adj_close=True)
    change = store.upsert(AAPL, table, labels=LABELS)
    assert (change.added, change.revised, change.unchanged) == (5, 0, 0)
    assert store.read(AAPL).equals(table)
    assert store.labels(AAPL) == LABELS


def test_writing_again_changes_no_byte(store: Store, tmp_path: Path) -> None:
    bars = made_bars(range(0, YEAR_MINUTES * 2, 5_000), step_ns=MINUTE_NS)
    for series in (AAPL, MINUTES):
        store.upsert(series, bars)
    before = content(tmp_path)
    for series in (AAPL, MINUTES):
        again, part = store.upsert(series, bars), store.upsert(series, bars.slice(9, 9))
        assert (again.added, again.revised, part.added, part.revised) == (0, 0, 0, 0)
        assert part.unchanged == 9
    assert content(tmp_path) == before


def test_rows_of_the_same_bar_are_replaced_and_told(store: Store) -> None:
    store.upsert(AAPL, made_bars(range(5)))
    change = store.upsert(AAPL, made_bars([3, 4, 5], close=[3, 40, 5]))
    assert (change.added, change.revised, change.unchanged) == (1, 1, 1)
    assert change.examples[0] == "open at 1970-01-05T00:00:00Z was 4.0, is 40.0"
    assert list(closes(store).values()) == [0, 1, 2, 3, 40, 5]


@given(
    parts=st.lists(st.lists(st.integers(0, 400), min_size=1, max_size=6, unique=True), max_size=5),
    series=st.sampled_from([AAPL, MINUTES]),
)
def test_any_order_of_upserts_ends_as_a_table_with_the_last_value_of_each_bar(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], series: Series
) -> None:
    store = Store.at(tmp_path_factory.mktemp("store"))
    step = DAY_NS
    expected: dict[int, float] = {}
    for number, days in enumerate(parts, start=1):
        store.upsert(series, made_bars(days, close=number, step_ns=step))
        expected |= dict.fromkeys((day * step for day in days), float(number))
    if expected:
        assert closes(store, series) == dict(sorted(expected.items()))
        whole = Store.at(tmp_path_factory.mktemp("whole"))
        days = [ts // step for ts in sorted(expected)]
        values = [expected[day * step] for day in days]
        whole.upsert(series, made_bars(days, close=values, step_ns=step))
        assert whole.info(series).fingerprint == store.info(series).fingerprint


def test_nan_is_no_revision_and_a_missing_column_keeps_what_was_there(store: Store) -> None:
    first = made_bars(range(3), adj_close=True)
    volume = pa.array([np.nan, 1.0, 2.0])
    first = first.set_column(first.column_names.index("volume"), "volume", volume)
    store.upsert(AAPL, first)
    again = store.upsert(AAPL, first.drop_columns(["adj_close"]))
    assert (again.revised, again.unchanged) == (0, 3)
    more = store.upsert(AAPL, made_bars([2, 3], close=[2, 3]).slice(1))
    assert more.added == 1
    adjusted = store.read(AAPL)["adj_close"].to_pylist()
    assert adjusted[:3] == [0.0, 0.5, 1.0]
    assert np.isnan(adjusted[3])


def test_minutes_are_cut_by_years_and_ticks_by_days(store: Store) -> None:
    store.upsert(MINUTES, made_bars([1, 500_000, 600_000], step_ns=MINUTE_NS))
    store.upsert(TRADES, made_trades([5, DAY_NS - 1, DAY_NS], [0, 0, 0], [1, 2, 3]))
    spans = [ref.span for ref in store._files(MINUTES)]
    assert spans == ["1970", "1971"]
    assert [ref.span for ref in store._files(TRADES)] == ["1970-01-01", "1970-01-02"]


def test_events_of_one_instant_keep_their_order(store: Store) -> None:
    store.upsert(TRADES, made_trades([7, 7, 7, 9], [1, 0, 2, 0], [11, 10, 12, 13]))
    store.upsert(TRADES, made_trades([7, 8], [2, 0], [12, 99]))
    assert numbers(store.read(TRADES), "price").tolist() == [10, 11, 12, 99, 13]


@given(start=st.integers(-3, 45), length=st.integers(0, 50))
def test_a_range_holds_its_start_and_not_its_end(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int
) -> None:
    store = Store.at(tmp_path_factory.mktemp("store"))
    store.upsert(TRADES, made_trades(np.arange(40) * DAY_NS // 8, np.zeros(40), range(40)))
    low, high = start * DAY_NS // 8, (start + length) * DAY_NS // 8
    read = store.read(TRADES, low, high, columns=["price"])
    assert read.column_names[-1] == "price"
    expected = [n for n in range(40) if low <= n * DAY_NS // 8 < high]
    assert numbers(read, "price").tolist() == expected


def test_only_row_groups_of_the_range_are_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert(MINUTES, made_bars(range(100_000), step_ns=MINUTE_NS))
    groups: list[int] = []
    whole = pa.parquet.ParquetFile.read_row_groups

    def counted(file: Any, chosen: list[int], **asked: Any) -> Any:
        groups.append(len(chosen))
        return whole(file, chosen, **asked)

    monkeypatch.setattr(pa.parquet.ParquetFile, "read_row_groups", counted)
    read = store.read(MINUTES, 50_000 * MINUTE_NS, 50_010 * MINUTE_NS)
    assert (read.num_rows, groups) == (10, [1])


def test_rows_of_another_kind_or_basis_are_refused_and_nothing_is_lost(store: Store) -> None:
    store.upsert(AAPL, made_bars(range(3)), labels=LABELS)
    with pytest.raises(DataError, match=r"basis of bars 1D AAPL .* must be 'raw' .* was 'split'"):
        store.upsert(AAPL, made_bars([9]), labels=LABELS | {"basis": "split"})
    with pytest.raises(DataError, match="must have a column close"):
        store.upsert(AAPL, made_bars([9]).drop_columns(["close"]), labels=LABELS)
    with pytest.raises(DataError, match="must hold each key once"):
        store.upsert(AAPL, made_bars([9, 9]), labels=LABELS)
    assert len(closes(store)) == 3
    replaced = store.upsert(AAPL, made_bars([9]), labels=LABELS | {"basis": "split"}, replace=True)
    assert (replaced.added, closes(store)) == (1, {9 * DAY_NS: 9.0})
    assert store.labels(AAPL)["basis"] == "split"


def test_replacing_forgets_all_spans(store: Store) -> None:
    store.upsert(MINUTES, made_bars([1, 600_000], step_ns=MINUTE_NS))
    store.upsert(MINUTES, made_bars([2], step_ns=MINUTE_NS), replace=True)
    assert list(closes(store, MINUTES)) == [2 * MINUTE_NS]


def test_replacing_by_nothing_forgets_all(store: Store) -> None:
    store.upsert(MINUTES, made_bars([1, 600_000], step_ns=MINUTE_NS))
    store.upsert(MINUTES, made_bars([]), replace=True)
    assert not store.has(MINUTES)


@pytest.mark.parametrize("start", [None, 0])
def test_the_columns_that_were_asked_for_are_read_in_their_order(
    store: Store, start: int | None
) -> None:
    store.upsert(AAPL, made_bars([1]))
    read = store.read(AAPL, start, columns=["volume", "adj_close", "close"])
    assert read.to_pydict() == {"volume": [100], "close": [1]}
    assert read.column_names == ["volume", "close"]


def test_symbols_of_any_name_have_their_folder(store: Store, tmp_path: Path) -> None:
    names = ["BTC/USD", "BRK.B", "..", "A B=C%", "ÄÖ", "symbol=X", "_x", ".x"]
    for name in names:
        store.upsert(Series(kind="bars", symbol=name, timeframe="1D"), made_bars([1]))
    assert store.symbols("bars") == tuple(sorted(names))
    assert all(file.is_relative_to(tmp_path / "store") for file in tmp_path.rglob("*.parquet"))


def test_other_tools_find_symbol_and_timeframe_in_the_folders(store: Store) -> None:
    store.upsert(AAPL, made_bars(range(3)))
    store.upsert(Series(kind="bars", symbol="BTC/USD", timeframe="1h"), made_bars(range(2)))
    found = pyarrow.dataset.dataset(
        str(Path(store.place.uri) / "bars"), partitioning="hive", format="parquet"
    ).to_table(filter=pyarrow.dataset.field("symbol") == "BTC/USD")
    assert found["timeframe"].to_pylist() == ["1h", "1h"]


def test_the_list_says_what_is_there(store: Store) -> None:
    store.upsert(AAPL, made_bars([3, 8]), labels=LABELS)
    (info,) = store.list()
    assert (info.series, info.row_count) == (AAPL, 2)
    assert (info.first, info.last, info.labels) == (3 * DAY_NS, 8 * DAY_NS, LABELS)
    assert info.bytes == sum(f.stat().st_size for f in Path(store.place.uri).rglob("*.parquet"))


def test_a_removed_series_is_gone(store: Store) -> None:
    store.upsert(AAPL, made_bars([1]))
    store.remove(AAPL)
    assert not store.has(AAPL)
    assert store.list() == ()


def test_what_is_not_there_is_named_with_what_is(store: Store) -> None:
    with pytest.raises(DataError, match="must be a store"):
        store.read(AAPL)
    store.upsert(AAPL, made_bars([1]))
    with pytest.raises(DataError, match=r"must hold bars 1D APPL; .*nearest: 'AAPL'"):
        store.read(Series(kind="bars", symbol="APPL", timeframe="1D"))
    with pytest.raises(DataError, match="of AAPL it has 1D"):
        store.read(MINUTES)


@pytest.mark.parametrize(
    ("page", "message"),
    [("{", "must be a store's page"), (json.dumps({"format": 1}), "must say format 2, was 1")],
)
def test_a_store_of_another_format_is_refused(store: Store, page: str, message: str) -> None:
    store.upsert(AAPL, made_bars([1]))
    Path(store.place.uri, PAGE).write_text(page)
    with pytest.raises(DataError, match=message):
        store.upsert(AAPL, made_bars([2]))


def test_a_url_that_nobody_understands_is_refused_without_its_keys() -> None:
    with pytest.raises(ConfigError) as refused:
        Store.at("s4://key:secret@bucket/folder?password=hidden")
    assert "s4://bucket/folder" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "hidden" not in repr(Store.at("s3://key:secret@bucket/f?endpoint_override=hidden"))


def test_a_secret_with_a_slash_is_not_shown() -> None:
    with pytest.raises(ConfigError) as refused:
        Store.at("s3://key:hid/den@bucket/folder?region=us-east-1")
    assert "hid" not in str(refused.value)
    assert "den" not in str(refused.value)


def test_a_url_without_a_bucket_is_refused() -> None:
    with pytest.raises(ConfigError, match="was 's3://': it names no bucket"):
        Store.at("s3://")


def test_a_quoted_file_url_is_its_folder(tmp_path: Path) -> None:
    store = Store.at(tmp_path / "mine, öffentlich")
    store.upsert(AAPL, made_bars([1]))
    assert Store.at(Path(store.place.uri).as_uri()).has(AAPL)

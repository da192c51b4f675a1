"""What can be stored is stored once; what cannot is told, set aside or refused whole."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fanfold.errors import DataError
from fanfold.market.intake.fetch import fetch_into
from fanfold.market.intake.ingest import Origin, Receipt, ingest
from fanfold.market.sources.file import FileSource
from fanfold.market.sources.sample import SampleSource
from fanfold.market.sources.source import Delivery, Request
from fanfold.market.store import Series, Store

DAYS = pd.bdate_range("2013-07-08", "2013-07-19")
BARS = Series(kind="bars", symbol="IBM", timeframe="1D")
ASIDE = Series(kind="quarantine", symbol="IBM", timeframe="1D")
NOTES = Series(kind="notes", symbol="IBM", timeframe="1D")
ACTIONS = Series(kind="actions", symbol="IBM")


def bars(days: Any = DAYS, price: float = 10.0, **said: Any) -> Delivery:
    """Bars that rise by a cent a day, so that no two are alike."""
    close = price + np.arange(len(days)) / 100
    ts = pa.array(pd.DatetimeIndex(days).as_unit("ns").asi8).cast(pa.timestamp("ns"))
    prices = {"open": close, "high": close + 1, "low": close - 1, "close": close}
    table = pa.table({"ts": ts, **prices, "volume": close * 1_000})
    given = {"symbol": "IBM", "kind": "bars", "table": table, "stamp": "session", **said}
    return Delivery(**given)


def changed(delivery: Delivery, name: str, row: int, value: float) -> Delivery:
    values = delivery.table.column(name).to_numpy().copy()
    values[row] = value
    place = delivery.table.schema.get_field_index(name)
    table = delivery.table.set_column(place, name, pa.array(values))
    return Delivery(symbol="IBM", kind="bars", table=table, stamp="session")


def actions(*rows: tuple[str, float, float], **said: Any) -> Delivery:
    table = pa.table(
        {
            "ts": pa.array([pd.Timestamp(one[0]).value for one in rows]).cast(pa.timestamp("ns")),
            "splits": [one[1] for one in rows],
            "dividends": [one[2] for one in rows],
        }
    )
    return Delivery(symbol="IBM", kind="actions", table=table, **said)


def terms(kind: str, *rows: tuple[str, str | None, str | None], name: str = "") -> Delivery:
    days = [[None if one is None else pd.Timestamp(one).date() for one in row[1:]] for row in rows]
    table: dict[str, Any] = {
        "symbol": [row[0] for row in rows],
        "start": pa.array([day[0] for day in days], pa.date32()),
        "end": pa.array([day[1] for day in days], pa.date32()),
    }
    if kind == "listings":
        table |= {"asset": table["symbol"], "delisting_return": [float("nan")] * len(rows)}
    said: Any = {"symbol": name, "kind": kind, "table": pa.table(table)}
    return Delivery(**said)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(tmp_path / "store")


def content(store: Store) -> dict[str, bytes]:
    folder = Path(store.name)
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and ".locks" not in file.parts
    }


def kinds(receipt: Receipt) -> list[str]:
    return [one.kind for one in receipt.findings]


def test_a_delivery_is_stored_and_again_changes_no_byte(store: Store) -> None:
    first = ingest(store, bars(), origin=Origin(source="file", feed="f"))
    assert (first.added, first.unchanged, first.quarantined) == (len(DAYS), 0, 0)
    assert first.first == pd.Timestamp("2013-07-08 20:00", tz="UTC").value
    assert first.last == pd.Timestamp("2013-07-19 20:00", tz="UTC").value
    before = content(store)
    again = ingest(store, bars(), origin=Origin(source="file", feed="f"))
    assert (again.added, again.revised, again.unchanged) == (0, 0, len(DAYS))
    assert content(store) == before
    labels = {"source": "file", "feed": "f", "basis": "raw", "calendar": "XNYS"}
    assert store.labels(BARS) == labels | {"stamp": "session"}


def test_bad_rows_are_set_aside_with_their_row_and_reason(store: Store) -> None:
    bad = changed(bars(), "high", 3, 1.0)
    ts = bad.table.column("ts").to_pylist()
    ts[5] = None
    table = bad.table.set_column(0, "ts", pa.array(ts, pa.timestamp("ns")))
    rows = np.arange(len(DAYS)) + 100
    receipt = ingest(store, bars(table=table, rows=rows))
    assert (receipt.added, receipt.quarantined) == (len(DAYS) - 2, 2)
    assert {"ohlc", "bad_timestamp"} <= set(kinds(receipt))
    aside = {one["row"]: one for one in store.read(ASIDE).to_pylist()}
    assert (aside[103]["kind"], aside[103]["high"]) == ("ohlc", 1.0)
    assert (aside[105]["kind"], aside[105]["ts"]) == ("bad_timestamp", None)
    assert "high must not be below" in aside[103]["reason"]
    before = content(store)
    ingest(store, bars(table=table, rows=rows))
    assert content(store) == before


def test_what_sorting_and_dropping_hide_is_noted(store: Store) -> None:
    rows = [0, 1, 2, 1, 3, 5, 4, *range(6, len(DAYS))]
    same = bars(table=bars().table.take(rows))
    receipt = ingest(store, same, origin=Origin(source="file"))
    assert sorted(set(kinds(receipt))) == ["duplicate", "out_of_order"]
    noted = store.read(NOTES).to_pylist()
    days = {one["kind"]: one["ts"].date() for one in noted}
    assert days == {"duplicate": DAYS[1].date(), "out_of_order": DAYS[4].date()}
    assert {one["severity"] for one in noted} == {"warning"}
    before = content(store)
    ingest(store, same, origin=Origin(source="file"))
    assert content(store) == before
    ingest(store, bars(), origin=Origin(source="file"), replace=True)
    assert store.read(NOTES).num_rows == 0


def test_strict_refuses_all_of_it_and_writes_nothing(store: Store) -> None:
    with pytest.raises(DataError, match=r"bars 1D IBM must be free of errors .* had 1 \(ohlc\)"):
        ingest(store, changed(bars(), "high", 3, 1.0), strict=True)
    assert not Path(store.name).exists()
    assert ingest(store, bars(), strict=True).added == len(DAYS)


def test_rows_that_come_again_with_other_values_are_told(store: Store) -> None:
    ingest(store, bars())
    receipt = ingest(store, changed(bars(), "volume", 2, 5.0))
    assert (receipt.revised, receipt.unchanged) == (1, len(DAYS) - 1)
    (finding,) = [one for one in receipt.findings if one.kind == "revised"]
    assert finding.severity == "warning"
    assert "was 10020.0, is 5.0" in finding.detail
    assert store.read(BARS).column("volume")[2].as_py() == 5.0


def test_rows_of_another_source_basis_or_stamp_are_not_mixed_in(store: Store) -> None:
    ingest(store, bars(), origin=Origin(source="alpaca", feed="iex"))
    before = content(store)
    others = {
        "source": (bars(), Origin(source="file", feed="iex")),
        "feed": (bars(), Origin(source="alpaca", feed="sip")),
        "basis": (bars(basis="split"), Origin(source="alpaca", feed="iex")),
        "calendar": (bars(calendar="24/7"), Origin(source="alpaca", feed="iex")),
    }
    for name, (delivery, origin) in others.items():
        bad = changed(delivery, "high", 3, 1.0)  # nothing may be set aside either
        with pytest.raises(DataError, match=f"{name} of bars 1D IBM"):
            ingest(
                store,
                bars(table=bad.table, basis=delivery.basis, calendar=delivery.calendar),
                origin=origin,
            )
    assert content(store) == before


def test_a_symbol_has_one_basis_whatever_the_timeframe(store: Store) -> None:
    ingest(store, bars())
    start = pd.date_range("2013-07-08 14:00", periods=3, freq="1min")
    table = bars(start).table
    ts = table.column("ts").cast(pa.int64()).cast(pa.timestamp("ns", "UTC"))
    minutes = {
        "table": table.set_column(0, "ts", ts),
        "timeframe": "1min",
        "stamp": "start",
    }
    with pytest.raises(DataError, match="basis of bars 1min IBM must be 'raw' as that of bars 1D"):
        ingest(store, bars(**minutes, basis="split"))
    with pytest.raises(DataError, match="basis of actions IBM must be 'raw'"):
        ingest(store, actions(("2013-07-09", 2.0, 0.0), basis="split"))
    assert ingest(store, bars(**minutes)).added == 3


def test_replace_forgets_what_was_stored(store: Store) -> None:
    ingest(store, changed(bars(), "high", 3, 1.0), origin=Origin(source="old"))
    few = bars(DAYS[:2], basis="split")
    receipt = ingest(store, few, origin=Origin(source="new"), replace=True)
    assert (receipt.added, store.read(BARS).num_rows) == (2, 2)
    assert store.labels(BARS)["basis"] == "split"
    assert not store.has(ASIDE) or store.read(ASIDE).num_rows == 0


def test_the_stored_calendar_holds_for_later_deliveries(store: Store) -> None:
    ingest(store, bars(pd.date_range("2013-07-01", "2013-07-31")))
    assert store.labels(BARS)["calendar"] == "24/7"
    weekday = bars(["2013-08-01"])
    assert ingest(store, weekday).added == 1
    assert str(store.read(BARS).column("ts")[-1].as_py())[:19] == "2013-08-02 00:00:00"


def test_actions_come_along_and_are_merged_by_day(store: Store) -> None:
    came = actions(("2013-07-10", 1.0, 0.5), ("2013-07-10", 2.0, 0.0), ("2013-07-11", 1.0, 0.0))
    ingest(store, bars(actions=came.table))
    (row,) = store.read(ACTIONS).to_pylist()
    assert (str(row["session"]), row["splits"], row["dividends"]) == ("2013-07-10", 2.0, 0.5)
    receipt = ingest(store, actions(("2013-07-10", 2.0, 0.25)))
    assert (receipt.revised, kinds(receipt)) == (1, ["revised"])


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([("2013-07-10", -2.0, 0.0)], "splits must be positive and finite .* was -2"),
        ([("2013-07-10", 1.0, -1.0)], "dividends must be finite and not negative .* was -1"),
        ([("2013-07-10", 1.0, 1.0), ("2013-07-10", 1.0, 2.0)], "had 1 and 2"),
    ],
)
def test_actions_that_cannot_be_are_refused(store: Store, rows: Any, text: str) -> None:
    for delivery in (actions(*rows), bars(actions=actions(*rows).table)):
        with pytest.raises(DataError, match=text):
            ingest(store, delivery)
    assert not Path(store.name).exists()


def test_terms_of_one_ticker_must_not_overlap(store: Store) -> None:
    listed = terms("listings", ("QQQ", "1999-03-10", "2004-11-30"), ("QQQ", "2011-03-23", None))
    assert ingest(store, listed).added == 2
    wrong = {
        ("QQQ", "2004-11-30", "2005-01-01"): "must not overlap, QQQ from 1999-03-10 to 2004-11-30",
        ("QQQ", None, None): "must not overlap, QQQ from the beginning to now",
        ("SPY", "2010-01-05", "2010-01-04"): "must end after they start, SPY from 2010-01-05",
    }
    for row, text in wrong.items():
        with pytest.raises(DataError, match=text):
            ingest(store, terms("listings", row))
    # A term that ended is no second one.
    ended = ingest(store, terms("listings", ("QQQ", "2011-03-23", "2020-01-02")))
    assert ended.revised == 1
    assert ingest(store, terms("members", ("QQQ", "1999-03-10", None), name="nasdaq")).added == 1
    assert store.has(Series(kind="members", symbol="nasdaq"))


def test_a_bad_bar_that_is_delivered_again_from_another_day_on_is_set_aside_once(
    store: Store,
) -> None:
    whole = changed(bars(DAYS), "low", 6, -1.0)
    ingest(store, whole)
    before = content(store)
    assert ingest(store, replace(whole, table=whole.table.slice(4))).quarantined == 1
    assert content(store) == before


def test_ticks_of_an_instant_are_all_kept_and_bad_ones_set_aside(store: Store) -> None:
    ns = pa.array([pd.Timestamp("2013-07-08 14:00").value] * 3 + [2**60]).cast(
        pa.timestamp("ns", "UTC")
    )
    table = pa.table({"ts": ns, "price": [5.0, 5.0, -1.0, 5.0], "size": [1.0, 1.0, 7.0, 1.0]})
    receipt = ingest(store, Delivery(symbol="IBM", kind="trades", table=table))
    assert receipt.quarantined == 1
    assert (receipt.kind, receipt.timeframe, receipt.added) == ("trades", "", 3)
    aside = store.read(Series(kind="quarantine", symbol="IBM", timeframe="trades")).to_pylist()
    assert [(one["row"], one["close"], one["volume"]) for one in aside] == [(0, -1.0, 7.0)]


@dataclass
class Vendor:
    """A source that remembers what it was asked for; it has a bar a business day."""

    name: str = "vendor"
    feed: str = ""
    basis: Any = "raw"
    asked: list[tuple[str, str]] = field(default_factory=list)

    def check(self, request: Request) -> None:
        """Anything goes."""

    def fetch(self, request: Request) -> Iterator[Delivery]:
        """One delivery a symbol."""
        start, end = (pd.Timestamp(one) for one in (request.start, request.end))
        self.asked.append((str(start.date()), str(end.date())))
        days = pd.bdate_range(start, end, inclusive="left")
        for symbol in request.symbols or ():
            if len(days):
                yield bars(days, symbol=symbol, basis=self.basis, calendar="XNYS")


def ns(day: str) -> int:
    return pd.Timestamp(day).value


def span(first: str, last: str, **asked: Any) -> Request:
    return Request(symbols=("IBM",), start=ns(first), end=ns(last), **asked)


def later() -> int:
    return ns("2014-01-01")


def test_what_was_fetched_is_not_fetched_again(store: Store) -> None:
    vendor = Vendor()
    assert len(fetch_into(store, vendor, span("2013-07-08", "2013-07-13"), now=later)) == 1
    assert fetch_into(store, vendor, span("2013-07-08", "2013-07-13"), now=later) == ()
    fetch_into(store, vendor, span("2013-07-01", "2013-07-20"), now=later)
    fetch_into(store, vendor, span("2013-07-03", "2013-07-19"), now=later)
    expected = [
        ("2013-07-08", "2013-07-13"),
        ("2013-07-01", "2013-07-08"),
        ("2013-07-13", "2013-07-20"),
    ]
    assert vendor.asked == expected
    assert store.read(BARS).num_rows == 15
    again = fetch_into(store, vendor, span("2013-07-08", "2013-07-13"), refresh=True, now=later)
    assert vendor.asked[3:] == [("2013-07-08", "2013-07-13")]
    # Its prices depend on where a range begins, so these were revised.
    assert again[0].revised + again[0].unchanged == 5


def test_a_range_that_has_just_ended_is_fetched_again(store: Store) -> None:
    vendor, now = Vendor(), lambda: ns("2013-07-17")
    fetch_into(store, vendor, span("2013-07-01", "2013-07-17"), now=now)
    fetch_into(store, vendor, span("2013-07-01", "2013-07-17"), now=now)
    assert vendor.asked[1:] == [("2013-07-12", "2013-07-17")]


def test_ranges_of_another_feed_or_of_removed_rows_do_not_count(store: Store) -> None:
    vendor = Vendor()
    fetch_into(store, vendor, span("2013-07-08", "2013-07-13"), now=later)
    store.remove(BARS)
    fetch_into(store, vendor, span("2013-07-08", "2013-07-13"), now=later)
    assert len(vendor.asked) == 2
    other = Vendor(feed="sip")
    with pytest.raises(DataError, match="feed of bars"):
        fetch_into(store, other, span("2013-07-08", "2013-07-13"), now=later)
    fetch_into(store, other, span("2013-07-08", "2013-07-13"), replace=True, now=later)
    fetch_into(store, other, span("2013-07-08", "2013-07-13"), now=later)
    assert len(other.asked) == 2


def test_a_file_is_read_again_whatever_was_read_of_it(store: Store) -> None:
    vendor = Vendor(name="file")
    for _ in range(2):
        fetch_into(store, vendor, span("2013-07-08", "2013-07-13"), now=later)
    assert len(vendor.asked) == 2
    assert not store.has(Series(kind="coverage", symbol="IBM", timeframe="1D"))


def test_adjusted_prices_are_fetched_whole_so_that_their_scale_is_one(store: Store) -> None:
    vendor = Vendor(basis="split")
    fetch_into(store, vendor, span("2013-07-08", "2013-07-13"), now=later)
    fetch_into(store, vendor, span("2013-07-08", "2013-07-20"), now=later)
    assert vendor.asked[1:] == [("2013-07-08", "2013-07-20")]


def test_a_range_that_was_refused_is_not_taken_for_fetched(store: Store) -> None:
    class Faulty(Vendor):
        def fetch(self, request: Request) -> Iterator[Delivery]:
            for delivery in super().fetch(request):
                yield changed(delivery, "high", 0, 1.0)

    vendor = Faulty()
    for _ in range(2):
        with pytest.raises(DataError, match="must be free of errors"):
            fetch_into(store, vendor, span("2013-07-08", "2013-07-13"), strict=True, now=later)
    assert len(vendor.asked) == 2


def test_the_sample_is_stored_whole(store: Store) -> None:
    receipts = fetch_into(store, SampleSource(), Request(symbols=("FB", "MSFT")))
    assert [one.symbol for one in receipts] == ["FB", "MSFT"]
    assert all(one.added > 190 and one.quarantined <= 3 for one in receipts)
    assert "adj_close" in store.read(Series(kind="bars", symbol="FB", timeframe="1D")).column_names


REAL: tuple[tuple[str, dict[str, Any]], ...] = (
    ("bars/daily_crypto_lean.parquet", {}),
    ("bars/daily_us_lean_raw.parquet", {}),
    ("bars/daily_us_lean_ticker_reuse_example.parquet", {}),
    ("bars/daily_us_stocknet.parquet", {"basis": "split"}),
    ("bars/hour_us_lean_raw.parquet", {"stamp": "start"}),
    ("bars/minute_6EH4_2024_01.parquet", {"stamp": "start", "calendar": "CMES"}),
    ("bars/minute_crypto_lean_trade.parquet", {"stamp": "start"}),
    ("bars/minute_us_lean_trade.parquet", {"stamp": "start"}),
    ("bars/minute_us_lean_quote.parquet", {"columns": {"bid": "bid_close", "ask": "ask_close"}}),
    ("ticks/trades_ethusdt_binance_usdm.parquet", {"calendar": "24/7"}),
    ("ticks/us_quotes_lean.parquet", {}),
    ("ticks/us_trades_lean.parquet", {}),
    ("book/l1_ethusdt_binance_usdm.parquet", {"columns": {"ts": "recv_ts"}, "calendar": "24/7"}),
    ("corporate/wiki_daily_dividends_2014.parquet", {}),
    ("corporate/wiki_daily_dividends_aapl_2011_2012.parquet", {}),
    ("corporate/actions_us_lean.parquet", {}),
    ("corporate/factors_us_lean.parquet", {}),
    ("corporate/ticker_map_lean.csv", {}),
)
ROWS_MAX = 700
"""Rows of a symbol that are ingested, the last ones; whole files take longer than a test may."""


def cut_to(file: Path, folder: Path, symbols: int = 2) -> Path:
    """The last rows of the last symbols of a file."""
    if file.suffix != ".parquet":
        return file
    frame = pq.read_table(file).to_pandas()
    names = frame["symbol"].unique()[-symbols:]
    part = frame[frame["symbol"].isin(names)].groupby("symbol").tail(ROWS_MAX)
    part.to_parquet(folder / file.name, index=False)
    return folder / file.name


def named_theirs(source: FileSource, kind: str) -> dict[str, str]:
    theirs = {
        "bars": dict.fromkeys(("open", "high", "low", "close", "volume")),
        "trades": {"price": None, "size": "qty"},
        "quotes": {"bid": None, "bid_size": "bid_qty", "ask": None, "ask_size": "ask_qty"},
    }[kind]
    return {ours: source.columns.get(ours, other or ours) for ours, other in theirs.items()}


@pytest.mark.parametrize(("name", "said"), REAL, ids=[Path(name).stem for name, _ in REAL])
def test_real_files_are_read_back_equal(
    name: str, said: dict[str, Any], reference_data: Path, tmp_path: Path, store: Store
) -> None:
    file = cut_to(reference_data / name, tmp_path)
    source = FileSource(files=file, **said)
    kind = source.told_kind()
    receipts = fetch_into(store, source, Request(kind=kind))
    assert receipts
    if kind not in ("bars", "trades", "quotes"):
        assert sum(one.added for one in receipts) == EXPECTED_BESIDE[Path(name).stem]
        return
    frame = pd.read_parquet(file)
    for receipt in receipts:
        series = Series(kind=kind, symbol=receipt.symbol, timeframe=receipt.timeframe)
        stored = store.read(series)
        given = frame[frame["symbol"] == receipt.symbol]
        assert stored.num_rows + receipt.quarantined == len(given)
        assert receipt.quarantined == 0
        given = given.sort_values(source.columns.get("ts", "ts"), kind="stable")
        for ours, theirs in named_theirs(source, kind).items():
            values = given[theirs if theirs in given else ours].astype(float).to_numpy()
            if kind == "quotes":
                side = given[named_theirs(source, kind)[ours.removesuffix("_size")]]
                values = np.where(side.to_numpy() == 0, np.nan, values)
            np.testing.assert_array_equal(stored.column(ours).to_numpy(), values)
        if kind != "bars":
            expected = given[source.columns.get("ts", "ts")].astype("int64").to_numpy()
            assert stored.column("ts").cast(pa.int64()).to_numpy().tolist() == expected.tolist()


EXPECTED_BESIDE = {"actions_us_lean": 95, "factors_us_lean": 95, "ticker_map_lean": 14}
"""Ex-dates of SPY and USO, counted in the file, and terms of tickers."""


def test_two_vendors_of_one_actions_file_agree(
    reference_data: Path, tmp_path: Path, read_actions: Callable[[Path, str], Any]
) -> None:
    derived, factors = (
        read_actions(reference_data / "corporate" / f"{name}_us_lean.parquet", "AAPL")
        for name in ("actions", "factors")
    )
    assert derived.equals(factors)
    assert derived.num_rows > 30
    assert str(derived.column("session")[-2].as_py()) > "2020"
    splits = derived.column("splits").to_numpy()
    # Apple's four splits, as far as six digits of a factor tell.
    np.testing.assert_allclose(splits[splits != 1], [2, 2, 7, 4], rtol=1e-4)


@pytest.fixture
def read_actions(tmp_path: Path) -> Callable[[Path, str], Any]:
    def read(file: Path, symbol: str) -> Any:
        store = Store.at(tmp_path / file.stem)
        fetch_into(store, FileSource(files=file), Request(kind="actions", symbols=(symbol,)))
        return store.read(Series(kind="actions", symbol=symbol))

    return read

"""Replayed events against a plain sort of everything."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.tape import made_bars

import fanfold as ff
from fanfold.errors import ConfigError, DataError
from fanfold.market.replay import Bar, Batch, Quote, Trade, events, merged
from fanfold.market.store import Series, Store

HOUR_NS = 3_600 * 10**9
START = 19_730 * 24 * HOUR_NS  # 2024-01-08
KINDS = ("bars", "quotes", "trades")
SYMBOLS = ("B", "A", "C")
WIDTHS = {"bars": 5, "quotes": 4, "trades": 2}


def stored(store: Store, counts: dict[tuple[str, str], int], seed: int) -> list[tuple[Any, ...]]:
    """Fill a store with events at few instants; gives them as rows that sort into order."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[Any, ...]] = []
    for (kind, symbol), count in counts.items():
        at = START + np.sort(rng.choice(400, count, replace=kind != "bars")) * (HOUR_NS // 10)
        seq = np.arange(count) if kind != "bars" else np.zeros(count, int)
        values = 1.0 + rng.integers(0, 100, (WIDTHS[kind], count))
        columns: dict[str, Any] = {"ts": pa.array(at, pa.timestamp("ns", "UTC"))}
        if kind == "bars":
            names = ("open", "high", "low", "close", "volume")
            columns["session"] = pa.array(at // (24 * HOUR_NS), pa.int32()).cast(pa.date32())
            columns["minutes_to_close"] = np.zeros(count)
            columns["is_month_end"] = pa.array([False] * count)
        else:
            names = (
                ("bid", "bid_size", "ask", "ask_size") if kind == "quotes" else ("price", "size")
            )
            columns["seq"] = pa.array(seq, pa.int64())
        columns |= dict(zip(names, values, strict=True))
        series = Series(kind=kind, symbol=symbol, timeframe="1min" if kind == "bars" else "")
        store.upsert(series, _in_form(series, columns))
        for ts, number, row in zip(at.tolist(), seq.tolist(), values.T.tolist(), strict=True):
            rows.append((ts, KINDS.index(kind), symbol, number, tuple(row)))
    return sorted(rows)


def _in_form(series: Series, columns: dict[str, Any]) -> pa.Table:
    from fanfold.market.kinds import schema_of

    schema = schema_of(series.kind)
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def replayed(batches: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for batch in batches:
        assert len(batch) > 0
        for at in range(len(batch)):
            kind = int(batch.kind[at])
            values = batch.values[:, at]
            assert np.isnan(values[WIDTHS[KINDS[kind]] :]).all()
            symbol = batch.symbols[batch.symbol[at]]
            row = tuple(values[: WIDTHS[KINDS[kind]]].tolist())
            rows.append((int(batch.ts[at]), kind, symbol, int(batch.seq[at]), row))
    return rows


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, list[tuple[Any, ...]]]:
    """A store of three symbols over forty hours, and its events in order."""
    store = Store.at(tmp_path_factory.mktemp("ticks"))
    counts = {(kind, symbol): 60 for kind in KINDS for symbol in SYMBOLS}
    counts["trades", "C"] = 3
    return store, stored(store, counts, seed=1)


@pytest.mark.parametrize("at_once", [7, 32_768])
def test_events_come_in_the_order_of_a_sort_of_all(
    full: tuple[Store, list[tuple[Any, ...]]], monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(merged, "_MERGED_ROWS", at_once)
    store, expected = full
    batches = list(ff.replay(store.name, SYMBOLS, kinds=KINDS, timeframe="1Min"))
    assert replayed(batches) == expected
    assert batches[0].symbols == ("A", "B", "C")


@settings(max_examples=8)
@given(
    sizes=st.tuples(st.integers(60, 3_000), st.sampled_from([1, 7, 100_000])),
    start=st.one_of(st.none(), st.integers(-10, 410)),
    length=st.one_of(st.none(), st.integers(1, 400)),
    symbols=st.permutations(SYMBOLS),
    kinds=st.permutations(KINDS),
)
def test_windows_batches_and_order_of_asking_change_nothing(
    full: tuple[Store, list[tuple[Any, ...]]],
    *,
    sizes: tuple[int, int],
    start: int | None,
    length: int | None,
    symbols: list[str],
    kinds: list[str],
) -> None:
    store, rows = full
    minutes, batch_rows = sizes
    low = None if start is None else START + start * (HOUR_NS // 10)
    high = None if length is None else (low or START) + length * (HOUR_NS // 10)
    batches = list(
        ff.replay(
            store,
            symbols,
            kinds=kinds,
            start=low,
            end=high,
            timeframe="1min",
            window=timedelta(minutes=minutes),
            batch_rows=batch_rows,
        )
    )
    within = [
        row for row in rows if (low is None or row[0] >= low) and (high is None or row[0] < high)
    ]
    assert replayed(batches) == within
    assert all(len(batch) <= batch_rows for batch in batches)


def test_at_one_instant_a_bar_is_before_a_quote_and_a_quote_before_a_trade(tmp_path: Path) -> None:
    store = Store.at(tmp_path)
    at = pa.array([START], pa.timestamp("ns", "UTC"))
    one: dict[str, Any] = {"ts": at, "seq": pa.array([0], pa.int64())}
    trade = Series(kind="trades", symbol="A")
    store.upsert(trade, _in_form(trade, one | {"price": [5.0], "size": [2.0]}))
    quote = Series(kind="quotes", symbol="Z")
    sides = {"bid": [4.0], "bid_size": [1.0], "ask": [np.nan], "ask_size": [np.nan]}
    store.upsert(quote, _in_form(quote, one | sides))
    with pytest.raises(DataError, match="must hold"):
        ff.replay(store, ["A", "Z"])
    store.upsert(
        Series(kind="trades", symbol="Z"), _in_form(trade, one | {"price": [6.0], "size": [3.0]})
    )
    bar = Series(kind="bars", symbol="Z", timeframe="1min")
    columns = {name: [7.0] for name in ("open", "high", "low", "close", "volume")}
    session = {"session": pa.array([19_730], pa.int32()).cast(pa.date32())}
    close = {"minutes_to_close": [0.0], "is_month_end": [False]}
    store.upsert(bar, _in_form(bar, one | columns | session | close))
    told = list(
        events(ff.replay(store, "Z", kinds=("trades", "quotes", "bars"), timeframe="minute"))
    )
    assert told[0] == Bar(START, "Z", 7.0, 7.0, 7.0, 7.0, 7.0)
    assert isinstance(told[1], Quote)
    assert np.isnan(told[1].ask)
    assert told[2] == Trade(START, "Z", 6.0, 3.0)


def test_only_a_window_of_each_series_is_in_hand(
    full: tuple[Store, list[tuple[Any, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, rows = full
    sizes: list[int] = []
    read = Store.read

    def counted(self: Store, *args: Any, **kwargs: Any) -> Any:
        table = read(self, *args, **kwargs)
        sizes.append(table.num_rows)
        return table

    monkeypatch.setattr(Store, "read", counted)
    batches = ff.replay(store, SYMBOLS, kinds=KINDS, timeframe="1min", window=timedelta(hours=2))
    first = next(batches)
    assert len(first) < 0.2 * len(rows)
    assert sum(sizes) < 0.4 * len(rows)
    list(batches)
    assert sum(sizes) == len(rows)


def test_years_of_days_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.at(tmp_path)
    days = Series(kind="bars", symbol="SPY", timeframe="1D")
    store.upsert(days, made_bars([1, 2, 3_650]))
    reads: list[int] = []
    read = Store.read

    def counted(self: Store, *args: Any, **kwargs: Any) -> Any:
        reads.append(1)
        return read(self, *args, **kwargs)

    monkeypatch.setattr(Store, "read", counted)
    (batch,) = ff.replay(store, "SPY", kinds=["bars"], timeframe="1D")
    assert batch.values[3].tolist() == [1, 2, 3_650]
    assert len(reads) == 1


def test_a_period_may_hold_nothing(full: tuple[Store, list[tuple[Any, ...]]]) -> None:
    assert list(ff.replay(full[0], "A", start="2030-01-01", end="2031-01-01")) == []


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"kinds": ("trade",)}, r"kinds must be of .*, was 'trade' \(nearest: 'trades'\)"),
        ({"kinds": "trades"}, "kinds must name at least one kind"),
        ({"kinds": ("bars",)}, "timeframe must be given for bars"),
        ({"timeframe": "1min"}, "timeframe must be given for bars and only for them"),
        ({"symbols": ("A", "A")}, "symbols must name at least one asset and none twice"),
        ({"window": timedelta(0)}, "window must be at least a second"),
        ({"batch_rows": 0}, "batch_rows must be at least 1"),
        ({"start": "2024-01-09", "end": "2024-01-09"}, "end must be after start"),
        ({"start": "soon"}, "start must be a date such as"),
        ({"start": "2024-01-09T10:00"}, "start must be a date, or carry a time zone"),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    full: tuple[Store, list[tuple[Any, ...]]], given_: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        ff.replay(full[0], **{"symbols": "A", **given_})


def test_an_instant_keeps_its_microseconds(full: tuple[Store, list[tuple[Any, ...]]]) -> None:
    from fanfold.market.replay.instants import instant_of

    assert instant_of("2024-01-08T01:00:00.000001+01:00", "start") == START + 1_000
    assert instant_of("2024-01-08", "start") == START


def test_real_ticks_come_in_order(reference_data: Path, tmp_path: Path) -> None:
    store, count, utc = Store.at(tmp_path), 0, pa.timestamp("ns", "UTC")
    for kind in ("trades", "quotes"):
        frame = pq.read_table(reference_data / "ticks" / f"us_{kind}_lean.parquet").to_pandas()
        for symbol, rows in frame[frame["ts"] < "2013-10-07T14:00Z"].groupby("symbol"):
            columns: dict[str, Any] = {
                "ts": pa.array(rows["ts"].dt.tz_localize(None).to_numpy("datetime64[ns]"), utc),
                "seq": pa.array(rows.groupby("ts").cumcount().to_numpy(), pa.int64()),
            }
            names = (
                ("price", "size") if kind == "trades" else ("bid", "bid_size", "ask", "ask_size")
            )
            columns |= {name: rows[name].to_numpy(float) for name in names}
            series = Series(kind=kind, symbol=str(symbol))
            store.upsert(series, _in_form(series, columns))
            count += len(rows)
    by_kind = {
        kind: tuple(ff.replay(store, ["IBM", "BAC"] if kind == "trades" else "IBM", kinds=(kind,)))
        for kind in ("trades", "quotes")
    }
    ibm = tuple(ff.replay(store, "IBM", window=timedelta(minutes=7)))
    assert sum(len(one) for batches in by_kind.values() for one in batches) == count
    ts = np.concatenate([one.ts for one in ibm])
    assert (np.diff(ts) >= 0).all()
    trades = _only(by_kind["trades"], "IBM")
    np.testing.assert_array_equal(
        trades, np.concatenate([one.values[0][one.kind == 2] for one in ibm])
    )


def _only(batches: tuple[Batch, ...], symbol: str) -> Any:
    code = batches[0].symbols.index(symbol)
    return np.concatenate([one.values[0][one.symbol == code] for one in batches])

"""Stored rows as a panel: what `Bars.from_frame` makes of the same rows, and no other."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.stored import put, put_rows

from fanfold.domain.bars import Bars
from fanfold.domain.sessions import session_columns
from fanfold.errors import ConfigError, DataError, FanfoldError
from fanfold.market import load_bars
from fanfold.market.horizon import horizon
from fanfold.market.store import Series, Store

CALENDARS = {"SPY": "XNYS", "BTC/USD": "24/7", "VOD": "XLON", "IBM": "XNYS"}
DAYS = pd.date_range("2013-06-24", "2013-07-09")


def rows_of(symbol: str, seed: int, share: float = 0.8) -> pd.DataFrame:
    """Some sessions of an asset, with a split and a dividend among them."""
    rng = np.random.default_rng(seed)
    days = DAYS
    if symbol != "BTC/USD":
        days = days[(days.day_of_week < 5) & (days != "2013-07-04")]
    days = days[rng.random(len(days)) < share]
    close = np.round(rng.uniform(20, 90, len(days)), 2)
    frame = pd.DataFrame({"symbol": symbol, "ts": days, "open": close, "high": close + 1})
    frame = frame.assign(low=close - 1, close=close, volume=rng.integers(0, 9, len(days)) * 10.0)
    if symbol != "BTC/USD" and len(days) > 4:
        frame["splits"] = np.where(np.arange(len(days)) == 2, 2.0, 1.0)
        frame["dividends"] = np.where(np.arange(len(days)) == 4, 0.25, 0.0)
    return frame


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    symbols=st.lists(st.sampled_from([*CALENDARS]), min_size=1, unique=True),
    seed=st.integers(0, 99),
    start=st.none() | st.integers(0, 8),
    end=st.none() | st.integers(9, 15),
)
def test_a_panel_is_that_of_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory,
    symbols: list[str],
    seed: int,
    start: int | None,
    end: int | None,
) -> None:
    frame = pd.concat([rows_of(symbol, seed + place) for place, symbol in enumerate(symbols)])
    frame = frame.fillna({"splits": 1.0, "dividends": 0.0})
    store = Store.at(tmp_path_factory.mktemp("data"))
    put(store, frame, calendar=CALENDARS)
    calendar = {symbol: CALENDARS[symbol] for symbol in symbols}
    asked: dict[str, Any] = {
        "start": None if start is None else DAYS[start].date(),
        "end": None if end is None else str(DAYS[end].date()),
    }
    whole = Bars.from_frame(frame, calendar=calendar)
    assert load_bars(store.name, symbols=whole.symbols).fingerprint == whole.fingerprint
    expected = whole.select(**asked)
    read = load_bars(store.name, symbols=whole.symbols, **asked)
    assert (read.symbols, read.calendars) == (expected.symbols, expected.calendars)
    if len(set(calendar.values())) > 1 and "BTC/USD" not in symbols:
        # Which of two exchanges' calendars leads may depend on where the period begins.
        assert np.array_equal(read.panel, expected.panel, equal_nan=True)
    else:
        assert read.fingerprint == expected.fingerprint


def minutes_of(symbol: str, first: str, count: int) -> pd.DataFrame:
    ts = pd.date_range(first, periods=count, freq="min", tz="UTC")
    close = 50 + np.arange(count) % 7
    frame = pd.DataFrame({"symbol": symbol, "ts": ts, "open": close * 1.0, "high": close + 1.0})
    return frame.assign(low=close - 1.0, close=close * 1.0, volume=5.0)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"start": "2013-12-31"},
        {"end": "2013-12-31"},
        {"start": "2013-12-31T21:00Z", "end": "2014-01-02T15:00+01:00"},
        {"start": "2014-01-02", "end": "2014-01-02"},
    ],
)
def test_minutes_are_cut_by_sessions_and_instants(tmp_path: Path, asked: dict[str, str]) -> None:
    # After hours of two sessions are on the next day in UTC, and in another year's file.
    parts = [minutes_of("A", "2013-12-30 20:30", 300), minutes_of("A", "2013-12-31 20:30", 300)]
    parts += [minutes_of("A", "2014-01-02 13:30", 90), minutes_of("B", "2014-01-01 00:05", 50)]
    frame = pd.concat(parts)
    put(Store.at(tmp_path), frame, timeframe="1min")
    expected = Bars.from_frame(frame, stamp="end", calendar="XNYS").select(**asked)
    assert load_bars(tmp_path, **asked).fingerprint == expected.fingerprint


def adjusted(seed: int = 1) -> pd.DataFrame:
    frame = pd.concat([rows_of("SPY", seed), rows_of("IBM", seed + 1)])
    frame = frame.drop(columns=["splits", "dividends"])
    return frame.assign(adj_close=frame["close"] / 3)


def test_adjusted_closes_make_prices_as_they_do_in_a_frame(tmp_path: Path) -> None:
    put(Store.at(tmp_path), adjusted())
    expected = Bars.from_frame(adjusted(), calendar="XNYS")
    read = load_bars(tmp_path, symbols=["SPY", "IBM"])
    assert (read.basis, read.fingerprint) == ("total_return", expected.fingerprint)
    raw = load_bars(tmp_path, symbols=["SPY", "IBM"], basis="raw")
    assert raw.fingerprint == Bars.from_frame(adjusted(), calendar="XNYS", basis="raw").fingerprint
    # Of prices that were not stored as traded none are kept beside.
    put(Store.at(tmp_path / "split"), adjusted(), basis="split")
    assert load_bars(tmp_path / "split").raw is None


def test_views_are_computed_from_stored_actions(tmp_path: Path) -> None:
    frame = rows_of("SPY", 3, share=1.0)
    put(Store.at(tmp_path), frame)
    raw, split = load_bars(tmp_path), load_bars(tmp_path, basis="split")
    assert raw.splits is not None
    assert (raw.basis, raw.raw, split.splits) == ("raw", None, None)
    # Two for one on the third session: only the bars before it are halved.
    assert split.close[:, 0].tolist() == [*(raw.close[:2, 0] / 2), *raw.close[2:, 0]]
    assert split.volume[:, 0].tolist() == [*(raw.volume[:2, 0] * 2), *raw.volume[2:, 0]]
    assert split.dividends is not None
    assert split.raw is not None
    assert np.array_equal(split.raw, raw.panel)
    total = load_bars(tmp_path, basis="total_return")
    kept = 1 - 0.25 / raw.close[3, 0]
    assert total.close[:4, 0] == pytest.approx(split.close[:4, 0] * kept, rel=1e-14)
    assert total.dividends is None
    # Cut before the split, nothing is adjusted for it.
    early = load_bars(tmp_path, basis="split", end=str(frame["ts"].iloc[1].date()))
    assert np.array_equal(early.panel, raw.panel[:, :2])
    with horizon(int(raw.ts[1])):
        assert load_bars(tmp_path, basis="split").fingerprint == early.fingerprint


def test_a_range_has_the_same_bits_whatever_is_stored_later(tmp_path: Path) -> None:
    frame = pd.concat([rows_of("SPY", 3, share=1.0), rows_of("IBM", 4)])
    until = str(DAYS[9].date())
    before, after = Store.at(tmp_path / "before"), Store.at(tmp_path / "after")
    put(before, frame[frame["ts"] <= until])
    put(after, frame)
    late = {"session": np.array([DAYS[12].value // (86_400 * 10**9)], np.int32)}
    late |= {"splits": np.array([3.0]), "dividends": np.array([1.0])}
    put_rows(after, Series(kind="actions", symbol="SPY"), late)
    for basis in ("raw", "split", "total_return"):
        one, other = (load_bars(store.name, basis=basis, end=until) for store in (before, after))
        assert one.fingerprint == other.fingerprint


def test_an_action_without_a_bar_is_booked_on_the_next(tmp_path: Path) -> None:
    frame = rows_of("SPY", 3, share=1.0)
    prices = ["open", "high", "low", "close"]
    # No bars on the days of the split and the dividend after it, which falls to half units.
    frame.loc[2:3, prices] = np.nan
    frame["splits"] = [1.0, 1.0, 1.0, 2.0, *[1.0] * (len(frame) - 4)]
    frame["dividends"] = [0.0, 0.0, 0.5, 0.0, 0.25, *[0.0] * (len(frame) - 5)]
    put(Store.at(tmp_path), frame)
    bars = load_bars(tmp_path)
    assert bars.splits is not None
    assert bars.dividends is not None
    assert bars.splits[:4, 0].tolist() == [1, 1, 2, 1]
    assert bars.dividends[:4, 0].tolist() == [0, 0, 0.5, 0]


def test_volumes_have_one_zero_and_one_nan(tmp_path: Path) -> None:
    frame = rows_of("SPY", 1).drop(columns=["splits", "dividends"])
    odd = np.frombuffer(np.array([0x7FF8000000000001], np.uint64).tobytes(), np.float64)[0]
    frame.loc[frame.index[:2], "volume"] = [-0.0, odd]
    put(Store.at(tmp_path), frame)
    assert load_bars(tmp_path).fingerprint == Bars.from_frame(frame, calendar="XNYS").fingerprint


def test_a_writer_in_between_makes_the_panel_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = rows_of("SPY", 1, share=1.0)
    store = Store.at(tmp_path)
    put(store, frame.drop(frame.index[3:6]))
    read, reads = Store.read, 0

    def read_then_write(self: Store, *asked: Any, **how: Any) -> Any:
        nonlocal reads
        table = read(self, *asked, **how)
        reads += 1
        if reads == 1:
            put(store, frame)
        return table

    monkeypatch.setattr(Store, "read", read_then_write)
    assert load_bars(tmp_path).fingerprint == Bars.from_frame(frame, calendar="XNYS").fingerprint


def test_bars_that_come_while_a_panel_is_read_are_left_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = rows_of("SPY", 1, share=1.0)[["symbol", "ts", "open", "high", "low", "close", "volume"]]
    put(Store.at(tmp_path), frame[:3])
    to_come = list(range(3, len(frame)))
    read = Store.read

    def read_then_append(store: Store, *given: Any, **named: Any) -> Any:
        table = read(store, *given, **named)
        if to_come:
            row = to_come.pop(0)
            put(store, frame[row : row + 1])
        return table

    monkeypatch.setattr(Store, "read", read_then_append)
    assert load_bars(tmp_path).bar_count == 3
    assert load_bars(tmp_path).bar_count > 3


def test_a_store_says_which_timeframes_it_has(tmp_path: Path) -> None:
    put(Store.at(tmp_path), rows_of("SPY", 1))
    put(Store.at(tmp_path), minutes_of("SPY", "2013-12-30 20:30", 9), timeframe="15min")
    with pytest.raises(DataError, match=r"timeframe must be one of 15min, 1D in .*, was left out"):
        load_bars(tmp_path)
    assert load_bars(tmp_path, timeframe="15Min").bar_count == 9
    assert load_bars(tmp_path, timeframe="daily").bar_count < len(DAYS)
    with pytest.raises(DataError, match=r"timeframe must be one of 15min, 1D in .*, was '1h'"):
        load_bars(tmp_path, timeframe="1h")
    with pytest.raises(ConfigError, match="timeframe must be 1D, 1W, or seconds"):
        load_bars(tmp_path, timeframe="fast")


@pytest.mark.parametrize(
    ("asked", "kind", "message"),
    [
        ({"basis": "split"}, DataError, r"must be raw, was 'split': SPY .*none of its actions"),
        ({"start": "2014-01-01"}, DataError, "the period must hold a bar of SPY, was 2014-01-01"),
        ({"start": "soon"}, ConfigError, "start must be a date"),
        ({"symbols": ["SPX"]}, DataError, r"symbol must be one of SPY; was 'SPX' \(nearest"),
        ({"symbols": []}, ConfigError, "symbols must name at least one asset"),
        ({"calendar": "XNYS"}, ConfigError, "calendar goes with files only"),
        ({"universe": "big"}, DataError, "universe must be one of none in"),
        ({"universe": "big", "members": "x.csv"}, ConfigError, "members must be left out"),
    ],
)
def test_what_a_store_does_not_have_is_refused(
    tmp_path: Path, asked: dict[str, Any], kind: type[FanfoldError], message: str
) -> None:
    put(Store.at(tmp_path), rows_of("SPY", 1).drop(columns=["splits", "dividends"]))
    with pytest.raises(kind, match=message):
        load_bars(tmp_path, **asked)


def test_symbols_of_several_bases_need_one_to_be_named(tmp_path: Path) -> None:
    store = Store.at(tmp_path)
    put(store, rows_of("SPY", 1))
    put(store, rows_of("IBM", 2).drop(columns=["splits"]), basis="split")
    with pytest.raises(DataError, match="must be given, its symbols are stored in several: split"):
        load_bars(tmp_path)
    assert load_bars(tmp_path, basis="total_return").asset_count == 2
    with pytest.raises(DataError, match="IBM has split prices"):
        load_bars(tmp_path, basis="raw")


@pytest.mark.parametrize("labels", [{"calendar": "XNYS"}, {"calendar": "XNYS", "basis": "real"}])
def test_rows_without_a_basis_are_refused(tmp_path: Path, labels: dict[str, str]) -> None:
    ts = np.array([1_372_104_000 * 10**9])
    columns: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close", "volume"), np.ones(1))
    sessions = session_columns(ts, "XNYS")
    columns |= {"ts": ts, "session": sessions.session_day.astype(np.int32)}
    columns |= {"minutes_to_close": np.zeros(1), "is_month_end": np.zeros(1, bool)}
    put_rows(
        Store.at(tmp_path), Series(kind="bars", symbol="A", timeframe="1D"), columns, labels=labels
    )
    with pytest.raises(DataError, match=r"bars 1D A in .* must be labelled with its basis"):
        load_bars(tmp_path)


def test_symbols_of_an_array_are_the_same_symbols(tmp_path: Path) -> None:
    put(Store.at(tmp_path), pd.concat([rows_of("SPY", 1), rows_of("IBM", 2)]))
    asked = ["SPY", "IBM"]
    bars = load_bars(tmp_path, symbols=np.array(asked))
    assert bars.symbols == tuple(asked)
    assert bars.fingerprint == load_bars(tmp_path, symbols=asked).fingerprint


def test_a_symbol_without_a_name_is_not_there(tmp_path: Path) -> None:
    put(Store.at(tmp_path), rows_of("SPY", 1))
    with pytest.raises(DataError, match="symbol must be one of SPY; was ''"):
        load_bars(tmp_path, symbols="")


def test_a_url_that_is_no_store_is_refused() -> None:
    with pytest.raises(ConfigError, match="store must be a folder or a URL"):
        load_bars("nosuch://bucket/folder")


def test_keys_in_a_url_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "exists", property(lambda _: False))
    with pytest.raises(DataError, match="s3://bucket/folder is not there") as caught:
        load_bars("s3://me:hidden@bucket/folder?region=us-east-1")
    assert "hidden" not in str(caught.value)


def test_real_rows_of_ten_symbols_are_read_back_equal(reference_data: Path, tmp_path: Path) -> None:
    frame = pd.read_parquet(reference_data / "bars" / "daily_us_lean_raw.parquet")
    frame = frame[frame["ts"] >= "2013-01-01"]
    put(Store.at(tmp_path), frame)
    assert load_bars(tmp_path).fingerprint == Bars.from_frame(frame, calendar="XNYS").fingerprint

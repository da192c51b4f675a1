from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError, DataError, FanfoldError

NEW_YORK = "America/New_York"


def daily(*dates: str, symbol: str = "AAA") -> pd.DataFrame:
    """Row n opens at 100 + n and closes a point higher."""
    first = 100.0 + np.arange(len(dates))
    return pd.DataFrame(
        {
            "symbol": symbol,
            "ts": pd.to_datetime(list(dates)),
            "open": first,
            "high": first + 2,
            "low": first - 1,
            "close": first + 1,
            "volume": 1_000.0,
        }
    )


def intraday(*clocks: str, zone: str = NEW_YORK, symbol: str = "AAA") -> pd.DataFrame:
    frame = daily(*clocks, symbol=symbol)
    return frame.assign(ts=frame["ts"].dt.tz_localize(zone))


THREE = daily("2012-11-21", "2012-11-23", "2012-11-26")


def ends(bars: Bars, zone: str = NEW_YORK) -> list[str]:
    """The bars' ends as clocks in a zone show them."""
    shown = pd.DatetimeIndex(bars.ts, tz="UTC").tz_convert(zone)
    return [str(moment)[:16] for moment in shown]


def test_midnight_dates_are_sessions_and_end_with_them() -> None:
    bars = Bars.from_frame(THREE)
    assert ends(bars) == ["2012-11-21 16:00", "2012-11-23 13:00", "2012-11-26 16:00"]
    assert (bars.calendar, bars.basis, bars.symbols) == ("XNYS", "raw", ("AAA",))
    assert bars.minutes_to_close.tolist() == [0, 0, 0]
    assert bars.close[:, 0].tolist() == [101, 102, 103]


def test_dates_mean_the_same_in_any_zone_and_stamped_by_the_day_they_start() -> None:
    expected = Bars.from_frame(THREE).fingerprint
    in_utc = THREE.assign(ts=THREE["ts"].dt.tz_localize("UTC"))
    in_new_york = THREE.assign(ts=THREE["ts"].dt.tz_localize(NEW_YORK).dt.tz_convert("UTC"))
    assert Bars.from_frame(in_utc).fingerprint == expected
    assert Bars.from_frame(in_new_york, stamp="session").fingerprint == expected
    bar = timedelta(days=1)
    assert Bars.from_frame(THREE, stamp="start", bar=bar).fingerprint == expected
    assert Bars.from_frame(in_new_york, stamp="start", bar=bar).fingerprint == expected


def test_weekend_bars_mean_a_market_that_never_closes() -> None:
    bars = Bars.from_frame(daily("2012-11-23", "2012-11-24"))
    assert bars.calendar == "24/7"
    assert ends(bars, "UTC") == ["2012-11-24 00:00", "2012-11-25 00:00"]


def test_a_friday_evening_in_new_york_is_no_weekend() -> None:
    # 19:59 there is already Saturday in UTC.
    frame = intraday("2012-11-16 19:58", "2012-11-16 19:59")
    assert Bars.from_frame(frame, stamp="start").calendar == "XNYS"
    assert Bars.from_frame(frame, stamp="end").calendar == "XNYS"


def test_bars_stamped_by_their_start_end_one_length_later() -> None:
    frame = intraday("2012-11-23 12:00", "2012-11-23 12:05", "2012-11-23 12:10", "2012-11-26 09:30")
    bars = Bars.from_frame(frame, stamp="start")
    assert ends(bars)[:2] == ["2012-11-23 12:05", "2012-11-23 12:10"]
    assert ends(bars)[3] == "2012-11-26 09:35"
    assert "bars of 0:05:00 from their start" in bars.source
    assert bars.session_day[3] - bars.session_day[2] == 3


def test_the_last_bar_before_a_close_ends_with_it() -> None:
    clocks = ["2012-11-23 10:30", "2012-11-23 11:30", "2012-11-23 12:30", "2012-11-26 15:30"]
    bars = Bars.from_frame(intraday(*clocks), stamp="start")
    assert ends(bars)[2:] == ["2012-11-23 13:00", "2012-11-26 16:00"]
    assert bars.minutes_to_close.tolist() == [90, 30, 0, 0]


def test_weeks_stamped_by_their_start_end_with_their_last_session() -> None:
    weeks = daily("2012-11-12", "2012-11-19", "2012-11-26")
    assert ends(Bars.from_frame(weeks, stamp="start"))[1] == "2012-11-23 13:00"
    with pytest.raises(ConfigError, match=r"for bars longer than a day; .* they are 7 days apart"):
        Bars.from_frame(weeks)


def test_clocks_that_change_keep_bars_one_length_long() -> None:
    # On 2012-11-04 New York's clocks went back, on 2012-03-11 forward.
    for day, after in (("2012-11-02", "2012-11-05"), ("2012-03-09", "2012-03-12")):
        clocks = [f"{date} {clock}" for date in (day, after) for clock in ("09:30", "10:30")]
        bars = Bars.from_frame(intraday(*clocks), stamp="start")
        assert [end[11:] for end in ends(bars)] == ["10:30", "11:30"] * 2
        assert bars.minutes_to_close.tolist() == [330, 270] * 2


def test_symbols_are_aligned_over_all_timestamps() -> None:
    other = daily("2012-11-23", "2012-11-26", "2012-11-27", symbol="BBB")
    bars = Bars.from_frame(pd.concat([THREE, other]))
    assert bars.symbols == ("AAA", "BBB")
    assert bars.bar_count == 4
    assert np.isnan(bars.close[0, 1])
    assert np.isnan(bars.panel[:, 3, 0]).all()
    assert bars.close[1:, 1].tolist() == [101, 102, 103]


@given(seed=st.integers(0, 1_000))
def test_the_order_of_rows_of_different_symbols_does_not_matter(seed: int) -> None:
    other = daily("2012-11-21", "2012-11-26", symbol="BBB")
    frame = pd.concat([THREE, other], ignore_index=True)
    rng = np.random.default_rng(seed)
    turns = rng.permutation(["AAA"] * 3 + ["BBB"] * 2)
    rows = {name: iter(np.flatnonzero(frame["symbol"] == name)) for name in ("AAA", "BBB")}
    mixed = frame.iloc[[int(next(rows[name])) for name in turns]]
    bars = Bars.from_frame(mixed, symbols=["AAA", "BBB"])
    assert bars.fingerprint == Bars.from_frame(frame).fingerprint


@given(kept=st.integers(2, 29))
def test_cutting_the_future_changes_no_earlier_bar(kept: int) -> None:
    clocks = pd.date_range("2012-11-21 09:30", periods=30, freq="37min").strftime("%Y-%m-%d %H:%M")
    frame = intraday(*clocks)
    whole = Bars.from_frame(frame, stamp="start", calendar="XNYS", bar=timedelta(minutes=37))
    cut = Bars.from_frame(frame[:kept], stamp="start", calendar="XNYS", bar=timedelta(minutes=37))
    assert whole.select(end=str(pd.Timestamp(cut.ts[-1], tz="UTC"))).fingerprint == cut.fingerprint


def test_a_row_without_prices_is_a_missing_bar() -> None:
    frame = THREE.copy()
    frame.loc[1, ["open", "high", "low", "close", "volume"]] = np.nan
    assert ends(Bars.from_frame(frame)) == ["2012-11-21 16:00", "2012-11-26 16:00"]


def test_one_asset_needs_no_symbol_and_may_hold_its_dates_in_the_index() -> None:
    expected = Bars.from_frame(THREE, symbols=["AAA"]).fingerprint
    plain = THREE.drop(columns="symbol")
    indexed = plain.set_index("ts")
    assert Bars.from_frame(plain).symbols == ("ASSET",)
    assert Bars.from_frame(plain, symbols="AAA").fingerprint == expected
    for name in ("Date", "timestamp", None):
        assert Bars.from_frame(indexed.rename_axis(name), symbols=["AAA"]).fingerprint == expected


def test_columns_are_found_whatever_their_case() -> None:
    frame = THREE.rename(
        columns={"ts": "Date", "open": "Open", "close": " CLOSE ", "symbol": "Ticker"}
    )
    assert Bars.from_frame(frame).fingerprint == Bars.from_frame(THREE).fingerprint
    levels = THREE.set_index(["symbol", "ts"])
    assert Bars.from_frame(levels).fingerprint == Bars.from_frame(THREE).fingerprint


def test_arrow_tables_and_whole_numbers_are_frames_too() -> None:
    expected = Bars.from_frame(THREE).fingerprint
    assert Bars.from_frame(pa.Table.from_pandas(THREE)).fingerprint == expected
    nullable = THREE.astype({"volume": "Int64", "open": "Float64", "symbol": "category"})
    assert Bars.from_frame(nullable).fingerprint == expected


def test_adjusted_closes_adjust_all_prices_and_keep_the_raw_ones() -> None:
    frame = THREE.assign(adj_close=THREE["close"] / [4, 2, 1])
    bars = Bars.from_frame(frame)
    assert bars.basis == "total_return"
    assert bars.close[:, 0] == pytest.approx(frame["adj_close"])
    assert bars.open[:, 0].tolist() == [25, 50.5, 102]
    assert bars.volume[:, 0].tolist() == [1_000] * 3
    assert bars.raw is not None
    assert bars.raw[0, :, 0].tolist() == [100, 101, 102]
    raw = Bars.from_frame(frame, basis="raw")
    assert (raw.basis, raw.raw) == ("raw", None)
    assert raw.fingerprint == Bars.from_frame(THREE).fingerprint


def test_a_stated_basis_is_taken_at_its_word() -> None:
    assert Bars.from_frame(THREE, basis="split").basis == "split"
    assert Bars.from_frame(THREE, basis="total_return").raw is None


def test_a_benchmark_is_the_level_known_at_each_end() -> None:
    levels = pd.Series([10.0, 11.0], pd.to_datetime(["2012-11-21", "2012-11-23"]), name="index")
    bars = Bars.from_frame(THREE, benchmark=levels)
    assert bars.benchmark is not None
    assert bars.benchmark[:2].tolist() == [10, 11]
    assert np.isnan(bars.benchmark[2])
    assert bars.benchmark_name == "index"
    # A date's level is known at its close, half days included.
    clocks = ["2012-11-23 12:58", "2012-11-23 12:59", "2012-11-23 13:00"]
    minutes = Bars.from_frame(intraday(*clocks), stamp="end", benchmark=levels)
    assert minutes.benchmark is not None
    assert minutes.benchmark.tolist() == [10, 10, 11]
    instants = levels.set_axis(pd.DatetimeIndex(clocks[:2]).tz_localize(NEW_YORK))
    minutes = Bars.from_frame(intraday(*clocks), stamp="end", benchmark=instants)
    assert minutes.benchmark is not None
    assert minutes.benchmark[:2].tolist() == [10, 11]


def edited(**columns: Any) -> pd.DataFrame:
    return THREE.assign(**columns)


MIXED_ZONES = [
    pd.Timestamp("2012-11-21 10:00", tz="UTC"),
    pd.Timestamp("2012-11-23 10:00", tz=NEW_YORK),
    pd.Timestamp("2012-11-26 10:00", tz="UTC"),
]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (THREE[:0], "frame must hold bars, it was empty"),
        (THREE[:1], "at least 2 bars, was 1"),
        ({"close": [1.0]}, "frame must be a pandas DataFrame or an Arrow Table, was dict"),
        (THREE.drop(columns="close"), "must have a column close, its columns are symbol, ts, open"),
        (THREE.rename(columns={"close": "closing"}), r"column close.*\(nearest: 'closing'\)"),
        (THREE.assign(Close=1.0), "column close must be there once, was 'close' and 'Close'"),
        (THREE.iloc[[0, 2, 1]], "sorted for each symbol, AAA at 2012-11-23 came after 2012-11-26"),
        (THREE.iloc[[0, 1, 1, 2]], "there once for each symbol, AAA at 2012-11-23 is twice"),
        (edited(low=[-1.0, 1, 1]), "AAA at 2012-11-21: low must be a price from .*, was -1.0"),
        (edited(open=[100.0, 0, 102]), "AAA at 2012-11-23: open must be a price .*, was 0.0"),
        (edited(high=np.inf), "AAA at 2012-11-21: high must be a price .*, was inf"),
        (edited(high=2e9), "high must be a price from 1e-06 to 1e.09, was 2000000000.0"),
        (
            edited(high=[102.0, 101, 104]),
            "at 2012-11-23: high must not be below close 102.0, was 101",
        ),
        (
            edited(low=[99.0, 100, 102.5]),
            "at 2012-11-26: low must not be above open 102.0, was 102.5",
        ),
        (
            edited(close=[101.0, np.nan, 103]),
            "at 2012-11-23: a bar must have all four prices or none, close was nan",
        ),
        (
            edited(volume=[1.0, -5, 1]),
            "at 2012-11-23: volume must be finite and not negative.*-5.0",
        ),
        (edited(open=np.nan, high=np.nan, low=np.nan, close=np.nan), "all 3 rows were without"),
        (edited(close=["101", "102", "103"]), "close must hold numbers, was "),
        (edited(volume=True), "volume must hold numbers, was bool"),
        (edited(ts=MIXED_ZONES), "ts must be datetimes of one time zone .*, was object"),
        (edited(ts=["2012-11-21", "2012-11-23", "2012-11-26"]), "ts must be datetimes of one time"),
        (edited(ts=[1, 2, 3]), "ts must be datetimes of one time zone .*, was int64"),
        (edited(ts=[THREE["ts"][0], pd.NaT, THREE["ts"][2]]), "ts must not be empty, row 1 was"),
        (
            edited(ts=THREE["ts"] + timedelta(hours=9)),
            "must carry a time zone .*2012-11-21T09:00:00",
        ),
        (edited(symbol=["AAA", None, "AAA"]), "symbol must not be empty, row 1 was"),
        (
            edited(ts=THREE["ts"] + np.timedelta64(400 * 365, "D")),
            "ts must lie within 1678 and 2261",
        ),
        (edited(symbol=7203), "symbol must be a text, was 7203"),
        (edited(adj_close=[1.0, 0.0, 1.0]), "at 2012-11-23: adj_close must be a price .*was 0.0"),
        (
            edited(adj_close=[1.0, np.nan, 1.0]),
            "at 2012-11-23: adj_close must be a price .*was nan",
        ),
    ],
)
def test_each_bad_frame_gets_its_one_line(frame: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        Bars.from_frame(frame)
    assert "\n" not in str(caught.value)


MINUTES = intraday("2012-11-21 10:00", "2012-11-21 10:01", "2012-11-21 10:02")
HOURS = intraday("2012-11-21 10:00", "2012-11-21 11:00", symbol="BBB")


@pytest.mark.parametrize(
    ("frame", "asked", "kind", "message"),
    [
        (MINUTES, {}, ConfigError, "stamp must say what a timestamp marks.*2012-11-21T10:00:00"),
        (
            MINUTES,
            {"stamp": "begin"},
            ConfigError,
            "stamp must be 'start', 'end' or 'session', was",
        ),
        (
            MINUTES,
            {"stamp": "session"},
            DataError,
            "must be midnight dates, there or at the exchange",
        ),
        (THREE, {"stamp": "end"}, DataError, "with stamp='end' must carry a time zone"),
        (MINUTES, {"stamp": "end", "bar": timedelta(minutes=1)}, ConfigError, "stamp='start' only"),
        (MINUTES, {"stamp": "start", "bar": timedelta(0)}, ConfigError, "at most 7 days long"),
        (MINUTES, {"stamp": "start", "bar": timedelta(days=8)}, ConfigError, "was 8 days"),
        (
            MINUTES,
            {"stamp": "start", "bar": timedelta(minutes=2)},
            DataError,
            "bars of 0:02:00 must not overlap, two of AAA start 0:01:00 apart",
        ),
        (
            pd.concat([MINUTES, HOURS]),
            {"stamp": "start"},
            ConfigError,
            "most are 0:01:00 apart for AAA, 1:00:00 for BBB",
        ),
        (
            pd.concat([MINUTES[:1], HOURS[:1]]),
            {"stamp": "start"},
            ConfigError,
            "bar must give the length of a bar where no symbol has two",
        ),
        (THREE, {"basis": "totalreturn"}, ConfigError, r"\(nearest: 'total_return'\)"),
        (THREE, {"calendar": "XNYX"}, ConfigError, "nearest: 'XNYS'"),
        (THREE, {"symbols": ["AAB"]}, DataError, r"symbol must be one of AAA; was 'AAB' \(nearest"),
        (
            THREE.drop(columns="symbol"),
            {"symbols": ["A", "B"]},
            DataError,
            "must have a column symbol to hold several",
        ),
        (THREE, {"benchmark": [1.0]}, DataError, "benchmark must be a pandas Series, was list"),
        (
            THREE,
            {"benchmark": pd.Series([0.0], THREE["ts"][:1])},
            DataError,
            "benchmark must hold positive",
        ),
        (
            THREE,
            {"benchmark": pd.Series([1.0, 2.0], THREE["ts"][[1, 0]])},
            DataError,
            "benchmark must be sorted",
        ),
        (
            THREE,
            {"benchmark": pd.Series([1.0], THREE["ts"][:1] + timedelta(hours=1))},
            DataError,
            "benchmark's instants must carry a time zone",
        ),
    ],
)
def test_each_bad_argument_gets_its_one_line(
    frame: pd.DataFrame, asked: dict[str, Any], kind: type[FanfoldError], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        Bars.from_frame(frame, **asked)
    assert "\n" not in str(caught.value)


def test_bad_rows_of_symbols_that_were_not_asked_for_do_not_matter() -> None:
    bad = daily("2012-11-21", "2012-11-23", symbol="BBB").assign(low=-1.0)
    assert Bars.from_frame(pd.concat([THREE, bad]), symbols=["AAA"]).symbols == ("AAA",)


def test_real_minutes_reach_from_early_morning_to_the_evening(reference_data: Path) -> None:
    frame = pd.read_parquet(reference_data / "bars" / "minute_us_lean_trade.parquet")
    bars = Bars.from_frame(frame, stamp="start")
    spy = bars.select(symbols="SPY", start="2013-10-04", end="2013-10-04")
    assert bars.calendar == "XNYS"
    assert len(set(spy.session_day.tolist())) == 1
    # 390 minutes of the regular session, each with a bar; others before and after it.
    regular = (spy.minutes_to_close >= 0) & (spy.minutes_to_close < 390)
    assert regular.sum() == 390
    assert spy.minutes_to_close.max() > 390
    assert spy.minutes_to_close.min() < 0


def test_real_days_are_all_sessions_of_the_exchange(reference_data: Path) -> None:
    frame = pd.read_parquet(reference_data / "bars" / "daily_us_lean_raw.parquet")
    bars = Bars.from_frame(frame, symbols=["SPY", "IBM"])
    # Half days, as the exchange published them.
    early = {"2012-11-23", "2012-12-24", "2013-07-03", "2013-11-29", "2013-12-24"}
    hours = pd.DatetimeIndex(bars.ts, tz="UTC").tz_convert(NEW_YORK)
    found = {str(day.date()) for day in hours if day.hour == 13 and day.year in (2012, 2013)}
    assert found == early | {"2012-07-03"}
    assert bars.is_month_end.sum() == len({(day.year, day.month) for day in hours})


def test_real_hours_end_with_their_half_days(reference_data: Path) -> None:
    frame = pd.read_parquet(reference_data / "bars" / "hour_us_lean_raw.parquet")
    bars = Bars.from_frame(frame, stamp="start", symbols=["SPY"])
    day = bars.select(start="2012-11-23", end="2012-11-23")
    assert 0 in day.minutes_to_close.tolist()
    assert ends(day)[0] == "2012-11-23 10:00"

"""Longer bars against `On`, pandas, vendors' own bars, and bars written by hand."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import fanfold as ff
from fanfold.domain.bars import Bars
from fanfold.domain.calendars import panel_calendar
from fanfold.domain.sessions import DAY_NS, MINUTE_NS, session_columns
from fanfold.errors import ConfigError, DataError
from fanfold.market.resample.conditions import EFFECTS, codes_of
from fanfold.market.resample.polygon_codes import POLYGON_CODES
from fanfold.market.store import Series, Store
from fanfold.strategies.indicators import ATR, SMA, VWAP, On, batch, context_of

few = settings(max_examples=8)
SECOND_NS = 10**9


def ns(text: str) -> int:
    return pd.Timestamp(text, tz="UTC").as_unit("ns").value


def bars_at(
    ts: Sequence[int] | NDArray[np.int64],
    rows: Any,
    calendar: str | tuple[str, ...] = "XNYS",
    **fields: Any,
) -> Bars:
    """Bars of given ends and rows of open, high, low, close, volume; [bar, (asset,) field]."""
    panel = np.asarray(rows, float)
    panel = panel[:, None] if panel.ndim == 2 else panel
    ts = np.asarray(ts, np.int64)
    own = (calendar,) * panel.shape[1] if isinstance(calendar, str) else calendar
    clock = session_columns(ts, panel_calendar(own, ts))
    return Bars(
        symbols=tuple(f"A{asset}" for asset in range(panel.shape[1])),
        ts=ts,
        panel=np.ascontiguousarray(panel.transpose(2, 0, 1)),
        calendar=panel_calendar(own, ts),
        calendars=own,
        session_day=clock.session_day,
        minutes_to_close=clock.minutes_to_close,
        is_month_end=clock.is_month_end,
        **{"basis": "raw", **fields},
    )


def flat(*closes: float, volume: float = 10.0) -> list[list[float]]:
    return [[close] * 4 + [volume] for close in closes]


@st.composite
def minutes(draw: st.DrawFn, calendar: str | None = None) -> Bars:
    """Two assets' minutes at any hour of the week of a holiday and a half day."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    count = draw(st.integers(2, 300))
    first = ns("2013-11-25") // MINUTE_NS
    at = np.sort(rng.choice(draw(st.sampled_from([600, 3_000, 11_000])), count, replace=False))
    close = 100 + rng.integers(-9, 9, (count, 2)) / 8
    open_ = 100 + rng.integers(-9, 9, (count, 2)) / 8
    high, low = np.maximum(open_, close) + 0.25, np.minimum(open_, close) - 0.25
    volume = rng.choice([0.0, 1.1, 2.3, 1e7, np.nan], (count, 2), p=[0.1, 0.3, 0.3, 0.2, 0.1])
    rows = np.stack([open_, high, low, close, volume], axis=-1)
    rows[rng.random((count, 2)) < 0.2] = np.nan
    ts = (first + 13 * 60 + at + 1) * MINUTE_NS
    return bars_at(ts, rows, calendar or draw(st.sampled_from(["XNYS", "24/7", "CMES"])))


@pytest.mark.parametrize("timeframe", ["15min", "4h", "1D", "1W"])
@few
@given(bars=minutes())
def test_on_over_bars_is_the_indicator_over_their_longer_bars(timeframe: str, bars: Bars) -> None:
    longer = ff.resample(bars, timeframe, hours="extended", partial=True)
    over = np.searchsorted(longer.ts, bars.ts, side="right")
    for inner in (ATR(1), VWAP(1), SMA(1)):
        on = batch(On(timeframe, inner), bars.panel, context_of(bars), plain=True)
        values = batch(inner, longer.panel, context_of(longer), plain=True)
        known = np.where(over[:, None] > 0, values[:, np.maximum(over - 1, 0)], np.nan)
        np.testing.assert_array_equal(on, known)


@few
@given(bars=minutes(), timeframe=st.sampled_from(["30s", "5min", "1h", "1D", "1W"]))
def test_every_bar_is_in_one_longer_bar_that_ends_when_or_after_it_does(
    bars: Bars, timeframe: str
) -> None:
    ones = np.where(np.isnan(bars.close), np.nan, 1.0)
    bars = bars_at(
        bars.ts, bars.panel.transpose(1, 2, 0), bars.calendar, extra={"trade_count": ones}
    )
    longer = ff.resample(bars, timeframe, hours="extended", partial=True)
    counted = np.nansum(np.where(np.isnan(longer.close), 0.0, longer.extra["trade_count"]))
    # Bars without volume drop out where the longer bar has others.
    lively = bars.volume != 0.0
    assert np.nansum(ones[lively]) <= counted <= np.nansum(ones)
    assert longer.ts[-1] >= bars.ts[-1]
    assert (longer.minutes_to_close[np.diff(longer.session_day, append=2**40) > 0] <= 0).all() or (
        timeframe not in ("1D", "1W")
    )


@few
@given(bars=minutes("XNYS"), steps=st.sampled_from(["5min 1h", "1h 1D", "1D 1W", "15min 1W"]))
def test_resampling_twice_is_resampling_once(bars: Bars, steps: str) -> None:
    first, second = steps.split()
    kept: dict[str, Any] = {"hours": "regular", "partial": True}
    if not _some_regular(bars):
        return
    once = ff.resample(bars, second, **kept)
    twice = ff.resample(ff.resample(bars, first, **kept), second, **kept)
    np.testing.assert_array_equal(once.ts, twice.ts)
    # Sums of sums may differ in the last bits.
    np.testing.assert_allclose(once.panel, twice.panel, rtol=1e-15)


def _some_regular(bars: Bars) -> bool:
    at = pd.DatetimeIndex(bars.ts, tz="UTC").tz_convert("America/New_York")
    clock = at.hour * 60 + at.minute
    return bool(((clock > 9 * 60 + 30) & (bars.minutes_to_close >= 0) & (at.day != 28)).any())


@few
@given(bars=minutes())
def test_order_of_symbols_changes_no_value(bars: Bars) -> None:
    longer = ff.resample(bars, "1h", partial=True)
    turned = ff.resample(bars.select(["A1", "A0"]), "1h", partial=True)
    rows = np.isin(longer.ts, turned.ts)
    np.testing.assert_array_equal(longer.panel[:, rows][:, :, ::-1], turned.panel)
    assert np.isnan(longer.panel[:, ~rows]).all()


@few
@given(bars=minutes(), cut=st.integers(1, 299), timeframe=st.sampled_from(["15min", "1D", "1W"]))
def test_bars_that_follow_change_no_bar_that_is_over(bars: Bars, cut: int, timeframe: str) -> None:
    if cut >= bars.bar_count:
        return
    whole = ff.resample(bars, timeframe, hours="extended", partial=True)
    early = bars_at(bars.ts[:cut], bars.panel[:, :cut].transpose(1, 2, 0), bars.calendar)
    over = whole.ts <= early.ts[-1]
    if not over.any():
        with pytest.raises(DataError, match="fill none; partial=True"):
            ff.resample(early, timeframe, hours="extended")
        return
    known = ff.resample(early, timeframe, hours="extended")
    np.testing.assert_array_equal(known.ts, whole.ts[over])
    np.testing.assert_array_equal(known.panel, whole.panel[:, over])


def test_a_half_day_ends_at_its_close_and_drops_what_comes_after() -> None:
    # 2013-11-29 closed at 13:00 in New York, 18:00 UTC.
    ts = [ns(f"2013-11-29 {at}") for at in ("14:31", "17:59", "18:00", "18:01", "20:00")]
    bars = bars_at(ts, flat(1, 2, 3, 9, 9))
    daily = ff.resample(bars, "1D")
    assert daily.ts.tolist() == [ns("2013-11-29 18:00")]
    assert daily.panel[:, 0, 0].tolist() == [1, 3, 1, 3, 30]
    hours = ff.resample(bars, "4h", hours="extended")
    assert hours.ts.tolist() == [ns("2013-11-29 16:00"), ts[2], ns("2013-11-29 20:00")]
    assert hours.close[:, 0].tolist() == [1, 3, 9]


def test_a_week_ends_with_the_close_of_its_last_session() -> None:
    ts = [ns(f"2013-11-{day} 21:00") for day in (25, 26, 27)] + [ns("2013-11-29 18:00")]
    weekly = ff.resample(bars_at(ts, flat(1, 5, 2, 3)), "1W")
    assert weekly.ts.tolist() == [ts[-1]]
    assert weekly.panel[:, 0, 0].tolist() == [1, 5, 1, 3, 40]
    assert ff.resample(bars_at(ts[:3], flat(1, 5, 2)), "1W", partial=True).ts[0] == ts[-1]
    with pytest.raises(DataError, match="fill none"):
        ff.resample(bars_at(ts[:3], flat(1, 5, 2)), "1W")


def test_a_futures_session_begins_the_evening_before() -> None:
    # Sunday 2024-01-07 18:00 in New York is Monday's session at CME.
    ts = [
        ns(at)
        for at in ("2024-01-05 22:00", "2024-01-07 23:01", "2024-01-08 22:00", "2024-01-08 23:30")
    ]
    daily = ff.resample(bars_at(ts, flat(1, 2, 3, 4), "CMES"), "1D", partial=True)
    days = [str(np.datetime64(int(day), "D")) for day in daily.session_day]
    assert days == ["2024-01-05", "2024-01-08", "2024-01-09"]
    assert daily.open[:, 0].tolist() == [1, 2, 4]
    assert daily.close[:, 0].tolist() == [1, 3, 4]


def test_bars_may_be_counted_from_the_sessions_open() -> None:
    ts = ns("2013-11-26 14:30") + np.arange(1, 391) * MINUTE_NS
    bars = bars_at(ts, flat(*range(1, 391)))
    by_open = ff.resample(bars, "1h", anchor="session")
    assert by_open.close[:, 0].tolist() == [60, 120, 180, 240, 300, 360, 390]
    assert ff.resample(bars, "1h").close[:, 0].tolist() == [30, 90, 150, 210, 270, 330, 390]
    assert by_open.ts[-1] == ts[-1]


def test_volume_that_is_unknown_stays_so_and_empty_bars_say_nothing() -> None:
    ts = ns("2013-11-26 15:00") + np.arange(1, 7) * MINUTE_NS
    rows = [[5, 9, 1, 5, 0], [3, 4, 2, 3, 7], [3, 4, 2, 4, 1], [8, 8, 8, 8, np.nan], *flat(2, 2)]
    three = ff.resample(bars_at(ts, rows), "3min")
    np.testing.assert_array_equal(three.panel[:, :, 0].T, [[3, 4, 2, 4, 8], [8, 8, 2, 2, np.nan]])
    quiet = ff.resample(bars_at(ts, [[5, 5, 5, 5, 0]] * 6), "3min")
    assert quiet.panel[:, 0, 0].tolist() == [5, 5, 5, 5, 0]


def test_a_split_within_a_bar_leaves_no_jump_in_it() -> None:
    ts = [ns(f"2013-12-{day:02d} 21:00") for day in range(2, 14) if day not in (7, 8)]
    one = np.array([[70.0] * 4 + [10]] * 3 + [[10.0] * 4 + [70]] * 7)
    splits, dividends = np.ones((10, 1)), np.zeros((10, 1))
    splits[3], dividends[1], dividends[3] = 7, 1.4, 0.5
    weekly = ff.resample(bars_at(ts, one, splits=splits, dividends=dividends), "1W")
    assert weekly.splits is not None
    assert weekly.dividends is not None
    assert weekly.splits[:, 0].tolist() == [7, 1]
    np.testing.assert_allclose(weekly.panel[:4], 10.0, rtol=1e-15)
    np.testing.assert_allclose(weekly.volume[:, 0], 350)
    # One unit of Monday is seven on Friday: 1.4 / 7 + 0.5 for each of them.
    np.testing.assert_allclose(weekly.dividends[:, 0], [0.7, 0])


def test_actions_before_the_open_go_with_the_first_bar_that_counts() -> None:
    ts = [ns(f"2013-11-26 {at}") for at in ("13:00", "14:31", "21:00")]
    splits = np.array([[2.0], [1.0], [1.0]])
    longer = ff.resample(bars_at(ts, flat(9, 5, 6), splits=splits), "1min", hours="regular")
    assert longer.splits is not None
    assert longer.splits[:, 0].tolist() == [2, 1]


def test_what_was_known_at_the_end_goes_along() -> None:
    ts = [ns(f"2013-11-26 {at}") for at in ("14:45", "15:00", "15:15", "15:30")]
    rows = np.array([flat(1, 2, 3, 4)]).transpose(1, 0, 2)
    longer = ff.resample(
        bars_at(
            ts,
            rows,
            members=np.array([[True], [False], [True], [True]]),
            benchmark=np.array([np.nan, 2.0, 3.0, 4.0]),
            extra={
                "x": np.array([[1.0], [2.0], [3.0], [np.nan]]),
                "vwap": np.array([[1.0], [2.0], [4.0], [5.0]]),
            },
        ),
        "30min",
    )
    assert longer.members is not None
    assert longer.benchmark is not None
    assert longer.members[:, 0].tolist() == [False, True]
    assert longer.benchmark.tolist() == [2, 4]
    np.testing.assert_array_equal(longer.extra["x"][:, 0], [2, np.nan])
    assert longer.extra["vwap"][:, 0].tolist() == [1.5, 4.5]


def test_an_asset_delisted_in_a_week_keeps_that_week() -> None:
    ts = [ns(f"2013-12-{day:02d} 21:00") for day in (2, 3, 4, 5, 6, 9)]
    rows = np.array([flat(1, 2, 3, 4, 5, 6), flat(7, 8, *[np.nan] * 4)]).transpose(1, 0, 2)
    rows[2:, 1] = np.nan
    day = ts[2] // DAY_NS
    bars = bars_at(ts, rows, delisted_day=np.array([2**62, day]))
    weekly = ff.resample(bars, "1W", partial=True)
    assert weekly.close[0].tolist() == [5, 8]
    assert weekly.delisted_day is not None
    assert weekly.delisted_day.tolist() == [2**62, day + 3]


def test_assets_of_several_calendars_are_cut_by_their_own() -> None:
    ts = [ns(f"2013-11-26 {at}") for at in ("15:00", "21:00", "22:00")] + [ns("2013-11-27 00:00")]
    rows = np.array([flat(1, 2, 3, 4), flat(5, 6, 7, 8)]).transpose(1, 0, 2)
    rows[2:, 0] = np.nan
    bars = bars_at(ts, rows, ("XNYS", "24/7"))
    daily = ff.resample(bars, "1D")
    assert daily.ts.tolist() == [ts[1], ts[3]]
    np.testing.assert_array_equal(daily.close, [[2, np.nan], [np.nan, 8]])
    share = ff.resample(bars.select("A0"), "1D")
    np.testing.assert_array_equal(share.panel, daily.select("A0").panel)


def real_minutes(folder: Path, symbol: str) -> pd.DataFrame:
    file = folder / "bars" / "minute_us_lean_trade.parquet"
    return pq.read_table(file, filters=[("symbol", "=", symbol)]).to_pandas()


def real_bars(folder: Path, symbol: str) -> Bars:
    frame = real_minutes(folder, symbol)
    return Bars.from_frame(frame, stamp="start", calendar="XNYS", bar=timedelta(minutes=1))


def test_regular_minutes_add_up_as_pandas_adds_them(reference_data: Path) -> None:
    frame = real_minutes(reference_data, "IBM").set_index("ts")
    local = frame.tz_convert("America/New_York").between_time("09:30", "15:59").tz_convert("UTC")
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    expected = local.resample("15min").agg(how).dropna()
    ours = ff.resample(real_bars(reference_data, "IBM"), "15min", hours="regular")
    ends = (expected.index + pd.Timedelta("15min")).as_unit("ns")
    assert ours.ts.tolist() == ends.asi8.tolist()
    np.testing.assert_array_equal(ours.panel[:, :, 0].T, expected.to_numpy())


def test_regular_minutes_make_the_vendors_hours_and_days(reference_data: Path) -> None:
    folder = reference_data / "bars"
    hours, days, hour_volume = 0, 0, 0
    for symbol in ("SPY", "BAC", "AAPL"):
        where = [("symbol", "=", symbol)]
        bars = real_bars(reference_data, symbol)
        daily = pq.read_table(folder / "daily_us_lean_raw.parquet", filters=where).to_pandas()
        ours = ff.resample(bars, "1D").to_frame().assign(ts=lambda one: one.ts.dt.floor("D"))
        both = ours.merge(daily, on="ts", suffixes=("", "_there"))
        for name in ("open", "close", "volume"):
            np.testing.assert_allclose(both[name], both[f"{name}_there"], rtol=1e-12)
        days += len(both)
        hourly = pq.read_table(folder / "hour_us_lean_raw.parquet", filters=where).to_pandas()
        ours = ff.resample(bars, "1h", hours="regular").to_frame()
        ours["ts"] -= pd.Timedelta("1h")
        both = ours.merge(hourly, on="ts", suffixes=("", "_there"))
        hour_volume += int((both["volume"] == both["volume_there"]).sum())
        hours += len(both)
    # The vendor's hours end with its minutes' volume, though with other first prices at times.
    assert (days, hours, hour_volume) == (15, 105, 105)


_BIT_CODES = {
    0x2: "C", 0x4: "N", 0x8: "R", 0x40: "O", 0x80: "6", 0x200: "4", 0x800: "L", 0x2000: "T",
    0x4000: "Z", 0x40000: "V", 0x100000: "W", 0x200000: "X", 0x1000000: "M", 0x2000000: "P",
    0x4000000: "Q",
}  # fmt: skip
"""The file's flags of sale conditions as the tapes' codes."""

_SWEEP = 0x20
_EXEMPT = 0x20000000


def real_trades(folder: Path, symbol: str, *, sweeps_price: bool) -> pa.Table:
    """Ticks in the store's form; the vendor takes no price of its bars from sweeps."""
    file = folder / "ticks" / "us_trades_lean.parquet"
    frame = pq.read_table(file, filters=[("symbol", "=", symbol)]).to_pandas()
    at = frame["ts"].dt.tz_localize(None).to_numpy("datetime64[ns]")
    flags = {text: int(text, 16) for text in frame["condition"].unique()}
    codes = {
        text: "@"
        + "".join(code for bit, code in _BIT_CODES.items() if flag & bit)
        + ("I" if flag & (_SWEEP | _EXEMPT) and not sweeps_price and not flag & 0x2000 else "")
        for text, flag in flags.items()
    }
    return pa.table(
        {
            "ts": pa.array(at, pa.timestamp("ns", "UTC")),
            "seq": frame.groupby("ts").cumcount().to_numpy(),
            "price": frame["price"].to_numpy(),
            "size": frame["size"].to_numpy(float),
            "conditions": pa.array(frame["condition"].map(codes).tolist(), pa.string()),
        }
    )


@pytest.mark.parametrize(("symbol", "count", "differ"), [("IBM", 780, 3), ("BAC", 390, 2)])
def test_real_trades_make_the_vendors_minutes(
    reference_data: Path, symbol: str, count: int, differ: int
) -> None:
    table = real_trades(reference_data, symbol, sweeps_price=False)
    ours = ff.resample(table, "1min", symbols=symbol, hours="regular", partial=True).to_frame()
    ours["ts"] -= pd.Timedelta("1min")
    both = ours.merge(real_minutes(reference_data, symbol), on="ts", suffixes=("", "_there"))
    assert len(both) == count
    for name in ("open", "high", "low", "close", "volume"):
        assert (both[name] - both[f"{name}_there"]).abs().gt(1e-9).sum() <= differ, name


def trades(rows: Sequence[tuple[str, float, float, str]]) -> pa.Table:
    return pa.table(
        {
            "ts": pa.array([ns(row[0]) for row in rows], pa.timestamp("ns", "UTC")),
            "seq": pa.array(range(len(rows)), pa.int64()),
            "price": [row[1] for row in rows],
            "size": [row[2] for row in rows],
            "conditions": [row[3] for row in rows],
        }
    )


def test_sale_conditions_say_what_sets_prices_and_counts() -> None:
    table = trades(
        [
            ("2024-01-08 14:29:59.9", 8.0, 1.0, "@ T"),  # before the open
            ("2024-01-08 14:30:00", 10.0, 100.0, "@ O"),
            ("2024-01-08 14:30:01", 99.0, 7.0, "@ I"),  # an odd lot: volume only
            ("2024-01-08 14:30:02", 12.0, 100.0, "@ Z"),  # out of sequence: high, no close
            ("2024-01-08 14:30:03", 11.0, 100.0, "@F"),
            ("2024-01-08 14:30:04", 55.0, 100.0, "@ canceled"),
            ("2024-01-08 14:30:05", 13.0, 900.0, "@ Z"),
            ("2024-01-08 14:30:06", 10.0, 500.0, "@ Q"),  # the official open, told before
            ("2024-01-08 14:31:00", 9.0, 100.0, "@ Z"),  # no other in its minute
            ("2024-01-08 14:32:00", 9.0, 5.0, "I"),  # sets no price: no bar
            ("2024-01-08 14:33:00", 9.0, 5.0, "@"),
        ]
    )
    minute = ff.resample(table, "1min", symbols="X", calendar="XNYS")
    shown = minute.panel[:, :, 0].T.tolist()
    assert shown == [[8, 8, 8, 8, 1], [10, 13, 10, 11, 1207], [9, 9, 9, 9, 100]]
    assert minute.extra["trade_count"][:, 0].tolist() == [1, 5, 1]
    worth = 10 * 100 + 12 * 100 + 11 * 100 + 13 * 900
    assert minute.extra["vwap"][1, 0] == pytest.approx(worth / 1200)
    every = ff.resample(table, "1min", symbols="X", calendar="XNYS", conditions="all")
    assert every.panel[:, 1, 0].tolist() == [10, 99, 10, 10, 1807]


def test_form_t_sets_prices_outside_regular_hours_only() -> None:
    rows = [
        ("2024-01-08 12:00:00", 5.0, 1.0, "@ T"),
        ("2024-01-08 15:00:00", 9.0, 1.0, "@ T"),
        ("2024-01-08 15:00:01", 6.0, 1.0, "@"),
        ("2024-01-08 21:00:00", 7.0, 1.0, "@ T"),
    ]
    daily = ff.resample(trades(rows), "1D", symbols="X", calendar="XNYS")
    assert daily.panel[:, 0, 0].tolist() == [6, 6, 6, 6, 2]
    assert ff.resample(trades(rows), "1min", symbols="X", calendar="XNYS").close[:, 0].tolist() == [
        5, 6,
    ]  # fmt: skip


def test_unknown_conditions_count_as_regular_and_are_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = [("2024-01-08 15:00:00", 9.0, 1.0, "?"), ("2024-01-08 15:01:00", 8.0, 1.0, "@ ?")]
    with caplog.at_level(logging.WARNING, "fanfold"):
        ff.resample({"X": trades(rows), "Y": trades(rows)}, "1min", calendar="XNYS")
    assert [record.getMessage() for record in caplog.records] == [
        "unknown sale conditions count as regular: ?"
    ]


def test_coins_have_no_tape() -> None:
    rows = [("2024-01-06 15:00:00", 9.0, 1.0, "B"), ("2024-01-06 15:01:00", 8.0, 1.0, "I")]
    bars = ff.resample(trades(rows), "1min", symbols="BTC")
    assert bars.calendar == "24/7"
    assert bars.panel[:, 0, 0].tolist() == [9, 9, 9, 9, 1]


def test_codes_are_read_in_each_vendors_way() -> None:
    assert codes_of("@FTI", "tapes") == codes_of("@,F,T,I", "tapes") == tuple("@FTI")
    assert codes_of("12 37", "polygon") == ("T", "I")
    assert codes_of("37", "polygon") == ("I",)
    assert codes_of("B canceled", "none") == ("canceled",)
    assert codes_of("", "tapes") == ()
    assert set(POLYGON_CODES.values()) <= set(EFFECTS)


def test_a_store_read_day_by_day_gives_the_bars_of_its_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    at = np.sort(rng.integers(ns("2024-01-05 12:00"), ns("2024-01-16 23:00"), 4_000))
    codes = rng.choice(["@", "@ I", "@ Z", "@ T", "M"], 4_000, p=[0.1, 0.4, 0.2, 0.2, 0.1])
    table = pa.table(
        {
            "ts": pa.array(at, pa.timestamp("ns", "UTC")),
            "seq": pa.array(np.arange(4_000)),
            "price": 10 + rng.integers(0, 99, 4_000) / 8,
            "size": rng.integers(1, 9, 4_000).astype(float),
            "conditions": pa.array(codes.tolist(), pa.string()),
        }
    )
    store = Store.at(tmp_path)
    store.upsert(Series(kind="trades", symbol="X"), table, labels={"calendar": "CMES"})
    actions = pa.table(
        {
            "session": pa.array([19_730, 19_999], pa.date32()),  # 2024-01-08, and long after
            "splits": [2.0, 3.0],
            "dividends": [0.0, 0.0],
        }
    )
    store.upsert(Series(kind="actions", symbol="X"), actions)
    for timeframe in ("7200s", "1D", "1W"):
        ours = ff.resample(store.name, timeframe, symbols="X", partial=True)
        expected = ff.resample(table, timeframe, symbols="X", calendar="CMES", partial=True)
        np.testing.assert_array_equal(ours.ts, expected.ts)
        np.testing.assert_array_equal(ours.panel, expected.panel)
        assert ours.calendar == "CMES"
        assert ours.splits is not None or timeframe == "1W"
    part = ff.resample(store, "1h", symbols="X", start="2024-01-08", end="2024-01-09")
    assert ns("2024-01-08") < part.ts[0] <= part.ts[-1] <= ns("2024-01-09")


def test_trades_add_up_as_their_minutes_do() -> None:
    rng = np.random.default_rng(5)
    at = np.sort(rng.integers(ns("2024-01-05 14:00"), ns("2024-01-09 22:00"), 2_000))
    table = pa.table(
        {
            "ts": pa.array(at, pa.timestamp("ns", "UTC")),
            "price": 10 + rng.integers(0, 99, 2_000) / 8,
            "size": rng.integers(1, 9, 2_000).astype(float),
        }
    )
    kept: dict[str, Any] = {"hours": "regular", "partial": True}
    for timeframe in ("15min", "1D", "1W"):
        once = ff.resample(table, timeframe, symbols="X", calendar="XNYS", **kept)
        minute = ff.resample(table, "1min", symbols="X", calendar="XNYS", **kept)
        twice = ff.resample(minute, timeframe, **kept)
        np.testing.assert_array_equal(once.ts, twice.ts)
        np.testing.assert_array_equal(once.panel, twice.panel)
        np.testing.assert_array_equal(once.extra["trade_count"], twice.extra["trade_count"])
        np.testing.assert_allclose(once.extra["vwap"], twice.extra["vwap"], rtol=1e-12)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"timeframe": "7min"}, "a timeframe must be"),
        (
            {"hours": "regulars"},
            r"hours must be 'regular' or 'extended', .* \(nearest: 'regular'\)",
        ),
        ({"anchor": "open"}, "anchor must be 'clock' or 'session', was 'open'"),
        ({"conditions": "some"}, "conditions must be 'consolidated' or 'all'"),
        ({"symbols": "A0"}, "symbols must be left out for bars"),
    ],
)
def test_what_cannot_be_is_refused(given_: dict[str, Any], message: str) -> None:
    bars = bars_at([ns("2013-11-26 15:00")], flat(1))
    with pytest.raises(ConfigError, match=message):
        ff.resample(bars, **{"timeframe": "1h", **given_})


def test_tables_that_are_no_sorted_trades_are_refused(tmp_path: Path) -> None:
    table = trades([("2024-01-08 15:01", 9.0, 1.0, ""), ("2024-01-08 15:00", 8.0, 1.0, "")])
    with pytest.raises(DataError, match="trades of X must be sorted by ts, row 1 is earlier"):
        ff.resample(table, "1min", symbols="X")
    with pytest.raises(DataError, match="must be an Arrow table of ts, price and size"):
        ff.resample({"X": table.drop_columns(["price"])}, "1min")
    with pytest.raises(ConfigError, match="symbols must be the name of the table's one asset"):
        ff.resample(table, "1min")
    with pytest.raises(ConfigError, match="symbols must name at least one asset"):
        ff.resample(Store.at(tmp_path), "1min")
    with pytest.raises(DataError, match=r"must be a store|must hold trades X"):
        ff.resample(Store.at(tmp_path), "1min", symbols="X")

"""Stamps become ends of bars and sessions; ticks get their place; the unreadable is set apart."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.domain.frames import FrameSpec, read_frame
from fanfold.errors import ConfigError, DataError
from fanfold.market.intake.normal import normal_rows
from fanfold.market.kinds import schema_of
from fanfold.market.sources.source import Delivery

HALF_DAY = "2013-07-03"  # New York closes at 13:00


def bars(stamps: Any, zone: str | None = None, *, timeframe: str = "1D", **said: Any) -> Delivery:
    """Bars at 10 with the given stamps."""
    ts = pa.array([None if one is None else pd.Timestamp(one).value for one in stamps])
    table = {"ts": ts.cast(pa.timestamp("ns", zone))}
    table |= dict.fromkeys(("open", "high", "low", "close", "volume"), pa.array([10.0] * len(ts)))
    return Delivery(symbol="IBM", kind="bars", table=pa.table(table), timeframe=timeframe, **said)


def ends(delivery: Delivery) -> list[str]:
    return [
        str(one.tz_localize(None)) for one in normal_rows(delivery).table.column("ts").to_pylist()
    ]


def test_dates_close_with_their_session_half_days_included() -> None:
    dates = ["2013-07-02", HALF_DAY]
    expected = ["2013-07-02 20:00:00", "2013-07-03 17:00:00"]
    assert ends(bars(dates, stamp="session")) == expected
    assert ends(bars(dates, "UTC", stamp="session")) == expected
    at_midnight = [f"{day} 04:00" for day in dates]
    assert ends(bars(at_midnight, "America/New_York", stamp="session")) == expected
    assert ends(bars(at_midnight, "UTC", stamp="session")) == expected
    assert ends(bars(at_midnight, "UTC", stamp="start")) == expected
    assert ends(bars(dates, stamp="start")) == expected
    assert ends(bars(["2013-07-02 20:00", "2013-07-03 17:00"], "UTC", stamp="end")) == expected


def test_the_last_bar_of_a_session_ends_at_the_close() -> None:
    starts = [f"{HALF_DAY} 15:00", f"{HALF_DAY} 16:30", f"{HALF_DAY} 18:00"]
    found = ends(bars(starts, "UTC", timeframe="1h", stamp="start"))
    assert found == [f"{HALF_DAY} 16:00:00", f"{HALF_DAY} 17:00:00", f"{HALF_DAY} 19:00:00"]
    assert ends(bars(starts, "UTC", timeframe="1h", stamp="end")) == [f"{one}:00" for one in starts]


def test_a_week_ends_with_its_last_session() -> None:
    week = "2013-03-25"  # Friday was a holiday
    assert ends(bars([week], timeframe="1W", stamp="start")) == ["2013-03-28 20:00:00"]
    assert ends(bars(["2013-03-28"], timeframe="1W", stamp="session")) == ["2013-03-28 20:00:00"]


def test_duplicates_disorder_and_overlaps_keep_their_places() -> None:
    starts = [f"{HALF_DAY} {clock}" for clock in ("15:01", "15:00", "15:00", "15:00:30")]
    normal = normal_rows(bars(starts, "UTC", timeframe="1min", stamp="start"))
    shown = [str(one.time()) for one in normal.table.column("ts").to_pylist()]
    assert shown == ["15:02:00", "15:01:00", "15:01:00", "15:01:30"]
    assert normal.rows.tolist() == [0, 1, 2, 3]


def test_bars_on_weekends_are_of_a_market_that_never_closes_but_a_few_slips_are_not() -> None:
    days = pd.date_range("2013-01-01", "2013-06-30")
    around = normal_rows(bars(days, stamp="session"))
    assert around.calendar == "24/7"
    assert str(around.table.column("ts")[0].as_py().tz_localize(None)) == "2013-01-02 00:00:00"
    slipped = normal_rows(
        bars([*pd.bdate_range("2013-01-01", "2013-06-30"), "2013-06-01"], stamp="session")
    )
    assert slipped.calendar == "XNYS"
    assert "hardly any" in slipped.note
    assert normal_rows(bars(days, stamp="session"), calendar="XNYS").calendar == "XNYS"


def test_sessions_come_from_the_calendar() -> None:
    # Futures of Sunday evening belong to Monday.
    evening = bars(["2013-07-07 23:00"], "UTC", timeframe="1h", stamp="start", calendar="CMES")
    row = normal_rows(evening).table.to_pylist()[0]
    assert str(row["session"]) == "2013-07-08"
    row = normal_rows(bars(["2013-06-28"], stamp="session", calendar="XNYS")).table.to_pylist()[0]
    assert (row["minutes_to_close"], row["is_month_end"]) == (0.0, True)


def test_a_bar_on_a_day_without_a_session_keeps_its_date() -> None:
    row = normal_rows(bars(["2013-07-04"], stamp="session", calendar="XNYS")).table.to_pylist()[0]
    assert str(row["session"]) == "2013-07-04"


def test_timestamps_that_cannot_be_are_set_apart_with_their_rows() -> None:
    stamps = ["2013-07-02", None, "1754-01-01", "2013-07-03", "2200-01-01"]
    delivery = bars(stamps, stamp="session", rows=np.array([10, 11, 12, 13, 14]))
    normal = normal_rows(delivery)
    assert normal.rows.tolist() == [10, 13]
    assert normal.unread_rows.tolist() == [11, 12, 14]
    assert "empty" in normal.reasons[0]
    assert "within 1900 and 2100, was 1754-01-01" in normal.reasons[1]
    assert normal.unread.num_rows == 3
    assert normal_rows(bars([None], stamp="session")).table.num_rows == 0


def test_the_table_has_the_form_of_the_store() -> None:
    delivery = bars(["2013-07-02"], stamp="session")
    table = delivery.table.append_column("vwap", pa.array([None], pa.float64()))
    table = table.append_column("colour", pa.array(["red"]))
    with_vwap = Delivery(symbol="IBM", kind="bars", table=table, stamp="session")
    made = normal_rows(with_vwap).table
    assert made.schema.equals(schema_of("bars", ["vwap"]))
    assert np.isnan(made.column("vwap").to_numpy()).all()
    assert made.column("vwap").null_count == 0


def test_ticks_get_their_place_among_those_of_their_instant() -> None:
    ns = pa.array([5, 3, 5, 3, 3, 9], pa.int64()).cast(pa.timestamp("ns", "UTC"))
    # Near 1970 but possible.
    table = pa.table({"ts": ns, "price": [1.0] * 6, "size": [1] * 6, "id": list("abcdef")})
    made = normal_rows(Delivery(symbol="IBM", kind="trades", table=table)).table
    assert made.column("seq").to_pylist() == [0, 0, 1, 1, 2, 0]
    assert made.schema.equals(schema_of("trades", ["id"]))


def test_a_side_at_price_zero_is_absent() -> None:
    ts = pa.array([1, 2], pa.int64()).cast(pa.timestamp("ns", "UTC"))
    sides = {"bid": [0.0, 9.0], "bid_size": [0.0, 1.0], "ask": [10.0, 10.0], "ask_size": [5, 5]}
    made = normal_rows(Delivery(symbol="IBM", kind="quotes", table=pa.table({"ts": ts, **sides})))
    row = made.table.to_pylist()[0]
    assert np.isnan([row["bid"], row["bid_size"]]).all()
    assert (row["ask"], row["ask_size"]) == (10.0, 5.0)


@pytest.mark.parametrize(
    ("delivery", "error", "text"),
    [
        (bars([f"{HALF_DAY} 15:00"], timeframe="1h"), DataError, "must carry a time zone"),
        (bars([HALF_DAY], stamp="end"), DataError, "must carry a time zone where stamp is 'end'"),
        (bars([HALF_DAY], "UTC", timeframe="1h", stamp="session"), ConfigError, "'session'"),
        (bars([f"{HALF_DAY} 15:00"], "UTC", stamp="session"), DataError, "must be midnights"),
        (bars([HALF_DAY], timeframe="7s7"), ConfigError, "timeframe must be"),
        (bars([HALF_DAY], stamp="session", calendar="XNY"), ConfigError, "calendar must be"),
    ],
)
def test_what_has_no_one_meaning_is_refused(
    delivery: Delivery, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        normal_rows(delivery)


def test_rows_that_lack_a_column_are_refused() -> None:
    table = bars([HALF_DAY]).table.drop_columns(["close"])
    with pytest.raises(DataError, match="bars must have a column close"):
        normal_rows(Delivery(symbol="IBM", kind="bars", table=table, stamp="session"))
    with pytest.raises(DataError, match="must have a column ts of timestamps"):
        normal_rows(Delivery(symbol="IBM", kind="bars", table=table.drop_columns(["ts"])))


@settings(max_examples=15)
@given(
    minutes=st.lists(st.integers(0, 4 * 1440), min_size=2, max_size=30, unique=True),
    length=st.sampled_from([1, 15, 60]),
)
def test_sound_bars_end_as_frames_say_they_do(minutes: list[int], length: int) -> None:
    starts = [
        pd.Timestamp("2013-07-01 13:30", tz="UTC") + pd.Timedelta(minutes=one * length)
        for one in sorted(minutes)
    ]
    delivery = bars(starts, "UTC", timeframe=f"{length}min", stamp="start", calendar="XNYS")
    frame = delivery.table.to_pandas()
    spec = FrameSpec(stamp="start", calendar="XNYS", bar=pd.Timedelta(minutes=length))
    expected = read_frame(frame, spec)
    made = normal_rows(delivery).table
    ts = made.column("ts").cast(pa.int64()).to_numpy()
    # A frame keeps one bar of those that end together, so the closes are compared once.
    assert np.unique(ts).tolist() == expected["ts"].tolist()
    _, first = np.unique(ts, return_index=True)
    left = made.column("minutes_to_close").to_numpy()[first]
    assert left.tolist() == expected["minutes_to_close"].tolist()

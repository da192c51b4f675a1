from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fanfold.domain.sessions import (
    cut_at_close,
    exchange_zone,
    session_closes,
    session_columns,
    session_days,
)
from fanfold.errors import ConfigError, DataError


def ns(*clocks: str, zone: str = "America/New_York") -> NDArray[np.int64]:
    """Instants shown by clocks in a zone, found by the standard library."""
    moments = [datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone)) for clock in clocks]
    return np.array([int(moment.timestamp()) * 10**9 for moment in moments])


def days(*dates: str) -> NDArray[np.int64]:
    return np.array(dates, "datetime64[D]").astype(np.int64)


def test_sessions_close_at_four_in_new_york_in_winter_and_summer() -> None:
    closes = session_closes(days("2012-03-09", "2012-03-12", "2012-11-02", "2012-11-05"), "XNYS")
    expected = ns("2012-03-09T16:00", "2012-03-12T16:00", "2012-11-02T16:00", "2012-11-05T16:00")
    assert (closes == expected).all()
    # The clocks changed between each pair, so the second is an hour off whole days.
    assert (closes[1] - closes[0]) % 86_400_000_000_000 == 23 * 3_600_000_000_000
    assert (closes[3] - closes[2]) % 86_400_000_000_000 == 3_600_000_000_000


def test_half_days_close_at_one() -> None:
    half_days = days("2012-11-23", "2012-12-24", "2013-07-03")
    expected = ns("2012-11-23T13:00", "2012-12-24T13:00", "2013-07-03T13:00")
    assert (session_closes(half_days, "XNYS") == expected).all()


def test_a_holiday_closes_at_the_regular_time() -> None:
    christmas_and_saturday = days("2012-12-25", "2013-01-05")
    expected = ns("2012-12-25T16:00", "2013-01-05T16:00")
    assert (session_closes(christmas_and_saturday, "XNYS") == expected).all()


def test_the_regular_time_is_that_of_the_date() -> None:
    # Tokyo moved its close from 15:00 to 15:30 on 2024-11-05; both dates are holidays.
    closes = session_closes(days("2024-11-04", "2024-11-23"), "XTKS")
    assert (closes == ns("2024-11-04T15:00", "2024-11-23T15:30", zone="Asia/Tokyo")).all()


def test_minutes_count_down_to_the_close_and_below_zero_after_it() -> None:
    ends = ns("2012-11-23T09:31", "2012-11-23T13:00", "2012-11-23T16:00", "2012-11-26T09:31")
    columns = session_columns(ends, "XNYS")
    assert columns.minutes_to_close.tolist() == [209, 0, -180, 389]
    assert (
        columns.session_day == days("2012-11-23", "2012-11-23", "2012-11-23", "2012-11-26")
    ).all()


def test_a_bar_that_ends_at_midnight_belongs_to_the_day_that_ended() -> None:
    ends = ns("2013-03-01T00:00", "2013-03-01T00:01")
    assert (session_days(ends, "XNYS") == days("2013-02-28", "2013-03-01")).all()
    ends = ns("2013-03-01T00:00", "2013-03-01T00:01", zone="UTC")
    columns = session_columns(ends, "24/7")
    assert (columns.session_day == days("2013-02-28", "2013-03-01")).all()
    assert columns.minutes_to_close.tolist() == [0, 1439]
    assert columns.is_month_end.tolist() == [True, False]


def test_an_evening_of_futures_belongs_to_the_next_session() -> None:
    # Chicago's sessions open on the evening before and close at 17:00.
    ends = ns("2024-01-07T18:00", "2024-01-08T17:00", "2024-01-08T18:00", zone="America/Chicago")
    columns = session_columns(ends, "CMES")
    assert (columns.session_day == days("2024-01-08", "2024-01-08", "2024-01-09")).all()
    assert columns.minutes_to_close.tolist() == [23 * 60, 0, 23 * 60]


def test_the_last_session_of_a_month_is_known_from_the_calendar() -> None:
    # 2012-03-30 was a Friday; 2012-12-31 the last session of its year.
    sessions = days("2012-03-29", "2012-03-30", "2012-12-28", "2012-12-31", "2013-01-02")
    month_ends = session_columns(session_closes(sessions, "XNYS"), "XNYS").is_month_end
    assert month_ends.tolist() == [False, True, False, True, False]


@given(
    starts=st.lists(st.integers(0, 500 * 1440), min_size=2, max_size=40, unique=True),
    kept=st.integers(1, 39),
    calendar=st.sampled_from(["XNYS", "24/7", "CMES"]),
)
def test_cutting_the_future_changes_no_earlier_value(
    starts: list[int], kept: int, calendar: str
) -> None:
    ends = ns("2012-01-02T00:00", zone="UTC")[0] + np.array(sorted(starts)) * 60_000_000_000
    kept = min(kept, len(ends) - 1)
    whole, cut = session_columns(ends, calendar), session_columns(ends[:kept], calendar)
    assert (whole.session_day[:kept] == cut.session_day).all()
    assert (whole.minutes_to_close[:kept] == cut.minutes_to_close).all()
    assert (whole.is_month_end[:kept] == cut.is_month_end).all()


def test_a_bar_is_cut_at_the_close_that_it_spans() -> None:
    start = ns("2012-11-23T12:30", "2012-11-23T11:30", "2012-11-23T13:00", "2012-11-26T15:30")
    end = start + 3_600_000_000_000
    expected = ns("2012-11-23T13:00", "2012-11-23T12:30", "2012-11-23T14:00", "2012-11-26T16:00")
    assert (cut_at_close(start, end, "XNYS") == expected).all()
    assert (cut_at_close(start, end, "24/7") == end).all()


def test_zones_are_those_of_the_exchanges() -> None:
    assert exchange_zone("XNYS") == "America/New_York"
    assert exchange_zone("24/7") == "UTC"


def test_an_unknown_calendar_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"was 'XNYX' \(nearest: 'XNYS'\)"):
        session_days(days("2012-11-23"), "XNYX")


def test_dates_that_a_calendar_does_not_know_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"calendar XSHG, which knows 1990-12-.. to .*was 1980-01-0"
    ):
        session_closes(days("1980-01-07"), "XSHG")

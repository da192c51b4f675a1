"""Names of timeframes, and which longer bar a bar is in."""

import numpy as np
import pytest

from fanfold.domain.sessions import DAY_NS, MINUTE_NS, session_columns, sessions_between
from fanfold.domain.timeframe import (
    SECOND_NS,
    last_days,
    marks,
    monday_of,
    places,
    timeframe_named,
    timeframe_ns,
    week_end_among,
)
from fanfold.errors import ConfigError

NAMES = {
    "1s": ("1s", "1sec", "second", "1 Second"),
    "15s": ("15s", "15 seconds"),
    "1min": ("1min", "1Min", "minute", "1m", "60s", "1T", "1"),
    "15min": ("15min", "15Min", "900s", "15"),
    "1h": ("1h", "1Hour", "60min", "hourly", "3600s"),
    "4h": ("4h", "240min"),
    "1D": ("1D", "1d", "daily", "1Day", "D"),
    "1W": ("1W", "weekly", "1wk", "1Week"),
}


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in NAMES.items() for t in texts])
def test_a_timeframe_has_one_name_however_it_is_spelt(name: str, text: str) -> None:
    assert timeframe_named(text) == name
    assert timeframe_named(timeframe_named(text)) == name


@pytest.mark.parametrize("text", ["", "7min", "2D", "2W", "24h", "0s", "1M", "5h", "min15", "1.5h"])
def test_what_divides_no_day_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="a timeframe must be 1D, 1W, or seconds"):
        timeframe_named(text)


def test_lengths_are_in_nanoseconds_and_zero_for_sessions() -> None:
    assert timeframe_ns("30s") == 30 * SECOND_NS
    assert timeframe_ns("90min") == 90 * MINUTE_NS
    assert timeframe_ns("1h") == 60 * MINUTE_NS
    assert timeframe_ns("1D") == timeframe_ns("1W") == 0


def test_marks_of_one_bar_are_those_of_many() -> None:
    # The week of 2013-11-28, a holiday, and the half day after it: every five minutes.
    ts = np.arange(16_034 * DAY_NS, 16_042 * DAY_NS, 5 * MINUTE_NS)
    for calendar in ("XNYS", "24/7"):
        clock = session_columns(ts, calendar)
        for timeframe in ("30s", "15min", "4h", "1D", "1W"):
            many = marks(timeframe, ts, clock.session_day, clock.minutes_to_close, calendar)
            for bar in range(0, len(ts), 97):
                one = marks(
                    timeframe,
                    int(ts[bar]),
                    int(clock.session_day[bar]),
                    float(clock.minutes_to_close[bar]),
                    calendar,
                )
                assert one == tuple(column[bar] for column in many)


def test_weeks_end_with_their_last_session() -> None:
    # Good Friday of 2022, an ordinary Friday, and 1972's Friday with a Monday before it.
    monday = monday_of(np.array([19_093, 19_094, 19_099, 19_100]))
    assert monday.tolist() == [19_093, 19_093, 19_093, 19_100]
    assert last_days(monday, "XNYS").tolist() == [19_096, 19_096, 19_096, 19_104]
    assert last_days(19_093, "24/7") == 19_099


def test_places_begin_where_the_key_changes_and_after_what_completes() -> None:
    key, no = np.array([7, 7, 7, 8]), np.zeros(4, np.bool_)
    assert places(key, no, no).tolist() == [0, 0, 0, 1]
    assert places(key, np.array([True, False, False, False]), no).tolist() == [0, 1, 1, 2]
    # What comes too late goes with the next key.
    assert places(key, no, np.array([False, True, True, False])).tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("calendar", ["XNYS", "XTKS", "XLON", "24/7"])
def test_known_sessions_say_what_the_calendar_says_of_a_weeks_end(calendar: str) -> None:
    first, last = 18_262, 18_262 + 800
    known = sessions_between(first, last, calendar).tolist()
    found = {day: week_end_among(known, day) for day in range(first, last - 10)}
    assert None not in list(found.values())[7:]
    for day, end in found.items():
        assert end in (None, last_days(int(monday_of(day)), calendar))


def test_sessions_that_do_not_reach_say_nothing() -> None:
    monday = int(monday_of(18_500))
    week = [monday + place for place in range(5)]
    assert week_end_among(week, monday) is None
    assert week_end_among(week, monday - 7) is None
    assert week_end_among([*week, monday + 8], monday + 2) == monday + 4
    assert week_end_among([*week[2:], monday + 8], monday + 2) == monday + 4
    assert week_end_among([monday - 3, monday + 8], monday + 2) == monday + 6
    assert week_end_among([], monday) is None

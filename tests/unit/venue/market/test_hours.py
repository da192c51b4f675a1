from datetime import timedelta

import numpy as np
import pytest
from tests.fakes.venue_markets import DAY_NS, at, day_of

from fanfold.domain import sessions
from fanfold.errors import DataError
from fanfold.venue.market.hours import (
    KNOWN,
    Clockwork,
    calendar_rows,
    day_instants,
    day_starts,
    hours_at,
)


@pytest.mark.parametrize(
    ("instant", "phase"),
    [
        ("2013-11-29T08:59", "closed"),
        ("2013-11-29T09:00", "pre"),
        ("2013-11-29T14:29:59", "pre"),
        ("2013-11-29T14:30", "regular"),
        ("2013-11-29T17:59:59", "regular"),
        ("2013-11-29T18:00", "after"),
        ("2013-11-29T21:59:59", "after"),
        ("2013-11-29T22:00", "closed"),
        ("2013-11-27T22:30", "after"),  # a whole day's evening lasts until 20:00
        ("2013-11-28T15:00", "closed"),  # Thanksgiving
    ],
)
def test_a_half_day_closes_at_13_and_ends_at_17(instant: str, phase: str) -> None:
    assert hours_at(at(instant), "XNYS").phase == phase


def test_hours_say_the_session_that_is_on_or_comes_next() -> None:
    night = hours_at(at("2013-11-27T03:00"), "XNYS")
    assert night.session_day == day_of("2013-11-27")
    assert night.open == night.next_open == at("2013-11-27T14:30")
    evening = hours_at(at("2013-11-27T22:00"), "XNYS")
    assert evening.session_day == day_of("2013-11-27")
    assert evening.close == at("2013-11-27T21:00")
    assert evening.next_open == at("2013-11-29T14:30")
    assert evening.next_close == at("2013-11-29T18:00")
    noon = hours_at(at("2013-11-27T17:00"), "XNYS")
    assert noon.next_open == at("2013-11-29T14:30")
    assert noon.next_close == at("2013-11-27T21:00")


def test_the_session_moves_with_daylight_saving_time() -> None:
    friday, monday = (hours_at(at(f"{day}T16:00"), "XNYS") for day in ("2013-11-01", "2013-11-04"))
    assert friday.open == at("2013-11-01T13:30")
    assert monday.open == at("2013-11-04T14:30")
    starts = day_starts(np.array([day_of("2013-11-03"), day_of("2013-11-04")]), "XNYS")
    assert starts == [at("2013-11-03T04:00"), at("2013-11-04T05:00")]


def test_what_never_closes_is_regular_and_its_days_are_those_of_utc() -> None:
    hours = hours_at(at("2013-11-30T23:59:59"), "24/7")
    assert hours.phase == "regular"
    assert hours.session_day == day_of("2013-11-30")
    assert (hours.open, hours.close) == (at("2013-11-30T00:00"), at("2013-12-01T00:00"))
    assert hours.next_open == hours.next_close == hours.close


def test_calendar_rows_list_sessions_in_local_time() -> None:
    rows = calendar_rows(day_of("2013-11-27"), day_of("2013-11-30"), "XNYS")
    assert [row[1:] for row in rows] == [
        ("2013-11-27", "09:30", "16:00", "0400", "2000"),
        ("2013-11-29", "09:30", "13:00", "0400", "1700"),
    ]
    assert calendar_rows(day_of("2013-11-30"), day_of("2013-12-01"), "XNYS") == []


def test_a_clock_that_remembers_says_the_same_as_one_that_looks_up() -> None:
    clockwork = Clockwork()
    for name in ("XNYS", "24/7", "XLON"):
        for ts in range(at("2013-10-25T00:00"), at("2013-11-06T00:00"), DAY_NS // 97):
            assert clockwork.hours(ts, name) == hours_at(ts, name)


def test_elsewhere_the_day_is_the_session_alone() -> None:
    (day,) = day_instants(day_of("2013-11-27"), day_of("2013-11-27"), "XLON")
    assert (day.begin, day.end) == (day.open, day.close)
    assert day.open == at("2013-11-27T08:00")


def test_a_clock_beyond_the_calendar_is_an_error() -> None:
    with pytest.raises(DataError, match="the clock must lie within calendar XNYS"):
        hours_at(at("2045-01-01T00:00"), "XNYS")


def test_no_second_calendar_is_made_for_what_comes_after_the_last_date() -> None:
    reached = KNOWN[1] + timedelta(days=sessions._NEXT_SESSION_DAYS + 1)
    assert (KNOWN[0].year, reached.year) == sessions._USUAL_YEARS

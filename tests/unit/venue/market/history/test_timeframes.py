from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.venue.market.history.timeframes import Timeframe, day_of, midnight, timeframe_of
from fanfold.venue.market.hours import NEW_YORK

HOUR = 3_600_000_000_000


def day(*of: int) -> int:
    return date(*of).toordinal() - date(1970, 1, 1).toordinal()


@pytest.mark.parametrize(
    ("text", "name"),
    [("1Min", "1Min"), ("59T", "59Min"), ("23H", "23Hour"), ("1D", "1Day"), ("12M", "12Month")],
)
def test_a_timeframe_is_read_in_both_spellings(text: str, name: str) -> None:
    found = timeframe_of(text)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "text",
    ["", "Min", "0Min", "60Min", "24Hour", "2Day", "2Week", "5Month", "1min", "30Sec"],
)
def test_what_the_broker_has_not_is_no_timeframe(text: str) -> None:
    assert timeframe_of(text) is None


def test_midnight_in_new_york_follows_its_clocks() -> None:
    assert midnight(day(2012, 7, 2), NEW_YORK) % (24 * HOUR) == 4 * HOUR
    assert midnight(day(2012, 12, 3), NEW_YORK) % (24 * HOUR) == 5 * HOUR
    assert midnight(day(2012, 12, 3), "UTC") % (24 * HOUR) == 0


def test_weeks_begin_on_monday_and_months_in_their_group() -> None:
    assert Timeframe(1, "Week").first_day(day(2012, 11, 4)) == day(2012, 10, 29)
    assert Timeframe(1, "Week").last_day(day(2012, 10, 29)) == day(2012, 11, 4)
    assert Timeframe(3, "Month").first_day(day(2012, 11, 4)) == day(2012, 10, 1)
    assert Timeframe(3, "Month").last_day(day(2012, 11, 4)) == day(2012, 12, 31)
    assert Timeframe(12, "Month").first_day(day(2012, 11, 4)) == day(2012, 1, 1)


@given(ts=st.integers(0, 2**62), zone=st.sampled_from(["UTC", NEW_YORK]))
def test_every_instant_lies_in_its_day(ts: int, zone: str) -> None:
    found = day_of(ts, zone)
    assert midnight(found, zone) <= ts < midnight(found + 1, zone)


@given(
    number=st.integers(0, 40_000),
    length=st.sampled_from(["1Day", "1Week", "1Month", "2Month", "3Month", "6Month", "12Month"]),
)
def test_longer_bars_part_the_calendar(number: int, length: str) -> None:
    frame = timeframe_of(length)
    assert frame is not None
    first, last = frame.first_day(number), frame.last_day(number)
    assert first <= number <= last
    assert frame.first_day(last) == first
    assert frame.first_day(last + 1) == last + 1

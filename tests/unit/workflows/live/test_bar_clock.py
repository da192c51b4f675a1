"""Bars counted by the sessions of a calendar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import DataError
from fanfold.live.plan import Session
from fanfold.workflows.live.bar_clock import BarClock

SECOND = 10**9
HOUR = 3_600 * SECOND


def session(day: int, opens: int, closes: int) -> Session:
    """A session between two hours of a day."""
    return Session(
        day=day, open_ts=(24 * day + opens) * HOUR, close_ts=(24 * day + closes) * HOUR,
        is_month_end=False, nights=1,
    )  # fmt: skip


# Two whole days of six hours and a half day of three, a weekend before the last.
SESSIONS = (session(1, 10, 16), session(2, 10, 13), session(5, 10, 16))


def at(day: int, hour: float) -> int:
    return int((24 * day + hour) * HOUR)


@pytest.mark.parametrize(
    ("bar_seconds", "start", "end", "bars"),
    [
        (3_600, at(1, 10), at(1, 11), 1),
        (3_600, at(1, 10), at(1, 10.9), 0),
        (3_600, at(1, 10), at(1, 23), 6),
        (3_600, at(1, 12), at(5, 11), 4 + 3 + 1),
        (3_600, at(2, 20), at(4, 20), 0),
        (7_200, at(2, 9), at(2, 14), 2),  # the last one is shorter
        (86_400, at(1, 9), at(5, 15.9), 2),
        (86_400, at(1, 9), at(5, 16), 3),
        (3_600, at(0, 1), at(1, 9), 0),
        (3_600, at(5, 10), at(9, 0), 6),
    ],
)
def test_bars_that_ended_are_counted(bar_seconds: int, start: int, end: int, bars: int) -> None:
    assert BarClock(SESSIONS, bar_seconds).bars_between(start, end) == bars


@given(
    bar_seconds=st.sampled_from([60, 1_800, 3_600, 7_200, 86_400]),
    hours=st.floats(0.0, 5 * 24 + 16.0, exclude_max=True),
    bars=st.integers(1, 40),
)
def test_the_end_of_the_last_of_some_bars_is_the_first_instant_with_so_many(
    bar_seconds: int, hours: float, bars: int
) -> None:
    clock = BarClock(SESSIONS, bar_seconds)
    start = int(hours * HOUR)
    ends = clock.end_after(start, bars)
    known = clock.bars_between(start, SESSIONS[-1].close_ts)
    assert clock.bars_between(start, ends) == min(bars, known)
    if bars <= known:
        assert clock.bars_between(start, ends - 1) == bars - 1


def test_without_sessions_nothing_is_counted() -> None:
    with pytest.raises(DataError, match="there are none"):
        BarClock((), 60)

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.venue.pace import SECOND_NS, SLIP_S_MAX, Pace

BEGIN = 1_330_612_260 * SECOND_NS


def pace(speed: float, pause_s: float = 1.0) -> Pace:
    made = Pace(speed, pause_s, BEGIN)
    assert made.target(100.0, BEGIN, followed=False) == BEGIN
    return made


@pytest.mark.parametrize("speed", [0.0, 1.0, 60.0, 0.5])
def test_the_clock_goes_by_its_speed(speed: float) -> None:
    kept = pace(speed)
    assert kept.target(103.0, BEGIN, followed=True) == BEGIN + round(3 * speed * SECOND_NS)


def test_at_full_speed_it_waits_for_followers_and_goes_at_one_without() -> None:
    kept = pace(inf)
    assert kept.target(102.0, BEGIN, followed=True) is None
    assert kept.target(102.5, BEGIN, followed=False) == BEGIN + SECOND_NS // 2


def test_it_goes_on_from_where_the_last_follower_left_it() -> None:
    kept, night = pace(inf), BEGIN + 17 * 3_600 * SECOND_NS
    assert kept.target(102.0, BEGIN, followed=True) is None
    assert kept.target(102.1, night, followed=False) == night
    assert kept.target(103.1, night, followed=False) == night + SECOND_NS


def test_at_full_speed_a_request_to_trade_makes_it_go_at_one_for_a_moment() -> None:
    kept = pace(inf)
    assert kept.target(200.0, BEGIN + 7, followed=True) is None
    kept.attend(201.0, BEGIN + 9)
    assert kept.target(201.5, BEGIN + 9, followed=True) == BEGIN + 9 + SECOND_NS // 2
    kept.attend(201.9, BEGIN + 10)
    assert kept.target(202.5, BEGIN + 10, followed=True) == BEGIN + 9 + 3 * SECOND_NS // 2
    assert kept.target(202.95, BEGIN + 10, followed=True) is None


@given(st.lists(st.floats(0.001, 3.0), max_size=20), st.floats(0.1, 1e5))
def test_requests_to_trade_take_nothing_from_a_clock_that_goes_by_time(
    gaps: list[float], speed: float
) -> None:
    kept, wall_s = pace(speed), 100.0
    for gap in gaps:
        wall_s += gap
        kept.attend(wall_s, BEGIN)  # the market rests, and so is behind its target
    expected = BEGIN + round((wall_s - 100.0) * speed * SECOND_NS)
    assert kept.target(wall_s, BEGIN, followed=True) == expected


def test_another_speed_goes_on_from_here() -> None:
    kept = pace(60.0)
    kept.set_speed(2.0, 110.0, BEGIN + 5)
    assert kept.target(111.0, BEGIN + 5, followed=True) == BEGIN + 5 + 2 * SECOND_NS


def test_what_a_slow_machine_missed_is_given_up_and_counted() -> None:
    kept = pace(1.0)
    kept.slip(100.0 + SLIP_S_MAX / 2, BEGIN)
    assert kept.slipped_s == 0.0
    kept.slip(104.0, BEGIN + SECOND_NS)
    assert kept.slipped_s == pytest.approx(3.0)
    assert kept.target(105.0, BEGIN + SECOND_NS, followed=True) == BEGIN + 2 * SECOND_NS


def test_it_rests_until_the_next_tick_but_not_for_long() -> None:
    kept = pace(10.0)
    assert kept.rest_s(BEGIN + SECOND_NS // 10, BEGIN, 5.0) == pytest.approx(0.01)
    assert kept.rest_s(BEGIN + 900 * SECOND_NS, BEGIN, 5.0) == 5.0
    assert kept.rest_s(None, BEGIN, 5.0) == 5.0
    assert kept.rest_s(BEGIN - 1, BEGIN, 5.0) == 0.0
    assert pace(0.0).rest_s(BEGIN + 1, BEGIN, 5.0) == 5.0

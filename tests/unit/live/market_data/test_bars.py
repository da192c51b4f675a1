"""Steps of minutes: functions of what has come and of the clock, never of its order."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.live_market import CLOSE, HALF_DAY, MINUTE, OPEN, SECOND, SESSIONS

from fanfold.errors import ConfigError
from fanfold.live.market_data.bars.hours import Hours
from fanfold.live.market_data.bars.minutes import Minutes
from fanfold.live.messages import Row, Step
from fanfold.market.resample.buckets import Clock, Rule, buckets
from fanfold.market.resample.merge import merged_bars, merged_rows

GRACE = SECOND
FAR = CLOSE + 10 * HALF_DAY


def hours(seconds: int, calendar: str = "XNYS") -> Hours:
    return Hours(calendar, SESSIONS, seconds)


def clock_of(ends: list[int]) -> Clock:
    """What the calendar says of ends of bars."""
    ts = np.array(ends)
    first = ts <= CLOSE
    return Clock(
        ts=ts,
        day=np.where(first, SESSIONS[0].day, SESSIONS[1].day),
        close=np.where(first, CLOSE, SESSIONS[1].close_ts),
        calendar="XNYS",
    )


def row(asset: int, number: int, volume: float = 10.0) -> Row:
    price = 100.0 + number % 7 + asset
    return Row(asset, price, price + 1, price - 1, price + 0.5, volume)


@settings(max_examples=40)
@given(
    seconds=st.sampled_from([60, 300, 900, 3_600, 86_400]),
    kept=st.sets(st.tuples(st.integers(0, 1), st.integers(0, 599)), max_size=80),
    quiet=st.sets(st.integers(0, 599), max_size=80),
)
def test_steps_are_the_bars_that_stored_minutes_resample_to(
    seconds: int, kept: set[tuple[int, int]], quiet: set[int]
) -> None:
    ends = [OPEN + n * MINUTE for n in range(1, 391)]
    ends += [OPEN + HALF_DAY + n * MINUTE for n in range(1, 211)]
    minutes = Minutes([hours(seconds)] * 2, GRACE)
    for asset, number in sorted(kept):
        minutes.take(row(asset, number, 0.0 if number in quiet else 10.5 + number), ends[number])
    steps = {step.ts: {one.asset: one for one in step.rows} for step in minutes.due(FAR)}
    name = {60: "1min", 300: "5min", 900: "15min", 3_600: "1h", 86_400: "1D"}[seconds]
    rule = Rule.of(name, "regular", "clock")
    found: dict[int, dict[int, Row]] = {}
    for asset in (0, 1):
        own = sorted(number for one, number in kept if one == asset)
        if not own:
            continue
        cut = buckets(Clock.of(np.array([ends[n] for n in own]), "XNYS"), rule)
        rows = [row(asset, n, 0.0 if n in quiet else 10.5 + n) for n in own]
        fields = np.array([[r.open, r.high, r.low, r.close, r.volume] for r in rows]).T
        parts = merged_rows(fields, cut.place, len(cut.end))
        longer = merged_bars(fields[:, parts], cut.place[parts], len(cut.end))
        for at, end in enumerate(cut.end.tolist()):
            found.setdefault(end, {})[asset] = Row(asset, *longer[:, at].tolist())
    assert steps == found


@given(
    rng=st.randoms(use_true_random=False),
    seconds=st.sampled_from([60, 180]),
    told=st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 9), st.booleans(), st.integers(1, 3)),
        max_size=40,
    ),
    clock=st.integers(0, 600),
)
def test_the_order_in_which_bars_come_changes_nothing(
    rng: random.Random, seconds: int, told: list[tuple[int, int, bool, int]], clock: int
) -> None:
    def made(order: list[tuple[int, int, bool, int]]) -> tuple[list[Step], list[Step]]:
        minutes = Minutes([hours(seconds)] * 3, GRACE)
        for asset, number, update, volume in order:
            minutes.take(
                row(asset, number, float(volume)), OPEN + number * MINUTE, is_update=update
            )
        return minutes.due(OPEN + clock * SECOND), minutes.due(FAR)

    shuffled = told.copy()
    rng.shuffle(shuffled)
    assert made(told) == made(shuffled)


@given(
    told=st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 30), st.integers(-5, 90)), max_size=60
    )
)
def test_each_end_has_one_step_in_order_and_nothing_is_invented(
    told: list[tuple[int, int, int]],
) -> None:
    minutes = Minutes([hours(60)] * 3, GRACE)
    clock, steps, late = OPEN, [], []
    for asset, number, later in told:
        clock = max(clock, OPEN + number * MINUTE + later * SECOND)
        steps += minutes.due(clock)
        found = minutes.take(row(asset, number), OPEN + number * MINUTE)
        late += [] if found is None else [found]
        steps += minutes.due(clock)
    steps += minutes.due(FAR)
    ends = [step.ts for step in steps]
    assert ends == sorted(set(ends))
    given_bars = {(OPEN + number * MINUTE, asset) for asset, number, _ in told}
    decided = {(step.ts, one.asset) for step in steps for one in step.rows}
    assert decided | {(one.ts, one.row.asset) for one in late} == given_bars
    assert len(late) == len({(one.ts, one.row.asset) for one in late})
    assert not decided & {(one.ts, one.row.asset) for one in late}


def test_a_step_waits_its_grace_for_an_absent_asset_and_not_without_one() -> None:
    minutes = Minutes([hours(60)] * 2, GRACE)
    end = OPEN + MINUTE
    minutes.take(row(0, 1), end)
    assert minutes.due(end) == minutes.due(end + GRACE - 1) == []
    assert minutes.due(end + GRACE) == [Step(end, (row(0, 1),))]
    minutes.take(row(0, 2), end + MINUTE)
    minutes.take(row(1, 2), end + MINUTE)
    (step,) = minutes.due(end + MINUTE)
    assert [one.asset for one in step.rows] == [0, 1]


def test_a_bar_after_its_step_is_late_once_and_a_repeated_one_is_nothing() -> None:
    minutes = Minutes([hours(60)], GRACE)
    end = OPEN + MINUTE
    minutes.take(row(0, 1), end)
    minutes.due(FAR)
    assert minutes.take(row(0, 1), end) is None
    changed = minutes.take(row(0, 1, 11.0), end, is_update=True)
    assert changed is not None
    assert changed.row.volume == 11.0
    assert minutes.take(row(0, 1, 11.0), end, is_update=True) is None
    assert minutes.counts["repeated"] == 2


def test_what_was_told_before_the_start_is_not_told_again() -> None:
    minutes = Minutes([hours(60)], GRACE, OPEN + 5 * MINUTE)
    for number in range(1, 9):
        assert minutes.take(row(0, number), OPEN + number * MINUTE) is None
    assert [step.ts for step in minutes.due(FAR)] == [OPEN + n * MINUTE for n in (6, 7, 8)]


def test_nothing_is_decided_while_what_was_missed_is_fetched() -> None:
    minutes = Minutes([hours(60)], GRACE)
    minutes.is_held = True
    minutes.take(row(0, 2), OPEN + 2 * MINUTE)
    assert minutes.due(FAR) == []
    minutes.take(row(0, 1), OPEN + MINUTE)
    minutes.is_held = False
    assert [step.ts for step in minutes.due(FAR)] == [OPEN + MINUTE, OPEN + 2 * MINUTE]


@pytest.mark.parametrize("end", [OPEN, OPEN - MINUTE, CLOSE + MINUTE, FAR])
def test_what_lies_outside_sessions_makes_no_bar(end: int) -> None:
    minutes = Minutes([hours(60)], GRACE)
    minutes.take(row(0, 1), end)
    assert minutes.due(FAR) == []
    assert minutes.counts["outside"] == 1


def test_a_day_ends_at_its_close_half_days_included() -> None:
    half = OPEN + HALF_DAY
    assert hours(86_400).bar_of(OPEN + MINUTE) == (OPEN, CLOSE)
    assert hours(86_400).bar_of(half + MINUTE) == (half, half + 210 * MINUTE)
    assert hours(3_600).bar_of(half + 205 * MINUTE) == (half + 150 * MINUTE, half + 210 * MINUTE)


@given(end=st.integers(1, 2**60))
def test_round_the_clock_every_instant_is_in_a_bar(end: int) -> None:
    for seconds in (1, 60, 86_400):
        bar = Hours("24/7", (), seconds).bar_of(end)
        assert bar is not None
        assert bar[0] < end <= bar[1] == bar[0] + seconds * SECOND


def test_lengths_that_divide_no_day_and_calendars_without_sessions_are_refused() -> None:
    for seconds in itertools.chain([7, 420, 86_399], [0]):
        with pytest.raises(ConfigError, match="divide a day"):
            hours(seconds)
    with pytest.raises(ConfigError, match="sessions of XNYS"):
        Hours("XNYS", (), 60)

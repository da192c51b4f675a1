"""What a split makes of units and approvals, and which ratio it had."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.live.execution.splits import day_of, ratio_of, split_approval, whole
from fanfold.live.messages import ApprovedOrder

RATIOS = (2.0, 3.0, 1.5, 7.0, 20.0, 0.5, 0.1, 1 / 3, 1 / 15, 1.25)


@given(st.integers(-100_000, 100_000), st.sampled_from(RATIOS))
def test_units_after_a_split_are_whole_and_not_more(lots: int, ratio: float) -> None:
    after = whole(lots * ratio)
    assert abs(after) <= abs(lots) * ratio + 1e-6
    assert abs(lots * ratio - after) < 1.0
    assert after * lots >= 0


@given(st.integers(1, 100_000), st.sampled_from(RATIOS))
def test_a_guessed_ratio_makes_the_very_units(lots: int, ratio: float) -> None:
    after = whole(lots * ratio)
    found = ratio_of(lots, after)
    if after in {0, lots}:
        assert found is None
    else:
        assert found is not None
        assert whole(lots * found) == after
        assert ratio_of(-lots, -after) == found


@pytest.mark.parametrize(("lots", "ratio"), [(101, 1.5), (1_000, 2.0), (105, 0.1), (1_001, 1.25)])
def test_the_simplest_ratio_is_guessed(lots: int, ratio: float) -> None:
    assert ratio_of(lots, whole(lots * ratio)) == pytest.approx(ratio)


def test_an_approval_means_the_same_after_a_split() -> None:
    before = ApprovedOrder(
        number=7, event_ts=1, asset=0, goal=-101, most=50, limit=math.nan, stop=90.0,
        stop_loss=120.0, take_profit=math.nan, reference=100.0, reduce_only=False, approved_at=3,
        epoch=2,
    )  # fmt: skip
    after = split_approval(before, 1.5)
    assert (after.goal, after.most, after.stop, after.stop_loss) == (-151, 75, 60.0, 80.0)
    assert math.isnan(after.limit)
    assert math.isnan(after.take_profit)
    assert (after.number, after.event_ts, after.approved_at, after.epoch) == (7, 1, 3, 2)


def test_days_are_counted_from_their_date() -> None:
    assert day_of("1970-01-02T09:30:00-05:00") == 1
    with pytest.raises(ValueError, match="isoformat"):
        day_of("soon")

"""Strong trends are followed either way, weak ones only if they are held already."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies.conftest import Decided

from fanfold.strategies import ADX, AdxTrend

STRATEGY = AdxTrend(threshold=25.0)
STRONG, WEAK = 30.0, 20.0


def test_strong_trends_are_held_on_their_side_in_equal_shares(decided: Decided) -> None:
    features = [[STRONG, 30, 10], [STRONG, 10, 30], [WEAK, 30, 10], [25.0, 10, 30]]
    assert decided(STRATEGY, features) == [0.25, -0.25, 0.0, 0.0]


def test_a_position_stays_in_a_weak_trend_until_the_other_side_prevails(decided: Decided) -> None:
    features = [[WEAK, 30, 10], [WEAK, 10, 30], [WEAK, 10, 30], [WEAK, 30, 10]]
    before = [0.2, 0.2, -0.2, -0.2]
    assert decided(STRATEGY, features, targets=before) == [0.2, 0.0, -0.2, 0.0]


def test_a_strong_turn_reverses_the_position(decided: Decided) -> None:
    assert decided(STRATEGY, [[STRONG, 10, 30]], targets=[1.0]) == [-1.0]


@pytest.mark.parametrize("before", [-0.5, 0.0, 0.5])
@pytest.mark.parametrize("features", [[math.nan] * 3, [STRONG, 20.0, 20.0]])
def test_without_a_direction_nothing_changes(
    decided: Decided, features: list[float], before: float
) -> None:
    assert decided(STRATEGY, [features], targets=[before]) == [before]


@given(up=st.floats(0, 100), down=st.floats(0, 100), strength=st.floats(0, 100))
def test_turning_the_market_around_turns_the_target_around(
    decided: Decided, up: float, down: float, strength: float
) -> None:
    (target,) = decided(STRATEGY, [[strength, up, down]])
    assert decided(STRATEGY, [[strength, down, up]]) == [-target]


def test_features_are_the_index_and_both_movements() -> None:
    assert AdxTrend(period=7).features() == (ADX(7),)

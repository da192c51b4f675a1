"""The trend holds risers, less of what swings more, and trades when it matters."""

import math

import pytest
from tests.unit.strategies.conftest import Decided

from fanfold.strategies import ROC, RealisedVolatility, VolatilityTargetTrend

STRATEGY = VolatilityTargetTrend(target_volatility=0.2, cap=1.5, band=0.25)


def test_an_asset_that_has_risen_is_sized_by_its_volatility(decided: Decided) -> None:
    features = [[0.1, 0.2], [0.1, 0.4], [-0.1, 0.2], [0.0, 0.2]]
    assert decided(STRATEGY, features) == [0.25, 0.125, 0.0, 0.0]


def test_a_calm_asset_is_held_up_to_the_cap(decided: Decided) -> None:
    assert decided(STRATEGY, [[0.1, 0.01]]) == [1.5]


def test_a_size_is_written_anew_when_it_is_off_by_more_than_the_band(decided: Decided) -> None:
    # 0.2 / 0.25 = 0.8 and 0.2 / 0.17 = 1.18 lie within a quarter of 1.0, 0.2 / 0.4 does not.
    features = [[0.1, 0.25], [0.1, 0.17], [0.1, 0.4]]
    # One asset of three has a third of each.
    third = 1 / 3
    assert decided(STRATEGY, features, targets=[third] * 3) == [third, third, 0.5 / 3]


def test_what_has_fallen_is_sold_whatever_the_band(decided: Decided) -> None:
    strategy = VolatilityTargetTrend(band=1.0)
    assert decided(strategy, [[-0.1, 0.2]], targets=[0.5]) == [0.0]


@pytest.mark.parametrize("features", [[math.nan, 0.2], [0.1, math.nan], [0.1, 0.0]])
def test_without_both_features_nothing_is_held(decided: Decided, features: list[float]) -> None:
    assert decided(STRATEGY, [features]) == [0.0]


def test_features_are_the_return_and_the_volatility() -> None:
    strategy = VolatilityTargetTrend(lookback=50, period=10)
    assert strategy.features() == (ROC(50), RealisedVolatility(10))

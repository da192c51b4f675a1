"""The band buys what lies below it and sells what has come back."""

import math

import pytest
from pydantic import ValidationError
from tests.unit.strategies.conftest import Decided

from fanfold.strategies import Bollinger, BollingerReversion

BANDS = [100.0, 110.0, 90.0]  # middle, upper, lower: a deviation is 5 at a width of 2
STRATEGY = BollingerReversion(period=20, width=2.0)


def test_assets_below_their_band_are_bought_in_equal_shares(decided: Decided) -> None:
    targets = decided(STRATEGY, [BANDS] * 4, close=[89.0, 90.0, 95.0, 120.0])
    assert targets == [0.25, 0.0, 0.0, 0.0]


def test_a_position_is_held_until_it_is_back_at_the_middle(decided: Decided) -> None:
    targets = decided(STRATEGY, [BANDS] * 3, targets=[0.5] * 3, close=[99.9, 100.0, 85.0])
    assert targets == [0.5, 0.0, 1 / 3]


@pytest.mark.parametrize(("recovery", "sold"), [(1.0, 105.0), (-1.0, 95.0)])
def test_recovery_moves_where_it_is_sold_by_deviations(
    decided: Decided, recovery: float, sold: float
) -> None:
    strategy = BollingerReversion(width=2.0, recovery=recovery)
    closes = [sold - 0.1, sold]
    assert decided(strategy, [BANDS] * 2, targets=[0.5] * 2, close=closes) == [0.5, 0.0]


@pytest.mark.parametrize("before", [0.0, 0.5])
def test_missing_bands_change_nothing(decided: Decided, before: float) -> None:
    assert decided(STRATEGY, [[math.nan] * 3], targets=[before]) == [before]


def test_prices_that_never_moved_are_not_bought(decided: Decided) -> None:
    assert decided(STRATEGY, [[100.0] * 3], close=100.0) == [0.0]


def test_a_recovery_at_or_below_the_band_is_infeasible() -> None:
    message = "recovery must be above the lower band, was recovery=-2 width=2"
    with pytest.raises(ValidationError, match=message):
        BollingerReversion(width=2.0, recovery=-2.0)


def test_features_are_the_bands() -> None:
    assert BollingerReversion(period=7, width=1.5).features() == (Bollinger(7, 1.5),)

"""The MACD holds what gathers speed."""

import math

import pytest
from pydantic import ValidationError
from tests.unit.strategies.conftest import Decided

from fanfold.strategies import MACD, MacdTrend


def lines(macd: float, signal: float) -> list[float]:
    return [macd, signal, macd - signal]


def test_each_asset_above_its_signal_gets_an_equal_share(decided: Decided) -> None:
    features = [lines(2, 1), lines(1, 2), lines(-1, -2), lines(1, 1)]
    assert decided(MacdTrend(), features) == [0.25, 0.0, 0.25, 0.0]


def test_what_falls_below_its_signal_is_sold(decided: Decided) -> None:
    assert decided(MacdTrend(), [lines(1, 2)], targets=[1.0]) == [0.0]


def test_without_a_signal_line_nothing_is_held(decided: Decided) -> None:
    assert decided(MacdTrend(), [[math.nan] * 3]) == [0.0]


@pytest.mark.parametrize(("fast", "slow"), [(20, 20), (50, 20)])
def test_a_fast_period_that_is_not_below_the_slow_one_is_infeasible(fast: int, slow: int) -> None:
    message = f"fast must be below slow, was fast={fast} slow={slow}"
    with pytest.raises(ValidationError, match=message):
        MacdTrend(fast=fast, slow=slow)


def test_features_are_those_of_the_macd() -> None:
    assert MacdTrend(fast=3, slow=7, signal=4).features() == (MACD(3, 7, 4),)

"""The cross holds what is above, and only that."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.unit.strategies.conftest import Decided

from fanfold.strategies import SMA, SmaCross


def test_each_asset_above_gets_an_equal_share(decided: Decided) -> None:
    assert decided(SmaCross(), [[2, 1], [1, 2], [3, 1], [1, 1]]) == [0.25, 0.0, 0.25, 0.0]


def test_what_falls_below_is_sold(decided: Decided) -> None:
    assert decided(SmaCross(), [[1, 2]], targets=[1.0]) == [0.0]


@pytest.mark.parametrize("averages", [[math.nan, 1], [1, math.nan], [math.nan, math.nan]])
def test_without_both_averages_nothing_is_held(decided: Decided, averages: list[float]) -> None:
    assert decided(SmaCross(), [averages]) == [0.0]


@given(data=st.data(), count=st.integers(1, 6))
def test_order_of_the_assets_does_not_matter(
    decided: Decided, data: st.DataObject, count: int
) -> None:
    average = st.sampled_from([1.0, 2.0, 3.0, math.nan])
    features = data.draw(st.lists(st.tuples(average, average), min_size=count, max_size=count))
    order = data.draw(st.permutations(range(count)))
    targets = decided(SmaCross(), features)
    assert decided(SmaCross(), [features[i] for i in order]) == [targets[i] for i in order]


@pytest.mark.parametrize(("fast", "slow"), [(20, 20), (50, 20)])
def test_a_fast_window_that_is_not_below_the_slow_one_is_infeasible(fast: int, slow: int) -> None:
    message = f"fast must be below slow, was fast={fast} slow={slow}"
    with pytest.raises(ValidationError, match=message):
        SmaCross(fast=fast, slow=slow)


def test_features_are_the_fast_and_the_slow_average() -> None:
    assert SmaCross(fast=3, slow=7).features() == (SMA(3), SMA(7))

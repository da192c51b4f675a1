"""Reversion buys low, sells recovered, and leaves the rest alone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.unit.strategies.conftest import Decided

from fanfold.strategies import RSI, RsiReversion

STRATEGY = RsiReversion(period=5, lower=30, upper=60)


def test_oversold_assets_are_bought_in_equal_shares(decided: Decided) -> None:
    assert decided(STRATEGY, [[29.9], [30.0], [10.0], [90.0]]) == [0.25, 0.0, 0.25, 0.0]


def test_a_position_is_held_until_it_has_recovered(decided: Decided) -> None:
    held = [0.25] * 4
    assert decided(STRATEGY, [[40], [60], [60.1], [20]], targets=held) == [0.25, 0.25, 0.0, 0.25]


@pytest.mark.parametrize("before", [0.0, 0.5])
def test_a_missing_index_changes_nothing(decided: Decided, before: float) -> None:
    targets = [before, before]
    assert decided(STRATEGY, [[math.nan], [math.nan]], targets=targets) == targets


def test_prices_that_never_moved_are_not_oversold(decided: Decided) -> None:
    assert decided(STRATEGY, [[50.0]]) == [0.0]


@given(data=st.data(), count=st.integers(1, 6))
def test_order_of_the_assets_does_not_matter(
    decided: Decided, data: st.DataObject, count: int
) -> None:
    index = st.one_of(st.just(math.nan), st.floats(0, 100))
    features = data.draw(st.lists(st.tuples(index), min_size=count, max_size=count))
    before = data.draw(st.lists(st.sampled_from([0.0, 0.2]), min_size=count, max_size=count))
    order = data.draw(st.permutations(range(count)))
    targets = decided(STRATEGY, features, targets=before)
    permuted = decided(STRATEGY, [features[i] for i in order], targets=[before[i] for i in order])
    assert permuted == [targets[i] for i in order]


def test_thresholds_that_would_buy_and_sell_at_once_are_infeasible() -> None:
    with pytest.raises(ValidationError, match="lower must be below upper, was lower=40 upper=40"):
        RsiReversion(lower=40, upper=40)


def test_feature_is_the_index_of_that_period() -> None:
    assert STRATEGY.features() == (RSI(5),)

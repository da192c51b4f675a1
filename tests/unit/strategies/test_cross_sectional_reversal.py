"""Weights against ranks: losers long, winners short, as much of one as of the other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies.conftest import Decided

from fanfold.strategies import ROC, CrossSectionalReversal

STRATEGY = CrossSectionalReversal(gross=1.0)
NAN = math.nan


def column(*returns: float) -> list[list[float]]:
    return [[value] for value in returns]


def test_weights_grow_with_the_distance_from_the_middle_rank(decided: Decided) -> None:
    # Places behind are 3, -3, 1 and -1, eight in all.
    assert decided(STRATEGY, column(-0.2, 0.3, 0.0, 0.1)) == [0.375, -0.375, 0.125, -0.125]


def test_gross_is_what_longs_and_shorts_add_up_to(decided: Decided) -> None:
    half = CrossSectionalReversal(gross=0.5)
    assert decided(half, column(-0.1, 0.1)) == [0.25, -0.25]


def test_assets_that_tie_have_one_weight(decided: Decided) -> None:
    assert decided(STRATEGY, column(0.1, -0.1, 0.1)) == [-0.25, 0.5, -0.25]
    assert decided(STRATEGY, column(0.1, 0.1), targets=[0.5, -0.5]) == [0.0, 0.0]


@pytest.mark.parametrize(
    "absent",
    [{"fresh": [0, 1, 1]}, {"member": [0, 1, 1]}],
)
def test_an_asset_that_is_not_there_is_not_ranked(
    decided: Decided, absent: dict[str, list[int]]
) -> None:
    before = [0.5, 0.0, 0.0]
    targets = decided(STRATEGY, column(0.9, 0.2, 0.1), targets=before, **absent)
    assert targets == [0.0, -0.5, 0.5]


@pytest.mark.parametrize("missing", [NAN, math.inf])
def test_an_asset_without_a_return_is_not_ranked(decided: Decided, missing: float) -> None:
    assert decided(STRATEGY, column(missing, 0.2, 0.1)) == [0.0, -0.5, 0.5]


def test_between_rebalancings_targets_stand(decided: Decided) -> None:
    strategy = CrossSectionalReversal(every=3, gross=1.0)
    memory = np.zeros(strategy.memory_size(2))
    targets, first = [0.0, 0.0], list[float]()
    for bar in range(7):
        features = column(0.2, 0.1) if bar % 2 == 0 else column(0.1, 0.2)
        targets = decided(strategy, features, targets=targets, memory=memory)
        first.append(targets[0])
    # Ranked at bars 0, 3 and 6, when asset 0 has won, lost and won.
    assert first == [-0.5, -0.5, -0.5, 0.5, 0.5, 0.5, -0.5]


@given(data=st.data(), count=st.integers(1, 7))
def test_order_of_the_assets_does_not_matter(
    decided: Decided, data: st.DataObject, count: int
) -> None:
    value = st.one_of(st.sampled_from([NAN, -0.1, 0.0, 0.1]), st.floats(-1, 1))
    returns = data.draw(st.lists(value, min_size=count, max_size=count))
    order = data.draw(st.permutations(range(count)))
    targets = decided(STRATEGY, column(*returns))
    assert decided(STRATEGY, column(*(returns[i] for i in order))) == [targets[i] for i in order]


@given(returns=st.lists(st.floats(), min_size=1, max_size=8))
def test_longs_equal_shorts(decided: Decided, returns: list[float]) -> None:
    targets = decided(STRATEGY, column(*returns))
    # Eight weights may each be off by a rounding.
    assert abs(sum(targets)) <= 1e-15
    assert sum(abs(target) for target in targets) <= 1.0 + 1e-15


def test_feature_is_the_return_over_the_lookback() -> None:
    assert CrossSectionalReversal(lookback=3).features() == (ROC(3),)

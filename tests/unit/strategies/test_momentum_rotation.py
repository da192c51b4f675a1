"""Rotation ranks by counting, so ties and the panel's order are settled."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies.conftest import Decided

from fanfold.strategies import ROC, MomentumRotation

NAN = math.nan
EACH_BAR = MomentumRotation(lookback=5, top=2, every=1)


def column(*momenta: float) -> list[list[float]]:
    return [[momentum] for momentum in momenta]


def test_the_strongest_are_held_in_equal_weights(decided: Decided) -> None:
    assert decided(EACH_BAR, column(0.1, 0.4, 0.2, 0.3)) == [0.0, 0.5, 0.0, 0.5]


def test_what_is_no_longer_among_them_is_sold(decided: Decided) -> None:
    before = [0.5, 0.5, 0.0]
    assert decided(EACH_BAR, column(0.1, 0.2, 0.3), targets=before) == [0.0, 0.5, 0.5]


def test_places_that_nobody_fills_stay_in_cash(decided: Decided) -> None:
    assert decided(EACH_BAR, column(0.1, -0.1, 0.0)) == [0.5, 0.0, 0.0]


def test_places_beyond_the_assets_leave_no_cash_idle(decided: Decided) -> None:
    strategy = MomentumRotation(lookback=5, top=10, every=1)
    assert decided(strategy, column(0.1, 0.2)) == [0.5, 0.5]


def test_a_tie_at_the_edge_is_held_whole(decided: Decided) -> None:
    third = 1 / 3
    assert decided(EACH_BAR, column(0.2, 0.3, 0.2, 0.1)) == [third, third, third, 0.0]


@pytest.mark.parametrize("momentum", [NAN, math.inf, -math.inf])
def test_an_asset_without_finite_momentum_is_not_held(decided: Decided, momentum: float) -> None:
    assert decided(EACH_BAR, column(momentum, 0.1), targets=[0.5, 0.5]) == [0.0, 0.5]


def test_an_asset_that_did_not_trade_is_neither_held_nor_ranked(decided: Decided) -> None:
    targets = decided(EACH_BAR, column(0.9, 0.2, 0.1), fresh=[0, 1, 1])
    assert targets == [0.0, 0.5, 0.5]


def test_an_asset_outside_the_universe_is_neither_held_nor_ranked(decided: Decided) -> None:
    targets = decided(EACH_BAR, column(0.9, 0.2, 0.1), targets=[0.5, 0.5, 0.0], member=[0, 1, 1])
    assert targets == [0.0, 0.5, 0.5]


def test_places_beyond_the_members_leave_no_cash_idle(decided: Decided) -> None:
    assert decided(EACH_BAR, column(0.1, 0.2, 0.3), member=[0, 0, 1]) == [0.0, 0.0, 1.0]


def test_without_members_nothing_is_held(decided: Decided) -> None:
    assert decided(EACH_BAR, column(0.1, 0.2), targets=[0.5, 0.5], member=0) == [0.0, 0.0]


def test_every_so_many_bars_the_assets_are_ranked_anew(decided: Decided) -> None:
    strategy = MomentumRotation(lookback=5, top=1, every=3)
    memory = np.zeros(strategy.memory_size(2))
    targets, held = [0.0, 0.0], list[int]()
    for bar in range(7):
        strongest_first = bar % 2 == 0
        features = column(0.2, 0.1) if strongest_first else column(0.1, 0.2)
        targets = decided(strategy, features, targets=targets, memory=memory)
        held.append(targets.index(1.0))
    # Ranked at bars 0, 3 and 6, when asset 0, 1 and 0 is the strongest.
    assert held == [0, 0, 0, 1, 1, 1, 0]


def test_by_default_the_assets_are_ranked_once_at_the_month_end(decided: Decided) -> None:
    strategy = MomentumRotation(lookback=5, top=1)
    memory = np.zeros(strategy.memory_size(2))
    up, down = column(0.2, 0.1), column(0.1, 0.2)
    assert decided(strategy, up, memory=memory, session_day=30) == [0.0, 0.0]
    first = decided(strategy, up, memory=memory, session_day=31, is_month_end=1)
    assert first == [1.0, 0.0]
    later_that_session = decided(
        strategy, down, targets=first, memory=memory, session_day=31, is_month_end=1
    )
    assert later_that_session == [1.0, 0.0]
    next_month = decided(
        strategy, down, targets=first, memory=memory, session_day=61, is_month_end=1
    )
    assert next_month == [0.0, 1.0]


@given(data=st.data(), count=st.integers(1, 7), top=st.integers(1, 4))
def test_order_of_the_assets_does_not_matter(
    decided: Decided, data: st.DataObject, count: int, top: int
) -> None:
    strategy = MomentumRotation(lookback=5, top=top, every=1)
    momentum = st.one_of(st.sampled_from([NAN, -0.1, 0.0, 0.1, 0.2]), st.floats(-1, 1))
    momenta = data.draw(st.lists(momentum, min_size=count, max_size=count))
    order = data.draw(st.permutations(range(count)))
    targets = decided(strategy, column(*momenta))
    assert decided(strategy, column(*(momenta[i] for i in order))) == [targets[i] for i in order]


@given(momenta=st.lists(st.floats(), min_size=1, max_size=8), top=st.integers(1, 10))
def test_targets_are_finite_and_never_more_than_all_of_equity(
    decided: Decided, momenta: list[float], top: int
) -> None:
    targets = decided(MomentumRotation(lookback=5, top=top, every=1), column(*momenta))
    assert all(0.0 <= target <= 1.0 for target in targets)
    # Eight equal shares may add up to one rounding more than one.
    assert sum(targets) <= 1.0 + 1e-15


def test_feature_is_the_return_over_the_lookback() -> None:
    assert MomentumRotation(lookback=20).features() == (ROC(20),)

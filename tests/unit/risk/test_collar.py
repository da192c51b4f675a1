"""Prices that the market would give: distances, spreads, jumps."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.risk.collar import (
    BELIEVED,
    RECENT,
    agreeing,
    farthest_price,
    is_outlier,
    price_distance,
    spread_share,
    unconfirmed_jump,
)

PRICES = st.floats(0.01, 1e6)
NONE = [math.nan, math.inf, -math.inf, 0.0, -1.0]


def test_distance_is_a_share_of_the_middle() -> None:
    assert price_distance(105.0, 100.0) == price_distance(95.0, 100.0) == 0.05
    assert price_distance(100.0, 100.0) == 0.0


@pytest.mark.parametrize("none", NONE)
def test_what_is_no_price_passes_nothing(none: float) -> None:
    assert price_distance(none, 100.0) == price_distance(100.0, none) == math.inf
    assert spread_share(none, 100.0) == spread_share(100.0, none) == math.inf
    assert is_outlier(none, 100.0, 10.0)


def test_spread_is_a_share_of_the_middle() -> None:
    assert spread_share(99.0, 101.0) == 0.02
    assert spread_share(101.0, 99.0) == -0.02


def test_a_first_price_is_believed() -> None:
    assert not is_outlier(100.0, 0.0, 0.1)


@given(believed=PRICES, part=st.floats(0.0, 3.0), outlier=st.floats(0.001, 1.0))
def test_a_jump_beyond_the_outlier_is_one(believed: float, part: float, outlier: float) -> None:
    price = believed * (1.0 + part * outlier)
    if abs(part - 1.0) > 1e-9:
        assert is_outlier(price, believed, outlier) == (part > 1.0)


@given(recent=st.lists(PRICES, max_size=6), price=PRICES, outlier=st.floats(0.001, 1.0))
def test_agreeing_counts_what_is_no_outlier(
    recent: list[float], price: float, outlier: float
) -> None:
    expected = sum(not is_outlier(each, price, outlier) for each in recent)
    assert agreeing(recent, price, outlier) == expected


def test_the_farthest_of_an_orders_prices_counts() -> None:
    assert farthest_price(math.nan, math.nan, 100.0) == 0.0
    assert farthest_price(101.0, 95.0, 100.0) == farthest_price(95.0, 101.0, 100.0) == 0.05
    assert farthest_price(math.nan, 103.0, 100.0) == farthest_price(103.0, math.nan, 100.0) == 0.03
    assert farthest_price(-1.0, 100.0, 100.0) == math.inf


@pytest.mark.parametrize(
    ("prices", "jumps"),
    [
        ([100.0, 109.0, 100.0], [None, None, None]),
        ([100.0, 120.0, 121.0], [None, 0.2, None]),
        ([100.0, 120.0, 100.0, 100.0], [None, 0.2, 0.0, None]),
        ([100.0, 120.0, 150.0, 121.0, 300.0], [None, 0.2, 0.5, None, 300.0 / 121.0 - 1.0]),
        ([100.0, 120.0, 150.0, 200.0, 121.0], [None, 0.2, 0.5, 1.0, 0.21]),
    ],
)
def test_a_jump_waits_for_two_of_three(prices: list[float], jumps: list[float | None]) -> None:
    belief = [0.0] * (RECENT + 3)
    for price, jump in zip(prices, jumps, strict=True):
        found = unconfirmed_jump(belief, price, 0.1, 2)
        assert found == pytest.approx(math.nan if jump is None else jump, nan_ok=True)
        assert (belief[BELIEVED] == price) == (jump is None) or price == 100.0


def test_all_are_of_the_compiled_subset() -> None:
    functions = price_distance, spread_share, is_outlier, agreeing, farthest_price, unconfirmed_jump
    assert len({each.content_hash for each in functions}) == len(functions)

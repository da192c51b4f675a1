"""Round trips, time in the market and turnover, on numbers whose answer can be seen."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fanfold.errors import DataError
from fanfold.measures import (
    average_loss,
    average_win,
    exposure,
    hit_rate,
    profit_factor,
    turnover,
)

PNL = [30.0, -10.0, 0.0, 10.0, -10.0]


def test_round_trips_are_summed_by_side() -> None:
    assert profit_factor(PNL) == 2.0
    assert average_win(PNL) == 20.0
    assert average_loss(PNL) == -10.0
    assert hit_rate(PNL) == 0.4


def test_a_side_without_round_trips_has_no_mean() -> None:
    assert np.isnan(profit_factor([5.0]))
    assert np.isnan(average_loss([5.0]))
    assert np.isnan(average_win([-5.0]))
    assert profit_factor([-5.0]) == 0.0
    assert hit_rate([-5.0]) == 0.0


@given(arrays(float, st.integers(1, 30), elements=st.integers(-100, 100).map(float)))
def test_the_measures_of_round_trips_fit_together(pnl: np.ndarray) -> None:
    wins, losses = np.sum(pnl > 0), np.sum(pnl < 0)
    earned = wins * np.nan_to_num(average_win(pnl)) + losses * np.nan_to_num(average_loss(pnl))
    assert earned == pytest.approx(np.sum(pnl), abs=1e-9)
    assert 0.0 <= hit_rate(pnl) <= 1.0
    if losses > 0:
        assert (profit_factor(pnl) > 1.0) == (np.sum(pnl) > 0)


def test_exposure_is_the_share_of_bars_with_a_position() -> None:
    assert exposure([0.0, 100.0, -50.0, 0.0]) == 0.5
    assert exposure([False, True, True, True]) == 0.75


def test_turnover_counts_buys_and_sells() -> None:
    traded, equity = [100.0, 0.0, 0.0, 120.0], [100.0, 110.0, 120.0, 110.0]
    assert turnover(traded, equity) == pytest.approx(0.5)
    assert turnover(traded, equity, periods_per_year=252) == pytest.approx(126.0)
    several = turnover(np.column_stack([traded, equity]), np.column_stack([equity, equity]))
    assert several == pytest.approx(np.array([0.5, 1.0]))


def test_turnover_of_no_capital_is_undefined() -> None:
    assert np.isnan(turnover([1.0, 1.0], [10.0, -10.0]))


@pytest.mark.parametrize(
    ("traded", "message"),
    [
        ([1.0], "traded must have the shape of equity"),
        ([1.0, -2.0], "must not be negative, was -2"),
    ],
)
def test_turnover_needs_an_amount_a_bar(traded: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        turnover(traded, [100.0, 100.0])

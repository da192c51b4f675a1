"""The bracket ends what the index began."""

import math

import pytest
from pydantic import ValidationError
from tests.fakes.panels import flat_bars
from tests.unit.strategies.conftest import Decided, Written

from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.strategies import RSI, RsiBracket

STRATEGY = RsiBracket(period=5, lower=30, upper=60, stop=0.25, profit=0.5)


def test_oversold_assets_are_bought_in_equal_shares(decided: Decided) -> None:
    assert decided(STRATEGY, [[29.9], [30.0], [10.0], [90.0]]) == [0.25, 0.0, 0.25, 0.0]


def test_the_bracket_is_written_with_the_entry(written: Written) -> None:
    (asset,) = written(STRATEGY, [[20.0]], close=80.0)
    assert (asset["stop_loss"], asset["take_profit"]) == (60.0, 120.0)


def test_the_bracket_stays_while_the_index_is_low(written: Written) -> None:
    (asset,) = written(STRATEGY, [[10.0]], targets=[1.0], close=70.0)
    assert asset["target"] == 1.0
    assert math.isnan(asset["stop_loss"])


def test_a_position_is_held_until_the_index_has_recovered(decided: Decided) -> None:
    assert decided(STRATEGY, [[60], [60.1]], targets=[0.5] * 2) == [0.5, 0.0]


@pytest.mark.parametrize("before", [0.0, 0.5])
def test_a_missing_index_changes_nothing(decided: Decided, before: float) -> None:
    assert decided(STRATEGY, [[math.nan]], targets=[before]) == [before]


def test_thresholds_that_would_buy_and_sell_at_once_are_infeasible() -> None:
    with pytest.raises(ValidationError, match="lower must be below upper, was lower=40 upper=40"):
        RsiBracket(lower=40, upper=40)


def test_feature_is_the_index_of_that_period() -> None:
    assert STRATEGY.features() == (RSI(5),)


FALL = [100.0, 99.0, 98.0, 97.0, 96.0, 95.0, 96.0]  # bought at 95, the open after the signal


@pytest.mark.parametrize(
    ("after", "exit_price"),
    [
        ([90.0, 80.0, 70.0, 60.0], 95.0 * 0.75),  # the stop, a quarter below
        ([110.0, 130.0, 150.0, 150.0], 95.0 * 1.5),  # the target, a half above
    ],
)
def test_in_a_run_the_bracket_is_about_the_fill(after: list[float], exit_price: float) -> None:
    closes = [*FALL, *after]
    bars = flat_bars([closes[0], *closes[:-1]], closes)
    strategy = RsiBracket(period=5, lower=30, upper=99, stop=0.25, profit=0.5)
    result = run_backtest(strategy, bars, terms_of(venue="ideal"), mode="plain")
    trips = result.round_trips.to_dict("records")
    assert [(trip["entry_price"], trip["exit_price"]) for trip in trips] == [(95.0, exit_price)]

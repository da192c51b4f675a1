"""The breakout buys new highs with a bracket, and leaves at new lows."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.fakes.panels import flat_bars
from tests.unit.strategies.conftest import Decided, Written

from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.strategies import ATR, Donchian, DonchianBreakout

# Upper, lower and middle of the entry's channel, those of the exit's, and the range.
FEATURES = [110.0, 80.0, 95.0, 105.0, 90.0, 97.5, 4.0]
STRATEGY = DonchianBreakout(stop=2.0, profit=5.0)


def test_a_close_above_the_channel_of_the_entry_is_bought(decided: Decided) -> None:
    targets = decided(STRATEGY, [FEATURES] * 4, close=[110.1, 110.0, 100.0, 85.0])
    assert targets == [0.25, 0.0, 0.0, 0.0]


def test_the_bracket_is_written_with_the_entry_in_true_ranges(written: Written) -> None:
    (asset,) = written(STRATEGY, [FEATURES], close=111.0)
    assert (asset["stop_loss"], asset["take_profit"]) == (111.0 - 8.0, 111.0 + 20.0)


def test_the_bracket_stays_while_the_position_does(written: Written) -> None:
    (asset,) = written(STRATEGY, [FEATURES], targets=[1.0], close=120.0)
    assert asset["target"] == 1.0
    assert math.isnan(asset["stop_loss"])
    assert math.isnan(asset["take_profit"])


def test_a_close_below_the_channel_of_the_exit_ends_the_position(decided: Decided) -> None:
    targets = decided(STRATEGY, [FEATURES] * 3, targets=[1.0] * 3, close=[89.9, 90.0, 100.0])
    assert targets == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("true_range", [math.nan, 0.0])
def test_without_a_range_there_is_no_bracket_and_no_entry(
    decided: Decided, true_range: float
) -> None:
    assert decided(STRATEGY, [[*FEATURES[:6], true_range]], close=120.0) == [0.0]


@pytest.mark.parametrize("before", [0.0, 1.0])
def test_missing_channels_change_nothing(decided: Decided, before: float) -> None:
    assert decided(STRATEGY, [[math.nan] * 7], targets=[before]) == [before]


def test_an_exit_channel_longer_than_that_of_the_entry_is_infeasible() -> None:
    message = "exit_period must be at most entry_period, was exit_period=21 entry_period=20"
    with pytest.raises(ValidationError, match=message):
        DonchianBreakout(entry_period=20, exit_period=21)


def test_features_are_the_channels_of_the_bars_before_and_the_range() -> None:
    strategy = DonchianBreakout(entry_period=9, exit_period=4, atr_period=7)
    assert strategy.features() == (Donchian(9, lag=1), Donchian(4, lag=1), ATR(7))


def run(closes: list[float], **parameters: Any) -> Any:
    """A run of a short channel over closes that are the next bar's opens."""
    opens = [closes[0], *closes[:-1]]
    strategy = DonchianBreakout(entry_period=3, exit_period=2, atr_period=2, **parameters)
    return run_backtest(strategy, flat_bars(opens, closes), terms_of(venue="ideal"), mode="plain")


# Ranges of 1 up to the breakout at 13; it is bought at the next open, 13.
RISE = [10.0, 11.0, 10.0, 11.0, 12.0, 13.0]


def test_in_a_run_the_stop_ends_the_position_at_its_distance() -> None:
    result = run([*RISE, 13.0, 9.0, 9.0], stop=2.0)
    (trip,) = result.round_trips.to_dict("records")
    (entry,) = [fill for fill in result.fills.to_dict("records") if fill["side"] == "buy"]
    assert entry["price"] == 12.0
    # The first close above all three highs before it is 12, after ranges of 1.
    assert trip["exit_price"] == 12.0 - 2.0


def test_in_a_run_the_target_ends_the_position_and_it_is_not_bought_again_at_once() -> None:
    rising = [*RISE, 16.0, 18.0, 20.0, 22.0]
    result = run(rising, profit=3.0)
    (trip,) = result.round_trips.to_dict("records")
    assert trip["exit_price"] == 12.0 + 3.0
    assert len(result.fills) == 2


def test_in_a_run_a_new_breakout_after_the_exit_channel_is_bought_again() -> None:
    closes = [*RISE, 16.0, 18.0, 14.0, 12.0, 11.0, 14.0, 19.0, 20.0]
    result = run(closes, profit=3.0)
    assert list(result.fills["side"]) == ["buy", "sell", "buy"]
    assert np.isclose(result.fills["price"].iloc[2], 19.0)

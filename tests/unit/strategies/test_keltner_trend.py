"""The trend is entered beyond the band, and a stop hangs from its highest price."""

import math

import pytest
from tests.fakes.panels import flat_bars
from tests.unit.strategies.conftest import Decided, Written

from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.strategies import Keltner, KeltnerTrend

BANDS = [100.0, 106.0, 94.0]  # a true range is 3 at a width of 2
STRATEGY = KeltnerTrend(width=2.0, trail=4.0)


def test_a_close_above_the_band_is_bought_in_equal_shares(decided: Decided) -> None:
    assert decided(STRATEGY, [BANDS] * 2, close=[106.1, 106.0]) == [0.5, 0.0]


def test_the_stop_trails_by_so_many_true_ranges_of_the_entry(written: Written) -> None:
    (asset,) = written(STRATEGY, [BANDS], close=107.0)
    assert asset["trailing_stop"] == 4.0 * 3.0


def test_the_distance_stays_while_the_position_does(written: Written) -> None:
    (asset,) = written(STRATEGY, [BANDS], targets=[1.0], close=107.0)
    assert math.isnan(asset["trailing_stop"])


def test_a_close_below_the_middle_ends_the_position(decided: Decided) -> None:
    assert decided(STRATEGY, [BANDS] * 2, targets=[0.5] * 2, close=[99.9, 100.0]) == [0.0, 0.5]


@pytest.mark.parametrize("before", [0.0, 1.0])
def test_missing_bands_change_nothing(decided: Decided, before: float) -> None:
    assert decided(STRATEGY, [[math.nan] * 3], targets=[before]) == [before]


def test_bands_of_no_width_are_not_left(decided: Decided) -> None:
    assert decided(STRATEGY, [[100.0] * 3], close=101.0) == [0.0]


def test_features_are_the_bands() -> None:
    strategy = KeltnerTrend(period=7, width=1.5, atr_period=3)
    assert strategy.features() == (Keltner(7, 1.5, 3),)


def test_in_a_run_the_stop_ends_the_position_below_its_highest_price() -> None:
    closes = [10.0, 11.0, 10.0, 11.0, 14.0, 17.0, 20.0, 20.0, 14.0, 14.0]
    bars = flat_bars([closes[0], *closes[:-1]], closes)
    strategy = KeltnerTrend(period=2, width=0.5, atr_period=2, trail=2.0)
    terms = terms_of(venue="ideal")
    result = run_backtest(strategy, bars, terms, mode="plain")
    trip = result.round_trips.to_dict("records")[0]
    entry_bar = list(bars.ts).index(trip["entry_ts"].value)
    # The true range at the entry's signal, by Wilder's means of two: 1, then (1 + 3) / 2.
    assert closes[entry_bar - 1] == 14.0
    assert trip["exit_price"] == 20.0 - 2.0 * 2.0

"""All that there is, in equal weights."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.panels import flat_bars
from tests.unit.strategies.conftest import Decided

from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.options import FillOptions
from fanfold.strategies import BuyAndHold


def test_every_asset_has_an_equal_weight(decided: Decided) -> None:
    assert decided(BuyAndHold(), [[]] * 4) == [0.25] * 4
    assert decided(BuyAndHold(invested=0.5), [[]] * 4) == [0.125] * 4


def test_assets_that_have_not_traded_yet_have_none(decided: Decided) -> None:
    closes = [math.nan, 0.0, 50.0, 20.0]
    assert decided(BuyAndHold(), [[]] * 4, close=closes) == [0.0, 0.0, 0.5, 0.5]


def test_a_missing_bar_moves_no_weight(decided: Decided) -> None:
    assert decided(BuyAndHold(), [[]] * 2, fresh=[0, 1]) == [0.5, 0.5]


def test_assets_outside_the_universe_leave_their_weight_to_the_others(decided: Decided) -> None:
    assert decided(BuyAndHold(), [[]] * 3, member=[1, 0, 1]) == [0.5, 0.0, 0.5]


def test_without_assets_nothing_is_held(decided: Decided) -> None:
    assert decided(BuyAndHold(), [[]] * 2, member=0) == [0.0, 0.0]


@given(
    closes=st.lists(st.sampled_from([math.nan, 0.0, 1.0, 5.0]), min_size=1, max_size=8),
)
def test_weights_add_up_to_what_is_invested(decided: Decided, closes: list[float]) -> None:
    targets = decided(BuyAndHold(invested=0.8), [[]] * len(closes), close=closes)
    has_any = any(close > 0 for close in closes)
    # A sum of eight equal shares may be off by a rounding each.
    assert math.isclose(sum(targets), 0.8 if has_any else 0.0, rel_tol=1e-15 * 8)


def test_quantities_stay_without_a_band_and_weights_with_one() -> None:
    doubling = np.column_stack([np.linspace(100.0, 300.0, 40), np.full(40, 100.0)])
    bars = flat_bars(doubling)
    held = run_backtest(BuyAndHold(), bars, terms_of(venue="ideal"), mode="plain")
    options = FillOptions(rebalance_band=0.05)
    terms = terms_of(venue="ideal", options=options)
    banded = run_backtest(BuyAndHold(), bars, terms, mode="plain")
    assert len(held.fills) == 2
    sides = banded.fills.groupby("symbol")["side"].agg(set).to_dict()
    assert sides == {"A0": {"buy", "sell"}, "A1": {"buy"}}

"""The pair is opened where its ratio is far from its mean and closed where it is near."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.fakes.panels import flat_bars
from tests.fakes.runs import run
from tests.unit.strategies.conftest import Decided

from fanfold.engine.backtest import terms_of
from fanfold.errors import ConfigError
from fanfold.strategies import PairsTrading, RatioZScore, RollingBeta

# `decided` names its assets A0, A1 and so on.
STRATEGY = PairsTrading(first="A0", second="A1", entry=2.0, exit=0.5, stop=4.0, gross=1.0)
OTHER = [0.0, 1.0]  # the second asset against itself


def after(
    decided: Decided, score: float, *, beta: float = 1.0, before: Sequence[float] = (0.0, 0.0)
) -> list[float]:
    """Targets after one decision at that score."""
    return decided(STRATEGY, [[score, beta], OTHER], targets=before)


@pytest.mark.parametrize(
    ("score", "first"), [(2.1, -0.5), (-2.1, 0.5), (2.0, 0.0), (-2.0, 0.0), (0.0, 0.0)]
)
def test_a_dear_first_asset_is_sold_and_a_cheap_one_bought(
    decided: Decided, score: float, first: float
) -> None:
    assert after(decided, score) == [first, -first]


def test_the_second_asset_is_held_against_it_by_the_slope(decided: Decided) -> None:
    # 1 to 3 of the first to the second, together all of the gross.
    assert after(decided, 3.0, beta=3.0) == [-0.25, 0.75]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_pair_keeps_its_sizes_until_the_ratio_is_back(decided: Decided, side: float) -> None:
    opened = [-0.4 * side, 0.6 * side]
    assert after(decided, 0.6 * side, beta=0.5, before=opened) == opened
    assert after(decided, 3.9 * side, beta=0.5, before=opened) == opened
    assert after(decided, 0.5 * side, before=opened) == [0.0, 0.0]
    assert after(decided, -3.0 * side, before=opened) == [0.0, 0.0]


@pytest.mark.parametrize("score", [4.0, 5.0])
def test_a_ratio_beyond_the_stop_opens_nothing_and_ends_the_pair(
    decided: Decided, score: float
) -> None:
    assert after(decided, score) == [0.0, 0.0]
    assert after(decided, score, before=[-0.4, 0.6]) == [0.0, 0.0]


@pytest.mark.parametrize("beta", [0.0, -0.5, math.nan])
def test_assets_that_do_not_move_together_are_no_pair(decided: Decided, beta: float) -> None:
    assert after(decided, 3.0, beta=beta) == [0.0, 0.0]
    assert after(decided, 3.0, beta=beta, before=[-0.4, 0.6]) == [0.0, 0.0]


def test_without_a_score_there_is_no_pair(decided: Decided) -> None:
    assert after(decided, math.nan) == [0.0, 0.0]
    assert after(decided, math.nan, before=[-0.4, 0.6]) == [0.0, 0.0]


@pytest.mark.parametrize("before", [[0.0, 0.0], [0.4, -0.6]])
@pytest.mark.parametrize("fresh", [[0, 1], [1, 0]])
def test_a_bar_that_one_of_them_lacks_changes_nothing(
    decided: Decided, fresh: list[int], before: list[float]
) -> None:
    assert decided(STRATEGY, [[3.0, 1.0], OTHER], targets=before, fresh=fresh) == before


def test_the_pair_is_found_by_its_symbols_and_others_are_left_alone(decided: Decided) -> None:
    strategy = STRATEGY.model_copy(update={"first": "A2", "second": "A0"})
    features = [OTHER, [3.0, 1.0], [3.0, 1.0]]
    assert decided(strategy, features, targets=[0.0, 0.25, 0.0]) == [0.5, 0.25, -0.5]


@given(
    score=st.floats(),
    beta=st.floats(),
    before=st.sampled_from([[0.0, 0.0], [0.4, -0.6], [-0.9, 0.1]]),
)
def test_targets_are_finite_and_against_each_other(
    decided: Decided, score: float, beta: float, before: list[float]
) -> None:
    if math.isinf(beta):
        beta = 1e308  # the slope of the features is finite
    first, second = after(decided, score, beta=beta, before=before)
    assert first * second <= 0.0
    # Two shares of one are each rounded once.
    assert abs(first) + abs(second) <= 1.0 + 1e-15


def parted(bars: int = 60) -> Any:
    """Closes of two assets that move together, and part once before they meet again."""
    second = 50.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.0, 0.02, bars)))
    spread = np.random.default_rng(5).normal(0.0, 0.002, bars)
    spread[40:44] += [0.006, 0.005, 0.004, 0.003]
    return np.column_stack([2.0 * second * np.exp(spread), second])


def test_in_a_run_both_are_opened_and_closed_together() -> None:
    bars = flat_bars(parted(), symbols=["DEAR", "CHEAP"])
    strategy = PairsTrading(first="DEAR", second="CHEAP", period=20)
    result = run(strategy, bars, terms_of(venue="ideal"))
    trips = result.round_trips
    assert set(trips["symbol"]) == {"DEAR", "CHEAP"}
    for _, pair in trips.groupby("entry_ts"):
        assert len(pair) == 2
        assert pair["exit_ts"].nunique() == 1
        assert pair["quantity"].prod() < 0
    # The parting at bar 40: the first is sold at the next bar's open.
    (sold,) = trips[(trips["symbol"] == "DEAR") & (trips["entry_ts"].map(bar_of(bars)) == 41)][
        "quantity"
    ]
    assert sold < 0


def bar_of(bars: Any) -> Any:
    """Which bar ends at a time."""
    places = {ts: bar for bar, ts in enumerate(bars.ts.tolist())}
    return lambda time: places[time.value]


def test_in_a_run_the_order_of_the_bars_assets_does_not_matter() -> None:
    strategy = PairsTrading(first="X", second="Y", period=20)
    one = run(strategy, flat_bars(parted(), symbols=["X", "Y"]), terms_of(venue="ideal"))
    other = run(strategy, flat_bars(parted()[:, ::-1], symbols=["Y", "X"]), terms_of(venue="ideal"))
    assert one.final_cash == other.final_cash
    assert len(one.fills) == len(other.fills) > 0


@pytest.mark.parametrize(
    "missing", [{"first": "X", "second": "A1"}, {"first": "A0", "second": "X"}]
)
def test_an_asset_that_the_bars_lack_is_refused(missing: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="'X'"):
        run(PairsTrading(**missing, period=20), flat_bars(parted()), terms_of())


def test_a_pair_has_to_be_named() -> None:
    with pytest.raises(ValidationError, match="first"):
        PairsTrading.model_validate({"second": "IBM"})


def test_an_asset_against_itself_is_infeasible() -> None:
    message = "first and second must be two assets, were both IBM"
    with pytest.raises(ValidationError, match=message):
        PairsTrading(first="IBM", second="IBM")


@pytest.mark.parametrize(("exit_", "entry", "stop"), [(2.0, 2.0, 4.0), (0.5, 4.0, 4.0)])
def test_distances_that_are_not_in_order_are_infeasible(
    exit_: float, entry: float, stop: float
) -> None:
    message = f"was exit={exit_:g} entry={entry:g} stop={stop:g}"
    with pytest.raises(ValidationError, match=message):
        PairsTrading(first="IBM", second="MSFT", exit=exit_, entry=entry, stop=stop)


def test_features_are_the_score_of_the_ratio_and_the_slope() -> None:
    strategy = PairsTrading(first="IBM", second="MSFT", period=30)
    assert strategy.features() == (RatioZScore(30, "MSFT"), RollingBeta(30, "MSFT"))

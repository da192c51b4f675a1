"""What all shipped strategies promise."""

import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.fakes.panels import wild_bars
from tests.fakes.runs import run, run_bar_by_bar, tape_of
from tests.unit.strategies.conftest import Written

import fanfold.strategies
from fanfold.domain.compiled import Compiled
from fanfold.engine.backtest import backtest, terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.step.runner import can_ask_ahead
from fanfold.execution.costs import Costs
from fanfold.market.load import load_bars
from fanfold.strategies import (
    AdxTrend,
    BollingerReversion,
    BuyAndHold,
    CrossSectionalReversal,
    DonchianBreakout,
    GradientBoosting,
    KeltnerTrend,
    LearningStrategy,
    MacdTrend,
    MomentumRotation,
    PairsTrading,
    RsiBracket,
    RsiReversion,
    SmaCross,
    Strategy,
    TurnOfMonth,
    VolatilityTargetTrend,
)
from fanfold.strategies.strategy import (
    decision_of,
    features_of,
    learns,
    memory_of,
    params_of,
)

QUICK: tuple[Strategy, ...] = (
    AdxTrend(period=2, threshold=20.0),
    BollingerReversion(period=5, width=1.0),
    BuyAndHold(),
    CrossSectionalReversal(lookback=2, every=2),
    DonchianBreakout(entry_period=3, exit_period=2, atr_period=2, stop=1.0, profit=2.0),
    GradientBoosting(horizon=2, lookback=5, rounds=20),
    KeltnerTrend(period=3, width=0.5, atr_period=2, trail=1.5),
    MacdTrend(fast=2, slow=5, signal=2),
    MomentumRotation(lookback=5, top=2, every=3),
    PairsTrading(first="A0", second="A1", period=10, entry=1.0, exit=0.2),
    RsiBracket(period=2, stop=0.05, profit=0.05),
    RsiReversion(period=2),
    SmaCross(fast=2, slow=5),
    TurnOfMonth(period=5),
    VolatilityTargetTrend(lookback=20, period=5),
)
"""Each shipped strategy, quick enough to trade in a few dozen bars."""

SHIPPED = tuple(type(strategy) for strategy in QUICK)
NAMED: dict[type[Strategy], dict[str, str]] = {
    PairsTrading: {"first": "IBM", "second": "MSFT"},
}
"""Parameters without a default: which assets of the packaged sample are meant."""

COMPILED = tuple(strategy for strategy in QUICK if isinstance(decision_of(strategy), Compiled))

each = pytest.mark.parametrize("strategy", SHIPPED)
each_compiled = pytest.mark.parametrize("strategy", COMPILED, ids=lambda one: type(one).__name__)


def made_of(strategy: type[Strategy], **parameters: Any) -> Strategy:
    """The strategy with its defaults, but for these parameters."""
    return strategy(**(NAMED.get(strategy, {}) | parameters))


def numbers_of(strategy: type[Strategy]) -> dict[str, Any]:
    """Schemas of all parameters that are numbers."""
    properties: dict[str, Any] = strategy.model_json_schema()["properties"]
    return {name: field for name, field in properties.items() if field["type"] != "string"}


def test_these_are_all() -> None:
    public = [getattr(fanfold.strategies, name) for name in fanfold.strategies.__all__]
    found = [kind for kind in public if isinstance(kind, type) and issubclass(kind, Strategy)]
    assert set(found) - {Strategy, LearningStrategy} == set(SHIPPED)


@each
def test_every_parameter_has_bounds_for_the_search(strategy: type[Strategy]) -> None:
    properties: dict[str, Any] = strategy.model_json_schema()["properties"]
    assert set(properties) == set(strategy.model_fields)
    assert {name for name in properties if properties[name]["type"] == "string"} == set(
        NAMED.get(strategy, {})
    )
    for field in numbers_of(strategy).values():
        assert field["minimum"] < field["maximum"]
        assert field["minimum"] <= field["default"] <= field["maximum"]


@each
def test_a_parameter_out_of_its_bounds_is_refused(strategy: type[Strategy]) -> None:
    for name, field in numbers_of(strategy).items():
        for beyond in (field["minimum"] - 1, field["maximum"] + 1, float("nan")):
            with pytest.raises(ValidationError, match=name):
                made_of(strategy, **{name: beyond})


@each
def test_an_unknown_parameter_is_refused(strategy: type[Strategy]) -> None:
    with pytest.raises(ValidationError, match="colour"):
        made_of(strategy, colour=1)


@each
def test_its_parts_pass_the_checks_of_the_base(strategy: type[Strategy]) -> None:
    made = made_of(strategy)
    assert callable(decision_of(made))
    assert len(params_of(made, load_bars("sample").symbols)) == len(strategy.model_fields)
    assert features_of(made) == made.features()
    assert memory_of(made, 500) >= 0


@each
def test_it_says_where_it_comes_from_and_when_it_fails(strategy: type[Strategy]) -> None:
    assert "Source: " in (strategy.__doc__ or "")
    assert "It fails " in (strategy.__doc__ or "")


@each
def test_its_result_on_the_sample_is_the_one_it_states(strategy: type[Strategy]) -> None:
    stated = re.sub(r"\s+", " ", strategy.__doc__ or "")
    pair = " and ".join(NAMED.get(strategy, {}).values())
    sample = f"packaged sample's {pair}" if pair else "packaged sample"
    bars, made, start, years = load_bars("sample"), made_of(strategy), None, "2000-03 to 2013-03"
    if learns(strategy):
        # What is run was not there to be learned from.
        start = int(np.searchsorted(bars.ts, np.datetime64("2007-01-01", "ns").astype(np.int64)))
        made = made.fit(bars, [(0, start)])
        years = "fitted on 2000-03 to 2006-12, run on 2007-01 to 2013-03"
    found = backtest(made, bars, costs=Costs(slippage_bps=5), start_bar=start).metrics
    assert (
        f"On the {sample} ({years}, defaults, 5 bps slippage): "
        f"CAGR {100 * found['cagr']:.1f} %, Sharpe {found['sharpe']:.2f}, "
        f"largest drawdown {100 * found['max_drawdown']:.0f} %, "
        f"{found['round_trip_count']:.0f} round trips."
    ) in stated


def test_the_sample_is_of_the_years_that_are_stated() -> None:
    ends = load_bars("sample").ts[[0, -1]].astype("datetime64[ns]").astype("datetime64[M]")
    assert [str(month) for month in ends] == ["2000-03", "2013-03"]


@each_compiled
def test_it_looks_at_the_market_only_so_it_is_asked_ahead(strategy: Strategy) -> None:
    decide = decision_of(strategy)
    assert isinstance(decide, Compiled)
    assert can_ask_ahead(decide)


@each_compiled
@settings(max_examples=5)
@given(
    seed=st.integers(0, 2**32 - 1),
    events=st.booleans(),
    rearm=st.sampled_from(["on_change", "next_bar", "never"]),
    delay_bars=st.sampled_from([1, 3]),
)
def test_asked_ahead_it_runs_as_bar_by_bar(
    *, strategy: Strategy, seed: int, events: bool, rearm: Any, delay_bars: int
) -> None:
    bars = wild_bars(seed, 80, 3, events=events)
    options = FillOptions(rearm=rearm, delay_bars=delay_bars)
    terms = terms_of(cash=1e6, costs=Costs(slippage_bps=5), options=options)
    ahead, by_bar = run(strategy, bars, terms), run_bar_by_bar(strategy, bars, terms)
    assert tape_of(ahead) == tape_of(by_bar)


@each_compiled
@pytest.mark.parametrize("seed", [1, 2])
def test_on_wild_bars_it_trades(strategy: Strategy, seed: int) -> None:
    """The runs above would prove nothing of a strategy that never trades there."""
    result = run(strategy, wild_bars(seed, 80, 3), terms_of(cash=1e6))
    assert result.metrics["fill_count"] > 0


VALUE = st.one_of(st.sampled_from([float("nan"), 0.0, 100.0]), st.floats(-1e6, 1e6))


@each_compiled
@given(data=st.data(), count=st.integers(1, 4))
def test_compiled_and_plain_decide_alike(
    written: Written, strategy: Strategy, data: st.DataObject, count: int
) -> None:
    def drawn(values: st.SearchStrategy[Any], size: int) -> Sequence[Any]:
        return data.draw(st.lists(values, min_size=size, max_size=size))

    places = sum(feature.output_count for feature in strategy.features())
    # `written` itself compares every byte of both; the plain `math` must not raise either.
    assets = written(
        strategy,
        [drawn(VALUE, places) for _ in range(max(count, 2))],
        targets=drawn(st.sampled_from([-0.5, 0.0, 0.25]), max(count, 2)),
        close=drawn(VALUE, max(count, 2)),
        fresh=drawn(st.integers(0, 1), max(count, 2)),
        member=drawn(st.integers(0, 1), max(count, 2)),
        is_month_end=data.draw(st.integers(0, 1)),
    )
    assert all(target - target == 0.0 for target in assets["target"])


def test_importing_strategies_loads_no_compiler_and_no_frames() -> None:
    heavy = ("numba", "pandas", "pyarrow", "scipy", "sklearn", "ray", "mlflow")
    code = f"import sys, fanfold.strategies; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""From targets to quantities, by each rule."""

import math
from decimal import Decimal

import pytest
from tests.unit.engine.rules.conftest import Ran, fills, flat, market, orders

from fanfold.execution.costs import Costs
from fanfold.strategies.sizing import (
    Exposure,
    FixedNotional,
    FixedUnits,
    Kelly,
    RiskFraction,
    VolatilityTarget,
)

CALM = flat(10.0)
LONG, SHORT = {"target": 1.0}, {"target": -1.0}


def test_exposure_is_a_share_of_equity_at_the_decision_s_close(run: Ran) -> None:
    bars = [CALM, (10.0, 12.0, 10.0, 12.0), flat(12.5), flat(12.5)]
    result = run(bars, {0: {"target": 0.5}, 1: {"target": 0.25}}, sizing=Exposure())
    # 500 at 10; then 25 % of 11,000 at 12: 229.17.
    assert [each[:3] for each in fills(result)] == [(1, "buy", 500.0), (2, "sell", 271.0)]


def test_exposure_at_the_fill_is_a_share_of_equity_there_costs_included(run: Ran) -> None:
    bars = [CALM, flat(12.5), flat(12.5)]
    result = run(
        bars, {0: LONG}, sizing=Exposure(), options={"size_at": "fill"},
        costs=Costs(commission_bps=100.0),
    )  # fmt: skip
    # 10,000 / 12.625 = 792.08.
    assert fills(result) == [(1, "buy", 792.0, 12.5)]


def test_an_order_with_a_price_is_sized_when_it_is_decided(run: Ran) -> None:
    bars = [CALM, (9.0, 9.0, 8.0, 9.0), flat(9.0)]
    wish = {"target": 0.5, "limit": 9.5}
    result = run(bars, {0: wish}, sizing=Exposure(), options={"size_at": "fill"})
    assert fills(result) == [(1, "buy", 500.0, 9.0)]


def test_fixed_units_are_the_same_for_any_target(run: Ran) -> None:
    for target in (0.3, 1.0, -2.0):
        result = run([CALM] * 3, {0: {"target": target}}, sizing=FixedUnits(42))
        assert fills(result)[0][1:3] == ("buy" if target > 0 else "sell", 42.0)


def test_a_fixed_notional_is_so_much_money_when_it_is_sized(run: Ran) -> None:
    result = run([flat(30.0)] * 3, {0: LONG}, sizing=FixedNotional(1_000.0))
    assert fills(result) == [(1, "buy", 33.0, 30.0)]
    parts = run(
        [flat(30.0)] * 3, {0: SHORT}, sizing=FixedNotional(1_000.0), options={"fractional": True}
    )
    assert fills(parts) == [(1, "sell", 33.333333333, 30.0)]


def test_a_risk_fraction_loses_its_share_where_the_stop_is_hit(run: Ran) -> None:
    bars = [CALM, CALM, (10.0, 10.0, 8.0, 9.0), flat(9.0)]
    result = run(bars, {0: LONG | {"stop_loss": 9.5}}, sizing=RiskFraction(0.01))
    # 100 of 10,000 over 0.5 a share.
    assert [each[1:] for each in fills(result)] == [("buy", 200.0, 10.0), ("sell", 200.0, 9.5)]
    assert result.final_cash == Decimal(9_900)


def test_a_risk_fraction_of_a_short_goes_by_a_stop_above(run: Ran) -> None:
    wish = {"target": -0.5, "stop_loss": 10.25}
    result = run([CALM] * 3, {0: wish}, sizing=RiskFraction(0.01))
    assert fills(result) == [(1, "sell", 200.0, 10.0)]


def test_a_risk_fraction_without_a_stop_is_refused_by_name(run: Ran) -> None:
    result = run([CALM] * 4, {0: LONG}, sizing=RiskFraction(0.01))
    assert orders(result, "status", "reason") == [("refused", "no_stop_loss")]
    assert len(result.fills) == 0


def test_a_risk_fraction_after_a_split_is_in_the_prices_that_are_seen(run: Ran) -> None:
    bars = market([flat(30.0), flat(30.0), CALM, CALM, CALM], splits={(2, 0): 3.0})
    result = run(bars, {2: LONG | {"stop_loss": 28.5}}, sizing=RiskFraction(0.01))
    assert fills(result) == [(3, "buy", 200.0, 10.0)]


# Returns 2 %, -1 %, 2 %, -1 %: mean 0.005, sample variance 0.0003, so mean / variance is 16.67.
RETURNS = (0.02, -0.01, 0.02, -0.01)
CLOSES = [10.0 * math.prod(1 + each for each in RETURNS[:count]) for count in range(5)]
DRIFTING = [flat(each) for each in CLOSES] + [flat(CLOSES[-1])] * 2


def test_kelly_holds_a_fraction_of_mean_over_variance(run: Ran) -> None:
    sizing = Kelly(fraction=0.03, window=4, cap=5.0)
    result = run(DRIFTING, {4: LONG}, sizing=sizing, options={"fractional": True})
    (fill,) = fills(result)
    # Half of equity at the close, which is a mark in millionths.
    assert fill[0] == 5
    assert fill[2] == pytest.approx(0.03 * 0.005 / 0.0003 * 10_000 / round(CLOSES[4], 6), rel=1e-9)


def test_kelly_is_capped(run: Ran) -> None:
    sizing = Kelly(fraction=0.5, window=4, cap=0.8)
    result = run(DRIFTING, {4: LONG}, sizing=sizing, options={"fractional": True})
    assert fills(result)[0][2] == pytest.approx(0.8 * 10_000 / round(CLOSES[4], 6), rel=1e-9)


def test_kelly_has_no_size_against_the_past_mean(run: Ran) -> None:
    result = run(DRIFTING, {4: SHORT}, sizing=Kelly(fraction=0.03, window=4))
    assert len(result.fills) == 0


def test_a_volatility_target_holds_the_multiple_of_what_was_realised(run: Ran) -> None:
    sizing = VolatilityTarget(volatility=0.15, window=4, cap=5.0)
    result = run(DRIFTING, {4: {"target": 0.5}}, sizing=sizing, options={"fractional": True})
    logs = [math.log(1 + each) for each in RETURNS]
    mean = sum(logs) / 4
    yearly = math.sqrt(sum((each - mean) ** 2 for each in logs) / 3 * 252)
    (fill,) = fills(result)
    assert fill[2] == pytest.approx(0.5 * 0.15 / yearly * 10_000 / round(CLOSES[4], 6), rel=1e-9)


def test_a_scaled_sizing_starts_with_its_first_scale(run: Ran) -> None:
    result = run(DRIFTING, {0: LONG}, sizing=VolatilityTarget(window=4))
    assert result.first == 4
    assert [each[0] for each in fills(result)] == [5]


def test_whole_lots_are_rounded_towards_zero(run: Ran) -> None:
    for target, side in ((0.0999, "buy"), (-0.0999, "sell")):
        result = run([CALM] * 3, {0: {"target": target}}, sizing=Exposure())
        assert fills(result) == [(1, side, 99.0, 10.0)]


def test_a_change_below_the_smallest_trade_sends_nothing_but_an_exit_does(run: Ran) -> None:
    script = {0: {"target": 0.1}, 2: {"target": 0.105}, 4: {"target": 0.0}}
    options = {"min_trade_notional": 60.0}
    result = run([CALM] * 7, script, sizing=Exposure(), options=options)
    assert [each[:3] for each in fills(result)] == [(1, "buy", 100.0), (5, "sell", 100.0)]


def test_the_rebalancing_band_is_off_unless_it_is_given(run: Ran) -> None:
    bars = [CALM, CALM, flat(20.0), flat(20.0), flat(20.0)]
    idle = run(bars, {0: {"target": 0.5}}, sizing=Exposure())
    assert len(idle.fills) == 1
    banded = run(bars, {0: {"target": 0.5}}, sizing=Exposure(), options={"rebalance_band": 0.1})
    # 10,000 of 15,000 are two thirds; half of it are 375.
    assert fills(banded)[1:] == [(3, "sell", 125.0, 20.0)]

"""Shocks as settings write them, and what they do to a covariance and to costs."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fanfold.errors import ConfigError, DataError
from fanfold.execution.costs import Costs
from fanfold.research.shocks import (
    CorrelationToOne,
    Gap,
    LiquidityGone,
    Shock,
    SpreadTimes,
    VolatilityTimes,
    gaussian_components,
    gaussian_figures,
    shocked_costs,
    shocked_covariance,
    shocked_places,
)

SHOCKS: TypeAdapter[Any] = TypeAdapter(Shock)

COVARIANCE = np.array([[0.0004, 0.0001], [0.0001, 0.0001]])


@pytest.mark.parametrize(
    ("written", "shock", "label"),
    [
        (
            {"kind": "gap", "size": -0.2, "symbols": ["AAPL"], "at": "2008-10-06"},
            Gap(-0.2, symbols=("AAPL",), at=date(2008, 10, 6)),
            "gap of -20 % in AAPL",
        ),
        ({"kind": "gap", "size": 0.15}, Gap(0.15), "gap of +15 %"),
        ({"kind": "volatility_times", "factor": 2}, VolatilityTimes(2.0), "volatility × 2"),
        ({"kind": "correlation_to_one"}, CorrelationToOne(), "correlation to one"),
        ({"kind": "liquidity_gone", "bars": 5}, LiquidityGone(5), "no liquidity for 5 bars"),
        ({"kind": "spread_times", "factor": 2.5}, SpreadTimes(2.5), "spread × 2.5"),
    ],
)
def test_settings_write_a_shock_by_its_kind(
    written: dict[str, Any], shock: Shock, label: str
) -> None:
    assert SHOCKS.validate_python(written) == shock
    assert SHOCKS.validate_python(shock.model_dump(mode="json")) == shock
    assert shock.label == label


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "gap", "size": -1.0},
        {"kind": "gap", "size": 11.0},
        {"kind": "gap", "size": float("nan")},
        {"kind": "gap", "size": -0.2, "symbols": []},
        {"kind": "gap", "size": -0.2, "asset": "AAPL"},
        {"kind": "volatility_times", "factor": 0.0},
        {"kind": "volatility_times", "factor": 1e9},
        {"kind": "liquidity_gone", "bars": 0},
        {"kind": "liquidity_gone", "bars": 10_001},
        {"kind": "spread_times", "factor": -1.0},
        {"kind": "meteor"},
    ],
)
def test_what_no_shock_can_be_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SHOCKS.validate_python(written)


def test_a_shock_of_named_assets_hits_these() -> None:
    assert shocked_places(Gap(-0.1, symbols=("C", "A")), ["A", "B", "C"]) == [2, 0]
    assert shocked_places(VolatilityTimes(2.0), ["A", "B"]) == [0, 1]
    with pytest.raises(DataError, match="nearest: 'AAPL'"):
        shocked_places(LiquidityGone(1, symbols=("APPL",)), ["AAPL"])


def test_volatility_times_multiplies_deviations_and_keeps_correlations() -> None:
    after = shocked_covariance(COVARIANCE, VolatilityTimes(3.0))
    np.testing.assert_allclose(np.sqrt(np.diag(after)), [0.06, 0.03], rtol=1e-12)
    assert after[0, 1] / (0.06 * 0.03) == pytest.approx(0.5)
    assert (shocked_covariance(COVARIANCE, VolatilityTimes(1.0)) == COVARIANCE).all()


def test_correlation_to_one_keeps_deviations() -> None:
    after = shocked_covariance(COVARIANCE, CorrelationToOne())
    np.testing.assert_allclose(after, [[0.0004, 0.0002], [0.0002, 0.0001]], rtol=1e-12)


def test_other_shocks_leave_a_covariance() -> None:
    assert shocked_covariance(COVARIANCE, Gap(-0.1)) is COVARIANCE


def test_a_spread_is_what_stands_between_a_fill_and_its_reference() -> None:
    costs = Costs(
        commission_bps=1.0,
        commission_per_unit=0.005,
        commission_per_trade=1.0,
        commission_min=2.0,
        slippage_bps=3.0,
        half_spread=0.01,
        volatility_slippage=0.1,
        impact=0.5,
        borrow_rate=0.02,
        margin_rate=0.05,
        schedule="alpaca",
    )
    wider = costs.model_dump() | {
        "slippage_bps": 6.0,
        "half_spread": 0.02,
        "volatility_slippage": 0.2,
    }
    assert shocked_costs(costs, SpreadTimes(2.0)).model_dump() == wider
    assert shocked_costs(costs, SpreadTimes(1.0)) == costs
    assert shocked_costs(costs, VolatilityTimes(2.0)) is costs


def test_a_spread_beyond_what_can_be_meant_is_refused() -> None:
    with pytest.raises(ConfigError, match="leave slippage_bps at most 5000, was 10000"):
        shocked_costs(Costs(slippage_bps=100.0), SpreadTimes(100.0))


def test_gaussian_figures_are_those_of_the_tables() -> None:
    # 1,000 in an asset of 2 % and -1,000 in one of 1 %: variance 400 + 100 - 200.
    figures = gaussian_figures(np.array([1_000.0, -1_000.0]), COVARIANCE, 0.99)
    deviation = 300.0**0.5
    assert figures == pytest.approx(
        {
            "deviation_currency": deviation,
            "value_at_risk_currency": 2.3263479 * deviation,
            "expected_shortfall_currency": 2.6652142 * deviation,
            "loss_of_three_deviations_currency": 3.0 * deviation,
        },
        rel=1e-6,
    )


@given(exposures=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2))
def test_components_add_up_to_the_value_at_risk(exposures: list[float]) -> None:
    held = np.array(exposures)
    total = gaussian_figures(held, COVARIANCE, 0.95)["value_at_risk_currency"]
    parts = gaussian_components(held, COVARIANCE, 0.95)
    assert parts.sum() == pytest.approx(total, rel=1e-9, abs=1e-9)


def test_nothing_held_has_no_risk() -> None:
    assert gaussian_components(np.zeros(2), COVARIANCE, 0.95).tolist() == [0.0, 0.0]
    figures = gaussian_figures(np.zeros(2), COVARIANCE, 0.95)
    assert set(figures.values()) == {0.0}

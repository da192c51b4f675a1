"""Costs against exact decimals, in plain Python and in machine code."""

import math
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.fakes.both_ways import both_ways

from fanfold.domain.money import MICRO, MONEY_MAX, RATE_ONE
from fanfold.execution.costs import (
    SLIPPAGE_MAX,
    Costs,
    ceil_cent,
    commission,
    fill_price,
    limited_price,
    night_interest,
    order_fee,
    slippage_of,
    unit_fee,
)

AMOUNTS = st.integers(0, MONEY_MAX // 4)
UNITS = st.integers(1, 10**9)
COSTS_OF_AN_ORDER = st.integers(0, 100 * MICRO)
NONE = math.nan


def half_even(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_EVEN))


def test_every_cost_is_off_by_default() -> None:
    costs = Costs()
    assert (costs.commission_rate, costs.per_unit_rate, costs.per_trade, costs.minimum) == (0,) * 4
    assert (costs.borrow_rate_exact, costs.margin_rate_exact, costs.slippage_share) == (0, 0, 0.0)
    assert not costs.has_fees
    assert not costs.slippage_varies
    assert not costs.needs_real_units
    assert not costs.needs_volume
    assert not costs.needs_volatility


def test_costs_reach_compiled_code_as_exact_integers() -> None:
    costs = Costs(
        commission_bps=10,
        commission_per_unit=0.0035,
        commission_per_trade=4.95,
        commission_min=0.35,
        borrow_rate=0.003,
        margin_rate=0.0625,
    )
    assert costs.commission_rate == 1_000_000
    assert costs.per_unit_rate == 3_500_000
    assert costs.per_trade == 4_950_000
    assert costs.minimum == 350_000
    assert costs.borrow_rate_exact == 3_000_000
    assert costs.margin_rate_exact == 62_500_000
    assert costs.has_fees


@pytest.mark.parametrize(
    ("fields", "real_units", "volume", "volatility", "varies"),
    [
        ({"commission_bps": 1, "slippage_bps": 1}, False, False, False, False),
        ({"commission_per_unit": 0.01}, True, False, False, False),
        ({"half_spread": 0.01}, True, False, False, True),
        ({"volatility_slippage": 0.1}, False, False, True, True),
        ({"impact": 1}, True, True, True, True),
        ({"schedule": "alpaca"}, True, False, False, False),
        ({"commission_per_trade": 1, "commission_min": 1}, False, False, False, False),
    ],
)
def test_costs_say_what_they_need(
    *, fields: dict[str, Any], real_units: bool, volume: bool, volatility: bool, varies: bool
) -> None:
    costs = Costs(**fields)
    assert costs.needs_real_units == real_units
    assert costs.needs_volume == volume
    assert costs.needs_volatility == volatility
    assert costs.slippage_varies == varies


@pytest.mark.parametrize("name", [name for name in Costs.model_fields if name != "schedule"])
@pytest.mark.parametrize("value", [-0.01, math.nan, math.inf, 1e9, "much", None])
def test_a_cost_that_cannot_be_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        Costs(**{name: value})


def test_an_unknown_schedule_or_cost_is_refused() -> None:
    with pytest.raises(ValidationError, match="'none' or 'alpaca'"):
        Costs(schedule="broker")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Costs(commission_pct=1)  # pyright: ignore[reportCallIssue]


def test_slippage_is_the_sum_of_its_four_terms() -> None:
    # 10 bps + 0.05 of 50 + a tenth of 2 % + 2 % times the root of 1 % of the volume
    expected = 0.001 + 0.001 + 0.002 + 0.002
    found = both_ways(slippage_of, 0.001, 0.05, 0.1, 1.0, 50.0, 1_000.0, 0.02, 100_000.0)
    assert found == pytest.approx(expected, rel=1e-12)  # four roundings


def test_slippage_that_is_off_does_not_look_at_what_is_unknown() -> None:
    assert both_ways(slippage_of, 0.001, 0.0, 0.0, 0.0, NONE, NONE, NONE, NONE) == 0.001
    found = both_ways(slippage_of, 0.0, 0.0, 0.5, 0.0, NONE, NONE, 0.01, NONE)
    assert found == 0.005


@pytest.mark.parametrize(("volatility", "volume"), [(NONE, 1e6), (0.02, NONE), (0.02, 0.0)])
def test_slippage_of_what_is_unknown_is_never_flattering(volatility: float, volume: float) -> None:
    found = both_ways(slippage_of, 0.0, 0.0, 0.0, 1.0, 50.0, 10.0, volatility, volume)
    assert found == SLIPPAGE_MAX


@given(
    fixed=st.floats(0, 0.5),
    spread=st.floats(0, 10),
    share=st.floats(0, 10),
    impact=st.floats(0, 10),
    price=st.floats(0.01, 1e5),
    units=st.floats(0, 1e9),
    volatility=st.floats(0, 1),
    volume=st.floats(1, 1e9),
)
def test_slippage_stays_in_bounds_and_grows_with_the_order(
    *,
    fixed: float,
    spread: float,
    share: float,
    impact: float,
    price: float,
    units: float,
    volatility: float,
    volume: float,
) -> None:
    one = both_ways(slippage_of, fixed, spread, share, impact, price, units, volatility, volume)
    two = both_ways(slippage_of, fixed, spread, share, impact, price, 2 * units, volatility, volume)
    assert fixed <= one <= two <= SLIPPAGE_MAX


def test_impact_of_four_times_the_order_is_twice_as_much() -> None:
    one = both_ways(slippage_of, 0.0, 0.0, 0.0, 1.0, 50.0, 1_000.0, 0.02, 100_000.0)
    four = both_ways(slippage_of, 0.0, 0.0, 0.0, 1.0, 50.0, 4_000.0, 0.02, 100_000.0)
    assert four == pytest.approx(2 * one, rel=1e-12)  # two roundings


def test_impact_is_the_same_at_any_length_of_bars() -> None:
    of_days = both_ways(slippage_of, 0.0, 0.0, 0.0, 1.0, 50.0, 1e3, 0.02, 390_000.0)
    of_minutes = both_ways(
        slippage_of, 0.0, 0.0, 0.0, 1.0, 50.0, 1e3, 0.02 / math.sqrt(390), 1_000.0
    )
    assert of_days == pytest.approx(of_minutes, rel=1e-12)  # a few roundings


@pytest.mark.parametrize(
    ("price", "limit", "side", "fills_at"),
    [(101, 100, 1, 100), (99, 100, 1, 99), (99, 100, -1, 100), (101, 100, -1, 101)],
)
def test_slippage_never_makes_a_limit_worse(
    price: int, limit: int, side: int, fills_at: int
) -> None:
    assert both_ways(limited_price, price, limit, side) == fills_at


@given(
    amount=AMOUNTS,
    units=UNITS,
    rate=st.integers(0, RATE_ONE // 2),
    per_unit=st.integers(0, 9_000_000),
    per_trade=COSTS_OF_AN_ORDER,
    minimum=COSTS_OF_AN_ORDER,
)
@example(amount=5, units=1, rate=RATE_ONE // 10, per_unit=500, per_trade=0, minimum=0)
@example(amount=15, units=3, rate=RATE_ONE // 10, per_unit=500, per_trade=0, minimum=0)
def test_an_orders_fee_is_exact_and_each_part_rounded_half_to_even(
    *, amount: int, units: int, rate: int, per_unit: int, per_trade: int, minimum: int
) -> None:
    with localcontext(prec=60):
        of_amount = half_even(Decimal(amount) * rate / RATE_ONE)
        of_units = half_even(Decimal(units) * per_unit / 1000)
    exact = max(of_amount + of_units + per_trade, minimum)
    found = both_ways(order_fee, amount, float(units), rate, per_unit, per_trade, minimum)
    assert found == exact


@given(
    parts=st.lists(st.tuples(st.integers(1, 10**12), st.integers(1, 10**6)), min_size=1),
    rate=st.integers(0, RATE_ONE // 100),
    per_unit=st.integers(0, 10_000_000),
    per_trade=COSTS_OF_AN_ORDER,
    minimum=COSTS_OF_AN_ORDER,
)
def test_a_fee_per_order_and_a_minimum_count_once_over_partial_fills(
    parts: list[tuple[int, int]], rate: int, per_unit: int, per_trade: int, minimum: int
) -> None:
    amount = units = charged = 0
    for part, part_units in parts:
        amount, units = amount + part, units + part_units
        more = order_fee(amount, float(units), rate, per_unit, per_trade, minimum) - charged
        assert more >= 0
        charged += more
    assert charged == order_fee(amount, float(units), rate, per_unit, per_trade, minimum)


def test_an_order_that_does_not_fill_costs_nothing() -> None:
    assert both_ways(order_fee, 0, 0.0, 10**6, 10**6, MICRO, 5 * MICRO) == 0


def test_a_fee_with_a_rate_alone_is_the_commission() -> None:
    fee = both_ways(order_fee, 123_456_789, 7.0, 1_000_000, 0, 0, 0)
    assert fee == both_ways(commission, 123_456_789, 1_000_000) == 123_457


def test_a_fee_beyond_all_money_is_all_the_money_there_is() -> None:
    assert both_ways(unit_fee, 1e18, 10**12) == MONEY_MAX
    assert both_ways(order_fee, MONEY_MAX, 1e18, RATE_ONE // 2, 10**12, 0, 0) == MONEY_MAX


@given(
    value=st.integers(0, MONEY_MAX),
    rate=st.integers(0, 10 * RATE_ONE),
    nights=st.integers(0, 4_000),
)
@example(value=MONEY_MAX, rate=RATE_ONE, nights=359)
@example(value=180, rate=RATE_ONE, nights=1)  # half a micro-unit: to 0
@example(value=540, rate=RATE_ONE, nights=1)  # one and a half: to 2
@example(value=900, rate=RATE_ONE, nights=1)  # two and a half: to 2
def test_interest_is_exact_over_360_and_rounded_half_to_even(
    value: int, rate: int, nights: int
) -> None:
    with localcontext(prec=80):
        exact = half_even(Decimal(value) * rate * nights / (360 * RATE_ONE))
    # The bound is tested on floats, whose rounding must not decide the example.
    assume(not 0.999_999 * MONEY_MAX < exact < 1.000_001 * MONEY_MAX)
    assert both_ways(night_interest, value, rate, nights) == min(exact, MONEY_MAX)


def test_interest_of_a_weekend_is_that_of_three_nights() -> None:
    # 100,000 at 6.25 % over 360: 17.361111 a night
    assert both_ways(night_interest, 100_000 * MICRO, 62_500_000, 1) == 17_361_111
    assert both_ways(night_interest, 100_000 * MICRO, 62_500_000, 3) == 52_083_333


@given(st.integers(0, 10**15))
@example(0)
@example(10_000)
@example(10_001)
def test_cents_are_rounded_up(amount: int) -> None:
    cents = (Decimal(amount) / 10_000).quantize(Decimal(1), ROUND_CEILING)
    assert both_ways(ceil_cent, amount) == int(cents) * 10_000


@given(price=st.floats(0.01, 1e6), slippage=st.floats(0, SLIPPAGE_MAX))
def test_slippage_moves_a_fill_against_the_order(price: float, slippage: float) -> None:
    middle = both_ways(fill_price, price, 1, 0.0)
    assert both_ways(fill_price, price, 1, slippage) >= middle
    assert 0 < both_ways(fill_price, price, -1, slippage) <= middle

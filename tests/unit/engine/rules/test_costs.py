"""Commissions, slippage and dated fees, each worked out by hand."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from tests.unit.engine.rules.conftest import Ran, fills, flat, flows, market

from fanfold.execution.costs import Costs
from fanfold.strategies.sizing import FixedUnits

CALM = flat(10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}


@pytest.mark.parametrize(
    ("costs", "fee"),
    [
        ({"commission_bps": 10.0}, 1.0),  # of 1,000
        ({"commission_per_unit": 0.005}, 0.5),
        ({"commission_per_trade": 1.5}, 1.5),
        ({"commission_bps": 10.0, "commission_min": 2.0}, 2.0),
        ({"commission_bps": 10.0, "commission_min": 0.5}, 1.0),
        ({"commission_bps": 1.0, "commission_per_unit": 0.01, "commission_per_trade": 0.35}, 1.45),
        ({"commission_bps": 0.0333}, 0.00333),
    ],
)
def test_a_commission_is_charged_on_both_sides(
    run: Ran, costs: dict[str, float], fee: float
) -> None:
    result = run([CALM] * 4, {0: LONG, 1: FLAT}, costs=Costs(**costs))
    assert [each[-1] for each in fills(result, "fee")] == [fee, fee]
    assert result.final_cash == 10_000 - 2 * Decimal(str(fee))


def test_a_commission_is_rounded_half_to_even_to_a_millionth(run: Ran) -> None:
    # 100 at 10.00005 are 1,000.005; 0.5 bps of it are 0.05000025, so 0.050000.
    result = run([CALM, flat(10.00005), CALM], {0: LONG}, costs=Costs(commission_bps=0.5))
    exact = (Decimal("1000.005") * Decimal("0.00005")).quantize(
        Decimal("0.000001"), ROUND_HALF_EVEN
    )
    assert Decimal(str(fills(result, "fee")[0][-1])) == exact == Decimal("0.050000")


def test_both_orders_of_a_reversal_pay(run: Ran) -> None:
    result = run([CALM] * 4, {0: LONG, 1: SHORT}, costs=Costs(commission_per_trade=2.0))
    assert [each[-1] for each in fills(result, "fee")] == [2.0, 2.0, 2.0]


def test_a_buy_of_all_the_cash_leaves_room_for_its_commission(run: Ran) -> None:
    costs = Costs(commission_per_trade=5.0)
    result = run([CALM] * 3, {0: LONG}, costs=costs, cash=1_000)
    # 100 shares and 5.00 are too much: 99 shares are 995.
    assert fills(result, "fee") == [(1, "buy", 99.0, 10.0, 5.0)]
    assert result.final_cash == 5


def test_half_the_spread_is_paid_on_both_sides(run: Ran) -> None:
    result = run([CALM] * 4, {0: LONG, 1: FLAT}, costs=Costs(half_spread=0.05))
    assert [each[3] for each in fills(result)] == [10.05, 9.95]


# Returns of 10 % and -10 %: mean 0, sample variance 2 × 0.01 / (2 - 1), deviation 0.141421356.
ROUGH = [flat(10.0, 500.0), flat(11.0, 1_000.0), flat(9.9, 1_500.0), flat(10.0), flat(10.0)]
DEVIATION = Decimal("0.02").sqrt()
MICRO = Decimal("0.000001")


def test_volatility_slippage_is_a_share_of_the_deviation_known_before(run: Ran) -> None:
    result = run(ROUGH, {2: LONG}, costs=Costs(volatility_slippage=0.1))
    expected = (10 * (1 + DEVIATION / 10)).quantize(MICRO)
    assert fills(result) == [(3, "buy", 100.0, float(expected))]


def test_impact_grows_with_the_root_of_the_order_over_the_usual_volume(run: Ran) -> None:
    # 100 of 1,000 a bar, the mean of 500, 1,000 and 1,500.
    costs = Costs(impact=0.5)
    result = run(ROUGH, {2: LONG}, costs=costs)
    expected = (10 * (1 + DEVIATION / 2 * Decimal("0.1").sqrt())).quantize(MICRO)
    assert fills(result) == [(3, "buy", 100.0, float(expected))]
    larger = run(ROUGH, {2: LONG}, costs=costs, sizing=FixedUnits(400))
    expected = (10 * (1 + DEVIATION / 2 * Decimal("0.4").sqrt())).quantize(MICRO)
    assert fills(larger) == [(3, "buy", 400.0, float(expected))]


def test_slippages_add_up(run: Ran) -> None:
    costs = Costs(slippage_bps=10.0, half_spread=0.02, volatility_slippage=0.01)
    result = run(ROUGH, {2: SHORT}, costs=costs)
    total = Decimal("0.001") + Decimal("0.002") + DEVIATION / 100
    assert fills(result)[0][3] == float((10 * (1 - total)).quantize(MICRO))


def test_half_the_spread_is_in_prices_as_they_were_traded(run: Ran) -> None:
    # After 4:1 the bars' prices are real ones still: 0.05 of 2.50.
    bars = market([CALM, CALM, flat(2.5), flat(2.5), flat(2.5)], splits={(2, 0): 4.0})
    result = run(bars, {2: LONG}, costs=Costs(half_spread=0.05))
    assert fills(result) == [(3, "buy", 100.0, 2.55)]


def sold(run: Ran, days: list[str], units: float, price: float) -> list[float]:
    """The regulatory fees of a purchase on the second day and a sale on the third."""
    bars = market([flat(price, 1e9)] * 4, days=days)
    result = run(
        bars,
        {0: LONG, 1: FLAT},
        costs=Costs(schedule="alpaca"),
        sizing=FixedUnits(units),
        cash=20_000_000,
    )
    assert {each[2] for each in flows(result)} == {"regulatory"}
    assert {each[1] for each in flows(result)} == {""}
    assert [each[0] for each in flows(result)] == [1, 2][-len(flows(result)) :]
    return [each[3] for each in flows(result)]


def test_fees_of_early_2025(run: Ran) -> None:
    days = ["2025-01-06", "2025-01-07", "2025-01-08", "2025-01-09"]
    # Bought: audit trail 100 × 0.000046 = 0.0046, a cent. Sold: 27.80 per million of 1,000 =
    # 0.0278, three cents; 100 × 0.000166 = 0.0166, two; the audit trail's cent again.
    assert sold(run, days, 100, 10.0) == [-0.01, -0.06]


def test_fees_of_late_2025_have_no_section_31(run: Ran) -> None:
    days = ["2025-07-07", "2025-07-08", "2025-07-09", "2025-07-10"]
    # 10,000 × 0.0000265 = 0.265, so 0.27; 10,000 × 0.000166 = 1.66.
    assert sold(run, days, 10_000, 10.0) == [-0.27, -1.93]


def test_fees_of_2026_before_and_after_the_new_section_31(run: Ran) -> None:
    before = ["2026-02-02", "2026-02-03", "2026-02-04", "2026-02-05"]
    # 10,000 × 0.000195 = 1.95, and 0.27.
    assert sold(run, before, 10_000, 10.0) == [-0.27, -2.22]
    after = ["2026-05-04", "2026-05-05", "2026-05-06", "2026-05-07"]
    # And 20.60 per million of 100,000.
    assert sold(run, after, 10_000, 10.0) == [-0.27, -4.28]


@pytest.mark.parametrize(("year", "cap"), [(2025, "8.30"), (2026, "9.79")])
def test_the_trading_activity_fee_has_a_cap_for_each_fill(run: Ran, year: int, cap: str) -> None:
    days = [f"{year}-02-0{day}" for day in (3, 4, 5, 6)]
    fees = sold(run, days, 100_000, 0.01)
    sec = Decimal("0.03") if year == 2025 else Decimal(0)  # 27.80 per million of 1,000
    audit = Decimal("4.60") if year == 2025 else Decimal("2.65")
    assert fees == [-float(audit), -float(audit + sec + Decimal(cap))]


def test_the_trading_activity_fee_has_a_holiday(run: Ran) -> None:
    days = ["2026-10-05", "2026-10-06", "2026-10-07", "2026-10-08"]
    assert sold(run, days, 10_000, 10.0) == [-0.27, -2.33]  # 2.06 and 0.27


def test_a_day_s_fees_are_added_up_before_they_are_rounded_to_the_cent(run: Ran) -> None:
    days = ["2025-01-06", "2025-01-07", "2025-01-08", "2025-01-09"]
    bars = market([flat(5.0)] * 4, [flat(5.0)] * 4, days=days)
    result = run(bars, {0: [LONG, LONG], 1: [FLAT, FLAT]}, costs=Costs(schedule="alpaca"))
    # Twice 0.0139 are 0.0278, twice 0.0166 are 0.0332, twice 0.0046 are 0.0092.
    assert [each[3] for each in flows(result)] == [-0.01, -0.08]


def test_each_kind_of_fee_is_rounded_by_itself(run: Ran) -> None:
    days = ["2025-01-06", "2025-01-07", "2025-01-08", "2025-01-09"]
    # 27.80 per million of 400 are 0.01112, two cents; 50 × 0.000166 = 0.0083, one; and the
    # audit trail's cent. Together they would be three.
    assert sold(run, days, 50, 8.0) == [-0.01, -0.04]


def test_the_day_s_fees_are_charged_at_its_last_bar(run: Ran) -> None:
    days = ["2025-01-06", "2025-01-07", "2025-01-07", "2025-01-07", "2025-01-08"]
    bars = market([CALM] * 5, days=days)
    result = run(bars, {0: LONG, 1: FLAT}, costs=Costs(schedule="alpaca"))
    assert flows(result) == [(3, "", "regulatory", -0.06)]
    assert result.equity.tolist() == [10_000.0, 10_000.0, 10_000.0, 9_999.94, 9_999.94]

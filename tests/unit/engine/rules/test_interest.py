"""What is borrowed costs interest by calendar nights, over 360."""

from decimal import Decimal

from tests.unit.engine.rules.conftest import Ran, fills, flat, flows, market

from fanfold.execution.costs import Costs
from fanfold.strategies.sizing import FixedUnits

CALM = flat(10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}
# 0.36 a year are 0.001 a night: one on a thousand.
BORROWED, LENT = Costs(borrow_rate=0.36), Costs(margin_rate=0.36)
WEEK = ["2024-03-06", "2024-03-07", "2024-03-08", "2024-03-11", "2024-03-12"]  # Wednesday on


def test_a_short_pays_for_each_calendar_night_three_over_a_weekend(run: Ran) -> None:
    result = run(market([CALM] * 5, days=WEEK), {0: SHORT}, costs=BORROWED)
    assert flows(result) == [
        (2, "A", "borrow", -1.0),
        (3, "A", "borrow", -3.0),
        (4, "A", "borrow", -1.0),
    ]


def test_borrowing_is_charged_on_the_mark_of_the_close_before(run: Ran) -> None:
    bars = market([CALM, (10.0, 12.0, 10.0, 12.0), flat(8.0), flat(8.0), CALM], days=WEEK)
    result = run(bars, {0: SHORT}, costs=BORROWED)
    assert [each[3] for each in flows(result)] == [-1.2, -2.4, -0.8]


def test_a_short_that_is_covered_at_the_open_has_paid_for_the_night_before(run: Ran) -> None:
    result = run(market([CALM] * 5, days=WEEK), {0: SHORT, 2: FLAT}, costs=BORROWED)
    assert [each[:2] for each in fills(result)] == [(1, "sell"), (3, "buy")]
    assert [each[0] for each in flows(result)] == [2, 3]


def test_borrowed_money_pays_for_each_calendar_night(run: Ran) -> None:
    result = run(
        market([CALM] * 5, days=WEEK), {0: LONG}, costs=LENT, cash=1_000, leverage=2.0,
        sizing=FixedUnits(200),
    )  # fmt: skip
    # 1,000 borrowed, and on the interest too: 1,001 × 0.003, then 1,004.003 × 0.001.
    assert flows(result) == [
        (2, "", "interest", -1.0),
        (3, "", "interest", -3.003),
        (4, "", "interest", -1.004003),
    ]
    assert result.final_cash == Decimal("-1005.007003")


def test_what_shorts_bring_in_lends_nothing_to_longs(run: Ran) -> None:
    bars = market([CALM] * 4, [CALM] * 4, days=WEEK[:4])
    result = run(
        bars, {0: [{"target": 1.0}, {"target": -1.0}]}, costs=LENT, cash=1_000, leverage=2.0
    )
    # 1,000 of longs paid from own cash; the proceeds of 1,000 are collateral of the short.
    assert flows(result) == []
    long_200 = market([CALM] * 4, [CALM] * 4, [CALM] * 4, days=WEEK[:4])
    script = {0: [LONG, LONG, SHORT]}
    result = run(long_200, script, costs=LENT, cash=1_000, leverage=3.0)
    # Cash is 0 again, but 1,000 of it are collateral: so much is borrowed.
    assert [each[3] for each in flows(result)] == [-1.0, -3.003]


def test_nothing_accrues_within_a_session(run: Ran) -> None:
    days = ["2024-03-06", "2024-03-07", "2024-03-07", "2024-03-07", "2024-03-08"]
    result = run(market([CALM] * 5, days=days), {0: SHORT}, costs=BORROWED)
    assert flows(result) == [(4, "A", "borrow", -1.0)]


def test_unborrowed_money_pays_nothing(run: Ran) -> None:
    result = run(market([CALM] * 5, days=WEEK), {0: LONG}, costs=LENT)
    assert flows(result) == []

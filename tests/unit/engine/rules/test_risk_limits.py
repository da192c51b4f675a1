"""Every limit by name: what it trims or refuses, and the numbers it leaves in the order."""

from typing import Any

import pytest
from tests.unit.engine.rules.conftest import Ran, fills, flat, market, orders

from fanfold.execution.costs import Costs
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Exposure, FixedUnits

CALM = flat(10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}
TWO = ([CALM] * 5, [CALM] * 5)
NUMBERS = ("asked", "approved", "reason", "bound", "reached")


def test_max_position_trims_to_its_share_of_equity(run: Ran) -> None:
    result = run([CALM] * 4, {0: LONG}, limits=Limits(max_position=0.05))
    assert orders(result, *NUMBERS) == [(100.0, 50.0, "max_position", 0.05, 0.1)]
    assert fills(result) == [(1, "buy", 50.0, 10.0)]


def test_max_gross_trims_all_openings_pro_rata(run: Ran) -> None:
    result = run(market(*TWO), {0: [LONG, SHORT]}, limits=Limits(max_gross=0.1))
    assert orders(result, *NUMBERS) == [(100.0, 50.0, "max_gross", 0.1, 0.2)] * 2


def test_max_net_limits_each_side_by_what_stays(run: Ran) -> None:
    limits = Limits(max_net=0.15)
    result = run(market(*TWO), {0: [LONG, LONG]}, limits=limits)
    assert orders(result, *NUMBERS) == [(100.0, 75.0, "max_net", 0.15, 0.2)] * 2
    # 1,000 long, then 2,000 more short would be fine; two more of long are 500 too much.
    hedged = run(market(*TWO), {0: [LONG, FLAT], 1: [LONG, SHORT]}, limits=limits)
    assert orders(hedged, "reason") == [("",), ("",)]
    added = run(market(*TWO), {0: [LONG, FLAT], 1: [LONG, LONG]}, limits=limits)
    assert orders(added, *NUMBERS)[1] == (100.0, 50.0, "max_net", 0.15, 0.2)


def test_max_sector_limits_each_sector_alone(run: Ran) -> None:
    bars = market([CALM] * 4, [CALM] * 4, [CALM] * 4)
    limits = Limits(max_sector=0.15, sectors={"A": "oil", "B": "oil", "C": "banks"})
    result = run(bars, {0: [LONG, SHORT, LONG]}, limits=limits)
    assert orders(result, "symbol", *NUMBERS)[:2] == [
        ("A", 100.0, 75.0, "max_sector", 0.15, 0.2),
        ("B", 100.0, 75.0, "max_sector", 0.15, 0.2),
    ]
    assert orders(result, "symbol", "approved", "reason")[2] == ("C", 100.0, "")


def test_max_order_notional_trims_each_order(run: Ran) -> None:
    result = run([CALM] * 4, {0: LONG}, limits=Limits(max_order_notional=305.0))
    assert orders(result, *NUMBERS) == [(100.0, 30.0, "max_order_notional", 305.0, 1_000.0)]


def test_max_volume_share_trims_against_the_usual_volume(run: Ran) -> None:
    bars = [flat(10.0, 500.0), flat(10.0, 1_000.0), flat(10.0, 1_500.0), CALM, CALM]
    result = run(bars, {2: LONG}, limits=Limits(max_volume_share=0.05))
    assert orders(result, *NUMBERS) == [(100.0, 50.0, "max_volume_share", 0.05, 0.1)]


def test_max_orders_takes_all_openings_of_a_bar_or_none(run: Ran) -> None:
    result = run(market(*TWO), {0: [LONG, LONG]}, limits=Limits(max_orders=1))
    assert orders(result, *NUMBERS) == [(100.0, 0.0, "max_orders", 1.0, 2.0)] * 2
    assert len(result.fills) == 0


def test_max_orders_counts_by_session(run: Ran) -> None:
    bars = market([CALM] * 6, session_bars=3)
    script = {0: {"target": 0.1}, 1: {"target": 0.2}, 3: {"target": 0.3}}
    result = run(bars, script, limits=Limits(max_orders=1), sizing=Exposure())
    assert orders(result, "order_id", "status", "reason", "reached")[1] == (
        "A-1-open", "refused", "max_orders", 2.0,
    )  # fmt: skip
    assert orders(result, "order_id", "status")[2] == ("A-3-open", "filled")


def test_closing_is_never_limited(run: Ran) -> None:
    limits = Limits(max_orders=1, max_order_notional=1_000.0, max_volume_share=0.1)
    bars = market([CALM] * 4, session_bars=4)
    result = run(bars, {0: LONG, 1: FLAT}, limits=limits)
    assert [each[:3] for each in fills(result)] == [(1, "buy", 100.0), (2, "sell", 100.0)]


def test_closings_count_among_the_orders_of_a_session(run: Ran) -> None:
    bars = market([CALM] * 4, session_bars=4)
    result = run(bars, {0: LONG, 1: SHORT}, limits=Limits(max_orders=2))
    assert orders(result, "order_id", "status", "reason")[1:] == [
        ("A-1-close", "filled", ""),
        ("A-1-open", "refused", "max_orders"),
    ]


def test_max_drawdown_closes_everything_and_opens_nothing_more(run: Ran) -> None:
    bars = [CALM, CALM, flat(6.0), flat(6.0), flat(60.0), flat(60.0)]
    result = run(bars, {0: LONG, 3: FLAT, 4: SHORT}, limits=Limits(max_drawdown=0.04))
    # 400 of 10,000 are lost at 6.
    assert fills(result)[1:] == [(3, "sell", 100.0, 6.0)]
    refused = orders(result, "order_id", "status", "reason", "bound", "reached")[2]
    assert refused[:4] == ("A-4-open", "refused", "max_drawdown", 0.04)
    assert refused[4] == pytest.approx(0.04, abs=1e-12)


def test_a_breaker_cancels_the_openings_that_work(run: Ran) -> None:
    bars = market([CALM, CALM, flat(5.0), flat(5.0)], [CALM, CALM, CALM, (10.0, 10.0, 5.0, 9.0)])
    script = {0: [LONG, LONG | {"limit": 6.0}]}
    result = run(bars, script, limits=Limits(max_drawdown=0.04))
    assert [each[-1] for each in fills(result, "symbol")] == ["A", "A"]
    assert orders(result, "order_id", "status", "reason")[1] == (
        "B-0-open", "cancelled", "max_drawdown",
    )  # fmt: skip


@pytest.mark.parametrize("rearm", ["on_change", "next_bar"])
def test_a_breaker_closes_at_the_market_whatever_price_is_written(run: Ran, rearm: str) -> None:
    bars = [CALM, CALM, flat(5.0), flat(5.0), flat(5.0)]
    limits, options = Limits(max_drawdown=0.04), {"rearm": rearm}
    before = run(bars, {0: LONG, 1: {"limit": 20.0}}, limits=limits, options=options)
    assert fills(before)[1:] == [(3, "sell", 100.0, 5.0)]
    same_bar = run(
        bars, {0: LONG, 2: {"target": 2.0, "limit": 20.0}}, limits=limits, options=options
    )
    assert fills(same_bar)[1:] == [(3, "sell", 100.0, 5.0)]


def test_a_daily_loss_counts_what_is_not_realised_and_halts_until_the_next_session(
    run: Ran,
) -> None:
    rows = [CALM, CALM, flat(6.0), flat(6.0), flat(6.0), flat(6.0), flat(6.0)]
    bars = market(rows, days=[0, 1, 1, 1, 1, 2, 2])
    script = {0: LONG, 3: FLAT, 4: SHORT, 5: LONG}
    result = run(bars, script, limits=Limits(max_daily_loss=0.04))
    assert [each[:2] for each in fills(result)] == [(1, "buy"), (3, "sell"), (6, "buy")]
    refused = orders(result, "order_id", "status", "reason", "bound")[2]
    assert refused == ("A-4-open", "refused", "max_daily_loss", 0.04)


def test_a_daily_loss_counts_from_the_close_of_the_session_before(run: Ran) -> None:
    # 300 a session are under 4 %, though 600 in all are not.
    bars = [CALM, CALM, flat(7.0), flat(4.0), flat(4.0)]
    assert len(run(bars, {0: LONG}, limits=Limits(max_daily_loss=0.04)).fills) == 1
    bars = [CALM, CALM, flat(7.0), flat(3.0), flat(3.0)]
    result = run(bars, {0: LONG}, limits=Limits(max_daily_loss=0.04))
    assert fills(result)[1:] == [(4, "sell", 100.0, 3.0)]


def test_a_night_s_interest_and_dividends_are_part_of_the_day(run: Ran) -> None:
    # The debit of 400 of the ex-date is a loss of 4 % of that day, at an unchanged price.
    bars = market([CALM] * 5, dividends={(2, 0): 4.0})
    result = run(bars, {0: SHORT}, limits=Limits(max_daily_loss=0.04))
    assert [each[:2] for each in fills(result)] == [(1, "sell"), (3, "buy")]


def test_max_var_trims_to_the_deviation_it_leaves(run: Ran) -> None:
    # Returns of 10 % and -10 %, a deviation of 14.142 % over two sessions; at 95 % 1.6449 of it.
    rows = [CALM, flat(11.0), flat(9.9), flat(9.9), flat(9.9)]
    limits = Limits(max_var=0.01, var_window=2)
    result = run(rows, {2: LONG}, limits=limits)
    # 990 × 0.1414214 × 1.644854 = 230.29 of 10,000; 100 of it are 43.4 shares.
    (order,) = orders(result, *NUMBERS)
    assert order[:3] == (100.0, 43.0, "max_var")
    assert order[3] == pytest.approx(0.01, rel=1e-9)
    assert order[4] == pytest.approx(0.023029, abs=5e-7)


def test_max_var_sees_a_hedge(run: Ran) -> None:
    rows = [CALM, flat(11.0), flat(9.9), flat(9.9), flat(9.9)]
    limits = Limits(max_var=0.01, var_window=2)
    result = run(market(rows, rows), {2: [LONG, SHORT]}, limits=limits)
    assert orders(result, "approved", "reason") == [(100.0, "")] * 2


def test_max_var_without_a_history_leaves_no_room(run: Ran) -> None:
    result = run([CALM] * 4, {0: LONG}, limits=Limits(max_var=0.01))
    assert orders(result, "approved", "status", "reason") == [(0.0, "refused", "max_var")]


def test_what_a_limit_took_is_not_asked_for_again(run: Ran) -> None:
    result = run([CALM] * 8, {0: LONG}, limits=Limits(max_position=0.05))
    assert len(result.orders) == 1


def test_an_order_within_its_limits_has_no_reason_and_no_numbers(run: Ran) -> None:
    result = run([CALM] * 3, {0: LONG, 1: FLAT}, limits=Limits(max_position=0.5))
    assert set(result.orders["reason"]) == {""}
    assert result.orders[["bound", "reached"]].isna().all(axis=None)


def test_an_exit_s_row_has_no_numbers_of_a_limit(run: Ran) -> None:
    bars = [CALM, (10.0, 10.0, 8.5, 9.0), CALM]
    result = run(bars, {0: LONG | {"stop_loss": 9.0}})
    assert len(result.orders) == 2
    assert result.orders[["bound", "reached"]].isna().all(axis=None)


def test_a_trimmed_reversal_still_closes_in_full(run: Ran) -> None:
    result = run([CALM] * 5, {0: LONG, 1: SHORT}, limits=Limits(max_order_notional=1_000.0))
    assert [each[:3] for each in fills(result)] == [
        (1, "buy", 100.0),
        (2, "sell", 100.0),
        (2, "sell", 100.0),
    ]
    limited = run(
        [CALM] * 5, {0: {"target": 0.1}, 1: {"target": -0.1}},
        limits=Limits(max_order_notional=1_000.0, max_net=0.1), sizing=Exposure(),
    )  # fmt: skip
    assert limited.metrics["round_trip_count"] == 1


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_position": 0.05, "max_gross": 0.04}, "max_gross"),
        ({"max_order_notional": 300.0, "max_position": 0.05}, "max_order_notional"),
        ({"max_order_notional": 700.0, "max_position": 0.05}, "max_position"),
    ],
)
def test_the_limit_that_bound_last_is_the_one_that_is_named(
    run: Ran, limits: dict[str, Any], reason: str
) -> None:
    result = run([CALM] * 3, {0: LONG}, limits=Limits(**limits))
    assert orders(result, "reason") == [(reason,)]


def test_fees_count_in_what_openings_take(run: Ran) -> None:
    costs, sizing = Costs(commission_bps=100.0), FixedUnits(100)
    result = run([CALM] * 3, {0: LONG}, limits=Limits(max_gross=0.1), costs=costs, sizing=sizing)
    # 1,000 and 10 of commission against 1,000: 99 shares are 999.90.
    assert orders(result, "approved", "reason") == [(99.0, "max_gross")]

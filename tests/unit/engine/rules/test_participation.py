"""Fills take a part of a bar's volume; the rest works on."""

from typing import Any

import pytest
from tests.unit.engine.rules.conftest import Ran, fills, flat, market, orders

from fanfold.execution.costs import Costs

CALM = flat(10.0)  # of volume 1,000
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}
SIXTY = {"participation": 0.06}


def test_what_a_bar_s_volume_leaves_works_on_in_the_same_order(run: Ran) -> None:
    result = run([CALM] * 5, {0: LONG}, options=SIXTY)
    assert fills(result, "order_id") == [
        (1, "buy", 60.0, 10.0, "A-0-open"),
        (2, "buy", 40.0, 10.0, "A-0-open"),
    ]
    assert orders(result, "asked", "filled", "status") == [(100.0, 100.0, "filled")]


def test_the_share_is_rounded_down_to_lots_of_that_very_bar(run: Ran) -> None:
    bars = [CALM, flat(10.0, 299.0), flat(10.0, 16.0), flat(10.0, 5_000.0), CALM]
    result = run(bars, {0: LONG}, options=SIXTY)
    # 17.94, 0.96 and 300 shares.
    assert [fill[:3] for fill in fills(result)] == [(1, "buy", 17.0), (3, "buy", 83.0)]


def test_a_limit_fills_in_parts_where_it_is_touched(run: Ran) -> None:
    dip = (10.0, 10.0, 9.0, 10.0)
    result = run([CALM, dip, CALM, dip, CALM], {0: LONG | {"limit": 9.5}}, options=SIXTY)
    assert fills(result) == [(1, "buy", 60.0, 9.5), (3, "buy", 40.0, 9.5)]


def test_all_fills_of_a_bar_share_its_volume(run: Ran) -> None:
    # 60 are bought at the open, so nothing is left for the target inside that bar.
    bars = [CALM, (10.0, 11.0, 10.0, 10.0), flat(10.5), CALM]
    result = run(bars, {0: LONG | {"take_profit": 11.0}}, options=SIXTY)
    assert [fill[:3] for fill in fills(result)] == [(1, "buy", 60.0), (2, "buy", 40.0)]


def test_a_stop_that_is_reached_has_triggered_even_where_nothing_is_left_to_fill_it(
    run: Ran,
) -> None:
    bars = [CALM, (10.0, 10.0, 8.9, 10.0), flat(9.9), CALM]
    result = run(bars, {0: LONG | {"stop_loss": 9.0}}, options=SIXTY)
    assert fills(result, "order_id") == [
        (1, "buy", 60.0, 10.0, "A-0-open"),
        (2, "sell", 60.0, 9.9, "A-1-close"),
    ]
    assert orders(result, "status", "reason")[0] == ("cancelled", "exit")


def test_the_rest_of_an_exit_goes_at_the_market(run: Ran) -> None:
    bars = [CALM, CALM, CALM, (10.0, 10.0, 8.9, 9.5), flat(9.7), CALM]
    result = run(bars, {0: LONG | {"stop_loss": 9.0}}, options=SIXTY)
    assert fills(result, "order_id")[2:] == [
        (3, "sell", 60.0, 9.0, "A-3-stop"),
        (4, "sell", 40.0, 9.7, "A-3-close"),
    ]


def test_the_rest_of_an_exit_waits_for_no_price(run: Ran) -> None:
    bars = [
        CALM,
        (10.0, 10.0, 9.0, 10.0),
        (10.0, 10.0, 9.0, 10.0),
        (10.0, 10.0, 8.0, 8.5),
        flat(8.2),
        CALM,
    ]
    wish = LONG | {"limit": 9.5, "stop_loss": 8.55}
    result = run(bars, {0: wish}, options=SIXTY | {"exit_reference": "signal_close"})
    assert fills(result)[2:] == [(3, "sell", 60.0, 8.55), (4, "sell", 40.0, 8.2)]


@pytest.mark.parametrize(("rearm", "said"), [("next_bar", {}), ("on_change", {3: {"target": 0.5}})])
def test_nothing_is_heard_until_the_rest_of_an_exit_is_gone(
    run: Ran, rearm: str, said: dict[int, Any]
) -> None:
    bars = [CALM, CALM, CALM, (10.0, 10.0, 8.9, 9.5), flat(9.7), CALM, CALM, CALM]
    script = {0: LONG | {"stop_loss": 9.0}} | said
    result = run(bars, script, options=SIXTY | {"rearm": rearm})
    assert fills(result, "order_id")[2:] == [
        (3, "sell", 60.0, 9.0, "A-3-stop"),
        (4, "sell", 40.0, 9.7, "A-3-close"),
        (5, "buy", 60.0, 10.0, "A-4-open"),
        (6, "buy", 40.0, 10.0, "A-4-open"),
    ]


def test_a_part_is_protected_while_the_rest_still_works(run: Ran) -> None:
    bars = [CALM, CALM, (8.8, 9.0, 8.5, 9.0), CALM, CALM]
    result = run(bars, {0: LONG | {"stop_loss": 9.0}}, options=SIXTY)
    # The stop ends the 60 at the open of bar 2 and cancels the order for the other 40.
    assert fills(result) == [(1, "buy", 60.0, 10.0), (2, "sell", 60.0, 8.8)]
    assert orders(result, "status", "reason")[0] == ("cancelled", "exit")


def test_a_target_that_changes_meanwhile_takes_the_rest_back(run: Ran) -> None:
    result = run([CALM] * 5, {0: LONG, 1: FLAT}, options=SIXTY)
    assert [fill[:3] for fill in fills(result)] == [(1, "buy", 60.0), (2, "sell", 60.0)]
    assert orders(result, "status", "reason")[0] == ("cancelled", "replaced")


def test_a_reversal_opens_once_the_last_part_has_closed(run: Ran) -> None:
    result = run([CALM] * 8, {0: LONG, 2: SHORT}, options=SIXTY)
    assert fills(result, "order_id")[2:] == [
        (3, "sell", 60.0, 10.0, "A-2-close"),
        (4, "sell", 40.0, 10.0, "A-2-close"),
        (4, "sell", 20.0, 10.0, "A-2-open"),
        (5, "sell", 60.0, 10.0, "A-2-open"),
        (6, "sell", 20.0, 10.0, "A-2-open"),
    ]


def test_a_minimum_commission_is_charged_once_over_all_parts(run: Ran) -> None:
    costs = Costs(commission_per_unit=0.1, commission_min=8.0)
    result = run([CALM] * 4, {0: LONG}, options=SIXTY, costs=costs)
    # 60 shares would be 6.00, so 8.00; in all 10.00 are due, so 2.00 more.
    assert [fill[-1] for fill in fills(result, "fee")] == [8.0, 2.0]


def test_a_commission_per_trade_is_charged_once_over_all_parts(run: Ran) -> None:
    costs = Costs(commission_per_trade=5.0, commission_bps=10.0)
    result = run([CALM] * 4, {0: LONG}, options=SIXTY, costs=costs)
    assert [fill[-1] for fill in fills(result, "fee")] == [5.6, 0.4]


def test_each_asset_has_its_own_volume(run: Ran) -> None:
    bars = market([CALM] * 4, [flat(10.0, 3_000.0)] * 4)
    result = run(bars, {0: [LONG, LONG]}, options=SIXTY)
    assert [fill[:3] for fill in fills(result, "symbol")] == [
        (1, "buy", 60.0),
        (1, "buy", 100.0),
        (2, "buy", 40.0),
    ]

"""Where each order type meets a bar, and at what price."""

import pytest
from tests.unit.engine.rules.conftest import NAN, Ran, fills, flat, market, orders

from fanfold.execution.costs import Costs
from fanfold.strategies.sizing import Exposure

CALM = flat(10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}
SLIPPED = Costs(slippage_bps=100.0)


def test_a_market_order_fills_at_the_next_open_slipped(run: Ran) -> None:
    bars = [CALM, (11.0, 12.0, 9.0, 10.0), (20.0, 21.0, 19.0, 20.0), CALM]
    result = run(bars, {0: LONG, 1: FLAT}, costs=SLIPPED)
    assert fills(result) == [(1, "buy", 100.0, 11.11), (2, "sell", 100.0, 19.8)]


def test_a_limit_buy_fills_at_its_limit_where_the_low_touches_it(run: Ran) -> None:
    bars = [CALM, (10.0, 10.5, 9.6, 10.0), (10.0, 10.5, 9.5, 10.0), CALM]
    result = run(bars, {0: LONG | {"limit": 9.5}})
    assert fills(result) == [(2, "buy", 100.0, 9.5)]


def test_a_limit_sell_fills_at_its_limit_where_the_high_touches_it(run: Ran) -> None:
    bars = [CALM, (10.0, 10.4, 9.5, 10.0), (10.0, 10.5, 9.5, 10.0), CALM]
    result = run(bars, {0: SHORT | {"limit": 10.5}})
    assert fills(result) == [(2, "sell", 100.0, 10.5)]


@pytest.mark.parametrize(
    ("side", "limit", "open_"), [("buy", 9.5, 9.0), ("sell", 10.5, 11.0), ("buy", 9.5, 9.5)]
)
def test_a_limit_that_the_open_has_passed_fills_at_the_open(
    run: Ran, side: str, limit: float, open_: float
) -> None:
    wish = (LONG if side == "buy" else SHORT) | {"limit": limit}
    result = run([CALM, (open_, 12.0, 8.0, 10.0), CALM], {0: wish})
    assert fills(result) == [(1, side, 100.0, open_)]


def test_slippage_never_makes_a_limit_worse_than_its_price(run: Ran) -> None:
    # At 9.45 one percent would be 9.5445; the limit is 9.5. Inside the bar it is the limit.
    passed = run([CALM, (9.45, 10.0, 9.0, 10.0), CALM], {0: LONG | {"limit": 9.5}}, costs=SLIPPED)
    rests = run([CALM, (10.0, 10.0, 9.0, 10.0), CALM], {0: LONG | {"limit": 9.5}}, costs=SLIPPED)
    better = run([CALM, (9.0, 10.0, 9.0, 10.0), CALM], {0: LONG | {"limit": 9.5}}, costs=SLIPPED)
    sold = run([CALM, (10.55, 11.0, 10.0, 10.0), CALM], {0: SHORT | {"limit": 10.5}}, costs=SLIPPED)
    assert fills(passed) == [(1, "buy", 100.0, 9.5)]
    assert fills(rests) == [(1, "buy", 100.0, 9.5)]
    assert fills(better) == [(1, "buy", 100.0, 9.09)]
    assert fills(sold) == [(1, "sell", 100.0, 10.5)]


def test_a_stop_buy_fills_at_its_price_where_the_high_reaches_it(run: Ran) -> None:
    bars = [CALM, (10.0, 10.4, 9.5, 10.0), (10.0, 10.5, 9.5, 10.0), CALM]
    assert fills(run(bars, {0: LONG | {"stop": 10.5}})) == [(2, "buy", 100.0, 10.5)]
    slipped = run(bars, {0: LONG | {"stop": 10.5}}, costs=SLIPPED)
    assert fills(slipped) == [(2, "buy", 100.0, 10.605)]


def test_a_stop_sell_fills_at_its_price_where_the_low_reaches_it(run: Ran) -> None:
    bars = [CALM, (10.0, 10.4, 9.6, 10.0), (10.0, 10.5, 9.5, 10.0), CALM]
    assert fills(run(bars, {0: SHORT | {"stop": 9.5}})) == [(2, "sell", 100.0, 9.5)]


@pytest.mark.parametrize(("side", "stop", "open_"), [("buy", 10.5, 11.0), ("sell", 9.5, 9.0)])
def test_a_stop_that_the_open_has_passed_fills_at_the_open(
    run: Ran, side: str, stop: float, open_: float
) -> None:
    wish = (LONG if side == "buy" else SHORT) | {"stop": stop}
    result = run([CALM, (open_, 12.0, 8.0, 10.0), CALM], {0: wish})
    assert fills(result) == [(1, side, 100.0, open_)]


def test_a_stop_limit_with_room_fills_at_its_stop(run: Ran) -> None:
    bars = [CALM, (10.0, 12.0, 9.0, 11.0), CALM]
    result = run(bars, {0: LONG | {"stop": 10.5, "limit": 10.8}})
    assert fills(result) == [(1, "buy", 100.0, 10.5)]
    # One percent on 10.75 would be 10.8575.
    capped = run(bars, {0: LONG | {"stop": 10.75, "limit": 10.8}}, costs=SLIPPED)
    assert fills(capped) == [(1, "buy", 100.0, 10.8)]
    sold = run([CALM, (10.0, 11.0, 8.0, 9.0), CALM], {0: SHORT | {"stop": 9.5, "limit": 9.2}})
    assert fills(sold) == [(1, "sell", 100.0, 9.5)]


def test_a_stop_limit_that_the_open_jumps_over_rests_at_its_limit(run: Ran) -> None:
    bars = [CALM, (11.0, 12.0, 10.9, 11.5), (11.5, 11.6, 10.7, 11.0), CALM]
    result = run(bars, {0: LONG | {"stop": 10.5, "limit": 10.8}})
    assert fills(result) == [(2, "buy", 100.0, 10.8)]


def test_a_stop_limit_between_stop_and_limit_fills_at_the_open(run: Ran) -> None:
    bars = [CALM, (10.6, 12.0, 10.0, 11.5), CALM]
    result = run(bars, {0: LONG | {"stop": 10.5, "limit": 10.8}})
    assert fills(result) == [(1, "buy", 100.0, 10.6)]


def test_a_stop_limit_on_the_near_side_needs_a_close_that_came_back(run: Ran) -> None:
    # The low of 9 may have come before the stop at 10.5: only a close at 10.2 proves the return.
    proven = run([CALM, (10.3, 11.0, 9.0, 10.1), CALM], {0: LONG | {"stop": 10.5, "limit": 10.2}})
    assert fills(proven) == [(1, "buy", 100.0, 10.2)]
    bars = [CALM, (10.3, 11.0, 9.0, 10.9), (10.9, 11.0, 10.3, 10.9), (10.9, 11.0, 10.0, 10.5), CALM]
    rests = run(bars, {0: LONG | {"stop": 10.5, "limit": 10.2}})
    assert fills(rests) == [(3, "buy", 100.0, 10.2)]


def test_a_triggered_stop_limit_fills_at_a_better_open(run: Ran) -> None:
    bars = [CALM, (11.0, 12.0, 10.9, 11.5), (9.0, 11.6, 8.7, 11.0), CALM]
    result = run(bars, {0: LONG | {"stop": 10.5, "limit": 10.8}})
    assert fills(result) == [(2, "buy", 100.0, 9.0)]


def test_through_asks_for_a_tick_beyond_the_limit(run: Ran) -> None:
    touched, through = (10.0, 10.5, 9.5, 10.0), (10.0, 10.5, 9.499999, 10.0)
    bars = [CALM, touched, through, CALM]
    result = run(bars, {0: LONG | {"limit": 9.5}}, options={"limit_fill": "through"})
    assert fills(result) == [(2, "buy", 100.0, 9.5)]


def test_through_is_the_venue_s_tick(run: Ran) -> None:
    bars = [CALM, (10.0, 10.5, 9.491, 10.0), (10.0, 10.5, 9.49, 10.0), CALM]
    result = run(
        bars, {0: LONG | {"limit": 9.5}}, options={"limit_fill": "through"}, venue="alpaca"
    )
    assert fills(result) == [(2, "buy", 100.0, 9.5)]


def test_a_closing_order_takes_the_same_prices(run: Ran) -> None:
    bars = [CALM, CALM, (10.0, 10.5, 9.5, 10.0), (10.0, 12.0, 9.5, 11.0), CALM]
    limited = run(bars, {0: LONG, 1: FLAT | {"limit": 11.5}})
    assert fills(limited)[1:] == [(3, "sell", 100.0, 11.5)]
    stopped = run(bars, {0: LONG, 1: FLAT | {"stop": 9.5}})
    assert fills(stopped)[1:] == [(2, "sell", 100.0, 9.5)]


def test_a_changed_price_replaces_the_order_that_works(run: Ran) -> None:
    bars = [CALM, CALM, (10.0, 10.5, 9.0, 10.0), CALM]
    result = run(bars, {0: LONG | {"limit": 8.0}, 1: {"limit": 9.5}})
    assert orders(result, "order_id", "status", "reason") == [
        ("A-0-open", "cancelled", "replaced"),
        ("A-1-open", "filled", ""),
    ]
    assert fills(result) == [(2, "buy", 100.0, 9.5)]


def test_a_price_that_is_taken_away_leaves_a_market_order(run: Ran) -> None:
    result = run(
        [CALM, CALM, (10.2, 10.5, 9.0, 10.0), CALM], {0: LONG | {"limit": 8.0}, 1: {"limit": NAN}}
    )
    assert fills(result) == [(2, "buy", 100.0, 10.2)]


def test_a_reversal_is_two_orders_and_the_second_goes_when_the_first_has_filled(run: Ran) -> None:
    bars = [CALM, CALM, CALM, (10.0, 11.0, 10.0, 10.0), CALM]
    at_market = run(bars, {0: LONG, 1: SHORT})
    assert fills(at_market, "order_id")[1:] == [
        (2, "sell", 100.0, 10.0, "A-1-close"),
        (2, "sell", 100.0, 10.0, "A-1-open"),
    ]
    # The closing limit fills inside bar 3; the opening one waits for it, so for bar 4.
    bars = [CALM, CALM, CALM, (10.0, 11.0, 10.0, 10.0), (11.5, 11.5, 11.0, 11.0), CALM]
    with_limit = run(bars, {0: LONG, 1: SHORT | {"limit": 10.5}})
    assert fills(with_limit, "order_id")[1:] == [
        (3, "sell", 100.0, 10.5, "A-1-close"),
        (4, "sell", 100.0, 11.5, "A-1-open"),
    ]


def test_a_reversal_s_stop_triggers_both_of_its_orders(run: Ran) -> None:
    bars = [CALM, CALM, (10.0, 10.0, 9.4, 9.8), flat(9.9), CALM, CALM]
    result = run(bars, {0: LONG, 1: SHORT | {"stop": 9.5}})
    assert fills(result, "order_id")[1:] == [
        (2, "sell", 100.0, 9.5, "A-1-close"),
        (3, "sell", 100.0, 9.9, "A-1-open"),
    ]


def test_a_triggered_stop_s_rest_goes_at_the_market(run: Ran) -> None:
    bars = [CALM, (10.0, 10.6, 10.0, 10.0), CALM, CALM]
    result = run(bars, {0: LONG | {"stop": 10.5}}, options={"participation": 0.06})
    assert fills(result) == [(1, "buy", 60.0, 10.5), (2, "buy", 40.0, 10.0)]


def test_prices_at_a_venue_with_ticks_are_less_eager_than_asked(run: Ran) -> None:
    bars = [CALM, (10.0, 11.0, 9.0, 10.0), CALM, CALM]
    bought = run(bars, {0: LONG | {"limit": 9.509}}, venue="alpaca")
    assert fills(bought) == [(1, "buy", 100.0, 9.5)]
    sold = run(bars, {0: SHORT | {"limit": 10.501}}, venue="alpaca")
    assert fills(sold) == [(1, "sell", 100.0, 10.51)]
    stopped = run(bars, {0: SHORT | {"stop": 9.509}}, venue="alpaca")
    assert fills(stopped) == [(1, "sell", 100.0, 9.5)]
    rising = run(bars, {0: LONG | {"stop": 10.501}}, venue="alpaca")
    assert fills(rising) == [(1, "buy", 100.0, 10.51)]


def test_a_stop_below_one_dollar_lies_on_the_fine_tick(run: Ran) -> None:
    bars = [flat(0.9), (0.9, 1.0, 0.8, 0.9), flat(0.9)]
    result = run(bars, {0: LONG | {"limit": 0.85557}}, venue="alpaca")
    assert fills(result) == [(1, "buy", 100.0, 0.8555)]


def test_a_buy_stop_at_a_venue_with_a_collar_becomes_a_stop_limit(run: Ran) -> None:
    # A stop at 10.5 may pay 4 % more: 10.92. An open at 11 is beyond it.
    bars = [CALM, (11.0, 12.0, 10.95, 11.5), (11.5, 11.6, 10.9, 11.0), CALM]
    result = run(bars, {0: LONG | {"stop": 10.5}}, venue="alpaca")
    assert fills(result) == [(2, "buy", 100.0, 10.92)]
    # From 50 on it is 2.5 %: 102 × 1.025 = 104.55.
    dear = [flat(100.0), (105.0, 106.0, 104.56, 105.0), (105.0, 105.0, 104.0, 104.0), flat(104.0)]
    result = run(dear, {0: LONG | {"stop": 102.0}}, venue="alpaca", cash=100_000)
    assert fills(result) == [(2, "buy", 100.0, 104.55)]


def test_sales_come_before_buys_at_the_open(run: Ran) -> None:
    held = market([CALM] * 5, [CALM] * 5)
    script = {0: [LONG, FLAT], 2: [FLAT, LONG]}
    result = run(held, script, cash=1_000, sizing=Exposure())
    assert fills(result, "symbol")[1:] == [
        (3, "sell", 100.0, 10.0, "A"),
        (3, "buy", 100.0, 10.0, "B"),
    ]


def test_cash_from_sales_inside_the_bar_funds_nothing_until_the_next(run: Ran) -> None:
    swings = (10.0, 11.0, 9.0, 10.0)
    bars = market([CALM, CALM, swings, swings, CALM], [CALM, CALM, swings, swings, CALM])
    script = {0: [LONG, FLAT], 1: [FLAT | {"limit": 10.5}, LONG | {"limit": 9.5}]}
    result = run(bars, script, cash=1_000)
    assert fills(result, "order_id")[1:] == [
        (2, "sell", 100.0, 10.5, "A-1-close"),
        (3, "buy", 100.0, 9.5, "B-2-open"),
    ]
    expired = ("B-1-open", "expired", "buying_power")
    assert orders(result, "order_id", "status", "reason")[2] == expired


def test_cash_that_buys_compete_for_is_shared_pro_rata_in_any_order_of_columns(run: Ran) -> None:
    a = [CALM, flat(20.0), CALM]
    b = [flat(5.0), flat(20.0), flat(20.0)]
    script = [{"target": 0.6}, {"target": 0.4}]
    # Sized at the close: 60 of A and 80 of B. At 20 each they would cost 2,800 of 1,000.
    one = run(market(a, b), {0: script}, cash=1_000, sizing=Exposure())
    other = run(market(b, a), {0: script[::-1]}, cash=1_000, sizing=Exposure())
    # 1,200 / 2,800 × 1,000 = 428.57 are 21 shares, 571.42 are 28.
    assert [(each[2], each[4]) for each in fills(one, "symbol")] == [(21.0, "A"), (28.0, "B")]
    assert [(each[2], each[4]) for each in fills(other, "symbol")] == [(28.0, "A"), (21.0, "B")]
    assert orders(one, "status", "reason")[:2] == [("filled", "buying_power")] * 2


@pytest.mark.parametrize(("delay", "bar"), [(1, 1), (2, 2), (3, 3)])
def test_delayed_orders_meet_a_later_bar(run: Ran, delay: int, bar: int) -> None:
    bars = [flat(10.0 + k) for k in range(6)]
    result = run(bars, {0: LONG, 2: FLAT}, options={"delay_bars": delay})
    assert [fill[0] for fill in fills(result)] == [each for each in (bar, bar + 2) if each <= 5]
    assert fills(result)[0] == (bar, "buy", 100.0, 10.0 + bar)


def test_an_order_for_an_asset_without_a_bar_waits(run: Ran) -> None:
    bars = [CALM, (NAN,) * 5, flat(10.0, 0.0), (10.0, 10.0, 9.0, 9.5), CALM]
    result = run(bars, {0: LONG | {"limit": 9.5}})
    assert fills(result) == [(3, "buy", 100.0, 9.5)]

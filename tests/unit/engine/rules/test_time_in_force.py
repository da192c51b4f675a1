"""How long orders work, and that what lapsed is asked for again while the target stands."""

import pytest
from tests.unit.engine.rules.conftest import ABSENT, Ran, fills, flat, market, orders

from fanfold.execution.costs import Costs
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Exposure

CALM = flat(10.0)
DIP = (10.0, 10.5, 9.0, 10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}


def test_until_cancelled_an_order_works_for_as_long_as_its_target_stands(run: Ran) -> None:
    result = run([CALM] * 6 + [DIP, CALM], {0: LONG | {"limit": 9.5}})
    assert fills(result, "order_id") == [(6, "buy", 100.0, 9.5, "A-0-open")]
    assert orders(result, "order_id", "status") == [("A-0-open", "filled")]


def test_market_on_close_fills_at_the_close_slipped(run: Ran) -> None:
    bars = [CALM, (10.0, 12.0, 9.0, 11.0), (12.0, 12.0, 9.0, 9.0), CALM]
    options = {"time_in_force": "cls"}
    result = run(bars, {0: LONG, 1: FLAT}, options=options, costs=Costs(slippage_bps=100.0))
    assert fills(result) == [(1, "buy", 100.0, 11.11), (2, "sell", 100.0, 8.91)]


def test_limit_on_close_looks_at_the_close_alone(run: Ran) -> None:
    bars = [CALM, (9.0, 10.0, 9.0, 9.6), (10.0, 10.0, 9.3, 9.4), CALM]
    result = run(bars, {0: LONG | {"limit": 9.5}}, options={"time_in_force": "cls"})
    assert fills(result, "order_id") == [(2, "buy", 100.0, 9.4, "A-1-open")]
    assert orders(result, "order_id", "status", "reason") == [
        ("A-0-open", "expired", "time_in_force"),
        ("A-1-open", "filled", ""),
    ]


def test_an_order_that_fills_at_the_close_pays_no_heed_to_that_bar_s_range(run: Ran) -> None:
    bars = [CALM, (10.0, 12.0, 8.0, 10.0), (10.0, 10.0, 8.9, 10.0), CALM]
    result = run(bars, {0: LONG | {"stop_loss": 9.0}}, options={"time_in_force": "cls"})
    assert fills(result) == [(1, "buy", 100.0, 10.0), (2, "sell", 100.0, 9.0)]


def test_a_reversal_on_close_closes_and_opens_at_the_same_close(run: Ran) -> None:
    bars = [CALM, CALM, (10.0, 12.0, 9.0, 11.0), CALM]
    result = run(bars, {0: LONG, 1: SHORT}, options={"time_in_force": "cls"})
    assert fills(result, "order_id")[1:] == [
        (2, "sell", 100.0, 11.0, "A-1-close"),
        (2, "sell", 100.0, 11.0, "A-1-open"),
    ]


def test_a_breaker_does_not_wait_for_the_close(run: Ran) -> None:
    bars = [CALM, CALM, flat(5.0), (4.0, 5.0, 3.0, 3.0), flat(3.0)]
    result = run(
        bars, {0: LONG}, options={"time_in_force": "cls"}, limits=Limits(max_drawdown=0.03)
    )
    assert fills(result)[1:] == [(3, "sell", 100.0, 4.0)]


@pytest.mark.parametrize("time", ["ioc", "fok", "opg"])
def test_an_order_for_the_open_only_lapses_and_is_asked_again(run: Ran, time: str) -> None:
    # The low of bar 1 touches the limit, but only the open counts; that of bar 2 is at 9.4.
    bars = [CALM, DIP, (9.4, 10.0, 9.0, 10.0), CALM]
    result = run(bars, {0: LONG | {"limit": 9.5}}, options={"time_in_force": time})
    assert fills(result, "order_id") == [(2, "buy", 100.0, 9.4, "A-1-open")]
    assert orders(result, "order_id", "status", "reason") == [
        ("A-0-open", "expired", "time_in_force"),
        ("A-1-open", "filled", ""),
    ]


@pytest.mark.parametrize("time", ["ioc", "fok", "opg", "day", "cls"])
def test_an_order_does_not_lapse_in_a_bar_in_which_its_asset_does_not_trade(
    run: Ran, time: str
) -> None:
    bars = [CALM, ABSENT, flat(10.0, 0.0), CALM, CALM]
    result = run(bars, {0: LONG}, options={"time_in_force": time})
    assert fills(result, "order_id") == [(3, "buy", 100.0, 10.0, "A-0-open")]


@pytest.mark.parametrize(("time", "quantities"), [("ioc", [50.0, 50.0]), ("fok", [])])
def test_fill_or_kill_is_all_or_nothing_where_immediate_takes_a_part(
    run: Ran, time: str, quantities: list[float]
) -> None:
    options = {"time_in_force": time, "participation": 0.05}
    result = run([CALM] * 5, {0: LONG}, options=options)
    assert [fill[2] for fill in fills(result)] == quantities
    assert orders(result, "status", "reason")[0] == ("expired", "time_in_force")


def test_an_immediate_order_s_rest_lapses_and_is_asked_again(run: Ran) -> None:
    options = {"time_in_force": "ioc", "participation": 0.06}
    result = run([CALM] * 5, {0: LONG}, options=options)
    assert fills(result, "order_id") == [
        (1, "buy", 60.0, 10.0, "A-0-open"),
        (2, "buy", 40.0, 10.0, "A-1-open"),
    ]
    assert orders(result, "asked", "filled", "status") == [
        (100.0, 60.0, "expired"),
        (40.0, 40.0, "filled"),
    ]


def test_a_day_order_works_to_its_session_s_end(run: Ran) -> None:
    bars = market([CALM, CALM, CALM, CALM, DIP, CALM], session_bars=2)
    result = run(bars, {1: LONG | {"limit": 9.5}}, options={"time_in_force": "day"})
    assert fills(result, "order_id") == [(4, "buy", 100.0, 9.5, "A-3-open")]
    assert orders(result, "order_id", "status", "reason") == [
        ("A-1-open", "expired", "time_in_force"),
        ("A-3-open", "filled", ""),
    ]


def test_a_closing_order_lapses_and_is_asked_again_too(run: Ran) -> None:
    bars = [CALM, CALM, CALM, (10.0, 11.0, 10.0, 10.0), CALM]
    script = {0: LONG, 1: FLAT | {"limit": 10.5}}
    result = run(bars, script, options={"time_in_force": "day"})
    assert orders(result, "order_id", "status")[1:] == [
        ("A-1-close", "expired"),
        ("A-2-close", "filled"),
    ]


def test_a_stop_that_was_triggered_and_lapsed_waits_for_its_price_anew(run: Ran) -> None:
    # Triggered at the open of 11 beyond the limit of 10.8, then lapsed: 10.4 is below the stop.
    bars = [
        CALM,
        (11.0, 12.0, 10.9, 11.0),
        (10.4, 10.45, 10.0, 10.4),
        (10.6, 11.0, 10.0, 10.0),
        CALM,
    ]
    wish = LONG | {"stop": 10.5, "limit": 10.8}
    lapsed = run(bars, {0: wish}, options={"time_in_force": "day"})
    assert fills(lapsed) == [(3, "buy", 100.0, 10.6)]
    works_on = run(bars, {0: wish})
    assert fills(works_on) == [(2, "buy", 100.0, 10.4)]


def test_the_venue_says_how_long_an_order_works_that_does_not_say(run: Ran) -> None:
    bars = [CALM, CALM, CALM]
    wish = LONG | {"limit": 9.5}
    whole = run(bars, {0: wish}, venue="alpaca")
    assert orders(whole, "order_id") == [("A-0-open",)]
    parts = run(bars, {0: wish}, venue="alpaca", options={"fractional": True})
    assert orders(parts, "order_id") == [("A-0-open",), ("A-1-open",), ("A-2-open",)]


def test_sized_at_the_fill_on_close_it_is_the_close_that_sizes(run: Ran) -> None:
    bars = [CALM, (10.0, 20.0, 10.0, 20.0), flat(20.0)]
    options = {"time_in_force": "cls", "size_at": "fill"}
    result = run(bars, {0: LONG}, options=options, sizing=Exposure(), cash=1_000)
    assert fills(result) == [(1, "buy", 50.0, 20.0)]

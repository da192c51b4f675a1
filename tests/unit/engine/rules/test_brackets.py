"""Protective exits: when they are armed, at what price they fill, and what they cancel."""

from typing import Any

import pytest
from tests.unit.engine.rules.conftest import NAN, Ran, fills, flat, market, orders

from fanfold.execution.costs import Costs
from fanfold.strategies.sizing import Exposure

CALM = flat(10.0)
WIDE = (10.0, 11.5, 8.5, 10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}
BRACKET = LONG | {"stop_loss": 9.0, "take_profit": 11.0}
SHORT_BRACKET = SHORT | {"stop_loss": 11.0, "take_profit": 9.0}
SLIPPED = Costs(slippage_bps=100.0)


def roles(result: Any) -> list[tuple[Any, ...]]:
    """Fills after the first as bar, price and role."""
    return [
        (bar, price, name.split("-")[2]) for bar, _, _, price, name in fills(result, "order_id")[1:]
    ]


def test_a_stop_loss_fills_at_its_price_inside_the_bar(run: Ran) -> None:
    bars = [CALM, CALM, (10.0, 10.5, 9.0, 10.0), CALM]
    assert roles(run(bars, {0: BRACKET})) == [(2, 9.0, "stop")]
    # Bought at 10.1 the stop lies at 9.09, and is slipped to 8.9991.
    assert roles(run(bars, {0: BRACKET}, costs=SLIPPED)) == [(2, 8.9991, "stop")]


def test_a_stop_loss_that_the_open_has_passed_fills_at_the_open(run: Ran) -> None:
    bars = [CALM, CALM, (8.5, 10.0, 8.0, 9.0), CALM]
    assert roles(run(bars, {0: BRACKET})) == [(2, 8.5, "stop")]
    short = [CALM, CALM, (11.5, 12.0, 11.0, 11.0), CALM]
    assert roles(run(short, {0: SHORT_BRACKET})) == [(2, 11.5, "stop")]


def test_a_take_profit_fills_at_its_price_or_at_a_better_open(run: Ran) -> None:
    inside = [CALM, CALM, (10.0, 11.0, 9.5, 10.0), CALM]
    assert roles(run(inside, {0: BRACKET})) == [(2, 11.0, "target")]
    passed = [CALM, CALM, (11.5, 12.0, 11.0, 11.0), CALM]
    assert roles(run(passed, {0: BRACKET})) == [(2, 11.5, "target")]
    short = [CALM, CALM, (8.5, 9.0, 8.0, 9.0), CALM]
    assert roles(run(short, {0: SHORT_BRACKET})) == [(2, 8.5, "target")]


def test_slippage_never_makes_a_take_profit_worse_than_its_price(run: Ran) -> None:
    signal = {"exit_reference": "signal_close"}
    inside = [CALM, CALM, (10.0, 11.0, 9.5, 10.0), CALM]
    assert roles(run(inside, {0: BRACKET}, costs=SLIPPED, options=signal)) == [(2, 11.0, "target")]
    near = [CALM, CALM, (11.05, 12.0, 11.0, 11.0), CALM]
    assert roles(run(near, {0: BRACKET}, costs=SLIPPED, options=signal)) == [(2, 11.0, "target")]
    far = [CALM, CALM, (12.0, 12.0, 11.0, 11.0), CALM]
    assert roles(run(far, {0: BRACKET}, costs=SLIPPED, options=signal)) == [(2, 11.88, "target")]


@pytest.mark.parametrize(
    ("intrabar", "bar", "expected"),
    [
        ("worst", (10.0, 11.5, 8.5, 10.0), (9.0, "stop")),
        ("best", (10.0, 11.5, 8.5, 10.0), (11.0, "target")),
        ("ohlc", (10.0, 11.2, 8.5, 10.0), (11.0, "target")),  # the high is nearer to the open
        ("ohlc", (10.0, 11.5, 8.9, 10.0), (9.0, "stop")),  # the low is
        ("ohlc", (10.0, 11.5, 8.5, 10.0), (9.0, "stop")),  # as near: the low comes first
    ],
)
def test_a_stop_and_a_target_in_one_bar_go_by_intrabar(
    run: Ran, intrabar: str, bar: Any, expected: tuple[float, str]
) -> None:
    options = {"intrabar": intrabar}
    later = run([CALM, CALM, bar, CALM], {0: BRACKET}, options=options)
    assert roles(later) == [(2, *expected)]
    same = run([CALM, bar, CALM], {0: BRACKET}, options=options)
    assert roles(same) == [(1, *expected)]


@pytest.mark.parametrize(
    ("intrabar", "expected"),
    [("worst", (11.0, "stop")), ("best", (9.0, "target")), ("ohlc", (9.0, "target"))],
)
def test_a_short_s_stop_and_target_go_by_intrabar(
    run: Ran, intrabar: str, expected: tuple[float, str]
) -> None:
    bars = [CALM, (10.0, 11.2, 8.9, 10.0), CALM]
    if intrabar == "ohlc":
        bars[1] = (10.0, 11.2, 8.95, 10.0)  # the low is nearer to the open
    result = run(bars, {0: SHORT_BRACKET}, options={"intrabar": intrabar})
    assert roles(result) == [(1, *expected)]


def test_an_entry_at_the_open_arms_both_for_that_bar(run: Ran) -> None:
    assert roles(run([CALM, (10.0, 10.0, 9.0, 9.5), CALM], {0: BRACKET})) == [(1, 9.0, "stop")]
    assert roles(run([CALM, (10.0, 11.0, 9.5, 10.0), CALM], {0: BRACKET})) == [(1, 11.0, "target")]


def test_an_entry_inside_the_bar_arms_only_the_stop_for_that_bar(run: Ran) -> None:
    entry = BRACKET | {"limit": 9.5, "stop_loss": 9.0, "take_profit": 10.5}
    signal = {"exit_reference": "signal_close"}
    # The high of 11 may have come before the entry at 9.5: no target in that bar.
    bars = [CALM, (10.0, 11.0, 9.4, 10.0), (10.0, 10.6, 10.0, 10.0), CALM]
    assert roles(run(bars, {0: entry}, options=signal)) == [(2, 10.5, "target")]
    bars = [CALM, (10.0, 10.0, 8.9, 9.4), CALM]
    assert roles(run(bars, {0: entry}, options=signal)) == [(1, 9.0, "stop")]


def test_no_target_is_taken_in_the_bar_of_an_inside_entry_even_at_best(run: Ran) -> None:
    entry = BRACKET | {"limit": 9.5, "take_profit": 10.5}
    options = {"exit_reference": "signal_close", "intrabar": "best"}
    bars = [CALM, (10.0, 11.0, 9.4, 10.9), flat(10.2), CALM]
    assert roles(run(bars, {0: entry}, options=options)) == []


@pytest.mark.parametrize(
    ("intrabar", "bar", "stopped"),
    [
        # Bought on a rise to 10.5; the stop at 9.8 lies under the open, on no way that is sure.
        ("worst", (10.0, 10.6, 9.7, 10.4), True),
        ("best", (10.0, 10.6, 9.7, 10.4), False),
        ("ohlc", (10.0, 10.6, 9.7, 10.4), False),  # down to 9.7 first, then up to 10.6
        ("ohlc", (10.0, 10.55, 9.2, 10.4), True),  # up first, and then down through 9.8
        ("best", (10.0, 10.6, 9.7, 9.75), True),  # the close is beyond the stop
    ],
)
def test_a_stop_in_the_bar_of_an_inside_entry_goes_by_intrabar(
    run: Ran,
    intrabar: str,
    bar: Any,
    stopped: bool,  # noqa: FBT001
) -> None:
    entry = LONG | {"stop": 10.5, "stop_loss": 9.8}
    options = {"exit_reference": "signal_close", "intrabar": intrabar}
    result = run([CALM, bar, CALM], {0: entry}, options=options)
    assert roles(result) == ([(1, 9.8, "stop")] if stopped else [])


def test_an_inside_entry_that_must_be_passed_on_the_way_to_its_stop_is_stopped(run: Ran) -> None:
    entry = LONG | {"limit": 9.5, "stop_loss": 9.0}
    options = {"exit_reference": "signal_close", "intrabar": "best"}
    result = run([CALM, (10.0, 10.2, 8.9, 10.1), CALM], {0: entry}, options=options)
    assert roles(result) == [(1, 9.0, "stop")]


def test_exits_armed_from_the_next_bar_leave_the_entry_s_bar_alone(run: Ran) -> None:
    options = {"exit_arming": "next_bar"}
    assert roles(run([CALM, WIDE, CALM, CALM], {0: BRACKET}, options=options)) == []
    assert roles(run([CALM, WIDE, WIDE, CALM], {0: BRACKET}, options=options)) == [(2, 9.0, "stop")]


@pytest.mark.parametrize(
    ("reference", "stop", "target"), [("fill", 11.25, 13.75), ("signal_close", 9.0, 11.0)]
)
def test_exits_refer_to_the_fill_or_to_the_signal_s_close(
    run: Ran, reference: str, stop: float, target: float
) -> None:
    # Signal at 10, fill at 12.5: stop and target 10 % away lie at 11.25 and 13.75.
    options = {"exit_reference": reference, "exit_arming": "next_bar"}
    start = min(12.5, target)
    up = [CALM, flat(12.5), (start, target, start, target), CALM]
    assert roles(run(up, {0: BRACKET}, options=options)) == [(2, target, "target")]
    stopped = {0: LONG | {"stop_loss": 9.0}}
    down = [CALM, flat(12.5), (12.5, 12.5, stop, stop), CALM]
    assert roles(run(down, stopped, options=options)) == [(2, stop, "stop")]


def test_levels_that_are_computed_lie_on_a_millionth(run: Ran) -> None:
    # 9 × 1.2 and 10.7 - 0.9 are both a hair below what they mean, as floats.
    moved = [CALM, flat(12.0), (12.0, 12.0, 10.8, 10.8), CALM]
    assert roles(run(moved, {0: LONG | {"stop_loss": 9.0}})) == [(2, 10.8, "stop")]
    trailed = [CALM, (10.0, 10.7, 10.0, 10.5), (10.5, 10.5, 9.8, 10.0), CALM]
    result = run(trailed, {0: LONG | {"trailing_stop": 0.9}})
    assert roles(result) == [(2, 9.8, "trailing_stop")]


def test_a_changed_stop_loss_moves_a_position_s_exit_to_the_price_as_written(run: Ran) -> None:
    bars = [CALM, flat(12.0), CALM, (10.0, 10.0, 9.6, 10.0), CALM]
    # By the fill the first stop lies at 9.6; rewritten it lies where it says.
    first = run(bars, {0: LONG | {"stop_loss": 8.0}})
    assert roles(first) == [(3, 9.6, "stop")]
    moved = run(bars, {0: LONG | {"stop_loss": 8.0}, 2: {"stop_loss": 9.9}})
    assert roles(moved) == [(3, 9.9, "stop")]
    lower = run(bars, {0: LONG | {"stop_loss": 8.0}, 2: {"stop_loss": 9.5}})
    assert roles(lower) == []
    gone = run(bars, {0: LONG | {"stop_loss": 8.0}, 2: {"stop_loss": NAN}})
    assert roles(gone) == []


def test_a_changed_take_profit_moves_too(run: Ran) -> None:
    bars = [CALM, CALM, CALM, (10.0, 10.5, 10.0, 10.0), CALM]
    moved = run(bars, {0: BRACKET, 2: {"take_profit": 10.4}})
    assert roles(moved) == [(3, 10.4, "target")]


def test_adding_to_a_position_leaves_its_exits(run: Ran) -> None:
    bars = [CALM, CALM, flat(12.0), (12.0, 12.0, 9.0, 9.0), flat(9.0)]
    script = {0: {"target": 0.3, "stop_loss": 9.5}, 1: {"target": 0.6}}
    result = run(bars, script, sizing=Exposure())
    # 300 at 10, then to 600 of 10,000; the stop stays at 9.5 for all of them.
    assert fills(result)[1:] == [(2, "buy", 300.0, 12.0), (3, "sell", 600.0, 9.5)]


def test_a_trailing_stop_follows_the_extreme_of_the_bars_before(run: Ran) -> None:
    bars = [CALM, CALM, (10.0, 12.0, 9.5, 11.5), (11.5, 11.6, 11.0, 11.2), flat(11.0)]
    # In bar 2 it still hangs on the fill: 9. Its high of 12 lifts it to 11 for bar 3.
    result = run(bars, {0: LONG | {"trailing_stop": 1.0}})
    assert roles(result) == [(3, 11.0, "trailing_stop")]


def test_a_short_s_trailing_stop_follows_the_lows(run: Ran) -> None:
    bars = [CALM, CALM, (10.0, 10.5, 8.0, 8.5), (8.5, 9.0, 8.4, 8.8), flat(9.0)]
    result = run(bars, {0: SHORT | {"trailing_stop": 1.0}})
    assert roles(result) == [(3, 9.0, "trailing_stop")]


def test_a_trailing_stop_never_moves_back(run: Ran) -> None:
    falling = [CALM, (10.0, 10.0, 9.6, 9.7), (9.7, 9.8, 9.3, 9.4), (9.4, 9.4, 9.0, 9.1), flat(9.0)]
    result = run(falling, {0: LONG | {"trailing_stop": 1.0}})
    assert roles(result) == [(3, 9.0, "trailing_stop")]


def test_an_inside_entry_s_own_bar_lifts_a_trailing_stop_by_its_close_only(run: Ran) -> None:
    # Bought at 9.5 inside bar 1, whose high of 11 may have come before; its close is 10.
    bars = [CALM, (10.0, 11.0, 9.4, 10.0), (10.0, 10.0, 9.01, 9.5), (9.5, 9.5, 9.0, 9.2), CALM]
    result = run(bars, {0: LONG | {"limit": 9.5, "trailing_stop": 1.0}})
    assert roles(result) == [(3, 9.0, "trailing_stop")]


def test_the_nearer_of_stop_and_trailing_stop_applies(run: Ran) -> None:
    bars = [CALM, CALM, (10.0, 10.0, 8.0, 9.0), CALM]
    near = run(bars, {0: LONG | {"stop_loss": 9.5, "trailing_stop": 1.0}})
    assert roles(near) == [(2, 9.5, "stop")]
    far = run(bars, {0: LONG | {"stop_loss": 8.5, "trailing_stop": 1.0}})
    assert roles(far) == [(2, 9.0, "trailing_stop")]


def test_a_trailing_stop_set_later_starts_from_that_close(run: Ran) -> None:
    bars = [CALM, (10.0, 13.0, 10.0, 11.0), (11.0, 11.0, 10.0, 10.5), flat(10.0), CALM]
    # At bar 1's close of 11 the distance of 1 means 10, whatever the high was.
    result = run(bars, {0: LONG, 1: {"trailing_stop": 1.0}})
    assert roles(result) == [(2, 10.0, "trailing_stop")]


def test_one_exit_cancels_the_other(run: Ran) -> None:
    bars = [CALM, CALM, (10.0, 11.0, 9.5, 10.0), (10.0, 11.0, 8.0, 9.0), CALM]
    result = run(bars, {0: BRACKET})
    assert roles(result) == [(2, 11.0, "target")]


def test_an_exit_cancels_what_else_works_for_the_asset(run: Ran) -> None:
    bars = [CALM, CALM, CALM, (10.0, 10.0, 8.9, 9.0), CALM]
    closing = run(bars, {0: BRACKET, 2: FLAT | {"limit": 10.5}})
    assert orders(closing, "order_id", "status", "reason")[1:] == [
        ("A-2-close", "cancelled", "exit"),
        ("A-3-stop", "filled", ""),
    ]
    script = {0: {"target": 0.3, "stop_loss": 9.0}, 2: {"target": 0.6, "limit": 8.0}}
    adding = run(bars, script, sizing=Exposure())
    assert orders(adding, "order_id", "status", "reason")[1:] == [
        ("A-2-open", "cancelled", "exit"),
        ("A-3-stop", "filled", ""),
    ]


def test_an_exit_is_a_row_with_its_level(run: Ran) -> None:
    stopped = run([CALM, CALM, (8.5, 10.0, 8.0, 9.0), CALM], {0: BRACKET})
    assert orders(stopped, "role", "side", "asked", "filled", "stop", "status")[1:] == [
        ("stop", "sell", 100.0, 100.0, 9.0, "filled")
    ]
    taken = run([CALM, CALM, (10.0, 11.0, 10.0, 10.0), CALM], {0: BRACKET})
    assert orders(taken, "role", "side", "asked", "filled", "limit", "status")[1:] == [
        ("target", "sell", 100.0, 100.0, 11.0, "filled")
    ]


def test_a_target_through_its_price_asks_for_a_tick_beyond(run: Ran) -> None:
    options = {"limit_fill": "through"}
    touched = [CALM, CALM, (10.0, 11.0, 10.0, 10.0), CALM]
    assert roles(run(touched, {0: BRACKET}, options=options)) == []
    passed = [CALM, CALM, (10.0, 11.000001, 10.0, 10.0), CALM]
    assert roles(run(passed, {0: BRACKET}, options=options)) == [(2, 11.0, "target")]


def test_exits_of_two_assets_do_not_touch_each_other(run: Ran) -> None:
    bars = market([CALM, CALM, WIDE, CALM], [CALM] * 4)
    result = run(bars, {0: [BRACKET, BRACKET]})
    assert fills(result, "symbol")[2:] == [(2, "sell", 100.0, 9.0, "A")]


def test_exits_at_a_venue_with_ticks_lie_on_them(run: Ran) -> None:
    wish = LONG | {"stop_loss": 9.006, "take_profit": 11.004}
    down = run([CALM, CALM, (10.0, 10.0, 8.0, 9.0), CALM], {0: wish}, venue="alpaca")
    assert roles(down) == [(2, 9.0, "stop")]
    up = run([CALM, CALM, (10.0, 12.0, 10.0, 11.0), CALM], {0: wish}, venue="alpaca")
    assert roles(up) == [(2, 11.01, "target")]

"""An exit disarms its asset, and `rearm` says what arms it again."""

import pytest
from tests.unit.engine.rules.conftest import Ran, fills, flat

from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Exposure

CALM = flat(10.0)
DOWN = (10.0, 10.0, 8.5, 10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}
STOPPED = LONG | {"stop_loss": 9.0}


def test_a_disarmed_asset_stays_out_while_its_target_is_restated(run: Ran) -> None:
    result = run([CALM, CALM, DOWN, CALM, CALM, CALM], {0: STOPPED})
    assert [fill[:2] for fill in fills(result)] == [(1, "buy"), (2, "sell")]


def test_another_target_arms_it_again(run: Ran) -> None:
    bars = [CALM, CALM, DOWN, CALM, CALM, CALM, CALM]
    result = run(bars, {0: STOPPED, 3: FLAT, 4: LONG})
    assert [fill[:2] for fill in fills(result)] == [(1, "buy"), (2, "sell"), (5, "buy")]


def test_a_different_size_is_another_target(run: Ran) -> None:
    bars = [CALM, CALM, DOWN, CALM, CALM]
    script = {0: {"target": 0.5, "stop_loss": 9.0}, 2: {"target": 0.4}}
    result = run(bars, script, sizing=Exposure())
    # 500 × 1 are lost at 9: 40 % of 9,500 are 380 at 10.
    assert fills(result)[2:] == [(3, "buy", 380.0, 10.0)]


def test_a_target_that_changed_before_the_exit_is_not_another(run: Ran) -> None:
    # The stop ends the position that the target 0.6 of bar 1 was still adding to.
    bars = [CALM, CALM, DOWN, CALM, CALM]
    script = {0: {"target": 0.5, "stop_loss": 9.0}, 1: {"target": 0.6}}
    result = run(bars, script, sizing=Exposure())
    assert [fill[:3] for fill in fills(result)] == [
        (1, "buy", 500.0),
        (2, "buy", 100.0),
        (2, "sell", 600.0),
    ]


def test_rearmed_at_the_next_bar_it_hears_the_target_that_stands(run: Ran) -> None:
    # Heard at the close of the exit's bar, so the order meets the bar after it.
    result = run([CALM, CALM, DOWN, CALM, CALM], {0: STOPPED}, options={"rearm": "next_bar"})
    assert [fill[:2] for fill in fills(result)] == [(1, "buy"), (2, "sell"), (3, "buy")]


def test_never_rearmed_it_stays_out(run: Ran) -> None:
    bars = [CALM, CALM, DOWN, CALM, CALM, CALM, CALM]
    script = {0: STOPPED, 3: FLAT, 4: LONG, 5: SHORT}
    result = run(bars, script, options={"rearm": "never"})
    assert [fill[:2] for fill in fills(result)] == [(1, "buy"), (2, "sell")]


def test_a_target_of_the_other_side_arms_it_again(run: Ran) -> None:
    bars = [CALM, CALM, DOWN, CALM, CALM]
    result = run(bars, {0: STOPPED, 2: SHORT | {"stop_loss": 12.0}})
    assert [fill[:2] for fill in fills(result)] == [(1, "buy"), (2, "sell"), (3, "sell")]


def test_exits_are_armed_anew_with_a_new_position(run: Ran) -> None:
    bars = [CALM, CALM, DOWN, CALM, CALM, DOWN, CALM]
    result = run(bars, {0: STOPPED, 2: FLAT, 3: LONG})
    assert [fill[:2] for fill in fills(result)] == [
        (1, "buy"), (2, "sell"), (4, "buy"), (5, "sell"),
    ]  # fmt: skip


@pytest.mark.parametrize(("rearm", "again"), [("on_change", False), ("next_bar", True)])
def test_a_daily_loss_disarms_what_it_closes(run: Ran, rearm: str, again: bool) -> None:  # noqa: FBT001
    bars = [CALM, CALM, flat(5.0), flat(5.0), flat(5.0), flat(5.0)]
    result = run(bars, {0: LONG}, limits=Limits(max_daily_loss=0.03), options={"rearm": rearm})
    # 500 of 10,000 are lost in bar 2; bar 3 closes, and from its close the next session counts.
    expected = [(1, "buy"), (3, "sell")]
    assert [fill[:2] for fill in fills(result)] == expected + ([(4, "buy")] if again else [])

"""What is told from outside: refusals, ends, splits, holdings; and what is refused."""

import math
import subprocess
import sys
from typing import Any, ClassVar

import pytest

from fanfold.domain.decision import decision
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.stepper import Goal, Moment, Stepper, Universe
from fanfold.errors import ConfigError, DataError, StrategyError
from fanfold.risk.limits import Limits
from fanfold.strategies import Strategy

UNIVERSE = Universe(
    symbols=("A",),
    calendars=("XNYS",),
    parts=(1,),
    shortable=(True,),
    ticks=((0, 0),),
    least_notional=(0,),
)
TERMS = terms_of(venue="ideal", cash=1_000)


@decision
def follow_the_volume(assets: Any, portfolio: Any, memory: Any) -> None:
    """The volume says what to hold; a stop and a target about the close."""
    for asset in assets:
        asset.target = asset.volume - 1.0
        asset.stop_loss = 90.0
        asset.take_profit = 120.0


class Told(Strategy):
    decide: ClassVar[Any] = follow_the_volume


def begun(*, adopt: bool = True, terms: Any = TERMS, **how: Any) -> Stepper:
    run = Stepper(Told(), UNIVERSE, terms, **how)
    run.begin(adopt=adopt)
    return run


def step(
    run: Stepper, k: int, target: float, close: float = 100.0, low: float | None = None
) -> list[Goal]:
    moment = Moment(
        ts=k,
        session_day=20_000,
        minutes_to_close=9.0,
        is_month_end=False,
        closes_session=False,
        nights=0,
    )
    return run.step(moment, [(0, close, close, low or close, close, target + 1.0)])


def lots_of(goals: list[Goal]) -> list[int]:
    return [goal.lots for goal in goals]


def test_an_unfilled_goal_is_asked_again_once_its_order_has_ended() -> None:
    run = begun()
    assert lots_of(step(run, 1, 0.5)) == [5]
    assert step(run, 2, 0.5) == []
    run.ended(0, "entry", 5, "expired")
    assert lots_of(step(run, 3, 0.5)) == [5]


def test_what_was_refused_leaves_the_goal() -> None:
    run = begun()
    step(run, 1, 0.5)
    run.refused(0, 2, "collar")
    assert lots_of(run.goals()) == [2]
    run.fill(0, "entry", 2, 100_000_000, 0, 2)
    assert lots_of(step(run, 3, 0.5)) in ([], [2])
    assert run.view()["assets"][0]["held"] == 2
    assert run.view()["assets"][0]["refused"] == "collar"


def test_the_first_targets_are_only_heard_unless_they_are_adopted() -> None:
    run = begun(adopt=False)
    assert step(run, 1, 0.5) == []
    assert step(run, 2, 0.5) == []
    assert lots_of(step(run, 3, 0.4)) == [4]


def test_a_fill_arms_exits_and_an_exit_ends_the_goal() -> None:
    run = begun()
    (goal,) = step(run, 1, 0.5)
    assert (goal.stop_loss, goal.take_profit) == (90.0, 120.0)
    run.fill(0, "entry", 5, 110_000_000, 0, 2)
    (armed,) = run.changed()
    assert (armed.stop_loss, armed.take_profit) == (99.0, 132.0)
    run.fill(0, "stop", -5, 99_000_000, 0, 3)
    assert lots_of(step(run, 4, 0.5)) == [0]
    assert step(run, 5, 0.5) == []
    assert lots_of(step(run, 6, 0.3)) == [2]


@pytest.mark.parametrize(("resting", "expected"), [(True, []), (False, [0])])
def test_a_level_that_a_bar_reaches_is_asked_for_where_exits_cannot_rest(
    expected: list[int], *, resting: bool
) -> None:
    run = begun(resting_exits=resting)
    step(run, 1, 0.5)
    run.fill(0, "entry", 5, 100_000_000, 0, 1)
    step(run, 2, 0.5)
    goals = step(run, 3, 0.5, low=89.0)
    assert lots_of(goals) == expected
    assert all(goal.forced for goal in goals)


def test_a_split_rescales_what_is_held_and_heard() -> None:
    run = begun()
    step(run, 1, 0.5)
    run.fill(0, "entry", 5, 100_000_000, 0, 1)
    step(run, 2, 0.5)
    run.split(0, 2.0)
    step(run, 3, 2.0, close=50.0)  # twice the volume is what it was
    seen = run.view()
    assert (seen["assets"][0]["held"], seen["equity"]) == (10, 1_000.0)
    assert (seen["assets"][0]["stop_loss"], seen["assets"][0]["goal"]) == (45.0, 10)


def test_what_the_broker_holds_counts() -> None:
    run = begun(adopt=False)
    run.settle([3], 700_000_000)
    assert lots_of(step(run, 1, 0.5)) == [3]
    seen = run.view()
    assert (seen["equity"], seen["peak"], seen["assets"][0]["held"]) == (1_000.0, 1_000.0, 3)
    assert lots_of(step(run, 2, 0.6)) == [6]
    run.settle([6], 400_000_000)
    assert run.view()["assets"][0]["opening"] == 0


def test_no_goal_is_beyond_its_limit() -> None:
    run = begun(terms=terms_of(venue="ideal", cash=1_000, limits=Limits(max_position=0.25)))
    assert lots_of(step(run, 1, 0.9)) == [2]
    asset = run.view()["assets"][0]
    assert (asset["asked"], asset["opening"], asset["reason"]) == (9, 2, "max_position")


@pytest.mark.parametrize("machine", [False, True])
def test_a_target_that_is_no_number_ends_the_run_and_asks_nothing(*, machine: bool) -> None:
    run = begun(machine=machine)
    for _ in range(2):
        with pytest.raises(StrategyError, match="target must be a finite number, was nan for A"):
            step(run, 2, math.nan)
    assert "finite" in run.error
    assert run.changed() == []


def test_what_cannot_be_is_refused_before_anything_happens() -> None:
    run = begun()
    before = run.snapshot()
    for row in [(1, 1.0, 1.0, 1.0, 1.0, 1.0), (0, 1.0, math.inf, 1.0, 1.0, 1.0)]:
        with pytest.raises(DataError):
            run.step(
                Moment(
                    ts=1,
                    session_day=1,
                    minutes_to_close=1.0,
                    is_month_end=False,
                    closes_session=False,
                    nights=0,
                ),
                [row],
            )
    with pytest.raises(DataError, match="roles"):
        run.fill(0, "close", 1, 1, 0, 1)
    with pytest.raises(DataError, match="ratio"):
        run.split(0, 0.0)
    assert run.snapshot() == before
    with pytest.raises(ConfigError, match="begin"):
        step(Stepper(Told(), UNIVERSE, TERMS), 1, 0.5)
    with pytest.raises(ConfigError, match="size_at"):
        Stepper(Told(), UNIVERSE, terms_of(venue="ideal", options=FillOptions(size_at="fill")))


def test_plain_runs_are_light() -> None:
    code = (
        "import sys; from fanfold.engine.stepper import Stepper; "
        "print([m for m in ('numba', 'pandas', 'exchange_calendars') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"

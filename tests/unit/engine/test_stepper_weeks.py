"""Features of weeks, from sessions that are told: as from the calendar, and without it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tests.fakes.decisions import Wander
from tests.fakes.panels import wild_bars
from tests.fakes.stepping import moment_of, rows_of, universe_of

from fanfold.domain.sessions import sessions_between
from fanfold.engine.backtest import terms_of
from fanfold.engine.stepper import Stepper
from fanfold.strategies.indicators import SMA, Indicator, On


class WanderByWeeks(Wander):
    """With a feature of weeks."""

    def features(self) -> tuple[Indicator, ...]:
        return On("1W", SMA(2)), SMA(3)


def test_sessions_that_are_told_say_what_the_calendar_says() -> None:
    bars, terms = wild_bars(3, 60, 2), terms_of(venue="ideal")
    universe = universe_of(bars, terms)
    days = sessions_between(int(bars.session_day[0]) - 10, int(bars.session_day[-1]) + 10, "XNYS")
    told = replace(universe, session_days=tuple(days.tolist()))
    assert repr(told) == repr(universe)
    runs = [Stepper(WanderByWeeks(seed=1), each, terms) for each in (universe, told)]
    for run in runs:
        run.begin(adopt=True)
    for t in range(bars.bar_count):
        goals = [repr(run.step(moment_of(bars, t), rows_of(bars, t))) for run in runs]
        assert goals[0] == goals[1]
        assert runs[0].snapshot() == runs[1].snapshot()


def test_no_library_of_calendars_is_loaded_for_them() -> None:
    code = """
import sys
from tests.unit.engine.test_stepper_weeks import WanderByWeeks
for name in [name for name in sys.modules if name.startswith(("pandas", "exchange_calendars"))]:
    del sys.modules[name]
from fanfold.engine.backtest import terms_of
from fanfold.engine.stepper import Moment, Stepper, Universe
days = tuple(range(18_500, 18_600))
universe = Universe(
    symbols=("A",), calendars=("XNYS",), parts=(1,), shortable=(True,), ticks=((0, 0),),
    least_notional=(0,), calendar="XNYS", session_days=days,
)
run = Stepper(WanderByWeeks(), universe, terms_of(venue="ideal"))
run.begin(adopt=True)
for day in range(18_510, 18_530):
    moment = Moment(
        ts=day * 86_400 * 10**9, session_day=day, minutes_to_close=0.0, is_month_end=False,
        closes_session=True, nights=1,
    )
    run.step(moment, [(0, 10.0, 10.0, 10.0, 10.0, 5.0)])
assert run.view()["assets"][0]["features"][0] == 10.0
print([name for name in ("pandas", "exchange_calendars") if name in sys.modules])
"""
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert shown.stdout.strip() == "[]"

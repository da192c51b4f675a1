"""What is wrong is told once it lasts, once, and its end once it is over."""

from typing import Any

import pytest
from tests.fakes.shown_states import AT, reading

from fanfold.live.messages import EXECUTION, MARKET_DATA, RISK, SIGNAL
from fanfold.serving.alerts import RULES, Alarms, Event
from fanfold.serving.alerts.alarms import QUIET_S, REPEAT_S
from fanfold.serving.metrics import Surroundings, Totals
from fanfold.serving.metrics.reading import Reading

BOUNDS = Surroundings(bounds={"max_drawdown": 0.1, "max_daily_loss": 0.03})
LATCH = {"reason": "equity 89,000.00", "by": "risk", "at": AT}


def told(*readings: Reading) -> list[Event]:
    """What is told over some looks."""
    events: list[Event] = []
    alarms, totals = Alarms(events.append), Totals()
    for each in readings:
        alarms.look(each, totals.take(each))
    return events


def lasting(seconds: int, /, **changes: Any) -> list[Reading]:
    """A look every five seconds."""
    return [reading(float(second), BOUNDS, **changes) for second in range(0, seconds + 1, 5)]


WRONG: dict[str, dict[str, Any]] = {
    "ComponentDown": {"states": {RISK: "down"}},
    "SupervisorDown": {"supervisor": "down"},
    "NotArmed": {"status": "waiting", "waits_for": "the gate"},
    "Halted": {"latches": [LATCH | {"name": "max_drawdown"}]},
    "Demoted": {"latches": [LATCH | {"name": "demoted"}]},
    "FeedDown": {"gauges": {MARKET_DATA: {"feed_up": False, "feed_reason": "no market stream"}}},
    "SymbolsStale": {"gauges": {MARKET_DATA: {"stale": 2}}},
    "ClockOff": {"gauges": {MARKET_DATA: {"clock_offset_s": -2.5}}},
    "GateClosed": {"gauges": {EXECUTION: {"gate": False}}, "gate": "closed: reconciling"},
    "OrdersUnknown": {"gauges": {EXECUTION: {"asked_about": 1}}},
    "Backlog": {"gauges": {SIGNAL: {"backlog": 5_000}}},
    "DrawdownNearLimit": {"money": {"drawdown": 0.09}},
    "DailyLossNearLimit": {"money": {"pnl_day": -2_500.0}},
}
"""What each rule over one state finds wrong."""

GROWING: dict[str, list[Reading]] = {
    "MessagesLost": [reading(n, counts={SIGNAL: {"lost": n}}) for n in (0, 1)],
    "RefusalsBurst": [reading(n, counts={RISK: {"refused.halted": 30 * n}}) for n in (0, 1)],
    "ReconnectStorm": [reading(n, counts={MARKET_DATA: {"reconnects": 3 * n}}) for n in range(4)],
    "RestartStorm": [reading(n, restarts=2 * n) for n in range(4)],
    "DiskFilling": [
        reading(float(n), Surroundings(facts={"disk_free_bytes": 1e9})) for n in range(0, 61, 10)
    ],
}
"""And each that needs more than one."""


def test_every_rule_is_tried() -> None:
    assert {rule.name for rule in RULES} == {*WRONG, *GROWING}


@pytest.mark.parametrize("name", WRONG)
def test_what_lasts_is_told_once(name: str) -> None:
    (event,) = told(*lasting(130, **WRONG[name]))
    assert (event["alert"], event["status"], event["deployment"]) == (name, "firing", "demo")
    assert event["runbook"].endswith(f"#{name.lower()}")


@pytest.mark.parametrize("name", GROWING)
def test_what_grows_too_fast_is_told(name: str) -> None:
    assert [event["alert"] for event in told(*GROWING[name])] == [name]


def test_nothing_is_told_of_what_is_well() -> None:
    assert told(*lasting(200)) == []


def test_what_passes_soon_is_not_told() -> None:
    down = [reading(float(second), states={RISK: "down"}) for second in range(10)]
    assert told(*down, *(reading(float(second)) for second in range(10, 60))) == []


def test_the_end_is_told_once_it_has_been_well_for_a_while() -> None:
    halted = reading(0.0, latches=[LATCH | {"name": "kill"}])
    events = told(halted, reading(QUIET_S - 1), reading(QUIET_S), reading(QUIET_S + 100))
    assert [(event["alert"], event["status"]) for event in events] == [
        ("Halted", "firing"), ("Halted", "resolved"),
    ]  # fmt: skip


def test_what_flutters_is_told_once() -> None:
    flutter = [
        reading(float(second), latches=[LATCH | {"name": "kill"}] * (second % 2))
        for second in range(1, 60)
    ]
    assert [event["status"] for event in told(*flutter)] == ["firing"]


def test_each_subject_is_told_by_itself() -> None:
    down = {"states": {RISK: "down", SIGNAL: "silent"}}
    assert sorted(event["subject"] for event in told(*lasting(20, **down))) == [RISK, SIGNAL]


def test_what_is_not_mended_is_told_again() -> None:
    latch = {"latches": [LATCH | {"name": "kill"}]}
    events = told(reading(0.0, **latch), reading(REPEAT_S - 1, **latch), reading(REPEAT_S, **latch))
    assert len(events) == 2


def test_counts_of_a_component_that_begins_anew_are_no_loss() -> None:
    first = reading(0.0, counts={MARKET_DATA: {"reconnects": 0}})
    before = reading(1.0, counts={MARKET_DATA: {"reconnects": 3}})
    again = reading(2.0, counts={MARKET_DATA: {"reconnects": 1}}, incarnations={MARKET_DATA: 2})
    assert told(first, before, again) == []  # 4, and 6 would be too many


def test_a_replay_is_of_another_day_and_a_start_is_no_fault() -> None:
    replay = {"mode": "local", "gauges": {MARKET_DATA: {"clock_offset_s": -4e8}}}
    assert told(*lasting(120, **replay)) == []
    assert told(*lasting(60, states={RISK: "starting"})) == []


def test_what_was_brought_down_is_not_unwatched() -> None:
    all_down = dict.fromkeys((MARKET_DATA, SIGNAL, RISK, EXECUTION), "down")
    events = told(*lasting(14, states=all_down, supervisor="down", status="down"))
    assert events == []

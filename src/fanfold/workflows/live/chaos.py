"""A compressed paper run in which everything goes wrong: `fanfold chaos run`.

The venue's clock is led minute by minute; before some minutes a fault happens. At every
check the run comes to rest, and the deployment's books are held against the venue's. Once,
the kill switch is pulled; at the end the record is replayed. All follows from a seed.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from fanfold.domain.place import home
from fanfold.errors import FanfoldError
from fanfold.live.folder import Folder
from fanfold.workflows.live.chaos_faults import ChaosFault, draw_faults
from fanfold.workflows.live.chaos_job import CASH, chaos_job_of
from fanfold.workflows.live.chaos_market import make_market
from fanfold.workflows.live.chaos_stage import Stage

CHECK_MINUTES: Final = 30
"""Minutes between two checks."""

COMPLAINTS_MAX: Final = 20
"""Complaints after which a run gives up."""

Say = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        complaints: What did not hold, each with its minute.
        faults: How often each kind happened.
        checks: How often the books were compared.
        kill: What the kill switch took and left.
        memory: Private memory of each component by session [MB].
        parity: Of the audit at the end.
        figures: Counts of the whole run.
    """

    complaints: list[str] = field(default_factory=list[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    checks: int = 0
    kill: dict[str, Any] = field(default_factory=dict[str, Any])
    memory: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    parity: dict[str, Any] = field(default_factory=dict[str, Any])
    figures: dict[str, Any] = field(default_factory=dict[str, Any])


def run_chaos(
    *,
    seed: int,
    days: int,
    fault_count: int,
    hosts: str,
    say: Say,
    keep: bool = False,
    minutes: int | None = None,
    progress: Callable[[Iterator[int], int], Iterator[int]] = lambda minutes, _: minutes,
) -> dict[str, Any]:
    """Run a deployment through its faults.

    Args:
        seed: Of the faults, the market and the strategy.
        days: Sessions.
        fault_count: Faults in all.
        hosts: "processes" or "ray".
        say: Told what happens.
        keep: Whether the deployment's folder stays.
        minutes: Of the first session, after which it ends; None for all of all sessions.
        progress: Wraps the minutes, to show how far it is.

    Returns:
        What happened, as plain values; `status` is "ok" or "failed".

    Raises:
        ConfigError: There are not so many sessions.
        RunError: The deployment or its venue cannot be brought up.
    """
    began = time.monotonic()
    name = f"chaos-{seed}-{time.time_ns() // 10**6 % 10**9}"
    folder = Folder.of(name)
    market_folder = home() / "live" / f".{name}"
    market_folder.mkdir(mode=0o700, parents=True)
    market = make_market(market_folder, days, seed)
    job = chaos_job_of(name, market, seed, hosts)
    outcome = Outcome()
    stage = Stage(folder, job, market, say, minutes)
    try:
        stage.open()
        faults = draw_faults(seed, fault_count, stage.minute_count, market.symbols)
        _through_the_days(stage, faults, outcome, progress)
        outcome.figures = stage.figures()
        outcome.parity = stage.audit()
        if outcome.parity.get("status") == "different":
            outcome.complaints.append(f"parity: {outcome.parity['legs']}")
    except FanfoldError as error:
        outcome.complaints.append(f"{type(error).__name__}: {error}")
    finally:
        stage.close(keep=keep or bool(outcome.complaints))
    return _content(outcome, stage) | {
        "seed": seed,
        "days": days,
        "again": f"fanfold chaos run --seed {seed} --days {days} --faults {fault_count}"
        + ("" if minutes is None else f" --minutes {minutes}"),
        "seconds": round(time.monotonic() - began, 1),
    }


def _through_the_days(
    stage: Stage,
    faults: list[ChaosFault],
    outcome: Outcome,
    progress: Callable[[Iterator[int], int], Iterator[int]],
) -> None:
    waiting = list(reversed(faults))
    kill_at = stage.minute_count * 2 // 3
    for minute in progress(iter(range(stage.minute_count)), stage.minute_count):
        while waiting and waiting[-1].minute <= minute:
            fault = waiting.pop()
            stage.strike(fault)
            outcome.faults[fault.name] += 1
        stage.lead(minute)
        if minute == kill_at:
            outcome.kill = stage.kill()
            outcome.complaints += [f"minute {minute}: {one}" for one in outcome.kill["complaints"]]
        if (minute + 1) % CHECK_MINUTES == 0 or minute + 1 == stage.minute_count:
            outcome.checks += 1
            for one in stage.check():
                outcome.complaints.append(f"minute {minute}: {one}")
            if len(outcome.complaints) >= COMPLAINTS_MAX:
                return
        if stage.ends_session(minute):
            outcome.memory.append(stage.memory())


def _content(outcome: Outcome, stage: Stage) -> dict[str, Any]:
    job = stage.job
    return {
        "status": "failed" if outcome.complaints else "ok",
        "faults": sum(outcome.faults.values()),
        "faults_by_kind": dict(sorted(outcome.faults.items())),
        "checks": outcome.checks,
        "complaints": outcome.complaints,
        "kill": outcome.kill,
        "parity": outcome.parity,
        "memory_mb_by_session": outcome.memory,
        "memory_slope_mb_per_session": _slopes(outcome.memory),
        "metrics": outcome.figures,
        "strategy": {"name": job.strategy.name, "params": job.strategy.params},
        "cash": str(Decimal(CASH)),
        "seconds_by_part": {name: round(spent, 1) for name, spent in stage.spent.items()},
        "deployment": stage.folder.name,
        "folder": str(stage.folder.path) if outcome.complaints else None,
    }


def _slopes(memory: list[dict[str, float]]) -> dict[str, float]:
    """Least-squares slope of each component's memory over sessions [MB a session]."""
    import numpy as np

    if len(memory) < 3:  # noqa: PLR2004  (a line through two points says nothing)
        return {}
    x = np.arange(len(memory))
    names = [name for name in memory[0] if all(name in one for one in memory)]
    return {
        name: round(float(np.polyfit(x, [one[name] for one in memory], 1)[0]), 4) for name in names
    }

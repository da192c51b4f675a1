"""What an order costs in risk and in execution alone, with warm caches and with cold ones.

    python -m tests.benchmarks.order_path
    python -m tests.benchmarks.order_path --count 500 --part risk

Risk judges intents over ten coins whose quotes move; execution sends orders to a venue of
this project over a line that is kept open. In a running deployment an order comes every few
milliseconds and other processes use the caches in between: "cold" sleeps for so long, and
walks through more memory than a core's cache holds. No components are started, so what the
loop and ZeroMQ take is not in it; `tests.benchmarks.live` measures the whole.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from tests.fakes.live_desk import Desk, desk_at
from tests.fakes.live_risk import World
from tests.fakes.venue_world import in_session, world

from fanfold.live.execution.line import Answer, Line
from fanfold.live.messages import ApprovedOrder, Fill, Quote
from fanfold.live.statistics import Latency

COINS = 10
PAUSE_S = 0.025
"""Time between two orders of a deployment that sends forty a second [s]."""

QUOTES = 500
"""Quotes of an envelope before each intent: what a second of the floor brings in 10 ms."""

CACHE_BYTES = 8 * 2**20
"""More than a core's own caches hold [bytes]."""

GOALS = (10, 20)
"""What execution is to hold of a share, in turns: never nothing."""

Measured = dict[str, dict[str, float]]


def cooled() -> None:
    """Let as much time go by as between two orders, and others have the caches."""
    time.sleep(PAUSE_S)
    waste = bytearray(CACHE_BYTES)
    waste[::64] = b"\1" * (CACHE_BYTES // 64)


def stage_of(latency: Latency) -> dict[str, float]:
    found = latency.summary()
    return {name: found[name] / 1e3 for name in ("count", "p50", "p99")} | {
        "count": float(found["count"])
    }


def spread_of(took: list[float]) -> dict[str, float]:
    took = sorted(took)
    return {"count": float(len(took)), "p50": median(took), "p99": took[len(took) * 99 // 100]}


def risk_of(folder: Path, count: int, pause: Callable[[], None]) -> Measured:
    """Intents that take turns over ten coins, each after a burst of quotes."""
    desk = World(
        folder,
        asset_count=COINS,
        asset_class="crypto",
        calendar="24/7",
        parts=10**9,
        shortable=False,
        market={"clock": "quotes", "silence_s": 60},
        limits={"max_position": 0.5, "max_gross": 0.9},
        account={"cash": 100_000, "leverage": 1},
        risk={"quote_age_s": 30, "orders_per_second": 10_000, "duplicate_s": 0.0},
    )
    units = 20 * 10**9
    held = [0] * COINS
    took: list[float] = []
    for turn in range(count):
        asset = turn % COINS
        for number in range(QUOTES // 10):
            price = 100.0 + 1e-3 * ((turn + number) % 7)
            desk.ts += 1_000
            desk.market(
                *(Quote(coin, desk.ts, price - 0.01, price + 0.01, 9.0, 9.0) for coin in range(10))
            )
        desk.risk._desk.prepare()  # as each tick does
        pause()
        desk.now += 2_000_000
        desk.quote(asset, 100.0)
        intent = desk.intent(asset, units if held[asset] < units else units // 2)
        began = time.thread_time_ns()
        out = desk.send("signal", intent)
        took.append((time.thread_time_ns() - began) / 1e3)
        approved = [value for _, value in out if isinstance(value, ApprovedOrder)]
        assert [value.goal for value in approved] == [intent.goal]
        desk.fill(asset, intent.goal - held[asset], intent.goal, 100.0)
        held[asset] = intent.goal
    stages: dict[str, Latency] = desk.risk._latency
    return {
        "check": stage_of(stages["check"]),
        "take": {
            "count": float(count),
            "p50": median(took),
            "p99": sorted(took)[count * 99 // 100],
        },
    }


def execution_of(desk: Desk, count: int, pause: Callable[[], None]) -> Measured:
    """Approvals that lead to a market order each, one after the other's fill."""
    desk.armed()
    stages: dict[str, Latency] = desk.made._timing.stages
    stages["submit"] = Latency()
    left, took = [0], list[float]()
    send = Line.send

    def timed(line: Line, content: bytes, method: str) -> Answer | None:
        answer = send(line, content, method)
        left[0] = left[0] or time.thread_time_ns()
        return answer

    with pytest.MonkeyPatch().context() as patch:
        patch.setattr(Line, "send", timed)
        for turn in range(count):
            fills = len(desk.of(Fill))
            pause()
            desk.turn()
            left[0], began = 0, time.thread_time_ns()
            desk.approve(GOALS[turn % 2])
            took.append((left[0] - began) / 1e3)
            desk.until(lambda fills=fills: len(desk.of(Fill)) > fills)
            desk.run(0.02)
    return {"submit": stage_of(stages["submit"]), "cpu": spread_of(took)}


def shown(name: str, found: Measured) -> None:
    for stage, times in found.items():
        figures = "".join(f"{key} {times[key]:>8,.1f} us  " for key in ("p50", "p99"))
        print(f"{name:<16}{stage:<10}{times['count']:>6,.0f}  {figures}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=300, help="Orders of each figure.")
    parser.add_argument("--part", choices=("risk", "execution", "all"), default="all")
    asked = parser.parse_args()
    pauses: dict[str, Callable[[], None]] = {"hot": lambda: None, "cold": cooled}
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="fanfold-path-") as made:
        place = Path(made)
        if asked.part != "execution":
            for name, pause in pauses.items():
                found[f"risk {name}"] = risk_of(place / f"risk-{name}", asked.count, pause)
        if asked.part != "risk":
            with world(place) as venue, pytest.MonkeyPatch().context() as patch:
                in_session(venue)
                settings = {"execution": {"lease_s": 10.0}}
                for name, pause in pauses.items():
                    with desk_at(venue, place, patch, **settings) as desk:
                        found[f"execution {name}"] = execution_of(desk, asked.count, pause)
    for name, figures in found.items():
        shown(name, figures)
    print(json.dumps({"benchmark": "order_path", "us": found}))


if __name__ == "__main__":
    main()

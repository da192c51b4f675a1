"""How fast a live deployment is, from the sender's scheduled time to order bytes written.

    make bench-live                          the floor: 50,000 messages/s for 60 s
    python -m tests.benchmarks.live --rate 100000 --seconds 20
    python -m tests.benchmarks.live --per-frame 1

A sender (`tests.benchmarks.live_sender`) speaks the broker's stream; a venue of this project
takes the orders; between them stand the four components as they trade: risk, journal,
recording and snapshots on. A strategy on quotes trades each time a price crosses a wire, so
every order has a quote that caused it, whose timestamp is the instant it was to be sent at.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fanfold.live.doors import ask, door_of
from fanfold.live.folder import Folder
from fanfold.live.messages import COMPONENTS
from fanfold.live.plan import read_plan
from fanfold.live.registry import entry_of
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.chaos_stage import private_mb
from fanfold.workflows.live.local_venue import stop_venue
from fanfold.workflows.live.stop import down
from fanfold.workflows.live.up import up

SYMBOLS = tuple(f"C{number:02}/USD" for number in range(10))
FLIPS = 40.0
"""Times a second that a price crosses the wire, each an order [1/s]."""

FLOORS = {
    "tick to order p50": ("execution", "tick_to_order", "p50", 400_000),
    "tick to order p99": ("execution", "tick_to_order", "p99", 1_500_000),
    "decode, a message": ("market_data", "decode", "p50", 2_000),
    "book, a message": ("market_data", "book", "p50", 5_000),
    "risk check": ("risk", "check", "p50", 10_000),
    "submit": ("execution", "submit", "p50", 200_000),
}
"""Component, stage, percentile and bound [ns]."""

MEMORY_MB = 100.0
SETTLE_S = 2.0
"""Time for the last orders to be filled, before everybody is asked [s]."""

HOP_GOAL_US = 10.0
"""What one hop between two components was once written to take [us]."""

JOURNAL = "SQLite, WAL, synchronous = NORMAL"
"""How orders are journaled before their bytes leave."""


def job_of(market: Path, hosts: str, name: str, *, machine: bool) -> LiveJob:
    return LiveJob.model_validate(
        {
            "job": "live",
            "deployment": name,
            "strategy": {
                "name": "tests.benchmarks.live_strategy:Tripwire", "params": {"level": 100.0},
            },
            "data": {"symbols": list(SYMBOLS), "warm_up": "venue", "warm_up_bars": 50},
            "account": {"cash": 100_000, "leverage": 1, "venue": "alpaca"},
            "sizing": {"kind": "exposure"},
            "limits": {"max_position": 0.5, "max_gross": 0.9},
            "live": {
                "broker": {"at": "local", "requests_per_minute": 1_000_000, "connections": 4},
                "market": {
                    "clock": "quotes", "silence_s": 60, "stale_s": 600, "grace_s": 1,
                },
                "risk": {
                    "quote_age_s": 30, "orders_per_second": 10_000, "daily_volume_share": 1.0,
                    "duplicate_s": 0.0,
                },
                "execution": {"start": "adopt_backtest_target"},
                "host": {"hosts": hosts, "machine": machine},
            },
            "venue": {
                "port": 0,
                "replay": {
                    "source": str(market), "calendar": "24/7", "stamp": "end",
                    "begin": datetime.now(UTC).isoformat(timespec="seconds"),
                },
                "speed": 0,
            },
        }
    )  # fmt: skip


def write_market(file: Path) -> None:
    """Minutes of ten coins around the wire, ending now: the venue's past and its present."""
    import pandas as pd

    now = int(time.time()) // 60 * 60
    ends = pd.date_range(end=pd.Timestamp(now + 600, unit="s", tz="UTC"), periods=4_000, freq="min")
    frames = [
        pd.DataFrame(
            {
                "symbol": symbol, "ts": ends, "open": 100.0, "high": 100.2, "low": 99.8,
                "close": 100.0, "volume": 1e6,
            }
        )
        for symbol in SYMBOLS
    ]  # fmt: skip
    pd.concat(frames).to_parquet(file, index=False)


def statistics(folder: Folder) -> dict[str, dict[str, Any]]:
    return {name: ask(door_of(folder, name), "statistics", seconds=5.0) for name in COMPONENTS}


def measured(folder: Folder, asked: argparse.Namespace, sender: subprocess.Popen[str]) -> Any:
    assert sender.stdin is not None
    assert sender.stdout is not None
    sender.stdin.write("go\n")
    sender.stdin.flush()
    sent = json.loads(sender.stdout.readline())
    time.sleep(SETTLE_S)
    found = statistics(folder)
    memory = {
        name: private_mb(entry.pid)
        for name in COMPONENTS
        if (entry := entry_of(folder, name)) is not None
    }
    return {
        "sent": sent,
        "statistics": found,
        "memory_mb": memory,
        "asked": vars(asked),
        "load": os.getloadavg(),
    }


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """The figures that were promised beside their floors, and what they rest on."""
    latency = {name: one["latency"] for name, one in found["statistics"].items()}
    counts = {name: one["counts"] for name, one in found["statistics"].items()}
    floors: dict[str, Any] = {}
    for name, (component, stage, percentile, bound) in FLOORS.items():
        value = latency[component].get(stage, {}).get(percentile)
        floors[name] = {"us": None if value is None else value / 1e3, "floor_us": bound / 1e3}
    sent, every = found["sent"]["messages"], counts.values()
    execution = counts["execution"]
    filled, left = execution.get("orders.filled", 0), execution.get("orders.sending", 0)
    return {
        "floors": floors,
        "hop_p50_us": {
            name: stages["hop"]["p50"] / 1e3 for name, stages in latency.items() if "hop" in stages
        },
        "hop_goal_us": HOP_GOAL_US,
        "messages": {
            "sent": sent,
            "read": counts["market_data"]["messages"],
            "taken by signal": counts["signal"].get("messages", 0),
            "taken by risk": counts["risk"].get("messages", 0),
            "conflated": sum(one.get("conflated", 0) for one in every),
            "lost": sum(one.get("lost", 0) for one in every),
            "gaps": sum(one.get("gaps", 0) for one in every),
        },
        "orders": {
            "intents": counts["signal"].get("intents", 0),
            "approved": counts["risk"].get("approved", 0),
            "sent": left,  # an approval that a newer one has overtaken becomes none
            "filled": filled,
            "success": round(filled / left, 5) if left else None,
        },
        "memory_mb": found["memory_mb"],
        "memory_floor_mb": MEMORY_MB,
        "restarts": {name: one["incarnation"] - 1 for name, one in found["statistics"].items()},
        "journal": JOURNAL,
        "frames": found["sent"]["frames"],
        "sender_late_us": {
            key: value / 1e3
            for key, value in found["sent"]["sender_late"].items()
            if key in ("p50", "p99", "p999", "max")
        },
        "load": found["load"],
        "asked": found["asked"],
    }


def shown(found: dict[str, Any]) -> None:
    print(f"{'component':<14}{'stage':<16}{'count':>10}{'p50':>10}{'p99':>10}{'p99.9':>10}  [us]")
    for name, one in found["statistics"].items():
        for stage, times in one["latency"].items():
            values = "".join(f"{times[key] / 1e3:>10,.1f}" for key in ("p50", "p99", "p999"))
            print(f"{name:<14}{stage:<16}{times['count']:>10,}{values}")
    print()
    figures = summary(found)
    for name, one in figures.pop("floors").items():
        is_kept = one["us"] is not None and one["us"] < one["floor_us"]
        print(
            f"{name:<20}{one['us']!s:>12} of {one['floor_us']:>8,.0f} us  {'' if is_kept else '!'}"
        )
    for name, value in figures.items():
        print(f"{name:<20}{value}")
    for name, one in found["statistics"].items():
        print(f"{name:<20}{ {key: value for key, value in one['counts'].items() if value} }")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=int, default=50_000, help="Messages a second.")
    parser.add_argument("--per-frame", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--flips", type=float, default=FLIPS, help="Orders a second.")
    parser.add_argument("--hosts", choices=("processes", "ray"), default="ray")
    parser.add_argument("--machine", action="store_true", help="Decisions in machine code.")
    parser.add_argument("--keep", type=Path, help="Folder whose logs and tapes stay.")
    asked = parser.parse_args()
    if not 1 <= asked.per_frame <= len(SYMBOLS):
        parser.error(f"--per-frame must be from 1 to {len(SYMBOLS)}, was {asked.per_frame}")
    with tempfile.TemporaryDirectory(prefix="fanfold-bench-") as made:
        place = asked.keep or Path(made)
        place.mkdir(parents=True, exist_ok=True)
        os.environ["FANFOLD_HOME"] = str(place)
        found = _run(place, asked)
    shown(found)
    latency = {name: one["latency"] for name, one in found["statistics"].items()}
    line = {"benchmark": "live", **summary(found), "latency": latency}
    print(json.dumps(line, default=str))


def _run(place: Path, asked: argparse.Namespace) -> Any:
    market = place / "coins.parquet"
    write_market(market)
    command = [
        *(sys.executable, "-m", "tests.benchmarks.live_sender", "0"),
        *map(str, (asked.rate, asked.per_frame, asked.seconds, asked.flips)),
        *SYMBOLS,
    ]
    sender = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert sender.stdout is not None
    port = json.loads(sender.stdout.readline())["port"]
    name = f"bench-{os.getpid()}"
    folder = Folder.of(name)
    job = job_of(market, asked.hosts, name, machine=asked.machine)
    broker = job.live.broker.model_copy(
        update={"market_stream_url": f"ws://127.0.0.1:{port}/v1beta3/crypto/us"}
    )
    job = job.model_copy(update={"live": job.live.model_copy(update={"broker": broker})})
    try:
        up(job, lambda line: print(line, file=sys.stderr))
        read_plan(folder)
        return measured(folder, asked, sender)
    finally:
        if folder.plan.exists():
            down(folder, "benchmark", lambda line: print(line, file=sys.stderr))
        else:
            stop_venue(folder)
        sender.terminate()
        sender.wait(10)
        if asked.keep is None:
            shutil.rmtree(folder.path, ignore_errors=True)


if __name__ == "__main__":
    main()

"""fanfold beside other engines, on this machine, in one run: what `make bench` prints.

The engines must agree on the trades first; one that does not is named, gets no
ratio, and makes the exit code 1. Missing a floor does not: figures are for reading.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agreement import Agreement, Difference, compare_trades
from cases import CASES, combinations_of
from engines import OURS, PACKAGES, SCRIPTS, Engine, EngineError
from four import check_cases, measure_four, worst_line
from measurements import (
    Bench,
    measure_million,
    measure_plain,
    measure_ray,
    measure_shell,
)
from memory import measure_memory
from prices import daily_panel, daily_walk, minute_walk, real_goog
from tables import Row, table

SEED = 7
SESSIONS = 5_031
ASSETS = 10

COSTS = {"commission": 0.001, "slippage": 0.0005}
ALL_CASH = {"cash": 100_000.0, "units": 0, **COSTS}
# backtesting.py slips entries only and keeps some cash back, so with it: neither.
FIXED_UNITS = {"cash": 1_000_000.0, "units": 100, **COSTS, "slippage": 0.0}
# Thousands of round trips at the usual costs would leave nothing to trade with.
THIN_COSTS = {**ALL_CASH, "commission": 1e-6, "slippage": 1e-6}

MEASUREMENTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "sweep": measure_four,
    "memory": measure_memory,
    "million": measure_million,
    "plain": measure_plain,
    "ray": measure_ray,
    "shell": measure_shell,
}
"""By the names that `--only` takes."""

CHECKED_BY = {
    "vectorbt": (("trades", ALL_CASH), ("trades", FIXED_UNITS)),
    "raptorbt": (("trades", ALL_CASH), ("plain_trades", ALL_CASH)),
    "backtesting.py": (("plain_trades", FIXED_UNITS),),
}
"""Work and habit that a peer and fanfold are compared in."""

CHECKED_PAIRS = ((10, 20), (20, 50), (50, 200))

BUSY_LOAD = 0.5
"""Load average above which figures are not to be trusted, before anything was started."""


def main() -> int:
    """Read the command line, measure and print; 1 where engines disagree."""
    parser = argparse.ArgumentParser(description="Measure fanfold beside other engines.")
    parser.add_argument("--quick", action="store_true", help="less of everything, for a first look")
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="only this; again")
    parser.add_argument("--json", metavar="FILE", help="also write all figures to this file")
    asked = parser.parse_args()
    machine = describe_machine()
    print("\n".join(f"{name:10} {value}" for name, value in machine.items()), flush=True)
    with tempfile.TemporaryDirectory(prefix="fanfold-bench-") as folder:
        bench = prepare(Path(folder), quick=asked.quick)
        agreements = check(bench)
        rows = [row for name in asked.only or MEASUREMENTS for row in measure(name, bench)]
    print(f"\n{table(rows)}\n\n{legend(bench)}")
    if any(row.case for row in rows):
        print(f"\n{worst_line(rows)}")
    if asked.json:
        found = {
            "machine": machine,
            "agreements": [vars(agreement) for agreement in agreements],
            "rows": [row.as_json() for row in rows],
        }
        Path(asked.json).write_text(json.dumps(found, indent=1) + "\n")
    return 1 if bench.disagreeing else 0


def prepare(folder: Path, *, quick: bool) -> Bench:
    """Write the prices and settle how much is done."""
    days = {
        "daily": daily_walk(SESSIONS, SEED),
        "gapless": daily_walk(SESSIONS, SEED, gap=0.0),
        "panel": daily_panel(SESSIONS, SEED, ASSETS),
    }
    return Bench(
        folder=folder,
        files={name: prices.write(folder / f"{name}.npz") for name, prices in days.items()},
        minutes=minute_walk(1_000_000, SEED).write(folder / "minutes.npz"),
        short=minute_walk(20_000 if quick else 200_000, SEED).write(folder / "short.npz"),
        cores=sorted(os.sched_getaffinity(0)),
        repetitions=2 if quick else 5,
        is_hurried=quick,
        fan_out_seconds=15.0 if quick else 60.0,
        daily_habit=ALL_CASH,
        minute_habit=THIN_COSTS,
        said=progress,
    )


def check(bench: Bench) -> list[Agreement | Difference]:
    """Compare trades and rows with every peer; those that differ get no ratios."""
    print("\nDo the engines trade alike?", flush=True)
    files = {
        "GOOG": real_goog().write(bench.folder / "goog.npz"),
        "random walk": bench.files["daily"],
    }
    found: list[Agreement | Difference] = []
    with bench.engine(OURS) as us:
        for name, works in CHECKED_BY.items():
            try:
                with bench.engine(name) as them:
                    here: list[Agreement | Difference] = [
                        compare_one(us, them, (label, file), *work)
                        for label, file in files.items()
                        for work in works
                    ]
                    for agreement in here:
                        if isinstance(agreement, Agreement) and agreement.findings:
                            bench.disagreeing[name] = agreement.findings[0]
                    here += check_cases(us, them, bench)
            except EngineError as error:
                print(f"  not available: {error}", flush=True)
                continue
            for agreement in here:
                print(agreement.line, flush=True)
            found += here
    return found


def compare_one(
    us: Engine, them: Engine, prices: tuple[str, Path], work: str, habit: dict[str, Any]
) -> Agreement:
    """Fills of a few combinations, one by one."""
    label, file = prices
    findings: list[str] = []
    fill_count = 0
    for fast, slow in CHECKED_PAIRS:
        asked = {"file": str(file), "fast": fast, "slow": slow, "habit": habit}
        ours = us.ask(work, **asked)
        fill_count += len(ours["fills"])
        different = compare_trades(ours, them.ask(work, **asked))
        findings += [f"SMA {fast}/{slow}, {finding}" for finding in different]
    sized = f"{habit['units']} units" if habit["units"] else "all cash in whole units"
    decided = "decided in Python, " if work == "plain_trades" else ""
    return Agreement(them.name, f"{label}, {decided}{sized}, {fill_count} fills", findings)


def measure(name: str, bench: Bench) -> list[Row]:
    """The rows of one measurement; a failure of our own is a row too."""
    try:
        return list(MEASUREMENTS[name](bench))
    except EngineError as error:
        return [Row(name, note=f"failed: {error}")]


def describe_machine() -> dict[str, str]:
    """What the figures were measured on, with the versions of all engines."""
    cpu = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":")[1].strip() for line in cpu.splitlines() if "model name" in line]
    load = os.getloadavg()[0]
    busy = " (BUSY: do not trust the figures)" if load > BUSY_LOAD else ""
    found = {
        "machine": f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores",
        "load": f"{load:.2f}{busy}",
        "system": platform.platform(),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in SCRIPTS:
            try:
                engine = Engine(name, Path(folder), None)
                found[name] = ", ".join(
                    f"{package} {version}"
                    for package, version in engine.ask("versions", packages=PACKAGES[name]).items()
                )
                engine.close()
            except EngineError as error:
                found[name] = f"not available: {error}"
    return found


def legend(bench: Bench) -> str:
    """How to read the table."""
    ours, theirs = (
        " / ".join(f"{len(combinations_of(case, size)):,}" for case in CASES)
        for size in ("full", "few")
    )
    return (
        f"Medians of {bench.repetitions} [least–most]; one more came first and is not counted\n"
        "(cold: the first in a fresh process, what it still had to load included). Ratios are\n"
        "medians over pairs that alternate; single engines share one core. Sweeps: 5,031 bars,\n"
        "commission 10 bps, slippage 5 bps (none with a bracket), all cash in whole units at the\n"
        "next open; return, Sharpe, drawdown and trade count of each combination. Rates are per\n"
        f"combination: ours over {ours} of them, a peer's over {theirs}\n"
        "(SMA, RSI, Donchian, rotation). Cold, from nothing: from starting the process, with\n"
        "nothing compiled yet, to the rows of a sweep as small as the peers'; the ratio is how\n"
        "much sooner. Long runs: minute bars, costs of 0.01 bps, so that the account lives.\n"
        "Fan-out: the workers are up and warm;\n"
        "the kernel ran in two processes on both cores at once."
    )


def progress(text: str) -> None:
    """Tell on the error stream what is being measured."""
    sys.stderr.write(f"  … {text}\n")


if __name__ == "__main__":
    sys.exit(main())

"""What is measured, and how: warm, alternating with each peer, pair by pair."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from engines import OURS, REPO, Engine, EngineError
from tables import Row, Samples

MILLION = 1e6

FAN_OUTS_MAX = 3
"""Repetitions of the sweep of a minute, so that the whole bench stays within its time."""

Question = tuple[str, dict[str, Any]]
"""A piece of work and its arguments."""


@dataclass
class Bench:
    """What all measurements share.

    Attributes:
        folder: For prices, rows and what engines say.
        files: Of 5,031 daily bars: "daily" of one asset, "gapless" without gaps between
            bars, "panel" of ten.
        minutes: File of 1,000,000 minute bars, fewer when in a hurry.
        short: File of fewer minute bars, for decisions in plain Python.
        cores: Processors that we may use; single engines are held to the last.
        repetitions: Counted ones; one more comes first and is not.
        is_hurried: Whether only one of the cases starts from nothing.
        fan_out_seconds: Length of the sweep on two workers [s].
        daily_habit: Cash, costs and sizing of runs on daily bars.
        minute_habit: The same on minute bars.
        disagreeing: Why a peer's ratios are not to be shown.
    """

    folder: Path
    files: dict[str, Path]
    minutes: Path
    short: Path
    cores: list[int]
    repetitions: int
    is_hurried: bool
    fan_out_seconds: float
    daily_habit: dict[str, Any]
    minute_habit: dict[str, Any]
    disagreeing: dict[str, str] = field(default_factory=dict)
    said: Callable[[str], None] = lambda _text: None

    @contextmanager
    def engine(
        self, name: str, core: int | None = -1, caches: Path | None = None
    ) -> Iterator[Engine]:
        """A fresh process of an engine, on the last core if no other is named."""
        place = self.cores[core] if core is not None else None
        started = Engine(name, self.folder, place, caches)
        try:
            yield started
        finally:
            started.close()

    def beside(
        self, row: Row, name: str, ours: Question, theirs: Question, scale: float = 1.0
    ) -> tuple[Row, Samples | None]:
        """Alternate with a peer; the row's ratio is the median over pairs."""
        self.said(f"{row.work}: {OURS} and {name}")
        with self.engine(OURS) as us:
            cold = [rate_of(us, ours, scale)]
            try:
                peer_samples, pairs = self._pairs(us, name, ours, theirs, scale)
            except EngineError as error:
                pairs = [rate_of(us, ours, scale) for _ in range(self.repetitions)]
                alone = Samples(pairs, cold[0])
                return with_(row, ours=alone, peer=name, note=str(error)), alone
        our_samples = Samples([our for our, _ in pairs], cold[0])
        if name in self.disagreeing or f"{name}/{row.case}" in self.disagreeing:
            note = "no ratio: the engines disagree"
            return with_(row, ours=our_samples, peer=name, note=note), our_samples
        ratios = [our / their for our, their in pairs]
        filled = with_(row, ours=our_samples, peer=name, theirs=peer_samples, ratios=ratios)
        return with_(filled, judged=median(ratios)), our_samples

    def _pairs(
        self, us: Engine, name: str, ours: Question, theirs: Question, scale: float
    ) -> tuple[Samples, list[tuple[float, float]]]:
        with self.engine(name) as them:
            cold = rate_of(them, theirs, scale)
            pairs = [
                (rate_of(us, ours, scale), rate_of(them, theirs, scale))
                for _ in range(self.repetitions)
            ]
        return Samples([their for _, their in pairs], cold), pairs


def measure_million(bench: Bench) -> Iterator[Row]:
    """One long run with its metrics."""
    pair = {"fast": 10, "slow": 50, "habit": bench.minute_habit}
    ours = ("one", {"file": str(bench.minutes), **pair})
    alone: Samples | None = None
    for name in ("raptorbt", "vectorbt", "backtesting.py"):
        file = bench.short if name == "backtesting.py" else bench.minutes
        fewer = f", {name} on fewer bars" if name == "backtesting.py" else ""
        row = Row(f"one long run{fewer}", "M bars/s")
        row, samples = bench.beside(row, name, ours, ("one", {"file": str(file), **pair}), MILLION)
        alone = alone or samples
        yield row
    if alone is not None:
        yield Row("  fanfold alone", "M bars/s", alone, judged=alone.median, floor=40.0, goal=100.0)


def measure_plain(bench: Bench) -> Iterator[Row]:
    """One run whose decision is plain Python."""
    shared = {"file": str(bench.short), "fast": 10, "slow": 50, "habit": bench.minute_habit}
    alone: Samples | None = None
    for name in ("raptorbt", "backtesting.py"):
        row = Row("a decision in plain Python", "M bars/s")
        row, samples = bench.beside(row, name, ("plain", shared), ("plain", shared), MILLION)
        alone = alone or samples
        yield row
    if alone is not None:
        yield Row("  fanfold alone", "M bars/s", alone, judged=alone.median, floor=0.4, goal=0.7)


def measure_ray(bench: Bench) -> Iterator[Row]:
    """A sweep of a minute on two workers beside the bare kernel on two busy cores."""
    file, habit = str(bench.files["daily"]), bench.daily_habit
    space: dict[str, list[Any]] = {
        "fast": list(range(2, 52)), "slow": list(range(52, 252, 2)), "band": [0.0]
    }  # fmt: skip
    if len(bench.cores) < 2:
        yield Row("fan-out, two workers", floor=0.9, goal=0.95, note="there is one core")
        return
    kernel = {"file": file, "space": space, "habit": habit, "seconds_min": 3.0}
    with bench.engine(OURS, -1) as one, bench.engine(OURS, -2) as other:
        for engine in (one, other):
            engine.ask("kernel", **kernel)
        bands = max(round(_both(one, other, kernel) * bench.fan_out_seconds / 5_000), 1)
        long = {**space, "band": [place / 10_000 for place in range(bands)]}
        # A wider band trades less, so the kernel runs the same mixture.
        kernel["space"] = {**space, "band": [long["band"][at] for at in (0, bands // 2, -1)]}
        shares, rates, kernels = [], [], []
        for _ in range(min(bench.repetitions, FAN_OUTS_MAX)):
            bench.said(f"fan-out: {5_000 * bands:,} combinations")
            before = _both(one, other, kernel)
            with bench.engine(OURS, None) as us:
                asked = {"file": file, "space": long, "warm_up": space, "habit": habit}
                rates.append(rate_of(us, ("fan_out", {**asked, "workers": 2}), 1.0))
            kernels.append((before + _both(one, other, kernel)) / 2)
            shares.append(rates[-1] / kernels[-1])
    yield Row(
        f"fan-out, {5_000 * bands:,} combinations", "combos/s", Samples(rates),
        "kernel on two cores", Samples(kernels), shares, median(shares), 0.9, 0.95,
    )  # fmt: skip


def _both(one: Engine, other: Engine, kernel: dict[str, Any]) -> float:
    """Combinations a second of two processes, each on a core of its own, at one time."""
    for engine in (one, other):
        engine.send("kernel", **kernel)
    return sum(done["count"] / done["seconds"] for done in (one.receive(), other.receive()))


def measure_shell(bench: Bench) -> Iterator[Row]:
    """Commands from a cold shell, as someone types them."""
    command = Path(sys.executable).parent / "fanfold"
    config = REPO / "configs" / "backtest.yaml"
    for work, arguments, floor, goal in (
        ("fanfold run, a backtest", ["run", str(config), "--no-track"], 2.0, 1.0),
        ("fanfold --help", ["--help"], 0.3, 0.3),
    ):
        row = Row(work, "s", floor=floor, goal=goal, at_most=True)
        if not command.exists():
            yield with_(row, note="there is no fanfold command")
            continue
        bench.said(work)
        place = Path(tempfile.mkdtemp(dir=bench.folder))
        try:
            cold, *warm = [
                _seconds_of([str(command), *arguments], place) for _ in range(1 + bench.repetitions)
            ]
        except subprocess.CalledProcessError as error:
            yield with_(row, note=_last_line(error.stderr))
            continue
        finally:
            shutil.rmtree(place)
        samples = Samples(warm, cold)
        yield with_(row, ours=samples, judged=samples.median)


def _seconds_of(command: list[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return time.perf_counter() - began


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it failed without a word"


def rate_of(engine: Engine, question: Question, scale: float = 1.0) -> float:
    """Of the work that a question asks for: so many a second."""
    work, arguments = question
    done = engine.ask(work, **arguments)
    return done["count"] / done["seconds"] / scale


def with_(row: Row, **changes: Any) -> Row:
    """The row with some of its fields changed."""
    return Row(**{**row.__dict__, **changes})

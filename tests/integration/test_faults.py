"""Work that is killed, interrupted or spread otherwise gives the same bits in the end."""

import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.cluster import REPO, TwoNodes, two_nodes, until, worker_pids
from tests.fakes.decisions import WanderPlainly
from tests.fakes.panels import wild_bars

import fanfold as ff
from fanfold.research import chunks
from fanfold.research.table import SweepTable

BARS = wild_bars(3, 300, 2)
SEEDS = range(80)
MANY_SEEDS = range(700)
"""So many that there is time to strike while they run."""

CHUNK_SECONDS = 0.02
"""A chunk so short that a small job has many [s]."""

JOBS = ("sweep", "tune", "walk_forward")

KILLED_AT_PART = 4
"""Parts after which the first process of a job dies."""

CHILD = """
import os, signal, sys
from pathlib import Path
from tests.integration.test_faults import die_at_part, hash_of
job, folder, deaths = sys.argv[1:]
die_at_part(int(deaths))
print(hash_of(job, folder=Path(folder)))
"""

STOPPED = """
import signal, sys
from fanfold.cli import main
from fanfold.research import chunks
from tests.integration.test_faults import CHUNK_SECONDS, KILLED_AT_PART, die_at_part
chunks.CHUNK_SECONDS = CHUNK_SECONDS
die_at_part(KILLED_AT_PART, signal.SIGINT)
main(sys.argv[1:])
"""
"""The command, which presses Ctrl-C itself: from outside it could come after the end."""

OWN = """
from fanfold.strategies import ROC, Strategy

class Steady(Strategy):
    lookback: int = 5

    def features(self):
        return (ROC(self.lookback),)

    def decide(self, assets, portfolio, memory):
        for asset in assets:
            asset.target = 0.5 if asset.features[0] > 0.0 else 0.0
"""

CONFIG = """
job: sweep
data: {source: sample, symbols: [IBM], basis: total_return}
strategy: {name: "own.py:Steady", params: {lookback: {range: [2, 42]}}}
run: {workers: 0}
track: {enabled: false}
report: {html: false}
"""


def hash_of(job: str, *, seeds: range = SEEDS, **place: Any) -> str:
    """The hash of a job's results, wherever it runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_SECONDS", CHUNK_SECONDS)
        return _hash_of(job, seeds, {"workers": 0, **place})


def _hash_of(job: str, seeds: range, place: dict[str, Any]) -> str:
    if job == "sweep":
        frame: Any = ff.sweep(WanderPlainly, {"seed": seeds}, BARS, **place)
        return hashlib.sha256(frame.to_csv().encode()).hexdigest()
    search: Any = {"space": {"seed": (0, 10_000), "pace": (0.1, 0.9)}, "seed": 7}
    if job == "tune":
        trials = 2 * len(seeds) // 5
        return ff.tune(WanderPlainly, BARS, trials=trials, folds=2, **search, **place).hash
    trials = len(seeds) // 5
    forward: Any = ff.walk_forward(
        WanderPlainly, BARS, train=100, test=50, trials=trials, **search, **place
    )
    return forward.hash


def die_at_part(number: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Have this process killed when it has written so many parts but not named the last."""
    left = [number]
    replace = Path.replace

    def replace_or_die(self: Path, target: Any) -> Path:
        if Path(target).name.startswith("part-"):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), by)
        return replace(self, target)

    Path.replace = replace_or_die  # type: ignore[method-assign]


def child(job: str, folder: Path, deaths: int) -> Any:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, job, folder, str(deaths)],
        cwd=REPO,
        env=os.environ | {"PYTHONPATH": str(REPO)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def parts_in(folder: Path) -> dict[str, int]:
    """When each part was written, by its name."""
    return {part.name: part.stat().st_mtime_ns for part in folder.rglob("part-*.parquet")}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, str]:
    return {job: hash_of(job) for job in JOBS}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Any]]:
    """For each job a folder, and the process that is killed while it works there."""
    started = {job: tmp_path_factory.mktemp(job) for job in JOBS}
    return {job: (folder, child(job, folder, KILLED_AT_PART)) for job, folder in started.items()}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_whose_driver_was_killed_goes_on_to_the_same_hash(
    job: str, undisturbed: dict[str, str], killed: dict[str, tuple[Path, Any]]
) -> None:
    folder, process = killed[job]
    stderr = process.communicate(timeout=300)[1]
    assert process.returncode == -signal.SIGKILL, stderr
    before = parts_in(folder)
    assert len(before) == KILLED_AT_PART - 1
    assert hash_of(job, folder=folder) == undisturbed[job]
    after = parts_in(folder)
    assert len(after) > len(before)
    assert {name: after[name] for name in before} == before
    assert hash_of(job, folder=folder) == undisturbed[job]
    assert parts_in(folder) == after


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("seconds", [1e-6, 60.0])
def test_the_size_of_chunks_changes_no_bit(
    job: str, seconds: float, undisturbed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "CHUNK_SECONDS", seconds)
    assert hash_of(job) == undisturbed[job]


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C reaches a child, also where these tests were begun in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_is_one_line_and_the_same_command_goes_on(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "own.yaml").write_text(CONFIG, encoding="utf-8")

    def command(*words: str) -> Any:
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(REPO)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    first = command("-c", STOPPED, "run", "own.yaml")
    stdout, stderr = first.communicate(timeout=300)
    before = parts_in(tmp_path)
    assert first.returncode == 130, stderr
    assert stdout == ""
    *_, last = stderr.strip().splitlines()
    assert last.startswith("fanfold: stopped; what was finished is kept")
    assert "Traceback" not in stderr
    again = command("-m", "fanfold.cli", "run", "own.yaml", "--json")
    assert '"status": "ok"' in again.communicate(timeout=300)[0]
    after = parts_in(tmp_path)
    assert len(after) > len(before) > 0
    assert {name: after[name] for name in before} == before


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    with two_nodes() as cluster:
        yield cluster


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_changes_no_bit(
    job: str, workers: int, undisturbed: dict[str, str], nodes: TwoNodes
) -> None:
    assert hash_of(job, workers=workers, address=nodes.address) == undisturbed[job]


def hit(nodes: TwoNodes, folder: Path, strike: Callable[[], Any]) -> tuple[str, Any]:
    """Sweep on the cluster, and strike when there is a part; the hash, and what was hit."""
    with ThreadPoolExecutor(1) as pool:

        def wait_and_strike() -> Any:
            until(lambda: parts_in(folder), what="a part")
            return strike()

        struck = pool.submit(wait_and_strike)
        found = hash_of("sweep", seeds=MANY_SEEDS, workers=2, address=nodes.address, folder=folder)
        return found, struck.result()


@pytest.fixture(scope="module")
def of_many() -> str:
    return hash_of("sweep", seeds=MANY_SEEDS)


def test_a_worker_that_is_killed_changes_no_bit(
    nodes: TwoNodes, of_many: str, tmp_path: Path
) -> None:
    def kill_one() -> int:
        (pid, *_) = until(worker_pids, what="a busy worker")
        os.kill(pid, signal.SIGKILL)
        return pid

    found, pid = hit(nodes, tmp_path, kill_one)
    assert pid not in worker_pids()
    assert found == of_many


def test_a_node_that_is_killed_changes_no_bit(
    nodes: TwoNodes, of_many: str, tmp_path: Path
) -> None:
    found, _ = hit(nodes, tmp_path, nodes.lose_one)
    assert nodes.alive_count() == 2  # the head, which runs nothing, and one worker node
    assert found == of_many


@pytest.mark.soak
@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("round_", range(2))
def test_a_driver_that_is_killed_again_and_again_comes_to_the_same_hash(
    job: str, round_: int, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    rng = random.Random(f"{job} {round_}")  # noqa: S311  (which parts die, not a secret)
    done = 0
    for _ in range(50):
        process = child(job, tmp_path, rng.randint(1, 6))
        stdout, stderr = process.communicate(timeout=300)
        now = SweepTable(next(tmp_path.rglob("part-*"), tmp_path / "none").parent).done()
        assert now >= done
        done = now
        if process.returncode == 0:
            assert stdout.split()[-1] == undisturbed[job]
            return
        assert process.returncode == -signal.SIGKILL, stderr
    pytest.fail("the job must come to its end")

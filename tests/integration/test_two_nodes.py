"""Two nodes: one that trades and one that computes, and the one that computes is lost."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.cluster import HEALTH_CHECKS, REPO, STORE_BYTES, until
from tests.integration.test_faults import MANY_SEEDS, hash_of

from fanfold.distributed import connected
from fanfold.live.folder import Folder
from fanfold.live.messages import COMPONENTS
from fanfold.live.registry import entry_of, is_running
from fanfold.live.supervision import SUPERVISOR

CONFIG = REPO / "configs" / "live_paper.yaml"
ACTORS = (*COMPONENTS, SUPERVISOR)
PROCESSORS = 2
SETTINGS = HEALTH_CHECKS | {
    # Its workers come side by side, though no processor counts them.
    "worker_maximum_startup_concurrency": len(ACTORS),
    # A busy machine takes longer to start what stands beside a node.
    "agent_register_timeout_ms": 120_000,
}


class Nodes:
    """A head that bears the resource "live" and no processor, and one worker at a time."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.address: str = cluster.address
        self._worker: Any = None
        self.add_worker()

    def add_worker(self) -> None:
        """Have a machine join."""
        assert self._worker is None
        self._worker = self._cluster.add_node(num_cpus=PROCESSORS, object_store_memory=STORE_BYTES)
        self._cluster.wait_for_nodes()

    def lose_worker(self) -> None:
        """Kill the worker as a machine dies: without a word."""
        self._cluster.remove_node(self._worker, allow_graceful=False)
        self._worker = None

    def on_head(self) -> set[int]:
        """Processes that the head's node started."""
        return _children(self._cluster.head_node)

    def on_worker(self) -> set[int]:
        """Processes that the worker's node started."""
        return _children(self._worker)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    from ray.cluster_utils import Cluster

    head = {
        "num_cpus": 0,
        "resources": {"live": 1},
        "object_store_memory": STORE_BYTES,
        "_system_config": SETTINGS,
    }
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    try:
        made = Nodes(cluster)
        with connected(None, made.address):
            yield made
    finally:
        cluster.shutdown()


def live(home: Path, *words: str) -> dict[str, Any]:
    """`fanfold live`, with a home of its own, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "fanfold.cli", "live", *words, "--json"],
        env=os.environ | {"FANFOLD_HOME": str(home)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def test_a_lost_worker_costs_a_sweep_its_last_chunks_and_live_trading_nothing(
    nodes: Nodes, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "live" / "demo")
    up = live(
        tmp_path, "up", str(CONFIG), "--address", nodes.address,
        "--set", "live.host.node=live", "--set", "live.page.enabled=false",
    )  # fmt: skip
    try:
        assert up["status"] == "up"
        before = pids(folder)
        assert set(before.values()) <= nodes.on_head()
        here = hash_of("sweep", seeds=MANY_SEEDS)
        swept: list[str] = []
        sweep = threading.Thread(
            target=lambda: swept.append(
                hash_of("sweep", seeds=MANY_SEEDS, workers=PROCESSORS, address=nodes.address)
            )
        )
        sweep.start()
        until(lambda: at_work(nodes.on_worker()), what="a chunk on the worker")
        assert not at_work(nodes.on_head())
        nodes.lose_worker()
        assert not swept
        nodes.add_worker()
        sweep.join(120.0)
        assert swept == [here]
        assert pids(folder) == before
        assert all(is_running(entry_of(folder, name)) for name in ACTORS)
        shown = live(tmp_path, "status")
        assert shown["status"] == "up"
        assert shown["restarts"] == 0
    finally:
        live(tmp_path, "down")
    assert not any(is_running(entry_of(folder, name)) for name in ACTORS)


def pids(folder: Folder) -> dict[str, int]:
    found = {name: entry_of(folder, name) for name in ACTORS}
    return {name: entry.pid for name, entry in found.items() if entry is not None}


def at_work(processes: set[int]) -> list[int]:
    """Those of some workers that are at a chunk."""
    return [pid for pid in processes if _command(pid).startswith(b"ray::run_")]


def _children(node: Any) -> set[int]:
    (raylet,) = node.all_processes["raylet"]
    parent = raylet.process.pid
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text(encoding="ascii").split()}


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""  # it has ended

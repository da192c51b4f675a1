"""Clusters for tests: a head that asks for a token, started and stopped by its pid."""

import http.client
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REPO = Path(__file__).parents[2]

START_SECONDS_MAX = 150.0
"""How long a head may take on a busy machine [s]."""

POLL_SECONDS = 0.02

STORE_BYTES = 150_000_000
"""Shared memory of each node [bytes]."""

HEALTH_CHECKS = {
    "health_check_initial_delay_ms": 1_000,
    "health_check_period_ms": 1_000,
    "health_check_timeout_ms": 5_000,
    "health_check_failure_threshold": 3,
}
"""A lost node is noticed in seconds; a slow one has longer."""


def until(done: Callable[[], Any], *, seconds_max: float = 120.0, what: str = "it") -> Any:
    """Wait for a condition; its first true value."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        found = done()
        if found:
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"{what} must come within {seconds_max:g} s, did not")


@dataclass(frozen=True, slots=True)
class Head:
    """A running head.

    Attributes:
        address: Of its job server.
        env: Environment of a client that has its token.
    """

    address: str
    env: dict[str, str]

    def answers(self) -> bool:
        """Whether its job server knows the token."""
        token = Path(self.env["HOME"], ".ray", "auth_token").read_text(encoding="ascii")
        wire = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=5.0)
        try:
            wire.request("GET", "/api/version", headers={"Authorization": f"Bearer {token}"})
            return wire.getresponse().status == 200
        except OSError:
            return False
        finally:
            wire.close()


@contextmanager
def token_head(first_port: int, *, processors: int = 2) -> Generator[Head]:
    """A head of `cluster/local.sh` with a home of its own, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="ff", dir="/tmp"))  # sockets need a short path
    token = folder / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text(secrets.token_hex(16), encoding="ascii")
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    env |= {"HOME": str(folder), "RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
    head = Head(f"http://127.0.0.1:{first_port}", env)
    with (folder / "head.log").open("w") as log:
        started = subprocess.Popen(
            [REPO / "cluster" / "local.sh", str(processors)],
            stdout=log,
            stderr=log,
            env=env
            | {
                "FIRST_PORT": str(first_port),
                "FANFOLD_BIN": str(Path(sys.executable).parent),
                "RAY_TMPDIR": str(folder / "r"),
            },
        )
        try:
            until(
                lambda: head.answers() or started.poll() is not None,
                seconds_max=START_SECONDS_MAX,
                what="the head",
            )
            assert started.poll() is None, (folder / "head.log").read_text(encoding="utf-8")
            yield head
        finally:
            started.terminate()
            started.wait(30.0)
            shutil.rmtree(folder, ignore_errors=True)


def worker_pids() -> list[int]:
    """Workers of a cluster on this machine that are at a task, of clusters started here."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = stat.read_bytes()
            parent = _parent(int(stat.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if command.startswith(b"ray::run_") and _parent(parent) == os.getpid():
            found.append(int(stat.parent.name))
    return found


def _parent(pid: int) -> int:
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    return int(after_name.split()[1])


class TwoNodes:
    """A cluster of a head that runs nothing and two worker nodes of one processor each."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._nodes = [
            cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES) for _ in range(2)
        ]
        cluster.wait_for_nodes()
        self.address = cluster.address

    def lose_one(self) -> None:
        """Kill a worker node as a machine dies: without a word."""
        self._cluster.remove_node(self._nodes.pop(), allow_graceful=False)

    def alive_count(self) -> int:
        """Nodes that the cluster counts on, the head among them."""
        import ray

        return sum(node["Alive"] for node in ray.nodes())


@contextmanager
def two_nodes() -> Generator[TwoNodes]:
    """The cluster, with this process connected to it, until the block ends."""
    from ray.cluster_utils import Cluster

    from fanfold.distributed import connected

    head = {"num_cpus": 0, "object_store_memory": STORE_BYTES, "_system_config": HEALTH_CHECKS}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = TwoNodes(cluster)
        with connected(None, nodes.address):
            yield nodes
    finally:
        cluster.shutdown()

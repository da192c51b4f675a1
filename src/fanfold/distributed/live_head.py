"""A Ray head of our own for live actors: on this machine, and outliving whoever starts it.

It listens on the loopback address, but for one port of Serve's that nothing moves there, and
asks for a token on all of them: a file of its own beside the deployments, since one in the
user's home would turn itself on for every other Ray there. No key ever goes through Ray:
each process finds its own.

What only people or many machines need is left out (autoscaler, dashboard, log monitor): it
would take as long to start as all that trades.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from fanfold.domain.place import home
from fanfold.errors import JobError
from fanfold.live.folder import SOCKETS, Folder, own_folder, write_durably
from fanfold.live.messages import UNREADABLE
from fanfold.live.registry import Entry, born_of, is_running

READY_S: Final = 120.0
"""How long a head may take on a busy machine [s]."""

TRIES_MAX: Final = 3
"""Heads that are started until one comes up: on a busy machine Ray's own half minute may pass."""

STOP_S: Final = 30.0
"""How long a head may take to end its processes [s]."""

ONE_MACHINE: Final = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Variable that is "0" where a head is for its own machine: else Ray takes the machine's
outer address in place of the loopback one, and listens there."""

STORE_BYTES: Final = 100_000_000
"""Shared memory: no data go through it [bytes]."""

WORKERS: Final = 9
"""Workers that are started at once, so that none waits for another: a supervisor, five
components, and the three of the page (Serve's controller, its proxy, the replica)."""

WORKER_PORTS: Final = 40
"""Ports for its workers."""

_PORTS: Final = (
    "port",
    "node-manager-port",
    "object-manager-port",
    "runtime-env-agent-port",
    "dashboard-agent-listen-port",
    "dashboard-agent-grpc-port",
    "metrics-export-port",
    "ray-client-server-port",
    "dashboard-port",
)
_FIRST_PORTS: Final = range(20_000, 32_000, 100)
"""Where free ports are looked for: below those that the system gives away itself."""

_TOKEN_BYTES: Final = 32
_POLL_S: Final = 0.1
_LOOPBACK: Final = "127.0.0.1"


class Cluster(Struct, frozen=True, kw_only=True):
    """The cluster of a deployment.

    Attributes:
        address: Of the head.
        head: The process that we started, None where somebody else did.
    """

    address: str
    head: Entry | None = None


def cluster_of(folder: Folder) -> Cluster | None:
    """The cluster that a deployment was started on, None if there is none."""
    try:
        return msgspec.json.decode(_note(folder).read_bytes(), type=Cluster)
    except (OSError, *UNREADABLE):
        return None


def note_cluster(folder: Folder, address: str) -> Cluster:
    """Write down whose cluster a deployment is on."""
    return _noted(folder, Cluster(address=address))


def metrics_address(cluster: Cluster) -> str | None:
    """Where a head of our own shows Ray's metrics, None for somebody else's."""
    if cluster.head is None:
        return None
    first = int(cluster.address.rpartition(":")[2])  # of a block: the others follow it
    return f"{_LOOPBACK}:{first + _PORTS.index('metrics-export-port')}"


def begin_head(folder: Folder) -> Cluster:
    """Start the deployment's own head, if it does not run; it comes up meanwhile.

    Raises:
        JobError: There are no ports for it.
    """
    known = cluster_of(folder)
    if known is not None and is_running(known.head):
        return known
    first = _free_block()
    with _log_of(folder).open("wb") as written:
        started = subprocess.Popen(  # noqa: S603  (our own command)
            _command(first, _temp_folder(folder)),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
            env=environ(folder),
        )
    entry = Entry(
        pid=started.pid,
        born=born_of(started.pid) or 0,
        incarnation=1,
        started_at=time.time_ns(),
    )
    return _noted(folder, Cluster(address=f"{_LOOPBACK}:{first}", head=entry))


def head_of(folder: Folder) -> Cluster:
    """The deployment's own head, once it is up.

    Raises:
        JobError: It does not come up.
    """
    for left in reversed(range(TRIES_MAX)):
        cluster = begin_head(folder)
        try:
            return await_head(folder, cluster)
        except JobError:
            end_head(folder)
            if not left:
                raise
    raise AssertionError  # the last try returns or raises


def await_head(folder: Folder, cluster: Cluster) -> Cluster:
    """Wait until the head of a cluster is up, if it is one of our own; the cluster.

    Raises:
        JobError: It does not come up.
    """
    if cluster.head is None:
        return cluster
    log = _log_of(folder)
    until = time.monotonic() + READY_S
    while b"Ray runtime started" not in log.read_bytes():
        if not is_running(cluster.head) or time.monotonic() > until:
            raise JobError(f"a Ray head must come up within {READY_S:g} s, did not: see {log}")
        time.sleep(_POLL_S)
    return cluster


def end_head(folder: Folder) -> None:
    """End the head that we started, with all its processes; nobody else's."""
    cluster = cluster_of(folder)
    _note(folder).unlink(missing_ok=True)
    if cluster is None or cluster.head is None:
        return
    group = cluster.head.pid  # it leads a session of its own
    # Killed, it leaves some behind, whose group keeps its number; else that may be another's.
    if born_of(group) in (None, cluster.head.born) and has_members(group):
        _signal_group(group, signal.SIGTERM)
        until = time.monotonic() + STOP_S
        while has_members(group) and time.monotonic() < until:
            time.sleep(_POLL_S)
        _signal_group(group, signal.SIGKILL)
    shutil.rmtree(_own_place(folder), ignore_errors=True)


def entrance(folder: Folder) -> dict[str, str]:
    """What a process must have in its environment to be let in by our own head."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(_token_file(folder)),
        "RAY_USAGE_STATS_ENABLED": "0",
        ONE_MACHINE: "0",
    }


def environ(folder: Folder) -> dict[str, str]:
    """The environment of a head: what its actors inherit, the keys of an account among it."""
    named = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    paths = [source_folder(), *filter(None, [os.environ.get("PYTHONPATH")])]
    return named | {
        "FANFOLD_HOME": str(home()),
        "PYTHONPATH": os.pathsep.join(paths),
        **entrance(folder),
        # On a busy machine its processes take longer to start than Ray would wait.
        "RAY_agent_register_timeout_ms": str(round(READY_S * 1_000)),
        # Serve asks its proxy every ten seconds and believes the third silence: half a minute
        # without a page.
        "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
        # Its actors were ended in order: nothing is left for it to wait for.
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
    }


def source_folder() -> str:
    """Where workers find fanfold, which may be no installed package."""
    found = importlib.util.find_spec("fanfold")
    assert found is not None  # noqa: S101  (this is a part of it)
    assert found.origin is not None  # noqa: S101
    return str(Path(found.origin).parents[1])


def _command(first: int, temp: Path) -> list[str]:
    ports = [f"--{name}={first + place}" for place, name in enumerate(_PORTS)]
    workers = first + len(_PORTS)
    return [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
        *("--disable-usage-stats", f"--node-ip-address={_LOOPBACK}", "--include-dashboard=false"),
        *(f"--dashboard-host={_LOOPBACK}", f"--temp-dir={temp}", f"--num-cpus={WORKERS}"),
        *("--no-monitor", "--include-log-monitor=false"),
        *(f"--object-store-memory={STORE_BYTES}", *ports),
        *(f"--min-worker-port={workers}", f"--max-worker-port={workers + WORKER_PORTS}"),
    ]


def _token_file(folder: Folder) -> Path:
    """The token of all heads of ours: a process knows one at most, so one serves them all."""
    file = folder.path.parent / "ray.token"
    if not file.is_file():
        write_durably(file, secrets.token_hex(_TOKEN_BYTES).encode())
    return file


def _own_place(folder: Folder) -> Path:
    return SOCKETS / f"ffray-{folder.sockets.name[-8:]}"


def _temp_folder(folder: Folder) -> Path:
    """Where it keeps logs and sockets: a short path, since theirs have a limit.

    Ray opens its folder to everybody, so it stands in one that is its owner's alone.
    """
    return own_folder(_own_place(folder)) / "r"


def _free_block() -> int:
    """The first of so many ports in a row that are free."""
    for first in _FIRST_PORTS:
        if all(map(_is_free, range(first, first + len(_PORTS) + WORKER_PORTS + 1))):
            return first
    raise JobError(f"there must be {len(_PORTS) + WORKER_PORTS} free ports in a row, are none")


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


def _log_of(folder: Folder) -> Path:
    return folder.logs / "ray.log"


def has_members(group: int) -> bool:
    """Whether any process of a group still runs; one that only waits to be fetched does not."""
    return any(_runs_in(group, stat) for stat in Path("/proc").glob("[0-9]*/stat"))


def _runs_in(group: int, stat: Path) -> bool:
    try:
        state, _, its_group, *_ = stat.read_bytes().rpartition(b")")[2].split()
    except (OSError, ValueError):  # it has ended
        return False
    return int(its_group) == group and state != b"Z"


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # it has ended


def _noted(folder: Folder, cluster: Cluster) -> Cluster:
    write_durably(_note(folder), msgspec.json.encode(cluster))
    return cluster


def _note(folder: Folder) -> Path:
    return folder.path / "ray.json"

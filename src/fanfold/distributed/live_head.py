"""A Ray head of our own for live actors: on this machine, and outliving whoever starts it.

Its authentication is off, since Ray's would write a token into the user's home and turn
itself on for every other Ray there; what protects it is the machine, so it is for one whose
users trust each other. Where they do not, start a head with a token
(``cluster/local.sh``) and name it with ``--address``. No key ever goes through Ray: each
process finds its own.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from fanfold.errors import JobError
from fanfold.live.folder import Folder, write_durably
from fanfold.live.registry import Entry, born_of, is_running

READY_S: Final = 120.0
"""How long a head may take on a busy machine [s]."""

STOP_S: Final = 30.0
"""How long a head may take to end its processes [s]."""

STORE_BYTES: Final = 100_000_000
"""Shared memory: no data go through it [bytes]."""

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
    except (OSError, msgspec.MsgspecError):
        return None


def note_cluster(folder: Folder, address: str) -> Cluster:
    """Write down whose cluster a deployment is on."""
    return _noted(folder, Cluster(address=address))


def head_of(folder: Folder) -> Cluster:
    """The deployment's own head, started if it does not run.

    Raises:
        JobError: It does not come up.
    """
    known = cluster_of(folder)
    if known is not None and is_running(known.head):
        return known
    first = _free_block()
    address = f"{_LOOPBACK}:{first}"
    log = folder.logs / "ray.log"
    with log.open("wb") as written:
        started = subprocess.Popen(  # noqa: S603  (our own command)
            _command(first, _temp_folder(folder)),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
            env=environ(),
        )
    entry = Entry(
        pid=started.pid,
        born=born_of(started.pid) or 0,
        incarnation=1,
        started_at=time.time_ns(),
    )
    cluster = _noted(folder, Cluster(address=address, head=entry))
    until = time.monotonic() + READY_S
    while b"Ray runtime started" not in log.read_bytes():
        if started.poll() is not None or time.monotonic() > until:
            end_head(folder)
            raise JobError(f"a Ray head must come up within {READY_S:g} s, did not: see {log}")
        time.sleep(_POLL_S)
    return cluster


def end_head(folder: Folder) -> None:
    """End the head that we started, with all its processes; nobody else's."""
    cluster = cluster_of(folder)
    _note(folder).unlink(missing_ok=True)
    if cluster is None or cluster.head is None or not is_running(cluster.head):
        return
    group = cluster.head.pid  # it leads a session of its own
    _signal_group(group, signal.SIGTERM)
    until = time.monotonic() + STOP_S
    while _has_members(group) and time.monotonic() < until:
        time.sleep(_POLL_S)
    _signal_group(group, signal.SIGKILL)
    shutil.rmtree(_temp_folder(folder), ignore_errors=True)


def environ() -> dict[str, str]:
    """The environment of a head: what its actors inherit, the keys of an account among it."""
    named = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    return named | {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}


def _command(first: int, temp: Path) -> list[str]:
    ports = [f"--{name}={first + place}" for place, name in enumerate(_PORTS)]
    workers = first + len(_PORTS)
    return [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
        *("--disable-usage-stats", f"--node-ip-address={_LOOPBACK}", "--include-dashboard=false"),
        *(f"--dashboard-host={_LOOPBACK}", f"--temp-dir={temp}", "--num-cpus=2"),
        *(f"--object-store-memory={STORE_BYTES}", *ports),
        *(f"--min-worker-port={workers}", f"--max-worker-port={workers + WORKER_PORTS}"),
    ]


def _temp_folder(folder: Folder) -> Path:
    """Where it keeps logs and sockets: a short path, since theirs have a limit."""
    made = Path(tempfile.gettempdir()) / f"ffray-{folder.sockets.name[-8:]}"
    made.mkdir(mode=0o700, exist_ok=True)
    return made


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


def _has_members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


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

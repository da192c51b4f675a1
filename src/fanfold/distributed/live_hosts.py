"""Live components as Ray actors: named, detached, started anew by Ray itself.

An actor is made from a folder and a name, since a restarted one gets the arguments of its
first start again, whatever it was told since. It carries no data and its methods are never
retried. Health has threads of its own, so that it never waits behind anything else.
"""

import os
import signal
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from fanfold.distributed.live_head import (
    Cluster,
    cluster_of,
    end_head,
    entrance,
    head_of,
    note_cluster,
    source_folder,
)
from fanfold.domain.place import home
from fanfold.errors import JobError, LiveError
from fanfold.live.doors import Door, ask, door_of
from fanfold.live.folder import Folder
from fanfold.live.host import STOP_S, Host
from fanfold.live.logs import log_to_file
from fanfold.live.plan import read_plan
from fanfold.live.processes import names_of, questions
from fanfold.live.registry import Entry, enter, entry_of, is_running, lock_of, signal_entry
from fanfold.live.supervision import SUPERVISOR, Supervisor

NAMESPACE: Final = "live"
"""Ray's namespace of all live actors."""

END_S: Final = 10.0
"""How long Ray may take to forget an actor [s]."""

SILENT_S: Final = 20.0
"""How long a supervisor may take to say that it lives; also on a busy machine, as it starts [s]."""

HEALTH_THREADS: Final = 2

NODE_SHARE: Final = 0.01
"""Part of a node's resource that an actor takes, where the settings name one: it is for finding
the node, not for counting."""

_POLL_S: Final = 0.05


class ComponentActor:
    """The body of a component's actor.

    Args:
        path: Folder of the deployment.
        name: The component's.
    """

    def __init__(self, path: str, name: str) -> None:
        self._host = Host(path, name)
        self._door = Door(door_of(self._host.folder, name), questions(self._host, self._stop))
        self._host.start(_end_on_fault)

    def ping(self) -> dict[str, Any]:
        """As `Host.ping`."""
        return self._host.ping()

    def statistics(self) -> dict[str, Any]:
        """As `Host.statistics`."""
        return self._host.statistics()

    def inspect(self) -> dict[str, Any]:
        """As `Host.inspect`."""
        return self._host.inspect()

    def arm(self, epoch: int) -> str:
        """As `Host.arm`."""
        return self._host.arm(epoch)

    def disarm(self, reason: str) -> str:
        """As `Host.disarm`."""
        return self._host.disarm(reason)

    def stop(self) -> int:
        """As `Host.stop`."""
        return self._host.stop()

    def _stop(self) -> None:
        self._host.stop()


class SupervisorActor:
    """The body of the actor that watches the others.

    Args:
        path: Folder of the deployment.
    """

    def __init__(self, path: str) -> None:
        folder = Folder(Path(path))
        self._lock = lock_of(folder, SUPERVISOR)
        if not self._lock.take():
            raise LiveError(f"{folder.name} must have one supervisor, has one")
        entry = enter(folder, SUPERVISOR, time.time_ns())
        log_to_file(folder, SUPERVISOR, entry.incarnation)
        self._entry = entry
        self._supervisor = Supervisor(
            folder, RayHosts(folder), names=names_of(folder),
            settings=read_plan(folder).settings.host,
        )  # fmt: skip
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._run, name=SUPERVISOR, daemon=True)
        self._thread.start()

    def ping(self) -> dict[str, Any]:
        """That it lives."""
        return {"name": SUPERVISOR, "pid": self._entry.pid, "incarnation": self._entry.incarnation}

    def _run(self) -> None:
        try:
            self._supervisor.run(self._asked.wait)
        finally:  # whatever ended it, Ray starts another
            os._exit(1)


class RayHosts:
    """Starts and asks components that are actors; for `fanfold.live.supervision`.

    Args:
        folder: Of the deployment.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._actors: dict[str, Any] = {}

    def start(self, name: str) -> None:
        """Make the actor, if Ray does not start it anew by itself."""
        self._actors[name] = _made(
            _component_class(), self._folder, name, str(self._folder.path), name
        )

    def ask(self, name: str, what: str, *arguments: Any, seconds: float) -> Any:
        """Ask an actor.

        Raises:
            LiveError: It does not answer in time, or says that it failed.
        """
        ray = _ray()
        try:
            method = getattr(self._actor(name), what)
            return ray.get(method.remote(*arguments), timeout=seconds)
        except ray.exceptions.GetTimeoutError:
            raise LiveError(f"{name} must answer {what} within {seconds:g} s, did not") from None
        except ray.exceptions.RayTaskError as error:
            raise LiveError(f"{name} must answer {what}, said: {error.cause}") from None
        except (ray.exceptions.RayError, ValueError) as error:
            self._actors.pop(name, None)
            raise LiveError(f"{name} must answer {what}, did not: {type(error).__name__}") from None

    def is_gone(self, name: str) -> bool:
        """Whether Ray has no such actor: one that it starts anew is not gone."""
        try:
            self._actor(name)
        except ValueError:
            return True
        return False

    def end(self, name: str) -> None:
        """End the actor's process by its number: Ray starts it anew."""
        signal_entry(entry_of(self._folder, name), signal.SIGKILL)

    def _actor(self, name: str) -> Any:
        if name not in self._actors:
            self._actors[name] = _ray().get_actor(
                actor_name(self._folder, name), namespace=NAMESPACE
            )
        return self._actors[name]


def actor_name(folder: Folder, name: str) -> str:
    """What Ray calls a component of a deployment."""
    return f"fanfold-{folder.name}-{name}"


def start_supervisor_actor(folder: Folder, address: str | None) -> None:
    """Make the actor that starts and watches all others.

    Args:
        folder: Of the deployment.
        address: A running cluster; None starts a head of our own.

    Raises:
        JobError: There is no cluster at the address, or none comes up.
    """
    cluster = head_of(folder) if address is None else note_cluster(folder, address)
    with connected_to(folder, cluster):
        end_actors(folder, (SUPERVISOR,))
        _made(_supervisor_class(), folder, SUPERVISOR, str(folder.path))


def keep_supervisor(folder: Folder) -> None:
    """Look after the supervisor, from within its cluster: its actors are found as they are.

    Ray starts it anew where it died; where Ray has forgotten it, it is made, and where it
    stands still, it is ended.

    Raises:
        LiveError: It did not answer; it has been ended, and Ray starts another.
    """
    hosts = RayHosts(folder)
    if hosts.is_gone(SUPERVISOR):
        _made(_supervisor_class(), folder, SUPERVISOR, str(folder.path))
        return
    entry = entry_of(folder, SUPERVISOR)
    try:
        hosts.ask(SUPERVISOR, "ping", seconds=SILENT_S)
    except LiveError:
        if entry_of(folder, SUPERVISOR) == entry:  # it has not just been started anew
            hosts.end(SUPERVISOR)
        raise


def own_address() -> str:
    """Address of the cluster that this process is in."""
    return str(_ray().get_runtime_context().gcs_address)


def stop_actors(folder: Folder, names: Sequence[str]) -> dict[str, str]:
    """Stop a deployment's actors in order and for good, and the head if we started it.

    Args:
        folder: Of the deployment.
        names: Components, in the order in which they stop.

    Returns:
        What became of each.
    """
    became: dict[str, str] = {}
    try:
        with connected_to(folder, _reachable(folder, names)):
            end_actors(folder, (SUPERVISOR,))
            became[SUPERVISOR] = "stopped"
            for name in names:
                became[name] = _stopped(folder, name)
                end_actors(folder, (name,))
    except JobError:  # no cluster, no actors, at most what is left of them
        for name in (SUPERVISOR, *names):
            killed = signal_entry(entry_of(folder, name), signal.SIGKILL)
            became.setdefault(name, "killed: its cluster is gone" if killed else "was down")
    end_head(folder)
    return became


def _reachable(folder: Folder, names: Sequence[str]) -> Cluster:
    """The deployment's cluster, unless it is one of ours that has ended, or has nothing in it."""
    cluster = cluster_of(folder)
    if cluster is None or (cluster.head is not None and not is_running(cluster.head)):
        raise JobError(f"the cluster of {folder.name} must run, is gone")
    has_any = any(is_running(entry_of(folder, name)) for name in (SUPERVISOR, *names))
    if cluster.head is not None and not has_any:
        raise JobError(f"the cluster of {folder.name} must run something, which it does not yet")
    return cluster


def _stopped(folder: Folder, name: str) -> str:
    """Let a component write down what must last, before its actor ends."""
    if not is_running(entry_of(folder, name)):
        return "was down"
    try:
        ask(door_of(folder, name), "stop", seconds=STOP_S)
    except LiveError:
        return "killed: it did not stop in time"
    return "stopped"


def end_actors(folder: Folder, names: Sequence[str]) -> None:
    """End actors for good, on the cluster that this process is connected to."""
    ray = _ray()
    for name in names:
        entry = entry_of(folder, name)
        try:
            actor = ray.get_actor(actor_name(folder, name), namespace=NAMESPACE)
        except ValueError:
            continue  # there is none
        ray.kill(actor, no_restart=True)
        _wait_for_end(entry)


def _wait_for_end(entry: Entry | None) -> None:
    until = time.monotonic() + END_S
    while is_running(entry) and time.monotonic() < until:
        time.sleep(_POLL_S)


def _end_on_fault(code: int) -> None:
    """A component that failed ends its process: Ray starts another, HALTED."""
    if code:
        os._exit(code)


def _made(kind: Any, folder: Folder, name: str, *arguments: str) -> Any:
    cluster = cluster_of(folder)
    own = cluster is not None and cluster.head is not None
    # Workers of our own head have this from it: one that is to have its own waits for none.
    environ = {} if own else {"FANFOLD_HOME": str(home()), "PYTHONPATH": source_folder()}
    return kind.options(
        name=actor_name(folder, name),
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        max_task_retries=0,
        num_cpus=0,
        runtime_env={"env_vars": environ} if environ else None,
        **_place(folder),
    ).remote(*arguments)


def _place(folder: Folder) -> dict[str, Any]:
    """Where an actor is: a deployment's folder, doors and sockets are on one machine."""
    node = read_plan(folder).settings.host.node
    if node:
        return {"resources": {node: NODE_SHARE}}
    ray = _ray()
    affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    return {
        "scheduling_strategy": affinity(ray.get_runtime_context().get_node_id(), soft=False),
    }


def _component_class() -> Any:
    ray = _ray()
    kind: Any = ComponentActor
    for method in ("ping", "statistics"):
        setattr(kind, method, ray.method(concurrency_group="health")(getattr(kind, method)))
    return ray.remote(concurrency_groups={"health": HEALTH_THREADS})(kind)


def _supervisor_class() -> Any:
    return _ray().remote(SupervisorActor)


@contextmanager
def connected_to(folder: Folder, cluster: Cluster) -> Generator[None]:
    """A connection to a deployment's cluster, ended here unless there was one before.

    Raises:
        JobError: Nobody answers there, or this process is in another cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if cluster.head is not None:
        os.environ |= entrance(folder)
    ray = _ray()
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(
                address=cluster.address,
                namespace=NAMESPACE,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except Exception as error:  # Ray raises plain Exception where nobody answers
            raise JobError(
                f"a cluster must answer at {cluster.address}, did not: {error}"
            ) from error
    elif (other := ray.get_runtime_context().gcs_address) != cluster.address:
        raise JobError(
            f"this process must be connected to the cluster at {cluster.address}, "
            f"is connected to {other}"
        )
    try:
        yield
    finally:
        if ours:
            ray.shutdown()


def _ray() -> Any:
    import ray as untyped

    return untyped

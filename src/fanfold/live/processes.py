"""Components as plain processes: ``python -m fanfold.live.processes FOLDER NAME``.

What a cluster's actors do for a deployment on many machines, this does on one: a process a
component, of its own session so that it outlives whoever started it, stopped in order by
SIGTERM.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from fanfold.errors import LiveError
from fanfold.live.doors import Door, ask, door_of
from fanfold.live.folder import UMASK, Folder
from fanfold.live.host import Host, Opener
from fanfold.live.keeping import keep
from fanfold.live.logs import log_to_file
from fanfold.live.plan import read_plan
from fanfold.live.registry import enter, entry_of, is_running, lock_of, signal_entry
from fanfold.live.supervision import START_ORDER, SUPERVISOR, Supervisor
from fanfold.live.wires import read_addresses

MODULE: Final = "fanfold.live.processes"

STOPS: Final = (signal.SIGTERM, signal.SIGINT)
"""Signals that stop a component in order."""

END_S: Final = 5.0
"""How long the system may take to end a killed process [s]."""

_ARGUMENTS: Final = 3


def serve(path: str, name: str, opener: Opener | None = None) -> int:
    """Be a component until it is stopped, or fails; the exit code."""
    host = Host(path, name, opener)
    asked = threading.Event()
    for number in STOPS:
        signal.signal(number, partial(_set, asked))
    door = Door(door_of(host.folder, name), questions(host, asked.set))
    try:
        host.start(lambda _code: asked.set())
        asked.wait()
        return host.stop()
    finally:
        door.close()


def supervise(path: str) -> int:
    """Watch a deployment until it is stopped; the components go on after it.

    It is done in a process of its own, which is made anew when it dies.

    Raises:
        LiveError: Somebody watches it already.
    """
    folder = Folder(Path(path))
    os.umask(UMASK)
    lock = lock_of(folder, SUPERVISOR)
    if not lock.take():
        raise LiveError(f"{folder.name} must have one supervisor, has one")
    try:
        return keep(folder, partial(_watch, folder))
    finally:
        lock.close()


def _watch(folder: Folder) -> int:
    asked = threading.Event()
    for number in STOPS:
        signal.signal(number, partial(_set, asked))
    entry = enter(folder, SUPERVISOR, time.time_ns())
    log_to_file(folder, SUPERVISOR, entry.incarnation)
    hosts = ProcessHosts(folder)
    supervisor = Supervisor(
        folder, hosts, names=names_of(folder), settings=read_plan(folder).settings.host
    )
    try:
        supervisor.run(asked.wait)
    finally:
        supervisor.close()
        hosts.close()
    return 0


def names_of(folder: Folder) -> tuple[str, ...]:
    """Components of a deployment: those that have an address."""
    return tuple(name for name in START_ORDER if name in read_addresses(folder))


def questions(host: Host, stop: Callable[[], None]) -> dict[str, Callable[..., Any]]:
    """What may be asked of a hosted component."""
    return {
        "ping": host.ping,
        "arm": host.arm,
        "disarm": host.disarm,
        "statistics": host.statistics,
        "inspect": host.inspect,
        "stop": stop,
    }


def command_of(folder: Folder, name: str) -> list[str]:
    """How a component is started."""
    return [sys.executable, "-m", MODULE, str(folder.path), name]


class ProcessHosts:
    """Starts and asks components that are plain processes of this machine.

    Args:
        folder: Of the deployment.
        command: How a component is started.
    """

    def __init__(
        self,
        folder: Folder,
        command: Callable[[Folder, str], Sequence[str]] = command_of,
    ) -> None:
        self._folder = folder
        self._command = command
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start a component; it lives on when this process ends."""
        errors = self._folder.logs / f"{name}.err"
        with errors.open("ab") as written:
            os.fchmod(written.fileno(), 0o600)
            self._children[name] = subprocess.Popen(  # noqa: S603  (our own command)
                self._command(self._folder, name),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                start_new_session=True,
            )

    def ask(self, name: str, what: str, *arguments: Any, seconds: float) -> Any:
        """Ask a component; as `fanfold.live.doors.ask`."""
        return ask(door_of(self._folder, name), what, *arguments, seconds=seconds)

    def is_gone(self, name: str) -> bool:
        """Whether its process has ended; not when it is merely silent."""
        child = self._children.get(name)
        if child is not None:
            return child.poll() is not None
        return not is_running(entry_of(self._folder, name))

    def close(self) -> None:
        """End those that were started and are nobody yet: nobody could tell them to stop."""
        for name, child in list(self._children.items()):
            entry = entry_of(self._folder, name)
            if child.poll() is None and (entry is None or entry.pid != child.pid):
                child.kill()
                child.wait(END_S)

    def end(self, name: str) -> None:
        """End a component at once, by its own number; one that is stopped too."""
        signal_entry(entry_of(self._folder, name), signal.SIGKILL)
        child = self._children.get(name)
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            child.wait(END_S)
            del self._children[name]


def _set(asked: threading.Event, _number: int, _frame: object) -> None:
    asked.set()


def main(arguments: Sequence[str]) -> int:
    """The command; 0 where it was stopped in order."""
    if len(arguments) != _ARGUMENTS or not Path(arguments[1]).is_dir():
        sys.stderr.write(f"usage: python -m {MODULE} FOLDER NAME\n")
        return 2
    try:
        path, name = arguments[1:]
        return supervise(path) if name == SUPERVISOR else serve(path, name)
    except LiveError as error:
        sys.stderr.write(f"fanfold: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))

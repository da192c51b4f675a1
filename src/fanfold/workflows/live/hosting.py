"""What a deployment's components run in: started and ended the same way, whichever it is."""

import os
import signal
import subprocess
import time
from importlib.util import find_spec
from typing import Final

from fanfold.errors import LiveError
from fanfold.live.doors import ask, door_of
from fanfold.live.folder import Folder
from fanfold.live.host import STOP_S
from fanfold.live.keeping import KEEPER
from fanfold.live.messages import COMPONENTS, EXECUTION, MARKET_DATA, RECORDER, RISK, SIGNAL
from fanfold.live.plan import Plan
from fanfold.live.processes import command_of
from fanfold.live.registry import is_held, is_running, seen_entry, signal_entry
from fanfold.live.settings import LiveSettings
from fanfold.live.supervision import SUPERVISOR

STOP_ORDER: Final = (SIGNAL, RISK, EXECUTION, MARKET_DATA, RECORDER)
"""Whoever wants something stops first, whoever writes it down last."""

ASK_S: Final = 2.0
"""How long a component may take to answer a command [s]."""

SUPERVISOR_STOP_S: Final = 10.0
"""How long a supervisor may take to finish its round [s]."""

_POLL_S: Final = 0.05


def names_for(plan: Plan) -> tuple[str, ...]:
    """Components of a deployment; the recorder where there is something to record."""
    records = plan.settings.record.tapes and find_spec("fanfold.live.record.recorder")
    return (*COMPONENTS, RECORDER) if records else COMPONENTS


def begin_hosts(folder: Folder, settings: LiveSettings, address: str | None) -> None:
    """Start what takes long and needs no plan: a cluster of our own, where one is wanted.

    Raises:
        JobError: There are no ports for it.
    """
    if settings.host.hosts == "ray" and address is None:
        from fanfold.distributed.live_head import begin_head

        begin_head(folder)


def end_hosts(folder: Folder) -> None:
    """End what `begin_hosts` started, where nothing runs in it yet."""
    if (folder.path / "ray.json").is_file():
        from fanfold.distributed.live_head import end_head

        end_head(folder)


def start_supervisor(folder: Folder, plan: Plan, address: str | None) -> None:
    """Start whoever starts all others; it outlives the command.

    Args:
        folder: Of the deployment.
        plan: Says what the hosts are.
        address: Of a Ray cluster that runs already; None for one of our own.

    Raises:
        JobError: There is no cluster at the address, or none could be started.
    """
    if plan.settings.host.hosts == "ray":
        from fanfold.distributed.live_hosts import start_supervisor_actor

        start_supervisor_actor(folder, address)
        return
    errors = folder.logs / f"{SUPERVISOR}.err"
    with errors.open("wb") as written:
        os.fchmod(written.fileno(), 0o600)
        subprocess.Popen(  # noqa: S603  (our own command)
            command_of(folder, SUPERVISOR),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )


def stop_all(folder: Folder) -> dict[str, str]:
    """Stop supervisor and components, in order where they answer; what became of each."""
    if (folder.path / "ray.json").is_file():
        from fanfold.distributed.live_hosts import stop_actors

        return stop_actors(folder, STOP_ORDER)
    # First whoever would make a supervisor anew.
    signal_entry(seen_entry(folder, KEEPER), signal.SIGTERM)
    became = {SUPERVISOR: _stop(folder, SUPERVISOR, SUPERVISOR_STOP_S)}
    return became | {name: _stop(folder, name, STOP_S) for name in STOP_ORDER}


def tell_all(folder: Folder, what: str, *arguments: str) -> dict[str, str]:
    """Tell all that run; what each answered, or that it did not."""
    answers: dict[str, str] = {}
    for name in STOP_ORDER:
        if name == RECORDER or not is_held(folder, name):
            continue
        try:
            answers[name] = str(ask(door_of(folder, name), what, *arguments, seconds=ASK_S))
        except LiveError:
            answers[name] = "silent"
    return answers


def _stop(folder: Folder, name: str, seconds: float) -> str:
    entry = seen_entry(folder, name)
    if not is_held(folder, name) or not (entry is None or is_running(entry)):
        return "was down"
    if not _asked_to_stop(folder, name):
        signal_entry(entry, signal.SIGTERM)
    until = time.monotonic() + seconds
    while is_held(folder, name) and time.monotonic() < until:
        time.sleep(_POLL_S)
    if not is_held(folder, name):
        return "stopped"
    if signal_entry(entry, signal.SIGKILL):
        return "killed: it did not stop in time"
    return "runs on: it does not answer, and nobody knows its number"


def _asked_to_stop(folder: Folder, name: str) -> bool:
    if name == SUPERVISOR:
        return False
    try:
        ask(door_of(folder, name), "stop", seconds=ASK_S)
    except LiveError:
        return False
    return True

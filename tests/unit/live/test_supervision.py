"""What a supervisor makes of silence, with hosts that say what a test lets them."""

import os
from pathlib import Path
from typing import Any

import pytest

from fanfold.errors import LiveError
from fanfold.live.folder import Folder
from fanfold.live.messages import RISK
from fanfold.live.registry import Entry, born_of, write_entry
from fanfold.live.supervision import PING_S, START_S, Supervisor


class Hosts:
    """Hosts of one component, which start it anew by themselves."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = None
        self.started: list[str] = []
        self.ended: list[str] = []

    def start(self, name: str) -> None:
        self.started.append(name)

    def ask(self, name: str, what: str, *_: Any, seconds: float) -> Any:
        if self.answer is None:
            raise LiveError(f"{name} must answer {what} within {seconds:g} s, did not")
        answers: dict[str, Any] = {
            "ping": self.answer,
            "arm": "armed",
            "statistics": {"gauges": {}},
        }
        return answers[what]

    def is_gone(self, name: str) -> bool:  # noqa: ARG002
        return False

    def end(self, name: str) -> None:
        self.ended.append(name)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "deployment")
    made.make()
    return made


def test_one_that_its_host_starts_anew_is_left_to_come_up(folder: Folder) -> None:
    now, hosts = [100.0], Hosts()
    supervisor = Supervisor(folder, hosts, names=(RISK,), ready={}, clock=lambda: now[0])
    hosts.answer = {"pid": 1, "incarnation": 1, "silent_s": 0.0, "state": "armed"}
    supervisor.round()
    assert supervisor.is_armed
    hosts.answer = None
    pid = os.getpid()
    write_entry(folder, RISK, Entry(pid=pid, born=born_of(pid) or 0, incarnation=2, started_at=1))
    now[0] += 2 * PING_S
    for _ in range(5):
        supervisor.round()
        now[0] += PING_S
    assert not supervisor.is_armed
    assert hosts.ended == []
    now[0] += START_S  # it has had its time, and hangs
    supervisor.round()
    assert hosts.ended == hosts.started == [RISK]
    supervisor.close()

"""Whoever dies is started anew, HALTED, and armed in a new epoch; real processes throughout."""

import os
import signal
import socket
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.live_parts import command, tell

from fanfold.errors import LiveError
from fanfold.live.doors import ask, door_of
from fanfold.live.folder import Folder
from fanfold.live.halts import ask_reset, latches, reset
from fanfold.live.messages import COMPONENTS, EXECUTION, MARKET_DATA, RISK, SIGNAL
from fanfold.live.processes import ProcessHosts
from fanfold.live.registry import entry_of, is_held, is_running
from fanfold.live.settings import HostSettings
from fanfold.live.supervision import RESTARTS, Supervisor, report_of
from fanfold.live.wires import remove_sockets, write_addresses

SEEN_S = 60.0


@dataclass
class Watch:
    """A supervisor over processes of small components."""

    folder: Folder
    hosts: ProcessHosts
    supervisor: Supervisor

    def until(self, holds: Callable[[], bool]) -> None:
        limit = time.monotonic() + SEEN_S
        while not holds():
            assert time.monotonic() < limit, report_of(self.folder)
            self.supervisor.round()
            time.sleep(0.02)

    def until_armed(self) -> int:
        self.until(lambda: self.supervisor.is_armed)
        return self.supervisor.epoch

    def ask(self, name: str, what: str, *arguments: Any) -> Any:
        return ask(door_of(self.folder, name), what, *arguments, seconds=5.0)

    def pid(self, name: str) -> int:
        entry = entry_of(self.folder, name)
        assert entry is not None
        return entry.pid

    def incarnations(self) -> dict[str, int]:
        return {name: self.ask(name, "ping")["incarnation"] for name in COMPONENTS}


@pytest.fixture
def watch(tmp_path: Path) -> Generator[Watch]:
    folder = Folder(tmp_path / "deployment")
    folder.make()
    write_addresses(folder, COMPONENTS, "ipc")
    hosts = ProcessHosts(folder, command)
    made = Watch(folder, hosts, Supervisor(folder, hosts, names=COMPONENTS, ready={}))
    yield made
    made.supervisor.close()
    for name in COMPONENTS:
        hosts.end(name)
    remove_sockets(folder)


ODD_QUESTIONS = (b"", b"\n", b"[]\n", b"{\n", b'{"what": "fly", "arguments": []}\n', b"\xff\n")


def test_all_come_up_answer_anything_and_stop_when_told(watch: Watch) -> None:
    assert watch.until_armed() == 1
    watch.until(lambda: watch.ask(EXECUTION, "statistics")["counts"]["taken"] > 0)
    assert watch.incarnations() == dict.fromkeys(COMPONENTS, 1)
    report = report_of(watch.folder)
    assert report is not None
    assert report.armed
    assert report.components[RISK] == {
        "state": "armed",
        "pid": watch.pid(RISK),
        "incarnation": 1,
    }
    for asked in ODD_QUESTIONS:
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.settimeout(SEEN_S)
            visitor.connect(str(door_of(watch.folder, RISK)))
            visitor.sendall(asked)
            visitor.shutdown(socket.SHUT_WR)
            assert b"must be one of" in visitor.recv(1_000)
    assert watch.ask(RISK, "ping")["state"] == "armed"
    taken_over(watch)
    stopped(watch)


def taken_over(watch: Watch) -> None:
    """Another supervisor takes over what runs."""
    watch.supervisor.close()
    watch.supervisor = Supervisor(
        watch.folder, ProcessHosts(watch.folder, command), names=COMPONENTS, ready={}
    )
    assert watch.until_armed() == 2
    assert watch.incarnations() == dict.fromkeys(COMPONENTS, 1)


def stopped(watch: Watch) -> None:
    """A component runs once, and ends when it is told."""
    assert is_held(watch.folder, RISK)
    entry = entry_of(watch.folder, RISK)
    assert entry is not None
    os.kill(entry.pid, signal.SIGTERM)
    limit = time.monotonic() + SEEN_S
    while is_running(entry):
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert not is_held(watch.folder, RISK)
    with pytest.raises(LiveError, match="risk must answer ping"):
        watch.ask(RISK, "ping")


def test_one_that_dies_or_stands_still_is_started_anew(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.live.supervision.PING_S", 0.5)
    epoch = watch.until_armed()
    for incarnation, how in enumerate((signal.SIGKILL, signal.SIGSTOP), start=2):
        pid = watch.pid(EXECUTION)
        os.kill(pid, how)
        watch.until(lambda: not watch.supervisor.is_armed)
        states = {name: watch.ask(name, "ping")["state"] for name in (SIGNAL, RISK)}
        assert states == {SIGNAL: "halted", RISK: "halted"}  # nobody decides meanwhile
        epoch += 1
        assert watch.until_armed() == epoch
        assert watch.pid(EXECUTION) != pid
        assert watch.incarnations() == {**dict.fromkeys(COMPONENTS, 1), EXECUTION: incarnation}
        gauges = {name: watch.ask(name, "statistics")["gauges"]["epoch"] for name in COMPONENTS}
        assert gauges == dict.fromkeys(COMPONENTS, epoch)
    # A loop that sleeps is lost although its door answers.
    tell(watch.folder, SIGNAL, "sleep 60")
    watch.until(lambda: watch.supervisor.watched[SIGNAL].incarnation == 2)
    assert watch.until_armed() == epoch + 1


def test_a_fault_latches_and_keeps_all_from_being_armed(watch: Watch) -> None:
    epoch = watch.until_armed()
    tell(watch.folder, RISK, "raise")
    watch.until(lambda: watch.supervisor.watched[RISK].incarnation == 2)
    watch.until(lambda: watch.supervisor.watched[RISK].is_well)
    for _ in range(3):
        watch.supervisor.round()
    assert watch.supervisor.epoch == epoch
    assert watch.ask(RISK, "ping")["state"] == "halted"
    (latch,) = latches(watch.folder)
    assert (latch.name, latch.reason) == ("fault_risk", "ValueError: it was asked to fail")
    assert "Traceback" not in (watch.folder.logs / "risk.jsonl").read_text()
    code = ask_reset(watch.folder, latch.name, time.time_ns())
    reset(watch.folder, latch.name, code, "a test", time.time_ns())
    assert watch.until_armed() == epoch + 1


def test_too_many_restarts_latch(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.supervisor.close()
    watch.supervisor = Supervisor(
        watch.folder, watch.hosts, names=COMPONENTS, ready={},
        settings=HostSettings(restarts_per_minute=2),
    )  # fmt: skip
    monkeypatch.setattr("fanfold.live.supervision.RETRY_S_MAX", 0.1)
    (watch.folder.path / "risk.refuse").touch()
    watch.until(lambda: [latch.name for latch in latches(watch.folder)] == [RESTARTS])
    entry = entry_of(watch.folder, RISK)
    assert entry is not None
    assert (entry.incarnation, entry.error) == (3, "ValueError: it was asked not to open")
    assert not watch.supervisor.is_armed


def test_arming_waits_for_what_each_stands_on(watch: Watch) -> None:
    open_gate: list[bool] = []
    asked: list[Any] = []

    def gate(gauges: Any) -> str:
        asked.append(gauges[f"{EXECUTION}.epoch"])
        return "" if open_gate else "the gate"

    watch.supervisor.close()
    watch.supervisor = Supervisor(watch.folder, watch.hosts, names=COMPONENTS, ready={RISK: gate})
    watch.until(lambda: len(asked) >= 3)
    report = report_of(watch.folder)
    assert report is not None
    assert report.waits_for == "the gate"
    states = {name: watch.ask(name, "ping")["state"] for name in COMPONENTS}
    assert states == {
        MARKET_DATA: "armed",
        EXECUTION: "armed",
        RISK: "halted",
        SIGNAL: "halted",
    }
    open_gate.append(True)
    assert watch.until_armed() == 1

"""The loop drives a component: what comes, what goes, what stops it."""

import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.live_parts import Part, tell

from fanfold.errors import LiveError
from fanfold.live.component import Outgoing
from fanfold.live.control import ARM, DISARM, INSPECT, STOP, Control
from fanfold.live.folder import Folder
from fanfold.live.halts import KILL, Latch, latches, set_latch
from fanfold.live.loop import BACKLOG, BACKLOG_ENVELOPES, Loop, Outbound
from fanfold.live.messages import EXECUTION, RISK, SIGNAL, Envelope, Trade, decode, encode
from fanfold.live.wires import Inbox, Outlet, Wires, remove_sockets, write_addresses

SEEN_S = 10.0


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + SEEN_S
    while not holds():
        assert time.monotonic() < until, "it has not come"
        time.sleep(0.005)


@dataclass
class Stage:
    """A component in its loop, between a sender and a receiver of the test's."""

    part: Part
    loop: Loop
    control: Control
    to_it: Outlet
    from_it: Inbox
    errors: list[Exception] = field(default_factory=list[Exception])

    def send(self, number: int, *values: Any, incarnation: int = 1) -> None:
        self.to_it.send(encode(Envelope(SIGNAL, incarnation, number, time.time_ns(), values)))

    def heard(self) -> Envelope:
        eventually(lambda: bool(self.from_it.socket.poll(0)))
        raw = self.from_it.take()
        assert raw is not None
        return decode(raw)

    def ask(self, what: str, argument: Any = None) -> Any:
        return self.control.ask(what, argument).result(SEEN_S)

    def run(self) -> None:
        try:
            self.loop.run()
        except Exception as error:
            self.errors.append(error)


@pytest.fixture
def folder(tmp_path: Path) -> Generator[Folder]:
    made = Folder(tmp_path / "deployment")
    made.make()
    write_addresses(made, (SIGNAL, RISK, EXECUTION), "ipc")
    yield made
    remove_sockets(made)


@pytest.fixture
def stage(folder: Folder) -> Generator[Stage]:
    part, control = Part(folder, RISK), Control()
    with (
        Wires(folder, RISK) as own,
        Wires(folder, SIGNAL) as before,
        Wires(folder, EXECUTION) as after,
    ):
        loop = Loop(part, own.inbox(), own.outlets(), control, folder=folder, incarnation=7)
        made = Stage(part, loop, control, before.outlet(RISK), after.inbox())
        thread = threading.Thread(target=made.run)
        thread.start()
        yield made
        if thread.is_alive():
            made.ask(STOP)
        thread.join(SEEN_S)
        assert not thread.is_alive()


def trade(price: float) -> Trade:
    return Trade(0, 1, price, 1.0)


def test_nothing_goes_out_before_it_is_armed(stage: Stage) -> None:
    stage.send(1, trade(1.0))
    eventually(lambda: len(stage.part.taken) == 1)
    assert stage.ask(ARM, 3) == "armed"
    assert stage.part.epoch == 3
    stage.send(2, trade(2.0), trade(3.0))
    found = stage.heard()
    assert (found.sender, found.incarnation, found.number) == (RISK, 7, 1)
    assert found.values == (trade(2.0), trade(3.0))  # what belongs together stays together
    assert stage.ask(DISARM, "enough") == "halted"
    stage.send(3, trade(4.0))
    eventually(lambda: len(stage.part.taken) == 4)
    assert stage.from_it.take() is None
    assert stage.part.reasons == ["enough"]


def test_what_cannot_be_read_is_counted_and_passed_over(stage: Stage) -> None:
    whole = encode(Envelope("x", 1, 1, 1, ()))
    no_text = whole.replace(b"\xa1x", b"\xa1\xa2")
    for raw in (b"", b"\xc1", b"[]", encode([1, 2]), whole[:-1], no_text, b"\x91" * 100_000):
        stage.to_it.send(raw)
    stage.send(1, trade(1.0))
    eventually(lambda: len(stage.part.taken) == 1)
    assert stage.loop.statistics().counts["malformed"] == 7


def test_what_is_missing_is_counted_by_sender_and_incarnation(stage: Stage) -> None:
    for number in (5, 6, 9):  # whoever comes later knows nothing of what was before
        stage.send(number, trade(float(number)))
    stage.send(1, trade(1.0), incarnation=2)
    stage.send(2, trade(2.0), incarnation=2)
    eventually(lambda: len(stage.part.taken) == 5)
    counts = stage.loop.statistics().counts
    assert (counts["gaps"], counts["lost"], counts["envelopes"]) == (1, 2, 5)


def test_statistics_hold_the_hop_and_the_components_own(stage: Stage) -> None:
    stage.send(1, trade(1.0))
    eventually(lambda: len(stage.part.taken) == 1)
    found = stage.loop.statistics()
    assert found.latency["hop"]["count"] == 1
    assert found.counts["taken"] == 1
    assert found.gauges["backlog"] == 0
    assert stage.ask(INSPECT)["state"] == {"taken": 1}


def test_the_kill_latch_disarms_without_being_told(stage: Stage, folder: Folder) -> None:
    stage.ask(ARM, 1)
    set_latch(folder, Latch(name=KILL, reason="a test", by="me", at=1))
    eventually(lambda: stage.loop.state == "halted")
    assert stage.part.reasons == ["kill: a test"]
    assert stage.ask(ARM, 2) == "halted"
    assert stage.part.epoch == 1


def test_another_latch_leaves_it_to_the_component(stage: Stage, folder: Folder) -> None:
    set_latch(folder, Latch(name="max_drawdown", reason="10 %", by="risk", at=1))
    assert stage.ask(ARM, 1) == "armed"
    stage.send(1, trade(1.0))
    assert stage.heard().values == (trade(1.0),)


def test_what_a_component_raises_ends_the_loop(stage: Stage, folder: Folder) -> None:
    tell(folder, RISK, "raise")
    eventually(lambda: bool(stage.errors))
    assert str(stage.errors[0]) == "it was asked to fail"


def test_a_question_does_not_wait_behind_data(stage: Stage) -> None:
    stage.ask(ARM, 1)
    for number in range(1, 5_001):
        stage.send(number, trade(1.0))
    assert stage.ask(DISARM, "now") == "halted"
    assert len(stage.part.taken) < 5_000


class Pipe:
    """A connection that a component waits for."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        self.seen = b""

    def fileno(self) -> int:
        return self.read_end

    def ready(self, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        self.seen += os.read(self.read_end, 100)
        return [(EXECUTION, trade(float(len(self.seen))))]


def test_connections_are_waited_for_and_come_and_go(stage: Stage) -> None:
    first, second = Pipe(), Pipe()
    stage.part.sources = [first]
    os.write(first.write_end, b"ab")
    assert stage.heard().values == (trade(2.0),)
    stage.part.sources = [second]
    os.write(second.write_end, b"abc")
    assert stage.heard().values == (trade(3.0),)
    os.write(first.write_end, b"unheard")
    stage.part.sources = []
    stage.ask(INSPECT)
    assert first.seen == b"ab"
    for pipe in (first, second):
        os.close(pipe.read_end)
        os.close(pipe.write_end)


class Shut:
    """An outlet that takes nothing until it is opened."""

    def __init__(self) -> None:
        self.open = False
        self.sent: list[bytes] = []

    def send(self, raw: bytes) -> bool:
        if self.open:
            self.sent.append(raw)
        return self.open


def test_a_receiver_that_takes_nothing_disarms_and_loses_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.live.loop.BACKLOG_S", 0.05)
    part, control, shut = Part(folder, RISK), Control(), Shut()
    outlets: Any = {EXECUTION: shut}
    with Wires(folder, RISK) as own, Wires(folder, SIGNAL) as before:
        loop = Loop(part, own.inbox(), outlets, control, folder=folder, incarnation=1)
        thread = threading.Thread(target=loop.run)
        thread.start()
        control.ask(ARM, 1).result(SEEN_S)
        outlet = before.outlet(RISK)
        for number in range(1, 4):
            outlet.send(encode(Envelope(SIGNAL, 1, number, 1, (trade(float(number)),))))
        eventually(lambda: loop.state == "halted")
        assert [latch.name for latch in latches(folder)] == [BACKLOG]
        shut.open = True
        eventually(lambda: loop.statistics().gauges["backlog"] == 0)
        assert [decode(raw).number for raw in shut.sent] == [1, 2, 3]
        control.ask(STOP).result(SEEN_S)
        thread.join(SEEN_S)


def test_more_than_can_be_kept_ends_the_process(folder: Folder) -> None:
    shut: Any = Shut()
    outbound = Outbound(shut, RISK, 1)
    for _ in range(BACKLOG_ENVELOPES):
        outbound.send((trade(1.0),), 1)
    with pytest.raises(LiveError, match="must take what is sent"):
        outbound.send((trade(1.0),), 1)


@given(st.lists(st.booleans(), max_size=60))
def test_whatever_room_there_is_the_order_stays(room: list[bool]) -> None:
    shut: Any = Shut()
    outbound = Outbound(shut, RISK, 1)
    for is_open in room:
        shut.open = is_open
        outbound.send((trade(1.0),), 1)
        outbound.flush()
    shut.open = True
    assert outbound.flush()
    assert [decode(raw).number for raw in shut.sent] == list(range(1, len(room) + 1))

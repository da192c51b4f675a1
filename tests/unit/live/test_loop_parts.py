"""The loop sends what a component has ready before it lets it go on."""

import threading
from collections.abc import Sequence
from pathlib import Path

from tests.fakes.live_parts import Part

from fanfold.live.component import Outgoing
from fanfold.live.control import STOP, Control
from fanfold.live.folder import Folder
from fanfold.live.loop import Loop
from fanfold.live.messages import EXECUTION, RISK, SIGNAL, Envelope, Trade, Value, decode, encode
from fanfold.live.wires import Wires, remove_sockets, write_addresses

SEEN_MS = 10_000


class Parted(Part):
    """Hands on one value after the other, and goes on only once it is let."""

    def __init__(self, folder: Folder) -> None:
        super().__init__(folder, RISK)
        self.may_go_on = threading.Semaphore(0)
        self.left: list[Value] = []

    @property
    def is_unfinished(self) -> bool:
        return bool(self.left)

    def begin(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        first, *self.left = envelope.values
        return [(EXECUTION, first)]

    def go_on(self) -> Sequence[Outgoing]:
        assert self.may_go_on.acquire(timeout=SEEN_MS / 1_000)
        return [(EXECUTION, self.left.pop(0))]


def test_each_part_is_sent_before_the_next_is_begun(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "deployment")
    folder.make()
    write_addresses(folder, (SIGNAL, RISK, EXECUTION), "ipc")
    part, control = Parted(folder), Control()
    values = tuple(Trade(0, number, 1.0, 1.0) for number in range(3))
    with (
        Wires(folder, RISK) as own,
        Wires(folder, SIGNAL) as before,
        Wires(folder, EXECUTION) as after,
    ):
        loop = Loop(part, own.inbox(), own.outlets(), control, folder=folder, incarnation=1)
        told = after.inbox()
        thread = threading.Thread(target=loop.run)
        thread.start()
        before.outlet(RISK).send(encode(Envelope(SIGNAL, 1, 1, 0, values)))
        for number, value in enumerate(values):
            assert told.socket.poll(SEEN_MS)
            raw = told.take()
            assert raw is not None
            assert decode(raw).values == (value,)
            assert len(part.left) == len(values) - 1 - number  # it has not gone on
            part.may_go_on.release()
        control.ask(STOP)
        thread.join(SEEN_MS / 1_000)
        assert not thread.is_alive()
    remove_sockets(folder)

"""Small components of a deployment, and a process that is one of them.

``python live_parts.py FOLDER NAME`` hosts one as the real ones are hosted. What it does, a
file ``NAME.do`` in the deployment's folder says: "raise" fails in the next tick, "sleep"
holds the loop up, "refuse" cannot be opened.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fanfold.live.component import Outgoing, Pollable, Statistics
from fanfold.live.folder import Folder
from fanfold.live.host import looped
from fanfold.live.messages import (
    EXECUTION,
    MARKET_DATA,
    RISK,
    SIGNAL,
    Envelope,
    Trade,
    Value,
)
from fanfold.live.processes import serve

NEXT = {MARKET_DATA: SIGNAL, SIGNAL: RISK, RISK: EXECUTION}
"""Who hands on to whom."""


class Part:
    """Takes in, and hands on once it is armed."""

    def __init__(self, folder: Folder, name: str, incarnation: int = 1) -> None:
        self.name = name
        self.folder = folder
        self.incarnation = incarnation
        self.state = "halted"
        self.epoch = 0
        self.taken: list[Value] = []
        self.reasons: list[str] = []
        self.sent = 0
        self.closed = False
        self.sources: list[Pollable] = []
        self.gauges: dict[str, Any] = {}

    def arm(self, epoch: int, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        self.state, self.epoch = "armed", epoch
        return ()

    def disarm(self, reason: str, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        self.state = "halted"
        self.reasons.append(reason)
        return ()

    def take(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        self.taken += envelope.values
        if self.state != "armed" or self.name not in NEXT:
            return ()
        return [(NEXT[self.name], value) for value in envelope.values]

    def tick(self, now: int) -> Sequence[Outgoing]:
        asked = self.folder.path / f"{self.name}.do"
        if asked.exists():
            what = asked.read_text()
            asked.unlink()
            if what == "raise":
                raise ValueError("it was asked to fail")
            time.sleep(float(what.partition(" ")[2]))
        if self.state == "armed" and self.name == MARKET_DATA:
            self.sent += 1
            return [(SIGNAL, Trade(0, now, float(self.sent), 1.0))]
        return ()

    def pollables(self) -> Sequence[Pollable]:
        return self.sources

    def statistics(self) -> Statistics:
        return Statistics(
            component=self.name,
            incarnation=self.incarnation,
            state=self.state,
            at=time.time_ns(),
            counts={"taken": len(self.taken)},
            gauges={"epoch": self.epoch, **self.gauges},
            latency={},
        )

    def inspect(self) -> dict[str, Any]:
        return {"taken": len(self.taken)}

    def close(self) -> None:
        self.closed = True


def tell(folder: Folder, name: str, what: str) -> None:
    """Let a component do something at its next tick."""
    beside = folder.path / f".{name}.do"
    beside.write_text(what)
    beside.replace(folder.path / f"{name}.do")


def main(path: str, name: str) -> int:
    def opened(folder: Folder, incarnation: int) -> Part:
        refuses = folder.path / f"{name}.refuse"
        if refuses.exists():
            raise ValueError("it was asked not to open")
        return Part(folder, name, incarnation)

    return serve(path, name, looped(opened))


def command(folder: Folder, name: str) -> list[str]:
    return [sys.executable, str(Path(__file__)), str(folder.path), name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))

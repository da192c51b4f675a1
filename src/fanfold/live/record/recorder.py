"""The recorder: a process of its own that turns finished tapes into Parquet.

It reads files only, so nothing that trades waits for it, and it may die and begin again at
any moment: a segment counts as recorded once its last table has its name.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from fanfold.live.component import Outgoing, Pollable, Statistics
from fanfold.live.folder import Folder
from fanfold.live.messages import RECORDER, UNREADABLE, Envelope, decode
from fanfold.live.plan import read_plan
from fanfold.live.record.tables import Tables, schema
from fanfold.live.tape import Place, read_tape, segments
from fanfold.market.columns import arrow

TAPES: Final = ("market", "signal", "decisions")
"""Tapes that are recorded: frames of the broker's stream, what signal took in, what it
decided."""

ROWS: Final = 50_000
"""Frames in memory at a time."""

NICE: Final = 10
"""How far the recorder stands back behind what trades."""

LOOK_S: Final = 1.0
"""Time between looks for finished segments [s]."""

_DAY_NS: Final = 86_400 * 10**9


class Recorder:
    """Turns segments into tables; see `fanfold.live.component.Component`."""

    name = RECORDER

    def __init__(self, folder: Folder, incarnation: int) -> None:
        self._folder = folder
        self._incarnation = incarnation
        plan = read_plan(folder)
        self._symbols = plan.symbols
        self._keep_days = plan.settings.record.keep_days
        self._counts = {"segments": 0, "frames": 0, "damaged": 0, "pruned": 0}
        self._next_look = 0

    @staticmethod
    def opened(folder: Folder, incarnation: int, now: int) -> "Recorder":  # noqa: ARG004
        """The recorder of a deployment, behind everything that trades."""
        os.nice(NICE)
        return Recorder(folder, incarnation)

    def arm(self, epoch: int, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """It records whether or not anything trades."""
        return ()

    def disarm(self, reason: str, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """As `arm`."""
        return ()

    def take(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nobody sends it anything."""
        return ()

    def tick(self, now: int) -> Sequence[Outgoing]:
        """Record one finished segment, if there is one."""
        if now >= self._next_look and not self._record_one(open_too=False):
            self._next_look = now + int(LOOK_S * 1e9)
            self._prune(now)
        return ()

    def pollables(self) -> Sequence[Pollable]:
        """None."""
        return ()

    def statistics(self) -> Statistics:
        """What was recorded so far."""
        return Statistics(
            component=RECORDER,
            incarnation=self._incarnation,
            state="armed",
            at=time.time_ns(),
            counts=dict(self._counts),
            gauges={},
            latency={},
        )

    def close(self) -> None:
        """Record what is left, open segments too."""
        while self._record_one(open_too=True):
            pass

    def _record_one(self, *, open_too: bool) -> bool:
        for tape in TAPES:
            found = segments(self._folder.tapes, tape)
            for number, file in found if open_too else found[:-1]:
                target = raw_file(self._folder, tape, number)
                if not target.exists() or target.stat().st_mtime_ns < file.stat().st_mtime_ns:
                    self._record(tape, number, file)
                    return True
        return False

    def _record(self, tape: str, number: int, file: Path) -> None:
        before = file.stat().st_mtime_ns
        writers = _Writers(self._folder.record, tape, number)
        tables = Tables(self._symbols)
        taken = read_tape(self._folder.tapes, tape, Place(number, 0))
        for count, (place, at, frame) in enumerate(taken, start=1):
            if place.segment != number:
                break
            tables.frame(at, place.offset, frame)
            if tape == "signal":
                try:
                    tables.envelope(at, decode(frame))
                except UNREADABLE:
                    self._counts["damaged"] += 1
            if count % ROWS == 0:
                writers.write(tables)
            self._counts["frames"] += 1
        writers.write(tables)
        writers.finish(before)
        self._counts["segments"] += 1

    def _prune(self, now: int) -> None:
        """Let go of tapes that are Parquet and old; the last two of each stay."""
        for tape in TAPES:
            for number, file in segments(self._folder.tapes, tape)[:-2]:
                age = now - file.stat().st_mtime_ns
                if age > self._keep_days * _DAY_NS and self._is_recorded(tape, number, file):
                    file.unlink()
                    self._counts["pruned"] += 1

    def _is_recorded(self, tape: str, number: int, file: Path) -> bool:
        target = raw_file(self._folder, tape, number)
        return target.exists() and target.stat().st_mtime_ns >= file.stat().st_mtime_ns


def raw_file(folder: Folder, tape: str, number: int) -> Path:
    """The table of a segment's frames."""
    return folder.record / tape / f"{number:06d}.parquet"


class _Writers:
    """Parquet files of one segment: beside their places until all are whole."""

    def __init__(self, root: Path, tape: str, number: int) -> None:
        self._root = root
        self._tape = tape
        self._number = number
        self._open: dict[str, Any] = {}

    def write(self, tables: Tables) -> None:
        """Write the rows that wait, and forget them."""
        pa = arrow()
        for name, columns in tables.waiting.items():
            if any(columns.values()) or name == "raw":
                table = pa.table(columns, schema=schema(name))
                self._writer(name).write_table(table)
        tables.clear()

    def _writer(self, name: str) -> Any:
        if name not in self._open:
            file = self._beside(name)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._open[name] = arrow().parquet.ParquetWriter(file, schema(name), compression="zstd")
        return self._open[name]

    def finish(self, stamp: int) -> None:
        """Give all files their names, the frames' last: it says that the segment is whole.

        Args:
            stamp: When the segment was last written [ns]; the files carry it, so that a
                segment that grew since is recorded anew.
        """
        for name in sorted(self._open, key=lambda name: name == "raw"):
            self._open[name].close()
            file = self._beside(name)
            os.utime(file, ns=(stamp, stamp))
            file.replace(self._place(name))

    def _place(self, name: str) -> Path:
        folder = self._tape if name == "raw" else name
        return self._root / folder / f"{self._number:06d}.parquet"

    def _beside(self, name: str) -> Path:
        place = self._place(name)
        return place.with_name(f".{place.name}.part")

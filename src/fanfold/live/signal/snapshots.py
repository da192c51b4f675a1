"""Snapshots of signal's state: durable, the last three kept, written beside the loop.

A snapshot says where on the tape it stands. Before it gets its name the tape up to there is
on the disk itself, so after a power failure no snapshot knows more than the tape.
"""

import hashlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from fanfold.live.folder import write_durably
from fanfold.live.messages import UNREADABLE
from fanfold.live.tape import Place, sync_tape

KEPT: Final = 3
"""Snapshots that stay; of a damaged one the one before is taken."""

_FORM: Final = re.compile(r"signal-(\d{10})\.snapshot")
_DIGEST_BYTES: Final = 32


class Snapshot(Struct, frozen=True, array_like=True):
    """A state, and where it stands.

    Attributes:
        number: Rises with each.
        segment, offset: Place on the tape of the first frame that is not in it.
        at: When it was taken [ns UTC].
        state: What the decider restores.
    """

    number: int
    segment: int
    offset: int
    at: int
    state: bytes

    @property
    def place(self) -> Place:
        """Of the first frame that is not in it."""
        return Place(self.segment, self.offset)


class Snapshots:
    """The snapshots of a deployment.

    Args:
        folder: Where they are.
        tapes: Where the tape is.
        tape: Its name.

    Attributes:
        written: How many were written.
        problem: Why the last one could not be, or "".
    """

    def __init__(self, folder: Path, tapes: Path, tape: str) -> None:
        self._folder, self._tapes, self._tape = folder, tapes, tape
        self._number = max((number for number, _ in _files(folder)), default=0)
        self._writer: threading.Thread | None = None
        self.written = 0
        self.problem = ""

    @property
    def is_busy(self) -> bool:
        """Whether one is still being written."""
        return self._writer is not None and self._writer.is_alive()

    def stored(self) -> Iterator[Snapshot | None]:
        """All that are there, the newest first; None for one that is damaged."""
        for _, file in reversed(_files(self._folder)):
            yield _read(file)

    def keep(self, place: Place, at: int, state: bytes) -> None:
        """Begin to write one, on a thread of its own; waits for the one before."""
        self.wait()
        self._number += 1
        snapshot = Snapshot(self._number, place.segment, place.offset, at, state)
        self._writer = threading.Thread(target=self._write, args=(snapshot,), name="snapshot")
        self._writer.start()

    def wait(self) -> None:
        """Until the last one is written, or could not be."""
        if self._writer is not None:
            self._writer.join()

    def _write(self, snapshot: Snapshot) -> None:
        content = msgspec.msgpack.encode(snapshot)
        file = self._folder / f"signal-{snapshot.number:010d}.snapshot"
        try:
            sync_tape(self._tapes, self._tape, snapshot.place)
            write_durably(file, hashlib.sha256(content).digest() + content)
            for _, old in _files(self._folder)[:-KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:  # the tape alone is enough to restart from
            self.problem = str(error)
        else:
            self.written, self.problem = self.written + 1, ""


def _files(folder: Path) -> list[tuple[int, Path]]:
    found = [(_FORM.fullmatch(file.name), file) for file in folder.glob("signal-*.snapshot")]
    return sorted((int(number[1]), file) for number, file in found if number)


def _read(file: Path) -> Snapshot | None:
    try:
        content = file.read_bytes()
        if hashlib.sha256(content[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
            return None
        return msgspec.msgpack.decode(content[_DIGEST_BYTES:], type=Snapshot)
    except (OSError, *UNREADABLE):
        return None

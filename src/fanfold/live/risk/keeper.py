"""What risk must know after a restart, written beside the loop and not in it.

A write that lasts takes milliseconds; a thread does it, and only the newest value waits.
"""

import logging
import threading
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from fanfold.live.folder import Folder, write_durably

WRITE_NS: Final = 1_000_000_000
"""Least time between two writes [ns]."""

CLOSE_S: Final = 5.0
"""Longest wait for the last write [s]."""

_log = logging.getLogger(__name__)


class Kept(Struct, frozen=True, kw_only=True):
    """What limits are measured from; money in micro-units.

    Attributes:
        peak: Highest equity.
        day: Date of the session [days since 1970-01-01], and `day_start` the equity at which
            it began; `order_count` its orders.
        last_number: Of the newest intent.
        goals: Signed lots that are approved and not yet held, by symbol.
        tripped: Names of the breakers that have acted.
        splits: Day of the last split that was heard of [ns UTC], by symbol, and `ratios` what
            one unit became.
    """

    peak: int = 0
    day: int = -1
    day_start: int = 0
    order_count: int = 0
    last_number: int = 0
    goals: dict[str, int] = {}
    tripped: tuple[str, ...] = ()
    splits: dict[str, int] = {}
    ratios: dict[str, float] = {}


_decode: Final = msgspec.json.Decoder(Kept).decode


class Keeper:
    """The file of what was kept, and the thread that writes it.

    Args:
        folder: Of the deployment.
    """

    def __init__(self, folder: Folder) -> None:
        self._file = _file(folder)
        self._next: Kept | None = None
        self._written: Kept | None = None
        self._last_at = 0
        self._ending = False
        self._wakes = threading.Condition()
        self._thread: threading.Thread | None = None
        self.errors = 0

    def load(self) -> Kept:
        """What was kept; nothing where there is no file yet.

        Raises:
            msgspec.DecodeError, OSError: It cannot be read: measuring from nothing would be
                looser than before.
        """
        try:
            return _decode(self._file.read_bytes())
        except FileNotFoundError:
            return Kept()

    def is_due(self, now: int) -> bool:
        """Whether the last write is long enough ago."""
        return not 0 <= now - self._last_at < WRITE_NS

    def keep(self, kept: Kept, now: int) -> None:
        """Have a value written; one that is equal to the last is not."""
        self._last_at = now
        if kept == self._written:
            return
        self._written = kept
        with self._wakes:
            self._next = kept
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
                self._thread.start()
            self._wakes.notify()

    def close(self) -> None:
        """Write what waits, and end."""
        with self._wakes:
            self._ending = True
            self._wakes.notify()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while True:
            with self._wakes:
                self._wakes.wait_for(lambda: self._next is not None or self._ending)
                kept, self._next = self._next, None
            if kept is None:
                return
            try:
                write_durably(self._file, msgspec.json.encode(kept))
            except OSError as error:
                self.errors += 1
                _log.error("what risk measures from could not be written: %s", error)


def _file(folder: Folder) -> Path:
    return folder.snapshots / "risk.json"

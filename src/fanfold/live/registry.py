"""Which process is which component: one file each, and a lock that only one can hold.

A number of a process is used again by the system, so a process is known by its number and
the instant of its start together.
"""

import fcntl
import os
import signal
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from fanfold.errors import LiveError
from fanfold.live.folder import Folder, write_durably
from fanfold.live.messages import UNREADABLE

_START_FIELD: Final = 19
"""Place of the start's instant among the fields after a process's name, see proc(5)."""

_DEAD: Final = frozenset("ZXx")
"""States of a process that runs no more, though its parent has not asked after it yet."""


class Entry(Struct, frozen=True, kw_only=True):
    """A process that was started.

    Attributes:
        pid: Its number.
        born: When, as the system counts [ticks since the machine's start].
        incarnation: Rises with each start of the component.
        started_at: When [ns UTC].
        error: Why it ended, "" while it has not, or was killed.
    """

    pid: int
    born: int
    incarnation: int
    started_at: int
    error: str = ""


class Lock:
    """The right to be a component: held until the process ends, however it ends."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> bool:
        """Whether it is ours now."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Let it go."""
        os.close(self._descriptor)


def lock_of(folder: Folder, name: str) -> Lock:
    """The lock of a component."""
    return Lock(folder.processes / f"{name}.lock")


def is_held(folder: Folder, name: str) -> bool:
    """Whether some process is that component."""
    if not folder.processes.is_dir():
        return False
    lock = lock_of(folder, name)
    try:
        return not lock.take()
    finally:
        lock.close()


def enter(folder: Folder, name: str, now: int) -> Entry:
    """Write down that this process is the component, with the next incarnation."""
    before = entry_of(folder, name)
    entry = Entry(
        pid=os.getpid(),
        born=born_of(os.getpid()) or 0,
        incarnation=1 if before is None else before.incarnation + 1,
        started_at=now,
    )
    write_entry(folder, name, entry)
    return entry


def write_entry(folder: Folder, name: str, entry: Entry) -> None:
    """Keep an entry."""
    write_durably(_file_of(folder, name), msgspec.json.encode(entry))


def entry_of(folder: Folder, name: str) -> Entry | None:
    """The last process that was the component, None if there was none.

    Raises:
        LiveError: The file is damaged: an incarnation must never come twice.
    """
    try:
        return msgspec.json.decode(_file_of(folder, name).read_bytes(), type=Entry)
    except FileNotFoundError:
        return None
    except (OSError, *UNREADABLE) as error:
        raise LiveError(f"{_file_of(folder, name)} must be readable, was not: {error}") from None


def seen_entry(folder: Folder, name: str) -> Entry | None:
    """As `entry_of`, None where the file is damaged too: for whoever only looks, or ends."""
    try:
        return entry_of(folder, name)
    except LiveError:
        return None


def is_running(entry: Entry | None) -> bool:
    """Whether the very process runs, or is stopped; not when another has its number."""
    return entry is not None and born_of(entry.pid) == entry.born


def signal_entry(entry: Entry | None, number: signal.Signals) -> bool:
    """Signal the very process, and no other; whether it was there."""
    if entry is None or not is_running(entry):
        return False
    try:
        os.kill(entry.pid, number)
    except ProcessLookupError:
        return False
    return True


def born_of(pid: int) -> int | None:
    """When a process was started [ticks since the machine's start]; None if it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in _DEAD else int(fields[_START_FIELD])


def _file_of(folder: Folder, name: str) -> Path:
    return folder.processes / f"{name}.json"

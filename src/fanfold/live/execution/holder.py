"""Which process this is, and whether another one of this machine is dead for sure."""

import contextlib
import os
import socket
import time
from functools import cache
from pathlib import Path
from typing import Final

from fanfold.live.registry import born_of

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_SPACES: Final = ("pid", "time")


def monotonic_ns() -> int:
    """The clock that deadlines are measured by [ns].

    The machine's since its start, sleep included, one for all its processes.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


def host() -> str:
    """The machine's name."""
    return socket.gethostname()


@cache
def where() -> str:
    """Within what process numbers and the monotonic clock mean the same.

    One start of one machine, and one container of it where there are any.
    """
    names = [host()]
    with contextlib.suppress(OSError):  # not Linux: then no other process is ever known dead
        names.append(_BOOT.read_text().strip())
        names += [str(Path(f"/proc/self/ns/{space}").readlink()) for space in _SPACES]
    return " ".join(names)


def started(pid: int) -> str:
    """When a process began, as the system counts; "" if it is dead or unknown."""
    try:
        born = born_of(pid)
    except OSError:
        return ""
    return "" if born is None else str(born)


def is_dead(pid: int, start: str, place: str) -> bool:
    """Whether a process is dead for sure.

    Args:
        pid: Its number.
        start: `started` of it, by itself.
        place: `where` of it; of another place nothing can be said.
    """
    if not start or place != where():
        return False
    try:
        os.kill(pid, 0)  # asks only
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return started(pid) != start

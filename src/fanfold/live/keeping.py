"""Whoever watches the watcher: starts the supervisor anew when it dies.

The supervisor is a fork of this small process, so both share their memory and the lock that
makes them one: it is held as long as either lives. Ended in order, both end; killed, the
supervisor is made again, and finds the components as they are.
"""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Final

from fanfold.live.folder import Folder
from fanfold.live.registry import enter

KEEPER: Final = "keeper"

PAUSE_S, PAUSE_S_MAX = 0.1, 8.0
"""First and longest pause before a supervisor is made anew [s]."""

WELL_S: Final = 30.0
"""A supervisor that lasted so long was well: the next one comes after the first pause [s]."""

STOPS: Final = (signal.SIGTERM, signal.SIGINT)

_FAILED: Final = 70


def keep(folder: Folder, act: Callable[[], int], *, name: str = KEEPER) -> int:
    """Run `act` in a process of its own until it ends in order; the exit code.

    Args:
        folder: Of the deployment, where this process is entered.
        act: What the other process is; to be called before any thread is started.
        name: What this process is entered as.
    """
    enter(folder, name, time.time_ns())
    asked: list[int] = []
    children: list[int] = []

    def stop(number: int, _frame: object) -> None:
        asked.append(number)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    before = {number: signal.signal(number, stop) for number in STOPS}
    pause_s = PAUSE_S
    try:
        while True:
            began = time.monotonic()
            code = _run_apart(act, children, asked)
            if code == 0 or asked:
                return max(code, 0)
            if time.monotonic() - began > WELL_S:
                pause_s = PAUSE_S
            time.sleep(pause_s)
            pause_s = min(2.0 * pause_s, PAUSE_S_MAX)
            if asked:
                return 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run_apart(act: Callable[[], int], children: list[int], asked: list[int]) -> int:
    """Fork, run, wait; the exit code, negative for the signal that ended it."""
    child = os.fork()
    if child == 0:
        _be(act)
    children.append(child)
    if asked:  # while there was nobody to be told yet
        os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    children.remove(child)
    return os.waitstatus_to_exitcode(status)


def _be(act: Callable[[], int]) -> None:
    """The other process: it never returns."""
    code = _FAILED
    try:
        for number in STOPS:
            signal.signal(number, signal.SIG_DFL)
        code = act()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

"""Let a halted deployment go on, in two steps: look at what halted it, then say so."""

import time
from typing import Any

from fanfold.errors import ConfigError
from fanfold.live.folder import Folder
from fanfold.live.halts import RESET_S, Latch, ask_reset, latches, reset


def ask_to_resume(folder: Folder) -> dict[str, Any]:
    """The first step: what halts it, and the code of each latch.

    Raises:
        ConfigError: Nothing halts it.
    """
    halting = _halting(folder)
    now = time.time_ns()
    return {
        "status": "asked",
        "deployment": folder.name,
        "good_for_s": RESET_S,
        "latches": [
            {**_plain(latch), "code": ask_reset(folder, latch.name, now)} for latch in halting
        ],
    }


def resume(folder: Folder, codes: tuple[str, ...], by: str) -> dict[str, Any]:
    """The second step: reset the latches that the codes are for.

    Raises:
        ConfigError: A code is none of those that were asked for, or too old.
    """
    now = time.time_ns()
    done: list[str] = []
    for code in codes:
        refused: list[str] = []
        for latch in _halting(folder) if not done else latches(folder):
            try:
                reset(folder, latch.name, code, by, now)
            except ConfigError as error:
                refused.append(str(error))
            else:
                done.append(latch.name)
                break
        else:
            raise ConfigError(
                refused[0]
                if len(refused) == 1
                else "the code must be one that was asked for "
                f"within {RESET_S} s, is none: fanfold live resume shows new ones"
            )
    left = [latch.name for latch in latches(folder)]
    return {
        "status": "halted" if left else "resumed",
        "deployment": folder.name,
        "reset": done,
        "latches": left,
    }


def _halting(folder: Folder) -> tuple[Latch, ...]:
    found = latches(folder)
    if not found:
        raise ConfigError(f"deployment {folder.name} must be halted to be resumed, nothing is set")
    return found


def _plain(latch: Latch) -> dict[str, Any]:
    return {"name": latch.name, "reason": latch.reason, "by": latch.by, "at": latch.at}

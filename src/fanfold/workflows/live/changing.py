"""The right to bring a deployment up or down: one command, or its application, at a time."""

import time
from pathlib import Path
from typing import Final

from fanfold.errors import ConfigError
from fanfold.live.folder import PRIVATE, Folder
from fanfold.live.registry import Lock

WAIT_S: Final = 5.0
"""How long a command waits for another one to finish [s]."""

_POLL_S: Final = 0.1


class Change:
    """A lock beside the deployment's folder, which may be put aside meanwhile.

    It is gone with the process that holds it, however that ends.

    Args:
        folder: Of the deployment.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._lock: Lock | None = None

    def take(self) -> bool:
        """Whether it is ours now."""
        if self._lock is not None:
            return True
        place = self._folder.path.parent
        place.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        lock = Lock(lock_beside(self._folder))
        if not lock.take():
            lock.close()
            return False
        self._lock = lock
        return True

    def wait(self) -> None:
        """Take it, once whoever has it is done.

        Raises:
            ConfigError: Another process keeps it.
        """
        until = time.monotonic() + WAIT_S
        while not self.take():
            if time.monotonic() > until:
                raise ConfigError(
                    f"deployment {self._folder.name} must be left alone by others to be changed, "
                    "another command brings it up or down: try again when it is done"
                )
            time.sleep(_POLL_S)

    def release(self) -> None:
        """Let others have it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def lock_beside(folder: Folder) -> Path:
    """The file of the lock, which stays; whoever takes a deployment away takes it too."""
    return folder.path.parent / f".{folder.name}.lock"

"""Where a venue's journal lies if nobody says: one file for equal settings, old ones go."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from fanfold.domain.place import home
from fanfold.errors import ConfigError

USUAL_MAX: Final = 50
"""Usual journals that are kept, those used last [files]."""


def usual_file(named: str) -> Path:
    """The journal of what is named so: the same command goes on with it after a crash.

    Args:
        named: All that makes one venue another.

    Raises:
        ConfigError: Its folder cannot be made.
    """
    folder = home() / "venue"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the journal's folder must be there or be made, {folder} cannot: {error.strerror}; "
            "name another file with --journal"
        ) from None
    file = folder / f"{hashlib.sha256(named.encode()).hexdigest()[:16]}.db"
    _forget_old(folder, file)
    return file


def keep_private(file: Path) -> None:
    """Begin a journal's file so that nobody else can read it; SQLite's own files follow it."""
    with suppress(OSError):  # it is there already; or cannot be, which opening it will say
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _forget_old(folder: Path, own: Path) -> None:
    """Remove journals beyond the last ones; one that a venue has open was used just now."""
    with suppress(OSError):  # another venue may be about the same
        files = sorted(folder.glob("*.db"), key=_used_at, reverse=True)
        for file in files[USUAL_MAX:]:
            if file != own:
                for one in folder.glob(f"{file.name}*"):
                    one.unlink(missing_ok=True)


def _used_at(file: Path) -> float:
    """When a journal was written last: what is new lies beside it at first."""
    beside = (file, file.with_name(f"{file.name}-wal"))
    return max(one.stat().st_mtime for one in beside if one.exists())

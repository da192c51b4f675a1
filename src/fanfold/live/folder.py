"""The folder of a deployment: everything of it that lasts, each file in one place.

A component is started with the folder's path and its own name, nothing else: what a
restarted actor must know stands here, and not in the arguments of its first start.
"""

import contextlib
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fanfold.domain.place import home
from fanfold.errors import ConfigError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Names of deployments: they stand in paths and in orders' ids."""

PRIVATE: Final = 0o700
"""Mode of every folder: sockets and journals are nobody else's."""

UMASK: Final = 0o077
"""What no file of a deployment grants, whoever's libraries make it."""

RESERVED: Final = ("accounts", "aside")
"""Folders beside those of deployments, whose names no deployment can have."""

SOCKETS: Final = Path("/tmp")  # noqa: S108  (what is in it is checked to be ours alone)
"""Where folders of sockets are: not by TMPDIR, which another shell may have otherwise."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a deployment keeps what lasts.

    Attributes:
        path: The folder.
    """

    path: Path

    @staticmethod
    def of(deployment: str, root: Path | None = None) -> "Folder":
        """The folder of a deployment by its name, under fanfold's home.

        Raises:
            ConfigError: The name has other characters than small letters, digits and dashes,
                or is one of `RESERVED`.
        """
        if not NAME.fullmatch(deployment):
            raise ConfigError(
                "deployment must be small letters, digits and dashes, 40 at most, "
                f"was {deployment!r}"
            )
        if deployment in RESERVED:
            raise ConfigError(f"deployment must be none of {', '.join(RESERVED)}, which are ours")
        return Folder((root or home() / "live") / deployment)

    @property
    def name(self) -> str:
        """The deployment's name."""
        return self.path.name

    @property
    def plan(self) -> Path:
        """What the deployment is, as JSON: `fanfold.live.plan`."""
        return self.path / "plan.json"

    @property
    def warm_up(self) -> Path:
        """Bars before the first live one, as arrays."""
        return self.path / "warm_up.npz"

    @property
    def model(self) -> Path:
        """A fitted strategy, where there is one."""
        return self.path / "model"

    @property
    def journal(self) -> Path:
        """Execution's SQLite file."""
        return self.path / "journal.db"

    @property
    def halts(self) -> Path:
        """Latches: one file a breaker or kill, which every component looks at."""
        return self.path / "halts"

    @property
    def killed(self) -> Path:
        """What the last kill left, as JSON: with everything dead no journal learns of it."""
        return self.path / "killed.json"

    @property
    def tapes(self) -> Path:
        """What each component took in, as it came."""
        return self.path / "tapes"

    @property
    def snapshots(self) -> Path:
        """States of signal and risk, to restart from."""
        return self.path / "snapshots"

    @property
    def record(self) -> Path:
        """Sessions as Parquet, made of the tapes."""
        return self.path / "record"

    @property
    def logs(self) -> Path:
        """Lines of each process."""
        return self.path / "logs"

    @property
    def processes(self) -> Path:
        """Which process is which component: pid and incarnation, one JSON file each."""
        return self.path / "processes"

    @property
    def sockets(self) -> Path:
        """Folder of ipc sockets: short, since their paths may have 107 characters."""
        tag = hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:16]
        return SOCKETS / f"fanfold-{os.getuid()}-{tag}"

    def make(self) -> None:
        """Make all folders but that of the sockets, for their owner only.

        Raises:
            ConfigError: One of them is somebody else's, or cannot be made.
        """
        for each in (
            self.path, self.halts, self.tapes, self.snapshots, self.record, self.logs,
            self.processes,
        ):  # fmt: skip
            try:
                each.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"{each} must be a folder of yours: {error.strerror}") from None
            if each.stat().st_uid != os.getuid():
                raise ConfigError(f"{each} must belong to you, it belongs to somebody else")
            each.chmod(PRIVATE)


def own_folder(path: Path) -> Path:
    """Make a folder where everybody may write, or find the one that is surely ours alone.

    Raises:
        ConfigError: Somebody else made it, or might have put something into it.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=PRIVATE)
    found = path.lstat()  # a link is somebody's, wherever it leads
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ConfigError(f"{path} must be a folder of yours, somebody else made it: remove it")
    if stat.S_IMODE(found.st_mode) & UMASK:
        raise ConfigError(
            f"{path} must be its owner's alone, its mode was {stat.S_IMODE(found.st_mode):04o}: "
            "remove it"
        )
    return path


def write_durably(file: Path, content: bytes) -> None:
    """Replace a file's content so that a crash leaves the old or the new, never a part."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with beside.open("wb") as opened:
        os.fchmod(opened.fileno(), 0o600)
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

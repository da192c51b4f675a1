"""The folder of a deployment: everything of it that lasts, each file in one place.

A component is started with the folder's path and its own name, nothing else: what a
restarted actor must know stands here, and not in the arguments of its first start.
"""

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fanfold.domain.place import home
from fanfold.errors import ConfigError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Names of deployments: they stand in paths and in orders' ids."""

PRIVATE: Final = 0o700
"""Mode of every folder: sockets and journals are nobody else's."""


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
            ConfigError: The name has other characters than small letters, digits and dashes.
        """
        if not NAME.fullmatch(deployment):
            raise ConfigError(
                "deployment must be small letters, digits and dashes, 40 at most, "
                f"was {deployment!r}"
            )
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
        tag = hashlib.sha256(str(self.path.absolute()).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"fanfold-{os.getuid()}-{tag}"

    def make(self) -> None:
        """Make all folders, for their owner only."""
        for each in (
            self.path, self.halts, self.tapes, self.snapshots, self.record, self.logs,
            self.processes, self.sockets,
        ):  # fmt: skip
            each.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            if each.stat().st_uid != os.getuid():
                raise ConfigError(f"{each} must belong to you, it belongs to somebody else")
            each.chmod(PRIVATE)


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

"""Where a job's files go."""

import hashlib
import json
from pathlib import Path

from fanfold.errors import ConfigError
from fanfold.research.table import SweepTable, stated_in
from fanfold.settings import Settings


def job_folder(settings: Settings) -> Path:
    """Where a job's files go: one folder for equal settings, wherever they run."""
    asked = settings.model_dump_json(exclude={"run": {"workers", "address"}, "folder": True})
    name = "-".join([settings.job, *(one.name.split(":")[-1] for one in settings.all_strategies)])
    digest = hashlib.sha256(asked.encode()).hexdigest()[:8]
    return settings.folder.absolute() / f"{name[:80]}-{digest}"


def opened_rows(folder: Path, statement: str, identity: str) -> SweepTable:
    """A folder's rows, emptied if they belong to another identity.

    Args:
        folder: Made if it is not there.
        statement: Name of the file that says what the rows belong to.
        identity: What they shall belong to.

    Raises:
        ConfigError: The folder, or one above it, is a file.
    """
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise ConfigError(f"folder must be a folder, {place} is a file")
    folder.mkdir(parents=True, exist_ok=True)
    table, file = SweepTable(folder), folder / statement
    if stated_in(file).get("identity") != identity:
        table.clear()
        file.write_text(json.dumps({"identity": identity}), encoding="utf-8")
    return table

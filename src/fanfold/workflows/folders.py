"""Where a job's files go."""

import hashlib
from pathlib import Path

from fanfold.settings import Settings


def job_folder(settings: Settings) -> Path:
    """Where a job's files go: one folder for equal settings, wherever they run."""
    asked = settings.model_dump_json(exclude={"run": {"workers", "address"}, "folder": True})
    name = "-".join([settings.job, *(one.name.split(":")[-1] for one in settings.all_strategies)])
    digest = hashlib.sha256(asked.encode()).hexdigest()[:8]
    return settings.folder.absolute() / f"{name[:80]}-{digest}"

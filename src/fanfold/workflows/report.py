"""The job that draws the report of a tracked run again."""

import json
import tempfile
from pathlib import Path

from fanfold.errors import ConfigError, DataError
from fanfold.settings import check_settings
from fanfold.workflows.close import job_folder, start_job


def report_job(run: str, folder: Path | None = None) -> Path:
    """Draw the report of a run from its stored configuration.

    Equal settings on equal data give equal bits, so nothing but the configuration
    has to be kept. A sweep's table is taken from its folder where that is still there.

    Args:
        run: Id, start of an id, or name of a tracked run.
        folder: Where the report goes; the job's own folder by default.

    Raises:
        FanfoldError: The run is not known, or its data is not what it was.
    """
    from fanfold.tracking import fetch_artifacts, find_run

    found = find_run(run)
    if not found.job:
        raise ConfigError(f"run {found.name!r} must be a job of fanfold, was not")
    with tempfile.TemporaryDirectory() as place:
        stored = fetch_artifacts(found.run_id, Path(place), name="config.json")
        content = json.loads(stored.read_text(encoding="utf-8"))
    settings = check_settings(content, f"config.json of run {found.run_id}")
    target = folder or job_folder(settings)
    target.mkdir(parents=True, exist_ok=True)
    finished = start_job(settings, target)
    stated = found.tags.get("data_fingerprint", "")
    if finished.fingerprint != stated:
        raise DataError(
            f"the data of run {found.run_id} must be what it was ({stated[:16]}), "
            f"is now {finished.fingerprint[:16]}"
        )
    return finished.draw()

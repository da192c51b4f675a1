"""A stored run found again.

By what a person has at hand: its id, the first characters of it, or its name.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fanfold.errors import ConfigError
from fanfold.tracking.server import database_file, speaking, tracking_uri
from fanfold.tracking.store import JOB_TAG, PARENT_TAG

LISTED_MAX = 5
"""Runs named in a message [runs]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    """A run as it is stored.

    Attributes:
        run_id: Its id.
        name: What it is called.
        job: Kind of job that made it; empty for a run that fanfold did not make.
        status: `FINISHED`, `FAILED` or `RUNNING`.
        params: What went in, as text.
        metrics: What came out.
        tags: What is known beside it.
    """

    run_id: str
    name: str
    job: str
    status: str
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]


def find_run(run: str, *, folder: Path | None = None) -> FoundRun:
    """The run with this id, or the first characters of an id, or this name.

    Of several runs with one name, the latest.

    Args:
        run: Id, prefix of an id, or name.
        folder: Where runs are kept; see `record_job`.

    Raises:
        ConfigError: No run is known by it, or several ids start with it.
        JobError: The store could not be read.
    """
    uri = tracking_uri(folder)
    database = database_file(uri)
    if database is not None and not database.exists():
        raise ConfigError(f"a run must be stored before it is looked up, {database} does not exist")
    with speaking(uri, f"looking up run {run!r}") as client:
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        found = _matches(client, experiments, run)
        if len(found) == 1:
            return _found(found[0])
        if found:
            raise ConfigError(f"a run must be named clearly, {run!r} may be: {_listed(found)}")
        latest = client.search_runs(experiments, max_results=50 * LISTED_MAX)
    parents = [one for one in latest if PARENT_TAG not in one.data.tags][:LISTED_MAX]
    known = f"the latest are: {_listed(parents)}" if parents else "no run is stored"
    raise ConfigError(f"run must be an id, the start of one, or a name, was {run!r}; {known}")


def fetch_artifacts(
    run_id: str, destination: Path, *, name: str = "", folder: Path | None = None
) -> Path:
    """Copy what is kept with a run.

    Args:
        run_id: Whose files.
        destination: Folder to copy into; made when missing.
        name: One file or folder among them; all of them by default.
        folder: Where runs are kept; see `record_job`.

    Returns:
        The copy's path.

    Raises:
        JobError: There is no such run or file, or it could not be copied.
    """
    destination.mkdir(parents=True, exist_ok=True)
    with speaking(tracking_uri(folder), f"fetching {name or 'files'} of run {run_id}") as client:
        return Path(client.download_artifacts(run_id, name, str(destination)))


def _matches(client: Any, experiments: list[str], run: str) -> list[Any]:
    """Runs of this id, else the latest of this name, else those whose id starts so."""
    filters: list[tuple[str, int]] = []
    if re.fullmatch(r"[0-9a-f]{32}", run):
        filters.append((f"attributes.run_id = '{run}'", 1))
    quote = "'" if "'" not in run else '"'
    if run and quote not in run:  # MLflow's filters know no escape
        filters.append((f"attributes.run_name = {quote}{run}{quote}", 1))
    if re.fullmatch(r"[0-9a-f]{1,31}", run):
        filters.append((f"attributes.run_id LIKE '{run}%'", LISTED_MAX))
    for text, count in filters:
        found = client.search_runs(experiments, text, max_results=count)
        if found:
            return list(found)
    return []


def _found(run: Any) -> FoundRun:
    return FoundRun(
        run_id=run.info.run_id,
        name=run.info.run_name,
        job=run.data.tags.get(JOB_TAG, ""),
        status=run.info.status,
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        tags=dict(run.data.tags),
    )


def _listed(runs: list[Any]) -> str:
    return ", ".join(
        f"{run.info.run_id[:8]} {run.info.run_name!r}"
        f" ({datetime.fromtimestamp(run.info.start_time / 1000, UTC):%Y-%m-%d %H:%M} UTC)"
        for run in runs
    )

"""One job into one MLflow run, with its best under it.

Only the process that drives a job writes, and it writes once, at the end, in
batches: parallel writers gain nothing on one database, and a call for each value
costs as much as a batch of all of them.
"""

import math
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from fanfold.tracking.record import ChildRecord, JobRecord, flattened
from fanfold.tracking.server import database_file, speaking, tracking_uri

PARENT_TAG = "mlflow.parentRunId"
JOB_TAG = "fanfold.job"
SKIPPED_TAG = "fanfold.metrics_not_finite"
CUT_TAG = "fanfold.params_cut"
INHERITED = ("data_fingerprint", "code_hash", "seed", "git_commit", "fanfold_version", "python")
"""Tags of a job that each of its children carries too."""

# MLflow takes 1000 metrics, 100 params and 100 tags a request, 1000 entities and a
# million bytes in all; these stay under each of them together.
METRICS_PER_BATCH = 800
PARAMS_PER_BATCH = 50
TAGS_PER_BATCH = 50
PARAM_CHARACTERS_MAX = 6000
TAG_CHARACTERS_MAX = 5000


def record_job(record: JobRecord, *, folder: Path | None = None) -> str:
    """Write a job's run, its children and their files.

    A run that cannot be written to its end is marked FAILED, and so is the child
    at which it stopped.

    Args:
        record: What the job leaves behind.
        folder: Where database and artifacts are kept; by default
            `MLFLOW_TRACKING_URI`, or `mlruns` in the working folder.

    Returns:
        The run's id.

    Raises:
        JobError: The store could not be written.
    """
    uri = tracking_uri(folder)
    with speaking(uri, f"recording {record.name!r}") as client:
        experiment_id = _experiment_id(client, record.experiment, uri)
        with _run(client, experiment_id, record.name, {JOB_TAG: record.job}) as run_id:
            _log(client, run_id, record)
            shared = {name: record.tags[name] for name in INHERITED if name in record.tags}
            for child in record.children:
                tags = {JOB_TAG: record.job, PARENT_TAG: run_id}
                with _run(client, experiment_id, child.name, tags) as child_id:
                    _log(client, child_id, replace(child, tags={**shared, **child.tags}))
    return run_id


def _experiment_id(client: Any, name: str, uri: str) -> str:
    known = client.get_experiment_by_name(name)
    if known is not None:
        return known.experiment_id
    database = database_file(uri)
    # A server chooses by itself where its artifacts go.
    place = {} if database is None else {"artifact_location": _artifacts(database)}
    try:
        return client.create_experiment(name, **place)
    except Exception:
        known = client.get_experiment_by_name(name)
        if known is None:
            raise
        return known.experiment_id  # another process made it between our two calls


def _artifacts(database: Path) -> str:
    return (database.parent / "artifacts").as_uri()


@contextmanager
def _run(client: Any, experiment_id: str, name: str, tags: dict[str, str]) -> Generator[str]:
    run_id = client.create_run(experiment_id, run_name=name, tags=tags).info.run_id
    try:
        yield run_id
    except BaseException:  # an interrupted run is not a running one either
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")


def _log(client: Any, run_id: str, record: JobRecord | ChildRecord) -> None:
    params = {name: str(value) for name, value in flattened(record.params).items()}
    metrics = {name: float(value) for name, value in record.metrics.items()}
    finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
    tags = {name: str(value) for name, value in flattened(record.tags).items()}
    tags |= _names(SKIPPED_TAG, sorted(metrics.keys() - finite.keys()))
    tags |= _names(CUT_TAG, [name for name, text in params.items() if _is_cut(text)])
    _log_values(client, run_id, params=params, metrics=finite, tags=tags)
    for file in record.artifacts:
        client.log_artifact(run_id, str(file))


def _names(tag: str, names: list[str]) -> dict[str, str]:
    return {tag: ", ".join(names)} if names else {}


def _is_cut(text: str) -> bool:
    return len(text) > PARAM_CHARACTERS_MAX


def _log_values(
    client: Any,
    run_id: str,
    *,
    params: Mapping[str, str],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    now_ms = time.time_ns() // 1_000_000
    batches = zip_longest(
        _batches(
            [Metric(name, value, now_ms, 0) for name, value in metrics.items()], METRICS_PER_BATCH
        ),
        _batches(
            [Param(name, text[:PARAM_CHARACTERS_MAX]) for name, text in params.items()],
            PARAMS_PER_BATCH,
        ),
        _batches(
            [RunTag(name, text[:TAG_CHARACTERS_MAX]) for name, text in tags.items()], TAGS_PER_BATCH
        ),
        fillvalue=(),
    )
    for some_metrics, some_params, some_tags in batches:
        client.log_batch(run_id, metrics=some_metrics, params=some_params, tags=some_tags)


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))

"""Results into experiments and runs."""

from fanfold.tracking.environment import environment
from fanfold.tracking.lookup import FoundRun, fetch_artifacts, find_run
from fanfold.tracking.record import ChildRecord, JobRecord
from fanfold.tracking.store import record_job, tracking_uri

__all__ = [
    "ChildRecord",
    "FoundRun",
    "JobRecord",
    "environment",
    "fetch_artifacts",
    "find_run",
    "record_job",
    "tracking_uri",
]

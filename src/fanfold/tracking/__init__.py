"""Results into experiments and runs."""

from fanfold.tracking.environment import environment
from fanfold.tracking.ledger import (
    CountedTrials,
    append_trials,
    compact,
    counted_trials,
    ledger_folder,
    read_ledger,
)
from fanfold.tracking.lookup import FoundRun, fetch_artifacts, find_run
from fanfold.tracking.models import load_model, log_model, model_tag, save_model
from fanfold.tracking.query import count_matching, query_table
from fanfold.tracking.record import ChildRecord, JobRecord
from fanfold.tracking.seals import Seal, check_unsealed, open_seal, record_look, seal, sealed
from fanfold.tracking.store import record_job, tracking_uri
from fanfold.tracking.trial_rows import trial_schema

__all__ = [
    "ChildRecord",
    "CountedTrials",
    "FoundRun",
    "JobRecord",
    "Seal",
    "append_trials",
    "check_unsealed",
    "compact",
    "count_matching",
    "counted_trials",
    "environment",
    "fetch_artifacts",
    "find_run",
    "ledger_folder",
    "load_model",
    "log_model",
    "model_tag",
    "open_seal",
    "query_table",
    "read_ledger",
    "record_job",
    "record_look",
    "save_model",
    "seal",
    "sealed",
    "tracking_uri",
    "trial_schema",
]

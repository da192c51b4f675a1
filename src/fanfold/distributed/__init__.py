"""The Ray edge: a cluster, one map over chunks on it, and jobs sent to one."""

from fanfold.distributed.cluster import connected, send_by_value
from fanfold.distributed.submission import JobRequest, JobServer, JobState, checked_address
from fanfold.distributed.tasks import ray_map, share

__all__ = [
    "JobRequest",
    "JobServer",
    "JobState",
    "checked_address",
    "connected",
    "ray_map",
    "send_by_value",
    "share",
]

"""The Ray edge: a cluster, and one map over chunks on it."""

from fanfold.distributed.cluster import connected, send_by_value
from fanfold.distributed.tasks import ray_map

__all__ = ["connected", "ray_map", "send_by_value"]

"""Getting a cluster: the one named, the one we run in, or a local one."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from fanfold.domain.place import home
from fanfold.errors import ConfigError, JobError

CLUSTER_START_TRIES_MAX = 3
"""Tries to start a local cluster; on a busy machine Ray's own half minute may pass."""

OBJECT_STORE_BYTES = 500_000_000
"""Shared memory of a local cluster [bytes]."""


@contextmanager
def connected(workers: int | None = None, address: str | None = None) -> Generator[int]:
    """A connection to a cluster; a local one is started and ended here.

    Args:
        workers: Processors of a local cluster that is started here; None all there are.
        address: A running cluster; None starts a local one, unless this process is
            a job of a cluster or RAY_ADDRESS names one.

    Yields:
        Processors of the cluster.

    Raises:
        ConfigError: `workers` is below 1.
        JobError: There is no cluster at the address.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers must be 1 or more on a cluster, was {workers}")
    # Without these a local cluster writes a token into the user's home, and talks home.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = address or os.environ.get("RAY_ADDRESS")
    if address is None:
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    import ray as untyped

    ray: Any = untyped
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, workers, address)
    try:
        yield max(int(ray.cluster_resources().get("CPU", 1)), 1)
    finally:
        if ours:
            ray.shutdown()


def _connect(ray: Any, workers: int | None, address: str | None) -> None:
    for left in reversed(range(CLUSTER_START_TRIES_MAX)):
        try:
            _start(ray, workers, address)
        except Exception as error:  # Ray raises plain Exception when a node does not start
            ray.shutdown()
            if left == 0 or address is not None:
                where = address or "this machine"
                raise JobError(f"a cluster must answer at {where}, did not: {error}") from error
        else:
            return


def _start(ray: Any, workers: int | None, address: str | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is not None:
        ray.init(address=address, **quiet)
        return
    ray.init(
        address="local",  # one of our own, whatever else runs on this machine
        num_cpus=workers or os.cpu_count() or 1,
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        namespace="fanfold",
        runtime_env={"env_vars": {"FANFOLD_HOME": str(home())}},
        **quiet,
    )


def send_by_value(module_name: str) -> None:
    """Let workers have a module that they cannot import: a user's own file."""
    import ray as untyped

    ray: Any = untyped
    ray.cloudpickle.register_pickle_by_value(sys.modules[module_name])

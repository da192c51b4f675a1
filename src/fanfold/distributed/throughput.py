"""What workers get done, as metrics of the cluster: chunks, their units, their time.

Each worker counts for itself, through Ray, and Prometheus adds them up: nothing that a driver
would have to be asked for, and nothing that grows with the plan.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

COUNTERS: Final = {
    "fanfold_chunks": "Chunks that were run to their end",
    "fanfold_chunk_units": "Combinations, trials or paths in them",
    "fanfold_chunk_busy_seconds": "Time that they took on their workers",
    "fanfold_chunk_failures": "Chunks that raised",
}
"""What is counted, by the function that was run; the exposition adds ``_total``."""


@contextmanager
def counted(run: str, chunk: object) -> Generator[None]:
    """Count what is run inside, in a worker of a cluster.

    Args:
        run: Name of the function.
        chunk: What it is given.
    """
    tags = {"run": run}
    began = time.perf_counter()
    try:
        yield
    except BaseException:
        _counter("fanfold_chunk_failures").inc(1, tags)
        raise
    _counter("fanfold_chunks").inc(1, tags)
    _counter("fanfold_chunk_units").inc(units_of(chunk), tags)
    # A clock may stand still over an empty chunk, and counters take no 0.
    _counter("fanfold_chunk_busy_seconds").inc(max(time.perf_counter() - began, 1e-9), tags)


def units_of(chunk: object) -> int:
    """Units in a chunk: of a stretch from start to stop as many as it is long, else one."""
    match chunk:
        case (int(start), int(stop)) if stop > start:
            return stop - start
        case _:
            return 1


@cache
def _counter(name: str) -> Any:
    """A counter of this process."""
    from ray.util.metrics import Counter

    return Counter(name, COUNTERS[name], ("run",))

"""One map over chunks on the cluster."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from fanfold.errors import FanfoldError, JobError

Shared = TypeVar("Shared")
Chunk = TypeVar("Chunk")
R = TypeVar("R")

TASK_RETRIES_MAX = 4
"""Times that a chunk is run again after its worker or node was lost."""


def ray_map(
    run: Callable[[Shared, Chunk], R], chunks: Iterable[Chunk], *, shared: Shared, inflight_max: int
) -> Iterator[R]:
    """Apply `run` to every chunk on the cluster and yield the results in order.

    A chunk whose worker or node is lost is run again elsewhere; what `run` raises
    is raised here.

    Args:
        run: A pure function.
        chunks: Small descriptions of the work, taken as there is room.
        shared: What all chunks read; sent once.
        inflight_max: Chunks that wait or run at one time.

    Raises:
        FanfoldError: As `run` raised it.
        JobError: The cluster lost a chunk more often than it may.
    """
    import ray as untyped

    ray: Any = untyped
    task: Any = ray.remote(run).options(max_retries=TASK_RETRIES_MAX)
    held = ray.put(shared)  # once, owned by the driver: survives a lost worker
    inflight: deque[Any] = deque()
    for chunk in chunks:
        if len(inflight) == inflight_max:
            yield _get(inflight.popleft())
        inflight.append(task.remote(held, chunk))
    while inflight:
        yield _get(inflight.popleft())


def _get(reference: Any) -> Any:
    import ray as untyped

    ray: Any = untyped
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, FanfoldError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        raise JobError(f"the cluster must run every chunk, lost one: {error}") from error

"""One map over chunks on the cluster."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from fanfold.distributed.throughput import counted
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
        shared: What all chunks read, sent once; or what `share` has sent already.
        inflight_max: Chunks that wait or run at one time.

    Raises:
        FanfoldError: As `run` raised it.
        JobError: The cluster lost a chunk more often than it may.
    """
    import ray as untyped

    ray: Any = untyped

    def run_held(key: str, arrived: Shared, chunk: Chunk) -> R:
        with counted(run.__name__, chunk):
            return run(latest(key, arrived), chunk)

    task: Any = ray.remote(run_held).options(max_retries=TASK_RETRIES_MAX, name=run.__name__)
    held: Any = shared if isinstance(shared, ray.ObjectRef) else share(shared)
    inflight: deque[Any] = deque()
    for chunk in chunks:
        if len(inflight) == inflight_max:
            yield _get(inflight.popleft())
        inflight.append(task.remote(held.hex(), held, chunk))
    while inflight:
        yield _get(inflight.popleft())


_latest: list[tuple[str, Any]] = []


def latest(key: str, arrived: Shared) -> Shared:
    """The first object that arrived in this process under a key, until another key comes.

    The cluster makes a new one for each chunk, and what had been worked out from the last
    one, such as the times of a million bars, would have to be worked out again.
    """
    if not _latest or _latest[0][0] != key:
        _latest[:] = [(key, arrived)]
    return _latest[0][1]


def share(value: Any) -> Any:
    """Send a value to the cluster once, for several maps; as `shared` it stands for itself.

    The driver owns it, so it survives a lost worker.
    """
    import ray as untyped

    ray: Any = untyped
    return ray.put(value)


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

"""Where chunks run: in this process, or on a cluster that is joined when first needed."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from fanfold.research.chunks import Pace, map_here
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.strategies import is_importable

Shared = TypeVar("Shared")
Chunk = TypeVar("Chunk")
R = TypeVar("R")

IN_PROCESS_SECONDS_MAX = 8.0
"""Work that is done here rather than waiting for a local cluster to start [s]."""

INFLIGHT_PER_WORKER = 3
"""Chunks that wait or run for each processor of a cluster."""

CHUNKS_PER_WORKER_MIN = 2
"""Chunks that even little work is cut into for each processor."""

CHUNK_SHRINKAGE_MAX = 8
"""Parts of a usual chunk that the last one still has at least."""


class Fleet:
    """Processors for the chunks of one job; a cluster is joined at most once.

    Args:
        workers: 0 runs in this process, None chooses by the work at hand.
        address: A running cluster; its processors are used whatever the work.
    """

    def __init__(self, workers: int | None, address: str | None) -> None:
        self.workers = workers
        self.address = address
        self.processors = 0
        self._available = 0
        self._held: tuple[Any, Any] | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held = None
        self._open.close()

    def gather(self, seconds: float, strategy: type[Strategy]) -> int:
        """Get processors for so much work; 0 means this process.

        Args:
            seconds: What the work takes on one core [s].
            strategy: Class that workers need to have.
        """
        if not self.needs_cluster(seconds):
            self.processors = 0
            return 0
        from fanfold.distributed import connected, send_by_value

        if not self._available:
            self._available = self._open.enter_context(connected(self.workers, self.address))
        self.processors = (
            self._available if self.workers is None else min(self.workers, self._available)
        )
        if not is_importable(strategy.__module__):
            send_by_value(strategy.__module__)
        return self.processors

    def map(
        self, run: Callable[[Shared, Chunk], R], chunks: Iterable[Chunk], *, shared: Shared
    ) -> Iterator[R]:
        """Apply `run` to chunks; results come in order.

        Args:
            run: A pure function of the shared inputs and a chunk.
            chunks: Small descriptions of the work.
            shared: What all chunks read; sent once, also when asked again with the same.
        """
        if self.processors == 0:
            return map_here(run, chunks, shared=shared, inflight_max=1)
        from fanfold.distributed import ray_map, share

        if self._held is None or self._held[0] is not shared:
            self._held = shared, share(shared)
        # With fewer processors than the cluster has, only so many chunks may run at once.
        each = INFLIGHT_PER_WORKER if self.processors == self._available else 1
        inflight = each * self.processors
        return ray_map(run, chunks, shared=self._held[1], inflight_max=inflight)

    def chunk_size(self, pace: Pace, count: int) -> int:
        """Units of a chunk, so that every processor gets some of so many units."""
        if self.processors == 0:
            return pace.chunk_size
        return max(min(pace.chunk_size, count // (CHUNKS_PER_WORKER_MIN * self.processors)), 1)

    def cut(self, pace: Pace, start: int, stop: int, *, size_max: int) -> Iterator[tuple[int, int]]:
        """Chunks from start to stop, smaller towards the end: then no processor waits long."""
        least = max(pace.chunk_size // CHUNK_SHRINKAGE_MAX, 1) if self.processors else 1
        at = start
        while at < stop:
            size = min(max(self.chunk_size(pace, stop - at), least), size_max)
            yield at, min(at + size, stop)
            at += size

    def needs_cluster(self, seconds: float) -> bool:
        """Whether so much work goes to a cluster [s on one core]."""
        if self.address is not None:
            return True
        if self.workers is not None:
            return self.workers > 0
        return seconds >= IN_PROCESS_SECONDS_MAX

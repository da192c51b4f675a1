"""Where chunks run: in this process, or on a cluster that is started when first needed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TypeVar

from fanfold.research.chunks import Pace, cut, map_here
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.strategies import is_importable

Shared = TypeVar("Shared")
R = TypeVar("R")

IN_PROCESS_SECONDS_MAX = 8.0
"""Work that is done here rather than waiting for a local cluster to start [s]."""

INFLIGHT_PER_WORKER = 4
"""Chunks that wait or run for each processor of a cluster."""


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
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def map(
        self,
        run: Callable[[Shared, tuple[int, int]], R],
        span: tuple[int, int],
        pace: Pace,
        *,
        shared: Shared,
        strategy: type[Strategy],
    ) -> Iterator[R]:
        """Apply `run` to chunks of a span; results come in order.

        Args:
            run: A pure function of the shared inputs and a chunk.
            span: First unit and the one after the last.
            pace: How long one unit takes.
            shared: What all chunks read.
            strategy: Class that workers need to have.
        """
        if not self.needs_cluster(pace.seconds(span[1] - span[0])):
            self.processors = 0
            return map_here(run, cut(*span, pace.chunk_size), shared=shared, inflight_max=1)
        from fanfold.distributed import connected, ray_map, send_by_value

        available = self._open.enter_context(connected(self.workers, self.address))
        self.processors = available if self.workers is None else min(self.workers, available)
        if not is_importable(strategy.__module__):
            send_by_value(strategy.__module__)
        # With fewer processors than the cluster has, only so many chunks may run at once.
        each = INFLIGHT_PER_WORKER if self.processors == available else 1
        size = max(min(pace.chunk_size, (span[1] - span[0]) // (2 * self.processors)), 1)
        inflight = each * self.processors
        return ray_map(run, cut(*span, size), shared=shared, inflight_max=inflight)

    def needs_cluster(self, seconds: float) -> bool:
        """Whether so much work goes to a cluster [s on one core]."""
        if self.address is not None:
            return True
        if self.workers is not None:
            return self.workers > 0
        return seconds >= IN_PROCESS_SECONDS_MAX

"""How a plan is cut: chunks long enough to pay for their way, short enough to show."""

import gc
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

Shared = TypeVar("Shared")
Chunk = TypeVar("Chunk")
R = TypeVar("R")

CHUNK_SECONDS = 0.5
"""How long a chunk should take [s]."""

CHUNK_SIZE_MAX = 10_000
"""Units of one chunk: bounds what a worker holds."""

PROBE_SIZE = 16
"""Units that are run to learn how long one takes, unless fewer take long enough."""

PROBE_SECONDS = 0.05
"""Time that can be trusted [s]."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a probe has shown.

    Attributes:
        seconds_each: Time of one unit, compiling left out [s].
    """

    seconds_each: float

    def seconds(self, count: int) -> float:
        """Estimated time of so many units on one core [s]."""
        return self.seconds_each * count

    @property
    def chunk_size(self) -> int:
        """Units of a chunk of `CHUNK_SECONDS`."""
        return max(1, min(int(CHUNK_SECONDS / max(self.seconds_each, 1e-9)), CHUNK_SIZE_MAX))


def probe(run: Callable[[int], Any], count: int) -> Pace:
    """Time a few units: one to compile, then more until the time can be trusted.

    Args:
        run: Runs so many of the first units.
        count: Units that there are.
    """
    run(1)
    size = 1
    while True:
        tried = min(size, count)
        seconds = _seconds(run, tried)
        if seconds >= PROBE_SECONDS or size >= min(PROBE_SIZE, count):
            # The first units may be infeasible, and then it was these that compiled.
            return Pace(min(seconds, _seconds(run, tried)) / tried)
        size *= 4


def _seconds(run: Callable[[int], Any], count: int) -> float:
    began = time.perf_counter()
    run(count)
    return time.perf_counter() - began


def cut(start: int, stop: int, size: int) -> Iterator[tuple[int, int]]:
    """Chunks of a size from start to stop, in order."""
    for at in range(start, stop, size):
        yield at, min(at + size, stop)


@contextmanager
def uncollected() -> Generator[None]:
    """Make many small objects without looking for cycles among them meanwhile.

    The collector would look through all of the process's objects again and again,
    for a third of a sweep's time; the objects made here go by their counts.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def map_here(
    run: Callable[[Shared, Chunk], R], chunks: Iterable[Chunk], *, shared: Shared, inflight_max: int
) -> Iterator[R]:
    """Apply `run` to every chunk in this process: the twin of `ray_map`."""
    del inflight_max  # one at a time is in flight here
    for chunk in chunks:
        yield run(shared, chunk)

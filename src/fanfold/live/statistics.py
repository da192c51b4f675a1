"""Latencies as counts in buckets: bounded memory, no sorting, percentiles within 3 %."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

_BITS: Final = 5
"""Buckets of each power of two: 2**5, so a bucket is 3 % wide at most."""

_HALF: Final = 1 << _BITS
_SIZE: Final = (64 - _BITS) * _HALF

PERCENTILES: Final = {"p50": 0.50, "p99": 0.99, "p999": 0.999}

BOUNDS_NS: Final = tuple(1 << power for power in range(10, 31))
"""Times up to which a summary counts, from 1 µs to 1 s [ns]: powers of two, so that no bucket
lies across one and the counts are exact."""


class Latency:
    """Times of one stage [ns]; one thread records, any reads."""

    __slots__ = ("_buckets", "count", "largest")

    def __init__(self) -> None:
        self._buckets = [0] * _SIZE
        self.count = 0
        self.largest = 0

    def record(self, ns: int) -> None:
        """Count one time; below zero counts as zero."""
        ns = max(ns, 0)
        shift = max(ns.bit_length() - _BITS - 1, 0)
        self._buckets[shift * _HALF + (ns >> shift)] += 1
        self.count += 1
        self.largest = max(self.largest, ns)

    def summary(self) -> dict[str, int]:
        """Count, percentiles, maximum, sum, and how many were below each bound.

        Percentiles are the upper ends of their buckets, and the sum adds these up. What was
        below a bound is at ``le_<ns>``; bounds that nothing or everything was below are left
        out, but the first of the latter.
        """
        buckets, total = list(self._buckets), self.count
        found = {"count": total} | dict.fromkeys(PERCENTILES, 0) | {"max": self.largest}
        wanted = {name: share * total for name, share in PERCENTILES.items()}
        seen = added = 0
        for place, count in enumerate(buckets):
            if not count:
                continue
            before, seen = seen, seen + count
            end = min(_end_of(place), self.largest)
            added += count * end
            for name, rank in wanted.items():
                if before < rank <= seen:
                    found[name] = end
        return found | {"sum": added} | _below(buckets)

    def merged(self, other: "Latency") -> "Latency":
        """The times of both."""
        both = Latency()
        both._buckets = [a + b for a, b in zip(self._buckets, other._buckets, strict=True)]  # noqa: SLF001
        both.count = self.count + other.count
        both.largest = max(self.largest, other.largest)
        return both


def _end_of(place: int) -> int:
    """The largest time that a bucket counts [ns]."""
    if place < 2 * _HALF:
        return place
    shift = place // _HALF - 1
    return (((place % _HALF) + _HALF + 1) << shift) - 1


def _below(buckets: Sequence[int]) -> dict[str, int]:
    """How many times were below each of `BOUNDS_NS`, as far as that says something."""
    seen = list(accumulate(buckets))
    found: dict[str, int] = {}
    for bound in BOUNDS_NS:
        shift = bound.bit_length() - _BITS - 1
        below = seen[shift * _HALF + (bound >> shift) - 1]
        if below:
            found[f"le_{bound}"] = below
        if below == seen[-1]:
            break
    return found


def summaries(stages: dict[str, Latency]) -> dict[str, Any]:
    """The summary of each stage that has counted something."""
    return {name: stage.summary() for name, stage in stages.items() if stage.count}

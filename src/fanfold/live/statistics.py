"""Latencies as counts in buckets: bounded memory, no sorting, percentiles within 3 %."""

from typing import Any, Final

_BITS: Final = 5
"""Buckets of each power of two: 2**5, so a bucket is 3 % wide at most."""

_HALF: Final = 1 << _BITS
_SIZE: Final = (64 - _BITS) * _HALF

PERCENTILES: Final = {"p50": 0.50, "p99": 0.99, "p999": 0.999}


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
        """Count, percentiles and maximum; percentiles are the upper ends of their buckets."""
        buckets, total = list(self._buckets), self.count
        found = {"count": total} | dict.fromkeys(PERCENTILES, 0) | {"max": self.largest}
        wanted = {name: share * total for name, share in PERCENTILES.items()}
        seen = 0
        for place, count in enumerate(buckets):
            if not count:
                continue
            before, seen = seen, seen + count
            for name, rank in wanted.items():
                if before < rank <= seen:
                    found[name] = min(_end_of(place), self.largest)
        return found

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


def summaries(stages: dict[str, Latency]) -> dict[str, Any]:
    """The summary of each stage that has counted something."""
    return {name: stage.summary() for name, stage in stages.items() if stage.count}

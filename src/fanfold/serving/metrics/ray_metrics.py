"""Metrics through Ray, whose nodes show them to Prometheus with a ``ray_`` before each name.

Ray's histograms take one time after the other, and there are too many; buckets that were
counted elsewhere go out as gauges with the names and tags that a histogram's series have.
A series of which nothing is known any more is set to NaN, which Ray leaves out.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from fanfold.serving.metrics.exposition import BUCKETS
from fanfold.serving.metrics.metric import Family, Kind, Metric

_Series = tuple[str, tuple[str, ...]]


class RayMetrics:
    """Sets Ray's metrics; in a process that is a worker of a cluster.

    Args:
        deployment: Tag of every series.
    """

    def __init__(self, deployment: str) -> None:
        self._deployment = deployment
        self._made: dict[str, Any] = {}
        self._counted: dict[_Series, float] = {}
        self._shown: set[_Series] = set()

    def set(self, families: Iterable[Family]) -> None:
        """Bring Ray's series to these values."""
        shown: set[_Series] = set()
        for family in families:
            if family.metric.kind is Kind.COUNTER:
                self._count(family)
                continue
            for name, keys, tags, value in _gauges_of(family):
                shown.add((name, tags))
                self._gauge(name, family.metric.text, keys).set(value, self._tagged(keys, tags))
        for name, tags in self._shown - shown:
            made = self._made[name]
            made.set(math.nan, self._tagged(made.info["tag_keys"][1:], tags))
        self._shown = shown

    def _count(self, family: Family) -> None:
        metric = family.metric
        for point in family.points:
            series = metric.name, point.tags
            more = point.value - self._counted.get(series, 0.0)
            if more > 0.0:
                self._counter(metric).inc(more, self._tagged(metric.tags, point.tags))
                self._counted[series] = point.value

    def _tagged(self, keys: Iterable[str], tags: Iterable[str]) -> dict[str, str]:
        return {"deployment": self._deployment, **dict(zip(keys, tags, strict=True))}

    def _gauge(self, name: str, text: str, keys: tuple[str, ...]) -> Any:
        if name not in self._made:
            from ray.util.metrics import Gauge

            self._made[name] = Gauge(name, text, ("deployment", *keys))
        return self._made[name]

    def _counter(self, metric: Metric) -> Any:
        if metric.name not in self._made:
            from ray.util.metrics import Counter

            self._made[metric.name] = Counter(
                metric.name, metric.text, ("deployment", *metric.tags)
            )
        return self._made[metric.name]


def _gauges_of(
    family: Family,
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...], float]]:
    """Name, tags' names, tags and value of each series."""
    metric = family.metric
    for point in family.points:
        if metric.kind is Kind.GAUGE:
            yield metric.name, metric.tags, point.tags, point.value
            continue
        yield f"{metric.name}_sum", metric.tags, point.tags, point.value
        yield f"{metric.name}_count", metric.tags, point.tags, float(point.counts[-1])
        for bucket, count in zip(BUCKETS, point.counts, strict=True):
            keys = (*metric.tags, "le")
            yield f"{metric.name}_bucket", keys, (*point.tags, bucket), float(count)

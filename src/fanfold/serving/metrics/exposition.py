"""Metrics as the text that Prometheus reads, for whoever runs without Ray."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from fanfold.serving.metrics.metric import BOUNDS_S, Family, Kind

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of the text."""

BUCKETS: Final = (*map(repr, BOUNDS_S), "+Inf")
"""Tags of the buckets of latencies."""


def exposition(families: Iterable[Family], deployment: str) -> bytes:
    """The text; every series bears the deployment's name."""
    return generate_latest(_Collected([_metric_of(one, deployment) for one in families]))


class _Collected(Collector):
    """Metrics that were collected already: what the library wants to be given."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _metric_of(family: Family, deployment: str) -> Metric:
    metric = family.metric
    labels = ("deployment", *metric.tags)
    match metric.kind:
        case Kind.GAUGE:
            gauge = GaugeMetricFamily(metric.name, metric.text, labels=labels)
            for point in family.points:
                gauge.add_metric((deployment, *point.tags), point.value)
            return gauge
        case Kind.COUNTER:
            counter = CounterMetricFamily(metric.name, metric.text, labels=labels)
            for point in family.points:
                counter.add_metric((deployment, *point.tags), point.value)
            return counter
        case Kind.HISTOGRAM:
            histogram = HistogramMetricFamily(metric.name, metric.text, labels=labels)
            for point in family.points:
                buckets = list(zip(BUCKETS, point.counts, strict=True))
                histogram.add_metric((deployment, *point.tags), buckets, point.value)
            return histogram

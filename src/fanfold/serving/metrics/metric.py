"""What a metric is, and one of its values."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from fanfold.live.statistics import BOUNDS_NS
from fanfold.serving.metrics.reading import Reading

BOUNDS_S: Final = tuple(bound / 1e9 for bound in BOUNDS_NS)
"""Bounds of the buckets of latencies [s]."""


class Kind(Enum):
    """What a series is."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Point(NamedTuple):
    """One value of a metric.

    Attributes:
        tags: Values of the metric's tags, in their order.
        value: Of a gauge or counter; of a histogram the sum of its times [s].
        incarnation: Of the component that counts: another one began from 0.
        counts: Of a histogram: how many times were below each of `BOUNDS_S`, then all.
    """

    tags: tuple[str, ...]
    value: float
    incarnation: int = 0
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: Without ``_total``.
        kind: Gauge, counter or histogram.
        text: What it is, for people.
        tags: Names of its tags beside ``deployment``.
        read: Its values in a reading.
    """

    name: str
    kind: Kind
    text: str
    tags: tuple[str, ...]
    read: Callable[[Reading], Iterable[Point]]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric and its values now.

    Attributes:
        metric: What it is.
        points: Its values; of counters and histograms since this process began to look.
    """

    metric: Metric
    points: tuple[Point, ...]

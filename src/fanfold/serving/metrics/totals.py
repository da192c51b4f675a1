"""Counts that go on where a component is started anew, and metrics of bounded size."""

from collections.abc import Iterable, Iterator
from typing import Final

from fanfold.serving.metrics.metric import Family, Kind, Metric, Point
from fanfold.serving.metrics.reading import Reading
from fanfold.serving.metrics.table import METRICS

SERIES_MAX: Final = 600
"""Series of one metric, beyond all that is usual: further ones are left out."""

_Key = tuple[str, tuple[str, ...]]


class Totals:
    """Adds up what components count from 0 after each start.

    The first look takes in full what was counted before it, so that what Prometheus sees
    only grows, whichever of the two was started anew.
    """

    def __init__(self) -> None:
        self._last: dict[_Key, Point] = {}
        self._totals: dict[str, dict[tuple[str, ...], Point]] = {}

    def take(self, reading: Reading) -> tuple[Family, ...]:
        """All metrics of a reading."""
        return tuple(Family(metric, tuple(self._points(metric, reading))) for metric in METRICS)

    def _points(self, metric: Metric, reading: Reading) -> Iterable[Point]:
        if metric.kind is Kind.GAUGE:
            return _first(metric.read(reading))
        totals = self._totals.setdefault(metric.name, {})
        for point in metric.read(reading):
            if point.tags in totals or len(totals) < SERIES_MAX:
                totals[point.tags] = self._grown(metric.name, totals.get(point.tags), point)
        return totals.values()

    def _grown(self, name: str, total: Point | None, point: Point) -> Point:
        key = name, point.tags
        last = self._last.get(key)
        self._last[key] = point
        if total is None:
            return point
        if last is None or _is_anew(last, point):
            last = Point(point.tags, 0.0, counts=(0,) * len(point.counts))
        added = zip(total.counts, point.counts, last.counts, strict=True)
        return Point(
            point.tags,
            total.value + point.value - last.value,
            counts=tuple(before + now - then for before, now, then in added),
        )


def _is_anew(last: Point, point: Point) -> bool:
    """Whether a count has begun from 0 since."""
    fell = point.counts[-1] < last.counts[-1] if point.counts else point.value < last.value
    return fell or point.incarnation != last.incarnation


def _first(points: Iterable[Point]) -> Iterator[Point]:
    for _, point in zip(range(SERIES_MAX), points, strict=False):
        yield point

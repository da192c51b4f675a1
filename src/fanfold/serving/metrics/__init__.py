"""What is measured of a deployment, and how Prometheus learns of it."""

from fanfold.serving.metrics.exposition import CONTENT_TYPE, exposition
from fanfold.serving.metrics.metric import Family, Kind, Metric, Point
from fanfold.serving.metrics.ray_metrics import RayMetrics
from fanfold.serving.metrics.reading import Reading, Surroundings
from fanfold.serving.metrics.table import METRICS
from fanfold.serving.metrics.totals import Totals

__all__ = [
    "CONTENT_TYPE", "METRICS", "Family", "Kind", "Metric", "Point", "RayMetrics", "Reading",
    "Surroundings", "Totals", "exposition",
]  # fmt: skip

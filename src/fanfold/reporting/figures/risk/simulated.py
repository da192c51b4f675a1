"""A real result among those on simulated prices."""

import numpy as np

from fanfold.reporting.figures.plot import Figure, Floats
from fanfold.reporting.figures.risk.marks import (
    BINS_MAX,
    distribution_layout,
    edges_of,
    histogram,
)

BINS_MIN = 20
TAIL = 0.02
"""Share of histories on each side that the outermost bins may take together [1]."""

Form = tuple[str, str, float | None]
"""How a metric's axis and its edges are written, and the value below which it is a loss."""


def simulated_figure(values: Floats, real: float, *, title: str, form: Form) -> Figure:
    """How many histories came to what, and where the real result stands.

    Args:
        values: `[history]`, finite.
        real: Of the real prices; NaN is not marked.
        title: Of the metric.
        form: Of its axis, its edges, and the value below which it is a loss.
    """
    tick, edge, below = form
    low, high = np.quantile(values, [TAIL, 1.0 - TAIL]).tolist()
    if np.isfinite(real):
        low, high = min(low, real), max(high, real)
    count = min(BINS_MAX, max(BINS_MIN, int(len(values) ** 0.5)))
    edges = edges_of(low, high, through=below, count=count)
    marks = [(float(np.median(values)), "median")]
    if np.isfinite(real):
        marks.append((real, "real"))
    layout = distribution_layout(title, tick, marks, what="histories")
    bars = histogram(values, np.ones(len(values)), edges, below=below, shown=edge)
    for shape, (_, word) in zip(layout["shapes"], sorted(marks), strict=True):
        if word == "real":
            shape["line"] |= {"dash": "solid", "width": 2.4, "color": "var(--ring)"}
    return {"data": [bars], "layout": layout}

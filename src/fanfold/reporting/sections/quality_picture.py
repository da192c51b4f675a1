"""A small picture of prices with what was found in them: drawn here, without Plotly.

A page may show a hundred symbols, so each picture is a few kilobytes of SVG.
"""

import numpy as np
from numpy.typing import NDArray

from fanfold.market.quality.finding import Finding
from fanfold.reporting.figures.plot import Floats, kept_rows
from fanfold.reporting.html.gallery import DECADES_SPAN
from fanfold.reporting.html.markup import Markup, tag
from fanfold.reporting.quality_views import QualityView, worst_first

WIDTH, HEIGHT, EDGE = 720, 170, 8
"""Of the picture, and what stays free around [units of the picture]."""

POINTS_MAX = 700
"""Points of a line: one a unit of its width."""

HOLE_MIN, HOLE_STEPS_MIN = 20, 10
"""A hole is at least so wide [units of the picture], and so many usual steps."""

MARKS_MAX = 250
"""Findings that are marked, the worst first."""

COLOURS = {"error": "drawdown", "warning": "ring", "info": "benchmark"}
"""The page's colour of each severity."""

REACH_MAX = 10
"""How many times beyond the line a bar with a finding is drawn; what goes on is cut off."""

RADIUS = {"error": 5.5, "warning": 4.5, "info": 3.0}
"""Of a mark [units of the picture]."""


def price_picture(view: QualityView) -> Markup:
    """Prices over time, with a dot where something was found; empty without two prices."""
    known = np.isfinite(view.price) & (view.price > 0)
    ts, price = view.ts[known], view.price[known]
    if len(ts) < 2 or ts[0] == ts[-1]:  # noqa: PLR2004  (two points make a line)
        return Markup()
    x = _scaled(ts.astype(np.float64), EDGE, WIDTH - EDGE)
    y = _heights(price, view)
    rows = kept_rows([y], POINTS_MAX)
    marks = _marks(view, ts, x, y)
    return tag(
        "svg",
        *(_line(x[part], y[part]) for part in _unbroken(x, rows)),
        *marks,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"Prices of {view.name}, {view.period}, with {len(_timed(view))} marks",
        style="display: block; width: 100%; height: auto",
    )


def extent(view: QualityView) -> tuple[float, float]:
    """Lowest and highest price of the picture: of the line, and of bars with a finding."""
    price = view.price[np.isfinite(view.price) & (view.price > 0)]
    low, high = float(price.min()), float(price.max())
    reached = np.array(list(view.reach.values())).reshape(-1, 2)
    lowest = float(np.fmin(low, reached[:, 0].min(initial=low)))
    highest = float(np.fmax(high, reached[:, 1].max(initial=high)))
    return max(lowest, low / REACH_MAX), min(highest, high * REACH_MAX)


def is_logarithmic(view: QualityView) -> bool:
    """Whether prices are drawn on a logarithmic scale."""
    low, high = extent(view)
    return high > DECADES_SPAN * low


def _heights(price: Floats, view: QualityView) -> Floats:
    """Where prices are drawn, from the top [units of the picture]."""
    ends = np.array(extent(view))
    values = np.concatenate((np.clip(price, *ends), ends))
    levels = np.log(values) if is_logarithmic(view) else values
    return _scaled(levels, HEIGHT - EDGE, EDGE)[: len(price)]


def _scaled(values: Floats, start: float, stop: float) -> Floats:
    low, high = float(values.min()), float(values.max())
    return start + (values - low) * ((stop - start) / ((high - low) or 1.0))


def _unbroken(x: Floats, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows of each stretch without a hole: a line across years without prices shows some."""
    steps = np.diff(x[rows])
    hole = (steps > HOLE_MIN) & (steps > HOLE_STEPS_MIN * np.median(steps))
    return np.split(rows, np.flatnonzero(hole) + 1)


def _line(x: Floats, y: Floats) -> Markup:
    points = " ".join(f"{across:.1f},{up:.1f}" for across, up in zip(x, y, strict=True))
    style = "fill: none; stroke: var(--equity); stroke-linecap: round"
    return tag("polyline", points=points, style=style)


def _marks(view: QualityView, ts: NDArray[np.int64], x: Floats, y: Floats) -> list[Markup]:
    """A dot for each finding that has its time; the worst lie on top."""
    marks: list[Markup] = []
    for one in reversed(_timed(view)):
        assert one.ts is not None  # noqa: S101  (chosen so above)
        # A row that was set aside is not in the line: it is marked where the line was then.
        at = float(np.interp(one.ts, ts, x))
        height = float(np.interp(one.ts, ts, y))
        words = tag("title", f"{view.when(one.ts)} {one.kind}: {one.detail}")
        if one.ts in view.reach:
            marks.append(_whisker(view, one, at))
        marks.append(
            tag(
                "circle",
                words,
                cx=f"{at:.1f}",
                cy=f"{height:.1f}",
                r=f"{RADIUS[one.severity]:g}",
                style=f"fill: var(--{COLOURS[one.severity]}); stroke: var(--card)",
            )
        )
    return marks


def _timed(view: QualityView) -> list[Finding]:
    return [one for one in worst_first(view.findings) if one.ts is not None][:MARKS_MAX]


def _whisker(view: QualityView, one: Finding, at: float) -> Markup:
    """From the lowest to the highest price of a bar, as its close may be as good as others."""
    assert one.ts is not None  # noqa: S101  (it is a key of the reach)
    bottom, top = _heights(np.array(view.reach[one.ts]), view)
    style = f"stroke: var(--{COLOURS[one.severity]}); stroke-width: 1.5"
    ends = {"x1": f"{at:.1f}", "x2": f"{at:.1f}", "y1": f"{bottom:.1f}", "y2": f"{top:.1f}"}
    return tag("line", style=style, **ends)

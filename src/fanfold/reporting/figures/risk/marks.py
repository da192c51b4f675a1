"""What figures of risk are made of: histograms from counts, words above marks, rows of dots."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from fanfold.reporting.figures.plot import (
    SHARE_DIGITS,
    Figure,
    Floats,
    axis,
    drawn,
    plain,
    upright,
)

BINS_MAX = 50
WHISKER = 0.002
"""Share on each side that the outermost bins take together [1]."""
OVER_MIN = 22
"""Room above a figure for the words of its marks [px]."""


def above(at: float, text: str, side: str) -> Figure:
    """A word above a figure, at a value on its x-axis."""
    return {
        "x": at,
        "y": 1.0,
        "yref": "paper",
        "yanchor": "bottom",
        "xanchor": side,
        "text": plain(text),
        "showarrow": False,
        "font": {"color": "var(--quiet)"},
    }


def edges_of(
    low: float, high: float, *, through: float | None = None, count: int = BINS_MAX
) -> Floats:
    """Edges of equal bins from about one value to another.

    Args:
        low: Lowest value.
        high: Highest value.
        through: A value that is to be an edge, so that no bin lies on both of its sides.
        count: About how many bins.
    """
    room = max(high - low, 1e-6 * max(abs(low), abs(high), 1.0))
    width = room / count
    if through is None or not low < through < high:
        return low + width * np.arange(count + 1, dtype=np.float64)
    before, after = int(np.ceil((through - low) / width)), int(np.ceil((high - through) / width))
    return through + width * np.arange(-before, after + 1, dtype=np.float64)


def histogram(
    points: Floats, weights: Floats, edges: Floats, *, below: float | None, shown: str
) -> Figure:
    """Shares of what lies in each bin; the outermost take all beyond.

    Args:
        points: Values.
        weights: How many are at each.
        edges: Of the bins.
        below: Bins under this value are drawn as losses; None draws all alike.
        shown: How hovering shows an edge, as a format.
    """
    middles = (edges[:-1] + edges[1:]) / 2
    inside = np.clip(points, middles[0], middles[-1])
    counts, _ = np.histogram(inside, bins=edges, weights=weights)
    share = counts / max(float(np.sum(weights)), 1.0)
    colours = ["bar" if below is None else "loss" if x < below else "gain" for x in middles]
    last = len(middles) - 1
    told = [
        _span(format(a, shown), format(b, shown), place, last)
        for place, (a, b) in enumerate(pairwise(edges.tolist()))
    ]
    return {
        "type": "bar",
        "x": drawn(middles),
        "y": drawn(share, SHARE_DIGITS),
        "width": drawn(np.diff(edges)),
        "marker": {
            "color": [f"var(--{colour})" for colour in colours],
            "line": {"color": "var(--card)", "width": 0.5},
        },
        "customdata": told,
        "hovertemplate": "%{customdata}<br>%{y:.2%}<extra></extra>",
    }


def _span(low: str, high: str, place: int, last: int) -> str:
    if place == 0:
        return f"up to {high}"
    return f"from {low}" if place == last else f"{low} to {high}"


def distribution_layout(
    title: str, tick: str, marks: Sequence[tuple[float, str]], *, what: str
) -> Figure:
    """Axes of a histogram, with marks that are told above it.

    Args:
        title: Of the values.
        tick: How a value is written at the axis.
        marks: Values, and the word for each.
        what: What is counted.
    """
    ordered = sorted(marks)
    sides = ["right" if place < len(ordered) / 2 else "left" for place in range(len(ordered))]
    return {
        "bargap": 0,
        "margin": {"t": OVER_MIN},
        "xaxis": axis(title) | {"tickformat": tick, "fixedrange": True},
        "yaxis": axis(what) | {"rangemode": "tozero", "tickformat": ".1~%", "fixedrange": True},
        "shapes": [upright(at) for at, _ in ordered],
        "annotations": [
            above(at, word, side) for (at, word), side in zip(ordered, sides, strict=True)
        ],
    }


def category_axis(names: Sequence[str]) -> Figure:
    """A row a name, from the top."""
    return axis() | {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": [plain(name) for name in names],
        "autorange": "reversed",
        "showgrid": False,
        "fixedrange": True,
        "tickmode": "linear",
        "dtick": 1,
    }


def dots(
    names: Sequence[str],
    values: Floats,
    spans: Sequence[tuple[float, float]] | None,
    colour: str,
    told: Sequence[str],
    *,
    symbol: str = "circle",
) -> Figure:
    """A dot a row, with a whisker where there is an interval."""
    found: Figure = {
        "type": "scatter",
        "mode": "markers",
        "x": drawn(values, SHARE_DIGITS),
        "y": [plain(name) for name in names],
        "marker": {"size": 9, "color": f"var(--{colour})", "symbol": symbol},
        "customdata": [plain(text) for text in told],
        "hovertemplate": "%{y}<br>%{customdata}<extra></extra>",
    }
    if spans is not None:
        found["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": drawn(np.array([high for _, high in spans]) - values, SHARE_DIGITS),
            "arrayminus": drawn(values - np.array([low for low, _ in spans]), SHARE_DIGITS),
            "color": f"var(--{colour})",
            "thickness": 1.4,
            "width": 4,
        }
    return found

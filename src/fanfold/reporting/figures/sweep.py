"""Where a sweep's results lie, and how they are spread."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from fanfold.reporting.figures.plot import Figure, Floats, axis, drawn, line, plain, upright
from fanfold.reporting.sweeps import Axis, Grid, SweepSummary, nearly_all

BINS_MAX = 48
ONE_SIDED = ("0", "1", "2", "3", "4")
TWO_SIDED = ("low-2", "low-1", "zero", "high-1", "high-2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shades:
    """Colours from the lowest to the highest value; about zero where both signs occur.

    Attributes:
        lowest: Value of the first colour, and of what lies below.
        highest: Value of the last colour, and of what lies above.
        names: The colours.
        more_below: Whether a value lies below the lowest.
        more_above: Whether a value lies above the highest.
    """

    lowest: float
    highest: float
    names: tuple[str, ...]
    more_below: bool
    more_above: bool


def shades(grid: Grid) -> Shades:
    """The colours that suit a grid's values: darker is better where all have one sign."""
    found = value_shades(grid.best, less_is_better=grid.less_is_better)
    if grid.less_is_better and found.names == ONE_SIDED:
        return replace(found, names=ONE_SIDED[::-1])
    return found


def value_shades(values: Floats, *, less_is_better: bool = False) -> Shades:
    """The colours that suit values of which the larger are the darker."""
    lowest, highest = nearly_all(values, less_is_better=less_is_better)
    two_sided = lowest < 0.0 < highest
    if two_sided:
        highest = max(-lowest, highest)
        lowest = -highest
    return Shades(
        lowest=lowest,
        highest=highest,
        names=TWO_SIDED if two_sided else ONE_SIDED,
        more_below=bool(np.nanmin(values) < lowest),
        more_above=bool(np.nanmax(values) > highest),
    )


def heat(colours: Shades) -> Figure:
    """What all heat maps have in common: their colours, and no legend of their own."""
    last = len(colours.names) - 1
    return {
        "type": "heatmap",
        "zmin": colours.lowest,
        "zmax": colours.highest,
        "colorscale": [
            [place / last, f"var(--heat-{name})"] for place, name in enumerate(colours.names)
        ],
        "showscale": False,
        "hoverongaps": False,
    }


def heat_map(grid: Grid, objective: str) -> Figure:
    """The best objective in every cell of two parameters, and where the best one lies."""
    x, y = _labels(grid.x), _labels(grid.y)
    cells = heat(shades(grid)) | {
        "x": x,
        "y": y,
        "z": [drawn(row) for row in grid.best],
        "hovertemplate": f"{plain(grid.x.name)} %{{x}}<br>{plain(grid.y.name)} %{{y}}"
        f"<br>{plain(objective)} %{{z:.4~g}}<extra></extra>",
    }
    row, column = grid.best_cell()
    best = {
        "type": "scatter",
        "mode": "markers",
        "x": [x[column]],
        "y": [y[row]],
        "hoverinfo": "skip",
        "marker": {
            "symbol": "circle-open",
            "size": 13,
            "color": "var(--ring)",
            "line": {"width": 2.5, "color": "var(--ring)"},
        },
    }
    layout = {
        "xaxis": _parameter_axis(grid.x.name, even=grid.x.even),
        "yaxis": _parameter_axis(grid.y.name, even=grid.y.even),
    }
    return {"data": [cells, best], "layout": layout}


def parameter_line(grid: Grid, objective: str) -> Figure:
    """The best objective along the only parameter that varies."""
    trace = line(_labels(grid.x), drawn(grid.best[0]), plain(objective), "equity", "%{y:.4~g}") | {
        "mode": "lines+markers",
        "marker": {"size": 5, "color": "var(--equity)"},
    }
    layout = {
        "xaxis": _parameter_axis(grid.x.name, even=grid.x.even),
        "yaxis": axis(objective),
    }
    return {"data": [trace], "layout": layout}


def distribution(summary: SweepSummary) -> Figure:
    """How many combinations reached which objective, with the middle and the best one."""
    values = summary.values
    count, edges = np.histogram(values, bins=min(BINS_MAX, max(8, int(len(values) ** 0.5))))
    bars = {
        "type": "bar",
        "x": drawn((edges[:-1] + edges[1:]) / 2),
        "y": count.tolist(),
        "width": drawn(np.diff(edges)),
        "marker": {"color": "var(--bar)", "line": {"color": "var(--card)", "width": 0.5}},
        "customdata": [[f"{low:.4g} to {high:.4g}"] for low, high in pairwise(edges)],
        "hovertemplate": "%{customdata[0]}<br>%{y:,} combinations<extra></extra>",
    }
    layout = {
        "bargap": 0,
        "xaxis": axis(summary.objective_label) | {"fixedrange": True},
        "yaxis": axis("combinations") | {"rangemode": "tozero", "fixedrange": True},
        "shapes": [upright(float(np.median(values))), upright(float(np.max(values)))],
    }
    return {"data": [bars], "layout": layout}


def _parameter_axis(name: str, *, even: bool) -> Figure:
    own = axis(name) | {"showgrid": False, "zeroline": False, "fixedrange": True}
    return own if even else own | {"type": "category"}


def _labels(axis: Axis) -> list[Any]:
    return [plain(label) if isinstance(label, str) else label for label in axis.labels]

"""Figures as the plain values that Plotly draws.

A colour is written as the name of one of the page's own (`var(--equity)`), and the
page's script puts in what that is in light, in dark and on paper.
"""

import html
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from fanfold.reporting.sweeps import Axis, Grid, SweepSummary
from fanfold.reporting.views import RunView

if TYPE_CHECKING:
    from pandas import DatetimeIndex

Figure = dict[str, Any]
"""`data` and `layout`, as Plotly has them."""

POINTS_MAX = 5_000
"""A screen shows no more, and a page with more opens slowly [points]."""
BINS_MAX = 48
ONE_SIDED = ("0", "1", "2", "3", "4")
TWO_SIDED = ("low-2", "low-1", "zero", "high-1", "high-2")
LEVEL_DIGITS = 6
SHARE_DIGITS = 4
"""Significant digits of drawn values: more than a screen can show."""


def equity_figure(view: RunView) -> Figure:
    """Equity and benchmark, and underneath, on the same time axis, how far each fell."""
    equity = np.asarray(view.equity, dtype=np.float64)
    levels = [("equity", equity)]
    if view.benchmark is not None:
        levels.append(("benchmark", rebased(np.asarray(view.benchmark, dtype=np.float64), equity)))
    falls = [drawdowns(level) for _, level in levels]
    rows = kept_rows([*(level for _, level in levels), *falls], POINTS_MAX)
    stamps = cast("DatetimeIndex", view.equity.index)
    time_format = _time_format(stamps)
    x = stamps[rows].strftime(time_format).tolist()
    names = {"equity": _plain(view.name), "benchmark": _plain(view.benchmark_name)}
    data = [
        _line(x, _drawn(level[rows], LEVEL_DIGITS), names[role], role, "%{y:,.0f}")
        for role, level in levels
    ]
    for (role, _), fall in zip(levels, falls, strict=True):
        trace = _line(
            x, _drawn(-fall[rows], SHARE_DIGITS), f"{names[role]}, drawdown", role, "%{y:.1%}"
        )
        trace["yaxis"] = "y2"
        if role == "equity":
            trace["line"]["color"] = "var(--drawdown)"
            trace |= {"fill": "tozeroy", "fillcolor": "var(--drawdown-fill)"}
        data.append(trace)
    layout = {
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "xaxis": _axis()
        | {"type": "date", "anchor": "y2", "showgrid": False, "hoverformat": time_format},
        "yaxis": _axis() | {"domain": [0.34, 1.0], "tickformat": "~s"},
        "yaxis2": _axis() | {"domain": [0.0, 0.27], "tickformat": ".0%", "nticks": 4},
    }
    return {"data": data, "layout": layout}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shades:
    """Colours from the lowest to the highest value; about zero where both signs occur."""

    lowest: float
    highest: float
    names: tuple[str, ...]


def shades(grid: Grid) -> Shades:
    """The colours that suit a grid's values."""
    lowest, highest = float(np.nanmin(grid.best)), float(np.nanmax(grid.best))
    if lowest < 0.0 < highest:
        bound = max(-lowest, highest)
        return Shades(lowest=-bound, highest=bound, names=TWO_SIDED)
    return Shades(lowest=lowest, highest=highest, names=ONE_SIDED)


def heat_map(grid: Grid, objective: str) -> Figure:
    """The best objective in every cell of two parameters, and where the best one lies."""
    colours = shades(grid)
    x, y = _labels(grid.x), _labels(grid.y)
    heat = {
        "type": "heatmap",
        "x": x,
        "y": y,
        "z": [_drawn(row) for row in grid.best],
        "zmin": colours.lowest,
        "zmax": colours.highest,
        "colorscale": [
            [place / (len(colours.names) - 1), f"var(--heat-{name})"]
            for place, name in enumerate(colours.names)
        ],
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": f"{_plain(grid.x.name)} %{{x}}<br>{_plain(grid.y.name)} %{{y}}"
        f"<br>{_plain(objective)} %{{z:.4~g}}<extra></extra>",
    }
    row, column = np.unravel_index(int(np.nanargmax(grid.best)), grid.best.shape)
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
    return {"data": [heat, best], "layout": layout}


def parameter_line(grid: Grid, objective: str) -> Figure:
    """The best objective along the only parameter that varies."""
    trace = _line(
        _labels(grid.x), _drawn(grid.best[0]), _plain(objective), "equity", "%{y:.4~g}"
    ) | {
        "mode": "lines+markers",
        "marker": {"size": 5, "color": "var(--equity)"},
    }
    layout = {
        "xaxis": _parameter_axis(grid.x.name, even=grid.x.even),
        "yaxis": _axis(objective),
    }
    return {"data": [trace], "layout": layout}


def distribution(summary: SweepSummary) -> Figure:
    """How many combinations reached which objective, with the middle and the best one."""
    values = summary.values
    count, edges = np.histogram(values, bins=min(BINS_MAX, max(8, int(len(values) ** 0.5))))
    bars = {
        "type": "bar",
        "x": _drawn((edges[:-1] + edges[1:]) / 2),
        "y": count.tolist(),
        "width": _drawn(np.diff(edges)),
        "marker": {"color": "var(--bar)", "line": {"color": "var(--card)", "width": 0.5}},
        "customdata": [[f"{low:.4g} to {high:.4g}"] for low, high in pairwise(edges)],
        "hovertemplate": "%{customdata[0]}<br>%{y:,} combinations<extra></extra>",
    }
    layout = {
        "bargap": 0,
        "xaxis": _axis(summary.objective_label) | {"fixedrange": True},
        "yaxis": _axis("combinations") | {"rangemode": "tozero", "fixedrange": True},
        "shapes": [_upright(float(np.median(values))), _upright(float(np.max(values)))],
    }
    return {"data": [bars], "layout": layout}


def kept_rows(columns: list[NDArray[np.float64]], points_max: int) -> NDArray[np.int64]:
    """Rows to draw: first, last, and each column's highest and lowest of every bucket.

    So a peak or a trough survives, however short it was.

    Args:
        columns: Arrays of one length `[bar]`; NaN is never the highest or lowest.
        points_max: About how many rows may stay.

    Returns:
        Rows in order; all of them where they are few enough.
    """
    bar_count = len(columns[0])
    if bar_count <= points_max:
        return np.arange(bar_count)
    bucket_count = max(1, points_max // (2 * len(columns)))
    size = -(-bar_count // bucket_count)
    kept: list[NDArray[np.int64]] = [np.array([0, bar_count - 1])]
    starts = np.arange(0, bar_count, size)
    for column in columns:
        for sign in (1.0, -1.0):
            padded = np.full(len(starts) * size, -np.inf)
            padded[:bar_count] = np.where(np.isnan(column), -np.inf, sign * column)
            kept.append(starts + padded.reshape(-1, size).argmax(axis=1))
    return np.unique(np.concatenate(kept))


def drawdowns(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 − level ÷ highest level so far `[bar]`; NaN where there is no level."""
    return 1.0 - level / np.fmax.accumulate(level)


def rebased(benchmark: NDArray[np.float64], equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """The benchmark as if equity had been put into it at its first bar `[bar]`."""
    known = np.flatnonzero(np.isfinite(benchmark))
    if len(known) == 0:
        return benchmark
    return benchmark * (equity[known[0]] / benchmark[known[0]])


def _line(x: list[Any], y: list[float | None], name: str, role: str, shown: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "line": {"color": f"var(--{role})", "width": 1.2 if role == "benchmark" else 1.7},
        "hovertemplate": shown,
    }


def _axis(title: str = "") -> Figure:
    words = {"text": _plain(title), "standoff": 8, "font": {"color": "var(--quiet)"}}
    return ({"title": words} if title else {}) | {
        "color": "var(--quiet)",
        "gridcolor": "var(--line)",
        "linecolor": "var(--line)",
        "zerolinecolor": "var(--line)",
        "automargin": True,
    }


def _parameter_axis(name: str, *, even: bool) -> Figure:
    axis = _axis(name) | {"showgrid": False, "zeroline": False, "fixedrange": True}
    return axis if even else axis | {"type": "category"}


def _labels(axis: Axis) -> list[Any]:
    return [_plain(label) if isinstance(label, str) else label for label in axis.labels]


def _upright(at: float) -> Figure:
    return {
        "type": "line",
        "x0": at,
        "x1": at,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": "var(--mark)", "width": 1.2, "dash": "dot"},
    }


def _time_format(index: "DatetimeIndex") -> str:
    daily = len(index.normalize().unique()) == len(index)
    return "%Y-%m-%d" if daily else "%Y-%m-%d %H:%M"


def _drawn(values: NDArray[np.float64], digits: int = LEVEL_DIGITS) -> list[float | None]:
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in values]


def _plain(text: str) -> str:
    # Plotly reads some tags in texts, and `%{` in templates; no name may use either.
    return html.escape(text, quote=False).replace("%{", "% {")

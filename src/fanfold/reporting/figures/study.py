"""What a search found: trial by trial, between objectives, and across parameters."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.reporting.figures.plot import (
    MINOR_POINTS_MAX,
    SHARE_DIGITS,
    Figure,
    Floats,
    axis,
    drawn,
    line,
    plain,
)
from fanfold.reporting.numbers import parameter
from fanfold.reporting.studies import RANK_SHARES, Parallel, StudySummary, even_subset
from fanfold.reporting.sweeps import nearly_all

PANELS_MAX = 3
"""Objectives that are drawn one under the other."""
BANDS_MAX = 60
"""More generations than this are told by hovering only."""
PANEL_GAP = 0.07
EDGE = 0.05
"""Room above and below what is drawn [share of it]."""
OPACITIES = (1.0, 0.8, 0.45, 0.35, 0.5)
"""Of the lines of each rank, the best first: many lines would hide the few good ones [1]."""
AXIS_MARGIN = 0.35
"""Room left and right of the outermost parallel axes [axes]."""


def history_figure(summary: StudySummary) -> Figure:
    """Each objective by trial, with the best so far, and generations as bands."""
    numbers = summary.table["number"].to_numpy(dtype=np.int64)
    generations = summary.table["generation"].to_numpy(dtype=np.int64)
    labels = summary.labels[:PANELS_MAX]
    height = (1.0 - PANEL_GAP * (len(labels) - 1)) / len(labels)
    data: list[Figure] = []
    layout: Figure = {"hovermode": "closest", "shapes": _bands(numbers, generations)}
    for place, label in enumerate(labels):
        on = "" if place == 0 else str(place + 1)
        data += [
            trace | ({"yaxis": f"y{on}"} if on else {})
            for trace in _history(summary, place, numbers, generations)
        ]
        top = 1.0 - place * (height + PANEL_GAP)
        layout[f"yaxis{on}"] = axis(label) | {
            "domain": [max(top - height, 0.0), top],
            "fixedrange": True,
            "nticks": 6 if len(labels) == 1 else 4,
        }
        layout[f"yaxis{on}"] |= _range(summary, place)
    last = "y" if len(labels) == 1 else f"y{len(labels)}"
    layout["xaxis"] = axis("trial") | {"anchor": last, "showgrid": False, "fixedrange": True}
    return {"data": data, "layout": layout}


def _history(
    summary: StudySummary, place: int, numbers: NDArray[Any], generations: NDArray[Any]
) -> list[Figure]:
    rows = np.flatnonzero(np.isfinite(summary.scores[:, place]))
    best = summary.best_so_far(place)
    # The steps are few; all of them are drawn, and the last trial.
    steps = rows[np.flatnonzero(np.diff(best[rows], prepend=np.nan) != 0.0)]
    steps = np.append(steps, len(numbers) - 1) if len(rows) else steps
    rows = rows[even_subset(len(rows), MINOR_POINTS_MAX)]
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": numbers[rows].tolist(),
        "y": drawn(summary.scores[rows, place], SHARE_DIGITS),
        "customdata": generations[rows].tolist(),
        "marker": {"size": 5, "color": "var(--bar)", "opacity": 0.75},
        "hovertemplate": "trial %{x}, generation %{customdata}<br>%{y:.4~g}<extra></extra>",
    }
    path = line(
        numbers[steps].tolist(),
        drawn(best[steps], SHARE_DIGITS),
        "best so far",
        "ring",
        "best so far at trial %{x}: %{y:.4~g}<extra></extra>",
    )
    path["line"] |= {"shape": "hv", "width": 2}
    return [points, path]


def _range(summary: StudySummary, place: int, shown: Floats | None = None) -> Figure:
    """The range of one objective's axis where a far tail is left out; nothing where none is.

    `shown` are values that must be seen all the same.
    """
    values = summary.scores[np.isfinite(summary.scores[:, place]), place]
    low, high = nearly_all(values, less_is_better=bool(summary.signs[place] < 0))
    if shown is not None and len(shown):
        low, high = min(low, float(shown.min())), max(high, float(shown.max()))
    if (low, high) == (float(values.min()), float(values.max())):
        return {}
    edge = EDGE * (high - low)
    return {"range": drawn(np.array([low - edge, high + edge]), SHARE_DIGITS)}


def _bands(numbers: NDArray[Any], generations: NDArray[Any]) -> list[Figure]:
    found, starts = np.unique(generations, return_index=True)
    if len(found) < 2 or len(found) > BANDS_MAX:  # noqa: PLR2004  (one generation has no border)
        return []
    firsts = numbers[np.sort(starts)].tolist()
    ends = [*firsts[1:], int(numbers[-1]) + 1]
    return [
        {
            "type": "rect",
            "x0": first - 0.5,
            "x1": end - 0.5,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "layer": "below",
            "fillcolor": "var(--flat)",
            "line": {"width": 0},
        }
        for place, (first, end) in enumerate(zip(firsts, ends, strict=True))
        if place % 2
    ]


def pareto_figure(summary: StudySummary, across: int, up: int, *, joined: bool) -> Figure:
    """All trials between two objectives, and those that no other beats in all of them.

    Args:
        summary: The study.
        across: Place of the objective along the bottom.
        up: Place of the objective along the side.
        joined: Whether the front is drawn as a line; between two of more objectives
            it is none.
    """
    front = np.array([row for row in summary.view.front if summary.scored[row]], dtype=np.int64)
    scored = np.flatnonzero(summary.scored)
    others = np.setdiff1d(scored, front)
    others = others[even_subset(len(others), MINOR_POINTS_MAX)]
    front = front[np.argsort(summary.scores[front, across], kind="stable")]
    data = [
        _points(summary, others, across, up) | {"marker": {"size": 5, "color": "var(--bar)"}},
        _points(summary, front, across, up)
        | {
            "mode": "lines+markers" if joined else "markers",
            "marker": {"size": 8, "color": "var(--ring)"},
            "line": {"color": "var(--ring)", "width": 1.2},
        },
    ]
    layout = {
        "hovermode": "closest",
        "xaxis": axis(summary.labels[across])
        | {"fixedrange": True}
        | _range(summary, across, summary.scores[front, across]),
        "yaxis": axis(summary.labels[up])
        | {"fixedrange": True}
        | _range(summary, up, summary.scores[front, up]),
    }
    return {"data": data, "layout": layout}


def _points(summary: StudySummary, rows: NDArray[np.int64], across: int, up: int) -> Figure:
    chosen = summary.table.iloc[rows]
    texts = [
        f"trial {row[0]}"
        + "".join(
            f"<br>{plain(name)} {plain(parameter(value))}"
            for name, value in zip(summary.view.params, row[1:], strict=True)
        )
        for row in chosen[["number", *summary.view.params]].itertuples(index=False, name=None)
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": drawn(summary.scores[rows, across], SHARE_DIGITS),
        "y": drawn(summary.scores[rows, up], SHARE_DIGITS),
        "text": texts,
        "hovertemplate": "%{text}<br>%{x:.4~g}, %{y:.4~g}<extra></extra>",
    }


def importance_figure(shares: list[tuple[str, float]]) -> Figure:
    """Which parameters the objective depends on, the most important on top."""
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": drawn(np.array([share for _, share in shares]), SHARE_DIGITS),
        "y": [plain(name) for name, _ in shares],
        "marker": {"color": "var(--bar)"},
        "hovertemplate": "%{y} %{x:.1%}<extra></extra>",
    }
    layout = {
        "bargap": 0.35,
        "xaxis": axis("share explained")
        | {"tickformat": ".0%", "rangemode": "tozero", "fixedrange": True},
        "yaxis": axis() | {"type": "category", "autorange": "reversed", "fixedrange": True},
    }
    return {"data": [bars], "layout": layout}


def parallel_figure(parallel: Parallel) -> Figure:
    """Every trial as a line across its parameters to what it reached, the best on top.

    Lines of one shade are one trace, as a browser draws few long lines sooner than
    many short ones. `meta` tells the page's script that they may be filtered.
    """
    at = list(range(len(parallel.axes)))
    places = [*at, None]
    data: list[Figure] = []
    for shade in range(len(RANK_SHARES), -1, -1):
        lines = parallel.lines[parallel.shades == shade]
        if len(lines):
            data.append(
                _bundle(lines, places, f"heat-{len(RANK_SHARES) - shade}", OPACITIES[shade])
            )
    best = _bundle(parallel.lines[-1:], places, "ring", 1.0)
    best["line"] = best["line"] | {"width": 2.5}
    last = len(parallel.axes) - 1
    layout = {
        "hovermode": False,
        "margin": {"t": 28, "b": 52, "l": 4, "r": 4},
        "meta": {"parallel": len(parallel.axes)},
        "xaxis": axis()
        | {
            "range": [-AXIS_MARGIN, last + AXIS_MARGIN],
            "tickvals": at,
            "ticktext": [f"<b>{plain(one.name)}</b>" for one in parallel.axes],
            "tickangle": 0,
            "ticklabelstandoff": 18,
            "showgrid": False,
            "zeroline": False,
            "showline": False,
            "fixedrange": True,
        },
        "yaxis": axis() | {"range": [0.0, 1.0], "visible": False, "fixedrange": True},
        "shapes": [_rail(place) for place in at],
        "annotations": [
            _mark(place, height, label)
            for place, one in enumerate(parallel.axes)
            for height, label in one.marks
        ],
    }
    return {"data": [*data, best], "layout": layout}


def _bundle(lines: Floats, places: list[int | None], colour: str, opacity: float) -> Figure:
    y: list[float | None] = []
    for row in np.round(lines, 3).tolist():
        y += row
        y.append(None)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": places * len(lines),
        "y": y,
        "opacity": opacity,
        "connectgaps": False,
        "hoverinfo": "skip",
        "line": {"color": f"var(--{colour})", "width": 1},
    }


def _rail(place: int) -> Figure:
    return {
        "type": "line",
        "x0": place,
        "x1": place,
        "y0": 0,
        "y1": 1,
        "line": {"color": "var(--quiet)", "width": 1},
    }


def _mark(place: int, at: float, label: str) -> Figure:
    between = 0.0 < at < 1.0
    return {
        "x": place,
        "y": at,
        "text": plain(label),
        "showarrow": False,
        "xanchor": "left" if between else "center",
        "yanchor": "middle" if between else ("top" if at == 0.0 else "bottom"),
        "xshift": 4 if between else 0,
        "font": {"color": "var(--ink)" if between else "var(--quiet)", "size": 11},
        "bgcolor": "var(--card)" if between else "rgba(0,0,0,0)",
    }

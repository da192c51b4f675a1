"""Several runs in one figure."""

from typing import Any

import numpy as np

from fanfold.reporting.figures.plot import (
    MINOR_POINTS_MAX,
    SHARE_DIGITS,
    Figure,
    axis,
    drawn,
    kept_rows,
    line,
    moments,
    plain,
    time_axis,
)
from fanfold.reporting.series import Floats, drawdowns
from fanfold.reporting.together import Together
from fanfold.reporting.views import RunView

COLOUR_COUNT = 8
DASHES = ("solid", "dash", "dot", "dashdot")
LABELS_MAX = 12
"""More points than this are told apart by hovering only."""


def run_colour(place: int) -> str:
    """Name of the colour of the run at this place."""
    return f"series-{place % COLOUR_COUNT + 1}"


def overlay_figure(runs: Together) -> Figure:
    """Equity of all runs from 100 on, and underneath how far each fell."""
    levels = runs.levels
    columns = [levels.iloc[:, place].to_numpy(dtype=np.float64) for place in range(len(runs.names))]
    falls = [drawdowns(column) for column in columns]
    data: list[Figure] = []
    for values, on, shown, digits in (
        (columns, "y", "%{y:,.1f}", 6),
        ([-fall for fall in falls], "y2", "%{y:.1%}", SHARE_DIGITS),
    ):
        for place, (name, column) in enumerate(zip(runs.names, values, strict=True)):
            rows = kept_rows([column], MINOR_POINTS_MAX)
            x = moments(levels.index, rows)
            trace = line(x, drawn(column[rows], digits), plain(name), run_colour(place), shown)
            trace["line"] |= {"width": 1.5, "dash": DASHES[place // COLOUR_COUNT % len(DASHES)]}
            trace["connectgaps"] = True
            data.append(trace | ({} if on == "y" else {"yaxis": on}))
    layout: dict[str, Any] = {
        "hovermode": "closest",
        "xaxis": time_axis(levels.index) | {"anchor": "y2"},
        "yaxis": axis() | {"domain": [0.36, 1.0], "tickformat": "~s"},
        "yaxis2": axis() | {"domain": [0.0, 0.29], "tickformat": ".0%", "nticks": 4},
    }
    return {"data": data, "layout": layout}


def scatter_figure(runs: "list[RunView]", names: list[str]) -> Figure:
    """Return a year over volatility a year, one point a run."""
    risk = np.array([view.metrics.get("volatility", np.nan) for view in runs], dtype=np.float64)
    gain = np.array([view.metrics.get("cagr", np.nan) for view in runs], dtype=np.float64)
    labelled = len(runs) <= LABELS_MAX
    points = {
        "type": "scatter",
        "mode": "markers+text" if labelled else "markers",
        "x": drawn(risk),
        "y": drawn(gain),
        "text": [plain(name) for name in names],
        "textposition": _sides(risk),
        "textfont": {"color": "var(--ink)"},
        "cliponaxis": False,
        "marker": {
            "size": 11,
            "color": [f"var(--{run_colour(place)})" for place in range(len(runs))],
        },
        "hovertemplate": "%{text}<br>volatility %{x:.1%}<br>return %{y:.1%}<extra></extra>",
    }
    layout = {
        "hovermode": "closest",
        "xaxis": axis("volatility a year")
        | {"tickformat": ".0%", "rangemode": "tozero", "fixedrange": True},
        "yaxis": axis("return a year")
        | {"tickformat": ".0%", "rangemode": "tozero", "fixedrange": True},
    }
    return {"data": [points], "layout": layout}


def _sides(risk: Floats) -> list[str]:
    """Names stand towards the middle, so that none is cut at an edge."""
    known = risk[np.isfinite(risk)]
    middle = float(known.max()) / 2 if len(known) else 0.0
    return ["middle left" if value > middle else "middle right" for value in risk]

"""Equity over time, and how far it fell."""

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fanfold.measures import Drawdown
from fanfold.reporting.figures.plot import (
    LEVEL_DIGITS,
    MINOR_POINTS_MAX,
    POINTS_MAX,
    SHARE_DIGITS,
    Figure,
    axis,
    drawn,
    kept_rows,
    line,
    moments,
    plain,
    time_axis,
    time_format,
)
from fanfold.reporting.series import drawdowns, rebased
from fanfold.reporting.views import RunView

if TYPE_CHECKING:
    from pandas import DatetimeIndex


def equity_figure(view: RunView) -> Figure:
    """Equity and benchmark, and underneath, on the same time axis, how far each fell."""
    equity = np.asarray(view.equity, dtype=np.float64)
    levels = [("equity", equity)]
    if view.benchmark is not None:
        levels.append(("benchmark", rebased(np.asarray(view.benchmark, dtype=np.float64), equity)))
    falls = [drawdowns(level) for _, level in levels]
    rows = kept_rows([*(level for _, level in levels), *falls], POINTS_MAX)
    x = moments(view.equity.index, rows)
    names = {"equity": plain(view.name), "benchmark": plain(view.benchmark_name)}
    data = [
        line(x, drawn(level[rows], LEVEL_DIGITS), names[role], role, "%{y:,.0f}")
        for role, level in levels
    ]
    for (role, _), fall in zip(levels, falls, strict=True):
        trace = line(
            x, drawn(-fall[rows], SHARE_DIGITS), f"{names[role]}, drawdown", role, "%{y:.1%}"
        )
        trace["yaxis"] = "y2"
        if role == "equity":
            trace["line"]["color"] = "var(--drawdown)"
            trace |= {"fill": "tozeroy", "fillcolor": "var(--drawdown-fill)"}
        data.append(trace)
    layout = {
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "xaxis": time_axis(view.equity.index) | {"anchor": "y2"},
        "yaxis": axis() | {"domain": [0.34, 1.0], "tickformat": "~s"},
        "yaxis2": axis() | {"domain": [0.0, 0.27], "tickformat": ".0%", "nticks": 4},
    }
    return {"data": data, "layout": layout}


def underwater_figure(view: RunView, worst: tuple[Drawdown, ...]) -> Figure:
    """How far below its peak equity was, with the worst falls shaded and numbered."""
    fall = drawdowns(np.asarray(view.equity, dtype=np.float64))
    rows = kept_rows([fall], MINOR_POINTS_MAX)
    index = cast("DatetimeIndex", view.equity.index)
    trace = line(
        moments(index, rows), drawn(-fall[rows], SHARE_DIGITS), "drawdown", "drawdown", "%{y:.1%}"
    ) | {"fill": "tozeroy", "fillcolor": "var(--drawdown-fill)"}
    written = time_format(index)
    shapes: list[Figure] = []
    marks: list[Figure] = []
    for place, one in enumerate(worst, start=1):
        end = len(index) - 1 if one.recovery_bar is None else one.recovery_bar
        shapes.append(_band(index[one.peak_bar].strftime(written), index[end].strftime(written)))
        marks.append(
            {
                "x": index[one.trough_bar].strftime(written),
                "y": 1.0,
                "yref": "paper",
                "yanchor": "bottom",
                "text": str(place),
                "showarrow": False,
                "font": {"color": "var(--quiet)"},
            }
        )
    layout: dict[str, Any] = {
        "hovermode": "x",
        "margin": {"t": 22},
        "xaxis": time_axis(index),
        "yaxis": axis() | {"tickformat": ".0%", "nticks": 5},
        "shapes": shapes,
        "annotations": marks,
    }
    return {"data": [trace], "layout": layout}


def _band(start: str, end: str) -> Figure:
    return {
        "type": "rect",
        "x0": start,
        "x1": end,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "layer": "below",
        "fillcolor": "var(--band)",
        "line": {"width": 0},
    }

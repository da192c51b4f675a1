"""Forecasts of the loss of a session beside what came."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fanfold.reporting.figures.plot import (
    SHARE_DIGITS,
    Figure,
    Floats,
    axis,
    drawn,
    kept_rows,
    line,
    moments,
    time_axis,
)
from fanfold.reporting.risk_views import ForecastView

if TYPE_CHECKING:
    from pandas import DatetimeIndex

FORECAST_POINTS_MAX = 900
"""About how many sessions are drawn; the largest losses are always among them [points]."""
LEVELS_DRAWN_MAX = 2
LINE_COLOURS = ("equity", "second")
MARK_SIZES = (5, 9)
"""Sizes of the marks of exceptions, by level: the higher level's stand around the lower's [px]."""


def forecast_figure(
    views: Sequence[ForecastView], dates: "DatetimeIndex", returns: Floats
) -> Figure:
    """Returns, the value at risk that was forecast for them, and where they went beyond it.

    Args:
        views: Forecasts of one method at one level or two, the lower level first.
        dates: `[session]` of the returns.
        returns: `[session]` [1 per session].
    """
    first = min(one.backtest.first_bar for one in views)
    seen, when = returns[first:], dates[first:]
    bounds = [_on(one, len(returns))[first:] for one in views]
    rows = kept_rows([seen, *(-bound for bound in bounds)], FORECAST_POINTS_MAX)
    x = moments(when, rows)
    path = line(x, drawn(seen[rows], SHARE_DIGITS), "return", "benchmark", "%{y:.2%}")
    path["line"] |= {"width": 0.8}
    data = [path]
    for one, bound, colour in zip(views, bounds, LINE_COLOURS, strict=False):
        name = f"−VaR {one.level:.6g}"
        data.append(line(x, drawn(-bound[rows], SHARE_DIGITS), name, colour, "%{y:.2%}"))
        data[-1]["line"] |= {"width": 1.4}
    for one, size in zip(views, MARK_SIZES, strict=False):
        data.append(_exceptions(one, dates, returns, size))
    layout: Figure = {
        "hovermode": "closest",
        "xaxis": time_axis(dates),
        "yaxis": axis("return of a session") | {"tickformat": ",.0~%", "zeroline": True},
    }
    return {"data": data, "layout": layout}


def _on(view: ForecastView, length: int) -> Floats:
    """Forecasts on all sessions, NaN before the first."""
    bounds = np.full(length, np.nan)
    bounds[view.backtest.first_bar :] = view.backtest.forecasts
    return bounds


def _exceptions(view: ForecastView, dates: "DatetimeIndex", returns: Floats, size: int) -> Figure:
    found = view.backtest
    rows = np.flatnonzero(found.exceptions)
    at = found.first_bar + rows
    told = [
        f"lost {-value:.2%}, VaR {100 * view.level:.6g}% was {bound:.2%}"
        for value, bound in zip(returns[at].tolist(), found.forecasts[rows].tolist(), strict=True)
    ]
    ring = size != MARK_SIZES[0]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": moments(dates, at),
        "y": drawn(returns[at], SHARE_DIGITS),
        "customdata": told,
        "hovertemplate": "%{x}<br>%{customdata}<extra></extra>",
        "marker": {
            "size": size,
            "symbol": "circle-open" if ring else "circle",
            "color": "var(--second)" if ring else "var(--loss-line)",
            "line": {"width": 1.4 if ring else 0, "color": "var(--second)"},
        },
    }

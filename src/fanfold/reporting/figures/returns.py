"""How returns are spread, and how steady they were."""

from itertools import pairwise

import numpy as np

from fanfold.reporting.figures.plot import (
    Figure,
    Floats,
    axis,
    drawn,
    time_axis,
    time_lines,
    upright,
)
from fanfold.reporting.series import rolling_beta, rolling_sharpe
from fanfold.reporting.views import RunView

BINS_MAX = 60
WHISKER = 0.002
"""Share of returns on each side that the outermost bins take together [1]."""


def return_distribution(returns: Floats, value_at_risk: float, shortfall: float) -> Figure:
    """How many sessions that moved had which return, with value at risk and expected shortfall.

    Args:
        returns: `[session]`, finite [1 per session].
        value_at_risk: Loss that 95 % of sessions did not pass; positive is a loss.
        shortfall: Mean loss of the sessions that did.
    """
    low, high = np.quantile(returns, [WHISKER, 1.0 - WHISKER])
    bound = max(abs(float(low)), abs(float(high)), 1e-6)
    bin_count = min(BINS_MAX, max(12, int(len(returns) ** 0.5)))
    moved = returns[returns != 0.0]  # days without a position would hide all others
    # Zero is an edge, so that no bin mixes gains and losses.
    edges = np.linspace(-bound, bound, 2 * (bin_count // 2) + 1)
    count, _ = np.histogram(np.clip(moved, -bound, bound), bins=edges)
    middles = (edges[:-1] + edges[1:]) / 2
    bars = {
        "type": "bar",
        "x": drawn(middles),
        "y": count.tolist(),
        "width": drawn(np.diff(edges)),
        "marker": {
            "color": ["var(--loss)" if middle < 0 else "var(--gain)" for middle in middles],
            "line": {"color": "var(--card)", "width": 0.5},
        },
        "customdata": [[_span(a, b, bound)] for a, b in pairwise(edges.tolist())],
        "hovertemplate": "%{customdata[0]}<br>%{y:,} sessions<extra></extra>",
    }
    layout = {
        "bargap": 0,
        "margin": {"t": 22},
        "xaxis": axis("return of a session") | {"tickformat": ".1~%", "fixedrange": True},
        "yaxis": axis("sessions") | {"rangemode": "tozero", "fixedrange": True},
        "shapes": [upright(-value_at_risk), upright(-shortfall)],
        "annotations": [
            _word(-value_at_risk, "VaR", "left"),
            _word(-shortfall, "ES", "right"),
        ],
    }
    return {"data": [bars], "layout": layout}


def _span(low: float, high: float, bound: float) -> str:
    if low <= -bound:
        return f"below {high:.2%}"
    return f"above {low:.2%}" if high >= bound else f"{low:.2%} to {high:.2%}"


def _word(at: float, text: str, side: str) -> Figure:
    return {
        "x": at,
        "y": 1.0,
        "yref": "paper",
        "yanchor": "bottom",
        "xanchor": side,
        "text": text,
        "showarrow": False,
        "font": {"color": "var(--quiet)"},
    }


def rolling_figure(view: RunView) -> Figure:
    """Rolling Sharpe ratio and, underneath where there is a benchmark, rolling beta."""
    sharpe, beta = rolling_sharpe(view), rolling_beta(view)
    data = time_lines([("Sharpe ratio", "equity", sharpe)], "%{y:.2f}")
    layout: Figure = {
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "xaxis": time_axis(sharpe.index),
        "yaxis": axis() | {"zeroline": True, "nticks": 6},
        "shapes": [_level(0.0, "y")],
    }
    if beta is not None:
        (trace,) = time_lines([("Beta", "second", beta)], "%{y:.2f}")
        data.append(trace | {"yaxis": "y2"})
        layout["xaxis"] |= {"anchor": "y2"}
        layout["yaxis"] |= {"domain": [0.45, 1.0]}
        layout["yaxis2"] = axis() | {"domain": [0.0, 0.36], "nticks": 4}
        layout["shapes"] += [_level(0.0, "y2"), _level(1.0, "y2")]
    return {"data": data, "layout": layout}


def _level(at: float, on: str) -> Figure:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "yref": on,
        "y0": at,
        "y1": at,
        "line": {"color": "var(--quiet)", "width": 0.8, "dash": "dot"},
    }

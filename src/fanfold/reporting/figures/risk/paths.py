"""What may come by several models: fans, distributions, and how far the models disagree."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fanfold.reporting.figures.plot import (
    LEVEL_DIGITS,
    SHARE_DIGITS,
    Figure,
    Floats,
    axis,
    drawn,
    line,
    upright,
)
from fanfold.reporting.figures.risk.marks import (
    WHISKER,
    category_axis,
    distribution_layout,
    dots,
    edges_of,
    histogram,
)
from fanfold.reporting.numbers import percent
from fanfold.reporting.risk_views import HorizonView

if TYPE_CHECKING:
    from fanfold.simulation.distribution import Distribution

FAN_MARGIN = 0.05
"""Room above and below the widest fan [1 of its height]."""
DECADES_SPAN = 10.0
"""Fans whose highest value is so many times their lowest are drawn on a log scale [1]."""


def disagreement_figure(horizons: Sequence[HorizonView], level: float) -> Figure:
    """Value at risk and expected shortfall of every model, one row a model."""
    names = [one.title for one in horizons]
    data: list[Figure] = []
    for field, colour, symbol, word in (
        ("value_at_risk", "equity", "circle", "value at risk"),
        ("expected_shortfall", "drawdown", "diamond", "expected shortfall"),
    ):
        found = [getattr(one.risk, field)[level] for one in horizons]
        spans = [(each.low, each.high) for each in found]
        told = [
            f"{word} {percent(each.value)}, {percent(each.low)} to {percent(each.high)}"
            for each in found
        ]
        values = np.array([each.value for each in found])
        data.append(dots(names, values, spans, colour, told, symbol=symbol))
    layout: Figure = {
        "hovermode": "closest",
        "xaxis": axis("loss at the end") | {"tickformat": ",.0~%", "fixedrange": True},
        "yaxis": category_axis(names),
    }
    if min(min(trace["x"]) for trace in data) < 0:
        layout["shapes"] = [upright(0.0, "quiet")]
    return {"data": data, "layout": layout}


def fan_figures(horizons: Sequence[HorizonView], unit: str) -> list[tuple[str, Figure]]:
    """A fan a model, all on one scale so that they compare; none for a model without one."""
    fanned = [one for one in horizons if one.fan]
    edges = [np.ravel(values) for one in fanned for values in one.fan.values()]
    scale = _scale(np.concatenate(edges)) if edges else {}
    return [(one.title, _fan(one, unit, scale)) for one in fanned]


def _fan(view: HorizonView, unit: str, scale: Figure) -> Figure:
    x = list(view.fan_bars)
    levels = sorted(view.fan)
    data: list[Figure] = []
    for low, high in zip(levels, reversed(levels), strict=True):
        if low >= high:
            break
        data += _band(x, view.fan[low], view.fan[high], f"{low:.0%}", f"{high:.0%}")
    samples: Figure = line([], [], "single paths", "benchmark", "") | {"hoverinfo": "skip"}
    samples["line"] |= {"width": 0.7}
    for path in view.samples:
        samples["x"] += [*x, None]
        samples["y"] += [*drawn(np.asarray(path, dtype=np.float64), SHARE_DIGITS), None]
    data.append(samples)
    if len(levels) % 2:
        median = drawn(view.fan[levels[len(levels) // 2]], LEVEL_DIGITS)
        data.append(line(x, median, f"{levels[len(levels) // 2]:.0%}", "equity", "%{y:.3f}"))
    layout: Figure = {
        "hovermode": "x unified",
        "xaxis": axis(f"{unit}s ahead") | {"showgrid": False, "fixedrange": True},
        "yaxis": axis("value of 1") | scale | {"fixedrange": True},
        "shapes": [_level()],
    }
    return {"data": data, "layout": layout}


def _band(x: list[int], low: Floats, high: Floats, under: str, over: str) -> list[Figure]:
    edges = [
        line(list(x), drawn(edge, SHARE_DIGITS), name, "gain", "%{y:.3f}")
        for edge, name in ((low, under), (high, over))
    ]
    for edge in edges:
        edge["line"] |= {"width": 0}
    edges[1] |= {"fill": "tonexty", "fillcolor": "var(--equity-fill)"}
    return edges


def _level() -> Figure:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": 1.0,
        "y1": 1.0,
        "line": {"color": "var(--quiet)", "width": 0.8, "dash": "dot"},
    }


def _scale(values: Floats) -> Figure:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low > 0.0 and high > low * DECADES_SPAN:
        under, over = math.log10(low), math.log10(high)
        room = FAN_MARGIN * (over - under)
        ends = np.array([under - room, over + room])
        return {"type": "log", "dtick": "D2", "range": drawn(ends)}
    room = FAN_MARGIN * max(high - low, 1e-3)
    return {"range": drawn(np.array([low - room, high + room]))}


def terminal_figures(horizons: Sequence[HorizonView], level: float) -> list[tuple[str, Figure]]:
    """What 1 becomes, a histogram a model, all with the same bins."""
    found = [one.risk.terminal_value for one in horizons]
    edges = edges_of(*_ends(found), through=1.0)
    figures: list[tuple[str, Figure]] = []
    for one, values in zip(horizons, found, strict=True):
        marks = [
            (1.0 - one.risk.value_at_risk[level].value, f"VaR {level:.0%}"),
            (values.quantile(0.5).value, "median"),
        ]
        layout = distribution_layout("value of 1 at the end", ".2~f", marks, what="paths")
        bars = histogram(values.points, _weights(values), edges, below=1.0, shown=".3g")
        figures.append((one.title, {"data": [bars], "layout": layout}))
    return figures


def drawdown_figures(horizons: Sequence[HorizonView], level: float) -> list[tuple[str, Figure]]:
    """Deepest drawdowns, a histogram a model, all with the same bins."""
    found = [one.risk.max_drawdown for one in horizons]
    edges = edges_of(0.0, _ends(found)[1])
    figures: list[tuple[str, Figure]] = []
    for one, values in zip(horizons, found, strict=True):
        marks = [
            (values.quantile(0.5).value, "median"),
            (values.quantile(level).value, f"{level:.0%}"),
        ]
        layout = distribution_layout("deepest drawdown of a path", ",.0~%", marks, what="paths")
        bars = histogram(values.points, _weights(values), edges, below=None, shown=".1%")
        figures.append((one.title, {"data": [bars], "layout": layout}))
    return figures


def _ends(found: "Sequence[Distribution]") -> tuple[float, float]:
    lows = [each.quantile(WHISKER).value for each in found]
    highs = [each.quantile(1.0 - WHISKER).value for each in found]
    finite = [each for each in highs if np.isfinite(each)]
    return min(lows), max(finite, default=1.0)


def _weights(found: "Distribution") -> Floats:
    return np.asarray(found.counts, dtype=np.float64)

"""What chance would have made of the same round trips."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fanfold.reporting.figures.plot import SHARE_DIGITS, Figure, axis, drawn, plain
from fanfold.reporting.figures.risk.marks import category_axis, dots

if TYPE_CHECKING:
    from fanfold.research.round_trips import Drawn

BOX = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles that a box is drawn from [1]."""


def trips_figure(
    found: "Sequence[tuple[str, Drawn]]", *, title: str, tick: str, told: Sequence[str]
) -> Figure:
    """A box a test, with the real figure on it.

    Args:
        found: Name of each test and what it drew.
        title: Of the figure.
        tick: How a value is written at the axis.
        told: What hovering over each real figure says.
    """
    names = [name for name, _ in found]
    quantiles = [_five(each.quantiles) for _, each in found]
    columns = {
        name: drawn(np.array([five[place] for five in quantiles]), SHARE_DIGITS)
        for place, name in enumerate(("lowerfence", "q1", "median", "q3", "upperfence"))
    }
    box: Figure = {
        "type": "box",
        "orientation": "h",
        "y": [plain(name) for name in names],
        **columns,
        "fillcolor": "var(--equity-fill)",
        "line": {"color": "var(--gain-line)", "width": 1.4},
        "width": 0.45,
        "hoverinfo": "x",
        "name": "drawn",
    }
    real = dots(names, np.array([each.real for _, each in found]), None, "ring", told)
    real["marker"] |= {"size": 11, "symbol": "diamond"}
    layout: Figure = {
        "hovermode": "closest",
        "xaxis": axis(title) | {"tickformat": tick, "fixedrange": True},
        "yaxis": category_axis(names),
    }
    return {"data": [box, real], "layout": layout}


def _five(quantiles: Mapping[float, float]) -> list[float]:
    return [quantiles.get(level, float("nan")) for level in BOX]

"""Growth and ruin by the size of the stake."""

from collections.abc import Sequence

import numpy as np

from fanfold.reporting.figures.plot import SHARE_DIGITS, Figure, axis, drawn, plain
from fanfold.reporting.numbers import percent

GROWTH_DOMAIN = (0.56, 1.0)
RUIN_DOMAIN = (0.0, 0.42)


def sizing_figure(names: Sequence[str], medians: Sequence[float], ruins: Sequence[float]) -> Figure:
    """Return of the path in the middle above, chance of ruin below, a column a size.

    Args:
        names: Of the sizes.
        medians: Return of the path in the middle [1].
        ruins: Chance of ruin [1].
    """
    x = [plain(name) for name in names]
    colours = ["var(--gain-line)" if value > 0.0 else "var(--loss-line)" for value in medians]
    data: list[Figure] = [
        {
            "type": "bar",
            "x": x,
            "y": drawn(np.array(medians), SHARE_DIGITS),
            "marker": {"color": colours},
            "customdata": [percent(value) for value in medians],
            "hovertemplate": "%{x}<br>median return %{customdata}<extra></extra>",
        },
        {
            "type": "bar",
            "x": x,
            "y": drawn(np.array(ruins), SHARE_DIGITS),
            "yaxis": "y2",
            "marker": {"color": "var(--drawdown)"},
            "customdata": [percent(value) for value in ruins],
            "hovertemplate": "%{x}<br>chance of ruin %{customdata}<extra></extra>",
        },
    ]
    side = {"tickformat": ",.0~%", "fixedrange": True, "nticks": 5}
    layout: Figure = {
        "bargap": 0.35,
        "hovermode": "closest",
        "xaxis": axis()
        | {"type": "category", "anchor": "y2", "showgrid": False, "fixedrange": True},
        "yaxis": axis("median return")
        | side
        | {"domain": list(GROWTH_DOMAIN), "zeroline": True, "zerolinecolor": "var(--quiet)"},
        "yaxis2": axis("ruined") | side | {"domain": list(RUIN_DOMAIN), "rangemode": "tozero"},
    }
    return {"data": data, "layout": layout}

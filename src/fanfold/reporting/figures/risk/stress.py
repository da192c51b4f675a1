"""What crises and shocks would have brought, as bars."""

from collections.abc import Mapping, Sequence

import numpy as np

from fanfold.reporting.figures.plot import SHARE_DIGITS, Figure, axis, drawn, plain, upright
from fanfold.reporting.figures.risk.marks import category_axis
from fanfold.reporting.numbers import percent

ROWS_DRAWN_MAX = 14
"""More scenarios than this are in the table only."""

Row = tuple[str, Mapping[str, float]]
"""Name of a scenario, and its bars by their series."""


def worst_first(rows: Sequence[Row], by: str) -> list[Row]:
    """The rows that are drawn: those that lost most of all, in their own order."""
    known = [row for row in rows if np.isfinite(row[1].get(by, np.nan))]
    worst = sorted(known, key=lambda row: row[1][by])[:ROWS_DRAWN_MAX]
    kept = {name for name, _ in worst}
    return [row for row in known if row[0] in kept]


def scenario_figure(
    rows: Sequence[Row], series: Sequence[tuple[str, str]], *, title: str
) -> Figure:
    """A row a scenario, a bar for each of its series.

    Args:
        rows: Scenarios from the top.
        series: Names of the bars, as in `rows`, and their colours; the first is on top. One
            without a colour is drawn as gains and losses.
        title: Of the values.
    """
    names = [name for name, _ in rows]
    data: list[Figure] = []
    for place, (what, colour) in enumerate(series):
        values = [row.get(what, np.nan) for _, row in rows]
        shades = [colour or ("loss-line" if value < 0.0 else "gain-line") for value in values]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": drawn(np.array(values), SHARE_DIGITS),
                "y": [plain(name) for name in names],
                "offsetgroup": str(place),
                "marker": {"color": [f"var(--{shade})" for shade in shades], "line": {"width": 0}},
                "customdata": [f"{plain(what)} {percent(value)}" for value in values],
                "hovertemplate": "%{y}<br>%{customdata}<extra></extra>",
            }
        )
    layout: Figure = {
        "barmode": "group",
        "bargap": 0.25,
        "hovermode": "closest",
        "xaxis": axis(title) | {"tickformat": ",.0~%", "fixedrange": True},
        "yaxis": category_axis(names),
        "shapes": [upright(0.0, "quiet")],
    }
    return {"data": data, "layout": layout}

"""What all figures are made of: lines, axes, and rows few enough to draw.

A colour is written as the name of one of the page's own (`var(--equity)`), and the
page's script puts in what that is in light, in dark and on paper.
"""

import html
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandas import DatetimeIndex, Series

Figure = dict[str, Any]
"""`data` and `layout`, as Plotly has them; or `choices`, a list of such."""

Floats = NDArray[np.float64]

POINTS_MAX = 5_000
"""A screen shows no more, and a page with more opens slowly [points]."""
MINOR_POINTS_MAX = 2_000
"""The same for figures beside the first [points]."""
LEVEL_DIGITS = 6
SHARE_DIGITS = 4
"""Significant digits of drawn values: more than a screen can show."""


def kept_rows(columns: list[Floats], points_max: int) -> NDArray[np.int64]:
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


def line(x: list[Any], y: list[float | None], name: str, colour: str, shown: str) -> Figure:
    """A line in one of the page's colours; `shown` is how hovering shows a value."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "line": {"color": f"var(--{colour})", "width": 1.2 if colour == "benchmark" else 1.7},
        "hovertemplate": shown,
    }


def time_lines(
    series: "list[tuple[str, str, Series[float]]]", shown: str, points_max: int = MINOR_POINTS_MAX
) -> list[Figure]:
    """Lines over one time axis.

    Args:
        series: Name, colour and values of each; all on one index.
        shown: How hovering shows a value.
        points_max: About how many points each may have.
    """
    columns = [np.asarray(values, dtype=np.float64) for _, _, values in series]
    rows = kept_rows(columns, points_max)
    x = moments(series[0][2].index, rows)
    return [
        line(x, drawn(column[rows], SHARE_DIGITS), plain(name), colour, shown)
        for (name, colour, _), column in zip(series, columns, strict=True)
    ]


def axis(title: str = "") -> Figure:
    """An axis in the page's quiet colours."""
    words = {"text": plain(title), "standoff": 8, "font": {"color": "var(--quiet)", "size": 12}}
    return ({"title": words} if title else {}) | {
        "color": "var(--quiet)",
        "gridcolor": "var(--line)",
        "linecolor": "var(--line)",
        "zerolinecolor": "var(--line)",
        "automargin": True,
    }


def time_axis(index: Any) -> Figure:
    """The time axis that suits an index: with the time of day where bars share a day."""
    return axis() | {"type": "date", "showgrid": False, "hoverformat": time_format(index)}


def moments(index: Any, rows: NDArray[np.int64] | None = None) -> list[str]:
    """Moments of an index as Plotly reads them, of all rows or of some."""
    chosen = cast("DatetimeIndex", index if rows is None else index[rows])
    return chosen.strftime(time_format(index)).tolist()


def time_format(index: Any) -> str:
    """How moments of an index are written: days where each bar has its own."""
    stamps = cast("DatetimeIndex", index)
    daily = len(stamps.normalize().unique()) == len(stamps)
    return "%Y-%m-%d" if daily else "%Y-%m-%d %H:%M"


def upright(at: float | str, colour: str = "mark") -> Figure:
    """A dotted line across a figure's height."""
    return {
        "type": "line",
        "x0": at,
        "x1": at,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": f"var(--{colour})", "width": 1.2, "dash": "dot"},
    }


def drawn(values: Floats, digits: int = LEVEL_DIGITS) -> list[float | None]:
    """Values as drawn: no more digits than are seen, a gap for what is not finite."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in values]


def plain(text: str) -> str:
    """A name that Plotly takes as it is: it reads some tags, and `%{` in templates."""
    return html.escape(text, quote=False).replace("%{", "% {")

"""Folds: when they train and test, what came of it out of sample, and how steady the choice is."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fanfold.reporting.figures.plot import (
    LEVEL_DIGITS,
    POINTS_MAX,
    SHARE_DIGITS,
    Figure,
    Floats,
    axis,
    drawn,
    kept_rows,
    line,
    moments,
    plain,
    time_axis,
    upright,
)
from fanfold.reporting.figures.sweep import heat, value_shades
from fanfold.reporting.series import drawdowns
from fanfold.reporting.studies import even_subset
from fanfold.reporting.study_views import FoldsView, Span

if TYPE_CHECKING:
    from pandas import DataFrame, DatetimeIndex, Series, Timestamp

FOLDS_DRAWN_MAX = 60
"""Folds whose windows are drawn; of more, an even subset."""
NUMBERED_MAX = 20
"""More seams than this have no number."""
GAP_DAYS_MIN = 4.0
"""Shorter gaps are weekends and holidays, not what was left out [days]."""
MATRIX_TEXT_MAX = 12
"""More folds than this have no figures in their cells."""
CHOICES_MAX = 6
"""Parameters whose choices are drawn one under the other."""
FAN_LINES_MAX = 40
FAN_POINTS_MAX = 400
"""Lines of a fan, and points of each."""
BINS_MAX = 40
TAIL = 0.05
"""Quantile of the bad paths [1]."""
WHOLE_MAX = 6
"""Up to so many, an axis of counts has a mark for each."""
PANEL_GAP = 0.05


def windows_figure(view: FoldsView) -> Figure:
    """Train and test windows of each fold over time, and what was left out between them."""
    rows = even_subset(len(view.windows), FOLDS_DRAWN_MAX)
    names = _names(view)
    bars: dict[str, list[tuple[str, Span]]] = {"bar": [], "ring": [], "benchmark": []}
    for row in map(int, rows):
        train = [_whole(span) for span in view.windows[row][0]]
        test = [_whole(span) for span in view.windows[row][1]]
        bars["bar"] += [(names[row], span) for span in train]
        bars["ring"] += [(names[row], span) for span in test]
        bars["benchmark"] += [(names[row], span) for span in _gaps([*train, *test])]
    words = {"bar": "train", "ring": "test", "benchmark": "left out"}
    data = [_spans(found, colour, words[colour]) for colour, found in bars.items() if found]
    layout: Figure = {
        "barmode": "overlay",
        "bargap": 0.25,
        "hovermode": "closest",
        "xaxis": axis() | {"type": "date", "showgrid": True, "fixedrange": True},
        "yaxis": axis("fold")
        | {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [names[row] for row in rows.tolist()],
            "autorange": "reversed",
            "showgrid": False,
            "fixedrange": True,
            "nticks": 20,
        },
    }
    return {"data": data, "layout": layout}


def _names(view: FoldsView) -> list[str]:
    return [plain(str(name)) for name in view.folds["fold"]]


def _whole(span: Span) -> "tuple[Timestamp, Timestamp]":
    """A span whose last date, where it is a day, is in it."""
    import pandas as pd

    start, end = (_bare(moment) for moment in span)
    return start, end + pd.Timedelta(1, "D") if end == end.normalize() else end


def _bare(moment: Any) -> "Timestamp":
    import pandas as pd

    stamp = pd.Timestamp(moment)
    return stamp if stamp.tz is None else stamp.tz_convert("UTC").tz_localize(None)


def date_text(moment: Any) -> str:
    """A date, with the time of day where it has one."""
    stamp = _bare(moment)
    return f"{stamp:%Y-%m-%d}" if stamp == stamp.normalize() else f"{stamp:%Y-%m-%d %H:%M}"


def _gaps(spans: "list[tuple[Timestamp, Timestamp]]") -> "list[tuple[Timestamp, Timestamp]]":
    found: list[tuple[Timestamp, Timestamp]] = []
    for (_, end), (start, _) in pairwise(sorted(spans)):
        if (start - end).total_seconds() > GAP_DAYS_MIN * 86_400:
            found.append((end, start))
    return found


def _spans(found: list[tuple[str, Span]], colour: str, word: str) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "base": [f"{start:%Y-%m-%d %H:%M}" for _, (start, _) in found],
        "x": [round((end - start).total_seconds() * 1_000) for _, (start, end) in found],
        "y": [name for name, _ in found],
        "customdata": [f"{start:%Y-%m-%d} to {end:%Y-%m-%d}" for _, (start, end) in found],
        "marker": {"color": f"var(--{colour})", "line": {"width": 0}},
        "hovertemplate": f"fold %{{y}}, {word}<br>%{{customdata}}<extra></extra>",
    }


def stitched_figure(view: FoldsView, equity: "Series[float]") -> Figure:
    """Out-of-sample equity of all folds in a row with its drawdown, and where folds meet."""
    level: Floats = np.asarray(equity, dtype=np.float64)
    fall = drawdowns(level)
    rows = kept_rows([level, fall], POINTS_MAX)
    x = moments(equity.index, rows)
    under = line(x, drawn(-fall[rows], SHARE_DIGITS), "drawdown", "drawdown", "%{y:.1%}")
    under |= {"yaxis": "y2", "fill": "tozeroy", "fillcolor": "var(--drawdown-fill)"}
    over = line(x, drawn(level[rows], LEVEL_DIGITS), "out of sample", "equity", "%{y:,.0f}")
    starts = [date_text(moment) for moment in view.folds["test_start"]]
    shapes = [upright(start, "benchmark") for start in starts[1:]]
    numbered = zip(view.folds["fold"], starts, strict=True) if len(starts) <= NUMBERED_MAX else ()
    layout = {
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "margin": {"t": 22},
        "xaxis": time_axis(equity.index) | {"anchor": "y2"},
        "yaxis": axis() | {"domain": [0.34, 1.0], "tickformat": "~s"},
        "yaxis2": axis() | {"domain": [0.0, 0.27], "tickformat": ".0%", "nticks": 4},
        "shapes": shapes,
        "annotations": [_above(start, str(name), "left") for name, start in numbered],
    }
    return {"data": [over, under], "layout": layout}


def _above(at: float | str, text: str, side: str) -> Figure:
    return {
        "x": at,
        "y": 1.0,
        "yref": "paper",
        "yanchor": "bottom",
        "xanchor": side,
        "text": plain(text),
        "showarrow": False,
        "font": {"color": "var(--quiet)"},
    }


def scores_figure(view: FoldsView, objective: str) -> Figure:
    """What each fold's choice scored where it was chosen, and where it had to hold."""
    names = _names(view)
    data: list[Figure] = [
        {
            "type": "bar",
            "x": names,
            "y": drawn(view.folds[column].to_numpy(dtype=np.float64), SHARE_DIGITS),
            "marker": {"color": f"var(--{colour})"},
            "hovertemplate": f"fold %{{x}}, {word}<br>%{{y:.4~g}}<extra></extra>",
        }
        for column, colour, word in (
            ("in_sample", "bar", "in sample"),
            ("out_of_sample", "ring", "out of sample"),
        )
    ]
    layout = {
        "barmode": "group",
        "bargap": 0.3,
        "hovermode": "closest",
        "xaxis": axis("fold") | {"type": "category", "showgrid": False, "fixedrange": True},
        "yaxis": axis(objective) | {"zeroline": True, "fixedrange": True},
    }
    return {"data": data, "layout": layout}


def choices_figure(view: FoldsView) -> Figure:
    """What each fold chose, one parameter under the other."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    shown = list(view.params)[:CHOICES_MAX]
    names = _names(view)
    height = (1.0 - PANEL_GAP * (len(shown) - 1)) / len(shown)
    data: list[Figure] = []
    layout: Figure = {"hovermode": "closest"}
    for place, name in enumerate(shown):
        on = "" if place == 0 else str(place + 1)
        top = 1.0 - place * (height + PANEL_GAP)
        column = view.folds[name]
        numeric = is_numeric_dtype(column) and not is_bool_dtype(column)
        values: list[Any] = column.tolist() if numeric else [plain(str(value)) for value in column]
        data.append(
            line(names, values, plain(name), "equity", "fold %{x}: %{y}<extra></extra>")
            | {"mode": "lines+markers", "marker": {"size": 6, "color": "var(--equity)"}}
            | ({"yaxis": f"y{on}"} if on else {})
        )
        layout[f"yaxis{on}"] = axis(name) | {
            "domain": [max(top - height, 0.0), top],
            "nticks": 4,
            "fixedrange": True,
        }
        if not numeric:
            layout[f"yaxis{on}"] |= {"type": "category"}
    last = "y" if len(shown) == 1 else f"y{len(shown)}"
    layout["xaxis"] = axis("fold") | {
        "type": "category",
        "anchor": last,
        "showgrid": False,
        "fixedrange": True,
    }
    return {"data": data, "layout": layout}


def matrix_figure(matrix: "DataFrame", objective: str) -> Figure:
    """What the choice of one fold scored in the test window of another."""
    values = matrix.to_numpy(dtype=np.float64)
    cells = heat(value_shades(values)) | {
        "x": [plain(str(name)) for name in matrix.columns],
        "y": [plain(str(name)) for name in matrix.index],
        "z": [drawn(row, SHARE_DIGITS) for row in values],
        "hovertemplate": "chosen in fold %{x}, tested in fold %{y}"
        f"<br>{plain(objective)} %{{z:.4~g}}<extra></extra>",
    }
    if max(values.shape) <= MATRIX_TEXT_MAX:
        cells |= {"texttemplate": "%{z:.2f}", "textfont": {"size": 10}}
    sides = {"type": "category", "showgrid": False, "zeroline": False, "fixedrange": True}
    layout = {
        "xaxis": axis("parameters chosen in fold") | sides,
        "yaxis": axis("tested in fold") | sides | {"autorange": "reversed"},
    }
    return {"data": [cells], "layout": layout}


def path_distribution(sharpes: Floats) -> Figure:
    """How many paths had which Sharpe ratio, with their median and their bad end."""
    count, edges = np.histogram(sharpes, bins=min(BINS_MAX, max(8, int(len(sharpes) ** 0.5))))
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
        "customdata": [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges.tolist())],
        "hovertemplate": "%{customdata}<br>%{y:,} paths<extra></extra>",
    }
    whole = {"dtick": 1} if count.max() <= WHOLE_MAX else {}
    middle, bad = float(np.median(sharpes)), float(np.quantile(sharpes, TAIL))
    layout = {
        "bargap": 0,
        "margin": {"t": 22},
        "xaxis": axis("Sharpe ratio out of sample") | {"fixedrange": True},
        "yaxis": axis("paths") | {"rangemode": "tozero", "fixedrange": True} | whole,
        "shapes": [upright(middle), upright(bad)],
        "annotations": [_above(middle, "median", "left"), _above(bad, "5%", "right")],
    }
    return {"data": [bars], "layout": layout}


def fan_figure(paths: "DataFrame") -> Figure:
    """Paths of equity, the middle one at each moment, and where nine in ten of them lie."""
    rows = even_subset(len(paths), FAN_POINTS_MAX, [0, len(paths) - 1])
    values = paths.to_numpy(dtype=np.float64)[rows]
    x = moments(cast("DatetimeIndex", paths.index), rows)
    ranked = np.argsort(values[-1], kind="stable")
    shown = ranked[np.unique(np.linspace(0, len(ranked) - 1, FAN_LINES_MAX).astype(np.int64))]
    single: Figure = line([], [], "paths", "gain", "")
    for column in shown.tolist():
        single["x"] += [*x, None]
        single["y"] += [*drawn(values[:, column], LEVEL_DIGITS), None]
    single |= {"hoverinfo": "skip", "opacity": 0.55}
    single["line"] |= {"width": 0.8}
    low, middle, high = np.nanquantile(values, [TAIL, 0.5, 1.0 - TAIL], axis=1)
    edges = [
        line(x, drawn(edge, LEVEL_DIGITS), name, "gain", "%{y:,.0f}")
        for edge, name in ((low, "5% of paths below"), (high, "5% of paths above"))
    ]
    edges[0]["line"] |= {"width": 0}
    edges[1]["line"] |= {"width": 0}
    edges[1] |= {"fill": "tonexty", "fillcolor": "var(--equity-fill)"}
    data = [*edges, single, line(x, drawn(middle, LEVEL_DIGITS), "median", "equity", "%{y:,.0f}")]
    layout: Figure = {
        "hovermode": "x unified",
        "xaxis": time_axis(paths.index),
        "yaxis": axis() | {"tickformat": "~s"},
    }
    return {"data": data, "layout": layout}

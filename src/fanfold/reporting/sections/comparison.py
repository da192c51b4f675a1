"""Runs beside each other: measures, curves, correlation, risk, years and months."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fanfold.reporting.figures.comparison import overlay_figure, run_colour, scatter_figure
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag, together
from fanfold.reporting.numbers import ABSENT, BREAK_EVEN, bps, count, measure, ratio
from fanfold.reporting.sections.returns import shade_bound, shaded
from fanfold.reporting.together import Together, told_apart
from fanfold.reporting.views import RunView

if TYPE_CHECKING:
    from pandas import DataFrame

GLANCE = (
    *("total_return", "cagr", "volatility", "sharpe", "max_drawdown"),
    *("exposure", "turnover", "round_trip_count"),
)
CORRELATION_SHADES = 3


def glance(runs: Sequence[RunView], *, linked: bool) -> Markup:
    """All runs beside each other, in the order given; a reader may sort by a measure."""
    names = [name for name in GLANCE if any(name in view.metrics for view in runs)]
    numbers = [[float(view.metrics.get(name, math.nan)) for name in names] for view in runs]
    rows = [
        [
            _name(label, place, linked=linked),
            *(
                measure(name).show(view.metrics[name]) if name in view.metrics else ABSENT
                for name in names
            ),
        ]
        for place, (label, view) in enumerate(zip(_labels(runs), runs, strict=True), start=1)
    ]
    heads = [measure(name).label for name in names]
    if any(view.robustness is not None for view in runs):
        heads += [BREAK_EVEN, "Sharpe, twice the cost", "Sharpe, one bar later"]
        for place, view in enumerate(runs):
            borne = _borne(view)
            rows[place] += [bps(borne[0]), ratio(borne[1]), ratio(borne[2])]
            numbers[place] += borne
    return table(["Run", *heads], rows, caption="Measures of all runs", values=numbers)


def _labels(runs: Sequence[RunView]) -> list[str]:
    return told_apart([view.name for view in runs])


def _name(name: str, place: int, *, linked: bool) -> Markup:
    mark = tag("i", class_=run_colour(place - 1), aria_hidden="true")
    text = tag("a", name, href=f"#run-{place}") if linked else tag("span", name)
    return tag("span", mark, text, class_="named")


def _borne(view: RunView) -> list[float]:
    found = view.robustness
    if found is None:
        return [math.nan] * 3
    even = math.nan if found.break_even_bps is None else found.break_even_bps
    later = [
        math.nan if metrics is None else float(metrics.get("sharpe", math.nan))
        for metrics in (found.twice_cost, found.one_bar_later)
    ]
    return [even, *later]


def curve_blocks(found: Together, gallery: Gallery) -> list[Markup]:
    """All curves in one figure."""
    legend = [(name, run_colour(place)) for place, name in enumerate(found.names)]
    since = (
        f"from {found.levels.index[0]:%Y-%m-%d} on, the first session that all have"
        if found.common
        else "each from its own first session on, as they share none"
    )
    return [
        gallery.show(
            overlay_figure(found),
            meaning="Equity of all runs over time, with drawdowns underneath",
            reading=f"What 100 became, {since}; below, how far each stood under its highest value."
            " On a log scale equal slopes are equal returns.",
            size="tall",
            legend=legend,
            log_scale=found.levels.to_numpy(dtype=np.float64),
        )
    ]


def relation_blocks(runs: Sequence[RunView], found: Together, gallery: Gallery) -> list[Markup]:
    """How runs go together, and what each gave for its risk."""
    return [
        tag(
            "div",
            tag(
                "div",
                tag("h3", "Correlation of daily returns"),
                tag(
                    "p",
                    "1 means that two runs are one bet, 0 that they are two; blue goes together,"
                    f" orange against. {count(found.session_count)} sessions are common to all.",
                    class_="reading",
                ),
                _correlation(found),
            ),
            gallery.show(
                scatter_figure(list(runs), found.names),
                meaning="Return a year over volatility a year",
                heading="Return for risk",
                reading="Up is more return, left is less risk: of two runs the upper left one is"
                " the better.",
            ),
            class_="pair",
        )
    ]


def _correlation(found: Together) -> Markup:
    rows = [
        [f"{place} {name}", *(_correlation_cell(float(value)) for value in row)]
        for place, (name, row) in enumerate(
            zip(found.names, found.correlation.to_numpy(dtype=np.float64), strict=True), start=1
        )
    ]
    heads = ["", *(str(place) for place in range(1, len(found.names) + 1))]
    return table(heads, rows, caption="Correlation of session returns", class_="matrix")


def _correlation_cell(value: float) -> Markup:
    if not math.isfinite(value):
        return tag("td", ABSENT, class_="number")
    shade = math.ceil(abs(value) * CORRELATION_SHADES - 0.5)
    name = "flat" if shade <= 0 else f"{'up' if value > 0 else 'down'}-{shade}"
    return tag("td", ratio(value), class_=f"number {name}")


def calendar_blocks(found: Together) -> list[Markup]:
    """Returns of all runs by year, and by month for those who ask."""
    note = "Returns in percent, a column a run: blue gained, orange lost, the darker the more."
    return [
        tag("p", note, class_="reading"),
        _calendar("Year", found.years, found),
        tag(
            "details",
            tag("summary", "Month by month"),
            _calendar("Month", found.months, found),
        ),
    ]


def _calendar(what: str, returns: "DataFrame", found: Together) -> Markup:
    values = returns.to_numpy(dtype=np.float64)
    bound = shade_bound(values)
    rows = [
        [str(when), *(shaded(float(value), bound) for value in row)]
        for when, row in zip(returns.index, values, strict=True)
    ]
    return together(
        [
            table(
                [what, *found.names],
                rows,
                caption=f"Returns by {what.lower()}, a column a run",
                class_="calendar",
            )
        ]
    )

"""The head of a run: what it came to, its curve, its measures."""

from collections.abc import Mapping

import numpy as np

from fanfold.reporting.figures.equity import equity_figure
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, tag, together
from fanfold.reporting.numbers import (
    BREAK_EVEN,
    PERFORMANCE,
    PERIODS_PER_YEAR,
    RELATIVE,
    TRADING,
    Measure,
    bps,
    measure,
    money,
    parameter,
    percent,
    plain,
)
from fanfold.reporting.sections.risk.paths import verdict
from fanfold.reporting.series import drawdowns
from fanfold.reporting.views import RunView, Value

HEADLINES = ("total_return", "cagr", "sharpe", "max_drawdown", "round_trip_count")


def summary_blocks(view: RunView, gallery: Gallery) -> list[Markup]:
    """What the run came to, for a reader who has one minute."""
    notes = [tag("li", note) for note in view.notes]
    findings = [tag("li", finding) for finding in view.findings]
    if view.stale_equity != 0.0:
        stale = f"{money(view.stale_equity)} of the final equity stands at prices that are too old."
        findings.append(tag("li", stale))
    legend = [(view.name, "equity")]
    if view.benchmark is not None:
        legend.append((f"{view.benchmark_name}, from the same capital", "benchmark"))
    legend.append(("Drawdown", "drawdown"))
    return [
        parameters(view.params),
        tag("ul", *notes, class_="notes") if notes else Markup(),
        tag("div", tag("p", "Findings"), tag("ul", *findings), class_="warning", role="note")
        if findings
        else Markup(),
        headlines(view),
        _risk(view),
        gallery.show(
            equity_figure(view),
            meaning=f"Equity of {view.name} over time, with its drawdown underneath",
            reading="Above, what the account was worth; below, how far it stood under its"
            " highest value so far: the less and the shorter, the easier to hold.",
            size="tall",
            legend=legend,
            log_scale=np.asarray(view.equity, dtype=np.float64),
        ),
        tag("h3", "Measures"),
        measures(view),
    ]


def parameters(params: Mapping[str, Value]) -> Markup:
    """Parameters in one line, as they would be typed."""
    pairs = [tag("span", f"{name} ", tag("b", parameter(value))) for name, value in params.items()]
    return tag("p", *pairs, class_="parameters") if pairs else Markup()


def headlines(view: RunView) -> Markup:
    """The few figures that are read first, with the benchmark's where it has them."""
    beside: dict[str, str] = {}
    if view.benchmark is not None:
        level = np.asarray(view.benchmark, dtype=np.float64)
        level = level[np.isfinite(level)]
        if len(level):
            beside = {
                "total_return": percent(float(level[-1] / level[0] - 1.0)),
                "max_drawdown": percent(float(drawdowns(level).max())),
            }
    tiles: list[Markup] = []
    for name in HEADLINES:
        if name in view.metrics:
            words = measure(name)
            shown = [tag("dt", words.label), tag("dd", words.show(view.metrics[name]))]
            if name in beside:
                note = f"{view.benchmark_name}: {beside[name]}"
                shown.append(tag("dd", note, class_="beside"))
            tiles.append(tag("div", *shown))
    if view.robustness is not None and view.robustness.break_even_bps is not None:
        value = bps(view.robustness.break_even_bps)
        tiles.append(tag("div", tag("dt", BREAK_EVEN), tag("dd", value)))
    return tag("dl", *tiles, class_="tiles") if tiles else Markup()


def _risk(view: RunView) -> Markup:
    if view.risk is None or not view.risk.horizons:
        return Markup()
    return tag("p", verdict(view.risk), class_="verdict")


def measures(view: RunView) -> Markup:
    """Every measure of a run, in groups, with the convention that they share."""
    known = {**PERFORMANCE, **TRADING, **RELATIVE}
    other = {name: measure(name) for name in view.metrics if name not in {*known, PERIODS_PER_YEAR}}
    groups: list[tuple[str, Mapping[str, Measure]]] = [
        ("Return and risk", PERFORMANCE),
        ("Trading", TRADING),
        (f"Against {view.benchmark_name}", RELATIVE if view.benchmark is not None else {}),
        ("Other", other),
    ]
    lists: list[Markup] = []
    for title, group in groups:
        rows = [
            tag("div", tag("dt", words.label), tag("dd", words.show(view.metrics[name])))
            for name, words in group.items()
            if name in view.metrics
        ]
        if rows:
            lists.append(tag("div", tag("h4", title), tag("dl", *rows, class_="measures")))
    shown = tag("div", *lists, class_="columns")
    if PERIODS_PER_YEAR not in view.metrics:
        return shown
    periods = plain(view.metrics[PERIODS_PER_YEAR])
    return together(
        [shown, tag("p", f"Figures a year count {periods} periods a year.", class_="small")]
    )

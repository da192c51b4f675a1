"""Was it luck? The same strategy on prices that never were."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fanfold.reporting.figures.plot import Floats
from fanfold.reporting.figures.risk.simulated import Form, simulated_figure
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import ABSENT, count, measure, percent
from fanfold.reporting.risk_views import RiskView
from fanfold.reporting.sections.risk.words import (
    SIGNIFICANCE,
    capital,
    cell,
    chance,
    chance_between,
    noted,
)
from fanfold.reporting.sweeps import outcomes_of

if TYPE_CHECKING:
    from fanfold.research.simulated_runs import SimulatedRuns, Standing

FORMS: Mapping[str, Form] = {
    "sharpe": (".2~f", ".2f", 0.0),
    "total_return": (",.0~%", ".0%", 0.0),
    "max_drawdown": (",.0~%", ".1%", None),
}
"""Metrics that are drawn: the first is the one of the verdict."""
TOLD = (*FORMS, "cagr", "calmar", "profit_factor")
"""Metrics whose standing is told."""
IGNORED = "ignored"
"""What the label says where the choice of parameters was not repeated."""
OK = "ok"


def simulated_blocks(view: RiskView, gallery: Gallery) -> list[Markup]:
    """What was done about selection, where the real result stands, and the histories."""
    found = view.simulated
    if found is None or found.path_count == 0:
        return []
    return [
        *_verdict(view, found),
        tag("p", _reading(view, found), class_="reading"),
        _standings(found),
        *_histograms(found, gallery),
        *_outcomes(found),
    ]


def _verdict(view: RiskView, found: "SimulatedRuns") -> list[Markup]:
    name = next(iter(FORMS))
    standing = found.standing(name)
    label = measure(name).label
    label = label[0].lower() + label[1:] if not label.startswith("Sharpe") else label
    ignored = [_ignored(found)] if IGNORED in found.selection else []
    if standing.known_count == 0 or math.isnan(standing.p_value):
        whose = "any history" if standing.known_count == 0 else "the real run"
        unknown = tag("b", f"The {label} of {whose} is not known.")
        return [*ignored, tag("p", unknown, class_="warning")]
    good = standing.p_value < SIGNIFICANCE
    prices = f" of {view.simulated_prices}" if view.simulated_prices else ""
    head = (
        f"Only {chance(standing.exceedance.value)} of {count(found.path_count)} histories{prices}"
        f" did as well: prices like these rarely give a {label} of"
        f" {measure(name).show(standing.real)}."
        if good
        else f"{capital(chance(standing.exceedance.value))} of {count(found.path_count)} histories"
        f"{prices} did as well: a {label} of {measure(name).show(standing.real)} is what such"
        " prices give anyhow."
    )
    if ignored:
        return [*ignored, tag("p", tag("b", head), class_="verdict")]
    told = tag("p", tag("b", head), class_="verdict good" if good else "warning")
    return [told, tag("p", f"{capital(found.selection)}, and as much on the real prices.")]


def _ignored(found: "SimulatedRuns") -> Markup:
    return tag(
        "div",
        tag("p", f"{capital(found.selection)}."),
        "The parameters were run as they are. If they were chosen, it was with the real prices in"
        " view, and nothing was chosen on the histories: the real result has an advantage that"
        " these p-values do not take off. Read them as too good.",
        class_="warning",
        role="note",
    )


def _reading(view: RiskView, found: "SimulatedRuns") -> str:
    prices = f" made as {view.simulated_prices}" if view.simulated_prices else ""
    return (
        f"{found.strategy} was run on {count(found.path_count)} price histories{prices}, and once"
        " on the real one. The percentile is the share of histories below the real figure. The"
        " p-value is the chance that a history does at least as well, the real one counted among"
        " them; the interval is that of its share over ever more histories. A history without a"
        " figure counts as if it had done better. Small is good, below"
        f" {percent(SIGNIFICANCE)} convincing."
    )


def _standings(found: "SimulatedRuns") -> Markup:
    rows: list[list[str]] = []
    for name in TOLD:
        if name not in found.drawn:
            continue
        standing, show = found.standing(name), measure(name).show
        known = _known(found, name)
        rows.append(
            [
                noted(measure(name).label),
                show(standing.real),
                _p_value(standing),
                percent(standing.percentile),
                show(float(np.median(known)) if len(known) else math.nan),
                count(float(standing.unknown_count)),
            ]
        )
    heads = ["Measure", "Real", _p_head(found), "Percentile", "Median history", "Not known"]
    caption = f"Standing of the real result among simulated histories, {found.selection}"
    return table(heads, rows, caption=caption)


def _p_head(found: "SimulatedRuns") -> str:
    return f"p-value, {found.selection}" if IGNORED in found.selection else "p-value, re-tuned"


def _p_value(standing: "Standing") -> Markup:
    exceeded = standing.exceedance
    return cell(chance(standing.p_value), chance_between(exceeded.low, exceeded.high))


def _histograms(found: "SimulatedRuns", gallery: Gallery) -> list[Markup]:
    shown: list[Markup] = []
    for name, form in FORMS.items():
        known = _known(found, name) if name in found.drawn else np.empty(0)
        if len(known) == 0:
            continue
        standing, words = found.standing(name), measure(name)
        shown.append(
            gallery.show(
                simulated_figure(known, standing.real, title=words.label, form=form),
                meaning=f"{words.label} over simulated histories, with the real one marked",
                heading=words.label,
                reading=f"The real run ({words.show(standing.real)}) is the full line; it stands at"
                f" percentile {percent(standing.percentile)}"
                f"{f' ({found.selection})' if IGNORED in found.selection else ''}.",
            )
        )
    if len(shown) < 2:  # noqa: PLR2004  (one figure has the width for itself)
        return shown
    first, *others = shown
    return [first, tag("div", *others, class_="pair")]


def _outcomes(found: "SimulatedRuns") -> list[Markup]:
    if found.counts.get(OK, 0) == found.path_count:
        return []
    import pandas as pd

    told = ", ".join(f"{count(number)} {status}" for status, number in found.counts.items())
    outcomes = outcomes_of(pd.DataFrame({"status": found.statuses, "reason": found.reasons}))
    rows = [
        [status, reason or ABSENT, count(number), percent(number / found.path_count)]
        for status, reason, number in outcomes
    ]
    heads = ["Status", "Reason", "Histories", "Share"]
    return [
        tag("h3", "What became of the histories"),
        tag("p", f"{told}.", class_="reading"),
        table(heads, rows, caption="Histories by what became of them", text_columns=2),
    ]


def _known(found: "SimulatedRuns", name: str) -> Floats:
    values = found.drawn[name]
    return values[np.isfinite(values)]

"""How large a stake: growth and ruin of the same paths at several sizes."""

import math
from typing import TYPE_CHECKING

from fanfold.reporting.figures.risk.sizing import sizing_figure
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import ABSENT, count, percent, ratio, times
from fanfold.reporting.risk_views import RiskView
from fanfold.reporting.sections.risk.words import (
    chance,
    estimated_chance,
    first_level,
    level_name,
    noted,
)

if TYPE_CHECKING:
    from fanfold.research.sizing_risk import SizedRisk, SizingRisk

GROWTH_SHOWN_MIN = -10.0
"""A mean log growth below this is of paths that lost everything, and its size says nothing [1]."""


def sizing_blocks(view: RiskView, gallery: Gallery) -> list[Markup]:
    """Sizes side by side, the fastest first told."""
    found = view.sizing
    if found is None or not found.rows:
        return []
    names = [_name(row, view.bar_name) for row in found.rows]
    medians = [_median(row) for row in found.rows]
    ruins = [row.risk.probability_of_ruin.value for row in found.rows]
    return [
        tag("p", tag("b", _verdict(found, names)), class_="verdict"),
        tag("p", _reading(view, found), class_="reading"),
        gallery.show(
            sizing_figure(names, medians, ruins),
            meaning="Median return and chance of ruin by the size of the stake",
            heading="What a larger stake brings, and what it costs",
            reading=f"Above, what the path in the middle made over {count(found.bar_count)}"
            f" {view.bar_name}s; below, how many paths were ever at"
            f" {ratio(found.rows[0].risk.ruin)} of the start or less. Beyond the fastest stake"
            " there is more ruin for less growth.",
            size="heat",
        ),
        _table(found, names),
    ]


def _verdict(found: "SizingRisk", names: list[str]) -> str:
    best = max(range(len(names)), key=lambda place: found.rows[place].growth_median)
    row = found.rows[best]
    ruin = chance(row.risk.probability_of_ruin.value)
    if row.growth_median <= 0.0:
        return (
            f"No size makes the path in the middle grow; the one that loses least is {names[best]},"
            f" with {ruin} of the paths ruined."
        )
    return (
        f"The path in the middle grows most at {names[best]}, by {percent(_median(row))}, with"
        f" {ruin} of the paths ruined."
    )


def _reading(view: RiskView, found: "SizingRisk") -> str:
    model = f" of one model, {view.sizing_model}" if view.sizing_model else ""
    text = (
        f"All sizes are followed along the same {count(found.path_count)} paths{model}, restored at"
        f" every {view.bar_name}, without costs."
    )
    if not any(row.rule == "kelly" for row in found.rows):
        return text
    weights = ", ".join(times(weight) for weight in found.kelly)
    found_on = f"found on {count(found.kelly_bars)} drawn bars" if found.kelly_bars else "as given"
    return (
        f"{text} Full Kelly is {weights} of equity, {found_on}: the stake that grows fastest if the"
        " model is right. Models are not right, and too large a stake costs more than one that is"
        " too small by as much."
    )


def _table(found: "SizingRisk", names: list[str]) -> Markup:
    first = found.rows[0].risk
    level = first_level(first.levels)
    heads = ["Size", "Gross weight", "Mean log growth", "Median value of 1"]
    heads += [f"Ever at {ratio(first.ruin)} or less", "The same for ever, continuous"]
    heads += [f"Ever at {ratio(first.goal)} or more", "Median drawdown"]
    heads += [f"VaR {level_name(level)}"]
    rows = [
        [
            noted(name),
            times(sum(map(abs, row.weights))),
            _growth(row, found.bar_count),
            ratio(row.risk.terminal_value.quantile(0.5).value),
            estimated_chance(row.risk.probability_of_ruin),
            ABSENT if row.ruin_continuous is None else chance(row.ruin_continuous),
            chance(row.risk.probability_of_goal.value),
            percent(row.risk.max_drawdown.quantile(0.5).value),
            percent(row.risk.value_at_risk[level].value),
        ]
        for name, row in zip(names, found.rows, strict=True)
    ]
    return table(heads, rows, caption="Growth and ruin by the size of the stake")


def _growth(row: "SizedRisk", bars: int) -> str:
    growth = row.growth_mean.value * bars
    return percent(growth) if growth > GROWTH_SHOWN_MIN else "a path lost all"


def _median(row: "SizedRisk") -> float:
    return math.expm1(row.growth_median * row.risk.bar_count)


def _name(row: "SizedRisk", bar_name: str) -> str:
    if row.rule == "kelly":
        return "full Kelly" if row.size == 1.0 else f"{row.size:g} Kelly"
    if row.rule == "fixed":
        return f"{100 * row.size:.4g}% held"
    return f"{100 * row.size:.3g}% volatility a {bar_name}"

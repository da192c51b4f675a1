"""Models beside each other: every figure of each, and how it was fitted."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import count, percent, ratio
from fanfold.reporting.risk_views import HorizonView, RiskView
from fanfold.reporting.sections.risk.words import (
    cell,
    chance,
    estimated,
    estimated_chance,
    first_level,
    level_name,
    noted,
)

if TYPE_CHECKING:
    from fanfold.simulation.distribution import Estimate
    from fanfold.simulation.path_risk import PathRisk

Line = tuple[str, Callable[["PathRisk"], "Estimate"], Callable[[float], str]]
"""Name of a figure, where it is, and how it is shown."""

MEAN = "Mean value of 1"


def model_table(view: RiskView) -> Markup:
    """A column a model, a row a figure, with 95 % intervals; first how far models differ."""
    several = len(view.horizons) > 1
    rows: list[list[str]] = []
    for name, take, show in _lines(view):
        found = [take(one.risk) for one in view.horizons]
        values = [each.value for each in found]
        if name == MEAN:
            cells = [_mean(each) for each in found]
        elif show is chance:
            cells = [estimated_chance(each) for each in found]
        else:
            cells = [estimated(each, show) for each in found]
        apart = [cell(show(min(values)), f"to {show(max(values))}")] if several else []
        rows.append([noted(name), *apart, *cells])
    heads = ["", *(["All models"] if several else [])]
    heads += [one.title for one in view.horizons]
    return table(heads, rows, caption="Figures of all models with their 95% intervals")


def left_out(view: RiskView) -> Markup:
    """Models that could not be fitted, and why."""
    if not view.refused:
        return Markup()
    rows = [tag("li", f"{name}: {reason}") for name, reason in view.refused.items()]
    told = tag("p", "Left out, as they could not be fitted:", class_="small")
    return tag("div", told, tag("ul", *rows, class_="notes"))


def fitted_models(view: RiskView) -> Markup:
    """Parameters of each model, for those who ask."""
    told = [one for one in view.horizons if one.parameters or one.seconds is not None]
    if not told:
        return Markup()
    return tag("details", tag("summary", "The models as they were fitted"), *map(_fitted, told))


def _lines(view: RiskView) -> list[Line]:
    risk = view.horizons[0].risk
    levels, bad = sorted(risk.levels), first_level(risk.levels)
    lines: list[Line] = [
        *((f"VaR {level_name(level)}", partial(_var, level), percent) for level in levels),
        *((f"ES {level_name(level)}", partial(_shortfall, level), percent) for level in levels),
        (MEAN, lambda one: one.terminal_value.mean, ratio),
        ("Median value of 1", lambda one: one.terminal_value.quantile(0.5), ratio),
    ]
    for name, level in (("median", 0.5), (level_name(bad), bad)):
        lines.append((f"Drawdown, {name}", partial(_depth, level), percent))
    for name, level in (("median", 0.5), (level_name(bad), bad)):
        lines.append((f"Longest, {name}", partial(_longest, level), count))
    return [
        *lines,
        (f"Ever at {ratio(risk.ruin)} or less", lambda one: one.probability_of_ruin, chance),
        (f"Ever at {ratio(risk.goal)} or more", lambda one: one.probability_of_goal, chance),
    ]


def _var(level: float, risk: "PathRisk") -> "Estimate":
    return risk.value_at_risk[level]


def _shortfall(level: float, risk: "PathRisk") -> "Estimate":
    return risk.expected_shortfall[level]


def _depth(level: float, risk: "PathRisk") -> "Estimate":
    return risk.max_drawdown.quantile(level)


def _longest(level: float, risk: "PathRisk") -> "Estimate":
    return risk.drawdown_bars.quantile(level)


def _mean(found: "Estimate") -> Markup:
    """Tails may be so long that a model has no mean: its error says so before its value does."""
    if found.low > 0.0:
        return estimated(found, ratio)
    return cell(ratio(found.value), "by few paths")


def _fitted(one: HorizonView) -> Markup:
    lines = list(one.parameters)
    if one.seconds is not None:
        lines.append(f"{count(one.risk.path_count)} paths were followed in {one.seconds:.2f} s")
    items = (tag("li", text) for text in lines)
    return tag("div", tag("h4", one.title), tag("ul", *items, class_="notes"))

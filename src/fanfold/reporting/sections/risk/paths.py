"""What may come: several models of the same returns, followed over the same time."""

from collections.abc import Callable, Sequence

from fanfold.reporting.figures.plot import Figure
from fanfold.reporting.figures.risk.paths import (
    disagreement_figure,
    drawdown_figures,
    fan_figures,
    terminal_figures,
)
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, tag
from fanfold.reporting.numbers import count, percent, ratio
from fanfold.reporting.risk_views import RiskView
from fanfold.reporting.sections.risk.models import fitted_models, left_out, model_table
from fanfold.reporting.sections.risk.words import (
    between,
    chance,
    first_level,
    level_name,
    middle,
    one_in,
    spread,
    tiles,
)

LOW_ROWS_MAX = 4
"""Up to so many models have a low figure."""


def paths_blocks(view: RiskView, gallery: Gallery) -> list[Markup]:
    """One sentence, how far the models agree, all of their figures, and their paths."""
    if not view.horizons:
        return [tag("p", "No model could be followed."), left_out(view)] if view.refused else []
    level = first_level(view.horizons[0].risk.levels)
    blocks = [
        tag("p", tag("b", verdict(view)), class_="verdict"),
        _tiles(view, level),
        tag("p", _measured(view), class_="reading"),
        _unknown(view, level),
        _disagreement(view, level, gallery),
        tag("h3", "Model beside model" if len(view.horizons) > 1 else "All figures"),
        model_table(view),
        left_out(view),
    ]
    fans = fan_figures(view.horizons, view.bar_name)
    if fans:
        blocks.append(_fans(view, fans, gallery))
    blocks += [_distributions(view, level, gallery), fitted_models(view)]
    return blocks


def verdict(view: RiskView) -> str:
    """What the models say of the loss that few paths pass, in one sentence."""
    first = view.horizons[0]
    level = first_level(first.risk.levels)
    found = [one.risk.value_at_risk[level] for one in view.horizons]
    values = [each.value for each in found]
    who = one_in(level, "path")
    if len(found) == 1:
        beside = (
            f"{first.title}; 95% interval {between(found[0].low, found[0].high, percent)}"
            if values[0] >= 0.0
            else first.title
        )
    else:
        beside = f"{len(found)} models: {_losses(values)}"
    value = middle(values)
    told = (
        f"loses more than {percent(value)}"
        if value >= 0.0
        else f"ends with a gain of less than {percent(-value)}, or with a loss"
    )
    return f"Over {_bars(view)}, {who} {told} ({beside})."


def _losses(values: Sequence[float]) -> str:
    if min(values) >= 0.0:
        return spread(values, percent)
    return f"{_told(min(values))} to {_told(max(values))}"


def _told(loss: float) -> str:
    return f"a loss of {percent(loss)}" if loss >= 0.0 else f"a gain of {percent(-loss)}"


def _bars(view: RiskView) -> str:
    bars = view.horizons[0].risk.bar_count
    return f"{count(bars)} {view.bar_name}{'' if bars == 1 else 's'}"


def _paths(view: RiskView) -> str:
    counts = [float(one.risk.path_count) for one in view.horizons]
    return f"{spread(counts, count)} paths"


def _tiles(view: RiskView, level: float) -> Markup:
    risks = [one.risk for one in view.horizons]
    first = risks[0]
    several = len(risks) > 1

    def tile(name: str, values: Sequence[float], show: Callable[[float], str]) -> tuple[str, ...]:
        return name, show(middle(values)), f"models: {spread(values, show)}" if several else ""

    rows = [
        tile(f"VaR {level_name(level)}", [r.value_at_risk[level].value for r in risks], percent),
        tile(
            f"ES {level_name(level)}",
            [r.expected_shortfall[level].value for r in risks],
            percent,
        ),
        tile("Median value of 1", [r.terminal_value.quantile(0.5).value for r in risks], ratio),
        tile("Median drawdown", [r.max_drawdown.quantile(0.5).value for r in risks], percent),
        tile(
            f"Ever at {ratio(first.ruin)} or less",
            [r.probability_of_ruin.value for r in risks],
            chance,
        ),
        tile(
            f"Ever at {ratio(first.goal)} or more",
            [r.probability_of_goal.value for r in risks],
            chance,
        ),
    ]
    return tiles([(name, value, note) for name, value, note in rows])


def _measured(view: RiskView) -> str:
    models = "Each of these models was" if len(view.horizons) > 1 else "The model was"
    fitted = f"fitted to {view.fitted_to} and " if view.fitted_to else ""
    shown = "; large figures are those of the model in the middle" if len(view.horizons) > 1 else ""
    return (
        f"{models} {fitted}followed over {_bars(view)} on {_paths(view)}{shown}. Everything is"
        " measured at closes: what happens between two of them is not seen. Value at risk (VaR)"
        " is the loss at the end that all but the worst paths stay within, expected shortfall (ES)"
        " the mean loss of those worst; a positive figure is a loss. The longest drawdown, in"
        f" {view.bar_name}s, goes from a peak until it is passed again, or to the end."
    )


def _unknown(view: RiskView, level: float) -> Markup:
    found = [one.risk.value_at_risk[level] for one in view.horizons]
    values = [each.value for each in found]
    widest = max(each.high - each.low for each in found)
    said: list[str] = []
    if len(found) > 1:
        said.append(
            f"Models disagree: VaR {level_name(level)} goes from {percent(min(values))} to"
            f" {percent(max(values))}, {_points(max(values) - min(values))} apart, while the widest"
            f" 95% interval of one model is {_points(widest)}. The intervals say how well the paths"
            " know their own model, not how well the model knows the market."
        )
    else:
        said.append(
            "One model has nothing to disagree with: its 95% interval says how well the paths know"
            " the model, not how well the model knows the market."
        )
    said.append(
        "Each model is taken as it was fitted: that its parameters are estimates, and that what is"
        " to come may be unlike what it was fitted to, is in none of the figures."
    )
    return tag(
        "div",
        tag("p", "What these figures do not know"),
        tag("ul", *(tag("li", text) for text in said)),
        class_="warning",
        role="note",
    )


def _points(width: float) -> str:
    return f"{100 * width:.1f} points"


def _disagreement(view: RiskView, level: float, gallery: Gallery) -> Markup:
    if len(view.horizons) == 1:
        return Markup()
    return gallery.show(
        disagreement_figure(view.horizons, level),
        meaning=f"Value at risk and expected shortfall at {level_name(level)} of each model",
        heading="How far the models disagree",
        reading=f"Losses over {_bars(view)}, a row a model; whiskers are 95% intervals, often"
        " narrower than the mark. The distance between rows is what choosing a model decides.",
        size="low" if len(view.horizons) <= LOW_ROWS_MAX else "middle",
        legend=[
            (f"value at risk {level_name(level)}", "equity"),
            (f"expected shortfall {level_name(level)}", "drawdown"),
        ],
    )


def _fans(view: RiskView, fans: Sequence[tuple[str, Figure]], gallery: Gallery) -> Markup:
    fanned = [one for one in view.horizons if one.fan]
    levels = [level_name(level) for level in sorted(fanned[0].fan)]
    bands = " and ".join(
        f"from {low} to {high}"
        for low, high in zip(levels[: len(levels) // 2], reversed(levels), strict=False)
    )
    paths = spread([float(one.fan_paths) for one in fanned], count)
    return gallery.choose(
        fans,
        what="Model",
        meaning="Quantiles of value over the time ahead, with a few single paths",
        heading="The fan of what may come",
        reading=f"What 1 may become: at each moment the bands go {bands} of the paths, and the line"
        " is the one in the middle. Thin lines are single paths: none follows a quantile. Drawn"
        f" from the first {paths} paths; all models are on one scale.",
        legend=[("median", "equity"), ("quantiles", "gain"), ("a path", "benchmark")],
        size="heat",
    )


def _distributions(view: RiskView, level: float, gallery: Gallery) -> Markup:
    shown = [
        gallery.choose(
            terminal_figures(view.horizons, level),
            what="Model",
            meaning="Distribution of the value at the end",
            heading="What 1 becomes",
            reading=f"Share of paths by their value after {_bars(view)}; below 1 they lost. The"
            " outermost bars hold all that lies beyond.",
        ),
        gallery.choose(
            drawdown_figures(view.horizons, level),
            what="Model",
            meaning="Distribution of the deepest drawdown of a path",
            heading="How deep it falls on the way",
            reading="Share of paths by their deepest drawdown, wherever they end: plan to sit"
            f" through the median, and be able to sit through the {level_name(level)}.",
        ),
    ]
    return tag("div", *shown, class_="pair")

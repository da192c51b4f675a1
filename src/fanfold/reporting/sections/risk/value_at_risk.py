"""Forecasts of the loss of one session, and whether they held."""

from collections.abc import Sequence

from fanfold.reporting.figures.risk.value_at_risk import LEVELS_DRAWN_MAX, forecast_figure
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import count, percent
from fanfold.reporting.risk_views import ForecastView, RiskView
from fanfold.reporting.sections.risk.words import (
    SIGNIFICANCE,
    capital,
    chance,
    dotted,
    first_level,
    level_name,
    noted,
)

METHODS = {
    "historical": "quantile of the window",
    "gaussian": "normal of the window",
    "cornish_fisher": "normal bent to the window's skew and tails",
    "ewma": "normal with today's volatility",
    "filtered_historical": "the window's tail at today's volatility",
}
"""What each method takes for the loss."""
ZONES = {"green": "series-3", "yellow": "series-5", "red": "series-7"}
"""Colour of each zone of the traffic light."""


def forecast_blocks(view: RiskView, gallery: Gallery) -> list[Markup]:
    """How many methods held, each with its tests, and what it forecast beside what came."""
    if not view.forecasts or view.dates is None or view.returns is None:
        return []
    held = any(_holds(one) for one in view.forecasts)
    return [
        tag("p", *_verdict(view), class_="verdict" if held else "warning"),
        tag("p", _reading(view), class_="reading"),
        _table(view),
        _methods(view),
        gallery.choose(
            [
                (_method(name), forecast_figure(shown, view.dates, view.returns))
                for name, shown in _drawn(view).items()
            ],
            what="Method",
            meaning="Returns of sessions with the forecast value at risk and its exceptions",
            heading="Forecast and return",
            reading="Lines are the losses that were forecast for each session from the sessions"
            " before it, points the returns beyond them. Good forecasts are passed as often as"
            " they say, and not in clusters.",
            legend=_legend(view),
            size="heat",
        ),
    ]


def _verdict(view: RiskView) -> list[Markup | str]:
    held = [one for one in view.forecasts if _holds(one)]
    head = f"{count(len(held))} of {count(len(view.forecasts))} forecasts hold at 5%."
    told: list[str] = []
    for level in sorted({one.level for one in view.forecasts}):
        names = [_method(one.method) for one in held if one.level == level]
        told.append(f"at {level_name(level)} {', '.join(names) if names else 'none'}")
    return [tag("b", head), f" {capital('; '.join(told))}."]


def _reading(view: RiskView) -> str:
    bars = sorted({one.backtest.kupiec.bar_count for one in view.forecasts})
    sessions = " or ".join(count(each) for each in bars)
    return (
        f"Each of {sessions} sessions had its loss forecast from the sessions before it alone."
        " Kupiec's test asks whether losses beyond the forecast were as many as they should be,"
        " Christoffersen's whether they also came independently of the session before; the"
        " traffic light only whether they were too many. p-values are how often right forecasts"
        f" would look as bad: below {percent(SIGNIFICANCE)} a forecast does not hold. Of many"
        " right forecasts one in twenty fails by luck."
    )


def _table(view: RiskView) -> Markup:
    heads = ["Method", "Level", "Traffic light", "Verdict at 5%", "Expected", "Found"]
    heads += ["Kupiec p", "Christoffersen p", "Mean loss beyond"]
    rows = [_row(one) for one in view.forecasts]
    return table(heads, rows, caption="Forecasts of value at risk and their tests", text_columns=4)


def _methods(view: RiskView) -> Markup:
    told = [
        tag("li", f"{_method(name)}: {METHODS[name]}")
        for name in dict.fromkeys(one.method for one in view.forecasts)
        if name in METHODS
    ]
    if not told:
        return Markup()
    words = tag("ul", *told, class_="notes")
    return tag("details", tag("summary", "What each method takes"), words)


def _row(one: ForecastView) -> list[str]:
    found = one.backtest
    zone = str(found.traffic_light.zone)
    return [
        noted(_method(one.method)),
        level_name(one.level),
        dotted(zone, ZONES.get(zone, "benchmark")),
        "holds" if _holds(one) else tag("b", f"fails {' and '.join(_failed(one))}"),
        f"{found.kupiec.expected_count:,.1f}",
        count(float(found.kupiec.exception_count)),
        chance(float(found.kupiec.p_value)),
        chance(float(found.christoffersen.p_value)),
        percent(float(found.mean_loss_beyond)),
    ]


def _failed(one: ForecastView) -> list[str]:
    tests = {
        "Kupiec": one.backtest.kupiec.passes(SIGNIFICANCE),
        "Christoffersen": one.backtest.christoffersen.passes(SIGNIFICANCE),
    }
    return [name for name, passed in tests.items() if not passed]


def _holds(one: ForecastView) -> bool:
    return not _failed(one)


def _method(name: str) -> str:
    return name.replace("_", " ")


def _drawn(view: RiskView) -> dict[str, list[ForecastView]]:
    """Forecasts by method, at the levels that are drawn, the lower first."""
    levels = _levels(view)
    found: dict[str, list[ForecastView]] = {}
    for level in levels:
        for one in view.forecasts:
            if one.level == level:
                found.setdefault(one.method, []).append(one)
    return found


def _levels(view: RiskView) -> Sequence[float]:
    known = sorted({one.level for one in view.forecasts})
    if len(known) <= LEVELS_DRAWN_MAX:
        return known
    return sorted({first_level(known), known[-1]})


def _legend(view: RiskView) -> list[tuple[str, str]]:
    levels = _levels(view)
    shown = [("return", "benchmark"), (f"−VaR {level_name(levels[0])}", "equity")]
    if len(levels) > 1:
        shown.append((f"−VaR {level_name(levels[1])} and beyond it", "second"))
    return [*shown, (f"beyond VaR {level_name(levels[0])}", "loss-line")]

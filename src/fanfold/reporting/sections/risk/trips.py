"""What chance would have made of the same round trips."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fanfold.reporting.figures.risk.trips import trips_figure
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import bps, count, measure, percent
from fanfold.reporting.risk_views import RiskView
from fanfold.reporting.sections.risk.words import chance

if TYPE_CHECKING:
    from fanfold.research.round_trips import Drawn, TripTest

TESTS = {"shuffle": "In other orders", "block": "Drawn anew", "noise": "With noise"}
QUESTIONS = {
    "shuffle": "In other orders asks whether the way there was lucky: the end is the same in every"
    " order, the drawdown is not. A real drawdown far to the left was a lucky order.",
    "block": "Drawn anew asks what else such trips could have come to, blocks of them at a time.",
    "noise": "With noise makes every trip a little better or worse: what changes much hangs on"
    " exact fills.",
}
FIGURES = {
    "total_return": ("Trips compounded", ",.0~%"),
    "max_drawdown": ("Deepest drawdown", ",.0~%"),
    "losing_streak": ("Longest run of losers", "d"),
}
DRAWN = ("max_drawdown", "total_return")
SHOWN_LEVELS = (0.05, 0.5, 0.95)


def redrawn_blocks(view: RiskView, gallery: Gallery) -> list[Markup]:
    """Tests of round trips: where the real figures stand among drawn ones."""
    made = [one for one in view.trips if one.distributions]
    blocks: list[Markup] = []
    if made:
        blocks += [
            tag("p", tag("b", _verdict(made)), class_="verdict"),
            tag("p", _reading(made), class_="reading"),
            _table(made),
            *_figures(made, gallery),
        ]
    missing = [
        tag("li", f"{TESTS.get(one.test, one.test)}: {one.reason}.")
        for one in view.trips
        if one.reason
    ]
    return [*blocks, tag("ul", *missing, class_="notes")] if missing else blocks


def _verdict(tests: "Sequence[TripTest]") -> str:
    told: list[str] = []
    for one in tests:
        depth = one.distributions.get("max_drawdown")
        if one.test == "shuffle" and depth is not None:
            told.append(
                f"In another order the same {count(one.trip_count)} round trips would have fallen"
                f" {percent(depth.quantiles[0.5])} in the middle and"
                f" {percent(depth.quantiles[0.95])} in one order in twenty, where they did"
                f" {percent(depth.real)}"
            )
        if "probability_of_loss" in one.figures:
            lost = chance(one.figures["probability_of_loss"])
            told.append(f"drawn anew {lost} of the draws lose money")
        if "probability_of_profit" in one.figures:
            noise = bps(one.figures.get("noise_bps", math.nan))
            kept = chance(one.figures["probability_of_profit"])
            told.append(f"with {noise} of noise on each, {kept} still make some")
    text = "; ".join(told) or f"{count(tests[0].trip_count)} round trips were drawn again"
    return f"{text[0].upper()}{text[1:]}."


def _reading(tests: "Sequence[TripTest]") -> str:
    questions = [QUESTIONS[one.test] for one in tests if one.test in QUESTIONS]
    draws = count(max(one.draw_count for one in tests))
    return (
        f"{' '.join(questions)} {draws} draws each. Trips are taken one after the other, each with"
        " what the one before left, so figures differ from the account's where trips overlap; real"
        " and drawn ones compare."
    )


def _table(tests: "Sequence[TripTest]") -> Markup:
    rows: list[list[str]] = []
    for one in tests:
        for name, found in one.distributions.items():
            show = _shown(name)
            rows.append(
                [
                    TESTS.get(one.test, one.test),
                    FIGURES.get(name, (name.replace("_", " "), ""))[0],
                    show(found.real),
                    *(show(found.quantiles.get(level, math.nan)) for level in SHOWN_LEVELS),
                    percent(found.percentile),
                    chance(found.p_value),
                ]
            )
    heads = ["Test", "Figure", "Real", "5% of draws", "Median", "95%", "Percentile"]
    caption = "Round trips as they were and as chance would have them"
    return table([*heads, "p, as large"], rows, caption=caption, text_columns=2)


def _figures(tests: "Sequence[TripTest]", gallery: Gallery) -> list[Markup]:
    shown: list[Markup] = []
    for name in DRAWN:
        found: list[tuple[str, Drawn]] = [
            (TESTS.get(one.test, one.test), one.distributions[name])
            for one in tests
            if name in one.distributions
        ]
        if not found:
            continue
        title, tick = FIGURES[name]
        told = [f"real {percent(each.real)}" for _, each in found]
        shown.append(
            gallery.show(
                trips_figure(found, title=title, tick=tick, told=told),
                meaning=f"{title} of drawn round trips with the real figure marked",
                heading=title,
                reading="Boxes hold the middle half of the draws, whiskers nine in ten; the"
                " diamond is what was.",
                size="low",
            )
        )
    return [tag("div", *shown, class_="pair")] if len(shown) > 1 else shown


def _shown(name: str) -> Callable[[float], str]:
    return count if name == "losing_streak" else measure(name).show

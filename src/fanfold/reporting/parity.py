"""The page on parity: what was decided and earned live, beside the backtest of the same bars."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fanfold.reporting.figures.parity import curves_figure, steps_figure
from fanfold.reporting.html.document import document, written
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.parity_views import Leg, ParityView, TradedRow

if TYPE_CHECKING:
    from pandas import Series

OWN_LEGS = 2
"""Comparisons of the record with itself, which come first and must be equal."""

TRADED_SHOWN_MAX = 500
"""Fills in the page's table, the dearest first; all are in the record."""


def write_parity(path: Path, view: ParityView) -> Path:
    """Write the page; equal input gives equal bytes.

    Args:
        path: The file to write; missing folders are made.
        view: What was compared.

    Returns:
        The file.

    Raises:
        JobError: The file could not be written.
    """
    gallery = Gallery()
    backtest, live = _last(view.backtest), _last(view.live)
    curves = gallery.show(
        curves_figure(view),
        meaning=f"Profit of {view.name} live and in the backtest over time.",
        reading="Both begin at zero with the first live bar. Where they part, something below "
        "has a number for it.",
        size="tall",
        legend=[("live", "equity"), ("backtest", "benchmark")],
    )
    steps = gallery.show(
        steps_figure(backtest, view.causes, live),
        meaning="The backtest's profit, what each cause adds to it, and the account's profit.",
        reading="One thing is changed at a time, from the backtest on final bars to the account; "
        "the steps add up to the last unit.",
        heading="Where the difference comes from",
    )
    body = tag(
        "main",
        tag(
            "header",
            tag("p", "fanfold", class_="brand"),
            tag("h1", f"Parity of {view.name}"),
            tag("p", _lead(view.legs), class_="lead"),
        ),
        _section("decisions", "Decisions", [_legs(view.legs)]),
        _section("profit", "Profit", [curves, steps, _causes(view)]),
        _section("fills", "Fills beside the model", [_traded(view.traded)]),
        _section("refusals", "Refused or trimmed", [_refusals(view)]),
        _section("facts", "Facts", [_facts(view)]),
        tag("footer", tag("p", "Everything shown is inside this file.")),
    )
    return written(path, document(f"Parity of {view.name}", body, gallery.figures, scripted=True))


def _last(series: "Series[float]") -> float:
    values = list(series)
    return float(values[-1]) if values else 0.0


def _lead(legs: Sequence[Leg]) -> str:
    own, final = legs[:OWN_LEGS], legs[OWN_LEGS:]
    different, compared = sum(leg.different for leg in own), sum(leg.compared for leg in own)
    if different:
        return f"{different:,} of {compared:,} compared decisions differ, which is a defect."
    others = "".join(
        f" On the vendor's final bars {leg.different:,} of {leg.compared:,} would have been others."
        for leg in final
        if leg.different
    )
    return f"{compared:,} decisions were compared and are the same, bit for bit.{others}"


def _section(name: str, title: str, blocks: Sequence[Markup]) -> Markup:
    return tag("section", tag("h2", title), *blocks, id=name)


def _legs(legs: Sequence[Leg]) -> Markup:
    rows = [
        [leg.name, leg.verdict, leg.first or "–", f"{leg.compared:,}", f"{leg.different:,}"]
        for leg in legs
    ]
    head = ["Compared", "Verdict", "First difference", "Decisions", "Different"]
    return table(head, rows, caption="Decisions compared", text_columns=3)


def _causes(view: ParityView) -> Markup:
    rows = [
        [name.replace("_", " "), view.meanings.get(name, ""), f"{amount:,.2f}"]
        for name, amount in view.causes.items()
    ]
    rows.append(["all together", "live less backtest", f"{sum(view.causes.values()):,.2f}"])
    return table(["Cause", "Meaning", "Money"], rows, caption="Causes", text_columns=2)


def _traded(traded: Sequence[TradedRow]) -> Markup:
    if not traded:
        return tag("p", "Nothing was traded.")
    dearest = sorted(traded, key=lambda row: -abs(row.cost))[:TRADED_SHOWN_MAX]
    rows = [
        [
            row.when, row.symbol, row.side, f"{row.quantity:,.9g}", f"{row.price:,.6g}",
            f"{row.modelled:,.6g}", f"{row.cost:,.2f}",
        ]
        for row in dearest
    ]  # fmt: skip
    head = ["Time", "Asset", "Side", "Units", "Price", "Model's price", "Cost of the difference"]
    return table(head, rows, caption="Fills beside the model's", text_columns=3)


def _refusals(view: ParityView) -> Markup:
    if not view.refusals:
        return tag("p", "Nothing was refused.")
    rows = [[name.replace("_", " "), f"{count:,}"] for name, count in view.refusals.items()]
    return table(["Reason", "Times"], rows, caption="Refusals by reason")


def _facts(view: ParityView) -> Markup:
    facts = [tag("div", tag("dt", name), tag("dd", value)) for name, value in view.facts.items()]
    return tag("dl", *facts, class_="facts")

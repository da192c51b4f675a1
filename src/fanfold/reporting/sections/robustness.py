"""What worse terms would have left, so that a reader does not have to guess."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import ABSENT, BREAK_EVEN, bps, measure, money_whole, percent
from fanfold.reporting.series import traded_amount
from fanfold.reporting.views import RunView

if TYPE_CHECKING:
    from fanfold.research.robustness import Robustness

SHOWN = ("total_return", "cagr", "sharpe", "max_drawdown", "round_trip_count", "final_equity")


def robustness_blocks(view: RunView) -> list[Markup]:
    """The run again under worse terms, and how much more it could have borne."""
    found = view.robustness
    if found is None:
        return []
    rows = [
        ["As it was run", *_cells(view.metrics)],
        ["At twice the cost", *_cells(found.twice_cost)],
        ["One bar later", *_cells(found.one_bar_later)],
    ]
    heads = ["Run", *(measure(name).label for name in SHOWN)]
    return [
        tag(
            "p",
            "The same strategy run again on worse terms. An edge that is there keeps most of its"
            " Sharpe ratio in every row; one that is not is gone in one of them.",
            class_="reading",
        ),
        table(heads, rows, caption="The run and the same run under worse terms"),
        tag("dl", *_facts(view, found), class_="borne"),
    ]


def _cells(metrics: Mapping[str, float] | None) -> list[str]:
    known = metrics or {}
    return [measure(name).show(known[name]) if name in known else ABSENT for name in SHOWN]


def _facts(view: RunView, found: "Robustness") -> list[Markup]:
    traded = traded_amount(view)
    paid = float(view.fills["fee"].sum()) / traded * 10_000 if traded > 0 else 0.0
    facts = [
        (
            BREAK_EVEN,
            found.break_even_bps,
            bps,
            "So much more on every amount bought or sold, and the run ends with what it began"
            f" with. Commission in the run was {bps(paid)}.",
            "break_even_bps",
        ),
        (
            "Profit from the five best",
            found.best_five_share,
            percent,
            "Share of all round-trip profit: near or above 100%, a few lucky trades are the"
            " result.",
            "best_five_share",
        ),
        (
            "Capacity",
            found.capacity,
            money_whole,
            "Starting cash at which market impact, by the square-root rule, eats half of the"
            " profit.",
            "capacity",
        ),
    ]
    shown: list[Markup] = []
    for label, value, show, reading, field in facts:
        missing = found.reasons.get(field, "")
        text = reading if value is not None else f"Not known: {missing}."
        shown.append(
            tag(
                "div",
                tag("dt", label),
                tag("dd", ABSENT if value is None else show(value)),
                tag("dd", text, class_="beside"),
            )
        )
    for label, field in (("At twice the cost", "twice_cost"), ("One bar later", "one_bar_later")):
        if field in found.reasons:
            reason = tag("dd", f"{found.reasons[field]}.", class_="beside")
            shown.append(tag("div", tag("dt", label), tag("dd", ABSENT), reason))
    return shown

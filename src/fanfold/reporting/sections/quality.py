"""What was found in market data, for all symbols and for each."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from fanfold.reporting.html.markup import Markup, table, tag, together
from fanfold.reporting.numbers import ABSENT, plain
from fanfold.reporting.quality_views import WORST_FIRST, QualityView, worst_first
from fanfold.reporting.sections.quality_picture import (
    COLOURS,
    MARKS_MAX,
    extent,
    is_logarithmic,
    price_picture,
)

FINDINGS_SHOWN_MAX = 40
"""Findings listed under one symbol, the worst first."""

PLURALS = {"error": "errors", "warning": "warnings", "info": "notes"}
"""What findings of a severity are called."""


def tiles_blocks(views: Sequence[QualityView]) -> list[Markup]:
    """How much there is, and how much was found in it."""
    sums: Counter[str] = Counter()
    for view in views:
        sums.update(view.counts)
    facts = {
        "Series": len(views),
        "Rows": sum(view.row_count for view in views),
        "Rows set aside": sum(view.quarantined for view in views),
    } | {PLURALS[severity].capitalize(): sums[severity] for severity in WORST_FIRST}
    tiles = [tag("div", tag("dt", name), tag("dd", f"{value:,}")) for name, value in facts.items()]
    return [
        tag("dl", *tiles, class_="tiles"),
        tag(
            "p",
            "An error cannot be true of a market, a warning seldom is, a note is worth knowing."
            " Rows set aside are kept beside the data with their reason; no run ever sees them.",
            class_="reading",
        ),
    ]


def kinds_blocks(views: Sequence[QualityView], meanings: Mapping[str, str]) -> list[Markup]:
    """Every kind of finding that there is: how often, in how many series, what it means."""
    found: Counter[tuple[str, str]] = Counter()
    symbols: dict[tuple[str, str], set[str]] = {}
    for view in views:
        for one in view.findings:
            found[one.severity, one.kind] += 1
            symbols.setdefault((one.severity, one.kind), set()).add(view.name)
    if not found:
        return [tag("p", "Nothing was found.")]
    order = sorted(found, key=lambda key: (WORST_FIRST.index(key[0]), -found[key], key[1]))
    rows = [
        [
            _explained(key[1], meanings),
            PLURALS[key[0]][:-1],
            f"{found[key]:,}",
            f"{len(symbols[key]):,}",
        ]
        for key in order
    ]
    heads = ["Finding", "Severity", "Count", "Series"]
    return [table(heads, rows, caption="Findings by kind", text_columns=2)]


def overview_blocks(
    views: Sequence[QualityView], places: Mapping[str, str], left_out: int
) -> list[Markup]:
    """All series in one table that a reader may sort, each linked to its section.

    Args:
        views: All series.
        places: Id of a series' section by its name, of those that have one.
        left_out: Series without a section.
    """
    rows: list[list[str]] = []
    values: list[list[float]] = []
    for view in views:
        name: str = view.name
        if name in places:
            name = tag("a", name, href=f"#{places[name]}")
        counts = [view.row_count, *view.counts.values(), view.quarantined]
        rows.append([name, *(f"{count:,}" for count in counts), view.period])
        values.append([*map(float, counts), float(view.ts[0]) if len(view.ts) else np.nan])
    heads = [*(PLURALS[one].capitalize() for one in WORST_FIRST), "Set aside", "Period"]
    shown = table(
        ["Series", "Rows", *heads],
        rows,
        caption="All series",
        values=values if len(views) > 1 else None,
    )
    if not left_out:
        return [shown]
    words = f"The {len(places)} worst are drawn below, {left_out:,} are not."
    return [tag("p", words, class_="reading"), shown]


def series_blocks(view: QualityView) -> list[Markup]:
    """One series: its prices with marks, and what was found."""
    blocks = [tag("p", f"{view.row_count:,} rows, {view.period}", class_="reading")]
    picture = price_picture(view)
    if picture:
        blocks.append(tag("figure", _legend(view), picture, _range(view)))
    listed = worst_first(view.findings)
    rows = [
        [_time(view, one.ts), _beside(one.kind, one.severity), one.detail]
        for one in listed[:FINDINGS_SHOWN_MAX]
    ]
    if rows:
        heads = ["When", "Finding", "Detail"]
        blocks.append(table(heads, rows, caption=f"Findings of {view.name}", text_columns=3))
    if len(listed) > FINDINGS_SHOWN_MAX:
        more = f"And {len(listed) - FINDINGS_SHOWN_MAX:,} more; fanfold data check --json has all."
        blocks.append(tag("p", more, class_="small"))
    return blocks


def _explained(kind: str, meanings: Mapping[str, str]) -> Markup:
    words = tag("div", meanings[kind], class_="small") if kind in meanings else Markup()
    return together([_words(kind), words])


def _beside(kind: str, severity: str) -> Markup:
    return together([f"{_words(kind)} ", tag("span", PLURALS[severity][:-1], class_="small")])


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _time(view: QualityView, ts: int | None) -> Markup:
    return tag("span", view.when(ts) or ABSENT, class_="whole")


def _legend(view: QualityView) -> Markup:
    marks = [
        tag("span", tag("i", aria_hidden="true", style=_dot(severity)), f"{count:,} {words}")
        for severity, count in view.counts.items()
        if count
        for words in [PLURALS[severity] if count > 1 else PLURALS[severity][:-1]]
    ]
    if sum(one.ts is not None for one in view.findings) > MARKS_MAX:
        marks.append(tag("span", f"the {MARKS_MAX} worst are marked"))
    return tag("div", *marks, class_="legend") if marks else Markup()


def _dot(severity: str) -> str:
    return f"width: 9px; height: 9px; border-radius: 50%; background: var(--{COLOURS[severity]})"


def _range(view: QualityView) -> Markup:
    low, high = extent(view)
    words = f"From {plain(low)} to {plain(high)}"
    scale = ", on a logarithmic scale" if is_logarithmic(view) else ""
    bars = "; upright lines are the ranges of bars with a finding" if view.reach else ""
    return tag("p", f"{words}{scale}{bars}.", class_="small")

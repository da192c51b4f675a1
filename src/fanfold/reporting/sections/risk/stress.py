"""In the crises of the past and under stated shocks: a strategy, or what is held."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fanfold.reporting.figures.risk.stress import scenario_figure, worst_first
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import ABSENT, count, measure, money, money_whole, percent, plain
from fanfold.reporting.risk_views import RiskView
from fanfold.reporting.sections.risk.words import cell, noted

if TYPE_CHECKING:
    from fanfold.research.stress import StressRow, StressTable

WINDOW = "window"
OK = "ok"
RUN_FIGURES = ("total_return", "max_drawdown", "sharpe", "fees", "fill_count")
PARTS_SHOWN_MAX = 3
"""Contributions that are told in a cell: the largest."""
PARTS_OF = {
    "spread_times": "cost: ",
    "volatility_times": "of the VaR: ",
    "correlation_to_one": "of the VaR: ",
}
"""What the contributions of a kind add up to, where it is no profit or loss."""
POSITIONS_SHOWN_MAX = 40
"""Positions that are listed: the largest."""
LOSSES = {
    "value_at_risk_currency": "Value at risk",
    "expected_shortfall_currency": "Expected shortfall",
}
WORST = ("loss_of_three_deviations_currency", "worst_loss_currency")
"""The worst that a scenario tells of: by a normal, or of the past."""


def stress_blocks(view: RiskView, gallery: Gallery) -> list[Markup]:
    """The strategy in windows and under shocks, then what is held."""
    blocks: list[Markup] = []
    for one in view.stress:
        if not one.rows:
            continue
        blocks += _strategy(one, gallery) if one.subject == "strategy" else _held(one, gallery)
    return blocks


def _strategy(found: "StressTable", gallery: Gallery) -> list[Markup]:
    windows = [row for row in found.rows if row.kind == WINDOW]
    shocks = [row for row in found.rows if row.kind != WINDOW]
    blocks = [tag("p", tag("b", text), class_="verdict") for text in _strategy_verdict(found)]
    if windows:
        blocks += [_windows_figure(windows, gallery), _windows(windows)]
    if shocks:
        blocks += [
            tag("h3", "The strategy under shocks"),
            tag(
                "p",
                "Run again from the first decision on with bars or costs that were changed, so it"
                " reacts. The first row is the run as it was; a shock that comes on one day comes"
                " when it hurts most, unless it states its day.",
                class_="reading",
            ),
            _shocks(found, shocks),
        ]
    return blocks


def _strategy_verdict(found: "StressTable") -> list[str]:
    told: list[str] = []
    known = [row for row in found.rows if math.isfinite(_of(row, "total_return"))]
    windows = [row for row in known if row.kind == WINDOW]
    if windows:
        worst = min(windows, key=lambda row: _of(row, "total_return"))
        several = f"the worst of {count(len(windows))} windows, " if len(windows) > 1 else ""
        told.append(
            f"In {several}{_called(worst)}, the strategy returned"
            f" {percent(_of(worst, 'total_return'))}{_beside(worst)}."
        )
    shocks = [row for row in known if row.kind != WINDOW]
    if shocks and "total_return" in found.base:
        worst = min(shocks, key=lambda row: _of(row, "total_return"))
        several = f"Of {count(len(shocks))} shocks the worst is" if len(shocks) > 1 else "Under"
        told.append(
            f"{several} {_called(worst)}: a total return of"
            f" {percent(_of(worst, 'total_return'))} in place of"
            f" {percent(found.base['total_return'])}."
        )
    return [" ".join(told)] if told else []


def _beside(row: "StressRow") -> str:
    held = row.beside.get("total_return", math.nan)
    return f" where holding returned {percent(held)}" if math.isfinite(held) else ""


def _windows_figure(rows: Sequence["StressRow"], gallery: Gallery) -> Markup:
    bars = [
        (
            _called(row),
            {
                "strategy": _of(row, "total_return"),
                "holding": row.beside.get("total_return", math.nan),
            },
        )
        for row in rows
    ]
    shown = worst_first(bars, "strategy")
    if not shown:
        return Markup()
    few = f" Drawn are the {len(shown)} worst of {len(bars)}." if len(shown) < len(bars) else ""
    series = [("strategy", "equity"), ("holding", "benchmark")]
    return gallery.show(
        scenario_figure(shown, series, title="return over the window"),
        meaning="Return of the strategy and of holding in each window of the past",
        heading="The strategy in windows of the past",
        reading="The run as it was, beside equal amounts of all assets bought at a window's start"
        f" and held. Windows that were chosen as the worst are the worst for holding.{few}",
        size="heat",
        legend=series,
    )


def _windows(rows: Sequence["StressRow"]) -> Markup:
    heads = ["Window", "Strategy", "Holding", "Its drawdown", "Holding's", "Covered"]
    cells = [
        [
            noted(_called(row), _note(row)),
            percent(_of(row, "total_return")),
            percent(row.beside.get("total_return", math.nan)),
            percent(_of(row, "max_drawdown")),
            percent(row.beside.get("max_drawdown", math.nan)),
            _covered(row),
        ]
        for row in rows
    ]
    return table(heads, cells, caption="Windows of the past")


def _shocks(found: "StressTable", rows: Sequence["StressRow"]) -> Markup:
    heads = ["Shock", *(measure(name).label for name in RUN_FIGURES), "Refused orders"]
    names = (*RUN_FIGURES, "refusal_count")
    shown = [measure(name).show if name in RUN_FIGURES else count for name in names]
    cells: list[list[str]] = [
        [
            "As it was",
            *(show(found.base.get(n, math.nan)) for n, show in zip(names, shown, strict=True)),
        ]
    ]
    for row in rows:
        figures = [show(_of(row, n)) for n, show in zip(names, shown, strict=True)]
        cells.append([noted(_called(row), _note(row)), *figures])
    return table(heads, cells, caption="The run under shocks")


def _held(found: "StressTable", gallery: Gallery) -> list[Markup]:
    gains = [row for row in found.rows if row.kind == WINDOW or "pnl_currency" in row.figures]
    risks = [row for row in found.rows if row not in gains]
    blocks = [
        tag("h3", "What is held, kept as it is"),
        *(tag("p", tag("b", text), class_="verdict") for text in _held_verdict(gains)),
        tag("p", _held_words(found), class_="reading"),
        _positions(found),
    ]
    if gains:
        blocks += [_gains_figure(gains, gallery), _gains(gains)]
    if risks:
        blocks += [
            tag("h3", "What it could lose"),
            tag(
                "p",
                "Before and under the shock: of one bar by a normal distribution with the past's"
                " covariance; without liquidity, of as many bars of the past as nothing can be"
                " sold. A positive figure is a loss.",
                class_="reading",
            ),
            _risks(risks),
        ]
    return blocks


def _held_verdict(rows: Sequence["StressRow"]) -> list[str]:
    known = [row for row in rows if math.isfinite(_of(row, "pnl_share"))]
    if not known:
        return []
    worst = min(known, key=lambda row: _of(row, "pnl_share"))
    share = _of(worst, "pnl_share")
    told = f"lose {percent(-share)}" if share < 0.0 else f"earn {percent(share)}"
    return [f"What is held would {told} of today's equity in the worst case, {_called(worst)}."]


def _held_words(found: "StressTable") -> str:
    base = found.base
    return (
        f"Equity {money_whole(base.get('equity_currency', math.nan))}, gross exposure"
        f" {money_whole(base.get('gross_exposure_currency', math.nan))}, net"
        f" {money_whole(base.get('net_exposure_currency', math.nan))}. Windows and gaps apply their"
        " returns to these positions, and nobody reacts."
    )


def _positions(found: "StressTable") -> Markup:
    if not found.positions:
        return Markup()
    ranked = sorted(found.positions, key=lambda one: -abs(one.exposure_currency))
    rows = [
        [
            one.symbol,
            plain(one.units),
            money(one.price),
            money_whole(one.exposure_currency),
            _sessions(one.liquidation_sessions),
        ]
        for one in ranked[:POSITIONS_SHOWN_MAX]
    ]
    left = len(ranked) - len(rows)
    heads = ["Position", "Units", "Price", "Exposure", "Sessions to sell"]
    note = f"{count(left)} smaller positions are not listed." if left else ""
    shown = table(heads, rows, caption="Positions that are stressed")
    return tag("div", shown, tag("p", note, class_="small")) if note else shown


def _sessions(value: float) -> str:
    return "under 0.1" if 0.0 < value < 0.1 else ABSENT if math.isnan(value) else f"{value:,.1f}"  # noqa: PLR2004


def _gains_figure(rows: Sequence["StressRow"], gallery: Gallery) -> Markup:
    bars = [(_called(row), {"profit": _of(row, "pnl_share")}) for row in rows]
    shown = worst_first(bars, "profit")
    if not shown:
        return Markup()
    few = f" Drawn are the {len(shown)} worst of {len(bars)}." if len(shown) < len(bars) else ""
    return gallery.show(
        scenario_figure(shown, [("profit", "")], title="share of equity"),
        meaning="Profit or loss of what is held in each scenario as a share of equity",
        heading="What is held in windows, gaps and a wider spread",
        reading=f"Profit and loss as a share of today's equity; to the left is a loss.{few}",
        size="heat",
    )


def _gains(rows: Sequence["StressRow"]) -> Markup:
    heads = ["Scenario", "Profit and loss", "Of equity", "Drawdown", "Covered"]
    cells = [
        [
            noted(_called(row), _parts(row), _note(row)),
            money_whole(_of(row, "pnl_currency")),
            percent(_of(row, "pnl_share")),
            percent(_of(row, "max_drawdown")),
            _covered(row),
        ]
        for row in rows
    ]
    return table(heads, cells, caption="What is held in windows, gaps and wider spreads")


def _risks(rows: Sequence["StressRow"]) -> Markup:
    cells = [
        [
            noted(_called(row), _parts(row), _note(row)),
            *(_before(row, name) for name in LOSSES),
            _before(row, next((name for name in WORST if name in row.figures), WORST[0])),
        ]
        for row in rows
    ]
    heads = ["Shock", *LOSSES.values(), "Three deviations, or worst of the past"]
    return table(heads, cells, caption="Risk under shocks")


def _before(row: "StressRow", name: str) -> Markup:
    return cell(money_whole(_of(row, name)), f"from {money_whole(row.beside.get(name, math.nan))}")


def _parts(row: "StressRow") -> str:
    ranked = sorted(row.contributions.items(), key=lambda part: -abs(part[1]))
    if not ranked:
        return ""
    told = [f"{symbol} {money_whole(amount)}" for symbol, amount in ranked[:PARTS_SHOWN_MAX]]
    left = len(ranked) - len(told)
    more = f" and {count(left)} more" if left else ""
    return f"{PARTS_OF.get(row.kind, '')}{', '.join(told)}{more}"


def _covered(row: "StressRow") -> str:
    share = row.figures.get("covered", math.nan)
    return "all" if share == 1.0 else percent(share)


def _note(row: "StressRow") -> str:
    if row.status == OK:
        return row.note
    return f"{row.status}: {row.reason}" + (f" ({row.note})" if row.note else "")


def _called(row: "StressRow") -> str:
    return row.scenario.replace(" -", " −")


def _of(row: "StressRow", name: str) -> float:
    return float(row.figures.get(name, math.nan))

"""Returns by month, how they are spread, how steady they were, and the worst falls."""

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fanfold.measures import Drawdown, expected_shortfall, value_at_risk, worst_drawdowns
from fanfold.reporting.figures.equity import underwater_figure
from fanfold.reporting.figures.plot import time_format
from fanfold.reporting.figures.returns import return_distribution, rolling_figure
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag, together
from fanfold.reporting.numbers import ABSENT, count, percent, signed
from fanfold.reporting.series import (
    monthly_returns,
    session_returns,
    window_sessions,
)
from fanfold.reporting.views import RunView

if TYPE_CHECKING:
    from pandas import DatetimeIndex

WORST_COUNT = 5
SESSIONS_MIN = 20
"""Fewer session returns have no distribution worth drawing."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHADES = 3
FLAT = 5e-4
"""Smaller returns have no colour: they are shown as 0.0 or 0.1 percent [1]."""
SHADE_QUANTILE = 0.9
"""Absolute returns beyond this quantile have the darkest shade [1]."""


def returns_blocks(view: RunView, gallery: Gallery) -> list[Markup]:
    """Months, distribution, rolling figures."""
    returns = session_returns(view)
    known = returns.to_numpy(dtype=np.float64)
    known = known[np.isfinite(known)]
    blocks = [tag("div", tag("h3", "Month by month"), _months(view), class_="kept")]
    figures: list[Markup] = []
    if len(known) >= SESSIONS_MIN:
        figures.append(_distribution(known, gallery))
    window = window_sessions(view)
    if len(known) > window:
        figures.append(_rolling(view, window, gallery))
    if figures:
        blocks.append(tag("div", *figures, class_="pair" if len(figures) > 1 else "single"))
    if len(known) <= window:
        note = f"{count(len(known))} sessions are too few for ratios over the last {window}."
        blocks.append(tag("p", note, class_="small"))
    return blocks


def _distribution(returns: Any, gallery: Gallery) -> Markup:
    risk, shortfall = float(value_at_risk(returns)), float(expected_shortfall(returns))
    return gallery.show(
        return_distribution(returns, risk, shortfall),
        meaning="Distribution of session returns with value at risk and expected shortfall",
        heading="Returns of single sessions",
        reading=f"One session in twenty lost more than {percent(risk)} (VaR 95%), and those lost"
        f" {percent(shortfall)} on average (ES 95%): the further left, the worse a bad day."
        f" The outermost bars hold all that lies beyond{_idle(returns)}.",
    )


def _idle(returns: Any) -> str:
    idle = int((returns == 0.0).sum())
    return f"; {count(idle)} sessions in which equity did not move are not drawn" if idle else ""


def _rolling(view: RunView, window: int, gallery: Gallery) -> Markup:
    legend = [("Sharpe ratio", "equity")]
    reading = (
        f"Sharpe ratio a year of the last {window} sessions, half a year: an edge that lasts"
        " stays above zero for most of the time."
    )
    if view.benchmark is not None:
        legend.append((f"Beta to {view.benchmark_name}", "second"))
        reading += " Beta near 1 means that the market did the work."
    return gallery.show(
        rolling_figure(view),
        meaning="Rolling Sharpe ratio and beta over time",
        heading="How steady it was",
        reading=reading,
        legend=legend,
    )


def _months(view: RunView) -> Markup:
    months = monthly_returns(view)
    values = months[list(range(1, 13))].to_numpy(dtype=np.float64)
    bound = shade_bound(values)
    rows = [
        [
            str(year),
            *(shaded(value, bound) for value in row),
            tag("td", *_both(total), class_="number total"),
        ]
        for year, row, total in zip(months.index, values, months["year"], strict=True)
    ]
    return together(
        [
            tag(
                "p",
                "Returns in percent: blue gained, orange lost, and the darker the more. The first"
                " and the last month may be parts of one.",
                class_="reading",
            ),
            table(
                ["", *MONTHS, "Year"], rows, caption="Returns by month and year", class_="months"
            ),
        ]
    )


def shade_bound(values: Any) -> float:
    """The absolute return from which on a cell has the darkest shade [1]."""
    known = np.abs(values[np.isfinite(values)])
    return max(float(np.quantile(known, SHADE_QUANTILE)), 1e-9) if len(known) else 1.0


def shaded(value: float, bound: float) -> Markup:
    """A cell whose colour is the size of its return."""
    if not np.isfinite(value):
        return tag("td", "", class_="number")
    shade = int(np.ceil(min(abs(value) / bound, 1.0) * SHADES)) if abs(value) >= FLAT else 0
    name = "flat" if shade == 0 else f"{'up' if value > 0 else 'down'}-{shade}"
    return tag("td", *_both(value), class_=f"number {name}")


def _both(value: float) -> list[Markup]:
    """A return in percent for wide screens, and with fewer digits for narrow ones."""
    if not np.isfinite(value):
        return [tag("span", ABSENT)]
    return [
        tag("span", signed(f"{value * 100:.1f}"), class_="wide"),
        tag("span", signed(f"{value * 100:.0f}"), class_="narrow"),
    ]


def drawdown_blocks(view: RunView, gallery: Gallery) -> list[Markup]:
    """The worst falls as a table, and the curve under water."""
    worst = worst_drawdowns(view.equity.to_numpy(dtype=np.float64), WORST_COUNT)
    if not worst:
        return [tag("p", "Equity never stood below its highest value.")]
    return [
        gallery.show(
            underwater_figure(view, worst),
            meaning="Drawdown over time with the worst falls marked",
            reading="How far equity stood below its peak. The shaded stretches are the worst falls,"
            " numbered at their troughs; ask whether you would have sat through them.",
            size="low",
        ),
        drawdown_table(view, worst),
    ]


def drawdown_table(view: RunView, worst: tuple[Drawdown, ...]) -> Markup:
    """The worst falls: how deep, from when to when, and how long."""
    index = cast("DatetimeIndex", view.equity.index)
    written = time_format(index)

    def at(bar: int) -> str:
        return index[bar].strftime(written)

    def days(first: int, last: int) -> str:
        return count(float((index[last] - index[first]).total_seconds() / 86_400))

    rows = [
        [
            str(place),
            percent(one.depth),
            at(one.peak_bar),
            at(one.trough_bar),
            "not yet" if one.recovery_bar is None else at(one.recovery_bar),
            days(one.peak_bar, one.trough_bar),
            days(one.peak_bar, len(index) - 1 if one.recovery_bar is None else one.recovery_bar),
        ]
        for place, one in enumerate(worst, start=1)
    ]
    return table(
        ["", "Depth", "From", "Trough", "To", "Days down", "Days in all"],
        rows,
        caption="The worst drawdowns",
        class_="worst",
    )

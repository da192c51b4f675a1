"""Numbers as people read them, and the words for what they measure."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ABSENT = "–"
"""Shown for what is not defined, such as the average loss of a run that lost nothing."""


def signed(text: str) -> str:
    """With a real minus sign, as wide as the digits; none before what is rounded to zero."""
    return (
        text.replace("-", "−") if any(digit in "123456789" for digit in text) else text.lstrip("-")
    )


def _unless_absent(shown: Callable[[float], str]) -> Callable[[float], str]:
    def show(value: float) -> str:
        if math.isnan(value):
            return ABSENT
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        return signed(shown(value))

    return show


percent = _unless_absent(lambda value: f"{value:,.1%}")
ratio = _unless_absent(lambda value: f"{value:.2f}")
fine_ratio = _unless_absent(lambda value: f"{value:.4f}")
count = _unless_absent(lambda value: f"{value:,.0f}")
days = _unless_absent(lambda value: f"{value:,.0f} {'day' if value == 1 else 'days'}")
money = _unless_absent(lambda value: f"{value:,.2f}")
money_whole = _unless_absent(lambda value: f"{value:,.0f}")
bps = _unless_absent(lambda value: f"{value:,.1f} bps")
times = _unless_absent(lambda value: f"{value:.2f}×")
plain = _unless_absent(lambda value: f"{value:,}" if isinstance(value, int) else f"{value:,.6g}")


def parameter(value: object) -> str:
    """A parameter as it would be typed: without marks between thousands."""
    if isinstance(value, float):
        return signed(f"{value:.6g}")
    return signed(str(value)) if isinstance(value, int) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How one measure is named and shown."""

    label: str
    show: Callable[[float], str]


PERFORMANCE: Mapping[str, Measure] = {
    "total_return": Measure(label="Total return", show=percent),
    "cagr": Measure(label="Return a year", show=percent),
    "volatility": Measure(label="Volatility a year", show=percent),
    "sharpe": Measure(label="Sharpe ratio", show=ratio),
    "sharpe_per_period": Measure(label="Sharpe ratio a period", show=fine_ratio),
    "sortino": Measure(label="Sortino ratio", show=ratio),
    "calmar": Measure(label="Calmar ratio", show=ratio),
    "max_drawdown": Measure(label="Deepest drawdown", show=percent),
    "max_drawdown_days": Measure(label="Longest drawdown", show=days),
    "skewness": Measure(label="Skewness of returns", show=ratio),
    "kurtosis": Measure(label="Kurtosis of returns (normal: 3)", show=ratio),
    "return_count": Measure(label="Sessions with a return", show=count),
    "final_equity": Measure(label="Final equity", show=money),
}
TRADING: Mapping[str, Measure] = {
    "round_trip_count": Measure(label="Round trips", show=count),
    "hit_rate": Measure(label="Round trips that won", show=percent),
    "profit_factor": Measure(label="Profit factor", show=ratio),
    "average_win": Measure(label="Average win", show=money),
    "average_loss": Measure(label="Average loss", show=money),
    "exposure": Measure(label="Time in the market", show=percent),
    "net_exposure": Measure(label="Mean net exposure", show=percent),
    "turnover": Measure(label="Turnover a year", show=times),
    "fill_count": Measure(label="Fills", show=count),
    "fees": Measure(label="Fees", show=money),
    "dividends": Measure(label="Dividends", show=money),
    "financing": Measure(label="Interest and borrowing", show=money),
}
RELATIVE: Mapping[str, Measure] = {
    "beta": Measure(label="Beta", show=ratio),
    "alpha": Measure(label="Alpha a year", show=percent),
}
PERIODS_PER_YEAR = "periods_per_year"
BREAK_EVEN = "Break-even cost"


def measure(name: str) -> Measure:
    """How to show a measure; one that has no words here is shown by its own name."""
    for group in (PERFORMANCE, TRADING, RELATIVE):
        if name in group:
            return group[name]
    return Measure(label=name.replace("_", " "), show=plain)

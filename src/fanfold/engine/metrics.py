"""From an account's sums to the metrics that people read.

The sums are added up in the loop, so a summary and a full run have the same
metrics to the last bit; `fanfold.measures` computes the same from an equity curve.
"""

import math
from typing import Any

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.engine.timeline import timeline_of

METRICS = (
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "sharpe_per_period",
    "periods_per_year",
    "sortino",
    "calmar",
    "max_drawdown",
    "max_drawdown_days",
    "profit_factor",
    "hit_rate",
    "average_win",
    "average_loss",
    "exposure",
    "turnover",
    "round_trip_count",
    "fill_count",
    "fees",
    "beta",
    "alpha",
    "final_equity",
)
"""Names of all metrics, in the order of reports and tables."""

NANOSECONDS_PER_DAY = 86_400 * 10**9


def metrics_of(
    account: Any, bars: Bars, first: int, cash: int, risk_free: float = 0.0
) -> dict[str, float]:
    """Metrics of a finished run.

    Returns are those of equity from one session's close to the next, from the bar
    of the first decision on. Sharpe is above the risk-free return, Sortino and its
    downside about 0. What cannot be computed (a ratio without variation, an average of
    nothing) is NaN.

    Args:
        account: The last state: one record of `Account`.
        bars: The market of the run.
        first: Bar of the first decision.
        cash: Starting cash [micro-units].
        risk_free: Yearly risk-free return [1].

    Returns:
        Values by the names of `METRICS`: ratios and returns [1], drawdown [share of
        the peak], money [currency], `exposure` the share of bars that ended with a
        position, `turnover` what was bought and sold a year over mean equity,
        `average_win` and `average_loss` the mean profit of a winning and of a
        losing round trip [currency], `max_drawdown_days` the longest time from a
        peak to its recovery or to the end.
    """
    a = {name: account[name].item() for name in account.dtype.names}
    per_year = bars.periods_per_year
    count = a["return_count"]
    growth = a["equity"] / cash
    years = count / per_year
    mean = _ratio(a["return_sum"], count)
    excess = mean - risk_free / per_year
    deviation = _deviation(a["return_sum"], a["square_sum"], count)
    cagr = growth ** (1.0 / years) - 1.0 if years > 0 and growth > 0 else math.nan
    sharpe = _ratio(excess, deviation)
    downside = math.sqrt(a["downside_sum"] / count) if count > 0 else math.nan
    drawdown = 1.0 - a["worst_equity"] / a["worst_peak"]
    beta, alpha = _against_benchmark(a, bars, first, mean)
    mean_equity = _ratio(a["equity_sum"], a["bar_count"])
    return {
        "total_return": growth - 1.0,
        "cagr": cagr,
        "volatility": deviation * math.sqrt(per_year),
        "sharpe": sharpe * math.sqrt(per_year),
        "sharpe_per_period": sharpe,
        "periods_per_year": per_year,
        "sortino": _ratio(mean, downside) * math.sqrt(per_year),
        "calmar": _ratio(cagr, drawdown),
        "max_drawdown": drawdown,
        "max_drawdown_days": _underwater_days(a, bars, first),
        "profit_factor": _ratio(a["win_sum"], a["loss_sum"]),
        "hit_rate": _ratio(a["win_count"], a["trip_count"]),
        "average_win": _ratio(a["win_sum"] / MICRO, a["win_count"]),
        "average_loss": -_ratio(a["loss_sum"] / MICRO, a["loss_count"]),
        "exposure": _ratio(a["held_bar_count"], a["bar_count"]),
        "turnover": _ratio(a["traded"] / MICRO, mean_equity * years),
        "round_trip_count": a["trip_count"],
        "fill_count": a["fill_count"],
        "fees": a["fees"] / MICRO,
        "beta": beta,
        "alpha": alpha,
        "final_equity": a["equity"] / MICRO,
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 or whole < 0 else math.nan


def _deviation(total: float, squares: float, count: int) -> float:
    """Sample deviation (ddof 1) from sums; 0 where the returns are all equal."""
    if count < 2:  # noqa: PLR2004  (two values make a deviation)
        return math.nan
    return math.sqrt(max(squares - total * total / count, 0.0) / (count - 1))


def _underwater_days(a: dict[str, Any], bars: Bars, first: int) -> float:
    longest = a["underwater_max"]
    if a["underwater"] == 1:
        last = int(bars.ts[first + a["bar_count"] - 1])
        longest = max(longest, last - a["peak_ts"])
    return longest / NANOSECONDS_PER_DAY


def _against_benchmark(
    a: dict[str, Any], bars: Bars, first: int, mean: float
) -> tuple[float, float]:
    """Beta, and yearly alpha over it; NaN where the benchmark is unknown or still."""
    timeline = timeline_of(bars)
    last = first + a["bar_count"] - 1
    count = a["return_count"]
    known = timeline.benchmark[[first, last]]
    if count < 2 or not math.isfinite(known[0]) or not math.isfinite(known[1]):  # noqa: PLR2004
        return math.nan, math.nan
    total, squares = (
        float(sums[last] - sums[first]) for sums in timeline.benchmark_sums
    )
    variance = squares - total * total / count
    beta = _ratio(a["cross_sum"] - a["return_sum"] * total / count, variance)
    return beta, (mean - beta * total / count) * bars.periods_per_year

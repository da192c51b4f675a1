"""From an account's sums to the metrics that people read.

The sums are added up in the loop, so a summary and a full run have the same
metrics to the last bit; `fanfold.measures` computes the same from an equity curve.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.engine.step.state import EQUITY_SUM_SHIFT
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
    "dividends",
    "financing",
    "beta",
    "alpha",
    "final_equity",
)
"""Names of all metrics, in the order of reports and tables."""

NANOSECONDS_PER_DAY = 86_400 * 10**9


def metrics_of(
    accounts: NDArray[Any], bars: Bars, first: int, cash: int, risk_free: float = 0.0
) -> dict[str, NDArray[Any]]:
    """Metrics of finished runs, one value each.

    Returns are those of equity from one session's close to the next, from the bar
    of the first decision on. Sharpe is above the risk-free return, Sortino and its
    downside about 0. What cannot be computed (a ratio without variation, an average
    of nothing) is NaN.

    Args:
        accounts: The last states, records of `Account`; shape [run].
        bars: The market of the runs.
        first: Bar of the first decision.
        cash: Starting cash [micro-units].
        risk_free: Yearly risk-free return [1].

    Returns:
        Arrays of shape [run] by the names of `METRICS`: ratios and returns [1],
        drawdown [share of the peak], money [currency], `exposure` the share of bars
        that ended with a position, `turnover` what was bought and sold a year over
        mean equity, `average_win` and `average_loss` the mean profit of a winning
        and of a losing round trip [currency], `dividends` what longs received less what
        shorts paid, `financing` what borrowed assets and cash cost, `max_drawdown_days`
        the longest time from a peak to its recovery or to the end.
    """
    a = accounts
    per_year = bars.periods_per_year
    count = a["return_count"]
    growth = a["equity"] / cash
    years = count / per_year
    mean = _ratio(a["return_sum"], count)
    deviation = _deviation(a["return_sum"], a["square_sum"], count)
    cagr = np.array([_yearly(g, y) for g, y in zip(growth.tolist(), years.tolist(), strict=True)])
    sharpe = _ratio(mean - risk_free / per_year, deviation)
    drawdown = 1.0 - a["worst_equity"] / a["worst_peak"]
    beta, alpha = _against_benchmark(a, bars, first, mean)
    mean_equity = _ratio(a["equity_sum"] * (2.0**EQUITY_SUM_SHIFT / MICRO), a["bar_count"])
    return {
        "total_return": growth - 1.0,
        "cagr": cagr,
        "volatility": deviation * math.sqrt(per_year),
        "sharpe": sharpe * math.sqrt(per_year),
        "sharpe_per_period": sharpe,
        "periods_per_year": np.full(len(a), per_year),
        "sortino": _ratio(mean, np.sqrt(_ratio(a["downside_sum"], count))) * math.sqrt(per_year),
        "calmar": _ratio(cagr, drawdown),
        "max_drawdown": drawdown,
        "max_drawdown_days": _underwater_days(a, bars, first),
        "profit_factor": _ratio(a["win_sum"], a["loss_sum"]),
        "hit_rate": _ratio(a["win_count"], a["trip_count"]),
        "average_win": _ratio(a["win_sum"] / MICRO, a["win_count"]),
        "average_loss": -_ratio(a["loss_sum"] / MICRO, a["loss_count"]),
        "exposure": _ratio(a["held_bar_count"], a["bar_count"]),
        "turnover": _ratio(a["traded"] / MICRO, mean_equity * years),
        "round_trip_count": a["trip_count"].copy(),
        "fill_count": a["fill_count"].copy(),
        "fees": a["fees"] / MICRO,
        "dividends": a["dividends"] / MICRO,
        "financing": a["carry"] / MICRO,
        "beta": beta,
        "alpha": alpha,
        "final_equity": a["equity"] / MICRO,
    }


def _ratio(part: Any, whole: Any) -> Any:
    """part / whole; NaN where whole is zero or unknown."""
    whole = np.asarray(whole, np.float64)
    safe = np.where(whole == 0.0, np.nan, whole)
    return part / safe


def _yearly(growth: float, years: float) -> float:
    # Not NumPy's power: its last bit may depend on a value's place in the array.
    if years <= 0:
        return math.nan
    return growth ** (1.0 / years) - 1.0 if growth > 0 else -1.0


def _deviation(total: Any, squares: Any, count: Any) -> Any:
    """Sample deviation (ddof 1) from sums; 0 where the returns are all equal."""
    spread = np.maximum(squares - _ratio(total * total, count), 0.0)
    return np.sqrt(_ratio(spread, np.maximum(count - 1, 0)))


def _underwater_days(a: Any, bars: Bars, first: int) -> Any:
    last = bars.ts[np.maximum(first + a["bar_count"] - 1, 0)]
    waiting = np.where(a["underwater"] == 1, last - a["peak_ts"], 0)
    return np.maximum(a["underwater_max"], waiting) / NANOSECONDS_PER_DAY


def _against_benchmark(a: Any, bars: Bars, first: int, mean: Any) -> tuple[Any, Any]:
    """Beta, and yearly alpha over it; NaN where the benchmark is unknown or still."""
    timeline = timeline_of(bars)
    last = np.maximum(first + a["bar_count"] - 1, 0)
    known = np.isfinite(timeline.benchmark[first]) & np.isfinite(timeline.benchmark[last])
    count = a["return_count"]
    total, squares = (sums[last] - sums[first] for sums in timeline.benchmark_sums)
    variance = np.where(known, squares - _ratio(total * total, count), np.nan)
    beta = _ratio(a["cross_sum"] - _ratio(a["return_sum"] * total, count), variance)
    return beta, (mean - beta * _ratio(total, count)) * bars.periods_per_year

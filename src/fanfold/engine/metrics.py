"""From an account's sums to the metrics that people read.

The sums are added up in the loop, so a summary and a full run have the same
metrics to the last bit; `fanfold.measures` computes the same from an equity curve.
"""

import math
from dataclasses import dataclass
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
    "skewness",
    "kurtosis",
    "profit_factor",
    "hit_rate",
    "average_win",
    "average_loss",
    "exposure",
    "net_exposure",
    "turnover",
    "round_trip_count",
    "fill_count",
    "return_count",
    "fees",
    "dividends",
    "financing",
    "beta",
    "alpha",
    "final_equity",
)
"""Names of all metrics, in the order of reports and tables."""

COUNT_METRICS = frozenset({"periods_per_year", "round_trip_count", "fill_count", "return_count"})
"""Metrics that are whole numbers."""

SMALLER_IS_BETTER = frozenset(
    {
        "volatility",
        "max_drawdown",
        "max_drawdown_days",
        "kurtosis",
        "turnover",
        "fees",
        "financing",
    }
)
"""Metrics that a search makes small."""

POWER_SUMS = ("return_sum", "square_sum", "cube_sum", "fourth_sum")
"""Fields of an account that add up powers of returns."""

NANOSECONDS_PER_DAY = 86_400 * 10**9

FLAT = 1e-12
"""Share of its squares below which a spread is rounding [1]."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What finished runs added up to, one value each.

    Attributes:
        accounts: The last states, records of `Account`; shape [run].
        underwater_ns: Longest time from a peak to its recovery or to the end [ns].
        benchmark_sum: Sum of the benchmark's returns beside the run's; NaN if unknown.
        benchmark_squares: Sum of their squares; NaN if unknown.
    """

    accounts: NDArray[Any]
    underwater_ns: NDArray[np.int64]
    benchmark_sum: NDArray[np.float64]
    benchmark_squares: NDArray[np.float64]


def measured(accounts: NDArray[Any], bars: Bars, first: int) -> Measured:
    """Runs that decided from one bar on, with what the clock and the benchmark say of them.

    Args:
        accounts: The last states, records of `Account`; shape [run].
        bars: The market of the runs.
        first: Bar of the first decision.
    """
    timeline = timeline_of(bars)
    last = np.maximum(first + accounts["bar_count"] - 1, 0)
    waiting = np.where(accounts["underwater"] == 1, bars.ts[last] - accounts["peak_ts"], 0)
    known = np.isfinite(timeline.benchmark[first]) & np.isfinite(timeline.benchmark[last])
    total, squares = (
        np.where(known, sums[last] - sums[first], np.nan) for sums in timeline.benchmark_sums
    )
    underwater = np.maximum(accounts["underwater_max"], waiting)
    return Measured(accounts, underwater, total, squares)


def metrics_of(
    runs: Measured, *, cash: int, periods_per_year: int, risk_free: float = 0.0
) -> dict[str, NDArray[Any]]:
    """Metrics of finished runs, one value each.

    Returns are those of equity from one session's close to the next, from the bar
    of the first decision on. Sharpe is above the risk-free return, Sortino and its
    downside about 0. What cannot be computed (a ratio without variation, an average
    of nothing) is NaN.

    Args:
        runs: What they added up to.
        cash: Starting cash [micro-units].
        periods_per_year: Sessions a year.
        risk_free: Yearly risk-free return [1].

    Returns:
        Arrays of shape [run] by the names of `METRICS`: ratios and returns [1],
        drawdown [share of the peak], money [currency], `exposure` the share of bars
        that ended with a position, `net_exposure` what was held, shorts against longs, over
        equity [1], `turnover` what was bought and sold a year over
        mean equity, `average_win` and `average_loss` the mean profit of a winning
        and of a losing round trip [currency], `dividends` what longs received less what
        shorts paid, `financing` what borrowed assets and cash cost, `max_drawdown_days`
        the longest time from a peak to its recovery or to the end, `skewness` and
        `kurtosis` (raw, 3 = normal) those of the returns.
    """
    a = runs.accounts
    count = a["return_count"]
    growth = a["equity"] / cash
    years = count / periods_per_year
    mean = _ratio(a["return_sum"], count)
    sums = np.stack([a[name] for name in POWER_SUMS], axis=-1)
    deviation, skewness, kurtosis = shape_of_sums(sums, count)
    cagr = np.array([_yearly(g, y) for g, y in zip(growth.tolist(), years.tolist(), strict=True)])
    sharpe = _ratio(mean - risk_free / periods_per_year, deviation)
    drawdown = 1.0 - a["worst_equity"] / a["worst_peak"]
    beta, alpha = _against_benchmark(runs, mean, periods_per_year)
    mean_equity = _ratio(a["equity_sum"] * (2.0**EQUITY_SUM_SHIFT / MICRO), a["bar_count"])
    yearly = math.sqrt(periods_per_year)
    return {
        "total_return": growth - 1.0,
        "cagr": cagr,
        "volatility": deviation * yearly,
        "sharpe": sharpe * yearly,
        "sharpe_per_period": sharpe,
        "periods_per_year": np.full(len(a), periods_per_year),
        "sortino": _ratio(mean, np.sqrt(_ratio(a["downside_sum"], count))) * yearly,
        "calmar": _ratio(cagr, drawdown),
        "max_drawdown": drawdown,
        "max_drawdown_days": runs.underwater_ns / NANOSECONDS_PER_DAY,
        "skewness": skewness,
        "kurtosis": kurtosis,
        "profit_factor": _ratio(a["win_sum"], a["loss_sum"]),
        "hit_rate": _ratio(a["win_count"], a["trip_count"]),
        "average_win": _ratio(a["win_sum"] / MICRO, a["win_count"]),
        "average_loss": -_ratio(a["loss_sum"] / MICRO, a["loss_count"]),
        "exposure": _ratio(a["held_bar_count"], a["bar_count"]),
        "net_exposure": _ratio(a["net_sum"], a["equity_sum"]),
        "turnover": _ratio(a["traded"] / MICRO, mean_equity * years),
        "round_trip_count": a["trip_count"].copy(),
        "fill_count": a["fill_count"].copy(),
        "return_count": count.copy(),
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


def shape_of_sums(sums: NDArray[np.float64], count: NDArray[np.int64]) -> tuple[Any, Any, Any]:
    """Sample deviation (ddof 1), and population skewness and raw kurtosis, from power sums.

    The deviation of returns that are all equal is 0, and their shape NaN.

    Args:
        sums: Of r, r², r³ and r⁴, shape [..., sum].
        count: Returns, shape [...].
    """
    total, squares, cubes, fourths = np.moveaxis(sums, -1, 0)
    mean = _ratio(total, count)
    spread = np.maximum(squares - _ratio(total * total, count), 0.0)
    deviation = np.sqrt(_ratio(spread, np.maximum(count - 1, 0)))
    # Below this share of its squares the spread is rounding.
    varies = np.where(spread > FLAT * squares, spread, np.nan)
    second = varies / count
    third = _ratio(cubes, count) - mean * (3.0 * _ratio(squares, count) - 2.0 * mean * mean)
    fourth = _ratio(fourths, count) - mean * (
        4.0 * _ratio(cubes, count) - mean * (6.0 * _ratio(squares, count) - 3.0 * mean * mean)
    )
    return deviation, third / (second * np.sqrt(second)), fourth / (second * second)


def _against_benchmark(
    runs: Measured, mean: NDArray[np.float64], periods_per_year: int
) -> tuple[Any, Any]:
    """Beta, and yearly alpha over it; NaN where the benchmark is unknown or still."""
    a, count, total = runs.accounts, runs.accounts["return_count"], runs.benchmark_sum
    variance = runs.benchmark_squares - _ratio(total * total, count)
    beta = _ratio(a["cross_sum"] - _ratio(a["return_sum"] * total, count), variance)
    return beta, (mean - beta * _ratio(total, count)) * periods_per_year

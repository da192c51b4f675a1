"""What a return series compounds to, and how far and how long it fell on the way.

A drawdown is 1 - equity / running peak equity, never negative. The peak includes
the capital before the first return, so a series that only falls has a drawdown.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import DataError
from fanfold.measures import wide
from fanfold.measures.series import (
    RETURN_ROUNDING,
    Floats,
    Values,
    as_count,
    as_periods,
    as_series,
    as_values,
    ratio,
)

SESSIONS_PER_YEAR = 252.0
"""Sessions of an exchange calendar in a year; 365 suits markets that never close."""

NANOSECONDS_PER_DAY = 86_400_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """One fall from a peak, to its recovery if there was one.

    Attributes:
        depth: Deepest drawdown on the way [1].
        peak_bar: Bar of the peak it fell from.
        trough_bar: Bar at which it was deepest.
        recovery_bar: First bar back at the peak; None while it lasts.
        bar_count: Bars from the peak to the recovery, or to the last bar.
    """

    depth: float
    peak_bar: int
    trough_bar: int
    recovery_bar: int | None
    bar_count: int


def total_return(returns: ArrayLike) -> Values:
    """What the returns compound to.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN, at least -1 [1 per bar].

    Returns:
        Per series [1].

    Raises:
        DataError: `returns` are empty, not finite, or below -1.
    """
    return as_values(_final_equity(as_series(returns, "returns")) - 1.0)


def cagr(returns: ArrayLike, periods_per_year: float = SESSIONS_PER_YEAR) -> Values:
    """Compound annual growth rate; a year is `periods_per_year` bars, not a calendar's.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN, at least -1 [1 per bar].
        periods_per_year: Bars a year [1/year].

    Returns:
        Per series, -1 after a total loss, infinite where a short series grows beyond
        every number in a year [1 per year].

    Raises:
        ConfigError: `periods_per_year` is not above 0.
        DataError: `returns` are empty, not finite, or below -1.
    """
    series = as_series(returns, "returns")
    return as_values(growth_of_a_year(_final_equity(series), len(series), periods_per_year))


def calmar_ratio(returns: ArrayLike, periods_per_year: float = SESSIONS_PER_YEAR) -> Values:
    """Compound annual growth rate over the maximum drawdown, of the whole series.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN, at least -1 [1 per bar].
        periods_per_year: Bars a year [1/year].

    Returns:
        Per series, NaN where nothing was ever lost [1].

    Raises:
        ConfigError: `periods_per_year` is not above 0.
        DataError: `returns` are empty, not finite, or below -1.

    Source: Young (1991), Calmar Ratio: A Smoother Tool, Futures 20(1).
    """
    return ratio(cagr(returns, periods_per_year), max_drawdown(returns))


def drawdowns(equity: ArrayLike) -> Floats:
    """Drawdown at every bar.

    Args:
        equity: `[bar]` or `[bar, series]`, no NaN, above 0 at the first bar [currency].

    Returns:
        The shape of `equity`; 0 at a peak, 1 at equity 0, above 1 where equity is
        negative [1].

    Raises:
        DataError: `equity` is empty, not finite, or not above 0 at the first bar.
    """
    curve = as_series(equity, "equity")
    first = float(np.min(curve[0]))
    if first <= 0.0:
        raise DataError(f"equity must be above 0 at the first bar, was {first}")
    return 1.0 - curve / np.maximum.accumulate(curve, axis=0)


def max_drawdown(returns: ArrayLike) -> Values:
    """Deepest drawdown of what the returns compound to.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN, at least -1 [1 per bar].

    Returns:
        Per series, between 0 and 1 [1].

    Raises:
        DataError: `returns` are empty, not finite, or below -1.
    """
    series = as_series(returns, "returns")
    if wide.is_wide(series):
        return wide.follow(series, wide.Parts(growth=True)).depth
    return as_values(np.max(drawdowns(_grown(series)), axis=0))


def max_drawdown_bars(returns: ArrayLike) -> Values:
    """Longest time from a peak to its recovery, or to the last bar if there is none.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN, at least -1 [1 per bar].

    Returns:
        Per series, 0 where nothing was ever lost [bars].

    Raises:
        DataError: `returns` are empty, not finite, or below -1.
    """
    equity = _grown(as_series(returns, "returns"))
    return as_values(_longest(equity, np.arange(len(equity), dtype=np.int64)))


def max_drawdown_days(equity: ArrayLike, ts: ArrayLike) -> Values:
    """Longest calendar time from a peak to its recovery, or to the last bar.

    Args:
        equity: `[bar]` or `[bar, series]`, no NaN, above 0 at the first bar [currency].
        ts: `[bar]`, strictly increasing [ns UTC].

    Returns:
        Per series, 0 where equity never fell below a peak [days of 24 hours].

    Raises:
        DataError: `equity` or `ts` is not what it must be, or their lengths differ.
    """
    curve = as_series(equity, "equity")
    return as_values(_longest(curve, _as_ts(ts, len(curve))) / NANOSECONDS_PER_DAY)


def worst_drawdowns(equity: ArrayLike, count: int = 5) -> tuple[Drawdown, ...]:
    """The deepest drawdowns, the deepest first, equal ones in the order of time.

    Args:
        equity: `[bar]`, no NaN, above 0 at the first bar [currency].
        count: How many at most.

    Returns:
        Fewer than `count` where equity fell less often.

    Raises:
        ConfigError: `count` is not a whole number of at least 1.
        DataError: `equity` is empty, not finite, or not above 0 at the first bar.
    """
    wanted = as_count(count, "count", least=1)
    depth = drawdowns(as_series(equity, "equity", axes=1))
    edge = np.diff((depth > RETURN_ROUNDING).astype(np.int8), append=np.int8(0))
    starts = np.flatnonzero(edge == 1)
    ends = np.flatnonzero(edge == -1) + 1
    found = [
        _drawdown(depth, peak_bar, end)
        for peak_bar, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    return tuple(sorted(found, key=lambda drawdown: -drawdown.depth)[:wanted])


def growth_of_a_year(equity: Floats, bar_count: int, periods_per_year: float) -> Floats:
    """Compound annual growth rate from what 1 became.

    Args:
        equity: After the last bar, one value a series [1].
        bar_count: Bars that it took.
        periods_per_year: Bars a year [1/year].

    Raises:
        ConfigError: `periods_per_year` is not above 0.
    """
    with np.errstate(over="ignore"):
        return equity ** (as_periods(periods_per_year) / bar_count) - 1.0


def _drawdown(depth: Floats, peak_bar: int, end: int) -> Drawdown:
    trough_bar = peak_bar + int(np.argmax(depth[peak_bar:end]))
    recovered = end < len(depth)
    return Drawdown(
        depth=float(depth[trough_bar]),
        peak_bar=peak_bar,
        trough_bar=trough_bar,
        recovery_bar=end if recovered else None,
        bar_count=(end if recovered else len(depth) - 1) - peak_bar,
    )


def _final_equity(series: Floats) -> Floats:
    if wide.is_wide(series):
        return wide.follow(series, wide.Parts(growth=True)).equity
    return _grown(series)[-1]


def _grown(series: Floats) -> Floats:
    worst = float(np.min(series))
    equity = np.ones((len(series) + 1, *series.shape[1:]))
    with np.errstate(over="ignore"):
        np.cumprod(1.0 + series, axis=0, out=equity[1:])
    wide.refuse_growth(worst, equity)
    return equity


def _longest(equity: Floats, at: NDArray[np.int64]) -> NDArray[np.int64]:
    times = at if equity.ndim == 1 else at[:, np.newaxis]
    under = drawdowns(equity) > RETURN_ROUNDING
    last_peak = np.maximum.accumulate(np.where(under, times[0], times), axis=0)
    # A fall lasts through the bar of its recovery, hence the bar before counts too.
    lasted = np.where(under[1:] | under[:-1], times[1:] - last_peak[:-1], 0)
    return np.asarray(np.max(lasted, axis=0, initial=0))


def _as_ts(ts: ArrayLike, bar_count: int) -> NDArray[np.int64]:
    raw = np.asarray(ts)
    if raw.dtype.kind == "M":
        raw = raw.astype("datetime64[ns]").astype(np.int64)
    if raw.dtype.kind not in "iu" or raw.shape != (bar_count,):
        raise DataError(
            f"ts must be {bar_count} nanoseconds, as many as equity has bars, "
            f"was {raw.dtype} of the shape {raw.shape}"
        )
    times = raw.astype(np.int64)
    if np.any(np.diff(times) <= 0):
        bar = int(np.argmax(np.diff(times) <= 0)) + 1
        raise DataError(f"ts must increase from bar to bar, did not at bar {bar}")
    return times

"""Forecasts of the value at risk, one bar ahead, and what became of them.

The forecast for a bar is made of the bars before it and of nothing else. Three methods
look at a window as if its bars were alike: they are late when volatility rises. Two follow
the volatility, by the exponential average of RiskMetrics; of these "filtered_historical"
takes the shape of the tail from the window as well, instead of a normal's.

A window is a sample. The interpolated quantile (type 7) that `value_at_risk` takes of it is
what describes the window; of bars like those before, a new one falls below it with a
probability of (1 + (n - 1) p) / (n + 1): "historical" of 250 bars covers 94.6 % at level
0.95 and 98.6 % at 0.99.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import ConfigError, DataError
from fanfold.measures.coverage import (
    ChristoffersenTest,
    KupiecTest,
    TrafficLight,
    christoffersen_test,
    exceptions_of,
    kupiec_test,
    traffic_light,
)
from fanfold.measures.series import (
    RETURN_ROUNDING,
    Floats,
    Values,
    as_count,
    as_level,
    as_number,
    as_series,
    ratio,
)
from fanfold.measures.tail_risk import (
    ShortfallMethod,
    ValueAtRiskMethod,
    expected_shortfall,
    value_at_risk,
)

RollingValueAtRiskMethod = Literal[
    "historical", "gaussian", "cornish_fisher", "ewma", "filtered_historical"
]
RollingShortfallMethod = Literal[
    "historical", "gaussian", "modified", "ewma", "filtered_historical"
]

DECAY = 0.94
"""Weight of the past in the exponential average, RiskMetrics' for daily bars [1]."""

WINDOW_MIN = 2
"""Shortest window; a deviation takes two returns [bars]."""

WINDOW_NUMBERS_MAX = 1_000_000
"""Numbers held at once for a batch of windows, 8 MB a table."""

_Measure = Callable[[Floats], Values]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VarBacktest:
    """Forecasts of the value at risk beside what happened.

    Attributes:
        first_bar: Index of the first return with a forecast; the arrays begin there.
        forecasts: `[bar - first_bar]` or `[bar - first_bar, series]`; positive is a loss
            [1 per bar].
        exceptions: Whether the loss was larger, of the same shape.
        kupiec: Whether exceptions were as many as they should be.
        christoffersen: Whether they were, and did not follow each other.
        traffic_light: Whether they were too many.
        mean_loss_beyond: Of the bars with an exception, per series; NaN without any
            [1 per bar].
    """

    first_bar: int
    forecasts: Floats
    exceptions: NDArray[np.bool_]
    kupiec: KupiecTest
    christoffersen: ChristoffersenTest
    traffic_light: TrafficLight
    mean_loss_beyond: Values


def rolling_value_at_risk(
    returns: ArrayLike,
    *,
    window: int = 250,
    level: float = 0.95,
    method: RollingValueAtRiskMethod = "historical",
    decay: float = DECAY,
) -> Floats:
    """Forecast each bar's value at risk from the bars before it.

    Args:
        returns: `[bar]` or `[bar, series]`, more bars than the window, no NaN [1 per bar].
        window: Bars that a forecast looks back over, at least 2 [bars].
        level: Share of bars to cover, between 0 and 1 [1].
        method: "historical", "gaussian" and "cornish_fisher" are `value_at_risk` of the
            window. "ewma" is the quantile of a normal around 0 whose variance is the
            exponential average of squared returns, begun with the mean square of the first
            window. "filtered_historical" is the quantile of the window's returns in units
            of their own deviations, times the deviation of today, both by that average; the
            quantile is the one that a new score falls below with that very probability.
        decay: Weight of the past in the exponential average, between 0 and 1 [1].

    Returns:
        Of the same shape, NaN for the first `window` bars; element t is known before bar t
        begins; positive is a loss [1 per bar].

    Raises:
        ConfigError: `window`, `level`, `method` or `decay` is not what it must be.
        DataError: `returns` are not finite numbers, or not more than the window.

    Source: J.P. Morgan & Reuters (1996), RiskMetrics Technical Document, 4th edition,
        chapter 5; Barone-Adesi, Giannopoulos & Vosper (1999), VaR without Correlations for
        Portfolios of Derivative Securities, Journal of Futures Markets 19(5); Hull & White
        (1998), Incorporating Volatility Updating into the Historical Simulation Method for
        Value-at-Risk, Journal of Risk 1(1); Hyndman & Fan (1996), Sample Quantiles in
        Statistical Packages, American Statistician 50(4), type 6.
    """
    series, tail = _checked(returns, window, level, method, get_args(RollingValueAtRiskMethod))
    if method == "ewma":
        score = -NormalDist().inv_cdf(tail)
        return _behind(window, score * _deviations(series, window, decay)[window:-1])
    if method == "filtered_historical":
        return _filtered(series, window, decay, lambda part: -_quantiles(part, tail))
    plain: ValueAtRiskMethod = method
    return _behind(
        window, _of_windows(series, window, lambda part: value_at_risk(part, level, plain))
    )


def rolling_expected_shortfall(
    returns: ArrayLike,
    *,
    window: int = 250,
    level: float = 0.95,
    method: RollingShortfallMethod = "historical",
    decay: float = DECAY,
) -> Floats:
    """Forecast each bar's expected shortfall from the bars before it.

    Args:
        returns: `[bar]` or `[bar, series]`, more bars than the window, no NaN [1 per bar].
        window: Bars that a forecast looks back over, at least 2 [bars].
        level: Share of bars to cover, between 0 and 1 [1].
        method: "historical", "gaussian" and "modified" are `expected_shortfall` of the
            window; "ewma" and "filtered_historical" are as in `rolling_value_at_risk`.
        decay: Weight of the past in the exponential average, between 0 and 1 [1].

    Returns:
        Of the same shape, NaN for the first `window` bars; element t is known before bar t
        begins; positive is a loss [1 per bar].

    Raises:
        ConfigError: `window`, `level`, `method` or `decay` is not what it must be.
        DataError: `returns` are not finite numbers, or not more than the window.
    """
    series, tail = _checked(returns, window, level, method, get_args(RollingShortfallMethod))
    if method == "ewma":
        normal = NormalDist()
        score = normal.pdf(normal.inv_cdf(tail)) / tail
        return _behind(window, score * _deviations(series, window, decay)[window:-1])
    if method == "filtered_historical":
        return _filtered(series, window, decay, lambda part: _mean_beyond(part, tail))
    plain: ShortfallMethod = method
    return _behind(
        window, _of_windows(series, window, lambda part: expected_shortfall(part, level, plain))
    )


def backtest_value_at_risk(
    returns: ArrayLike,
    *,
    window: int = 250,
    level: float = 0.95,
    method: RollingValueAtRiskMethod = "historical",
    decay: float = DECAY,
) -> VarBacktest:
    """Forecast each bar's value at risk, and test how the forecasts held.

    Args:
        returns: `[bar]` or `[bar, series]`, more bars than the window, no NaN [1 per bar].
        window: Bars that a forecast looks back over, at least 2 [bars].
        level: Share of bars to cover, between 0 and 1 [1].
        method: As in `rolling_value_at_risk`.
        decay: Weight of the past in the exponential average, between 0 and 1 [1].

    Raises:
        ConfigError: `window`, `level`, `method` or `decay` is not what it must be.
        DataError: `returns` are not finite numbers, or not more than the window.
    """
    series = as_series(returns, "returns")
    forecasts = rolling_value_at_risk(
        series, window=window, level=level, method=method, decay=decay
    )
    exceptions = exceptions_of(series, forecasts)
    tested = series[window:]
    return VarBacktest(
        first_bar=window,
        forecasts=forecasts[window:],
        exceptions=exceptions,
        kupiec=kupiec_test(exceptions, level),
        christoffersen=christoffersen_test(exceptions, level),
        traffic_light=traffic_light(exceptions, level),
        mean_loss_beyond=ratio(
            np.sum(np.where(exceptions, -tested, 0.0), axis=0), np.sum(exceptions, axis=0)
        ),
    )


def _checked(
    returns: ArrayLike, window: int, level: float, method: str, methods: tuple[str, ...]
) -> tuple[Floats, float]:
    if method not in methods:
        raise ConfigError(f"method must be one of {', '.join(methods)}, was {method!r}")
    tail = 1.0 - as_level(level)
    bars = as_count(window, "window", least=WINDOW_MIN)
    series = as_series(returns, "returns")
    if len(series) <= bars:
        raise DataError(f"returns must have more bars than the window, {bars}, had {len(series)}")
    return series, tail


def _behind(window: int, forecasts: Floats) -> Floats:
    unknown = np.full((window, *forecasts.shape[1:]), np.nan)
    return np.concatenate([unknown, forecasts])


def _of_windows(values: Floats, window: int, measure: _Measure) -> Floats:
    """The measure of the window before each bar that has one, a batch of bars at a time."""
    columns = values.reshape(len(values), -1)
    forecast_count = len(values) - window
    # The window that ends with the last bar is the forecast of a bar that is not there.
    windows = sliding_window_view(columns, window, axis=0)[:forecast_count]
    found = np.empty((forecast_count, columns.shape[1]))
    wide = min(columns.shape[1], max(1, WINDOW_NUMBERS_MAX // window))
    long = max(1, WINDOW_NUMBERS_MAX // (window * wide))
    for left in range(0, columns.shape[1], wide):
        for first in range(0, forecast_count, long):
            part = windows[first : first + long, left : left + wide]
            one_a_column = np.moveaxis(part, 2, 0).reshape(window, -1)
            if one_a_column.shape[1] == 1:
                # NumPy adds a lone column up in another order than one among others.
                one_a_column = np.repeat(one_a_column, 2, axis=1)
            values_there = np.asarray(measure(one_a_column))[: part.shape[0] * part.shape[1]]
            found[first : first + long, left : left + wide] = values_there.reshape(part.shape[:2])
    return found.reshape(forecast_count, *values.shape[1:])


def _filtered(series: Floats, window: int, decay: float, measure: _Measure) -> Floats:
    deviations = _deviations(series, window, decay)
    still = deviations[:-1] <= 0.0
    # Before anything has ever moved there is no unit to measure a move in.
    scores = np.where(still, 0.0, series / np.where(still, 1.0, deviations[:-1]))
    return _behind(window, _of_windows(scores, window, measure) * deviations[window:-1])


def _quantiles(scores: Floats, tail: float) -> Floats:
    return np.quantile(scores, tail, axis=0, method="weibull")


def _mean_beyond(scores: Floats, tail: float) -> Floats:
    beyond = scores <= _quantiles(scores, tail) + RETURN_ROUNDING
    return -np.sum(np.where(beyond, scores, 0.0), axis=0) / np.sum(beyond, axis=0)


def _deviations(series: Floats, window: int, decay: float) -> Floats:
    """Deviation expected of each bar and of the one after the last, `[bar + 1, ...]`."""
    stay = as_number(decay, "decay")
    if not 0.0 < stay < 1.0:
        raise ConfigError(f"decay must be between 0 and 1, was {decay}")
    squares = series * series
    # Added up in order, which one series and many have in common.
    variance = np.cumsum(squares[:window], axis=0)[-1] / window
    variances = np.empty((len(series) + 1, *series.shape[1:]))
    variances[0] = variance
    news = (1.0 - stay) * squares
    for bar in range(len(series)):
        variance = stay * variance + news[bar]
        variances[bar + 1] = variance
    return np.sqrt(variances)

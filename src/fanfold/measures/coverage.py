"""Whether forecasts of the value at risk held: how often, and how evenly, they were exceeded.

A forecast at level 0.95 that is right is exceeded at one bar in twenty, and today's
exception says nothing about tomorrow's. `kupiec_test` asks the first, `christoffersen_test`
both, `traffic_light` only whether there were too many; `fanfold.measures.durations` looks
further back than one bar. All of them take exceptions, a boolean a bar, which `exceptions_of`
makes of returns and forecasts, and judge one series or many at once.

The p-values are those of the limit, and few exceptions are far from it: of 250 bars at
level 0.99 a right forecast is rejected at 5 % more often than one time in twenty. Where
that matters, Kupiec's test has the exact probability beside it.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import Floats, Values, as_level, as_number, as_series, as_values

Counts: TypeAlias = int | NDArray[np.int64]
"""One count of a 1-D input, one per series of a 2-D input."""

Verdicts: TypeAlias = bool | NDArray[np.bool_]
"""One verdict of a 1-D input, one per series of a 2-D input."""

YELLOW_FROM = 0.95
"""Probability of so few exceptions or fewer from which they are suspicious [1]."""

RED_FROM = 0.9999
"""Probability of so few exceptions or fewer from which the forecasts are given up [1]."""

STATISTIC_ROUNDING = 1e-9
"""Statistics of counts that differ by less are the same [1]."""

CHI_SQUARE_EXPONENTIAL = 2
"""Degrees of freedom at which a chi-square variable is exponential."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KupiecTest:
    """Whether there were as many exceptions as the level says.

    Attributes:
        statistic: Likelihood ratio, chi-square with 1 degree of freedom in the limit [1].
        p_value: Of that limit [1].
        exact_p_value: Probability, by the binomial distribution itself, of a count that is
            at least as unlikely by the same ratio [1].
        exception_count: Bars whose loss exceeded the forecast.
        bar_count: Bars with a forecast.
        expected_count: Exceptions that the level lets expect; not a whole number.
    """

    statistic: Values
    p_value: Values
    exact_p_value: Values
    exception_count: Counts
    bar_count: int
    expected_count: float

    def passes(self, at: float = 0.05) -> Verdicts:
        """Whether the p-value is not below `at`; per series."""
        return not_below(self.p_value, at)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChristoffersenTest:
    """Whether exceptions were as many as the level says and came independently of the last bar.

    Attributes:
        statistic: Of both at once, chi-square with 2 degrees of freedom in the limit [1].
        p_value: Of both at once [1].
        coverage_statistic: Kupiec's part, of all bars [1].
        coverage_p_value: 1 degree of freedom [1].
        independence_statistic: The rest, of all bars but the first [1].
        independence_p_value: 1 degree of freedom [1].
        calm_to_calm_count: Bars without an exception after one without.
        calm_to_exception_count: Exceptions after a bar without.
        exception_to_calm_count: Bars without an exception after one with.
        exception_to_exception_count: Exceptions after an exception.
        exception_count: Bars whose loss exceeded the forecast.
        bar_count: Bars with a forecast.
        expected_count: Exceptions that the level lets expect; not a whole number.
    """

    statistic: Values
    p_value: Values
    coverage_statistic: Values
    coverage_p_value: Values
    independence_statistic: Values
    independence_p_value: Values
    calm_to_calm_count: Counts
    calm_to_exception_count: Counts
    exception_to_calm_count: Counts
    exception_to_exception_count: Counts
    exception_count: Counts
    bar_count: int
    expected_count: float

    def passes(self, at: float = 0.05) -> Verdicts:
        """Whether the p-value of both at once is not below `at`; per series."""
        return not_below(self.p_value, at)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrafficLight:
    """Whether there were more exceptions than the level says.

    Attributes:
        zone: "green", "yellow" or "red"; per series.
        probability: Of so few exceptions or fewer where the forecasts are right [1].
        p_value: Of so many exceptions or more where the forecasts are right [1].
        exception_count: Bars whose loss exceeded the forecast.
        bar_count: Bars with a forecast.
        expected_count: Exceptions that the level lets expect; not a whole number.
    """

    zone: str | NDArray[np.str_]
    probability: Values
    p_value: Values
    exception_count: Counts
    bar_count: int
    expected_count: float

    def passes(self, at: float = 0.05) -> Verdicts:
        """Whether the p-value, of too many only, is not below `at`; per series."""
        return not_below(self.p_value, at)


def exceptions_of(returns: ArrayLike, value_at_risk: ArrayLike) -> NDArray[np.bool_]:
    """Bars at which the loss was larger than its forecast.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        value_at_risk: Forecasts made before the same bars, of the same shape; positive is
            a loss. First bars without any forecast (NaN) are left out, as
            `rolling_value_at_risk` gives them [1 per bar].

    Returns:
        Of the bars with a forecast: whether return < -value at risk.

    Raises:
        DataError: An array is not finite numbers, their shapes differ, or no bar has a
            forecast.
    """
    series = as_series(returns, "returns")
    raw = np.asarray(value_at_risk)
    if raw.shape != series.shape:
        raise DataError(
            f"value_at_risk must have the shape of returns, {series.shape}, had {raw.shape}"
        )
    forecast = ~np.isnan(raw.astype(np.float64)) if raw.dtype.kind in "biuf" else np.ones(raw.shape)
    by_bar = forecast.reshape(len(series), -1).any(axis=1)
    first = int(np.argmax(by_bar)) if by_bar.any() else len(series)
    forecasts = as_series(raw[first:], "value_at_risk")
    return series[first:] < -forecasts


def kupiec_test(exceptions: ArrayLike, level: float = 0.95) -> KupiecTest:
    """Test the number of exceptions against the level (proportion of failures).

    Args:
        exceptions: `[bar]` or `[bar, series]`, whether the loss exceeded its forecast.
        level: Share of bars that the forecasts claim to cover, between 0 and 1 [1].

    Raises:
        ConfigError: `level` is not between 0 and 1.
        DataError: `exceptions` are empty or something else than booleans or 0 and 1.

    Source: Kupiec (1995), Techniques for Verifying the Accuracy of Risk Measurement Models,
        Journal of Derivatives 3(2).
    """
    hits, tail = as_exceptions(exceptions), 1.0 - as_level(level)
    bars, count = len(hits), np.count_nonzero(hits, axis=0)
    # One ratio and one probability for every count that could have been.
    ratios = _coverage_ratio(np.arange(bars + 1), bars, tail)
    order = np.argsort(-ratios, kind="stable")
    beyond = np.cumsum(_binomial(bars, tail)[order])
    found = ratios[count]
    place = np.searchsorted(-ratios[order], -found + STATISTIC_ROUNDING, side="right") - 1
    return KupiecTest(
        statistic=as_values(found),
        p_value=chi_square_beyond(found, 1),
        exact_p_value=as_values(np.minimum(beyond[place], 1.0)),
        exception_count=as_counts(count),
        bar_count=bars,
        expected_count=bars * tail,
    )


def christoffersen_test(exceptions: ArrayLike, level: float = 0.95) -> ChristoffersenTest:
    """Test the number of exceptions, and that one at this bar says nothing of the next.

    What follows exceptions that never were counts as no evidence (0^0 = 1).

    Args:
        exceptions: `[bar]` or `[bar, series]`, whether the loss exceeded its forecast.
        level: Share of bars that the forecasts claim to cover, between 0 and 1 [1].

    Raises:
        ConfigError: `level` is not between 0 and 1.
        DataError: `exceptions` are empty or something else than booleans or 0 and 1.

    Source: Christoffersen (1998), Evaluating Interval Forecasts, International Economic
        Review 39(4).
    """
    hits, tail = as_exceptions(exceptions), 1.0 - as_level(level)
    bars, count = len(hits), np.count_nonzero(hits, axis=0)
    before, after = hits[:-1], hits[1:]
    n11 = np.count_nonzero(before & after, axis=0)
    n10 = np.count_nonzero(before & ~after, axis=0)
    n01 = np.count_nonzero(~before & after, axis=0)
    n00 = bars - 1 - n11 - n10 - n01
    apart = _own_likelihood(n01, n00) + _own_likelihood(n11, n10)
    independence = np.maximum(2.0 * (apart - _own_likelihood(n01 + n11, n00 + n10)), 0.0)
    coverage = _coverage_ratio(count, bars, tail)
    return ChristoffersenTest(
        statistic=as_values(coverage + independence),
        p_value=chi_square_beyond(coverage + independence, 2),
        coverage_statistic=as_values(coverage),
        coverage_p_value=chi_square_beyond(coverage, 1),
        independence_statistic=as_values(independence),
        independence_p_value=chi_square_beyond(independence, 1),
        calm_to_calm_count=as_counts(n00),
        calm_to_exception_count=as_counts(n01),
        exception_to_calm_count=as_counts(n10),
        exception_to_exception_count=as_counts(n11),
        exception_count=as_counts(count),
        bar_count=bars,
        expected_count=bars * tail,
    )


def traffic_light(exceptions: ArrayLike, level: float = 0.99) -> TrafficLight:
    """Sort the number of exceptions into the zones of the Basel Committee.

    Green ends where so many exceptions or fewer have a probability of 95 %, yellow where
    it is 99.99 %: of 250 bars at level 0.99, five are yellow and ten are red.

    Args:
        exceptions: `[bar]` or `[bar, series]`, whether the loss exceeded its forecast.
        level: Share of bars that the forecasts claim to cover, between 0 and 1 [1].

    Raises:
        ConfigError: `level` is not between 0 and 1.
        DataError: `exceptions` are empty or something else than booleans or 0 and 1.

    Source: Basel Committee on Banking Supervision (1996), Supervisory Framework for the Use
        of Backtesting in Conjunction with the Internal Models Approach.
    """
    hits, tail = as_exceptions(exceptions), 1.0 - as_level(level)
    bars, count = len(hits), np.count_nonzero(hits, axis=0)
    chances = _binomial(bars, tail)
    at_most = np.minimum(np.cumsum(chances), 1.0)[count]
    at_least = np.minimum(np.cumsum(chances[::-1])[::-1], 1.0)[count]
    zone = np.where(at_most < YELLOW_FROM, "green", np.where(at_most < RED_FROM, "yellow", "red"))
    return TrafficLight(
        zone=str(zone) if zone.ndim == 0 else zone,
        probability=as_values(at_most),
        p_value=as_values(at_least),
        exception_count=as_counts(count),
        bar_count=bars,
        expected_count=bars * tail,
    )


def as_exceptions(exceptions: ArrayLike) -> NDArray[np.bool_]:
    """Check an array of exceptions.

    Args:
        exceptions: `[bar]` or `[bar, series]`, booleans or 0 and 1.

    Raises:
        DataError: Empty, too many axes, or something else than booleans or 0 and 1.
    """
    array = as_series(exceptions, "exceptions")
    strange = array[(array != 0.0) & (array != 1.0)]
    if strange.size > 0:
        raise DataError(
            "exceptions must be True and False or 1 and 0, as exceptions_of(returns, "
            f"value_at_risk) makes them, was {strange[0]}"
        )
    return array == 1.0


def as_counts(counts: ArrayLike) -> Counts:
    """An int for one count, an array for several.

    Args:
        counts: A whole number or an array of them.
    """
    array = np.asarray(counts, dtype=np.int64)
    return int(array) if array.ndim == 0 else array


def chi_square_beyond(statistic: ArrayLike, degrees: int) -> Values:
    """Probability that a chi-square variable is larger.

    Args:
        statistic: Not negative; NaN gives NaN.
        degrees: Of freedom, 1 or 2.
    """
    values = np.asarray(statistic, dtype=np.float64)
    if degrees == CHI_SQUARE_EXPONENTIAL:
        return as_values(np.exp(-0.5 * values))
    beyond = [math.erfc(math.sqrt(0.5 * value)) for value in values.ravel().tolist()]
    return as_values(np.asarray(beyond).reshape(values.shape))


def not_below(p_value: Values, at: float) -> Verdicts:
    """Whether a p-value rejects nothing; one that is NaN does not.

    Args:
        p_value: Of a test, one or one a series [1].
        at: Significance, between 0 and 1 [1].

    Raises:
        ConfigError: `at` is not between 0 and 1.
    """
    significance = as_number(at, "at")
    if not 0.0 < significance < 1.0:
        raise ConfigError(f"at must be between 0 and 1, was {at}")
    kept = ~(np.asarray(p_value) < significance)
    return bool(kept) if kept.ndim == 0 else kept


def _binomial(bars: int, tail: float) -> Floats:
    """Probability of each number of exceptions from 0 to `bars`."""
    counts = np.arange(bars + 1)
    factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, bars + 1)))])
    orders = factorial[-1] - factorial - factorial[::-1]
    return np.exp(orders + counts * math.log(tail) + (bars - counts) * math.log1p(-tail))


def _coverage_ratio(count: NDArray[np.int64], bars: int, tail: float) -> Floats:
    claimed = count * math.log(tail) + (bars - count) * math.log1p(-tail)
    return np.maximum(2.0 * (_own_likelihood(count, bars - count) - claimed), 0.0)


def _own_likelihood(hits: ArrayLike, misses: ArrayLike) -> Floats:
    # Log likelihood at the share that was found, where 0 log 0 is 0.
    hit, miss = np.asarray(hits, dtype=np.float64), np.asarray(misses, dtype=np.float64)
    total = np.maximum(hit + miss, 1.0)
    logs = [part * np.log(np.where(part > 0.0, part, total) / total) for part in (hit, miss)]
    return logs[0] + logs[1]

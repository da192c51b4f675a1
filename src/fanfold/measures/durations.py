"""Whether exceptions come in clusters, by the bars that lie between them.

`christoffersen_test` looks one bar back. Volatility stays high for weeks, and forecasts
that miss it are exceeded again after three days as easily as after one.

A Weibull distribution is one of continuous time and bars are whole. Of right forecasts the
test rejects, at 5 %, about 9 % of series (1,000 bars at level 0.95): what it barely rejects
is no evidence.
"""

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.measures.coverage import (
    Counts,
    Verdicts,
    as_counts,
    as_exceptions,
    chi_square_beyond,
    not_below,
)
from fanfold.measures.series import Floats, Values, as_level, as_values

WEIBULL_SHAPE_MIN = 0.001
WEIBULL_SHAPE_MAX = 10.0
"""Durations that are all the same would have no largest likelihood [1]."""

SHAPE_STEPS = 60
"""Halvings of that range, which leave less than rounding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DurationTest:
    """Whether the time since the last exception says nothing about the next.

    Attributes:
        statistic: Likelihood ratio, chi-square with 1 degree of freedom in the limit [1].
        p_value: Of that limit; NaN where no two exceptions bound a duration [1].
        shape: Of the Weibull distribution of the durations: 1 has no memory, below 1
            exceptions come in clusters, above 1 they come too evenly [1].
        log_likelihood: At that shape [1].
        memoryless_log_likelihood: At a shape of 1 [1].
        exception_count: Bars whose loss exceeded the forecast.
        bar_count: Bars with a forecast.
        expected_count: Exceptions that the level lets expect; not a whole number.
    """

    statistic: Values
    p_value: Values
    shape: Values
    log_likelihood: Values
    memoryless_log_likelihood: Values
    exception_count: Counts
    bar_count: int
    expected_count: float

    def passes(self, at: float = 0.05) -> Verdicts:
        """Whether the p-value is not below `at`; NaN rejects nothing; per series."""
        return not_below(self.p_value, at)


def duration_test(exceptions: ArrayLike, level: float = 0.95) -> DurationTest:
    """Test that the waiting time for an exception has no memory.

    Bars between exceptions are held against a Weibull distribution, whose shape is 1 where
    there is no memory. The times before the first exception and after the last one are
    known to be that long at least. The level changes nothing but `expected_count`.

    Args:
        exceptions: `[bar]` or `[bar, series]`, whether the loss exceeded its forecast.
        level: Share of bars that the forecasts claim to cover, between 0 and 1 [1].

    Returns:
        NaN for series with fewer than 2 exceptions.

    Raises:
        ConfigError: `level` is not between 0 and 1.
        DataError: `exceptions` are empty or something else than booleans or 0 and 1.

    Source: Christoffersen & Pelletier (2004), Backtesting Value-at-Risk: A Duration-Based
        Approach, Journal of Financial Econometrics 2(1).
    """
    hits, tail = as_exceptions(exceptions), 1.0 - as_level(level)
    durations = _durations_of(hits.reshape(len(hits), -1))
    shape = durations.likeliest_shape()
    free = durations.log_likelihood(shape)
    memoryless = np.where(np.isnan(shape), np.nan, durations.log_likelihood(np.ones_like(shape)))
    shaped = hits.shape[1:]
    statistic = np.maximum(2.0 * (free - memoryless), 0.0).reshape(shaped)
    return DurationTest(
        statistic=as_values(statistic),
        p_value=chi_square_beyond(statistic, 1),
        shape=as_values(shape.reshape(shaped)),
        log_likelihood=as_values(free.reshape(shaped)),
        memoryless_log_likelihood=as_values(memoryless.reshape(shaped)),
        exception_count=as_counts(np.count_nonzero(hits, axis=0)),
        bar_count=len(hits),
        expected_count=len(hits) * tail,
    )


@dataclass(frozen=True, slots=True)
class _Durations:
    # Bars between the exceptions of all series in one row, and the series that each is of.
    bars: Floats
    complete: Floats
    owner: NDArray[np.int64]
    series_count: int

    def sums(self, values: Floats) -> Floats:
        return np.bincount(self.owner, weights=values, minlength=self.series_count).astype(
            np.float64
        )

    def likeliest_shape(self) -> Floats:
        # The slope of the likelihood falls as the shape grows, so halving finds its root.
        complete, logs = self.sums(self.complete), np.log(self.bars)
        complete_logs = self.sums(self.complete * logs)
        low = np.full(self.series_count, WEIBULL_SHAPE_MIN)
        high = np.full(self.series_count, WEIBULL_SHAPE_MAX)
        for _ in range(SHAPE_STEPS):
            shape = 0.5 * (low + high)
            powers = self.bars ** shape[self.owner]
            pull = self.sums(powers * logs) / _positive(self.sums(powers))
            rising = complete / shape + complete_logs - complete * pull > 0.0
            low, high = np.where(rising, shape, low), np.where(rising, high, shape)
        return np.where(complete > 0.0, 0.5 * (low + high), np.nan)

    def log_likelihood(self, shape: Floats) -> Floats:
        # At the scale that is likeliest for the shape, which has a closed form.
        complete = self.sums(self.complete)
        powers = self.bars ** shape[self.owner]
        rate = np.log(_positive(complete) / _positive(self.sums(powers)))
        logs = self.sums(self.complete * np.log(self.bars))
        return complete * (rate + np.log(shape) - 1.0) + (shape - 1.0) * logs


def _durations_of(hits: NDArray[np.bool_]) -> _Durations:
    owner, at = np.nonzero(hits.T)
    opens = np.diff(owner, prepend=-1) != 0
    closes = np.diff(owner, append=-1) != 0
    before = np.where(opens, at + 1, np.diff(at, prepend=0))
    after = len(hits) - 1 - at[closes]
    # A series that begins with an exception waits for nothing, one that ends with it neither.
    kept = ~(opens & (at == 0))
    return _Durations(
        bars=np.concatenate([before[kept], after[after > 0]]).astype(np.float64),
        complete=np.concatenate(
            [np.where(opens[kept], 0.0, 1.0), np.zeros(np.count_nonzero(after))]
        ),
        owner=np.concatenate([owner[kept], owner[closes][after > 0]]),
        series_count=hits.shape[1],
    )


def _positive(values: Floats) -> Floats:
    return np.maximum(values, sys.float_info.min)

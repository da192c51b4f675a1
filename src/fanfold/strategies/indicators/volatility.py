"""How widely prices swing."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled
from fanfold.strategies.indicators.periods import checked_period, checked_positive
from fanfold.strategies.indicators.ring import PERIOD, deviation, oldest_slot, sums_about
from fanfold.strategies.indicators.shape import Indicator
from fanfold.strategies.indicators.smoothing import COUNT, WEIGHT, counted, smoothed

_AVERAGE: Final = 3
_PREVIOUS: Final = 4

_WIDTH: Final = 2
_BANDS_RING: Final = 3

_BARS_PER_YEAR: Final = 2
_PREVIOUS_CLOSE: Final = 3
_RETURNS_RING: Final = 4


@compiled
def update_atr(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Smooth the bar's range, stretched to the close before it."""
    previous = state[_PREVIOUS]
    state[_PREVIOUS] = close
    if not math.isnan(previous):
        true_range = max(previous, high) - min(previous, low)
        state[_AVERAGE] = smoothed(state, counted(state), state[_AVERAGE], true_range)
    out[0] = state[_AVERAGE] if state[COUNT] >= state[PERIOD] else math.nan


@compiled
def update_bollinger(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Measure the window about its newest close, which is in it."""
    state[oldest_slot(state, _BANDS_RING)] = close
    total, squares = sums_about(state, _BANDS_RING, close)
    period = state[PERIOD]
    middle = close + total / period
    width = state[_WIDTH] * deviation(total, squares, period, period)
    out[0] = middle
    out[1] = middle + width
    out[2] = middle - width


@compiled
def update_realised_volatility(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Measure the window of log returns about its newest, which is in it."""
    previous = state[_PREVIOUS_CLOSE]
    state[_PREVIOUS_CLOSE] = close
    both_positive = previous > 0.0 and close > 0.0
    log_return = math.log(close / previous) if both_positive else math.nan
    state[oldest_slot(state, _RETURNS_RING)] = log_return
    total, squares = sums_about(state, _RETURNS_RING, log_return)
    period = state[PERIOD]
    per_bar = deviation(total, squares, period, period - 1.0)
    out[0] = per_bar * math.sqrt(state[_BARS_PER_YEAR])


@dataclass(frozen=True, slots=True)
class ATR(Indicator):
    """Wilder's average true range [price]: TA-Lib's ATR.

    The true range is the bar's high to low, stretched to the close before it, so the
    first bar has none. The first value is the simple mean of `period` true ranges;
    after that a new one weighs 1 / period.

    Attributes:
        period: Smoothing, and the ranges in the first value [bars].

    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """

    period: int
    update: ClassVar[Compiled[..., None]] = update_atr

    def __post_init__(self) -> None:
        checked_period("ATR period", self.period)

    @property
    def warm_up(self) -> int:
        """One bar more than true ranges [bars]."""
        return self.period + 1

    def start(self) -> NDArray[np.float64]:
        """No close yet."""
        state = np.zeros(_PREVIOUS + 1)
        state[PERIOD] = self.period
        state[WEIGHT] = 1.0 / self.period
        state[_PREVIOUS] = math.nan
        return state


@dataclass(frozen=True, slots=True)
class Bollinger(Indicator):
    """Bollinger bands of the close [price]: TA-Lib's BBANDS.

    Three outputs, in this order: middle, upper, lower. The middle is the simple
    average; the bands lie `width` population deviations (ddof 0) beside it. Each bar
    costs in proportion to the period (see `ring.sums_about`).

    Attributes:
        period: Window [bars].
        width: From the middle to a band [deviations].

    Source: Bollinger (2001), Bollinger on Bollinger Bands.
    """

    period: int
    width: float = 2.0
    update: ClassVar[Compiled[..., None]] = update_bollinger
    output_count: ClassVar[int] = 3

    def __post_init__(self) -> None:
        checked_period("Bollinger period", self.period)
        checked_positive("Bollinger width", self.width)

    @property
    def warm_up(self) -> int:
        """The window [bars]."""
        return self.period

    def start(self) -> NDArray[np.float64]:
        """A ring without closes."""
        state = np.full(_BANDS_RING + self.period, math.nan)
        state[:_BANDS_RING] = self.period, 0.0, self.width
        return state


@dataclass(frozen=True, slots=True)
class RealisedVolatility(Indicator):
    """Annualised deviation of the last log returns of the close [1 per √year].

    The sample deviation (ddof 1, mean removed) of `period` log returns from bar to
    bar, times the root of `bars_per_year`. NaN while the window holds a close that
    is not above zero. Each bar costs in proportion to the period.

    Attributes:
        period: Log returns in the window [bars], at least 2.
        bars_per_year: 252 for daily bars of an exchange, 365 for daily bars around
            the clock, 98,280 for minutes of a 6.5 hour session.
    """

    period: int
    bars_per_year: float = 252.0
    update: ClassVar[Compiled[..., None]] = update_realised_volatility

    def __post_init__(self) -> None:
        checked_period("RealisedVolatility period", self.period, least=2)
        checked_positive("RealisedVolatility bars_per_year", self.bars_per_year)

    @property
    def warm_up(self) -> int:
        """One bar more than returns [bars]."""
        return self.period + 1

    def start(self) -> NDArray[np.float64]:
        """A ring without returns."""
        state = np.full(_RETURNS_RING + self.period, math.nan)
        state[:_PREVIOUS_CLOSE] = self.period, 0.0, self.bars_per_year
        return state

"""How far, and how one-sidedly, the close has moved."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled
from fanfold.strategies.indicators.periods import checked_period
from fanfold.strategies.indicators.ring import PERIOD, oldest_slot
from fanfold.strategies.indicators.shape import Indicator
from fanfold.strategies.indicators.smoothing import COUNT, WEIGHT, counted, smoothed
from fanfold.strategies.indicators.window import extremes_start, highest_lowest, mean_of_last

_RING: Final = 2
_PREVIOUS: Final = 3
_RISE: Final = 4
_FALL: Final = 5

_SMOOTH: Final = 2
_SIGNAL: Final = 3
_EXTREMES: Final = 4

BALANCED: Final = 50.0
"""Value from 0 to 100 of prices that never moved: neither end is the nearer one."""


@compiled
def update_rsi(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Average rises and falls apart and compare them."""
    previous = state[_PREVIOUS]
    state[_PREVIOUS] = close
    if not math.isnan(previous):
        change = close - previous
        count = counted(state)
        state[_RISE] = smoothed(state, count, state[_RISE], max(0.0, change))
        state[_FALL] = smoothed(state, count, state[_FALL], max(0.0, -change))
    rise = state[_RISE]
    moved = rise + state[_FALL]
    if state[COUNT] < state[PERIOD]:
        out[0] = math.nan
    elif moved > 0.0:
        out[0] = 100.0 * (rise / moved)
    else:
        out[0] = BALANCED


@compiled
def update_roc(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Compare the close with the one that leaves the ring."""
    slot = oldest_slot(state, _RING)
    past = state[slot]
    state[slot] = close
    out[0] = (close - past) / past if past != 0.0 else math.nan


@compiled
def update_stochastic(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Place the close in the window's range and average twice."""
    highest, lowest = highest_lowest(state, _EXTREMES, high, low)
    place = BALANCED
    if highest != lowest:  # NaN too, while the window fills
        place = 100.0 * ((close - lowest) / (highest - lowest))
    smooth = int(state[_SMOOTH])
    signal = int(state[_SIGNAL])
    last = len(state)
    smoothed_place = mean_of_last(state, last - signal - smooth, smooth, place)
    average = mean_of_last(state, last - signal, signal, smoothed_place)
    if not math.isnan(average):
        out[0] = smoothed_place
        out[1] = average


@dataclass(frozen=True, slots=True)
class RSI(Indicator):
    """Wilder's relative strength index of the close, 0 to 100: TA-Lib's RSI.

    100 × mean rise / (mean rise + mean fall). The first means are simple ones of the
    first `period` changes; after that a new change weighs 1 / period. Closes that
    have not moved at all give 50, neither bought nor sold (TA-Lib gives 0 there,
    which a rule would read as oversold).

    Attributes:
        period: Smoothing, and the changes in the first value [bars], at least 2.

    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """

    period: int
    update: ClassVar[Compiled[..., None]] = update_rsi

    def __post_init__(self) -> None:
        checked_period("RSI period", self.period, least=2)

    @property
    def warm_up(self) -> int:
        """One bar more than changes [bars]."""
        return self.period + 1

    def start(self) -> NDArray[np.float64]:
        """No close yet."""
        state = np.zeros(_FALL + 1)
        state[PERIOD] = self.period
        state[WEIGHT] = 1.0 / self.period
        state[_PREVIOUS] = math.nan
        return state


@dataclass(frozen=True, slots=True)
class ROC(Indicator):
    """Rate of change of the close: the simple return over `period` bars [1].

    A ratio, so 0.05 is five percent: TA-Lib's ROCP (its ROC is a hundred times
    this). NaN where the earlier close was zero.

    Attributes:
        period: Bars between the two closes [bars].
    """

    period: int
    update: ClassVar[Compiled[..., None]] = update_roc

    def __post_init__(self) -> None:
        checked_period("ROC period", self.period)

    @property
    def warm_up(self) -> int:
        """Both closes and the bars between them [bars]."""
        return self.period + 1

    def start(self) -> NDArray[np.float64]:
        """A ring without closes."""
        state = np.full(_RING + self.period, math.nan)
        state[:_RING] = self.period, 0.0
        return state


@dataclass(frozen=True, slots=True)
class Stochastic(Indicator):
    """Lane's stochastic oscillator, 0 to 100: TA-Lib's STOCH with simple averages.

    Two outputs, in this order: %K, the mean over `smooth` bars of
    100 × (close - lowest low) / (highest high - lowest low), and %D, the mean of %K over
    `signal` bars. Both have their first value with %D. A range of nothing gives 50,
    neither end (TA-Lib gives 0 there, which a rule would read as oversold).

    Attributes:
        period: Window of highs and lows, the bar at hand included [bars].
        smooth: Of %K [bars]; 1 is the fast oscillator.
        signal: Of %D [bars].

    Source: Lane (1984), Lane's Stochastics, Stocks & Commodities 2(3).
    """

    period: int = 14
    smooth: int = 3
    signal: int = 3
    update: ClassVar[Compiled[..., None]] = update_stochastic
    output_count: ClassVar[int] = 2

    def __post_init__(self) -> None:
        checked_period("Stochastic period", self.period)
        checked_period("Stochastic smooth period", self.smooth)
        checked_period("Stochastic signal period", self.signal)

    @property
    def warm_up(self) -> int:
        """The window and what both means add to it [bars]."""
        return self.period + self.smooth + self.signal - 2

    def start(self) -> NDArray[np.float64]:
        """A window without bars and means without values."""
        head = [self.period, 0.0, self.smooth, self.signal]
        means = np.full(self.smooth + self.signal, math.nan)
        return np.concatenate((head, extremes_start(self.period), means))

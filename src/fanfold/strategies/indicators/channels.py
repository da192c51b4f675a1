"""Channels that prices leave when a trend begins."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled
from fanfold.strategies.indicators.periods import checked_lag, checked_period, checked_positive
from fanfold.strategies.indicators.shape import Indicator
from fanfold.strategies.indicators.smoothing import moved
from fanfold.strategies.indicators.window import extremes_start, highest_lowest

_LAG: Final = 2
_LAG_HEAD: Final = 3
_EXTREMES: Final = 4

_PERIOD: Final = 0
_ATR_PERIOD: Final = 1
_WIDTH: Final = 2
_WEIGHT: Final = 3
_ATR_WEIGHT: Final = 4
_WARM_UP: Final = 5
_COUNT: Final = 6
_MIDDLE: Final = 7
_RANGE: Final = 8
_PREVIOUS: Final = 9


@compiled
def update_donchian(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Take the bar, or with a lag the one so many bars ago, into the window."""
    newest_high = high
    newest_low = low
    lag = int(state[_LAG])
    if lag > 0:
        slot = len(state) - 2 * lag + int(state[_LAG_HEAD])
        newest_high = state[slot]
        newest_low = state[slot + lag]
        state[slot] = high
        state[slot + lag] = low
        state[_LAG_HEAD] = 0.0 if state[_LAG_HEAD] + 1.0 == state[_LAG] else state[_LAG_HEAD] + 1.0
    if not math.isnan(newest_high):
        highest, lowest = highest_lowest(state, _EXTREMES, newest_high, newest_low)
        out[0] = highest
        out[1] = lowest
        out[2] = lowest + (highest - lowest) * 0.5


@compiled
def update_keltner(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Move the middle towards the close and the bands by the range."""
    count = state[_COUNT]
    if count <= state[_WARM_UP]:
        count += 1.0
        state[_COUNT] = count
    previous = state[_PREVIOUS]
    state[_PREVIOUS] = close
    middle = moved(state[_MIDDLE], close, count, state[_PERIOD], state[_WEIGHT])
    state[_MIDDLE] = middle
    if count > 1.0:
        true_range = max(previous, high) - min(previous, low)
        state[_RANGE] = moved(
            state[_RANGE], true_range, count - 1.0, state[_ATR_PERIOD], state[_ATR_WEIGHT]
        )
    if count >= state[_WARM_UP]:
        width = state[_WIDTH] * state[_RANGE]
        out[0] = middle
        out[1] = middle + width
        out[2] = middle - width


@dataclass(frozen=True, slots=True)
class Donchian(Indicator):
    """Donchian's channel [price]: TA-Lib's MAX of the high and MIN of the low.

    Three outputs, in this order: upper (highest high), lower (lowest low), middle.

    The bar at hand is in the window, so its close is never beyond the channel. A
    breakout compares the close with the bars before: `lag=1` gives their channel.

    Attributes:
        period: Window [bars].
        lag: How many bars before the one at hand the window ends [bars].

    Source: Donchian (1960), High Finance in Copper, Financial Analysts Journal 16(6).
    """

    period: int
    lag: int = 0
    update: ClassVar[Compiled[..., None]] = update_donchian
    output_count: ClassVar[int] = 3

    def __post_init__(self) -> None:
        checked_period("Donchian period", self.period)
        checked_lag("Donchian lag", self.lag)

    @property
    def warm_up(self) -> int:
        """The window and the bars after it [bars]."""
        return self.period + self.lag

    def start(self) -> NDArray[np.float64]:
        """A window without bars, and no bar that waits to enter it."""
        head = [self.period, 0.0, self.lag, 0.0]
        waiting = np.full(2 * self.lag, math.nan)
        return np.concatenate((head, extremes_start(self.period), waiting))


@dataclass(frozen=True, slots=True)
class Keltner(Indicator):
    """Keltner's channel about an exponential average [price].

    Three outputs, in this order: middle (EMA of the close), upper, lower. The bands
    lie `width` average true ranges beside the middle; both are TA-Lib's EMA and ATR.

    Attributes:
        period: Of the average [bars], at least 2.
        width: From the middle to a band [average true ranges].
        atr_period: Of the average true range [bars].

    Source: Keltner (1960), How to Make Money in Commodities; with EMA and ATR by
    Raschke (1995), Street Smarts.
    """

    period: int = 20
    width: float = 2.0
    atr_period: int = 10
    update: ClassVar[Compiled[..., None]] = update_keltner
    output_count: ClassVar[int] = 3

    def __post_init__(self) -> None:
        checked_period("Keltner period", self.period, least=2)
        checked_positive("Keltner width", self.width)
        checked_period("Keltner atr_period", self.atr_period)

    @property
    def warm_up(self) -> int:
        """That of the average or of the range, whichever is longer [bars]."""
        return max(self.period, self.atr_period + 1)

    def start(self) -> NDArray[np.float64]:
        """No close yet."""
        state = np.zeros(_PREVIOUS + 1)
        state[_PERIOD] = self.period
        state[_ATR_PERIOD] = self.atr_period
        state[_WIDTH] = self.width
        state[_WEIGHT] = 2.0 / (self.period + 1)
        state[_ATR_WEIGHT] = 1.0 / self.atr_period
        state[_WARM_UP] = self.warm_up
        return state

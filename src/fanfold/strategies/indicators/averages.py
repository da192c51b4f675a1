"""Moving averages of the close."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled
from fanfold.strategies.indicators.periods import checked_period
from fanfold.strategies.indicators.ring import HEAD, PERIOD
from fanfold.strategies.indicators.shape import Indicator
from fanfold.strategies.indicators.smoothing import WEIGHT, counted, smoothed

_DIVISOR: Final = 2
_TOTAL: Final = 3
_SINCE_WRAP: Final = 4
_RING: Final = 5
_AVERAGE: Final = 3

_SUM: Final = 2
_RISING_SUM: Final = 3
_SCALE: Final = 4
_WEIGHTED_RING: Final = 5


@compiled
def update_sma(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Add one close to a ring of the last `period` and average it.

    The running total would gather rounding errors for ever; each time the ring
    wraps it is replaced by a total added up afresh since the last wrap. All state
    is float64 and the head stays one, because a conversion on the way from one bar
    to the next costs more than the average itself.
    """
    head = state[HEAD]
    place = _RING + int(head)
    total = state[_TOTAL] + (close - state[place])
    since_wrap = state[_SINCE_WRAP] + close
    state[place] = close
    head += 1.0
    if head == state[PERIOD]:
        head = 0.0
        total = since_wrap
        since_wrap = 0.0
        state[_DIVISOR] = state[PERIOD]
    state[HEAD] = head
    state[_TOTAL] = total
    state[_SINCE_WRAP] = since_wrap
    out[0] = total / state[_DIVISOR]


@compiled
def update_ema(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Move the average towards the close."""
    count = counted(state)
    average = smoothed(state, count, state[_AVERAGE], close)
    state[_AVERAGE] = average
    out[0] = average if count >= state[PERIOD] else math.nan


@compiled
def update_wma(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Add the closes since the ring's wrap to those before it (see `window`).

    With m closes before the wrap still in the window, those weigh 1 to m, oldest
    first, and the ones since weigh m + 1 and more: m times their sum, and their sum
    weighted from 1 up.
    """
    head = state[HEAD]
    place = _WEIGHTED_RING + int(head)
    total = state[_SUM] + close
    rising = state[_RISING_SUM] + close * (head + 1.0)
    earlier = state[PERIOD] - head - 1.0
    out[0] = (state[place + 1] + earlier * total + rising) / state[_SCALE]
    state[place] = close
    head += 1.0
    if head == state[PERIOD]:
        following = 0.0
        weighted = 0.0
        for before in range(place, _WEIGHTED_RING - 1, -1):
            following += state[before]
            weighted += following
            state[before] = weighted
        head = 0.0
        total = 0.0
        rising = 0.0
    state[HEAD] = head
    state[_SUM] = total
    state[_RISING_SUM] = rising


@dataclass(frozen=True, slots=True)
class SMA(Indicator):
    """Simple moving average of the close [price]: TA-Lib's SMA.

    Attributes:
        period: Window [bars].
    """

    period: int
    update: ClassVar[Compiled[..., None]] = update_sma

    def __post_init__(self) -> None:
        checked_period("SMA period", self.period)

    @property
    def warm_up(self) -> int:
        """The window [bars]."""
        return self.period

    def start(self) -> NDArray[np.float64]:
        """An empty ring, and no divisor until it is full."""
        state = np.zeros(_RING + self.period)
        state[PERIOD] = self.period
        state[_DIVISOR] = math.nan
        return state


@dataclass(frozen=True, slots=True)
class EMA(Indicator):
    """Exponential moving average of the close [price]: TA-Lib's EMA.

    The first value is the simple mean of the first `period` closes; after it a new
    close weighs 2 / (period + 1).

    Attributes:
        period: Sets the weight, and the closes in the first value [bars], at least 2.
    """

    period: int
    update: ClassVar[Compiled[..., None]] = update_ema

    def __post_init__(self) -> None:
        checked_period("EMA period", self.period, least=2)

    @property
    def warm_up(self) -> int:
        """As many bars as the first value averages [bars]."""
        return self.period

    def start(self) -> NDArray[np.float64]:
        """No closes yet."""
        state = np.zeros(_AVERAGE + 1)
        state[PERIOD] = self.period
        state[WEIGHT] = 2.0 / (self.period + 1)
        return state


@dataclass(frozen=True, slots=True)
class WMA(Indicator):
    """Linearly weighted moving average of the close [price]: TA-Lib's WMA.

    The newest close weighs `period`, the one before it one less, the oldest 1; the sum
    is divided by period × (period + 1) / 2.

    Attributes:
        period: Window [bars].
    """

    period: int
    update: ClassVar[Compiled[..., None]] = update_wma

    def __post_init__(self) -> None:
        checked_period("WMA period", self.period)

    @property
    def warm_up(self) -> int:
        """The window [bars]."""
        return self.period

    def start(self) -> NDArray[np.float64]:
        """An empty ring, and nothing after its last place."""
        state = np.full(_WEIGHTED_RING + self.period + 1, math.nan)
        scale = self.period * (self.period + 1) / 2
        state[:_WEIGHTED_RING] = self.period, 0.0, 0.0, 0.0, scale
        state[-1] = 0.0
        return state

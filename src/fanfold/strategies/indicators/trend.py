"""Which way prices go, and how surely."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled
from fanfold.errors import ConfigError
from fanfold.strategies.indicators.periods import checked_period
from fanfold.strategies.indicators.shape import Indicator
from fanfold.strategies.indicators.smoothing import moved

_FAST: Final = 0
_SLOW: Final = 1
_SIGNAL: Final = 2
_WEIGHTS: Final = 3
_BARS: Final = 6
_AVERAGES: Final = 7

_PERIOD: Final = 0
_CHANGES: Final = 1
_HIGH: Final = 2
_LOW: Final = 3
_CLOSE: Final = 4
_UP: Final = 5
_DOWN: Final = 6
_RANGE: Final = 7
_ADX: Final = 8


@compiled
def update_macd(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Move two averages of the close, and one of the distance between them."""
    slow = state[_SLOW]
    bars = state[_BARS]
    if bars <= slow + state[_SIGNAL]:
        bars += 1.0
        state[_BARS] = bars
    fast_bars = bars - (slow - state[_FAST])  # its first mean ends with the slow one's
    if fast_bars >= 1.0:
        state[_AVERAGES + _FAST] = moved(
            state[_AVERAGES + _FAST], close, fast_bars, state[_FAST], state[_WEIGHTS + _FAST]
        )
    state[_AVERAGES + _SLOW] = moved(
        state[_AVERAGES + _SLOW], close, bars, slow, state[_WEIGHTS + _SLOW]
    )
    lines = bars - slow + 1.0
    if lines >= 1.0:
        line = state[_AVERAGES + _FAST] - state[_AVERAGES + _SLOW]
        signal = moved(
            state[_AVERAGES + _SIGNAL], line, lines, state[_SIGNAL], state[_WEIGHTS + _SIGNAL]
        )
        state[_AVERAGES + _SIGNAL] = signal
        if lines >= state[_SIGNAL]:
            out[0] = line
            out[1] = signal
            out[2] = line - signal


@compiled
def wilder_sum(total: float, value: float, count: float, period: float) -> float:
    """Wilder's sum: plain up to period - 1 values, then a period-th of it leaves each time."""
    if count < period:
        return total + value
    return total - total / period + value


@compiled
def update_adx(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Add up movements up, movements down and ranges, and smooth how one-sided they are."""
    period = state[_PERIOD]
    previous = state[_CLOSE]
    up = high - state[_HIGH]
    down = state[_LOW] - low
    state[_HIGH] = high
    state[_LOW] = low
    state[_CLOSE] = close
    if math.isnan(previous):
        return
    count = state[_CHANGES]
    if count <= 2.0 * period:
        count += 1.0
        state[_CHANGES] = count
    true_range = max(previous, high) - min(previous, low)
    up_move = up if up > down and up > 0.0 else 0.0
    down_move = down if down > up and down > 0.0 else 0.0
    ups = wilder_sum(state[_UP], up_move, count, period)
    downs = wilder_sum(state[_DOWN], down_move, count, period)
    ranges = wilder_sum(state[_RANGE], true_range, count, period)
    state[_UP] = ups
    state[_DOWN] = downs
    state[_RANGE] = ranges
    indices = count - period + 1.0
    if indices < 1.0:
        return
    plus = 100.0 * (ups / ranges) if ranges > 0.0 else 0.0
    minus = 100.0 * (downs / ranges) if ranges > 0.0 else 0.0
    directed = plus + minus > 0.0
    index = 100.0 * (abs(plus - minus) / (plus + minus)) if directed else 0.0
    # As in TA-Lib, no direction at all counts as 0 in the first mean and is passed over later.
    if directed or indices <= period:
        state[_ADX] = moved(state[_ADX], index, indices, period, 1.0 / period)
    if indices >= period:
        out[0] = state[_ADX]
        out[1] = plus
        out[2] = minus


@dataclass(frozen=True, slots=True)
class MACD(Indicator):
    """Moving average convergence and divergence [price]: TA-Lib's MACD.

    Three outputs, in this order: macd (fast EMA - slow EMA of the close), signal (EMA
    of macd), histogram (macd - signal). All have their first value with the signal's.

    Attributes:
        fast: Period of the fast average [bars], at least 2.
        slow: Period of the slow average [bars], longer than `fast`.
        signal: Period of the average of the difference [bars].

    Source: Appel (1979), The Moving Average Convergence-Divergence Method.
    """

    fast: int = 12
    slow: int = 26
    signal: int = 9
    update: ClassVar[Compiled[..., None]] = update_macd
    output_count: ClassVar[int] = 3

    def __post_init__(self) -> None:
        checked_period("MACD fast period", self.fast, least=2)
        checked_period("MACD slow period", self.slow, least=3)
        checked_period("MACD signal period", self.signal)
        if self.fast >= self.slow:
            raise ConfigError(
                f"MACD fast must be shorter than slow, was {self.fast} and {self.slow}"
            )

    @property
    def warm_up(self) -> int:
        """The slow average's, and the differences in the first signal [bars]."""
        return self.slow + self.signal - 1

    def start(self) -> NDArray[np.float64]:
        """No close yet."""
        state = np.zeros(_AVERAGES + 3)
        for place, period in enumerate((self.fast, self.slow, self.signal)):
            state[place] = period
            state[_WEIGHTS + place] = 2.0 / (period + 1)
        return state


@dataclass(frozen=True, slots=True)
class ADX(Indicator):
    """Wilder's average directional index, 0 to 100: TA-Lib's ADX, PLUS_DI and MINUS_DI.

    Three outputs, in this order: adx, +DI, -DI. A bar moves up by high - previous high
    or down by previous low - low, whichever is more; DI is a hundred times Wilder's sum
    of such movements over his sum of true ranges. The adx is the smoothed
    100 × |+DI - -DI| / (+DI + -DI). All have their first value with the adx.

    Attributes:
        period: Of both smoothings [bars], at least 2.

    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """

    period: int = 14
    update: ClassVar[Compiled[..., None]] = update_adx
    output_count: ClassVar[int] = 3

    def __post_init__(self) -> None:
        checked_period("ADX period", self.period, least=2)

    @property
    def warm_up(self) -> int:
        """The first bar, and twice the smoothing that shares a bar [bars]."""
        return 2 * self.period

    def start(self) -> NDArray[np.float64]:
        """No bar yet."""
        state = np.zeros(_ADX + 1)
        state[_PERIOD] = self.period
        state[_HIGH : _CLOSE + 1] = math.nan
        return state

"""What past returns multiply a target by, for the sizings that look back.

A scale is an indicator like any other: a streaming update whose batch form is a loop
over it, so a backtest and live trading size by the same bits, and no later bar can
change a value. Each window is added up afresh at its newest return (see
`fanfold.strategies.indicators.ring`).
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled
from fanfold.domain.panel import CLOSE, FIELDS
from fanfold.strategies.indicators.indicator import Indicator, batch
from fanfold.strategies.indicators.ring import PERIOD, deviation, oldest_slot, sums_about
from fanfold.strategies.sizing.rules import Kelly, Sizing, VolatilityTarget

_WANTED: Final = 2
_CAP: Final = 3
_PREVIOUS_CLOSE: Final = 4
_RING: Final = 5


@compiled
def update_kelly_scale(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Divide the window's mean return by its variance."""
    previous = state[_PREVIOUS_CLOSE]
    state[_PREVIOUS_CLOSE] = close
    newest = close / previous - 1.0 if previous > 0.0 and close > 0.0 else math.nan
    state[oldest_slot(state, _RING)] = newest
    total, squares = sums_about(state, _RING, newest)
    period = state[PERIOD]
    mean = newest + total / period
    spread = deviation(total, squares, period, period - 1.0)
    variance = spread * spread
    if variance > 0.0:
        out[0] = _capped(state[_WANTED] * mean / variance, state[_CAP])
    elif mean == 0.0 or math.isnan(mean):
        out[0] = mean
    else:  # a sure gain or loss
        out[0] = math.copysign(state[_CAP], mean)


@compiled
def update_volatility_scale(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Divide the wanted deviation per bar by that of the window's log returns."""
    previous = state[_PREVIOUS_CLOSE]
    state[_PREVIOUS_CLOSE] = close
    newest = math.log(close / previous) if previous > 0.0 and close > 0.0 else math.nan
    state[oldest_slot(state, _RING)] = newest
    total, squares = sums_about(state, _RING, newest)
    period = state[PERIOD]
    per_bar = deviation(total, squares, period, period - 1.0)
    out[0] = _capped(state[_WANTED] / per_bar, state[_CAP]) if per_bar != 0.0 else state[_CAP]


@compiled
def _capped(value: float, cap: float) -> float:
    """Within -cap and cap; NaN stays NaN."""
    if value > cap:
        return cap
    if value < -cap:
        return -cap
    return value


@dataclass(frozen=True, slots=True)
class KellyScale(Indicator):
    """`fraction` of mean over variance of past returns, at most `cap` either way [1]."""

    fraction: float
    window: int
    cap: float
    update: ClassVar[Compiled[..., None]] = update_kelly_scale

    @property
    def warm_up(self) -> int:
        """One bar more than returns [bars]."""
        return self.window + 1

    def start(self) -> NDArray[np.float64]:
        """A ring without returns."""
        return _start(self.window, self.fraction, self.cap)


@dataclass(frozen=True, slots=True)
class VolatilityScale(Indicator):
    """`volatility_per_bar` over the deviation of past log returns, at most `cap` [1]."""

    volatility_per_bar: float
    window: int
    cap: float
    update: ClassVar[Compiled[..., None]] = update_volatility_scale

    @property
    def warm_up(self) -> int:
        """One bar more than returns [bars]."""
        return self.window + 1

    def start(self) -> NDArray[np.float64]:
        """A ring without returns."""
        return _start(self.window, self.volatility_per_bar, self.cap)


def scale_indicator(sizing: Sizing, periods_per_year: float) -> Indicator | None:
    """The indicator that a sizing multiplies targets by, or None.

    Args:
        sizing: The rule.
        periods_per_year: Bars in a year of the asset's calendar, positive.
    """
    if isinstance(sizing, Kelly):
        return KellyScale(sizing.fraction, sizing.window, sizing.cap)
    if isinstance(sizing, VolatilityTarget):
        per_bar = sizing.volatility / math.sqrt(periods_per_year)
        return VolatilityScale(per_bar, sizing.window, sizing.cap)
    return None


def warm_up(sizing: Sizing) -> int:
    """Bars of an asset until its first scale, that bar included; 1 without a scale [bars]."""
    return sizing.window + 1 if isinstance(sizing, (Kelly, VolatilityTarget)) else 1


def scale_of(
    sizing: Sizing,
    close: NDArray[np.float64],
    periods_per_year: float,
    *,
    plain: bool = False,
) -> NDArray[np.float64] | None:
    """What a sizing multiplies targets by, known at each bar's end.

    Args:
        sizing: The rule.
        close: Closes as decisions see them, NaN where an asset has no bar; shape
            [bar, asset].
        periods_per_year: Bars in a year of the asset's calendar, positive.
        plain: Run in Python instead of machine code; the values are the same bits.

    Returns:
        Shape [bar, asset]; NaN before an asset's `warm_up`, and the last value where it
        has no bar. Kelly's is negative where the mean return is. None where the rule
        needs no scale.
    """
    indicator = scale_indicator(sizing, periods_per_year)
    if indicator is None:
        return None
    panel = np.ones((len(FIELDS), *close.shape))
    panel[CLOSE] = close
    return batch(indicator, panel, plain=plain)[0]


def _start(window: int, wanted: float, cap: float) -> NDArray[np.float64]:
    state = np.full(_RING + window, math.nan)
    state[:_PREVIOUS_CLOSE] = window, 0.0, wanted, cap
    return state

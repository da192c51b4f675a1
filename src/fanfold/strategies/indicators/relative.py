"""Where an asset stands: against its own past, or against another asset."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled
from fanfold.strategies.indicators.beside import Beside, OtherClose
from fanfold.strategies.indicators.periods import checked_name, checked_period
from fanfold.strategies.indicators.ring import PERIOD, deviation, oldest_slot, sums_about
from fanfold.strategies.indicators.shape import Indicator

_RING: Final = 2

_CLOSE: Final = 2
_OTHER: Final = 3
_RETURNS_RING: Final = 4


@compiled
def score(state: Any, value: float) -> float:
    """Deviations between the window's mean and its newest value, which is in it."""
    state[oldest_slot(state, _RING)] = value
    total, squares = sums_about(state, _RING, value)
    period = state[PERIOD]
    apart = deviation(total, squares, period, period)
    if apart > 0.0:
        return -(total / period) / apart
    return apart  # 0, or NaN while the window holds one


@compiled
def update_zscore(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Score the close."""
    out[0] = score(state, close)


@compiled
def update_ratio_zscore(
    state: Any, out: Any, other: float, high: float, low: float, close: float, volume: float
) -> None:
    """Score the ratio of two closes."""
    if not math.isnan(other):
        out[0] = score(state, close / other if other > 0.0 else math.nan)


@compiled
def update_rolling_beta(
    state: Any, out: Any, other: float, high: float, low: float, close: float, volume: float
) -> None:
    """Add up products of both returns about their newest, which are in the window."""
    if math.isnan(other):
        return
    close_before = state[_CLOSE]
    other_before = state[_OTHER]
    state[_CLOSE] = close
    state[_OTHER] = other
    count = int(state[PERIOD])
    slot = oldest_slot(state, _RETURNS_RING)
    own = (close - close_before) / close_before if close_before > 0.0 else math.nan
    others = (other - other_before) / other_before if other_before > 0.0 else math.nan
    state[slot] = own
    state[slot + count] = others
    own_sum = 0.0
    other_sum = 0.0
    products = 0.0
    squares = 0.0
    for place in range(_RETURNS_RING, _RETURNS_RING + count):
        own_apart = state[place] - own
        other_apart = state[place + count] - others
        own_sum += own_apart
        other_sum += other_apart
        products += own_apart * other_apart
        squares += other_apart * other_apart
    period = state[PERIOD]
    variance = squares - other_sum * other_sum / period
    covariance = products - own_sum * other_sum / period
    out[0] = covariance / variance if variance > 0.0 else math.nan


@dataclass(frozen=True, slots=True)
class ZScore(Indicator):
    """How far the close lies from its mean [deviations].

    (close - mean) / population deviation (ddof 0) of the last `period` closes, the
    newest included: ±2 lies on Bollinger's bands of width 2. Closes that have not moved
    lie at their mean: 0. Each bar costs in proportion to the period.

    Attributes:
        period: Window [bars], at least 2.
    """

    period: int
    update: ClassVar[Compiled[..., None]] = update_zscore

    def __post_init__(self) -> None:
        checked_period("ZScore period", self.period, least=2)

    @property
    def warm_up(self) -> int:
        """The window [bars]."""
        return self.period

    def start(self) -> NDArray[np.float64]:
        """A ring without closes."""
        return _ring_start(self.period)


@dataclass(frozen=True, slots=True)
class RatioZScore(Indicator):
    """How far the ratio of two closes lies from its mean [deviations].

    `ZScore` of close / other's close, for every asset against the named one; needs a
    context. Only bars in which both trade count. NaN while a bar in which the other's
    close is not above zero is in the window; the other against itself is 0.

    Attributes:
        period: Window [bars of both], at least 2.
        other: Symbol of the asset that the others are compared with.

    Source: Gatev, Goetzmann & Rouwenhorst (2006), Pairs Trading, Review of Financial
    Studies 19(3), for trading what diverges; they standardise a difference of prices.
    """

    period: int
    other: str
    update: ClassVar[Compiled[..., None]] = update_ratio_zscore

    def __post_init__(self) -> None:
        checked_period("RatioZScore period", self.period, least=2)
        checked_name("RatioZScore other", self.other)

    @property
    def warm_up(self) -> int:
        """The window [bars]."""
        return self.period

    @property
    def beside(self) -> Beside:
        """The other's close in the same bar."""
        return OtherClose(self.other)

    def start(self) -> NDArray[np.float64]:
        """A ring without ratios."""
        return _ring_start(self.period)


@dataclass(frozen=True, slots=True)
class RollingBeta(Indicator):
    """Slope of an asset's returns on another's [1]: TA-Lib's BETA (other first).

    Covariance of both returns / variance of the other's, over the last `period` simple
    returns, for every asset against the named one; needs a context. Only bars in which
    both trade count, and a return is from one such bar to the next. NaN where the
    other's returns are all equal, and while the window holds one from a close that is
    not above zero. Each bar costs in proportion to the period.

    Attributes:
        period: Returns in the window [bars of both], at least 2.
        other: Symbol of the asset that the slope is on.

    Source: Sharpe (1964), Capital Asset Prices, Journal of Finance 19(3).
    """

    period: int
    other: str
    update: ClassVar[Compiled[..., None]] = update_rolling_beta

    def __post_init__(self) -> None:
        checked_period("RollingBeta period", self.period, least=2)
        checked_name("RollingBeta other", self.other)

    @property
    def warm_up(self) -> int:
        """One bar more than returns [bars]."""
        return self.period + 1

    @property
    def beside(self) -> Beside:
        """The other's close in the same bar."""
        return OtherClose(self.other)

    def start(self) -> NDArray[np.float64]:
        """Two rings without returns."""
        state = np.full(_RETURNS_RING + 2 * self.period, math.nan)
        state[:_RING] = self.period, 0.0
        return state


def _ring_start(period: int) -> NDArray[np.float64]:
    state = np.full(_RING + period, math.nan)
    state[:_RING] = period, 0.0
    return state

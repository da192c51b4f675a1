"""What the volume adds to prices."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled
from fanfold.strategies.indicators.beside import SESSION_DAY, Beside
from fanfold.strategies.indicators.periods import checked_period
from fanfold.strategies.indicators.shape import Indicator
from fanfold.strategies.indicators.window import sums, sums_start

_BALANCE: Final = 0
_PREVIOUS: Final = 1

_SUMS: Final = 2

_DAY: Final = 0
_WORTH: Final = 1
_UNITS: Final = 2


@compiled
def update_obv(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Add the volume of a rise and take away that of a fall."""
    previous = state[_PREVIOUS]
    state[_PREVIOUS] = close
    if not math.isnan(volume):
        if close < previous:
            state[_BALANCE] = state[_BALANCE] - volume
        elif close > previous or math.isnan(previous):
            state[_BALANCE] = state[_BALANCE] + volume
    out[0] = state[_BALANCE]


@compiled
def update_vwap(
    state: Any, out: Any, open: float, high: float, low: float, close: float, volume: float
) -> None:
    """Add up worth and volume over the window."""
    typical = (high + low + close) / 3.0
    worth, units = sums(state, _SUMS, typical * volume, volume)
    out[0] = worth / units if units > 0.0 else math.nan


@compiled
def update_session_vwap(
    state: Any, out: Any, day: float, high: float, low: float, close: float, volume: float
) -> None:
    """Add up worth and volume, from nothing in each session."""
    if day != state[_DAY]:
        state[_DAY] = day
        state[_WORTH] = 0.0
        state[_UNITS] = 0.0
    state[_WORTH] = state[_WORTH] + (high + low + close) / 3.0 * volume
    state[_UNITS] = state[_UNITS] + volume
    out[0] = state[_WORTH] / state[_UNITS] if state[_UNITS] > 0.0 else math.nan


@dataclass(frozen=True, slots=True)
class OBV(Indicator):
    """On-balance volume [units]: TA-Lib's OBV.

    Begins with the first bar's volume; a close above the one before adds the bar's
    volume, one below takes it away. An unknown volume changes nothing.

    Source: Granville (1963), New Key to Stock Market Profits.
    """

    update: ClassVar[Compiled[..., None]] = update_obv

    @property
    def warm_up(self) -> int:
        """The first bar has a value [bars]."""
        return 1

    def start(self) -> NDArray[np.float64]:
        """No volume and no close yet."""
        return np.array([0.0, math.nan])


@dataclass(frozen=True, slots=True)
class VWAP(Indicator):
    """Volume-weighted average price over a rolling window [price].

    Σ typical price × volume / Σ volume, where a bar's typical price is the mean of its
    high, low and close. NaN while a bar of unknown volume is in the window.

    Attributes:
        period: Window [bars].

    Source: Berkowitz, Logue & Noser (1988), The Total Cost of Transactions on the NYSE,
    Journal of Finance 43(1).
    """

    period: int = 20
    update: ClassVar[Compiled[..., None]] = update_vwap

    def __post_init__(self) -> None:
        checked_period("VWAP period", self.period)

    @property
    def warm_up(self) -> int:
        """The window [bars]."""
        return self.period

    def start(self) -> NDArray[np.float64]:
        """An empty window."""
        return np.concatenate(([self.period, 0.0], sums_start(self.period)))


@dataclass(frozen=True, slots=True)
class SessionVWAP(Indicator):
    """Volume-weighted average price since the session began [price].

    As `VWAP`, over the bars of the session so far; needs a context. NaN for the rest of
    a session in which a bar of unknown volume came.
    """

    update: ClassVar[Compiled[..., None]] = update_session_vwap

    @property
    def warm_up(self) -> int:
        """The first bar has a value [bars]."""
        return 1

    @property
    def beside(self) -> Beside:
        """The bar's session."""
        return SESSION_DAY

    def start(self) -> NDArray[np.float64]:
        """No session yet."""
        return np.array([math.nan, 0.0, 0.0])

"""An indicator fed bar by bar in plain Python, as live trading feeds it."""

import math
from typing import final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import trades_in
from fanfold.strategies.indicators.indicator import Indicator, view


@final
class Stream:
    """One asset's indicator with its state.

    Attributes:
        state: All it remembers, changed in place: what a snapshot keeps; shape [state].
        latest: The newest values, NaN while warming up; shape [output].
    """

    __slots__ = ("_latest", "_state", "_update", "latest", "state")

    def __init__(self, indicator: Indicator) -> None:
        self.state: NDArray[np.float64] = indicator.start()
        self.latest: NDArray[np.float64] = np.full(indicator.output_count, math.nan)
        self._state = view(self.state)
        self._latest = view(self.latest)
        self._update = indicator.update.function

    def push(
        self, open: float, high: float, low: float, close: float, volume: float
    ) -> tuple[float, ...]:
        """Take the asset's next bar; without a trade (no close, no volume) nothing changes.

        Returns:
            The newest values, in the indicator's order.
        """
        if trades_in(close, volume):
            self._update(self._state, self._latest, open, high, low, close, volume)
        return tuple(self._latest)


def stream(indicator: Indicator) -> Stream:
    """Start an indicator on an asset that has had no bar yet."""
    return Stream(indicator)

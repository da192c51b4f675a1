"""The one shape of every indicator: a compiled streaming update.

The batch form is a compiled loop over the same update, so the values of a
backtest and of a live session are the same bits by construction.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled
from fanfold.strategies.indicators.beside import Beside


class Indicator(ABC):
    """A value, or a few, computed from one asset's bars.

    Implementations are frozen dataclasses whose fields are the parameters.

    Attributes:
        update: ``update(state, out, open, high, low, close, volume)``, a compiled
            function called once for each bar of the asset. It keeps what it needs in
            `state` (float64, changed in place) and writes its values to `out`, NaN
            while it warms up.
        output_count: Values that one update writes.
    """

    __slots__ = ()

    update: ClassVar[Compiled[..., None]]
    output_count: ClassVar[int] = 1

    @property
    @abstractmethod
    def warm_up(self) -> int:
        """Bars until the first value, that bar included [bars], at least 1."""

    @abstractmethod
    def start(self) -> NDArray[np.float64]:
        """The state before the first bar, parameters included; shape [state]."""

    @property
    def beside(self) -> Beside | None:
        """A second value that `update` finds in the place of `open`, or None for the open."""
        return None

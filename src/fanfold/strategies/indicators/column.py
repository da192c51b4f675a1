"""A further column of the bars, read as an indicator."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled
from fanfold.strategies.indicators.beside import Beside, ExtraValue
from fanfold.strategies.indicators.periods import checked_name
from fanfold.strategies.indicators.shape import Indicator


@compiled
def update_column(
    state: Any, out: Any, value: float, high: float, low: float, close: float, volume: float
) -> None:
    """Pass the value on."""
    out[0] = value


@dataclass(frozen=True, slots=True)
class Column(Indicator):
    """Value of an extra column of the bars, as known at the bar's end.

    Needs a context. As any feature it is taken over at bars in which the asset trades.
    When the first value is known depends on the data: it is NaN before, and `warm_up`
    does not wait for it.

    Attributes:
        name: Of the column.
    """

    name: str
    update: ClassVar[Compiled[..., None]] = update_column

    def __post_init__(self) -> None:
        checked_name("Column name", self.name)

    @property
    def warm_up(self) -> int:
        """The first bar may have a value [bars]."""
        return 1

    @property
    def beside(self) -> Beside:
        """The column's value."""
        return ExtraValue(self.name)

    def start(self) -> NDArray[np.float64]:
        """Nothing to remember."""
        return np.zeros(1)

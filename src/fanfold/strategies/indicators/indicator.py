"""The one shape of every indicator: a compiled streaming update.

The batch form is a compiled loop over the same update, so the values of a
backtest and of a live session are the same bits by construction.
"""

from abc import ABC, abstractmethod
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled_as
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME, trades_in


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


def batch(
    indicator: Indicator,
    panel: NDArray[np.float64],
    *,
    out: NDArray[np.float64] | None = None,
    plain: bool = False,
) -> NDArray[np.float64]:
    """Values of an indicator over a whole panel.

    Args:
        indicator: What to compute, for each asset on its own.
        panel: Prices, shape [field, bar, asset].
        out: Where to write, shape [output, bar, asset], C-contiguous; by default new.
        plain: Run in Python instead of machine code; the values are the same bits.

    Returns:
        `out`, or new values of its shape; NaN while warming up. Where an asset has no
        bar, its last values stand.
    """
    panel = np.ascontiguousarray(panel)
    _, bar_count, asset_count = panel.shape
    if out is None:
        out = np.empty((indicator.output_count, bar_count, asset_count))
    run = _batch_of(type(indicator).update, indicator.output_count)
    for asset in range(asset_count):
        state, latest = indicator.start(), np.full(indicator.output_count, np.nan)
        if plain:
            run(view(panel), asset, view(state), view(latest), view(out))
        else:
            run.machine(panel, asset, state, latest, out)
    return out


def view(array: Any) -> Any:
    """An array as plain Python reads it: with its own floats, faster than NumPy's."""
    return memoryview(array)


@cache
def _batch_of(update: Compiled[..., None], output_count: int) -> Compiled[..., None]:
    """The loop over one update, compiled with it so that the call costs nothing."""

    @compiled_as(_batch_type)
    def batch_update(panel: Any, asset: int, state: Any, latest: Any, out: Any) -> None:
        for bar in range(panel.shape[1]):
            close = panel[CLOSE, bar, asset]
            volume = panel[VOLUME, bar, asset]
            if trades_in(close, volume):
                update(
                    state,
                    latest,
                    panel[OPEN, bar, asset],
                    panel[HIGH, bar, asset],
                    panel[LOW, bar, asset],
                    close,
                    volume,
                )
            for place in range(output_count):
                out[place, bar, asset] = latest[place]

    batch_update.__name__ = f"batch_{update.__name__}"
    return batch_update


def _batch_type() -> Any:
    from numba import float64, int64, void

    return void(float64[:, :, ::1], int64, float64[::1], float64[::1], float64[:, :, ::1])

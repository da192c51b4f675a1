"""The one shape of every indicator: a compiled streaming update.

The batch form is a compiled loop over the same update, so the values of a
backtest and of a live session are the same bits by construction.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled, compiled_as
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME, read_only, trades_in
from fanfold.domain.record import view


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
    return batch_all((indicator,), panel, out=out, plain=plain)


def batch_all(
    indicators: Sequence[Indicator],
    panel: NDArray[np.float64],
    *,
    out: NDArray[np.float64] | None = None,
    plain: bool = False,
) -> NDArray[np.float64]:
    """Values of several indicators over a whole panel, in less time than one by one.

    Each bar of an update waits for the one before it, so two updates of a kind, of
    two indicators or two assets, run side by side in almost the time of one.

    Args:
        indicators: What to compute, for each asset on its own.
        panel: Prices, shape [field, bar, asset].
        out: Where to write, shape [column, bar, asset], C-contiguous; by default new.
            An indicator has as many columns as outputs, in the order of `indicators`.
        plain: Run in Python instead of machine code; the values are the same bits.

    Returns:
        `out`, or new values of its shape; as those of `batch`.
    """
    panel = np.ascontiguousarray(panel)
    _, bar_count, asset_count = panel.shape
    ends = list(accumulate(indicator.output_count for indicator in indicators))
    if out is None:
        out = np.empty((ends[-1] if ends else 0, bar_count, asset_count))
    lanes: dict[Compiled[..., None], list[_Lane]] = {}
    for indicator, end in zip(indicators, ends, strict=True):
        columns = out[end - indicator.output_count : end]
        of_a_kind = lanes.setdefault(type(indicator).update, [])
        of_a_kind.extend(_Lane(indicator, asset, columns) for asset in range(asset_count))
    for of_a_kind in lanes.values():
        for first in range(0, len(of_a_kind), 2):
            _run(of_a_kind[first : first + 2], panel, plain=plain)
    return out


@dataclass(frozen=True, slots=True)
class _Lane:
    """One indicator on its way through one asset's bars, and its columns."""

    indicator: Indicator
    asset: int
    out: NDArray[np.float64]


def _run(lanes: Sequence[_Lane], panel: NDArray[np.float64], *, plain: bool) -> None:
    indicator = lanes[0].indicator
    loop = _loops_of(type(indicator).update, indicator.output_count)[len(lanes) - 1]
    arguments: list[Any] = [panel]
    for lane in lanes:
        latest = np.full(indicator.output_count, np.nan)
        arguments += [lane.asset, lane.indicator.start(), latest, lane.out]
    if plain:
        loop(*(view(each) if isinstance(each, np.ndarray) else each for each in arguments))
    else:
        loop.machine(*arguments)


@cache
def _loops_of(update: Compiled[..., None], output_count: int) -> tuple[Compiled[..., None], ...]:
    """The loops over one lane and over two, compiled with the update so that calls cost nothing."""

    @compiled
    def take_bar(panel: Any, bar: int, asset: int, state: Any, latest: Any, out: Any) -> None:
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

    @compiled_as(partial(_loop_type, 1))
    def batch_one(panel: Any, asset: int, state: Any, latest: Any, out: Any) -> None:
        for bar in range(panel.shape[1]):
            take_bar(panel, bar, asset, state, latest, out)

    @compiled_as(partial(_loop_type, 2))
    def batch_two(
        panel: Any,
        asset: int,
        state: Any,
        latest: Any,
        out: Any,
        other_asset: int,
        other_state: Any,
        other_latest: Any,
        other_out: Any,
    ) -> None:
        for bar in range(panel.shape[1]):
            take_bar(panel, bar, asset, state, latest, out)
            take_bar(panel, bar, other_asset, other_state, other_latest, other_out)

    for loop in (batch_one, batch_two):
        loop.__name__ += update.__name__.removeprefix("update")
    return batch_one, batch_two


def _loop_type(lane_count: int) -> Any:
    from numba import float64, int64, void

    lane = (int64, float64[::1], float64[::1], float64[:, :, ::1])
    return void(read_only("float64", 3), *lane * lane_count)

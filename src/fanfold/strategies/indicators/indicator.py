"""Indicators over whole panels: compiled loops over their updates."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled, compiled, compiled_as
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME, read_only, trades_in
from fanfold.domain.record import view
from fanfold.errors import ConfigError
from fanfold.strategies.indicators.beside import Beside
from fanfold.strategies.indicators.context import Context
from fanfold.strategies.indicators.shape import Indicator
from fanfold.strategies.indicators.timeframe import On, buckets_of, regrouped


def batch(
    indicator: Indicator,
    panel: NDArray[np.float64],
    context: Context | None = None,
    *,
    out: NDArray[np.float64] | None = None,
    plain: bool = False,
) -> NDArray[np.float64]:
    """Values of an indicator over a whole panel.

    Args:
        indicator: What to compute, for each asset on its own.
        panel: Prices, shape [field, bar, asset].
        context: What is known beside the prices, for indicators that need it: those of
            two assets, of sessions, of extra columns, and `On`.
        out: Where to write, shape [output, bar, asset], C-contiguous; by default new.
        plain: Run in Python instead of machine code; the values are the same bits.

    Returns:
        `out`, or new values of its shape; NaN while warming up. Where an asset has no
        bar, its last values stand.

    Raises:
        ConfigError: There is no context and the indicator needs it, or the context does
            not hold what it reads.
    """
    return batch_all((indicator,), panel, context, out=out, plain=plain)


def batch_all(
    indicators: Sequence[Indicator],
    panel: NDArray[np.float64],
    context: Context | None = None,
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
        context: What is known beside the prices, for indicators that need it: those of
            two assets, of sessions, of extra columns, and `On`.
        out: Where to write, shape [column, bar, asset], C-contiguous; by default new.
            An indicator has as many columns as outputs, in the order of `indicators`.
        plain: Run in Python instead of machine code; the values are the same bits.

    Returns:
        `out`, or new values of its shape; as those of `batch`.

    Raises:
        ConfigError: As `batch`.
    """
    panel = np.ascontiguousarray(panel)
    _, bar_count, asset_count = panel.shape
    ends = list(accumulate(indicator.output_count for indicator in indicators))
    if out is None:
        out = np.empty((ends[-1] if ends else 0, bar_count, asset_count))
    besides: dict[Beside | None, list[_Columns]] = {}
    timeframes: dict[str, list[_Columns]] = {}
    for indicator, end in zip(indicators, ends, strict=True):
        columns = out[end - indicator.output_count : end]
        if isinstance(indicator, On):
            timeframes.setdefault(indicator.timeframe, []).append((indicator.indicator, columns))
        else:
            besides.setdefault(indicator.beside, []).append((indicator, columns))
    for beside, members in besides.items():
        seen = panel
        if beside is not None:
            seen = panel.copy()
            seen[OPEN] = beside.over(panel, _needed(context, panel, members[0][0]))
        _run_all(members, seen, plain=plain)
    for timeframe, members in timeframes.items():
        known = _needed(context, panel, On(timeframe, members[0][0]))
        _run_on(timeframe, members, panel, known, plain=plain)
    return out


_Columns = tuple[Indicator, NDArray[np.float64]]


def _needed(context: Context | None, panel: NDArray[np.float64], indicator: Indicator) -> Context:
    if context is None:
        raise ConfigError(
            f"{indicator!r} needs a context beside the prices, such as context_of(bars), was None"
        )
    context.check(panel)
    return context


def _run_on(
    timeframe: str,
    members: Sequence[_Columns],
    panel: NDArray[np.float64],
    context: Context,
    *,
    plain: bool,
) -> None:
    larger, larger_context = regrouped(timeframe, panel, context)
    inner = [indicator for indicator, _ in members]
    values = batch_all(inner, larger, larger_context, plain=plain)
    done = buckets_of(timeframe, context).done
    first = 0
    for indicator, columns in members:
        own = values[first : first + indicator.output_count]
        first += indicator.output_count
        if len(done):
            columns[:] = own[:, np.maximum(done - 1, 0)]
        columns[:, done == 0] = np.nan


def _run_all(members: Sequence[_Columns], panel: NDArray[np.float64], *, plain: bool) -> None:
    lanes: dict[Compiled[..., None], list[_Lane]] = {}
    for indicator, columns in members:
        of_a_kind = lanes.setdefault(type(indicator).update, [])
        of_a_kind.extend(_Lane(indicator, asset, columns) for asset in range(panel.shape[2]))
    for of_a_kind in lanes.values():
        for first in range(0, len(of_a_kind), 2):
            _run(of_a_kind[first : first + 2], panel, plain=plain)


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

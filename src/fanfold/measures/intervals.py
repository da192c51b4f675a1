"""How far a measure may be from what it estimates, by drawing the returns again.

A Sharpe ratio has a formula for its error, a drawdown has none. Here any measure is
computed on a thousand series stitched from blocks of the real one, many at once as
columns of one array, and what the middle 95 % of them give is its interval.

Blocks keep what follows what: calm bars follow calm bars. They are as long as the returns
or their squares ask for, whichever is longer, because most measures depend on both. An
interval is still only as good as its history: extremes that never happened are in no draw,
and a measure of extremes (a drawdown, a far quantile) is biased in what is drawn as it was
in what is known.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import (
    RETURN_ROUNDING,
    Floats,
    Values,
    as_count,
    as_level,
    as_series,
    as_values,
)
from fanfold.measures.superiority import DRAWS_MAX, automatic_block_bars

BootstrapKind = Literal["stationary", "circular", "iid"]
IntervalMethod = Literal["percentile", "basic", "bias_corrected"]

DRAW_NUMBERS_MAX = 2_000_000
"""Numbers held at once for a batch of draws, 16 MB a table."""

SERIES_MAX = 10_000
"""Most series at once."""

DEFINED_SHARE_MIN = 0.5
"""Where fewer draws have a value, their quantiles say nothing about all of them [1]."""

CIRCULAR_BLOCK_RATIO = 1.5 ** (1.0 / 3.0)
"""Best length of a fixed block over the best mean length of a random one [1].

Source: Politis & White (2004), Automatic Block-Length Selection for the Dependent
    Bootstrap, Econometric Reviews 23(1), whose variances are 4/3 and 2 of the same square.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interval:
    """Where a measure may lie.

    Attributes:
        value: Of the returns themselves, in the measure's unit; per series.
        low: Lower end, in the measure's unit; per series.
        high: Upper end, in the measure's unit; per series.
        level: Probability that the ends are meant to have between them [1].
        standard_error: Deviation of the draws, in the measure's unit; per series.
        block_bars: Length of the blocks that were drawn, its mean for "stationary" [bars].
    """

    value: Values
    low: Values
    high: Values
    level: float
    standard_error: Values
    block_bars: int


def bootstrap_interval(
    returns: ArrayLike,
    measure: Callable[[Any], ArrayLike],
    *,
    level: float = 0.95,
    seed: int = 0,
    draws: int = 1000,
    kind: BootstrapKind = "stationary",
    block_bars: int | None = None,
    method: IntervalMethod = "percentile",
) -> Interval:
    """Interval of any measure of returns, such as `sharpe_ratio` or `max_drawdown`.

    Several series are drawn at the same bars. Draws whose measure is NaN (a drawn series
    without a loss has no Sortino ratio) are left out; the ends are NaN where that leaves
    fewer than half, or where the measure of the returns themselves is NaN.

    Args:
        returns: `[bar]` or `[bar, series]`, at most 10,000 series, no NaN [1 per bar].
        measure: Takes `[bar, series]` and gives one number per series.
        level: Probability between the ends, half of the rest on either side [1].
        seed: Of the draws; equal seeds give equal intervals.
        draws: Series to draw, 2 to 100,000.
        kind: "stationary" draws blocks of random length, "circular" of a fixed one, both
            wrapped around the end; "iid" draws bar by bar.
        block_bars: Length of a block, for "stationary" its mean, at least 1 and at most the
            bars; None takes the automatic length, the largest of all series and their
            squares, which takes at least 30 bars [bars].
        method: "percentile" takes the quantiles of the draws; "basic" mirrors them at the
            value; "bias_corrected" shifts them by how far the value is from their median.

    Raises:
        ConfigError: An argument is not what it must be, or the measure does not give one
            number per series.
        DataError: `returns` are not finite numbers, too few or too many.

    Source: Politis & Romano (1994), The Stationary Bootstrap, JASA 89(428); Efron &
        Tibshirani (1993), An Introduction to the Bootstrap, chapters 13 and 14.
    """
    confidence, whole_seed = as_level(level), as_count(seed, "seed", least=0)
    _require_one_of(kind, get_args(BootstrapKind), "kind")
    _require_one_of(method, get_args(IntervalMethod), "method")
    draw_count = as_count(draws, "draws", least=2)
    if draw_count > DRAWS_MAX:
        raise ConfigError(f"draws must be <= {DRAWS_MAX}, was {draw_count}")
    series = as_series(returns, "returns")
    columns = series.reshape(len(series), -1)
    if columns.shape[1] > SERIES_MAX:
        raise DataError(f"returns must hold at most {SERIES_MAX} series, had {columns.shape[1]}")
    block = _as_block(block_bars, columns, kind)
    value = _measured(measure, columns)
    drawn = np.empty((draw_count, columns.shape[1]))
    first = 0
    for bars in _drawn_bars(columns.shape, draw_count, block, kind, whole_seed):
        several = np.take(columns, bars, axis=0).reshape(len(columns), -1)
        drawn[first : first + bars.shape[1]] = _measured(measure, several).reshape(
            -1, columns.shape[1]
        )
        first += bars.shape[1]
    low, high, error = _ends(drawn, value, confidence, method)
    shaped = series.shape[1:]
    return Interval(
        value=as_values(value.reshape(shaped)),
        low=as_values(low.reshape(shaped)),
        high=as_values(high.reshape(shaped)),
        level=confidence,
        standard_error=as_values(error.reshape(shaped)),
        block_bars=block,
    )


def _require_one_of(value: str, choices: tuple[str, ...], name: str) -> None:
    if value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, was {value!r}")


def _as_block(block_bars: object, columns: Floats, kind: str) -> int:
    if kind == "iid":
        if block_bars not in {None, 1}:
            raise ConfigError(f"block_bars must be 1 or None for iid draws, was {block_bars}")
        return 1
    if block_bars is not None:
        block = as_count(block_bars, "block_bars", least=1)
        if block > len(columns):
            raise ConfigError(f"block_bars must be <= the bars, {len(columns)}, was {block}")
        return block
    around = columns - np.mean(columns, axis=0)
    lengths = [
        automatic_block_bars(values) for column in around.T for values in (column, column * column)
    ]
    # Returns that are all the same have no length, and need none.
    longest = max((length for length in lengths if not math.isnan(length)), default=1.0)
    longest *= CIRCULAR_BLOCK_RATIO if kind == "circular" else 1.0
    return min(max(1, math.ceil(longest)), len(columns))


def _measured(measure: Callable[[Any], ArrayLike], columns: Floats) -> Floats:
    found = np.asarray(measure(columns), dtype=np.float64)
    if found.shape != columns.shape[1:]:
        raise ConfigError(
            f"measure must give one number per series, shape {columns.shape[1:]}, "
            f"gave the shape {found.shape}"
        )
    return found


def _drawn_bars(
    shape: tuple[int, ...], draw_count: int, block: int, kind: str, seed: int
) -> Iterator[NDArray[np.int64]]:
    # Two streams, each used draw by draw, so that the size of a batch changes nothing.
    bar_count, series_count = shape
    starts, breaks = (np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(2))
    batch = max(1, DRAW_NUMBERS_MAX // (bar_count * series_count))
    for first in range(0, draw_count, batch):
        count = min(batch, draw_count - first)
        if kind == "stationary" and block > 1:
            bars = _random_blocks(bar_count, count, block, starts, breaks)
        else:
            bars = _fixed_blocks(bar_count, count, block, starts)
        yield np.ascontiguousarray(bars.T)


def _random_blocks(
    bar_count: int, count: int, block: int, starts: np.random.Generator, breaks: np.random.Generator
) -> NDArray[np.int64]:
    opens = breaks.random((count, bar_count)) < 1.0 / block
    opens[:, 0] = True
    bar = np.arange(bar_count)
    opened_at = np.maximum.accumulate(np.where(opens, bar, 0), axis=1)
    first = np.take_along_axis(_anywhere(starts, (count, bar_count), bar_count), opened_at, axis=1)
    place = first + bar - opened_at
    return np.where(place >= bar_count, place - bar_count, place)


def _fixed_blocks(
    bar_count: int, count: int, block: int, starts: np.random.Generator
) -> NDArray[np.int64]:
    first = _anywhere(starts, (count, -(-bar_count // block)), bar_count)
    place = (first[:, :, np.newaxis] + np.arange(block)).reshape(count, -1)[:, :bar_count]
    return np.where(place >= bar_count, place - bar_count, place)


def _anywhere(
    starts: np.random.Generator, shape: tuple[int, int], bar_count: int
) -> NDArray[np.int64]:
    return (starts.random(shape) * bar_count).astype(np.int64)


def _ends(drawn: Floats, value: Floats, level: float, method: str) -> tuple[Floats, Floats, Floats]:
    low, high, error = (np.full(len(value), np.nan) for _ in range(3))
    for at, (column, found) in enumerate(zip(drawn.T, value, strict=True)):
        defined = np.sort(column[~np.isnan(column)])
        if math.isnan(found) or len(defined) < max(2, DEFINED_SHARE_MIN * len(column)):
            continue
        tails = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
        if method == "bias_corrected":
            tails = _shifted(tails, defined, found)
        ends = np.quantile(defined, tails)
        low[at], high[at] = 2.0 * found - ends[::-1] if method == "basic" else ends
        error[at] = np.std(defined, ddof=1)
    return low, high, error


def _shifted(tails: list[float], defined: Floats, found: float) -> list[float]:
    normal = NormalDist()
    # A value that equals draws lies in their middle; one beyond all of them half a draw out.
    below = np.count_nonzero(defined < found - RETURN_ROUNDING)
    level_with = np.count_nonzero(np.abs(defined - found) <= RETURN_ROUNDING)
    share = (below + 0.5 * level_with) / len(defined)
    share = min(max(share, 0.5 / len(defined)), 1.0 - 0.5 / len(defined))
    bias = normal.inv_cdf(share)
    return [normal.cdf(2.0 * bias + normal.inv_cdf(tail)) for tail in tails]

"""How much a series moves, measured so that neither an outlier nor a crash misleads.

A trailing scale alone calls every first day of a crisis an outlier; one that also looks
ahead knows that the days after it moved as much.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

MAD_TO_DEVIATION: Final = 1.4826
"""Standard deviation of a normal variable whose median absolute deviation is 1."""

RANGE_TO_DEVIATION: Final = 0.6
"""Deviation of a bar's return whose log range is 1: Parkinson (1980) has 1 / 1.67 on average."""


_CENT: Final = 0.01
"""The step by which most prices move [currency]; those of currencies move by less."""


def block_medians(values: NDArray[np.float64], block: int) -> NDArray[np.float64]:
    """Medians of consecutive blocks without their NaN, NaN where a block has fewer than 3.

    Args:
        values: Shape [bar].
        block: Bars of a block; the last one may be shorter.

    Returns:
        Shape [block].
    """
    count = -(-len(values) // block)
    padded = np.full(count * block, np.nan)
    padded[: len(values)] = values
    ordered = np.sort(padded.reshape(count, block), axis=1)  # NaN come last
    known = np.isfinite(ordered).sum(axis=1)
    place = np.arange(count)
    middle = (
        ordered[place, np.maximum(known - 1, 0) // 2]
        + ordered[place, np.minimum(known // 2, block - 1)]
    ) / 2
    return np.where(known >= min(3, len(values)), middle, np.nan)


def around(values: NDArray[np.float64], block: int) -> NDArray[np.float64]:
    """The largest median of absolute values in the block before, of, and after each bar.

    Args:
        values: NaN where there is none; shape [bar].
        block: Bars of a block.

    Returns:
        NaN where all three have too few values; shape [bar].
    """
    if len(values) == 0:
        return np.empty(0)
    medians = block_medians(np.abs(values), block)
    beside = np.concatenate(([np.nan], medians, [np.nan]))
    largest = np.fmax(np.fmax(beside[:-2], medians), beside[2:])
    return np.repeat(largest, block)[: len(values)]


def bars_near(suspects: NDArray[np.bool_], block: int) -> NDArray[np.int64]:
    """Bars that say how much a series moves at a few of them, so that the rest need not be asked.

    Whole blocks in order, so that the functions above say of the bars in question what they
    say with all bars at hand: the block of each, those beside it, and one before these,
    whose last bar the next one's return starts from.

    Args:
        suspects: Which bars are in question; shape [bar].
        block: Bars of a block.

    Returns:
        Their places, increasing; shape [near].
    """
    blocks = -(-len(suspects) // block)
    near = np.zeros(blocks + 3, bool)
    here = np.flatnonzero(suspects) // block
    for later in range(4):
        near[here + later] = True
    chosen = np.flatnonzero(near[2 : 2 + blocks])
    places = (chosen[:, None] * block + np.arange(block)).ravel()
    return places[: np.searchsorted(places, len(suspects))]


def deviation(
    returns: NDArray[np.float64],
    log_range: NDArray[np.float64],
    close: NDArray[np.float64],
    block: int,
) -> NDArray[np.float64]:
    """Robust standard deviation of returns around each bar.

    Args:
        returns: Log returns, NaN where there is none; shape [bar].
        log_range: ln(high / low); shape [bar].
        close: Closes [currency]; shape [bar].
        block: Bars of a block.

    Returns:
        Never zero; shape [bar].
    """
    moved = MAD_TO_DEVIATION * around(returns, block)
    ranged = 0.5 * RANGE_TO_DEVIATION * around(log_range, block)
    # Prices that rest move by the smallest step: a cent, or less where they do, and 1 basis point.
    steps = np.abs(np.diff(close))
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else _CENT
    step = np.minimum(min(usual, _CENT) / close, 0.01) + 1e-4
    return np.fmax(np.fmax(moved, ranged), step)

"""A window of bars in consecutive blocks, whose returns are added up apart.

Whoever asks later whether a result is luck needs more of a run than its metrics: how
each stretch of it went. Power sums a block are enough for that, and do not grow with
the number of bars.
"""

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.engine.step.state import SESSIONS_CLOSED
from fanfold.engine.timeline import timeline_of

BLOCK_COUNT = 16
"""Blocks of a window, where it has as many returns."""


def block_cuts(
    bars: Bars, first: int, last: int, block_count: int = BLOCK_COUNT
) -> NDArray[np.int64]:
    """Bars after the last of each block, as equal in returns as they can be.

    A return belongs to the session close at which it is measured; the first bar's close
    measures none.

    Args:
        bars: The market.
        first: Bar of the first decision.
        last: Bar after the last one.
        block_count: Blocks that are wanted; where there are fewer returns an even number
            of them, so that every half has its other half.

    Returns:
        Increasing bar numbers, the last of them `last`; shape [block].
    """
    closed = timeline_of(bars).clock[SESSIONS_CLOSED, first:last]
    returns = int(closed[-1] - closed[0])
    blocks = block_count if returns >= block_count else returns // 2 * 2
    ends = closed[0] + np.arange(1, blocks + 1) * returns // max(blocks, 1)
    cuts = np.asarray(first + np.searchsorted(closed, ends) + 1, np.int64)
    if blocks:
        cuts[-1] = last
    return cuts


def block_returns(bars: Bars, first: int, cuts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns of each block; shape [block]."""
    closed = timeline_of(bars).clock[SESSIONS_CLOSED]
    return np.diff(closed[cuts - 1], prepend=closed[first])


def block_sums(
    kept: NDArray[np.float64], accounts: NDArray[np.void], block_count: int
) -> NDArray[np.float64]:
    """Sums of each block from the running sums that were kept at its end.

    A run that ended early keeps nothing more: its later blocks are zero.

    Args:
        kept: Running sums, shape [run, block, sum].
        accounts: The accounts' last states; shape [run].
        block_count: Blocks of the window.
    """
    names = ("return_sum", "square_sum", "cube_sum", "fourth_sum")
    missing = np.arange(block_count)[np.newaxis, :] >= accounts["block"][:, np.newaxis]
    running = kept
    if missing.any():
        final = np.stack([accounts[name] for name in names], axis=-1)
        running = np.where(missing[..., np.newaxis], final[:, np.newaxis, :], kept)
    sums = running.copy()
    sums[:, 1:] -= running[:, :-1]
    return sums

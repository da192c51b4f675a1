"""Whether the best of many trials stays ahead on bars it was not chosen on.

The bars are cut into blocks, every half of the blocks plays the past once while
the other half plays the future, and the best trial of each past is ranked in its
future. All sums over bars are taken once, by block; a split only adds up blocks.
"""

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import Floats, as_count, as_series

BLOCKS_MAX = 20
"""Most blocks: 184,756 splits. Two more would take four times as long."""

BLOCK_BARS_MIN = 2
"""Fewer bars a block would leave a half of two blocks without a deviation."""

NUMBERS_MAX = 4_000_000
"""Numbers held at once for a batch of splits, 32 MB a table."""

FLAT = 1e-12
"""Share of its squares below which a trial's variance in a half is rounding [1]."""

TIED = 1e-12
"""Sharpe ratios that differ by less are tied [1].

Those of equal trials are, though a matrix product may round equal columns differently.
"""


def probability_of_backtest_overfitting(trial_returns: ArrayLike, blocks: int = 16) -> float:
    """Share of splits whose best trial ends in the lower half on the other bars.

    Combinatorially symmetric cross-validation with the Sharpe ratio as performance.
    Where the bars do not divide into the blocks, the first few are left out. A trial
    whose returns are all equal in a half (one that never traded) has a Sharpe ratio
    of 0 there. Tied trials share their mean rank; of tied winners the first counts.

    Args:
        trial_returns: Returns of every trial at the same bars, `[bar, trial]`, at
            least 2 trials and 2 bars a block, no NaN [1 per bar].
        blocks: Number of blocks, even, 2 to 20.

    Returns:
        Between 0 and 1; about 1/2 where choosing is pure chance [1].

    Raises:
        ConfigError: `blocks` is not even or out of range.
        DataError: `trial_returns` are not finite, or too few.

    Source: Bailey, Borwein, López de Prado & Zhu (2017), The Probability of Backtest
        Overfitting, Journal of Computational Finance 20(4).
    """
    block_count = as_count(blocks, "blocks", least=2)
    if block_count % 2 != 0 or block_count > BLOCKS_MAX:
        raise ConfigError(f"blocks must be even and 2 to {BLOCKS_MAX}, was {blocks}")
    sums = _BlockSums(_as_trials(trial_returns, block_count), block_count)
    splits = np.array(list(combinations(range(block_count), block_count // 2)), dtype=np.intp)
    batch = max(1, NUMBERS_MAX // sums.trial_count)
    lower = sum(
        sums.count_lower(splits[first : first + batch]) for first in range(0, len(splits), batch)
    )
    return lower / len(splits)


class _BlockSums:
    def __init__(self, trials: Floats, block_count: int) -> None:
        self.trial_count = trials.shape[1]
        self.half_bars = len(trials) // 2
        self.means = np.mean(trials, axis=0)
        # Centred first: the variance is then not a difference of two large sums.
        centred = (trials - self.means).reshape(block_count, -1, self.trial_count)
        self.sums = np.sum(centred, axis=1)
        self.squares = np.sum(centred * centred, axis=1)

    def count_lower(self, chosen: NDArray[np.intp]) -> int:
        past = np.zeros((len(chosen), len(self.sums)), dtype=np.bool_)
        np.put_along_axis(past, chosen, values=True, axis=1)
        split = np.arange(len(chosen))
        best = np.argmax(self.sharpe(past), axis=1)
        future = self.sharpe(~past)
        lead = future - future[split, best][:, np.newaxis]
        below = np.sum(lead < -TIED, axis=1)
        tied = np.sum(np.abs(lead) <= TIED, axis=1)
        rank = below + (tied + 1) / 2.0
        # The logit of rank / (N + 1) is not above 0 up to the middle rank.
        return int(np.sum(2.0 * rank <= self.trial_count + 1))

    def sharpe(self, half: NDArray[np.bool_]) -> Floats:
        chosen = half.astype(np.float64)
        drift = chosen @ self.sums / self.half_bars
        squares = chosen @ self.squares
        spread = squares - self.half_bars * drift * drift
        flat = spread <= FLAT * squares
        deviation = np.sqrt(np.where(flat, 1.0, spread) / (self.half_bars - 1))
        return np.where(flat, 0.0, (self.means + drift) / deviation)


def _as_trials(trial_returns: ArrayLike, block_count: int) -> Floats:
    trials = as_series(trial_returns, "trial_returns")
    if trials.ndim == 1 or trials.shape[1] == 1:
        raise DataError(
            f"trial_returns must be [bar, trial] of at least 2 trials, had the shape {trials.shape}"
        )
    if len(trials) < BLOCK_BARS_MIN * block_count:
        raise DataError(
            f"trial_returns must have at least {BLOCK_BARS_MIN} bars for each of the "
            f"{block_count} blocks, had {len(trials)}"
        )
    return trials[len(trials) % block_count :]

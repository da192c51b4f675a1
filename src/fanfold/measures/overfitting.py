"""Whether the best of many trials stays ahead on bars it was not chosen on.

The bars are cut into blocks, every half of the blocks plays the past once while
the other half plays the future, and the best trial of each past is ranked in its
future. All sums over bars are taken once, by block; a split only adds up blocks.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import Floats, as_count, as_series
from fanfold.measures.sums import BLOCK_BARS_MIN, FLAT

BLOCKS_MAX = 20
"""Most blocks: 184,756 splits. Two more would take four times as long."""

NUMBERS_MAX = 250_000
"""Numbers held at once for a batch of splits, 2 MB a table."""

TRIAL_SPLITS_MAX = 100_000_000
"""Trials times splits beyond which `overfitting_of_blocks` takes fewer splits."""

SPLITS_MIN = 2
"""A split and the one with past and future exchanged."""

TRIALS_MIN = 2
"""Trials without which nothing is chosen."""

AXES = 3
"""Trial, block and power."""

POWERS_MIN = 2
"""Sums of a block that are needed: of the returns and of their squares."""

TIED = 1e-12
"""Sharpe ratios that differ by less are tied [1].

Those of equal trials are, though a matrix product may round equal columns differently.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overfitting:
    """What became of the best trial of each past in its future.

    Attributes:
        probability: Share of splits whose best trial ends in the lower half [1].
        split_count: Splits that were looked at.
        splits_all: Splits that there are.
        block_count: Blocks of the window.
        slope: Of the line through the winners' Sharpe ratios, future on past; negative
            where the better past has the worse future, NaN where all pasts are equal [1].
        intercept: Of that line [1 per bar].
        loss_probability: Share of splits whose best trial has a Sharpe ratio below 0 in
            its future [1].
    """

    probability: float
    split_count: int
    splits_all: int
    block_count: int
    slope: float
    intercept: float
    loss_probability: float


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
    block_count = _as_blocks(blocks)
    trials = _as_trials(trial_returns, block_count)
    return _overfitting(_centred(trials, block_count), splits_max=None).probability


def overfitting_of_blocks(
    sums: ArrayLike, counts: ArrayLike, *, splits_max: int | None = None
) -> Overfitting:
    """The same cross-validation on what a sweep keeps of its trials: sums by block.

    Blocks need not be equally long. A trial whose returns are all equal in a half has a
    Sharpe ratio of 0 there, one that ended early has sums of 0 in its later blocks. Where
    trials times splits exceed 200 million, evenly spaced splits are taken instead of all,
    each with its mirror, in which past and future are exchanged; `split_count` tells.

    Args:
        sums: Σr and Σr² of the returns of each block, higher powers may follow; shape
            [trial, block, power], at least 2 trials.
        counts: Returns of each block, at least 2; shape [block], an even number of
            blocks, 2 to 20.
        splits_max: Most splits, at least 2; None takes what is affordable.

    Raises:
        ConfigError: The number of blocks is not even or out of range, or `splits_max` is
            not a whole number of at least 2.
        DataError: `sums` or `counts` are not what they must be.

    Source: as for `probability_of_backtest_overfitting`; the line and the probability of
        loss are its section 3.
    """
    known = _as_block_sums(sums, counts)
    if splits_max is None:
        affordable = TRIAL_SPLITS_MAX // known.trial_count
        return _overfitting(known, splits_max=max(SPLITS_MIN, affordable))
    return _overfitting(known, splits_max=as_count(splits_max, "splits_max", least=SPLITS_MIN))


@dataclass(frozen=True, slots=True, kw_only=True)
class _BlockSums:
    counts: Floats  # [block]
    means: Floats  # [trial]
    sums: Floats  # around the means: [block, trial]
    squares: Floats  # around the means: [block, trial]
    rounding: Floats  # of a square, where it was not centred before it was added up: [trial]

    @property
    def trial_count(self) -> int:
        return len(self.means)

    def sharpe(self, half: NDArray[np.bool_]) -> Floats:
        chosen = half.astype(np.float64)
        bars = (chosen @ self.counts)[:, np.newaxis]
        drift = chosen @ self.sums
        drift /= bars
        squares = chosen @ self.squares
        spread = squares - bars * drift * drift
        squares *= FLAT
        squares += bars * self.rounding
        flat = spread <= squares
        spread[flat] = 1.0
        spread /= bars - 1.0
        drift += self.means
        drift /= np.sqrt(spread, out=spread)
        drift[flat] = 0.0
        return drift


def _overfitting(known: _BlockSums, *, splits_max: int | None) -> Overfitting:
    block_count = len(known.counts)
    splits_all = math.comb(block_count, block_count // 2)
    pairs_all = splits_all // 2
    pairs = pairs_all if splits_max is None else min(pairs_all, splits_max // 2)
    batch = max(1, NUMBERS_MAX // known.trial_count)
    lower, past, future = 0, np.empty(2 * pairs), np.empty(2 * pairs)
    done = 0
    for half in _halves(block_count, pairs, batch):
        one, other = known.sharpe(half), known.sharpe(~half)
        # Each split is looked at both ways: the mirror of a split is a split too.
        for before, after in ((one, other), (other, one)):
            part = slice(done, done + len(half))
            below, past[part], future[part] = _winners(before, after)
            lower += below
            done += len(half)
    slope, intercept = _line(past, future)
    return Overfitting(
        probability=lower / done,
        split_count=done,
        splits_all=splits_all,
        block_count=block_count,
        slope=slope,
        intercept=intercept,
        loss_probability=float(np.mean(future < 0.0)),
    )


def _halves(block_count: int, pairs: int, batch: int) -> Iterator[NDArray[np.bool_]]:
    """Evenly spaced halves of the blocks, of each pair of halves the one with the first."""
    halves = np.array(
        list(combinations(range(1, block_count), block_count // 2 - 1)), dtype=np.intp
    )
    chosen = np.arange(pairs) * len(halves) // pairs
    past = np.zeros((pairs, block_count), dtype=np.bool_)
    past[:, 0] = True
    np.put_along_axis(past, halves[chosen], values=True, axis=1)
    for first in range(0, pairs, batch):
        yield past[first : first + batch]


def _winners(before: Floats, after: Floats) -> tuple[int, Floats, Floats]:
    """How many winners end in the lower half, and their Sharpe ratios before and after."""
    split = np.arange(len(before))
    best = np.argmax(before, axis=1)
    future = after[split, best]
    lead = after - future[:, np.newaxis]
    below = np.count_nonzero(lead < -TIED, axis=1)
    tied = np.count_nonzero(lead <= TIED, axis=1) - below
    rank = below + (tied + 1) / 2.0
    # The logit of rank / (N + 1) is not above 0 up to the middle rank.
    lower = int(np.count_nonzero(2.0 * rank <= before.shape[1] + 1))
    return lower, before[split, best], future


def _line(past: Floats, future: Floats) -> tuple[float, float]:
    apart = past - np.mean(past)
    spread = float(np.sum(apart * apart))
    if spread <= len(past) * TIED * TIED:
        return math.nan, math.nan
    slope = float(np.sum(apart * future)) / spread
    return slope, float(np.mean(future)) - slope * float(np.mean(past))


def _centred(trials: Floats, block_count: int) -> _BlockSums:
    means: Floats = np.mean(trials, axis=0)
    # Centred first: the variance is then not a difference of two large sums.
    around = (trials - means).reshape(block_count, -1, trials.shape[1])
    return _BlockSums(
        counts=np.full(block_count, float(around.shape[1])),
        means=means,
        sums=np.sum(around, axis=1),
        squares=np.sum(around * around, axis=1),
        rounding=np.zeros_like(means),
    )


def _as_block_sums(sums: ArrayLike, counts: ArrayLike) -> _BlockSums:
    bars = as_series(counts, "counts", axes=1)
    _as_blocks(len(bars))
    if (bars < BLOCK_BARS_MIN).any():
        raise DataError(f"counts must be >= {BLOCK_BARS_MIN}, was {bars.min():g}")
    powers = np.asarray(sums, dtype=np.float64)
    trials, blocks, power_count = powers.shape if powers.ndim == AXES else (0, 0, 0)
    if trials < TRIALS_MIN or blocks != len(bars) or power_count < POWERS_MIN:
        raise DataError(
            f"sums must be [trial, block, power] of at least {TRIALS_MIN} trials, {len(bars)} "
            f"blocks and {POWERS_MIN} powers, had the shape {powers.shape}"
        )
    returns, squares = powers[..., 0].T, powers[..., 1].T
    if not (np.isfinite(returns).all() and np.isfinite(squares).all()):
        raise DataError("sums must be finite numbers")
    means: Floats = np.sum(returns, axis=0) / np.sum(bars)
    length = bars[:, np.newaxis]
    return _BlockSums(
        counts=bars,
        means=means,
        sums=returns - length * means,
        squares=np.maximum(squares - means * (2.0 * returns - length * means), 0.0),
        rounding=np.multiply(FLAT * means, means),
    )


def _as_blocks(blocks: object) -> int:
    block_count = as_count(blocks, "blocks", least=2)
    if block_count % 2 != 0 or block_count > BLOCKS_MAX:
        raise ConfigError(f"blocks must be even and 2 to {BLOCKS_MAX}, was {blocks}")
    return block_count


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

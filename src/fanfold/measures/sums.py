"""Moments of returns of which only the sums of their powers were kept.

A sweep adds up the returns of every trial, their squares, cubes and fourth powers, a
block of bars at a time, and keeps no return. These four numbers and how many returns
went into them are enough for a Sharpe ratio and for how far it can be trusted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import (
    DEVIATION_RETURNS_MIN,
    RETURN_ROUNDING,
    Floats,
    as_count,
    as_series,
)

BLOCK_COUNT = 16
"""Blocks of a window, where it has as many bars as they need."""

BLOCK_BARS_MIN = 2
"""Fewer bars a block would leave a half of two blocks without a deviation."""

POWER_COUNT = 4
"""Sums that are kept: of the returns and of their powers up to the fourth."""

FLAT = 1e-12
"""Share of the mean square below which a variance from sums is rounding [1]."""

SHAPELESS = 1e-10
"""Share of the mean fourth power below which a squared variance is too small [1].

Around their mean the third and fourth powers are then differences of sums that are so
much larger that only some five of their digits would be right.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Moments of many return series, each array of the shape of the counts.

    Attributes:
        mean: Mean return, NaN for no returns [1 per bar].
        deviation: Sample deviation (n - 1), 0 for equal returns, NaN for fewer than 2 [1].
        skewness: Of the population, NaN for equal returns [1].
        kurtosis: Of the population, raw (3 = normal), NaN for equal returns [1].
        sharpe: Mean over deviation, NaN for equal returns and fewer than 2 [1 per bar].
    """

    mean: Floats
    deviation: Floats
    skewness: Floats
    kurtosis: Floats
    sharpe: Floats


def moments_of_sums(sums: ArrayLike, count: ArrayLike) -> Moments:
    """Moments from sums of powers, as the functions of whole series define them.

    Sums of several blocks can be added before: sums and counts alike.

    Args:
        sums: Σr, Σr², Σr³ and Σr⁴ of returns a bar; shape [..., 4].
        count: Returns that went into them, one number or of the last axes of [...].

    Raises:
        DataError: Not four sums, sums that are not finite, counts below 0 or of another
            shape.
    """
    powers = np.asarray(sums, dtype=np.float64)
    if powers.ndim == 0 or powers.shape[-1] != POWER_COUNT or not np.isfinite(powers).all():
        raise DataError(
            f"sums must be {POWER_COUNT} finite sums of powers, had the shape {powers.shape}"
        )
    counts = np.asarray(count, dtype=np.float64)
    if not (counts >= 0.0).all():
        raise DataError(f"count must be >= 0, was {np.min(counts)}")
    if counts.ndim and counts.shape != powers.shape[-1 - counts.ndim : -1]:
        raise DataError(
            f"count must fit sums of the shape {powers.shape}, had the shape {counts.shape}"
        )
    returns = np.broadcast_to(counts, powers.shape[:-1])
    known = returns > 0.0
    raw = powers / np.where(known, returns, 1.0)[..., np.newaxis]
    return _moments(np.where(known[..., np.newaxis], raw, np.nan), returns)


def sums_of_blocks(
    trial_returns: ArrayLike, block_count: int = BLOCK_COUNT
) -> tuple[Floats, NDArray[np.int64]]:
    """Sums of powers of the returns of each of a number of blocks, as a sweep keeps them.

    Args:
        trial_returns: `[bar]` or `[bar, trial]`, no NaN [1 per bar].
        block_count: Blocks that are wanted, an even number; fewer where that would leave
            less than two bars a block.

    Returns:
        Σr, Σr², Σr³ and Σr⁴, shape [trial, block, 4], and the bars of each block, as
        equal as they can be, shape [block].

    Raises:
        ConfigError: `block_count` is not a whole, even number of at least 2.
        DataError: `trial_returns` are not finite, or fewer than 4 bars.
    """
    trials = as_series(trial_returns, "trial_returns")
    trials = trials[:, np.newaxis] if trials.ndim == 1 else trials
    wanted = as_count(block_count, "block_count", least=2)
    if wanted % 2 != 0:
        raise ConfigError(f"block_count must be even, was {block_count}")
    bars = len(trials)
    blocks = min(wanted, bars // BLOCK_BARS_MIN) // 2 * 2
    if blocks == 0:
        raise DataError(f"trial_returns must have at least {2 * BLOCK_BARS_MIN} bars, had {bars}")
    ends = np.arange(blocks + 1) * bars // blocks
    sums = np.empty((trials.shape[1], blocks, POWER_COUNT))
    power = np.ones_like(trials)
    for place in range(POWER_COUNT):
        power *= trials
        sums[..., place] = np.add.reduceat(power, ends[:-1], axis=0).T
    return sums, np.diff(ends)


def _moments(raw: Floats, returns: Floats) -> Moments:
    mean, square, cube, fourth = (raw[..., power] for power in range(POWER_COUNT))
    variance = square - mean * mean
    flat = variance <= np.maximum(FLAT * square, RETURN_ROUNDING * RETURN_ROUNDING)
    variance = np.where(flat, 0.0, variance)
    several = returns >= DEVIATION_RETURNS_MIN
    corrected = variance * returns / np.where(several, returns - 1.0, 1.0)
    deviation = np.where(several, np.sqrt(corrected), np.nan)
    third = cube - 3.0 * mean * square + 2.0 * mean**3
    central = fourth - 4.0 * mean * cube + 6.0 * mean**2 * square - 3.0 * mean**4
    shapeless = flat | (variance * variance <= SHAPELESS * fourth)
    below = np.where(shapeless, 1.0, variance)
    return Moments(
        mean=mean,
        deviation=deviation,
        skewness=np.where(shapeless, np.nan, third / below**1.5),
        kurtosis=np.where(shapeless, np.nan, central / below**2),
        sharpe=np.where(flat, np.nan, mean / np.where(flat, 1.0, deviation)),
    )

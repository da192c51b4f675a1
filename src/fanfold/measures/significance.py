"""How far a Sharpe ratio can be trusted, given its history and how many were tried.

All Sharpe ratios here are per bar, and a kurtosis is raw (3 = normal), as
`sharpe_ratio`, `skewness` and `kurtosis` give them. NaN and infinity are refused.
"""

import math
from statistics import NormalDist

import numpy as np

from fanfold.errors import ConfigError
from fanfold.measures.series import as_count, as_level, as_number

RAW_KURTOSIS_MIN = 1.0
"""No distribution has less; an excess kurtosis (0 = normal) usually does [1]."""

TRUST_LEVEL_MIN = 0.5
"""Below it a shorter history would count as a better proof [1]."""


def probabilistic_sharpe_ratio(
    sharpe: float,
    *,
    benchmark: float = 0.0,
    bar_count: int,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> float:
    """Probability that the true Sharpe ratio is above a benchmark.

    Args:
        sharpe: Sharpe ratio that was measured [1 per bar].
        benchmark: Sharpe ratio to beat [1 per bar].
        bar_count: Returns it was measured on, at least 2.
        skew: Skewness of the returns [1].
        kurtosis: Raw kurtosis of the returns, above 1 + skew² [1].

    Returns:
        Between 0 and 1 [1].

    Raises:
        ConfigError: An argument is not what it must be.

    Source: Bailey & López de Prado (2012), The Sharpe Ratio Efficient Frontier,
        Journal of Risk 15(2), eq. 9.
    """
    distance = as_number(sharpe, "sharpe") - as_number(benchmark, "benchmark")
    bars = as_count(bar_count, "bar_count", least=2)
    variance = _error_variance(sharpe, skew, kurtosis)
    return NormalDist().cdf(distance * math.sqrt((bars - 1) / variance))


def minimum_track_record_length(
    sharpe: float,
    *,
    benchmark: float = 0.0,
    skew: float = 0.0,
    kurtosis: float = 3.0,
    level: float = 0.95,
) -> float:
    """How many returns it takes to trust that the true Sharpe ratio beats a benchmark.

    Args:
        sharpe: Sharpe ratio that was measured [1 per bar].
        benchmark: Sharpe ratio to beat [1 per bar].
        skew: Skewness of the returns [1].
        kurtosis: Raw kurtosis of the returns, above 1 + skew² [1].
        level: Probability wanted, at least 0.5 [1].

    Returns:
        Not rounded; infinite where `sharpe` does not exceed `benchmark` [bars].

    Raises:
        ConfigError: An argument is not what it must be.

    Source: Bailey & López de Prado (2012), The Sharpe Ratio Efficient Frontier,
        Journal of Risk 15(2), eq. 11.
    """
    distance = as_number(sharpe, "sharpe") - as_number(benchmark, "benchmark")
    if as_level(level) < TRUST_LEVEL_MIN:
        raise ConfigError(f"level must be >= {TRUST_LEVEL_MIN} to speak of trust, was {level}")
    variance = _error_variance(sharpe, skew, kurtosis)
    if distance <= 0.0:
        return math.inf
    return 1.0 + variance * (NormalDist().inv_cdf(level) / distance) ** 2


def deflated_sharpe_ratio(
    sharpe: float,
    *,
    trial_sharpe_variance: float,
    trial_count: float,
    bar_count: int,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> float:
    """Probability that the best of many trials is better than the luckiest of as many idle ones.

    Args:
        sharpe: Sharpe ratio of the trial that was chosen [1 per bar].
        trial_sharpe_variance: Variance of the Sharpe ratios over the trials [1 per bar].
        trial_count: Independent trials, at least 1; an effective number need not be whole.
        bar_count: Returns of the chosen trial, at least 2.
        skew: Skewness of its returns [1].
        kurtosis: Raw kurtosis of its returns, above 1 + skew² [1].

    Returns:
        Between 0 and 1; with one trial the probabilistic Sharpe ratio against 0 [1].

    Raises:
        ConfigError: An argument is not what it must be.

    Source: Bailey & López de Prado (2014), The Deflated Sharpe Ratio, Journal of
        Portfolio Management 40(5), eq. 2.
    """
    return probabilistic_sharpe_ratio(
        sharpe,
        benchmark=expected_max_sharpe_ratio(
            trial_sharpe_variance=trial_sharpe_variance, trial_count=trial_count
        ),
        bar_count=bar_count,
        skew=skew,
        kurtosis=kurtosis,
    )


def expected_max_sharpe_ratio(*, trial_sharpe_variance: float, trial_count: float) -> float:
    """Sharpe ratio to expect of the best of many trials when none has any skill.

    Args:
        trial_sharpe_variance: Variance of the Sharpe ratios over the trials [1 per bar].
        trial_count: Independent trials, at least 1; an effective number need not be whole.

    Returns:
        At least 0, which one trial has: the extreme-value formula falls below it
        under two trials, where it no longer holds [1 per bar].

    Raises:
        ConfigError: A negative variance or fewer than one trial.

    Source: Bailey & López de Prado (2014), The Deflated Sharpe Ratio, Journal of
        Portfolio Management 40(5), eq. 1.
    """
    variance = as_number(trial_sharpe_variance, "trial_sharpe_variance")
    if variance < 0.0:
        raise ConfigError(f"trial_sharpe_variance must be >= 0, was {trial_sharpe_variance}")
    trials = as_number(trial_count, "trial_count")
    if trials < 1.0:
        raise ConfigError(f"trial_count must be >= 1, was {trial_count}")
    if trials == 1.0:
        return 0.0
    # By symmetry -inv_cdf(1/N) is inv_cdf(1 - 1/N), exact for any number of trials.
    normal = NormalDist()
    expected = -(1.0 - np.euler_gamma) * normal.inv_cdf(1.0 / trials)
    expected -= np.euler_gamma * normal.inv_cdf(1.0 / (trials * math.e))
    return math.sqrt(variance) * max(expected, 0.0)


def _error_variance(sharpe: float, skew: float, kurtosis: float) -> float:
    # Over n - 1 it is the variance of the estimate (Mertens 2002).
    third, fourth = as_number(skew, "skew"), as_number(kurtosis, "kurtosis")
    if fourth < RAW_KURTOSIS_MIN:
        raise ConfigError(f"kurtosis must be raw (3 = normal), at least 1, was {kurtosis}")
    variance = 1.0 - third * sharpe + (fourth - 1.0) / 4.0 * sharpe * sharpe
    if variance <= 0.0:
        raise ConfigError(
            f"kurtosis must be > 1 + skew², as in every sample, was {kurtosis} with skew {skew}"
        )
    return variance

"""How many independent trials a set of correlated ones is worth.

A finer grid of the same rule adds trials and hardly any new idea. What a search could
have won by luck depends on how many different things it tried, not on how many rows
its table has.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import DataError
from fanfold.measures.series import RETURN_ROUNDING, Floats, as_count, as_series

TRIALS_MAX = 2_000
"""Most trials: the distances of 2,000 take 32 MB; of more, take a sample."""

CORRELATION_MIN = 0.95
"""Mean correlation from which two clusters of trials are one [1].

Calibrated on driftless random walks of 3,000 bars, where the best of a correlated set
of moving-average rules should have a deflated Sharpe ratio above 0.95 in at most one
walk of twenty. See `effective_trials`.
"""

MEDOID_DIGITS = 10
"""Sums of correlations that agree to so many digits are equal."""

SAMPLE_MIN = 30
"""Fewer sampled trials say nothing about those outside: all of them count in proportion."""

BARS_MIN = 3
"""Any two trials of two bars are correlated completely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveTrials:
    """Trials in clusters that count as one each.

    Attributes:
        count: Number of clusters.
        cluster: Cluster of each trial, numbered by first appearance; shape [trial].
        representatives: Trial in the middle of each cluster; shape [cluster].
    """

    count: float
    cluster: NDArray[np.intp]
    representatives: NDArray[np.intp]


def effective_trials(trial_returns: ArrayLike) -> EffectiveTrials:
    """Group trials whose returns are nearly the same, and count the groups.

    Average linkage on correlations: two clusters become one while the mean correlation
    between their trials is at least 0.95. That threshold is calibrated, not derived. On
    1,000 driftless random walks of 3,000 bars each it lets 4 % pass of the best of 12, 64
    or 400 long-or-flat moving-average crosses, and 2 % of 64 long-or-short ones; at 0.9 it
    would be 7 %, at 0.8 9 to 14 %. A lower threshold sees one cluster in a whole grid, so
    that the luck of choosing in it is not paid for; a higher one counts a grid as larger
    the finer it is. At 0.95 the luckiest Sharpe ratio that theory expects of that many
    independent trials is the one that was found, within a fifth of its standard error.

    Trials that never moved are one cluster together: whatever they are, they are the
    same. The representative is the trial with the largest sum of correlations to its
    cluster, the first one of several.

    Args:
        trial_returns: Returns of every trial at the same bars, `[bar, trial]`, at most
            2,000 trials, no NaN [1 per bar].

    Raises:
        DataError: `trial_returns` are not finite, too few bars or too many trials.

    Source: López de Prado & Lewis (2019), Detection of False Investment Strategies Using
        Unsupervised Learning Methods, Quantitative Finance 19(9), for counting clusters.
    """
    trials = as_series(trial_returns, "trial_returns")
    trials = trials[:, np.newaxis] if trials.ndim == 1 else trials
    bars, trial_count = trials.shape
    if trial_count > TRIALS_MAX:
        raise DataError(
            f"trial_returns must hold at most {TRIALS_MAX} trials, a sample of more, "
            f"had {trial_count}"
        )
    if bars < BARS_MIN:
        raise DataError(f"trial_returns must have at least {BARS_MIN} bars, had {bars}")
    correlation, flat = _correlation(trials)
    labels = np.zeros(trial_count, dtype=np.intp)
    moving = np.flatnonzero(~flat)
    labels[moving] = 1 + _linked(correlation[np.ix_(moving, moving)])
    _, first, cluster = np.unique(labels, return_index=True, return_inverse=True)
    # Numbered by first appearance, whatever numbers the linkage gave.
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    cluster = place[cluster]
    return EffectiveTrials(
        count=float(len(order)),
        cluster=cluster,
        representatives=_medoids(correlation, cluster, len(order)),
    )


def effective_trials_of_all(sampled: EffectiveTrials, trial_count: int) -> float:
    """How many independent trials all trials are worth, from a random sample of them.

    The sample's clusters are taken as species and its trials as animals seen: how many
    clusters were met once and twice tells how many were not met at all, and so how many
    the trials outside would add. Where no cluster holds fewer than two trials the sample
    has seen them all and nothing is added; where every trial is a cluster of its own
    those outside add nearly as many again each, in proportion and never more. The number
    of unseen species is a lower bound where some are very rare; the luckiest of N grows
    so slowly with N that half as many again change it by a few percent. A sample of fewer
    than 30 is not trusted to say so: there the trials outside count in proportion.

    Args:
        sampled: Clusters of the sampled trials.
        trial_count: All trials, at least as many as were sampled.

    Returns:
        At least the sample's own clusters, at most `trial_count` [1].

    Raises:
        ConfigError: `trial_count` is not a whole number, or below the sample.

    Source: Colwell et al. (2012), Models and Estimators Linking Individual-Based and
        Sample-Based Rarefaction, Extrapolation and Comparison of Assemblages, Journal of
        Plant Ecology 5(1), eq. 9; Chao (1984), Scandinavian Journal of Statistics 11(4).
    """
    size = len(sampled.cluster)
    outside = as_count(trial_count, "trial_count", least=size) - size
    if outside == 0:
        return sampled.count
    proportion = outside * sampled.count / size
    if size < SAMPLE_MIN:
        return sampled.count + proportion
    members = np.bincount(sampled.cluster)
    once, twice = (int(np.sum(members == seen)) for seen in (1, 2))
    if once == 0:
        return sampled.count
    pairs = once * once / (2.0 * twice) if twice else once * (once - 1) / 2.0
    unseen = (size - 1) / size * pairs
    if unseen == 0.0:
        return sampled.count
    # As 1 - (1 - x)^m, in digits that a small x would lose.
    share = -math.expm1(outside * math.log1p(-once / (size * unseen + once)))
    return sampled.count + min(unseen * share, proportion)


def best_of_each(sampled: EffectiveTrials, scores: ArrayLike) -> NDArray[np.intp]:
    """The trial with the highest score of each cluster, the best cluster first.

    Args:
        sampled: Clusters of the trials.
        scores: One a trial, NaN where it has none and so comes last; shape [trial].

    Raises:
        DataError: Not one score a trial.
    """
    known = np.asarray(scores, dtype=np.float64)
    if known.shape != sampled.cluster.shape:
        raise DataError(f"scores must be one a trial, {sampled.cluster.shape}, was {known.shape}")
    # NaN sorts behind everything, and of equal scores the first trial comes first.
    best_first = np.argsort(-known, kind="stable")
    _, place = np.unique(sampled.cluster[best_first], return_index=True)
    return best_first[np.sort(place)]


def _correlation(trials: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Correlations, those of a trial that never moved being zero."""
    centred = trials - np.mean(trials, axis=0)
    length = np.sqrt(np.sum(centred * centred, axis=0))
    flat = length <= RETURN_ROUNDING * np.sqrt(len(trials))
    scores = centred / np.where(flat, 1.0, length)
    scores[:, flat] = 0.0
    return np.clip(scores.T @ scores, -1.0, 1.0), flat


def _linked(correlation: Floats) -> NDArray[np.intp]:
    if len(correlation) <= 1:
        return np.zeros(len(correlation), dtype=np.intp)
    from scipy.cluster import hierarchy

    scipy: Any = hierarchy
    pairs = np.triu_indices(len(correlation), k=1)
    tree = scipy.linkage(1.0 - correlation[pairs], method="average")
    labels: NDArray[np.int32] = scipy.fcluster(tree, 1.0 - CORRELATION_MIN, criterion="distance")
    return labels.astype(np.intp)


def _medoids(
    correlation: Floats, cluster: NDArray[np.intp], cluster_count: int
) -> NDArray[np.intp]:
    found = np.empty(cluster_count, dtype=np.intp)
    for number in range(cluster_count):
        members = np.flatnonzero(cluster == number)
        near: Floats = np.sum(correlation[np.ix_(members, members)], axis=1)
        found[number] = members[np.argmax(np.round(near, MEDOID_DIGITS))]
    return found

"""Regimes from returns: which bars belong together, by expectation and maximisation.

In turn, bars are shared out among regimes given what each is like (forward and backward
along the chain), and regimes are described given their bars. Each turn gains likelihood, but
may climb the wrong hill: so there are several starts, always the same ones.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import compiled
from fanfold.simulation.chain import long_run
from fanfold.simulation.history import Floats

STEPS_MAX = 500
"""Turns of expectation and maximisation."""

START_STEPS = 30
"""Turns after which the starts are compared."""

GAIN_MIN = 1e-9
"""A turn that gains less log likelihood than this ends the fit [1 per bar]."""

START_WINDOWS_BARS = (5, 21, 63)
"""Spans over which a bar's surroundings are called calm or wild, one start each [bars]."""

START_STAY = 0.95
"""Probability of staying in a regime that every start begins with [1]."""

VARIANCE_SHARE_MIN = 1e-4
"""Share of the sample variance below which a regime is no likelier for being narrower; without
it, one bar alone would make an infinitely likely regime [1]."""

TRANSITION_MIN = 1e-8
"""Least probability of any transition, so that every regime can be left [1]."""

DENSITY_MIN = 1e-200
"""Least density of a bar's returns in a regime, over that in the likeliest one [1]."""

WEIGHT_MIN = 1e-3
"""A regime with less of all bars than this stays as it was [bars]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRegimes:
    """Regimes in the order of their volatility.

    Attributes:
        means: Mean log return, `[regime, asset]` [1 per bar].
        deviations: Deviation of log returns, `[regime, asset]` [1 per bar].
        correlations: Of log returns, `[regime, asset, asset]` [1].
        transitions: `[regime, next regime]` [1].
        start: Probability of each regime in the bar after the last [1].
        log_likelihood: Of all returns, the regime of the first bar being the stationary one.
        smoothed: Probability of each regime, given all returns, `[bar, regime]` [1].
    """

    means: Floats
    deviations: Floats
    correlations: Floats
    transitions: Floats
    start: Floats
    log_likelihood: float
    smoothed: Floats


@compiled
def look_forward(densities: Any, transitions: Any, start: Any, known: Any) -> float:
    """Log likelihood of all bars; fills `known` with regimes given the returns so far.

    Args:
        densities: Of each bar's returns, `[bar, regime]`; all above 0.
        transitions: `[regime, next regime]`.
        start: Probabilities in the first bar, `[regime]`.
        known: To fill: probabilities, `[bar, regime]`.
    """
    total = 0.0
    for t in range(len(densities)):
        scale = 0.0
        for j in range(len(start)):
            chance = start[j]
            if t > 0:
                chance = 0.0
                for i in range(len(start)):
                    chance += known[t - 1, i] * transitions[i, j]
            known[t, j] = chance * densities[t, j]
            scale += known[t, j]
        total += math.log(scale)
        for j in range(len(start)):
            known[t, j] /= scale
    return total


@compiled
def look_back(
    densities: Any, transitions: Any, known: Any, shares: Any, moved: Any, ahead: Any
) -> None:
    """Share bars out among regimes given all returns, after `look_forward`.

    Args:
        densities: As there.
        transitions: As there.
        known: As there, filled.
        shares: To fill: probabilities, `[bar, regime]`.
        moved: To fill: expected number of transitions, `[regime, next regime]`.
        ahead: Scratch, `[2, regime]`.
    """
    last = len(densities) - 1
    count = len(transitions)
    for i in range(count):
        ahead[0, i] = 1.0
        shares[last, i] = known[last, i]
        for j in range(count):
            moved[i, j] = 0.0
    for t in range(last - 1, -1, -1):
        scale = 0.0
        for i in range(count):
            ahead[1, i] = 0.0
            for j in range(count):
                ahead[1, i] += transitions[i, j] * densities[t + 1, j] * ahead[0, j]
            scale += known[t, i] * ahead[1, i]
        for i in range(count):
            for j in range(count):
                gone = transitions[i, j] * densities[t + 1, j] * ahead[0, j]
                moved[i, j] += known[t, i] * gone / scale
        for i in range(count):
            ahead[0, i] = ahead[1, i] / scale
            shares[t, i] = known[t, i] * ahead[0, i]


def fitted_regimes(logs: Floats, count: int) -> FittedRegimes:
    """Fit by maximum likelihood.

    Covariances of several assets are drawn towards that of the sample, as if by one bar for
    each asset but the first: else a regime of few bars would fit them too well.

    Args:
        logs: Log returns, `[bar, asset]`, oldest first [1 per bar].
        count: Regimes to look for.
    """
    center, unit = np.mean(logs, axis=0), np.std(logs, axis=0)
    climb = _Climb((logs - center) / unit, count)
    best, reached = climb.begin(_starts(climb.values, count)[0]), -math.inf
    for shares in _starts(climb.values, count):
        found, likelihood = climb.up(climb.begin(shares), START_STEPS)
        if likelihood > reached:
            best, reached = found, likelihood
    best, likelihood = climb.up(best, STEPS_MAX)
    variances = np.diagonal(best.covariances, axis1=1, axis2=2)
    order = np.argsort(np.sum(variances, axis=1), kind="stable")
    transitions = best.transitions[np.ix_(order, order)]
    start = climb.known[-1, order] @ transitions
    return FittedRegimes(
        means=center + unit * best.means[order],
        deviations=unit * np.sqrt(variances[order]),
        correlations=np.stack([_correlation(best.covariances[k]) for k in order]),
        transitions=transitions,
        start=start / np.sum(start),
        log_likelihood=likelihood - len(logs) * float(np.sum(np.log(unit))),
        smoothed=climb.shares[:, order],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Regimes:
    """What regimes are like, in units of the sample's deviations."""

    means: Floats
    covariances: Floats
    transitions: Floats


class _Climb:
    """Turns on one history, and what the last expectation found."""

    def __init__(self, values: Floats, count: int) -> None:
        bars, assets = values.shape
        self.values = values
        self.pooled = values.T @ values / bars
        self.known = np.empty((bars, count))
        self.shares = np.empty((bars, count))
        self.moved = np.empty((count, count))
        self.prior_bars = assets - 1

    def begin(self, shares: Floats) -> _Regimes:
        """Regimes of bars that are shared out already."""
        count = shares.shape[1]
        leave = (1.0 - START_STAY) / max(count - 1, 1)
        transitions = np.full((count, count), leave)
        np.fill_diagonal(transitions, START_STAY if count > 1 else 1.0)
        blank = _Regimes(
            means=np.zeros((count, self.values.shape[1])),
            covariances=np.stack([self.pooled] * count),
            transitions=transitions,
        )
        means, covariances = self._described(blank, shares)
        return _Regimes(means=means, covariances=covariances, transitions=transitions)

    def up(self, regimes: _Regimes, steps_max: int) -> tuple[_Regimes, float]:
        """Climb until nothing is gained; the regimes, and their log likelihood."""
        reached = self._expect(regimes)
        for _ in range(steps_max):
            after = self._maximise(regimes)
            likelihood = self._expect(after)
            regimes, gain, reached = after, likelihood - reached, likelihood
            if abs(gain) < GAIN_MIN * len(self.values):
                break
        return regimes, reached

    def _expect(self, regimes: _Regimes) -> float:
        logs = np.stack(
            [
                _log_density(self.values - mean, covariance)
                for mean, covariance in zip(regimes.means, regimes.covariances, strict=True)
            ],
            axis=1,
        )
        most = np.max(logs, axis=1, keepdims=True)
        densities, transitions = np.maximum(np.exp(logs - most), DENSITY_MIN), regimes.transitions
        _, start = long_run(transitions)
        likelihood = look_forward.machine(densities, transitions, start, self.known)
        ahead = np.empty((2, len(transitions)))
        look_back.machine(densities, transitions, self.known, self.shares, self.moved, ahead)
        return float(np.sum(most)) + likelihood

    def _maximise(self, regimes: _Regimes) -> _Regimes:
        means, covariances = self._described(regimes, self.shares)
        total = np.sum(self.moved, axis=1, keepdims=True)
        kept = np.where(total > WEIGHT_MIN, self.moved / np.maximum(total, WEIGHT_MIN), 0.0)
        transitions = np.where(total > WEIGHT_MIN, kept, regimes.transitions)
        transitions = np.maximum(transitions, TRANSITION_MIN)
        return _Regimes(
            means=means,
            covariances=covariances,
            transitions=transitions / np.sum(transitions, axis=1, keepdims=True),
        )

    def _described(self, regimes: _Regimes, shares: Floats) -> tuple[Floats, Floats]:
        means, covariances = regimes.means.copy(), regimes.covariances.copy()
        for k, weight in enumerate(np.sum(shares, axis=0)):
            if weight > WEIGHT_MIN:
                share = shares[:, k]
                means[k] = share @ self.values / weight
                apart = self.values - means[k]
                scatter = (share[:, np.newaxis] * apart).T @ apart
                covariances[k] = (scatter + self.prior_bars * self.pooled) / (
                    weight + self.prior_bars
                )
        return means, covariances


def _log_density(apart: Floats, covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, VARIANCE_SHARE_MIN)
    white = (apart @ vectors) / np.sqrt(values)
    constant = float(np.sum(np.log(values))) + len(values) * math.log(2.0 * math.pi)
    return -0.5 * (np.sum(white * white, axis=1) + constant)


def _correlation(covariance: Floats) -> Floats:
    deviation = np.sqrt(np.diag(covariance))
    scale = np.outer(deviation, deviation)
    matrix = np.where(scale > 0.0, covariance / np.where(scale > 0.0, scale, 1.0), 0.0)
    matrix = np.clip((matrix + matrix.T) / 2.0, -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _starts(values: Floats, count: int) -> list[Floats]:
    """Bars shared out in equal parts, by how wild or how good the bars around them were."""
    wild = np.mean(values * values, axis=1)
    good = np.mean(values, axis=1)
    scores = [_around(wild, bars) for bars in START_WINDOWS_BARS]
    scores.append(_around(good, START_WINDOWS_BARS[-1]))
    return [_in_parts(score, count) for score in scores]


def _around(score: Floats, bars: int) -> Floats:
    return np.convolve(score, np.full(bars, 1.0 / bars), mode="same")


def _in_parts(score: Floats, count: int) -> Floats:
    rank: NDArray[np.int64] = np.argsort(np.argsort(score, kind="stable"), kind="stable")
    part = rank * count // len(score)
    return (part[:, np.newaxis] == np.arange(count)).astype(np.float64)

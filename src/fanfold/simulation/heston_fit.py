"""Heston's parameters from returns alone, by the likelihood of a variance that nobody sees.

The variance is put on a grid. Each bar says how likely each place of the grid is, given all
returns so far (a filter), and how likely the next return was; the sum of the logarithms of
the latter is the likelihood, which a simplex climbs. A leverage other than 0 makes a return
say where the variance goes, so each pair of places has a mean and a variance of its own.
"""

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import compiled
from fanfold.simulation.heston_step import StepMoments, step_moments
from fanfold.simulation.history import Floats

LIKELIHOOD_BARS_MAX = 20_000
"""Latest bars that the likelihood looks at [bars]."""

PLACES = 40
"""Places of the grid of variances."""

GRID_TAIL = 1e-4
"""Share of the time that the variance is off either end of the grid [1]."""

RETURN_BINS = 120
"""Groups of returns of about the same size that count as equal."""

EVALUATIONS_MAX = 120
"""Likelihoods that one fit computes, after those of the start."""

REVERSION_RANGE = (0.002, 1.0)
"""Reversions that are looked for [1 per bar]."""

SPREAD_RANGE = (0.02, 2.0)
"""Long-run deviations of the variance over its mean that are looked for [1]."""

LEVERAGE_RANGE = (-0.98, 0.98)
"""Leverages that are looked for [1]."""

SPREAD_SHARE_MIN = 0.1
"""Share of the variance of v' that the grid's own width may not take away [1]."""

DENSITY_MIN = 1e-280
"""Density of a return that the model thinks impossible [bars]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedVariance:
    """How one asset's variance moves; `surprises` are its returns over what was expected.

    Attributes:
        variance: Expected after the last bar, given all returns [1 per bar].
        long_variance: See `Heston`.
        reversion: See `Heston`.
        variance_volatility: See `Heston`.
        leverage: See `Heston`.
        surprises: Returns less their mean, over the deviation expected one bar before, `[bar]`.
    """

    variance: float
    long_variance: float
    reversion: float
    variance_volatility: float
    leverage: float
    surprises: Floats


@compiled
def filter_variance(
    group: Any, joint: Any, places: Any, first: Any, after: Any, expected: Any
) -> float:
    """Log likelihood of returns; fills `expected`, `[bar]`: the variance each bar begins with.

    Args:
        group: Which of `joint` belongs to the bar's return, `[bar]`.
        joint: Density of the return and of going on to a place, `[group, from, to]`.
        places: Variances, `[place]`.
        first: Probabilities of the places before the first bar, `[place]`; become those
            after the last.
        after: Scratch, `[place]`.
        expected: To fill.
    """
    total = 0.0
    for bar in range(len(group)):
        mean = 0.0
        for i in range(len(places)):
            mean += first[i] * places[i]
            after[i] = 0.0
        expected[bar] = mean
        for i in range(len(places)):
            chance = first[i]
            row = joint[group[bar], i]
            for j in range(len(after)):
                after[j] += chance * row[j]
        density = 0.0
        for j in range(len(after)):
            density += after[j]
        total += math.log(max(density, DENSITY_MIN))
        if density > DENSITY_MIN:  # else the return says nothing of where the variance is
            for j in range(len(after)):
                first[j] = after[j] / density
    return total


def fitted_variance(logs: Floats) -> FittedVariance:
    """Fit one asset; the mean log return and the long variance are those of the sample.

    Args:
        logs: Log returns, `[bar]`, oldest first [1 per bar].
    """
    optimize: Any = import_module("scipy.optimize")
    sample = _Sample.of(logs)

    def loss(point: Floats) -> float:
        return -sample.filtered(*_parameters(point))[0]

    starts = _starts(sample)
    losses = [loss(start) for start in starts]
    best = starts[int(np.argmin(losses))]
    simplex = np.vstack([best, best + np.diag([0.5, 0.3, 0.3])])
    found = optimize.minimize(
        loss,
        best,
        method="Nelder-Mead",
        options={
            "initial_simplex": simplex,
            "maxfev": EVALUATIONS_MAX,
            "xatol": 0.01,
            "fatol": 0.02,
        },
    )
    reversion, spread, leverage = _parameters(found.x)
    _, expected, variance = sample.filtered(reversion, spread, leverage)
    return FittedVariance(
        variance=variance,
        long_variance=sample.long_variance,
        reversion=reversion,
        variance_volatility=spread * math.sqrt(2.0 * reversion * sample.long_variance),
        leverage=leverage,
        surprises=sample.moves / np.sqrt(expected),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Returns less their mean, in groups of about the same size."""

    moves: Floats
    long_variance: float
    group: NDArray[np.int64]
    sizes: Floats

    @classmethod
    def of(cls, logs: Floats) -> "_Sample":
        long_variance = float(np.var(logs))
        latest = logs[-LIKELIHOOD_BARS_MAX:]
        moves = latest - np.mean(logs)
        # Finer where returns are small, as the densities of calm bars are.
        stretched = np.arcsinh(2.0 * moves / math.sqrt(long_variance))
        edges = np.linspace(float(np.min(stretched)), float(np.max(stretched)), RETURN_BINS + 1)
        places = np.clip(np.searchsorted(edges, stretched) - 1, 0, RETURN_BINS - 1)
        _, group = np.unique(places, return_inverse=True)
        sizes = np.bincount(group, weights=moves) / np.bincount(group)
        return cls(moves=moves, long_variance=long_variance, group=group, sizes=sizes)

    def filtered(
        self, reversion: float, spread: float, leverage: float
    ) -> tuple[float, Floats, float]:
        """Log likelihood, expected variance of every bar, and the variance after the last."""
        theta = self.long_variance
        moments = step_moments(
            long_variance=theta,
            reversion=reversion,
            variance_volatility=spread * math.sqrt(2.0 * reversion * theta),
            length_bars=1.0,
        )
        edges, places, first = _grid(theta, spread)
        going, mean = _going(moments, edges, places)
        begin, end = places[:, np.newaxis], places[np.newaxis, :]
        shared = leverage * leverage
        inner = moments.end_weight * (begin + end) + moments.rest
        left = np.maximum(moments.left_base + moments.left_slope * begin, 0.0)
        blurred = np.square(moments.drive * np.diff(edges)) / 12.0
        variance = (1.0 - shared) * inner + shared * (left + blurred[np.newaxis, :])
        center = leverage * moments.drive * (end - mean) - 0.5 * (inner - theta)
        apart = self.sizes[:, np.newaxis, np.newaxis] - center
        joint = np.exp(-0.5 * apart * apart / variance) * (
            going / np.sqrt(2.0 * math.pi * variance)
        )
        expected = np.empty(len(self.moves))
        likelihood = filter_variance.machine(
            self.group, joint, places, first, np.empty(len(places)), expected
        )
        gone = 1.0 - moments.decay
        inside = theta + (expected - theta) * (gone / reversion)
        return likelihood, inside, float(first @ places / np.sum(first))


def _grid(long_variance: float, spread: float) -> tuple[Floats, Floats, Floats]:
    """Edges and middles of places whose roots are evenly apart, and their long-run shares."""
    special: Any = import_module("scipy.special")
    shape = 1.0 / (spread * spread)
    scale = long_variance / shape
    low, high = np.sqrt(scale * special.gammaincinv(shape, [GRID_TAIL, 1.0 - GRID_TAIL]))
    roots = np.linspace(float(low), float(high), 2 * PLACES + 1)
    edges, places = np.square(roots[::2]), np.square(roots[1::2])
    shares = np.diff(special.gammainc(shape, edges / scale))
    return edges, places, shares / np.sum(shares)


def _going(moments: StepMoments, edges: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Probabilities `[from, to]` of a gamma with the mean and variance of v', and that mean.

    A place stands for its whole width, which widens what is put on the grid: so much is taken
    off the variance before.
    """
    special: Any = import_module("scipy.special")
    mean = (moments.mean_base + moments.decay * places)[:, np.newaxis]
    spread = (moments.spread_base + moments.spread_slope * places)[:, np.newaxis]
    width: Floats = np.interp(mean[:, 0], places, np.diff(edges))
    spread = np.maximum(spread - np.square(width)[:, np.newaxis] / 12.0, SPREAD_SHARE_MIN * spread)
    inner = edges[np.newaxis, 1:-1]
    below = special.gammainc(mean * mean / spread, inner * (mean / spread))
    ends = np.ones((len(places), 1))
    return np.diff(np.hstack([0.0 * ends, below, ends]), axis=1), mean


def _parameters(point: Floats) -> tuple[float, float, float]:
    """Reversion, long-run deviation of the variance over its mean, leverage; all in range."""
    reversion = min(max(math.exp(min(point[0], 50.0)), REVERSION_RANGE[0]), REVERSION_RANGE[1])
    spread = min(max(math.exp(min(point[1], 50.0)), SPREAD_RANGE[0]), SPREAD_RANGE[1])
    leverage = min(max(math.tanh(point[2]), LEVERAGE_RANGE[0]), LEVERAGE_RANGE[1])
    return reversion, spread, leverage


def _starts(sample: _Sample) -> list[Floats]:
    """Slow and fast variances, of the spread that the kurtosis asks for."""
    kurtosis = np.mean(sample.moves**4) / sample.long_variance**2
    spread = math.sqrt(min(max(kurtosis / 3.0 - 1.0, 0.05), 2.0))
    return [
        np.array([math.log(reversion), math.log(spread), math.atanh(leverage)])
        for reversion in (0.005, 0.02, 0.1, 0.4)
        for leverage in (-0.5, 0.0, 0.5)
    ]

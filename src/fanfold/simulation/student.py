"""Log returns with fat tails, independent from bar to bar: a multivariate Student t."""

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from fanfold.domain.compiled import Compiled, compiled
from fanfold.errors import DataError
from fanfold.simulation.assets import Matrix, PerAsset, as_correlation, loadings, per_asset
from fanfold.simulation.history import Floats, log_history
from fanfold.simulation.mixing import (
    DEGREES_MAX,
    DEGREES_MIN,
    as_degrees,
    mix,
    mixing_table,
    unit_scale,
)
from fanfold.simulation.model import Packed, PathModel

FIT_STEPS_MAX = 500
"""Steps of expectation and maximisation; most fits take fewer than 50."""

FIT_GAIN_MIN = 1e-10
"""A step that gains less log likelihood than this ends the fit [1 per bar]."""

FIT_DEGREES_START = 8.0

DEGREES_ERROR = 1e-6
"""How exactly the search for the degrees of freedom finds them [share]."""

VARIANCE_SHARE_MIN = 1e-10
"""A scale that shrinks below this share of the sample variance has collapsed [1]."""

EIGENVALUE_MIN = 1e-3
"""Directions in which a history varies by less than this, one asset alone varying by 1, are none:
an index and its inverse differ by noise, whose tails would be taken for those of both [1]."""


@compiled
def advance_student(
    bar: int, numbers: Any, table: Any, state: Any, normals: Any, uniforms: Any, moves: Any
) -> None:
    """One bar; `numbers` are locations, scales and mixing loads, `table` is `mixing_table`'s."""
    assets = len(normals) - 1
    factor = state[0]
    mix(table, normals[assets], factor)
    for a in range(assets):
        move = moves[a]
        for lane in range(len(move)):
            move[lane] = 0.0
        for b in range(a + 1):
            load = numbers[(2 + a) * assets + b]
            normal = normals[b]
            for lane in range(len(move)):
                move[lane] += load * normal[lane]
        location = numbers[a]
        for lane in range(len(move)):
            move[lane] = location + factor[lane] * move[lane]
    if len(moves) > assets:
        for a in range(assets):
            gap = moves[assets + a]
            variance = moves[2 * assets + a]
            scale = numbers[assets + a]
            for lane in range(len(gap)):
                gap[lane] = 0.0
                deviation = scale * factor[lane]
                variance[lane] = deviation * deviation


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class StudentT(PathModel):
    """Log returns of a multivariate t: one factor a bar widens those of all assets.

    So large returns come together even where `correlation` is 0. The expected price of such a
    return is infinite, however small its deviation, so there is no drift to state: `location`
    is the mean log return.

    Attributes:
        location: Mean log return, for each asset [log return per bar].
        volatility: Deviation of log returns, for each asset [1 per bar].
        degrees: Degrees of freedom, one number for all assets, `DEGREES_MIN` to `DEGREES_MAX`
            [1]. Below 4, deviations of samples are unstable; near `DEGREES_MIN` much of the
            deviation comes from returns too rare for any sample.
        correlation: Of log returns, `[asset, asset]`; 0 unless stated [1].

    Raises:
        ConfigError: A number is not finite, a volatility below 0, `degrees` out of its bounds,
            or the correlation one that nothing can have.

    Source: Praetz (1972), The Distribution of Share Price Changes, Journal of Business 45(1);
        Kotz & Nadarajah (2004), Multivariate t Distributions and Their Applications, §1.1.
    """

    location: PerAsset
    volatility: PerAsset
    degrees: float
    correlation: Matrix

    advance: ClassVar[Compiled[..., None]] = advance_student

    def __init__(
        self,
        *,
        location: ArrayLike,
        volatility: ArrayLike,
        degrees: float,
        correlation: ArrayLike | None = None,
    ) -> None:
        volatilities = per_asset(volatility, "volatility", least=0.0)
        locations = per_asset(location, "location", len(volatilities))
        matrix = as_correlation(correlation, len(volatilities))
        object.__setattr__(self, "location", locations)
        object.__setattr__(self, "volatility", volatilities)
        object.__setattr__(self, "degrees", as_degrees(degrees))
        object.__setattr__(self, "correlation", matrix)

    @classmethod
    def fit(cls, returns: ArrayLike) -> Self:
        """Fit by maximum likelihood, `degrees` held within `DEGREES_MIN` and `DEGREES_MAX`.

        Args:
            returns: Simple returns, `[bar]` or `[bar, asset]`, oldest first [1 per bar]. More
                bars than assets.

        Raises:
            DataError: NaN, too few bars, at or below -1, constant returns, or so many equal
                ones that a t fits them better the narrower it is.

        Source: Liu & Rubin (1995), ML Estimation of the t Distribution Using EM and Its
            Extensions, ECM and ECME, Statistica Sinica 5; the weights' sum as divisor is from
            Kent, Tyler & Vardi (1994), Communications in Statistics B 23(2).
        """
        logs = log_history(returns)
        if len(logs) <= logs.shape[1] + 1:
            raise DataError(
                f"returns of {logs.shape[1]} assets must have at least {logs.shape[1] + 2} bars, "
                f"had {len(logs)}"
            )
        center = np.mean(logs, axis=0)
        # In directions that do not vary together, of which there may be fewer than assets.
        directions = independent_directions(logs - center)
        location, scatter, degrees = _ecme((logs - center) @ np.linalg.pinv(directions))
        covariance = directions.T @ scatter @ directions / unit_scale(degrees) ** 2
        deviation = np.sqrt(np.diag(covariance))
        correlation = np.clip(covariance / np.outer(deviation, deviation), -1.0, 1.0)
        np.fill_diagonal(correlation, 1.0)
        return cls(
            location=center + location @ directions,
            volatility=deviation,
            degrees=degrees,
            correlation=(correlation + correlation.T) / 2.0,
        )

    @property
    def asset_count(self) -> int:
        """Assets that move together."""
        return len(self.volatility)

    def packed(self) -> Packed:
        """Locations, scales and loads one row after another; the table widens."""
        scale = np.asarray(self.volatility) * unit_scale(self.degrees)
        loads = scale[:, np.newaxis] * loadings(self.correlation)
        return Packed(
            numbers=np.concatenate([self.location, scale, loads.ravel()]),
            table=mixing_table(self.degrees),
            normal_count=self.asset_count + 1,
            uniform_count=0,
            state_count=1,
        )


def independent_directions(centered: Floats) -> Floats:
    """Unit steps in the directions in which a history varies; of those, fewer than assets may be.

    Args:
        centered: `[bar, asset]`, with a mean of 0.

    Returns:
        `[direction, asset]`; times it, independent numbers of deviation 1 vary as the history.
    """
    deviation = np.std(centered, axis=0)
    scaled = centered / deviation
    values, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    kept = values > EIGENVALUE_MIN
    return (vectors[:, kept] * np.sqrt(values[kept])).T * deviation


def _ecme(points: Floats) -> tuple[Floats, Floats, float]:
    """Location, scale matrix and degrees of freedom of the likeliest t of `[bar, direction]`."""
    size = points.shape[1]
    location, scatter, degrees = np.zeros(size), np.eye(size), FIT_DEGREES_START
    scatter *= unit_scale(degrees) ** 2
    before = -np.inf
    for _ in range(FIT_STEPS_MAX):
        distance, log_volume = _distances(points, location, scatter)
        degrees = _likeliest_degrees(distance, size, degrees)
        reached = _log_likelihood(distance, size, degrees) - 0.5 * log_volume
        if reached - before < FIT_GAIN_MIN:
            break
        before = reached
        weight = (degrees + size) / (degrees + distance)
        location = weight @ points / weight.sum()
        apart = points - location
        scatter = (weight[:, np.newaxis] * apart).T @ apart / weight.sum()
    return location, scatter, degrees


def _distances(points: Floats, location: Floats, scatter: Floats) -> tuple[Floats, float]:
    """Squared distance of every bar in units of the scale, and the log of its volume squared."""
    values, vectors = np.linalg.eigh(scatter)
    if not values[0] > VARIANCE_SHARE_MIN:  # also catches what is no number
        raise DataError(
            "returns must vary from bar to bar, so many were equal that a t fits them better "
            "the narrower it is"
        )
    apart = (points - location) @ vectors / np.sqrt(values)
    return np.sum(apart * apart, axis=1), float(np.sum(np.log(values)))


def _log_likelihood(distance: Floats, size: int, degrees: float) -> float:
    """Of a t whose scale has the volume 1 [1 per bar]."""
    half = 0.5 * (degrees + size)
    return (
        math.lgamma(half)
        - math.lgamma(0.5 * degrees)
        - 0.5 * size * math.log(math.pi * degrees)
        - half * float(np.mean(np.log1p(distance / degrees)))
    )


def _likeliest_degrees(distance: Floats, size: int, before: float) -> float:
    def loss(log_degrees: float) -> float:
        return -_log_likelihood(distance, size, math.exp(log_degrees))

    optimize: Any = import_module("scipy.optimize")
    found = optimize.minimize_scalar(
        loss,
        bounds=(math.log(DEGREES_MIN), math.log(DEGREES_MAX)),
        method="bounded",
        options={"xatol": DEGREES_ERROR},
    )
    # The search looks inside its bounds only, and may stop beside the best.
    candidates = (math.exp(found.x), before, DEGREES_MIN, DEGREES_MAX)
    return max(candidates, key=lambda degrees: _log_likelihood(distance, size, degrees))

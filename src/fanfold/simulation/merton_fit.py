"""The likeliest jump diffusion of a history, by expectation and maximisation.

How many jumps a bar held, and what they summed to, is not seen. If it were, every parameter
would be a mean. So each step takes what is not seen for its expectation under the parameters
of the step before, and the likelihood never falls.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fanfold.simulation.history import Floats

FIT_JUMPS_MAX = 20
"""Jumps in one bar that the fit thinks of [jumps]."""

FIT_STEPS_MAX = 300
"""Steps of expectation and maximisation, each of two or three evaluations; most fits take fewer
than 50."""

FIT_GAIN_MIN = 1e-9
"""A step that gains less log likelihood than this ends the fit [1 per bar]."""

LEAP_MAX = 1_000.0
"""Longest leap ahead of two steps [steps]."""

WEIGHT_MIN = 1e-12
"""A number of jumps that is less likely than this in a bar adds nothing [1]."""

START_DEVIATIONS = (2.0, 3.0, 5.0)
"""Bars that are farther out are taken for jumps at first; the best of these starts is followed
[robust deviations]."""

START_STEPS = 8
"""Steps after which the starts are compared."""

NORMAL_MEDIAN = 0.6744897501960817
"""Median of the size of a standard normal [1]."""

VARIANCE_SHARE_MIN = 1e-6
"""Share of the sample variance that the diffusion keeps: with none, a single bar would be
infinitely likely [1]."""

INTENSITY_MIN = 1e-12
"""Fewer jumps have no logarithm worth a step [jumps per bar]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jumping:
    """Normals that jump, in directions that do not vary together.

    Attributes:
        location: Mean without jumps, `[direction]`.
        diffusion: Covariance without jumps, `[direction, direction]`.
        intensity: Expected jumps [jumps per bar].
        mean: Of one jump, `[direction]`.
        spread: Covariance of one jump, `[direction, direction]`.
    """

    location: Floats
    diffusion: Floats
    intensity: float
    mean: Floats
    spread: Floats


class _Frame(NamedTuple):
    """Coordinates in which the diffusion is 1 and jumps spread along the axes."""

    back: Floats
    there: Floats
    spread: Floats
    mean: Floats
    log_volume: float


def likeliest_jumps(points: Floats) -> Jumping:
    """The likeliest parameters, never worse than those of a normal without jumps.

    Args:
        points: `[bar, direction]`, with mean 0 and covariance 1.
    """
    size: int = points.shape[1]
    none = Jumping(
        location=np.zeros(size),
        diffusion=np.eye(size),
        intensity=0.0,
        mean=np.zeros(size),
        spread=np.zeros((size, size)),
    )
    starts = [_climbed(points, start, START_STEPS) for start in _starts(points)]
    if not starts:
        return none
    _, start = max(starts, key=lambda climbed: climbed[0])
    reached, found = _climbed(points, start, FIT_STEPS_MAX)
    return found if reached > -0.5 * size * (math.log(2.0 * math.pi) + 1.0) else none


def count_log_probabilities(intensity: float, most: int) -> Floats:
    """Log probability of 0, 1, … `most` jumps, `[count]`."""
    factorials = [math.lgamma(count + 1.0) for count in range(most + 1)]
    counts = np.arange(most + 1, dtype=np.float64)
    return counts * math.log(intensity) - intensity - np.asarray(factorials)


def improved(points: Floats, old: Jumping) -> tuple[float, Jumping]:
    """One step.

    Args:
        points: `[bar, direction]`.
        old: Parameters before it.

    Returns:
        Log likelihood of the old parameters [1 per bar], and parameters that are likelier.
    """
    frame = _frame(old)
    own = (points - old.location) @ frame.there.T
    counts = np.arange(FIT_JUMPS_MAX + 1)
    density = count_log_probabilities(old.intensity, FIT_JUMPS_MAX)[:, np.newaxis] + np.stack(
        [_normal_log_density(own - c * frame.mean, 1.0 + c * frame.spread) for c in counts]
    )
    highest: Floats = density.max(axis=0)
    weight = np.exp(density - highest)
    total: Floats = weight.sum(axis=0)
    reached = float(np.mean(highest + np.log(total))) - frame.log_volume
    return reached, _maximised(old, frame, own, weight / total)


def _frame(jumping: Jumping) -> _Frame:
    values, vectors = np.linalg.eigh(jumping.diffusion)
    root, inverse = vectors * np.sqrt(values), (vectors / np.sqrt(values)).T
    spread, turn = np.linalg.eigh(inverse @ jumping.spread @ inverse.T)
    there = turn.T @ inverse
    return _Frame(
        back=root @ turn,
        there=there,
        spread=np.maximum(spread, 0.0),
        mean=there @ jumping.mean,
        log_volume=0.5 * float(np.sum(np.log(values))),
    )


def _normal_log_density(apart: Floats, variance: Floats) -> Floats:
    constant = np.sum(np.log(2.0 * math.pi * variance))
    return -0.5 * ((apart * apart) @ (1.0 / variance) + constant)


def _maximised(old: Jumping, frame: _Frame, own: Floats, weight: Floats) -> Jumping:
    """The likeliest parameters if every number of jumps had its weight, `[count, bar]`.

    Of how far a bar is from where its c jumps lead on average, the share
    g = c·spread / (1 + c·spread) is theirs, give or take a variance of g, in the frame.
    """
    bars, size = own.shape
    held = weight.sum(axis=1)
    drifted, pulled = np.zeros(size), np.zeros(size)
    diffusion, spread = np.zeros((size, size)), np.zeros((size, size))
    for c in range(len(held)):
        near = weight[c] > WEIGHT_MIN
        share = c * frame.spread / (1.0 + c * frame.spread)
        apart = own[near] - c * frame.mean
        weighted = weight[c, near, np.newaxis] * apart
        sums, squares, rest = weighted.sum(axis=0), weighted.T @ apart, held[c] * np.diag(share)
        drifted += (1.0 - share) * sums
        diffusion += np.outer(1.0 - share, 1.0 - share) * squares + rest
        if c > 0:
            pulled += share * sums
            spread += (np.outer(share, share) * squares + rest) / c
    drifted /= bars
    diffusion = diffusion / bars - np.outer(drifted, drifted)
    jump_count = max(float(np.arange(len(held)) @ held), INTENSITY_MIN * bars)
    jumped_bars = max(float(held[1:].sum()), INTENSITY_MIN * bars)
    spread = (spread - np.outer(pulled, pulled) / jump_count) / jumped_bars
    return Jumping(
        location=old.location + frame.back @ drifted,
        diffusion=_floored(frame.back @ diffusion @ frame.back.T, VARIANCE_SHARE_MIN),
        intensity=jump_count / bars,
        mean=frame.back @ (frame.mean + pulled / jump_count),
        spread=_floored(frame.back @ spread @ frame.back.T, 0.0),
    )


def _floored(covariance: Floats, least: float) -> Floats:
    """The likeliest covariance of those that vary by `least` in every direction."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2.0)
    return (vectors * np.maximum(values, least)) @ vectors.T


def _climbed(points: Floats, start: Jumping, steps_max: int) -> tuple[float, Jumping]:
    """Log likelihood [1 per bar] and parameters after steps of which each gains.

    Two steps show where a third, longer one would lead. It is taken if that is likelier.
    """
    jumping, longest = start, 1.0
    reached, first = improved(points, jumping)
    for _ in range(steps_max):
        first_reached, second = improved(points, first)
        if not first_reached - reached >= FIT_GAIN_MIN:
            break
        leapt = _leap(jumping, first, second, longest)
        leapt_reached, after = improved(points, leapt)
        if leapt_reached >= first_reached:
            jumping, reached, first = leapt, leapt_reached, after
            longest = min(2.0 * longest, LEAP_MAX)
        else:
            jumping, longest = second, max(0.25 * longest, 1.0)
            reached, first = improved(points, jumping)
    return reached, jumping


def _leap(start: Jumping, first: Jumping, second: Jumping, longest: float) -> Jumping:
    begin, middle, end = _flat(start), _flat(first), _flat(second)
    step, bend = middle - begin, end - 2.0 * middle + begin
    bent = float(np.linalg.norm(bend))
    if bent == 0.0:
        return second
    length = min(max(float(np.linalg.norm(step)) / bent, 1.0), longest)
    size = len(start.location)
    location, mean, diffusion, spread, intensity = np.split(
        begin + 2.0 * length * step + length * length * bend,
        np.cumsum([size, size, size * size, size * size]),
    )
    return Jumping(
        location=location,
        diffusion=_floored(diffusion.reshape(size, size), VARIANCE_SHARE_MIN),
        intensity=min(max(float(intensity[0]), INTENSITY_MIN), FIT_JUMPS_MAX),
        mean=mean,
        spread=_floored(spread.reshape(size, size), 0.0),
    )


def _flat(jumping: Jumping) -> Floats:
    return np.concatenate(
        [
            jumping.location,
            jumping.mean,
            jumping.diffusion.ravel(),
            jumping.spread.ravel(),
            [jumping.intensity],
        ]
    )


def _starts(points: Floats) -> list[Jumping]:
    """Bars that are far out as those that jumped, once each."""
    middle = np.median(points, axis=0)
    apart = np.abs(points - middle)
    typical = np.median(apart, axis=0) / NORMAL_MEDIAN
    farthest = np.max(apart / np.maximum(typical, math.sqrt(VARIANCE_SHARE_MIN)), axis=1)
    starts: list[Jumping] = []
    for limit in START_DEVIATIONS:
        far = farthest > limit
        if not 0 < far.sum() < len(points) - 1:
            continue
        location = points[~far].mean(axis=0)
        jumps = points[far] - location
        starts.append(
            Jumping(
                location=location,
                diffusion=_floored(_covariance(points[~far]), VARIANCE_SHARE_MIN),
                intensity=float(far.mean()),
                mean=jumps.mean(axis=0),
                spread=_covariance(jumps),
            )
        )
    return starts


def _covariance(points: Floats) -> Floats:
    centered = points - points.mean(axis=0)
    return centered.T @ centered / len(points)

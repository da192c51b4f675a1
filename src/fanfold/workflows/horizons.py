"""What may come: path models fitted to returns, and their paths followed here or on a cluster."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fanfold.errors import InputError
from fanfold.measures.series import Floats
from fanfold.research.chunks import Pace
from fanfold.settings import MonteCarloSettings
from fanfold.simulation.model import PathModel
from fanfold.simulation.models import MODELS, RESTING, fit_model
from fanfold.simulation.path_risk import (
    CHUNK_PATHS,
    Counters,
    PathRisk,
    RiskSpec,
    as_levels,
    count_paths,
    no_paths,
    path_risk,
    risk_of,
    risk_spec,
)
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.progress import progress

TASK_STEPS = 2**26
"""Bars of paths that one task of a cluster follows: about half a second."""

REST_SHARE_MAX = 0.05
"""Sessions without any return, beyond which models that know no rest are left out [1]."""

FAN_PATHS = 4_000
"""First paths of a model that its fan is drawn from."""

FAN_DRAWN_BYTES_MAX = 64 * 2**20
"""Memory of the paths that are drawn at one time for a fan [bytes]."""

FAN_BARS = 100
"""Bars of a fan that are drawn, at most."""

FAN_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of a fan [1]."""

FAN_SAMPLES = 6
"""Single paths that are drawn in a fan."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Horizon:
    """One model's account of what may come.

    Attributes:
        name: Of the model, as configurations name it.
        title: Of the model, for people.
        model: As it was fitted.
        risk: Of its paths.
        fan_bars: Bars ahead at which the fan is known, 0 first.
        fan: Quantiles of value by level, each [bar] [1 at the start].
        samples: Values of single paths at the same bars, [path, bar].
        fan_paths: Paths that the fan is drawn from.
        seconds: That following took [s].
    """

    name: str
    title: str
    model: PathModel
    risk: PathRisk
    fan_bars: tuple[int, ...]
    fan: dict[float, Floats]
    samples: Floats
    fan_paths: int
    seconds: float


def horizons_of(
    returns: Floats,
    settings: MonteCarloSettings,
    *,
    seed: int,
    fleet: Fleet,
    strategy: type[Strategy],
    shown: bool,
) -> tuple[list[Horizon], dict[str, str]]:
    """Fit each model to returns and follow its paths.

    Args:
        returns: Of a strategy's sessions, `[bar]`, or of assets that are held in equal
            shares, `[bar, asset]` [1 per bar].
        settings: Models, paths, bars, levels.
        seed: Of all paths.
        fleet: Where paths are followed.
        strategy: Class that workers of a cluster need to have.
        shown: Whether progress is shown.

    Returns:
        What each model says, and why the others could not be fitted, by their names.
    """
    fitted: dict[str, PathModel] = {}
    refused: dict[str, str] = {}
    rest = np.count_nonzero(returns == 0.0) / max(returns.size, 1)
    for name in dict.fromkeys(settings.models):
        if rest > REST_SHARE_MAX and name in MODELS and name not in RESTING:
            refused[name] = f"{rest:.0%} of the returns are 0, and it knows no rest"
            continue
        try:
            fitted[name] = fit_model(name, returns)
        except InputError as error:
            refused[name] = str(error)
    total = settings.paths * len(fitted)
    with progress("paths", total, shown=shown and total * settings.bars > TASK_STEPS) as state:
        found: list[Horizon] = []
        for name, model in fitted.items():
            began = time.perf_counter()
            risk = _followed(model, settings, seed, fleet, strategy)
            state.advance(settings.paths)
            seconds = time.perf_counter() - began
            found.append(_horizon(name, model, risk, settings, seconds=seconds))
    return found, refused


def _followed(
    model: PathModel,
    settings: MonteCarloSettings,
    seed: int,
    fleet: Fleet,
    strategy: type[Strategy],
) -> PathRisk:
    spec = risk_spec(
        model, bar_count=settings.bars, seed=seed, ruin=settings.ruin, goal=settings.goal
    )
    levels = as_levels(settings.levels)
    if fleet.gather(_seconds(spec, settings.paths), strategy) == 0:
        return path_risk(
            model,
            bar_count=settings.bars,
            path_count=settings.paths,
            seed=seed,
            levels=levels,
            ruin=settings.ruin,
            goal=settings.goal,
        )
    size = max(TASK_STEPS // settings.bars // CHUNK_PATHS, 1) * CHUNK_PATHS
    size = min(size, max(-(-settings.paths // fleet.processors), 1))
    chunks = [
        (start, min(start + size, settings.paths)) for start in range(0, settings.paths, size)
    ]
    counted: Counters = no_paths(settings.bars)
    for part in fleet.map(count_paths, chunks, shared=spec):
        counted = counted.plus(part)
    return risk_of(spec, counted, levels)


def _seconds(spec: RiskSpec, path_count: int) -> float:
    """What following takes on this machine's processors, from a few paths [s]."""
    few = min(path_count, 1_024)
    count_paths(spec, (0, few))  # loads or compiles what the model needs
    began = time.perf_counter()
    count_paths(spec, (0, few))
    pace = Pace((time.perf_counter() - began) / few)
    return pace.seconds(path_count) / len(os.sched_getaffinity(0))


def _horizon(
    name: str,
    model: PathModel,
    risk: PathRisk,
    settings: MonteCarloSettings,
    *,
    seconds: float,
) -> Horizon:
    paths = min(settings.paths, max(FAN_PATHS * 252 // max(settings.bars, 252), 100))
    every = np.unique(np.linspace(0, settings.bars, min(settings.bars, FAN_BARS) + 1).round())
    at: list[int] = every.astype(np.int64).tolist()
    values = _values_at(model, at, path_count=paths, seed=risk.seed)
    quantiles = np.quantile(values, FAN_LEVELS, axis=0)
    return Horizon(
        name=name,
        title=MODELS[name][0],
        model=model,
        risk=risk,
        fan_bars=tuple(at),
        fan=dict(zip(FAN_LEVELS, quantiles, strict=True)),
        samples=values[:FAN_SAMPLES],
        fan_paths=paths,
        seconds=seconds,
    )


def _values_at(model: PathModel, bars: Sequence[int], *, path_count: int, seed: int) -> Floats:
    """What 1 in equal shares becomes, `[path, bar]`, at some bars of which the last ends paths."""
    bar_count = bars[-1]
    size = max(FAN_DRAWN_BYTES_MAX // (8 * bar_count * model.asset_count), 1)
    kept: list[Floats] = []
    for first in range(0, path_count, size):
        drawn = model.draw(
            bar_count=bar_count,
            path_count=min(size, path_count - first),
            seed=seed,
            first_path=first,
        )
        values: Floats = np.ones((len(drawn), bar_count + 1))
        np.cumprod(1.0 + drawn.mean(axis=2), axis=1, out=values[:, 1:])
        kept.append(values[:, bars])
    return np.concatenate(kept)

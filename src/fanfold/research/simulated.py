"""Thousands of backtests on simulated prices: what luck alone makes of a strategy.

A chunk of paths is a pure function of the shared inputs and two numbers, and equals its
paths run one by one. A path that fails is a row with its reason. Runs on simulated prices
are no trials: nothing here is told to a ledger.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.engine.metrics import METRICS, measured, metrics_of
from fanfold.engine.run import Mode
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError, DataError, StrategyError
from fanfold.research.chunks import uncollected
from fanfold.research.identity import trial_code
from fanfold.research.made import FAILED, Made, largest_warm_up, run_made
from fanfold.research.plan import Params
from fanfold.research.retuned import Retune, chosen_trial, drawn_trials
from fanfold.research.space import space_of
from fanfold.research.subject import text_of
from fanfold.research.sweep import checked_first
from fanfold.research.table import ArrowBatch, arrow
from fanfold.simulation.bars import BarSource
from fanfold.simulation.paths import check_counts
from fanfold.strategies.strategy import Strategy, computes_columns, features_of, learns

PATHS_MAX = 1_000_000
"""Paths of one simulation: a hundred values are kept of each."""

REAL = -1
"""Number that the real prices have in place of a path's."""

SELECTION_IGNORED = "selection ignored"
"""What a p-value must be called where the strategy was not searched on the paths."""

Chunk = tuple[int, int]
"""First path of a chunk and the one after its last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The shared inputs of a simulation, the same for all of its chunks.

    Attributes:
        trials: Parameters of each trial that a path is searched by; of one, where it is
            not searched.
        made: The strategies of the trials.
        source: Makes the bars of each path.
        real: The bars that were. Their own benchmark is left out where paths have none.
        terms: Money, costs, limits and options.
        first: Bar of the first decision on every path: the end of the largest warm-up.
        seed: Equal seeds give equal paths and trials.
        objective: Metric that chooses among the trials; "" where nothing is chosen.
        source_hash: Tells one source of bars from another, at this seed.
        mode: How all chunks run; the same bits either way.
    """

    trials: tuple[Params, ...]
    made: tuple[Made, ...]
    source: BarSource
    real: Bars
    terms: Terms
    first: int
    seed: int
    objective: str = ""
    source_hash: str = ""
    mode: Mode = "machine"

    @property
    def strategy(self) -> Strategy:
        """The strategy of the first trial."""
        strategy = self.made[0].strategy
        if strategy is None:
            raise ConfigError(f"a simulation must have trials that can be run, {self.made[0]}")
        return strategy

    @property
    def selection(self) -> str:
        """What was done about the choice of parameters, as p-values must say."""
        if not self.objective:
            return SELECTION_IGNORED
        return f"re-tuned on every path, {len(self.trials)} trials by {self.objective}"

    @property
    def identity(self) -> str:
        """Hash of all that decides a row; more paths do not change it."""
        content = {
            "strategy": type(self.strategy).__qualname__,
            "code": trial_code(self.strategy),
            "features": [repr(each) for each in self.strategy.features()],
            "params": [one.strategy and one.strategy.model_dump(mode="json") for one in self.made],
            "terms": self.terms.as_dict(),
            "objective": self.objective,
            "first": self.first,
            "seed": self.seed,
            "data": self.real.fingerprint,
            "source": self.source_hash,
        }
        text = json.dumps(content, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def simulation_of(
    strategy: Strategy,
    source: BarSource,
    terms: Terms,
    *,
    seed: int = 0,
    retune: Retune | None = None,
    mode: Mode = "machine",
) -> Simulation:
    """Check and prepare a simulation.

    The list of trials is one for all paths and for the real bars, so none of them is
    searched better than another.

    Args:
        strategy: What is run; where it is searched, parameters outside the space are its.
        source: Makes the bars of each path.
        terms: Money, costs, limits and options.
        seed: Of paths and trials.
        retune: How each path is searched; None runs `strategy` as it is, and ignores that
            its parameters were chosen with the real prices in view.
        mode: How all chunks run.

    Raises:
        ConfigError: The strategy learns or is none, the seed or the search is not what it
            must be, or there are too few bars.
    """
    if not isinstance(strategy, Strategy):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"strategy must be an instance of a Strategy, was {strategy!r}")
    if learns(type(strategy)):
        raise ConfigError(
            f"a strategy on simulated prices must not learn: what {type(strategy).__name__} "
            f"learned from the real ones is no choice that can be repeated here"
        )
    check_counts(source.template.bar_count, 1, seed, 0)
    trials = _trials(strategy, retune, seed)
    made = tuple(one for _, one in trials)
    real, source_hash = _real_and_hash(source, seed)
    warm_up = largest_warm_up(made, real, terms)
    return Simulation(
        trials=tuple(params for params, _ in trials),
        made=made,
        source=source,
        real=real,
        terms=terms,
        first=checked_first(warm_up, real, terms),
        seed=seed,
        objective="" if retune is None else retune.objective,
        source_hash=source_hash,
        mode=mode,
    )


def run_simulated(simulation: Simulation, chunk: Chunk) -> ArrowBatch:
    """Run consecutive paths.

    Returns:
        One row a path, in order: its number, `METRICS`, the chosen trial's number, status,
        reason. A path that failed has neither metrics nor a trial.

    Raises:
        ConfigError: The chunk holds no path, or one beyond `PATHS_MAX`.
    """
    start, stop = chunk
    if not 0 <= start < stop <= PATHS_MAX:
        raise ConfigError(f"paths must be some of the first {PATHS_MAX:,}, were {chunk}")
    with uncollected():
        return _batch([_ran(simulation, path, bars) for path, bars in _paths(simulation, chunk)])


def run_real(simulation: Simulation) -> ArrowBatch:
    """The row of the real bars, found by the very same search; its path is `REAL`.

    Raises:
        StrategyError: It failed.
    """
    row = _ran(simulation, REAL, simulation.real)
    if row.status == FAILED:
        raise StrategyError(f"{type(simulation.strategy).__name__} on real bars: {row.reason}")
    return _batch([row])


@dataclass(frozen=True, slots=True)
class _Row:
    path: int
    status: str
    reason: str
    trial: int | None = None
    metrics: tuple[float, ...] = (np.nan,) * len(METRICS)


def _paths(simulation: Simulation, chunk: Chunk) -> Iterator[tuple[int, Bars | str]]:
    """The bars of each path, or why it has none."""
    path, stop = chunk
    while path < stop:
        several = simulation.source.each(
            path_count=stop - path, seed=simulation.seed, first_path=path
        )
        try:
            for bars in several:
                yield path, bars
                path += 1
        except DataError as error:
            # Whatever makes bars ends with the first that are none: begin again behind them.
            yield path, str(error)
            path += 1
        else:
            break


def _ran(simulation: Simulation, path: int, bars: Bars | str) -> _Row:
    if isinstance(bars, str):
        return _Row(path, FAILED, bars)
    try:
        return _searched(simulation, path, bars)
    except Exception as raised:  # the user's own code: this path's affair
        return _Row(path, FAILED, text_of(raised))


def _searched(simulation: Simulation, path: int, bars: Bars) -> _Row:
    made, terms, first = simulation.made, simulation.terms, simulation.first
    if computes_columns(type(simulation.strategy)) and terms.start_bar is None:
        needed = largest_warm_up(made, bars, terms)
        if needed > first + 1:
            return _Row(path, FAILED, f"warms up for {needed} bars, the real ones for {first + 1}")
    ended = run_made(made, bars, terms, first, mode=simulation.mode, block_count=0)
    metrics = metrics_of(
        measured(ended.outcomes.accounts, bars, first),
        cash=terms.cash,
        periods_per_year=bars.periods_per_year,
        risk_free=terms.risk_free,
    )
    trial = chosen_trial(metrics, ended.statuses, simulation.objective or METRICS[0])
    if trial is None:
        return _Row(path, FAILED, ended.outcomes.errors[0])
    values = tuple(float(metrics[name][trial]) for name in METRICS)
    return _Row(path, str(ended.statuses[trial]), "", trial, values)


def _batch(rows: list[_Row]) -> ArrowBatch:
    pa = arrow()
    values = np.array([row.metrics for row in rows], np.float64)
    columns: dict[str, Any] = {"path": pa.array([row.path for row in rows], pa.int64())}
    for name, column in zip(METRICS, values.T, strict=True):
        columns[name] = pa.array(column, pa.float64(), mask=np.isnan(column))
    columns["trial"] = pa.array([row.trial for row in rows], pa.int64())
    columns["status"] = pa.array([row.status for row in rows], pa.string())
    columns["reason"] = pa.array([row.reason for row in rows], pa.string())
    return pa.RecordBatch.from_pydict(columns)


def _trials(strategy: Strategy, retune: Retune | None, seed: int) -> list[tuple[Params, Made]]:
    own: Params = {name: getattr(strategy, name) for name in type(strategy).model_fields}
    if retune is None:
        return [(own, Made(strategy, features_of(strategy)))]
    space = retune.space or space_of(type(strategy))
    searched = {one.name for one in space}
    fixed = {name: value for name, value in own.items() if name not in searched}
    return drawn_trials(type(strategy), space, fixed, trial_count=retune.trial_count, seed=seed)


def _real_and_hash(source: BarSource, seed: int) -> tuple[Bars, str]:
    template = source.template
    try:
        path = source.bars(path=0, seed=seed)
    except DataError as error:
        return template, hashlib.sha256(str(error).encode()).hexdigest()
    if path.benchmark is None and template.benchmark is not None:
        # Beta and alpha compare only if all are measured against equal weights.
        template = replace(template, benchmark=None, benchmark_name="")
    return template, path.fingerprint

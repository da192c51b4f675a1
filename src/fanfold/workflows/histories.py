"""A strategy on price histories that never were: here or on a cluster, committed as they come."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError
from fanfold.execution.costs import Costs
from fanfold.measures.series import Floats
from fanfold.research.chunks import probe
from fanfold.research.retuned import Retune
from fanfold.research.scenarios import holding_returns
from fanfold.research.simulated import PATHS_MAX, Simulation, run_simulated, simulation_of
from fanfold.research.simulated_runs import SimulatedRuns, simulated_runs
from fanfold.research.space import space_of
from fanfold.research.table import SweepTable
from fanfold.risk.limits import Limits
from fanfold.settings import MonteCarloSettings
from fanfold.simulation.bars import BarSource, ModelBars
from fanfold.simulation.model import PathModel
from fanfold.simulation.models import MODELS, BarsName, fit_model
from fanfold.simulation.whole_bars import WholeBars
from fanfold.strategies.sizing import Sizing
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.folders import opened_rows
from fanfold.workflows.progress import progress
from fanfold.workflows.strategies import search_space

CHUNK_HISTORIES_MAX = 500
"""Histories of one chunk: bounds what is lost when a job is stopped."""

SHOWN_SECONDS_MIN = 2.0
"""Work for which progress is shown [s]."""

IDENTITY_FILE = "histories.json"
"""Which simulation the rows of a folder belong to."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histories:
    """Runs on simulated prices, and where these came from.

    Attributes:
        prices: How they were made, for people.
        runs: One row a history, and the real one.
        workers: Processors of a cluster that ran them; 0 is this process.
    """

    prices: str
    runs: SimulatedRuns
    workers: int


def monte_carlo(
    strategy: Strategy,
    bars: Bars,
    *,
    histories: int = 500,
    prices: str | PathModel | BarSource = "blocks",
    retune: Retune | int | None = None,
    seed: int = 0,
    cash: float | Decimal = 100_000,
    costs: Costs | None = None,
    limits: Limits | None = None,
    sizing: Sizing | None = None,
    venue: str = "alpaca",
    options: FillOptions | None = None,
    leverage: float = 1.0,
    risk_free: float = 0.0,
    workers: int | None = None,
    address: str | None = None,
    folder: Path | str | None = None,
    progress: bool = False,
) -> SimulatedRuns:
    """Run a strategy on price histories that never were, and see where the real one stands.

    Args:
        strategy: What is run; one that learns is refused.
        bars: The real ones, which the histories are made of.
        histories: How many.
        prices: "blocks" of whole bars, a path model or the name of one to fit, or what
            makes bars itself, such as `WholeBars` or `ModelBars`.
        retune: Combinations that are searched on each history, and on the real bars; without,
            figures are labelled "selection ignored".
        seed: Equal seeds give equal results, on any number of workers.
        cash: Starting cash [currency].
        costs: Of trading; none by default.
        limits: What the account may do.
        sizing: From targets to units.
        venue: Whose rules orders follow.
        options: How fills are modelled.
        leverage: Largest gross exposure [1 of equity].
        risk_free: Rate for ratios [1 per year].
        workers: 0 runs in this process, None chooses.
        address: A running cluster.
        folder: Where rows are kept as they come; a run that was stopped goes on there.
        progress: Whether progress is shown.

    Raises:
        ConfigError: An argument is not what it must be.
        DataError: The bars are not what histories can be made of.
    """
    terms = terms_of(
        cash=cash, costs=costs, limits=limits, sizing=sizing, venue=venue, options=options,
        leverage=leverage, risk_free=risk_free,
    )  # fmt: skip
    if isinstance(prices, PathModel):
        source: BarSource = ModelBars(model=prices, template=bars)
    elif isinstance(prices, str):
        source = source_of(bars, prices)[0]
    elif hasattr(prices, "template") and hasattr(prices, "each"):
        source = prices
    else:
        raise ConfigError(f"prices must be a name, a path model or what makes bars, was {prices!r}")
    search = Retune(trial_count=retune) if isinstance(retune, int) else retune
    if not isinstance(search, Retune | None):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"retune must be a number of trials or a Retune, was {retune!r}")
    if workers is not None and not (type(workers) is int and workers >= 0):
        raise ConfigError(f"workers must be None or a number from 0 on, was {workers!r}")
    simulation = simulation_of(strategy, source, terms, seed=seed, retune=search)
    with Fleet(workers, address) as fleet:
        return run_histories(
            simulation,
            histories,
            fleet=fleet,
            folder=None if folder is None else Path(folder),
            shown=progress,
        )


def histories_of(
    strategy: Strategy,
    bars: Bars,
    terms: Terms,
    settings: MonteCarloSettings,
    *,
    retune: Retune | None,
    seed: int,
    fleet: Fleet,
    folder: Path,
) -> Histories:
    """Run a strategy on the histories that a configuration asks for.

    Args:
        strategy: What is run.
        bars: The real ones.
        terms: Money, costs, limits and options.
        settings: How many, and how they are made.
        retune: How each is searched; None where it is not.
        seed: Of histories and trials.
        fleet: Where they are run.
        folder: Where rows are kept as they come.

    Raises:
        ConfigError: The strategy cannot be run on other prices.
        DataError: The bars are not what histories can be made of.
    """
    source, title = source_of(bars, settings.prices)
    simulation = simulation_of(strategy, source, terms, seed=seed, retune=retune)
    runs = run_histories(simulation, settings.histories, fleet=fleet, folder=folder, shown=True)
    return Histories(prices=title, runs=runs, workers=fleet.processors)


def run_histories(
    simulation: Simulation, count: int, *, fleet: Fleet, folder: Path | None, shown: bool
) -> SimulatedRuns:
    """Run what has not been run of the first so many histories, and put all together.

    Raises:
        ConfigError: The number of histories is not what it must be.
    """
    if type(count) is not int or not 1 <= count <= PATHS_MAX:
        raise ConfigError(f"histories must be 1 to {PATHS_MAX:,}, was {count!r}")
    table = None if folder is None else opened_rows(folder, IDENTITY_FILE, simulation.identity)
    kept = [] if table is None else list(_rows(table, min(table.resume(), count)))
    done = sum(batch.num_rows for batch in kept)
    left = count - done
    if left > 0:
        pace = probe(lambda some: run_simulated(simulation, (done, done + some)), left)
        seconds = pace.seconds(left)
        fleet.gather(seconds, type(simulation.strategy))
        chunks = fleet.cut(pace, done, count, size_max=CHUNK_HISTORIES_MAX)
        wanted = shown and seconds > SHOWN_SECONDS_MIN
        with progress("histories", count, done=done, shown=wanted) as state:
            for batch in fleet.map(run_simulated, chunks, shared=simulation):
                if table is not None:
                    table.write(done, batch)
                kept.append(batch)
                done += batch.num_rows
                state.advance(batch.num_rows)
    return simulated_runs(simulation, kept)


def source_of(bars: Bars, prices: str) -> tuple[BarSource, str]:
    """What makes histories, and how it is called: whole bars in blocks, or a fitted model.

    Raises:
        ConfigError: There is nothing of that name.
        DataError: The bars are not what it can be fitted to.
    """
    if prices == "blocks":
        return WholeBars.fit(bars), "whole bars in blocks"
    known = get_args(BarsName)
    if prices not in known:
        raise ConfigError(f"prices must be one of {', '.join(known)}, was {prices!r}")
    return ModelBars(model=fit_model(prices, joint_returns(bars)), template=bars), MODELS[prices][0]


def joint_returns(bars: Bars) -> Floats:
    """What all assets earned in the bars that all of them lived through, [bar, asset] [1]."""
    returns = holding_returns(bars)
    return returns[np.isfinite(returns).all(axis=1)]


def retune_of(strategy: Strategy, settings: MonteCarloSettings, objective: str) -> Retune | None:
    """How each history is searched, as settings say; None where it is not.

    Raises:
        ConfigError: A parameter is unknown, its values are not what they must be, or there is
            a space that nothing searches.
    """
    if settings.retune == 0:
        if settings.space:
            raise ConfigError("monte_carlo.space is what `retune` searches, and that was 0")
        return None
    stated, fixed = search_space(settings.space)
    if fixed:
        raise ConfigError(
            f"monte_carlo.space must state ranges, values or bounds, did not for {', '.join(fixed)}"
        )
    held = strategy.model_dump() if stated else {}
    kept = {name: value for name, value in held.items() if name not in stated}
    space = space_of(type(strategy), stated, kept)
    return Retune(trial_count=settings.retune, objective=objective, space=space)


def _rows(table: SweepTable, count: int) -> Iterator[Any]:
    """The rows of the first so many histories; a folder may hold more."""
    left = count
    for part in table.whole_batches():
        for batch in part.slice(0, max(left, 0)).to_batches():
            left -= batch.num_rows
            yield batch

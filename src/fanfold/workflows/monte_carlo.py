"""The job that asks what may come of a strategy, and whether its past was luck."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fanfold.engine.backtest import run_backtest
from fanfold.engine.result import Result
from fanfold.research.sizing_risk import SizingRisk, sizing_risk
from fanfold.settings import Settings
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.histories import histories_of, joint_returns, retune_of
from fanfold.workflows.horizons import Horizon, horizons_of
from fanfold.workflows.inputs import checked_bars, checked_objective, terms_for
from fanfold.workflows.job import Finished
from fanfold.workflows.risk import (
    RiskFound,
    asked,
    forecasts_of,
    session_returns,
    stress_of,
    trip_tests,
    windows_of,
)
from fanfold.workflows.risk_job import count, finished
from fanfold.workflows.strategies import find_strategy, made

SIZING_PATHS_MAX = 100_000
"""Paths that each size is followed on: there are a dozen of them."""


def monte_carlo_job(settings: Settings, folder: Path) -> Finished:
    """Run a strategy once for real, then on all that could have been and may come.

    Raises:
        FanfoldError: The input is at fault, or the decision failed. What fails of the parts
            is said, and costs the others nothing.
    """
    bars, terms = checked_bars(settings), terms_for(settings)
    objective = checked_objective(settings)
    (named,) = settings.all_strategies
    strategy = made(find_strategy(named.name), named.params)
    # What is stated wrongly is said before the work, not after it.
    retune = retune_of(strategy, settings.monte_carlo, objective)
    windows_of(bars, settings.stress)
    result = run_backtest(strategy, bars, terms)
    problems: list[str] = []
    with Fleet(settings.run.workers, settings.run.address) as fleet:
        found = _ahead(result, settings, fleet)
        if settings.monte_carlo.histories > 0:
            histories = partial(
                histories_of, strategy, bars, terms, settings.monte_carlo,
                retune=retune, seed=settings.run.seed, fleet=fleet,
                folder=folder / "histories",
            )  # fmt: skip
            made_up = asked(histories, None, problems, "simulated prices")
            found = replace(found, histories=made_up)
    count(result, settings, problems)
    return finished(settings, _looked_at(found, settings, problems), folder, problems)


def _ahead(result: Result, settings: Settings, fleet: Fleet) -> RiskFound:
    """What may come, of the strategy or of holding its assets."""
    own, bars = settings.monte_carlo, result.bars
    of_strategy = own.of == "strategy"
    returns = session_returns(result) if of_strategy else joint_returns(bars)
    horizons, refused = horizons_of(
        returns,
        own,
        seed=settings.run.seed,
        fleet=fleet,
        strategy=type(result.strategy),
        shown=True,
    )
    what = f"{len(returns):,} returns of "
    what += type(result.strategy).__name__ if of_strategy else f"{', '.join(bars.symbols)}, held"
    return RiskFound(
        result=result,
        horizons=tuple(horizons),
        refused=refused,
        fitted_to=what,
        of_sessions=of_strategy or bool(bars.closes_session.all()),
    )


def _looked_at(found: RiskFound, settings: Settings, problems: list[str]) -> RiskFound:
    """The run itself looked at: its size, its sessions, its trips, its crises."""
    result, seed = found.result, settings.run.seed
    parts: dict[str, tuple[Callable[[], Any], Any]] = {
        "forecasts": (lambda: forecasts_of(session_returns(result), settings.value_at_risk), ()),
        "trips": (lambda: trip_tests(result, seed=seed), ()),
        "stress": (lambda: stress_of(result, settings.stress), ()),
    }
    if found.horizons:
        parts["sizing"] = (lambda: _sizing(found.horizons[0], settings), None)
    answers = {name: asked(ask, nothing, problems, name) for name, (ask, nothing) in parts.items()}
    return replace(found, **answers)


def _sizing(horizon: Horizon, settings: Settings) -> SizingRisk:
    own = settings.monte_carlo
    return sizing_risk(
        horizon.model,
        bar_count=own.bars,
        path_count=min(own.paths, SIZING_PATHS_MAX),
        seed=settings.run.seed,
        fractions=own.fractions,
        levels=own.levels,
        ruin=own.ruin,
        goal=own.goal,
    )

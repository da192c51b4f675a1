"""What a run's returns, trips and holdings tell of its risk: the parts that two jobs share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.engine.result import Result
from fanfold.errors import FanfoldError
from fanfold.measures.rolling_risk import VarBacktest, backtest_value_at_risk
from fanfold.measures.series import Floats
from fanfold.research.round_trips import (
    TripTest,
    block_test,
    noise_test,
    shuffle_test,
    trip_returns,
)
from fanfold.research.scenarios import HistoricalWindow, windows_in, worst_windows
from fanfold.research.shocked_bars import ending_weights
from fanfold.research.sizing_risk import SizingRisk
from fanfold.research.stress import StressTable, stress_positions, stress_strategy, units_of
from fanfold.settings import MonteCarloSettings, StressSettings, ValueAtRiskSettings
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.histories import Histories
from fanfold.workflows.horizons import Horizon, horizons_of

USUAL_PATHS = MonteCarloSettings(models=["bootstrap", "gbm"], paths=20_000, histories=0)
"""Path models of a tear sheet: what the past repeats, and the plainest beside it."""

USUAL_FORECASTS = ValueAtRiskSettings(levels=[0.95], methods=["historical", "filtered_historical"])
"""Forecasts of a tear sheet."""

TRIP_NOISE_BPS = 20.0
"""Noise that round trips are tried with: two fills, each ten off [bps of equity]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """One method's forecasts of the loss of one session, at one level, and how they held.

    Attributes:
        method: As `rolling_value_at_risk` names it.
        level: Share of sessions that are covered [1].
        backtest: Forecasts, exceptions and tests.
    """

    method: str
    level: float
    backtest: VarBacktest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskFound:
    """All that was found about a run's risk; what was not asked for is missing.

    Attributes:
        result: The run.
        horizons: What each path model says may come.
        refused: Why the other models could not be fitted, by name.
        fitted_to: What the models were fitted to, in words.
        of_sessions: Whether a bar of their paths is a session.
        notes: What a reader must know.
        histories: The strategy on simulated prices.
        sizing: What the size of the stake would make of it.
        forecasts: Of the loss of one session, tested.
        trips: Tests of round trips.
        stress: The run, then its positions, in crises and under shocks.
    """

    result: Result
    horizons: tuple[Horizon, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    fitted_to: str = ""
    of_sessions: bool = True
    notes: tuple[str, ...] = ()
    histories: Histories | None = None
    sizing: SizingRisk | None = None
    forecasts: tuple[Forecasts, ...] = ()
    trips: tuple[TripTest, ...] = ()
    stress: tuple[StressTable, ...] = ()

    @property
    def name(self) -> str:
        """Of the strategy."""
        return type(self.result.strategy).__name__


def session_returns(result: Result) -> Floats:
    """Returns of a run's sessions, `[session]` [1]."""
    return np.asarray(result.returns, np.float64)


def forecasts_of(returns: Floats, settings: ValueAtRiskSettings) -> tuple[Forecasts, ...]:
    """Every method at every level, one session ahead.

    Raises:
        FanfoldError: There are fewer sessions than the window.
    """
    return tuple(
        Forecasts(
            method=method,
            level=level,
            backtest=backtest_value_at_risk(
                returns, window=settings.window, level=level, method=method
            ),
        )
        for level in settings.levels
        for method in settings.methods
    )


def trip_tests(result: Result, *, seed: int) -> tuple[TripTest, ...]:
    """The round trips in other orders, drawn anew, and a little better or worse.

    Raises:
        FanfoldError: Equity was gone before an entry.
    """
    returns = trip_returns(result)
    return (
        shuffle_test(returns, seed=seed),
        block_test(returns, seed=seed),
        noise_test(returns, seed=seed, noise_bps=TRIP_NOISE_BPS),
    )


def stress_of(result: Result, settings: StressSettings) -> tuple[StressTable, ...]:
    """The run in windows of the past and under shocks, then what it holds at the end.

    Raises:
        FanfoldError: A window or a symbol is not known.
    """
    bars, terms = result.bars, result.terms
    windows = windows_of(bars, settings)
    ran = stress_strategy(
        result.strategy, bars, terms, windows=windows, shocks=settings.shocks, result=result
    )
    held = dict(settings.positions)
    equity = float(result.equity.iloc[-1])
    if not held and equity > 0.0:
        held = units_of(bars, ending_weights(result), equity) if ending_weights(result) else {}
    if not held:
        return (ran,)
    cash = 0.0 if settings.positions else float(result.final_cash)
    return ran, stress_positions(
        bars, held, windows=windows, shocks=settings.shocks, cash=cash, costs=terms.costs
    )


def windows_of(bars: Bars, settings: StressSettings) -> tuple[HistoricalWindow, ...]:
    """The windows that settings name, and the worst ones of the bars.

    Raises:
        ConfigError: A name is not known.
    """
    return windows_in(bars, names=settings.windows) + worst_windows(bars, lengths=settings.worst)


def asked(ask: Callable[[], Any], nothing: Any, problems: list[str], what: str) -> Any:
    """An answer, or nothing and a line that says why: one part must not cost the others."""
    try:
        return ask()
    except FanfoldError as error:
        problems.append(f"{what}: {error}")
        return nothing


def usual_risk(result: Result, *, seed: int) -> RiskFound:
    """What every tear sheet tells of risk: the next year, forecasts, known crises, trips."""
    returns = session_returns(result)
    problems: list[str] = []
    with Fleet(0, None) as here:
        horizons, refused = horizons_of(
            returns, USUAL_PATHS, seed=seed, fleet=here, strategy=type(result.strategy), shown=False
        )
    known = partial(stress_of, result, StressSettings(shocks=[]))
    return RiskFound(
        result=result,
        horizons=tuple(horizons),
        refused=refused,
        fitted_to=f"{len(returns):,} session returns of {type(result.strategy).__name__}",
        forecasts=asked(partial(forecasts_of, returns, USUAL_FORECASTS), (), problems, "forecasts"),
        trips=asked(partial(trip_tests, result, seed=seed), (), problems, "trips"),
        stress=asked(known, (), problems, "stress"),
        notes=tuple(problems),
    )

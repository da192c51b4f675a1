"""The job that sends a strategy, and what it holds, through crises and shocks."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.options import FillOptions
from fanfold.execution.costs import Costs
from fanfold.research.scenarios import windows_in
from fanfold.research.shocks import Shock
from fanfold.research.stress import StressTable, stress_strategy
from fanfold.risk.limits import Limits
from fanfold.settings import Settings
from fanfold.strategies.sizing import Sizing
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.inputs import checked_bars, terms_for
from fanfold.workflows.job import Finished
from fanfold.workflows.risk import RiskFound, stress_of
from fanfold.workflows.risk_job import count, finished
from fanfold.workflows.strategies import find_strategy, made


def stress(
    strategy: Strategy,
    bars: Bars,
    *,
    windows: Iterable[str] | None = None,
    shocks: Iterable[Shock] = (),
    cash: float | Decimal = 100_000,
    costs: Costs | None = None,
    limits: Limits | None = None,
    sizing: Sizing | None = None,
    venue: str = "alpaca",
    options: FillOptions | None = None,
    leverage: float = 1.0,
) -> StressTable:
    """Look at a strategy in crises of the past, and run it again under stated shocks.

    Args:
        strategy: What is run; fitted, if it learns.
        bars: What it runs on.
        windows: Known ones by name, see `fanfold.research.scenarios`; all that the bars hold
            unless stated.
        shocks: Stated ones, such as `Gap(-0.2)`; see `fanfold.research.shocks`.
        cash: Starting cash [currency].
        costs: Of trading; none by default.
        limits: What the account may do.
        sizing: From targets to units.
        venue: Whose rules orders follow.
        options: How fills are modelled.
        leverage: Largest gross exposure [1 of equity].

    Raises:
        FanfoldError: An argument is not what it must be, or the strategy does not run.
    """
    terms = terms_of(
        cash=cash, costs=costs, limits=limits, sizing=sizing, venue=venue, options=options,
        leverage=leverage,
    )  # fmt: skip
    return stress_strategy(
        strategy, bars, terms, windows=windows_in(bars, names=windows), shocks=shocks
    )


def stress_job(settings: Settings, folder: Path) -> Finished:
    """Run a strategy as it is, in windows of the past, and under shocks.

    Raises:
        FanfoldError: The input is at fault, or the decision failed.
    """
    bars, terms = checked_bars(settings), terms_for(settings)
    (named,) = settings.all_strategies
    result = run_backtest(made(find_strategy(named.name), named.params), bars, terms)
    found = RiskFound(result=result, stress=stress_of(result, settings.stress))
    problems: list[str] = []
    count(result, settings, problems)
    return finished(settings, found, folder, problems)

"""Walk-forward: parameters chosen on the past, tested on what came after, again and again."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import run_backtest, run_handed_over, terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.run import check_bars
from fanfold.engine.windows import Window
from fanfold.errors import StrategyError
from fanfold.execution.costs import Costs
from fanfold.research.folds import Fold, Gap, WalkForward
from fanfold.research.plan import Params
from fanfold.research.search import Pruner, Sampler
from fanfold.research.space import space_of
from fanfold.research.spec import StudySpec
from fanfold.research.study import GENERATION_SIZE, Goal, unit_metrics
from fanfold.research.trials import Slot, Unit
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Sizing
from fanfold.strategies.strategy import Strategy, learns
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.studies import Nothing, Place, Studied, fitted_strategy, run_study
from fanfold.workflows.walked import Tested, WalkForwardResult

if TYPE_CHECKING:
    import pandas as pd

MATRIX_FOLDS_MAX = 40
"""Folds up to which every choice is tested on every fold [folds]."""


def walk_forward(
    strategy: type[Strategy],
    bars: Bars,
    *,
    train: int,
    test: int,
    trials: int = 50,
    seed: int = 0,
    anchored: bool = False,
    purge: Gap = 0,
    embargo: Gap = 0,
    objective: str = "sharpe",
    space: Mapping[str, Iterable[Any] | Any] | None = None,
    fixed: Params | None = None,
    constraints: Mapping[str, float] | None = None,
    sampler: Sampler = "tpe",
    pruner: Pruner | None = None,
    score_folds: int = 1,
    generation: int = GENERATION_SIZE,
    carry_positions: bool = False,
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
    storage: str | None = None,
    progress: bool = False,
) -> WalkForwardResult:
    """Choose parameters on a training window, test them on the bars after it, go forward.

    All folds are searched together, each by a study of its own. Test windows follow each
    other without a gap, and each starts flat and closes with costs. Features begin at the
    first of the bars for every fold.

    Args:
        strategy: Class whose parameters are chosen.
        bars: The market.
        train: Bars of a training window; of an anchored one the first fold's.
        test: Bars of a test window.
        trials: Trials of each fold.
        seed: Equal seeds give equal results.
        anchored: Whether training always begins at the first bar.
        purge: Distance from training to testing, in bars or as a timedelta: at least the
            longest holding period, and the horizon of what is learned.
        embargo: Further distance after the purge.
        objective: Metric that chooses.
        space: Other values of some parameters, as in `tune`.
        fixed: Parameters that are not searched.
        constraints: Bounds that a choice must keep, as in `tune`.
        sampler: What proposes trials, as in `tune`.
        pruner: What gives trials up between the stretches of `score_folds`.
        score_folds: Stretches that a training window is cut into.
        generation: Trials that are asked for together.
        carry_positions: Hand positions over from one test window to the next instead of
            closing and opening them at every seam; figures of single folds stay as they
            are without.
        cash: Starting cash [currency].
        costs: Commission and slippage.
        limits: What may not be passed.
        sizing: What a target means.
        venue: Whose rules orders follow.
        options: How orders are sized and filled.
        leverage: Gross exposure over equity that the account may hold [1].
        risk_free: Yearly risk-free return [1].
        workers: Processors: 0 runs in this process, None chooses.
        address: A running cluster.
        folder: Where trials are kept; a stopped job goes on there.
        storage: A database for Optuna's view of the studies, as in `tune`.
        progress: Show progress.

    Raises:
        ConfigError: There are too few bars, or an argument is out of bounds.
    """
    check_bars(bars)
    spec = StudySpec(
        strategy=strategy,
        fixed=fixed or {},
        space=space_of(strategy, space, fixed),
        bars=bars,
        terms=terms_of(
            cash=cash,
            costs=costs,
            limits=limits,
            sizing=sizing,
            venue=venue,
            options=options,
            leverage=leverage,
            risk_free=risk_free,
        ),
        goal=Goal(objectives=(objective,), constraints=tuple((constraints or {}).items())),
        sampler=sampler,
        pruner=pruner,
        trial_count=trials,
        generation_size=generation,
        score_folds=score_folds,
        seed=seed,
    )
    plan = WalkForward(
        train=train,
        test=test,
        anchored=anchored,
        purge=purge,
        embargo=embargo,
        carry_positions=carry_positions,
    )
    with Fleet(workers, address) as fleet:
        place = Place(
            fleet=fleet,
            folder=None if folder is None else Path(folder),
            storage=storage,
            shown=progress,
        )
        return walk_spec(spec, plan, place)


def walk_spec(spec: StudySpec, plan: WalkForward, place: Place) -> WalkForwardResult:
    """Go forward as a spec and a plan ask for."""

    def trains(window: Window) -> list[tuple[Window, ...]]:
        folds = plan.folds(spec.bars, window)
        return [*(fold.train for fold in folds), plan.latest(window)]

    def further(window: Window) -> list[Slot]:
        folds = plan.folds(spec.bars, window)
        if len(folds) > MATRIX_FOLDS_MAX:
            return []
        return [Slot(window=fold.test[0], fit=_fit(spec, fold)) for fold in folds]

    studied = run_study(spec, trains, place, further=further)
    tested = tuple(_tested(studied, plan.folds(spec.bars, studied.window)))
    return WalkForwardResult(
        plan=plan,
        studied=studied,
        tested=tested,
        matrix=_matrix(studied) if studied.slots else None,
        carried=_carried(studied, tested) if plan.carry_positions else None,
    )


def _fit(spec: StudySpec, fold: Fold) -> tuple[Window, ...]:
    return fold.train if learns(spec.strategy) else ()


def _tested(studied: Studied, folds: tuple[Fold, ...]) -> Iterable[Tested]:
    """One account through all test windows: each begins with what the one before left."""
    cash = studied.spec.terms.cash
    for fold in folds:
        one = _test(studied, fold, cash)
        yield one
        if one.run is not None:
            cash = int(one.run.outcome.accounts[0]["cash"])


def _test(studied: Studied, fold: Fold, cash: int) -> Tested:
    spec, inputs = studied.spec, studied.inputs
    slot = Slot(window=fold.test[0], fit=_fit(spec, fold))
    tuned = studied.tuned[fold.number]
    number = tuned.best(spec.goal)
    params = None if number is None else tuned.params[number]
    in_sample = np.nan if number is None else tuned.metrics[number][spec.goal.objectives[0]]
    if cash <= 0:
        return Tested(fold=fold, params=params, in_sample=in_sample, run=None, reason="ruined")
    terms, reason = inputs.terms_of(slot, cash=cash), "no trial had a result"
    if params is not None:
        try:
            strategy = fitted_strategy(spec, params, slot)
            run = run_backtest(strategy, spec.bars, terms)
            return Tested(fold=fold, params=params, in_sample=in_sample, run=run)
        except StrategyError as error:  # this fold's affair: the others go on
            reason = str(error)
    run = run_backtest(Nothing(), spec.bars, terms)
    return Tested(fold=fold, params=params, in_sample=in_sample, run=run, reason=reason)


def _carried(studied: Studied, tested: Sequence[Tested]) -> Result | None:
    """All choices in one account; where a fold chose nothing, the one before goes on."""
    line = [
        (one.fold.test[0].first, one.result.strategy) for one in tested if one.result is not None
    ]
    if not line:
        return None
    window = Window(line[0][0], tested[-1].fold.test[-1].last)
    return run_handed_over(line, studied.spec.bars, studied.inputs.terms_of(Slot(window=window)))


def _matrix(studied: Studied) -> "pd.DataFrame":
    import pandas as pd

    goal, inputs = studied.spec.goal, studied.inputs
    chosen = [(fold, tuned.best(goal)) for fold, tuned in enumerate(studied.tuned[:-1])]
    found = [(fold, number) for fold, number in chosen if number is not None]
    units = [
        Unit(slot, studied.tuned[fold].params[number])
        for slot in studied.slots
        for fold, number in found
    ]
    if not units:
        return pd.DataFrame()
    runs = studied.evaluate(units)
    values = unit_metrics(runs, inputs)[goal.objectives[0]]
    values = values.reshape(len(studied.slots), len(found))
    return pd.DataFrame(values, columns=[fold for fold, _ in found]).rename_axis(index="fold")

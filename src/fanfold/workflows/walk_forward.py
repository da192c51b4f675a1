"""Walk-forward: parameters chosen on the past, tested on what came after, again and again."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.metrics import measured, metrics_of
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.run import check_bars
from fanfold.engine.windows import Window, merged
from fanfold.execution.costs import Costs
from fanfold.measures import max_drawdown, max_drawdown_days
from fanfold.research.folds import Fold, Gap, WalkForward
from fanfold.research.plan import Params
from fanfold.research.search import Pruner, Sampler
from fanfold.research.space import space_of
from fanfold.research.spec import StudySpec
from fanfold.research.study import GENERATION_SIZE, Goal, studies_hash
from fanfold.research.trials import Slot, Unit
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Sizing
from fanfold.strategies.strategy import Strategy, learns
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.studies import Place, Studied, run_study
from fanfold.workflows.tune import trials_frame

if TYPE_CHECKING:
    import pandas as pd

MATRIX_FOLDS_MAX = 40
"""Folds up to which every choice is tested on every fold [folds]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One fold's choice on its test window.

    Attributes:
        fold: The fold.
        params: What was chosen; None if no trial had a result: nothing is held then.
        in_sample: The objective on the training windows; NaN if nothing was chosen.
        result: The run on the test window; None if nothing was chosen, or nothing was left.
    """

    fold: Fold
    params: Params | None
    in_sample: float
    result: Result | None


@dataclass(frozen=True, kw_only=True, eq=False)
class WalkForwardResult:
    """A finished walk-forward.

    Attributes:
        plan: How it went forward.
        studied: The search of every fold; the last one chose for bars to come.
        tested: Each fold's choice on its test window, in time.
        matrix: Objective of each fold's choice (columns) on each fold's test window (rows);
            None where there are too many folds.
    """

    plan: WalkForward
    studied: Studied
    tested: tuple[Tested, ...]
    matrix: "pd.DataFrame | None"

    @property
    def objective(self) -> str:
        """The metric that chose."""
        return self.studied.spec.goal.objectives[0]

    @cached_property
    def equity(self) -> "pd.Series[float]":
        """Out-of-sample equity, one account through all test windows [currency].

        Each window starts flat with what the one before left, and closes with costs.
        """
        import pandas as pd

        pieces = [one.result.equity for one in self.tested if one.result is not None]
        if not pieces:
            return pd.Series(dtype=float, name="equity")
        return pd.concat([pieces[0], *(piece.iloc[1:] for piece in pieces[1:])])

    @cached_property
    def returns(self) -> "pd.Series[float]":
        """Out-of-sample returns from one session's close to the next [1]."""
        import pandas as pd

        pieces = [one.result.returns for one in self.tested if one.result is not None]
        return pd.concat(pieces) if pieces else pd.Series(dtype=float, name="returns")

    @cached_property
    def folds(self) -> "pd.DataFrame":
        """One row a fold: its windows, what was chosen, and how it did in and out of sample."""
        import pandas as pd

        return pd.DataFrame([self._row(one) for one in self.tested])

    @cached_property
    def trials(self) -> "pd.DataFrame":
        """All trials of all folds, a row each."""
        import pandas as pd

        frames = [trials_frame(self.studied.spec, tuned) for tuned in self.studied.tuned]
        for fold, frame in enumerate(frames):
            frame.insert(0, "fold", fold)
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Metrics of the out-of-sample account, with `efficiency`: out over in sample."""
        runs = [one.result for one in self.tested if one.result is not None]
        if not runs:
            return {}
        inputs = self.studied.inputs
        together = merged(
            [measured(run.outcome.accounts, run.bars, run.first) for run in runs],
            [run.terms.cash for run in runs],
        )
        columns = metrics_of(
            together,
            cash=runs[0].terms.cash,
            periods_per_year=inputs.bars.periods_per_year,
            risk_free=inputs.terms.risk_free,
        )
        found = {name: column[0].item() for name, column in columns.items()}
        equity, index = self.equity.to_numpy(), cast("pd.DatetimeIndex", self.equity.index)
        found["max_drawdown"] = float(cast("float", max_drawdown(equity[1:] / equity[:-1] - 1.0)))
        days = max_drawdown_days(equity, index.as_unit("ns").asi8)
        found["max_drawdown_days"] = float(cast("float", days))
        found["calmar"] = found["cagr"] / found["max_drawdown"] if found["max_drawdown"] else np.nan
        found["efficiency"] = self.efficiency
        return found

    @property
    def efficiency(self) -> float:
        """Mean objective out of sample over mean objective in sample [1]."""
        return float(self.folds["out_of_sample"].mean() / self.folds["in_sample"].mean())

    @property
    def next_params(self) -> Params | None:
        """What the latest training window chooses: for the bars after all of these."""
        tuned = self.studied.tuned[-1]
        number = tuned.best(self.studied.spec.goal)
        return None if number is None else {**self.studied.spec.fixed, **tuned.params[number]}

    @cached_property
    def hash(self) -> str:
        """Hash of all trials, choices and results; independent of workers and chunks."""
        digest = hashlib.sha256(studies_hash(self.studied.tuned).encode())
        for one in self.tested:
            came_out = None if one.result is None else sorted(one.result.metrics.items())
            digest.update(repr((one.params, one.in_sample, came_out)).encode())
        return digest.hexdigest()

    def _row(self, one: Tested) -> dict[str, Any]:
        spec, tuned = self.studied.spec, self.studied.tuned[one.fold.number]
        train, test = one.fold.train, one.fold.test
        out = np.nan if one.result is None else one.result.metrics[self.objective]
        chosen = one.params or {}
        return {
            "fold": one.fold.number,
            "train_start": train[0].days(spec.bars)[0],
            "train_end": train[-1].days(spec.bars)[1],
            "test_start": test[0].days(spec.bars)[0],
            "test_end": test[-1].days(spec.bars)[1],
            **{each.name: chosen.get(each.name) for each in spec.space},
            "in_sample": one.in_sample,
            "out_of_sample": out,
            "efficiency": out / one.in_sample if one.in_sample else np.nan,
            "trials": len(tuned.params),
            "kept": sum(tuned.kept),
        }


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
    plan = WalkForward(train=train, test=test, anchored=anchored, purge=purge, embargo=embargo)
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
    folds = plan.folds(spec.bars, studied.window)
    return WalkForwardResult(
        plan=plan,
        studied=studied,
        tested=tuple(_tested(studied, folds)),
        matrix=_matrix(studied) if studied.slots else None,
    )


def _fit(spec: StudySpec, fold: Fold) -> tuple[Window, ...]:
    return fold.train if learns(spec.strategy) else ()


def _tested(studied: Studied, folds: tuple[Fold, ...]) -> Iterable[Tested]:
    """One account through all test windows: each begins with what the one before left."""
    spec, inputs = studied.spec, studied.inputs
    cash = spec.terms.cash
    for fold in folds:
        tuned = studied.tuned[fold.number]
        number = tuned.best(spec.goal)
        if number is None or cash <= 0:
            yield Tested(fold=fold, params=None, in_sample=np.nan, result=None)
            continue
        params = tuned.params[number]
        slot = Slot(window=fold.test[0], fit=_fit(spec, fold))
        strategy = spec.strategy(**spec.fixed, **params).fit(spec.bars, slot.spans)
        result = run_backtest(strategy, spec.bars, inputs.terms_of(slot, cash=cash))
        in_sample = tuned.metrics[number][spec.goal.objectives[0]]
        yield Tested(fold=fold, params=params, in_sample=in_sample, result=result)
        cash = int(result.outcome.accounts[0]["cash"])


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
    values = metrics_of(
        runs.measured,
        cash=inputs.terms.cash,
        periods_per_year=inputs.bars.periods_per_year,
        risk_free=inputs.terms.risk_free,
    )[goal.objectives[0]].reshape(len(studied.slots), len(found))
    return pd.DataFrame(values, columns=[fold for fold, _ in found]).rename_axis(index="fold")

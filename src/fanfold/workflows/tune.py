"""Tuning: the best parameters of a strategy, and every trial that was made to find them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.metrics import METRICS
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.run import check_bars
from fanfold.engine.windows import Window
from fanfold.errors import ConfigError
from fanfold.execution.costs import Costs
from fanfold.research.plan import Params
from fanfold.research.search import Pruner, Sampler, importance_of
from fanfold.research.space import space_of
from fanfold.research.spec import StudySpec
from fanfold.research.study import GENERATION_SIZE, Goal, Tuned, studies_hash
from fanfold.research.trials import Slot
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Sizing
from fanfold.strategies.strategy import Strategy, learns
from fanfold.workflows.evidence import Question, question_of, weighed_alone
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.studies import Place, Studied, run_study

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.research.evidence import Evidence


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """A finished search.

    Attributes:
        studied: The search and what ran it.
    """

    studied: Studied

    @property
    def tuned(self) -> Tuned:
        """The trials as the search keeps them."""
        return self.studied.tuned[0]

    @property
    def best_number(self) -> int | None:
        """Number of the best trial by the first objective; None if no trial has a result."""
        return self.tuned.best(self.studied.spec.goal)

    @property
    def best(self) -> Params:
        """Parameters of the best trial, those that were searched and those that were fixed.

        Raises:
            ConfigError: No trial has a result.
        """
        number = self.best_number
        if number is None:
            raise ConfigError(f"a study must have a trial with a result, had none: {self._why()}")
        return {**self.studied.spec.fixed, **self.tuned.params[number]}

    @property
    def front(self) -> "pd.DataFrame":
        """The trials that no other beats in all objectives; the best one with one objective."""
        return self.trials.iloc[self.tuned.front]

    @cached_property
    def trials(self) -> "pd.DataFrame":
        """One row a trial: number, generation, parameters, metrics, kept, status, reason."""
        return trials_frame(self.studied.spec, self.tuned)

    @cached_property
    def importance(self) -> dict[str, float]:
        """Share of each parameter in how the first objective varies [1]."""
        return importance_of(self.tuned.task.search, self.tuned.past)

    @property
    def hash(self) -> str:
        """Hash of all trials; independent of workers, chunks and interruptions."""
        return studies_hash([self.tuned])

    @cached_property
    def strategy(self) -> Strategy:
        """The best strategy; one that learns is fitted on what its score was not taken from."""
        made = self.studied.spec.strategy(**self.best)
        if not learns(type(made)):
            return made
        return made.fit(self.studied.spec.bars, self._slot.spans)

    @cached_property
    def result(self) -> Result:
        """The best trial once more, in full, on the bars that it was scored on."""
        inputs = self.studied.inputs
        window = Window(inputs.slots[0].window.first, inputs.slots[-1].window.last)
        return run_backtest(self.strategy, inputs.bars, inputs.terms_of(Slot(window=window)))

    def question(self) -> Question | None:
        """What is to be asked of the best trial; None if there is none."""
        slots = self.studied.inputs.slots
        window = Window(slots[0].window.first, slots[-1].window.last)
        return question_of(self.studied, window, fit=slots[0].fit)

    @cached_property
    def evidence(self) -> "Evidence | None":
        """How much of the best trial may be luck, by this study's own trials."""
        return weighed_alone(self.question())

    @property
    def _slot(self) -> Slot:
        return self.studied.inputs.slots[0]

    def _why(self) -> str:
        reasons = [reason for reason in self.tuned.reasons if reason]
        return reasons[0] if reasons else "nothing was traded"


def trials_frame(spec: StudySpec, tuned: Tuned) -> "pd.DataFrame":
    """One row a trial: number, generation, parameters, metrics, kept, status, reason."""
    import pandas as pd

    numbers = range(len(tuned.params))
    columns: dict[str, Any] = {
        "number": list(numbers),
        "generation": [number // spec.generation_size for number in numbers],
    }
    for dimension in spec.space:
        columns[dimension.name] = [params[dimension.name] for params in tuned.params]
    for name in METRICS:
        columns[name] = [metrics[name] for metrics in tuned.metrics]
    columns["kept"] = tuned.kept
    columns["status"] = tuned.statuses
    columns["reason"] = tuned.reasons
    return pd.DataFrame(columns)


def tune(
    strategy: type[Strategy],
    bars: Bars,
    *,
    trials: int = 100,
    seed: int = 0,
    objectives: Sequence[str] = ("sharpe",),
    space: Mapping[str, Iterable[Any] | Any] | None = None,
    fixed: Params | None = None,
    constraints: Mapping[str, float] | None = None,
    sampler: Sampler = "tpe",
    pruner: Pruner | None = None,
    folds: int = 1,
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
) -> Study:
    """Search the best parameters of a strategy with Optuna.

    Trials are asked for by generations of a fixed size and told in their order, so equal
    arguments give equal trials on any number of workers and after any interruption. All are
    scored on the same bars, which begin after the largest warm-up of the space. A
    combination that is infeasible, fails or is given up is a row with its reason.

    The best of many trials is lucky: `Study` is where a search ends, `walk_forward` and
    `cross_validate` are where it is tested.

    Args:
        strategy: Class whose parameters are searched, within their own bounds.
        bars: The market.
        trials: Trials of the study.
        seed: Equal seeds give equal trials.
        objectives: Metrics; drawdown, volatility, turnover and fees are made small, others
            large. Of several, the trials on the Pareto front are kept in `Study.front`.
        space: Other values of some parameters: a range, a list of choices, or (low, high).
        fixed: Parameters that all trials share.
        constraints: Bounds of metrics that a choice must keep: at most for metrics that are
            made small, at least for others.
        sampler: "tpe", "cmaes", "qmc" (Sobol), "random", "nsga2" or "nsga3".
        pruner: "wilcoxon", "median" or "halving" gives trials up between folds.
        folds: Consecutive stretches that a trial is scored on, each from flat to flat.
        generation: Trials that are asked for together; part of what decides the trials.
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
        folder: Where trials are kept; a stopped study goes on there.
        storage: A database for Optuna's view of the study, such as
            "postgresql+psycopg://user@host/name"; by default a journal in the folder.
        progress: Show progress.

    Raises:
        ConfigError: A parameter has no bounds, or an argument is out of bounds.
    """
    check_bars(bars)
    goals = (objectives,) if isinstance(objectives, str) else tuple(objectives)
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
        goal=Goal(objectives=goals, constraints=tuple((constraints or {}).items())),
        sampler=sampler,
        pruner=pruner,
        trial_count=trials,
        generation_size=generation,
        score_folds=folds,
        seed=seed,
    )
    with Fleet(workers, address) as fleet:
        place = Place(
            fleet=fleet,
            folder=None if folder is None else Path(folder),
            storage=storage,
            shown=progress,
        )
        return tune_spec(spec, place)


def tune_spec(spec: StudySpec, place: Place, *, last: int | None = None) -> Study:
    """Search what a spec asks for, on bars before `last`."""
    return Study(studied=run_study(spec, lambda window: [(window,)], place, last=last))

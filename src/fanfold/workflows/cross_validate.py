"""Cross-validation: many ways through the same bars, each tested on bars it was not chosen on."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.run import check_bars
from fanfold.engine.windows import Window
from fanfold.errors import ConfigError, StrategyError
from fanfold.execution.costs import Costs
from fanfold.measures import sharpe_ratio
from fanfold.research.folds import CrossValidation, Fold, Gap
from fanfold.research.plan import Params
from fanfold.research.search import Pruner, Sampler
from fanfold.research.space import space_of
from fanfold.research.spec import StudySpec
from fanfold.research.study import GENERATION_SIZE, Goal, studies_hash
from fanfold.research.trials import Slot
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Sizing
from fanfold.strategies.strategy import Strategy, learns
from fanfold.workflows.evidence import Question, question_of, weighed_alone
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.fold_tables import fold_row, trials_of_folds
from fanfold.workflows.studies import Nothing, Place, Studied, fitted_strategy, run_study

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.research.evidence import Evidence

SPLITS_MAX = 2_000
"""Choices of test groups; each is a study of its own [splits]."""

SCORES = ("in_sample", "out_of_sample")
"""Columns of the objective on what was trained on and on what was tested."""

LOW_QUANTILE = 0.05
"""Share of the paths that did worse than the low figure [1]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CrossValidationResult:
    """A finished cross-validation.

    Attributes:
        plan: How the bars were cut.
        studied: The search of every split.
        splits: Which groups each split tested, and what it trained on.
        choices: What each split chose; None if no trial had a result.
        tests: Runs of each split on each of its test groups; nothing is held where nothing
            was chosen, or where the choice failed.
    """

    plan: CrossValidation
    studied: Studied
    splits: tuple[Fold, ...]
    choices: tuple[int | None, ...]
    tests: Mapping[tuple[int, int], Result]

    @property
    def objective(self) -> str:
        """The metric that chose."""
        return self.studied.spec.goal.objectives[0]

    @cached_property
    def returns(self) -> "pd.DataFrame":
        """Out-of-sample session returns, a column a path [1]."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for number, path in enumerate(self.plan.paths(self.splits)):
            tests = [self.tests[split, group] for group, split in enumerate(path)]
            columns[f"path_{number}"] = pd.concat([one.returns for one in tests])
        return pd.DataFrame(columns)

    @cached_property
    def paths(self) -> "pd.DataFrame":
        """Out-of-sample equity, a column a path: the starting cash, compounded [currency]."""
        return (1.0 + self.returns).cumprod() * (self.studied.spec.terms.cash / MICRO)

    @cached_property
    def sharpes(self) -> NDArray[np.float64]:
        """Yearly Sharpe ratio of each path out of sample; NaN for one without variation."""
        per_year = self.studied.spec.bars.periods_per_year
        values = sharpe_ratio(self.returns.to_numpy(), periods_per_year=per_year)
        return np.atleast_1d(np.asarray(values, np.float64))

    @cached_property
    def folds(self) -> "pd.DataFrame":
        """One row a split: its test groups, what was chosen, and how it did in and out."""
        import pandas as pd

        return pd.DataFrame([self._row(split) for split in self.splits])

    @cached_property
    def trials(self) -> "pd.DataFrame":
        """All trials of all splits, a row each."""
        return trials_of_folds(self.studied)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The distribution of the paths' Sharpe ratios, and how it compares with the search."""
        found = self.sharpes[np.isfinite(self.sharpes)]
        if not len(found):
            return {"path_count": float(len(self.sharpes))}
        last: NDArray[np.float64] = self.paths.to_numpy(np.float64)[-1]
        growth = last / (self.studied.spec.terms.cash / MICRO)
        inside, outside = (np.asarray(self.folds[name], np.float64) for name in SCORES)
        return {
            "sharpe": float(np.mean(found)),
            "sharpe_median": float(np.median(found)),
            "sharpe_deviation": float(np.std(found, ddof=1)) if len(found) > 1 else np.nan,
            "sharpe_low": float(np.quantile(found, LOW_QUANTILE)),
            "sharpe_high": float(np.quantile(found, 1.0 - LOW_QUANTILE)),
            "loss_share": float(np.mean(growth < 1.0)),
            "total_return": float(np.mean(growth - 1.0)),
            "path_count": float(len(self.sharpes)),
            "split_count": float(len(self.splits)),
            "efficiency": float(np.nanmean(outside) / np.nanmean(inside)),
        }

    def question(self) -> Question | None:
        """What is to be asked of the middle path; None if nothing was chosen."""
        order = np.argsort(self.sharpes, kind="stable")
        middle = int(order[(len(order) - 1) // 2])
        returns = np.asarray(self.returns.iloc[:, middle], np.float64)
        fit = self.studied.inputs.slots[0].fit
        return question_of(self.studied, self.studied.window, fit=fit, returns=returns)

    @cached_property
    def evidence(self) -> "Evidence | None":
        """How much of the middle path may be luck, by the splits' own trials."""
        return weighed_alone(self.question())

    @cached_property
    def hash(self) -> str:
        """Hash of all trials, choices and paths; independent of workers and chunks."""
        digest = hashlib.sha256(studies_hash(self.studied.tuned).encode())
        digest.update(repr(self.choices).encode())
        digest.update(np.ascontiguousarray(self.returns.to_numpy()).tobytes())
        return digest.hexdigest()

    def _row(self, split: Fold) -> dict[str, Any]:
        tuned, number = self.studied.tuned[split.number], self.choices[split.number]
        params = None if number is None else tuned.params[number]
        inside = np.nan if number is None else tuned.metrics[number][self.objective]
        results = [self.tests[split.number, group] for group in split.groups]
        found = [one.metrics[self.objective] for one in results]
        known = [value for value in found if np.isfinite(value)]
        out = float(np.mean(known)) if known else np.nan
        row = fold_row(self.studied, split, params, inside, out)
        return {**row, "groups": " ".join(map(str, split.groups))}


def cross_validate(
    strategy: type[Strategy],
    bars: Bars,
    *,
    groups: int = 10,
    test_groups: int = 2,
    purge: Gap = 0,
    embargo: Gap = 0,
    trials: int = 50,
    seed: int = 0,
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
) -> CrossValidationResult:
    """Test a strategy on every choice of groups of bars, tuned on the others.

    With one test group it is purged k-fold, with more combinatorial purged cross-validation:
    then each bar is tested by several splits, and these make many out-of-sample paths, so a
    distribution of Sharpe ratios takes the place of one number. Each test group starts flat
    and closes with costs, since paths join groups of different splits.

    Args:
        strategy: Class whose parameters are chosen.
        bars: The market.
        groups: Groups of consecutive bars.
        test_groups: Groups of one test.
        purge: Distance from training to testing on both sides, in bars or as a timedelta.
        embargo: Further distance from a test to the training after it.
        trials: Trials of each split.
        seed: Equal seeds give equal results.
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
    plan = CrossValidation(groups=groups, test_groups=test_groups, purge=purge, embargo=embargo)
    with Fleet(workers, address) as fleet:
        place = Place(
            fleet=fleet,
            folder=None if folder is None else Path(folder),
            storage=storage,
            shown=progress,
        )
        return validate_spec(spec, plan, place)


def validate_spec(spec: StudySpec, plan: CrossValidation, place: Place) -> CrossValidationResult:
    """Cross-validate as a spec and a plan ask for."""

    def trains(window: Window) -> list[tuple[Window, ...]]:
        return [split.train for split in plan.folds(spec.bars, window)]

    if plan.split_count > SPLITS_MAX:
        raise ConfigError(
            f"{plan.test_groups} of {plan.groups} groups must make {SPLITS_MAX:,} splits or "
            f"fewer, made {plan.split_count:,}"
        )
    studied = run_study(spec, trains, place)
    splits = plan.folds(spec.bars, studied.window)
    choices = tuple(tuned.best(spec.goal) for tuned in studied.tuned)
    tests: dict[tuple[int, int], Result] = {}
    known: dict[str, Result] = {}
    for split, number in zip(splits, choices, strict=True):
        for group, window in zip(split.groups, split.test, strict=True):
            tests[split.number, group] = _test(studied, split, number, window, known)
    return CrossValidationResult(
        plan=plan, studied=studied, splits=splits, choices=choices, tests=tests
    )


def _test(
    studied: Studied, split: Fold, number: int | None, window: Window, known: dict[str, Result]
) -> Result:
    """A split's choice on one test group; equal choices are run once.

    Nothing is held where there is no choice, or where it fails.
    """
    spec = studied.spec
    terms = studied.inputs.terms_of(Slot(window=window))
    if number is None:
        return run_backtest(Nothing(), spec.bars, terms)
    params = studied.tuned[split.number].params[number]
    slot = Slot(window=window, fit=split.train if learns(spec.strategy) else ())
    key = repr((params, slot))
    if key not in known:
        try:
            known[key] = run_backtest(fitted_strategy(spec, params, slot), spec.bars, terms)
        except StrategyError:
            known[key] = run_backtest(Nothing(), spec.bars, terms)
    return known[key]

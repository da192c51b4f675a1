"""One strategy's part of a research job: run, weighed, and ready to be told."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError, FanfoldError
from fanfold.research.folds import CrossValidation, WalkForward
from fanfold.research.made import INFEASIBLE
from fanfold.research.space import space_of
from fanfold.research.spec import StudySpec
from fanfold.research.study import Goal
from fanfold.research.table import arrow, parquet
from fanfold.settings import Settings, StrategySettings
from fanfold.workflows.counting import SCORES, Tried, count_all, enter
from fanfold.workflows.cross_validate import CrossValidationResult, validate_spec
from fanfold.workflows.evidence import evidence_metrics, weigh
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.strategies import find_strategy, search_space
from fanfold.workflows.studies import Place, Studied
from fanfold.workflows.tune import Study, tune_spec
from fanfold.workflows.walk_forward import walk_spec
from fanfold.workflows.walked import WalkForwardResult

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.research.evidence import Evidence

Outcome = Study | WalkForwardResult | CrossValidationResult

KINDS = {
    "tune": ("tune",),
    "walk_forward": ("walk_forward",),
    "cross_validate": ("cross_validate",),
    "study": ("tune", "walk_forward", "cross_validate"),
}
"""What each job does with a strategy, in order."""

TITLES = {
    "tune": "tuning",
    "walk_forward": "walk-forward",
    "cross_validate": "cross-validation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One strategy, one way of researching it.

    Attributes:
        asked: The strategy as the configuration names it.
        kind: `tune`, `walk_forward` or `cross_validate`.
        outcome: What came of it.
        table_file: All trials as one Parquet file.
        problem: What went wrong beside the result, or "".
        evidence: What speaks for it and against it; None if nothing could be chosen, or
            before it was weighed.
    """

    asked: StrategySettings
    kind: str
    outcome: Outcome
    table_file: Path
    problem: str = ""
    evidence: "Evidence | None" = None

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.studied.spec.strategy.__name__}, {TITLES[self.kind]}"

    @property
    def studied(self) -> Studied:
        """The search under it."""
        return self.outcome.studied

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics of the choice: in sample for tuning, else out of sample."""
        if not isinstance(self.outcome, Study):
            return self.outcome.metrics
        number = self.outcome.best_number
        return {} if number is None else dict(self.outcome.tuned.metrics[number])

    @property
    def trials(self) -> "pd.DataFrame":
        """One row a trial."""
        return self.outcome.trials


def part_metrics(part: Part) -> dict[str, float]:
    """Metrics of a part, and what it weighs."""
    found = dict(part.metrics)
    return found if part.evidence is None else found | evidence_metrics(part.evidence)


def spec_of(settings: Settings, asked: StrategySettings, bars: Bars, terms: Terms) -> StudySpec:
    """What a configuration asks a strategy's search to do.

    Raises:
        ConfigError: A parameter is unknown, or has no bounds.
    """
    strategy = find_strategy(asked.name)
    space, fixed = search_space(asked.params)
    search = settings.search
    return StudySpec(
        strategy=strategy,
        fixed=fixed,
        space=space_of(strategy, space, fixed),
        bars=bars,
        terms=terms,
        goal=Goal(
            objectives=tuple(search.objectives or [settings.objective]),
            constraints=tuple(search.constraints.items()),
        ),
        sampler=search.sampler,
        pruner=search.pruner,
        trial_count=search.trials,
        generation_size=search.generation,
        score_folds=search.folds,
        seed=settings.run.seed,
    )


def run_part(  # noqa: PLR0917
    settings: Settings,
    asked: StrategySettings,
    kind: str,
    market: tuple[Bars, Terms],
    fleet: Fleet,
    folder: Path,
) -> Part:
    """Research one strategy in one way, and add what was tried to the ledger."""
    spec = spec_of(settings, asked, *market)
    own = folder / f"{kind}-{spec.strategy.__name__}"
    place = Place(fleet=fleet, folder=own, storage=settings.search.storage, shown=True)
    outcome = _run(settings, kind, spec, place)
    table_file = folder / f"{kind}-{spec.strategy.__name__}.parquet"
    write_table(outcome.trials, table_file)
    problem = ""
    try:
        tried = _tried(outcome.studied)
        if tried is not None:
            enter(tried, job=kind, study=outcome.hash)
    except FanfoldError as error:  # what was found must not be lost with the count
        problem = str(error)
    return Part(asked=asked, kind=kind, outcome=outcome, table_file=table_file, problem=problem)


def weighed(part: Part, fleet: Fleet) -> Part:
    """A part with what speaks for it and against it, by all trials that were ever counted."""
    question = part.outcome.question()
    if question is None:
        return part
    spec, problem = part.studied.spec, part.problem
    try:
        strategy = spec.strategy(**spec.fixed, **question.chosen)
        question = replace(question, counted=count_all(strategy, spec.bars, question.window))
    except FanfoldError as error:
        problem = problem or str(error)
    return replace(part, evidence=weigh(question, fleet), problem=problem)


def run_walk(
    settings: Settings,
    asked: StrategySettings,
    market: tuple[Bars, Terms],
    fleet: Fleet,
    folder: Path,
) -> WalkForwardResult:
    """One strategy's walk-forward alone; what its folder holds is not run again."""
    spec = spec_of(settings, asked, *market)
    own = folder / f"walk_forward-{spec.strategy.__name__}"
    place = Place(fleet=fleet, folder=own, storage=settings.search.storage)
    return cast("WalkForwardResult", _run(settings, "walk_forward", spec, place))


def _run(settings: Settings, kind: str, spec: StudySpec, place: Place) -> Outcome:
    if kind == "tune":
        return tune_spec(spec, place)
    one_objective = replace(spec, goal=replace(spec.goal, objectives=spec.goal.objectives[:1]))
    if kind == "walk_forward":
        walk = settings.walk_forward
        plan = WalkForward(
            train=walk.train,
            test=walk.test,
            anchored=walk.anchored,
            purge=walk.purge,
            embargo=walk.embargo,
            carry_positions=walk.carry_positions,
        )
        return walk_spec(one_objective, plan, place)
    cross = settings.cross_validation
    cut = CrossValidation(
        groups=cross.groups,
        test_groups=cross.test_groups,
        purge=cross.purge,
        embargo=cross.embargo,
    )
    return validate_spec(one_objective, cut, place)


def _tried(studied: Studied) -> Tried | None:
    """All trials of all folds, as the ledger takes them; None if none could be run."""
    fixed = studied.spec.fixed
    ran = [
        params
        for tuned in studied.tuned
        for params, status in zip(tuned.params, tuned.statuses, strict=True)
        if status != INFEASIBLE
    ]
    if not ran:
        return None
    metrics = [one for tuned in studied.tuned for one in tuned.metrics]
    return Tried(
        strategy=studied.spec.strategy(**fixed, **ran[0]),
        bars=studied.spec.bars,
        terms=studied.spec.terms,
        window=studied.window,
        params=[{**fixed, **one} for tuned in studied.tuned for one in tuned.params],
        scores={name: _scores(name, (one[name] for one in metrics)) for name in SCORES},
        statuses=[status for tuned in studied.tuned for status in tuned.statuses],
    )


def _scores(name: str, values: Iterable[float]) -> list[Any]:
    if name == "return_count":
        return [0 if np.isnan(value) else int(value) for value in values]
    return list(values)


def write_table(frame: "pd.DataFrame", file: Path) -> None:
    """A table of trials as Parquet; whole or not there."""
    if frame.empty:
        raise ConfigError("a study must have trials, had none")
    unfinished = file.with_name(f".{file.name}.part")
    parquet().write_table(arrow().Table.from_pandas(frame, preserve_index=False), unfinished)
    unfinished.replace(file)

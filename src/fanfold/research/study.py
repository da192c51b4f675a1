"""Studies: parameters proposed, run and told, generation by generation.

Several studies, one a fold, go side by side: the units of all of them are run together.
What runs them is handed in, so nothing here knows where that is.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.engine.metrics import METRICS, SMALLER_IS_BETTER, metrics_of
from fanfold.errors import ConfigError
from fanfold.research.made import FAILED, INFEASIBLE
from fanfold.research.plan import Params
from fanfold.research.search import NOTHING, Batch, Direction, Past, Search, Store, front_of
from fanfold.research.trials import Runs, TrialInputs, Unit, put_together

TRIALS_MAX = 1_000_000
"""Trials of one study."""

OBJECTIVES_MAX = 6
"""Objectives of one study; of more, nearly every trial is on the front."""

GENERATION_SIZE = 16
"""Trials that are asked for together, where nothing else is said."""

PRUNED = "pruned"

Evaluate = Callable[[Sequence[Unit]], Runs]
"""Runs units, here or on a cluster; results in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What makes one trial better than another.

    Attributes:
        objectives: Metrics, the first of which chooses where only one trial can be taken.
        constraints: Bounds of metrics that a choice must keep: at most for metrics that
            are better small, at least for others.
    """

    objectives: tuple[str, ...] = ("sharpe",)
    constraints: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no run measures."""
        if not 1 <= len(self.objectives) <= OBJECTIVES_MAX:
            raise ConfigError(
                f"objectives must be 1 to {OBJECTIVES_MAX}, were {len(self.objectives)}"
            )
        for name in (*self.objectives, *(name for name, _ in self.constraints)):
            if name not in METRICS:
                raise ConfigError(f"objective must be one of {', '.join(METRICS)}, was {name!r}")
        for name, bound in self.constraints:
            if isinstance(bound, str) or not np.isfinite(bound):
                raise ConfigError(f"constraint of {name} must be a number, was {bound!r}")

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Whether each objective is made large or small."""
        return tuple(direction_of(name) for name in self.objectives)

    def broken(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """How far each constraint is from being kept: above 0 where it is not."""
        distances = {
            name: (metrics[name] - bound) * (1.0 if name in SMALLER_IS_BETTER else -1.0)
            for name, bound in self.constraints
        }
        return {name: np.inf if np.isnan(value) else value for name, value in distances.items()}


def direction_of(metric: str) -> Direction:
    """Whether a search makes a metric large or small."""
    return "minimize" if metric in SMALLER_IS_BETTER else "maximize"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One study of several that go side by side.

    Attributes:
        name: What its storage calls it.
        search: How it proposes.
        steps: Slots of each step of a trial; between steps the pruner may end it.
    """

    name: str
    search: Search
    steps: tuple[tuple[int, ...], ...]


@dataclass(slots=True, kw_only=True)
class Tuned:
    """A study as far as it has come.

    Attributes:
        task: What it is.
        past: What its sampler knows.
        params: Parameters of each trial, in trial order.
        metrics: Metrics of each trial over all slots that it was run on.
        statuses: `ok`, `ruined`, `failed`, `infeasible` or `pruned`.
        reasons: Why a trial has no result, or "".
        kept: Whether it keeps all constraints.
        blocks: Power sums of its blocks, of trials that were run on all slots.
    """

    task: Task
    past: Past = NOTHING
    params: list[Params] = field(default_factory=list[Params])
    metrics: list[Mapping[str, float]] = field(default_factory=list[Mapping[str, float]])
    statuses: list[str] = field(default_factory=list[str])
    reasons: list[str] = field(default_factory=list[str])
    kept: list[bool] = field(default_factory=list[bool])
    blocks: list[NDArray[np.float64] | None] = field(
        default_factory=list[NDArray[np.float64] | None]
    )

    @property
    def front(self) -> list[int]:
        """Numbers of the best trials; one, or none, with a single objective."""
        return front_of(self.task.search, self.past)

    def best(self, goal: Goal) -> int | None:
        """Number of the best trial by the first objective; of equals the first."""
        sign = -1.0 if goal.directions[0] == "minimize" else 1.0
        front = self.front
        if not front:
            return None
        return max(front, key=lambda k: (sign * self.metrics[k][goal.objectives[0]], -k))

    def rows(self) -> Iterable[str]:
        """All that came out, as text of one form, for hashes."""
        for k, params in enumerate(self.params):
            yield repr((params, sorted(self.metrics[k].items()), self.statuses[k], self.reasons[k]))


def run_studies(
    tasks: Sequence[Task],
    goal: Goal,
    inputs: TrialInputs,
    evaluate: Evaluate,
    *,
    trial_count: int,
    store: Store | None = None,
    told: Callable[[float], None] = lambda _best: None,
) -> list[Tuned]:
    """Run studies side by side to their end.

    Args:
        tasks: The studies; all ask for generations of one size.
        goal: What makes a trial better.
        inputs: What all units share.
        evaluate: Runs units.
        trial_count: Trials of each study.
        store: Where they survive; generations that it holds are not asked for again.
        told: Hears the best value of the first objective after each generation.
    """
    if not 1 <= trial_count <= TRIALS_MAX:
        raise ConfigError(f"trials must be 1 to {TRIALS_MAX:,}, was {trial_count}")
    studies = [Tuned(task=task) for task in tasks]
    known = [NOTHING if store is None else store.read(one.name, one.search) for one in tasks]
    size = tasks[0].search.generation_size
    for start in range(0, trial_count, size):
        count = min(size, trial_count - start)
        turns = [
            _Turn(study, past, start, count) for study, past in zip(studies, known, strict=True)
        ]
        _run_turns(turns, goal, inputs, evaluate)
        for turn in turns:
            turn.end(goal, inputs)
            if store is not None and turn.batch is not None:
                store.write(turn.study.task.name, turn.study.task.search, turn.study.past)
        told(_best_value(studies, goal))
    return studies


def _run_turns(
    turns: Sequence["_Turn"], goal: Goal, inputs: TrialInputs, evaluate: Evaluate
) -> None:
    """The same step of all studies at once, then the next."""
    for step in range(max(len(turn.study.task.steps) for turn in turns)):
        units = [unit for turn in turns for unit in turn.units(step)]
        if not units:
            return
        runs = evaluate(units)
        at = 0
        for turn in turns:
            count = len(turn.units(step))
            turn.take(step, runs.take(range(at, at + count)), goal, inputs)
            at += count


class _Turn:
    """One generation of one study while it is run."""

    def __init__(self, study: Tuned, known: Past, start: int, count: int) -> None:
        self.study = study
        self.start = start
        self.count = count
        self.known = known
        self.batch: Batch | None = None
        if start + count in known.notes and len(known.history) >= start + count:
            trials = known.history[start : start + count]
            self.params: list[Params] = [dict(trial.params) for trial in trials]
            self.steps_left = [self._steps_of(trial) for trial in trials]
        else:
            self.batch = Batch(study.task.search, study.past, count)
            self.params = self.batch.params
            self.steps_left = [len(study.task.steps)] * count
        self.runs: dict[int, tuple[list[int], Runs]] = {}

    def _steps_of(self, trial: Any) -> int:
        steps = len(self.study.task.steps)
        given_up = trial.state.name == "PRUNED"
        return max(trial.intermediate_values, default=-1) + 1 if given_up else steps

    def alive(self, step: int) -> list[int]:
        """Trials that are run on a step."""
        return [k for k in range(self.count) if step < self.steps_left[k]]

    def units(self, step: int) -> list[Unit]:
        """What a step has to run: each slot of it, for all trials that are still there."""
        steps = self.study.task.steps
        if step >= len(steps):
            return []
        return [Unit(slot, self.params[k]) for slot in steps[step] for k in self.alive(step)]

    def take(self, step: int, runs: Runs, goal: Goal, inputs: TrialInputs) -> None:
        """What came of a step; the pruner looks at it."""
        alive = self.alive(step)
        if not alive:
            return
        for place, slot in enumerate(self.study.task.steps[step]):
            own = range(place * len(alive), (place + 1) * len(alive))
            self.runs[slot] = alive, runs.take(own)
        if self.batch is None or self.study.task.search.pruner is None:
            return
        # Stretches are compared one by one, or by how a trial has done over all so far.
        alone = self.study.task.search.pruner == "wilcoxon"
        steps = self.study.task.steps[step if alone else 0 : step + 1]
        together = self._together(alive, [slot for one in steps for slot in one], inputs)
        values = unit_metrics(together, inputs)[goal.objectives[0]]
        for place, k in enumerate(alive):
            if np.isfinite(values[place]):
                self.batch.report(k, step, float(values[place]))
        last = step + 1 == len(self.study.task.steps)
        for place, k in enumerate(alive):
            lost = together.statuses[place] in (FAILED, INFEASIBLE)
            if lost or (not last and self.batch.should_prune(k)):
                self.steps_left[k] = step + 1

    def _together(self, trials: Sequence[int], slots: Sequence[int], inputs: TrialInputs) -> Runs:
        """Trials that were run on all these slots, as one run each."""
        parts: list[Runs] = []
        for slot in slots:
            there, runs = self.runs[slot]
            places = {k: place for place, k in enumerate(there)}
            parts.append(runs.take([places[k] for k in trials]))
        return put_together(parts, inputs.terms.cash)

    def end(self, goal: Goal, inputs: TrialInputs) -> None:
        """Tell how each trial ended, in trial order."""
        steps = self.study.task.steps
        ended: dict[int, tuple[Mapping[str, float], str, str, NDArray[np.float64]]] = {}
        for count in sorted(set(self.steps_left)):
            trials = [k for k in range(self.count) if self.steps_left[k] == count]
            slots = [slot for step in steps[:count] for slot in step]
            runs = self._together(trials, slots, inputs)
            metrics = unit_metrics(runs, inputs)
            for place, k in enumerate(trials):
                own = {name: column[place].item() for name, column in metrics.items()}
                ended[k] = own, runs.statuses[place], runs.reasons[place], runs.blocks[place]
        for k in range(self.count):
            self._tell(k, goal, *ended[k])
        if self.batch is not None:
            self.study.past = self.batch.past()
        else:
            self.study.past = self.known.upto(self.start + self.count)

    def _tell(  # noqa: PLR0917
        self,
        k: int,
        goal: Goal,
        metrics: Mapping[str, float],
        status: str,
        reason: str,
        blocks: NDArray[np.float64],
    ) -> None:
        study, steps = self.study, len(self.study.task.steps)
        pruned = self.steps_left[k] < steps and status not in (FAILED, INFEASIBLE)
        if pruned:
            status, reason = PRUNED, f"given up after step {self.steps_left[k]} of {steps}"
        values = [metrics[name] for name in goal.objectives]
        valid = status == "ok" and bool(np.isfinite(values).all())
        broken = goal.broken(metrics) if valid else {}
        study.params.append(self.params[k])
        study.metrics.append(metrics)
        study.statuses.append(status)
        study.reasons.append(reason)
        study.kept.append(valid and all(value <= 0.0 for value in broken.values()))
        study.blocks.append(None if pruned else blocks)
        if self.batch is not None:
            self.batch.tell(k, values if valid else None, pruned=pruned, constraints=broken)


def unit_metrics(runs: Runs, inputs: TrialInputs) -> dict[str, NDArray[Any]]:
    """Metrics of each run; NaN where there was none."""
    found = metrics_of(
        runs.measured,
        cash=inputs.terms.cash,
        periods_per_year=inputs.bars.periods_per_year,
        risk_free=inputs.terms.risk_free,
    )
    lost = np.isin(runs.statuses, (FAILED, INFEASIBLE))
    return {name: np.where(lost, np.nan, column) for name, column in found.items()}


def _best_value(studies: Sequence[Tuned], goal: Goal) -> float:
    """Best value of the first objective among all studies so far."""
    sign = -1.0 if goal.directions[0] == "minimize" else 1.0
    name = goal.objectives[0]
    values = [
        sign * metrics[name]
        for study in studies
        for metrics, kept in zip(study.metrics, study.kept, strict=True)
        if kept
    ]
    return sign * max(values, default=np.nan)


def studies_hash(studies: Sequence[Tuned]) -> str:
    """Hash of all trials of studies; independent of workers and chunks."""
    digest = hashlib.sha256()
    for study in studies:
        for row in study.rows():
            digest.update(row.encode())
            digest.update(b"\n")
    return digest.hexdigest()

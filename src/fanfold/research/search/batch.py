"""One generation of trials: asked for, reported, told."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fanfold.research.plan import Params
from fanfold.research.search.past import Past
from fanfold.research.search.quiet import quiet
from fanfold.research.search.samplers import distribution_of, pruner_of, sampler_of
from fanfold.research.search.terms import Search

IMPORTANCE_TRIALS_MIN = 8
"""Trials that say something of parameters."""


class Batch:
    """One generation: trials that were asked for and wait to be told.

    Attributes:
        params: Parameters of each trial, in trial order.
    """

    def __init__(self, search: Search, past: "Past", size: int) -> None:
        """Ask for the next trials."""
        self._study = study_of(search, past)
        distributions = {one.name: distribution_of(one) for one in search.space}
        with quiet():
            self._trials = [self._study.ask(distributions) for _ in range(size)]
        self.params: list[Params] = [dict(trial.params) for trial in self._trials]

    def report(self, place: int, step: int, value: float) -> None:
        """An intermediate result of one trial."""
        self._trials[place].report(value, step)

    def should_prune(self, place: int) -> bool:
        """Whether the pruner gives one trial up, by what has been reported."""
        with quiet():
            return bool(self._trials[place].should_prune())

    def tell(
        self,
        place: int,
        values: Sequence[float] | None,
        *,
        pruned: bool = False,
        constraints: Mapping[str, float] | None = None,
    ) -> None:
        """How one trial ended: its objectives, pruned, or without a result.

        Args:
            place: Its place in the generation.
            values: Its objectives; None for a trial that failed or was pruned.
            pruned: Whether it was given up.
            constraints: By name, above 0 where one is not kept.
        """
        from optuna.trial import TrialState

        trial = self._trials[place]
        with quiet():
            for name, value in (constraints or {}).items():
                trial.set_constraint(name, value)
            if values is not None:
                self._study.tell(trial, list(values))
            else:
                self._study.tell(trial, state=TrialState.PRUNED if pruned else TrialState.FAIL)

    def past(self) -> "Past":
        """What the next generation may know."""
        study = self._study
        attributes = study._storage.get_study_system_attrs(study._study_id)  # noqa: SLF001
        history = study.get_trials(deepcopy=False)
        return Past(history=history, attributes=dict(attributes), study=study)


def front_of(search: Search, past: Past) -> list[int]:
    """Numbers of the trials that no other one beats in all objectives, constraints kept.

    With one objective it is the best trial; of equals the first.
    """
    from optuna.trial import TrialState

    study = study_of(search, past)
    done = [t for t in past.history if t.state is TrialState.COMPLETE and _kept(t)]
    if not done:
        return []
    if search.objective_count > 1:
        return sorted(trial.number for trial in study.best_trials)
    sign = 1.0 if "maximize" in search.directions else -1.0
    return [max(done, key=lambda trial: (sign * trial.value, -trial.number)).number]


def importance_of(search: Search, past: Past) -> dict[str, float]:
    """Share of each parameter in how the first objective varies; empty where it cannot be told."""
    import optuna

    if len(past.history) < IMPORTANCE_TRIALS_MIN:
        return {}
    study = study_of(search, past)
    many = search.objective_count > 1
    ask: Any = optuna.importance.get_param_importances
    try:
        with quiet():
            found = ask(study, target=_first_value if many else None)
    except (ValueError, RuntimeError):  # too few trials, or none of them differ
        return {}
    return {name: float(share) for name, share in found.items() if np.isfinite(share)}


def study_of(search: Search, past: Past) -> Any:
    """Optuna's study as a past left it, with the sampler of the generation to come."""
    import optuna

    with quiet():
        sampler = sampler_of(search, len(past.history) // search.generation_size)
        if past.study is not None and _trial_count(past.study) == len(past.history):
            past.study.sampler = sampler
            return past.study
        storage = optuna.storages.InMemoryStorage()
        study: Any = optuna.create_study(
            study_name="study",  # some pruners hash it
            storage=storage,
            directions=list(search.directions),
            sampler=sampler,
            pruner=pruner_of(search),
        )
        for key, value in past.attributes.items():
            storage.set_study_system_attr(study._study_id, key, value)  # noqa: SLF001
        study.add_trials(past.history)
    return study


def _first_value(trial: Any) -> float:
    return trial.values[0]


def _kept(trial: Any) -> bool:
    return all(value <= 0.0 for value in trial.constraints.values())


def _trial_count(study: Any) -> int:
    return len(study.get_trials(deepcopy=False))

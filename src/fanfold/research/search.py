"""The way to Optuna: what to try next, asked by generations, and where answers are kept.

A generation is a pure function of the search, its history and its number: the sampler is
made anew for each from a seed of its own, and told in trial order. So a study is the same
on any number of workers, and one that was stopped goes on as if it had not been.
"""

import re
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fanfold.errors import ConfigError, JobError
from fanfold.research.plan import Params
from fanfold.research.space import Dimension, Space

Sampler = Literal["tpe", "cmaes", "qmc", "random", "nsga2", "nsga3"]
Pruner = Literal["wilcoxon", "median", "halving"]
Direction = Literal["maximize", "minimize"]

SAMPLERS: tuple[Sampler, ...] = ("tpe", "cmaes", "qmc", "random", "nsga2", "nsga3")
PRUNERS: tuple[Pruner, ...] = ("wilcoxon", "median", "halving")
ADAPTIVE = frozenset({"tpe", "cmaes", "nsga2", "nsga3"})
"""Samplers whose trials gather where results are good."""

SINGLE_OBJECTIVE = frozenset({"cmaes"})
"""Samplers that know one objective only."""

NOTE = "fanfold.noted_after_"
"""How a study's attribute begins that keeps what a sampler noted after so many trials."""

MEDIAN_TRIALS_MIN = 5
"""Trials that have come as far, without which no median is asked for."""

History = list[Any]
"""Finished trials in their order: Optuna's frozen trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How a space is searched.

    Attributes:
        space: The parameters.
        directions: "maximize" or "minimize", one an objective.
        sampler: What proposes trials.
        pruner: What stops trials between folds; None lets all go to their end.
        generation_size: Trials that are asked for together.
        seed: Equal seeds give equal trials.
    """

    space: Space
    directions: tuple[Direction, ...]
    sampler: Sampler
    pruner: Pruner | None
    generation_size: int
    seed: int

    def __post_init__(self) -> None:
        """Refuse what there is not, or what it cannot do."""
        if self.sampler not in SAMPLERS:
            raise ConfigError(f"sampler must be one of {', '.join(SAMPLERS)}, was {self.sampler!r}")
        if self.pruner is not None and self.pruner not in PRUNERS:
            raise ConfigError(f"pruner must be one of {', '.join(PRUNERS)}, was {self.pruner!r}")
        many = self.objective_count > 1
        if many and self.sampler in SINGLE_OBJECTIVE:
            raise ConfigError(f"sampler {self.sampler} takes one objective, was asked for several")
        if many and self.pruner is not None:
            raise ConfigError(f"pruner {self.pruner} takes one objective, was asked for several")

    @property
    def objective_count(self) -> int:
        """How many objectives there are."""
        return len(self.directions)


class Batch:
    """One generation: trials that were asked for and wait to be told.

    Attributes:
        params: Parameters of each trial, in trial order.
    """

    def __init__(self, search: Search, past: "Past", size: int) -> None:
        """Ask for the next trials."""
        self._study = _study(search, past)
        distributions = {one.name: _distribution(one) for one in search.space}
        with _quiet():
            self._trials = [self._study.ask(distributions) for _ in range(size)]
        self.params: list[Params] = [dict(trial.params) for trial in self._trials]

    def report(self, place: int, step: int, value: float) -> None:
        """An intermediate result of one trial."""
        self._trials[place].report(value, step)

    def should_prune(self, place: int) -> bool:
        """Whether the pruner gives one trial up, by what has been reported."""
        with _quiet():
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
        with _quiet():
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """All that a search has done.

    Attributes:
        history: Finished trials, in their order.
        attributes: What a sampler noted beside them.
        study: The study that holds them already, until it is asked for more; None where it
            has to be built, which makes no difference but time.
        notes: What had been noted after so many trials, for each generation that is whole.
    """

    history: History
    attributes: Mapping[str, Any]
    study: Any = None
    notes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict[int, Any])

    def upto(self, count: int) -> "Past":
        """The past as it was after so many trials.

        Raises:
            KeyError: A generation did not end there.
        """
        return Past(history=self.history[:count], attributes=self.notes[count], notes=self.notes)


NOTHING = Past(history=[], attributes={})


def front_of(search: Search, past: Past) -> list[int]:
    """Numbers of the trials that no other one beats in all objectives, constraints kept.

    With one objective it is the best trial; of equals the first.
    """
    from optuna.trial import TrialState

    study = _study(search, past)
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

    study = _study(search, past)
    many = search.objective_count > 1
    ask: Any = optuna.importance.get_param_importances
    try:
        with _quiet():
            found = ask(study, target=_first_value if many else None)
    except (ValueError, RuntimeError):  # too few trials, or none of them differ
        return {}
    return {name: float(share) for name, share in found.items() if np.isfinite(share)}


def _first_value(trial: Any) -> float:
    return trial.values[0]


class Store:
    """Studies that survive: a journal file, or a database by its address.

    One process writes a study; a generation is written when all of it is known.
    """

    def __init__(self, place: Path | str) -> None:
        """Open it; what is missing is made."""
        self.place = place
        with _quiet(), _speaking(place):
            self._storage = _storage(place)

    def read(self, name: str, search: Search) -> Past:
        """What a study has done so far; nothing if it is new."""
        with _quiet(), _speaking(self.place):
            study = self._open(name, search)
            notes = {
                int(key.removeprefix(NOTE)): value
                for key, value in study.user_attrs.items()
                if key.startswith(NOTE)
            }
            last = notes.get(max(notes, default=0), {})
            return Past(history=study.get_trials(), attributes=last, notes=notes)

    def write(self, name: str, search: Search, past: Past) -> None:
        """Add what is not there yet."""
        with _quiet(), _speaking(self.place):
            study = self._open(name, search)
            study.add_trials(past.history[_trial_count(study) :])
            study.set_user_attr(f"{NOTE}{len(past.history)}", dict(past.attributes))

    def _open(self, name: str, search: Search) -> Any:
        import optuna

        return optuna.create_study(
            study_name=name,
            storage=self._storage,
            directions=list(search.directions),
            load_if_exists=True,
        )


def checked_storage(address: str) -> str:
    """A database's address, without a password: settings are stored, secrets are not.

    Raises:
        ConfigError: It carries a password.
    """
    before, at, _ = address.partition("@")
    stated = re.search(r"[?&](password|passwd|pwd)=", address, re.IGNORECASE)
    if stated or (at and ":" in before.partition("://")[2]):
        raise ConfigError(
            "storage must carry no password, did: name it in PGPASSWORD or in a password file"
        )
    return address


def _storage(place: Path | str) -> Any:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if isinstance(place, str):
        return RDBStorage(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(place)))


@contextmanager
def _speaking(place: Path | str) -> Generator[None]:
    try:
        yield
    except (ConfigError, JobError):
        raise
    except Exception as error:
        lines = str(error).split("\n")
        raise JobError(
            f"the study's storage at {place} must work, was stopped by "
            f"{type(error).__name__}: {lines[0]}"
        ) from error


@contextmanager
def _quiet() -> Generator[None]:
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # several samplers are marked experimental
            yield
    finally:
        optuna.logging.set_verbosity(before)


def _kept(trial: Any) -> bool:
    return all(value <= 0.0 for value in trial.constraints.values())


def _study(search: Search, past: Past) -> Any:
    import optuna

    with _quiet():
        sampler = _sampler(search, len(past.history) // search.generation_size)
        if past.study is not None and len(past.study.get_trials(deepcopy=False)) == len(
            past.history
        ):
            past.study.sampler = sampler
            return past.study
        storage = optuna.storages.InMemoryStorage()
        study: Any = optuna.create_study(
            study_name="study",  # some pruners hash it
            storage=storage,
            directions=list(search.directions),
            sampler=sampler,
            pruner=_pruner(search),
        )
        for key, value in past.attributes.items():
            storage.set_study_system_attr(study._study_id, key, value)  # noqa: SLF001
        study.add_trials(past.history)
    return study


def _trial_count(study: Any) -> int:
    return len(study.get_trials(deepcopy=False))


def _sampler(search: Search, generation: int) -> Any:
    """A sampler for one generation; all arguments stated, since defaults move."""
    from optuna import samplers

    size = search.generation_size
    sequence = np.random.SeedSequence([search.seed, generation])
    seed = int(sequence.generate_state(1)[0])
    chance = samplers.RandomSampler(seed=seed)
    if search.sampler == "tpe":
        return samplers.TPESampler(
            n_startup_trials=size,
            n_ei_candidates=24,
            multivariate=True,
            group=False,
            constant_liar=True,
            warn_independent_sampling=False,
            seed=seed,
        )
    if search.sampler == "cmaes":
        return samplers.CmaEsSampler(
            n_startup_trials=size,
            popsize=size,
            independent_sampler=chance,
            warn_independent_sampling=False,
            seed=seed,
        )
    if search.sampler == "qmc":
        # One scrambled sequence for all generations: its place is kept in the study.
        own = int(np.random.SeedSequence(search.seed).generate_state(1)[0])
        sampler: Any = samplers.QMCSampler(
            qmc_type="sobol",
            scramble=True,
            seed=own,
            independent_sampler=chance,
            warn_asynchronous_seeding=False,
            warn_independent_sampling=False,
        )
        # Else the first trials, before one is told, would be drawn at random.
        sampler._initial_search_space = {  # noqa: SLF001
            one.name: _distribution(one) for one in search.space if one.kind != "choice"
        }
        return sampler
    if search.sampler in ("nsga2", "nsga3"):
        made = samplers.NSGAIISampler if search.sampler == "nsga2" else samplers.NSGAIIISampler
        return made(population_size=size, crossover_prob=0.9, swapping_prob=0.5, seed=seed)
    return chance


def _pruner(search: Search) -> Any:
    from optuna import pruners

    if search.pruner == "wilcoxon":
        return pruners.WilcoxonPruner(p_threshold=0.1, n_startup_steps=2)
    if search.pruner == "median":
        return _below_median(search)
    if search.pruner == "halving":
        return pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    return pruners.NopPruner()


def _below_median(search: Search) -> Any:
    """Gives up what is worse than the middle of the others after as many steps.

    Optuna's own compares a trial's best step so far, as of a loss that falls while a model
    is trained; steps here are stretches of bars, of which the latest mean counts.
    """
    from optuna.pruners import BasePruner

    sign = 1.0 if "maximize" in search.directions else -1.0

    class BelowMedian(BasePruner):
        def prune(self, study: Any, trial: Any) -> bool:
            step = trial.last_step
            others = [
                sign * other.intermediate_values[step]
                for other in study.get_trials(deepcopy=False)
                if other.number != trial.number and step in other.intermediate_values
            ]
            if step is None or step == 0 or len(others) < MEDIAN_TRIALS_MIN:
                return False
            return bool(sign * trial.intermediate_values[step] < np.median(others))

    return BelowMedian()


def _distribution(dimension: Dimension) -> Any:
    from optuna import distributions

    if dimension.kind == "choice":
        return distributions.CategoricalDistribution(dimension.choices)
    if dimension.kind == "int":
        steps = int((dimension.high - dimension.low) // dimension.step)
        high = int(dimension.low + steps * dimension.step)
        return distributions.IntDistribution(int(dimension.low), high, step=int(dimension.step))
    return distributions.FloatDistribution(
        dimension.low, dimension.high, step=dimension.step or None
    )

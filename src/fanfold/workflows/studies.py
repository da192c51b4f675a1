"""Studies run to their end, here or on a cluster: what tuning and folds have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from numpy.random import default_rng

from fanfold.domain.decision import decision
from fanfold.engine.windows import Window
from fanfold.errors import FanfoldError, StrategyError
from fanfold.research.chunks import PROBE_SIZE
from fanfold.research.plan import Params
from fanfold.research.search import Store, checked_storage
from fanfold.research.space import random_params
from fanfold.research.spec import Layout, StudySpec, inputs_of, layout_of, tasks_of
from fanfold.research.study import Tuned, run_studies
from fanfold.research.trials import Runs, Slot, TrialInputs, Unit
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.progress import progress
from fanfold.workflows.units import Units

JOURNAL = "optuna.log"
"""File in a study's folder that Optuna's own tools read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a study runs and what it leaves.

    Attributes:
        fleet: Its processors.
        folder: Where rows and the journal are kept; None keeps nothing.
        storage: Address of a database in place of the journal.
        shown: Whether progress is shown.
    """

    fleet: Fleet
    folder: Path | None = None
    storage: str | None = None
    shown: bool = False

    def store(self) -> Store | None:
        """Where Optuna's view of the studies survives."""
        if self.storage is not None:
            return Store(checked_storage(self.storage))
        return None if self.folder is None else Store(self.folder / JOURNAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Studied:
    """Finished studies and what ran them.

    Attributes:
        spec: What was asked.
        inputs: What all units shared.
        tuned: The study of each fold.
        layout: Where each fold's trials were run.
        slots: Number of each further slot, in the order in which they were asked for.
        evaluate: Runs further units in the same place.
        window: All bars that trials could be scored on.
        workers: Processors that ran it; 0 is this process.
    """

    spec: StudySpec
    inputs: TrialInputs
    tuned: list[Tuned]
    layout: Layout
    slots: tuple[int, ...]
    evaluate: Callable[[Sequence[Unit]], Runs]
    window: Window
    workers: int


Trains = Callable[[Window], Sequence[tuple[Window, ...]]]
"""Training windows of each fold, given the window that all trials can be scored on."""

Further = Callable[[Window], Sequence[Slot]]
"""Slots that are run after the search, such as test windows."""


def _none(_window: Window) -> Sequence[Slot]:
    return ()


def run_study(
    spec: StudySpec,
    trains: Trains,
    place: Place,
    *,
    last: int | None = None,
    further: Further = _none,
) -> Studied:
    """Search the parameters of every fold, all folds together.

    Args:
        spec: What to search.
        trains: Training windows of each fold.
        place: Where it runs.
        last: The bar after the last that may be looked at; None is the end of the bars.
        further: Slots that are run afterwards, by `evaluate`.
    """
    first = spec.first()
    window = Window(first, spec.bars.bar_count if last is None else last)
    layout, more = layout_of(spec, trains(window)), further(window)
    slots = (*layout.slots, *more)
    inputs = inputs_of(spec, slots, first)
    identity = spec.identity(slots)
    name, each = spec.strategy.__name__, layout.unit_count_each
    total = spec.trial_count * each
    with progress(name, total, measure=spec.goal.objectives[0], shown=place.shown) as state:
        folder = None if place.folder is None else place.folder / "units"
        units = Units(inputs, place.fleet, folder=folder, identity=identity, state=state)
        units.prepare(_first_units(spec, layout), total + len(more), shown=place.shown)

        def told(best: float) -> None:
            state.best = best

        tuned = run_studies(
            tasks_of(spec, layout, identity),
            spec.goal,
            inputs,
            units,
            trial_count=spec.trial_count,
            store=place.store(),
            told=told,
        )
    return Studied(
        spec=spec,
        inputs=inputs,
        tuned=tuned,
        layout=layout,
        slots=tuple(range(len(layout.slots), len(slots))),
        evaluate=units,
        window=window,
        workers=place.fleet.processors,
    )


def _first_units(spec: StudySpec, layout: Layout) -> list[Unit]:
    """Units like those that are to come, to learn how long one takes."""
    rng = default_rng([spec.seed, len(layout.slots)])
    slot = layout.steps[0][0][0]
    return [Unit(slot, random_params(spec.space, rng)) for _ in range(PROBE_SIZE)]


@decision
def _hold_nothing(assets: Any, portfolio: Any, memory: Any) -> None:  # noqa: ARG001
    for asset in assets:
        asset.target = 0.0


class Nothing(Strategy):
    """Holds nothing: what is done where no choice could be made."""

    decide: ClassVar[Any] = _hold_nothing


def fitted_strategy(spec: StudySpec, params: Params, slot: Slot) -> Strategy:
    """A choice as it is run on a slot: fitted, if it learns.

    Raises:
        StrategyError: It could not learn.
    """
    made = spec.strategy(**spec.fixed, **params)
    try:
        return made.fit(spec.bars, slot.spans)
    except FanfoldError as error:
        raise StrategyError(f"{spec.strategy.__name__}: {error}") from error
    except Exception as error:  # the user's own code
        raise StrategyError(
            f"{spec.strategy.__name__}: fit raised {type(error).__name__}: {error}"
        ) from error

"""What a study is asked to do, as one value."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise, product

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.engine.blocks import BLOCK_COUNT
from fanfold.engine.run import mode_for
from fanfold.engine.spec import Terms
from fanfold.engine.step.state import SESSIONS_CLOSED
from fanfold.engine.timeline import timeline_of
from fanfold.engine.windows import Window
from fanfold.errors import ConfigError
from fanfold.research.folds import WINDOW_BARS_MIN, session_edge
from fanfold.research.identity import trial_code
from fanfold.research.made import largest_warm_up, make
from fanfold.research.plan import Params
from fanfold.research.search import ADAPTIVE, Pruner, Sampler, Search
from fanfold.research.space import Space, check_strategy, random_params
from fanfold.research.study import GENERATION_SIZE, Goal, Task
from fanfold.research.sweep import CORNERS_MAX, checked_first
from fanfold.research.trials import Slot, TrialInputs
from fanfold.strategies.strategy import Strategy, learns

DRAWS = 1_024
"""Combinations drawn to find the largest warm-up beside the space's corners."""

SCORE_FOLDS_MAX = 100
"""Stretches that a trial's bars are cut into."""

FIT_SHARE = 0.7
"""Part of its training bars that a trial of a strategy which learns is fitted on; the rest
scores it [1]."""

GENERATION_SIZE_MAX = 10_000
"""Trials of one generation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySpec:
    """One study, or one a fold, in full: equal specs give equal trials.

    Attributes:
        strategy: Class whose parameters are searched.
        fixed: Parameters that all trials share.
        space: Parameters that are searched.
        bars: The market.
        terms: Money, costs, limits and options.
        goal: What makes a trial better.
        sampler: What proposes trials.
        pruner: What ends trials early; it needs `score_folds`.
        trial_count: Trials of each study.
        generation_size: Trials that are asked for together.
        score_folds: Consecutive stretches that a trial's bars are cut into; each starts
            flat and ends so.
        seed: Equal seeds give equal trials.
    """

    strategy: type[Strategy]
    fixed: Params
    space: Space
    bars: Bars
    terms: Terms
    goal: Goal = field(default_factory=Goal)
    sampler: Sampler = "tpe"
    pruner: Pruner | None = None
    trial_count: int = 100
    generation_size: int = GENERATION_SIZE
    score_folds: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        check_strategy(self.strategy)
        whole = {"trials": self.trial_count, "generation": self.generation_size}
        whole |= {"folds": self.score_folds, "seed": self.seed}
        for name, value in whole.items():
            if type(value) is not int:
                raise ConfigError(f"{name} must be a whole number, was {value!r}")
        if not 1 <= self.generation_size <= GENERATION_SIZE_MAX:
            raise ConfigError(
                f"generation must be 1 to {GENERATION_SIZE_MAX:,}, was {self.generation_size}"
            )
        if not 1 <= self.score_folds <= SCORE_FOLDS_MAX:
            raise ConfigError(f"folds must be 1 to {SCORE_FOLDS_MAX}, was {self.score_folds}")
        if self.pruner is not None and self.score_folds == 1:
            raise ConfigError(f"pruner {self.pruner} works between folds, folds was 1")
        if self.goal.constraints and self.sampler == "cmaes":
            raise ConfigError("sampler cmaes knows no constraints, was given some")
        if self.seed < 0:
            raise ConfigError(f"seed must not be negative, was {self.seed}")

    @property
    def adaptive(self) -> bool:
        """Whether trials gather where results are good."""
        return self.sampler in ADAPTIVE

    def search(self, fold: int) -> Search:
        """How the study of one fold proposes trials."""
        seed = int(np.random.SeedSequence([self.seed, fold]).generate_state(1)[0])
        return Search(
            space=self.space,
            directions=self.goal.directions,
            sampler=self.sampler,
            pruner=self.pruner,
            generation_size=self.generation_size,
            seed=seed,
        )

    def first(self) -> int:
        """Bar of the first decision of all trials: the end of the largest warm-up.

        It is found among the corners of the space and some draws; the rare trial that warms
        up for longer is infeasible.
        """
        ends = islice(product(*(dict.fromkeys(one.ends) for one in self.space)), CORNERS_MAX)
        names = [one.name for one in self.space]
        chosen: list[Params] = [dict(zip(names, corner, strict=True)) for corner in ends]
        rng = np.random.default_rng(self.seed)
        chosen += [random_params(self.space, rng) for _ in range(DRAWS)]
        made = [make(self.strategy, self.fixed, params) for params in chosen]
        if all(one.strategy is None for one in made):
            raise ConfigError(
                f"the search space of {self.strategy.__name__} must hold a combination that can "
                f"be run, {made[0].reason}"
            )
        return checked_first(largest_warm_up(made, self.bars, self.terms), self.bars, self.terms)

    def identity(self, slots: Sequence[Slot]) -> str:
        """Hash of all that decides a unit's row; more trials do not change it."""
        made = (make(self.strategy, self.fixed, self._any_params(k)).strategy for k in range(64))
        one = next((strategy for strategy in made if strategy is not None), None)
        content = {
            "strategy": self.strategy.__qualname__,
            "code": trial_code(one) if one is not None else "",
            "features": [repr(each) for each in one.features()] if one is not None else [],
            "fixed": self.fixed,
            "space": repr(self.space),
            "goal": repr(self.goal),
            "search": repr(self.search(0)),
            "terms": self.terms.as_dict(),
            "slots": repr(slots),
            "data": self.bars.fingerprint,
        }
        text = json.dumps(content, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _any_params(self, draw: int) -> Params:
        return random_params(self.space, np.random.default_rng([self.seed, draw]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the trials of each fold are run.

    Attributes:
        slots: All slots of all folds.
        steps: Of each fold, the slots of each step.
    """

    slots: tuple[Slot, ...]
    steps: tuple[tuple[tuple[int, ...], ...], ...]

    @property
    def unit_count_each(self) -> int:
        """Units of one trial in all folds."""
        return sum(len(step) for fold in self.steps for step in fold)


def layout_of(spec: StudySpec, trains: Sequence[tuple[Window, ...]]) -> Layout:
    """Slots and steps for the training windows of each fold."""
    slots: list[Slot] = []
    steps: list[tuple[tuple[int, ...], ...]] = []
    for windows in trains:
        own = _fold_slots(spec, windows)
        numbers = [range(len(slots) + at, len(slots) + at + 1) for at in range(len(own))]
        slots += own
        if spec.pruner is None:
            steps.append((tuple(number[0] for number in numbers),))
        else:
            steps.append(tuple((number[0],) for number in numbers))
    return Layout(slots=tuple(slots), steps=tuple(steps))


def inputs_of(spec: StudySpec, slots: Sequence[Slot], first: int) -> TrialInputs:
    """What all units of a study share."""
    closed = timeline_of(spec.bars).clock[SESSIONS_CLOSED]
    shortest = min(int(closed[slot.window.last - 1] - closed[slot.window.first]) for slot in slots)
    return TrialInputs(
        strategy=spec.strategy,
        fixed=spec.fixed,
        bars=spec.bars,
        terms=spec.terms,
        slots=tuple(slots),
        mode=mode_for(spec.trial_count * len(slots), spec.bars),
        block_count=max(min(BLOCK_COUNT, shortest) // 2 * 2, 1),
        warm_up_first=first,
    )


def tasks_of(spec: StudySpec, layout: Layout, identity: str) -> list[Task]:
    """The study of each fold."""
    return [
        Task(name=f"{identity[:16]}-{fold:04d}", search=spec.search(fold), steps=steps)
        for fold, steps in enumerate(layout.steps)
    ]


def _fold_slots(spec: StudySpec, windows: tuple[Window, ...]) -> list[Slot]:
    bars = spec.bars
    if not learns(spec.strategy):
        pieces = [piece for one in windows for piece in _cut(bars, one, spec.score_folds)]
        return [Slot(window=piece) for piece in pieces]
    learned, scored = split_for_fit(bars, windows)
    pieces = [piece for one in scored for piece in _cut(bars, one, spec.score_folds)]
    return [Slot(window=piece, fit=learned) for piece in pieces]


def split_for_fit(
    bars: Bars, windows: tuple[Window, ...]
) -> tuple[tuple[Window, ...], tuple[Window, ...]]:
    """The earlier part of training windows, to learn from, and the later, to score on."""
    left = round(sum(one.bar_count for one in windows) * FIT_SHARE)
    learned: list[Window] = []
    scored: list[Window] = []
    for one in windows:
        part = min(max(left, 0), one.bar_count)
        if part < one.bar_count:
            part = max(session_edge(bars, one.first + 1 + part) - one.first - 1, 0)
        left -= part
        if part >= WINDOW_BARS_MIN:
            learned.append(Window(one.first, one.first + 1 + part))
        if one.bar_count - part >= WINDOW_BARS_MIN:
            scored.append(Window(one.first + part, one.last))
    if not learned or not scored:
        raise ConfigError(
            f"training windows must have bars to learn from and bars to score on, "
            f"had {sum(one.bar_count for one in windows)} bars"
        )
    return tuple(learned), tuple(scored)


def _cut(bars: Bars, window: Window, count: int) -> list[Window]:
    """A window in equal consecutive ones, of whole sessions."""
    least = WINDOW_BARS_MIN * count
    if window.bar_count < least:
        raise ConfigError(f"{count} folds must have {least} bars or more, had {window.bar_count}")
    inner = (window.first + 1 + window.bar_count * k // count for k in range(1, count))
    edges = [window.first + 1, *(session_edge(bars, edge) for edge in inner), window.last]
    pieces = [Window(a - 1, b) for a, b in pairwise(edges)]
    if any(piece.bar_count < WINDOW_BARS_MIN for piece in pieces):
        raise ConfigError(
            f"{count} folds must have whole sessions each, had {window.bar_count} bars"
        )
    return pieces

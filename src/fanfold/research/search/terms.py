"""How a space is searched, as a value."""

from dataclasses import dataclass
from typing import Literal

from fanfold.errors import ConfigError
from fanfold.research.space import Space

Sampler = Literal["tpe", "cmaes", "qmc", "random", "nsga2", "nsga3"]
Pruner = Literal["wilcoxon", "median", "halving"]
Direction = Literal["maximize", "minimize"]

SAMPLERS: tuple[Sampler, ...] = ("tpe", "cmaes", "qmc", "random", "nsga2", "nsga3")
PRUNERS: tuple[Pruner, ...] = ("wilcoxon", "median", "halving")
ADAPTIVE = frozenset({"tpe", "cmaes", "nsga2", "nsga3"})
"""Samplers whose trials gather where results are good."""

SINGLE_OBJECTIVE = frozenset({"cmaes"})
"""Samplers that know one objective only."""


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

"""Plans: lazy, indexable lists of parameter combinations.

A plan is its rule, not its rows: a grid of ten million combinations is a few axes.
"""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import ConfigError
from fanfold.strategies.strategy import Strategy

PLAN_SIZE_MAX = 100_000_000
"""Combinations of one plan; beyond it a plan is a slip of the keyboard."""

AXIS_SIZE_MAX = 1_000_000
"""Values of one parameter in a plan."""

Params = dict[str, Any]
Axes = tuple[tuple[str, tuple[Any, ...]], ...]


class Plan(Protocol):
    """Parameter combinations by index; equal plans give equal combinations."""

    @property
    def axes(self) -> "Axes":
        """Name and possible values of each parameter that the plan sets."""
        ...

    def __len__(self) -> int:
        """Combinations of the plan."""
        ...

    def __getitem__(self, index: int) -> Params:
        """One combination."""
        ...

    def places(self, start: int, stop: int) -> NDArray[np.int64]:
        """Where the values of combinations stand in their axes; shape [axis, combination]."""
        ...


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination of the axes' values, the last axis fastest.

    Attributes:
        axes: Name and values of each parameter.
    """

    axes: Axes

    def __post_init__(self) -> None:
        """Refuse a plan that is too large to be meant."""
        if len(self) > PLAN_SIZE_MAX:
            raise ConfigError(
                f"a plan must have {PLAN_SIZE_MAX:,} combinations or fewer, had {len(self):,}"
            )

    def __len__(self) -> int:
        """Product of the axes' lengths."""
        return math.prod(len(values) for _, values in self.axes)

    def __getitem__(self, index: int) -> Params:
        """The combination at an index."""
        chosen: Params = {}
        for name, values in reversed(self.axes):
            index, place = divmod(index, len(values))
            chosen[name] = values[place]
        return {name: chosen[name] for name, _ in self.axes}

    def places(self, start: int, stop: int) -> NDArray[np.int64]:
        """Where the values of combinations stand in their axes; shape [axis, combination]."""
        shape = [len(values) for _, values in self.axes]
        return np.array(np.unravel_index(np.arange(start, stop), shape), np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Combinations drawn from the axes' values, uniformly and independently.

    Attributes:
        axes: Name and values of each parameter.
        count: Combinations.
        seed: Equal seeds give equal combinations; each depends on (seed, index) alone.
    """

    axes: Axes
    count: int
    seed: int

    def __post_init__(self) -> None:
        """Refuse a plan without combinations, or with too many."""
        if not 1 <= self.count <= PLAN_SIZE_MAX:
            raise ConfigError(f"samples must be 1 to {PLAN_SIZE_MAX:,}, was {self.count}")

    def __len__(self) -> int:
        """As many as were asked for."""
        return self.count

    def __getitem__(self, index: int) -> Params:
        """The combination at an index."""
        drawn = self.places(index, index + 1)[:, 0].tolist()
        return {name: values[place] for (name, values), place in zip(self.axes, drawn, strict=True)}

    def places(self, start: int, stop: int) -> NDArray[np.int64]:
        """Where the values of combinations stand in their axes; shape [axis, combination]."""
        drawn = np.empty((len(self.axes), stop - start), np.int64)
        for column, index in enumerate(range(start, stop)):
            draw = np.random.default_rng([self.seed, index])
            drawn[:, column] = [draw.integers(len(values)) for _, values in self.axes]
        return drawn


def combinations(plan: Plan, start: int, stop: int) -> list[Params]:
    """Consecutive combinations of a plan, in less time than one by one."""
    names = [name for name, _ in plan.axes]
    chosen = [
        [values[place] for place in places]
        for (_, values), places in zip(plan.axes, plan.places(start, stop).tolist(), strict=True)
    ]
    return [dict(zip(names, row, strict=False)) for row in zip(*chosen, strict=True)]


def axes_of(strategy: type[Strategy], space: Mapping[str, Iterable[Any] | Any]) -> Axes:
    """Check a search space against a strategy's parameters.

    Args:
        strategy: Whose parameters these are.
        space: Values of each parameter: a range, a list, or one value.

    Raises:
        ConfigError: A name is no parameter, or an axis has no values or too many.
    """
    if not space:
        raise ConfigError("a sweep must name at least one parameter, named none")
    return tuple((checked_name(strategy, name), _values(name, space[name])) for name in space)


def checked_name(strategy: type[Strategy], name: str) -> str:
    """A parameter's name, if the strategy has it.

    Raises:
        ConfigError: It has not; names the nearest.
    """
    known = list(strategy.model_fields)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, 1)
    hint = f", did you mean {near[0]!r}?" if near else ""
    raise ConfigError(
        f"{strategy.__name__} has the parameters {', '.join(known) or 'none'}, not {name!r}{hint}"
    )


def _values(name: str, values: Any) -> tuple[Any, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        return (values,)
    axis = tuple(plain_value(value) for value in cast("Iterable[Any]", values))
    if not 1 <= len(axis) <= AXIS_SIZE_MAX:
        raise ConfigError(f"{name} must have 1 to {AXIS_SIZE_MAX:,} values, had {len(axis):,}")
    return axis


def plain_value(value: Any) -> Any:
    """NumPy scalars as Python numbers, so that a plan's hash does not depend on them."""
    return value.item() if hasattr(value, "dtype") else value

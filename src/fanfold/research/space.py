"""What may be searched: each parameter's possible values, from a strategy's own bounds."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args, get_origin

import numpy as np

from fanfold.errors import ConfigError
from fanfold.research.plan import AXIS_SIZE_MAX, Params, checked_name, plain_value
from fanfold.strategies.strategy import Strategy

Kind = Literal["int", "float", "choice"]

PAIR = 2
"""Numbers of a pair of bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One parameter's possible values.

    Attributes:
        name: The parameter.
        kind: Whole numbers, numbers, or a choice among values.
        low: Smallest value; unused for a choice.
        high: Largest value, included.
        step: Distance of possible values; 0 for none, of numbers only.
        choices: The values of a choice.
    """

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    choices: tuple[Any, ...] = ()

    @property
    def ends(self) -> tuple[Any, Any]:
        """First and last value."""
        if self.kind == "choice":
            return self.choices[0], self.choices[-1]
        if self.kind == "int":
            return int(self.low), int(self.high)
        return self.low, self.high

    def draw(self, rng: np.random.Generator) -> Any:
        """A value, all equally likely."""
        if self.kind == "choice":
            return self.choices[int(rng.integers(len(self.choices)))]
        if self.kind == "int":
            steps = int((self.high - self.low) // self.step)
            return int(self.low + self.step * int(rng.integers(steps + 1)))
        if self.step:
            steps = math.floor((self.high - self.low) / self.step)
            return self.low + self.step * int(rng.integers(steps + 1))
        return float(rng.uniform(self.low, self.high))


Space = tuple[Dimension, ...]


def space_of(
    strategy: type[Strategy],
    stated: Mapping[str, Iterable[Any] | Any] | None = None,
    fixed: Params | None = None,
) -> Space:
    """The search space of a strategy: what is stated, and its own bounds for the rest.

    Args:
        strategy: Whose parameters these are.
        stated: Values of a parameter: a range, a list of choices, or a pair (low, high).
        fixed: Parameters that are not searched.

    Raises:
        ConfigError: A name is no parameter, a parameter has no bounds, or nothing is left
            to search.
    """
    stated, fixed = stated or {}, fixed or {}
    check_strategy(strategy)
    for name in (*stated, *fixed):
        checked_name(strategy, name)
    for name in stated.keys() & fixed.keys():
        raise ConfigError(f"{name} must be searched or fixed, was both")
    found = [
        _stated(strategy, name, stated[name]) if name in stated else _bounded(strategy, name)
        for name in strategy.model_fields
        if name not in fixed
    ]
    if not found:
        raise ConfigError(
            f"a search must leave at least one parameter of {strategy.__name__} free, left none"
        )
    return tuple(found)


def random_params(space: Space, rng: np.random.Generator) -> Params:
    """A combination drawn from the space, uniformly."""
    return {dimension.name: dimension.draw(rng) for dimension in space}


def check_strategy(strategy: Any) -> None:
    """Refuse what is no class of strategies.

    Raises:
        ConfigError: It is something else, such as a strategy with parameters.
    """
    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise ConfigError(f"strategy must be a class of strategies, was {strategy!r}")


def _stated(strategy: type[Strategy], name: str, values: Any) -> Dimension:
    if isinstance(values, range):
        if not 1 <= len(values) <= AXIS_SIZE_MAX:
            raise ConfigError(f"{name} must have 1 to {AXIS_SIZE_MAX:,} values, had {len(values)}")
        low, high = sorted((values[0], values[-1]))
        return Dimension(name=name, kind="int", low=low, high=high, step=abs(values.step))
    if isinstance(values, str) or not isinstance(values, Iterable):
        return Dimension(name=name, kind="choice", choices=(plain_value(values),))
    choices = tuple(plain_value(value) for value in cast("Iterable[Any]", values))
    is_pair = isinstance(values, tuple) and len(choices) == PAIR
    if is_pair and not any(isinstance(end, bool) for end in choices):
        return _between(name, *choices, whole=strategy.model_fields[name].annotation is int)
    if not 1 <= len(choices) <= AXIS_SIZE_MAX:
        raise ConfigError(f"{name} must have 1 to {AXIS_SIZE_MAX:,} values, had {len(choices)}")
    return Dimension(name=name, kind="choice", choices=choices)


def _between(name: str, low: Any, high: Any, *, whole: bool) -> Dimension:
    numbers = all(isinstance(end, int | float) and math.isfinite(end) for end in (low, high))
    if not numbers or low > high:
        raise ConfigError(f"{name} must go from a number to one not below it, was {(low, high)}")
    if whole and not (float(low).is_integer() and float(high).is_integer()):
        raise ConfigError(f"{name} must go from a whole number to another, was {(low, high)}")
    if whole or (type(low) is int and type(high) is int):
        return Dimension(name=name, kind="int", low=int(low), high=int(high), step=1)
    return Dimension(name=name, kind="float", low=float(low), high=float(high))


def _bounded(strategy: type[Strategy], name: str) -> Dimension:
    field = strategy.model_fields[name]
    kind: Any = field.annotation
    if kind is bool:
        return Dimension(name=name, kind="choice", choices=(False, True))
    if get_origin(kind) is Literal:
        return Dimension(name=name, kind="choice", choices=get_args(kind))
    bounds: dict[str, Any] = {}
    for stated in field.metadata:
        for bound in ("ge", "gt", "le", "lt", "multiple_of"):
            if hasattr(stated, bound):
                bounds[bound] = getattr(stated, bound)
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    if kind not in (int, float) or low is None or high is None:
        raise ConfigError(
            f"{strategy.__name__}.{name} must have bounds (ge, le) to be searched, has not: "
            f"state its values, or fix it"
        )
    if kind is float:
        step = float(bounds.get("multiple_of", 0.0))
        if step:
            first, last = math.ceil(low / step), math.floor(high / step)
            first += 1 if "ge" not in bounds and first * step == low else 0
            last -= 1 if "le" not in bounds and last * step == high else 0
            low, high = first * step, last * step
        return Dimension(name=name, kind="float", low=float(low), high=float(high), step=step)
    low += 1 if "ge" not in bounds else 0
    high -= 1 if "le" not in bounds else 0
    step = int(bounds.get("multiple_of", 1))
    return Dimension(name=name, kind="int", low=-(-low // step) * step, high=high, step=step)

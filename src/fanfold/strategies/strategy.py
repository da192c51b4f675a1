"""What a strategy is: parameters, features and one decision."""

import inspect
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, ClassVar, cast

from pydantic import BaseModel, ConfigDict

from fanfold.domain.compiled import Compiled
from fanfold.domain.names import nearest_hint
from fanfold.domain.record import VECTOR_SIZE
from fanfold.errors import ConfigError
from fanfold.strategies.indicators.indicator import Indicator

MEMORY_MAX = 1_000_000
"""Largest scratch memory of a decision [float64 values]."""


class Strategy(BaseModel):
    """Base of all strategies: a frozen model whose fields are its parameters.

    A field's bounds are also its search space and its form in YAML; a text field is the
    symbol of an asset. A validator says which combinations are infeasible: an error in a
    backtest, a row in a sweep.

    Attributes:
        decide: ``decide(assets, portfolio, memory)``, called at every bar's end.
            With `decision` it is compiled; without, it may be any Python.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, ignored_types=(Compiled,)
    )

    decide: ClassVar[Any]

    def features(self) -> tuple[Indicator, ...]:
        """Indicators, in the order in which the decision finds their values."""
        return ()

    def memory_size(self, asset_count: int) -> int:  # noqa: ARG002
        """Values of scratch memory that the decision keeps between bars."""
        return 0


def decision_of(strategy: Strategy) -> Compiled[..., None] | Callable[..., None]:
    """A strategy's decision, to be called with (assets, portfolio, memory).

    A plain function may also be written as a method, with `self` first.

    Raises:
        ConfigError: There is no decision.
    """
    found: Any = inspect.getattr_static(type(strategy), "decide", None)
    if isinstance(found, staticmethod):
        found = found.__func__  # pyright: ignore[reportUnknownMemberType]
    if isinstance(found, Compiled):
        return found  # pyright: ignore[reportUnknownVariableType]
    if not callable(found):
        raise ConfigError(f"{type(strategy).__name__}.decide must be a function, was {found!r}")
    function = cast("Callable[..., None]", found)
    takes_self = [*inspect.signature(function).parameters][:1] == ["self"]
    return partial(function, strategy) if takes_self else function


def params_of(strategy: Strategy, symbols: Sequence[str] = ()) -> list[float]:
    """The fields in their order, as the decision sees them in `portfolio.params`.

    A text field names an asset by its symbol; the decision sees its place.

    Args:
        strategy: Whose fields.
        symbols: Those of the bars, in their order.

    Raises:
        ConfigError: There are more than `VECTOR_SIZE`, or one is neither a number nor a
            symbol of the bars.
    """
    owner = type(strategy).__name__
    values = [_as_number(owner, name, value, symbols) for name, value in strategy]
    if len(values) > VECTOR_SIZE:
        raise ConfigError(f"{owner} may have {VECTOR_SIZE} parameters, had {len(values)}")
    return values


def features_of(strategy: Strategy) -> tuple[Indicator, ...]:
    """The features, checked.

    Raises:
        ConfigError: They are not indicators, or have more than `VECTOR_SIZE` outputs.
    """
    features = tuple(strategy.features())
    for feature in features:
        if not _is_indicator(type(feature)):
            raise ConfigError(
                f"{type(strategy).__name__}.features must return indicators, was {feature!r}"
            )
    count = sum(feature.output_count for feature in features)
    if count > VECTOR_SIZE:
        raise ConfigError(
            f"{type(strategy).__name__} may have {VECTOR_SIZE} feature values, had {count}"
        )
    return features


@cache
def _is_indicator(kind: type[Any]) -> bool:
    """Asked once for a class: an abstract base takes its time to answer."""
    return issubclass(kind, Indicator)


def memory_of(strategy: Strategy, asset_count: int) -> int:
    """Size of the decision's scratch memory [values], checked.

    Raises:
        ConfigError: It is not a whole number from 0 to `MEMORY_MAX`.
    """
    size: Any = strategy.memory_size(asset_count)
    if type(size) is not int or not 0 <= size <= MEMORY_MAX:
        raise ConfigError(
            f"{type(strategy).__name__}.memory_size must be 0 to {MEMORY_MAX}, was {size!r}"
        )
    return size


def _as_number(strategy: str, name: str, value: Any, symbols: Sequence[str]) -> float:
    if type(value) is int or type(value) is float or isinstance(value, (bool, int, float)):
        return float(value)
    if isinstance(value, str):
        if value in symbols:
            return float(symbols.index(value))
        hint = nearest_hint(value, symbols)
        raise ConfigError(f"{strategy}.{name} must be a symbol of the bars, was {value!r}{hint}")
    raise ConfigError(f"{strategy}.{name} must be a number, was {value!r}")

"""What a strategy is: parameters, features and one decision."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fanfold.domain.bars import Bars
from fanfold.domain.compiled import Compiled
from fanfold.domain.names import nearest_hint
from fanfold.domain.record import VECTOR_SIZE
from fanfold.errors import ConfigError
from fanfold.strategies.indicators.indicator import Indicator

MEMORY_MAX = 1_000_000
"""Largest scratch memory of a decision [float64 values]."""

Span = tuple[int, int]
"""Bars from the first to the one before the second."""


class Strategy(BaseModel):
    """Base of all strategies: a frozen model whose fields are its parameters.

    A field's bounds are also its search space and its form in YAML; a text field is the
    symbol of an asset. A validator says which combinations are infeasible: an error in a
    backtest, a row in a sweep.

    Attributes:
        decide: ``decide(assets, portfolio, memory)``, called at every bar's end.
            With `decision` it is compiled; without, it may be any Python.
        family: Name under which its trials are counted with those of its relatives: other
            versions of the decision, or other strategies of the same idea.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, ignored_types=(Compiled,)
    )

    decide: ClassVar[Any]
    family: ClassVar[str] = ""

    def features(self) -> tuple[Indicator, ...]:
        """Indicators, in the order in which the decision finds their values."""
        return ()

    def memory_size(self, asset_count: int) -> int:  # noqa: ARG002
        """Values of scratch memory that the decision keeps between bars."""
        return 0

    def columns(self, bars: Bars) -> Mapping[str, NDArray[np.float64]]:  # noqa: ARG002
        """Further columns that it computes from whole bars, for features `Column(name)`.

        A value must be known at its bar's end; `fanfold audit lookahead` finds those that
        are not. Shapes [bar, asset]; called once a run.
        """
        return {}

    def fit(self, bars: Bars, spans: Sequence[Span]) -> Self:  # noqa: ARG002
        """What it becomes by learning from some bars; itself, if there is nothing to learn.

        Args:
            bars: The market.
            spans: Bars that may be learned from, in order; it must not look at others' prices
                after the first span begins, and no label may reach beyond its span.
        """
        return self

    def learned(self) -> str:
        """Identity of what was learned, for hashes; equal ones decide equally."""
        return ""


def computes_columns(strategy: type[Strategy]) -> bool:
    """Whether a strategy brings columns of its own."""
    return strategy.columns is not Strategy.columns


def learns(strategy: type[Strategy]) -> bool:
    """Whether a strategy is fitted before it decides."""
    return strategy.fit is not Strategy.fit


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

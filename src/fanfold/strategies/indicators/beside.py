"""A second value that an indicator reads beside the asset's own bar.

Its update finds the value in the place of the open, so that there is one shape of
updates and one loop for all of them.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.names import nearest_hint
from fanfold.domain.panel import CLOSE, VOLUME, trades_in
from fanfold.errors import ConfigError
from fanfold.strategies.indicators.context import BarContext, Context, Prices


class Beside(ABC):
    """Where a second value comes from. Implementations are frozen dataclasses."""

    __slots__ = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Other assets whose bars it reads."""
        return ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Further columns that it reads."""
        return ()

    @abstractmethod
    def over(self, panel: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        """The value at each bar; its shape can be broadcast to [bar, asset]."""

    @abstractmethod
    def at(self, context: BarContext) -> float:
        """The value at one bar."""


@dataclass(frozen=True, slots=True)
class OtherClose(Beside):
    """Close of another asset in the same bar, NaN where that asset does not trade.

    Attributes:
        symbol: Which asset.
    """

    symbol: str

    @property
    def symbols(self) -> tuple[str, ...]:
        """The one asset."""
        return (self.symbol,)

    def over(self, panel: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        """Its closes; shape [bar, 1]."""
        if self.symbol not in context.symbols:
            raise _unknown("asset", self.symbol, context.symbols)
        other = context.symbols.index(self.symbol)
        close, volume = panel[CLOSE, :, other], panel[VOLUME, :, other]
        return np.where(volume != 0.0, close, np.nan)[:, None]

    def at(self, context: BarContext) -> float:
        """Its close."""
        bar = bar_at(context, self.symbol)
        return bar[CLOSE] if trades_in(bar[CLOSE], bar[VOLUME]) else np.nan


@dataclass(frozen=True, slots=True)
class ExtraValue(Beside):
    """Value of a further column, NaN before one is known.

    Attributes:
        name: Which column.
    """

    name: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.name,)

    def over(self, panel: NDArray[np.float64], context: Context) -> NDArray[np.float64]:  # noqa: ARG002
        """Its values; shape [bar, asset]."""
        if self.name not in context.extra:
            raise _unknown("extra column", self.name, context.extra)
        return context.extra[self.name]

    def at(self, context: BarContext) -> float:
        """Its value."""
        return extra_at(context, self.name)


@dataclass(frozen=True, slots=True)
class SessionDay(Beside):
    """Date of the session [days since 1970-01-01]."""

    def over(self, panel: NDArray[np.float64], context: Context) -> NDArray[np.float64]:  # noqa: ARG002
        """The dates; shape [bar, 1]."""
        return context.session_day.astype(np.float64)[:, None]

    def at(self, context: BarContext) -> float:
        """The date."""
        return float(context.session_day)


SESSION_DAY = SessionDay()


def bar_at(context: BarContext, symbol: str) -> Prices:
    """Another asset's bar with the same end.

    Raises:
        ConfigError: The context does not hold the asset.
    """
    if symbol not in context.bars:
        raise _unknown("asset", symbol, context.bars)
    return context.bars[symbol]


def extra_at(context: BarContext, name: str) -> float:
    """Value of a further column.

    Raises:
        ConfigError: The context does not hold the column.
    """
    if name not in context.extra:
        raise _unknown("extra column", name, context.extra)
    return context.extra[name]


def _unknown(what: str, name: str, known: Any) -> ConfigError:
    names = sorted(known)
    hint = nearest_hint(name, names)
    return ConfigError(f"the bars must hold {what} {name!r}{hint}, they hold {names[:10]}")

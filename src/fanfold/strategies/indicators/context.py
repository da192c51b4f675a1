"""What an indicator may need beside an asset's own prices."""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError

Prices = tuple[float, float, float, float, float]
"""Open, high, low, close and volume of one bar; NaN where there is none."""


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Context:
    """What is known about a panel: whose bars they are, and when.

    Attributes:
        symbols: One name an asset, in the order of the panel's last axis.
        ts: Each bar's end [ns UTC]; shape [bar].
        session_day: The session's date [days since 1970-01-01]; shape [bar].
        minutes_to_close: From the bar's end to the session's [min], negative after
            it; shape [bar].
        calendar: Name of the exchange calendar, or "24/7".
        extra: Further columns by name, as known at each bar's end; shapes [bar, asset].
        made: What was worked out from the clock and is kept.
    """

    symbols: tuple[str, ...]
    ts: NDArray[np.int64]
    session_day: NDArray[np.int64]
    minutes_to_close: NDArray[np.float64]
    calendar: str
    extra: Mapping[str, NDArray[np.float64]] = field(default_factory=_nothing)
    made: dict[str, Any] = field(default_factory=dict[str, Any])

    def at(self, panel: NDArray[np.float64], bar: int, asset: int) -> "BarContext":
        """One bar of one asset's context, as live trading would state it.

        Args:
            panel: Prices, shape [field, bar, asset].
            bar: Which bar.
            asset: For which asset.
        """
        prices = panel[:, bar].T.tolist()
        return BarContext(
            ts=int(self.ts[bar]),
            session_day=int(self.session_day[bar]),
            minutes_to_close=float(self.minutes_to_close[bar]),
            calendar=self.calendar,
            bars={name: tuple(row) for name, row in zip(self.symbols, prices, strict=True)},
            extra={name: float(values[bar, asset]) for name, values in self.extra.items()},
        )

    def check(self, panel: NDArray[np.float64]) -> None:
        """Refuse a panel of other bars.

        Raises:
            ConfigError: Bars or assets are not as many.
        """
        ours = len(self.ts), len(self.symbols)
        if panel.shape[1:] != ours:
            raise ConfigError(
                f"the context must be of the panel's bars and assets, {panel.shape[1:]}, was {ours}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class BarContext:
    """What is known at one bar's end beside an asset's own bar.

    Attributes:
        ts: The bar's end [ns UTC].
        session_day: The session's date [days since 1970-01-01].
        minutes_to_close: From the bar's end to the session's [min], negative after it.
        calendar: Name of the exchange calendar, or "24/7".
        bars: Bars of other assets with the same end, by symbol; NaN for one without.
        extra: The asset's further columns by name, as known at the bar's end.
        week_end: Date of the last session of its week [days since 1970-01-01]; None asks
            the calendar.
    """

    ts: int
    session_day: int
    minutes_to_close: float
    calendar: str
    bars: Mapping[str, Prices] = field(default_factory=_nothing)
    extra: Mapping[str, float] = field(default_factory=_nothing)
    week_end: int | None = None


_contexts: "weakref.WeakKeyDictionary[Bars, Context]" = weakref.WeakKeyDictionary()


def context_of(bars: Bars) -> Context:
    """The context of bars, made on first need and kept as long as they are."""
    found = _contexts.get(bars)
    if found is None:
        found = _contexts[bars] = Context(
            symbols=bars.symbols,
            ts=bars.ts,
            session_day=bars.session_day,
            minutes_to_close=bars.minutes_to_close,
            calendar=bars.calendar,
            extra=bars.extra,
        )
    return found

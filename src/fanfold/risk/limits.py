"""Limits on positions, orders and losses, as one table of numbers.

The checks themselves are pure functions of scalars: those of one position and of the
account stand here, the rest in `fanfold.risk.room` and `fanfold.risk.portfolio`.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from fanfold.domain.compiled import compiled
from fanfold.domain.money import RATE_ONE, share
from fanfold.errors import ConfigError
from fanfold.risk.room import allowed_value

Name = Annotated[str, StringConstraints(min_length=1)]

VAR_WINDOW_MAX = 10_000
"""Longest window of value at risk [sessions]."""


class Limits(BaseModel):
    """What an order or an account may not pass; None switches a limit off.

    Attributes:
        max_position: Largest position in one asset [share of equity].
        max_gross: Largest sum of absolute positions [share of equity].
        max_net: Largest absolute difference of long and short positions [share of
            equity].
        max_sector: Largest sum of absolute positions in one sector [share of equity].
        sectors: Sector of each symbol, for `max_sector`.
        max_order_notional: Largest order [currency].
        max_volume_share: Largest order against a bar's usual volume [1].
        max_orders: Most orders in one session.
        max_drawdown: Loss from peak equity at which everything is closed and
            nothing more is opened [share of peak equity].
        max_daily_loss: Loss since the previous session's close, unrealised included,
            at which the same happens until the session ends [share of that equity].
        max_var: Largest Gaussian value at risk of the whole portfolio over one
            session [share of equity].
        var_level: Its level [1].
        var_window: Past sessions whose returns it is measured on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_position: float | None = Field(default=None, gt=0.0)
    max_gross: float | None = Field(default=None, gt=0.0)
    max_net: float | None = Field(default=None, gt=0.0)
    max_sector: float | None = Field(default=None, gt=0.0)
    sectors: dict[Name, Name] = Field(default_factory=dict)
    max_order_notional: float | None = Field(default=None, gt=0.0)
    max_volume_share: float | None = Field(default=None, gt=0.0)
    max_orders: int | None = Field(default=None, ge=1)
    max_drawdown: float | None = Field(default=None, gt=0.0, lt=1.0)
    max_daily_loss: float | None = Field(default=None, gt=0.0, lt=1.0)
    max_var: float | None = Field(default=None, gt=0.0)
    var_level: float = Field(default=0.95, gt=0.5, lt=1.0)
    var_window: int = Field(default=60, ge=2, le=VAR_WINDOW_MAX)

    @model_validator(mode="after")
    def _sectors_and_their_limit_go_together(self) -> Self:
        if self.max_sector is not None and not self.sectors:
            raise ValueError("max_sector needs sectors, the sector of each symbol; there are none")
        if self.sectors and self.max_sector is None:
            raise ValueError(f"sectors need max_sector, which is off; {len(self.sectors)} given")
        return self

    @property
    def var_z(self) -> float:
        """Normal quantile of `var_level` [1]."""
        return NormalDist().inv_cdf(self.var_level)


def limit_or_infinity(limit: float | None) -> float:
    """A limit as compiled code compares with it: off is infinite."""
    return math.inf if limit is None else limit


def sector_numbers(
    limits: Limits, symbols: Sequence[str]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Sectors of assets as numbers, for compiled code.

    Returns:
        Names of the sectors, sorted, and each asset's place among them, shape [asset].
        Without a sector limit all assets are of one sector without a name.

    Raises:
        ConfigError: A symbol has no sector, so the limit would not bind it.
    """
    if limits.max_sector is None:
        return ("",), np.zeros(len(symbols), np.int64)
    missing = [symbol for symbol in symbols if symbol not in limits.sectors]
    if missing:
        raise ConfigError(
            f"limits.sectors must name the sector of every symbol, missing: {', '.join(missing)}"
        )
    names = tuple(sorted({limits.sectors[symbol] for symbol in symbols}))
    return names, np.array([names.index(limits.sectors[s]) for s in symbols], np.int64)


@compiled
def position_room(equity: int, max_position: float) -> int:
    """Largest absolute value of one position [micro-units]."""
    return allowed_value(equity, max_position)


@compiled
def opening_room(equity: int, gross: int, leverage: int, max_gross: float) -> Any:
    """What may still be opened: under buying power, and under the gross limit.

    Args:
        equity: Cash and marked positions [micro-units].
        gross: Sum of absolute positions [micro-units].
        leverage: Gross over equity that the account may hold [billionths].
        max_gross: The same as a limit of the user's [1].

    Returns:
        Two amounts [micro-units], not negative.
    """
    power = share(equity, leverage, RATE_ONE) - gross
    return max(power, 0), max(allowed_value(equity, max_gross) - gross, 0)


@compiled
def drawdown_breached(equity: int, peak: int, max_drawdown: float) -> bool:
    """Whether the loss from the peak has reached its limit."""
    return equity <= peak * (1.0 - max_drawdown)

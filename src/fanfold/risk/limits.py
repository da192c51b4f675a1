"""Limits on positions, orders and losses, as one table of numbers.

The checks themselves are pure functions of scalars: those of one position and of the
account stand here, the rest in `fanfold.risk.room` and `fanfold.risk.portfolio`.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Annotated, Any, Final, Self

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

CONFIRM_OF_MAX = 100
"""Most closes that a jump is confirmed by [bars]."""

_ADDED: Final = {
    "max_daily_volume_share": ("max_daily_volume_share",),
    "max_price_distance": ("max_price_distance",),
    "outlier": ("outlier", "confirm", "confirm_of"),
}
"""Limits that are no part of a run's identity while they are off, and what goes with each:
runs of before they were there keep their hashes."""


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
        max_daily_volume_share: Largest order against an asset's usual daily volume [1]: the
            mean of the last 20 completed sessions in which it traded. Before the first of
            them nothing is opened, so live the bars of the past must reach back so far.
        max_price_distance: Farthest that a limit or stop price of an opening may be from the
            last close [share of it], with the price that the venue's own collar gives a stop.
        outlier: Jump of a bar's close from the last believed one after which nothing is
            opened until closes agree [share of the believed one]. Exits go on.
        confirm, confirm_of: How many of how many closes since must lie within `outlier` of
            the newest, itself included, until it is believed.
        max_orders: Most orders in one session.
        max_drawdown: Loss from peak equity at which everything is closed and
            nothing more is opened [share of peak equity].
        max_daily_loss: Loss since the previous session's close, unrealised included,
            at which the same happens until the session ends [share of that equity].
        max_var: Largest Gaussian value at risk of the whole portfolio over one
            session [share of equity]; live it is held by the step that decides, and no
            second time before an order is sent. Without returns nothing is opened, so the
            bars of the past must reach back some sessions.
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
    max_daily_volume_share: float | None = Field(default=None, gt=0.0)
    max_price_distance: float | None = Field(default=None, gt=0.0)
    outlier: float | None = Field(default=None, gt=0.0)
    confirm: int = Field(default=2, ge=2, le=CONFIRM_OF_MAX)
    confirm_of: int = Field(default=3, ge=2, le=CONFIRM_OF_MAX)
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

    @model_validator(mode="after")
    def _n_of_m(self) -> Self:
        if self.confirm > self.confirm_of:
            raise ValueError(
                f"confirm must be at most confirm_of ({self.confirm_of}), was {self.confirm}"
            )
        return self

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for hashes, tracking and reports."""
        off = [names for limit, names in _ADDED.items() if getattr(self, limit) is None]
        return self.model_dump(exclude={name for names in off for name in names})

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

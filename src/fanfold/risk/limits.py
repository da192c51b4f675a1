"""Limits on positions and on losses, as one table of numbers and three checks."""

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fanfold.domain.compiled import compiled
from fanfold.domain.money import MONEY_MAX, RATE_ONE, share


class Limits(BaseModel):
    """What an order or an account may not pass; None switches a limit off.

    Attributes:
        max_position: Largest position in one asset [share of equity].
        max_gross: Largest sum of absolute positions [share of equity].
        max_drawdown: Loss from peak equity at which everything is closed and
            nothing more is opened [share of peak equity].
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_position: float | None = Field(default=None, gt=0.0)
    max_gross: float | None = Field(default=None, gt=0.0)
    max_drawdown: float | None = Field(default=None, gt=0.0, lt=1.0)


def limit_or_infinity(limit: float | None) -> float:
    """A limit as compiled code compares with it: off is infinite."""
    return math.inf if limit is None else limit


@compiled
def position_room(equity: int, max_position: float) -> int:
    """Largest absolute value of one position [micro-units]."""
    return _limited(equity, max_position)


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
    return max(power, 0), max(_limited(equity, max_gross) - gross, 0)


@compiled
def _limited(equity: int, limit: float) -> int:
    """equity × limit [micro-units], or all the money there can be."""
    if equity <= 0:
        return 0
    allowed = equity * limit
    return int(allowed) if allowed < MONEY_MAX else MONEY_MAX


@compiled
def drawdown_breached(equity: int, peak: int, max_drawdown: float) -> bool:
    """Whether the loss from the peak has reached its limit."""
    return equity <= peak * (1.0 - max_drawdown)

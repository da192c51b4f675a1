"""How many units a target means."""

import math
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from fanfold.domain.compiled import compiled

EXPOSURE: Final = 0
FIXED_UNITS: Final = 1

WHOLE_LOT_TOLERANCE = 1e-9
"""A count of lots this close below a whole number is that number: 99.9999999996 is 100."""

LOTS_MAX = 4_000_000_000_000_000_000
"""Largest count of lots that an integer is sure to hold; no such position is ever approved."""


class Exposure(BaseModel):
    """A target is a share of equity: 1 is all of it, -0.5 is half of it short."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["exposure"] = "exposure"

    @property
    def rule(self) -> tuple[int, float]:
        """Number of the rule and its parameter, for compiled code."""
        return EXPOSURE, 0.0


class FixedUnits(BaseModel):
    """Any target but zero is the same quantity, in the target's direction.

    Attributes:
        units: Shares or coins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["fixed_units"] = "fixed_units"
    units: float = Field(gt=0.0)

    def __init__(self, units: float, **fields: str) -> None:
        super().__init__(units=units, **fields)  # pyright: ignore[reportCallIssue]

    @property
    def rule(self) -> tuple[int, float]:
        """Number of the rule and its parameter, for compiled code."""
        return FIXED_UNITS, self.units


Sizing = Annotated[Exposure | FixedUnits, Field(discriminator="kind")]


@compiled
def sized_lots(
    kind: int, value: float, target: float, equity: float, price: float, parts: int
) -> int:
    """Signed lots that a target means, rounded towards zero.

    Args:
        kind: `EXPOSURE` or `FIXED_UNITS`.
        value: The rule's parameter.
        target: What the decision wrote, finite.
        equity: Equity to share out [currency].
        price: What one unit costs [currency], positive.
        parts: Lots in one unit.
    """
    if target == 0.0:
        return 0
    if kind == FIXED_UNITS:
        lots = value * parts
    else:
        lots = abs(target) * max(equity, 0.0) / price * parts
    whole = math.floor(min(lots + WHOLE_LOT_TOLERANCE, float(LOTS_MAX)))
    return whole if target > 0.0 else -whole

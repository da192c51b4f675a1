"""How orders are sized, sent and filled: what venues and habits differ in."""

from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from fanfold.errors import ConfigError

FRACTION_PARTS: Final = 1_000_000_000
"""Lots in one unit where fractions trade: a lot is 1e-9."""


class FillOptions(BaseModel):
    """Choices of one run; each default is what a careful desk would expect.

    Attributes:
        size_at: When a changed target becomes a quantity: at the "decision", from
            the close, or at the "fill", from its price with costs.
        fractional: Whether parts of a unit trade. None: round the clock yes, on
            exchanges no.
        close_at_end: Close what is held at the last bar's close, with costs.
        rebalance_band: Distance of a position's weight from its target at which it
            is traded back [share of equity]; None never.
        min_trade_weight: Smaller changes send nothing, full exits excepted [share of
            equity].
        min_trade_notional: The same [currency]; None takes the venue's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size_at: Literal["decision", "fill"] = "decision"
    fractional: bool | None = None
    close_at_end: bool = False
    rebalance_band: float | None = Field(default=None, gt=0.0)
    min_trade_weight: float = Field(default=0.0, ge=0.0, lt=1.0)
    min_trade_notional: float | None = Field(default=None, ge=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRules:
    """What a venue demands of orders.

    Attributes:
        name: As in settings and reports.
        min_notional: Smallest order [currency].
    """

    name: str
    min_notional: float


VENUES: Final = {
    "alpaca": VenueRules(name="alpaca", min_notional=1.0),
    "ideal": VenueRules(name="ideal", min_notional=0.0),
}


def venue_rules(name: str) -> VenueRules:
    """The rules of a venue.

    Raises:
        ConfigError: The venue is not known.
    """
    if name not in VENUES:
        raise ConfigError(f"venue must be one of {', '.join(VENUES)}, was {name!r}")
    return VENUES[name]

"""Slippage and commission of one fill."""

from pydantic import BaseModel, ConfigDict, Field

from fanfold.domain.compiled import compiled
from fanfold.domain.money import RATE_ONE, share, to_micro

BPS_MAX = 5_000.0
"""Largest cost that can be meant: half of the traded amount [bps]."""


class Costs(BaseModel):
    """What a fill costs beside its reference price.

    Attributes:
        commission_bps: Commission [bps of the traded amount].
        slippage_bps: Distance of the fill from its reference price, against the
            order [bps of the price].
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    commission_bps: float = Field(default=0.0, ge=0.0, le=BPS_MAX)
    slippage_bps: float = Field(default=0.0, ge=0.0, le=BPS_MAX)

    @property
    def commission_rate(self) -> int:
        """Commission in billionths of the amount, the unit in which fees are exact."""
        return round(self.commission_bps * RATE_ONE / 10_000)

    @property
    def slippage_share(self) -> float:
        """Slippage as a share of the price [1]."""
        return self.slippage_bps / 10_000


@compiled
def fill_price(reference: float, side: int, slippage: float) -> int:
    """Price of a fill [micro-units]: the reference, slipped against the order.

    Args:
        reference: Open or other reference price [currency].
        side: 1 for a buy, -1 for a sell.
        slippage: Share of the price [1].
    """
    return to_micro(reference * (1.0 + side * slippage))


@compiled
def commission(amount: int, rate: int) -> int:
    """Commission on a traded amount [micro-units], half to even.

    Args:
        amount: Price times quantity, not negative [micro-units].
        rate: Billionths of the amount.
    """
    return share(amount, rate, RATE_ONE)

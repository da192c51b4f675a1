"""The strategy of the live benchmark, in a module as light as a strategy's own is."""

from typing import Any, ClassVar

from pydantic import Field

from fanfold.domain.decision import decision
from fanfold.strategies.strategy import Strategy


@decision
def hold_above_the_wire(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        asset.target = 0.02 if asset.close > portfolio.params[0] else 0.01


class Tripwire(Strategy):
    """Hold a share of an asset while its price is above a wire, and half of it below.

    Never nothing: the venue keeps a part of each coin that is bought as its fee, so what
    was bought cannot all be sold.
    """

    level: float = Field(100.0, gt=0)
    decide: ClassVar[Any] = hold_above_the_wire

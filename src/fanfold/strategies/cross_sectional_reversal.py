"""A long and short portfolio against the moves of the last days."""

import math
from typing import Any, ClassVar

from pydantic import Field

from fanfold.domain.compiled import compiled
from fanfold.domain.decision import decision
from fanfold.strategies.indicators import ROC, Indicator
from fanfold.strategies.strategy import Strategy

RETURN = 0

EVERY, GROSS = 1, 2

BARS_SINCE = 0


@decision
def trade_against_ranks(assets: Any, portfolio: Any, memory: Any) -> None:
    """When it is time, buy the losers and short the winners, by their ranks."""
    due = memory[BARS_SINCE] == 0.0
    memory[BARS_SINCE] += 1.0
    if memory[BARS_SINCE] >= portfolio.params[EVERY]:
        memory[BARS_SINCE] = 0.0
    if not due:
        return
    total = 0.0
    for asset in assets:
        asset.target = places_behind(assets, asset)
        total += abs(asset.target)
    for asset in assets:
        asset.target = portfolio.params[GROSS] * asset.target / total if total > 0.0 else 0.0


@compiled
def is_ranked(asset: Any) -> bool:
    """Whether the asset trades, belongs to the universe and has a return."""
    return asset.fresh == 1 and asset.member == 1 and math.isfinite(asset.features[RETURN])


@compiled
def places_behind(assets: Any, asset: Any) -> float:
    """Assets that returned more, less those that returned less; 0 if it is not ranked.

    Whole numbers add up to the same in any order, so the panel's order cannot matter.
    """
    places = 0.0
    if is_ranked(asset):
        for other in assets:
            if is_ranked(other) and other.features[RETURN] > asset.features[RETURN]:
                places += 1.0
            if is_ranked(other) and other.features[RETURN] < asset.features[RETURN]:
                places -= 1.0
    return places


class CrossSectionalReversal(Strategy):
    """Buy the group's losers of the last days and short its winners.

    Who must sell or buy at once moves a price away from its peers, and it comes back when
    he is done. At each rebalancing the assets that trade are ranked by their return over
    `lookback`; the weight is proportional to how far an asset lies behind the middle
    rank, negative for one ahead of it. Longs equal shorts, so the market's direction
    matters little, and all weights together are `gross`. Assets that tie have one rank.

    It fails on news, which do not come back, and above all by its costs: it turns over the
    whole portfolio every few days for an edge of some bps. Shorts cost interest that the
    figures here leave out (``Costs(borrow_rate=...)``).

    On the packaged sample (2000-03 to 2013-03, defaults, 5 bps slippage):
    CAGR -2.7 %, Sharpe -0.07, largest drawdown 53 %, 1167 round trips.

    Source: Lehmann (1990), Fads, Martingales, and Market Efficiency, Quarterly Journal of
    Economics 105(1); Asness, Moskowitz & Pedersen (2013), Value and Momentum Everywhere,
    Journal of Finance 68(3), for weights by rank.

    Attributes:
        lookback: Over which returns are ranked [bars].
        every: From one rebalancing to the next [bars].
        gross: Value of longs and shorts together [share of equity]; what is left of it lets
            all of them open in full when prices gap.
    """

    lookback: int = Field(5, ge=1, le=63)
    every: int = Field(5, ge=1, le=63)
    gross: float = Field(0.9, ge=0.1, le=2.0)
    decide: ClassVar[Any] = trade_against_ranks

    def features(self) -> tuple[Indicator, ...]:
        """Return over the lookback."""
        return (ROC(self.lookback),)

    def memory_size(self, asset_count: int) -> int:  # noqa: ARG002
        """Bars since the last rebalancing."""
        return 1

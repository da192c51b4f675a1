"""The yardstick: hold everything."""

from typing import Any, ClassVar

from pydantic import Field

from fanfold.domain.compiled import compiled
from fanfold.domain.decision import decision
from fanfold.strategies.strategy import Strategy

INVESTED = 0


@decision
def hold_everything(assets: Any, portfolio: Any, memory: Any) -> None:
    """Give each asset that there is an equal weight."""
    count = 0
    for asset in assets:
        count += has_come(asset)
    for asset in assets:
        asset.target = portfolio.params[INVESTED] / count if has_come(asset) == 1 else 0.0


@compiled
def has_come(asset: Any) -> int:
    """1 if the asset belongs to the universe and has traded, else 0."""
    return 1 if asset.member == 1 and asset.close > 0.0 else 0


class BuyAndHold(Strategy):
    """Hold all assets in equal weights from their first bar on.

    Owning the market is what any rule has to beat. An asset is bought when it first
    trades or joins the universe, and all weights are made equal then; otherwise
    quantities stay and weights drift. Bringing them back is an option of the engine:
    with ``FillOptions(rebalance_band=0.05)`` a position is traded back to its weight
    once it is five percent of equity away from it. A decision could not do it, because
    a target restated unchanged sends nothing.

    It fails as its market does: nothing limits a loss. Without a band the winners of the
    past become most of the portfolio; with one, losers are bought all the way down.

    On the packaged sample (2000-03 to 2013-03, defaults, 5 bps slippage):
    CAGR 16.5 %, Sharpe 0.65, largest drawdown 64 %, 0 round trips.

    Source: Sharpe (1991), The Arithmetic of Active Management, Financial Analysts
    Journal 47(1); Perold & Sharpe (1988), Dynamic Strategies for Asset Allocation,
    Financial Analysts Journal 44(1), for holding against rebalancing.

    Attributes:
        invested: What all weights add up to [share of equity]; the rest stays in cash.
    """

    invested: float = Field(1.0, ge=0.1, le=2.0)
    decide: ClassVar[Any] = hold_everything

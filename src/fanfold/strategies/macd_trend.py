"""Trend following with the moving average convergence and divergence."""

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from fanfold.domain.decision import decision
from fanfold.strategies.indicators import MACD, Indicator
from fanfold.strategies.strategy import Strategy

HISTOGRAM = 2


@decision
def hold_while_gaining(assets: Any, portfolio: Any, memory: Any) -> None:
    """Hold an equal share of each asset whose MACD is above its signal line."""
    for asset in assets:
        asset.target = 1.0 / len(assets) if asset.features[HISTOGRAM] > 0.0 else 0.0


class MacdTrend(Strategy):
    """Hold an asset while its MACD is above the average of itself.

    The MACD is the distance between a fast and a slow average, so it grows while a trend
    gathers speed. Comparing it with its own average tells of a turn sooner than a cross
    of the two averages would. Each asset has an equal share of equity; what is not held
    stays in cash. Until the signal line exists, nothing is held.

    It fails in sideways markets, where it trades much and costs eat what is left, and in
    long even trends: a trend that goes on at the same speed brings the two lines
    together, and the position is given up.

    On the packaged sample (2000-03 to 2013-03, defaults, 5 bps slippage):
    CAGR 9.3 %, Sharpe 0.80, largest drawdown 26 %, 446 round trips.

    Source: Appel (1979), The Moving Average Convergence-Divergence Method; Chong & Ng
    (2008), Technical Analysis and the London Stock Exchange, Applied Economics Letters
    15(14), for a test of the rule.

    Attributes:
        fast: Period of the fast average [bars], below `slow`.
        slow: Period of the slow average [bars].
        signal: Period of the average of their distance [bars].
    """

    fast: int = Field(12, ge=2, le=60)
    slow: int = Field(26, ge=5, le=250)
    signal: int = Field(9, ge=2, le=60)
    decide: ClassVar[Any] = hold_while_gaining

    @model_validator(mode="after")
    def fast_is_faster(self) -> Self:
        """Refuse a pair that is no fast and slow one."""
        if self.fast >= self.slow:
            raise ValueError(f"fast must be below slow, was fast={self.fast} slow={self.slow}")
        return self

    def features(self) -> tuple[Indicator, ...]:
        """The MACD, its signal line and the distance between them."""
        return (MACD(self.fast, self.slow, self.signal),)

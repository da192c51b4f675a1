"""Two assets against each other."""

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from fanfold.domain.decision import decision
from fanfold.strategies.indicators import Indicator, RatioZScore, RollingBeta
from fanfold.strategies.strategy import Strategy

SCORE, BETA = 0, 1

FIRST, SECOND, ENTRY, EXIT, STOP, GROSS = 0, 1, 3, 4, 5, 6


@decision
def trade_the_ratio(assets: Any, portfolio: Any, memory: Any) -> None:
    """Sell the first asset against the second where it is dear, buy it where it is cheap."""
    first = assets[int(portfolio.params[FIRST])]
    second = assets[int(portfolio.params[SECOND])]
    if first.fresh == 0 or second.fresh == 0:
        return
    score, beta = first.features[SCORE], first.features[BETA]
    stop = portfolio.params[STOP]
    if first.target == 0.0:
        if beta > 0.0 and portfolio.params[ENTRY] < abs(score) < stop:
            weight = portfolio.params[GROSS] / (1.0 + beta)
            first.target = -weight if score > 0.0 else weight
            second.target = -first.target * beta
    else:
        apart = -score if first.target > 0.0 else score
        if not (beta > 0.0 and portfolio.params[EXIT] < apart < stop):
            first.target = 0.0
            second.target = 0.0


class PairsTrading(Strategy):
    """Trade the distance between two assets that move together.

    Two prices that one cause drives may part for a while and come back. The ratio of the
    two closes is compared with its own last `period` bars in which both trade. Where it
    lies more than `entry` deviations from its mean, the dear asset is sold short and the
    cheap one bought: for 1 of the first, as much of the second as the slope of the first's
    returns on the second's, the hedge ratio. The pair is closed when the ratio is back
    within `exit`, has gone beyond `stop`, or when the slope is no longer positive: then the
    two do not move together. Sizes stay as they were at the entry, and a bar that one of
    the two lacks changes nothing. It also needs an account that may sell short.

    It fails when one of the two changes for good, and always if the pair was chosen because
    it came back in the past. Where the slope is small the first asset is hardly hedged.
    Shorts cost interest that the figures here leave out (``Costs(borrow_rate=...)``).

    On the packaged sample's IBM and MSFT (2000-03 to 2013-03, defaults, 5 bps slippage):
    CAGR 2.0 %, Sharpe 0.24, largest drawdown 37 %, 130 round trips.

    Source: Gatev, Goetzmann & Rouwenhorst (2006), Pairs Trading, Review of Financial
    Studies 19(3); Vidyamurthy (2004), Pairs Trading: Quantitative Methods and Analysis.

    Attributes:
        first: Symbol of the first asset.
        second: Symbol of the second asset, another one.
        period: Window of the ratio and of the slope [bars of both].
        entry: Distance that opens the pair [deviations of the ratio].
        exit: Distance that closes it, below `entry` [deviations of the ratio].
        stop: Distance at which it is given up, above `entry` [deviations of the ratio].
        gross: Value of both positions together at the entry [share of equity]; what is left
            of it lets both open in full when prices gap.
    """

    first: str = Field(min_length=1)
    second: str = Field(min_length=1)
    period: int = Field(60, ge=10, le=252)
    entry: float = Field(2.0, ge=0.5, le=5.0)
    exit: float = Field(0.5, ge=0.0, le=4.0)
    stop: float = Field(4.0, ge=1.0, le=10.0)
    gross: float = Field(0.9, ge=0.1, le=2.0)
    decide: ClassVar[Any] = trade_the_ratio

    @model_validator(mode="after")
    def assets_differ(self) -> Self:
        """Refuse an asset against itself."""
        if self.first == self.second:
            raise ValueError(f"first and second must be two assets, were both {self.first}")
        return self

    @model_validator(mode="after")
    def distances_are_in_order(self) -> Self:
        """Refuse a pair that would be closed as it is opened."""
        if not self.exit < self.entry < self.stop:
            raise ValueError(
                "exit must be below entry and entry below stop, "
                f"was exit={self.exit:g} entry={self.entry:g} stop={self.stop:g}"
            )
        return self

    def features(self) -> tuple[Indicator, ...]:
        """How far the ratio lies from its mean, and the slope of the returns."""
        return RatioZScore(self.period, self.second), RollingBeta(self.period, self.second)

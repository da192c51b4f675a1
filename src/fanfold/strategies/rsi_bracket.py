"""Mean reversion that limits what it loses and takes what it wanted."""

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from fanfold.domain.decision import decision
from fanfold.strategies.indicators import RSI, Indicator
from fanfold.strategies.strategy import Strategy

STRENGTH = 0

LOWER, UPPER, STOP, PROFIT = 1, 2, 3, 4


@decision
def buy_oversold_with_bracket(assets: Any, portfolio: Any, memory: Any) -> None:
    """Buy an equal share of what is oversold, with a stop and a target about its close."""
    for asset in assets:
        strength = asset.features[STRENGTH]
        if strength > portfolio.params[UPPER]:
            asset.target = 0.0
        elif asset.target == 0.0 and strength < portfolio.params[LOWER]:
            asset.target = 1.0 / len(assets)
            asset.stop_loss = asset.close * (1.0 - portfolio.params[STOP])
            asset.take_profit = asset.close * (1.0 + portfolio.params[PROFIT])


class RsiBracket(Strategy):
    """Buy an asset that is oversold, with a stop below and a target above.

    The entry is that of `RsiReversion`, a fall that is overdone. A bracket answers what
    it leaves open: how long to wait, and what if the fall goes on. An asset is bought
    when its RSI is below `lower`; the position ends at the stop, at the target, or when
    the RSI is above `upper`. After a stop or a target the asset is bought again only once
    its RSI has been above `upper`. Long only, each asset with an equal share of equity.

    It fails when the stop is within the noise that it buys into: it then sells the very
    lows that it wanted to buy. Gaps pass the stop, and the loss is larger than planned.

    On the packaged sample (2000-03 to 2013-03, defaults, 5 bps slippage):
    CAGR -0.7 %, Sharpe -0.12, largest drawdown 24 %, 42 round trips.

    Source: Wilder (1978), New Concepts in Technical Trading Systems; Kaminski & Lo
    (2014), When Do Stop-Loss Rules Stop Losses?, Journal of Financial Markets 18, for
    why a stop costs return where prices revert.

    Attributes:
        period: Smoothing of the RSI [bars].
        lower: Oversold below this RSI, below `upper`.
        upper: Recovered above this RSI.
        stop: From the entry down to the stop [share of the price].
        profit: From the entry up to the target [share of the price].
    """

    period: int = Field(14, ge=2, le=60)
    lower: float = Field(30.0, ge=1.0, le=50.0)
    upper: float = Field(70.0, ge=30.0, le=99.0)
    stop: float = Field(0.10, ge=0.005, le=0.9)
    profit: float = Field(0.20, ge=0.005, le=5.0)
    decide: ClassVar[Any] = buy_oversold_with_bracket

    @model_validator(mode="after")
    def thresholds_are_apart(self) -> Self:
        """Refuse thresholds that would buy and sell at once."""
        if self.lower >= self.upper:
            raise ValueError(
                f"lower must be below upper, was lower={self.lower:g} upper={self.upper:g}"
            )
        return self

    def features(self) -> tuple[Indicator, ...]:
        """The relative strength index."""
        return (RSI(self.period),)

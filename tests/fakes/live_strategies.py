"""Strategies whose decisions can be read off the prices."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from fanfold.strategies import ROC, Indicator
from fanfold.strategies.strategy import Strategy


def follow(self: Any, assets: Sequence[Any], portfolio: Any, memory: Any) -> None:
    """Hold a share of equity on the side that the close has moved to since the bar before."""
    for asset in assets:
        change = asset.features[0]
        if asset.fresh == 1 and change != 0:
            asset.target = self.share if change > 0 else -self.share
            if self.stop_pct > 0:
                asset.stop_loss = asset.close * (1 - self.stop_pct / 100)
            memory[0] += 1


class Following(Strategy):
    """Holds what rises, and sells short what falls; plain Python."""

    share: float = Field(0.25, ge=0.0, le=1.0)
    stop_pct: float = Field(0.0, ge=0.0, le=50.0)
    decide: ClassVar[Any] = follow

    def features(self) -> tuple[Indicator, ...]:
        """The change since the bar before."""
        return (ROC(1),)

    def memory_size(self, asset_count: int) -> int:  # noqa: ARG002
        """How often it has chosen a side."""
        return 1


def break_(self: Any, assets: Sequence[Any], portfolio: Any, memory: Any) -> None:
    """Fail where a close is below a bound."""
    for asset in assets:
        if asset.close < self.bound:
            raise ZeroDivisionError(f"close was {asset.close:g}")


class Breaking(Strategy):
    """Fails at low prices."""

    bound: float = Field(99.0, ge=0.0)
    decide: ClassVar[Any] = break_

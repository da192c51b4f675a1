"""Strategies for tests: erratic ones that reach every corner, and ones that fail on order."""

# ruff: noqa: ARG002 - all decisions have one signature

import math
from typing import Any, ClassVar

from pydantic import Field

from fanfold.domain.compiled import compiled
from fanfold.domain.decision import decision
from fanfold.strategies import Strategy
from fanfold.strategies.indicators import ROC, SMA, Indicator

SEED, PACE, SHORT = 0, 1, 2


@compiled
def drawn(portfolio: Any, price: float, before: float) -> float:
    """A number in [0, 1) that hangs on the bar, the price and what was drawn before.

    Not on the asset's place in the panel: permuting assets permutes the draws.
    """
    mixed = math.sin(price * 12.9898 + portfolio.session_day * 78.233 + before * 37.719)
    mixed = mixed * 43758.5453 + portfolio.params[SEED] * 0.61803398875
    mixed += portfolio.minutes_to_close * 0.7548776662
    return mixed - math.floor(mixed)


@compiled
def erratic(  # noqa: PLR0911  (one for each kind of draw)
    asset: Any, portfolio: Any, memory: Any, count: int
) -> float:
    """The next target of one asset: mostly the old one, else any of many kinds."""
    if asset.fresh == 0:
        return asset.target
    draw = drawn(portfolio, asset.close, memory[asset.index])
    memory[asset.index] = draw
    if draw > portfolio.params[PACE]:
        return asset.target
    kind = math.floor(draw / portfolio.params[PACE] * 8.0)
    side = 1.0
    if portfolio.params[SHORT] == 1.0 and asset.features[0] > asset.close:
        side = -1.0
    if kind == 0:
        return 0.0
    if kind == 1:
        return side
    if kind == 2:
        return side * draw / portfolio.params[PACE]
    if kind == 3:
        return -asset.target * portfolio.params[SHORT]
    if kind == 4:
        return side * 0.00001
    if kind == 5:
        return side * 2.5
    return side / count


@decision
def wander(assets: Any, portfolio: Any, memory: Any) -> None:
    """Erratic targets from the market alone, so that it is asked ahead."""
    for asset in assets:
        asset.target = erratic(asset, portfolio, memory, len(assets))


@decision
def wander_watching(assets: Any, portfolio: Any, memory: Any) -> None:
    """The same targets from a look at the account that changes nothing."""
    for asset in assets:
        asset.target = erratic(asset, portfolio, memory, len(assets))
        if asset.units == math.inf:
            asset.target = 0.0


def wander_plainly(assets: Any, portfolio: Any, memory: Any) -> None:
    """The same targets from Python that is not compiled."""
    for asset in assets:
        asset.target = erratic(asset, portfolio, memory, len(assets))


@decision
def mind_the_account(assets: Any, portfolio: Any, memory: Any) -> None:
    """Targets that hang on everything that a decision sees of its own account."""
    if memory[0] == 0.0:
        memory[0] = portfolio.equity
    for asset in assets:
        if asset.units == 0.0:
            enters = asset.fresh == 1 and asset.close > asset.features[0]
            calm = asset.realised_pnl > -0.2 * memory[0] and asset.open_order_units == 0.0
            if enters and calm and portfolio.cash > 0.1 * portfolio.equity:
                asset.target = 0.9 * min(portfolio.cash / portfolio.equity, 1.0) / len(assets)
            elif asset.target != 0.0 and asset.bars_held == 0:
                asset.target = -asset.target * portfolio.params[SHORT]
        elif asset.close > asset.entry_price * 1.03 or asset.bars_held > 9:
            asset.target = 0.0
        elif abs(asset.weight) > 0.4:
            asset.target = asset.weight * 0.5


class Wander(Strategy):
    """Hold whatever the draw says."""

    seed: int = 0
    pace: float = Field(0.3, gt=0.0, le=1.0)
    short: bool = True
    decide: ClassVar[Any] = wander

    def features(self) -> tuple[Indicator, ...]:
        return SMA(3), ROC(2)

    def memory_size(self, asset_count: int) -> int:
        return asset_count


class WanderWatching(Wander):
    """The twin that is asked bar by bar."""

    decide: ClassVar[Any] = wander_watching


class WanderPlainly(Wander):
    """The twin in plain Python."""

    decide: ClassVar[Any] = wander_plainly


class MindTheAccount(Wander):
    """Decide by what the account shows."""

    decide: ClassVar[Any] = mind_the_account


RAISE, NAN, PLUS_INFINITY, MINUS_INFINITY = 1, 2, 3, 4

FAULT, AT = 0, 1


@decision
def fail_on_order(assets: Any, portfolio: Any, memory: Any) -> None:
    """Hold everything, until the bar at which it was told to fail."""
    memory[0] += 1.0
    for asset in assets:
        asset.target = 1.0 / len(assets)
    if memory[0] == portfolio.params[AT]:
        if portfolio.params[FAULT] == RAISE:
            raise ValueError("told to fail")
        if portfolio.params[FAULT] == NAN:
            assets[0].target = math.nan
        if portfolio.params[FAULT] == PLUS_INFINITY:
            assets[0].target = math.inf
        if portfolio.params[FAULT] == MINUS_INFINITY:
            assets[0].target = -math.inf


class FailOnOrder(Strategy):
    """Fail in a chosen way at a chosen decision, counted from 1."""

    fault: int = Field(0, ge=0, le=4)
    at: int = Field(3, ge=1)
    decide: ClassVar[Any] = fail_on_order

    def memory_size(self, asset_count: int) -> int:
        return 1


def scripted(*targets: Any) -> Strategy:
    """A strategy whose targets are given: one number, or one list an asset, each bar."""

    def decide(assets: Any, portfolio: Any, memory: Any) -> None:
        row = targets[min(int(memory[0]), len(targets) - 1)]
        for asset in assets:
            asset.target = float(row[asset.index] if isinstance(row, (list, tuple)) else row)
        memory[0] += 1.0

    class Scripted(Strategy):
        """Targets from a list."""

        def memory_size(self, asset_count: int) -> int:
            return 1

    Scripted.decide = decide
    return Scripted()

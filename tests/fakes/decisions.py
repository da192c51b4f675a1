"""Strategies for tests: erratic ones that reach every corner, and ones that fail on order."""

# ruff: noqa: ARG002 - all decisions have one signature

import math
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from fanfold.domain.bars import Bars
from fanfold.domain.compiled import compiled
from fanfold.domain.decision import decision
from fanfold.strategies import Strategy
from fanfold.strategies.indicators import ROC, SMA, Column, Indicator

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


@compiled
def erratic_prices(asset: Any, portfolio: Any, before: float) -> None:
    """Now and then one of the prices of an asset's orders, near its close or none."""
    which = drawn(portfolio, asset.close * 1.37, before) * 12.0
    size = drawn(portfolio, asset.close * 0.71, before)
    side = 1.0 if asset.target >= 0.0 else -1.0
    if size > 0.9:
        side = -side
    if which < 1.0:
        asset.limit = asset.close * (1.0 + side * (0.03 - 0.08 * size))
    elif which < 2.0:
        asset.stop = asset.close * (1.0 - side * (0.03 - 0.08 * size))
    elif which < 3.0:
        asset.stop_loss = asset.close * (1.0 - side * (0.002 + 0.06 * size))
    elif which < 4.0:
        asset.take_profit = asset.close * (1.0 + side * 0.06 * size)
    elif which < 5.0:
        asset.trailing_stop = asset.close * 0.08 * size
    elif which < 6.0:
        asset.limit = math.nan
        asset.stop = math.nan
    elif which < 6.5:
        asset.stop_loss = math.nan
        asset.take_profit = math.nan
        asset.trailing_stop = math.nan


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


@decision
def wander_with_prices(assets: Any, portfolio: Any, memory: Any) -> None:
    """Erratic targets and prices from the market alone, so that it is asked ahead."""
    for asset in assets:
        asset.target = erratic(asset, portfolio, memory, len(assets))
        if asset.fresh == 1:
            erratic_prices(asset, portfolio, memory[asset.index])


@decision
def wander_with_prices_watching(assets: Any, portfolio: Any, memory: Any) -> None:
    """The same from a look at the account that changes nothing."""
    for asset in assets:
        asset.target = erratic(asset, portfolio, memory, len(assets))
        if asset.fresh == 1:
            erratic_prices(asset, portfolio, memory[asset.index])
        if asset.units == math.inf:
            asset.target = 0.0


def wander_with_prices_plainly(assets: Any, portfolio: Any, memory: Any) -> None:
    """The same from Python that is not compiled."""
    for asset in assets:
        asset.target = erratic(asset, portfolio, memory, len(assets))
        if asset.fresh == 1:
            erratic_prices(asset, portfolio, memory[asset.index])


@decision
def guard_the_account(assets: Any, portfolio: Any, memory: Any) -> None:
    """Targets and prices that hang on what a decision sees of its own account."""
    for asset in assets:
        side = 1.0 if asset.close > asset.features[0] else -1.0
        if portfolio.params[SHORT] == 0.0:
            side = 1.0
        if asset.units == 0.0 and asset.open_order_units == 0.0 and portfolio.cash > 0.0:
            asset.target = side * 0.7 / len(assets)
            asset.limit = asset.close * (1.0 - side * 0.01) if asset.bars_held == 0 else math.nan
            asset.stop_loss = asset.close * (1.0 - side * 0.03)
            asset.take_profit = asset.close * (1.0 + side * 0.04)
        elif asset.units != 0.0 and asset.bars_held > 4:
            asset.target = asset.target * 0.5
            asset.stop_loss = asset.entry_price
            asset.limit = asset.close * (1.0 + side * 0.02)
            asset.trailing_stop = asset.close * 0.02
        elif asset.realised_pnl < 0.0 and abs(asset.weight) < 0.1:
            asset.stop = asset.close * (1.0 + side * 0.01)
            asset.target = -asset.target * portfolio.params[SHORT]


class WanderWithPrices(Wander):
    """Hold whatever the draw says, with orders at a price and with exits."""

    decide: ClassVar[Any] = wander_with_prices


class WanderWithPricesWatching(Wander):
    """The twin that is asked bar by bar."""

    decide: ClassVar[Any] = wander_with_prices_watching


class WanderWithPricesPlainly(Wander):
    """The twin in plain Python."""

    decide: ClassVar[Any] = wander_with_prices_plainly


class GuardTheAccount(Wander):
    """Orders and exits at prices that hang on the account."""

    decide: ClassVar[Any] = guard_the_account


WISHES = ("target", "limit", "stop", "stop_loss", "take_profit", "trailing_stop")


@decision
def wish(assets: Any, portfolio: Any, memory: Any) -> None:
    """What the bars' extra columns say."""
    for asset in assets:
        asset.target = asset.features[0]
        asset.limit = asset.features[1]
        asset.stop = asset.features[2]
        asset.stop_loss = asset.features[3]
        asset.take_profit = asset.features[4]
        asset.trailing_stop = asset.features[5]


class Wish(Strategy):
    """Do what columns of the bars say, see `with_wishes`: scripted, yet compiled."""

    decide: ClassVar[Any] = wish

    def features(self) -> tuple[Indicator, ...]:
        return tuple(Column(name) for name in WISHES)


def with_wishes(bars: Bars, **wishes: Any) -> Bars:
    """Bars with the wishes of each bar as columns, [bar] or [bar, asset]; NaN where left out."""
    shape = bars.bar_count, bars.asset_count
    columns = {name: np.full(shape, math.nan) for name in WISHES}
    columns["target"][:] = 0.0
    for name, values in wishes.items():
        given = np.asarray(values, float)
        columns[name][:] = given if given.ndim == 2 else given[:, None]
    return replace(bars, extra={**bars.extra, **columns})


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

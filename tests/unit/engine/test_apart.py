"""Decisions that look at each asset alone are told from those that do not."""

from collections.abc import Callable
from typing import Any

import pytest

from fanfold.engine.apart import Chosen, decides_apart
from fanfold.strategies import DonchianBreakout, MomentumRotation, PairsTrading, SmaCross


def by_close(assets: Any, portfolio: Any, memory: Any) -> None:
    """One turn an asset, with a name of its own."""
    for asset in assets:
        middle = (asset.high + asset.low) / 2.0
        if asset.close > middle and asset.target == 0.0:
            asset.target = portfolio.params[0] / len(assets)


def by_memory(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        memory[0] += asset.close
        asset.target = memory[0]


def by_another(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        asset.target = 1.0 if asset.close > assets[0].close else 0.0


def by_what_was_left(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        if asset.fresh == 1:
            best = asset.close
        asset.target = best  # pyright: ignore[reportPossiblyUnboundVariable]


def by_a_sum(assets: Any, portfolio: Any, memory: Any) -> None:
    total = 0.0
    for asset in assets:
        total += asset.close
        asset.target = total


def by_the_first(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        if asset.close > 1.0:
            asset.target = 1.0
            break


def by_the_hour(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        asset.target = portfolio.minutes_to_close


OTHERS = [by_memory, by_another, by_what_was_left, by_a_sum, by_the_first, by_the_hour]


def test_a_turn_of_its_own_is_apart() -> None:
    assert decides_apart(by_close)
    assert decides_apart(SmaCross.decide)
    assert decides_apart(DonchianBreakout.decide)


@pytest.mark.parametrize("decide", [*OTHERS, PairsTrading.decide, MomentumRotation.decide])
def test_what_looks_beside_is_not(decide: Callable[..., None]) -> None:
    assert not decides_apart(decide)


def test_a_source_that_is_not_what_runs_does_not_count() -> None:
    def other(assets: Any, portfolio: Any, memory: Any) -> None:
        for asset in assets:
            asset.target = 2.0

    other.__code__ = by_memory.__code__.replace(
        co_firstlineno=other.__code__.co_firstlineno, co_name="other"
    )
    assert not decides_apart(other)


def test_some_assets_count_as_all() -> None:
    some = Chosen(["b"], 3)
    assert (len(some), [*some]) == (3, ["b"])

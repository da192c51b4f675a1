"""Limits that ask a bar's close, as in backtests: the same names, the same numbers."""

from pathlib import Path

import pytest
from tests.fakes.live_risk import World

from fanfold.live.messages import Prior

COLLAR = {"max_price_distance": 0.02}
CONFIRMED = {"outlier": 0.05}


def reason_of(world: World, goal: int = 10, **prices: float) -> str:
    refused = world.ask(0, goal, **prices)[1]
    return refused.reason if refused else ""


def test_a_price_too_far_from_the_close_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path, limits=COLLAR)
    approved, refused = world.ask(0, 10, limit=97.0)
    assert approved is None
    assert refused is not None
    assert (refused.reason, refused.bound, refused.reached) == ("price_collar", 0.02, 0.03)
    assert reason_of(world, limit=98.01) == ""


def test_the_smaller_share_of_a_days_volume_holds(tmp_path: Path) -> None:
    for share, own, allowed in ((0.01, 0.02, 100), (0.02, 0.01, 100)):
        limits, risk = {"max_daily_volume_share": own}, {"daily_volume_share": share}
        world = World(tmp_path / f"{share}", limits=limits, risk=risk)
        world.market(Prior(0, 10_000.0, 100.0, 1))
        approved, refused = world.ask(0, 150)
        assert approved is not None
        assert refused is not None
        assert (approved.goal, refused.reason, refused.bound) == (allowed, "daily_volume", 0.01)


def test_a_bar_that_jumped_opens_nothing_until_the_next_agrees(tmp_path: Path) -> None:
    world = World(tmp_path, limits=CONFIRMED, risk={"outlier": 10.0})
    world.bars(106.0, 100.0, 100.0)
    world.quote(0, 106.0)
    approved, refused = world.ask(0, 10)
    assert approved is None
    assert refused is not None
    assert (refused.reason, refused.bound) == ("unconfirmed", 0.05)
    assert refused.reached == pytest.approx(0.06)
    assert world.ask(1, 10)[1] is None
    world.bars(106.5, 100.0, 100.0)
    assert reason_of(world, 11) == ""


def test_a_jump_keeps_nothing_from_being_closed(tmp_path: Path) -> None:
    world = World(tmp_path, limits=CONFIRMED, risk={"outlier": 10.0})
    world.account(held=(10, 0, 0))
    world.bars(110.0, 100.0, 100.0)
    world.quote(0, 110.0)
    approved, refused = world.ask(0, 0)
    assert refused is None
    assert approved is not None


def test_a_split_is_no_jump(tmp_path: Path) -> None:
    world = World(tmp_path, limits=CONFIRMED, risk={"outlier": 10.0})
    world.account(held=(10, 0, 0))
    world.prices[0] = 50.0
    world.account(held=(20, 0, 0))
    world.bars(50.0, 100.0, 100.0)
    world.quote(0, 50.0)
    assert reason_of(world, 30) == ""

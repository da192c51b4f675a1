"""What risk shows of itself to people."""

import math
from pathlib import Path

from tests.fakes.live_risk import World

from fanfold.live.loop import Inspectable
from fanfold.live.messages import Quote
from fanfold.live.risk.shown import REFUSALS_MAX


def test_the_last_quotes_are_shown_by_symbol(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert isinstance(world.risk, Inspectable)
    world.market(Quote(1, world.ts + 5, 99.5, 100.5, 3.0, 4.0))
    shown = world.risk.inspect()["quotes"]
    assert list(shown) == ["A0", "A1", "A2"]
    assert shown["A1"] == [99.5, 100.5, world.ts + 5]


def test_an_asset_without_a_quote_is_not_shown(tmp_path: Path) -> None:
    world = World(tmp_path, ready=False)
    world.quote(2, 50.0)
    assert list(world.risk.inspect()["quotes"]) == ["A2"]


def test_refusals_are_shown_with_their_numbers_the_newest_last(tmp_path: Path) -> None:
    world = World(tmp_path, limits={"max_order_notional": 5_000.0})
    world.ask(0, 80)
    world.ask(7, 1)
    first, last = world.risk.inspect()["refusals"]
    assert first == [world.now, 0, "max_order_notional", 5_000.0, 8_000.0, 50]
    assert last[:3] == [world.now, 7, "unknown_asset"]
    assert math.isnan(last[3])


def test_so_many_refusals_are_kept_and_no_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(REFUSALS_MAX + 5):
        world.ask(10 + number, 1)
    told = world.risk.inspect()["refusals"]
    assert [row[1] for row in told] == list(range(15, REFUSALS_MAX + 15))


def test_what_a_breaker_lets_go_is_among_the_refusals(tmp_path: Path) -> None:
    world = World(tmp_path, limits={"max_drawdown": 0.1})
    world.ask(0, 500)
    world.fill(0, 500, 500)
    for _ in range(3):
        world.quote(0, 70.0)
    assert world.risk.inspect()["refusals"][-1][:3] == [world.now, 0, "max_drawdown"]

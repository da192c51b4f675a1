"""A split that is told changes no value; a price that is not known trips nothing."""

from pathlib import Path
from typing import Any

import pytest
from tests.fakes.live_risk import CASH, DAY, HOUR, OPEN, World

from fanfold.domain.money import MICRO
from fanfold.live.halts import latches
from fanfold.live.messages import OrderChange, Prior, Split

NIGHT = OPEN + DAY
LIMITS = {"max_drawdown": 0.02, "max_daily_loss": 0.02}


def overnight(path: Path) -> World:
    """1,000 shares at 100 of the first asset, the session over."""
    world = World(path, account={"leverage": 2.0}, limits=LIMITS)
    world.ask(0, 1_000)
    world.fill(0, 1_000, 1_000)
    world.bars(100.0, 100.0, 100.0, ts=OPEN + 7 * HOUR)
    world.ts = NIGHT
    return world


@pytest.mark.parametrize(("ratio", "held"), [(2.0, 2_000), (0.1, 100), (1.5, 1_500)])
@pytest.mark.parametrize("price_first", [True, False])
def test_a_split_that_is_told_is_no_loss(
    tmp_path: Path, ratio: float, held: int, *, price_first: bool
) -> None:
    world = overnight(tmp_path)
    if price_first:
        for _ in range(4):
            assert world.quote(0, 100.0 / ratio) == []
    assert world.execution(Split(0, NIGHT - 8 * HOUR, ratio, held)) == []
    assert world.account(0, (held, 0, 0), equity=CASH) == []
    for _ in range(4):
        assert world.quote(0, 100.0 / ratio) == []
    gauges = world.risk.statistics().gauges
    assert gauges["equity"] == pytest.approx(CASH / MICRO)
    assert latches(world.folder) == ()
    world.prices[0] = 100.0 / ratio
    assert world.ask(0, held // 2)[1] is None


def test_a_split_is_heard_once_over_restarts_too(tmp_path: Path) -> None:
    world = overnight(tmp_path)
    split = Split(0, NIGHT - 8 * HOUR, 2.0, 2_000)
    world.execution(split)
    world.execution(split)
    assert world.risk.statistics().counts["splits"] == 1
    world.risk.close()
    world.again()
    world.execution(split)
    assert world.risk.statistics().counts.get("splits", 0) == 0


def test_orders_that_rest_mean_the_same_after_a_split(tmp_path: Path) -> None:
    world = overnight(tmp_path)
    nan = float("nan")
    world.execution(OrderChange("a", 1, 0, "stop", "accepted", -1_000, nan, 90.0, 1, ""))
    world.execution(Split(0, NIGHT - 8 * HOUR, 2.0, 2_000))
    mirror: Any = vars(world.risk)["_mirror"]
    (order,) = mirror.books[0].orders.values()
    assert (order.left, order.stop) == (-2_000, 45.0)


def test_what_has_no_price_yet_is_not_taken_for_a_loss(tmp_path: Path) -> None:
    world = overnight(tmp_path)
    world.risk.close()
    world.again()
    for _ in range(2):  # nothing of the market has come
        assert world.account(0, (1_000, 0, 0), equity=CASH) == []
        world.now += 20 * 10**9
        assert not list(world.risk.tick(world.now))
    assert latches(world.folder) == ()
    world.quote(0, 100.0)
    assert world.risk.statistics().gauges["equity"] == pytest.approx(CASH / MICRO)
    assert latches(world.folder) == ()
    world.risk.close()


def test_a_close_of_the_day_before_a_split_is_restated_over_restarts_too(tmp_path: Path) -> None:
    world = overnight(tmp_path)
    world.execution(Split(0, NIGHT - 8 * HOUR, 2.0, 2_000))
    world.risk.close()
    world.again()
    world.market(Prior(0, 1e6, 100.0, OPEN + 7 * HOUR))  # no quote has come yet
    for _ in range(2):
        world.account(0, (2_000, 0, 0), equity=CASH)
        world.now += 20 * 10**9
    assert world.risk.statistics().gauges["equity"] == pytest.approx(CASH / MICRO)
    assert latches(world.folder) == ()
    mirror: Any = vars(world.risk)["_mirror"]
    assert mirror.books[0].daily_volume == 2e6

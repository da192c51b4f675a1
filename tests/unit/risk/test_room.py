"""The room that limits leave, in plain Python and in machine code."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.both_ways import both_ways

from fanfold.domain.money import MICRO, MONEY_MAX, RATE_ONE
from fanfold.risk.limits import drawdown_breached, opening_room, position_room
from fanfold.risk.room import (
    daily_loss_breached,
    liquidation_share,
    margin_breached,
    net_room,
    notional_room,
    orders_left,
    sector_room,
    volume_room,
)

OFF = math.inf
MONEY = st.integers(0, MONEY_MAX)
EQUITY = st.integers(-(10**15), 10**15)
LIMITS = st.one_of(st.floats(0.01, 100), st.just(OFF))


@pytest.mark.parametrize(
    ("net", "side", "room"),
    [(0, 1, 50), (30, 1, 20), (30, -1, 80), (-30, 1, 80), (-30, -1, 20), (60, 1, 0), (60, -1, 110)],
)
def test_the_net_limit_leaves_more_room_towards_zero(net: int, side: int, room: int) -> None:
    assert both_ways(net_room, 100, net, side, 0.5) == room


@given(equity=EQUITY, net=EQUITY, side=st.sampled_from([-1, 1]), limit=st.floats(0.01, 100))
def test_what_fits_the_net_room_stays_within_the_limit(
    equity: int, net: int, side: int, limit: float
) -> None:
    room = both_ways(net_room, equity, net, side, limit)
    assert 0 <= room <= MONEY_MAX
    if room > 0:
        assert side * (net + side * room) <= max(equity, 0) * limit


@given(equity=EQUITY, gross=MONEY, limit=LIMITS)
def test_what_fits_a_sectors_room_stays_within_the_limit(
    equity: int, gross: int, limit: float
) -> None:
    room = both_ways(sector_room, equity, gross, limit)
    assert 0 <= room <= MONEY_MAX
    if room > 0:
        assert gross + room <= equity * limit


def test_limits_that_are_off_leave_all_the_money_there_is() -> None:
    assert both_ways(net_room, 100, 0, 1, OFF) == MONEY_MAX
    assert both_ways(net_room, 100, MONEY_MAX, -1, OFF) == MONEY_MAX
    assert both_ways(sector_room, 100, 0, OFF) == MONEY_MAX
    assert both_ways(notional_room, OFF) == MONEY_MAX
    assert both_ways(volume_room, math.nan, OFF, 1) == MONEY_MAX
    assert both_ways(orders_left, 10**9, OFF) == MONEY_MAX
    assert both_ways(position_room, 100, OFF) == MONEY_MAX


def test_an_account_without_equity_has_no_room() -> None:
    assert both_ways(net_room, 0, 0, 1, OFF) == 0
    assert both_ways(sector_room, -5, 0, OFF) == 0
    assert both_ways(position_room, -5, 0.5) == 0
    assert both_ways(opening_room, -5, 0, RATE_ONE, OFF) == (0, 0)


def test_the_notional_limit_is_in_currency() -> None:
    assert both_ways(notional_room, 2_500.5) == 2_500_500_000
    assert both_ways(notional_room, 1e300) == MONEY_MAX


@pytest.mark.parametrize(
    ("volume", "share", "parts", "lots"),
    [
        (1_000.0, 0.1, 1, 100),
        (1_009.0, 0.1, 1, 100),
        (100.0, 0.29, 1, 29),  # the product is a last bit below 29
        (0.5, 0.1, 10**9, 50_000_000),
        (0.0, 0.1, 1, 0),
        (math.nan, 0.1, 1, 0),
        (-5.0, 0.1, 1, 0),
        (1e30, 0.1, 10**9, MONEY_MAX),
    ],
)
def test_an_order_may_take_its_share_of_the_usual_volume(
    volume: float, share: float, parts: int, lots: int
) -> None:
    assert both_ways(volume_room, volume, share, parts) == lots


@pytest.mark.parametrize(("count", "left"), [(0, 3), (2, 1), (3, 0), (7, 0)])
def test_orders_of_a_session_run_out(count: int, left: int) -> None:
    assert both_ways(orders_left, count, 3.0) == left


@pytest.mark.parametrize(("equity", "breached"), [(951, False), (950, True), (0, True)])
def test_a_days_loss_is_measured_from_the_last_sessions_close(
    equity: int, *, breached: bool
) -> None:
    assert both_ways(daily_loss_breached, equity * MICRO, 1_000 * MICRO, 0.05) == breached
    assert both_ways(drawdown_breached, equity * MICRO, 1_000 * MICRO, 0.05) == breached


def test_a_days_loss_that_is_off_is_never_breached() -> None:
    assert not both_ways(daily_loss_breached, 0, 1_000, OFF)
    assert not both_ways(daily_loss_breached, 0, 0, OFF)


@pytest.mark.parametrize(("equity", "breached"), [(300, False), (299, True), (-1, True)])
def test_margin_is_called_under_the_maintenance_share(equity: int, *, breached: bool) -> None:
    assert both_ways(margin_breached, equity * MICRO, 1_000 * MICRO, 0.30) == breached


def test_an_account_without_positions_meets_its_margin() -> None:
    assert not both_ways(margin_breached, 0, 0, 0.30)


@pytest.mark.parametrize(
    ("equity", "gross", "leverage", "share"),
    [(250, 1_000, 2.0, 0.5), (500, 1_000, 2.0, 0.0), (600, 1_000, 2.0, 0.0), (0, 1_000, 2.0, 1.0)],
)
def test_a_margin_call_closes_every_position_by_the_same_share(
    equity: int, gross: int, leverage: float, share: float
) -> None:
    assert both_ways(liquidation_share, equity, gross, leverage) == share


@given(equity=EQUITY, gross=MONEY, leverage=st.floats(1, 100))
def test_what_a_margin_call_leaves_fits_the_account(
    equity: int, gross: int, leverage: float
) -> None:
    share = both_ways(liquidation_share, equity, gross, leverage)
    assert 0.0 <= share <= 1.0
    # 1 - share loses what is below the last bit of 1.
    assert gross * (1.0 - share) <= max(equity, 0) * leverage + gross * 2**-52

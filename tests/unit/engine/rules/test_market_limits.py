"""Limits that ask the market: how far a price is, how much trades in a day, whether it jumped."""

from typing import Any

import pytest
from tests.unit.engine.rules.conftest import Ran, fills, flat, market, orders

from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Exposure

CALM = flat(10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}
NUMBERS = ("asked", "approved", "reason", "bound", "reached")
COLLAR = Limits(max_price_distance=0.05)
CONFIRMED = Limits(outlier=0.1)


@pytest.mark.parametrize(
    ("prices", "distance"),
    [({"limit": 9.4}, 0.06), ({"stop": 10.6}, 0.06), ({"limit": 10.2, "stop": 10.7}, 0.07)],
)
def test_a_price_too_far_from_the_close_is_refused(
    run: Ran, prices: dict[str, float], distance: float
) -> None:
    result = run([CALM] * 4, {0: LONG | prices}, limits=COLLAR)
    refused = (100.0, 0.0, "price_collar", 0.05, pytest.approx(distance))
    assert orders(result, *NUMBERS) == [refused]
    assert len(result.fills) == 0


@pytest.mark.parametrize("prices", [{}, {"limit": 9.51}, {"stop": 10.49}])
def test_a_price_within_the_collar_passes(run: Ran, prices: dict[str, float]) -> None:
    result = run([CALM] * 4, {0: LONG | prices}, limits=COLLAR)
    assert orders(result, "approved", "reason") == [(100.0, "")]


def test_a_price_that_moves_too_far_is_refused_when_it_moves(run: Ran) -> None:
    script: dict[int, Any] = {0: LONG | {"limit": 9.6}, 1: {"limit": 9.0}}
    result = run([CALM] * 4, script, limits=COLLAR)
    assert orders(result, "status", "reason") == [
        ("cancelled", "replaced"),
        ("refused", "price_collar"),
    ]


def test_no_price_is_too_far_to_close_at(run: Ran) -> None:
    script: dict[int, Any] = {0: LONG, 1: FLAT | {"limit": 10.9}}
    bars = [CALM, CALM, (10.0, 11.0, 10.0, 10.0, 1_000.0), CALM]
    result = run(bars, script, limits=COLLAR)
    assert fills(result)[1][:3] == (2, "sell", 100.0)


def test_a_days_volume_is_that_of_whole_sessions(run: Ran) -> None:
    bars = market([flat(10.0, 100.0 * (place + 1)) for place in range(8)], session_bars=2)
    limits = Limits(max_daily_volume_share=0.1)
    # Before a session has ended nothing is known, and nothing is opened.
    early = run(bars, {0: LONG}, limits=limits)
    assert orders(early, *NUMBERS) == [(100.0, 0.0, "daily_volume", 0.1, float("inf"))]
    # 100 + 200 in the first session, 300 + 400 in the second.
    for bar, most, usual in ((1, 30.0, 300.0), (2, 30.0, 300.0), (3, 50.0, 500.0)):
        result = run(bars, {bar: LONG}, limits=limits)
        assert orders(result, *NUMBERS) == [(100.0, most, "daily_volume", 0.1, 100.0 / usual)]


def test_a_days_volume_counts_the_last_twenty_sessions_that_traded(run: Ran) -> None:
    silent = (float("nan"),) * 5
    bars = market([flat(10.0, 10.0**6), *[flat(10.0, 400.0), silent] * 20, CALM, CALM])
    result = run(bars, {41: LONG}, limits=Limits(max_daily_volume_share=0.1))
    assert orders(result, "approved", "reason", "reached") == [
        (43.0, "daily_volume", 100.0 / 430.0)
    ]


def test_a_days_volume_is_in_units_as_they_trade(run: Ran) -> None:
    bars = market([flat(10.0, 500.0), flat(5.0), flat(5.0), flat(5.0)], splits={(1, 0): 2.0})
    result = run(bars, {1: LONG}, limits=Limits(max_daily_volume_share=0.05))
    # 500 units became 1,000, and 1,000 more were traded a session later.
    assert orders(result, "approved", "reached") == [(50.0, 0.1)]


def test_nothing_is_opened_on_a_jump_until_closes_agree(run: Ran) -> None:
    bars = [CALM, flat(12.0), flat(12.1), flat(12.0), flat(12.0)]
    for bar, reason in ((0, ""), (1, "unconfirmed"), (2, ""), (3, "")):
        result = run(bars, {bar: LONG}, limits=CONFIRMED)
        assert orders(result, "reason") == [(reason,)]
    result = run(bars, {1: SHORT}, limits=CONFIRMED)
    assert orders(result, *NUMBERS) == [(100.0, 0.0, "unconfirmed", 0.1, pytest.approx(0.2))]


def test_a_price_that_comes_back_has_to_be_seen_twice(run: Ran) -> None:
    bars = [CALM, flat(14.0), CALM, CALM, CALM]
    for bar, reason in ((1, "unconfirmed"), (2, "unconfirmed"), (3, "")):
        result = run(bars, {bar: LONG}, limits=CONFIRMED)
        assert orders(result, "reason") == [(reason,)]
    more = run(bars, {3: LONG}, limits=Limits(outlier=0.1, confirm=3, confirm_of=3))
    assert orders(more, "reason") == [("unconfirmed",)]


def test_a_jump_keeps_nothing_from_being_closed(run: Ran) -> None:
    bars = [CALM, CALM, flat(14.0), CALM, CALM]
    result = run(bars, {0: LONG, 2: SHORT}, limits=CONFIRMED)
    assert [each[:3] for each in fills(result)] == [(1, "buy", 100.0), (3, "sell", 100.0)]
    assert orders(result, "reason")[1:] == [("",), ("unconfirmed",)]


def test_a_split_is_no_jump(run: Ran) -> None:
    bars = market([CALM, CALM, flat(5.0), flat(5.0)], splits={(2, 0): 2.0})
    result = run(bars, {2: LONG}, limits=CONFIRMED)
    assert orders(result, "reason") == [("",)]


@pytest.mark.parametrize("limits", [COLLAR, CONFIRMED, Limits(max_daily_volume_share=0.001)])
def test_orders_sized_at_their_fill_are_asked_too(run: Ran, limits: Limits) -> None:
    options = {"size_at": "fill"}
    bars = [CALM, flat(12.0), flat(12.0), flat(12.0)]
    result = run(bars, {1: {"target": 0.5}}, limits=limits, options=options, sizing=Exposure())
    unconfirmed = limits.outlier is not None
    assert orders(result, "reason") == [("unconfirmed" if unconfirmed else "",)]


def test_limits_that_are_off_are_no_part_of_an_identity() -> None:
    assert "outlier" not in Limits().as_dict()
    assert "confirm" not in Limits(max_gross=1.0).as_dict()
    assert Limits(outlier=0.1).as_dict()["confirm_of"] == 3
    assert Limits(max_price_distance=0.1).as_dict()["max_price_distance"] == 0.1

"""Execution against the venue: each order once, whatever goes wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.live_desk import Desk, desk_at
from tests.fakes.venue_process import Venue
from tests.fakes.venue_world import in_session, world

from fanfold.live.messages import Fill


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    with world(tmp_path_factory.mktemp("live")) as started:
        in_session(started)
        yield started


@pytest.fixture
def desk(venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk_at(venue, tmp_path, monkeypatch) as made:
        yield made.armed()


def test_a_goal_becomes_one_order_and_its_fill_is_told_once(desk: Desk) -> None:
    desk.approve(10)
    desk.until(lambda: desk.of(Fill))
    desk.quiet()
    assert desk.position() == 10
    assert [fill.lots for fill in desk.of(Fill)] == [10]
    assert len(desk.orders()) == 1


POSTS = {"method": "POST", "path": "/v2/orders", "count": 1}
TROUBLES = {
    "rest_timeout_before": {},
    "rest_timeout_after": {},
    "rest_drop_before": {},
    "rest_drop_after": {},
    "rest_504_after": {},
    "rest_delay": {"delay_s": 0.8},
    "rest_error": {"status": 503, "acts": True},
    "html": {"status": 200, "acts": True},
    "rate_limit": {"headers": True, "retry_s": 0.3},
}


@pytest.mark.parametrize("kind", TROUBLES)
def test_no_trouble_on_the_way_makes_an_order_twice(desk: Desk, kind: str) -> None:
    desk.fault(kind, **POSTS, **TROUBLES[kind])
    desk.approve(10)
    is_lost = kind.endswith("_before")
    desk.until(lambda: "lost" in desk.states() if is_lost else desk.of(Fill), 15)
    desk.quiet()
    assert desk.position() == (0 if is_lost else 10)
    assert len(desk.orders()) == (0 if is_lost else 1)
    if is_lost:  # it is proven, so the goal may be asked for again
        desk.approve(10)
        desk.until(lambda: desk.of(Fill))
        desk.quiet()
        assert [order["filled_qty"] for order in desk.orders()] == ["10"]


def test_an_unknown_order_counts_at_full_size(desk: Desk) -> None:
    desk.fault("rest_timeout_after", **POSTS)
    desk.fault("lose", endpoint="trading", for_s=60)
    desk.approve(10)
    desk.approve(10)
    desk.approve(10)
    desk.until(lambda: desk.of(Fill), 15)
    desk.quiet()
    assert desk.position() == 10
    assert len(desk.orders()) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "repeat", "times": 2},
        {"kind": "reorder"},
        {"kind": "lose", "probability": 0.5},
        {"kind": "silent"},
        {"kind": "disconnect", "probability": 0.3},
        {"kind": "delay", "delay_s": 0.2, "probability": 0.5},
    ],
)
def test_a_bad_stream_changes_nothing(desk: Desk, fields: dict[str, Any]) -> None:
    desk.fault(endpoint="trading", **fields)
    goals = (5, -3, 8, 0)
    for goal in goals:
        count = len(desk.of(Fill))
        desk.until(lambda: desk.gate)
        desk.approve(goal)
        desk.until(lambda before=count: len(desk.of(Fill)) > before, 15)
    desk.quiet()
    held = sum(fill.lots for fill in desk.of(Fill))
    assert desk.position() == held
    assert len({fill.execution_id for fill in desk.of(Fill)}) == len(desk.of(Fill))

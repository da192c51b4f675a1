"""The kill switch with everything dead: orders gone, positions gone, nobody else's touched."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.live_desk import Desk, desk_at
from tests.fakes.venue_process import Venue
from tests.fakes.venue_world import go, in_session, world

from fanfold.live import kill as killing
from fanfold.live.halts import latches
from fanfold.live.kill import kill
from fanfold.live.messages import Fill

OVER = {"filled", "canceled", "expired", "rejected", "replaced"}


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    with world(tmp_path_factory.mktemp("live")) as started:
        in_session(started)
        yield started


@pytest.fixture
def desk(venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(killing, "REQUEST_S", 0.5)
    monkeypatch.setattr(killing, "KILL_S_MAX", 8.0)
    in_session(venue)
    with desk_at(venue, tmp_path, monkeypatch, execution={"external": "ignore"}) as made:
        made.trader.submit(symbol="AAPL", qty=3)  # somebody else's
        made.armed()
        made.approve(10, stop_loss=80.0, take_profit=130.0)
        made.until(lambda: made.of(Fill))
        made.approve(5, asset=1, limit=150.0)
        made.until(lambda: sum(o["status"] not in OVER for o in made.orders()) == 3)
        yield made


def dead(desk: Desk) -> None:
    """Execution goes without a word."""
    desk.made._stream.close()
    desk.made._lines.close()


def open_orders(desk: Desk) -> list[str]:
    return [o["client_order_id"] for o in desk.orders() if o["status"] not in OVER]


def test_kill_cancels_and_flattens_what_is_ours_alone(desk: Desk) -> None:
    theirs = desk.trader.submit("limit", symbol="MSFT", limit_price=1, qty=1)
    dead(desk)
    report = kill(desk.folder, "test", "a test", time.time_ns())
    assert report.flat, report
    assert (report.confirmed, report.left, report.open) == (True, (), ())
    assert desk.position() == 3
    assert open_orders(desk) == [theirs.client_order_id]
    assert [latch.name for latch in latches(desk.folder)] == ["kill"]
    count = len(desk.orders())
    again = kill(desk.folder, "test", "again", time.time_ns())
    assert again.flat
    assert len(desk.orders()) == count


TROUBLES: list[tuple[str, dict[str, Any]]] = [
    ("rate_limit", {"headers": False, "count": 2}),
    ("rest_timeout_after", {"probability": 0.2}),
    ("rest_drop_after", {"probability": 0.2}),
    ("rest_error", {"probability": 0.3, "status": 500, "acts": True}),
    ("html", {"probability": 0.3, "acts": False}),
    ("slow_cancel", {"delay_s": 30}),
    ("late_fill_after_cancel", {"count": 1}),
    ("partial_fill", {"fraction": 0.5, "count": 1}),
    ("cancel_rejected", {"count": 1}),
]


@pytest.mark.parametrize(("kind", "fields"), TROUBLES)
def test_kill_survives_what_the_broker_does(desk: Desk, kind: str, fields: dict[str, Any]) -> None:
    dead(desk)
    desk.fault(kind, **fields)
    desk.venue.control("clock", {"speed": 60})
    try:
        report = kill(desk.folder, "test", "a test", time.time_ns())
    finally:
        desk.venue.control("clock", {"speed": 0})
        desk.venue.control("faults", method="DELETE")
    assert report.flat, report
    assert desk.position() == 3
    assert desk.position("MSFT") == 0
    assert open_orders(desk) == []


def test_kill_outside_hours_queues_and_says_not_flat(desk: Desk) -> None:
    dead(desk)
    go(desk.venue, "20:30")
    report = kill(desk.folder, "test", "a test", time.time_ns())
    assert not report.flat
    assert report.confirmed
    assert report.left == (("AAPL", 10),)
    assert len(report.queued) == 1
    again = kill(desk.folder, "test", "again", time.time_ns())
    assert again.queued == report.queued
    go(desk.venue, "09:32")
    assert desk.position() == 3
    assert kill(desk.folder, "test", "and again", time.time_ns()).flat


def test_kill_says_so_where_the_broker_is_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    dead(desk)
    monkeypatch.setattr(killing, "KILL_S_MAX", 0.5)
    plan = desk.plan.model_copy(
        update={
            "addresses": desk.plan.addresses.model_copy(update={"rest_url": "http://127.0.0.1:9"})
        }
    )
    desk.folder.plan.write_text(plan.model_dump_json())
    report = kill(desk.folder, "test", "a test", time.time_ns())
    assert not report.flat
    assert not report.confirmed
    assert report.troubles == ("ConnectionRefusedError",)
    assert [latch.name for latch in latches(desk.folder)] == ["kill"]


def test_kill_with_other_keys_says_so_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    dead(desk)
    monkeypatch.setattr(killing, "KILL_S_MAX", 60.0)
    monkeypatch.setenv("APCA_API_SECRET_KEY", "another")
    report = kill(desk.folder, "test", "a test", time.time_ns())
    assert (report.flat, report.confirmed) == (False, False)
    assert report.troubles == ("status 401: the keys must be those of this account",)
    assert report.seconds < 30.0
    assert [latch.name for latch in latches(desk.folder)] == ["kill"]


def test_a_living_execution_learns_what_the_kill_did(desk: Desk) -> None:
    report = kill(desk.folder, "test", "a test", time.time_ns())
    assert report.flat
    desk.hear(desk.made.disarm("kill", time.time_ns()))
    desk.until(lambda: sum(fill.lots for fill in desk.of(Fill)) == 0)
    desk.run(0.7)
    assert desk.gate
    assert desk.held() == [0, 0, 0]
    assert {fill.role for fill in desk.of(Fill)} == {"entry", "flatten"}


def test_a_kill_without_a_journal_goes_by_names(desk: Desk) -> None:
    dead(desk)
    folder = dataclasses.replace(desk.folder, path=desk.folder.path.with_name("moved"))
    folder.path.mkdir()
    folder.plan.write_bytes(desk.folder.plan.read_bytes())
    report = kill(folder, "test", "a test", time.time_ns())
    assert report.flat
    assert desk.position() == 3
    assert open_orders(desk) == []

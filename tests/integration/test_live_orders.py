"""Lives of orders at the venue: protection, cancels, parts, restarts, latches, the gate."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.live_desk import Desk, desk_at
from tests.fakes.venue_process import Venue
from tests.fakes.venue_world import in_session, world

from fanfold.errors import LiveError
from fanfold.live.execution.ids import client_order_id
from fanfold.live.halts import Latch, ask_reset, latches, reset, set_latch
from fanfold.live.messages import AccountState, Fill, OrderChange


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    with world(tmp_path_factory.mktemp("live")) as started:
        in_session(started)
        yield started


@pytest.fixture
def desk(venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk_at(venue, tmp_path, monkeypatch) as made:
        yield made.armed()


def bought(desk: Desk, lots: int, **fields: Any) -> None:
    desk.approve(lots, **fields)
    desk.until(lambda: sum(fill.lots for fill in desk.of(Fill)) == lots)


def working(desk: Desk) -> list[tuple[str, str, str]]:
    """Side, type and quantity of what is open at the venue."""
    over = {"filled", "canceled", "expired", "rejected", "replaced"}
    return sorted(
        (one["side"], one["type"], one["qty"]) for one in desk.orders() if one["status"] not in over
    )


def test_a_reversal_closes_first_and_then_opens(desk: Desk) -> None:
    bought(desk, 10)
    desk.approve(-5)
    desk.until(lambda: len(desk.of(Fill)) == 3)
    desk.quiet()
    assert [fill.lots for fill in desk.of(Fill)] == [10, -10, -5]
    assert desk.position() == -5


def test_protection_rests_at_the_venue_and_gives_way_to_an_exit(desk: Desk) -> None:
    bought(desk, 10, stop_loss=80.0, take_profit=130.0)
    desk.until(lambda: len(working(desk)) == 2)
    assert [row[0] for row in working(desk)] == ["sell", "sell"]
    desk.approve(0, stop_loss=80.0, take_profit=130.0)
    desk.until(lambda: desk.position() == 0)
    desk.quiet()
    assert working(desk) == []
    assert sum(fill.lots for fill in desk.of(Fill)) == 0


def test_a_resting_order_is_changed_not_doubled(desk: Desk) -> None:
    desk.approve(10, limit=90.0)
    desk.until(lambda: "accepted" in desk.states())
    desk.approve(10, limit=91.0)
    desk.until(lambda: any(one["limit_price"] == "91" for one in desk.orders()))
    desk.run(0.3)
    assert working(desk) == [("buy", "limit", "10")]
    desk.approve(0)
    desk.until(lambda: not working(desk))
    desk.quiet()
    assert desk.position() == 0


CANCELS = ["slow_cancel", "cancel_rejected", "late_fill_after_cancel", "slow_acceptance"]


@pytest.mark.parametrize("kind", CANCELS)
def test_a_cancel_that_goes_wrong_leaves_no_order_and_no_difference(desk: Desk, kind: str) -> None:
    fields = {"delay_s": 0.2} if kind.startswith("slow") else {}
    desk.fault(kind, count=1, **fields)
    desk.approve(10, limit=90.0)
    desk.until(lambda: {"accepted", "pending"} & set(desk.states()))
    desk.approve(0)
    for _ in range(20):
        desk.venue.advance(1)
        desk.run(0.05)
    desk.quiet()
    assert sum(fill.lots for fill in desk.of(Fill)) == desk.position()
    assert working(desk) == [] or kind == "cancel_rejected"


@pytest.mark.parametrize("kind", ["rest_timeout_after", "rest_drop_before", "rate_limit", "html"])
def test_a_cancel_without_an_answer_is_repeated(desk: Desk, kind: str) -> None:
    fields = {"headers": False} if kind == "rate_limit" else {}
    desk.approve(10, limit=90.0)
    desk.until(lambda: "accepted" in desk.states())
    desk.fault(kind, method="DELETE", count=2, **fields)
    desk.approve(0)
    desk.until(lambda: not working(desk), 15)
    desk.until(lambda: "canceled" in desk.states())
    assert desk.position() == 0


def test_a_part_that_fills_is_told_as_such(desk: Desk) -> None:
    desk.fault("partial_fill", fraction=0.3, count=1)
    desk.approve(10)
    desk.until(lambda: desk.of(Fill))
    for _ in range(5):
        desk.venue.advance(60)
        desk.run(0.05)
    desk.quiet()
    assert desk.position() == sum(fill.lots for fill in desk.of(Fill)) == 10
    in_session(desk.venue)


def test_a_refusal_has_a_name_and_is_not_repeated_for_ever(desk: Desk) -> None:
    desk.approve(5_000)
    desk.until(lambda: "rejected" in desk.states())
    desk.run(0.5)
    refused = [change for change in desk.of(OrderChange) if change.state == "rejected"]
    assert refused[-1].reason.startswith("buying_power: ")
    assert len(refused) <= 2


def test_after_a_restart_an_order_on_its_way_is_found_not_sent_again(desk: Desk) -> None:
    desk.fault("rest_timeout_after", method="POST", path="/v2/orders", count=1)
    desk.fault("lose", endpoint="trading", for_s=30)
    desk.approve(10)
    assert desk.states()[-1] == "sending"
    desk.restart()
    desk.armed()
    desk.until(lambda: desk.of(Fill))
    desk.quiet()
    assert desk.position() == 10
    assert len(desk.orders()) == 1
    desk.approve(10)
    desk.run(0.3)
    assert len(desk.orders()) == 1


def test_arming_again_tells_the_account_after_its_fills(desk: Desk) -> None:
    bought(desk, 10)
    desk.made.disarm("looked at", time.time_ns())
    known = len(desk.of(AccountState))
    desk.armed()
    desk.until(lambda: len(desk.of(AccountState)) > known)
    assert desk.of(AccountState)[known].held[0] == 10


def test_what_happened_while_nothing_ran_is_caught_up(desk: Desk) -> None:
    bought(desk, 10, stop_loss=99.5)
    desk.until(lambda: working(desk))
    desk.made.disarm("stopped", time.time_ns())
    desk.made._stream.close()
    desk.venue.advance(480)  # the wave passes the stop
    assert desk.position() == 0
    desk.restart()
    desk.armed()
    desk.quiet()
    assert sum(fill.lots for fill in desk.of(Fill)) == 0
    in_session(desk.venue)


def test_under_a_latch_only_what_lessens_goes_and_under_kill_nothing(desk: Desk) -> None:
    bought(desk, 10)
    set_latch(desk.folder, Latch(name="max_drawdown", reason="test", by="test", at=1))
    desk.approve(20)
    desk.approve(-5)
    desk.until(lambda: desk.position() == 0)
    desk.run(0.3)
    assert desk.position() == 0
    assert len(desk.orders()) == 2
    code = ask_reset(desk.folder, "max_drawdown", time.time_ns())
    reset(desk.folder, "max_drawdown", code, "test", time.time_ns())
    bought(desk, 7) if not desk.of(Fill)[-1].held else None
    set_latch(desk.folder, Latch(name="kill", reason="test", by="test", at=1))
    desk.approve(0)
    desk.run(0.3)
    assert desk.position() == 7


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"epoch": 2}, "epoch"),
        ({"approved_at": 0}, "age"),
        ({"reference": float("nan")}, "reference"),
        ({"asset": 2, "goal": -1}, "not_shortable"),
        ({"reduce_only": True}, "reduce_only"),
    ],
)
def test_the_last_look_refuses_by_name(desk: Desk, fields: dict[str, Any], reason: str) -> None:
    desk.approve(**{"goal": 10, **fields})
    desk.run(0.1)
    assert desk.orders() == []
    assert desk.of(OrderChange)[-1].reason.startswith(reason)


def test_without_the_stream_no_order_goes(desk: Desk) -> None:
    desk.fault("refuse_upgrade", status=429, for_s=30)
    desk.made._stream.restart()
    desk.until(lambda: not desk.gate)
    desk.approve(10)
    assert desk.orders() == []
    assert "stream" in desk.reason
    desk.venue.control("faults", method="DELETE")
    desk.until(lambda: desk.gate)
    bought(desk, 10)


def test_without_the_lease_nothing_is_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.made._rights._lease = None
    desk.made._rights._again_at = time.monotonic() + 60
    desk.approve(10)
    desk.run(0.2)
    assert desk.orders() == []
    assert not desk.gate


def test_a_position_by_another_hand_sets_a_latch(desk: Desk) -> None:
    desk.trader.submit(qty=3)
    desk.until(lambda: not desk.gate, 15)
    assert [latch.name for latch in latches(desk.folder)] == ["reconcile"]
    assert "AAPL" in desk.reason
    desk.approve(10)
    desk.run(0.2)
    assert len(desk.orders()) == 1


@pytest.mark.parametrize(("mode", "held"), [("ignore", 0), ("adopt", 3)])
def test_positions_from_before_are_kept_apart_or_taken_over(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, held: int
) -> None:
    with desk_at(venue, tmp_path, monkeypatch, execution={"external": mode}) as desk:
        desk.trader.submit(qty=3)
        desk.armed()
        assert desk.held()[0] == held
        desk.approve(5)
        desk.until(lambda: desk.position() == 5 + 3 - held)
        desk.approve(0)
        desk.until(lambda: desk.position() == 3 - held)
        desk.run(0.5)
        assert desk.gate


def test_positions_from_before_are_refused_by_default(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_at(venue, tmp_path, monkeypatch) as desk:
        desk.trader.submit(qty=3)
        desk.hear(desk.made.arm(1, time.time_ns()))
        desk.until(lambda: "not ours" in desk.reason)
        desk.trader.raw("DELETE", "/positions/AAPL")
        desk.until(lambda: desk.gate, 15)


def test_orders_of_another_deployment_close_the_gate(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_at(venue, tmp_path, monkeypatch) as desk:
        other = client_order_id("PA1", "other", "deadbeef", "AAPL", 1, "entry", 0)
        desk.trader.submit("limit", limit_price=1, client_order_id=other)
        desk.hear(desk.made.arm(1, time.time_ns()))
        desk.until(lambda: "another deployment" in desk.reason)


def test_coins_are_held_less_the_brokers_fee(desk: Desk) -> None:
    desk.approve(10**8, asset=2)
    desk.until(lambda: desk.of(Fill))
    desk.until(lambda: desk.held()[2] not in (0, 10**8), 15)
    assert desk.gate
    assert desk.held()[2] == 99_750_000
    desk.approve(0, asset=2)
    desk.until(lambda: desk.position("BTCUSD") == 0)
    desk.run(0.5)
    assert desk.gate
    assert desk.held()[2] == 0


def full(*_: object) -> None:
    raise LiveError("disk full")


def test_what_cannot_be_written_down_does_not_leave(desk: Desk) -> None:
    bought(desk, 10)
    desk.made._book.journal.put = full  # type: ignore[method-assign]
    desk.approve(20)
    desk.run(0.2)
    assert len(desk.orders()) == 1
    assert [latch.name for latch in latches(desk.folder)] == ["journal"]
    assert not desk.gate


def test_where_the_journal_is_full_an_order_is_in_the_outbox_and_no_other_leaves(
    desk: Desk,
) -> None:
    bought(desk, 10)
    desk.made._book.journal.enter = full  # type: ignore[method-assign]
    desk.approve(20)
    desk.approve(30)
    desk.run(0.2)
    names = [order["client_order_id"] for order in desk.orders()]
    assert len(names) == 2
    assert [latch.name for latch in latches(desk.folder)] == ["journal"]
    assert not desk.gate
    desk.restart()
    known = desk.made._book.journal.order(names[0])
    assert known is not None
    assert (known.lots, known.state) == (10, "unknown")
    desk.armed()
    desk.until(lambda: desk.made._book.held[0] == 20)


def test_no_key_is_in_anything_that_can_be_shown(desk: Desk) -> None:
    made = desk.made
    shown = [
        made,
        made._lines,
        made._stream,
        made._sending._writer,
        made.statistics(),
        made.inspect(),
    ]
    text = " ".join(repr(one) for one in shown) + json.dumps(made.inspect())
    assert desk.trader.key not in text
    assert "made-up-secret" not in text

"""Orders that are about to leave: on the system's side of a kill before their first byte."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.unit.live.execution.test_journal import APPROVED, ORDER, OWN, opened

from fanfold.errors import LiveError
from fanfold.live.execution.journal import Journal
from fanfold.live.execution.outbox import SIZE, Leaving, Outbox
from fanfold.live.execution.states import State

SENDING = replace(ORDER, state=State.SENDING)
OUTBOX = "journal.db.outbox"
ONE = Leaving(SENDING, 5, APPROVED)


def named(number: int) -> Leaving:
    return Leaving(replace(SENDING, client_order_id=f"o{number}"), number, None)


def test_what_was_put_is_read_in_its_order(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "out")
    assert outbox.left() == []
    for number in range(3):
        assert outbox.put(named(number))
    again = Outbox(tmp_path / "out")
    assert again.left() == [named(number) for number in range(3)]
    outbox.entered()
    outbox.put(ONE)
    assert repr(again.left()) == repr([ONE])  # NaN is not equal to itself
    outbox.close()
    again.close()


def test_an_order_that_is_not_whole_has_not_left(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "out")
    for number in range(2):
        outbox.put(named(number))
    content = bytearray((tmp_path / "out").read_bytes())
    content[outbox._used - 1] ^= 1
    (tmp_path / "out").write_bytes(content)
    outbox.close()
    again = Outbox(tmp_path / "out")
    assert again.left() == [named(0)]
    again.close()


@pytest.mark.parametrize("content", [b"\xff" * SIZE, b"\x01\x00\x00\x00" * 99, b"no outbox"])
def test_anything_in_the_file_is_no_order(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "out").write_bytes(content)
    outbox = Outbox(tmp_path / "out")
    assert outbox.left() == []
    outbox.close()


def test_a_full_outbox_takes_no_more_until_it_is_entered(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "out")
    long = replace(SENDING, reason="x" * (SIZE // 2))
    assert outbox.put(Leaving(long, 1, None))
    assert not outbox.put(Leaving(long, 2, None))
    outbox.entered()
    assert outbox.put(Leaving(long, 2, None))
    outbox.close()


def test_no_file_is_no_outbox(tmp_path: Path) -> None:
    with pytest.raises(LiveError, match="before they leave"):
        Outbox(tmp_path / "nowhere" / "out")


def test_an_order_is_in_the_outbox_first_and_then_in_the_journal(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    reader = Journal.read(tmp_path / "journal.db")
    journal.put(SENDING, 5, APPROVED)
    assert reader.open_orders() == []
    journal.enter()
    assert reader.open_orders() == [SENDING]
    assert repr(reader.approvals()) == repr({3: APPROVED})
    reader.close()
    journal.close()


def test_whatever_is_asked_of_the_journal_knows_what_is_in_the_outbox(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.put(SENDING, 5)
    assert journal.order("a") == SENDING
    journal.put(replace(SENDING, client_order_id="b", event_ts=80), 6)
    journal.note(replace(SENDING, client_order_id="b", event_ts=80, reason="late"), 7, "told")
    assert [order.client_order_id for order in journal.open_orders()] == ["a", "b"]
    assert journal.revision_for(3, 80, "entry") == 1
    journal.close()


def test_a_name_that_may_be_there_is_entered_before_it_leaves(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.put(SENDING, 5)
    with pytest.raises(LiveError, match="written down first"):
        journal.put(SENDING, 6)
    reader = Journal.read(tmp_path / "journal.db")
    journal.put(replace(SENDING, client_order_id="b", revision=1), 7)
    assert [order.client_order_id for order in reader.open_orders()] == ["a", "b"]
    reader.close()
    journal.close()


def test_more_than_the_outbox_holds_is_entered_in_between(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    reason = "x" * (SIZE // 3)
    names = [f"o{number}" for number in range(5)]
    for place, name in enumerate(names):
        journal.put(
            replace(SENDING, client_order_id=name, event_ts=70 + place, reason=reason), place
        )
    huge = replace(SENDING, client_order_id="huge", event_ts=99, reason="x" * 2 * SIZE)
    journal.put(huge, 9)
    journal.close()
    again = opened(tmp_path)
    assert [order.client_order_id for order in again.open_orders()] == [*names, "huge"]
    again.close()


def test_an_outbox_of_another_journal_is_not_read(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.put(SENDING, 5)
    journal.close()
    (tmp_path / "journal.db").unlink()
    again = opened(tmp_path)
    assert again.open_orders() == []
    again.close()


def killed_after_put(folder: str) -> None:
    journal = Journal.opened(Path(folder) / "journal.db", **OWN)
    journal.approved(replace(APPROVED, number=6))
    journal.put(SENDING, 5, APPROVED)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_kill_right_after_it_was_put_loses_no_order(tmp_path: Path) -> None:
    code = "import sys; from tests.unit.live.execution.test_outbox import killed_after_put as do"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; do(sys.argv[1])", str(tmp_path)], check=False
    )
    assert run.returncode == -signal.SIGKILL
    reader = Journal.read(tmp_path / "journal.db")
    assert reader.open_orders() == []
    reader.close()
    journal = opened(tmp_path)
    assert journal.open_orders() == [SENDING]
    assert journal.approvals()[3].number == 7
    assert journal.revision_for(3, 70, "entry") == 1
    journal.close()
    again = opened(tmp_path)  # what is entered already is not entered again
    assert len(again.open_orders()) == 1
    again.close()

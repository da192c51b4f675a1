import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from fanfold.errors import ConfigError, DataError, LiveError
from fanfold.live.execution.journal import Journal
from fanfold.live.execution.orders import apply_execution, happened
from fanfold.live.execution.records import Execution, Order
from fanfold.live.execution.states import Event, State
from fanfold.live.messages import ApprovedOrder

ORDER = Order(
    client_order_id="a", number=7, event_ts=70, asset=3, role="entry", revision=0, side=-1,
    lots=100, parts=1, type="market", time_in_force="day", created_at=5,
)  # fmt: skip
APPROVED = ApprovedOrder(
    number=7, event_ts=70, asset=3, goal=-100, most=100, limit=float("nan"), stop=1.0,
    stop_loss=2.0, take_profit=3.0, reference=4.0, reduce_only=False, approved_at=5, epoch=6,
)  # fmt: skip
OWN = {"account": "PA1", "deployment": "sma", "tag": "t1"}


def opened(folder: Path) -> Journal:
    return Journal.opened(folder / "journal.db", **OWN)


def filled(order: Order, lots: int, name: str = "x1") -> tuple[Order, tuple[Execution, ...]]:
    change = apply_execution(order, name, lots=lots, price=2_000_000, ts=9)
    return change.order, change.executions


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.approved(APPROVED)
    journal.intend(ORDER, 5)
    order, executions = filled(happened(ORDER, Event.SENT).order, 40)
    assert journal.note(order, 6, "fill", executions) == executions
    assert journal.note(order, 6, "fill", executions) == ()
    journal.keep("looked", "8")
    journal.log("gate", "closed", 9)
    journal.close()
    again = opened(tmp_path)
    assert again.open_orders() == [order]
    assert again.orders_for(APPROVED) == [order]
    assert again.order("a") == order
    assert again.order("b") is None
    assert again.held() == {3: -40}
    assert again.executions() == list(executions)
    assert repr(again.approvals()) == repr({3: APPROVED})  # NaN is not equal to itself
    assert again.kept("looked") == "8"
    assert [event[2] for event in again.events()] == ["fill", "fill", "gate"]
    assert again.revision_for(3, 70, "entry") == 1
    assert again.revision_for(3, 70, "exit") == 0
    again.close()


def test_an_order_is_written_with_its_approval_or_not_at_all(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.intend(ORDER, 5)
    with pytest.raises(LiveError, match="written down first"):
        journal.intend(ORDER, 5, APPROVED)
    assert journal.approvals() == {}
    journal.intend(replace(ORDER, client_order_id="b"), 6, APPROVED)
    assert repr(journal.approvals()) == repr({3: APPROVED})
    journal.close()


def test_revisions_go_on_after_a_restart(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for number, name in enumerate("abc"):
        assert journal.revision_for(3, 70, "entry") == number
        journal.intend(replace(ORDER, client_order_id=name), 5)
    journal.note(replace(ORDER, client_order_id="d", event_ts=90), 6, "adopted")
    journal.close()
    again = opened(tmp_path)
    found = [again.revision_for(3, ts, "entry") for ts in (69, 70, 80, 90, 91)]
    assert found == [0, 3, 0, 1, 0]
    assert again.revision_for(2, 70, "entry") == 0
    again.close()


def test_over_orders_are_kept_with_their_approval_only(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    over = replace(ORDER, state=State.REJECTED)
    journal.intend(ORDER, 5)
    journal.note(over, 6, "rejected")
    assert journal.open_orders() == []
    assert journal.orders_for(APPROVED) == [over]
    assert journal.orders_for(replace(APPROVED, number=8)) == []
    assert journal.load(since=6) == []
    assert journal.load() == [over]
    journal.close()


def test_a_name_is_intended_once(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.intend(ORDER, 5)
    with pytest.raises(LiveError, match="must be written down first"):
        journal.intend(ORDER, 6)
    journal.close()


def test_a_newer_approval_takes_an_older_ones_place_and_not_the_other_way(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for number in (7, 9, 8):
        journal.approved(replace(APPROVED, number=number))
    assert journal.approvals()[3].number == 9
    journal.close()


def test_a_stop_that_fills_spends_the_approval_until_the_next(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.approved(APPROVED)
    stop = replace(ORDER, client_order_id="s", role="stop", side=1, state=State.ACCEPTED)
    assert not journal.is_spent(3)
    order, executions = filled(stop, 10)
    journal.note(order, 6, "fill", executions)
    journal.approved(APPROVED)  # told again
    journal.close()
    journal = opened(tmp_path)
    assert journal.is_spent(3)
    journal.approved(replace(APPROVED, number=8))
    assert not journal.is_spent(3)
    assert not journal.is_spent(99)
    journal.close()


def test_units_of_a_split_are_booked_once(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    split = Execution(
        execution_id="split:3:1", client_order_id="", asset=3, role="split", ts=1, lots=50,
        price=0, amount=0, told=0,
    )  # fmt: skip
    assert journal.execution(split, 1)
    assert not journal.execution(split, 1)
    assert journal.held() == {3: 50}
    journal.close()


def test_another_process_reads_and_does_not_write(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.intend(ORDER, 5)
    reader = Journal.read(tmp_path / "journal.db")
    assert (reader.account, reader.deployment, reader.tag) == ("PA1", "sma", "t1")
    assert reader.open_orders() == [ORDER]
    order, executions = filled(ORDER, 10)
    journal.note(order, 6, "fill", executions)
    assert reader.held() == {3: -10}
    with pytest.raises(LiveError, match="must be written"):
        reader.intend(replace(ORDER, client_order_id="b"), 6)
    with pytest.raises(LiveError, match="one writer"):
        opened(tmp_path)
    reader.close()
    journal.close()


@pytest.mark.parametrize("key", ["account", "deployment", "tag"])
def test_a_journal_is_of_one_deployment(tmp_path: Path, key: str) -> None:
    opened(tmp_path).close()
    with pytest.raises(ConfigError, match=f"must be of {key}"):
        Journal.opened(tmp_path / "journal.db", **(OWN | {key: "other"}))
    opened(tmp_path).close()  # the lock was let go


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there must be a journal"):
        Journal.read(tmp_path / "journal.db")
    (tmp_path / "journal.db").write_bytes(b"no database at all, but long enough to look at" * 99)
    with pytest.raises(DataError, match="was not"):
        opened(tmp_path)
    (tmp_path / "journal.db").unlink()
    other = sqlite3.connect(tmp_path / "journal.db")
    other.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    other.close()
    with pytest.raises(DataError, match="another file"):
        opened(tmp_path)


def intend_many(journal: Journal) -> None:
    for number in range(1_000):
        journal.intend(replace(ORDER, client_order_id=f"a{number}"), 5)


def test_a_full_disk_raises_and_the_journal_goes_on_when_there_is_room(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LiveError, match="full"):
        intend_many(journal)
    written = len(journal.open_orders())
    order, executions = filled(replace(ORDER, reason="x" * 9_000), 10)
    with pytest.raises(LiveError, match="full"):
        journal.note(order, 5, "fill", executions)
    assert journal.held() == {}
    journal._connection.execute("PRAGMA max_page_count = 100000")
    journal.note(order, 5, "fill", executions)
    assert len(journal.open_orders()) == written + 1
    assert journal.held() == {3: -10}
    journal.tidy()
    journal.close()


WRITER = """
import sys
from pathlib import Path
from msgspec.structs import replace
from tests.unit.live.execution.test_journal import ORDER, filled, opened
journal = opened(Path(sys.argv[1]))
for number in range(10**6):
    order = replace(ORDER, client_order_id=f"a{number}")
    journal.intend(order, number)
    order, executions = filled(order, 1, f"x{number}")
    journal.note(order, number, "fill", executions)
    print(number, flush=True)
"""


def test_a_writer_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    for pause_lines in (1, 200):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(pause_lines)]
        writer.send_signal(signal.SIGKILL)
        said += [int(line) for line in writer.stdout.read().splitlines() if line.strip()]
        writer.wait()
        writer.stdout.close()
        journal = opened(tmp_path)
        names = {order.client_order_id for order in journal.load()}
        assert {f"a{number}" for number in said} <= names
        assert -journal.held()[3] == len(journal.executions()) >= len(said)
        assert journal._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        journal.close()
        for left in tmp_path.iterdir():
            left.unlink()

"""A deployment's desk: what it shows of files alone, and of what components say."""

import json
import shutil
from pathlib import Path

import pytest
from tests.fakes.served import halted, made_order, trade, written

from fanfold.errors import DataError
from fanfold.live.execution.journal import Journal
from fanfold.live.folder import Folder
from fanfold.live.plan import read_plan
from fanfold.serving.state import Money
from fanfold.workflows.live import desk as module
from fanfold.workflows.live.booked import FILLS_MAX
from fanfold.workflows.live.desk import PARITY, DeploymentDesk

NAN = float("nan")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return written(tmp_path)


def opened(folder: Folder) -> Journal:
    tag = read_plan(folder).tag
    return Journal.opened(folder.journal, account="PA1", deployment=folder.name, tag=tag)


def test_with_everything_dead_the_files_are_shown(folder: Folder) -> None:
    state = DeploymentDesk(folder).state()
    assert (state.status, state.supervisor, state.gate) == ("down", "down", "unknown")
    assert {one.state for one in state.components} == {"down"}
    assert state.money == Money()
    assert [(one.symbol, one.units, one.value) for one in state.positions] == [("AAPL", 2.0, None)]
    assert [one.client_order_id for one in state.orders] == ["open-1"]
    assert [one.ts for one in state.fills] == [2 * 10**9, 10**9]
    halted(folder)
    assert DeploymentDesk(folder).state().status == "halted"


def test_what_is_booked_is_seen_at_the_next_look(folder: Folder) -> None:
    desk, journal = DeploymentDesk(folder), opened(folder)
    assert desk.state().positions[0].units == 2.0
    for number in range(10, 15):
        trade(journal, number, lots=1)
        assert desk.state().positions[0].units == number - 7
    journal.intend(made_order("open-2", number=100), 1)
    assert [one.client_order_id for one in desk.state().orders] == ["open-2", "open-1"]
    journal.close()


def test_fills_are_the_newest_and_bounded(folder: Folder) -> None:
    desk, journal = DeploymentDesk(folder), opened(folder)
    for number in range(10, 10 + FILLS_MAX + 20):
        trade(journal, number, lots=-1 if number % 2 else 1)
    journal.close()
    found = desk.fills(FILLS_MAX * 2)
    assert len(found) == FILLS_MAX
    assert [one.ts for one in found] == sorted((one.ts for one in found), reverse=True)
    assert {one.side for one in found} == {"buy", "sell"}
    assert len(desk.state().fills) == 50
    assert desk.fills(3) == found[:3]


def test_a_deployment_that_begins_anew_shows_nothing_of_before(folder: Folder) -> None:
    desk = DeploymentDesk(folder)
    assert desk.state().positions
    root = folder.path.parent
    folder.path.rename(root / "aside")
    with pytest.raises(DataError, match="must be a deployment's plan"):
        desk.state()
    written(root, fill_count=0)
    (root / "demo" / "journal.db").unlink()
    for beside in (root / "demo").glob("journal.db-*"):
        beside.unlink()
    state = desk.state()
    assert (state.positions, state.orders, state.fills) == ([], [], [])
    shutil.rmtree(root / "aside")


def test_a_damaged_journal_is_told_and_the_rest_is_shown(folder: Folder) -> None:
    folder.journal.write_bytes(b"no database at all, but long enough to be looked at" * 10)
    state = DeploymentDesk(folder).state()
    assert state.gate.startswith("closed: ")
    assert state.positions == []


def test_what_risk_says_becomes_rows() -> None:
    known = {
        "quotes": {"AAPL": [99.0, 101.0, 7], "BTC/USD": [NAN, 5.0, 8]},
        "refusals": [[1, 0, "stale", NAN, NAN, 0.0], [2, 1, "max_position", 0.2, 0.3, 4.0]],
    }
    quotes = module._quotes(known)
    assert [(one.symbol, one.bid, one.ask, one.ts) for one in quotes] == [
        ("AAPL", 99.0, 101.0, 7),
        ("BTC/USD", None, 5.0, 8),
    ]
    money = module._money({"equity": 90.0, "peak": 100.0, "day_start": 95.0, "cash": 10.0})
    assert money.drawdown == pytest.approx(0.1)
    assert money.pnl_day == -5.0
    assert module._money({"equity": 0.0, "peak": 0.0}) == Money()


def test_refusals_come_the_newest_first_with_their_numbers(folder: Folder) -> None:
    known = {"refusals": [[1, 0, "stale", NAN, NAN, 0.0], [2, 1, "max_position", 0.2, 0.3, 4.0]]}
    found = module._refusals(read_plan(folder), known)
    assert [(one.symbol, one.reason, one.bound, one.reached) for one in found] == [
        ("BTC/USD", "max_position", 0.2, 0.3),
        ("AAPL", "stale", None, None),
    ]


def test_positions_are_valued_at_the_quotes_middle(folder: Folder) -> None:
    plan, desk = read_plan(folder), DeploymentDesk(folder)
    quotes = module._quotes({"quotes": {"AAPL": [99.0, 101.0, 7]}})
    booked = desk._books.read(plan)
    (row,) = module._positions(plan, booked, quotes, Money(equity=1_000.0))
    assert (row.price, row.value, row.share) == (100.0, 200.0, 0.2)


def test_the_last_audit_of_parity_is_shown(folder: Folder) -> None:
    desk = DeploymentDesk(folder)
    assert desk.comparison() is None
    content = {"at": 5, "status": "ok", "legs": [{"name": "replay", "verdict": "equal"}]}
    (folder.record / PARITY).write_text(json.dumps(content))
    found = desk.comparison()
    assert found is not None
    assert (found.status, found.at, found.legs[0]["verdict"]) == ("ok", 5, "equal")
    (folder.record / PARITY).write_bytes(b"{")
    with pytest.raises(DataError, match="must be an audit"):
        desk.comparison()


def test_limits_are_the_jobs_and_those_of_live(folder: Folder) -> None:
    limits = DeploymentDesk(folder).limits()
    assert limits["max_drawdown"] == 0.3
    assert limits["live"]["orders_per_second"] == 50

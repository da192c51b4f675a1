"""Files that are damaged: what can still be done is done, and the rest is said in one line."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import DataError, LiveError
from fanfold.live.folder import Folder
from fanfold.live.halts import latches
from fanfold.live.messages import UNREADABLE, decode
from fanfold.live.plan import read_plan
from fanfold.live.registry import enter, entry_of, seen_entry
from fanfold.live.supervision import report_of
from fanfold.live.wires import addresses_file, read_addresses
from fanfold.workflows.live.stop import down, kill, what_stays

DAMAGED = (b"", b"{", b'{"deployment": "demo"}', b"\xff\x00" * 99, b"[" * 10_000)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "demo")
    made.make()
    return made


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_plan_is_told_and_a_kill_latches_all_the_same(
    folder: Folder, content: bytes
) -> None:
    folder.plan.write_bytes(content)
    with pytest.raises(DataError, match=r"plan.json must be a deployment's plan, is not"):
        read_plan(folder)
    with pytest.raises(DataError, match="must be a deployment's plan"):
        kill(folder, "test", "a test")
    assert [latch.name for latch in latches(folder)] == ["kill"]
    content_of_down = down(folder, "test", lambda _text: None)
    assert content_of_down["status"] == "down"
    assert what_stays(content_of_down) == "what stays at the broker is unknown"


def test_a_damaged_entry_keeps_nobody_from_ending_the_rest(folder: Folder) -> None:
    entry = enter(folder, "risk", 1)
    assert (seen_entry(folder, "risk"), entry.pid) == (entry, os.getpid())
    for name in ("risk", "venue", "supervisor", "keeper"):
        (folder.processes / f"{name}.json").write_bytes(b"x")
    assert seen_entry(folder, "risk") is None
    found = down(folder, "test", lambda _text: None)
    assert set(found["components"].values()) == {"was down"}


NO_TEXT = b'{"signal": {"endpoint": "\xa2"}, "error": "\xa2"}'
"""What would be JSON, were its texts UTF-8."""


def test_files_whose_texts_are_none_are_told_as_damaged(folder: Folder) -> None:
    addresses_file(folder).write_bytes(NO_TEXT)
    with pytest.raises(LiveError, match="must be readable"):
        read_addresses(folder)
    (folder.processes / "risk.json").write_bytes(NO_TEXT)
    with pytest.raises(LiveError, match="must be readable"):
        entry_of(folder, "risk")
    (folder.processes / "supervisor.report.json").write_bytes(NO_TEXT)
    assert report_of(folder) is None


@given(raw=st.binary(max_size=64))
def test_envelopes_of_anything_are_unreadable_in_a_known_way(raw: bytes) -> None:
    for one in (raw, b"\x95\xa2" + raw, b"\x91" * 5_000 + raw):
        try:
            decode(one)
        except UNREADABLE:
            continue

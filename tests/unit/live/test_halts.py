"""Latches as files: set, seen, reset in two steps, whoever races whom."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fanfold.errors import ConfigError
from fanfold.live import halts
from fanfold.live.folder import Folder
from fanfold.live.halts import (
    KILL,
    RESET_S,
    Latch,
    Watch,
    ask_reset,
    is_halted,
    latches,
    reset,
    set_latch,
)

SECOND = 1_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "trial")
    made.make()
    return made


def latch(name: str = KILL, reason: str = "told so", at: int = 1) -> Latch:
    return Latch(name=name, reason=reason, by="test", at=at)


def test_nothing_is_set_at_first(folder: Folder) -> None:
    assert not is_halted(folder)
    assert latches(folder) == ()
    assert Watch(folder).names() == ()


def test_a_latch_is_seen_and_keeps_its_first_reason(folder: Folder) -> None:
    set_latch(folder, latch(reason="first", at=1))
    set_latch(folder, latch(reason="second", at=2))
    set_latch(folder, latch("max_drawdown", at=3))
    assert is_halted(folder)
    assert [(each.name, each.reason) for each in latches(folder)] == [
        (KILL, "first"),
        ("max_drawdown", "told so"),
    ]


@pytest.mark.parametrize("name", ["", "Kill", "a/b", "..", "a" * 41, "kill.json"])
def test_a_name_that_is_no_name_is_refused(folder: Folder, name: str) -> None:
    with pytest.raises(ConfigError, match="name must be"):
        set_latch(folder, latch(name))
    assert not is_halted(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 70_000, b'{"at": 1e999}', b"\xff"])
def test_a_file_that_cannot_be_read_counts_as_set(folder: Folder, content: bytes) -> None:
    (folder.halts / "parity").write_bytes(content)
    assert is_halted(folder)
    (found,) = latches(folder)
    assert found.name == "parity"
    assert "cannot be read" in found.reason


def test_a_folder_that_cannot_be_looked_at_is_halted(folder: Folder) -> None:
    folder.halts.rmdir()
    assert is_halted(folder)
    assert Watch(folder).names() == (KILL,)


def test_a_reset_takes_two_steps_and_is_logged(folder: Folder) -> None:
    set_latch(folder, latch())
    code = ask_reset(folder, KILL, 10)
    assert is_halted(folder)
    reset(folder, KILL, code, "a person", 11)
    assert not is_halted(folder)
    lines = [json.loads(line) for line in (folder.halts / halts.LOG).read_text().splitlines()]
    assert [(line["what"], line["by"], line["at"]) for line in lines] == [
        ("set", "test", 1),
        ("reset", "a person", 11),
    ]


def test_a_code_is_good_once_for_a_while_and_for_its_latch(folder: Folder) -> None:
    set_latch(folder, latch())
    set_latch(folder, latch("parity"))
    code = ask_reset(folder, KILL, 0)
    with pytest.raises(ConfigError, match="it is another"):
        reset(folder, "parity", code, "me", 1)
    with pytest.raises(ConfigError, match="it is another"):
        reset(folder, KILL, code + "0", "me", 1)
    with pytest.raises(ConfigError, match="is good for"):
        reset(folder, KILL, code, "me", RESET_S * SECOND + 1)
    with pytest.raises(ConfigError, match="is good for"):
        reset(folder, KILL, code, "me", -1)
    reset(folder, KILL, code, "me", RESET_S * SECOND)
    set_latch(folder, latch())
    with pytest.raises(ConfigError, match="it is another"):
        reset(folder, KILL, code, "me", 2)
    assert {each.name for each in latches(folder)} == {KILL, "parity"}


def test_only_what_is_set_can_be_reset(folder: Folder) -> None:
    with pytest.raises(ConfigError, match="only a latch that is set"):
        ask_reset(folder, KILL, 0)
    with pytest.raises(ConfigError, match="only a latch that is set"):
        reset(folder, "../plan", "code", "me", 0)


def test_the_code_does_not_stand_in_the_folder(folder: Folder) -> None:
    set_latch(folder, latch())
    code = ask_reset(folder, KILL, 0)
    assert all(code not in file.read_text() for file in folder.halts.iterdir())


def test_a_latch_that_is_set_during_a_reset_stands(folder: Folder) -> None:
    set_latch(folder, latch(reason="first"))
    code = ask_reset(folder, KILL, 0)
    set_latch(folder, latch(reason="again", at=5))
    set_latch(folder, latch(reason="and again", at=6))
    with pytest.raises(ConfigError, match="set again during its reset"):
        reset(folder, KILL, code, "me", 7)
    assert [each.reason for each in latches(folder)] == ["again"]


def test_setting_in_vain_makes_no_more_files(folder: Folder) -> None:
    set_latch(folder, latch())
    ask_reset(folder, KILL, 0)
    for at in range(20):
        set_latch(folder, latch(at=at))
    assert len([file for file in folder.halts.iterdir() if file.name[0] != "."]) == 2


def test_without_room_for_content_an_empty_file_halts(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(halts, "write_durably", full)
    monkeypatch.setattr(halts, "_note", full)
    set_latch(folder, latch())
    assert is_halted(folder)


def test_a_watch_sees_each_change(folder: Folder) -> None:
    watch = Watch(folder)
    for turn in range(20):
        set_latch(folder, latch(at=turn))
        assert watch.names() == (KILL,)
        reset(folder, KILL, ask_reset(folder, KILL, turn), "me", turn)
        assert watch.names() == ()


def test_a_watch_trusts_a_folder_that_has_settled(folder: Folder) -> None:
    watch = Watch(folder)
    old = time.time_ns() - 60 * SECOND
    os.utime(folder.halts, ns=(old, old))
    assert watch.names() == ()
    (folder.halts / "kill").touch()
    assert watch.names() == (KILL,)


CHILD = """
import sys, time
from pathlib import Path
from fanfold.errors import ConfigError
from fanfold.live.folder import Folder
from fanfold.live.halts import Latch, ask_reset, is_halted, reset, set_latch
folder, what, turns = Folder(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for turn in range(turns):
    if what == "set":
        set_latch(folder, Latch(name="kill", reason=f"{turn}", by=sys.argv[4], at=time.time_ns()))
        if not is_halted(folder) and sys.argv[5] == "alone":
            print("LOST", flush=True)
    else:
        try:
            now = time.time_ns()
            reset(folder, "kill", ask_reset(folder, "kill", now), "me", now)
        except ConfigError:
            continue
print("done", flush=True)
sys.stdin.readline()
"""


def start(
    folder: Folder, what: str, turns: int, by: str, mode: str = "alone"
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder.path), what, str(turns), by, mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def say(child: "subprocess.Popen[str]") -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def hear(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def test_processes_that_race_lose_no_latch(folder: Folder) -> None:
    """Two set and two reset; whoever sets last, after all resets, finds it set."""
    children = [
        start(folder, "set", 30, "one", "raced"),
        start(folder, "set", 30, "two", "raced"),
        start(folder, "reset", 30, "three"),
        start(folder, "reset", 30, "four"),
    ]
    try:
        assert [hear(child) for child in children] == ["ready"] * 4
        for child in children:
            say(child)
        assert [hear(child) for child in children] == ["done"] * 4
        set_latch(folder, latch(reason="last"))
        assert is_halted(folder)
        for child in children:
            say(child)
    finally:
        for child in children:
            child.wait(10)
            assert child.stdin is not None
            child.stdin.close()
            assert child.stdout is not None
            child.stdout.close()


def test_a_latch_survives_the_death_of_whoever_set_it(folder: Folder) -> None:
    child = start(folder, "set", 1, "the dead")
    try:
        assert hear(child) == "ready"
        say(child)
        assert hear(child) == "done"
        child.send_signal(signal.SIGKILL)
    finally:
        child.wait(10)
        assert child.stdin is not None
        child.stdin.close()
        assert child.stdout is not None
        child.stdout.close()
    (found,) = latches(folder)
    assert found.by == "the dead"

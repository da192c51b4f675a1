"""A process is known by its number and its birth; a lock is held by one."""

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fanfold.errors import LiveError
from fanfold.live.folder import Folder
from fanfold.live.logs import TEXT_CHARACTERS_MAX, log_to_file
from fanfold.live.registry import (
    enter,
    entry_of,
    is_held,
    is_running,
    lock_of,
    signal_entry,
    write_entry,
)
from fanfold.live.trace import LOGGER


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "deployment")
    for each in (made.path, made.processes, made.logs):
        each.mkdir()
    return made


def test_incarnations_rise_and_last(folder: Folder) -> None:
    assert entry_of(folder, "risk") is None
    found = [enter(folder, "risk", now).incarnation for now in (1, 2, 3)]
    assert found == [1, 2, 3]
    kept = entry_of(folder, "risk")
    assert kept is not None
    assert (kept.pid, kept.started_at) == (os.getpid(), 3)
    assert is_running(kept)


def test_a_damaged_entry_is_no_new_beginning(folder: Folder) -> None:
    (folder.processes / "risk.json").write_text("{")
    with pytest.raises(LiveError, match="must be readable"):
        enter(folder, "risk", 1)


def test_no_other_process_with_the_same_number_is_signalled(folder: Folder) -> None:
    entry = enter(folder, "risk", 1)
    other = type(entry)(pid=entry.pid, born=entry.born - 1, incarnation=1, started_at=1)
    write_entry(folder, "risk", other)
    assert not is_running(other)
    assert not signal_entry(entry_of(folder, "risk"), signal.SIGKILL)  # else this test ends here


def test_who_has_ended_does_not_run_though_nobody_has_looked(folder: Folder) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    from fanfold.live.registry import Entry, born_of

    entry = Entry(pid=child.pid, born=born_of(child.pid) or 0, incarnation=1, started_at=1)
    assert is_running(entry)
    assert signal_entry(entry, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie until it is waited for
    assert not is_running(entry)
    child.communicate()


def test_a_lock_is_held_by_one_until_it_lets_go(folder: Folder) -> None:
    first, second = lock_of(folder, "risk"), lock_of(folder, "risk")
    assert not is_held(folder, "risk")
    assert first.take()
    assert not second.take()
    assert is_held(folder, "risk")
    first.close()
    assert second.take()
    second.close()


def test_lines_are_json_without_secrets_and_without_values(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", "PKPLANTED")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "planted-secret")
    logger = logging.getLogger("fanfold")
    before = logger.handlers[:], logger.propagate, logger.level
    try:
        log_to_file(folder, "risk", 4)
        log = logging.getLogger("fanfold.live.test")
        log.warning("key PKPLANTED secret %s", "planted-secret")
        log.error("x" * 2 * TEXT_CHARACTERS_MAX)
        try:
            int("planted-secret")
        except ValueError:
            log.exception("it failed")
    finally:
        for handler in (*logger.handlers, *logging.getLogger(LOGGER).handlers):
            handler.close()
        logging.getLogger(LOGGER).handlers.clear()
        logger.handlers[:], logger.propagate = before[:2]
        logger.setLevel(before[2])
    text = (folder.logs / "risk.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["text"] == "key (hidden) secret (hidden)"
    assert (lines[0]["component"], lines[0]["incarnation"]) == ("risk", 4)
    assert len(lines[1]["text"]) == TEXT_CHARACTERS_MAX
    assert lines[2]["error"].endswith("with base 10: '(hidden)'")
    assert "planted" not in text.lower()
    assert "Traceback" not in text

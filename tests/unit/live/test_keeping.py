"""A supervisor that is killed is made anew; one that ends in order is not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

PATIENCE_S = 20.0
BODY = """
import os, signal, sys, time
from pathlib import Path
from fanfold.live.folder import Folder
from fanfold.live.keeping import keep
folder = Folder(Path(sys.argv[1]))
def act():
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    with (folder.path / "pids").open("a") as file:
        print(os.getpid(), file=file)
    while not asked:
        time.sleep(0.01)
    return 0
sys.exit(keep(folder, act))
"""


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


class Kept:
    def __init__(self, path: Path) -> None:
        (path / "processes").mkdir()
        self.path = path
        self.keeper = subprocess.Popen([sys.executable, "-c", BODY, str(path)])

    def pids(self) -> list[int]:
        file = self.path / "pids"
        return [int(one) for one in file.read_text().split()] if file.exists() else []


@pytest.fixture
def kept(tmp_path: Path) -> Generator[Kept]:
    made = Kept(tmp_path)
    eventually(lambda: len(made.pids()) == 1)
    yield made
    made.keeper.terminate()
    made.keeper.wait(PATIENCE_S)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_that_is_killed_is_made_anew_again_and_again(kept: Kept) -> None:
    for count in (1, 2):
        os.kill(kept.pids()[-1], signal.SIGKILL)
        eventually(lambda made=count + 1: len(kept.pids()) == made)
    assert len(set(kept.pids())) == 3


def test_one_that_ends_in_order_ends_its_keeper(kept: Kept) -> None:
    os.kill(kept.pids()[0], signal.SIGTERM)
    assert kept.keeper.wait(PATIENCE_S) == 0
    assert len(kept.pids()) == 1


def test_a_keeper_that_is_stopped_stops_the_other_first(kept: Kept) -> None:
    kept.keeper.terminate()
    assert kept.keeper.wait(PATIENCE_S) == 0
    assert len(kept.pids()) == 1
    assert not is_there(kept.pids()[0])


def test_where_the_keeper_is_killed_the_other_goes_on(kept: Kept) -> None:
    kept.keeper.kill()
    kept.keeper.wait(PATIENCE_S)
    pid = kept.pids()[0]
    assert is_there(pid)
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not is_there(pid))

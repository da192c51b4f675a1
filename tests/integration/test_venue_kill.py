import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.venue_journal import ACCOUNT, NOW, commits_of
from tests.integration.venue_soak import Soak

from fanfold.venue.journal import Journal, OrderQuery
from fanfold.venue.trading.book import Book

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("FANFOLD_VENUE_KILLS", "200"))


def committed(path: Path, seed: int, count: int) -> int:
    """Kill a process that commits after it has told of so many; the number that it told last."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.venue_journal_child", str(path), str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None
    with child.stdout as told:
        for _ in range(count):
            told.readline()
        child.kill()
        rest = told.read().splitlines(keepends=True)  # what it still told before it was gone
    child.wait(60)
    whole = [int(line) for line in rest if line.endswith("\n")]
    return whole[-1] if whole else count - 1


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_process_has_left_every_commit_that_it_told_of(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "venue.db"
    told = committed(path, seed, 1 + 97 * seed)
    journal = Journal.open(path, terms="child")
    restored = journal.restored()
    assert restored is not None
    last = restored.clock - NOW
    assert last in (told, told + 1)
    other = Journal.open(None, terms="child")
    for number, changes in commits_of(seed, other):
        other.commit(changes, NOW + number)
        if number == last:
            break
    assert restored == other.restored()
    every = OrderQuery(status="all", limit=10_000)
    assert journal.orders(ACCOUNT, every) == other.orders(ACCOUNT, every)
    assert journal.events(ACCOUNT, limit=10_000) == other.events(ACCOUNT, limit=10_000)
    book = Book(journal)
    book.restore(restored)
    assert book.seq == restored.seq
    journal.close()
    other.close()


def soaked(folder: Path, kills: int, seed: int) -> tuple[Soak, set[str]]:
    """A soak that has ended well, and what its clients got done."""
    soak = Soak(folder, seed)
    soak.run(kills)
    assert soak.updates > 0
    return soak, {note.what for note in soak.sent if note.done}


def test_a_killed_venue_has_lost_nothing_and_doubled_nothing(tmp_path: Path) -> None:
    _, done = soaked(tmp_path, 2, seed=1)
    assert done > {"submit"}


@pytest.mark.soak
def test_a_venue_that_is_killed_many_times_loses_nothing(tmp_path: Path) -> None:
    soak, done = soaked(tmp_path, KILLS, seed=2)
    assert soak.kills == KILLS
    assert done == {"submit", "cancel", "replace", "close", "cancel_all"}

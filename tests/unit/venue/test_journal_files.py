import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.venue_journal import ACCOUNT, NOW, opened_book, submit

from fanfold.errors import ConfigError, DataError
from fanfold.venue.journal import Journal
from fanfold.venue.journal.files import SCHEMA
from fanfold.venue.journal.journal import FOLD_COMMITS
from fanfold.venue.trading.book import Book


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of two hundred orders, closed."""
    path = tmp_path / "venue.db"
    journal = Journal.open(path, terms="sample")
    book, changes = opened_book(journal)
    journal.commit(changes, NOW)
    for number in range(200):
        submit(book, f"order-{number}", NOW)
        journal.commit(book.take(), NOW)
    journal.close()
    return path


def opened(path: Path, terms: str = "sample") -> None:
    Journal.open(path, terms=terms).close()


def test_a_second_venue_on_the_same_file_is_refused(path: Path) -> None:
    first = Journal.open(path, terms="sample")
    with pytest.raises(DataError, match=r"must not be in use by another venue, .*venue\.db"):
        opened(path)
    first.close()
    opened(path)


def test_another_process_on_the_same_file_is_refused(path: Path) -> None:
    first = Journal.open(path, terms="sample")
    code = (
        "import sys\nfrom pathlib import Path\nfrom fanfold.venue.journal import Journal\n"
        "Journal.open(Path(sys.argv[1]), terms='sample')"
    )
    second = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert "must not be in use by another venue" in second.stderr
    first.close()


def test_other_terms_are_refused_and_both_are_named(path: Path) -> None:
    with pytest.raises(ConfigError, match="was begun with sample, now it is store"):
        opened(path, terms="store")


def test_another_version_is_refused_and_both_are_named(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 7")
    other.close()
    with pytest.raises(DataError, match=r"must be of version 1, .*venue\.db is of version 7"):
        opened(path)


def test_another_programs_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(DataError, match=r"other\.db is another's"):
        opened(path)
    assert b"mine" in path.read_bytes()


@pytest.mark.parametrize("content", [b"hello, I am no journal", os.urandom(8_192), b"\0" * 8_192])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "garbage.db"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"garbage\.db"):
        opened(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_refused(path: Path, share: float) -> None:
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))
    with pytest.raises(DataError, match=r"venue\.db"):
        opened(path)


@pytest.mark.parametrize("table", ["records", "orders_time", "log"])
def test_a_page_that_was_overwritten_is_noticed(path: Path, table: str) -> None:
    with sqlite3.connect(path) as other:
        asked = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        (page,) = other.execute(asked, (table,)).fetchone()
    other.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4_096)
        file.write(b"\xff" * 4_096)
    with pytest.raises(DataError, match=r"venue\.db"):
        opened(path)


def test_a_record_that_was_taken_out_is_noticed(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM records WHERE seq = 17")
    other.close()
    with pytest.raises(DataError, match=r"all records up to 400, .*venue\.db holds 399"):
        opened(path)


def test_a_body_that_cannot_be_read_is_noticed(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("UPDATE accounts SET body = '{}'")
    other.close()
    with pytest.raises(DataError, match=r"must be undamaged, .*venue\.db"):
        opened(path)


def killed(path: Path, commits: int) -> None:
    """Leave a journal as a killed process does: nothing is brought into the tables any more."""
    journal = Journal.open(path, terms="sample")
    book, changes = opened_book(journal)
    journal.commit(changes, NOW)
    for number in range(1, commits):
        submit(book, f"order-{number}", NOW)
        journal.commit(book.take(), NOW + number)
    journal._connection.close()


@pytest.mark.parametrize("commits", [1, 2, FOLD_COMMITS, FOLD_COMMITS + 1, 3 * FOLD_COMMITS])
def test_what_was_in_the_log_alone_is_there_again(tmp_path: Path, commits: int) -> None:
    path = tmp_path / "venue.db"
    killed(path, commits)
    journal = Journal.open(path, terms="sample")
    restored = journal.restored()
    assert restored is not None
    assert (restored.clock, restored.seq) == (NOW + commits - 1, 2 * (commits - 1))
    assert len(restored.orders) == commits - 1
    book = Book(journal)
    book.restore(restored)
    order = submit(book, "after", NOW)
    journal.commit(book.take(), NOW + commits)
    journal._connection.close()
    again = Journal.open(path, terms="sample")
    assert again.order_by_client_id(ACCOUNT, "after") == order
    again.close()


def test_an_entry_that_was_taken_out_of_the_log_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    killed(path, 10)
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM log WHERE slot = 4")
    other.close()
    with pytest.raises(DataError, match=r"all commits after 0, .* holds only \[1, 2, 3, 5"):
        opened(path)


def test_an_empty_file_is_begun(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    opened(path)
    opened(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none/venue\.db"):
        opened(tmp_path / "none" / "venue.db")
    with pytest.raises(DataError, match=tmp_path.name):
        opened(tmp_path)


def test_full_waits_for_the_disk_and_normal_does_not(tmp_path: Path) -> None:
    for full, level in ((True, 2), (False, 1)):
        journal = Journal.open(tmp_path / f"{full}.db", terms="", full=full)
        assert journal._connection.execute("PRAGMA synchronous").fetchone() == (level,)
        assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        journal.close()


def test_tables_are_all_made_at_once_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "half.db"
    half = sqlite3.connect(path, isolation_level=None)
    half.execute("PRAGMA journal_mode = WAL")
    half.execute("BEGIN")
    half.execute(SCHEMA[0])
    half.close()  # the process is gone before it could commit
    journal = Journal.open(path, terms="sample")
    assert journal.order_by_client_id(ACCOUNT, "none") is None
    journal.close()


def test_of_terms_that_are_settings_only_the_difference_is_named(tmp_path: Path) -> None:
    path = tmp_path / "terms.db"
    opened(path, '{"replay":{"source":"sample","begin":null},"seed":0}')
    with pytest.raises(ConfigError) as caught:
        opened(path, '{"replay":{"source":"bars.csv","begin":null},"seed":1}')
    assert str(caught.value).endswith(
        'terms.db: replay.source was "sample", is "bars.csv", seed was 0, is 1; '
        "name another file to begin anew"
    )

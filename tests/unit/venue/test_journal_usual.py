import os
from pathlib import Path

import pytest

from fanfold.errors import ConfigError
from fanfold.venue.journal import usual


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    return tmp_path


def test_equal_settings_have_one_journal_and_others_another() -> None:
    assert usual.usual_file("a") == usual.usual_file("a")
    assert usual.usual_file("a") != usual.usual_file("b")


def test_only_its_owner_reads_a_journal(house: Path) -> None:
    file = usual.usual_file("a")
    usual.keep_private(file)
    assert file.stat().st_mode & 0o077 == 0
    assert (house / "venue").stat().st_mode & 0o077 == 0


def test_journals_that_were_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usual, "USUAL_MAX", 2)
    files = [usual.usual_file(name) for name in "abcd"]
    for age, file in enumerate(files):
        file.touch()
        os.utime(file, (1_000 - age, 1_000 - age))
    beside = files[3].with_name(f"{files[3].name}-wal")
    beside.touch()  # written just now: the oldest file has what is newest
    usual.usual_file("e")
    assert [file.exists() for file in files] == [True, False, False, True]


def test_a_folder_that_cannot_be_made_is_named(house: Path) -> None:
    (house / "venue").write_text("in the way")
    with pytest.raises(ConfigError, match=r"folder must be there or be made, .* cannot"):
        usual.usual_file("a")
